"""The stand-in for CodeDeploy keeps to what AWS documents: asked through boto3, so by botocore's own model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud import account, models
from tests.cloud.account import Account, client, wait_for
from tests.cloud.test_release import alias


@pytest.fixture(scope="module")
def site(moto_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """Callers are on version 2, and nothing is under way."""
    work = tmp_path_factory.mktemp("codedeploy")
    with account.account(moto_server, work / "account", minute=0) as made:
        models.honest(work / "one", 1)
        models.honest(work / "two", 2)
        assert made.first_release(work / "one").status == made.release(work / "two").status == 0
        yield made


@pytest.fixture
def deploy(site: Account) -> Callable[..., str]:
    """Begins a deployment of the group; its id."""

    def begin(old: str = "2", new: str = "1", **changes: Any) -> str:  # noqa: ANN401 - boto3's
        return str(
            client("codedeploy", site.plane.address).create_deployment(**request(site, old, new) | changes)[
                "deploymentId"
            ]
        )

    return begin


def request(site: Account, old: str, new: str) -> dict[str, Any]:
    given = {"Name": site.function, "Alias": "live", "CurrentVersion": old, "TargetVersion": new}
    spec = {"version": 0.0, "Resources": [{"f": {"Type": "AWS::Lambda::Function", "Properties": given}}]}
    return {
        "applicationName": site.stack.outputs["DeploymentApplication"],
        "deploymentGroupName": site.stack.outputs["DeploymentGroup"],
        "deploymentConfigName": "CodeDeployDefault.LambdaAllAtOnce",
        "revision": revision(json.dumps(spec)),
    }


def revision(content: str) -> dict[str, Any]:
    sha256 = hashlib.sha256(content.encode()).hexdigest()
    return {"revisionType": "AppSpecContent", "appSpecContent": {"content": content, "sha256": sha256}}


def ended(site: Account, name: str) -> dict[str, Any]:
    asked = client("codedeploy", site.plane.address)
    wait_for(
        lambda: (
            asked.get_deployment(deploymentId=name)["deploymentInfo"]["status"] in ("Succeeded", "Failed", "Stopped")
        )
    )
    return dict(asked.get_deployment(deploymentId=name)["deploymentInfo"])


SPEC = '{"version": 0.0, "Resources": [{"f": {"Type": "AWS::Lambda::Function", "Properties": %s}}]}'
WHOLE = '{"Name": "f", "Alias": "live", "CurrentVersion": "2", "TargetVersion": "1"}'


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        SPEC % "{}",
        SPEC % WHOLE.replace('"2"', "2"),
        SPEC % WHOLE.replace('"1"', '"2"'),
        SPEC % WHOLE.replace('"1"', '"$LATEST"'),
        (SPEC % WHOLE).replace("0.0", "1.0"),
        (SPEC % WHOLE).replace("AWS::Lambda::Function", "AWS::ECS::Service"),
        (SPEC % WHOLE)[:-1] + ', "Hooks": [{"BeforeInstall": "g"}]}',
    ],
)
def test_an_app_spec_that_is_none_is_rejected(site: Account, deploy: Callable[..., str], content: str) -> None:
    with pytest.raises(ClientError, match="InvalidRevisionException"):
        deploy(revision=revision(content))


def test_an_app_spec_that_is_not_what_was_hashed_is_rejected(site: Account, deploy: Callable[..., str]) -> None:
    given = request(site, "2", "1")["revision"]
    given["appSpecContent"]["sha256"] = "0" * 64
    with pytest.raises(ClientError, match="InvalidRevisionException"):
        deploy(revision=given)


def test_a_current_version_that_the_alias_does_not_have_fails(site: Account, deploy: Callable[..., str]) -> None:
    info = ended(site, deploy(old="1", new="2"))
    assert (info["status"], info["errorInformation"]["code"]) == ("Failed", "INVALID_LAMBDA_CONFIGURATION")
    assert alias(site) == ("2", {})


def test_a_start_while_an_alarm_rings_is_stopped_unless_the_alarms_are_overridden(
    site: Account, deploy: Callable[..., str]
) -> None:
    site.set_alarm("ALARM")
    info = ended(site, deploy())
    assert (info["status"], info["errorInformation"]["code"]) == ("Stopped", "ALARM_ACTIVE")
    assert alias(site) == ("2", {})
    assert ended(site, deploy(overrideAlarmConfiguration={"enabled": False, "alarms": []}))["status"] == "Succeeded"
    site.set_alarm("OK")
    assert alias(site) == ("1", {})
    assert ended(site, deploy(old="1", new="2"))["status"] == "Succeeded"


def test_a_second_deployment_of_the_group_is_rejected_and_a_stop_gives_callers_back(
    site: Account, deploy: Callable[..., str]
) -> None:
    site.plane.codedeploy.minute = 60
    first = deploy(deploymentConfigName="CodeDeployDefault.LambdaCanary10Percent5Minutes")
    wait_for(lambda: alias(site) == ("2", {"1": 0.1}))
    with pytest.raises(ClientError, match="DeploymentLimitExceededException"):
        deploy()
    asked = client("codedeploy", site.plane.address)
    asked.stop_deployment(deploymentId=first, autoRollbackEnabled=True)
    info = ended(site, first)
    assert (info["status"], info["errorInformation"]["code"]) == ("Stopped", "MANUAL_STOP")
    assert alias(site) == ("2", {})
    with pytest.raises(ClientError, match="DeploymentAlreadyCompletedException"):
        asked.stop_deployment(deploymentId=first)
    site.plane.codedeploy.minute = 0


def test_shares_are_those_of_the_configuration(site: Account, deploy: Callable[..., str]) -> None:
    seen: list[float] = []
    whole = site.plane.codedeploy._route
    site.plane.codedeploy._route = lambda it, share: (seen.append(share), whole(it, share))  # type: ignore[assignment]
    try:
        for old, new in (("2", "1"), ("1", "2")):
            ended(site, deploy(old, new, deploymentConfigName="CodeDeployDefault.LambdaLinear10PercentEvery1Minute"))
    finally:
        site.plane.codedeploy._route = whole  # type: ignore[method-assign]
    assert seen == [it / 10 for it in range(1, 11)] * 2
    with pytest.raises(ClientError, match="DeploymentConfigDoesNotExistException"):
        deploy(deploymentConfigName="CodeDeployDefault.LambdaNever")


def test_a_parameter_that_the_model_does_not_have_is_rejected(site: Account) -> None:
    with pytest.raises(ClientError, match="do not exist in the template"):
        client("cloudformation", site.plane.address).create_change_set(
            StackName=account.STACK,
            ChangeSetName="other",
            UsePreviousTemplate=True,
            Parameters=[{"ParameterKey": "Nothing", "ParameterValue": "1"}],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )


def test_a_template_that_a_request_cannot_hold_is_rejected(site: Account, tmp_path: Path) -> None:
    with pytest.raises(ClientError, match="templateBody"):
        client("cloudformation", site.plane.address).create_change_set(
            StackName=account.STACK, ChangeSetName="large", TemplateBody="#" * 51_201
        )
