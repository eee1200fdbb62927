// The page: reads what was typed, asks the model here (or, where a person says so, the server), shows the answer.
//
// What tests and style sheets may rely on:
//   <html data-state="loading|ready|failed">        whether the model is open
//   <html data-offline="ready">                     every file is kept: the page loads without a network
//   <html data-where="browser|server">              where the next answer comes from
//   [data-column] in #question                      one field an input, data-kind "text", "number", "category" or "image"
//   #picture #camera                                of pictures: the preview, and a field that takes a photograph
//   #example #clear #abstain                        fill in an example, empty the fields, the threshold (0..1)
//   #problem                                        what is wrong with the input or the server's answer; hidden if nothing
//   #result (hidden: no answer) data-label, data-score, data-novelty, data-abstained ("true"/"false"),
//     data-scores (JSON, in the order of the labels), data-where, data-ms, data-sequence (1, 2, ... an answer each),
//     of a model with costs data-expected-cost, data-most-probable
//   #decision                                       why costs decided so; hidden of a model without
//   #bars > li data-label, data-score               the bars; class "best" on the answer's
//   #counted data-parts (JSON: start, end in UTF-16 units, or column, or row, column of squares; contribution); class "stale": of an older answer
//   #spoken                                         the live region
//   #where-browser #where-server #key #preview #send    only with an API: the switch, the key, what would be sent, send it
//   performance marks "limbeck:ready" and "limbeck:first-answer"
import * as form from "./form.js";
import { contributions } from "./explain.js";
import { of } from "./modalities/register.js";
import * as decisions from "./decisions.js";
import { ModelError, open } from "./model.js";
import * as remote from "./remote.js";
import { InputError } from "./cells.js";
import { check } from "./tensors.js";
import * as view from "./view.js";

const TYPING_MS = 60; // the pause after which an answer is worked out
const READING_MS = 350; // and after which it is explained
const SPEAKING_MS = 900; // and said to a screen reader

const by = (id) => document.getElementById(id);
const root = document.documentElement;
const { page, serving } = await known();
const timers = { answer: 0, explain: 0, speak: 0 };
let model = null;
let sequence = 0; // one an answer that is shown
let question = 0; // one an edit: an answer to an older one is dropped
let nextExample = 0;
let last = null; // the answer that is shown, and how it came about

const isRemote = () => Boolean(by("where-server")?.checked);
const threshold = () => Number(by("abstain").value) / 100;
const isThresholdAsked = () => by("abstain").value !== by("abstain").defaultValue;
const abstainBelow = () => (isThresholdAsked() ? threshold() : serving.thresholds.abstain_below);

function later(timer, wait, work) {
  clearTimeout(timers[timer]);
  timers[timer] = setTimeout(work, wait);
}

/** What the page was built from. */
async function known() {
  try {
    const found = await (await fetch("page.json", { referrerPolicy: "no-referrer" })).json();
    return { page: found, serving: found.serving };
  } catch (error) {
    view.state("failed", "The page is not whole. Check the connection and load it again.");
    throw error;
  }
}

/** The input, checked; null where there is none, or where it is wrong and that has been said. */
async function asked() {
  const mine = question;
  try {
    const input = await form.read(serving);
    const record = input === null ? null : check(input, serving);
    if (mine === question) form.complain(null);
    return record;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    if (mine === question) form.complain(error);
    return null;
  }
}

function edited() {
  question += 1;
  view.outdate();
  form.count(serving);
  clearTimeout(timers.explain);
  clearTimeout(timers.speak);
  if (isRemote()) {
    clearTimeout(timers.answer);
    forget();
    preview();
  } else {
    later("answer", TYPING_MS, answerHere);
  }
}

/** Another threshold judges the same answer anew: nothing has to be asked again. */
function judged() {
  by("abstain-shown").textContent = `${by("abstain").value}%`;
  if (isRemote()) preview();
  if (last) shown(decisions.judged(last.answer, abstainBelow()), last.where, last.ms);
}

async function answerHere() {
  const mine = question;
  const isStale = () => mine !== question;
  const input = await asked();
  if (isStale() || model === null) return;
  if (input === null) return forget();
  try {
    const started = performance.now();
    const [answer] = await model.predict([input], abstainBelow());
    const ms = performance.now() - started;
    if (isStale()) return;
    shown(answer, "browser", ms);
    later("explain", READING_MS, async () => {
      // A copy without one of its columns may have no answer where the whole has one.
      const parts = await contributions(model, input, answer, isStale).catch(() => null);
      const seen = parts && (await model.reduced(input));
      if (!isStale()) view.explain(parts, answer, seen, serving);
    });
  } catch (error) {
    if (isStale()) return;
    forget();
    form.complain(error instanceof ModelError ? error : new ModelError("The model could not answer this input."));
  }
}

async function answerThere() {
  const mine = question;
  const input = await asked();
  if (input === null || mine !== question) return;
  by("send").disabled = true;
  try {
    const started = performance.now();
    const answer = await remote.send(request(input), serving.labels);
    if (mine !== question) return;
    shown(answer, "server", performance.now() - started);
    const parts = answer.contributions ?? null;
    const seen = parts && model ? await model.reduced(input) : input;
    if (mine !== question) return;
    view.explain(parts && of(serving).fromServer(input, parts), answer, seen, serving);
    view.reveal();
  } catch (error) {
    if (!(error instanceof remote.RemoteError)) throw error;
    form.complain(error);
  } finally {
    by("send").disabled = false;
  }
}

function forget() {
  last = null;
  view.clear();
}

function shown(answer, where, ms) {
  sequence += 1;
  last = { answer, where, ms };
  view.show(answer, serving, { where, ms, threshold: abstainBelow(), sequence, version: page.version });
  if (sequence === 1) performance.mark("limbeck:first-answer");
  later("speak", where === "server" ? 0 : SPEAKING_MS, () => view.speak(answer, serving, abstainBelow()));
}

const request = (input) =>
  remote.request(page.predict_url, input, by("key").value.trim(), threshold(), isThresholdAsked(), of(serving).body);

/** What pressing the button would send, as it stands now. */
async function preview() {
  const mine = question;
  const input = await asked();
  if (mine !== question) return;
  by("preview").textContent = input === null ? "Nothing yet: there is no input." : remote.shown(request(input));
  by("send").disabled = input === null;
}

function switched() {
  root.dataset.where = isRemote() ? "server" : "browser";
  by("remote").hidden = !isRemote();
  edited();
}

function listen() {
  view.watch();
  form.listen(serving);
  by("question").addEventListener("input", edited);
  by("abstain").addEventListener("input", judged);
  by("question").addEventListener("submit", (event) => {
    event.preventDefault();
    if (!isRemote()) answerHere();
  });
  by("example")?.addEventListener("click", () => {
    form.fill(page.examples[nextExample++ % page.examples.length], serving);
    edited();
  });
  by("example")?.toggleAttribute("disabled", false);
  by("clear").addEventListener("click", () => {
    form.fill(null, serving);
    edited();
    form.focus();
  });
  if (!page.predict_url) return;
  for (const id of ["where-browser", "where-server"]) by(id).addEventListener("change", switched);
  by("key").addEventListener("input", preview);
  by("call").addEventListener("submit", (event) => {
    event.preventDefault();
    answerThere();
  });
}

/** Wait until the worker has every file. It fails where one is not as it was built. */
function active({ installing, waiting, active: running }) {
  const worker = installing ?? waiting ?? running;
  return new Promise((resolve, reject) => {
    const look = () => {
      if (worker.state === "activated") resolve();
      if (worker.state === "redundant") reject(new Error("not installed"));
    };
    worker.addEventListener("statechange", look);
    look();
  });
}

/** Keep every file, so that the page works without a network; it works without that, too. */
async function keep() {
  if (!("serviceWorker" in navigator)) return;
  const script = "sw.js";
  const trusted = globalThis.trustedTypes?.createPolicy("limbeck", { createScriptURL: () => script });
  try {
    const registration = await navigator.serviceWorker.register(trusted?.createScriptURL("") ?? script, { updateViaCache: "none" });
    await active(registration);
    root.dataset.offline = "ready";
    by("offline").textContent = "The page is: it works without a network now.";
  } catch {
    by("offline").textContent = "No copy of the page could be kept: it wants a network each time.";
  }
}

listen();
try {
  model = await open(page);
  performance.mark("limbeck:ready");
  view.state("ready", "");
} catch (error) {
  view.state("failed", error instanceof ModelError ? error.message : "This browser cannot run the model.");
}
// What was typed while the model loaded is answered at once.
if (page.predict_url) switched();
else edited();
await keep();
