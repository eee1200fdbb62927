"""Distillation: a student learns from soft labels, watched on validation rows."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import onnx
import torch
from torch import nn

from distill import cache
from distill.data.rows import Rows
from distill.errors import RecipeError
from distill.modalities import initialization
from distill.modalities.modality import Modality, NetworkRows
from distill.modalities.prelude import Prelude
from distill.progress import say, track
from distill.recipe.schema import Student as Config
from distill.runtime import batched
from distill.training.losses import distillation
from distill.training.soft_labels import SoftLabels

_SECONDS_BETWEEN_SAVES = 60.0
_LARGEST_GRADIENT = 1.0  # its norm; a transformer's first steps would otherwise undo what it starts from
_POOL = 32  # batches whose rows are put in order of their length
# One number of threads everywhere: sums are then added in one order, and a student comes out byte for byte the same.
# One, because students are small: beside other work, two threads wait for each other (0.2 s became 6 to 11, measured).
_THREADS = 1


TEMPERATURE, GOLD_WEIGHT = 1.0, 0.3  # where nobody has chosen
# The weights that are judged and kept are a running mean (Polyak and Juditsky, 1992): what single steps add to them by
# chance averages out. Its memory, in steps, is a share of those of an epoch, so that early weights are forgotten.
_MEMORY = 0.5
_MOST_MEMORY = 500
# Of the epoch with the least validation loss: loss, best_epoch, and its weights as "state".
Best: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Student:
    """A trained student and the prelude it reads through. `best_epoch` was chosen on validation rows.

    `validation_loss`: what it is taught by, of the validation rows: divergence from the teacher, and the likelihood of
    the gold labels in the share that `gold_weight` gives them.
    """

    network: nn.Module
    modality: Modality
    prelude: Prelude
    config: Config
    best_epoch: int
    validation_loss: float
    parameters: int = 0


def distill(
    config: Config,
    modality: Modality,
    prelude: Prelude,
    soft: SoftLabels,
    held: SoftLabels,
    classes: int,
    seed: int,
    start: initialization.Start,
    name: str = "student",
) -> Student:
    """Train a student on soft labels; keep the epoch with the least loss on validation rows, `held`.

    The result is cached by the content of everything it depends on.
    """
    path = _path(config, modality, prelude, soft, held, classes, seed, start)
    threads = torch.get_num_threads()
    torch.set_num_threads(_THREADS)
    try:
        network = fresh(config, modality, prelude, classes, seed, start)
        stored = cache.stored(path, lambda file: torch.load(file, weights_only=True))
        if stored is None:
            unfinished = path.with_suffix(".unfinished")
            features, validation = (modality.batches(prelude, part.rows) for part in (soft, held))
            stored = _train(network, config, features, validation, soft, held, seed, name, unfinished)
            with cache.replacing(path) as temporary:
                torch.save(stored, temporary)
            unfinished.unlink(missing_ok=True)
    finally:
        torch.set_num_threads(threads)
    network.load_state_dict(stored["state"])
    return Student(
        network=network.eval(),
        modality=modality,
        prelude=prelude,
        config=config,
        best_epoch=int(stored["best_epoch"]),
        validation_loss=float(stored["loss"]),
        parameters=sum(parameter.numel() for parameter in network.parameters()),
    )


def fresh(
    config: Config, modality: Modality, prelude: Prelude, classes: int, seed: int, start: initialization.Start
) -> nn.Module:
    """An untrained student that starts from what of its teacher's is given."""
    torch.manual_seed(seed)
    return modality.students[str(config.kind)].build(config, prelude, classes, start)


def hard_labels(soft: SoftLabels) -> SoftLabels:
    """The same rows taught by gold labels alone: what the student's twin learns from."""
    labelled = soft.take(soft.rows.labelled)
    return replace(labelled, logits=np.full_like(labelled.logits, np.nan))


def logits(student: Student, rows: Rows) -> np.typing.NDArray[np.float32]:
    """The torch student's own answers [N,K], before export and quantisation."""
    return _answers(student.network, student.modality.batches(student.prelude, rows), len(rows))


def _train(
    network: nn.Module,
    config: Config,
    features: NetworkRows,
    validation: NetworkRows,
    soft: SoftLabels,
    held: SoftLabels,
    seed: int,
    name: str,
    unfinished: Path,
) -> Best:
    """The best epoch's weights. `unfinished`: a file for work that is cut off; it is taken up there with one result."""
    temperature = TEMPERATURE if config.temperature is None else config.temperature
    gold_weight = GOLD_WEIGHT if config.gold_weight is None else config.gold_weight
    teacher, labels = torch.from_numpy(soft.logits), torch.from_numpy(soft.rows.labels)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
    )
    steps = max(3, math.ceil(len(labels) / config.batch_size) * config.epochs)
    # Two steps at least go up and one down: with fewer, torch divides by zero.
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, config.learning_rate, total_steps=steps, pct_start=max(0.1, 2 / steps)
    )
    an_epoch = math.ceil(len(labels) / config.batch_size)
    memory = max(1.0, min(_MOST_MEMORY, _MEMORY * an_epoch))
    mean = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(memory / (1 + memory))
    )
    random = np.random.default_rng(seed)
    best: Best = {"loss": math.inf, "best_epoch": 0}
    done = 0
    found = cache.stored(unfinished, lambda file: torch.load(file, weights_only=True))
    if found is not None:
        network.load_state_dict(found["network"])
        mean.load_state_dict(found["mean"])
        optimizer.load_state_dict(found["optimizer"])
        schedule.load_state_dict(found["schedule"])
        random.bit_generator.state = found["order"]
        torch.set_rng_state(found["random"])
        best, done = found["best"], found["done"]
        say(f"  taking up {name} after step {done} of {steps}")
    saved = time.monotonic()
    walk = _walk(features, config, random, done // an_epoch, done % an_epoch)
    for step in track(walk, name, an_epoch * config.epochs, done):
        network.train()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=config.precision == "bfloat16"):
            student, _ = network(*features.batch(step.places))
        loss = distillation(student.float(), teacher[step.places], labels[step.places], temperature, gold_weight)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), _LARGEST_GRADIENT)
        optimizer.step()
        schedule.step()
        mean.update_parameters(network)
        done += 1
        if step.ends_epoch:
            judged = _judge(mean.module, validation, held, gold_weight)
            if judged < best["loss"]:
                weights = {key: value.detach().clone() for key, value in mean.module.state_dict().items()}
                best = {"loss": judged, "best_epoch": step.epoch, "state": weights}
            if step.epoch - int(best["best_epoch"]) >= config.patience:
                break
        if time.monotonic() - saved >= _SECONDS_BETWEEN_SAVES:
            saved = time.monotonic()
            state = {
                "network": network.state_dict(),
                "mean": mean.state_dict(),
                "optimizer": optimizer.state_dict(),
                "best": best,
                "done": done,
            }
            state |= {"schedule": schedule.state_dict(), "order": step.order, "random": torch.get_rng_state()}
            with cache.replacing(unfinished) as temporary:
                torch.save(state, temporary)
    if "state" not in best:
        raise RecipeError(
            f"The {name} diverged: no epoch gave finite answers on validation rows. "
            f"Set student.learning_rate, now {config.learning_rate:g}, to a smaller value."
        )
    return best


@dataclass(frozen=True)
class _Step:
    """A batch, and where in the epochs it stands. `order`: the state of what shuffled this epoch, before it did."""

    epoch: int  # from 1 on
    places: np.typing.NDArray[np.int64]
    ends_epoch: bool
    order: Mapping[str, Any]


def _walk(features: NetworkRows, config: Config, random: np.random.Generator, epoch: int, skip: int) -> Iterator[_Step]:
    """The steps of all epochs from `epoch` (from 0 on) without the first `skip` of it.

    Where an epoch is done but nothing of the next, the order is still that of the one before.
    """
    if epoch and not skip:  # saved at the end of an epoch, which is shuffled once more to come behind it
        _shuffled(features, config.batch_size, random)
    for number in range(epoch, config.epochs):
        order = copy.deepcopy(dict(random.bit_generator.state))
        batches = _shuffled(features, config.batch_size, random)
        for place in range(skip, len(batches)):
            yield _Step(number + 1, batches[place], place == len(batches) - 1, order)
        skip = 0


def _shuffled(features: NetworkRows, size: int, random: np.random.Generator) -> list[np.typing.NDArray[np.int64]]:
    """Places for one epoch: random, but rows of a batch are of like length."""
    batches = batched.of_like_length(features.lengths, random.permutation(len(features.lengths)), size, _POOL)
    return [batches[i] for i in random.permutation(len(batches))]


def _judge(network: nn.Module, rows: NetworkRows, held: SoftLabels, gold_weight: float) -> float:
    """The loss of held-out rows, not softened: divergence from the teacher and the gold labels' likelihood."""
    logits = torch.from_numpy(_answers(network, rows, len(held.rows)))
    return float(
        distillation(logits, torch.from_numpy(held.logits), torch.from_numpy(held.rows.labels), 1, gold_weight)
    )


def _answers(network: nn.Module, rows: NetworkRows, count: int) -> np.typing.NDArray[np.float32]:
    network.eval()
    with torch.inference_mode():
        parts = [
            network(*rows.batch(np.arange(start, min(start + rows.at_once, count))))[0]
            for start in range(0, count, rows.at_once)
        ]
    return torch.cat(parts).numpy()


def _path(
    config: Config,
    modality: Modality,
    prelude: Prelude,
    soft: SoftLabels,
    held: SoftLabels,
    classes: int,
    seed: int,
    start: initialization.Start,
) -> Path:
    content = (
        prelude.model.SerializeToString(deterministic=True),
        repr(replace(prelude, model=onnx.ModelProto())).encode(),
        soft.logits.tobytes(),
        held.logits.tobytes(),
        soft.rows.labels.tobytes(),
        initialization.digest(start).encode(),
    )
    keys = [soft.rows.keys.tolist(), held.rows.keys.tolist(), held.rows.labels.tolist()]
    parts = [config.model_dump(mode="json"), cache.digest(b"".join(content)), cache.key("rows", *keys), classes, seed]
    stage = ("student", cache.code(__name__, modality.package), torch.__version__)
    return cache.root() / "students" / f"{cache.key(*stage, *parts)}.pt"
