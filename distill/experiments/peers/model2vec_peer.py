"""Model2Vec: a static embedding of word pieces distilled from the encoder, tuned with a classifier on top.

Quantised: with its embedding as int8, and fewer rows than word pieces where a setting says so.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from model2vec import StaticModel
from model2vec.distill import distill
from model2vec.inference import StaticModelPipeline
from model2vec.model import quantize_model
from model2vec.train import StaticModelForClassification

from distill.experiments.peers.exchange import Model, Questions, Setting, kilobytes, main, tell

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
# `clusters` of word pieces share a row of the embedding; None: each has its own.
_QUANTISED: tuple[Setting, ...] = (
    {"encoder": "fitted", "pca_dims": 64, "clusters": None, "learned_weights": False, "learning_rate": 1e-3},
    {"encoder": "fitted", "pca_dims": 256, "clusters": None, "learned_weights": False, "learning_rate": 1e-3},
    {"encoder": "plain", "pca_dims": 256, "clusters": None, "learned_weights": False, "learning_rate": 1e-3},
    {"encoder": "fitted", "pca_dims": 64, "clusters": None, "learned_weights": True, "learning_rate": 1e-3},
    {"encoder": "fitted", "pca_dims": 64, "clusters": 4096, "learned_weights": False, "learning_rate": 1e-3},
    {"encoder": "plain", "pca_dims": 128, "clusters": None, "learned_weights": False, "learning_rate": 1e-3},
    {"encoder": "plain", "pca_dims": 64, "clusters": None, "learned_weights": False, "learning_rate": 1e-3},
    {"encoder": "plain", "pca_dims": 64, "clusters": 4096, "learned_weights": False, "learning_rate": 1e-3},
)
_LIBRARIES = ("model2vec", "tokenizers", "torch", "transformers", "numpy")
_SHIPPED = ("model.safetensors", "head.safetensors", "tokenizer.json", "config.json")
_MOST_DIMENSIONS = 256


def fit(questions: Questions, setting: Setting, work: Path) -> Model:
    """Distil, share rows where the setting says so, tune, round to int8 where it is quantised, load what was saved."""
    model, clusters = _static(questions, setting, work), setting.get("clusters")
    if clusters is not None:
        model = quantize_model(model, vocabulary_quantization=min(clusters, len(model.embedding)))
    pipeline = _tuned(model, questions, setting)
    if "clusters" in setting:
        pipeline = StaticModelPipeline(quantize_model(pipeline.model, quantize_to="int8"), pipeline.head)
    pipeline.save_pretrained(str(work))
    return _shipped(work, "Model2Vec, int8" if "clusters" in setting else "Model2Vec")


def _static(questions: Questions, setting: Setting, work: Path) -> StaticModel:
    """The encoder's static model; its first components are those of any that has more."""
    folder = work.parent / f"static-{setting['encoder']}"
    if not folder.is_dir():
        tell(f"a static model of the {setting['encoder']} encoder")
        encoder = questions.fitted if setting["encoder"] == "fitted" else questions.encoder
        made = distill(str(encoder), device="cpu", pca_dims=_MOST_DIMENSIONS, quantize_to="float32")
        made.save_pretrained(folder)
    found = StaticModel.from_pretrained(folder)
    return quantize_model(found, dimensionality=min(setting["pca_dims"], found.dim))


def _tuned(model: StaticModel, questions: Questions, setting: Setting) -> StaticModelPipeline:
    """The static model with a classifier, both trained until validation accuracy no longer rises."""
    classifier = StaticModelForClassification.from_static_model(
        model=model, freeze_weights=False if setting["learned_weights"] else None
    )
    classifier.fit(
        questions.train,
        questions.train_labels,
        X_val=questions.validation,
        y_val=questions.validation_labels,
        learning_rate=setting["learning_rate"],
        device="cpu",
        random_seed=questions.seed,
    )
    return classifier.to_pipeline()


def _shipped(folder: Path, description: str) -> Model:
    """The pipeline that is saved in `folder`."""
    pipeline = StaticModelPipeline.from_pretrained(folder)
    return Model(
        description=description,
        kilobytes=kilobytes(*(folder / name for name in _SHIPPED)),
        answer=partial(pipeline.predict_proba, use_multiprocessing=False),
        call=lambda text: pipeline.predict_proba([text]),
    )


if __name__ == "__main__":
    main({"model2vec": _SETTINGS, "model2vec_quantised": _QUANTISED}, _LIBRARIES, fit)
