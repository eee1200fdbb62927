"""The checkout's template as the stacks that it makes, as CloudFormation would have them; AWS is not called.

Translated by SAM, each set of parameters once, then with parameters put in and conditions decided.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

import pytest

from infra.image.staging import ROOT
from infra.template.lint import translate

TEMPLATE = ROOT / "template.yaml"
IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/limbeck@sha256:" + "0123456789abcdef" * 4
# The kinds of stack that the parameters can make: every condition holds in one of them, and in another does not.
KINDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "default": {},
        "signed": {"Auth": "Iam", "FunctionUrl": "true", "CorsOrigin": "https://app.example.org"},
        "page": {"WebPage": "true", "FunctionUrl": "true"},
        "mailed": {
            "AlarmEmail": "on-call@example.org",
            "AlarmTopicArn": "arn:aws:sns:eu-west-1:123456789012:on-call",
            "LogKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000",
        },
        "ahead": {
            "ProvisionedConcurrency": "2",
            "ReservedConcurrency": "5",
            "Deployment": "Linear10PercentEvery1Minute",
        },
        "pinned": {"Image": IMAGE, "Deployment": "AllAtOnce", "GatewayLogRole": "Existing"},
        "rolled-back": {"Image": IMAGE, "RolledBackTo": IMAGE},
    }
)
EVERY_KIND = pytest.mark.parametrize("kind", KINDS)
READ_BY_SAM = ("Image",)  # the parameters that change what SAM makes, not only what CloudFormation does
_PSEUDO = {
    "AWS::StackName": "limbeck",
    "AWS::Region": "eu-west-1",
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
}
_GONE = object()  # AWS::NoValue


@dataclass(frozen=True)
class Stack:
    """What CloudFormation would make, with `Ref` and `Fn::GetAtt` of resources left in."""

    resources: dict[str, dict[str, Any]]
    outputs: dict[str, Any]

    def named(self, kind: str) -> dict[str, dict[str, Any]]:
        """The properties of every resource of one type, by its name in the template."""
        return {name: it.get("Properties", {}) for name, it in self.resources.items() if it["Type"] == kind}

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """The properties of every resource of one type."""
        return list(self.named(kind).values())

    def only(self, kind: str) -> dict[str, Any]:
        """The properties of the one resource of this type."""
        (properties,) = self.of_type(kind)
        return properties

    @property
    def live(self) -> dict[str, Any]:
        """The alias that callers come by, whole: SAM makes another one, which nobody calls."""
        (alias,) = (
            it
            for it in self.resources.values()
            if it["Type"] == "AWS::Lambda::Alias" and it["Properties"]["Name"] == "live"
        )
        return alias

    @property
    def paths(self) -> dict[str, Any]:
        """The paths of the REST API, each with its methods."""
        paths: dict[str, Any] = self.only("AWS::ApiGateway::RestApi")["Body"]["paths"]
        return paths

    @property
    def gateway_responses(self) -> dict[str, Any]:
        """What the gateway answers by itself, by the type of response."""
        body: dict[str, Any] = self.only("AWS::ApiGateway::RestApi")["Body"]
        return dict(body["x-amazon-apigateway-gateway-responses"])

    def statements(self) -> list[tuple[str, dict[str, Any]]]:
        """Every statement that allows something, of roles, policies and keys, with the resource that holds it."""
        documents = [
            (name, document)
            for name, it in self.resources.items()
            for held in (it.get("Properties", {}), *it.get("Properties", {}).get("Policies", []))
            for document in (held.get("PolicyDocument"), held.get("KeyPolicy"))
            if document
        ]
        return [(name, it) for name, document in documents for it in document["Statement"] if it["Effect"] == "Allow"]

    def allowed(self, holder: str, action: str) -> list[Any]:
        """The resources that the statements of one role or policy allow an action on."""
        found = [it["Resource"] for name, it in self.statements() if name == holder and action in listed(it["Action"])]
        return [resource for it in found for resource in listed(it)]


def listed(it: object) -> list[Any]:
    """A policy's "one or many" as many."""
    return it if isinstance(it, list) else [it]


def translated(**parameters: str) -> dict[str, Any]:
    """Plain CloudFormation, parameters and conditions still in it."""
    return _translated(json.dumps(parameters, sort_keys=True))


@cache
def _translated(parameters: str) -> dict[str, Any]:
    if not (ROOT / ".venv-sam" / "bin" / "python").exists():
        pytest.skip("the SAM CLI's environment is missing: make .venv-sam")
    return translate(TEMPLATE, parameters=json.loads(parameters))


def stack(**parameters: str | float) -> Stack:
    """The stack that these parameters give; the template's defaults for the rest."""
    given = {name: str(value) for name, value in parameters.items()}
    return decided(translated(**{name: given[name] for name in READ_BY_SAM if name in given}), given)


def decided(template: dict[str, Any], given: Mapping[str, str], pseudo: Mapping[str, str] = _PSEUDO) -> Stack:
    """A translated template with parameters put in and conditions decided."""
    assert given.keys() <= template["Parameters"].keys()
    defaults = {name: str(it["Default"]) for name, it in template["Parameters"].items()}
    deciding = _Deciding(template["Conditions"], {**defaults, **pseudo, **given})
    return Stack(deciding.kept(template["Resources"]), deciding.kept(template["Outputs"]))


@dataclass(frozen=True)
class _Deciding:
    conditions: Mapping[str, Any]
    values: Mapping[str, str]

    def kept(self, section: dict[str, Any]) -> dict[str, Any]:
        return {
            name: self.value(it)
            for name, it in section.items()
            if "Condition" not in it or self.holds({"Condition": it["Condition"]})
        }

    def holds(self, condition: dict[str, Any]) -> bool:
        ((kind, operands),) = condition.items()
        if kind == "Condition":
            return self.holds(self.conditions[operands])
        if kind == "Fn::Equals":
            return str(self.value(operands[0])) == str(self.value(operands[1]))
        held = [self.holds(operand) for operand in operands]
        return {"Fn::Not": not held[0], "Fn::Or": any(held), "Fn::And": all(held)}[kind]

    def value(self, it: object) -> Any:  # noqa: ANN401 - any JSON value
        if isinstance(it, list):
            return [value for value in map(self.value, it) if value is not _GONE]
        if not isinstance(it, dict):
            return it
        match it:
            case {"Ref": "AWS::NoValue"}:
                return _GONE
            case {"Ref": name} if name in self.values:
                return self.values[name]
            case {"Fn::If": [condition, then, otherwise]}:
                return self.value(then if self.holds({"Condition": condition}) else otherwise)
            case {"Fn::Sub": [text, more]}:
                return _put_in(text, {**self.values, **self.value(more)})
            case {"Fn::Sub": text}:
                return _put_in(text, self.values)
        made = {key: self.value(value) for key, value in it.items()}
        return {key: value for key, value in made.items() if value is not _GONE}


def _put_in(text: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\$\{([\w:]+)\}", lambda found: values.get(found[1], found[0]), text)
