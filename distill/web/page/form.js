// The question, as the page's fields hold it.
import { of } from "./modalities/register.js";

const fields = () => Array.from(document.querySelectorAll("#question [data-column]"));

/**
 * The input as it would be sent: a string, or an object of the columns that are filled in.
 * @returns null where nothing was typed
 * @throws {InputError} a number that is not one
 */
export function read(serving) {
  return of(serving).read(fields());
}

/** Fill the fields from an example; null empties them. */
export function fill(example, serving) {
  for (const field of fields()) {
    field.value = example === null ? "" : (of(serving).fieldValue(example, field.dataset.column) ?? "");
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

/** How much of the limit a text uses, and the like. */
export function count(serving) {
  const place = document.getElementById("count");
  if (place) place.textContent = of(serving).describe(fields(), serving.limits);
}
