"""The kinds of input that the function takes, by the name that a manifest gives them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from handler.bundle.contract import Serving
from handler.errors import BundleError, RequestError
from handler.modalities.image import IMAGE
from handler.modalities.modality import Modality, Record
from handler.modalities.tabular import TABULAR
from handler.modalities.text import TEXT

MODALITIES: Mapping[str, Modality] = MappingProxyType({kind.name: kind for kind in (TEXT, TABULAR, IMAGE)})


def named(name: str) -> Modality:
    """The modality of this name, as the manifest of a bundle that was loaded has it."""
    return MODALITIES[name]


def of(serving: Serving) -> Modality:
    """The modality of a manifest's serving section.

    Raises:
        BundleError: there is none of this name, or it does not take such inputs.
    """
    found = MODALITIES.get(serving.task)
    if found is None:
        known = ", ".join(sorted(MODALITIES))
        raise BundleError(f"The manifest's serving.task is {serving.task!r}, wanted one of {known}. Seal it again.")
    wrong = found.check_inputs(serving)
    if not wrong and any((column.kind, column.dtype) not in found.takes for column in serving.inputs):
        wrong = f"has a kind or dtype that a {serving.task} model does not take"
    if wrong:
        raise BundleError(f"The manifest's serving.inputs {wrong}. Seal the bundle again.")
    return found


def check(value: object, serving: Serving) -> list[Record]:
    """Check one input or a list of them, as sent under "inputs", against the manifest's columns and limits.

    Raises:
        RequestError: 413 over a limit, 422 for anything that is not what the model takes, with a JSON pointer.
    """
    kind = named(serving.task)
    if not isinstance(value, list):
        return [kind.check(value, serving, "/inputs")]
    if not value:
        raise RequestError(422, "no-inputs", "The list of inputs is empty, wanted at least one.", "/inputs")
    if len(value) > serving.limits.max_inputs:
        detail = f"The request holds {len(value)} inputs, the limit is {serving.limits.max_inputs}."
        raise RequestError(413, "too-many-inputs", f"{detail} Send several requests.", "/inputs")
    records: list[Record] = []
    for i, item in enumerate(value):
        records.append(kind.check(item, serving, f"/inputs/{i}"))
        kind.check_total(records, serving, f"/inputs/{i}")
    return records
