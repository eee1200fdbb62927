// What an answer decides, under the rules of handler/model/decisions.py and handler/bundle/abstention.py.

/** Whether an answer whose highest probability is `score` abstains. */
export const abstains = (score, abstainBelow) => score < abstainBelow;

/**
 * The label of least expected cost; of those that cost the same, the most probable. A model without costs: that one.
 * @param scores the probabilities, in the order of the labels
 * @param expected what each decision is expected to cost, abstaining last where it has a price; null: no costs
 * @returns { label, score, scores, decision? }
 */
export function decided(scores, expected, { labels, costs }) {
  const likeliest = scores.indexOf(Math.max(...scores));
  if (!expected) return { label: labels[likeliest], score: scores[likeliest], scores };
  const ofLabels = expected.slice(0, labels.length);
  const least = Math.min(...ofLabels);
  const best = ofLabels.reduce((at, cost, i) => (cost === least && (at < 0 || scores[i] > scores[at]) ? i : at), -1);
  const decision = {
    expected_cost: least,
    expected_costs: Object.fromEntries(labels.map((label, i) => [label, ofLabels[i]])),
    abstaining: costs.abstain,
    most_probable: labels[likeliest],
  };
  if (costsAbstain(decision)) decision.expected_cost = costs.abstain;
  return { label: labels[best], score: scores[best], scores, decision };
}

/** The same answer, which abstains where its highest probability is under the threshold or its costs have it abstain. */
export function judged(answer, abstainBelow) {
  return { ...answer, abstained: costsAbstain(answer.decision) || abstains(confidence(answer), abstainBelow) };
}

/** The highest probability, whatever was decided. */
export const confidence = (answer) => (answer.decision ? Math.max(...answer.scores) : answer.score);

/** Whether abstaining costs less than every label. */
export function costsAbstain(decision) {
  if (!decision || decision.abstaining === null) return false;
  return Math.fround(decision.abstaining) < Math.min(...Object.values(decision.expected_costs));
}

/** The mistake that speaks most against deciding the most probable label: which class would be missed, and its price. */
export function worstMistake(answer, { labels, costs }) {
  const likeliest = labels.indexOf(answer.decision.most_probable);
  const risks = answer.scores.map((score, truth) => (truth === likeliest ? -1 : score * costs.matrix[truth][likeliest]));
  const worst = risks.indexOf(Math.max(...risks));
  return { label: labels[worst], price: costs.matrix[worst][likeliest] };
}
