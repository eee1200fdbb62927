"""`python -m infra check`: the checkout's template passes, and each rule finds what breaks it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.__main__ import main
from infra.template import check
from infra.template.check import KINDS, RULES, check_stacks
from infra.template.stack import Stack
from tests.infra.template.stacks import ROOT, TEMPLATE, stack

Resources = dict[str, dict[str, Any]]


def made(kind: str = "default") -> Stack:
    """A stack of this kind, to be spoilt."""
    return copy.deepcopy(stack(**KINDS[kind]))


def broken(spoilt: Stack) -> dict[str, list[str]]:
    """Rules that do not hold, and where."""
    every = {it.rule.name: [finding.where for finding in it.findings] for it in check_stacks({"spoilt": spoilt})}
    return {name: where for name, where in every.items() if where}


def policy(resources: Resources, role: str) -> list[dict[str, Any]]:
    """The statements that stand in a role."""
    statements: list[dict[str, Any]] = resources[role]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    return statements


def properties(resources: Resources, name: str) -> dict[str, Any]:
    return resources[name]["Properties"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("kind", KINDS)
def test_every_rule_holds_of_every_kind_of_stack(kind: str) -> None:
    assert broken(made(kind)) == {}


def test_each_condition_holds_in_one_kind_and_not_in_another() -> None:
    names = [set(made(kind).resources) | {f"output {it}" for it in made(kind).outputs} for kind in KINDS]
    conditional = set.union(*names) - set.intersection(*names)
    assert {"AlarmTopic", "AlarmKey", "PredictUrl", "PredictApiApiKey", "CallerPolicy", "GatewayWriter"} <= conditional


SPOILS: list[tuple[str, str, str, Callable[[Resources], object]]] = [
    (
        "no action is a wildcard",
        "default",
        "PredictRole",
        lambda r: policy(r, "PredictRole")[0].update(Action="logs:*"),
    ),
    (
        "no action is a wildcard",
        "default",
        "DeployRole",
        lambda r: policy(r, "DeployRole")[0].update(Action=["lambda:Get*"]),
    ),
    (
        "no action is a wildcard",
        "mailed",
        "AlarmKey",
        lambda r: properties(r, "AlarmKey")["KeyPolicy"]["Statement"][0].update(Action="kms:*"),
    ),
    (
        "every permission names its resource",
        "default",
        "PredictRole",
        lambda r: policy(r, "PredictRole")[0].update(Resource="*"),
    ),
    (
        "every permission names its resource",
        "default",
        "DeployRole",
        lambda r: policy(r, "DeployRole")[1].update(Resource="arn:aws:lambda:eu-west-1:123456789012:function:*"),
    ),
    (
        "every permission names its resource",
        "default",
        "PredictRole",
        lambda r: properties(r, "PredictRole").update(
            ManagedPolicyArns=["arn:aws:iam::aws:policy/AdministratorAccess"]
        ),
    ),
    (
        "nobody is let in who is not named",
        "default",
        "PredictRole",
        lambda r: properties(r, "PredictRole")["AssumeRolePolicyDocument"]["Statement"][0].update(
            Principal={"AWS": "*"}
        ),
    ),
    (
        "nobody is let in who is not named",
        "default",
        "PredictApiPermission",
        lambda r: properties(r, "PredictApiPermission").pop("SourceArn"),
    ),
    (
        "nobody is let in who is not named",
        "mailed",
        "AlarmTopicPolicy",
        lambda r: properties(r, "AlarmTopicPolicy")["PolicyDocument"]["Statement"][0].update(Principal="*"),
    ),
    (
        "every door asks who calls, over TLS 1.2",
        "default",
        "PredictApi",
        lambda r: properties(r, "PredictApi")["Body"]["paths"]["/"]["x-amazon-apigateway-any-method"].pop("security"),
    ),
    (
        "every door asks who calls, over TLS 1.2",
        "signed",
        "PredictUrl",
        lambda r: properties(r, "PredictUrl").update(AuthType="NONE"),
    ),
    (
        "every door asks who calls, over TLS 1.2",
        "default",
        "PredictApi",
        lambda r: properties(r, "PredictApi").pop("SecurityPolicy"),
    ),
    (
        "every caller has a limit",
        "default",
        "PredictApiv1Stage",
        lambda r: properties(r, "PredictApiv1Stage").pop("MethodSettings"),
    ),
    ("every caller has a limit", "default", "PredictApiApiKey", lambda r: r.pop("PredictApiUsagePlanKey")),
    (
        "every caller has a limit",
        "default",
        "PredictApiUsagePlan",
        lambda r: properties(r, "PredictApiUsagePlan").pop("Quota"),
    ),
    (
        "what is stored is encrypted",
        "mailed",
        "AlarmTopic",
        lambda r: properties(r, "AlarmTopic").pop("KmsMasterKeyId"),
    ),
    (
        "what is stored is encrypted",
        "mailed",
        "AlarmTopic",
        lambda r: properties(r, "AlarmTopic").update(KmsMasterKeyId="alias/aws/sns"),
    ),
    (
        "what is stored is encrypted",
        "default",
        "Inputs",
        lambda r: r.update(Inputs={"Type": "AWS::S3::Bucket", "Properties": {}}),
    ),
    ("what is stored is encrypted", "mailed", "ReplayLogs", lambda r: properties(r, "ReplayLogs").pop("KmsKeyId")),
    (
        "what is stored is encrypted",
        "mailed",
        "AlarmKey",
        lambda r: properties(r, "AlarmKey")["KeyPolicy"]["Statement"].pop(),
    ),
    (
        "logs and versions are kept as stated",
        "default",
        "AccessLogs",
        lambda r: properties(r, "AccessLogs").pop("RetentionInDays"),
    ),
    (
        "logs and versions are kept as stated",
        "default",
        "PredictFunction",
        lambda r: properties(r, "PredictFunction").pop("LoggingConfig"),
    ),
    (
        "logs and versions are kept as stated",
        "default",
        "GatewayAccount",
        lambda r: r["GatewayAccount"].pop("DeletionPolicy"),
    ),
    (
        "there is an alias, of a published version",
        "default",
        "PredictFunctionAliaslive",
        lambda r: properties(r, "PredictFunctionAliaslive").update(FunctionVersion="$LATEST"),
    ),
    (
        "API and Function URL call the alias",
        "default",
        "PredictApi",
        lambda r: properties(r, "PredictApi")["Body"]["paths"]["/"]["x-amazon-apigateway-any-method"][
            "x-amazon-apigateway-integration"
        ].update(uri="${PredictFunction.Arn}/invocations"),
    ),
    (
        "API and Function URL call the alias",
        "signed",
        "PredictUrl",
        lambda r: properties(r, "PredictUrl").pop("Qualifier"),
    ),
    (
        "the alias moves by CodeDeploy, and back by itself",
        "default",
        "PredictFunctionAliaslive",
        lambda r: r["PredictFunctionAliaslive"].pop("UpdatePolicy"),
    ),
    (
        "the alias moves by CodeDeploy, and back by itself",
        "default",
        "PredictFunctionDeploymentGroup",
        lambda r: properties(r, "PredictFunctionDeploymentGroup")["AutoRollbackConfiguration"].update(Enabled=False),
    ),
    (
        "the alias moves by CodeDeploy, and back by itself",
        "default",
        "PredictFunctionDeploymentGroup",
        lambda r: policy(r, "DeployRole").pop(0),
    ),
    (
        "golden inputs are replayed before traffic",
        "default",
        "PredictFunctionAliaslive",
        lambda r: r["PredictFunctionAliaslive"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"].pop(
            "BeforeAllowTrafficHook"
        ),
    ),
    (
        "golden inputs are replayed before traffic",
        "default",
        "ReplayFunction",
        lambda r: properties(r, "ReplayFunction")["Environment"]["Variables"].update(NEW_VERSION="1"),
    ),
    (
        "golden inputs are replayed before traffic",
        "default",
        "ReplayRole",
        lambda r: properties(r, "ReplayPolicy")["PolicyDocument"]["Statement"].pop(1),
    ),
    (
        "alarms stop a deployment",
        "default",
        "PredictFunctionDeploymentGroup",
        lambda r: properties(r, "PredictFunctionDeploymentGroup").pop("AlarmConfiguration"),
    ),
    (
        "alarms stop a deployment",
        "default",
        "PredictFunctionDeploymentGroup",
        lambda r: [properties(r, name)["Dimensions"].pop() for name in ("NewVersionCrashAlarm", "NewVersionSlowAlarm")],
    ),
    ("alarms stop a deployment", "default", "PredictFunctionDeploymentGroup", lambda r: policy(r, "DeployRole").pop()),
    (
        "alarms tell whoever is to be told",
        "mailed",
        "FaultAlarm",
        lambda r: properties(r, "FaultAlarm").pop("AlarmActions"),
    ),
    ("alarms tell whoever is to be told", "mailed", "AlarmTopic", lambda r: r.pop("AlarmTopicPolicy")),
    (
        "the image can be named by its digest",
        "default",
        "PredictFunction",
        lambda r: properties(r, "PredictFunction").update(PackageType="Zip"),
    ),
    (
        "outputs are there for scripts, and lead somewhere",
        "default",
        "FunctionLogGroup",
        lambda r: r.pop("PredictLogs"),
    ),
]


@pytest.mark.parametrize(("rule", "kind", "where", "spoil"), SPOILS, ids=[f"{it[0]}, {it[2]}" for it in SPOILS])
def test_a_rule_finds_what_breaks_it(rule: str, kind: str, where: str, spoil: Callable[[Resources], object]) -> None:
    spoilt = made(kind)
    spoil(spoilt.resources)
    assert where in broken(spoilt)[rule]


def test_every_rule_was_broken_above() -> None:
    assert {it[0] for it in SPOILS} == {rule.name for rule in RULES}


def test_an_image_by_its_tag_is_found() -> None:
    spoilt = made()
    spoilt.parameters["Image"] = {"AllowedPattern": ".*"}
    assert broken(spoilt)["the image can be named by its digest"] == ["Image"]


def test_a_stack_that_no_rule_knows_breaks_them_and_not_the_check() -> None:
    other = Stack({"Thing": {"Type": "AWS::Lambda::Alias"}}, {}, {})
    assert {"golden inputs are replayed before traffic", "the image can be named by its digest"} <= broken(other).keys()


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A copy of the template."""
    if not (ROOT / ".venv-sam").is_dir():
        pytest.skip("the SAM CLI's environment is missing: make .venv-sam")
    (tmp_path / "template.yaml").write_text(TEMPLATE.read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path / "template.yaml"


def test_the_command_says_what_was_checked(template: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(template)]) == 0
    said = capsys.readouterr().out
    for rule in check.RULES:
        assert rule.name in said
    assert "6 of 6" in said and "wrong" not in said


def test_the_command_says_what_is_wrong_where_and_what_to_do(
    template: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = template.read_text(encoding="utf-8")
    template.write_text(text.replace("Action: [logs:CreateLogStream, logs:PutLogEvents]", 'Action: "logs:*"'), "utf-8")
    assert main(["check", str(template)]) == 1
    said = capsys.readouterr()
    assert "PredictRole (default, signed, page, mailed, ahead, pinned) allows logs:*" in said.err
    assert "name each action that is needed" in said.err
    assert "0 of 6" in said.out


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        (None, 2, "There is no template"),
        ("a: [", 1, "SAM cannot translate"),
        ("Resources: {}\n", 1, "SAM cannot translate"),
        ("Resources: {Topic: {Type: AWS::SNS::Topic}}\n", 2, "has no parameter"),
    ],
)
def test_a_template_that_is_none_is_said_without_a_traceback(
    template: Path, capsys: pytest.CaptureFixture[str], text: str | None, status: int, said: str
) -> None:
    if text is None:
        template.unlink()
    else:
        template.write_text(text, encoding="utf-8")
    assert main(["check", str(template)]) == status
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
