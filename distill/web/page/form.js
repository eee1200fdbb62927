// The question, as the page's fields hold it.
import { of } from "./modalities/register.js";

const fields = () => Array.from(document.querySelectorAll("#question [data-column]"));

/**
 * The input: a string, an object of the columns that are filled in, or a picture that was decoded.
 * @returns null where there is none
 * @throws {InputError} a number that is not one, a file that is no picture
 */
export async function read(serving) {
  return of(serving).read(fields(), serving);
}

/** Heed what comes by other ways than typing. */
export function listen(serving) {
  of(serving).listen?.(fields());
}

/** Fill the fields from an example; null empties them. */
export function fill(example, serving) {
  of(serving).fill(fields(), example);
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
