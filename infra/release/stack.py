"""The CloudFormation stack: what it is now, and the change set that gives it other parameters.

A change set of ours keeps the stack's template, and every parameter but those that are named.
"""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from infra.aws.clients import CloudFormationClient, passing, requesting
from infra.errors import CloudError

IMAGE, ROLLED_BACK_TO = "Image", "RolledBackTo"  # parameters of template.yaml
VERSION = "AWS::Lambda::Version"
_CLEANING = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.1, 5.0


@dataclass(frozen=True)
class Stack:
    """A stack as it was read."""

    name: str
    status: str  # CloudFormation's own, such as UPDATE_COMPLETE
    updated: datetime
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]

    @property
    def image(self) -> str:
        """The image that it is to run, by its digest; empty where `sam build` wrote one into the template."""
        return self.parameters.get(IMAGE, "")

    @property
    def busy(self) -> bool:
        """Whether CloudFormation is at work on it."""
        return self.status.endswith("_IN_PROGRESS")

    @property
    def cancellable(self) -> bool:
        """Whether an update is under way that can be given up."""
        return self.status == "UPDATE_IN_PROGRESS"

    @property
    def stuck(self) -> bool:
        """Whether CloudFormation takes no change of it."""
        return not self.busy and self.status != "UPDATE_FAILED" and not self.status.endswith("COMPLETE")


@dataclass(frozen=True)
class ChangeSet:
    """What CloudFormation would do. Without changes, there is nothing that it could execute."""

    id: str
    changes: tuple[tuple[str, str, str], ...]  # Add, Modify or Remove; the name in the template; the type

    @property
    def publishes(self) -> bool:
        """Whether the function gets a new version."""
        return any((action, kind) == ("Add", VERSION) for action, _, kind in self.changes)


def pauses() -> Iterator[None]:
    """Wait ever longer between two looks at something that changes by itself."""
    pause = _FIRST_PAUSE_SECONDS
    for number in itertools.count():
        if number:
            time.sleep(pause)
            pause = min(pause * 1.3, _LONGEST_PAUSE_SECONDS)
        yield


class Stacks:
    """One stack, which may not exist."""

    def __init__(self, client: CloudFormationClient, name: str) -> None:
        """No request is sent yet."""
        self._client = client
        self.name = name

    def read(self) -> Stack | None:
        """The stack as it is now; None where there is none."""
        with requesting(f"read the stack {self.name}"), passing("ValidationError"):
            [raw] = self._client.describe_stacks(StackName=self.name)["Stacks"]
            if raw["StackStatus"] in ("REVIEW_IN_PROGRESS", "DELETE_COMPLETE"):
                return None  # a change set that would create it, and nothing else
            return Stack(
                raw["StackName"],
                raw["StackStatus"],
                raw.get("LastUpdatedTime") or raw["CreationTime"],
                {it["ParameterKey"]: it.get("ParameterValue", "") for it in raw.get("Parameters", [])},
                {it["OutputKey"]: it["OutputValue"] for it in raw.get("Outputs", [])},
            )
        return None

    def propose(self, stack: Stack, changed: Mapping[str, str]) -> ChangeSet:
        """Have CloudFormation say what these parameters would change.

        Raises:
            CloudError: it takes no such change now.
        """
        name = f"limbeck-{secrets.token_hex(6)}"
        with requesting(f"make a change set for the stack {self.name}"):
            made = self._client.create_change_set(
                StackName=self.name,
                ChangeSetName=name,
                UsePreviousTemplate=True,
                Parameters=[
                    {"ParameterKey": key, "ParameterValue": changed[key]}
                    if key in changed
                    else {"ParameterKey": key, "UsePreviousValue": True}
                    for key in stack.parameters
                ],
                Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            )["Id"]
            for _ in pauses():
                pages = list(
                    self._client.get_paginator("describe_change_set").paginate(ChangeSetName=made, StackName=self.name)
                )
                status, reason = pages[0]["Status"], pages[0].get("StatusReason", "")
                if status == "CREATE_COMPLETE":
                    break
                if status == "FAILED" and ("didn't contain changes" in reason or "No updates" in reason):
                    self.drop(ChangeSet(made, ()))
                    return ChangeSet(made, ())
                if status == "FAILED":
                    raise CloudError(f"CloudFormation makes no change set for {self.name}: {reason}")
        found = [change["ResourceChange"] for page in pages for change in page.get("Changes", [])]
        return ChangeSet(
            made,
            tuple((it["Action"], it["LogicalResourceId"], it["ResourceType"]) for it in found),
        )

    def execute(self, change_set: ChangeSet, *, keep_what_is_done: bool = False) -> None:
        """Begin the change. CloudFormation does the rest, with or without us.

        `keep_what_is_done`: where a part fails, what was done before stays. Without it, the stack goes back, and a
        version that was published meanwhile goes with it, so that the same image can be tried again.
        """
        how = {"DisableRollback": True} if keep_what_is_done else {"RetainExceptOnCreate": True}
        with requesting(f"execute the change set for {self.name}"):
            self._client.execute_change_set(ChangeSetName=change_set.id, StackName=self.name, **how)

    def drop(self, change_set: ChangeSet) -> None:
        """Delete a change set that nobody will execute."""
        with requesting(f"delete the change set for {self.name}"):
            self._client.delete_change_set(ChangeSetName=change_set.id, StackName=self.name)

    def cancel(self) -> None:
        """Give up the update that is under way, unless it ended just now."""
        with requesting(f"cancel the update of {self.name}"), passing("ValidationError"):
            self._client.cancel_update_stack(StackName=self.name)

    def why(self, since: datetime) -> str:
        """Which resource failed first since a moment, in CloudFormation's words; empty where none did."""
        failed = []
        with requesting(f"read what happened to the stack {self.name}"):
            for page in self._client.get_paginator("describe_stack_events").paginate(StackName=self.name):
                events = [it for it in page["StackEvents"] if it["Timestamp"] >= since]
                failed += [it for it in events if it.get("ResourceStatus", "").endswith("_FAILED")]
                if len(events) < len(page["StackEvents"]):
                    break
        return f"{failed[-1]['LogicalResourceId']}: {failed[-1].get('ResourceStatusReason', '')}" if failed else ""
