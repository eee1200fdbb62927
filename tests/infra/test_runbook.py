"""The documents' commands: every one of `aws` exists, with every option that it is given."""

from __future__ import annotations

import re

import botocore.session
import pytest
from botocore import xform_name

from tests.documents import every_text, page
from tests.infra.template.stacks import stack

TEXT = every_text()
GLOBAL = {"query", "output", "region", "profile", "cli-binary-format", "endpoint-url"}
SERVICES = {"deploy": "codedeploy"}  # what the command line calls otherwise
CLIENT_SIDE = {  # what the command line does by itself
    ("logs", "tail"): {"since", "follow", "filter-pattern", "format"},
    ("cloudformation", "deploy"): {"template-file", "stack-name", "capabilities", "parameter-overrides"},
}
_END = r"(?=\)\"|`|$|;| \| )"
AWS = sorted(set(re.findall(rf"\baws ([a-z]+) ([a-z-]+)(.*?){_END}", TEXT.replace("\n--", " --"), re.MULTILINE)))


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


def test_there_are_commands_to_look_at() -> None:
    assert len(AWS) > 15


def test_every_alarm_is_in_the_runbook() -> None:
    runbook = page("runbook")
    for name in stack().named("AWS::CloudWatch::Alarm"):
        assert f"`{name}`" in runbook, name


def test_every_output_that_is_read_exists() -> None:
    read = set(re.findall(r"\$\(out (\w+)\)", TEXT))
    assert read and read <= stack(AlarmEmail="a@b.c").outputs.keys()


def test_the_bill_is_what_the_command_printed() -> None:
    # The arithmetic of one row, by hand: 512 MB, one millisecond, a million times.
    assert re.search(r"^student, p50 +512 +0\.69 +1 +0\.0083 ", TEXT, re.MULTILINE)
    assert round(1e6 * 0.001 * 0.5 * 0.0000166667, 4) == 0.0083
