"""CatBoost: boosted symmetric trees (Prokhorenkova et al. 2018), exported to ONNX where that answers alike.

CatBoost exports no columns of words, so each word has a column of its own.
"""

from __future__ import annotations

from pathlib import Path

from catboost import CatBoostClassifier

from distill.experiments.peers import columns
from distill.experiments.peers.exchange import Model, Questions, Setting, main

# Names are CatBoost's own.
_SETTINGS: tuple[Setting, ...] = (
    {"iterations": 200, "depth": 6, "learning_rate": 0.1},
    {"iterations": 300, "depth": 4, "learning_rate": 0.05},
    {"iterations": 80, "depth": 4, "learning_rate": 0.1},
    {"iterations": 500, "depth": 6, "learning_rate": 0.05},
    {"iterations": 80, "depth": 2, "learning_rate": 0.2},
    {"iterations": 800, "depth": 6, "learning_rate": 0.03},
)


def fit(questions: Questions, setting: Setting, work: Path) -> Model:
    """Fit one model and export it."""
    found = columns.fitted(questions, hot=True)
    model = CatBoostClassifier(
        **setting, random_seed=questions.seed, thread_count=1, allow_writing_files=False, logging_level="Silent"
    )
    model.fit(found.table(questions.train), questions.train_labels)
    path, native = work / "model.onnx", work / "model.cbm"
    model.save_model(str(path), format="onnx")
    return columns.shipped("CatBoost", questions, found, model, path, native, lambda: model.save_model(str(native)))


if __name__ == "__main__":
    main({"catboost": _SETTINGS}, ("catboost", "onnxruntime", "numpy"), fit)
