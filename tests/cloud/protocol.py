"""AWS's wire protocols around a stand-in: botocore's own model says what a request, an answer and an error may hold.

So a call that AWS would reject for its parameters is rejected here, and an answer that AWS could not give fails.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from botocore import xform_name
from botocore.model import OperationModel, ServiceModel, Shape
from botocore.validate import ParamValidator
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.serialize import SERIALIZERS
from moto.core.utils import get_service_model

SERVICES = ("cloudformation", "codedeploy")
_COMMON = {"ValidationError", "ValidationException", "ThrottlingException"}


class Fault(Exception):
    """An error that AWS answers with."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class Reply(NamedTuple):
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@cache
def model(service: str) -> ServiceModel:
    return get_service_model(service)  # botocore's, in the classes that moto serializes


def reply(service: str, stand_in: object, headers: Mapping[str, str], body: bytes) -> Reply:
    """Let the stand-in's method of the operation's name answer a request."""
    protocol = "query" if service == "cloudformation" else "json"  # what botocore speaks with them
    values = dict(parse_qsl(body.decode(), keep_blank_values=True)) if protocol == "query" else {}
    name = values.get("Action") or headers["X-Amz-Target"].rpartition(".")[2]
    operation = model(service).operation_model(name)
    given = PROTOCOL_PARSERS[protocol](operation).parse({"values": values, "body": body})
    try:
        result = called(stand_in, operation, given)
    except Fault as fault:
        allowed = {it.metadata.get("error", {}).get("code", it.name) for it in operation.error_shapes}
        assert fault.code in allowed | {it.name for it in operation.error_shapes} | _COMMON, (name, fault.code)
        return failed(protocol, fault)
    serialized = SERIALIZERS[protocol](operation).serialize(result)
    text = serialized["body"]
    content = "text/xml" if protocol == "query" else "application/x-amz-json-1.1"
    return Reply(200, (("Content-Type", content),), text if isinstance(text, bytes) else text.encode())


def called(stand_in: object, operation: OperationModel, given: Mapping[str, Any]) -> dict[str, Any]:
    """Check what is given and what comes back by the model."""
    if operation.input_shape is not None:
        report = ParamValidator().validate(dict(given), operation.input_shape)
        if report.has_errors():
            raise Fault("ValidationError", report.generate_report())
    result = getattr(stand_in, xform_name(operation.name))(**given) or {}
    if operation.output_shape is not None:
        report = ParamValidator().validate(result, operation.output_shape)
        assert not report.has_errors(), report.generate_report()
        demand_known(result, operation.output_shape, operation.name)
    return dict(result)


def demand_known(value: Any, shape: Shape, where: str) -> None:  # noqa: ANN401 - any part of an answer
    """Every key of an answer is a member of its shape, every choice one of its enumeration."""
    if shape.type_name == "structure":
        for key, inner in value.items():
            assert key in shape.members, f"{where}.{key}"
            demand_known(inner, shape.members[key], f"{where}.{key}")
    elif shape.type_name == "list":
        for inner in value:
            demand_known(inner, shape.member, where)
    elif getattr(shape, "enum", None):
        # A stack's own events have the stack's states, which the model does not list with those of resources.
        of_stack = model("cloudformation").shape_for("StackStatus").enum if shape.name == "ResourceStatus" else []
        assert value in [*shape.enum, *of_stack], f"{where}: {value}"


def failed(protocol: str, fault: Fault) -> Reply:
    """The answer that carries an error."""
    if protocol == "query":
        inner = f"<Code>{fault.code}</Code><Message>{escape(fault.message)}</Message>"
        document = f"<ErrorResponse><Error><Type>Sender</Type>{inner}</Error></ErrorResponse>"
        return Reply(400, (("Content-Type", "text/xml"),), document.encode())
    body = json.dumps({"__type": fault.code, "message": fault.message}).encode()
    return Reply(400, (("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-ErrorType", fault.code)), body)
