"""What a student of texts starts from: its teacher's word vectors, or the teacher's own first layers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from distill import cache
from distill.errors import RecipeError
from distill.modalities.initialization import Start
from distill.modalities.text.prelude import FIRST_WORD, TextPrelude
from distill.modalities.text.students import KINDS, TextStudent
from distill.recipe.schema import Student
from distill.teachers.layer_transfer import FirstLayers
from distill.teachers.teacher import Teacher

MINI_LAYERS = 2
_EMBEDDING = 96


def build(config: Student, prelude: TextPrelude, classes: int, start: Start) -> TextStudent:
    """A fresh student of the recipe's kind and sizes, its vocabulary at the word vectors of `start`, if any."""
    kind, width = KINDS[str(config.kind)]
    sizes = (config.embedding or _EMBEDDING, config.width or width, classes, config.dropout)
    student = kind(prelude.surprisal, prelude.buckets, *sizes)
    if isinstance(start, np.ndarray):
        start_from(student, start)
    return student


def word_vectors(teacher: Teacher | None, words: Sequence[str]) -> np.typing.NDArray[np.float32] | None:
    """An encoder's vectors for words [V,H], cached by content; None where the teacher is no encoder."""
    encoder = None if teacher is None else teacher.encoder
    if teacher is None or encoder is None:
        return None
    path = cache.root() / "word-vectors" / f"{cache.key('word-vectors', teacher.id, list(words))}.npy"
    return cache.array(path, lambda: encoder.word_vectors(words))


def of_words(
    config: Student, teacher: Teacher, prelude: TextPrelude, taught: bool
) -> np.typing.NDArray[np.float32] | None:
    """Vectors for the prelude's words; nothing where it is not to be taught: they would be the teacher's word, too."""
    return word_vectors(teacher, prelude.words) if taught else None


def of_layers(config: Student, teacher: Teacher, prelude: TextPrelude, taught: bool) -> FirstLayers:
    """The first layers of the teacher, or of the encoder as it was before it was fitted.

    Raises:
        RecipeError: the teacher has no layers to start from.
    """
    if teacher.encoder is None:
        raise RecipeError("student.kind 'mini' starts from an encoder's layers, and this teacher has none.")
    return teacher.encoder.first_layers(config.layers or MINI_LAYERS, prelude.words, config.max_tokens, taught)


def word_pieces(teacher: Teacher | None, words: Sequence[str]) -> Sequence[Sequence[str]]:
    """The pieces that the teacher's tokenizer makes of each word.

    Raises:
        RecipeError: the teacher has no tokenizer.
    """
    if teacher is None or teacher.encoder is None:
        raise RecipeError("student.kind 'mini' reads the word pieces of a teacher, and this teacher has none.")
    return teacher.encoder.word_pieces(words)


def start_from(student: TextStudent, word_vectors: np.typing.NDArray[np.float32]) -> None:
    """Set the vocabulary's embeddings to the teacher's word vectors, by PCA to the student's width.

    As model2vec does (Tulkens and van Dongen, 2024), scaled to the spread of a fresh embedding.
    """
    centred = word_vectors - word_vectors.mean(axis=0)
    _, directions = np.linalg.eigh(centred.T.astype(np.float64) @ centred.astype(np.float64))
    kept = min(student.embedding.embedding_dim, directions.shape[1])
    directions = directions[:, ::-1][:, :kept]
    directions = directions * np.sign(directions[np.abs(directions).argmax(axis=0), np.arange(kept)])
    start = (centred @ directions).astype(np.float32)
    start *= 0.1 / max(float(start.std()), 1e-12)  # the vectors of a single word, or of equal ones, are all zero
    with torch.no_grad():
        student.embedding.weight[FIRST_WORD : FIRST_WORD + len(start), :kept] = torch.from_numpy(start)
