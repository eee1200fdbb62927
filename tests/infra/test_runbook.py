"""The README's commands: every one of `aws` and of `python -m infra` exists, with every option that it is given."""

from __future__ import annotations

import re
from typing import Any

import botocore.session
import pytest
import typer.main
from botocore import xform_name

from infra.__main__ import app
from tests.infra.template.stacks import ROOT, stack

README = "".join((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/release.md"))
GLOBAL = {"query", "output", "region", "profile", "cli-binary-format", "endpoint-url"}
SERVICES = {"deploy": "codedeploy"}  # what the command line calls otherwise
CLIENT_SIDE = {  # what the command line does by itself
    ("logs", "tail"): {"since", "follow", "filter-pattern", "format"},
    ("cloudformation", "deploy"): {"template-file", "stack-name", "capabilities", "parameter-overrides"},
}
_END = r"(?=\)\"|`|$|;| \| )"
AWS = sorted(set(re.findall(rf"\baws ([a-z]+) ([a-z-]+)(.*?){_END}", README.replace("\n--", " --"), re.MULTILINE)))
INFRA = sorted(set(re.findall(rf"python -m infra ([a-z]+)(.*?){_END}", README, re.MULTILINE)))


def options(text: str) -> set[str]:
    """The long options in a command, without what is quoted or a comment."""
    plain = re.sub(r"'[^']*'|#.*", "", text)
    return set(re.findall(r"(?<=--)[a-z][a-z-]*", plain))


@pytest.fixture(scope="module")
def aws() -> botocore.session.Session:
    return botocore.session.Session()


@pytest.mark.parametrize(("service", "command", "rest"), AWS, ids=[" ".join(it[:2]) for it in AWS])
def test_aws_has_the_command_with_its_options(
    aws: botocore.session.Session, service: str, command: str, rest: str
) -> None:
    known = CLIENT_SIDE.get((service, command))
    if known is None:
        model = aws.get_service_model(SERVICES.get(service, service))
        operations = {xform_name(name, "-"): name for name in model.operation_names}
        members = model.operation_model(operations[command]).input_shape.members
        known = {xform_name(name, "-") for name in members}
    assert options(rest) - GLOBAL <= known


@pytest.mark.parametrize(("command", "rest"), INFRA, ids=[f"{it[0]}{it[1][:40]}" for it in INFRA])
def test_infra_has_the_command_with_its_options(command: str, rest: str) -> None:
    found: Any = typer.main.get_command(app)
    found = found.commands[command]
    if hasattr(found, "commands"):  # key new, key trust
        found = found.commands[rest.split()[0]]
    known = {name.removeprefix("--") for it in found.params for name in (*it.opts, *it.secondary_opts)}
    assert options(rest) <= known


def test_there_are_commands_to_look_at() -> None:
    assert len(AWS) > 15 and {"rollback", "status", "history", "cost"} <= {it[0] for it in INFRA}


def test_every_alarm_is_in_the_runbook() -> None:
    runbook = README[README.index("## Runbook") :]
    for name in stack().named("AWS::CloudWatch::Alarm"):
        assert f"`{name}`" in runbook, name


def test_every_output_that_is_read_exists() -> None:
    read = set(re.findall(r"\$\(out (\w+)\)", README))
    assert read and read <= stack(AlarmEmail="a@b.c").outputs.keys()


def test_the_bill_is_what_the_command_printed() -> None:
    # The arithmetic of one row, by hand: 512 MB, one millisecond, a million times.
    assert re.search(r"^student, p50 +512 +0\.69 +1 +0\.0083 ", README, re.MULTILINE)
    assert round(1e6 * 0.001 * 0.5 * 0.0000166667, 4) == 0.0083
