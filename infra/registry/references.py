"""How a person names a bundle in the registry: `NAME`, `NAME/VERSION` or `NAME@TAG`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from handler.bundle import contract
from infra.errors import ConfigError
from infra.registry.tags import TAGS

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
VERSION = re.compile(rf"[0-9a-f]{{{contract.VERSION_DIGITS}}}")
_PARTS = re.compile(r"([^/@]*)([/@]?)(.*)", re.DOTALL)


@dataclass(frozen=True)
class Reference:
    """What a person names: a bundle, and a version, or the one that wears a tag, or else the newest."""

    name: str
    version: str | None = None
    tag: str | None = None


def reference(text: str) -> Reference:
    """Read `NAME`, `NAME/VERSION` or `NAME@TAG`.

    Raises:
        ConfigError: it is none of them.
    """
    parts = _PARTS.fullmatch(text)
    assert parts is not None  # every text has such parts
    name, mark, rest = parts.groups()
    allowed = VERSION.fullmatch(rest) if mark == "/" else rest in TAGS if mark else True
    if not NAME.fullmatch(name) or not allowed:
        raise ConfigError(
            f"{text!r} is no NAME, NAME/VERSION or NAME@TAG: a name has lower-case letters, digits, '.', '_' and '-', "
            f"a version {contract.VERSION_DIGITS} hex digits; tags are {', '.join(TAGS)}. "
            "`limbeck list` shows what is there."
        )
    return Reference(name, rest if mark == "/" else None, rest if mark == "@" else None)
