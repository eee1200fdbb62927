// The bundle's graph in this browser. It runs on the page's own thread on purpose: a worker would not be bound by the
// Content-Security-Policy that stands in the page, and one answer takes less than a frame.
import * as ort from "./runtime.js";
import { decided, judged } from "./decisions.js";
import { of } from "./modalities/register.js";
import { tensors } from "./tensors.js";

/** The model is not there, is not the sealed one, or cannot be opened. The message is for a person. */
export class ModelError extends Error {}

/**
 * Fetch the graph, check that it is the sealed one, open it.
 * @param page what page.json holds
 * @throws {ModelError}
 */
export async function open(page) {
  if (!globalThis.crypto?.subtle) {
    throw new ModelError("This page wants HTTPS (or localhost): only there can a browser check the model’s hash.");
  }
  const [bytes] = await Promise.all([fetched(page.model.file), ort.load(fetched)]);
  const found = await sha256(bytes);
  if (found !== page.model.sha256) {
    throw new ModelError(`The model is not the sealed one: its SHA-256 is ${found}, wanted ${page.model.sha256}.`);
  }
  let session;
  try {
    session = await ort.session(new Uint8Array(bytes));
  } catch (error) {
    throw new ModelError(`This browser cannot open the model (${error.message}).`);
  }
  const wanted = page.serving.inputs.map((column) => column.name);
  if (String([...session.inputNames].sort()) !== String([...wanted].sort())) {
    throw new ModelError("The model takes other inputs than its manifest says.");
  }
  const model = new Model(session, page.serving);
  // The first run is the slowest: no person has to wait for it.
  await model.predict([of(page.serving).warmUp(page.examples[0])]).catch(() => {});
  return model;
}

/** Predictions under the rules of handler/model/predictor.py. */
export class Model {
  #session;
  #turn = Promise.resolve(); // one run at a time
  #outputs = ["probabilities", "novelty"];

  constructor(session, serving) {
    this.#session = session;
    this.serving = serving;
    if (serving.costs) this.#outputs.push("expected_costs");
  }

  /**
   * Answer inputs that `tensors.check` let through.
   * @returns [{ label, score, scores: number[] in the order of the labels, abstained, novelty, decision? }]
   */
  async predict(records, abstainBelow = this.serving.thresholds.abstain_below) {
    if (records.length === 0) return [];
    const { probabilities, novelty, expected_costs: costs } = await this.#next(records, this.#outputs);
    const width = this.serving.labels.length;
    const decisions = costs ? costs.length / records.length : 0;
    return records.map((_, i) => {
      const scores = Array.from(probabilities.subarray(i * width, (i + 1) * width));
      if (!Number.isFinite(Math.max(...scores) + novelty[i])) {
        throw new ModelError("A number in the input is so large that the model has no answer.");
      }
      const expected = costs ? Array.from(costs.subarray(i * decisions, (i + 1) * decisions)) : null;
      return judged({ ...decided(scores, expected, this.serving), novelty: novelty[i] }, abstainBelow);
    });
  }

  /** The input in the size at which the graph looks at it, where it says so: it answers this alike. */
  async reduced(record) {
    const name = of(this.serving).reduced;
    if (!name) return record;
    const { [name]: pixels, [`${name}.dims`]: dims } = await this.#next([record], [name]);
    return { pixels, height: dims[1], width: dims[2] };
  }

  #next(records, outputs) {
    const run = this.#turn.then(() => this.#run(records, outputs));
    this.#turn = run.catch(() => {});
    return run;
  }

  async #run(records, outputs) {
    const feeds = {};
    for (const [name, laid] of Object.entries(tensors(records, this.serving))) {
      feeds[name] = new ort.Tensor(laid.type, laid.data, laid.dims);
    }
    const found = await this.#session.run(feeds, outputs);
    const copied = {};
    for (const name of outputs) {
      copied[name] = found[name].data.slice();
      copied[`${name}.dims`] = found[name].dims;
    }
    for (const tensor of [...Object.values(feeds), ...Object.values(found)]) tensor.dispose();
    return copied;
  }
}

async function fetched(file) {
  let response;
  try {
    response = await fetch(file, { referrerPolicy: "no-referrer" });
  } catch {
    throw new ModelError(`${file} could not be fetched. Check the connection and load the page again.`);
  }
  if (!response.ok) throw new ModelError(`${file} could not be fetched (status ${response.status}).`);
  return response.arrayBuffer();
}

async function sha256(bytes) {
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
