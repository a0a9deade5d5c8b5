// The page: choose a task, give it pictures, show the answers. Talks to its own server and to nobody else.

import { byId, el } from "./dom.js";
import { modelCard } from "./model.js";
import { answerCard, errorCard, verdict, waitingCard } from "./result.js";
import { preferred, texts } from "./text.js";

const MAX_FILES = 32;
const state = { language: preferred(), tasks: [], task: null, samples: [], entries: [], serial: 0, line: Promise.resolve() };
const t = () => texts[state.language];

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw { text: t().offline, fix: t().offlineFix };
  }
  if (response.ok) return response;
  let issue = null;
  try {
    issue = (await response.json()).issue[0];
  } catch {
    throw { text: t().offline, fix: t().offlineFix };
  }
  throw { text: issue.details.text, fix: issue.diagnostics, code: issue.details.coding[0].code };
}

// --- words -----------------------------------------------------------------------------------------------

function speak() {
  document.documentElement.lang = state.language === "zh" ? "zh-CN" : "en";
  for (const node of document.querySelectorAll("[data-t]")) node.textContent = t()[node.dataset.t];
  const toggle = byId("language");
  toggle.textContent = t().other;
  toggle.lang = t().otherCode;
  showTask();
  showSamples();
  for (const entry of state.entries) show(entry);
}

function sampleName(name) {
  return Object.entries(t().sampleWords).reduce((text, [word, other]) => text.replace(word, other), name);
}

// --- tasks -----------------------------------------------------------------------------------------------

function showTask() {
  const { task } = state;
  if (!task) return;
  byId("title").textContent = task.title;
  byId("title").lang = byId("use").lang = "en";
  byId("use").textContent = task.intended_use;
  byId("not-for").replaceChildren(el("strong", {}, t().notFor), " ", el("span", { lang: "en" }, task.not_for));
  byId("model").replaceChildren(...modelCard(t(), task, state.language));
}

async function chooseTask(name) {
  state.task = state.tasks.find((task) => task.name === name);
  state.samples = [];
  showTask();
  showSamples();
  try {
    const answer = await ask(`/api/tasks/${encodeURIComponent(name)}/samples`);
    if (state.task.name === name) state.samples = await answer.json();
  } catch {
    state.samples = []; // pictures to try are an offer; without them the page works
  }
  showSamples();
}

function showSamples() {
  byId("tries").hidden = state.samples.length === 0;
  byId("samples").replaceChildren(
    ...state.samples.map((sample) =>
      el(
        "li",
        {},
        el(
          "button",
          { type: "button", onclick: () => trySample(sample) },
          el("img", { src: sample.url, alt: "", loading: "lazy" }),
          el("span", {}, sampleName(sample.name)),
          sample.simulated && el("span", { class: "badge" }, t().simulated),
        ),
      ),
    ),
  );
}

async function trySample(sample) {
  try {
    const blob = await (await ask(sample.url)).blob();
    enqueue(blob, sampleName(sample.name), sample.simulated);
  } catch (error) {
    byId("status").textContent = error.text || String(error);
  }
}

// --- answers ---------------------------------------------------------------------------------------------

function take(files) {
  const chosen = [...files];
  for (const file of chosen.slice(0, MAX_FILES)) enqueue(file, file.name, false);
  if (chosen.length > MAX_FILES) byId("status").textContent = t().tooMany;
}

function enqueue(blob, name, simulated) {
  const preview = /^image\/(png|jpeg|webp|gif)$/.test(blob.type) ? URL.createObjectURL(blob) : null;
  const entry = { id: `answer-${(state.serial += 1)}`, name, preview, simulated, opacity: 0.7 };
  const holder = el("div", { id: entry.id });
  entry.holder = holder;
  state.entries.unshift(entry);
  byId("results").prepend(holder);
  show(entry);
  bring(entry);
  const task = state.task.name;
  const method = byId("method").value;
  state.line = state.line.then(() => answer(entry, blob, task, method));
}

// The file's name stays here: it may name a patient, and the server has no use for it.
async function answer(entry, blob, task, method) {
  if (entry.removed) return;
  entry.begun = true;
  show(entry);
  const form = new FormData();
  form.append("files", blob, "upload");
  form.append("method", method);
  try {
    const response = await ask(`/api/tasks/${encodeURIComponent(task)}/explain`, { method: "POST", body: form });
    entry.results = (await response.json()).results;
    byId("status").textContent = t().done(entry.name, verdict(t(), entry.results[0]));
  } catch (error) {
    entry.error = error.text ? error : { text: String(error) };
    byId("status").textContent = t().done(entry.name, entry.error.text);
  }
  show(entry);
  if (state.entries[0] === entry) bring(entry);
}

// Where the page is one column, an answer comes below the fold.
function bring(entry) {
  if (matchMedia("(max-width: 60rem)").matches) entry.holder.scrollIntoView({ block: "start" });
}

function show(entry) {
  byId("empty").hidden = state.entries.length > 0;
  const actions = { remove: () => remove(entry) };
  let cards;
  if (entry.error) cards = [errorCard(t(), entry, actions)];
  else if (!entry.results) cards = [waitingCard(t(), entry, actions)];
  else cards = entry.results.map((result, number) => answerCard(t(), part(entry, result, number), actions));
  entry.holder.replaceChildren(...cards);
}

// An archive gives several answers; each keeps its own place for the slider.
function part(entry, result, number) {
  entry.parts ??= [];
  entry.parts[number] ??= {
    id: `${entry.id}-${number}`,
    name: entry.results.length > 1 ? `${entry.name} [${number}]` : entry.name,
    preview: entry.results.length > 1 ? null : entry.preview,
    opacity: entry.opacity,
    result,
  };
  return entry.parts[number];
}

function remove(entry) {
  entry.removed = true;
  entry.holder.remove();
  if (entry.preview) URL.revokeObjectURL(entry.preview);
  state.entries = state.entries.filter((other) => other !== entry);
  byId("empty").hidden = state.entries.length > 0;
  byId("files").focus();
}

// --- start -----------------------------------------------------------------------------------------------

function listen() {
  byId("language").addEventListener("click", () => {
    state.language = t().otherCode;
    speak();
  });
  byId("task").addEventListener("change", (event) => chooseTask(event.target.value));
  byId("files").addEventListener("change", (event) => {
    take(event.target.files);
    event.target.value = "";
  });
  byId("files").addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return; // Chromium opens the chooser on the space bar alone
    event.preventDefault();
    event.target.click();
  });
  const drop = byId("drop");
  for (const kind of ["dragenter", "dragover"]) {
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) drop.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    take(event.dataTransfer.files);
  });
}

async function start() {
  listen();
  speak();
  try {
    state.tasks = (await (await ask("/api/tasks")).json()).tasks;
  } catch (error) {
    byId("title").textContent = error.text || String(error);
    byId("use").textContent = error.fix || "";
    return;
  }
  const first = state.tasks.find((task) => task.deployed) || state.tasks[0];
  byId("task").replaceChildren(
    ...state.tasks.map((task) => el("option", { value: task.name, selected: task === first, lang: "en" }, task.title)),
  );
  byId("tasks-field").hidden = state.tasks.length < 2;
  if (first) await chooseTask(first.name);
}

start();
