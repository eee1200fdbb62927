"""Which key signs a bundle, whose signature counts for it, and the signing; `handler.bundle.signature` checks it."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from handler.bundle import contract, signature
from infra.errors import ConfigError, RefusedError, refusing
from infra.signing import keys

KEY_VARIABLE = "LIMBECK_SIGNING_KEY"  # a PEM file, or kms: and a key's id, ARN or alias
TRUST_VARIABLE = "LIMBECK_TRUST"  # a trust file, or a folder of them, each called <name>.json
_KMS_PREFIX = "kms:"

Sign = Callable[[Path, contract.Manifest, bytes], bytes]  # folder, manifest and its bytes -> the signature file's bytes


class Signer(Protocol):
    """What signs: a public key, and signatures that it opens."""

    @property
    def public(self) -> signature.PublicKey:
        """The half that anybody may have."""

    def sign(self, message: bytes) -> bytes:
        """The signature over a message of at most 4,096 bytes."""


def find_signer(pem: Path | None = None, kms: str | None = None) -> Signer | None:
    """The key that is named: by a PEM file, in KMS, or by `LIMBECK_SIGNING_KEY`; None where none is.

    Raises:
        ConfigError: both are named, or what is named is no key that can be used.
    """
    if pem and kms:
        raise ConfigError("Two keys are named. Sign with --pem or with --kms.")
    if not pem and not kms:
        named = os.environ.get(KEY_VARIABLE, "")
        if named.startswith(_KMS_PREFIX):
            kms = named.removeprefix(_KMS_PREFIX)
        elif named:
            pem = Path(named)
    if kms:
        return keys.KmsSigner(kms)
    return keys.PemSigner.read(pem, keys.password()) if pem else None


def needed_signer(pem: Path | None = None, kms: str | None = None) -> Signer:
    """As `find_signer`, where there has to be one.

    Raises:
        ConfigError: none is named.
    """
    found = find_signer(pem, kms)
    if found is None:
        raise ConfigError(
            f"No key to sign with, and what is unsigned is not kept. Use --pem FILE, --kms KEY, or set {KEY_VARIABLE} "
            "to a file or kms:KEY. `limbeck key new DIR` makes one."
        )
    return found


def trust_for(model: str, trust_file: Path | None = None) -> signature.Trust | None:
    """Whose signature counts for a model; None where nothing says so.

    Said by a trust file, or a folder of them (`<name>.json`), named here or by `LIMBECK_TRUST`; else by the key that
    `LIMBECK_SIGNING_KEY` names: who can sign trusts themselves.

    Raises:
        ConfigError: what is named is no trust file, or is another model's.
    """
    path = trust_file or (Path(named) if (named := os.environ.get(TRUST_VARIABLE, "")) else None)
    if path is None:
        own = find_signer()
        return signature.Trust(model, (own.public,)) if own else None
    path = path / f"{model}.json" if path.is_dir() else path
    return keys.read_trust(path, model)


def needed_trust(model: str, trust_file: Path | None = None) -> signature.Trust:
    """As `trust_for`, where there has to be one.

    Raises:
        ConfigError: nothing says whose signature counts.
    """
    found = trust_for(model, trust_file)
    if found is None:
        raise ConfigError(
            f"Nothing says whose signature counts for {model}. Use --trust FILE, or set {TRUST_VARIABLE}. "
            f"`limbeck key trust {model} --pem FILE` writes such a file, also from the public half of a key."
        )
    return found


def signed(manifest: bytes, by: Signer) -> bytes:
    """The signature file for a manifest's bytes.

    Raises:
        RefusedError: what the signer gave is not its key's signature.
    """
    message = signature.statement(manifest)
    value = by.sign(message)
    if not signature.holds(message, value, by.public):
        raise RefusedError(f"Key {by.public.key_id} gave a signature that its public half does not open. Try again.")
    return keys.json_text(
        {"key_id": by.public.key_id, "scheme": signature.SCHEME, "signature": base64.b64encode(value).decode()}
    )


def sign_folder(folder: Path, manifest: bytes, by: Signer) -> None:
    """Put the signature over a manifest's bytes beside it, in the place of another's."""
    draft = folder / f".{contract.SIGNATURE}.{os.getpid()}"
    draft.write_bytes(signed(manifest, by))
    draft.replace(folder / contract.SIGNATURE)


def for_push(pem: Path | None = None, kms: str | None = None, trust_file: Path | None = None) -> Sign:
    """What signs a bundle as it is pushed: the key that is named; else the signature that the bundle has, checked.

    Raises:
        ConfigError: no key is named, and the bundle has no signature, or nothing says whose counts. Raised by what
            this returns, as RefusedError is where the signature is not by whom to trust.
    """
    key = find_signer(pem, kms)

    def sign(folder: Path, manifest: contract.Manifest, text: bytes) -> bytes:
        path = folder / contract.SIGNATURE
        if key is not None or not path.is_file():
            return signed(text, key or needed_signer(pem, kms))
        value = path.read_bytes()
        with refusing():
            signature.verify(text, value, needed_trust(manifest.name, trust_file), folder)
        return value

    return sign
