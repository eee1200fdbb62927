"""The SAM template as a stack: translated by SAM, then with parameters put in and conditions decided."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from infra.lint import translate

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "template.yaml"
PSEUDO = {
    "AWS::StackName": "limbeck",
    "AWS::Region": "eu-west-1",
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
}
GONE = object()  # AWS::NoValue


@cache
def translated() -> dict[str, Any]:
    """Plain CloudFormation, parameters and conditions still in it."""
    if not (ROOT / ".venv-sam" / "bin" / "python").exists():
        pytest.skip("the SAM CLI's environment is missing: make .venv-sam")
    return translate(TEMPLATE)


@dataclass(frozen=True)
class Stack:
    """What CloudFormation would make, with `Ref` and `Fn::GetAtt` of resources left in."""

    resources: dict[str, dict[str, Any]]
    outputs: dict[str, Any]

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """The properties of every resource of one type."""
        return [resource["Properties"] for resource in self.resources.values() if resource["Type"] == kind]

    def only(self, kind: str) -> dict[str, Any]:
        """The properties of the one resource of this type."""
        (properties,) = self.of_type(kind)
        return properties

    @property
    def paths(self) -> dict[str, Any]:
        """The paths of the REST API, each with its methods."""
        paths: dict[str, Any] = self.only("AWS::ApiGateway::RestApi")["Body"]["paths"]
        return paths

    @property
    def refusals(self) -> dict[str, Any]:
        """What the gateway answers by itself, by the kind of refusal."""
        body: dict[str, Any] = self.only("AWS::ApiGateway::RestApi")["Body"]
        return dict(body["x-amazon-apigateway-gateway-responses"])


def stack(**parameters: str | float) -> Stack:
    """The stack that these parameters give; the template's defaults for the rest."""
    template = translated()
    unknown = parameters.keys() - template["Parameters"].keys()
    assert not unknown, f"the template has no parameter {unknown}"
    values = {name: str(it.get("Default", "")) for name, it in template["Parameters"].items()} | PSEUDO
    values |= {name: str(value) for name, value in parameters.items()}
    deciding = _Deciding(template["Conditions"], values)

    def kept(section: str) -> dict[str, Any]:
        there = {name: it for name, it in template[section].items() if deciding.holds(it.get("Condition"))}
        return {name: deciding.value(it) for name, it in there.items()}

    return Stack(kept("Resources"), kept("Outputs"))


@dataclass(frozen=True)
class _Deciding:
    conditions: dict[str, Any]
    values: dict[str, str]

    def holds(self, name: str | None) -> bool:
        return name is None or self._holds(self.conditions[name])

    def _holds(self, condition: dict[str, Any]) -> bool:
        ((kind, operands),) = condition.items()
        if kind == "Condition":
            return self.holds(operands)
        if kind == "Fn::Equals":
            return str(self.value(operands[0])) == str(self.value(operands[1]))
        held = [self._holds(operand) for operand in operands]
        return {"Fn::Not": not held[0], "Fn::Or": any(held), "Fn::And": all(held)}[kind]

    def value(self, it: Any) -> Any:  # noqa: ANN401 - any JSON value
        if isinstance(it, list):
            return [value for value in map(self.value, it) if value is not GONE]
        if not isinstance(it, dict):
            return it
        if it == {"Ref": "AWS::NoValue"}:
            return GONE
        if len(it) == 1 and it.get("Ref") in self.values:
            return self.values[it["Ref"]]
        if len(it) == 1 and "Fn::If" in it:
            condition, then, otherwise = it["Fn::If"]
            return self.value(then if self.holds(condition) else otherwise)
        if len(it) == 1 and "Fn::Sub" in it:
            return re.sub(r"\$\{([\w:]+)\}", lambda name: self.values.get(name[1], name[0]), it["Fn::Sub"])
        made = {key: self.value(value) for key, value in it.items()}
        return {key: value for key, value in made.items() if value is not GONE}
