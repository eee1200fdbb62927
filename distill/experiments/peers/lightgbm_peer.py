"""LightGBM: boosted trees grown leaf by leaf (Ke et al. 2017), exported to ONNX where that answers alike."""

from __future__ import annotations

from pathlib import Path

import lightgbm
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType

from distill.experiments.peers import columns
from distill.experiments.peers.exchange import Model, Questions, Setting, main

# Names are LightGBM's own.
_SETTINGS: tuple[Setting, ...] = (
    {"n_estimators": 100, "num_leaves": 31, "learning_rate": 0.1, "min_child_samples": 20},
    {"n_estimators": 150, "num_leaves": 15, "learning_rate": 0.05, "min_child_samples": 20},
    {"n_estimators": 60, "num_leaves": 7, "learning_rate": 0.1, "min_child_samples": 10},
    {"n_estimators": 300, "num_leaves": 15, "learning_rate": 0.03, "min_child_samples": 10},
    {"n_estimators": 30, "num_leaves": 31, "learning_rate": 0.1, "min_child_samples": 20},
    {"n_estimators": 300, "num_leaves": 63, "learning_rate": 0.05, "min_child_samples": 20},
)
_OPSET = 15


def fit(questions: Questions, setting: Setting, work: Path) -> Model:
    """Fit one model and export it."""
    found = columns.fitted(questions, hot=False)
    model = lightgbm.LGBMClassifier(**setting, random_state=questions.seed, n_jobs=1, deterministic=True, verbose=-1)
    model.fit(found.table(questions.train), questions.train_labels, categorical_feature=found.coded)
    path, native = work / "model.onnx", work / "model.txt"
    kind = FloatTensorType([None, found.table(questions.validation).shape[1]])
    path.write_bytes(
        convert_lightgbm(model, initial_types=[("x", kind)], zipmap=False, target_opset=_OPSET).SerializeToString()
    )
    return columns.shipped(
        "LightGBM", questions, found, model, path, native, lambda: model.booster_.save_model(str(native))
    )


if __name__ == "__main__":
    main({"lightgbm": _SETTINGS}, ("lightgbm", "onnxmltools", "skl2onnx", "onnxruntime", "numpy"), fit)
