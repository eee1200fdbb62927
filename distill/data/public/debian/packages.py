"""Packages as stanzas describe them: section, source and description; kept in a file of our own once they are had."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from distill import cache
from distill.data.normalize import clean
from distill.data.public.debian.control import COMMAND
from distill.data.wording import counted
from distill.errors import DataError

_FORMAT = 1  # of the kept file; another number is not read


class Package(NamedTuple):
    """One package, without its name: the name often is the answer, and nobody who asks has one."""

    section: str  # without "contrib/" and the like before it
    source: str  # the source package it is built from, by name
    text: str  # the synopsis on a line, then the long description where there is one


def of(
    stanzas: Iterable[Mapping[str, str]], where: str, long: Mapping[tuple[str, str], str] | None = None
) -> list[Package]:
    """Every package with a section and a description, sorted.

    Args:
        stanzas: of a `Packages` file.
        where: the file's name, for messages.
        long: whole descriptions by package and `Description-md5`, where another file holds them.

    Raises:
        DataError: there are no stanzas, or none has all that is wanted.
    """
    count, found = 0, []
    for stanza in stanzas:
        count += 1
        name, section = stanza.get("package", ""), stanza.get("section", "").rsplit("/", 1)[-1].strip().lower()
        whole = (long or {}).get((name, stanza.get("description-md5", "")))
        text = _text(whole or stanza.get("description-en") or stanza.get("description", ""))
        if name and section and text:
            source = stanza.get("source") or name
            found.append(Package(section, source.split()[0], text))  # it may have " (version)" behind it
    if not found:
        raise DataError(
            f"{where}: of {counted(count, 'stanza')}, none has the fields Package, Section and Description. "
            f"Name a file such as `{COMMAND}` prints."
        )
    return sorted(found)


def descriptions(stanzas: Iterable[Mapping[str, str]]) -> dict[tuple[str, str], str]:
    """Package and `Description-md5` -> the whole description, out of a `Translation-en` file."""
    return {
        (stanza.get("package", ""), stanza.get("description-md5", "")): stanza.get("description-en", "")
        for stanza in stanzas
    }


def keep(path: Path, release: str, packages: Sequence[Package]) -> None:
    """Write packages to `path`: the same ones, the same bytes."""
    with (
        cache.replacing(path) as temporary,
        temporary.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as file,
    ):
        for line in ({"format": _FORMAT, "release": release}, *packages):
            file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")


def kept(path: Path) -> tuple[str, list[Package]]:
    """The release and its packages as `keep` wrote them; for `cache.stored`."""
    with gzip.open(path, "rt", encoding="utf-8", newline="\n") as lines:
        head = json.loads(next(lines))
        if head["format"] != _FORMAT:
            raise ValueError(head["format"])
        return head["release"], [Package(*json.loads(line)) for line in lines]


def _text(description: str) -> str:
    """Lines without the space before them; one with a full stop alone is the empty line it stands for."""
    lines = (line.strip() for line in description.split("\n"))
    return clean("\n".join("" if line == "." else line for line in lines).strip())
