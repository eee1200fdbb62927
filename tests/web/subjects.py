"""The bundles that the page is tried with, and what is asked of them."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distill.data.rows import Dataset
from distill.graph import calibrate, export, quantize
from distill.modalities.register import MODALITIES
from distill.web import serve, site
from handler.bundle.contract import Limits, Serving
from handler.bundle.costs import Costs
from handler.modalities.modality import Record
from handler.model.predictor import Prediction, Predictor
from infra.local.serve import Endpoint
from tests import bundles
from tests.distill import made
from tests.distill.data import odd_cells

# As a form gives them, so strings throughout; what a person may type and a graph may stumble over.
AWKWARD = (
    "caf\u00e9 cr\u00e8me \u00c5ngstr\u00f6m",  # composed
    "cafe\u0301 cre\u0300me A\u030angstro\u0308m",  # decomposed: the same to a reader
    "\U0001f600 \U0001f469\U0001f3fd\u200d\U0001f680 good \u2764\ufe0f",
    "\u8fd9\u90e8\u7535\u5f71 good \u5f88\u597d\u770b\uff0c\u6211\u5f88\u559c\u6b22\u3002",
    "\U00020bb7\u91ce\u5bb6 \u0130stanbul \u1e9eTRASSE \u01c6 \ufb01ne",  # beyond 16 bits; letters that lower oddly
    "\u00a0good\u2003bad\u3000\u0085not\u2028very\ufeff ",  # what is white space, and what is not
    "it's won\u2019t don't-do (it) e-mail@example.org #tag",
    "\r\n\tgood\x01bad\x1f",
    "1,250.00 \u0661\u0662\u0663 \u00bd \u2163",
    "goood grat boring pleasantly dulll actro plott",  # slips
)


@dataclass(frozen=True)
class Subject:
    """A bundle, and a page of it."""

    bundle: Path
    predictor: Predictor
    page: site.Site
    rows: tuple[Record, ...]  # golden inputs and more
    endpoint: Endpoint | None = None

    @property
    def is_text(self) -> bool:
        return self.predictor.serving.task == "text"

    def predict(self, row: Record) -> Prediction:
        [prediction] = self.predictor.predict([row])
        return prediction

    @property
    def examples(self) -> list[Any]:
        """What the page offers to try."""
        return json.loads((self.page.folder / site.MARK).read_text())["examples"]


def of(bundle: Path, out: Path, endpoint: Endpoint | None = None, api: str | None = None) -> Subject:
    """A page of `bundle`, written to `out`; with a switch where there is an endpoint, or an API's URL."""
    predictor = Predictor.load(bundle)
    page = site.build(bundle, out, endpoint.url if endpoint else api)
    rows = [json.loads(line)["input"] for line in (bundle / "golden.jsonl").read_text().splitlines()]
    most = predictor.serving.limits.max_characters
    more = {"text": lambda: _texts(most), "tabular": lambda: _holes(rows), "image": list}[predictor.serving.task]()
    rows = [row for row in [*rows, *more] if row]  # an input without a column is refused, a text may be empty
    return Subject(bundle, predictor, page, (*rows, *([""] if predictor.serving.task == "text" else [])), endpoint)


@contextmanager
def open_at(subject: Subject, port: int = 0) -> Iterator[str]:
    """The page on a server; gives its address."""
    with serve.listening(subject.page.folder, port) as origin:
        yield f"{origin}/"


def opinion(folder: Path, kind: str = "conv", bits: int = 8) -> None:
    """A text model with the graph of a real one, whose weights say nothing: `sentiment-quick` takes minutes."""
    limits = Limits(max_inputs=64, max_characters=20_000, max_body_bytes=1_000_000, max_depth=32, max_explained=2048)
    serving = bundles.text_serving(limits=limits)
    _seal(folder, "sentiment-quick", made.text_dataset(), serving, kind, bits)


def priced(folder: Path, abstain: float | None = 0.3) -> None:
    """A text model for which mistakes do not cost the same."""
    costs = Costs(((0.0, 1.0), (20.0, 0.0)), abstain)
    _seal(folder, "priced", made.text_dataset(), bundles.text_serving(costs=costs), "conv")


def mixed(folder: Path, kind: str = "mlp") -> None:
    """Numbers with holes and a category, likewise."""
    dataset = made.tabular_dataset()
    serving = bundles.tabular_serving(inputs=dataset.inputs)
    _seal(folder, "mixed", dataset, serving, kind)


def odd(folder: Path) -> Dataset:
    """A table whose cells are written as strangers write them (`tests.distill.data.odd_cells`)."""
    dataset = odd_cells.load(folder)
    _seal(folder / "bundle", "odd", dataset, bundles.tabular_serving(inputs=dataset.inputs), "mlp")
    return dataset


def _seal(folder: Path, name: str, dataset: Dataset, serving: Serving, kind: str, bits: int = 8) -> None:
    places = 1000 if kind in ("gru", "mini") else 0
    student = made.student(kind, dataset, seed=3, misspellings=places)
    small = quantize.weights(export.graph(student), bits)
    fitted = calibrate.fit(small, student.modality, dataset.train, dataset.validation, serving.costs)
    model = fitted.graph.model
    golden = MODALITIES[dataset.task].golden_inputs(dataset.inputs, dataset.train, serving.limits)
    bundles.seal(folder, model, serving, name, golden)


def _texts(most: int) -> list[Record]:
    long = ("good \u00e9 bad \U0001f600 " * most)[:most]
    return [*AWKWARD, *(unicodedata.normalize("NFD", text) for text in AWKWARD), " ", long]


def _holes(rows: list[dict[str, Any]]) -> list[Record]:
    """The first row with a column less, with one column alone, and with every second."""
    first = rows[0]
    names = list(first)
    without = [{name: value for name, value in first.items() if name != left_out} for left_out in names]
    return [*without, *({name: first[name]} for name in names), {name: first[name] for name in names[::2]}]
