"""The SAM template as a stack: translated by SAM, then with parameters put in and conditions decided.

As CloudFormation would, but nothing is asked of AWS.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from infra.errors import ConfigError
from infra.template.lint import translate_each

PSEUDO = MappingProxyType(
    {
        "AWS::StackName": "limbeck",
        "AWS::Region": "eu-west-1",
        "AWS::AccountId": "123456789012",
        "AWS::Partition": "aws",
        "AWS::URLSuffix": "amazonaws.com",
    }
)
READ_BY_SAM = ("Deployment", "Image")  # the parameters that change what SAM makes, not only what CloudFormation does
_GONE = object()  # AWS::NoValue


@dataclass(frozen=True)
class Finding:
    """One thing in a stack that is not as it should be."""

    where: str  # the resource, as the template names it
    found: str
    todo: str


@dataclass(frozen=True)
class Stack:
    """What CloudFormation would make, with `Ref` and `Fn::GetAtt` of resources left in."""

    resources: dict[str, dict[str, Any]]
    outputs: dict[str, Any]
    parameters: dict[str, dict[str, Any]]  # as the template declares them

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
    def paths(self) -> dict[str, Any]:
        """The paths of the REST API, each with its methods."""
        paths: dict[str, Any] = self.only("AWS::ApiGateway::RestApi")["Body"]["paths"]
        return paths

    @property
    def refusals(self) -> dict[str, Any]:
        """What the gateway answers by itself, by the kind of refusal."""
        body: dict[str, Any] = self.only("AWS::ApiGateway::RestApi")["Body"]
        return dict(body["x-amazon-apigateway-gateway-responses"])


def subject(it: Any) -> str:  # noqa: ANN401 - any JSON value
    """The resource that a `Ref` or an `Fn::GetAtt` is about; "" where it is neither."""
    if isinstance(it, dict) and len(it) == 1:
        return str(it.get("Ref") or it.get("Fn::GetAtt", [""])[0])
    return ""


def subjects(it: Any) -> set[str]:  # noqa: ANN401 - any JSON value
    """Every resource that is spoken of anywhere in it."""
    if isinstance(it, list):
        return set[str]().union(*map(subjects, it))
    if isinstance(it, dict):
        return {subject(it)}.union(*map(subjects, it.values())) - {""}
    return set(re.findall(r"\$\{(\w+)(?:\.\w+)*\}", it)) if isinstance(it, str) else set()


def attribute(name: str, of: str) -> dict[str, Any]:
    """An attribute of a resource, as a template says it."""
    return {"Fn::GetAtt": [name, of]}


def render(template: Path, sets: Sequence[Mapping[str, str]]) -> list[Stack]:
    """The stack that each of these sets of parameters gives; the template's defaults for the rest.

    Raises:
        ConfigError: the template is not there.
        LocalError: SAM cannot translate it.
    """
    if not template.is_file():
        raise ConfigError(f"There is no template {template}. Name a SAM template, or run where template.yaml is.")
    read = [{name: it[name] for name in READ_BY_SAM if name in it} for it in sets]
    different = [dict(pairs) for pairs in sorted({tuple(sorted(it.items())) for it in read})]
    made = dict(zip(map(str, different), translate_each(template.resolve(), different), strict=True))
    return [decide(made[str(dict(sorted(it.items())))], given) for it, given in zip(read, sets, strict=True)]


def decide(translated: Mapping[str, Any], parameters: Mapping[str, str]) -> Stack:
    """The stack of a template that SAM has translated.

    Raises:
        ConfigError: a parameter that the template has not.
    """
    declared = translated.get("Parameters", {})
    if unknown := parameters.keys() - declared.keys():
        raise ConfigError(f"The template has no parameter {', '.join(sorted(unknown))}. It has {', '.join(declared)}.")
    values = {name: str(it.get("Default", "")) for name, it in declared.items()} | PSEUDO | dict(parameters)
    deciding = _Deciding(translated.get("Conditions", {}), values)

    def kept(section: str) -> dict[str, Any]:
        every = translated.get(section, {})
        return {name: deciding.value(it) for name, it in every.items() if deciding.holds(it.get("Condition"))}

    return Stack(kept("Resources"), kept("Outputs"), declared)


@dataclass(frozen=True)
class _Deciding:
    conditions: Mapping[str, Any]
    values: Mapping[str, str]

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
            return [value for value in map(self.value, it) if value is not _GONE]
        if not isinstance(it, dict):
            return it
        if len(it) == 1:
            return self._function(*next(iter(it.items())))
        return self._object(it)

    def _function(self, name: str, of: Any) -> Any:  # noqa: ANN401 - any JSON value
        """An object with one key: often one of CloudFormation's functions."""
        if name == "Ref" and of == "AWS::NoValue":
            return _GONE
        if name == "Ref" and of in self.values:
            return self.values[of]
        if name == "Fn::If":
            condition, then, otherwise = of
            return self.value(then if self.holds(condition) else otherwise)
        if name == "Fn::Sub":
            text, more = (of, {}) if isinstance(of, str) else of
            known = {**self.values, **{key: value for key, value in more.items() if isinstance(value, str)}}
            return re.sub(r"\$\{([\w:]+)\}", lambda found: known.get(found[1], found[0]), text)
        return self._object({name: of})

    def _object(self, it: dict[str, Any]) -> dict[str, Any]:
        made = {key: self.value(value) for key, value in it.items()}
        return {key: value for key, value in made.items() if value is not _GONE}
