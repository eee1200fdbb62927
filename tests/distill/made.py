"""Rows and students made up by the tests: small, seeded, and without a file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from distill.data.rows import Dataset, Rows
from distill.modalities.register import MODALITIES
from distill.recipe.schema import Student as Config
from distill.teachers.layer_transfer import FirstLayers
from distill.teachers.teacher import Model, Teacher
from distill.training.train import Student, fresh
from handler.bundle.contract import Input

WORDS = "the a film was good bad great dull very not plot actor end start fine poor rich slow fast odd".split()
LABELS = ("bad", "good")


def keys(values: Sequence[object]) -> np.ndarray:
    return np.array([hashlib.sha256(repr(value).encode()).hexdigest()[:32] for value in values], dtype=object)


def text_rows(texts: Sequence[str], labels: Sequence[int] | None = None, groups: Sequence[str] | None = None) -> Rows:
    return Rows(
        columns={"text": np.array(list(texts), dtype=object)},
        labels=np.array(labels if labels is not None else [0] * len(texts), dtype=np.int64),
        keys=keys(list(enumerate(texts))),
        groups=None if groups is None else np.array(list(groups), dtype=object),
    )


def table_rows(columns: Mapping[str, Sequence[object]], labels: Sequence[int] | None = None) -> Rows:
    """Columns whose first value is a str are words, others numbers."""
    made = {
        name: np.array(list(values), dtype=object if isinstance(values[0], str) else np.float32)
        for name, values in columns.items()
    }
    rows = list(zip(*(column.tolist() for column in made.values()), strict=True))
    return Rows(
        columns=made,
        labels=np.array(labels if labels is not None else [0] * len(rows), dtype=np.int64),
        keys=keys(list(enumerate(rows))),
    )


def inputs_of(rows: Rows) -> tuple[Input, ...]:
    return tuple(
        Input(name, "string", "category") if column.dtype == object else Input(name, "float32", "number")
        for name, column in rows.columns.items()
    )


def sentences(count: int, seed: int, longest: int = 30) -> list[str]:
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(WORDS, size=int(random.integers(1, longest))).tolist()) for _ in range(count)]


def opinions(count: int, seed: int) -> Rows:
    """Sentences labelled by whether they say "good" more often than "bad"."""
    texts = sentences(count, seed)
    return text_rows(texts, [int(text.split().count("good") > text.split().count("bad")) for text in texts])


def text_dataset(train: int = 120, held: int = 40) -> Dataset:
    return dataset_of(
        "text", (Input("text", "string", "text"),), [opinions(n, i) for i, n in enumerate((train, held, held))]
    )


def measurements(count: int, seed: int) -> Rows:
    """Three numbers, one of them with holes, and a category that depends on nothing; the label is the numbers' sign."""
    random = np.random.default_rng(seed)
    numbers = random.normal(size=(count, 3)).astype(np.float32)
    labels = (numbers[:, 0] + numbers[:, 1] > 0).astype(int)
    numbers[random.random(count) < 0.1, 1] = np.nan
    colours = random.choice(["red", "green", ""], size=count).tolist()
    columns = {"width": numbers[:, 0], "height": numbers[:, 1], "weight": numbers[:, 2], "colour": colours}
    return table_rows(columns, labels.tolist())


def tabular_dataset(train: int = 120, held: int = 40) -> Dataset:
    parts = [measurements(n, i) for i, n in enumerate((train, held, held))]
    return dataset_of("tabular", inputs_of(parts[0]), parts)


def dataset_of(task: str, inputs: tuple[Input, ...], parts: Sequence[Rows], labels: Sequence[str] = LABELS) -> Dataset:
    return Dataset(
        name="made",
        task=task,
        inputs=inputs,
        labels=tuple(labels),
        train=parts[0],
        validation=parts[1],
        test=parts[2],
        fingerprint=hashlib.sha256("".join(key for part in parts for key in part.keys).encode()).hexdigest(),
        licence="not stated",
        public=False,
    )


def student(kind: str, dataset: Dataset, seed: int = 0, **settings: object) -> Student:
    """An untrained student with weights as far from zero as training leaves them, and its prelude."""
    config = Config(kind=kind, **({"vocabulary": 100, "buckets": 16, "max_tokens": 20, "embedding": 32} | settings))
    modality, taught_by = MODALITIES[dataset.task], teacher(SmallEncoder())
    prelude = modality.fit_prelude(config, dataset, None, (), taught_by)
    begin = modality.students[kind].start if kind == "mini" else None
    start = begin(config, taught_by, prelude, True) if begin else None
    network = fresh(config, modality, prelude, len(dataset.labels), seed, start)
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.requires_grad:
                parameter.add_(0.3 * torch.randn_like(parameter))
        for module in network.modules():  # training never moves what stands for padding
            if isinstance(module, torch.nn.Embedding) and module.padding_idx is not None:
                module.weight[module.padding_idx] = 0
    return Student(network.eval(), modality, prelude, config, best_epoch=1, validation_loss=0.5)


def teacher(full: Model, folds: Sequence[Model] = (), id: str = "0" * 32) -> Teacher:  # noqa: A002 - Teacher's word
    """A teacher around models, which nobody fitted."""
    return Teacher(id, "made", "", None, {}, None, full, tuple(folds))


@dataclass(frozen=True)
class SmallEncoder:
    """What a student asks of an encoder, made up: pieces of two letters, and small random weights."""

    classes: int = 2

    def logits(self, rows: Rows) -> np.ndarray:
        return np.zeros((len(rows), self.classes), np.float32)

    def call_one(self, rows: Rows, place: int) -> None:
        self.logits(rows.take(np.array([place])))

    def word_vectors(self, words: Sequence[str]) -> np.ndarray:
        return np.random.default_rng(0).normal(size=(len(words), 32)).astype(np.float32)

    def word_pieces(self, words: Sequence[str]) -> list[list[str]]:
        return split(words)

    def first_layers(self, layers: int, pieces: Sequence[str], max_tokens: int, tuned: bool) -> FirstLayers:
        return first_layers(pieces, max_tokens, layers)


def split(words: Sequence[str]) -> list[list[str]]:
    """A tokenizer's pieces: two letters each, those within a word marked."""
    return [[("##" if i else "") + word[i : i + 2] for i in range(0, len(word), 2)] for word in words]


def first_layers(
    pieces: Sequence[str], max_tokens: int, layers: int = 2, hidden: int = 32, wide: int = 64
) -> FirstLayers:
    """Small random weights, as of a teacher's first layers."""
    random = np.random.default_rng(0)
    shapes: dict[str, tuple[int, ...]] = {
        "embedding.weight": (3 + len(pieces), hidden),
        "position": (max_tokens, hidden),
        "norm.weight": (hidden,),
    }
    for layer in range(layers):
        for part in ("query", "key", "value", "attended"):
            shapes[f"layers.{layer}.{part}.weight"] = (hidden, hidden)
        shapes[f"layers.{layer}.wide.weight"] = (wide, hidden)
        shapes[f"layers.{layer}.narrow.weight"] = (hidden, wide)
    weights = {name: (random.normal(size=shape) * 0.3).astype(np.float32) for name, shape in shapes.items()}
    weights["norm.weight"] += 1
    return FirstLayers(heads=2, epsilon=1e-12, weights=weights)
