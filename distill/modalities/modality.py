"""What is particular to one kind of input, behind one record. No stage asks which kind it is.

A record names functions; those that need torch, onnx or scikit-learn are imported when they are called, see `later`, so
that a recipe can be checked in a blink.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

from distill.data.readers.cells import Table
from distill.data.rows import Dataset, Rows
from distill.recipe.schema import Data, Recipe, Student, Transfer
from distill.runtime import batched
from distill.runtime.batched import Feeds
from distill.teachers.teacher import Teacher
from handler.bundle.contract import Input, Limits, Serving

if TYPE_CHECKING:
    import onnx
    import torch

    from distill.modalities.initialization import Start
    from distill.modalities.prelude import Prelude

Floats: TypeAlias = np.typing.NDArray[np.float32]
AT_ONCE = 1024  # rows that most networks answer at once

Columns: TypeAlias = Mapping[str, np.typing.NDArray[np.generic]]


def later(package: str, path: str) -> Callable[..., Any]:
    """The function at `path`, "module.name" in a modality's own package, whose module is imported when it is called.

    Caches follow every module of that package, so these too.
    """
    module, name = path.split(".")

    def call(*arguments: Any) -> Any:  # noqa: ANN401 - whatever the function takes and gives
        return getattr(import_module(call.__module__), name)(*arguments)

    call.__module__ = f"{package}.{module}"  # where the code is, for caches
    return call


@dataclass(frozen=True)
class Budget:
    """How long a student of one kind trains where the recipe does not say."""

    min_steps: int  # updates under which it has not settled
    words: int | None = None  # as often as they are read, after which it has gained most of what it can
    least_rows: int = 0  # read at least, however long they are
    most_rows: int | None = None  # read at most, in all epochs
    most_epochs: int = 20
    defaults: Mapping[str, object] | None = None  # keys of the student's section that its kind sets
    many_rows: int = 0  # copies among them, from which on `of_many` is set too
    of_many: Mapping[str, object] | None = None
    to_the_end: bool = False  # its learning rate is low only at the end, so it never stops early


@dataclass(frozen=True)
class StudentKind:
    """One kind of network: how a fresh one is made, and how long it trains."""

    # The student's section, the prelude, the number of classes, and what its weights start from.
    build: Callable[[Student, Prelude, int, Start], torch.nn.Module]
    budget: Budget
    # What its weights start from, of the fitted teacher (True) or of the teacher as it was before (False).
    start: Callable[[Student, Teacher, Prelude, bool], Start] | None = None
    teachers: tuple[str, ...] = ()  # the kinds that its teacher, or a member of it, must be one of; empty: any
    # The network as the graph has it: what training alone needs, such as batch norm, is folded into the rest.
    folded: Callable[[torch.nn.Module], torch.nn.Module] | None = None


class NetworkRows(Protocol):
    """What a network reads of N rows."""

    @property
    def lengths(self) -> np.typing.NDArray[np.int64]:
        """How long each row is, [N], so that batches hold rows of like length."""

    @property
    def at_once(self) -> int:
        """How many rows are answered at once where nothing is learnt."""

    def batch(self, places: np.typing.NDArray[np.int64]) -> tuple[torch.Tensor, ...]:
        """The network's inputs for the rows at `places`."""


@dataclass(frozen=True)
class NetworkInput:
    """One input of a network as the export sees it."""

    example: torch.Tensor
    dimensions: Mapping[int, str]  # those that vary, by place: torch's names
    symbols: tuple[str, ...] = ("N", "L")  # what the graph calls its dimensions


@dataclass(frozen=True)
class NoveltyScore:
    """Nodes and constants that compute SCORE [N,1] in the graph, and the same scores [N] of the validation rows."""

    nodes: tuple[onnx.NodeProto, ...]
    constants: Mapping[str, np.typing.NDArray[np.generic]]
    validation_scores: Floats


@dataclass(frozen=True)
class BaselineParts:
    """The plain contender: what stands before its logistic regression."""

    description: str
    features: Callable[[tuple[Input, ...]], Any]  # a scikit-learn transformer
    table: Callable[[tuple[Input, ...], Rows], np.typing.NDArray[np.generic]]  # rows as the transformer reads them


@dataclass(frozen=True)
class OpenApi:
    """What an OpenAPI document says of inputs of this kind."""

    schemas: Callable[[Serving], dict[str, Any]]  # the parts of an input: a kind of the manifest's inputs, capitalised
    # By kind of the manifest's inputs: suffix of the tensor's schema -> datatypes it may have, and the JSON each takes.
    tensors: Mapping[str, Mapping[str, tuple[tuple[str, ...], dict[str, Any]]]]
    input: Callable[[Serving], dict[str, Any]]  # the schema of an input
    example: Callable[[Serving], Any]  # an input that any model of this kind answers
    columns: Callable[[Serving, Any], Mapping[str, Any]]  # that input by name of the manifest's inputs
    part: Callable[[Serving], tuple[dict[str, Any], str]]  # properties of an explanation's part, and what it is
    explained: str  # what `max_explained` counts
    predict_problems: Mapping[int, Sequence[str]]  # problem kinds by status, beside those of any kind of input
    infer_problems: Mapping[int, Sequence[str]]
    # Tensors beside those, by schema's name, whose rows are no single values.
    whole_tensors: Callable[[Serving], Mapping[str, dict[str, Any]]] = lambda serving: {}


@dataclass(frozen=True)
class Modality:
    """One kind of input. The name is the manifest's `serving.task`, and the handler's record has the same."""

    name: str
    rows_are: str  # in messages: "texts", "rows of columns"
    package: str  # where its code lies: caches follow it
    claims: Callable[[Data], bool]  # whether a recipe's data section is about rows of this kind
    teacher_kinds: tuple[str, ...]  # the first is the default
    stack: tuple[str, ...]  # the kinds of teacher that a stack is made of where the recipe does not say
    students: Mapping[str, StudentKind]
    usual: tuple[str, ...]  # kinds of student that are tried where the recipe names none, from the smallest on
    candidates: Mapping[str, Mapping[str, object]]  # settings by name, from the smallest on
    compared: tuple[str, ...]  # the candidates that `compare` takes where none are named
    unused: frozenset[str]  # "section.key" of the recipe that means nothing for rows of this kind
    peers: tuple[str, ...]  # programs of `distill.experiments.peers` that read such rows
    # A file's cells, the data section, labels [N] -> inputs, columns of [N], notes. Raises DataError.
    read: Callable[[Table, Data, np.typing.NDArray[np.object_]], tuple[tuple[Input, ...], Columns, list[str]]]
    is_empty: Callable[[Columns], np.typing.NDArray[np.bool_]]  # rows [N] that hold no input
    # Pairs of rows [M,2] that are near copies of each other, in levels: the surest first.
    near_duplicates: Callable[[Columns], tuple[np.typing.NDArray[np.int64], ...]]
    notes: Callable[[Recipe, Dataset], tuple[str, ...]]  # what a person should hear before the work
    row_length: Callable[[Rows, Student], float]  # words, or the like, that a student reads of a row on the mean
    public_words: Callable[[Transfer, Path], tuple[str, ...]]  # nobody's secret: they may stand in a bundle
    # The student's section, rows, the transfer set, public words, the teacher.
    fit_prelude: Callable[[Student, Dataset, Rows | None, Sequence[str], Teacher | None], Prelude]
    network_inputs: Callable[[Prelude], Mapping[str, NetworkInput]]
    batches: Callable[[Prelude, Rows], NetworkRows]
    # The teacher, training rows, rows that no copy may equal, the transfer section, public words, the seed.
    augment: Callable[[Teacher, Rows, Sequence[Rows], Transfer, Sequence[str], int], Rows]
    # Training rows, and the words or the like of a row -> varied copies a row where the recipe does not say.
    default_copies: Callable[[int, float], int]
    perturb: Callable[[Rows, float, int], Rows] | None  # a share of each row as a careless person would send it
    scramble: Callable[[Rows, np.random.Generator], Columns]  # each value stays, its sense goes
    scrambled: str  # what that does, in words
    # Logits and description of validation rows, and a call that gives labelled training rows' description and labels.
    novelty: Callable[[Floats, Floats, Callable[[], tuple[Floats, np.typing.NDArray[np.int64]]]], NoveltyScore]
    baseline: BaselineParts
    discloses: str  # what of training rows a bundle holds, as a sentence that ends before "stood in N training rows"
    golden_inputs: Callable[[tuple[Input, ...], Rows, Limits], list[Any]]  # made up, never a user's
    openapi: OpenApi
    page_examples: Callable[[Sequence[object]], list[object]]  # golden inputs that look like a person's
    parse: Callable[[str, Serving], object]  # an input as a person types it. Raises RequestError.
    blank_is_input: bool  # whether a blank line is one, or nothing
    of_file: Callable[[bytes], str] = partial(str, encoding="utf-8-sig")  # an input's file -> as it would be typed
    # What an input as a person types it looks like, where that is of another kind: "a JSON object"; "" of any other.
    looks_like: Callable[[str], str] = lambda _: ""
    feeds: Feeds = batched.feeds  # columns of rows as the graph's tensors
    # By "section.key" of the recipe: what it is for rows of this kind where it is not set.
    defaults: Mapping[str, object] = field(default_factory=dict)
