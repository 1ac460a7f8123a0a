"use strict";
// The page of `llmi-train studio`. The server sends finished, escaped HTML for each block; this puts it in place.
const $ = (id) => document.getElementById(id);
const token = document.querySelector("meta[name=studio-token]").content;
const pictures = [];
let current = null; // { id, abort }
let sessions = [];

async function ask(path, options = {}) {
  const response = await fetch(path, { ...options, headers: { "X-Studio-Token": token, ...(options.headers || {}) } });
  if (!response.ok) {
    const told = await response.json().catch(() => ({}));
    throw new Error(told.error || `the studio answered ${response.status}`);
  }
  return response;
}

const post = (path, value) =>
  ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(value ?? {}) });

function complain(problem) {
  $("complaint").textContent = problem || "";
  $("complaint").hidden = !problem;
}

// the user's pictures

function readFile(file) {
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result);
    reader.onerror = () => failed(new Error(`${file.name} cannot be read`));
    reader.readAsDataURL(file);
  });
}

async function addFiles(files) {
  for (const file of [...files]) { // the list is emptied while files are read
    if (!file.type.startsWith("image/")) continue;
    pictures.push({ name: file.name, url: await readFile(file) });
  }
  showThumbs();
}

function showThumbs() {
  $("thumbs").replaceChildren(...pictures.map((picture, index) => {
    const item = document.createElement("li");
    const image = document.createElement("img");
    image.src = picture.url;
    image.alt = picture.name;
    const remove = document.createElement("button");
    remove.type = "button";
    remove.textContent = "×";
    remove.setAttribute("aria-label", `Remove ${picture.name}`);
    remove.onclick = () => { pictures.splice(index, 1); showThumbs(); };
    item.append(image, remove);
    return item;
  }));
}

// one document

function block(key) {
  const id = `block-${key}`;
  let found = $(id);
  if (!found) {
    found = document.createElement("div");
    found.className = "block";
    found.id = id;
    $("body").append(found);
  }
  return found;
}

function clear() {
  for (const id of ["body", "calls", "given", "asked", "marks", "facts"]) $(id).replaceChildren();
  for (const id of ["document", "given", "asked", "downloads", "state", "score", "sums", "empty"]) $(id).hidden = true;
  $("no-calls").hidden = false;
  $("ledger").hidden = false;
  complain("");
}

function say(words, going) {
  $("state").hidden = !words;
  $("state").textContent = words;
  $("state").classList.toggle("going", Boolean(going));
}

const PLACES = { text: "Writing", tag: "Asking for a picture", thought: "Thinking" };

const TAKE = {
  asked(message) { $("asked").innerHTML = message.html; $("asked").hidden = false; },
  given(message) { $("given").innerHTML = message.html; $("given").hidden = false; },
  place(message) { say(PLACES[message.place], true); },
  block(message) {
    $("document").hidden = false;
    const place = block(message.at);
    place.classList.toggle("arrived", Boolean(message.arrived));
    place.innerHTML = message.html;
  },
  call(message) {
    $("no-calls").hidden = true;
    const id = `call-${message.index}`;
    let item = $(id);
    if (!item) {
      item = document.createElement("li");
      item.id = id;
      $("calls").append(item);
    }
    item.innerHTML = message.html;
  },
  facts(message) {
    $("sums").hidden = false;
    $("facts").replaceChildren(...message.facts.map(([name, value]) => {
      const row = document.createElement("div");
      const dt = document.createElement("dt");
      const dd = document.createElement("dd");
      dt.textContent = name;
      dd.textContent = value;
      row.append(dt, dd);
      return row;
    }));
  },
  document(message) {
    $("document").hidden = false;
    $("document").outerHTML = `<div id="document">${message.html}</div>`;
    const article = $("document").firstElementChild;
    article.id = "document";
    $("document").replaceWith(article);
    article.querySelector(".body").id = "body";
    $("given").hidden = true; // the whole document brings them itself
  },
  score(message) { $("score").hidden = false; $("marks").innerHTML = message.html; },
  end(message) {
    say(message.words, false);
    complain(message.problem);
    if (message.saved) {
      $("downloads").hidden = false;
      for (const form of ["html", "md", "json"]) {
        $(`as-${form}`).href = `sessions/${message.id}/document.${form === "md" ? "zip" : form}`;
      }
    }
  },
};

async function watch(id) {
  current?.abort.abort();
  const abort = new AbortController();
  current = { id, abort };
  clear();
  setBusy(true);
  showSessions();
  let ended = false;
  try {
    const response = await ask(`sessions/${id}/events`, { signal: abort.signal });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const line of lines.filter(Boolean)) {
        const message = JSON.parse(line);
        TAKE[message.kind]?.(message);
        ended ||= message.kind === "end";
      }
    }
    if (!ended) say("The studio broke off. Is it still running?", false);
  } catch (problem) {
    if (problem.name !== "AbortError") say(problem.message, false);
  }
  if (current?.abort === abort) setBusy(false);
  await refresh();
}

function setBusy(busy) {
  document.body.classList.toggle("busy", busy);
  $("stop").hidden = !busy;
  $("paper").setAttribute("aria-busy", String(busy));
}

// several documents

async function refresh() {
  try {
    sessions = await (await ask("sessions")).json();
    showSessions();
  } catch { /* the list is a convenience: what matters has told its own problem */ }
}

function showSessions() {
  $("past-label").hidden = !sessions.length;
  $("sessions").replaceChildren(...sessions.map((session) => {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = `#${session.id}`;
    link.textContent = session.prompt;
    link.title = session.prompt;
    link.classList.toggle("running", session.running);
    if (session.id === current?.id) link.setAttribute("aria-current", "true");
    item.append(link);
    return item;
  }));
}

addEventListener("hashchange", () => {
  const id = location.hash.slice(1);
  if (id && id !== current?.id) watch(id);
});

$("composer").addEventListener("submit", async (event) => {
  event.preventDefault();
  complain("");
  $("write").disabled = true;
  try {
    const begun = await post("sessions", {
      prompt: $("prompt").value,
      pictures: pictures.map((picture) => ({ name: picture.name, data: picture.url.split(",")[1] })),
      count: $("count").value,
      temperature: Number($("temperature").value),
      seed: Number($("seed").value),
    });
    const { id } = await begun.json();
    sessions = [{ id, prompt: $("prompt").value, running: true }, ...sessions];
    watch(id);
    history.replaceState(null, "", `#${id}`);
    if (matchMedia("(max-width: 48rem)").matches) $("paper").scrollIntoView({ behavior: "smooth" });
  } catch (problem) {
    complain(problem.message);
  } finally {
    $("write").disabled = false;
  }
});

$("prompt").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) $("composer").requestSubmit();
});
$("stop").onclick = () => current && post(`sessions/${current.id}/stop`).catch((problem) => complain(problem.message));
$("files").onchange = (event) => { addFiles(event.target.files).catch((p) => complain(p.message)); event.target.value = ""; };
for (const kind of ["dragover", "dragleave", "drop"]) {
  $("drop").addEventListener(kind, (event) => {
    event.preventDefault();
    $("drop").classList.toggle("over", kind === "dragover");
    if (kind === "drop") addFiles(event.dataTransfer.files).catch((problem) => complain(problem.message));
  });
}

refresh().then(() => { if (location.hash.length > 1) watch(location.hash.slice(1)); });
