"""A transformer encoder with a classification head, texts batched by length, and what a frozen one makes of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from distill import cache
from distill.data.rows import Rows
from distill.errors import FetchError
from distill.progress import track
from distill.recipe.schema import Teacher as Config
from distill.runtime import batched
from distill.teachers.weights import Weights

LIBRARIES = ("torch", "transformers", "tokenizers", "numpy")  # what an encoder says depends on their versions
BATCH = 64
WINDOW = 128  # tokens, where nobody has chosen


def window_of(config: Config) -> int:
    """How many tokens of a text are read."""
    return config.max_tokens or WINDOW


class EncoderClassifier(nn.Module):
    """Token ids -> masked mean of the last layer [N,H] -> logits [N,K]."""

    def __init__(self, folder: Path, classes: int) -> None:
        """Load the encoder's weights from `folder`; the head starts fresh."""
        super().__init__()
        from transformers import AutoModel  # seconds to import, and often everything is cached
        from transformers.utils import logging

        logging.set_verbosity_error()
        logging.disable_progress_bar()

        try:
            self.encoder: Any = AutoModel.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
        except Exception as error:  # the libraries beneath share no base class
            raise FetchError(f"{folder} cannot be loaded as a transformers encoder: {error}") from None
        hidden = int(self.encoder.config.hidden_size)
        self.head = nn.Sequential(nn.Dropout(0.1), nn.Linear(hidden, classes))

    def pool(self, batch: dict[str, Tensor]) -> Tensor:
        """Masked mean over tokens, [N,H]."""
        states: Tensor = self.encoder(**batch).last_hidden_state
        mask = batch["attention_mask"].unsqueeze(-1).to(states.dtype)
        return (states * mask).sum(dim=1) / mask.sum(dim=1)

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        """Logits [N,K]."""
        logits: Tensor = self.head(self.pool(batch))
        return logits

    def train_last(self, layers: int | None) -> None:
        """Freeze all but the last `layers` layers and the head; None trains everything."""
        if layers is None:
            return
        self.encoder.requires_grad_(False)
        stack = next(module for module in self.encoder.modules() if isinstance(module, nn.ModuleList))
        for layer in list(stack)[-layers:]:
            layer.requires_grad_(True)


class Texts:
    """Texts as token ids, computed once, batched with others of like length."""

    def __init__(self, folder: Path, texts: Sequence[str], max_tokens: int) -> None:
        """Tokenise `texts` with the tokenizer in `folder`, cutting at `max_tokens`."""
        self._tokenizer = tokenizer(folder)
        self.ids: list[list[int]] = (
            self._tokenizer(list(texts), truncation=True, max_length=max_tokens)["input_ids"] if len(texts) else []
        )
        # Not every tokenizer puts a mark around an empty text, and the mean of no state is not a number.
        self.ids = [ids or [self._tokenizer.pad_token_id or 0] for ids in self.ids]
        self.lengths = np.array([len(ids) for ids in self.ids], dtype=np.int64)

    def batch(self, places: Sequence[int]) -> dict[str, Tensor]:
        """Tensors of the rows at `places`, padded to the longest of them."""
        rows = [torch.tensor(self.ids[place]) for place in places]
        ids = pad_sequence(rows, batch_first=True, padding_value=self._tokenizer.pad_token_id or 0)
        mask = pad_sequence([torch.ones_like(row) for row in rows], batch_first=True)
        return {"input_ids": ids, "attention_mask": mask}

    def in_order(self, batch_size: int) -> list[list[int]]:
        """Batches of places from the shortest to the longest row."""
        order = np.argsort(self.lengths, kind="stable").tolist()
        return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]

    def shuffled(self, batch_size: int, seed: int, pool: int = 64) -> list[list[int]]:
        """Batches for one epoch: random, but rows of a batch are of like length, so that little is padding."""
        random = np.random.default_rng(seed)
        order = random.permutation(len(self.ids))
        batches = [places.tolist() for places in batched.of_like_length(self.lengths, order, batch_size, pool)]
        random.shuffle(batches)
        return batches


@functools.cache
def tokenizer(folder: Path) -> Any:  # noqa: ANN401 - the library's class varies by model
    """The tokenizer in `folder`.

    Raises:
        FetchError: there is none that the transformers library can read.
    """
    from transformers import AutoTokenizer

    try:
        found = AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
        reason = "it knows no word"  # what the library makes up where the files are missing
    except Exception as error:  # the libraries beneath share no base class
        found, reason = None, str(error)
    if found is None or set(found.get_vocab()) <= set(found.all_special_tokens):
        raise FetchError(
            f"{folder} holds no tokenizer that the transformers library can read: {reason}. "
            "Save it beside the weights with save_pretrained()."
        )
    return found


def computing(precision: str) -> torch.autocast:
    """Matrix products in "bfloat16", as recent processors do them fastest, in "float32", or in the faster: "auto"."""
    fast: bool = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    enabled = precision == "bfloat16" or (precision == "auto" and fast)
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled)


def forward_all(
    network: EncoderClassifier, texts: Texts, batches: Iterable[list[int]], pooled: bool, precision: str
) -> np.ndarray:
    """Logits [N,K], or pooled states [N,H], of every row, in row order."""
    network.eval()
    places: list[int] = []
    parts: list[np.ndarray] = []
    with torch.inference_mode(), computing(precision):
        for batch in batches:
            found = (network.pool if pooled else network)(texts.batch(batch))
            parts.append(found.float().numpy())
            places += batch
    return np.concatenate(parts)[np.argsort(places)]


class Features:
    """Pooled states [N,H] of rows, remembered by row and kept by content hash.

    Each text is read once, however many folds and stages ask for it.
    """

    def __init__(self, weights: Weights, config: Config, together: Rows) -> None:
        """`together`: rows that are always read at once, so that a part of them gets what the whole got."""
        self._weights = weights
        self._config = config
        self._rows = together
        self._together = set(together.keys.tolist())
        self._known: dict[str, np.typing.NDArray[np.float32]] = {}

    def of(self, rows: Rows, network: Callable[[], EncoderClassifier], name: str) -> np.typing.NDArray[np.float32]:
        """Pooled states [N,H]. `network` is called for only if a row is new."""
        keys = rows.keys.tolist()
        if not self._together.isdisjoint(keys):
            self._learn(self._rows, network, name)
        self._learn(rows, network, name)
        return np.stack([self._known[key] for key in keys])

    def _learn(self, rows: Rows, network: Callable[[], EncoderClassifier], name: str) -> None:
        new = rows.take(np.array([key not in self._known for key in rows.keys.tolist()], dtype=bool))
        if not len(new):
            return
        settings = (self._weights.id, window_of(self._config), self._config.precision)
        key = cache.key("features", cache.code(__name__), cache.versions(*LIBRARIES), *settings, new.keys.tolist())

        def make() -> np.typing.NDArray[np.float32]:
            texts = Texts(self._weights.folder, new.columns["text"].tolist(), window_of(self._config))
            batches = track(texts.in_order(BATCH), f"{name}: features")
            return forward_all(network(), texts, batches, pooled=True, precision=self._config.precision)

        states = cache.array(cache.root() / "features" / f"{key}.npy", make)
        self._known.update(zip(new.keys.tolist(), states, strict=True))
