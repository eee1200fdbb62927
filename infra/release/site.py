"""Where a release goes: the stack, its function and its deployments, read together and watched together."""

from __future__ import annotations

import itertools
import json
import time
from dataclasses import dataclass
from datetime import datetime

from infra.aws.clients import client, passing, requesting
from infra.aws.ecr import Images
from infra.console import Lines
from infra.errors import CloudError, ConfigError
from infra.image.build import bundle_of
from infra.release.deployments import Deployment, Deployments
from infra.release.function import Function, Lambda
from infra.release.stack import IMAGE, ROLLED_BACK_TO, Stack, Stacks, pauses

REPOSITORY = "limbeck"  # where neither the command line nor the stack names one
_BEGIN_SECONDS = 60
_REMEMBERED = 20  # deployments in a row that did not succeed
_OUTPUTS = ("FunctionName", "DeploymentApplication", "DeploymentGroup")


@dataclass(frozen=True)
class Seen:
    """A stack and what it stands for, as they were read at one moment."""

    stack: Stack
    function: Function
    deployment: Deployment | None  # the newest, over or not
    moved: Deployment | None  # the newest that gave all callers another version

    @property
    def under_way(self) -> Deployment | None:
        """The deployment that is not over."""
        return self.deployment if self.deployment and self.deployment.under_way else None

    @property
    def settled(self) -> bool:
        """Whether nothing moves by itself."""
        return not self.stack.busy and self.under_way is None and not self.function.shares

    @property
    def went_back(self) -> bool:
        """Whether the last move that callers made was a rollback's."""
        last, live = self.moved, self.function.live
        return bool(last and last.goes_back and self.function.version(last.new).digest == live.digest)

    @property
    def half_back(self) -> bool:
        """Whether a rollback has moved the callers, and the stack still names another image, or still has no guard."""
        behind = self.stack.image.rpartition("@")[2] != self.function.live.digest
        return self.went_back and (behind or bool(self.stack.parameters.get(ROLLED_BACK_TO)))

    def __str__(self) -> str:
        """What is under way, or came of it, in words."""
        it = self.under_way
        if it is None:
            return f"the stack is {self.stack.status}, callers are on {self.function.live}"
        where = f"{it.share:.0%} of the callers on {self.function.version(it.new)}"
        return f"deployment {it.id} is {it.status}{f' in {it.phase}' if it.phase else ''}, {where}"


class Site:
    """One stack's parts in the cloud."""

    def __init__(self, stack: Stack, images: Images, repository: str) -> None:
        """Nothing is read yet. `repository`: of the images that `release` pushes.

        Raises:
            ConfigError: the stack is not of this checkout's template.
        """
        missing = [name for name in _OUTPUTS if name not in stack.outputs]
        missing += [name for name in (IMAGE, ROLLED_BACK_TO) if name not in stack.parameters]
        if missing and not stack.busy:
            raise ConfigError(
                f"The stack {stack.name} ({stack.status}) has no {', '.join(missing)}: it was deployed from another "
                "template, or its first deployment failed. Run `sam deploy` from this checkout."
            )
        if missing:
            raise ConfigError(
                f"The stack {stack.name} is being made ({stack.status}). Wait until `sam deploy` is done."
            )
        function, application, group = (stack.outputs[name] for name in _OUTPUTS)
        self.stacks = Stacks(client("cloudformation"), stack.name)
        self.function = Lambda(client("lambda"), function)
        self.deployments = Deployments(client("codedeploy"), client("cloudwatch"), application, group)
        self._replay_log = stack.outputs.get("ReplayLogGroup", "")
        self.bundles = bundles(images, repository)  # an image's digest -> NAME/VERSION

    def see(self) -> Seen:
        """Look at it all.

        Raises:
            ConfigError: it is gone.
        """
        stack = self.stacks.read()
        if stack is None:
            raise ConfigError(f"The stack {self.stacks.name} was deleted just now.")
        last = list(itertools.islice(self.deployments.until_moved(), _REMEMBERED))
        moved = last[-1] if last and last[-1].status == "Succeeded" else None
        return Seen(stack, self.function.read(self.bundles), last[0] if last else None, moved)

    def follow(self, lines: Lines, begun: Seen | None = None) -> Seen:
        """Show how what is under way goes on, to its end. Nobody needs to look: it goes on by itself.

        `begun`: what was seen before a change was begun, which may take a moment to show.

        Raises:
            CloudError: it does not show.
        """
        said, patience = "", time.monotonic() + _BEGIN_SECONDS
        for _ in pauses():
            seen = self.see()
            if begun and seen.stack.updated <= begun.stack.updated and not seen.stack.busy:
                if time.monotonic() > patience:
                    raise CloudError(
                        f"CloudFormation does not begin to change {seen.stack.name}. Run the same command again."
                    )
            elif seen.settled:
                return seen
            if str(seen) != said:
                said = str(seen)
                lines.progress(said)
        raise AssertionError

    def replayed(self, since: datetime) -> str:
        """What the last replay of golden inputs since a moment gave: counts and lines, as its log has them."""
        group = self._replay_log
        with requesting(f"read the log of the replay, {group}"), passing("ResourceNotFoundException"):
            found = client("logs").filter_log_events(
                logGroupName=group, startTime=int(since.timestamp() * 1000), filterPattern='"replayed"'
            )["events"]
            try:
                told = json.loads(found[-1]["message"])
                lines = ", ".join(map(str, told["lines"]))
                return f"{int(told['wrong'])} of {int(told['replayed'])} golden inputs, golden.jsonl line {lines}"
            except IndexError:
                return ""
            except (ValueError, KeyError, TypeError):
                return "the version gave no answer to its replay"
        return ""


def repository_of(named: str, stack: Stack | None) -> str:
    """The repository that is named, else the one of the stack's image, else the usual one."""
    of_image = stack.image.partition("/")[2].partition("@")[0] if stack else ""
    return named or of_image or REPOSITORY


def bundles(images: Images, repository: str) -> dict[str, str]:
    """NAME/VERSION of every image that `release` pushed, by its digest."""
    found = {
        digest: next((it for it in map(bundle_of, tags) if it), "") for digest, tags in images.tags(repository).items()
    }
    return {digest: bundle for digest, bundle in found.items() if bundle}


def deploying(stack: str, **parameters: str) -> str:
    """The command that gives a stack this checkout's template with these parameters, an Image among them."""
    told = " ".join(f"{name}={value}" for name, value in parameters.items())
    return (
        f"sam deploy --template-file template.yaml --stack-name {stack} --resolve-s3 --capabilities CAPABILITY_IAM "
        f"CAPABILITY_AUTO_EXPAND --image-repository {parameters[IMAGE].partition('@')[0]} --parameter-overrides {told}"
    )
