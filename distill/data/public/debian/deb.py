"""Files out of a Debian package, without dpkg: deb(5), an ar archive that holds a tar archive."""

from __future__ import annotations

import io
import lzma
import tarfile
from collections.abc import Collection
from pathlib import Path

from distill.errors import DataError

_MAGIC, _HEADER = b"!<arch>\n", 60  # ar(5)


def files(path: Path, names: Collection[str]) -> dict[str, bytes]:
    """The files of these names (the last part of a path), by name.

    Raises:
        DataError: it is no Debian package, is damaged, or lacks one of the files.
    """
    try:
        archive = tarfile.open(fileobj=io.BytesIO(_data(path.read_bytes())))
        found = {}
        for member in archive:
            name = member.name.rsplit("/", 1)[-1]
            if name in names and member.isfile():
                found[name] = archive.extractfile(member).read()  # type: ignore[union-attr]  # a file has content
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}). Check its permissions.") from None
    except (ValueError, EOFError, lzma.LZMAError, tarfile.TarError):
        raise DataError(f"{path.name} is no Debian package, or is cut off. Fetch it again.") from None
    if missing := sorted(set(names) - found.keys()):
        raise DataError(f"{path.name} is a Debian package without {missing[0]}. Is it the right one?")
    return found


def _data(content: bytes) -> bytes:
    """The package's data.tar, packed as it is. Raises ValueError where there is none."""
    if not content.startswith(_MAGIC):
        raise ValueError(content[:8])
    at = len(_MAGIC)
    while at + _HEADER <= len(content):
        header = content[at : at + _HEADER]
        name, size, begin = header[:16].strip(), int(header[48:58]), at + _HEADER
        if name.startswith(b"data.tar"):
            return content[begin : begin + size]
        at = begin + size + size % 2
    raise ValueError(at)
