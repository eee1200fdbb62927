"""A certificate for this machine's own address, made on the spot and good for a week."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_VALID = timedelta(days=7)


@dataclass(frozen=True)
class Certificate:
    """What clients trust and what the server shows, as PEM."""

    file: Path  # the authority that signed the server's certificate; clients trust this one
    key: Path  # the server's key, and its certificate
    pin: str  # base64 of the SHA-256 of the server's public key, as browsers pin it


def make(folder: Path) -> Certificate:
    """Write a certificate for localhost, 127.0.0.1 and ::1 and its key into `folder`. Nobody else may read the key.

    The authority's own key is never written: who trusts it trusts this one server, and nothing else that it could sign.
    """
    authority = trustme.CA(path_length=0, organization_unit_name="Limbeck on this machine")
    server = authority.issue_cert("localhost", "127.0.0.1", "::1", not_after=datetime.now(UTC) + _VALID)
    trusted, key = folder / "certificate.pem", folder / "key.pem"
    authority.cert_pem.write_to_path(trusted)
    key.touch(mode=0o600)
    server.private_key_and_cert_chain_pem.write_to_path(key)
    public = x509.load_pem_x509_certificate(server.cert_chain_pems[0].bytes()).public_key()
    spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return Certificate(trusted, key, base64.b64encode(hashlib.sha256(spki).digest()).decode())
