"""Views: what is forbidden is not done, and the rest is."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from distill.modalities.image import views
from distill.modalities.image.views import Pixels


def two_halves(side: int = 80) -> Pixels:
    """Red on the left, blue on the right."""
    picture = np.zeros((side, side, 3), np.uint8)
    picture[:, : side // 2] = (200, 20, 20)
    picture[:, side // 2 :] = (20, 20, 200)
    return picture


def many(picture: Pixels, forbidden: tuple[str, ...], count: int = 60) -> list[Pixels]:
    random = np.random.default_rng(0)
    return [views.view(picture, random, forbidden) for _ in range(count)]


def without(*kinds: str) -> tuple[str, ...]:
    return tuple(kind for kind in views.KINDS if kind not in kinds)


def is_blue_on_the_left(view: Pixels) -> bool:
    return bool(view[:, :4, 2].mean() > view[:, :4, 0].mean())


def test_a_view_is_mirrored_unless_that_is_forbidden() -> None:
    assert any(is_blue_on_the_left(view) for view in many(two_halves(), without("mirror")))
    assert not any(is_blue_on_the_left(view) for view in many(two_halves(), ("mirror",)))


def test_colours_change_unless_that_is_forbidden() -> None:
    grey = np.full((80, 80, 3), (120, 130, 140), np.uint8)
    assert any((view != grey).any() for view in many(grey, without("colour")))
    assert all((view == (120, 130, 140)).all() for view in many(grey, ("colour", "erase")))


@pytest.mark.parametrize("kind", views.KINDS)
def test_each_kind_alone_makes_other_pictures(kind: str) -> None:
    picture = two_halves()
    assert any(view.shape != picture.shape or (view != picture).any() for view in many(picture, without(kind)))


def test_where_all_is_forbidden_a_view_is_the_picture() -> None:
    assert all((view == two_halves()).all() for view in many(two_halves(), views.KINDS, 5))


def test_a_small_picture_is_kept_without_loss_and_at_its_size() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (28, 28, 3), dtype=np.uint8)
    assert {view.shape for view in many(picture, ())} == {picture.shape}
    assert (np.asarray(Image.open(io.BytesIO(views.encoded(picture)))) == picture).all()


def test_a_view_of_a_large_photograph_is_small() -> None:
    assert max(min(view.shape[:2]) for view in many(np.zeros((1200, 900, 3), np.uint8), (), 5)) <= 288
