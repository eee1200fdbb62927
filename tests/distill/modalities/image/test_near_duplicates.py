from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from distill.modalities.image import near_duplicates, survey
from tests.distill.data.pictures import drawn

COUNT = 120


def thumbnails(pictures: list[Image.Image]) -> np.typing.NDArray[np.uint8]:
    size = (survey.SIDE, survey.SIDE)
    return np.stack([np.asarray(it.convert("RGB").resize(size, Image.Resampling.BOX)) for it in pictures])


def scene(seed: int) -> Image.Image:
    """Another thing on the background that all have, as photographs for a shop."""
    thing = drawn(seed, 60, 60)
    picture = Image.new("RGB", (160, 200), (150, 20, 60))
    picture.paste(thing, (50, 70))
    return picture


def saved_again(picture: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer)


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "saved at 50": lambda it: saved_again(it, 50),
    "half the size": lambda it: it.resize((it.width // 2, it.height // 2)),
    "twice the size": lambda it: it.resize((it.width * 2, it.height * 2)),
    "lighter": lambda it: ImageEnhance.Brightness(it).enhance(1.1),
    "darker": lambda it: ImageEnhance.Brightness(it).enhance(0.85),
    "blurred": lambda it: it.filter(ImageFilter.GaussianBlur(1)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_found_and_nothing_else(change: str) -> None:
    pictures = [scene(seed) for seed in range(COUNT)]
    copies = [CHANGES[change](picture) for picture in pictures[:20]]
    found, mirrored = near_duplicates.of_thumbnails(thumbnails(pictures + copies))
    assert sorted(map(tuple, found.tolist())) == [(row, COUNT + row) for row in range(20)]
    assert len(mirrored) == 0


def test_a_mirrored_copy_is_found_at_a_level_of_its_own() -> None:
    pictures = [scene(seed) for seed in range(COUNT)]
    turned = [picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for picture in pictures[:20]]
    found, mirrored = near_duplicates.of_thumbnails(thumbnails(pictures + turned))
    assert len(found) == 0
    assert sorted(map(tuple, mirrored.tolist())) == [(row, COUNT + row) for row in range(20)]


def test_things_that_are_alike_are_no_copies() -> None:
    shirt = np.asarray(scene(1).resize((28, 28))).astype(np.int64)
    noise = np.random.default_rng(0)
    alike = [
        Image.fromarray(np.clip(shirt + noise.normal(0, 14, shirt.shape), 0, 255).astype(np.uint8))
        for _ in range(COUNT)
    ]
    found, _ = near_duplicates.of_thumbnails(thumbnails(alike))
    assert len(found) == 0


def test_pictures_of_one_colour_are_no_copies_of_each_other() -> None:
    flat = [Image.new("RGB", (40, 40), (200 - row, 30, row)) for row in range(COUNT)]
    assert [len(it) for it in near_duplicates.of_thumbnails(thumbnails(flat))] == [0, 0]


def test_the_same_form_in_another_shade_is_another_thing() -> None:
    dark, light = (np.full((32, 32, 3), level, np.uint8) for level in (20, 220))
    for picture in (dark, light):
        picture[8:24, 8:24] += 20
    rest = [scene(seed) for seed in range(COUNT)]
    found, _ = near_duplicates.of_thumbnails(thumbnails([Image.fromarray(dark), Image.fromarray(light), *rest]))
    assert len(found) == 0


def test_one_picture_and_none_have_no_copies() -> None:
    for count in (0, 1):
        shown = thumbnails([scene(0)])[:count]
        assert [len(it) for it in near_duplicates.of_thumbnails(shown)] == [0, 0]
