"""Debian's control format: stanzas of fields, as in a `Packages` file or what `apt-cache` prints.

Debian Policy, chapter 5. A reader of its own, as the well-kept ones (python-debian, python-apt) are under the GPL.
"""

from __future__ import annotations

import gzip
import io
import lzma
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from distill.errors import DataError

# Prints each package once, with its long description, which `apt-cache dumpavail` lacks. The pattern needs apt 2.
COMMAND = "apt-cache show --no-all-versions '?name(.)'"
_WANTED = f"Wanted is Debian's control format (plain, .gz or .xz), as `{COMMAND}` prints it."
_FIELD = re.compile(r'([!"$-,.-9;-~][!-9;-~]*):(.*)', re.ASCII | re.DOTALL)
_GZIP, _XZ = b"\x1f\x8b", b"\xfd7zXZ\x00"


def of_file(path: Path) -> Iterator[dict[str, str]]:
    """The stanzas of a file, unpacked on the way. A byte that is not UTF-8 is read as U+FFFD.

    Raises:
        DataError: unreadable, damaged, or not in this format.
    """
    try:
        with path.open("rb") as raw:
            lines = io.TextIOWrapper(_unpacked(raw), encoding="utf-8-sig", errors="replace", newline="\n")
            yield from read(lines, path.name)
    except (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error) as error:
        raise DataError(f"{path.name} is damaged or cut off ({error}). Unpack it by hand, or fetch it again.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}). Check its permissions.") from None


def read(lines: Iterable[str], where: str) -> Iterator[dict[str, str]]:
    r"""Each stanza as a dict: field name in small letters -> value.

    A value's further lines come without the space that marks them, joined by \n; space at a line's end is cut.

    Raises:
        DataError: a line that has no place in this format, by its number.
    """
    stanza: dict[str, str] = {}
    name = ""
    for number, line in enumerate(lines, start=1):
        line = line.rstrip()
        if not line:
            if stanza:
                yield stanza
            stanza, name = {}, ""
        elif "\0" in line:
            raise DataError(f"{where}, line {number} holds a NUL, which no text does. {_WANTED}")
        elif line[0] in " \t" and name:
            stanza[name] += "\n" + line[1:]
        else:
            match = _FIELD.fullmatch(line)
            if not match:
                raise DataError(
                    f"{where}, line {number} is neither a field (Name: value) nor the rest of one. {_WANTED}"
                )
            name = match[1].lower()
            if name in stanza:
                raise DataError(f"{where}, line {number}: a field that its stanza has already. {_WANTED}")
            stanza[name] = match[2].strip()
    if stanza:
        yield stanza


def _unpacked(raw: BinaryIO) -> BinaryIO | gzip.GzipFile | lzma.LZMAFile:
    start = raw.read(len(_XZ))
    raw.seek(0)
    if start.startswith(_GZIP):
        return gzip.open(raw)
    return lzma.open(raw) if start == _XZ else raw
