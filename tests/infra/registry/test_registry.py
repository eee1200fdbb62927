"""The registry against moto's S3 in this process. `tests/cloud` runs the command line against it over HTTP."""

from __future__ import annotations

import io
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore import exceptions as aws
from hypothesis import given
from hypothesis import strategies as st

from handler.bundle import contract
from handler.model.predictor import Predictor
from infra.__main__ import main
from infra.aws import s3
from infra.errors import CloudError, ConfigError, InfraError, RefusedError
from infra.registry import references
from infra.registry.references import Reference
from tests import bundles
from tests.infra.shelves import (
    NAME,
    client,
    everything,
    flip,
    key_of,
    keys,
    plan_push,
    pull,
    push,
    resealed,
    shelf,
    torn,
    trust,
)

pytestmark = pytest.mark.usefixtures("empty_shelf")
ALL_FILES = ["card.md", "golden.jsonl", "model.onnx", "openapi.json", "report.html", "manifest.sig", "manifest.json"]


def test_a_pushed_bundle_comes_back_byte_equal_and_predicts(sealed: Path, tmp_path: Path) -> None:
    assert push(sealed) == 7
    folder = pull(tmp_path / "out")
    version = contract.read(sealed).version
    assert folder == tmp_path / "out" / NAME / version
    assert everything(folder) == everything(sealed)
    assert Predictor.load(folder).predict(["good"])[0].label == "positive"
    assert folder.stat().st_mode & 0o777 == 0o777 & ~_umask()


def test_the_manifest_is_written_last(sealed: Path) -> None:
    assert [step.file for step in plan_push(sealed).steps] == ALL_FILES


def test_planning_writes_nothing(sealed: Path) -> None:
    plan = plan_push(sealed)
    assert len(plan.missing) == 7
    assert keys() == []


def test_pushing_again_writes_nothing_and_leaves_the_time_of_the_push(sealed: Path) -> None:
    push(sealed)
    before = shelf().entries()
    assert push(sealed) == 0
    assert shelf().entries() == before


def test_files_the_manifest_does_not_name_stay_at_home(sealed: Path) -> None:
    (sealed / "model.optimised.onnx").write_bytes(b"derived")
    push(sealed)
    assert not [key for key in keys() if "optimised" in key]


def test_the_same_version_with_another_report_is_refused_and_nothing_is_overwritten(
    sealed: Path, tmp_path: Path
) -> None:
    push(sealed)
    other = resealed(sealed, tmp_path / "other")
    before = _stored()
    with pytest.raises(RefusedError, match=r"report\.html.*immutable"):
        push(other)
    assert _stored() == before


def test_an_unsealed_bundle_is_refused(sealed: Path) -> None:
    (sealed / "manifest.json").unlink()
    with pytest.raises(RefusedError, match="never sealed"):
        push(sealed)
    assert keys() == []


@pytest.mark.parametrize("file", ["model.onnx", "report.html"])
def test_a_bundle_changed_on_disk_is_refused(sealed: Path, file: str) -> None:
    flip(sealed / file)
    with pytest.raises(RefusedError, match="changed after sealing"):
        push(sealed)
    assert keys() == []


def test_a_file_changed_between_plan_and_push_never_leaves(sealed: Path) -> None:
    plan = plan_push(sealed)
    flip(sealed / "model.onnx")
    with pytest.raises(RefusedError, match="changed while it was being pushed"):
        shelf().push(plan)
    assert not [key for key in keys() if key.endswith(("model.onnx", "manifest.json"))]
    assert shelf().entries() == []


@pytest.mark.parametrize("file", ["model.onnx", "report.html", "golden.jsonl"])
def test_an_object_overwritten_in_s3_is_refused_and_nothing_of_it_is_kept(
    sealed: Path, tmp_path: Path, file: str
) -> None:
    push(sealed)
    client().put_object(Bucket="shelf", Key=key_of(sealed, file), Body=b"somebody else's bytes")
    with pytest.raises(RefusedError, match=f"{file}.*sha256"):
        pull(tmp_path / "out")
    assert list((tmp_path / "out").rglob("*")) == []
    with pytest.raises(RefusedError, match=file):
        shelf().verify(Reference(NAME), trust())


def test_an_object_deleted_in_s3_is_refused_and_pushing_again_restores_it(sealed: Path, tmp_path: Path) -> None:
    push(sealed)
    client().delete_object(Bucket="shelf", Key=key_of(sealed, "card.md"))
    with pytest.raises(RefusedError, match="missing"):
        pull(tmp_path / "out")
    assert push(sealed) == 1
    assert everything(pull(tmp_path / "out")) == everything(sealed)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(b'"seed": 0', b'"seed": 0, "seed": 1'),
        lambda text: text.replace(b"positive", b"negativf"),
        lambda text: b"\xff\xfe",
        lambda text: b"[]",
        lambda text: text.replace(b'"card.md"', b'"../card.md"'),
        lambda text: text.replace(NAME.encode(), b"other-name"),
    ],
    ids=["key twice", "other labels", "not UTF-8", "not an object", "path out of the folder", "another bundle's"],
)
def test_a_manifest_changed_in_s3_is_refused_and_nothing_of_it_is_kept(sealed: Path, tmp_path: Path, change) -> None:  # noqa: ANN001
    push(sealed)
    changed = change((sealed / "manifest.json").read_bytes())
    client().put_object(Bucket="shelf", Key=key_of(sealed, "manifest.json"), Body=changed)
    with pytest.raises(RefusedError):
        pull(tmp_path / "out")
    assert [path for path in tmp_path.rglob("*") if path.is_file() and sealed not in path.parents] == []


@pytest.mark.parametrize("uploaded", range(1, 7))
def test_a_torn_upload_is_invisible_and_pushing_again_finishes_it(sealed: Path, tmp_path: Path, uploaded: int) -> None:
    torn(sealed, uploaded)
    assert len(keys()) == uploaded
    assert shelf().entries() == []
    with pytest.raises(ConfigError, match="has no bundle"):
        pull(tmp_path / "out")
    assert push(sealed) == 7 - uploaded
    assert everything(pull(tmp_path / "out")) == everything(sealed)


def test_two_pushers_of_the_same_bundle_who_planned_at_once_both_succeed(sealed: Path) -> None:
    first, second = plan_push(sealed), plan_push(sealed)
    assert shelf().push(first) == 7
    assert shelf().push(second) == 0
    assert len(shelf().entries()) == 1


@pytest.mark.parametrize("after", range(7))
def test_of_two_racing_pushers_of_different_bytes_one_passes_whole(sealed: Path, tmp_path: Path, after: int) -> None:
    """The second starts and runs to its end after any file of the first: they never both stop half way."""
    other = resealed(sealed, tmp_path / "other", files=("card.md", "golden.jsonl", "openapi.json", "report.html"))
    mine, rival = plan_push(sealed), plan_push(other)
    ends: list[str] = []

    def overtake(file: str, size_bytes: int) -> None:
        if file == ALL_FILES[after]:
            with pytest.raises(RefusedError):
                shelf().push(rival)
            ends.append("rival refused")

    shelf().push(mine, overtake)
    assert ends == ["rival refused"]
    assert everything(pull(tmp_path / "out")) == everything(sealed)


def test_list_tells_name_version_time_and_bytes_and_skips_what_is_not_a_bundle(sealed: Path, tmp_path: Path) -> None:
    bundles.tabular_bundle(tmp_path / "table")
    push(sealed)
    push(tmp_path / "table")
    for stray in ("bundles/readme.txt", "bundles/UPPER/000000000000/manifest.json", "bundles/a/short/manifest.json"):
        client().put_object(Bucket="shelf", Key=stray, Body=b"x")
    entries = shelf().entries()
    assert [entry.name for entry in entries] == ["tiny-tabular", NAME]
    assert entries[1].version == contract.read(sealed).version
    own = sum(len(body) for body in everything(sealed).values())
    assert entries[1].size_bytes == own + plan_push(sealed).steps[-2].size_bytes
    assert abs(datetime.now(UTC) - entries[1].pushed_at) < timedelta(minutes=1)
    assert shelf().entries(NAME) == entries[1:]
    assert shelf("elsewhere").entries() == []


def test_without_a_version_the_one_pushed_last_is_pulled(sealed: Path, tmp_path: Path) -> None:
    bundles.text_bundle(tmp_path / "next", bundles.text_serving(labels=("bad", "good")), name=NAME)
    push(sealed)
    _age(minutes=5)
    push(tmp_path / "next")
    newest = contract.read(tmp_path / "next").version
    assert shelf().resolve(Reference(NAME)).version == newest
    older = contract.read(sealed).version
    assert shelf().resolve(Reference(NAME, older)).version == older


def test_two_versions_of_the_same_second_have_to_be_named(sealed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    versions = ["a" * 12, "b" * 12]
    stored = [
        {"Key": f"bundles/{NAME}/{version}/manifest.json", "Size": 1, "LastModified": moment} for version in versions
    ]
    monkeypatch.setattr(s3.Bucket, "stored", lambda self, prefix: iter(stored))
    with pytest.raises(ConfigError, match="same second.*NAME|same second.*VERSION"):
        shelf().resolve(Reference(NAME))
    assert shelf().resolve(Reference(NAME, "a" * 12)).version == "a" * 12


def test_pulling_what_is_here_already_downloads_nothing(sealed: Path, tmp_path: Path) -> None:
    push(sealed)
    folder = pull(tmp_path / "out")
    seen: list[str] = []
    assert pull(tmp_path / "out", done=lambda file, size_bytes: seen.append(file)) == folder
    assert seen == []


def test_pulling_onto_a_broken_bundle_refuses_and_leaves_it(sealed: Path, tmp_path: Path) -> None:
    push(sealed)
    folder = pull(tmp_path / "out")
    flip(folder / "model.onnx")
    with pytest.raises(RefusedError, match="Delete .* and pull again"):
        pull(tmp_path / "out")
    shutil.rmtree(folder)
    assert everything(pull(tmp_path / "out")) == everything(sealed)


def test_a_file_where_the_out_folder_should_be_is_said_so(sealed: Path, tmp_path: Path) -> None:
    push(sealed)
    (tmp_path / "out").write_text("")
    with pytest.raises(ConfigError, match="--out"):
        pull(tmp_path / "out")


def test_a_registry_without_prefix_uses_plain_keys(sealed: Path) -> None:
    push(sealed, prefix="/")
    assert all(key.startswith(f"{NAME}/") for key in keys())
    assert len(shelf("").entries()) == 1


@pytest.mark.parametrize(
    "text", ["", "/", "Upper", "a/b", "a/0123456789AB", "a/0123456789ab/c", "../x", "a/", ".a", "a@", "a@other", "a\n"]
)
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="NAME/VERSION"):
        references.reference(text)


@given(st.text())
def test_any_text_is_a_reference_or_refused(text: str) -> None:
    try:
        found = references.reference(text)
    except ConfigError:
        return
    assert ".." != found.name and "/" not in found.name


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("NoSuchBucket", 404, "no bucket shelf"),
        ("AccessDenied", 403, "s3:PutObject"),
        ("SlowDown", 503, "throttling"),
        ("ExpiredToken", 400, "Log in again"),
        ("PermanentRedirect", 301, "AWS_REGION"),
        ("NotImplemented", 501, "conditional writes"),
        ("InternalError", 500, "InternalError"),
    ],
)
def test_what_s3_answers_becomes_a_sentence_with_what_to_do(code: str, status: int, said: str) -> None:
    class Answering:
        def get_object(self, **asked: object) -> None:
            response = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
            raise aws.ClientError(response, "GetObject")

    with pytest.raises(CloudError, match=said) as caught:
        s3.Bucket("shelf", Answering()).copy("a/b", io.BytesIO())  # type: ignore[arg-type]
    assert caught.value.exit_status == 5


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (aws.NoCredentialsError(), ConfigError),
        (aws.EndpointConnectionError(endpoint_url="https://s3"), CloudError),
        (aws.ReadTimeoutError(endpoint_url="https://s3"), CloudError),
        (aws.SSLError(endpoint_url="https://s3", error=""), CloudError),
        (aws.FlexibleChecksumError(error_msg="crc"), RefusedError),
        (aws.BotoCoreError(), CloudError),
    ],
)
def test_what_boto3_raises_becomes_an_error_of_ours(error: Exception, kind: type[InfraError]) -> None:
    class Failing:
        def get_object(self, **asked: object) -> None:
            raise error

    with pytest.raises(kind, match="Cannot read s3://shelf/a/b"):
        s3.Bucket("shelf", Failing()).copy("a/b", io.BytesIO())  # type: ignore[arg-type]


def test_a_write_in_flight_elsewhere_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(s3.time, "sleep", waits.append)

    class Busy:
        calls = 0

        def put_object(self, **asked: object) -> None:
            self.calls += 1
            if self.calls < 3:
                raise aws.ClientError({"Error": {"Code": "ConditionalRequestConflict"}}, "PutObject")

    assert s3.Bucket("shelf", Busy()).put_new("a", b"")  # type: ignore[arg-type]
    assert len(waits) == 2


def test_the_command_line_reports_each_kind_of_failure_by_its_status(
    sealed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIMBECK_REGISTRY", "s3://shelf/bundles")
    (tmp_path / "empty").mkdir()
    assert main(["key", "new", str(tmp_path)]) == 0
    assert main(["push", str(sealed)]) == 2
    assert "--pem FILE" in capsys.readouterr().err and keys() == []
    monkeypatch.setenv("LIMBECK_SIGNING_KEY", str(tmp_path / "key.pem"))
    assert main(["push", str(sealed), "--dry-run"]) == 0
    assert "Would write 7 of 7" in capsys.readouterr().out and keys() == []
    assert main(["push", str(sealed)]) == 0
    assert main(["verify", NAME]) == 0
    assert main(["verify", str(sealed)]) == 0
    assert main(["pull", "absent", "--out", str(tmp_path / "out")]) == 2
    assert main(["pull", "Not A Name"]) == 2
    assert main(["list", "--bucket", "B"]) == 2
    assert main(["push"]) == 2
    assert main(["push", str(tmp_path / "empty")]) == 4
    assert main(["verify", str(tmp_path / "nowhere")]) == 4
    assert main(["list", "--bucket", "no-such-bucket"]) == 5
    monkeypatch.delenv("LIMBECK_SIGNING_KEY")
    assert main(["pull", NAME, "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "Traceback" not in said and "no bucket no-such-bucket" in said and "--trust FILE" in said


def test_no_registry_named_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 2
    assert "LIMBECK_REGISTRY" in capsys.readouterr().err


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _stored() -> dict[str, bytes]:
    return {key: client().get_object(Bucket="shelf", Key=key)["Body"].read() for key in keys()}


def _age(minutes: int) -> None:
    """Make everything stored older, as moto has it."""
    from moto.s3.models import s3_backends

    for backend in s3_backends.values():
        for region in backend.values():
            for bucket in region.buckets.values():
                for key in bucket.keys.values():
                    key.last_modified -= timedelta(minutes=minutes)
