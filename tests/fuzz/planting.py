"""Canaries in generated bodies: a word that, wherever it stands, makes no difference, and may come back nowhere."""

from __future__ import annotations

from typing import Any

from tests.fuzz.rules import CANARY

_ID_CHARACTERS = 256  # of a request's id, the one other string with a limit


class Planter:
    """Plants canaries into what was generated from one OpenAPI document."""

    def __init__(self, document: dict[str, Any]) -> None:
        """Leave the document's own words alone: names of keys, columns, tensors and types."""
        self._words = _words(document)
        self._most = min(_ID_CHARACTERS, document["x-limbeck-limits"]["max_characters"]) - len(CANARY)

    def planted(self, value: object) -> object:
        """The same value, with a canary in each string and unknown key that has room for one."""
        if isinstance(value, str):
            return self._word(value)
        if isinstance(value, list):
            return [self.planted(item) for item in value]
        if isinstance(value, dict):
            return {self._word(key): self.planted(item) for key, item in value.items()}
        return value

    def _word(self, value: str) -> str:
        return value if value in self._words or len(value) > self._most else value + CANARY


def _words(value: object) -> set[str]:
    if isinstance(value, str):
        return {value}
    if isinstance(value, list):
        return set().union(*map(_words, value))
    if isinstance(value, dict):
        return set(value).union(*map(_words, value.values()))
    return set()
