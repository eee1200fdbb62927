"""From a recipe's student section to a torch module of the right shape."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from distill.modalities.initialization import Start
from distill.modalities.prelude import Prelude
from distill.modalities.tabular.embedding_student import EmbeddedStudent
from distill.modalities.tabular.students import MlpStudent
from distill.modalities.text.mini_bert import MiniStudent
from distill.modalities.text.prelude import FIRST_WORD
from distill.modalities.text.students import ConvStudent, GruStudent, StaticStudent, TextStudent
from distill.recipe.schema import Student
from distill.teachers.layer_transfer import FirstLayers

_TEXT: Mapping[str, type[StaticStudent | ConvStudent | GruStudent]] = MappingProxyType(
    {"static": StaticStudent, "conv": ConvStudent, "gru": GruStudent}
)
_EMBEDDING = 96
_DEFAULT_WIDTH = MappingProxyType({"static": 128, "conv": 96, "gru": 96, "mlp": 128, "embedded": 128})


def build(config: Student, prelude: Prelude, classes: int, seed: int, start: Start) -> nn.Module:
    """A fresh student that starts from what of its teacher's is given; `mini` cannot do without."""
    torch.manual_seed(seed)
    kind = str(config.kind)
    if isinstance(start, FirstLayers):
        return MiniStudent(prelude.surprisal, prelude.buckets, config.embedding, classes, config.dropout, start)
    width = config.width or _DEFAULT_WIDTH[kind]
    layers = config.layers or 1
    if kind == "mlp":
        return MlpStudent(prelude.width, width, layers, classes, config.dropout, prelude.pieces)
    if kind == "embedded":
        return EmbeddedStudent(prelude, width, layers, classes, config.dropout)
    embedding = config.embedding or _EMBEDDING
    student = _TEXT[kind](prelude.surprisal, prelude.buckets, embedding, width, classes, config.dropout)
    if start is not None:
        start_from(student, start)
    return student


def start_from(student: TextStudent, word_vectors: npt.NDArray[np.float32]) -> None:
    """Set the vocabulary's embeddings to the teacher's word vectors, by PCA to the student's width.

    As model2vec does (Tulkens and van Dongen, 2024), scaled to the spread of a fresh embedding.
    """
    centred = word_vectors - word_vectors.mean(axis=0)
    covariance = centred.T.astype(np.float64) @ centred.astype(np.float64)
    _, directions = np.linalg.eigh(covariance)
    kept = min(student.embedding.embedding_dim, directions.shape[1])
    directions = directions[:, ::-1][:, :kept]
    directions = directions * np.sign(directions[np.abs(directions).argmax(axis=0), np.arange(kept)])
    start = (centred @ directions).astype(np.float32)
    start *= 0.1 / max(float(start.std()), 1e-12)  # the vectors of a single word, or of equal ones, are all zero
    with torch.no_grad():
        student.embedding.weight[FIRST_WORD : FIRST_WORD + len(start), :kept] = torch.from_numpy(start)
