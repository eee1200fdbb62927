"""A picture as a person types it."""

from __future__ import annotations

import pytest

from distill.modalities.image.modality import IMAGE
from handler.errors import RequestError
from tests import bundles


@pytest.mark.parametrize("name", ["photo.jpg", "/tmp/my photo.JPEG", "C:\\pictures\\cat.webp "])
def test_a_files_name_in_place_of_a_picture_is_told_how_to_be_sent(name: str) -> None:
    with pytest.raises(RequestError, match="Put an @ before it, as in @photo.jpg"):
        IMAGE.parse(name, bundles.image_serving())


def test_base64_is_taken_as_it_stands() -> None:
    assert IMAGE.parse(" iVBORw0KGgo=\n", bundles.image_serving()) == "iVBORw0KGgo="
