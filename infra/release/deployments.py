"""The deployments that CodeDeploy makes of the function's alias, those of `sam deploy` and `release` alike.

They are the memory, too: each tells which version callers were taken from and which they were given.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from infra.aws.clients import CloudWatchClient, CodeDeployClient, passing, requesting

_UNDER_WAY = {"Created", "Queued", "InProgress", "Baking", "Ready"}
_BY_ITSELF = {"codeDeployRollback", "CloudFormationRollback"}
_AT_ONCE = 25  # deployments that BatchGetDeployments takes


@dataclass(frozen=True)
class Deployment:
    """One deployment as it was read."""

    id: str
    status: str  # CodeDeploy's own, such as InProgress
    at: datetime
    old: str  # the version that callers are taken from
    new: str  # the version that they are given
    share: float  # of callers that `new` has, 0..1
    phase: str  # the lifecycle event that is under way or failed
    code: str  # why it ended otherwise, such as ALARM_ACTIVE; empty while it did not
    why: str  # the same in words

    @property
    def under_way(self) -> bool:
        """Whether it is not over."""
        return self.status in _UNDER_WAY

    @property
    def goes_back(self) -> bool:
        """Whether it is a rollback's: a stack's own deployments only go to versions that are newer."""
        return int(self.new) < int(self.old)


class Deployments:
    """The deployments of one group."""

    def __init__(self, client: CodeDeployClient, alarms: CloudWatchClient, application: str, group: str) -> None:
        """No request is sent yet."""
        self._client, self._alarms = client, alarms
        self._of = {"applicationName": application, "deploymentGroupName": group}

    def every(self) -> Iterator[Deployment]:
        """All of them, the newest first. What CodeDeploy did by itself to undo one belongs to that one."""
        with requesting("list the deployments"):
            pages = self._client.get_paginator("list_deployments").paginate(**self._of)
            ids = [name for page in pages for name in page["deployments"]]
            found: list[Any] = []
            for start in range(0, len(ids), _AT_ONCE):
                found += self._client.batch_get_deployments(deploymentIds=ids[start : start + _AT_ONCE])[
                    "deploymentsInfo"
                ]
        for raw in sorted(found, key=lambda it: it["createTime"], reverse=True):
            by_itself = raw.get("creator") in _BY_ITSELF or raw.get("rollbackInfo", {}).get(
                "rollbackTriggeringDeploymentId"
            )
            deployment = None if by_itself else self._read(raw)
            if deployment:
                yield deployment

    def until_moved(self) -> Iterator[Deployment]:
        """The newest, and those before it up to one that succeeded."""
        for deployment in self.every():
            yield deployment
            if deployment.status == "Succeeded":
                return

    def stop(self, deployment: Deployment) -> None:
        """End it, and have CodeDeploy give all callers back to the old version, unless it is over already."""
        with requesting(f"stop the deployment {deployment.id}"), passing("DeploymentAlreadyCompletedException"):
            self._client.stop_deployment(deploymentId=deployment.id, autoRollbackEnabled=True)

    def go_back(self, function: str, alias: str, old: str, new: str) -> str:
        """Give all callers of the alias another version at once: no hook, no alarm, and no way back by itself."""
        content = json.dumps(
            {
                "version": 0.0,
                "Resources": [
                    {
                        function: {
                            "Type": "AWS::Lambda::Function",
                            "Properties": {
                                "Name": function,
                                "Alias": alias,
                                "CurrentVersion": old,
                                "TargetVersion": new,
                            },
                        }
                    }
                ],
            }
        )
        advice = {"DeploymentLimitExceededException": "another deployment has begun. Run the same command again"}
        with requesting(f"give callers of {alias} version {new}", advice):
            made: str = self._client.create_deployment(
                **self._of,
                deploymentConfigName="CodeDeployDefault.LambdaAllAtOnce",
                description=f"rollback from version {old} to {new}",
                revision={
                    "revisionType": "AppSpecContent",
                    "appSpecContent": {"content": content, "sha256": hashlib.sha256(content.encode()).hexdigest()},
                },
                autoRollbackConfiguration={"enabled": False},
                overrideAlarmConfiguration={"enabled": False, "alarms": []},
            )["deploymentId"]
        return made

    def read(self, name: str) -> Deployment | None:
        """One deployment, by its id; None while CodeDeploy does not know yet what it is about."""
        with requesting(f"read the deployment {name}"):
            raw = self._client.get_deployment(deploymentId=name)["deploymentInfo"]
        return self._read(raw)

    def alarms(self) -> dict[str, str]:
        """The alarms that stop a deployment, by name; with CloudWatch's reason where one rings, else empty."""
        with requesting("read the alarms"):
            info = self._client.get_deployment_group(**self._of)["deploymentGroupInfo"]
            names = [it["name"] for it in info.get("alarmConfiguration", {}).get("alarms", [])]
            if not names:
                return {}
            found = self._alarms.describe_alarms(AlarmNames=names, AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        raws: Sequence[Mapping[str, Any]] = [*found.get("MetricAlarms", []), *found.get("CompositeAlarms", [])]
        return {
            raw["AlarmName"]: (raw.get("StateReason") or "no reason given") if raw.get("StateValue") == "ALARM" else ""
            for raw in sorted(raws, key=lambda it: it["AlarmName"])
        }

    def _read(self, raw: Mapping[str, Any]) -> Deployment | None:
        name = raw["deploymentId"]
        with requesting(f"read the deployment {name}"):
            targets = self._client.list_deployment_targets(deploymentId=name)["targetIds"]
            if not targets:
                return None
            [target] = self._client.batch_get_deployment_targets(deploymentId=name, targetIds=targets[:1])[
                "deploymentTargets"
            ]
        of_lambda = target["lambdaTarget"]
        versions = of_lambda["lambdaFunctionInfo"]
        events = [it for it in of_lambda.get("lifecycleEvents", []) if it["status"] in ("InProgress", "Failed")]
        error = raw.get("errorInformation", {})
        return Deployment(
            name,
            raw["status"],
            raw["createTime"],
            versions["currentVersion"],
            versions["targetVersion"],
            versions.get("targetVersionWeight", 0.0),
            events[-1]["lifecycleEventName"] if events else "",
            error.get("code", ""),
            error.get("message", ""),
        )
