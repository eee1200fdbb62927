// What training levelled in a file's cells, levelled in what is typed (handler/modalities/levelling.py).

// What Python's str calls whitespace: not quite what JavaScript does.
export const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const SPACES = new RegExp(`[${SPACE}]+`, "g");
const ENDS = new RegExp(`^[${SPACE}]+|[${SPACE}]+$`, "g");
const HOLES = new Set(
  ["", "na", "n/a", "n.a.", "nan", "-nan", "null", "none", "nil", "-", "--", "?", ".", "#n/a", "#na", "<na>", "nat"],
);
const LONGEST = 5;
const AS_TEXT = new RegExp(`^(?:=[${SPACE}]?"([^"]*)"|'([-+]?[\\d.,]+))$`);
const WHOLE = /^[+-]?(?:0|[1-9]\d*)\.0+$/;
const THOUSANDS = /^[+-]?[1-9]\d{0,2}(?:\.000)+$/;
const UNSEEN = /[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]/g;
const JOINED = "[\\u0590-\\u1dff\\u2070-\\u{10ffff}]";
const JOINERS = new RegExp(`(?<!${JOINED})[\\u200c\\u200d]+|[\\u200c\\u200d]+(?!${JOINED})`, "gu");

/** A column's name: NFC without marks that nobody sees, without white space at its ends. */
export function columnName(text) {
  return text.normalize("NFC").replace(UNSEEN, "").replace(JOINERS, "").normalize("NFC").replace(ENDS, "");
}

/** As a name, and one space for each run of white space. */
export const visible = (text) => columnName(text).replace(SPACES, " ");

/** A category's cell: "" where it says that nothing is there. */
export function word(text) {
  const level = label(text);
  return Array.from(level).length <= LONGEST && HOLES.has(level.toLowerCase()) ? "" : level;
}

function label(text) {
  let level = visible(text);
  const inside = AS_TEXT.exec(level);
  if (inside) level = (inside[1] ?? inside[2]).replace(ENDS, "");
  const small = level.toLowerCase();
  if (small === "true" || small === "false") return small;
  return WHOLE.test(level) && !THOUSANDS.test(level) ? level.split(".")[0] : level;
}
