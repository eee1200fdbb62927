"""Stands in for CodeDeploy's deployments of a Lambda alias, as its documentation has them.

A deployment asks its pre-traffic hook, gives the new version its shares by the deployment configuration's name,
watches alarms, and gives all callers back where a hook fails, an alarm rings or somebody stops it. Rejected, or failed
at once: an AppSpec that is none, a `CurrentVersion` that the alias does not have, a second deployment of the group, a
start while an alarm rings. A minute of AWS's is `minute` seconds here.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.cloud.protocol import Fault

Hook = Callable[[str, dict[str, str]], None]  # a function's name, and its event
_OVER = ("Succeeded", "Failed", "Stopped")
_HOOKS = ("BeforeAllowTraffic", "AllowTraffic", "AfterAllowTraffic")
_HOOK_SECONDS = 30


@dataclass
class Running:
    """One deployment."""

    id: str
    application: str
    group: str
    config: str
    revision: dict[str, Any]
    function: str
    alias: str
    current: str
    target: str
    hooks: dict[str, str]
    alarms: list[str]
    goes_back: bool
    creator: str
    description: str
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    status: str = "Created"
    code: str = ""
    message: str = ""
    share: float = 0.0
    events: dict[str, str] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)  # a hook's execution -> its status
    stop: bool | None = None  # asked to: whether to give callers back
    hurry: bool = False
    triggered: str = ""
    triggered_by: str = ""


class _EndedError(Exception):
    def __init__(self, status: str, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class CodeDeploy:
    """All deployments of one account."""

    def __init__(self, lambdas: Any, cloudwatch: Any, hook: Hook, minute: float) -> None:  # noqa: ANN401 - boto3's
        """`lambdas`, `cloudwatch`: moto's; `hook`: calls a function."""
        self._lambda, self._cloudwatch, self._hook, self.minute = lambdas, cloudwatch, hook, minute
        self.groups: dict[tuple[str, str], dict[str, Any]] = {}  # as CloudFormation has them
        self.deployments: dict[str, Running] = {}
        self.on_hook: Callable[[str], object] = lambda function: None  # a test's: which hook is called
        self._work: dict[str, Generator[None]] = {}
        self._lock = threading.RLock()

    def tick(self) -> None:
        """Let a moment pass."""
        with self._lock:
            for name, work in list(self._work.items()):
                if next(work, "over") == "over":
                    del self._work[name]

    def hurry(self) -> None:
        """A test's: from now on no share is kept for any time."""
        self.minute = 0
        for it in self.deployments.values():
            it.hurry = True

    # ------------------------------------------------------------------ what AWS answers
    def create_deployment(  # noqa: D102
        self,
        *,
        applicationName: str,
        deploymentGroupName: str,
        revision: dict[str, Any],
        deploymentConfigName: str = "",
        description: str = "",
        autoRollbackConfiguration: Mapping[str, Any] | None = None,
        overrideAlarmConfiguration: Mapping[str, Any] | None = None,
    ) -> dict[str, str]:
        with self._lock:
            properties = self._group(applicationName, deploymentGroupName)
            if any(it.status not in _OVER and it.group == deploymentGroupName for it in self.deployments.values()):
                raise Fault(
                    "DeploymentLimitExceededException",
                    f"The Deployment Group '{deploymentGroupName}' already has an active Deployment",
                )
            function, alias, current, target, hooks = _app_spec(revision)
            _steps(deploymentConfigName or properties["DeploymentConfigName"])
            watched = properties.get("AlarmConfiguration", {})
            if overrideAlarmConfiguration is not None:
                watched = {
                    "Enabled": overrideAlarmConfiguration.get("enabled"),
                    "Alarms": [{"Name": it["name"]} for it in overrideAlarmConfiguration.get("alarms", [])],
                }
            back = properties.get("AutoRollbackConfiguration", {}).get("Enabled", False)
            if autoRollbackConfiguration is not None:
                back = autoRollbackConfiguration.get("enabled", False)
            made = Running(
                f"d-{secrets.token_hex(5)[:9].upper()}",
                applicationName,
                deploymentGroupName,
                deploymentConfigName or properties["DeploymentConfigName"],
                revision,
                function,
                alias,
                current,
                target,
                hooks,
                [it["Name"] for it in watched.get("Alarms", [])] if watched.get("Enabled") else [],
                back,
                "user",
                description,
            )
            self.deployments[made.id] = made
            self._work[made.id] = self._run(made)
            return {"deploymentId": made.id}

    def stop_deployment(self, *, deploymentId: str, autoRollbackEnabled: bool | None = None) -> dict[str, str]:  # noqa: D102
        with self._lock:
            found = self._found(deploymentId)
            if found.status in _OVER:
                raise Fault("DeploymentAlreadyCompletedException", f"{deploymentId} is {found.status}")
            found.stop = found.goes_back if autoRollbackEnabled is None else autoRollbackEnabled
            return {"status": "Pending", "statusMessage": "Stopping the deployment"}

    def get_deployment(self, *, deploymentId: str) -> dict[str, Any]:  # noqa: D102
        return {"deploymentInfo": _info(self._found(deploymentId))}

    def batch_get_deployments(self, *, deploymentIds: list[str]) -> dict[str, Any]:  # noqa: D102
        return {"deploymentsInfo": [_info(self._found(it)) for it in deploymentIds]}

    def list_deployments(self, *, applicationName: str, deploymentGroupName: str, **_: object) -> dict[str, Any]:  # noqa: D102
        self._group(applicationName, deploymentGroupName)
        ids = [it.id for it in self.deployments.values() if it.group == deploymentGroupName]
        return {"deployments": sorted(ids)}  # AWS promises no order

    def list_deployment_targets(self, *, deploymentId: str, **_: object) -> dict[str, Any]:  # noqa: D102
        found = self._found(deploymentId)
        return {"targetIds": [] if found.status == "Created" else [f"{found.function}:{found.alias}"]}

    def batch_get_deployment_targets(self, *, deploymentId: str, targetIds: list[str]) -> dict[str, Any]:  # noqa: D102
        found = self._found(deploymentId)
        if targetIds != [f"{found.function}:{found.alias}"]:
            raise Fault("DeploymentTargetDoesNotExistException", targetIds[0])
        of_lambda = {
            "deploymentId": found.id,
            "targetId": targetIds[0],
            "status": {"Stopped": "Failed"}.get(found.status, found.status),
            "lifecycleEvents": [{"lifecycleEventName": it, "status": how} for it, how in found.events.items()],
            "lambdaFunctionInfo": {
                "functionName": found.function,
                "functionAlias": found.alias,
                "currentVersion": found.current,
                "targetVersion": found.target,
                "targetVersionWeight": found.share,
            },
        }
        return {"deploymentTargets": [{"deploymentTargetType": "LambdaTarget", "lambdaTarget": of_lambda}]}

    def get_deployment_group(self, *, applicationName: str, deploymentGroupName: str) -> dict[str, Any]:  # noqa: D102
        held = self._group(applicationName, deploymentGroupName)
        watched = held.get("AlarmConfiguration", {})
        return {
            "deploymentGroupInfo": {
                "applicationName": applicationName,
                "deploymentGroupName": deploymentGroupName,
                "deploymentConfigName": held["DeploymentConfigName"],
                "computePlatform": "Lambda",
                "alarmConfiguration": {
                    "enabled": watched.get("Enabled", False),
                    "alarms": [{"name": it["Name"]} for it in watched.get("Alarms", [])],
                },
            }
        }

    def put_lifecycle_event_hook_execution_status(  # noqa: D102
        self, *, deploymentId: str, lifecycleEventHookExecutionId: str, status: str
    ) -> dict[str, str]:
        found = self._found(deploymentId)
        if lifecycleEventHookExecutionId not in found.told:
            raise Fault("InvalidLifecycleEventHookExecutionIdException", lifecycleEventHookExecutionId)
        found.told[lifecycleEventHookExecutionId] = status
        return {"lifecycleEventHookExecutionId": lifecycleEventHookExecutionId}

    # ------------------------------------------------------------------ what it does
    def _run(self, it: Running) -> Iterator[None]:
        yield
        it.status = "InProgress"
        try:
            self._demand_alias(it)
            self._demand_quiet(it)
            for event in _HOOKS:
                it.events[event] = "InProgress"
                if event == "AllowTraffic":
                    yield from self._shift(it)
                elif event in it.hooks:
                    yield from self._ask(it, it.hooks[event])
                it.events[event] = "Succeeded"
            it.status = "Succeeded"
        except _EndedError as end:
            it.events = {name: "Failed" if how == "InProgress" else how for name, how in it.events.items()}
            back = it.stop if it.stop is not None else it.goes_back
            if end.code != "INVALID_LAMBDA_CONFIGURATION" and back:
                self._go_back(it)
            it.status, it.code, it.message = end.status, end.code, end.message

    def _demand_alias(self, it: Running) -> None:
        alias = self._lambda.get_alias(FunctionName=it.function, Name=it.alias)
        if alias["FunctionVersion"] != it.current or _weights(alias):
            said = f"The alias {it.alias} has version {alias['FunctionVersion']}, not CurrentVersion {it.current}"
            raise _EndedError("Failed", "INVALID_LAMBDA_CONFIGURATION", said)
        numbers = self._lambda.list_versions_by_function(FunctionName=it.function)["Versions"]
        if it.target not in [one["Version"] for one in numbers]:
            raise _EndedError("Failed", "INVALID_LAMBDA_FUNCTION", f"There is no version {it.target}")

    def _demand_quiet(self, it: Running) -> None:
        if it.stop is not None:
            raise _EndedError("Stopped", "MANUAL_STOP", "The deployment was stopped by somebody")
        if not it.alarms:
            return
        found = self._cloudwatch.describe_alarms(AlarmNames=it.alarms)["MetricAlarms"]
        if any(alarm["StateValue"] == "ALARM" for alarm in found):
            raise _EndedError("Stopped", "ALARM_ACTIVE", "One or more alarms have been activated")

    def _ask(self, it: Running, function: str) -> Iterator[None]:
        execution = secrets.token_hex(8)
        it.told[execution] = ""
        self.on_hook(function)
        event = {"DeploymentId": it.id, "LifecycleEventHookExecutionId": execution}
        threading.Thread(target=self._hook, args=(function, event), daemon=True).start()
        deadline = time.monotonic() + _HOOK_SECONDS
        while not it.told[execution]:
            self._demand_quiet(it)
            if time.monotonic() > deadline:
                raise _EndedError("Failed", "HOOK_EXECUTION_FAILURE", "A lifecycle event hook timed out")
            yield
        if it.told[execution] != "Succeeded":
            raise _EndedError("Failed", "HOOK_EXECUTION_FAILURE", "A BeforeAllowTraffic lifecycle event hook failed")

    def _shift(self, it: Running) -> Iterator[None]:
        for share, minutes in _steps(it.config):
            self._route(it, share)
            until = time.monotonic() + minutes * self.minute
            while time.monotonic() < until and not it.hurry:
                self._demand_quiet(it)
                yield
        self._demand_quiet(it)
        self._route(it, 1.0)

    def _route(self, it: Running, share: float) -> None:
        it.share = share
        self._lambda.update_alias(
            FunctionName=it.function,
            Name=it.alias,
            FunctionVersion=it.target if share == 1 else it.current,
            RoutingConfig={"AdditionalVersionWeights": {} if share in (0, 1) else {it.target: share}},
        )

    def _go_back(self, it: Running) -> None:
        """What CodeDeploy does is a deployment of its own."""
        self._route(it, 0)
        back = Running(
            f"d-{secrets.token_hex(5)[:9].upper()}",
            it.application,
            it.group,
            "CodeDeployDefault.LambdaAllAtOnce",
            it.revision,
            it.function,
            it.alias,
            it.target,
            it.current,
            {},
            [],
            False,
            "codeDeployRollback",
            "",
            status="Succeeded",
            share=1.0,
            triggered_by=it.id,
        )
        it.triggered = back.id
        self.deployments[back.id] = back

    def _group(self, application: str, group: str) -> dict[str, Any]:
        if (application, group) not in self.groups:
            raise Fault("DeploymentGroupDoesNotExistException", f"No Deployment Group found for name: {group}")
        return self.groups[application, group]

    def _found(self, name: str) -> Running:
        if name not in self.deployments:
            raise Fault("DeploymentDoesNotExistException", f"The deployment {name} could not be found")
        return self.deployments[name]


def _weights(alias: Mapping[str, Any]) -> dict[str, float]:
    return dict((alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {})


def _steps(config: str) -> list[tuple[float, float]]:
    """The shares before the whole, and the minutes of each."""
    name = config.removeprefix("CodeDeployDefault.Lambda")
    if found := re.fullmatch(r"Canary(\d+)Percent(\d+)Minutes", name):
        return [(int(found[1]) / 100, int(found[2]))]
    if found := re.fullmatch(r"Linear(\d+)PercentEvery(\d+)Minutes?", name):
        return [(share / 100, int(found[2])) for share in range(int(found[1]), 100, int(found[1]))]
    if name != "AllAtOnce":
        raise Fault("DeploymentConfigDoesNotExistException", f"No Deployment Configuration found for name: {config}")
    return []


def _app_spec(revision: Mapping[str, Any]) -> tuple[str, str, str, str, dict[str, str]]:
    """What an AppSpec says, where it is one."""
    held = revision.get("appSpecContent") or revision.get("string") or {}
    content = held.get("content", "")
    try:
        if (
            held.get("sha256", hashlib.sha256(content.encode()).hexdigest())
            != hashlib.sha256(content.encode()).hexdigest()
        ):
            raise ValueError("sha256 is another")
        spec = json.loads(content)
        if spec["version"] != 0.0 or spec.keys() - {"version", "Resources", "Hooks"}:
            raise ValueError("version, Resources and Hooks are wanted")
        [resource] = spec["Resources"]
        [named] = resource.values()
        given = named["Properties"]
        if named["Type"] != "AWS::Lambda::Function" or given.keys() != {
            "Name",
            "Alias",
            "CurrentVersion",
            "TargetVersion",
        }:
            raise ValueError("it is no Lambda function")
        if not all(isinstance(given[it], str) and given[it].isdecimal() for it in ("CurrentVersion", "TargetVersion")):
            raise ValueError("versions are strings of digits")
        if given["CurrentVersion"] == given["TargetVersion"]:
            raise ValueError("TargetVersion is CurrentVersion")
        hooks = {name: function for hook in spec.get("Hooks", []) for name, function in hook.items()}
        if hooks.keys() - {"BeforeAllowTraffic", "AfterAllowTraffic"}:
            raise ValueError("Lambda has no such hook")
        return given["Name"], given["Alias"], given["CurrentVersion"], given["TargetVersion"], hooks
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Fault("InvalidRevisionException", f"The AppSpec file is not valid: {error}") from None


def app_spec(function: str, alias: str, current: str, target: str, hook: str = "") -> dict[str, Any]:
    """The revision that CloudFormation makes."""
    given = {"Name": function, "Alias": alias, "CurrentVersion": current, "TargetVersion": target}
    spec: dict[str, Any] = {
        "version": 0.0,
        "Resources": [{function: {"Type": "AWS::Lambda::Function", "Properties": given}}],
    }
    if hook:
        spec["Hooks"] = [{"BeforeAllowTraffic": hook}]
    return {"revisionType": "AppSpecContent", "appSpecContent": {"content": json.dumps(spec)}}


def _info(it: Running) -> dict[str, Any]:
    info: dict[str, Any] = {
        "applicationName": it.application,
        "deploymentGroupName": it.group,
        "deploymentConfigName": it.config,
        "deploymentId": it.id,
        "status": it.status,
        "createTime": it.at,
        "creator": it.creator,
        "description": it.description,
        "revision": it.revision,
        "computePlatform": "Lambda",
    }
    if it.code:
        info["errorInformation"] = {"code": it.code, "message": it.message}
    if it.triggered or it.triggered_by:
        links = {"rollbackDeploymentId": it.triggered, "rollbackTriggeringDeploymentId": it.triggered_by}
        info["rollbackInfo"] = {key: value for key, value in links.items() if value}
    return info
