from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handler.bundle import contract, golden
from handler.bundle.abstention import Thresholds
from handler.bundle.contract import DriftBaseline, Input, Limits, Manifest, Metric, Serving
from handler.errors import BundleError
from handler.model.predictor import Predictor
from tests import bundles

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
numbers = st.floats(allow_nan=False, allow_infinity=False)
positive = st.integers(1, 10**9)
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
columns = st.lists(
    st.builds(Input, words, st.just("float32"), st.just("number"))
    | st.builds(Input, words, st.just("string"), st.just("category")),
    min_size=1,
    max_size=4,
    unique_by=lambda column: column.name,
).map(tuple)
servings = st.builds(
    Serving,
    task=st.just("tabular"),
    inputs=columns,
    labels=st.lists(words, min_size=2, max_size=4, unique=True).map(tuple),
    thresholds=st.builds(Thresholds, numbers),
    limits=st.builds(Limits, positive, positive, positive, positive, positive),
    drift_baseline=st.builds(
        DriftBaseline, st.integers(), numbers, numbers, numbers, st.dictionaries(words, numbers, max_size=3)
    ),
    evidence=st.lists(st.builds(Metric, words, numbers, numbers, numbers, st.integers()), max_size=3).map(tuple),
)
manifests = st.builds(
    Manifest,
    name=st.from_regex(r"[a-z0-9][a-z0-9._-]{0,63}", fullmatch=True),
    version=words,
    schema=st.just(contract.SCHEMA),
    serving=servings,
    files=st.dictionaries(words, words, max_size=3),
    provenance=st.dictionaries(words, any_json, max_size=3),
    evidence=st.dictionaries(words, any_json, max_size=3),
    privacy=st.dictionaries(words, any_json, max_size=3),
)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    bundles.text_bundle(tmp_path / "bundle")
    return tmp_path / "bundle"


def rewrite(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / contract.MANIFEST
    raw = json.loads(path.read_text())
    change(raw)
    path.write_text(json.dumps(raw))


@given(manifests)
def test_what_is_written_is_read_back_equal(manifest: Manifest) -> None:
    assert contract.parse(contract.dumps(manifest)) == manifest


@given(servings)
def test_the_version_survives_writing_and_reading(serving: Serving) -> None:
    read_back = contract.parse(contract.dumps(Manifest("a", "v", contract.SCHEMA, serving, {}, {}, {}, {}))).serving
    assert contract.version_of("0" * 64, read_back) == contract.version_of("0" * 64, serving)


def test_a_whole_number_where_a_float_belongs_seals_and_reads(tmp_path: Path) -> None:
    serving = bundles.text_serving(thresholds=Thresholds(abstain_below=0), evidence=(Metric("accuracy", 1, 1, 1, 9),))
    manifest = bundles.text_bundle(tmp_path, serving)
    assert contract.read(tmp_path) == manifest


def test_a_number_json_has_no_word_for_cannot_be_sealed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        bundles.text_bundle(tmp_path, bundles.text_serving(thresholds=Thresholds(float("nan"))))


def test_the_version_follows_model_and_serving_alone() -> None:
    serving = bundles.text_serving()
    assert contract.version_of("a" * 64, serving) == contract.version_of("a" * 64, bundles.text_serving())
    assert contract.version_of("a" * 64, serving) != contract.version_of("b" * 64, serving)
    assert contract.version_of("a" * 64, serving) != contract.version_of("a" * 64, replace(serving, labels=("x", "y")))
    assert len(contract.version_of("a" * 64, serving)) == 12


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(where=st.integers(0, 10**9), bit=st.integers(0, 7))
def test_any_bit_flipped_in_any_file_is_refused_with_file_and_hashes(bundle: Path, where: int, bit: int) -> None:
    for name in ("model.onnx", "openapi.json", "golden.jsonl", "card.md", "report.html"):
        path = bundle / name
        sealed = path.read_bytes()
        wanted = contract.sha256_of(path)
        flipped = bytearray(sealed)
        flipped[where % len(sealed)] ^= 1 << bit
        path.write_bytes(flipped)
        found = contract.sha256_of(path)
        with pytest.raises(BundleError) as caught:
            contract.read(bundle)
        path.write_bytes(sealed)
        assert all(part in str(caught.value) for part in (str(path), wanted, found))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(where=st.integers(0, 10**9), byte=st.integers(0, 255))
def test_any_byte_of_the_manifest_may_break_and_only_a_bundle_error_comes(bundle: Path, where: int, byte: int) -> None:
    path = bundle / contract.MANIFEST
    serving = contract.read(bundle).serving
    sealed = path.read_bytes()
    broken = bytearray(sealed)
    broken[where % len(sealed)] = byte
    path.write_bytes(broken)
    try:
        assert contract.read(bundle).serving == serving  # what was not refused serves as it did
    except BundleError:
        pass
    finally:
        path.write_bytes(sealed)


@given(st.text() | any_json.map(json.dumps))
def test_any_text_as_a_manifest_is_refused_without_another_error(text: str) -> None:
    with pytest.raises(BundleError):
        contract.parse(text)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda raw: raw.update(surprise=1), ["unknown key 'surprise'", "schema 3"]),
        (lambda raw: raw.pop("evidence"), ["missing key 'evidence'", "schema 3"]),
        (lambda raw: raw["serving"].update(extra=1), ["serving", "unknown key 'extra'"]),
        (lambda raw: raw["serving"]["limits"].pop("max_inputs"), ["limits", "missing key 'max_inputs'"]),
        (lambda raw: raw["serving"]["inputs"][0].update(colour="red"), ["inputs[0]", "unknown key 'colour'"]),
        (lambda raw: raw.update(schema=1), ["schema 1", "reads schemas 2 and 3"]),
        (lambda raw: raw.update(schema=4), ["schema 4", "reads schemas 2 and 3"]),
        (lambda raw: raw.update(schema=2), ["unknown key 'privacy'", "schema 2"]),
        (lambda raw: raw.update(schema="3"), ['schema "3"', "reads schemas 2 and 3"]),
        (lambda raw: raw.update(schema=True), ["schema true", "reads schemas 2 and 3"]),
        (lambda raw: raw.pop("schema"), ["schema null", "reads schemas 2 and 3"]),
        (lambda raw: raw["serving"].update(labels="ab"), ["labels", "a JSON string", "wanted tuple"]),
        (lambda raw: raw["serving"]["thresholds"].update(abstain_below="0"), ["abstain_below", "wanted float"]),
        (lambda raw: raw["serving"]["thresholds"].update(abstain_below=10**400), ["abstain_below", "wanted float"]),
        (lambda raw: raw["serving"]["limits"].update(max_inputs=True), ["max_inputs", "JSON boolean", "wanted int"]),
        (lambda raw: raw["serving"]["limits"].update(max_inputs=0), ["limits", "over 0"]),
        (lambda raw: raw["serving"].update(labels=["a", "a"]), ["labels", "all different"]),
        (lambda raw: raw["serving"].update(inputs=[]), ["inputs", "with distinct names"]),
        (lambda raw: raw.update(name="../up"), ["name", "'../up'"]),
        (lambda raw: raw.update(version="0" * 12), ["version 000000000000", "changed after sealing"]),
        (lambda raw: raw["serving"].update(labels=["yes", "no"]), ["changed after sealing"]),
        (lambda raw: raw["files"].pop("model.onnx"), ["lists no model.onnx"]),
        (lambda raw: raw["files"].pop("openapi.json"), ["lists no openapi.json"]),
        (lambda raw: raw["files"].update({"../secret": "0"}), ["'../secret'", "plain name"]),
        (lambda raw: raw["files"].update({"a\0b": "0"}), ["plain name"]),
        (lambda raw: raw["files"].update({"": "0"}), ["plain name"]),
        (lambda raw: raw["files"].update({"\ud800": "0"}), ["is not JSON"]),
        (lambda raw: raw["files"].update({"extra.txt": "0" * 64}), ["extra.txt", "cannot be read"]),
        (lambda raw: raw["serving"]["thresholds"].update(abstain_below=float("nan")), ["is not JSON"]),
    ],
)
def test_a_manifest_that_is_not_as_sealed_is_refused_and_says_why(
    bundle: Path, change: Callable[[dict[str, Any]], object], words: list[str]
) -> None:
    rewrite(bundle, change)
    with pytest.raises(BundleError) as caught:
        contract.read(bundle)
    assert all(word in str(caught.value) for word in [str(bundle), *words]), str(caught.value)


@pytest.mark.parametrize("modality", ["text", "tabular"])
def test_a_bundle_of_the_schema_before_is_read_and_answers_as_it_was_sealed(modality: str) -> None:
    folder = Path(__file__).parent / "schema_2" / modality
    manifest = contract.read(folder)
    assert (manifest.schema, manifest.privacy) == (contract.SCHEMA - 1, contract.NO_PRIVACY_CLAIMED)
    predictor = Predictor.load(folder)
    for one in golden.read(folder):
        [answer] = predictor.predict([one.input])
        assert golden.difference(asdict(answer), one.answer) == ""


@pytest.mark.parametrize("modality", ["text", "tabular"])
def test_a_manifest_of_the_schema_before_is_written_as_it_was(modality: str) -> None:
    manifest = contract.read(Path(__file__).parent / "schema_2" / modality)
    assert contract.parse(contract.dumps(manifest)) == manifest


def test_a_key_twice_is_refused(bundle: Path) -> None:
    path = bundle / contract.MANIFEST
    path.write_text(path.read_text().replace('"schema"', '"name": "other",\n "schema"'))
    with pytest.raises(BundleError, match="same key twice"):
        contract.read(bundle)


def test_a_bundle_without_a_manifest_was_never_sealed(bundle: Path) -> None:
    (bundle / contract.MANIFEST).unlink()
    with pytest.raises(BundleError, match="never sealed"):
        contract.read(bundle)


@pytest.mark.parametrize("folder", ["missing", "bundle/model.onnx", "bundle/\0"])
def test_what_is_no_folder_says_to_set_bundle_dir(bundle: Path, folder: str) -> None:
    with pytest.raises(BundleError, match="BUNDLE_DIR"):
        contract.read(bundle.parent / folder)


@pytest.mark.parametrize("name", ["model.onnx", "manifest.json"])
def test_a_directory_in_place_of_a_file_is_refused(bundle: Path, name: str) -> None:
    (bundle / name).unlink()
    (bundle / name).mkdir()
    with pytest.raises(BundleError, match=f"{name} (is not a regular file|cannot be read)"):
        contract.read(bundle)


def test_a_missing_model_names_the_hash_it_should_have(bundle: Path) -> None:
    wanted = contract.sha256_of(bundle / "model.onnx")
    (bundle / "model.onnx").unlink()
    with pytest.raises(BundleError, match=wanted):
        contract.read(bundle)


def test_a_pipe_in_place_of_a_file_is_refused_and_not_waited_for(bundle: Path) -> None:
    (bundle / "card.md").unlink()
    os.mkfifo(bundle / "card.md")
    with pytest.raises(BundleError, match="not a regular file"):
        contract.read(bundle)


def test_a_link_is_followed_and_its_content_checked(bundle: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.onnx"
    shutil.move(bundle / "model.onnx", elsewhere)
    (bundle / "model.onnx").symlink_to(elsewhere)
    assert contract.read(bundle).name == "tiny-text"
    elsewhere.write_bytes(b"other")
    with pytest.raises(BundleError, match="changed after sealing"):
        contract.read(bundle)


def test_bytes_that_are_not_text_are_refused(bundle: Path) -> None:
    (bundle / contract.MANIFEST).write_bytes(b"\xff\xfe{")
    with pytest.raises(BundleError, match=r"cannot be read|is not JSON"):
        contract.read(bundle)


def test_endless_nesting_is_refused(bundle: Path) -> None:
    (bundle / contract.MANIFEST).write_text("[" * 100_000)
    with pytest.raises(BundleError, match="is not JSON"):
        contract.read(bundle)
