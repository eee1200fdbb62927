// Numbers in words.
import { confidence, costsAbstain, worstMistake } from "./decisions.js";

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
  if (costsAbstain(answer.decision)) return "The model leaves this one to a person: any answer is expected to cost more.";
  return `The model is not sure enough to answer: its best guess has ${percent(confidence(answer))}, under the ${percent(threshold)} asked for.`;
}

/** What was most probable, and which mistake decided otherwise; "" of a model without costs. */
export function decision(answer, serving) {
  if (!answer.decision) return "";
  const { most_probable: likeliest, expected_cost: least, abstaining } = answer.decision;
  const believed = `“${likeliest}” at ${percent(confidence(answer))}`;
  const mistake = worstMistake(answer, serving);
  const but = `${believed}, but missing “${mistake.label}” costs ${cost(mistake.price)}`;
  if (costsAbstain(answer.decision)) {
    const deciding = Math.min(...Object.values(answer.decision.expected_costs));
    return `${but}: abstaining costs ${cost(abstaining)}, deciding ${cost(deciding)}.`;
  }
  if (answer.label === likeliest) return `${believed}, and deciding it costs least, ${cost(least)}.`;
  return `${but}: “${answer.label}” costs least, ${cost(least)}.`;
}

function cost(value) {
  return value >= 1000 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3)));
}

export function milliseconds(value) {
  if (value < 0.1) return "under 0.1 ms";
  return value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value).toLocaleString("en")} ms`;
}

/** One sentence for a screen reader. */
export function spoken(answer, unusual, threshold, serving) {
  const label = `${answer.label}, ${percent(answer.score)}. ${decision(answer, serving)}`.trim();
  const verdict = answer.abstained ? abstention(answer, threshold) : label;
  return unusual.level === "usual" ? verdict : `${verdict} ${unusual.judgement}`;
}
