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
const UNSEEN = new RegExp(
  "[\\0-\\x08\\x0e-\\x1b\\x7f-\\x84\\x86-\\x9f\\xad\\u034f\\u061c\\u115f\\u1160\\u180e\\u200b\\u200e\\u200f\\u202a-\\u202e" +
    "\\u2060-\\u206f\\u2800\\u3164\\ufeff\\uffa0\\ufff9-\\ufffb\\u{1d173}-\\u{1d17a}]",
  "gu",
);
const JOINED = "[\\u0590-\\u1dff\\u2070-\\u{10ffff}]";
const FLAG = "[\\u{1f3f4}\\u{e0020}-\\u{e007f}]";
const STRAY = new RegExp(
  `(?<!${JOINED})[\\u200c\\u200d]+|[\\u200c\\u200d]+(?!${JOINED})` +
    `|(?<!${JOINED})[\\ufe00-\\ufe0f]+|(?<!${FLAG})[\\u{e0000}-\\u{e007f}]+`,
  "gu",
);

/** A column's name: NFC without marks that nobody sees, without white space at its ends. */
export function columnName(text) {
  return text.normalize("NFC").replace(UNSEEN, "").replace(STRAY, "").normalize("NFC").replace(ENDS, "");
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
  for (let inside; (inside = AS_TEXT.exec(level)); ) level = (inside[1] ?? inside[2]).replace(ENDS, "");
  const small = level.toLowerCase();
  if (small === "true" || small === "false") return small;
  if (WHOLE.test(level) && !THOUSANDS.test(level)) level = level.split(".")[0];
  else level = asciiNumber(level);
  return level === "-0" ? "0" : level;
}

/** A number with a minus or digits of another kind as programs write it; any other text as it is. */
function asciiNumber(text) {
  const plain = asciiMarks(text);
  return /^-?[0-9]+(?:\.[0-9]+)?$/.test(plain) ? plain : text;
}

const DIGIT = /\p{Nd}/u;
const ASCII = new Map([
  ...Array.from("\u2010\u2011\u2012\u2013\u2014\u2212\ufe58\ufe63\uff0d", (mark) => [mark, "-"]),
  ...Array.from("\u00b5\uff0b\uff0c\uff0e\uff05\uff04\u066a\u066b\u066c\uff08\uff09", (mark, i) => [mark, "μ+,.%$%.,()"[i]]),
]);

/** The text with digits, signs and marks of other writing systems as ASCII has them. */
export const asciiMarks = (text) => Array.from(text, ascii).join("");

/** A decimal digit of any writing system: ten of them stand in a row, from 0 to 9. */
function ascii(mark) {
  if (ASCII.has(mark)) return ASCII.get(mark);
  if (mark < "\u0080" || !DIGIT.test(mark)) return mark;
  let before = 0;
  while (DIGIT.test(String.fromCodePoint(mark.codePointAt(0) - before - 1))) before++;
  return String(before % 10);
}
