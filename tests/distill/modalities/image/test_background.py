"""What is transparent stands on the declared colour in training too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from distill.data import pixels
from distill.data.load import load
from distill.data.rows import concatenated
from distill.modalities.image.modality import IMAGE
from distill.recipe.schema import Data
from tests.distill.modalities.image import pictures


def test_transparent_pictures_are_read_on_the_colour_that_the_recipe_declares(tmp_path: Path) -> None:
    folder = pictures.folder(tmp_path / "shapes", 12)
    for place in range(3):
        clear = Image.fromarray(np.random.default_rng(place).integers(0, 256, (60, 60, 4), dtype=np.uint8))
        clear.putalpha(Image.new("L", (60, 60), 0))
        clear.putpixel((place, 0), (9, 9, 9, 255))
        clear.save(folder / "disc" / f"clear{place}.png")
    rows = load(Data(source="folder", path=str(folder), background="#00FF00"), tmp_path, IMAGE)
    assert rows.inputs[0].background == "#00ff00"
    every = concatenated([rows.train, rows.validation, rows.test])
    corners = [pixels.of(cell)[-1, -1].tolist() for cell in every.columns["pixels"].tolist()]
    assert corners.count([0, 255, 0]) == 3
