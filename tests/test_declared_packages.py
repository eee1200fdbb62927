"""Every package that is imported is declared where it is needed, and not left to another's requirements."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
OURS = {"distill", "handler", "infra", "tests"}
# Programs that run in an environment of their own, with constraints of its own; and modules that such a place holds.
APART = {"peers", "images"}
ELSEWHERE = {"samtranslator"}


def declared(*extras: str) -> set[str]:
    """Names of the distributions that the base install and these extras ask for."""
    wanted = [*PROJECT["dependencies"], *(line for extra in extras for line in EXTRAS[extra])]
    return {normalized(re.split(r"[\[<>=! ;]", line)[0]) for line in wanted}


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(folder: str) -> dict[str, str]:
    """Top-level module -> a file that imports it."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / folder).rglob("*.py")):
        if path.parent.name in APART:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            found |= {name.split(".")[0]: str(path.relative_to(ROOT)) for name in names}
    known = {*sys.stdlib_module_names, *OURS, *ELSEWHERE}
    # `mypy_boto3_*` are stubs, which boto3-stubs brings and only a type checker reads.
    return {name: file for name, file in found.items() if name not in known and not name.startswith("mypy_boto3_")}


@pytest.mark.parametrize(
    ("folder", "extras"),
    # The handler's decoders of pictures are no part of the base install: images of such models have them.
    [
        ("handler", ("distill",)),
        ("distill", ("distill",)),
        ("infra", ("infra",)),
        ("tests", ("distill", "infra", "dev")),
    ],
)
def test_what_is_imported_is_declared(folder: str, extras: tuple[str, ...]) -> None:
    known, carriers = declared(*extras), packages_distributions()
    missing = {
        name: file
        for name, file in imported(folder).items()
        if not {normalized(it) for it in carriers.get(name, [])} & known
    }
    assert missing == {}
