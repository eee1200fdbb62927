"""Model2Vec with its embedding as int8, and fewer rows than word pieces where a setting says so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from model2vec.inference import StaticModelPipeline
from model2vec.model import quantize_model

from distill.experiments.peers import contest
from distill.experiments.peers.contest import Model, Peer, Setting
from distill.experiments.peers.exchange import Questions, Task
from distill.experiments.peers.model2vec_peer import LIBRARIES, shipped, static, tuned, with_encoders

# As without quantisation; `clusters` of word pieces share a row of the embedding, None: each has its own.
_SETTINGS: tuple[Setting, ...] = (
    {"encoder": "fitted", "pca_dims": 64, "clusters": None, "learned_weights": False, "learning_rate": 1e-3},
    {"encoder": "fitted", "pca_dims": 256, "clusters": None, "learned_weights": False, "learning_rate": 1e-3},
    {"encoder": "plain", "pca_dims": 256, "clusters": None, "learned_weights": False, "learning_rate": 1e-3},
    {"encoder": "fitted", "pca_dims": 64, "clusters": None, "learned_weights": True, "learning_rate": 1e-3},
    {"encoder": "fitted", "pca_dims": 64, "clusters": 4096, "learned_weights": False, "learning_rate": 1e-3},
    {"encoder": "plain", "pca_dims": 128, "clusters": None, "learned_weights": False, "learning_rate": 1e-3},
    {"encoder": "plain", "pca_dims": 64, "clusters": None, "learned_weights": False, "learning_rate": 1e-3},
    {"encoder": "plain", "pca_dims": 64, "clusters": 4096, "learned_weights": False, "learning_rate": 1e-3},
)


def settings(task: Task) -> Sequence[Setting]:
    """Those of an encoder that is there."""
    return with_encoders(_SETTINGS, task)


def fit(questions: Questions, setting: Setting, work: Path) -> Model:
    """Distil, share rows, tune, round, and load what was saved."""
    model = static(questions, setting, work)
    if setting["clusters"] is not None:
        model = quantize_model(model, vocabulary_quantization=min(setting["clusters"], len(model.embedding)))
    pipeline = tuned(model, questions, setting)
    rounded = StaticModelPipeline(quantize_model(pipeline.model, quantize_to="int8"), pipeline.head)
    rounded.save_pretrained(str(work))
    return shipped(work, "Model2Vec, int8")


if __name__ == "__main__":
    contest.main(Peer("model2vec_quantised", LIBRARIES, settings, fit))
