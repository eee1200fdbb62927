"""What the page offers to try: golden inputs, which are made up or rounded, never a user's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from distill.modalities.register import named
from handler.bundle.contract import GOLDEN, Serving

_UNSEEN = "\u2603"  # in every category that stands for "never seen"


def read(bundle: Path) -> list[object]:
    """The bundle's golden inputs; none where it has none."""
    path = bundle / GOLDEN
    if not path.is_file():
        return []
    return [json.loads(line)["input"] for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def of(golden: Sequence[object], serving: Serving) -> list[object]:
    """A few inputs that look like a person's."""
    return named(serving.task).page_examples(golden)


def suggestions(golden: Sequence[object], serving: Serving) -> dict[str, list[str]]:
    """The categories that golden rows know, by column: enough training rows share each for a bundle to tell it."""
    found: dict[str, list[str]] = {column.name: [] for column in serving.inputs if column.kind == "category"}
    for row in golden:
        for name, values in found.items():
            value = row.get(name) if isinstance(row, dict) else None
            if isinstance(value, str) and value and _UNSEEN not in value and value not in values:
                values.append(value)
    return found
