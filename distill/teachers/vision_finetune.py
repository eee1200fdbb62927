"""EfficientNet-Lite0 tuned on a data set's own pictures, then frozen as an ONNX graph."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from distill import cache
from distill.data import pixels
from distill.data.rows import Rows
from distill.progress import say, track
from distill.recipe.schema import Teacher as Config
from distill.teachers import lite0, lite0_graph
from distill.teachers.encoder_network import computing
from distill.teachers.picture_features import Network, square

FILE = "vision.onnx"
_SIZE, _EPOCHS, _BATCH, _RATE = 128, 8, 64, 1.5e-3  # where the recipe does not say
_SHIFT = 0.08  # of a side: a small shift changes no label, whatever the pictures show
_DROPOUT, _DECAY, _WARM_UP = 0.2, 0.02, 0.15
_MEMORY = 200  # steps of the running mean of weights
_SECONDS_BETWEEN_SAVES = 60.0
_AT_ONCE = 64
_WORTH_A_BAR = 200


@dataclass(frozen=True)
class Settings:
    """How it is tuned."""

    size: int
    epochs: int
    batch_size: int
    learning_rate: float
    precision: str

    @classmethod
    def of(cls, config: Config) -> Settings:
        """The section's, and what suits this network where it names nothing: the defaults there are an encoder's."""
        named = config.model_fields_set
        return cls(
            size=config.size or _SIZE,
            epochs=config.epochs if "epochs" in named else _EPOCHS,
            batch_size=config.batch_size if "batch_size" in named else _BATCH,
            learning_rate=config.learning_rate if "learning_rate" in named else _RATE,
            precision=config.precision,
        )


class TunedModel:
    """The tuned network, answering through ONNX Runtime."""

    def __init__(self, file: Path, size: int) -> None:
        """`file`: the graph."""
        self._file, self._size = file, size

    def logits(self, rows: Rows) -> np.typing.NDArray[np.float32]:
        """Logits [N,K]."""
        cells = rows.columns[pixels.COLUMN].tolist()
        shown = track(cells, "teacher answers") if len(cells) >= _WORTH_A_BAR else cells
        return np.stack([self._network.of(pixels.of(cell)) for cell in shown])

    def call_one(self, rows: Rows, place: int) -> None:
        """From the file to logits for one row."""
        self._network.of(pixels.of(rows.columns[pixels.COLUMN][place]))

    @cached_property
    def _network(self) -> Network:
        return Network(self._file.read_bytes(), self._size)


class _Classifier(nn.Module):
    """Scaled pixels [N,3,S,S] -> logits [N,K]."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.features = lite0.pretrained()
        self.dropout = nn.Dropout(_DROPOUT)
        self.head = nn.Linear(lite0.HEAD, classes)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, pictures: Tensor) -> Tensor:
        found: Tensor = self.head(self.dropout(self.features(pictures)))
        return found


def fit(settings: Settings, train: Rows, held: Rows, classes: int, seed: int, folder: Path, name: str) -> TunedModel:
    """Tune on `train`; the weights of the epoch with the least loss on `held` rows stay. Kept in `folder`."""
    path = folder / FILE
    if cache.stored(path, onnx.load) is None:
        torch.manual_seed(seed)
        network = _Classifier(classes)
        unfinished = folder / "unfinished.pt"
        network.load_state_dict(_trained(network, settings, train, held, seed, unfinished, name))
        with cache.replacing(path) as temporary:
            temporary.write_bytes(lite0_graph.exported(network, settings.size))
        unfinished.unlink(missing_ok=True)
    return TunedModel(path, settings.size)


def _trained(
    network: _Classifier, settings: Settings, train: Rows, held: Rows, seed: int, unfinished: Path, name: str
) -> dict[str, Tensor]:
    pictures, judged = (_squares(rows, settings.size) for rows in (train, held))
    labels, truth = torch.from_numpy(train.labels), torch.from_numpy(held.labels)
    batch = min(settings.batch_size, len(labels))
    an_epoch = max(1, len(labels) // batch)
    steps = an_epoch * settings.epochs
    optimizer = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=_DECAY, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.learning_rate, total_steps=max(3, steps), pct_start=max(_WARM_UP, 2 / max(3, steps))
    )
    memory = max(1.0, min(_MEMORY, an_epoch / 2))
    average = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(memory / (1 + memory))
    )
    best: dict[str, Tensor] = {}
    least, done = math.inf, 0
    saved = cache.stored(unfinished, lambda file: torch.load(file, weights_only=True))
    if saved is not None:
        for part, key in ((network, "network"), (average, "average"), (optimizer, "optimizer"), (schedule, "schedule")):
            part.load_state_dict(saved[key])
        best, least, done = saved["best"], saved["least"], saved["done"]
        say(f"  taking up {name} after epoch {done} of {settings.epochs}")
    last = time.monotonic()
    walk = ((epoch, step) for epoch in range(done, settings.epochs) for step in range(an_epoch))
    order = np.arange(len(labels))
    for epoch, step in track(walk, name, steps, done * an_epoch):
        if step == 0:
            random = np.random.default_rng((seed, epoch))
            order = random.permutation(len(labels))
        places = order[step * batch : (step + 1) * batch]
        network.train()
        shifted = _shifted(np.array(pictures[np.sort(places)]), random)
        with computing(settings.precision):
            logits = network(_scaled(shifted)).float()
        loss = nn.functional.cross_entropy(logits, labels[np.sort(places)])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        average.update_parameters(network)
        if step == an_epoch - 1:
            found = _loss(average.module, judged, truth, settings.precision)
            say(f"  {name}, epoch {epoch + 1} of {settings.epochs}: log loss on validation rows {found:.3f}")
            if found < least:
                least = found
                best = {key: value.detach().clone() for key, value in average.module.state_dict().items()}
            if time.monotonic() - last >= _SECONDS_BETWEEN_SAVES and epoch + 1 < settings.epochs:
                last = time.monotonic()
                with cache.replacing(unfinished) as temporary:
                    state = {
                        "network": network.state_dict(),
                        "average": average.state_dict(),
                        "optimizer": optimizer.state_dict(),
                        "schedule": schedule.state_dict(),
                    }
                    torch.save({**state, "best": best, "least": least, "done": epoch + 1}, temporary)
    return best or network.state_dict()


def _squares(rows: Rows, size: int) -> pixels.Pixels:
    return pixels.squares(rows, size, cache.code(square.__module__), lambda picture: square(picture, size))


def _scaled(levels: pixels.Pixels) -> Tensor:
    """[N,S,S,3] of 0..255 -> [N,3,S,S] around zero."""
    found = (torch.from_numpy(levels).permute(0, 3, 1, 2).float() - lite0.MEAN) / lite0.DEVIATION
    return found.contiguous(memory_format=torch.channels_last)


def _shifted(levels: pixels.Pixels, random: np.random.Generator) -> pixels.Pixels:
    """Each picture moved a little; what comes in at a border repeats it."""
    size = levels.shape[1]
    most = max(1, round(_SHIFT * size))
    padded = np.pad(levels, ((0, 0), (most, most), (most, most), (0, 0)), mode="edge")
    moved = np.empty_like(levels)
    for place, (down, right) in enumerate(random.integers(0, 2 * most + 1, (len(levels), 2)).tolist()):
        moved[place] = padded[place, down : down + size, right : right + size]
    return moved


def _loss(network: nn.Module, pictures: pixels.Pixels, labels: Tensor, precision: str) -> float:
    network.eval()
    with torch.inference_mode(), computing(precision):
        starts = range(0, len(labels), _AT_ONCE)
        logits = torch.cat([network(_scaled(np.array(pictures[i : i + _AT_ONCE]))).float() for i in starts])
    return float(nn.functional.cross_entropy(logits, labels))
