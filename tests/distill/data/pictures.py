"""Pictures as people keep them: made up, no two alike, and folders of them."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image

from distill.data.load import load
from distill.data.rows import Dataset
from distill.modalities.image import near_duplicates, read
from distill.recipe.schema import Data

KIND: Any = SimpleNamespace(name="image", read=read.read, is_empty=read.is_empty, near_duplicates=near_duplicates.pairs)
EACH = 12  # pictures a class of a made-up folder


def drawn(seed: int, height: int = 72, width: int = 96) -> Image.Image:
    """Coloured patches that no other seed has."""
    patches = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(patches).resize((width, height), Image.Resampling.BICUBIC)


def file(seed: int, kind: str = "JPEG", **options: int) -> bytes:
    """A picture's file."""
    return saved(drawn(seed), kind, **options)


def saved(picture: Image.Image, kind: str = "JPEG", **options: int) -> bytes:
    """The file of a picture."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def put(path: Path, content: bytes) -> Path:
    """Write a file, its folders too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def folder(root: Path, classes: tuple[str, ...] = ("cat", "dog"), first: int = 0, each: int = EACH) -> Path:
    """A folder with a sub-folder a class, and so many pictures in each."""
    for place, name in enumerate(classes):
        for number in range(each):
            seed = first + 1000 * place + number
            put(root / name / f"{number}.jpg", file(seed))
    return root


def written(seed: int) -> str:
    """A picture's file in base64."""
    return base64.b64encode(file(seed)).decode()


def load_folder(path: Path, **data: object) -> Dataset:
    """The rows of a folder."""
    return load_pictures(path.parent, {"source": "folder", "path": path.name} | data)


def load_pictures(base: Path, data: dict[str, object]) -> Dataset:
    """The rows of a data section that is about pictures."""
    return load(Data.model_validate(data), base, KIND)


def labels_of(dataset: Dataset) -> list[str]:
    """The label of every row, sorted."""
    return sorted(
        dataset.labels[label] for part in (dataset.train, dataset.validation, dataset.test) for label in part.labels
    )
