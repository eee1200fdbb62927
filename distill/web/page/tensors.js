// Inputs -> the graph's tensors. A text is composed to NFC, a missing number is NaN, a missing word is empty.
import { of } from "./modalities/register.js";

/**
 * Check one input, as its modality has it.
 * @returns the input as `tensors` takes it
 * @throws {InputError}
 */
export function check(input, serving) {
  return of(serving).check(input, serving);
}

/** Inputs that were checked -> input name -> { type, data, dims }, for `ort.Tensor`. */
export function tensors(records, serving) {
  const laid = {};
  for (const column of serving.inputs) {
    const values = of(serving).values(records, column);
    const data =
      column.dtype === "string"
        ? values.map((value) => String(value ?? "").normalize("NFC"))
        : Float32Array.from(values, (value) => value ?? NaN);
    laid[column.name] = { type: column.dtype, data, dims: [records.length] };
  }
  return laid;
}
