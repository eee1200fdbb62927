"""A sealed bundle's folder as the registry handles it: checked whole, its files in one order, its bytes as planned."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from handler.bundle import contract
from handler.modalities import register
from infra.errors import RefusedError, refusing

_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def read(folder: Path) -> tuple[contract.Manifest, bytes]:
    """A sealed bundle's manifest, checked with all its files, and the very bytes it was read from.

    Raises:
        RefusedError: it is not as it was sealed, or no function here could serve it.
    """
    with refusing():
        manifest = contract.read(folder)
        register.of(manifest.serving)
    text = _bytes(folder / contract.MANIFEST)
    if parsed(text, str(folder / contract.MANIFEST)) != manifest:
        raise RefusedError(
            f"{folder / contract.MANIFEST} is being changed by someone else. Run the same command again."
        )
    return manifest, text


def parsed(text: bytes, where: str) -> contract.Manifest:
    """A manifest's bytes, read strictly.

    Raises:
        RefusedError: it is none.
    """
    try:
        with refusing():
            return contract.parse(text.decode(), where=where)
    except UnicodeDecodeError:
        raise RefusedError(f"{where} is not UTF-8. Push the bundle again from where it was sealed.") from None


def in_order(manifest: contract.Manifest) -> Sequence[str]:
    """The files that the manifest names, in the one order of every push.

    Raises:
        RefusedError: a name that could leave the bundle's folder, or is the manifest's own or its signature's.
    """
    for file in manifest.files:
        if not _FILE.fullmatch(file) or file in (contract.MANIFEST, contract.SIGNATURE):
            raise RefusedError(f"The manifest of {manifest.name} lists the file {file!r}, wanted a plain name.")
    return sorted(manifest.files)


def bytes_of(path: Path, wanted: str) -> bytes:
    """A file's bytes, which must have the SHA-256 that was planned for.

    Raises:
        RefusedError: they have not.
    """
    body = _bytes(path)
    if hashlib.sha256(body).hexdigest() != wanted:
        raise RefusedError(f"{path} changed while it was being pushed. Build or fetch the bundle again.")
    return body


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RefusedError(f"{path} cannot be read ({error.strerror}). Run the same command again.") from None
