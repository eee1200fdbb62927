"""Histograms of oriented gradients (Dalal and Triggs, 2005) and mean colours: what was done before networks."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from sklearn.preprocessing import StandardScaler

from distill.data import pixels
from distill.data.rows import Dataset, Rows
from distill.recipe.schema import Teacher as Config
from distill.teachers import linear, scikit_learn
from distill.teachers.picture_features import square
from distill.teachers.teacher import Unfitted
from handler.bundle.contract import Input

_SIDE, _CELL, _ANGLES, _COLOURS = 64, 8, 9, 4  # pixels; pixels a cell; directions; parts a side that have a colour
_STRENGTHS = (0.001, 0.003, 0.01, 0.03)

Floats = np.typing.NDArray[np.float32]


def scaler(inputs: tuple[Input, ...]) -> StandardScaler:
    """Each feature on one scale, not yet fitted."""
    return StandardScaler()


def of_rows(inputs: tuple[Input, ...], rows: Rows) -> Floats:
    """The features [N,D] of pictures."""
    return np.stack([described(pixels.of(cell)) for cell in rows.columns[pixels.COLUMN].tolist()])


def prepare(config: Config, dataset: Dataset, seed: int, base: Path) -> Unfitted:
    """Logistic regression on them. The strength is chosen on validation rows."""
    read = partial(of_rows, dataset.inputs)

    def fit(rows: Rows, setting: scikit_learn.Setting) -> scikit_learn.ScikitLearnModel:
        pipeline = linear.fitted(StandardScaler(), float(str(setting["C"])), read(rows), rows.labels)
        return scikit_learn.ScikitLearnModel(pipeline, read, len(dataset.labels), setting)

    return scikit_learn.unfitted(
        "histograms of gradients and colours + logistic regression",
        __name__, dataset, [{"C": it} for it in _STRENGTHS], fit,
    )  # fmt: skip


def described(picture: pixels.Pixels) -> Floats:
    """The features [D] of a picture [H,W,3]: directions of edges a cell, scaled by blocks of four, and colours."""
    levels = square(picture, _SIDE).astype(np.float32) / 255
    grey = levels.mean(axis=2)
    across, down = np.zeros_like(grey), np.zeros_like(grey)
    across[:, 1:-1] = grey[:, 2:] - grey[:, :-2]
    down[1:-1] = grey[2:] - grey[:-2]
    strength = np.hypot(across, down)
    turn = (np.arctan2(down, across) % np.pi) / np.pi * _ANGLES
    low = np.floor(turn).astype(np.int64)
    share = (turn - low).astype(np.float32)
    cells = _SIDE // _CELL
    where = (np.arange(_SIDE)[:, None] // _CELL * cells + np.arange(_SIDE)[None] // _CELL) * _ANGLES
    counts = np.bincount((where + low % _ANGLES).ravel(), (strength * (1 - share)).ravel(), cells * cells * _ANGLES)
    counts += np.bincount((where + (low + 1) % _ANGLES).ravel(), (strength * share).ravel(), cells * cells * _ANGLES)
    grid = counts.reshape(cells, cells, _ANGLES)
    blocks = np.concatenate([grid[:-1, :-1], grid[:-1, 1:], grid[1:, :-1], grid[1:, 1:]], axis=2)
    blocks /= np.sqrt((blocks**2).sum(axis=2, keepdims=True) + 1e-2)
    part = _SIDE // _COLOURS
    colours = levels.reshape(_COLOURS, part, _COLOURS, part, 3).mean(axis=(1, 3))
    return np.concatenate([blocks.ravel(), colours.ravel()]).astype(np.float32)
