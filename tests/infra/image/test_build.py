"""What an image is built from, the tag that names it, and what builds it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from handler.bundle.contract import SIGNATURE
from handler.bundle.signature import Trust
from handler.errors import BundleError
from infra.errors import LocalError
from infra.image import build, container
from infra.signing import keys, signer
from tests.cloud import models


@pytest.fixture
def key(tmp_path: Path) -> keys.PemSigner:
    return keys.new_key(tmp_path / "key.pem")


@pytest.fixture
def trust(key: keys.PemSigner) -> Trust:
    return Trust("tiny-text", (key.public,))


@pytest.fixture
def bundle(tmp_path: Path, key: keys.PemSigner) -> Path:
    return signed(tmp_path / "bundle", key, 1)


def signed(folder: Path, key: keys.PemSigner, number: int) -> Path:
    models.honest(folder, number)
    (folder / SIGNATURE).write_bytes(signer.signed((folder / "manifest.json").read_bytes(), key))
    return folder


def tag(bundle: Path, trust: Trust, context: Path, root: Path = build.staging.ROOT) -> str:
    context.mkdir()
    return build.tag_of(build.lay(bundle, trust, context, root), context)


def test_the_context_holds_what_the_dockerfile_copies_and_no_key(bundle: Path, trust: Trust, tmp_path: Path) -> None:
    context = tmp_path / "context"
    tag(bundle, trust, context)
    names = {str(path.relative_to(context)) for path in context.rglob("*") if path.is_file()}
    assert {"handler/app.py", "infra/Dockerfile", ".build/bundle/manifest.sig", ".build/trust.json"} <= names
    assert not [name for name in names if name.endswith((".pem", ".pyc")) and "ca.pem" not in name]


def test_the_same_parts_give_the_same_tag_and_any_other_part_another(
    bundle: Path, trust: Trust, key: keys.PemSigner, tmp_path: Path
) -> None:
    first = tag(bundle, trust, tmp_path / "a")
    assert tag(bundle, trust, tmp_path / "b") == first
    assert len(first) <= 128 and first.startswith("tiny-text-")
    other_bundle = signed(tmp_path / "other", key, 2)
    assert tag(other_bundle, trust, tmp_path / "c") != first
    other_key = Trust("tiny-text", (*trust.keys, keys.new_key(tmp_path / "other.pem").public))
    assert tag(bundle, other_key, tmp_path / "d") != first
    root = tmp_path / "root"
    build.shutil.copytree(build.staging.ROOT / "handler", root / "handler")
    build.shutil.copytree(build.staging.ROOT / "infra", root / "infra")
    assert tag(bundle, trust, tmp_path / "e", root) == first
    (root / "handler" / "app.py").write_text("# another handler\n")
    assert tag(bundle, trust, tmp_path / "f", root) != first


def test_a_bundle_that_nobody_trusted_signed_goes_into_no_context(bundle: Path, tmp_path: Path) -> None:
    foreign = Trust("tiny-text", (keys.new_key(tmp_path / "foreign.pem").public,))
    with pytest.raises(BundleError):
        tag(bundle, foreign, tmp_path / "context")


def test_another_program_builds_when_one_is_named(tmp_path: Path) -> None:
    script = tmp_path / "build.sh"
    script.write_text('#!/bin/sh\necho "$@" > "$(dirname "$0")/said"\n')
    build.by_command(f"sh {script} --fast", tmp_path, "host/name:tag")
    assert (tmp_path / "said").read_text() == f"--fast {tmp_path} host/name:tag\n"


@pytest.mark.parametrize("command", ["false", "/no/such/program", "sh -c 'echo oh no; exit 3'"])
def test_a_build_that_fails_says_so(command: str, tmp_path: Path) -> None:
    with pytest.raises(LocalError):
        build.by_command(command, tmp_path, "host/name:tag")


class Shop:
    """Hands out a password, as ECR does."""

    def login(self) -> tuple[str, str, str]:
        return "123.dkr.ecr.test", "AWS", "very secret"


def test_docker_builds_logs_in_and_pushes_and_the_password_is_on_no_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(
        f'#!/bin/sh\necho "$1 $2 | $* | $DOCKER_CONFIG | $BUILDX_NO_DEFAULT_ATTESTATIONS" >> {tmp_path}/said\n'
        f'[ "$1" = login ] && cat >> {tmp_path}/given\nexit 0\n'
    )
    docker.chmod(docker.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{docker.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)
    monkeypatch.setattr(container, "docker_host", lambda: "unix:///var/run/docker.sock")
    monkeypatch.setattr(container, "base_image", lambda host: "python:3.13-slim")
    build.by_docker(Shop(), tmp_path, "123.dkr.ecr.test/limbeck:tag")  # type: ignore[arg-type]
    said = (tmp_path / "said").read_text().splitlines()
    assert [line.split()[0] for line in said] == ["build", "login", "push"]
    assert "--build-arg BASE_IMAGE=python:3.13-slim" in said[0] and said[0].endswith("| 1")
    assert "very secret" not in "".join(said) and (tmp_path / "given").read_text() == "very secret"
    configured = Path(said[2].split(" | ")[2])
    assert configured.name and not configured.exists()  # the login is forgotten
