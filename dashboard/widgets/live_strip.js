// How an experiment stands: a bar and two sentences that ask for news by themselves, so that the page around them is drawn
// anew only when its buttons or messages change.

const ASK_MILLISECONDS = 1000;

const strips = new WeakMap(); // the component's root -> what it knows

function show(root, news) {
  const bar = root.querySelector("[role=progressbar]");
  const share = Math.round(100 * news.done);
  if (bar.getAttribute("aria-valuenow") !== String(share)) {
    bar.setAttribute("aria-valuenow", share);
    bar.firstElementChild.style.width = `${share}%`;
  }
  for (const name of ["headline", "detail"]) {
    const line = root.querySelector(`.transferscope-strip-${name}`);
    if (line.textContent !== news[name]) line.textContent = news[name]; // text, never HTML: it holds names of files
  }
}

async function ask(root, state) {
  while (state.alive) {
    if (!document.hidden) {
      try {
        const address = new URL(`${state.feed}?have=${state.digest ?? ""}`, document.baseURI);
        const answer = await fetch(address, { cache: "no-store" });
        if (answer.status === 200 && state.alive) {
          const news = await answer.json();
          state.digest = news.digest;
          show(root, news);
          if (news.shape !== state.shape && news.shape !== state.told) {
            state.told = news.shape; // once: until the page has been drawn it is the same news
            state.tell("shape", news.shape);
          }
        }
      } catch {
        // The server is away for a moment; Streamlit's own banner says so.
      }
    }
    await new Promise((resume) => (state.wake = resume, setTimeout(resume, ASK_MILLISECONDS)));
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".transferscope-strip");
  let state = strips.get(root);
  const fresh = !state;
  if (fresh) strips.set(root, (state = { alive: true }));
  Object.assign(state, { feed: data.feed, shape: data.shape, tell: setTriggerValue });
  show(root, data);
  if (fresh) ask(root, state);
  return () => {
    state.alive = false;
    state.wake?.();
    strips.delete(root);
  };
}
