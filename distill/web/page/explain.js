// How much each part of an input counted, by occlusion: the definition and the bounds of handler/model/explain.py.
import { of } from "./modalities/register.js";

/**
 * The contributions to the probability of `whole.label`, in the order of the parts.
 * @param isStale asked between runs: true ends the work, for its input has changed
 * @returns [{ ...part, contribution }], or null where it was ended or cannot be done
 */
export async function contributions(model, record, whole, isStale = () => false) {
  const modality = of(model.serving);
  const copies = modality.occlusions(await model.reduced(record), model.serving.limits);
  if (copies === null) return null;
  const label = model.serving.labels.indexOf(whole.label);
  const step = modality.copiesARun(record);
  const made = [];
  for (let i = 0; i < copies.length; i += step) {
    if (i > 0) await new Promise((resolve) => setTimeout(resolve));
    if (isStale()) return null;
    const run = copies.slice(i, i + step);
    const answers = await model.predict(run.map((copy) => copy.record));
    run.forEach((copy, j) => made.push({ ...copy.part, contribution: whole.score - answers[j].scores[label] }));
  }
  return made;
}
