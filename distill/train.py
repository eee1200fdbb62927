"""Distillation: a student learns from soft labels, watched on validation rows."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from distill import cache
from distill.datasets.rows import Rows
from distill.errors import RecipeError
from distill.losses import distillation
from distill.preludes.prelude import Prelude
from distill.preludes.tokens import Tokens
from distill.progress import track
from distill.recipe import Student as Config
from distill.soft_labels import SoftLabels
from distill.students import start as starts
from distill.students.build import build
from distill.students.start import Start

_STAGE = "student/6"
_LARGEST_GRADIENT = 1.0  # its norm; a transformer's first steps would otherwise undo what it starts from
_EVALUATION_ROWS = 1024
# One number of threads everywhere: sums are then added in one order, and a student comes out byte for byte the same.
# One, because students are small: beside other work, two threads wait for each other (0.2 s became 6 to 11, measured).
_THREADS = 1


@dataclass(frozen=True)
class Student:
    """A trained student and the prelude it reads through. `best_epoch` was chosen on validation rows."""

    network: nn.Module
    prelude: Prelude
    config: Config
    best_epoch: int
    validation_accuracy: float
    parameters: int = field(default=0)


def distill(
    config: Config,
    prelude: Prelude,
    soft: SoftLabels,
    validation: Rows,
    classes: int,
    seed: int,
    start: Start,
    name: str = "student",
) -> Student:
    """Train a student on soft labels; keep the epoch with the best validation accuracy.

    The result is cached by the content of everything it depends on.
    """
    path = _path(config, prelude, soft, validation, classes, seed, start)
    threads = torch.get_num_threads()
    torch.set_num_threads(_THREADS)
    try:
        network = build(config, prelude, classes, seed, start)
        stored = cache.stored(path, lambda file: torch.load(file, weights_only=True))
        if stored is None:
            stored = _train(network, config, prelude, soft, validation, seed, name)
            with cache.replacing(path) as temporary:
                torch.save(stored, temporary)
    finally:
        torch.set_num_threads(threads)
    network.load_state_dict(stored["state"])
    return Student(
        network=network.eval(),
        prelude=prelude,
        config=config,
        best_epoch=int(stored["best_epoch"]),
        validation_accuracy=float(stored["accuracy"]),
        parameters=sum(parameter.numel() for parameter in network.parameters()),
    )


def hard_labels(soft: SoftLabels) -> SoftLabels:
    """The same rows taught by gold labels alone: what the student's twin learns from."""
    labelled = soft.rows.labelled
    nothing = np.full((int(labelled.sum()), soft.logits.shape[1]), np.nan, np.float32)
    return replace(soft, rows=soft.rows.take(labelled), logits=nothing, teacher_id="gold labels")


def logits(student: Student, rows: Rows) -> npt.NDArray[np.float32]:
    """The torch student's own answers [N,K], before export and quantisation."""
    return _answers(student.network, _Batches(student.prelude, rows), len(rows))


def _train(
    network: nn.Module,
    config: Config,
    prelude: Prelude,
    soft: SoftLabels,
    validation: Rows,
    seed: int,
    name: str,
) -> dict[str, object]:
    features, held = _Batches(prelude, soft.rows), _Batches(prelude, validation)
    teacher, labels = torch.from_numpy(soft.logits), torch.from_numpy(soft.rows.labels)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
    )
    steps = max(3, math.ceil(len(labels) / config.batch_size) * config.epochs)
    # Two steps at least go up and one down: with fewer, torch divides by zero.
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, config.learning_rate, total_steps=steps, pct_start=max(0.1, 2 / steps)
    )
    random = np.random.default_rng(seed)
    best: dict[str, object] = {"accuracy": -1.0, "loss": math.inf, "best_epoch": 0}
    for epoch in track(range(1, config.epochs + 1), f"{name}: epochs"):
        network.train()
        for places in features.shuffled(config.batch_size, random):
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=config.precision == "bfloat16"):
                student, _ = network(*features.batch(places))
            loss = distillation(
                student.float(), teacher[places], labels[places], config.temperature, config.gold_weight
            )
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), _LARGEST_GRADIENT)
            optimizer.step()
            schedule.step()
        accuracy, nll = _judge(network, held, validation.labels)
        if math.isfinite(nll) and (accuracy, -nll) > (best["accuracy"], -float(best["loss"])):  # type: ignore[operator,arg-type]
            state = {key: value.detach().clone() for key, value in network.state_dict().items()}
            best = {"accuracy": accuracy, "loss": nll, "best_epoch": epoch, "state": state}
        if epoch - int(best["best_epoch"]) >= config.patience:  # type: ignore[call-overload]
            break
    if "state" not in best:
        raise RecipeError(
            f"The {name} diverged: no epoch gave finite answers on validation rows. "
            f"Set student.learning_rate, now {config.learning_rate:g}, to a smaller value."
        )
    return best


def _judge(network: nn.Module, rows: _Batches, labels: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Accuracy and mean negative log-likelihood."""
    logits, gold = torch.from_numpy(_answers(network, rows, len(labels))), torch.from_numpy(labels)
    accuracy = float((logits.argmax(dim=1) == gold).double().mean())
    return accuracy, float(nn.functional.cross_entropy(logits, gold))


def _answers(network: nn.Module, rows: _Batches, count: int) -> npt.NDArray[np.float32]:
    network.eval()
    with torch.inference_mode():
        parts = [
            network(*rows.batch(np.arange(start, min(start + _EVALUATION_ROWS, count))))[0]
            for start in range(0, count, _EVALUATION_ROWS)
        ]
    return torch.cat(parts).numpy()


class _Batches:
    """What a network reads of N rows, cut into tensors: token ids and grams of texts, or feature rows."""

    def __init__(self, prelude: Prelude, rows: Rows) -> None:
        """Runs the prelude over the rows."""
        self._read: Tokens | npt.NDArray[np.float32]
        self._read = prelude.tokens(rows.columns) if prelude.words else prelude.features(rows.columns)
        self._lengths = self._read.lengths if isinstance(self._read, Tokens) else np.ones(len(rows), np.int64)

    def batch(self, places: npt.NDArray[np.int64]) -> tuple[torch.Tensor, ...]:
        """The network's inputs for the rows at `places`."""
        if isinstance(self._read, Tokens):
            return tuple(map(torch.from_numpy, self._read.batch(places)))
        return (torch.from_numpy(self._read[places]),)

    def shuffled(self, size: int, random: np.random.Generator, pool: int = 32) -> list[npt.NDArray[np.int64]]:
        """Places for one epoch: random, but rows of a batch are of like length, so that little is padding."""
        order = random.permutation(len(self._lengths))
        batches: list[npt.NDArray[np.int64]] = []
        for start in range(0, len(order), pool * size):
            part = order[start : start + pool * size]
            part = part[np.argsort(self._lengths[part], kind="stable")]
            batches += [part[i : i + size] for i in range(0, len(part), size)]
        return [batches[i] for i in random.permutation(len(batches))]


def _path(
    config: Config,
    prelude: Prelude,
    soft: SoftLabels,
    validation: Rows,
    classes: int,
    seed: int,
    start: Start,
) -> Path:
    content = io.BytesIO()
    content.write(prelude.model.SerializeToString(deterministic=True))
    content.write("".join(map(repr, prelude.pieces)).encode())
    content.write(soft.logits.tobytes())
    content.write(soft.rows.labels.tobytes())
    content.write(starts.digest(start).encode())
    keys = [soft.rows.keys.tolist(), validation.keys.tolist(), validation.labels.tolist()]
    parts = [config.model_dump(mode="json"), cache.digest(content.getvalue()), cache.key("rows", *keys), classes, seed]
    return cache.root() / "students" / f"{cache.key(_STAGE, torch.__version__, *parts)}.pt"
