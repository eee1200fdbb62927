"""Pixels inside the graph are Pillow's: for any size, in each way of fitting a picture into a square."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from PIL import Image

from distill.data.pixels import COLUMN
from distill.modalities.image import prelude
from handler.model.predictor import session_options

SIZE = 96
LONGEST = 4000
Pixels = np.typing.NDArray[np.uint8]


def session(model: onnx.ModelProto) -> ort.InferenceSession:
    return ort.InferenceSession(model.SerializeToString(), session_options(), providers=["CPUExecutionProvider"])


def random_picture(random: np.random.Generator, height: int, width: int) -> Pixels:
    """Noise, in which every weight of a resize shows; of a large one, noise repeated."""
    tile = random.integers(0, 256, (min(height, 512), min(width, 512), 3), dtype=np.uint8)
    times = (-(-height // tile.shape[0]), -(-width // tile.shape[1]), 1)
    return np.ascontiguousarray(np.tile(tile, times)[:height, :width])


def sizes() -> list[tuple[int, int]]:
    """200 sizes from 1 x 1 to 12 MP, as many small ones as large ones."""
    random = np.random.default_rng(0)
    drawn = [tuple(np.exp(random.uniform(0, np.log(1200), 2)).astype(int).tolist()) for _ in range(192)]
    return [*drawn, (1, 1), (1, 900), (900, 1), (SIZE, SIZE), (SIZE, 4 * SIZE), (2, 3), (1999, 3), (3000, LONGEST)]


def pillow(picture: Pixels, fit: str, size: int) -> Pixels:
    """What Pillow makes of a picture [H,W,3], as [size,size,3]."""
    height, width = picture.shape[:2]
    whole = Image.fromarray(picture)
    if fit == "stretch":
        return np.asarray(whole.resize((size, size), Image.Resampling.BILINEAR))
    if fit == "crop":
        side = min(height, width)
        left, top = (width - side) // 2, (height - side) // 2
        square = whole.crop((left, top, left + side, top + side))
        return np.asarray(square.resize((size, size), Image.Resampling.BILINEAR))
    longer = max(height, width)
    tall, wide = (max(1, (2 * size * side + longer) // (2 * longer)) for side in (height, width))
    made = Image.new("RGB", (size, size), (prelude.MEAN,) * 3)
    made.paste(whole.resize((wide, tall), Image.Resampling.BILINEAR), ((size - wide) // 2, (size - tall) // 2))
    return np.asarray(made)


def differences(model: onnx.ModelProto, fit: str) -> np.typing.NDArray[np.int64]:
    """How many levels of 255 each number of all pictures is from Pillow's."""
    graph, random, found = session(model), np.random.default_rng(1), []
    for height, width in sizes():
        picture = random_picture(random, height, width)
        [resized] = graph.run([prelude.RESIZED], {COLUMN: picture[None]})[0]
        found.append(np.abs(resized.astype(np.int64) - pillow(picture, fit, SIZE)))
    return np.concatenate([it.ravel() for it in found])


@pytest.mark.parametrize("fit", list(prelude.FITS))
def test_pixels_are_within_a_level_of_pillows(fit: str) -> None:
    """Of noise, two numbers in ten million are two levels off, where weights of float32 round otherwise twice."""
    found = differences(prelude.made(SIZE, fit).model, fit)
    assert found.max() <= 2
    assert (found > 1).sum() <= 2


def test_without_exclude_outside_they_are_not() -> None:
    model = prelude.made(SIZE, "stretch").model
    [resize] = (node for node in model.graph.node if node.op_type == "Resize")
    [excluded] = (item for item in resize.attribute if item.name == "exclude_outside")
    excluded.i = 0
    assert (differences(model, "stretch") > 2).sum() > 1000


@pytest.mark.parametrize("fit", list(prelude.FITS))
def test_a_picture_of_the_graphs_own_size_stays_as_it_is(fit: str) -> None:
    picture = random_picture(np.random.default_rng(2), SIZE, SIZE)
    [found] = session(prelude.made(SIZE, fit).model).run([prelude.RESIZED], {COLUMN: picture[None]})[0]
    assert (found == picture).all()


def test_pictures_of_one_size_are_resized_together_as_alone() -> None:
    random = np.random.default_rng(3)
    pictures = np.stack([random_picture(random, 40, 70) for _ in range(3)])
    graph = session(prelude.made(SIZE, "letterbox").model)
    [together] = graph.run([prelude.RESIZED], {COLUMN: pictures})
    alone = [graph.run([prelude.RESIZED], {COLUMN: picture[None]})[0][0] for picture in pictures]
    assert (together == np.stack(alone)).all()
