// Numbers in words.

/** 0.9871 -> "98.7%". Never "100%" or "0%" of what is not quite that. */
export function percent(value) {
  if (value > 0.9995 && value < 1) return "> 99.9%";
  if (value > 0 && value < 0.0005) return "< 0.1%";
  return `${(100 * value).toFixed(1)}%`;
}

/** Signed points of probability: 0.123 -> "+12.3". */
export function points(value) {
  const text = (100 * Math.abs(value)).toFixed(1);
  return text === "0.0" ? text : `${value < 0 ? "−" : "+"}${text}`;
}

/** How unlike the validation data, `rows`, the input is: the judgement, and what it rests on. */
export function novelty(value, rows) {
  const of100 = Math.min(100, Math.max(0, Math.floor(100 * value + 1e-6)));
  const fact = `More unusual than ${of100} of 100 ${rows} it was validated on.`;
  if (value >= 0.99) return { level: "high", judgement: "Unlike anything the model was tested on: do not rely on it.", fact };
  if (value >= 0.9) return { level: "raised", judgement: "Unusual: take the answer with care.", fact };
  return { level: "usual", judgement: `Like the ${rows} it knows.`, fact };
}

/** What abstaining means here. */
export function abstention(answer, threshold) {
  if (!answer.abstained) return "";
  return `The model is not sure enough to answer: its best guess has ${percent(answer.score)}, under the ${percent(threshold)} asked for.`;
}

export function milliseconds(value) {
  if (value < 0.1) return "under 0.1 ms";
  return value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value).toLocaleString("en")} ms`;
}

/** One sentence for a screen reader. */
export function spoken(answer, unusual, threshold) {
  const verdict = answer.abstained ? abstention(answer, threshold) : `${answer.label}, ${percent(answer.score)}.`;
  return unusual.level === "usual" ? verdict : `${verdict} ${unusual.judgement}`;
}
