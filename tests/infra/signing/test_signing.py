"""Keys, trust files, and the commands that make them. moto stands for KMS."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import boto3
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from handler.bundle import contract, signature
from handler.bundle.contract import SIGNATURE
from handler.bundle.signature import Trust
from infra.__main__ import main
from infra.errors import ConfigError, RefusedError
from infra.signing.keys import PASSWORD_VARIABLE, KmsSigner, PemSigner, public_key, trust_text
from infra.signing.signer import (
    KEY_VARIABLE,
    TRUST_VARIABLE,
    find_signer,
    needed_signer,
    needed_trust,
    signed,
    trust_for,
)

PKCS8 = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (KEY_VARIABLE, TRUST_VARIABLE, PASSWORD_VARIABLE):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `mine` and `other`, a key each."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("mine", "other"):
        assert main(["key", "new", str(folder / name)]) == 0
    return folder


def kms_key(spec: str = "RSA_3072", usage: str = "SIGN_VERIFY") -> str:
    made = boto3.client("kms").create_key(KeySpec=spec, KeyUsage=usage)  # type: ignore[arg-type]
    return made["KeyMetadata"]["KeyId"]


def test_a_new_key_is_for_its_owners_eyes_and_signs(keys: Path) -> None:
    path = keys / "mine" / "key.pem"
    assert path.stat().st_mode & 0o777 == 0o600
    key = PemSigner.read(path)
    assert signature.holds(b"a statement", key.sign(b"a statement"), key.public)
    assert public_key((keys / "mine" / "public.pem").read_bytes(), "public.pem") == key.public


def test_no_key_is_ever_overwritten(keys: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (keys / "mine" / "key.pem").read_bytes()
    assert main(["key", "new", str(keys / "mine")]) == 2
    assert "no key is overwritten" in capsys.readouterr().err
    assert (keys / "mine" / "key.pem").read_bytes() == before
    assert sorted(path.name for path in (keys / "mine").iterdir()) == ["key.pem", "public.pem"]


def test_a_key_with_a_password_opens_by_it_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, "a password")
    assert main(["key", "new", str(tmp_path)]) == 0
    assert b"ENCRYPTED" in (tmp_path / "key.pem").read_bytes()
    assert find_signer(tmp_path / "key.pem") is not None
    monkeypatch.setenv(PASSWORD_VARIABLE, "another")
    with pytest.raises(ConfigError, match="LIMBECK_KEY_PASSWORD"):
        find_signer(tmp_path / "key.pem")


def test_openssl_reads_the_keys_and_agrees_about_id_and_signature(keys: Path, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here")
    key, public = PemSigner.read(keys / "mine" / "key.pem"), str(keys / "mine" / "public.pem")
    command = f"openssl pkey -pubin -in {public} -outform DER | openssl dgst -sha256 -r"
    said = subprocess.run(command, shell=True, capture_output=True, text=True, check=True).stdout  # noqa: S602
    assert said.startswith(key.public.key_id)
    (tmp_path / "statement").write_bytes(b"a statement")
    (tmp_path / "value").write_bytes(key.sign(b"a statement"))
    verifying = ["openssl", "dgst", "-sha256", "-verify", public, "-signature", "value", "statement"]
    assert subprocess.run(verifying, cwd=tmp_path, capture_output=True).returncode == 0


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: rsa.generate_private_key(65537, 2048).private_bytes(*PKCS8), "2048 bits"),
        (lambda: ec.generate_private_key(ec.SECP256R1()).private_bytes(*PKCS8), "no RSA key"),
        (lambda: b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no private key"),
        (lambda: b"", "no private key"),
    ],
    ids=["short", "elliptic", "garbage", "empty"],
)
def test_a_file_without_a_fitting_key_is_refused(tmp_path: Path, made: object, said: str) -> None:
    (tmp_path / "key.pem").write_bytes(made())  # type: ignore[operator]
    with pytest.raises(ConfigError, match=said):
        find_signer(tmp_path / "key.pem")


def test_no_key_file_is_an_error_that_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="key new"):
        find_signer(tmp_path / "absent.pem")


def test_a_key_in_kms_signs_what_the_function_accepts(cloud: None, sealed: Path) -> None:
    key = KmsSigner(kms_key())
    text = (sealed / contract.MANIFEST).read_bytes()
    trust = Trust("tiny-text", (key.public,))
    assert signature.verify(text, signed(text, key), trust) == key.public.key_id


def test_a_statement_fits_into_kms_however_long_the_manifest_is() -> None:
    assert len(signature.statement(b"x" * 1_000_000)) <= 4096  # the limit of kms:Sign for a raw message


@pytest.mark.parametrize(
    ("spec", "usage", "said"),
    [("RSA_2048", "SIGN_VERIFY", "2048 bits"), ("ECC_NIST_P256", "SIGN_VERIFY", "create-key")],
)
def test_a_kms_key_of_another_kind_is_refused(cloud: None, spec: str, usage: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        KmsSigner(kms_key(spec, usage))


def test_a_kms_key_that_is_not_there_is_said_so(cloud: None) -> None:
    with pytest.raises(ConfigError, match="is not there"):
        KmsSigner("alias/absent")


def test_a_signer_that_gives_another_keys_signature_is_caught(keys: Path) -> None:
    mine, other = (PemSigner.read(keys / name / "key.pem") for name in ("mine", "other"))

    class Confused:
        public = mine.public

        def sign(self, message: bytes) -> bytes:
            return other.sign(message)

    with pytest.raises(RefusedError, match="does not open"):
        signed(b"{}", Confused())


def test_the_variable_names_a_file_or_a_key_in_kms(cloud: None, keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_signer() is None
    monkeypatch.setenv(KEY_VARIABLE, str(keys / "mine" / "key.pem"))
    assert isinstance(find_signer(), PemSigner)
    monkeypatch.setenv(KEY_VARIABLE, f"kms:{kms_key()}")
    assert isinstance(find_signer(), KmsSigner)


def test_two_keys_at_once_are_refused(keys: Path) -> None:
    with pytest.raises(ConfigError, match="Two keys"):
        find_signer(keys / "mine" / "key.pem", "alias/other")


def test_without_a_key_one_is_asked_for() -> None:
    with pytest.raises(ConfigError, match="--pem FILE, --kms KEY"):
        needed_signer()


def test_a_trust_file_is_written_and_read_back_for_one_model(
    keys: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "trust.json"
    assert main(["key", "trust", "tiny-text", "--public", str(keys / "mine" / "public.pem"), "--out", str(path)]) == 0
    mine = PemSigner.read(keys / "mine" / "key.pem").public
    assert signature.read_trust(path) == Trust("tiny-text", (mine,))
    assert trust_for("tiny-text", path) == Trust("tiny-text", (mine,))
    capsys.readouterr()
    assert main(["key", "trust", "tiny-text", "--pem", str(keys / "mine" / "key.pem")]) == 0
    assert capsys.readouterr().out == path.read_text()


def test_a_second_key_is_added_for_a_rotation(keys: Path, tmp_path: Path) -> None:
    path = tmp_path / "trust.json"
    for name, more in (("mine", []), ("other", ["--add"]), ("other", ["--add"])):
        public = str(keys / name / "public.pem")
        assert main(["key", "trust", "tiny-text", "--public", public, "--out", str(path), *more]) == 0
    assert len(signature.read_trust(path).keys) == 2
    mine = str(keys / "mine" / "public.pem")
    assert main(["key", "trust", "other", "--public", mine, "--out", str(path), "--add"]) == 2
    assert main(["key", "trust", "tiny-text", "--public", mine, "--add"]) == 2


def test_a_private_key_is_no_public_one(keys: Path) -> None:
    assert main(["key", "trust", "tiny-text", "--public", str(keys / "mine" / "key.pem")]) == 2
    assert main(["key", "trust", "tiny-text", "--public", str(keys / "absent.pem")]) == 2


def test_the_public_half_is_printed(keys: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "public", "--pem", str(keys / "mine" / "key.pem")]) == 0
    said = capsys.readouterr()
    assert said.out == (keys / "mine" / "public.pem").read_text()
    assert PemSigner.read(keys / "mine" / "key.pem").public.key_id in said.err
    assert "PRIVATE" not in said.out


def test_a_trust_file_of_another_model_is_not_used(keys: Path, tmp_path: Path) -> None:
    path = tmp_path / "trust.json"
    path.write_bytes(trust_text(Trust("other", (PemSigner.read(keys / "mine" / "key.pem").public,))))
    with pytest.raises(ConfigError, match="'other', wanted 'tiny-text'"):
        trust_for("tiny-text", path)


def test_a_folder_of_trust_files_has_one_a_model(keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trust = Trust("tiny-text", (PemSigner.read(keys / "mine" / "key.pem").public,))
    (tmp_path / "tiny-text.json").write_bytes(trust_text(trust))
    monkeypatch.setenv(TRUST_VARIABLE, str(tmp_path))
    assert trust_for("tiny-text") == trust
    with pytest.raises(ConfigError, match=r"other\.json"):
        trust_for("other")


def test_who_can_sign_trusts_themselves_and_else_nobody(keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert trust_for("tiny-text") is None
    with pytest.raises(ConfigError, match="--trust FILE"):
        needed_trust("tiny-text")
    monkeypatch.setenv(KEY_VARIABLE, str(keys / "mine" / "key.pem"))
    mine = PemSigner.read(keys / "mine" / "key.pem").public
    assert trust_for("tiny-text") == Trust("tiny-text", (mine,))


def test_a_folder_is_signed_where_it_lies_and_verified(
    keys: Path, sealed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trust = tmp_path / "trust.json"
    pem = ["--pem", str(keys / "mine" / "key.pem")]
    assert main(["key", "trust", "tiny-text", *pem, "--out", str(trust)]) == 0
    assert main(["verify", str(sealed)]) == 0
    assert "not looked at" in capsys.readouterr().out
    assert main(["verify", str(sealed), "--trust", str(trust)]) == 4
    assert main(["sign", str(sealed), *pem]) == 0
    assert main(["verify", str(sealed), "--trust", str(trust)]) == 0
    assert json.loads((sealed / SIGNATURE).read_text())["key_id"] in capsys.readouterr().out
    assert main(["sign", str(sealed), "--pem", str(keys / "other" / "key.pem")]) == 0
    assert main(["verify", str(sealed), "--trust", str(trust)]) == 4


def test_what_is_not_sealed_is_not_signed(keys: Path, sealed: Path) -> None:
    (sealed / "card.md").write_text("another")
    assert main(["sign", str(sealed), "--pem", str(keys / "mine" / "key.pem")]) == 4
    assert not (sealed / SIGNATURE).exists()
