"""The wheel in an environment of its own: what it brings, what `limbeck` does there, and completion in the shells."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests import bundles
from tests.clients.page import TOLERANCE, skeleton
from tests.distill.command_line import QUICK
from tests.documents import ROOT, page

PACKAGES = ("distill", "handler", "infra")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that the checkout stays as it is."""
    source = tmp_path_factory.mktemp("source")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, source)
    _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(source / "dist"), str(source))
    [made] = (source / "dist").iterdir()
    return made


@pytest.fixture(scope="module")
def empty(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and nothing that it needs; returns its `bin`."""
    return _environment(tmp_path_factory.mktemp("empty"), wheel, "--no-deps", "--no-index")


@pytest.fixture(scope="module")
def whole(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel, which finds what the extras bring where these tests run."""
    programs = _environment(tmp_path_factory.mktemp("whole"), wheel, "--no-deps", "--no-index")
    [packages] = programs.parent.glob("lib/python*/site-packages")
    (packages / "extras.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return programs


def _environment(folder: Path, wheel: Path, *options: str) -> Path:
    venv.create(folder, with_pip=False)
    _pip("--python", str(folder / "bin" / "python"), "install", *options, str(wheel))
    return folder / "bin"


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def _run(programs: Path, *command: str, cwd: Path, status: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a program with that environment's first on PATH, and nothing of this checkout on Python's."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment = kept | {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "LIMBECK_CACHE": str(cwd / "cache"),
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "200",
        "TERM": "dumb",
    }
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == status, done.stderr
    return done


def test_the_wheel_brings_three_packages_and_no_other_name(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    top = {name.partition("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == set(PACKAGES)
    wanted = [
        "distill/recipes/breast-cancer.toml",
        "distill/reporting/templates/report.html.j2",
        "distill/web/page/index.html.j2",
        "infra/Dockerfile",
        "infra/cost/prices.toml",
    ]
    assert [name for name in wanted if name not in names] == []


def test_without_an_extra_limbeck_says_what_to_install(empty: Path, tmp_path: Path) -> None:
    done = _run(empty, "limbeck", "run", "breast-cancer", cwd=tmp_path, status=1)
    assert done.stderr == "typer is not installed. In a checkout, run: pip install '.[distill]'\n"
    for module in ("infra", "infra.local"):
        done = _run(empty, "python", "-m", module, cwd=tmp_path, status=1)
        assert done.stderr == "typer is not installed. In a checkout, run: pip install '.[infra]'\n"


def test_installed_limbeck_has_every_command_and_its_recipes(whole: Path, tmp_path: Path) -> None:
    shown = _run(whole, "limbeck", "--help", cwd=tmp_path).stdout
    assert all(f" {name} " in shown for name in ("init", "run", "runs", "push", "release", "key"))
    assert "Usage: limbeck [OPTIONS]" in shown
    listed = json.loads(_run(whole, "limbeck", "recipes", "--json", cwd=tmp_path).stdout)
    assert "breast-cancer" in [one["name"] for one in listed]
    assert "No registry named" in _run(whole, "limbeck", "list", cwd=tmp_path, status=2).stderr


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
def test_installed_limbeck_makes_a_bundle_that_jq_reads_as_the_docs_show(whole: Path, tmp_path: Path) -> None:
    [(script, shown)] = re.findall(
        r"^(limbeck run .* \| jq .*)\n```\n\n```json\n(.*?)```", page("commands"), re.M | re.S
    )
    quick = script.replace(" --json", "".join(f" --set {override}" for override in QUICK) + " --json", 1)
    said = _run(whole, "bash", "-o", "pipefail", "-c", quick, cwd=tmp_path).stdout
    (got, got_numbers), (wanted, wanted_numbers) = skeleton(said), skeleton(shown)
    assert got == wanted and got_numbers == pytest.approx(wanted_numbers, abs=TOLERANCE)
    told = _run(whole, "limbeck", "predict", "bundles/breast-cancer", '{"mean radius": 12}', cwd=tmp_path).stdout
    assert json.loads(told)["label"] in ("benign", "malignant")


@pytest.mark.slow
def test_the_base_install_answers_in_process(wheel: Path, tmp_path: Path) -> None:
    """`pip install limbeck` and no extra: numpy, ONNX Runtime and Powertools, from the package index."""
    programs = _environment(tmp_path / "base", wheel, "--constraint", str(ROOT / "constraints.txt"))
    bundles.text_bundle(_made(tmp_path / "bundle"))
    code = (
        "from handler.model.predictor import Predictor\n"
        "print(Predictor.load('bundle').predict(['good'])[0].label)\n"
        "import sys; print('torch' in sys.modules)"
    )
    assert _run(programs, "python", "-c", code, cwd=tmp_path).stdout.splitlines()[1] == "False"


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


_BASH = """
eval "$(limbeck --show-completion)"
try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _limbeck_completion limbeck; echo "${COMPREPLY[*]}"; }
complete -p limbeck
complete -p python || echo "python is left alone"
try limbeck re
try limbeck key t
try limbeck run sentiment-
try limbeck run x --set student.k
"""
_ZSH = """
compdef() { print -r -- "compdef $@" }
eval "$(limbeck --show-completion)"
_arguments() { print -r -- "$@" }
try() { words=("$@"); CURRENT=$#; _limbeck_completion }
try limbeck re
try limbeck key t
try limbeck run sentiment-
try limbeck run x --set student.k
"""


def test_bash_completes_commands_recipes_and_keys(whole: Path, tmp_path: Path) -> None:
    lines = _run(whole, "bash", "--norc", "-c", _BASH, cwd=tmp_path).stdout.splitlines()
    assert lines[0].endswith("-F _limbeck_completion limbeck")
    assert lines[1] == "python is left alone"
    assert lines[2].split() == ["recipes", "release"]
    assert lines[3:] == ["trust", "sentiment-quick", "student.kind="]


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_completes_commands_recipes_and_keys(whole: Path, tmp_path: Path) -> None:
    said = _run(whole, "zsh", "-f", "-c", _ZSH, cwd=tmp_path).stdout
    assert said.splitlines()[0] == "compdef _limbeck_completion limbeck"
    for word in ("recipes", "release", "trust", "sentiment-quick", "student.kind="):
        assert word in said, word
