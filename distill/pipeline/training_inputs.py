"""Everything that students of one recipe are taught from: made once, whatever students are then made of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from distill.data.load import load
from distill.data.rows import Dataset
from distill.evaluation import novelty_auroc
from distill.evaluation.novelty_auroc import Contrast
from distill.modalities import register, resolve
from distill.modalities.modality import Modality
from distill.progress import say
from distill.recipe.schema import Recipe, Student
from distill.teachers import fit as teachers
from distill.teachers.teacher import Teacher
from distill.training import budget, soft_labels
from distill.training.budget import Size
from distill.training.soft_labels import SoftLabels

_SHOWN_NOTES = 20


@dataclass(frozen=True)
class Lesson:
    """Rows, the teacher, and what it says of the transfer set."""

    recipe: Recipe  # resolved; the student's section as it was written
    modality: Modality
    rows: Dataset
    contrast: Contrast  # what novelty is judged on
    teacher: Teacher
    words: tuple[str, ...]  # public: they may stand in a bundle
    soft: SoftLabels

    def paced(self, student: Student) -> Student:
        """The student's section with what it leaves open set for these rows."""
        return budget.fit(student, self.modality.students[str(student.kind)].budget, self._size(student))

    def paced_alone(self, student: Student) -> Student:
        """The same for a student that learns from the labelled rows alone."""
        return budget.alone(student, self.modality.students[str(student.kind)].budget, self._size(student))

    def _size(self, student: Student) -> Size:
        train = self.rows.train
        return Size(len(train), self.recipe.transfer.augment, self.modality.row_length(train, student))


def prepare(recipe: Recipe, base: Path) -> Lesson:
    """Read the rows, fit the teacher and have it label the transfer set. `base`: where relative paths start.

    Raises:
        DistillError: see `distill.errors`.
    """
    recipe = resolve.resolved(recipe)
    modality = register.of(recipe.data)
    say("rows")
    rows = load(recipe.data, base, modality)
    rows = replace(rows, notes=(*rows.notes, *modality.notes(recipe, rows)))
    contrast = novelty_auroc.contrast(modality, rows, recipe.evaluation.held_out_group, recipe.seed)
    say(f"  {len(rows.train)} training, {len(rows.validation)} validation, {len(rows.test)} test rows")
    for note in rows.notes[:_SHOWN_NOTES]:
        say(f"  {note}")
    if len(rows.notes) > _SHOWN_NOTES:
        say(f"  and {len(rows.notes) - _SHOWN_NOTES} more notes on the data: they are in the manifest and the report")
    say("teacher")
    teacher = teachers.fit(recipe.teacher, rows, recipe.transfer.folds, recipe.seed, base)
    say("soft labels")
    words = modality.public_words(recipe.transfer, base)
    copies = None
    if recipe.transfer.augment:
        apart = (rows.validation, rows.test)
        copies = modality.augment(teacher, rows.train, apart, recipe.transfer, words, recipe.seed)
    soft = soft_labels.make(teacher, rows.train, copies)
    say(f"  {len(soft.rows)} rows in the transfer set")
    return Lesson(recipe, modality, rows, contrast, teacher, words, soft)
