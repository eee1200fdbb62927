"""What students are taught from: made once, whatever students are then made of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from distill.audit import leaks
from distill.data.load import load
from distill.data.rows import Dataset
from distill.modalities import register
from distill.modalities.modality import Modality
from distill.progress import say, waiting
from distill.recipe import cost_matrix
from distill.recipe.schema import Costs as CostsConfig
from distill.recipe.schema import Recipe, Student, Transfer
from distill.recipe.schema import Teacher as TeacherConfig
from distill.teachers import fit as teachers
from distill.teachers.teacher import Teacher
from distill.training import budget, soft_labels
from handler.bundle.costs import Costs

_SHOWN_NOTES = 20
_MOST_ANSWERS = 15_000_000  # probabilities of the transfer set, where the recipe does not say how many copies it has


@dataclass(frozen=True)
class TrainingInputs:
    """Rows, the teacher, and what it says of the transfer set."""

    modality: Modality
    rows: Dataset
    teacher: Teacher
    words: tuple[str, ...]  # public: they may stand in a bundle
    soft: soft_labels.SoftLabels
    held: soft_labels.SoftLabels  # the validation rows, and what the teacher says of them
    copies: int  # varied copies a row that were asked for
    seed: int
    costs: Costs | None = None  # of mistakes; None: all count alike

    def budgeted(self, student: Student, alone: bool = False) -> Student:
        """The student's section with what it leaves open set for these rows; `alone`: for the labelled rows alone."""
        size = budget.Size(len(self.rows.train), self.copies, self.row_length(student))
        return (budget.alone if alone else budget.fit)(student, self.modality.students[str(student.kind)].budget, size)

    def row_length(self, student: Student) -> float:
        """Words, or the like, that the student reads of a row on the mean."""
        return self.modality.row_length(self.rows.train, student)


def read(recipe: Recipe, base: Path) -> Dataset:
    """The rows, with what a person should hear of them. `base`: where relative paths start.

    Raises:
        DataError: see `distill.data.load` and `distill.audit.leaks`.
        RecipeError: the recipe prices a label that the rows have not.
    """
    say("rows")
    modality = register.of(recipe.data)
    with waiting("reading rows"):
        rows = load(recipe.data, base, modality)
    with waiting("looking for leaks"):
        found = leaks.check(rows, recipe.data)
    costs = cost_matrix.of(recipe.costs, rows.labels)
    cost_matrix.check_gates(recipe.gates, rows.labels)
    priced = () if costs is None else cost_matrix.notes(costs, rows.labels)
    rows = replace(rows, notes=(*rows.notes, *found, *modality.notes(recipe, rows), *priced))
    say(f"  {len(rows.train)} training, {len(rows.validation)} validation, {len(rows.test)} test rows")
    more = f"and {len(rows.notes) - _SHOWN_NOTES} more notes on the data: they are in the manifest and the report"
    for note in (*rows.notes[:_SHOWN_NOTES], *([more] if len(rows.notes) > _SHOWN_NOTES else [])):
        say(f"  {note}")
    return rows


def prepare(
    rows: Dataset, config: TeacherConfig, transfer: Transfer, seed: int, base: Path, costs: CostsConfig | None = None
) -> TrainingInputs:
    """Fit the teacher and have it label the transfer set. `base`: where relative paths start.

    `costs`: what the decisions of the students are weighed by; it changes nothing of what they learn.

    Raises:
        DistillError: see `distill.errors`.
    """
    modality = register.named(rows.task)
    say("teacher")
    teacher = teachers.fit(config, rows, transfer.folds or 1, seed, base)
    say("soft labels")
    with waiting("soft labels"):
        words = modality.public_words(transfer, base)
        copies, count = None, transfer.augment
        if count is None:
            count = _default_copies(modality, rows) if teacher.kilobytes is not None else 0
        if count:
            transfer = transfer.model_copy(update={"augment": count})
            copies = modality.augment(teacher, rows.train, (rows.validation, rows.test), transfer, words, seed)
        soft = soft_labels.make(teacher, rows.train, copies)
        say(f"  {len(soft.rows)} rows in the transfer set")
        held = soft_labels.SoftLabels(rows.validation, teacher.logits(rows.validation))
    priced = None if costs is None else cost_matrix.of(costs, rows.labels)
    return TrainingInputs(modality, rows, teacher, words, soft, held, count, seed, priced)


def _default_copies(modality: Modality, rows: Dataset) -> int:
    """The modality's, or fewer where there are so many classes that the teacher's answers would fill the memory."""
    usual = modality.default_copies(len(rows.train), modality.row_length(rows.train, Student()))
    return max(0, min(usual, _MOST_ANSWERS // (max(len(rows.train), 1) * len(rows.labels)) - 1))


def of(recipe: Recipe, base: Path) -> TrainingInputs:
    """Both steps, for experiments.

    Raises:
        DistillError: see `distill.errors`.
    """
    return prepare(read(recipe, base), recipe.teacher, recipe.transfer, recipe.seed, base, recipe.costs)
