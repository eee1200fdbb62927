from __future__ import annotations

import json

import numpy as np

from distill.modalities.tabular import golden
from handler.bundle.contract import Input, Limits
from tests.distill import made

LIMITS = Limits(max_inputs=1, max_characters=5000, max_body_bytes=10_000, max_depth=32, max_explained=64)


def test_golden_rows_hold_no_row_and_no_rare_category_of_the_users() -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=50).astype(np.float32).tolist()
    rows = made.table_rows({"x": values, "town": ["secretville", *["common"] * 49]})
    made_up = golden.inputs((Input("x", "float32", "number"), Input("town", "string", "category")), rows, LIMITS)
    assert "secretville" not in json.dumps(made_up)
    assert "common" in json.dumps(made_up)
    assert not {row["x"] for row in made_up} & set(values)
    assert {None} in [set(row.values()) for row in made_up]
