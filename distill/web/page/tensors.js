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

const LAID = {
  string: (values) => ({ data: values.map((value) => String(value ?? "").normalize("NFC")) }),
  float32: (values) => ({ data: Float32Array.from(values, (value) => value ?? NaN) }),
  uint8: (values) => ({ data: joined(values.map(({ pixels }) => pixels)), dims: sizes(values) }),
};

/** [N,H,W,3] of pictures, which must be of one size: no tensor holds others. */
function sizes(values) {
  const [{ height, width }] = values;
  if (values.some((value) => value.height !== height || value.width !== width)) {
    throw new RangeError("Pictures of several sizes are no tensor.");
  }
  return [values.length, height, width, 3];
}

function joined(arrays) {
  if (arrays.length === 1) return arrays[0];
  const made = new Uint8Array(arrays.length * arrays[0].length);
  arrays.forEach((array, i) => made.set(array, i * array.length));
  return made;
}

/** Inputs that were checked -> input name -> { type, data, dims }, for `ort.Tensor`. */
export function tensors(records, serving) {
  const laid = {};
  for (const column of serving.inputs) {
    const values = of(serving).values(records, column);
    laid[column.name] = { type: column.dtype, dims: [records.length], ...LAID[column.dtype](values) };
  }
  return laid;
}
