"""Who may do what in a stack: every statement of its policies, and the rules they keep.

The exceptions are few, and written down here with their reasons.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from infra.template.stack import Finding, Stack

# The service authorization reference knows no resource for these two.
WITHOUT_RESOURCE = frozenset({"xray:PutTraceSegments", "xray:PutTelemetryRecords"})
# Names and states of alarms. How CodeDeploy asks for them is nowhere written; by name or for all, this allows it.
ON_ALL_OF_A_KIND = frozenset({"cloudwatch:DescribeAlarms"})
# API Gateway wants a role that may do all that this policy allows; it writes the logs of every API of an account.
MANAGED: Mapping[str, str] = MappingProxyType(
    {"GatewayWriter": "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"}
)
_POLICIES = (
    "AWS::IAM::Policy",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::RolePolicy",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::TopicPolicy",
)


@dataclass(frozen=True)
class Statement:
    """One statement of a policy that stands in the stack."""

    where: str  # the resource that holds it
    about: str  # role, key, or the type of policy
    content: Mapping[str, Any]

    @property
    def actions(self) -> list[str]:
        """What it is about."""
        return [str(it) for it in listed(self.content.get("Action", []))]

    @property
    def resources(self) -> list[Any]:
        """On what."""
        return listed(self.content.get("Resource", []))

    def allows(self, action: str, resource: Any) -> bool:  # noqa: ANN401 - a text or one of CloudFormation's functions
        """Whether it names this action and exactly this resource."""
        return self.content.get("Effect") == "Allow" and action in self.actions and resource in self.resources


def listed(it: Any) -> list[Any]:  # noqa: ANN401 - any JSON value
    """A policy's "one or many" as many."""
    return it if isinstance(it, list) else [it]


def statements(stack: Stack) -> Iterator[Statement]:
    """Every statement that gives somebody a permission: of roles, policies and keys."""
    for name, role in stack.named("AWS::IAM::Role").items():
        for policy in role.get("Policies", []):
            yield from _of(name, "role", policy["PolicyDocument"])
    for name, key in stack.named("AWS::KMS::Key").items():
        yield from _of(name, "key", key["KeyPolicy"])
    for kind in _POLICIES:
        for name, policy in stack.named(kind).items():
            yield from _of(name, kind, policy["PolicyDocument"])


def of_role(stack: Stack, role: str) -> list[Statement]:
    """Every statement that a role has, its own and those of policies that name it."""
    attached = {
        name
        for kind in _POLICIES
        for name, policy in stack.named(kind).items()
        if {"Ref": role} in [*policy.get("Roles", []), policy.get("RoleName")]
    }
    return [it for it in statements(stack) if it.where in {role, *attached}]


def no_wildcard_action(stack: Stack) -> Iterator[Finding]:
    """An action is named in full, and never by what it is not."""
    for it in statements(stack):
        wild = [action for action in it.actions if "*" in action or "?" in action]
        if wild or "NotAction" in it.content:
            found = f"allows {', '.join(wild) or 'all but some actions (NotAction)'}"
            yield Finding(it.where, found, "name each action that is needed")


def resources_named(stack: Stack) -> Iterator[Finding]:
    """A permission says on what."""
    for it in statements(stack):
        if it.about == "key":
            continue  # a key's policy is about that key, and "*" is how it says so
        everything = "NotResource" in it.content or ("*" in it.resources and not set(it.actions) <= WITHOUT_RESOURCE)
        if everything or (any(map(_is_a_kind, it.resources)) and not set(it.actions) <= ON_ALL_OF_A_KIND):
            yield Finding(it.where, f"allows {', '.join(it.actions)} on every resource", "name it, by its ARN")
    for name, role in stack.named("AWS::IAM::Role").items():
        for managed in role.get("ManagedPolicyArns", []):
            if MANAGED.get(name) != managed:
                yield Finding(name, f"has the managed policy {managed}", "name actions and resources in a policy here")


def principals_named(stack: Stack) -> Iterator[Finding]:
    """Nobody is let in who is not named."""
    for it in statements(stack):
        if it.content.get("Principal") in ("*", {"AWS": "*"}) or "NotPrincipal" in it.content:
            yield Finding(it.where, "lets everybody in", "name the service or the account")
    for name, role in stack.named("AWS::IAM::Role").items():
        for it in role["AssumeRolePolicyDocument"]["Statement"]:
            if set(it.get("Principal", "*")) != {"Service"} or it["Action"] != "sts:AssumeRole":
                yield Finding(name, "can be taken on by something else than a service", "name one service as Principal")
    for name, permission in stack.named("AWS::Lambda::Permission").items():
        if "SourceArn" not in permission or permission.get("Principal") == "*":
            yield Finding(name, "lets any API of the service, in any account, call the function", "name its SourceArn")


def _is_a_kind(resource: object) -> bool:
    """Whether an ARN names no resource, but all of a kind: arn:aws:lambda:eu-west-1:123456789012:function:*."""
    parts = resource.split(":", 5) if isinstance(resource, str) and resource.startswith("arn:") else []
    return bool(parts) and re.fullmatch(r"\*|[a-z-]+[:/]\*", parts[-1]) is not None


def _of(where: str, about: str, document: Mapping[str, Any]) -> Iterator[Statement]:
    for content in (it for it in listed(document["Statement"]) if it.get("Effect") != "Deny"):
        yield Statement(where, about, content)
