"""The sections of a recipe as frozen models: every key with its type, bounds and default."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from handler.modalities import levelling

STACK = "stack"  # a teacher's kind: several others, weighed by what they say of rows that they were not fitted on
BEST = "best"  # a student's kind: of the modality's usual ones, the one that does best on validation rows
AUTO = "auto"  # a student's kind: the smallest of the ladder that passes the gates


Column = Annotated[str, AfterValidator(levelling.name)]  # its name, as a reader of files has it


class Section(BaseModel):
    """A part of a recipe: immutable, and closed to keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, allow_inf_nan=False)


class Data(Section):
    """Where rows come from and which columns mean what."""

    source: str
    path: str | None = None
    text: Column | None = None
    columns: tuple[Column, ...] | None = None
    label: Column | None = None
    soft_label_prefix: str | None = None
    group: Column | None = None
    split_by_group: bool | None = None  # whether a group stands in one part; default: if each class has three
    split: Column | None = None  # a column that holds train, validation or test
    encoding: str | None = None  # of a file of text: Python's name of it; default: UTF-8, or what can be told
    types: dict[Column, Literal["number", "category"]] = {}
    allow_leaks: tuple[Column, ...] = ()  # columns that may tell the label by themselves
    max_rows: int | None = Field(default=None, ge=50)  # a fixed sample, by hash of the row


class Teacher(Section):
    """The heavy model. `model`: a local folder, a hub name, or one of the names in `teachers.weights`."""

    kind: str | None = None  # one of the register's, or STACK; default: see `distill.modalities.resolve`
    members: tuple[str, ...] | None = None  # of a stack: kinds of teacher; default: the modality's
    model: str = "all-MiniLM-L6-v2"
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")  # of the weights file
    mode: Literal["frozen", "finetune"] = "frozen"
    train_layers: int | None = Field(default=None, ge=1)  # finetune: only the last n layers; default all
    epochs: int = Field(default=3, ge=1)
    learning_rate: float = Field(default=5e-5, gt=0)
    batch_size: int = Field(default=32, ge=1)
    max_tokens: int | None = Field(default=None, ge=8, le=512)  # default: as long as the texts, within max_minutes
    # About, of two cores: what a frozen encoder may take to read all; half of it, boosted trees of many classes.
    max_minutes: float = Field(default=10.0, gt=0)
    vote_weight: float = Field(default=0.0, ge=0, le=1)  # share of the loss taught by raters' votes
    # An encoder's products. bfloat16 is some three times as fast where the processor has it, which "auto" looks up.
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    runs: int = Field(default=1, ge=1, le=10)  # finetune: from one start, in other orders; `teachers.finetune`


class Transfer(Section):
    """The transfer set: which rows the teacher labels for the student."""

    # Over 1: each row is labelled by a teacher that never saw it. Default: 5 for a stack, otherwise 1.
    folds: int | None = Field(default=None, ge=1, le=10)
    # Varied copies of each training row, labelled by the teacher of all rows. Default: the modality's.
    augment: int | None = Field(default=None, ge=0, le=1000)
    replace: float = Field(default=0.2, ge=0, le=1)  # share of a copy's words that give their place to a like one
    misspell: float = Field(default=0.02, ge=0, le=1)  # share of a copy's words that are misspelt
    words: str | None = None  # a public list whose words come up in copies: a language such as "en", or a file


class Student(Section):
    """The small model. Unset sizes follow the kind; few rows mean small batches and more epochs."""

    kind: str | None = None  # one of the modality's, BEST or AUTO; default: see `distill.modalities.resolve`
    width: int | None = Field(default=None, ge=8, le=1024)
    embedding: int | None = Field(default=None, ge=8, le=1024)
    layers: int | None = Field(default=None, ge=1, le=8)
    vocabulary: int = Field(default=16000, ge=100, le=200_000)
    buckets: int = Field(default=1024, ge=1, le=1_000_000)
    misspellings: int = Field(default=0, ge=0, le=10_000_000)  # places to look up words that are spelt nearly alike
    max_tokens: int = Field(default=256, ge=8, le=4096)
    bits: Literal[8, 4] = 8  # of a stored weight
    precision: Literal["float32", "bfloat16"] = "float32"  # of products while it trains
    dropout: float = Field(default=0.3, ge=0, lt=1)
    epochs: int = Field(default=20, ge=1)
    patience: int = Field(default=5, ge=1)
    learning_rate: float = Field(default=2e-3, gt=0)
    weight_decay: float = Field(default=0.01, ge=0)
    batch_size: int = Field(default=128, ge=1)
    # Chosen on validation rows where the recipe does not say: see `distill.pipeline.teaching`.
    temperature: float | None = Field(default=None, gt=0)
    gold_weight: float | None = Field(default=None, ge=0, le=1)  # share of the loss taught by the gold label; 1: alone


class Serving(Section):
    """What the deployed function allows and when it abstains."""

    abstain_below: float = Field(default=0.0, ge=0, le=1)
    max_inputs: int = Field(default=64, ge=1, le=10_000)
    max_characters: int = Field(default=20_000, ge=1, le=1_000_000)
    max_body_bytes: int = Field(default=1_000_000, ge=1, le=6_000_000)  # Lambda takes 6 MB
    max_depth: int = Field(default=32, ge=8, le=200)  # the API itself needs six; the parser recurses some hundreds
    max_explained: int = Field(default=2048, ge=1, le=100_000)


class Evaluation(Section):
    """How the evidence is measured."""

    held_out_group: str | None = None  # novelty is judged on this group, left out of a probe's training
    bootstrap: int = Field(default=2000, ge=100)
    # Few rows are judged by cross-fitting: each by a student that never saw it. 0: by one split. Default: 2 times
    # under 300 labelled rows, once under 2,000, else 0; 0 where the data comes with a split of its own.
    repeats: int | None = Field(default=None, ge=0, le=20)


class Gates(Section):
    """Limits that the evidence must keep, or nothing is sealed."""

    min_retention: float = Field(default=0.9, ge=0)
    min_teacher_accuracy: float = Field(default=0.0, ge=0, le=1)
    min_accuracy: float | None = Field(default=None, ge=0, le=1)
    min_gain_over_baseline: float | None = Field(default=None, ge=-1, le=1)
    min_gain_over_twin: float | None = Field(default=None, ge=-1, le=1)
    allow_worse: bool = False  # whether a student may be worse than its twin or the baseline, beyond chance
    max_kilobytes: float = Field(default=4096, gt=0)
    max_latency_ms: float = Field(default=1.0, gt=0)
    max_ece: float | None = Field(default=None, gt=0, le=1)


class Recipe(Section):
    """One run, whole."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    seed: int = Field(default=0, ge=0, lt=2**31)
    data: Data
    teacher: Teacher = Teacher()
    transfer: Transfer = Transfer()
    student: Student = Student()
    serving: Serving = Serving()
    evaluation: Evaluation = Evaluation()
    gates: Gates = Gates()
