"""A transformer encoder as teacher: a head on frozen features, or fine-tuned."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePath

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from distill import cache
from distill.data.rows import Dataset, Rows, concatenated
from distill.errors import FetchError, RecipeError
from distill.progress import track
from distill.recipe.schema import Teacher as Config
from distill.teachers import finetune, layer_transfer, window
from distill.teachers.encoder_network import (
    BATCH,
    LIBRARIES,
    WINDOW,
    EncoderClassifier,
    Features,
    Texts,
    forward_all,
    tokenizer,
    window_of,
)
from distill.teachers.teacher import Unfitted
from distill.teachers.weights import FILE, Weights
from distill.teachers.weights import find as weights_of

_SEEDS_A_RUN = 1000  # an epoch is shuffled by its number and the seed
_HEAD_EPOCHS, _HEAD_PATIENCE, _HEAD_HIDDEN = 60, 8, 256


@dataclass
class EncoderModel:
    """A fitted encoder; it loads at the first call, because often all its answers are cached."""

    weights: Weights
    config: Config
    classes: int
    fitted: Path  # the trained parameters, safetensors
    features: Features  # of the encoder as it was; of use where it is frozen

    def logits(self, rows: Rows) -> np.typing.NDArray[np.float32]:
        """Logits [N,K]."""
        if self.config.mode == "frozen" and len(rows):
            pooled = torch.from_numpy(self.features.of(rows, lambda: self._network, "teacher answers"))
            with torch.inference_mode():
                logits: torch.Tensor = self._network.head(pooled)
            return logits.float().numpy()
        texts = Texts(self.weights.folder, rows.columns["text"].tolist(), window_of(self.config))
        batches = track(texts.in_order(BATCH), "teacher answers", -(-len(rows) // BATCH))
        return forward_all(self._network, texts, batches, pooled=False, precision=self.config.precision)

    def word_vectors(self, words: Sequence[str]) -> np.typing.NDArray[np.float32]:
        """The pooled state of each word on its own, [V,H]."""
        texts = Texts(self.weights.folder, words, window_of(self.config))
        batches = track(texts.in_order(BATCH * 4), "word vectors", -(-len(words) // (BATCH * 4)))
        return forward_all(self._network, texts, batches, pooled=True, precision=self.config.precision)

    def word_pieces(self, words: Sequence[str]) -> list[list[str]]:
        """The pieces of each word, none for one that is unknown."""
        return layer_transfer.pieces(tokenizer(self.weights.folder), words)

    def first_layers(
        self, layers: int, pieces: Sequence[str], max_tokens: int, tuned: bool
    ) -> layer_transfer.FirstLayers:
        """Copies of the first layers, see `distill.teachers.layer_transfer`."""
        network = self._network if tuned else EncoderClassifier(self.weights.folder, self.classes)
        head = network.head if tuned else nn.Identity()
        return layer_transfer.first_layers(
            network.encoder, head, tokenizer(self.weights.folder), layers, pieces, max_tokens
        )

    def save(self, folder: Path) -> nn.Linear | None:
        """Write the fine-tuned encoder and its tokenizer as the transformers library reads them; returns the head.

        None, and nothing is written, where the encoder is frozen: its head is more than a linear layer.
        """
        if self.config.mode == "frozen":
            return None
        self._network.encoder.save_pretrained(folder)
        # A fresh one: one that has cut texts remembers the length it cut at, and would be saved with it.
        tokenizer.__wrapped__(self.weights.folder).save_pretrained(folder)
        [head] = [module for module in self._network.head.modules() if isinstance(module, nn.Linear)]
        return head

    def call_one(self, rows: Rows, place: int) -> None:
        """Text to logits for one row."""
        texts = Texts(self.weights.folder, [str(rows.columns["text"][place])], window_of(self.config))
        forward_all(self._network, texts, [[0]], pooled=False, precision="float32")  # the faster for one row

    @cached_property
    def _network(self) -> EncoderClassifier:
        network = EncoderClassifier(self.weights.folder, self.classes)
        if self.config.mode == "frozen":
            network.head = _head(network, self.classes)
        network.load_state_dict(load_file(self.fitted), strict=False)
        return network.eval()


def prepare(config: Config, dataset: Dataset, seed: int, base: Path) -> Unfitted:
    """A head on the frozen encoder, or the encoder fine-tuned, on labelled rows.

    Raises:
        FetchError: its weights cannot be had.
    """
    found = weights_of(config.model, config.sha256, base)
    if config.max_tokens is None:
        config = config.model_copy(update={"max_tokens": _window(config, found, dataset)})
    features = Features(found, config, _every(dataset))

    def fit_part(rows: Rows, part: str, folder_of: Callable[[str], Path], name: str) -> EncoderModel:
        shape = (dataset.validation, len(dataset.labels), seed)
        first = fit(config, found, rows, *shape, folder_of(part), name, features)
        if config.runs == 1:
            return first
        places = {run: (folder_of(f"{part}, run {run}"), f"{name}, run {run + 1}") for run in range(1, config.runs)}
        others = [fit(config, found, rows, *shape, *place, features, run) for run, place in places.items()]

        def loss(file: Path) -> float:
            return finetune.log_loss(replace(first, fitted=file).logits(dataset.validation), dataset.validation.labels)

        files = [run.fitted for run in (first, *others)]
        fitted = finetune.mean_of_runs(files, loss, folder_of(f"{part}, {config.runs} runs"), name)
        return replace(first, fitted=fitted)

    return Unfitted(
        description=_description(config),
        licence=found.licence,
        weights_sha256=found.sha256,
        versions=cache.versions(*LIBRARIES),
        identity=(found.id, cache.code(__name__)),
        fit=fit_part,
        file=lambda folder: found.folder / FILE,
    )


def _every(dataset: Dataset) -> Rows:
    """All rows in an order that does not depend on how they were split: each is read once, whatever the split."""
    rows = concatenated([dataset.train, dataset.validation, dataset.test])
    return rows.take(np.unique(rows.keys, return_index=True)[1])  # where test rows train too, they stand there twice


def _window(config: Config, weights: Weights, dataset: Dataset) -> int:
    texts = [str(text) for text in _every(dataset).columns["text"].tolist()]
    settings = json.loads((weights.folder / "config.json").read_text(encoding="utf-8"))
    positions = int(settings.get("max_position_embeddings") or WINDOW)
    longest = tokenizer(weights.folder).model_max_length
    lengths = Texts(weights.folder, texts, min(positions, longest)).lengths
    return window.fitting(lengths, config.max_minutes, min(positions, longest))


def _description(config: Config) -> str:
    model = PurePath(config.model).name  # of a folder its name alone: a bundle holds no local path
    if config.mode == "frozen":
        return f"{model}, frozen, with an MLP head"
    which = "all layers" if config.train_layers is None else f"last layers ({config.train_layers})"
    runs = f", mean or best of {config.runs} runs" if config.runs > 1 else ""
    return f"{model}, {which} fine-tuned for {config.epochs} epochs{runs}"


def fit(
    config: Config,
    weights: Weights,
    train: Rows,
    validation: Rows,
    classes: int,
    seed: int,
    folder: Path,
    name: str,
    features: Features | None = None,
    run: int = 0,
) -> EncoderModel:
    """Fit on labelled rows, or find it in `folder` already fitted. Choices are made on validation rows.

    `features`: what others of the same frozen encoder have read already. `run`: another one starts from the same
    weights and sees the rows in another order.
    """
    features = features or Features(weights, config, train)
    fitted = folder / "fitted.safetensors"
    if cache.stored(fitted, load_file) is None:
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(seed)
        network = EncoderClassifier(weights.folder, classes)
        _check(network, config, weights)
        if config.mode == "frozen":
            _fit_head(network, features, train, validation, classes, seed, name)
            parameters = {f"head.{key}": value for key, value in network.head.state_dict().items()}
        else:
            order = seed + _SEEDS_A_RUN * run
            finetune.finetune(network, config, weights.folder, train, validation, order, folder / "unfinished.pt", name)
            parameters = {key: value for key, value in network.named_parameters() if value.requires_grad}
        with cache.replacing(fitted) as temporary:
            save_file({key: value.detach().contiguous() for key, value in parameters.items()}, temporary)
        (folder / "unfinished.pt").unlink(missing_ok=True)
    return EncoderModel(weights, config, classes, fitted, features)


def _check(network: EncoderClassifier, config: Config, weights: Weights) -> None:
    """Refuse what would make the encoder look beyond its tables of positions and words."""
    positions = getattr(network.encoder.config, "max_position_embeddings", None)
    if isinstance(positions, int) and window_of(config) > positions:
        raise RecipeError(
            f"teacher.max_tokens is {config.max_tokens}, and the encoder reads {positions} tokens at most. "
            "Set it to that or less."
        )
    known, words = getattr(network.encoder.config, "vocab_size", None), len(tokenizer(weights.folder))
    if isinstance(known, int) and words > known:
        raise FetchError(
            f"{weights.folder} holds a tokenizer of {words} tokens and an encoder that knows {known}. "
            "Save the tokenizer that the encoder was trained with beside it."
        )


def _head(network: EncoderClassifier, classes: int) -> nn.Sequential:
    hidden = int(network.encoder.config.hidden_size)
    return nn.Sequential(
        nn.Dropout(0.3), nn.Linear(hidden, _HEAD_HIDDEN), nn.GELU(), nn.Dropout(0.3), nn.Linear(_HEAD_HIDDEN, classes)
    )


def _fit_head(
    network: EncoderClassifier,
    features: Features,
    train: Rows,
    validation: Rows,
    classes: int,
    seed: int,
    name: str,
) -> None:
    states, held = (torch.from_numpy(features.of(rows, lambda: network, name)) for rows in (train, validation))
    labels = torch.from_numpy(train.labels)
    network.head = _head(network, classes)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # so small a head is many times slower on several, beside other work
    try:
        _train_head(network.head, states, labels, held, validation.labels, seed, name)
    finally:
        torch.set_num_threads(threads)


def _train_head(
    head: nn.Module,
    states: torch.Tensor,
    labels: torch.Tensor,
    held: torch.Tensor,
    held_labels: np.typing.NDArray[np.int64],
    seed: int,
    name: str,
) -> None:
    """Leave in `head` the weights of the epoch under which the held-out labels are most likely."""
    optimizer = torch.optim.AdamW(head.parameters(), lr=1e-3, weight_decay=0.01)
    random = np.random.default_rng(seed)
    best, least, best_epoch = head.state_dict(), math.inf, -1
    for epoch in track(range(_HEAD_EPOCHS), f"{name}: head"):
        head.train()
        for places in np.array_split(random.permutation(len(labels)), max(1, len(labels) // 256)):
            error = nn.functional.cross_entropy(head(states[places]), labels[places])
            optimizer.zero_grad()
            error.backward()
            optimizer.step()
        head.eval()
        with torch.inference_mode():
            loss = float(nn.functional.cross_entropy(head(held), torch.from_numpy(held_labels)))
        if loss < least:
            least, best_epoch = loss, epoch
            best = {key: value.clone() for key, value in head.state_dict().items()}
        if epoch - best_epoch >= _HEAD_PATIENCE:
            break
    head.load_state_dict(best)
