"""A bundle on its way into the image."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from handler.bundle import contract, signature
from handler.bundle.contract import SIGNATURE
from handler.bundle.signature import Trust
from handler.bundle.versions import newest
from handler.errors import BundleError
from handler.model.predictor import Predictor
from infra.image.staging import stage, stage_certificates
from infra.signing import keys, signer
from tests import bundles


def trusted(root: Path) -> Trust:
    return signature.read_trust(root / ".build" / "trust.json")


def test_a_staged_bundle_is_the_sealed_one_and_nothing_else(tmp_path: Path) -> None:
    manifest = bundles.text_bundle(tmp_path / "bundle")
    (tmp_path / "bundle" / "notes.txt").write_text("mine")
    assert stage(tmp_path / "bundle", tmp_path) == manifest
    staged = tmp_path / ".build" / "bundle"
    assert contract.read(staged) == manifest
    assert {path.name for path in staged.iterdir()} == {*manifest.files, contract.MANIFEST, SIGNATURE}


def test_a_staged_bundle_is_readable_by_the_user_that_lambda_runs_it_as(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        bundles.text_bundle(tmp_path / "bundle")
        stage(tmp_path / "bundle", tmp_path)
    finally:
        os.umask(before)
    staged = tmp_path / ".build" / "bundle"
    assert staged.stat().st_mode & 0o005 == 0o005
    assert all(path.stat().st_mode & 0o004 for path in staged.iterdir())


def test_a_tampered_bundle_is_refused_and_the_one_before_stays(tmp_path: Path) -> None:
    good = bundles.text_bundle(tmp_path / "good")
    stage(tmp_path / "good", tmp_path)
    bundles.tabular_bundle(tmp_path / "bad")
    (tmp_path / "bad" / contract.MODEL).write_bytes(b"something else")
    with pytest.raises(BundleError, match="sha256"):
        stage(tmp_path / "bad", tmp_path)
    assert contract.read(tmp_path / ".build" / "bundle") == good
    assert {path.name for path in (tmp_path / ".build").iterdir()} == {"bundle", "trust.json", "development-key.pem"}
    assert signature.check(tmp_path / ".build" / "bundle", trusted(tmp_path))


def test_another_bundle_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    bundles.text_bundle(tmp_path / "text")
    tabular = bundles.tabular_bundle(tmp_path / "tabular")
    stage(tmp_path / "text", tmp_path)
    stage(tmp_path / "tabular", tmp_path)
    assert contract.read(tmp_path / ".build" / "bundle") == tabular


def test_a_bundle_of_pictures_brings_the_list_of_its_decoders_and_the_next_bundle_takes_it_away(tmp_path: Path) -> None:
    bundles.image_bundle(tmp_path / "image")
    bundles.text_bundle(tmp_path / "text")
    stage(tmp_path / "image", tmp_path)
    staged = tmp_path / ".build" / "constraints-task.txt"
    assert "pillow==" in staged.read_text() and staged.stat().st_mode & 0o004
    stage(tmp_path / "text", tmp_path)
    assert not staged.exists()


def test_without_a_trust_file_the_copy_is_signed_with_a_key_of_this_checkout(tmp_path: Path) -> None:
    bundles.text_bundle(tmp_path / "bundle")
    stage(tmp_path / "bundle", tmp_path)
    key = tmp_path / ".build" / "development-key.pem"
    assert key.stat().st_mode & 0o777 == 0o600
    first = key.read_bytes()
    assert trusted(tmp_path).model == "tiny-text"
    bundles.tabular_bundle(tmp_path / "table")
    stage(tmp_path / "table", tmp_path)
    assert key.read_bytes() == first and trusted(tmp_path).model == "tiny-tabular"
    assert not (tmp_path / "bundle" / SIGNATURE).exists()


def test_with_a_trust_file_the_bundles_own_signature_has_to_count(tmp_path: Path) -> None:
    bundles.text_bundle(tmp_path / "bundle")
    key = keys.new_key(tmp_path / "key.pem")
    trust = Trust("tiny-text", (key.public,))
    with pytest.raises(BundleError, match="is not signed"):
        stage(tmp_path / "bundle", tmp_path, trust)
    assert not (tmp_path / ".build" / "bundle").exists()
    manifest = (tmp_path / "bundle" / contract.MANIFEST).read_bytes()
    (tmp_path / "bundle" / SIGNATURE).write_bytes(signer.signed(manifest, key))
    stage(tmp_path / "bundle", tmp_path, trust)
    assert trusted(tmp_path) == trust
    assert signature.check(tmp_path / ".build" / "bundle", trust) == key.public.key_id
    with pytest.raises(BundleError, match="trusted here is 'other'"):
        stage(tmp_path / "bundle", tmp_path, Trust("other", trust.keys))
    assert trusted(tmp_path) == trust


def test_a_bundle_folder_means_itself(tmp_path: Path) -> None:
    bundles.text_bundle(tmp_path)
    assert newest(tmp_path) == tmp_path


def test_a_folder_of_versions_means_the_one_that_latest_names(tmp_path: Path) -> None:
    bundles.text_bundle(tmp_path / "aaa")
    bundles.text_bundle(tmp_path / "bbb")
    (tmp_path / "latest").write_text("aaa\n")
    assert newest(tmp_path) == tmp_path / "aaa"
    assert newest(tmp_path / "latest") == tmp_path / "aaa"
    assert Predictor.load(tmp_path / "latest").version == contract.read(tmp_path / "aaa").version


@pytest.mark.parametrize("latest", [None, "gone", "../elsewhere", ""])
def test_without_a_usable_latest_it_means_the_newest_sealed_one(tmp_path: Path, latest: str | None) -> None:
    for age, version in enumerate(["newer", "older"]):
        bundles.text_bundle(tmp_path / version)
        os.utime(tmp_path / version / contract.MANIFEST, (1e9 - age, 1e9 - age))
    (tmp_path / "staged").mkdir()
    (tmp_path / "staged" / contract.MODEL).write_bytes(b"")
    if latest is not None:
        (tmp_path / "latest").write_text(latest)
    assert newest(tmp_path) == tmp_path / "newer"


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch, lambda path: None])
def test_a_folder_without_a_sealed_bundle_says_how_to_make_one(
    tmp_path: Path, make: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a checkout may have bundles, which the message then names
    make(tmp_path / "bundles")  # type: ignore[operator]
    with pytest.raises(BundleError, match="limbeck run"):
        newest(tmp_path / "bundles")


def test_certificates_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own.pem").write_text("certificate")
    monkeypatch.setenv("PIP_CERT", str(tmp_path / "own.pem"))
    assert stage_certificates(tmp_path) == tmp_path / ".build" / "ca.pem"
    assert (tmp_path / ".build" / "ca.pem").read_text() == "certificate"
