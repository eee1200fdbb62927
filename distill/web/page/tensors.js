// Inputs -> the graph's tensors, under the rules that the server has (handler/modalities/inputs.py, handler/model/predictor.py).
// A text is composed to NFC, a missing number is NaN, a missing word is empty. No message quotes what was typed.

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

/**
 * Check one input: a string, or an object of column -> number, string or null.
 * @returns the input, its columns' names in NFC and its numbers as numbers
 * @throws {InputError}
 */
export function check(input, serving) {
  if (serving.task === "text") return checkText(input, serving.inputs[0], serving.limits);
  if (input === null || typeof input !== "object" || Array.isArray(input)) {
    throw new InputError("An input wants an object of columns.");
  }
  const columns = new Map(serving.inputs.map((column) => [column.name, column]));
  const record = Object.create(null); // a column may be called "constructor"
  for (const [key, value] of Object.entries(input)) {
    const name = key.normalize("NFC");
    if (!columns.has(name)) throw new InputError("This input has a column that the model does not know.");
    if (Object.hasOwn(record, name)) throw new InputError("Two columns of this input have the same name.", name);
    record[name] = checkCell(value, columns.get(name), serving.limits);
  }
  if (Object.keys(record).length === 0) throw new InputError("This input has no columns.");
  return record;
}

/** Inputs that were checked -> input name -> { type, data, dims }, for `ort.Tensor`. */
export function tensors(records, serving) {
  const laid = {};
  for (const column of serving.inputs) {
    const cell = (record) => (Object.hasOwn(record, column.name) ? record[column.name] : null);
    const values = serving.task === "text" ? records : records.map(cell);
    const data =
      column.dtype === "string"
        ? values.map((value) => String(value ?? "").normalize("NFC"))
        : Float32Array.from(values, (value) => value ?? NaN);
    laid[column.name] = { type: column.dtype, data, dims: [records.length] };
  }
  return laid;
}

function checkCell(value, column, limits) {
  if (value === null || value === undefined) return null;
  if (column.kind === "number") {
    if (typeof value !== "number") throw new InputError(`“${column.name}” wants a number, or nothing.`, column.name);
    if (!(Math.abs(value) <= FLOAT32_MAX)) {
      throw new InputError(`“${column.name}” wants a number that 32-bit floating point can hold.`, column.name);
    }
    return value;
  }
  return checkText(category(value, column), column, limits);
}

/** A category as the server reads it: true, false and whole numbers are words too. */
function category(value, column) {
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return String(value);
  if (Number.isSafeInteger(value)) return String(value);
  throw new InputError(`“${column.name}” wants a word, or nothing.`, column.name);
}

function checkText(text, column, limits) {
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
