"""The sections of a recipe as frozen models: every key with its type, bounds, default and meaning.

What stands below a key is its description: `distill.recipe.reference` makes docs/recipe.md of it.
"""

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

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=False, allow_inf_nan=False, use_attribute_docstrings=True
    )


class Data(Section):
    """Where rows come from and which columns mean what."""

    source: str
    """`csv`, `jsonl` or `parquet`; `folder`, pictures of which each class has a sub-folder; or a named public set
    (`limbeck datasets`)."""
    path: str | None = None
    """The file with the rows, or the folder: looked for beside the recipe, then in the working directory."""
    text: Column | None = None
    """The column of texts. For a table leave it out."""
    image: Column | None = None
    """The column of pictures: paths that begin at the file's folder, base64, or in Parquet bytes."""
    background: str = Field(default="#ffffff", pattern=r"^#[0-9a-fA-F]{6}$")
    """Of pictures: the colour that shows where one is transparent."""
    columns: tuple[Column, ...] | None = None
    """The input columns of a table. Default: all that have no other role."""
    label: Column | None = None
    """The column with the classes. A row without a label serves distillation only."""
    soft_label_prefix: str | None = None
    """The columns PREFIX + label hold a teacher's probabilities, an LLM's say; they take the teacher's place."""
    group: Column | None = None
    """A column of groups (a site, a domain), each of which the report judges by itself."""
    split_by_group: bool | None = None
    """Whether the rows of a group stand in one part of the split. Default: where each class has three groups."""
    split: Column | None = None
    """A column that says `train`, `validation` or `test`. Default: 80/10/10 in each class, by a hash of the row."""
    encoding: str | None = None
    """Of a file of text: Python's name of it, such as `"cp1251"`. Default: UTF-8, or what can be told."""
    types: dict[Column, Literal["number", "category"]] = {}
    """What a column holds, where its cells mislead: `types."zip code" = "category"`."""
    allow_leaks: tuple[Column, ...] = ()
    """Columns that may tell the label by themselves; one that does and is not named here stops the run."""
    max_rows: int | None = Field(default=None, ge=50)
    """Only so many rows, a fixed sample by a hash of the row."""
    public: bool | None = None
    """Whether anybody may see the rows: only then the report shows pictures of them. Default: of a named set `true`, of
    a file or folder `false`."""


class Teacher(Section):
    """The heavy model."""

    kind: str | None = None
    """Of texts `stack`, `encoder` or `tfidf`; of columns `stack`, `boosted_trees`, `extra_trees` or `linear`; of
    pictures `vision`, `histograms` or `stack`; or `precomputed`, the columns of `data.soft_label_prefix`. Default:
    `precomputed` where these are given, else `stack`, several teachers weighed by what they say of rows that they were
    not fitted on; of pictures `vision`."""
    members: tuple[str, ...] | None = None
    """Of a stack: kinds of teacher. Default: of texts `encoder` and `tfidf`, of columns the three kinds above."""
    model: str = "all-MiniLM-L6-v2"
    """The encoder: that one, a folder as `save_pretrained()` leaves it, or a name on the model hub with `sha256`. Of
    `vision` an ONNX file whose first output describes pictures; default: EfficientNet-Lite0."""
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """The hash of the encoder's `model.safetensors`, which pins it."""
    mode: Literal["frozen", "finetune"] = "frozen"
    """A head on the encoder's features, or fine-tuning of the encoder."""
    train_layers: int | None = Field(default=None, ge=1)
    """Fine-tuning: only the last layers, so many. Default: all."""
    epochs: int = Field(default=3, ge=1)
    """Fine-tuning: passes over the training rows."""
    learning_rate: float = Field(default=5e-5, gt=0)
    """Fine-tuning: of AdamW, at its highest."""
    batch_size: int = Field(default=32, ge=1)
    """Fine-tuning: rows an update."""
    size: int | None = Field(default=None, ge=32, le=512)
    """Of `vision`: pixels a side. Default: 224; 128 where it is tuned."""
    max_tokens: int | None = Field(default=None, ge=8, le=512)
    """Word pieces of a text that the encoder reads. Default: as long as the texts are, within `max_minutes`."""
    max_minutes: float = Field(default=10.0, gt=0)
    """What a frozen encoder may take to read all rows, in minutes of two cores, about; half of it, boosted trees of
    many classes."""
    vote_weight: float = Field(default=0.0, ge=0, le=1)
    """Share of the loss that human raters' votes teach, where the data has them."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of the encoder's products. bfloat16 is some three times as fast where the processor has it: `auto` looks."""
    runs: int = Field(default=1, ge=1, le=10)
    """Fine-tuning runs, in other orders of the rows: the mean of their weights counts, or the best run where that is
    better on validation rows."""


class Transfer(Section):
    """The transfer set: which rows the teacher labels for the student."""

    folds: int | None = Field(default=None, ge=1, le=10)
    """Over 1: each row is labelled by a teacher that never saw it. Default: 5 for a stack, otherwise 1."""
    augment: int | None = Field(default=None, ge=0, le=1000)
    """Varied copies of each training row, labelled by the teacher of all rows. Default: of columns 10, up to 200,000
    rows in all, and rows times classes within 15 million; of texts up to 11, within 60,000 rows and 1.5 million
    words."""
    replace: float = Field(default=0.2, ge=0, le=1)
    """Of a text's copies: the share of words that give their place to a like one."""
    misspell: float = Field(default=0.02, ge=0, le=1)
    """Of a text's copies: the share of words that are misspelt."""
    words: str | None = None
    """Of a text's copies: a public list whose words come up in them, a language such as `"en"` or a file."""
    forbid: tuple[Literal["mirror", "crop", "colour", "turn", "erase"], ...] = ()
    """Of a picture's copies: what may not be done to them, because it would change the label."""


class Student(Section):
    """The small model. Unset sizes follow the kind; few rows mean small batches and more epochs."""

    kind: str | None = None
    """Of texts `static`, `bag`, `conv`, `gru` or `mini`; of columns `mlp` or `embedded`; of pictures `blocks`, the
    first ones of a pretrained network, or `dsconv`, separable convolutions from nothing; `best`, the best of the usual
    ones on validation rows, the default; `auto`, the smallest of the ladder that passes the gates."""
    width: int | None = Field(default=None, ge=8, le=1024)
    """Units of a hidden layer. Default: the kind's."""
    embedding: int | None = Field(default=None, ge=8, le=1024)
    """Numbers a word or cell. Default: the kind's."""
    layers: int | None = Field(default=None, ge=1, le=8)
    """Hidden layers; of `mini`, layers of the teacher. Default: the kind's."""
    vocabulary: int = Field(default=16000, ge=100, le=200_000)
    """Words that are known by name; each comes up in three training rows at least."""
    buckets: int = Field(default=1024, ge=1, le=1_000_000)
    """Ids for the letters of unknown words; of a `bag`, for the commonest of all that it reads, 14,000 unless set."""
    misspellings: int = Field(default=0, ge=0, le=10_000_000)
    """Places of a table that reads words spelt nearly alike, four bytes each; four times the vocabulary does well."""
    max_tokens: int = Field(default=256, ge=8, le=4096)
    """Words of a text that are read."""
    size: int | None = Field(default=None, ge=16, le=512)
    """Pixels a side that a picture is brought to. Default: 128."""
    fit: Literal["crop", "letterbox", "stretch"] | None = None
    """How a picture that is no square is brought to one: its middle, all of it between grey bars, or distorted.
    Default: `crop`."""
    blocks: int | None = Field(default=None, ge=1, le=16)
    """Of `blocks`: how many of EfficientNet-Lite0's sixteen. Default: 7."""
    bits: Literal[8, 4] = 8
    """Of a stored weight; of a `bag` 4 unless set."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of products while it trains."""
    dropout: float = Field(default=0.3, ge=0, lt=1)
    """Share of units left out at each update."""
    epochs: int = Field(default=20, ge=1)
    """Passes over the transfer set, at most."""
    patience: int = Field(default=5, ge=1)
    """Early stopping: epochs without a lower loss on validation rows."""
    learning_rate: float = Field(default=2e-3, gt=0)
    """Of AdamW, at its highest."""
    weight_decay: float = Field(default=0.01, ge=0)
    """Of AdamW."""
    batch_size: int = Field(default=128, ge=1)
    """Rows an update."""
    temperature: float | None = Field(default=None, gt=0)
    """The distillation temperature T. Default: 1 or 2, by loss on validation rows."""
    gold_weight: float | None = Field(default=None, ge=0, le=1)
    """Share of the loss that the gold label teaches; 1: alone. Default: 0.3 or 0.7, by loss on validation rows."""


class Serving(Section):
    """What the deployed function allows and when it abstains."""

    abstain_below: float = Field(default=0.0, ge=0, le=1)
    """An answer whose probability is lower is marked as abstained; a request may name its own threshold."""
    max_inputs: int = Field(default=64, ge=1, le=10_000)
    """Inputs a request."""
    max_characters: int = Field(default=20_000, ge=1, le=1_000_000)
    """Characters of a text or a category."""
    max_body_bytes: int = Field(default=1_000_000, ge=1, le=6_000_000)
    """Bytes of a body, as it arrives and once more unpacked. Lambda takes six million, the default of pictures."""
    max_depth: int = Field(default=32, ge=8, le=200)
    """Nested arrays and objects in a body; the API itself needs six."""
    max_explained: int = Field(default=2048, ge=1, le=100_000)
    """Copies of its inputs that a request with `explain` may have run."""
    max_pixels: int = Field(default=0, ge=0, le=100_000_000)
    """Of a picture, width times height. Default of pictures: 25 million."""


class Evaluation(Section):
    """How the evidence is measured."""

    held_out_group: str | None = None
    """Novelty is judged on this group of `data.group`, left out of a second student's training."""
    bootstrap: int = Field(default=2000, ge=100)
    """Resamples of a bootstrap interval."""
    repeats: int | None = Field(default=None, ge=0, le=20)
    """How often each row is judged by cross-fitting, that is by a student that never saw it; 0: by one split.
    Default: 2 under 300 labelled rows, 1 under 2,000, else 0; 0 where the data comes with a split of its own."""


class Gates(Section):
    """Limits that the evidence must keep, or nothing is sealed."""

    min_retention: float = Field(default=0.9, ge=0)
    """Accuracy of the student / accuracy of the teacher."""
    min_teacher_accuracy: float = Field(default=0.0, ge=0, le=1)
    """A teacher that learned nothing teaches nothing."""
    min_accuracy: float | None = Field(default=None, ge=0, le=1)
    """Of the student."""
    min_gain_over_baseline: float | None = Field(default=None, ge=-1, le=1)
    """Accuracy of the student less that of TF-IDF, or of one-hot columns, with logistic regression."""
    min_gain_over_twin: float | None = Field(default=None, ge=-1, le=1)
    """Accuracy of the student less that of the same network taught by gold labels alone."""
    allow_worse: bool = False
    """Whether a student may be worse than its twin or the baseline, beyond chance."""
    max_kilobytes: float = Field(default=4096, gt=0)
    """Size of `model.onnx`, in thousands of bytes."""
    max_latency_ms: float = Field(default=1.0, gt=0)
    """Median time of one row on one thread, in milliseconds. Default of pictures: 30."""
    max_ece: float | None = Field(default=None, gt=0, le=1)
    """Expected calibration error."""


class Recipe(Section):
    """One run, whole."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    """The bundle's name. Default: the recipe's file, less `.toml`."""
    seed: int = Field(default=0, ge=0, lt=2**31)
    """Of everything that is drawn at random."""
    data: Data
    teacher: Teacher = Teacher()
    transfer: Transfer = Transfer()
    student: Student = Student()
    serving: Serving = Serving()
    evaluation: Evaluation = Evaluation()
    gates: Gates = Gates()
