// The answer on the page. Every text goes in as text, never as HTML; widths and shades through the style object, which
// the Content-Security-Policy leaves free.
import { of } from "./modalities/register.js";
import * as words from "./words.js";

const MOST_BARS = 10;
const MOST_COLUMNS = 8;
const MOST_SPANS_LISTED = 5;
const SHOWN_FROM = 0.0005; // of probability: less is 0.0 points
const STRONGEST_SQUARE = 75; // the picture under a square stays to be seen
const STRONGEST = 45; // per cent of the accent behind a span: the ink on it stays readable

const by = (id) => document.getElementById(id);

function element(tag, className, ...content) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...content);
  return made;
}

/** `loading`, `ready` or `failed`, and a line for a person. */
export function state(name, text) {
  document.documentElement.dataset.state = name;
  by("state").textContent = text;
  by("state").hidden = !text;
}

/** No question, so no answer. */
export function clear() {
  by("result").hidden = true;
  by("counted").hidden = true;
  by("dock").hidden = true;
  by("spoken").textContent = "";
}

/**
 * Show an answer.
 * @param where "browser" or "server"
 */
export function show(answer, serving, { where, ms, threshold, sequence, version }) {
  const unusual = words.novelty(answer.novelty, of(serving).rows);
  const result = by("result");
  Object.assign(result.dataset, {
    label: answer.label,
    score: answer.score,
    novelty: answer.novelty,
    abstained: answer.abstained,
    scores: JSON.stringify(answer.scores),
    where,
    ms,
    sequence,
    ...(answer.decision && { expectedCost: answer.decision.expected_cost, mostProbable: answer.decision.most_probable }),
  });
  by("label").textContent = answer.label;
  by("score").textContent = words.percent(answer.score);
  by("guess").hidden = !answer.abstained;
  by("decision").textContent = words.decision(answer, serving);
  by("decision").hidden = !answer.decision;
  by("abstention").textContent = words.abstention(answer, threshold);
  by("abstention").hidden = !answer.abstained;
  by("novelty").dataset.level = unusual.level;
  by("judgement").textContent = unusual.judgement;
  by("fact").textContent = unusual.fact;
  by("needle").style.left = `${100 * answer.novelty}%`;
  const other = answer.model && answer.model.version !== version ? ` It runs another version, ${answer.model.version}.` : "";
  by("timing").textContent =
    where === "server"
      ? `Answered on the server, ${words.milliseconds(ms)} there and back.${other}`
      : `Answered in this browser in ${words.milliseconds(ms)}. Nothing was sent.`;
  bars(answer, serving.labels);
  dock(answer);
  result.hidden = false;
}

/** What counted is of an older answer, until `explain` is called. */
export function outdate() {
  by("counted").classList.add("stale");
}

/** On a narrow page the answer is out of sight when it comes. */
export function reveal() {
  if (matchMedia("(max-width: 48rem)").matches) by("answer").scrollIntoView();
}

/** Said by a screen reader, once a person has stopped typing. */
export function speak(answer, serving, threshold) {
  by("spoken").textContent = words.spoken(answer, words.novelty(answer.novelty, of(serving).rows), threshold, serving);
}

/** On a narrow page the answer stands below a long form: a line at its foot says it, until it comes into sight. */
export function watch() {
  const observer = new IntersectionObserver(([{ isIntersecting }]) => by("dock").classList.toggle("idle", isIntersecting));
  observer.observe(by("answer"));
}

function dock(answer) {
  by("dock").hidden = false;
  by("dock").textContent = answer.abstained ? "Not sure enough to answer" : `${answer.label} ${words.percent(answer.score)}`;
}

function bars(answer, labels) {
  let shown = labels.map((label, i) => ({ label, score: answer.scores[i] }));
  const hidden = Math.max(0, shown.length - MOST_BARS);
  if (hidden) shown = shown.sort((a, b) => b.score - a.score).slice(0, MOST_BARS);
  by("bars").replaceChildren(
    ...shown.map(({ label, score }) => {
      const bar = element("span", "fill");
      bar.style.width = `${100 * score}%`;
      const row = element("li", label === answer.label ? "best" : "");
      row.append(element("span", "name", label), element("span", "track", bar), element("span", "share", words.percent(score)));
      row.dataset.label = label;
      row.dataset.score = score;
      return row;
    }),
  );
  by("more").textContent = hidden ? `and ${hidden.toLocaleString("en")} less likely` : "";
}

/** What counted; null: not known (yet). `input` is what was asked, as the graph looks at it. */
export function explain(parts, answer, input, serving) {
  by("counted").hidden = !parts?.length;
  by("counted").dataset.parts = parts ? JSON.stringify(parts) : "";
  by("counted").classList.remove("stale");
  if (!parts?.length) return;
  by("counted-label").textContent = answer.label;
  by("unmoved").hidden = parts.some((part) => Math.abs(part.contribution) >= SHOWN_FROM);
  SHOWN[of(serving).shows](parts, input);
}

const SHOWN = { spans, columns, squares }; // how a modality's parts are shown

const strongestFirst = (parts) =>
  parts
    .filter((part) => Math.abs(part.contribution) >= SHOWN_FROM)
    .sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution));

function spans(parts, text) {
  const most = Math.max(0.05, ...parts.map((part) => Math.abs(part.contribution)));
  const content = [];
  let at = 0;
  for (const { start, end, contribution } of parts) {
    const mark = element("mark", contribution < 0 ? "against" : "for", text.slice(start, end));
    const strength = Math.abs(contribution) / most;
    mark.style.setProperty("--strength", `${(STRONGEST * strength).toFixed(1)}%`);
    if (strength < 0.1) mark.classList.add("faint");
    mark.title = words.points(contribution);
    content.push(text.slice(at, start), mark);
    at = end;
  }
  by("spans").replaceChildren(...content, text.slice(at));
  by("spans").hidden = false;
  const listed = strongestFirst(parts).slice(0, MOST_SPANS_LISTED);
  by("strongest").replaceChildren(...listed.map((part) => row(text.slice(part.start, part.end), part.contribution, most)));
}

function columns(parts) {
  const sorted = strongestFirst(parts);
  const most = Math.max(0.01, Math.abs(sorted[0]?.contribution ?? 0));
  list(sorted.map((part) => row(part.column, part.contribution, most)), MOST_COLUMNS, "columns");
}

/** The first `shown` rows, and the others where they can be opened. */
function list(rows, shown, parts) {
  by("strongest").replaceChildren(...rows.slice(0, shown));
  by("rest").replaceChildren(...rows.slice(shown));
  by("others").hidden = rows.length <= shown;
  by("others-count").textContent = `${rows.length - shown} ${parts} that counted less`;
}

function squares(parts, { pixels, width, height }) {
  const most = Math.max(0.05, ...parts.map((part) => Math.abs(part.contribution)));
  const canvas = Object.assign(by("seen"), { width, height });
  const drawn = new ImageData(width, height);
  for (let from = 0, to = 0; from < pixels.length; from += 3, to += 4) {
    drawn.data.set([pixels[from], pixels[from + 1], pixels[from + 2], 255], to);
  }
  canvas.getContext("2d").putImageData(drawn, 0, 0);
  by("squares").replaceChildren(
    ...parts.map(({ row, column, contribution }) => {
      const square = element("i", contribution < 0 ? "against" : "for");
      const strength = Math.abs(contribution) / most;
      square.style.setProperty("--strength", `${(STRONGEST_SQUARE * strength).toFixed(1)}%`);
      if (strength < 0.1) square.classList.add("faint");
      Object.assign(square.style, { gridRow: row + 1, gridColumn: column + 1 });
      square.title = `${place({ row, column })}: ${words.points(contribution)}`;
      return square;
    }),
  );
  by("heat").hidden = false;
  const sorted = strongestFirst(parts);
  const [rows, across] = ["row", "column"].map((name) => 1 + Math.max(...parts.map((part) => part[name])));
  const listed = sorted.slice(0, MOST_SPANS_LISTED).map((part) => `${place(part)} ${words.points(part.contribution)}`);
  by("heat").setAttribute("aria-label", `Your picture as the model looks at it, in ${rows} rows and ${across} columns of squares. ${listed.length ? `What counted most: ${listed.join("; ")}.` : "No single square counted."}`);
  list(sorted.map((part) => row(place(part), part.contribution, most)), MOST_SPANS_LISTED, "squares");
}

const place = ({ row, column }) => `row ${row + 1}, column ${column + 1}`;

function row(name, contribution, most) {
  const fill = element("span", contribution < 0 ? "fill against" : "fill for");
  const share = (50 * Math.abs(contribution)) / most;
  fill.style.width = `${share}%`;
  fill.style.left = contribution < 0 ? `${50 - share}%` : "50%";
  const made = element("li", "");
  const shown = element("span", "name", name.length > 60 ? `${name.slice(0, 59)}…` : name);
  made.append(shown, element("span", "track both", fill), element("span", "share", words.points(contribution)));
  return made;
}
