"""A new version on its way to its callers: the replay before it, run as it stands in the template, and the canary."""

from __future__ import annotations

import io
import json
import re
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from handler.api import routes
from handler.api.service import Service, without_model
from handler.api.telemetry import Telemetry, make_logger, make_metrics
from handler.model.predictor import Predictor
from tests import bundles
from tests.documents import every_text
from tests.infra.template.stacks import EVERY_KIND, IMAGE, KINDS, TEMPLATE, Stack, stack, translated

VERSION = "arn:aws:lambda:eu-west-1:123456789012:function:limbeck:7"
EVENT = {"DeploymentId": "d-ABCDEF", "LifecycleEventHookExecutionId": "execution"}
MOST_INLINE = 4096  # characters that Lambda takes in line
MOST_TEMPLATE = 1_000_000  # bytes that CloudFormation takes from a bucket


def watched(made: Stack) -> set[str]:
    """The alarms that stop a deployment."""
    group = made.only("AWS::CodeDeploy::DeploymentGroup")
    return {it["Name"]["Ref"] for it in group["AlarmConfiguration"]["Alarms"]}


@dataclass
class Aws:
    """Lambda and CodeDeploy, as far as the replay asks them."""

    function: Callable[[Any], Any]
    error: str | None = None
    asked: list[str] = field(default_factory=list)
    told: list[dict[str, str]] = field(default_factory=list)

    def client(self, service: str) -> Aws:
        assert service in ("lambda", "codedeploy")
        return self

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        self.asked.append(FunctionName)
        answer = {"Payload": io.BytesIO(json.dumps(self.function(json.loads(Payload))).encode())}
        return answer | ({"FunctionError": self.error} if self.error else {})

    def put_lifecycle_event_hook_execution_status(self, **told: str) -> None:
        self.told.append(told)


@pytest.fixture
def replay(monkeypatch: pytest.MonkeyPatch) -> Callable[[Aws], str]:
    """Runs the code of ReplayFunction; gives the status that CodeDeploy was told."""
    code = stack().named("AWS::Lambda::Function")["ReplayFunction"]["Code"]["ZipFile"]

    def run(aws: Aws) -> str:
        module = types.ModuleType("boto3")
        module.client = aws.client  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "boto3", module)
        monkeypatch.setenv("NEW_VERSION", VERSION)
        names: dict[str, Any] = {}
        exec(compile(code, "ReplayFunction", "exec"), names)
        try:
            names["handler"](EVENT, None)
        except Exception as error:  # Lambda would log it
            names["raised"] = error
        (told,) = aws.told
        assert (told["deploymentId"], told["lifecycleEventHookExecutionId"]) == ("d-ABCDEF", "execution")
        return str(told["status"])

    return run


def function(folder: Path) -> Callable[[Any], Any]:
    """The handler around a bundle, as Lambda's Invoke reaches it."""
    predictor = Predictor.load(folder)
    telemetry = Telemetry(make_logger(), make_metrics())
    golden = routes.golden(predictor, folder)
    service = Service(routes.of_model(predictor, b"{}"), telemetry, golden=golden)
    return lambda event: service.handle(event, None)


def test_a_version_that_answers_as_it_was_sealed_gets_callers(replay: Callable[[Aws], str], tmp_path: Path) -> None:
    bundles.text_bundle(tmp_path)
    aws = Aws(function(tmp_path))
    assert replay(aws) == "Succeeded"
    assert aws.asked == [VERSION]


def test_a_version_that_answers_one_golden_input_otherwise_gets_none(
    replay: Callable[[Aws], str], tmp_path: Path
) -> None:
    bundles.text_bundle(tmp_path)
    spoilt = function(tmp_path)
    golden = tmp_path / "golden.jsonl"
    row = json.loads(golden.read_text()) | {"input": "bad"}
    golden.write_text(golden.read_text() + json.dumps(row) + "\n")
    assert replay(Aws(spoilt)) == "Failed"


@pytest.mark.parametrize(
    "answer", [{"replayed": 0, "wrong": 0}, {"replayed": 3}, {"wrong": 0}, {"status": 503}, {}, [], None, "fine"]
)
def test_any_other_answer_is_a_failure(replay: Callable[[Aws], str], answer: object) -> None:
    assert replay(Aws(lambda _: answer)) == "Failed"


def test_a_version_that_crashes_gets_no_callers(replay: Callable[[Aws], str]) -> None:
    assert replay(Aws(lambda _: {"replayed": 3, "wrong": 0, "errorMessage": "killed"}, error="Unhandled")) == "Failed"


def test_a_version_whose_bundle_was_refused_gets_no_callers(replay: Callable[[Aws], str]) -> None:
    refused = without_model(Telemetry(make_logger(), make_metrics()))
    assert replay(Aws(lambda event: refused.handle(event, None))) == "Failed"


def test_a_version_that_cannot_be_asked_gets_no_callers(replay: Callable[[Aws], str]) -> None:
    def denied(_: object) -> None:
        raise PermissionError("AccessDeniedException")

    assert replay(Aws(denied)) == "Failed"


def test_an_older_handler_that_knows_no_replay_gets_no_callers(replay: Callable[[Aws], str]) -> None:
    assert replay(Aws(lambda _: {"type": "urn:limbeck:problem:unknown-event", "status": 400})) == "Failed"


def test_the_replay_logs_counts_and_no_content(
    replay: Callable[[Aws], str], capsys: pytest.CaptureFixture[str]
) -> None:
    replay(Aws(lambda _: {"replayed": 1, "wrong": 1, "lines": [1], "errorMessage": "zqsecret", "predictions": "zq"}))
    line = json.loads(capsys.readouterr().out)
    assert line == {
        "version": VERSION,
        "error": None,
        "replayed": 1,
        "wrong": 1,
        "lines": [1],
        "model": None,
        "status": None,
    }


def test_the_replays_code_fits_in_line() -> None:
    code = stack().named("AWS::Lambda::Function")["ReplayFunction"]["Code"]
    assert code.keys() == {"ZipFile"}  # in CloudFormation's eyes; SAM's see a bucket, and let it be
    assert len(code["ZipFile"]) <= MOST_INLINE


def test_sams_local_commands_leave_the_replay_alone() -> None:
    # They cannot run code in line, and `sam local start-api --warm-containers EAGER` would end over it.
    assert "S3Bucket" in translated()["Resources"]["ReplayFunction"]["Properties"]["Code"]


@pytest.mark.parametrize("way", ["AllAtOnce", "Canary10Percent5Minutes", "Linear10PercentEvery10Minutes"])
def test_callers_are_shifted_as_the_parameter_says(way: str) -> None:
    group = stack(Deployment=way).only("AWS::CodeDeploy::DeploymentGroup")
    assert group["DeploymentConfigName"] == f"CodeDeployDefault.Lambda{way}"


def test_a_new_stack_has_a_canary() -> None:
    assert stack().outputs["DeploymentConfig"]["Value"] == "CodeDeployDefault.LambdaCanary10Percent5Minutes"


GUARDED = pytest.mark.parametrize("kind", [kind for kind in KINDS if "RolledBackTo" not in KINDS[kind]])


def update_of(alias: dict[str, Any]) -> dict[str, Any]:
    return dict(alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"])


@GUARDED
def test_codedeploy_moves_the_alias_after_the_replay_and_back_on_a_failure_or_an_alarm(kind: str) -> None:
    made = stack(**KINDS[kind])
    update = update_of(made.live)
    ((name, group),) = made.named("AWS::CodeDeploy::DeploymentGroup").items()
    ((application, _),) = made.named("AWS::CodeDeploy::Application").items()
    assert update["DeploymentGroupName"] == {"Ref": name}
    assert update["ApplicationName"] == group["ApplicationName"] == {"Ref": application}
    assert update["BeforeAllowTrafficHook"] == {"Ref": "ReplayFunction"}
    back = group["AutoRollbackConfiguration"]
    assert back["Enabled"] is True
    assert set(back["Events"]) == {"DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"}
    assert group["AlarmConfiguration"]["Enabled"] is True
    assert (
        {"NewVersionCrashAlarm", "NewVersionSlowAlarm"} <= watched(made) <= made.named("AWS::CloudWatch::Alarm").keys()
    )


@GUARDED
def test_what_a_deployment_asks_is_about_the_new_version_before_the_alias_moves(kind: str) -> None:
    made = stack(**KINDS[kind])
    (version,) = (name for name, it in made.resources.items() if it["Type"] == "AWS::Lambda::Version")
    new = {"Fn::GetAtt": [version, "Version"]}
    assert made.live["Properties"]["FunctionVersion"] == new
    update = update_of(made.live)
    # A reference in the policy is waited for, as one in a property is; what is not referred to is named.
    waited_for = {*made.live["DependsOn"], *(it["Ref"] for it in update.values())}
    every = made.named("AWS::CloudWatch::Alarm")
    of_the_version = {
        name for name in every if any(it.get("Name") == "ExecutedVersion" for it in every[name].get("Dimensions", []))
    }
    assert of_the_version == {"NewVersionCrashAlarm", "NewVersionSlowAlarm"} <= waited_for & watched(made)
    for name in of_the_version:
        assert {"Name": "ExecutedVersion", "Value": new} in every[name]["Dimensions"]
    assert {"ReplayFunction", "ReplayPolicy", "PredictFunctionDeploymentGroup"} <= waited_for
    replay = made.named("AWS::Lambda::Function")["ReplayFunction"]
    assert replay["Environment"]["Variables"]["NEW_VERSION"] == {"Ref": version}


def test_nothing_can_veto_the_image_that_was_gone_back_to() -> None:
    made = stack(Image=IMAGE, RolledBackTo=IMAGE)
    assert made.live["UpdatePolicy"] == {}  # CloudFormation moves the alias by itself
    assert made.only("AWS::CodeDeploy::DeploymentGroup")["AlarmConfiguration"]["Enabled"] is False


def test_any_other_image_than_the_one_that_was_gone_back_to_is_guarded() -> None:
    other = IMAGE.replace("0123", "9123")
    made = stack(Image=other, RolledBackTo=IMAGE)
    assert update_of(made.live)["BeforeAllowTrafficHook"] == {"Ref": "ReplayFunction"}
    assert made.only("AWS::CodeDeploy::DeploymentGroup")["AlarmConfiguration"]["Enabled"] is True
    assert update_of(stack().live)  # nothing was gone back to, and no image is named: not the same thing


@pytest.mark.parametrize("kind", ["default", "pinned"])
def test_another_image_alone_publishes_a_version(kind: str) -> None:
    def version(**changed: str) -> str:
        made = stack(**{**KINDS[kind], **changed})
        return next(name for name, it in made.resources.items() if it["Type"] == "AWS::Lambda::Version")

    images = [IMAGE.replace("0123", digits) for digits in ("0123", "1123", "2123")]
    assert len({version(Image=image) for image in images}) == len(images)
    assert version(Image=IMAGE) == version(Image=IMAGE, RolledBackTo=IMAGE)  # the guards alone do not


def test_callers_come_by_one_alias_and_nobody_by_the_one_that_sam_makes() -> None:
    made = stack(**KINDS["signed"])
    (other,) = (name for name, it in made.named("AWS::Lambda::Alias").items() if it["Name"] != "live")
    rest = {name: it for name, it in made.resources.items() if name != other}
    assert other not in json.dumps([rest, made.outputs]) and ":newest" not in json.dumps(rest)


@EVERY_KIND
def test_the_roles_of_codedeploy_and_of_the_replay_may_do_what_they_do(kind: str) -> None:
    made = stack(**KINDS[kind])
    group = made.only("AWS::CodeDeploy::DeploymentGroup")
    assert group["ServiceRoleArn"] == {"Fn::GetAtt": ["DeployRole", "Arn"]}
    assert {"Fn::GetAtt": ["PredictFunction", "Arn"]} in made.allowed("DeployRole", "lambda:UpdateAlias")
    assert made.allowed("DeployRole", "lambda:InvokeFunction") == [{"Fn::GetAtt": ["ReplayFunction", "Arn"]}]
    assert made.allowed("DeployRole", "cloudwatch:DescribeAlarms")
    replay = made.named("AWS::Lambda::Function")["ReplayFunction"]
    assert replay["Role"] == {"Fn::GetAtt": ["ReplayRole", "Arn"]}
    assert made.only("AWS::IAM::Policy")["Roles"] == [{"Ref": "ReplayRole"}]
    assert made.allowed("ReplayPolicy", "lambda:InvokeFunction") == ["${PredictFunction.Arn}:*"]
    (deployments,) = made.allowed("ReplayPolicy", "codedeploy:PutLifecycleEventHookExecutionStatus")
    assert deployments.endswith(":${ServerlessDeploymentApplication}/*")


def test_a_version_outlives_the_stacks_next_one() -> None:
    (published,) = (it for it in stack().resources.values() if it["Type"] == "AWS::Lambda::Version")
    assert published["DeletionPolicy"] == "Retain"  # a rollback needs it


def test_no_alarm_that_takes_an_hour_stops_a_deployment() -> None:
    every = stack().named("AWS::CloudWatch::Alarm")
    assert all(every[name]["Period"] * every[name]["EvaluationPeriods"] <= 300 for name in watched(stack()))


def test_the_documents_deploy_a_template_of_this_size_through_a_bucket() -> None:
    """In a request, CloudFormation takes 51,200 bytes; `sam deploy` has a bucket when guided or told to resolve one."""
    assert TEMPLATE.stat().st_size <= MOST_TEMPLATE / 2  # SAM makes it longer
    deploys = re.findall(r"^.*bin/sam deploy.*$", every_text(), re.M)
    assert deploys and all("--guided" in line or "--resolve-s3" in line for line in deploys)
