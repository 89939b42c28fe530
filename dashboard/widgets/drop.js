// Sends a dropped zip to the server as it is read; the browser never holds all of it. File names are never markup.

const views = new WeakMap(); // .drop element -> view

const size = (bytes) => (bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : bytes < 1e9 ? `${(bytes / 1e6).toFixed(0)} MB` : `${(bytes / 1e9).toFixed(1)} GB`);

function say(view, text, bad = false) {
  view.status.textContent = text;
  view.status.classList.toggle("bad", bad);
}

function ended(view, text, bad) {
  view.request = null;
  view.coming.hidden = true;
  view.input.disabled = false;
  view.input.value = "";
  say(view, text, bad);
}

function answer(request) {
  try {
    return JSON.parse(request.responseText);
  } catch {
    return {};
  }
}

function send(view, file) {
  if (!file || view.request) return;
  if (file.size > view.data.most) {
    say(view, `${file.name} has ${size(file.size)}; at most ${size(view.data.most)} are taken. Unpack it, and give the folder's path.`, true);
    return;
  }
  const request = new XMLHttpRequest(); // fetch cannot tell how much has been sent
  view.request = request;
  view.coming.hidden = false;
  view.input.disabled = true;
  view.file.textContent = file.name;
  view.file.title = file.name;
  view.bar.value = 0;
  say(view, `0 % of ${size(file.size)}`);
  request.open("POST", new URL(view.data.url, document.baseURI));
  request.setRequestHeader("content-type", "application/zip");
  request.setRequestHeader(view.data.header, encodeURIComponent(file.name));
  request.upload.onprogress = (event) => {
    view.bar.value = event.total ? event.loaded / event.total : 0;
    say(view, `${Math.floor(view.bar.value * 100)} % of ${size(file.size)}`);
  };
  request.onload = () => {
    const told = answer(request);
    if (request.status === 200 && told.token) {
      ended(view, "");
      view.tell("dropped", { token: told.token, at: Date.now() });
    } else {
      ended(view, told.error || `The server refused the file (${request.status}).`, true);
    }
  };
  request.onerror = () => ended(view, "The connection was lost. Drop the file again.", true);
  request.onabort = () => ended(view, "Stopped.");
  request.send(file);
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".drop");
  let view = views.get(root);
  if (!view) {
    const find = (selector) => root.querySelector(selector);
    view = { field: find(".field"), input: find("input"), coming: find(".coming"), file: find(".file"), bar: find("progress"), status: find(".status") };
    views.set(root, view);
    find(".call").textContent = "Drop a zip here, or click to choose one";
    view.input.onchange = () => send(view, view.input.files[0]);
    find("button").onclick = () => view.request && view.request.abort();
    for (const kind of ["dragenter", "dragover"]) {
      view.field.addEventListener(kind, (event) => {
        event.preventDefault();
        view.field.classList.add("over");
      });
    }
    for (const kind of ["dragleave", "drop"]) view.field.addEventListener(kind, () => view.field.classList.remove("over"));
    view.field.addEventListener("drop", (event) => {
      event.preventDefault();
      send(view, event.dataTransfer.files[0]);
    });
  }
  view.data = data;
  view.tell = setTriggerValue;
  root.querySelector(".hint").textContent = data.hint;
}
