"""The registry's command line as people run it: other processes, and S3 at the end of a wire."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from handler.bundle import contract
from handler.bundle.contract import SIGNATURE
from handler.bundle.signature import Trust
from infra.signing import keys
from tests import bundles

ROOT = Path(__file__).parents[2]


class Desk:
    """A shell with its own AWS settings."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "infra", *map(str, arguments)],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str | Path) -> tuple[int, str, str]:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=60)
        assert "Traceback" not in err
        return process.returncode, out, err


@pytest.fixture
def desk(aws_environment: dict[str, str], tmp_path: Path) -> Desk:
    client = boto3.client(
        "s3",
        endpoint_url=aws_environment["AWS_ENDPOINT_URL"],
        aws_access_key_id="testing",
        aws_secret_access_key="testing",  # noqa: S106
        region_name="us-east-1",
    )
    client.create_bucket(Bucket="shelf")
    key = keys.new_key(tmp_path / "keys" / "key.pem").public
    (tmp_path / "trust.json").write_bytes(keys.trust_text(Trust("tiny-text", (key,))))
    named = {"LIMBECK_REGISTRY": "s3://shelf/models", "LIMBECK_TRUST": str(tmp_path / "trust.json")}
    return Desk(aws_environment | named | {"LIMBECK_SIGNING_KEY": str(tmp_path / "keys" / "key.pem")})


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    bundles.text_bundle(tmp_path / "sealed")
    return tmp_path / "sealed"


def everything(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != SIGNATURE}


def test_push_list_verify_and_pull_round_trip(desk: Desk, sealed: Path, tmp_path: Path) -> None:
    version = contract.read(sealed).version
    status, out, _ = desk.run("push", sealed)
    assert status == 0
    assert out.startswith(f"Pushed 7 of 7 files to s3://shelf/models/tiny-text/{version}, signed with key ")
    status, out, _ = desk.run("push", sealed)
    assert status == 0 and "Already there, every byte equal" in out
    status, out, _ = desk.run("list", "--json")
    [entry] = json.loads(out)
    assert (status, entry["name"], entry["version"]) == (0, "tiny-text", version)
    status, out, _ = desk.run("list")
    assert status == 0 and "tiny-text" in out and version in out
    status, out, _ = desk.run("verify", f"tiny-text/{version}")
    assert status == 0 and "as it was sealed and signed" in out
    status, out, _ = desk.run("pull", f"tiny-text/{version}", "--out", tmp_path / "out")
    assert status == 0
    assert everything(Path(out.strip())) == everything(sealed)


def test_two_processes_pushing_the_same_bundle_at_once_both_succeed(desk: Desk, sealed: Path) -> None:
    pushers = [desk.start("push", sealed) for _ in range(2)]
    for pusher in pushers:
        _, err = pusher.communicate(timeout=60)
        assert pusher.returncode == 0, err
    assert desk.run("verify", "tiny-text")[0] == 0


def test_two_processes_tagging_at_once_lose_nothing(desk: Desk, sealed: Path, tmp_path: Path) -> None:
    versions = []
    for labels in (("no", "yes"), ("bad", "good"), ("down", "up")):
        folder = tmp_path / labels[0]
        versions.append(bundles.text_bundle(folder, bundles.text_serving(labels=labels)).version)
        assert desk.run("push", folder)[0] == 0
    taggers = [desk.start("tag", f"tiny-text/{version}", "retired") for version in versions]
    for tagger in taggers:
        _, err = tagger.communicate(timeout=60)
        assert tagger.returncode == 0, err
    listed = json.loads(desk.run("list", "--json")[1])
    assert {entry["version"] for entry in listed if entry["tag"] == "retired"} == set(versions)
    told = json.loads(desk.run("history", "tiny-text", "--json")[1])
    assert sorted(event["version"] for event in told if event["kind"] == "tagged") == sorted(versions)


def test_who_holds_no_key_can_pull_but_not_push(desk: Desk, sealed: Path, tmp_path: Path) -> None:
    desk.run("push", sealed)
    reader = Desk({name: value for name, value in desk.environment.items() if name != "LIMBECK_SIGNING_KEY"})
    assert reader.run("pull", "tiny-text", "--out", tmp_path / "out")[0] == 0
    status, _, err = reader.run("push", sealed)
    assert status == 2 and "--pem FILE" in err


def test_a_foreign_signature_gives_status_4_and_leaves_nothing_here(desk: Desk, sealed: Path, tmp_path: Path) -> None:
    desk.run("key", "new", tmp_path / "foreign")
    assert desk.run("push", sealed, "--pem", tmp_path / "foreign" / "key.pem")[0] == 0
    status, _, err = desk.run("pull", "tiny-text", "--out", tmp_path / "out")
    assert status == 4 and "trusted for tiny-text" in err
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []


def test_a_network_that_is_away_gives_status_5_and_what_to_check(desk: Desk) -> None:
    away = Desk(desk.environment | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"})
    status, out, err = away.run("list")
    assert (status, out) == (5, "")
    assert "AWS_ENDPOINT_URL" in err


def test_missing_credentials_give_status_2_and_what_to_run(desk: Desk, tmp_path: Path) -> None:
    nobody = {name: value for name, value in desk.environment.items() if "KEY" not in name}
    nobody |= {"HOME": str(tmp_path), "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
    status, _, err = Desk(nobody).run("list")
    assert status == 2
    assert "aws configure" in err


def test_a_changed_bundle_gives_status_4_and_uploads_nothing(desk: Desk, sealed: Path) -> None:
    with (sealed / "model.onnx").open("ab") as file:
        file.write(b"x")
    status, _, err = desk.run("push", sealed)
    assert status == 4 and "changed after sealing" in err
    assert json.loads(desk.run("list", "--json")[1]) == []


def test_asking_for_help_names_the_exit_statuses(desk: Desk) -> None:
    status, out, _ = desk.run("--help")
    assert status == 0
    assert "4 bundle refused" in " ".join(out.split())
