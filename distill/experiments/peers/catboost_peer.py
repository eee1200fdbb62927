"""CatBoost: boosted symmetric trees (Prokhorenkova et al. 2018), exported to ONNX where that answers alike.

CatBoost exports no columns of words, so each word has a column of its own.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from catboost import CatBoostClassifier

from distill.experiments.peers import columns
from distill.experiments.peers.exchange import Model, Questions, Setting, kilobytes, main

# Names are CatBoost's own.
_SETTINGS: tuple[Setting, ...] = (
    {"iterations": 200, "depth": 6, "learning_rate": 0.1},
    {"iterations": 300, "depth": 4, "learning_rate": 0.05},
    {"iterations": 80, "depth": 4, "learning_rate": 0.1},
    {"iterations": 500, "depth": 6, "learning_rate": 0.05},
    {"iterations": 80, "depth": 2, "learning_rate": 0.2},
    {"iterations": 800, "depth": 6, "learning_rate": 0.03},
)
_GAP = 1e-4  # of a probability, between the graph and CatBoost itself


def fit(questions: Questions, setting: Setting, work: Path) -> Model:
    """Fit one model and export it."""
    found = columns.fitted(questions, hot=True)
    model = CatBoostClassifier(
        **setting, random_seed=questions.seed, thread_count=1, allow_writing_files=False, logging_level="Silent"
    )
    model.fit(found.table(questions.train), questions.train_labels)
    labels = [int(label) for label in model.classes_]
    held = found.table(questions.validation)
    path, run, description = work / "model.onnx", model.predict_proba, "CatBoost, as ONNX answers otherwise"
    model.save_model(str(path), format="onnx")
    exported = columns.graph(path)
    if np.abs(exported(held) - model.predict_proba(held)).max() <= _GAP:
        run, description = exported, "CatBoost, ONNX"
    else:
        path = work / "model.cbm"
        model.save_model(str(path))
    return Model(
        description=description,
        kilobytes=kilobytes(path) + found.kilobytes(),
        answer=lambda rows: columns.spread(run(found.table(rows)), labels, questions.classes),
        call=lambda row: run(found.table([row])),
    )


if __name__ == "__main__":
    main({"catboost": _SETTINGS}, ("catboost", "onnxruntime", "numpy"), fit)
