"""Texts that are longer than what is read of them, or than what is served: said before the work, not found after it."""

from __future__ import annotations

from distill.data.rows import Dataset
from distill.data.wording import counted
from distill.recipe.schema import Recipe

_WORTH_SAYING = 0.05  # share of texts that are cut


def notes(recipe: Recipe, dataset: Dataset) -> tuple[str, ...]:
    """Sentences for people, with the setting that each is about."""
    parts = (dataset.train, dataset.validation, dataset.test)
    texts = [str(text) for part in parts for text in part.columns["text"].tolist()]
    said = []
    read, served = recipe.student.max_tokens, recipe.serving.max_characters
    cut = sum(len(text.split(maxsplit=read)) > read for text in texts)
    if cut > _WORTH_SAYING * len(texts):
        teacher = recipe.teacher
        also = f", the teacher {teacher.max_tokens} word pieces (teacher.max_tokens)" if teacher.max_tokens else ""
        said.append(
            f"{cut / len(texts):.0%} of the texts have more than {read:,} words: the student reads the first {read:,} "
            f"words and marks of a text (student.max_tokens){also}"
        )
    long = sum(len(text) > served for text in texts)
    if long:
        said.append(
            f"{counted(long, 'text')} of more than {served:,} characters: the served function will refuse the like, "
            "unless serving.max_characters is raised"
        )
    return tuple(said)
