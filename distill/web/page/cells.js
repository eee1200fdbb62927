// One value of an input, under the rules that the server has (handler/modalities/cells.py). No message quotes what was
// typed.

import { word } from "./levelling.js";
import { readNumber } from "./numbers.js";

const LEAST_PLAIN = 1e-4; // from here on a fraction is written without an exponent
const FLOAT32_MAX = 3.4028234663852886e38;
const TOO_MANY_MARKS = /\p{M}{257}/u; // normalising is quadratic in a run of combining marks
const SURROGATE = /\p{Surrogate}/u; // half of a pair: not Unicode text

/** An input that the model does not take; `column` is where, null for the input as a whole. */
export class InputError extends Error {
  constructor(message, column = null) {
    super(message);
    this.column = column;
  }
}

/** A value of a column: a number, a word, or null where there is none. */
export function checkCell(value, column, limits) {
  if (value === null || value === undefined) return null;
  if (column.kind === "number") {
    if (typeof value === "string" && column.notation) return checkWritten(checkText(value, column, limits), column);
    if (typeof value !== "number") throw new InputError(`“${column.name}” wants a number, or nothing.`, column.name);
    if (!(Math.abs(value) <= FLOAT32_MAX)) {
      throw new InputError(`“${column.name}” wants a number that 32-bit floating point can hold.`, column.name);
    }
    return value;
  }
  const text = checkText(category(value, column), column, limits);
  return column.notation === "levelled" ? word(text) : text;
}

/** A number's string by the notation of its column; null where it says that nothing is there. */
function checkWritten(text, column) {
  const number = readNumber(text, column.notation, column.unit ?? "");
  if (number !== null) return checkCell(number, column);
  const missing = word(text);
  if (missing === "" || column.missing?.includes(missing)) return null;
  const unit = column.unit ? ` A sign or unit beside it is ${column.unit}, or none.` : "";
  throw new InputError(`“${column.name}” wants a number, or nothing, in the form ${column.notation}.${unit}`, column.name);
}

/** A category as the server reads it: true, false and whole numbers are words too. */
function category(value, column) {
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return String(value);
  if (Number.isSafeInteger(value)) return String(value);
  if (column.notation && typeof value === "number" && Math.abs(value) >= LEAST_PLAIN && Math.abs(value) < 2 ** 52) {
    return String(value);
  }
  throw new InputError(`“${column.name}” wants a word, or nothing.`, column.name);
}

/** A text, or a word of a column. */
export function checkText(text, column, limits) {
  if (typeof text !== "string") throw new InputError("An input wants a text.", column.name);
  const length = characters(text);
  if (length > limits.max_characters) {
    const most = limits.max_characters.toLocaleString("en");
    throw new InputError(`${length.toLocaleString("en")} characters are over the limit of ${most}.`, column.name);
  }
  // onnxruntime-web hands strings over as C has them: what comes after a NUL would be left out, and the answer another.
  if (text.includes("\0")) throw new InputError("The text holds a NUL character (U+0000).", column.name);
  if (SURROGATE.test(text)) throw new InputError("The text holds half of a surrogate pair.", column.name);
  if (TOO_MANY_MARKS.test(text)) throw new InputError("The text holds too many combining marks in a row.", column.name);
  return text;
}

/** Length in code points, as the server counts. */
export function characters(text) {
  let pairs = 0;
  for (let i = 0; i + 1 < text.length; i++) {
    if (text.charCodeAt(i) >> 10 === 0x36 && text.charCodeAt(i + 1) >> 10 === 0x37) pairs++;
  }
  return text.length - pairs;
}
