// How much each part of an input counted, by occlusion: the definition, the spans and the bounds of handler/model/explain.py.

const MAX_CHARACTERS = 2_000_000; // of all copies of a text
const CHARACTERS_A_RUN = 40_000; // a run is one step on the page's thread: between two, it answers to its user
const COPIES_A_RUN = 64;
// What Python's str calls whitespace: not quite what JavaScript does.
const SPAN = /[^\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/g;

/**
 * One copy of a checked input for each of its parts, with that part left out.
 * @returns [{ part: { start, end } in UTF-16 units of the text, or { column }; record }]; null: too many columns
 */
export function occlusions(record, limits) {
  if (typeof record !== "string") {
    const sent = Object.keys(record).filter((name) => record[name] !== null);
    if (sent.length > limits.max_explained) return null;
    return sent.map((column) => ({ part: { column }, record: without(record, column) }));
  }
  const length = Array.from(record).length;
  const most = Math.min(limits.max_explained, Math.floor(MAX_CHARACTERS / Math.max(1, length)));
  return spans(record, Math.max(1, most)).map(([start, end]) => ({
    part: { start, end },
    record: record.slice(0, start) + record.slice(end),
  }));
}

const without = (record, column) => Object.assign(Object.create(null), record, { [column]: null });

/** Start and end of each span, or of at most `most` runs of neighbours, as equal in spans as can be. */
export function spans(text, most) {
  const found = Array.from(text.matchAll(SPAN), (match) => [match.index, match.index + match[0].length]);
  const count = Math.min(found.length, most);
  return Array.from({ length: count }, (_, i) => {
    const run = found.slice(Math.floor((i * found.length) / count), Math.floor(((i + 1) * found.length) / count));
    return [run[0][0], run.at(-1)[1]];
  });
}

/** A server's part, which counts in code points, in UTF-16 units; `text` is what was sent. */
export function fromCodePoints(text, parts) {
  const units = [0];
  for (const character of text) units.push(units.at(-1) + character.length);
  return parts.map((part) => ({ ...part, start: units[part.start], end: units[part.end] }));
}

/**
 * The contributions to the probability of `whole.label`, in the order of the parts.
 * @param isStale asked between runs: true ends the work, for its input has changed
 * @returns [{ ...part, contribution }], or null where it was ended or cannot be done
 */
export async function contributions(model, record, whole, isStale = () => false) {
  const copies = occlusions(record, model.serving.limits);
  if (copies === null) return null;
  const label = model.serving.labels.indexOf(whole.label);
  const size = typeof record === "string" ? Math.max(1, record.length) : 1;
  const step = Math.max(1, Math.min(COPIES_A_RUN, Math.floor(CHARACTERS_A_RUN / size)));
  const made = [];
  for (let i = 0; i < copies.length; i += step) {
    if (i > 0) await new Promise((resolve) => setTimeout(resolve));
    if (isStale()) return null;
    const run = copies.slice(i, i + step);
    const answers = await model.predict(run.map((copy) => copy.record));
    run.forEach((copy, j) => made.push({ ...copy.part, contribution: whole.score - answers[j].scores[label] }));
  }
  return made;
}
