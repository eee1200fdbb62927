"""A cell of pictures as its pixels: the same decoding as a request's picture gets."""

from __future__ import annotations

import numpy as np

from distill.data.encoded import Encoded, content
from distill.recipe.schema import Data
from handler.modalities import pictures

BACKGROUND = str(Data.model_fields["background"].default)
MAX_PIXELS = 100_000_000  # of a picture that trains; what a request may send is the recipe's to say


def encoded(cell: Encoded) -> bytes:
    """The bytes of a cell, read from disk where they lie there. Raises DataError, see `distill.data.encoded`."""
    return content(cell)


def decoded(cell: Encoded, background: str = BACKGROUND) -> np.typing.NDArray[np.uint8]:
    """The pixels of a cell, [H,W,3].

    Raises:
        RequestError: it is no picture that can be read.
        DataError: its file was changed while Limbeck ran.
    """
    return pictures.decode(content(cell), background, MAX_PIXELS)
