// The page's modules that need no browser. They must say what handler/modalities, handler/model/explain.py and
// handler/model/predictor.py say. Run from a page's folder: `node --test`.
import assert from "node:assert/strict";
import { test } from "node:test";

import { characters, InputError } from "./cells.js";
import { contributions } from "./explain.js";
import { squares } from "./modalities/image.js";
import { tabular } from "./modalities/tabular.js";
import { fromCodePoints, spans, text as texts } from "./modalities/text.js";
import { formatOf, sizeOf } from "./pictures.js";
import { request } from "./remote.js";
import { check, tensors } from "./tensors.js";
import * as decisions from "./decisions.js";
import * as words from "./words.js";

const limits = { max_inputs: 8, max_characters: 20, max_body_bytes: 1000, max_depth: 8, max_explained: 4 };
const text = { task: "text", inputs: [{ name: "text", dtype: "string", kind: "text" }], labels: ["no", "yes"], limits };
const rows = {
  task: "tabular",
  inputs: [
    { name: "age", dtype: "float32", kind: "number" },
    { name: "caf\u00e9", dtype: "string", kind: "category" },
    { name: "constructor", dtype: "string", kind: "category" },
  ],
  labels: ["no", "yes"],
  limits,
};

test("a decomposed text reaches the graph composed", () => {
  assert.deepEqual(tensors([check("cafe\u0301", text)], text).text, { type: "string", data: ["caf\u00e9"], dims: [1] });
});

test("a missing number is NaN, a missing word is empty", () => {
  const laid = tensors([check({ age: null }, rows), check({ "cafe\u0301": "x" }, rows)], rows);
  assert.deepEqual([...laid.age.data], [NaN, NaN]);
  assert.deepEqual(laid["caf\u00e9"].data, ["", "x"]);
  assert.deepEqual(laid.constructor.data, ["", ""]);
});

test("length is counted in code points, as the server does", () => {
  assert.equal(characters("a\u{1f600}b"), 3);
  assert.equal(check("\u{1f600}".repeat(20), text).length, 40);
  assert.throws(() => check("\u{1f600}".repeat(21), text), /21 characters are over the limit of 20/);
});

test("what the server refuses is refused, and not quoted", () => {
  const wrong = [
    ["\ud800secret", text],
    [7, text],
    [[], rows],
    [{}, rows],
    [{ secret: 1 }, rows],
    [{ age: "secret" }, rows],
    [{ age: 1e39 }, rows],
    [{ age: NaN }, rows],
    [{ age: true }, rows],
    [{ "caf\u00e9": 1.5 }, rows],
    [{ "caf\u00e9": "x", "cafe\u0301": "secret" }, rows],
  ];
  for (const [input, serving] of wrong) {
    assert.throws(() => check(input, serving), (error) => error instanceof InputError && !/secret/.test(error.message));
  }
});

test("too many marks in a row are refused", () => {
  const roomy = { ...text, limits: { ...limits, max_characters: 1000 } };
  assert.throws(() => check("a" + "\u0301".repeat(257), roomy), /combining marks/);
  check("a" + "\u0301".repeat(30), roomy);
});

test("whole numbers and truth values are words of a category", () => {
  assert.equal(check({ "caf\u00e9": 7 }, rows)["caf\u00e9"], "7");
  assert.equal(check({ "caf\u00e9": true }, rows)["caf\u00e9"], "true");
});

test("spans are split at what Python calls whitespace", () => {
  assert.deepEqual(spans("a\x1cb\x85c\ufeffd\u3000e", 9).length, 4);
  assert.deepEqual(spans("  ", 9), []);
});

test("more spans than may be left out are left out together", () => {
  const all = texts.occlusions("a b c d e f", limits);
  assert.deepEqual(all.map(({ part }) => [part.start, part.end]), [[0, 1], [2, 5], [6, 7], [8, 11]]);
  assert.equal(all[1].record, "a  d e f");
});

test("a column that was not sent is no part", () => {
  const found = tabular.occlusions(check({ age: 1, "caf\u00e9": null }, rows), limits);
  assert.deepEqual(found.map(({ part }) => part), [{ column: "age" }]);
  assert.equal(found[0].record.age, null);
});

test("too many columns cannot be explained", () => {
  assert.equal(tabular.occlusions({ a: 1, b: 1, c: 1, d: 1, e: 1 }, limits), null);
});

test("a contribution is what the answer's label loses", async () => {
  const model = {
    serving: { ...text, limits },
    reduced: async (record) => record,
    predict: async (records) => records.map((record) => ({ scores: /good/.test(record) ? [0.1, 0.9] : [0.6, 0.4] })),
  };
  const made = await contributions(model, "so good", { label: "yes", score: 0.9 });
  assert.deepEqual(made, [{ start: 0, end: 2, contribution: 0 }, { start: 3, end: 7, contribution: 0.5 }]);
  assert.equal(await contributions(model, "so good", { label: "yes", score: 0.9 }, () => true), null);
});

test("the server's positions count code points", () => {
  assert.deepEqual(fromCodePoints("\u{1f600} b", [{ start: 2, end: 3 }]), [{ start: 3, end: 4 }]);
});

test("a request holds the input, the key where there is one, and nothing else", () => {
  const plain = request("https://h/predict", "hi", "", 0.5, false);
  assert.deepEqual(plain.headers, { "content-type": "application/json" });
  assert.equal(plain.body, '{"inputs":["hi"],"explain":true}');
  const keyed = request("https://h/predict", "hi", "k", 0.5, true);
  assert.equal(keyed.headers["x-api-key"], "k");
  assert.equal(JSON.parse(keyed.body).abstain_below, 0.5);
});

test("a picture's squares are the whole of it, each once in its mean colour", () => {
  const pixels = Uint8Array.from({ length: 3 * 9 * 8 }, (_, i) => i);
  const found = squares({ pixels, height: 9, width: 8 });
  assert.equal(found.length, 49);
  const changed = new Uint8Array(9 * 8);
  for (const { record } of found) {
    record.pixels.forEach((value, i) => i % 3 === 0 && value !== pixels[i] && (changed[i / 3] += 1));
  }
  const mean = found[0].record.pixels.slice(0, 3);
  assert.deepEqual([...mean], [106, 108, 108]); // of 106.5, 107.5 and 108.5: halves to the even neighbour
  assert.ok(changed.every((times) => times <= 1));
});

test("pictures of several sizes are no tensor", () => {
  const serving = { task: "image", inputs: [{ name: "pixels", dtype: "uint8", kind: "image" }], limits };
  const one = { pixels: new Uint8Array(3), height: 1, width: 1 };
  const two = { pixels: new Uint8Array(6), height: 1, width: 2 };
  assert.deepEqual(tensors([one, one], serving).pixels.dims, [2, 1, 1, 3]);
  assert.throws(() => tensors([one, two], serving), RangeError);
});

test("a file is what its first bytes say, and its size is in its header", () => {
  const gif = Uint8Array.from([...Buffer.from("GIF89a"), 7, 0, 1, 1]);
  assert.equal(formatOf(gif), "GIF");
  assert.deepEqual(sizeOf(gif, "GIF"), [7, 257]);
  assert.throws(() => sizeOf(gif.subarray(0, 8), "GIF"), /cut off/);
  assert.throws(() => formatOf(Buffer.from("\0\0\0\x18ftypheic")), /HEIC/);
});

test("numbers are not rounded to certainty", () => {
  assert.equal(words.percent(0.99996), "> 99.9%");
  assert.equal(words.percent(1), "100.0%");
  assert.equal(words.percent(0.00001), "< 0.1%");
  assert.equal(words.percent(0.9871), "98.7%");
});

test("novelty is said in words", () => {
  assert.equal(words.novelty(0.93, "texts").fact, "More unusual than 93 of 100 texts it was validated on.");
  assert.deepEqual([0, 0.89, 0.9, 0.99, 1].map((value) => words.novelty(value, "rows").level), ["usual", "usual", "raised", "high", "high"]);
});

test("abstaining is said in words", () => {
  const answer = { label: "yes", score: 0.42, abstained: true, novelty: 0.1 };
  assert.match(words.spoken(answer, words.novelty(0.1, "texts"), 0.6), /not sure enough.*42\.0%.*60\.0%/);
  assert.equal(words.abstention({ ...answer, abstained: false }, 0.6), "");
});

test("costs decide, and a label is taken before abstaining where both cost the same", () => {
  const serving = { labels: ["harmless", "venomous"], costs: { matrix: [[0, 1], [20, 0]], abstain: 0.5 } };
  const cautious = decisions.judged(decisions.decided([0.93, 0.07], [1.4, 0.93], { ...serving, costs: { ...serving.costs, abstain: null } }), 0);
  assert.deepEqual([cautious.label, cautious.score, cautious.abstained], ["venomous", 0.07, false]);
  assert.equal(
    words.decision(cautious, serving),
    "“harmless” at 93.0%, but missing “venomous” costs 20: “venomous” costs least, 0.93.",
  );
  const left = decisions.judged(decisions.decided([0.93, 0.07], [1.4, 0.93, 0.5], serving), 0);
  assert.deepEqual([left.abstained, left.decision.expected_cost], [true, 0.5]);
  assert.match(words.abstention(left, 0), /to a person/);
  const even = decisions.judged(decisions.decided([0.5, 0.5], [0.5, 0.5, 0.5], serving), 0);
  assert.deepEqual([even.label, even.abstained], ["harmless", false]);
  assert.equal(decisions.judged(cautious, 0.95).abstained, true); // the highest probability, 0.93, is under it
});
