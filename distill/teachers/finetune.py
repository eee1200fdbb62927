"""Fine-tuning an encoder, in steps that can be cut off and taken up again with the same result; the mean of runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from distill import cache
from distill.data.rows import Rows
from distill.progress import say, track
from distill.recipe.schema import Teacher as Config
from distill.teachers.encoder_network import EncoderClassifier, Texts, computing, forward_all, window_of

_STEPS_BETWEEN_SAVES = 100
_WARM_UP = 0.1


def cross_entropy_with_votes(logits: Tensor, labels: Tensor, votes: Tensor | None, vote_weight: float) -> Tensor:
    """Cross-entropy [scalar] with the gold label, a share of it replaced by the raters' votes [N,K]."""
    gold = torch.nn.functional.cross_entropy(logits, labels)
    if votes is None or vote_weight == 0:
        return gold
    return (1 - vote_weight) * gold + vote_weight * torch.nn.functional.cross_entropy(logits, votes)


def finetune(
    network: EncoderClassifier,
    config: Config,
    folder: Path,
    train: Rows,
    validation: Rows,
    seed: int,
    state: Path,
    name: str,
) -> None:
    """Train `network` in place and leave in it the weights of the epoch that was best on validation rows.

    `folder`: of its tokenizer. `state`: a file that holds the unfinished work; it is removed by the caller once the
    result is stored.
    """
    texts, held = (Texts(folder, rows.columns["text"].tolist(), window_of(config)) for rows in (train, validation))
    network.train_last(config.train_layers)
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=config.learning_rate, weight_decay=0.01, fused=True)
    epochs = [texts.shuffled(config.batch_size, seed + epoch) for epoch in range(config.epochs)]
    batches = [batch for epoch in epochs for batch in epoch]
    warm_up = max(1, int(_WARM_UP * len(batches)))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(step / warm_up, (len(batches) - step) / max(1, len(batches) - warm_up))
    )
    torch.manual_seed(seed)
    best: dict[str, torch.Tensor] | None = None
    least, done = math.inf, 0
    saved = cache.stored(state, lambda file: torch.load(file, weights_only=True))
    if saved is not None:
        network.load_state_dict(saved["network"], strict=False)
        optimizer.load_state_dict(saved["optimizer"])
        schedule.load_state_dict(saved["schedule"])
        torch.set_rng_state(saved["random"])
        best, least, done = saved["best"], saved["least"], saved["done"]
        say(f"  taking up {name} after step {done} of {len(batches)}")
    for step, places in enumerate(track(batches[done:], name, len(batches), done), start=done + 1):
        network.train()
        labels = torch.from_numpy(train.labels[places])
        votes = None if train.votes is None else torch.from_numpy(train.votes[places])
        with computing(config.precision):
            logits = network(texts.batch(places)).float()
        loss = cross_entropy_with_votes(logits, labels, votes, config.vote_weight)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        schedule.step()
        if step % len(epochs[0]) == 0:
            answers = forward_all(network, held, held.in_order(config.batch_size), False, config.precision)
            found = log_loss(answers, validation.labels)
            say(f"  {name}, epoch {step // len(epochs[0])} of {config.epochs}: log loss on validation rows {found:.3f}")
            if found < least:
                least, best = found, _copy(network)
        if step % _STEPS_BETWEEN_SAVES == 0 and step < len(batches):
            with cache.replacing(state) as temporary:
                torch.save(
                    {
                        "network": _copy(network),
                        "optimizer": optimizer.state_dict(),
                        "schedule": schedule.state_dict(),
                        "random": torch.get_rng_state(),
                        "best": best,
                        "least": least,
                        "done": step,
                    },
                    temporary,
                )
    if best is not None:
        network.load_state_dict(best, strict=False)


def log_loss(logits: np.typing.NDArray[np.float32], labels: np.typing.NDArray[np.int64]) -> float:
    """Mean negative log-likelihood of labels [N] under logits [N,K]."""
    return float(torch.nn.functional.cross_entropy(torch.from_numpy(logits), torch.from_numpy(labels)))


def _copy(network: EncoderClassifier) -> dict[str, torch.Tensor]:
    """The trained parameters alone: what is frozen can be loaded from the weights again."""
    return {name: value.detach().clone() for name, value in network.named_parameters() if value.requires_grad}


def mean_of_runs(runs: Sequence[Path], loss: Callable[[Path], float], folder: Path, name: str) -> Path:
    """A file with the mean of the runs' weights, or with the best single run's where that is better.

    The mean costs a user no more than one of them. After Wortsman et al. (2022), "Model soups: averaging weights of
    multiple fine-tuned models improves accuracy without increasing inference time". Runs from one start, head
    included, end in one basin, so that their mean lies in it too.

    `runs`: files of parameters. `loss`: of a model with the parameters in a file, on validation rows. Kept in
    `folder`, by the caller's content hash.
    """
    fitted = folder / "fitted.safetensors"
    if cache.stored(fitted, load_file) is None:
        folder.mkdir(parents=True, exist_ok=True)
        unjudged = folder / "mean.safetensors"
        parts = [load_file(file) for file in runs]
        with cache.replacing(unjudged) as temporary:
            save_file({key: torch.stack([part[key] for part in parts]).mean(dim=0) for key in parts[0]}, temporary)
        candidates = [unjudged, *runs]
        together, *singles = map(loss, candidates)
        say(
            f"  {name}: log loss on validation rows of the mean of {len(runs)} runs {together:.3f}, "
            f"of each {', '.join(f'{single:.3f}' for single in singles)}"
        )
        best = min(range(len(candidates)), key=[together, *singles].__getitem__)  # the mean where they are level
        with cache.replacing(fitted) as temporary:
            save_file(load_file(candidates[best]), temporary)
        unjudged.unlink()
    return fitted
