// Cells of files as strangers write them: what the page makes of each must be what training made of it. The cases are
// written by tests/distill/web/test_odd_cells.py. Run from a page's folder: `node --test`.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { InputError } from "./cells.js";
import { check, tensors } from "./tensors.js";

const limits = { max_inputs: 8, max_characters: 2000, max_body_bytes: 1000, max_depth: 8, max_explained: 4 };

for (const { inputs, rows, features } of JSON.parse(readFileSync("odd_cells.json", "utf-8"))) {
  const serving = { task: "tabular", inputs, labels: ["no", "yes"], limits };
  test(`columns ${inputs.map((column) => column.name).join(", ").slice(0, 40)}`, () => {
    rows.forEach((row, place) => {
      Object.entries(row).forEach(([name, cell], column) => {
        const wanted = features[column][place];
        const what = JSON.stringify({ cell, ...inputs[column] });
        let laid;
        try {
          laid = tensors([check({ [name]: cell }, serving)], serving);
        } catch (error) {
          if (!(error instanceof InputError)) throw error;
          assert.equal(wanted, null, what); // a rare word among numbers
          return;
        }
        const [found] = laid[inputs[column].name].data;
        assert.deepEqual(Number.isNaN(found) ? null : found, wanted, what);
      });
    });
  });
}
