"""The lint tools on the template: nothing but what is written down, and everything else is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.errors import LocalError
from infra.template import lint
from tests.infra.template.stacks import ROOT, TEMPLATE

TOOLS = [ROOT / f".venv-{name}" for name in ("sam", "lint", "checkov")]


@pytest.fixture
def tools() -> None:
    """Every tool's environment."""
    missing = [path.name for path in TOOLS if not (path / "bin").exists()]
    if missing:
        pytest.skip(f"no {', '.join(missing)}: make lint")


def test_every_exception_has_a_reason_and_there_are_few(tools: None) -> None:
    written = lint.exceptions(lint.translate(TEMPLATE))
    known = {"WS1004", *(f"CKV_AWS_{number}" for number in (18, 68, 86, 115, 116, 117, 120, 173, 174))}
    assert {it.rule for it in written} == known
    assert all(len(it.reason.split()) > 5 for it in written)


@pytest.mark.slow
def test_the_tools_find_nothing_else(tools: None, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert lint.main(TEMPLATE, tmp_path) == 0
    said = capfd.readouterr()
    assert said.err == ""
    assert [line.split()[1] for line in said.out.splitlines()] == [
        it.rule for it in lint.exceptions(lint.translate(TEMPLATE))
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("there", "instead", "said"),
    [
        ("      Timeout: 10\n", "      Timeout: ten\n", "sam, exit status"),
        ("      TracingEnabled: true\n", "", "WS2002"),
        ("          - id: CKV_AWS_116\n", "          - id: CKV_AWS_1\n", "CKV_AWS_116"),
        ("      AuthType: AWS_IAM\n", "      AuthType: NONE\n", "CKV_AWS_258"),
    ],
)
def test_a_fault_is_found(
    tools: None, tmp_path: Path, capfd: pytest.CaptureFixture[str], there: str, instead: str, said: str
) -> None:
    text = TEMPLATE.read_text(encoding="utf-8")
    assert there in text
    (tmp_path / "template.yaml").write_text(text.replace(there, instead), encoding="utf-8")
    assert lint.main(tmp_path / "template.yaml", tmp_path) == 1
    assert said in capfd.readouterr().err


def test_an_exception_without_a_reason_is_told_apart() -> None:
    resource = {"Metadata": {"cfn-lint": {"config": {"ignore_checks": ["W1"]}}, "checkov": {"skip": [{"id": "C2"}]}}}
    written = lint.exceptions({"Resources": {"Thing": resource}})
    assert [(it.tool, it.rule, it.resource, it.reason) for it in written] == [
        ("cfn-lint", "W1", "Thing", ""),
        ("checkov", "C2", "Thing", ""),
    ]


def test_a_tool_that_is_not_there_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="make lint"):
        lint.translate(TEMPLATE, tmp_path)
