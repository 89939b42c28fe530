// Draws a Plotly figure with Plotly.react, so that zoom, hidden legend items and hover outlive every new set of data.
// Streamlit calls the default export once per mount, then for new data and for every change of theme; never for nothing.

const ASK_MILLISECONDS = 1000; // with 0.2 s of batching in the worker, a metric is on screen within 1.5 s

let loading; // one promise for the whole page
const states = new WeakMap(); // figure element -> what is wanted and what is shown

function loadPlotly(source) {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    const fail = () => {
      script.remove();
      loading = undefined; // the next update tries again
      reject(new Error("the drawing library did not load from this server"));
    };
    script.src = new URL(source, document.baseURI).href;
    script.onload = () => (window.Plotly ? resolve(window.Plotly) : fail()); // an unknown path answers with the app's HTML
    script.onerror = fail;
    document.head.append(script);
  });
  return loading;
}

function isDark(figure) {
  // The style sheet gives the caret the theme's background: a colour that the browser resolves and nobody sees.
  const [red, green, blue] = getComputedStyle(figure).caretColor.match(/[\d.]+/g).map(Number);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 128;
}

function configuration(Plotly, filename) {
  const svg = {
    name: "Download plot as an SVG",
    title: "Download as SVG",
    icon: Plotly.Icons.disk,
    click: (figure) => Plotly.downloadImage(figure, { format: "svg", filename }),
  };
  return {
    responsive: true,
    displaylogo: false,
    showTips: false,
    modeBarButtonsToRemove: ["select2d", "lasso2d"],
    modeBarButtonsToAdd: [svg],
    toImageButtonOptions: { format: "png", filename, scale: 2 },
  };
}

async function draw(figure, state) {
  if (state.busy) return; // the running call sees the newest wish before it ends
  state.busy = true;
  try {
    const Plotly = await loadPlotly(state.source);
    state.config ??= configuration(Plotly, state.filename); // a new object would make Plotly start over
    while (state.alive && state.wanted !== state.shown && figure.clientWidth > 0) {
      if (figure._dragging) {
        await new Promise((resume) => setTimeout(resume, 100)); // never redraw under the reader's hand
        continue;
      }
      const spec = state.wanted;
      const { data, layout } = typeof spec === "string" ? JSON.parse(spec) : spec;
      delete layout.width;
      delete layout.height;
      await Plotly.react(figure, data, { ...layout, autosize: true }, state.config);
      state.shown = spec;
    }
    state.message.hidden = true;
  } catch (error) {
    console.error("live figure:", error);
    state.message.textContent = `This chart could not be drawn: ${error.message}. Reload the page to try again.`;
    state.message.hidden = false;
  } finally {
    state.busy = false;
  }
}

async function ask(figure, state) {
  // The chart's own news: asked for again and again, one at a time, and after the first not while nobody sees it.
  state.asking = true;
  while (state.alive && state.feed) {
    if (!document.hidden && (state.inView || !state.digest) && !figure._dragging) {
      try {
        const theme = isDark(figure) ? "dark" : "light";
        const have = theme === state.theme ? (state.digest ?? "") : "";
        const address = new URL(`${state.feed}?theme=${theme}&have=${have}`, document.baseURI);
        const answer = await fetch(address, { cache: "no-store" });
        if (answer.status === 200 && state.alive) {
          const news = await answer.json();
          Object.assign(state, { wanted: news.spec, digest: news.digest, theme });
          figure.setAttribute("aria-label", news.alt);
          state.reading.textContent = news.reading; // text, never HTML: it may hold names, and names are data
          state.reading.hidden = false;
          draw(figure, state);
        }
      } catch {
        // The server is away for a moment; Streamlit's own banner says so.
      }
    }
    await new Promise((resume) => (state.wake = resume, setTimeout(resume, ASK_MILLISECONDS)));
  }
  state.asking = false;
}

function mount(figure, parent) {
  const [message, reading] = ["message", "reading"].map((name) => parent.querySelector(`.transferscope-figure-${name}`));
  const state = { alive: true, message, reading };
  state.observer = new ResizeObserver(() => {
    // Plotly itself hears only the window; the sidebar, an expander or a tab change the width too.
    if (state.shown === undefined) {
      if (state.wanted !== undefined) draw(figure, state);
    } else if (figure.clientWidth > 0) window.Plotly.Plots.resize(figure);
  });
  state.observer.observe(figure);
  state.view = new IntersectionObserver((seen) => {
    state.inView = seen.at(-1).isIntersecting;
    if (state.inView) state.wake?.();
  }, { rootMargin: "100px" });
  state.view.observe(figure);
  states.set(figure, state);
  return state;
}

export default function ({ data, parentElement }) {
  const figure = parentElement.querySelector(".transferscope-figure");
  const state = states.get(figure) ?? mount(figure, parentElement);
  figure.style.height = `${data.height}px`;
  state.source = data.source;
  state.filename = data.filename;
  state.feed = data.feed;
  if (data.feed) {
    loadPlotly(data.source).catch(() => {}); // while the data are on their way
    if (state.asking) state.wake?.(); // another theme, say
    else ask(figure, state);
  } else {
    figure.setAttribute("aria-label", data.alt);
    state.wanted = isDark(figure) ? data.dark : data.light;
    draw(figure, state);
  }
  return () => {
    state.alive = false;
    state.observer.disconnect();
    state.view.disconnect();
    states.delete(figure);
    window.Plotly?.purge(figure);
  };
}
