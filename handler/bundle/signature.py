"""Who sealed a bundle: `manifest.sig` beside `manifest.json`, checked with public keys that are baked into the image.

    python3 -m handler.bundle.signature FOLDER TRUST_FILE

The manifest names the SHA-256 of every file, so one signature over it covers the bundle: graph, name, evidence and
provenance. RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, section 8.2), because checking it takes one power of an integer
and one comparison of bytes: the function does it at every cold start and imports nothing for it. KMS signs by the same
scheme. What is signed is the line of `statement`, not the manifest itself: KMS takes at most 4,096 bytes.

The trust file is for one model: `{"model": NAME, "keys": [{"key_id", "n", "e"}, ...]}`, `n` in hex. Several keys are
trusted while one takes over from another. Standard library only, and nothing that the function does not import anyway.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from handler.bundle.contract import MANIFEST, SIGNATURE
from handler.errors import BundleError

SCHEME = "RSASSA-PKCS1-v1_5-SHA256"
MIN_BITS, MAX_BITS = 3072, 4096  # of a key's modulus
EXPONENT = 65537  # the only one that KMS and OpenSSL make
_DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")  # SHA-256: RFC 8017, section 9.2, note 1
_MAX_FILE_BYTES = 65_536


class PublicKey(NamedTuple):
    """The public half of an RSA key. `key_id`: 16 hex digits of the SHA-256 of its DER (SubjectPublicKeyInfo)."""

    key_id: str
    n: int
    e: int


class Trust(NamedTuple):
    """Whose signature counts, for the one model that is to be served."""

    model: str
    keys: tuple[PublicKey, ...]


def statement(manifest: bytes) -> bytes:
    """What is signed for a manifest: that this is a bundle's, and its SHA-256."""
    return f"limbeck bundle 1\n{hashlib.sha256(manifest).hexdigest()}\n".encode()


def read_trust(path: Path) -> Trust:
    """Read a trust file.

    Raises:
        BundleError: there is none, or it is not one.
    """
    raw = _json(_bytes(path, "Name the file that `limbeck key trust` wrote (the function: TRUST_FILE)"), path)
    try:
        model, keys = raw["model"], tuple(_public_key(key) for key in raw["keys"])
    except (KeyError, TypeError, ValueError):
        model, keys = "", ()
    if not isinstance(model, str) or not model or not keys:
        raise BundleError(
            f'{path} is no trust file: wanted {{"model": NAME, "keys": [{{"key_id", "n", "e"}}]}} with RSA keys of '
            f"{MIN_BITS} to {MAX_BITS} bits and e {EXPONENT}. Write it with `limbeck key trust`."
        )
    return Trust(model, keys)


def verify(manifest: bytes, signature: bytes, trust: Trust, where: object = "The bundle") -> str:
    """Check a manifest's bytes against the bytes of its signature file. Returns the id of the key that signed it.

    Raises:
        BundleError: nobody trusted signed these bytes, or they are another model's.
    """
    key_id, value = _signature(signature, where)
    key = next((key for key in trust.keys if key.key_id == key_id), None)
    if key is None:
        known = ", ".join(key.key_id for key in trust.keys)
        raise BundleError(
            f"{where} is signed with key {key_id}, trusted for {trust.model}: {known}. Have it signed with a trusted "
            "key; or, if that key is yours, add it to the trust file with `limbeck key trust`."
        )
    if not holds(statement(manifest), value, key):
        raise BundleError(
            f"{where} has a {SIGNATURE} that does not fit its {MANIFEST}: one of the two was changed after signing. "
            "Pull the bundle again, or push it again from where it was sealed."
        )
    name = _json(manifest, f"{where}: {MANIFEST}").get("name")
    if name != trust.model:
        raise BundleError(
            f"{where} is a bundle of the model {name!r}, trusted here is {trust.model!r} alone. "
            "Name a bundle of that model, or use the other model's own trust file."
        )
    return key_id


def check(folder: Path, trust: Trust) -> str:
    """Check the signature in a bundle's folder. Returns the id of the key that signed it.

    It says nothing of the files that the manifest names: `handler.bundle.contract.read` does.

    Raises:
        BundleError: unsigned, wrongly signed, or another model's.
    """
    again = "Fetch or build the bundle again"
    manifest = _bytes(folder / MANIFEST, again, most=-1)
    return verify(manifest, _bytes(folder / SIGNATURE, unsigned(folder)), trust, folder)


def key_of(signature: bytes, where: object = "The bundle") -> str:
    """The id of the key that a signature file names, which is not checked here.

    Raises:
        BundleError: it is no signature file.
    """
    return _signature(signature, where)[0]


def unsigned(where: object) -> str:
    """What to say of a bundle without a signature."""
    return f"{where} is not signed, so it is not served: push it with a key and pull it, or use `limbeck sign`"


def holds(message: bytes, signature: bytes, key: PublicKey) -> bool:
    """Whether `signature` is the key's over `message`: the whole padded block is made anew and compared."""
    size = (key.n.bit_length() + 7) // 8
    value = int.from_bytes(signature, "big")
    if len(signature) != size or value >= key.n:
        return False
    ending = b"\0" + _DIGEST_INFO + hashlib.sha256(message).digest()
    wanted = b"\0\1" + b"\xff" * (size - 2 - len(ending)) + ending
    return pow(value, key.e, key.n).to_bytes(size, "big") == wanted


def _signature(text: bytes, where: object) -> tuple[str, bytes]:
    """The key id and the signature in a signature file's bytes."""
    raw = _json(text, f"{where}: {SIGNATURE}")
    key_id, encoded = raw.get("key_id"), raw.get("signature")
    try:
        if raw.get("scheme") != SCHEME or not isinstance(key_id, str) or not isinstance(encoded, str):
            raise ValueError
        bytes.fromhex(key_id)  # it will be shown
        value = base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error):
        raise BundleError(
            f"{where}: {SIGNATURE} is no signature by {SCHEME}. Pull the bundle again, or sign it again."
        ) from None
    return key_id, value


def _public_key(raw: Any) -> PublicKey:  # noqa: ANN401 - as it came from JSON
    n = int(raw["n"], 16)
    if not MIN_BITS <= n.bit_length() <= MAX_BITS or n % 2 == 0 or raw["e"] != EXPONENT:
        raise ValueError
    return PublicKey(str(raw["key_id"]), n, EXPONENT)


def _json(text: bytes, where: object) -> dict[str, Any]:
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError):
        raw = None
    if not isinstance(raw, dict):
        raise BundleError(f"{where} is not a JSON object. Fetch or write it again.")
    return raw


def _bytes(path: Path, advice: str, most: int = _MAX_FILE_BYTES) -> bytes:
    try:
        with path.open("rb") as file:
            text = file.read(most)
    except OSError as error:
        raise BundleError(f"{path} cannot be read ({error.strerror}). {advice}.") from None
    return text


def main(arguments: Sequence[str]) -> int:
    """Check a folder; the exit status is 0, 1 where the bundle is refused, or 2 for wrong arguments."""
    if len(arguments) != 2:
        sys.stderr.write("Usage: python3 -m handler.bundle.signature FOLDER TRUST_FILE\n")
        return 2
    try:
        key_id = check(Path(arguments[0]), read_trust(Path(arguments[1])))
    except BundleError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stderr.write(f"{arguments[0]} is signed with key {key_id}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
