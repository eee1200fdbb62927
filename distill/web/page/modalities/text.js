// Texts: one string an input, explained by its spans of words (handler/modalities/text.py).
import { characters, checkText } from "../cells.js";
import { SPACE } from "../levelling.js";
import { jsonBody } from "../remote.js";

const MAX_CHARACTERS = 2_000_000; // of all copies of a text
const CHARACTERS_A_RUN = 40_000; // a run is one step on the page's thread: between two, it answers to its user
const COPIES_A_RUN = 64;
const SPAN = new RegExp(`[^${SPACE}]+`, "g");

/** See register.js. Parts are { start, end } in UTF-16 units of the text. */
export const text = {
  rows: "texts",
  warmUp: (example) => example ?? "",
  shows: "spans",
  check: (input, serving) => checkText(input, serving.inputs[0], serving.limits),
  values: (records) => records,
  read: (fields) => fields[0].value || null,
  fill: ([field], example) => (field.value = example ?? ""),
  describe([field], limits) {
    const [used, most] = [characters(field.value), limits.max_characters];
    return `${used.toLocaleString("en")} of ${most.toLocaleString("en")} characters`;
  },
  occlusions(record, limits) {
    const most = Math.min(limits.max_explained, Math.floor(MAX_CHARACTERS / Math.max(1, characters(record))));
    return spans(record, Math.max(1, most)).map(([start, end]) => ({
      part: { start, end },
      record: record.slice(0, start) + record.slice(end),
    }));
  },
  copiesARun: ({ length }) => Math.max(1, Math.min(COPIES_A_RUN, Math.floor(CHARACTERS_A_RUN / Math.max(1, length)))),
  body: jsonBody,
  fromServer: fromCodePoints,
};

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
