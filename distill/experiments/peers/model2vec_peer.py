"""Model2Vec: a static embedding of word pieces distilled from the encoder, tuned with a classifier on top."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from model2vec import StaticModel
from model2vec.distill import distill
from model2vec.inference import StaticModelPipeline
from model2vec.model import quantize_model
from model2vec.train import StaticModelForClassification

from distill.experiments.peers import contest
from distill.experiments.peers.contest import Model, Peer, Setting
from distill.experiments.peers.exchange import Floats, Questions, Task

# The encoder it is distilled from, the principal components that are kept, whether the weight of each word piece is
# learned apart from its direction, and the learning rate. All else is the library's default.
_SETTINGS: tuple[Setting, ...] = (
    {"encoder": "fitted", "pca_dims": 64, "learned_weights": False, "learning_rate": 1e-3},
    {"encoder": "fitted", "pca_dims": 256, "learned_weights": False, "learning_rate": 1e-3},
    {"encoder": "plain", "pca_dims": 256, "learned_weights": False, "learning_rate": 1e-3},
    {"encoder": "fitted", "pca_dims": 64, "learned_weights": True, "learning_rate": 1e-3},
    {"encoder": "fitted", "pca_dims": 128, "learned_weights": False, "learning_rate": 1e-3},
    {"encoder": "plain", "pca_dims": 128, "learned_weights": False, "learning_rate": 1e-3},
    {"encoder": "plain", "pca_dims": 64, "learned_weights": False, "learning_rate": 1e-3},
    {"encoder": "plain", "pca_dims": 256, "learned_weights": True, "learning_rate": 1e-3},
    {"encoder": "fitted", "pca_dims": 64, "learned_weights": False, "learning_rate": 3e-4},
    {"encoder": "plain", "pca_dims": 256, "learned_weights": False, "learning_rate": 3e-4},
)
LIBRARIES = ("model2vec", "tokenizers", "torch", "transformers", "numpy")
_SHIPPED = ("model.safetensors", "head.safetensors", "tokenizer.json", "config.json")
_MOST_DIMENSIONS = 256


def settings(task: Task) -> Sequence[Setting]:
    """Those of an encoder that is there."""
    return with_encoders(_SETTINGS, task)


def with_encoders(wanted: Sequence[Setting], task: Task) -> Sequence[Setting]:
    """The settings that need no fitted encoder where there is none."""
    return [setting for setting in wanted if task.fitted is not None or setting["encoder"] != "fitted"]


def fit(questions: Questions, setting: Setting, work: Path) -> Model:
    """Distil, tune, and load what was saved."""
    tuned(static(questions, setting, work), questions, setting).save_pretrained(str(work))
    return shipped(work, "Model2Vec")


def static(questions: Questions, setting: Setting, work: Path) -> StaticModel:
    """The encoder's static model; its first components are those of any that has more."""
    folder = work.parent / f"static-{setting['encoder']}"
    if not folder.is_dir():
        contest.tell(f"a static model of the {setting['encoder']} encoder")
        encoder = questions.task.fitted if setting["encoder"] == "fitted" else questions.task.encoder
        made = distill(str(encoder), device="cpu", pca_dims=_MOST_DIMENSIONS, quantize_to="float32")
        made.save_pretrained(folder)
    found = StaticModel.from_pretrained(folder)
    return quantize_model(found, dimensionality=min(setting["pca_dims"], found.dim))


def tuned(model: StaticModel, questions: Questions, setting: Setting) -> StaticModelPipeline:
    """The static model with a classifier, both trained until validation accuracy no longer rises."""
    classifier = StaticModelForClassification.from_static_model(
        model=model, freeze_weights=False if setting["learned_weights"] else None
    )
    classifier.fit(
        questions.train.texts,
        list(questions.train.labels),
        X_val=questions.validation.texts,
        y_val=list(questions.validation.labels),
        learning_rate=setting["learning_rate"],
        device="cpu",
        random_seed=questions.task.seed,
    )
    return classifier.to_pipeline()


def shipped(folder: Path, description: str) -> Model:
    """The pipeline that is saved in `folder`."""
    pipeline = StaticModelPipeline.from_pretrained(folder)

    def answer(texts: Sequence[str]) -> Floats:
        found: Floats = pipeline.predict_proba(texts, use_multiprocessing=False).astype(np.float32)
        return found

    return Model(
        description=description,
        kilobytes=contest.kilobytes(*(folder / name for name in _SHIPPED)),
        answer=answer,
        call=lambda text: pipeline.predict_proba([text]),
    )


if __name__ == "__main__":
    contest.main(Peer("model2vec", LIBRARIES, settings, fit))
