"""Signatures as the function checks them: with the standard library, against signatures made by another's code."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hypothesis import given
from hypothesis import strategies as st

from handler.bundle import contract, signature
from handler.bundle.contract import SIGNATURE
from handler.bundle.signature import PublicKey, Trust
from handler.errors import BundleError
from tests import bundles

ROOT = Path(__file__).parents[3]


class Key:
    """An RSA key, and its signature files: written here once more, from the format alone."""

    def __init__(self, bits: int = 3072) -> None:
        self._private = rsa.generate_private_key(65537, bits)
        public = self._private.public_key()
        der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        digest = hashes.Hash(hashes.SHA256())
        digest.update(der)
        self.public = PublicKey(digest.finalize().hex()[:16], public.public_numbers().n, 65537)

    def sign(self, message: bytes) -> bytes:
        return self._private.sign(message, padding.PKCS1v15(), hashes.SHA256())

    def file(self, manifest: bytes, **changes: object) -> bytes:
        value = base64.b64encode(self.sign(signature.statement(manifest))).decode()
        raw = {"key_id": self.public.key_id, "scheme": "RSASSA-PKCS1-v1_5-SHA256", "signature": value}
        return json.dumps(raw | changes).encode()

    def trust(self, path: Path, model: str = "tiny-text", *others: PublicKey) -> Path:
        keys = [{"key_id": key.key_id, "n": f"{key.n:x}", "e": key.e} for key in (self.public, *others)]
        path.write_text(json.dumps({"model": model, "keys": keys}))
        return path


@pytest.fixture(scope="module")
def ours() -> Key:
    return Key()


@pytest.fixture(scope="module")
def foreign() -> Key:
    return Key()


@pytest.fixture
def bundle(tmp_path: Path, ours: Key) -> Path:
    folder = tmp_path / "bundle"
    bundles.text_bundle(folder)
    (folder / SIGNATURE).write_bytes(ours.file((folder / contract.MANIFEST).read_bytes()))
    return folder


def checked(folder: Path, trust_file: Path) -> str:
    return signature.check(folder, signature.read_trust(trust_file))


def test_a_signed_bundle_names_the_key_that_signed_it(bundle: Path, ours: Key, tmp_path: Path) -> None:
    assert checked(bundle, ours.trust(tmp_path / "trust.json")) == ours.public.key_id


@pytest.mark.parametrize("bits", [3072, 4096])
def test_signatures_of_openssl_hold_and_any_changed_bit_breaks_them(bits: int) -> None:
    key = Key(bits)
    value = key.sign(b"a statement")
    assert signature.holds(b"a statement", value, key.public)
    assert not signature.holds(b"another statement", value, key.public)
    for position in (0, 1, len(value) // 2, len(value) - 1):
        broken = bytearray(value)
        broken[position] ^= 1
        assert not signature.holds(b"a statement", bytes(broken), key.public)


def test_a_signature_by_another_scheme_of_the_same_key_does_not_hold(ours: Key) -> None:
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH)
    for scheme, digest in ((pss, hashes.SHA256()), (padding.PKCS1v15(), hashes.SHA512())):
        value = ours._private.sign(b"a statement", scheme, digest)
        assert not signature.holds(b"a statement", value, ours.public)


@pytest.mark.parametrize("change", [lambda n: 0, lambda n: 1, lambda n: n, lambda n: n - 1, lambda n: n + 1])
def test_a_number_out_of_nowhere_is_no_signature(ours: Key, change: Callable[[int], int]) -> None:
    value = change(ours.public.n).to_bytes(384, "big")
    assert not signature.holds(b"a statement", value, ours.public)


def test_a_signature_with_leading_or_missing_bytes_does_not_hold(ours: Key) -> None:
    value = ours.sign(b"a statement")
    for other in (b"\0" + value, value[1:], value + b"\0", b""):
        assert not signature.holds(b"a statement", other, ours.public)


def test_a_signature_of_the_manifest_itself_is_no_signature_of_a_bundle(bundle: Path, ours: Key) -> None:
    """What the key signed for another purpose does not count."""
    manifest = (bundle / contract.MANIFEST).read_bytes()
    value = base64.b64encode(ours.sign(manifest)).decode()
    with pytest.raises(BundleError, match="does not fit"):
        signature.verify(manifest, ours.file(manifest, signature=value), Trust("tiny-text", (ours.public,)))


def test_every_byte_of_the_manifest_counts(bundle: Path, ours: Key, tmp_path: Path) -> None:
    trust_file = ours.trust(tmp_path / "trust.json")
    path = bundle / contract.MANIFEST
    path.write_bytes(path.read_bytes() + b" ")  # the same JSON
    contract.read(bundle)
    with pytest.raises(BundleError, match="changed after signing"):
        checked(bundle, trust_file)


def test_an_unsigned_bundle_is_refused_with_what_to_do(bundle: Path, ours: Key, tmp_path: Path) -> None:
    (bundle / SIGNATURE).unlink()
    with pytest.raises(BundleError, match="is not signed.*limbeck sign"):
        checked(bundle, ours.trust(tmp_path / "trust.json"))


def test_a_foreign_key_is_refused_and_both_keys_are_named(
    bundle: Path, ours: Key, foreign: Key, tmp_path: Path
) -> None:
    with pytest.raises(BundleError, match=f"{ours.public.key_id}.*{foreign.public.key_id}.*key trust"):
        checked(bundle, foreign.trust(tmp_path / "trust.json"))


def test_a_foreign_key_under_the_name_of_ours_is_refused(bundle: Path, ours: Key, foreign: Key, tmp_path: Path) -> None:
    manifest = (bundle / contract.MANIFEST).read_bytes()
    (bundle / SIGNATURE).write_bytes(foreign.file(manifest, key_id=ours.public.key_id))
    with pytest.raises(BundleError, match="does not fit"):
        checked(bundle, ours.trust(tmp_path / "trust.json"))


def test_a_bundle_of_another_model_is_refused_although_its_signature_holds(
    bundle: Path, ours: Key, tmp_path: Path
) -> None:
    with pytest.raises(BundleError, match="'tiny-text', trusted here is 'other'"):
        checked(bundle, ours.trust(tmp_path / "trust.json", "other"))


def test_the_signature_of_another_version_is_refused(bundle: Path, ours: Key, tmp_path: Path) -> None:
    bundles.text_bundle(tmp_path / "next", bundles.text_serving(labels=("bad", "good")))
    other = (tmp_path / "next" / contract.MANIFEST).read_bytes()
    (bundle / SIGNATURE).write_bytes(ours.file(other))
    with pytest.raises(BundleError, match="does not fit"):
        checked(bundle, ours.trust(tmp_path / "trust.json"))


def test_of_two_trusted_keys_either_may_sign(bundle: Path, ours: Key, foreign: Key, tmp_path: Path) -> None:
    trust_file = foreign.trust(tmp_path / "trust.json", "tiny-text", ours.public)
    assert checked(bundle, trust_file) == ours.public.key_id
    (bundle / SIGNATURE).write_bytes(foreign.file((bundle / contract.MANIFEST).read_bytes()))
    assert checked(bundle, trust_file) == foreign.public.key_id


@pytest.mark.parametrize(
    "changes",
    [
        {"scheme": "none"},
        {"scheme": "RSASSA-PSS-SHA256"},
        {"key_id": 7},
        {"key_id": "\x1b[2J"},
        {"signature": "!"},
        {"signature": None},
    ],
)
def test_a_signature_file_of_another_kind_is_refused(
    bundle: Path, ours: Key, tmp_path: Path, changes: dict[str, object]
) -> None:
    manifest = (bundle / contract.MANIFEST).read_bytes()
    (bundle / SIGNATURE).write_bytes(ours.file(manifest, **changes))
    with pytest.raises(BundleError, match="is no signature"):
        checked(bundle, ours.trust(tmp_path / "trust.json"))


@given(st.binary(max_size=200) | st.text().map(str.encode) | st.recursive(
    st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
).map(lambda raw: json.dumps(raw).encode()))  # fmt: skip
def test_whatever_is_in_a_signature_file_it_is_refused_and_no_more(text: bytes) -> None:
    with pytest.raises(BundleError):
        signature.verify(b"{}", text, Trust("m", (PublicKey("00", (1 << 3071) + 1, 65537),)))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"\xff\xfe",
        b'{"model": "tiny-text"}',
        b'{"model": "tiny-text", "keys": []}',
        b'{"model": "", "keys": [{"key_id": "0", "n": "KEY", "e": 65537}]}',
        b'{"model": "tiny-text", "keys": [{"key_id": "0", "n": "KEY", "e": 3}]}',
        b'{"model": "tiny-text", "keys": [{"key_id": "0", "n": "3", "e": 65537}]}',
        b'{"model": "tiny-text", "keys": [{"key_id": "0", "n": 3, "e": 65537}]}',
        b'{"model": "tiny-text", "keys": [{"key_id": "0", "n": "zz", "e": 65537}]}',
        b'{"model": "tiny-text", "keys": {"a": 1}}',
        b'{"model": ["tiny-text"], "keys": [{"key_id": "0", "n": "KEY", "e": 65537}]}',
    ],
)
def test_what_is_no_trust_file_trusts_nobody(bundle: Path, ours: Key, tmp_path: Path, text: bytes) -> None:
    (tmp_path / "trust.json").write_bytes(text.replace(b"KEY", f"{ours.public.n:x}".encode()))
    with pytest.raises(BundleError, match=r"trust\.json"):
        checked(bundle, tmp_path / "trust.json")


def test_a_short_key_is_not_trusted(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="3072 to 4096 bits"):
        checked(bundle, Key(2048).trust(tmp_path / "trust.json"))


def test_no_trust_file_is_an_error_that_names_it(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"absent\.json cannot be read"):
        checked(bundle, tmp_path / "absent.json")


def test_checking_a_folder_is_a_command_of_its_own(
    bundle: Path, ours: Key, foreign: Key, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert signature.main([str(bundle), str(ours.trust(tmp_path / "trust.json"))]) == 0
    assert signature.main([str(bundle), str(foreign.trust(tmp_path / "trust.json"))]) == 1
    assert signature.main([str(bundle)]) == 2
    assert "Traceback" not in capsys.readouterr().err


class TestAtAColdStart:
    """The function in a fresh process, as Lambda starts it."""

    @staticmethod
    def ready(folder: Path, trust_file: Path | str) -> tuple[int, str]:
        """The status of its readiness, and its log."""
        script = (
            "import handler.app as app; "
            "print('status', app.lambda_handler({'httpMethod': 'GET', 'path': '/v2/health/ready'}, None)['statusCode'])"
        )
        environment = os.environ | {"BUNDLE_DIR": str(folder), "TRUST_FILE": str(trust_file)}
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return int(done.stdout.split("status ")[-1]), done.stdout

    def test_a_signed_bundle_is_served(self, bundle: Path, ours: Key, tmp_path: Path) -> None:
        assert self.ready(bundle, ours.trust(tmp_path / "trust.json"))[0] == 200

    @pytest.mark.parametrize("file", [contract.MODEL, contract.MANIFEST, SIGNATURE])
    def test_a_tampered_byte_is_not_served(self, bundle: Path, ours: Key, tmp_path: Path, file: str) -> None:
        body = bytearray((bundle / file).read_bytes())
        body[len(body) // 2] ^= 1
        (bundle / file).write_bytes(bytes(body))
        assert self.ready(bundle, ours.trust(tmp_path / "trust.json"))[0] == 503

    def test_a_foreign_key_is_not_served_and_the_log_says_so(self, bundle: Path, foreign: Key, tmp_path: Path) -> None:
        status, log = self.ready(bundle, foreign.trust(tmp_path / "trust.json"))
        assert status == 503
        assert "bundle refused" in log and foreign.public.key_id in log

    def test_another_models_manifest_is_not_served(self, bundle: Path, ours: Key, tmp_path: Path) -> None:
        assert self.ready(bundle, ours.trust(tmp_path / "trust.json", "other"))[0] == 503

    def test_an_empty_setting_does_not_turn_the_check_off(self, bundle: Path) -> None:
        assert self.ready(bundle, "")[0] == 503

    def test_checking_imports_nothing_that_the_function_does_not_import_anyway(self) -> None:
        script = (
            "import sys, handler.bundle.contract, base64; before = set(sys.modules); import handler.bundle.signature; "
            "print(sorted(set(sys.modules) - before))"
        )
        done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
        assert done.stdout.strip() == "['handler.bundle.signature']"
