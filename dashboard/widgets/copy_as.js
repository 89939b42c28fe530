// Buttons that copy a text each, and show what was copied. Texts hold names that people gave: they are never markup.

const shown = new WeakMap(); // root element -> key of the text that is shown

function text(data, key) {
  if (key !== "link") return data.texts[key];
  const { origin, pathname } = window.location;
  return `${origin}${pathname}?${data.query}`;
}

async function copy(root, data, key) {
  const status = root.querySelector(".status");
  shown.set(root, key);
  show(root, data);
  try {
    await navigator.clipboard.writeText(text(data, key));
    status.textContent = `${data.labels[key]} copied.`;
  } catch {
    // No clipboard without https or on an old browser: the text is there to be copied by hand.
    const area = root.querySelector("textarea");
    area.focus();
    area.select();
    status.textContent = "Press Ctrl+C to copy.";
  }
}

function show(root, data) {
  const key = shown.get(root);
  const area = root.querySelector("textarea");
  area.hidden = key === undefined;
  if (key === undefined) return;
  area.value = text(data, key);
  area.rows = Math.min(14, area.value.split("\n").length + (key === "link" ? 3 : 0));
  area.setAttribute("aria-label", data.labels[key]);
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".copy");
  const buttons = Object.entries(data.labels).map(([key, label]) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.onclick = () => copy(root, data, key);
    return button;
  });
  const row = root.querySelector(".row");
  if (row.childElementCount !== buttons.length) {
    row.replaceChildren(...buttons);
  } else {
    buttons.forEach((button, place) => (row.children[place].onclick = button.onclick)); // the focus stays where it is
  }
  if (root.querySelector("textarea").value !== (shown.has(root) ? text(data, shown.get(root)) : "")) {
    root.querySelector(".status").textContent = "";
  }
  show(root, data);
}
