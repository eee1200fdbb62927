"""Everything that students of one recipe are taught from: made once, whatever students are then made of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from distill.data.load import load
from distill.data.rows import Dataset
from distill.evaluation import novelty_auroc
from distill.evaluation.novelty_auroc import Contrast
from distill.modalities.text import lengths, word_lists
from distill.progress import say
from distill.recipe.schema import Recipe, Student
from distill.teachers import fit as teachers
from distill.teachers.teacher import Teacher
from distill.training import budget, soft_labels
from distill.training.soft_labels import SoftLabels

_SHOWN_NOTES = 20


@dataclass(frozen=True)
class Lesson:
    """Rows, the teacher, and what it says of the transfer set."""

    recipe: Recipe  # resolved; the student's section as it was written
    rows: Dataset
    contrast: Contrast  # what novelty is judged on
    teacher: Teacher
    words: tuple[str, ...]  # of a public list
    soft: SoftLabels

    def paced(self, student: Student) -> Student:
        """The student's section with what it leaves open set for these rows."""
        return budget.fit(self._with(student), *self._size(student)).student

    def paced_alone(self, student: Student) -> Student:
        """The same for a student that learns from the labelled rows alone."""
        return budget.alone(self._with(student), *self._size(student)).student

    def _with(self, student: Student) -> Recipe:
        return self.recipe.model_copy(update={"student": student})

    def _size(self, student: Student) -> tuple[int, float]:
        """Training rows, and words that are read of one."""
        train = self.rows.train
        if self.rows.task != "text":
            return len(train), 1.0
        words = [min(student.max_tokens, len(str(text).split())) for text in train.columns["text"].tolist()]
        return len(train), sum(words) / len(words)


def prepare(recipe: Recipe, base: Path) -> Lesson:
    """Read the rows, fit the teacher and have it label the transfer set. `base`: where relative paths start.

    Raises:
        DistillError: see `distill.errors`.
    """
    say("rows")
    rows = load(recipe.data, base)
    recipe = recipe.resolved(rows.task)
    rows = replace(rows, notes=(*rows.notes, *lengths.notes(recipe, rows)))
    contrast = novelty_auroc.contrast(rows, recipe.evaluation.held_out_group, recipe.seed)
    say(f"  {len(rows.train)} training, {len(rows.validation)} validation, {len(rows.test)} test rows")
    for note in rows.notes[:_SHOWN_NOTES]:
        say(f"  {note}")
    if len(rows.notes) > _SHOWN_NOTES:
        say(f"  and {len(rows.notes) - _SHOWN_NOTES} more notes on the data: they are in the manifest and the report")
    say("teacher")
    teacher = teachers.fit(recipe.teacher, rows, recipe.transfer.folds, recipe.seed, base)
    say("soft labels")
    words = word_lists.load(recipe.transfer.words, base)
    soft = soft_labels.make(teacher, rows.train, (rows.validation, rows.test), recipe.transfer, words, recipe.seed)
    say(f"  {len(soft.rows)} rows in the transfer set")
    return Lesson(recipe, rows, contrast, teacher, words, soft)
