"""Who may have signed what is pulled, and what becomes of a signature that is not, or no longer, trusted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from handler.bundle import contract, signature
from handler.bundle.contract import SIGNATURE
from handler.bundle.signature import Trust
from infra.__main__ import main
from infra.errors import ConfigError, RefusedError
from infra.registry import history
from infra.registry.references import Reference
from infra.signing import signer
from infra.signing.keys import trust_text
from tests import bundles
from tests.infra.shelves import (
    NAME,
    client,
    everything,
    key,
    key_of,
    keys,
    other_key,
    plan_push,
    pull,
    push,
    resealed,
    shelf,
    sign_otherwise,
    torn,
    trust,
)

pytestmark = pytest.mark.usefixtures("empty_shelf")


def put(folder: Path, file: str, body: bytes) -> None:
    client().put_object(Bucket="shelf", Key=key_of(folder, file), Body=body)


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_pulled_bundle_carries_its_signature(sealed: Path, tmp_path: Path) -> None:
    push(sealed)
    assert signature.check(pull(tmp_path / "out"), trust()) == key().public.key_id
    assert not (sealed / SIGNATURE).exists()


def test_the_signature_is_there_before_the_manifest(sealed: Path) -> None:
    torn(sealed, uploaded=6)
    assert key_of(sealed, SIGNATURE) in keys() and key_of(sealed, contract.MANIFEST) not in keys()
    assert shelf().entries() == []


def test_a_version_pushed_before_there_were_signatures_is_refused_until_it_is_pushed_again(
    sealed: Path, tmp_path: Path
) -> None:
    push(sealed)
    client().delete_object(Bucket="shelf", Key=key_of(sealed, SIGNATURE))
    with pytest.raises(RefusedError, match="is not signed. Push the bundle again, with a key"):
        pull(tmp_path / "out")
    assert files_in(tmp_path / "out") == []
    assert push(sealed) == 1
    pull(tmp_path / "out")


def test_a_foreign_key_is_refused_and_nothing_is_kept(sealed: Path, tmp_path: Path) -> None:
    shelf().push(shelf().plan_push(sealed, sign_otherwise))
    with pytest.raises(RefusedError, match=other_key().public.key_id):
        pull(tmp_path / "out")
    with pytest.raises(RefusedError, match=other_key().public.key_id):
        shelf().verify(Reference(NAME), trust())
    assert files_in(tmp_path / "out") == []


@pytest.mark.parametrize("file", [SIGNATURE, contract.MANIFEST, contract.MODEL])
def test_a_tampered_byte_is_refused_and_nothing_is_kept(sealed: Path, tmp_path: Path, file: str) -> None:
    push(sealed)
    held = client().get_object(Bucket="shelf", Key=key_of(sealed, file))["Body"].read()
    put(sealed, file, held[:-2] + b" " + held[-1:])
    with pytest.raises(RefusedError):
        pull(tmp_path / "out")
    assert files_in(tmp_path / "out") == []


def test_a_manifest_resealed_by_who_can_write_to_the_bucket_is_refused(sealed: Path, tmp_path: Path) -> None:
    """Every hash fits, the version too: only the signature tells."""
    push(sealed)
    forged = resealed(sealed, tmp_path / "forged")
    for path in forged.iterdir():
        put(sealed, path.name, path.read_bytes())
    with pytest.raises(RefusedError, match="changed after signing"):
        pull(tmp_path / "out")
    assert files_in(tmp_path / "out") == []


def test_another_models_bundle_under_this_name_is_refused(sealed: Path, tmp_path: Path) -> None:
    push(sealed)
    bundles.text_bundle(tmp_path / "other", name="other")
    push(tmp_path / "other")
    version = contract.read(tmp_path / "other").version
    for file in (*contract.read(sealed).files, SIGNATURE, contract.MANIFEST):
        held = client().get_object(Bucket="shelf", Key=f"bundles/other/{version}/{file}")["Body"].read()
        put(sealed, file, held)
    with pytest.raises(RefusedError, match="'other'|manifest of other"):
        pull(tmp_path / "out")


def test_pushing_with_another_key_needs_to_be_asked_for_and_is_noted(sealed: Path, tmp_path: Path) -> None:
    push(sealed)
    with pytest.raises(RefusedError, match="--sign-anew"):
        shelf().plan_push(sealed, sign_otherwise)
    plan = shelf().plan_push(sealed, sign_otherwise, sign_anew=True)
    assert [step.file for step in plan.missing] == [SIGNATURE]
    assert shelf().push(plan) == 1
    shelf().pull(Reference(NAME), tmp_path / "out", Trust(NAME, (other_key().public,)))
    with pytest.raises(RefusedError):
        pull(tmp_path / "elsewhere")
    kinds = [(event.kind, event.details["key"]) for event in shelf().history(NAME).events()]
    assert kinds == [(history.PUSHED, key().public.key_id), (history.SIGNED, other_key().public.key_id)]


def test_signing_anew_does_not_let_other_bytes_in(sealed: Path, tmp_path: Path) -> None:
    push(sealed)
    with pytest.raises(RefusedError, match="immutable"):
        shelf().plan_push(resealed(sealed, tmp_path / "other"), sign_otherwise, sign_anew=True)


def test_a_signature_replaced_in_between_is_not_overwritten(sealed: Path) -> None:
    push(sealed)
    plan = shelf().plan_push(sealed, sign_otherwise, sign_anew=True)
    put(sealed, SIGNATURE, b"{}")
    with pytest.raises(RefusedError):
        shelf().push(plan)


def test_a_bundle_here_without_a_trusted_signature_gets_the_registrys(sealed: Path, tmp_path: Path) -> None:
    """Where it was sealed, or after a key was replaced: its files are right, and stay."""
    push(sealed)
    folder = pull(tmp_path / "out")
    for there in (None, b"{}"):
        (folder / SIGNATURE).unlink()
        if there is not None:
            (folder / SIGNATURE).write_bytes(there)
        assert pull(tmp_path / "out") == folder
        assert signature.check(folder, trust()) == key().public.key_id
    assert everything(folder) == everything(sealed)


def test_a_bundle_that_is_signed_already_moves_on_without_a_key(sealed: Path, tmp_path: Path) -> None:
    """From one registry to the next: who moves it needs no key, but has to say whom to trust."""
    push(sealed)
    folder = pull(tmp_path / "out")
    with pytest.raises(ConfigError, match="--trust FILE"):
        shelf("next").plan_push(folder, signer.for_push())
    path = tmp_path / "trust.json"
    path.write_bytes(trust_text(trust()))
    assert shelf("next").push(shelf("next").plan_push(folder, signer.for_push(trust_file=path))) == 7
    path.write_bytes(trust_text(Trust(NAME, (other_key().public,))))
    with pytest.raises(RefusedError, match=key().public.key_id):
        shelf("next").plan_push(folder, signer.for_push(trust_file=path))


def test_without_a_key_and_a_signature_nothing_is_pushed(sealed: Path) -> None:
    with pytest.raises(ConfigError, match="No key to sign with"):
        shelf().plan_push(sealed, signer.for_push())
    assert keys() == []


def test_a_key_in_kms_does_it_all(
    sealed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import boto3

    made = boto3.client("kms").create_key(KeySpec="RSA_3072", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    monkeypatch.setenv("LIMBECK_REGISTRY", "s3://shelf/bundles")
    assert main(["push", str(sealed), "--kms", made]) == 0
    assert main(["key", "trust", NAME, "--kms", made, "--out", str(tmp_path / "trust.json")]) == 0
    assert main(["pull", NAME, "--trust", str(tmp_path / "trust.json"), "--out", str(tmp_path / "out")]) == 0
    assert main(["verify", NAME, "--trust", str(tmp_path / "trust.json")]) == 0
    capsys.readouterr()
    assert main(["show", NAME, "--trust", str(tmp_path / "trust.json"), "--json"]) == 0
    assert "checked" in json.loads(capsys.readouterr().out)["signed"]


def test_pushing_again_costs_no_second_line_in_the_history(sealed: Path) -> None:
    push(sealed)
    push(sealed)
    assert [event.kind for event in shelf().history(NAME).events()] == [history.PUSHED]


def test_a_push_cut_off_before_its_line_in_the_history_is_noted_by_the_next(sealed: Path) -> None:
    torn(sealed, uploaded=7)
    assert shelf().entries() != [] and shelf().history(NAME).events() == []
    assert push(sealed) == 0
    assert [event.kind for event in shelf().history(NAME).events()] == [history.PUSHED]


def test_a_plan_says_what_it_would_put_over(sealed: Path) -> None:
    push(sealed)
    step = shelf().plan_push(sealed, sign_otherwise, sign_anew=True).steps[-2]
    assert (step.file, step.stored, step.over is None) == (SIGNATURE, False, False)
    assert plan_push(sealed).missing == ()
