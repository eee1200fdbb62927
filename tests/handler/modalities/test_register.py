"""Which modality a manifest's serving section is of."""

from __future__ import annotations

import pytest

from handler.bundle.contract import Input
from handler.errors import BundleError
from handler.modalities import register
from tests import bundles


def test_each_kind_of_bundle_has_its_modality() -> None:
    assert register.of(bundles.text_serving()).name == "text"
    assert register.of(bundles.tabular_serving()).name == "tabular"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"task": "sound"}, ["'sound'", "tabular, text"]),
        ({"inputs": (Input("text", "float32", "text"),)}, ["inputs", "dtype", "text"]),
        ({"inputs": (Input("a", "string", "text"), Input("b", "string", "text"))}, ["2 inputs", "exactly one"]),
    ],
)
def test_a_bundle_that_no_modality_takes_is_not_served(changes: dict[str, object], words: list[str]) -> None:
    with pytest.raises(BundleError) as caught:
        register.of(bundles.text_serving(**changes))
    assert all(word in str(caught.value) for word in [*words, "Seal"])
