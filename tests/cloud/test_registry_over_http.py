"""The registry's command line as people run it: other processes, and S3 at the end of a wire."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from handler import contract
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
def desk(aws_environment: dict[str, str]) -> Desk:
    client = boto3.client(
        "s3",
        endpoint_url=aws_environment["AWS_ENDPOINT_URL"],
        aws_access_key_id="testing",
        aws_secret_access_key="testing",  # noqa: S106
        region_name="us-east-1",
    )
    client.create_bucket(Bucket="shelf")
    return Desk(aws_environment | {"LIMBECK_REGISTRY": "s3://shelf/models"})


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    bundles.text_bundle(tmp_path / "sealed")
    return tmp_path / "sealed"


def everything(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_push_list_verify_and_pull_round_trip(desk: Desk, sealed: Path, tmp_path: Path) -> None:
    version = contract.read(sealed).version
    status, out, _ = desk.run("push", sealed)
    assert (status, out) == (0, f"Pushed 6 of 6 files to s3://shelf/models/tiny-text/{version}\n")
    status, out, _ = desk.run("push", sealed)
    assert status == 0 and "Already there, every byte equal" in out
    status, out, _ = desk.run("list", "--json")
    [entry] = json.loads(out)
    assert (status, entry["name"], entry["version"]) == (0, "tiny-text", version)
    status, out, _ = desk.run("list")
    assert status == 0 and "tiny-text" in out and version in out
    status, out, _ = desk.run("verify", f"tiny-text/{version}")
    assert status == 0 and "as it was sealed" in out
    status, out, _ = desk.run("pull", f"tiny-text/{version}", "--out", tmp_path / "out")
    assert status == 0
    assert everything(Path(out.strip())) == everything(sealed)


def test_two_processes_pushing_the_same_bundle_at_once_both_succeed(desk: Desk, sealed: Path) -> None:
    pushers = [desk.start("push", sealed) for _ in range(2)]
    for pusher in pushers:
        _, err = pusher.communicate(timeout=60)
        assert pusher.returncode == 0, err
    assert desk.run("verify", "tiny-text")[0] == 0


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
