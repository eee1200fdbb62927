"""Keys and trust files: keys sign bundles, trust files say whose signature counts. `signer` chooses among them.

A key is in a PEM file or, better, in KMS, which never gives it away: RSA of 3,072 or 4,096 bits. OpenSSF's
model-signing does the same job with a key, but to check its bundles the function would have to import a Sigstore
library at every cold start; what it would add beside a key (an identity, a transparency log) a private registry does
not ask for.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from handler.bundle import signature
from handler.errors import BundleError
from infra.aws.clients import KMSClient, client, requesting
from infra.errors import ConfigError

PASSWORD_VARIABLE = "LIMBECK_KEY_PASSWORD"  # of the PEM file, where it has one
PRIVATE_FILE, PUBLIC_FILE = "key.pem", "public.pem"
_KMS_SCHEME: Literal["RSASSA_PKCS1_V1_5_SHA_256"] = "RSASSA_PKCS1_V1_5_SHA_256"
_KEY_ID_DIGITS = 16
_KMS_ADVICE = {
    "AccessDeniedException": "access denied. The credentials need kms:GetPublicKey and kms:Sign on the key",
    **dict.fromkeys(
        ("DisabledException", "KMSInvalidStateException"),
        "the key is disabled, or about to be deleted. Enable it, or sign with another",
    ),
    "InvalidKeyUsageException": "the key is not for signing. Make one with key usage SIGN_VERIFY",
    "UnsupportedOperationException": "the key has no public half. Make one with key spec RSA_3072",
}


@dataclass(frozen=True)
class PemSigner:
    """A private key out of a PEM file."""

    _private: rsa.RSAPrivateKey

    @classmethod
    def read(cls, path: Path, password: bytes | None = None) -> PemSigner:
        """Read a key, by its password where it is encrypted.

        Raises:
            ConfigError: no such file, no key in it, another kind of key, or a wrong password.
        """
        try:
            private = serialization.load_pem_private_key(path.read_bytes(), password)
        except OSError as error:
            raise ConfigError(
                f"The signing key {path} cannot be read ({error.strerror}). `limbeck key new DIR` makes one."
            ) from None
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise ConfigError(
                f"{path} holds no private key in PEM that can be opened. Name such a file, and set "
                f"{PASSWORD_VARIABLE} if, and only if, it has a password."
            ) from None
        if not isinstance(private, rsa.RSAPrivateKey):
            raise ConfigError(f"{path} is no RSA key. `limbeck key new DIR` makes one that fits.")
        _public(private.public_key(), str(path))
        return cls(private)

    @property
    def public(self) -> signature.PublicKey:
        """The half that anybody may have."""
        return _public(self._private.public_key(), "The signing key")

    def sign(self, message: bytes) -> bytes:
        """The signature over a message."""
        return self._private.sign(message, padding.PKCS1v15(), hashes.SHA256())


class KmsSigner:
    """A key in KMS: it signs there, and never leaves."""

    def __init__(self, key: str, kms: KMSClient | None = None) -> None:
        """Fetch the public half of `key`, an id, ARN or alias (`alias/...`).

        Raises:
            ConfigError: no such key, or one of another kind.
        """
        self._key = key
        self._kms: KMSClient = kms or client("kms")
        with requesting(f"read the public key of {key} in KMS", _KMS_ADVICE):
            answer = self._kms.get_public_key(KeyId=key)
        if _KMS_SCHEME not in answer.get("SigningAlgorithms", []):
            raise ConfigError(
                f"The KMS key {key} cannot sign by {_KMS_SCHEME}. Make one with `aws kms create-key "
                "--key-spec RSA_3072 --key-usage SIGN_VERIFY`."
            )
        self.public = public_key(answer["PublicKey"], f"The KMS key {key}")

    def sign(self, message: bytes) -> bytes:
        """The signature over a message of at most 4,096 bytes."""
        with requesting(f"sign with {self._key} in KMS", _KMS_ADVICE):
            return self._kms.sign(KeyId=self._key, Message=message, MessageType="RAW", SigningAlgorithm=_KMS_SCHEME)[
                "Signature"
            ]


def read_trust(path: Path, model: str) -> signature.Trust:
    """The trust file of a model.

    Raises:
        ConfigError: it is none, or another model's.
    """
    try:
        found = signature.read_trust(path)
    except BundleError as error:
        raise ConfigError(str(error)) from None
    if found.model != model:
        raise ConfigError(
            f"{path} says whom to trust for {found.model!r}, wanted {model!r}. Name the trust file of {model!r}: "
            "`limbeck key trust` writes one."
        )
    return found


def trust_text(trust: signature.Trust) -> bytes:
    """A trust as the bytes that `handler.bundle.signature.read_trust` reads."""
    keys = [{"key_id": key.key_id, "n": f"{key.n:x}", "e": key.e} for key in trust.keys]
    return json_text({"model": trust.model, "keys": keys})


def public_key(encoded: bytes, where: str) -> signature.PublicKey:
    """A public key out of its PEM, or DER.

    Raises:
        ConfigError: it is none, or of another kind.
    """
    try:
        if encoded.lstrip().startswith(b"-----BEGIN"):
            found = serialization.load_pem_public_key(encoded)
        else:
            found = serialization.load_der_public_key(encoded)
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigError(f"{where} holds no public key in PEM. `limbeck key public` writes one.") from None
    return _public(found, where)


def public_pem(key: signature.PublicKey) -> bytes:
    """A public key as PEM, for OpenSSL and `--public`."""
    public = rsa.RSAPublicNumbers(key.e, key.n).public_key()
    return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def new_key(path: Path, password: bytes | None = None) -> PemSigner:
    """Make a key in a new file that only its owner can read; encrypted where there is a password.

    Raises:
        ConfigError: the file is there already; no key is ever overwritten.
    """
    private = rsa.generate_private_key(signature.EXPONENT, signature.MIN_BITS)
    text = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption(),
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written whole under another name first: who finds the file finds a key in it.
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(text)
        try:
            path.hardlink_to(draft)  # unlike a rename, fails where there is one
        finally:
            draft.unlink()
    except FileExistsError:
        raise ConfigError(f"{path} is there already, and no key is overwritten. Name another folder.") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be written ({error.strerror}). Name another folder.") from None
    return PemSigner(private)


def _public(key: object, where: str) -> signature.PublicKey:
    if not isinstance(key, rsa.RSAPublicKey):
        raise ConfigError(f"{where} is no RSA key. `limbeck key new DIR` makes one that fits.")
    numbers = key.public_numbers()
    if not signature.MIN_BITS <= key.key_size <= signature.MAX_BITS or numbers.e != signature.EXPONENT:
        raise ConfigError(
            f"{where} has {key.key_size} bits and exponent {numbers.e}, wanted RSA of {signature.MIN_BITS} to "
            f"{signature.MAX_BITS} bits and exponent {signature.EXPONENT}. "
            "`limbeck key new DIR` makes one that fits."
        )
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return signature.PublicKey(hashlib.sha256(der).hexdigest()[:_KEY_ID_DIGITS], numbers.n, numbers.e)


def password() -> bytes | None:
    """What opens the PEM file, from `LIMBECK_KEY_PASSWORD`."""
    return os.environ.get(PASSWORD_VARIABLE, "").encode() or None


def json_text(raw: object) -> bytes:
    """JSON as it stands in signature and trust files."""
    return (json.dumps(raw, indent=1, sort_keys=True) + "\n").encode()
