from __future__ import annotations

import numpy as np
import pytest
import torch

from distill.data.rows import Dataset, Rows
from distill.graph import calibrate, export, quantize
from distill.training import train
from tests.distill import made

COUNT = 240
random = np.random.default_rng(0)
NUMBERS = {"x": random.normal(size=COUNT).tolist(), "y": random.normal(size=COUNT).tolist()}
HOLED = {"z": [float("nan") if place % 5 == 0 else float(place) for place in range(COUNT)]}
FLAG = {"flag": [float(place % 2) for place in range(COUNT)]}
MANY = {"town": [f"town {place % 40}" for place in range(COUNT)]}
FEW = {"colour": [("red", "green", "")[place % 3] for place in range(COUNT)]}
TABLES = {
    "numbers": NUMBERS,
    "a number of two values": FLAG,
    "categories of few values": FEW,
    "categories of many values": MANY | FEW,
    "numbers with holes": HOLED,
    "everything": MANY | HOLED | FEW | FLAG | NUMBERS,
}


def dataset_of(columns: dict[str, list]) -> Dataset:
    rows: Rows = made.table_rows(columns, [place % 2 for place in range(COUNT)])
    return made.dataset_of("tabular", made.inputs_of(rows), [rows, rows, rows])


@pytest.mark.parametrize("table", TABLES)
def test_any_table_is_read_alike_in_torch_and_in_int8(table: str) -> None:
    dataset = dataset_of(TABLES[table])
    student = made.student("embedded", dataset)
    said = train.logits(student, dataset.test)
    whole = export.graph(student)
    np.testing.assert_allclose(calibrate.run(whole, dataset.test)[0], said, rtol=1e-5, atol=1e-5)
    small = calibrate.run(quantize.weights(whole), dataset.test)[0]
    assert (small.argmax(axis=1) == said.argmax(axis=1)).mean() >= 0.97


def test_a_category_of_many_values_costs_less_than_in_an_mlp() -> None:
    dataset = dataset_of(MANY | NUMBERS)
    plain, embedded = (
        sum(parameter.numel() for parameter in made.student(kind, dataset).network.parameters())
        for kind in ("mlp", "embedded")
    )
    assert embedded < 0.7 * plain


def test_a_number_is_embedded_by_itself() -> None:
    dataset = dataset_of(NUMBERS)
    student = made.student("embedded", dataset)
    features = torch.from_numpy(student.prelude.features(dataset.test.columns))[:2]
    seen: list[torch.Tensor] = []
    student.network.body.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))  # type: ignore[union-attr,operator]
    for x in (features[0, 0], features[1, 0]):
        student.network(torch.tensor([[x, features[0, 1]]]))
    changed = (seen[0] != seen[1]).squeeze(0)
    assert changed[:8].any()
    assert not changed[8:].any()


def test_what_it_says_for_novelty_are_the_features() -> None:
    dataset = dataset_of(TABLES["everything"])
    student = made.student("embedded", dataset)
    features = torch.from_numpy(student.prelude.features(dataset.test.columns))
    assert torch.equal(student.network(features)[1], features)
