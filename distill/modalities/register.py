"""The kinds of input. Each has a line in `handler/modalities/register.py`, and in the page's `register.js`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from distill.modalities.image.modality import IMAGE
from distill.modalities.modality import Modality
from distill.modalities.tabular.modality import TABULAR
from distill.modalities.text.modality import TEXT
from distill.recipe.public_sets import CATALOGUE
from distill.recipe.schema import Data

# In the order in which they are asked whether a recipe is about them; columns are what no other kind is.
MODALITIES: Mapping[str, Modality] = MappingProxyType({kind.name: kind for kind in (TEXT, IMAGE, TABULAR)})


def named(name: str) -> Modality:
    """The modality of this name, as a manifest's `serving.task` or a dataset's `task` has it."""
    return MODALITIES[name]


def of(data: Data) -> Modality:
    """The modality of a recipe's data section: as the named set says, else the first that claims it."""
    of_set = next((named(it.task) for it in CATALOGUE if it.name == data.source), None)
    return of_set or next(kind for kind in MODALITIES.values() if kind.claims(data))
