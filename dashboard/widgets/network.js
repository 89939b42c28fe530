// The freezing slider. What the reader does shows at once and is sent to Python with a stamp; an answer that carries an
// older stamp was given before the newest move, and its depth is ignored.

const SEND_AFTER = 180; // ms: keys held down become one message
const views = new WeakMap(); // .network element -> view

const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text; // names are data, never markup
  return made;
}

function build(view) {
  const { units } = view.data;
  const row = Math.max(8, Math.min(28, Math.floor(460 / units.length) - 2));
  view.stack.classList.toggle("tiny", row < 18);
  view.units.style.setProperty("--row", `${row}px`);
  view.rows = units.map((unit, index) => {
    const made = element("div", "unit");
    made.title = `${unit.name}: ${count(unit.parameters, "parameter")}`;
    made.append(element("span", "name", unit.name), element("span", "number", unit.parameters.toLocaleString("en")));
    const next = units[index + 1];
    made.classList.toggle("last", Boolean(next) && next.stage !== unit.stage); // a little air between stages
    return made;
  });
  view.units.replaceChildren(...view.rows);
  view.built = JSON.stringify(units);
}

/** Pixels from the top of the stack to the boundary above `depth` units. */
function height(view, depth) {
  if (depth === 0) return view.units.offsetHeight + 1;
  const row = view.rows[depth - 1];
  return row.offsetTop - 1;
}

function words(view) {
  const { units } = view.data;
  const { depth } = view;
  const all = units.length;
  if (depth === 0) return `0 of ${all} units frozen: full fine-tuning`;
  if (depth === all) return `${all} of ${all} units frozen: the linear probe`;
  const span = depth === 1 ? units[0].name : `${units[0].name} to ${units[depth - 1].name}`;
  return `${depth} of ${all} units frozen: ${span}`;
}

function summary(view) {
  const { units, head, mode, used } = view.data;
  const all = units.length;
  if (mode === "drawing") {
    const sum = units.reduce((all, unit) => all + unit.parameters, 0);
    return [count(all, "unit"), `${count(sum, "parameter")}, from the image at the bottom to the features at the top.`];
  }
  if (!used) return [`${all} units`, "The chosen strategies have no depth to choose."];
  if (mode === "every") {
    return [`Every depth from 0 to ${all} runs`, `${all + 1} networks for each seed: from full fine-tuning to the linear probe.`];
  }
  const fixed = units.slice(0, view.depth).reduce((sum, unit) => sum + unit.parameters, 0);
  const rest = units.slice(view.depth).reduce((sum, unit) => sum + unit.parameters, head ?? 0);
  return [words(view), `${count(fixed, "parameter")} stay as they are, ${rest.toLocaleString("en")} are trained.`];
}

function chips(view) {
  if (view.data.mode !== "several" || !view.data.used) return [];
  const made = [...view.depths].map((depth) => {
    const chip = element("button", "chip", `${depth} ×`);
    chip.setAttribute("aria-label", `Remove depth ${depth}`);
    chip.onclick = () => toggle(view, depth);
    return chip;
  });
  if (!view.depths.includes(view.depth)) {
    const add = element("button", "add", `+ Add depth ${view.depth}`);
    add.onclick = () => toggle(view, view.depth);
    made.push(add);
  }
  for (const button of made) button.type = "button";
  return made;
}

function paint(view) {
  const { units, mode, used } = view.data;
  const every = mode === "every";
  view.root.classList.toggle("idle", every || !used);
  view.root.classList.toggle("unused", !used);
  view.rows.forEach((row, index) => {
    row.classList.toggle("frozen", !every && index < view.depth);
    row.classList.toggle("share", every);
    // Deeper ice is bluer; with every depth, a unit is ice over the share of networks in which it is frozen: stairs.
    row.style.setProperty("--mix", index < view.depth ? `${44 - (16 * index) / units.length}%` : "30%");
    row.style.setProperty("--share", `${(100 * (units.length - index)) / (units.length + 1)}%`);
  });
  view.line.style.top = `${height(view, view.depth)}px`;
  view.stack.querySelectorAll(".pin").forEach((pin) => pin.remove());
  if (mode === "several") {
    for (const depth of view.depths) {
      const pin = element("div", "pin");
      pin.style.top = `${height(view, depth) - 1}px`;
      view.stack.prepend(pin);
    }
  }
  const [first, second] = summary(view);
  view.sum.replaceChildren(element("strong", "", first), document.createElement("br"), element("span", "soft", second));
  const focused = view.chosen.contains(view.parent.activeElement);
  view.chosen.replaceChildren(...chips(view));
  if (focused) (view.chosen.querySelector(".add") ?? view.chosen.lastElementChild ?? view.stack).focus();
  const { head } = view.data;
  view.head.replaceChildren(
    element("span", "", "New head: always trained"),
    element("span", "number", head === null ? "" : count(head, "parameter")),
  );
  view.images.replaceChildren(element("span", "", every || !used ? "Images" : "Images · choose here to freeze nothing"));
  view.images.disabled = every || !used;
  const told = { valuemin: 0, valuemax: units.length, valuenow: view.depth, valuetext: every ? first : words(view) };
  for (const [name, value] of Object.entries(told)) view.stack.setAttribute(`aria-${name}`, value);
  view.stack.setAttribute("aria-disabled", String(every || !used));
  view.stack.tabIndex = every || !used ? -1 : 0;
}

function flush(view) {
  if (view.timer === undefined) return;
  clearTimeout(view.timer);
  view.timer = undefined;
  view.setTriggerValue("moved", { depth: view.depth, depths: view.depths, stamp: view.stamp });
}

function send(view) {
  clearTimeout(view.timer);
  view.timer = setTimeout(() => flush(view), SEND_AFTER);
}

function move(view, depth) {
  view.depth = Math.max(0, Math.min(view.data.units.length, depth));
  if (view.data.mode === "one") view.depths = [view.depth];
  view.stamp = Math.max(Date.now(), view.stamp + 1);
  paint(view);
  send(view);
}

function toggle(view, depth) {
  const without = view.depths.filter((one) => one !== depth);
  view.depths = without.length < view.depths.length ? without : [...without, depth].sort((a, b) => a - b);
  move(view, depth);
}

function nearest(view, clientY) {
  const y = clientY - view.stack.getBoundingClientRect().top;
  const depths = [...view.rows.keys(), view.rows.length];
  return depths.reduce((best, depth) => (Math.abs(height(view, depth) - y) < Math.abs(height(view, best) - y) ? depth : best));
}

function key(view, event) {
  const { units, mode } = view.data;
  const stages = [0, ...units.flatMap((unit, i) => (units[i + 1]?.stage === unit.stage ? [] : [i + 1]))];
  const steps = {
    ArrowUp: () => view.depth + 1,
    ArrowRight: () => view.depth + 1,
    ArrowDown: () => view.depth - 1,
    ArrowLeft: () => view.depth - 1,
    PageUp: () => stages.find((depth) => depth > view.depth) ?? units.length,
    PageDown: () => stages.findLast((depth) => depth < view.depth) ?? 0,
    Home: () => 0,
    End: () => units.length,
  };
  if (event.ctrlKey || event.metaKey || event.altKey) return flush(view); // Ctrl+Enter runs what is shown
  if (event.key in steps) move(view, steps[event.key]());
  else if (mode === "several" && (event.key === "Enter" || event.key === " ")) toggle(view, view.depth);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

function mount(root, parent) {
  const find = (name) => root.querySelector(`.${name}`);
  const view = { root, parent, depth: 0, depths: [], stamp: -1 };
  for (const name of ["head", "stack", "units", "line", "images", "sum", "chosen"]) view[name] = find(name);
  const active = () => view.data.used && view.data.mode !== "every";
  view.stack.addEventListener("keydown", (event) => active() && key(view, event));
  root.addEventListener("focusout", () => flush(view)); // before a button elsewhere is pressed
  view.images.addEventListener("click", () => active() && move(view, 0));
  view.units.addEventListener("click", (event) => {
    const row = view.rows.indexOf(event.target.closest(".unit"));
    if (active() && row >= 0) move(view, row + 1);
  });
  const grip = find("grip");
  grip.addEventListener("pointerdown", (event) => {
    if (!active()) return;
    grip.setPointerCapture(event.pointerId);
    root.classList.add("dragging");
    view.stack.focus({ preventScroll: true });
    event.preventDefault();
  });
  grip.addEventListener("pointermove", (event) => {
    if (!root.classList.contains("dragging")) return;
    const depth = nearest(view, event.clientY);
    if (depth !== view.depth) move(view, depth);
  });
  for (const end of ["pointerup", "pointercancel"]) grip.addEventListener(end, () => root.classList.remove("dragging"));
  view.observer = new ResizeObserver(() => view.rows && paint(view));
  view.observer.observe(view.units);
  views.set(root, view);
  return view;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".network");
  const view = views.get(root) ?? mount(root, parentElement);
  view.setTriggerValue = setTriggerValue;
  const other = view.data?.mode !== data.mode;
  view.data = data;
  if (view.built !== JSON.stringify(data.units)) build(view);
  if (data.stamp >= view.stamp || (other && view.timer === undefined)) {
    Object.assign(view, { depth: data.depth, depths: data.depths, stamp: Math.max(data.stamp, view.stamp) });
  }
  view.depth = Math.min(view.depth, data.units.length);
  paint(view);
  return () => {
    clearTimeout(view.timer);
    view.observer.disconnect();
    views.delete(root);
  };
}
