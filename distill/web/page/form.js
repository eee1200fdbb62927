// The question, as the page's fields hold it.
import { InputError, characters } from "./tensors.js";

const fields = () => Array.from(document.querySelectorAll("#question [data-column]"));

/**
 * The input as it would be sent: a string, or an object of the columns that are filled in.
 * @returns null where nothing was typed
 * @throws {InputError} a number that is not one
 */
export function read(serving) {
  if (serving.task === "text") return fields()[0].value || null;
  const record = Object.create(null); // a column may be called "constructor"
  for (const field of fields()) {
    const { column, kind } = field.dataset;
    if (field.validity.badInput) throw new InputError(`“${column}” wants a number, or nothing.`, column);
    if (field.value !== "") record[column] = kind === "number" ? Number(field.value) : field.value;
  }
  return Object.keys(record).length ? record : null;
}

/** Fill the fields from an example; null empties them. */
export function fill(example) {
  for (const field of fields()) {
    const value = typeof example === "string" ? example : example?.[field.dataset.column];
    field.value = value ?? "";
  }
}

export function focus() {
  fields()[0].focus();
}

/** Say what is wrong beside the fields, and mark the one it is about; null: nothing is. */
export function complain(error) {
  const problem = document.getElementById("problem");
  problem.textContent = error?.message ?? "";
  problem.hidden = !error;
  for (const field of fields()) {
    field.setAttribute("aria-invalid", String(Boolean(error) && field.dataset.column === error.column));
  }
}

/** How much of the limit a text uses. */
export function count(serving) {
  const [used, most] = [characters(fields()[0].value), serving.limits.max_characters];
  document.getElementById("count").textContent = `${used.toLocaleString("en")} of ${most.toLocaleString("en")} characters`;
}
