"""One model's OpenAPI 3.1 document, made when its bundle is sealed and served as `GET /openapi.json`.

A pure function of the manifest: the serving path never imports it. A request that the document admits is answered
with 200, but for what no JSON Schema can say; its descriptions name each such case with the problem it gets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from distill.modalities.json_schema import Schema, closed, ref
from distill.modalities.register import named
from distill.packaging.openapi import schemas
from handler.bundle import contract
from handler.bundle.contract import Limits, Serving
from handler.http.response import JSON, PROBLEM_JSON, PROBLEM_URN
from handler.modalities import register as served

_Kinds = Mapping[int, Sequence[str]]
_BYTES = "application/octet-stream"
# Problem kinds by status: of any body, of each way to ask for a prediction, and of any request.
_BODY_PROBLEMS: _Kinds = {
    400: ("malformed-body",),
    413: ("too-large", "too-many-inputs", "too-long"),
    415: ("unsupported-media-type", "unsupported-encoding"),
    422: ("no-inputs", "unknown-key", "wrong-type", "not-unicode", "too-many-marks"),
}
_OPTION_PROBLEMS: _Kinds = {413: ("too-costly",), 422: ("out-of-range",)}
_TENSOR_PROBLEMS: _Kinds = {422: ("wrong-shape", "unknown-tensor", "repeated-tensor")}
_GATE_PROBLEMS: _Kinds = {
    400: ("bad-request",),
    401: ("unauthenticated",),
    403: ("forbidden",),
    413: ("too-large",),
    429: ("too-many-requests",),
    500: ("internal",),
    503: ("not-ready", "unavailable"),
}
_ELSEWHERE: _Kinds = {404: ("not-found",), 405: ("method-not-allowed",)}
_SAYS = {
    400: "The request cannot be read, or its body not as JSON.",
    401: "The gateway was given no proof of who asks.",
    403: "The gateway was given no key, or one that may not ask.",
    404: "Nothing is at this path.",
    405: "The path takes other methods, which the header `allow` lists.",
    413: "Over one of the limits; `detail` says which.",
    415: "The content type or encoding is not one that is read.",
    422: "Not what the model takes; `pointer` says where.",
    429: "The caller's rate or quota is used up. Try again later.",
    500: "A fault of ours.",
    503: "The function has no model, or gave no answer.",
}

_HEADERS: Mapping[int, Schema] = {
    405: {"allow": {"required": True, "schema": {"type": "string"}}},
    415: {"accept-encoding": {"description": "What is read.", "schema": {"type": "string"}}},
    429: {"retry-after": {"description": "In seconds.", "schema": {"type": "string"}}},
}


def document(name: str, version: str, serving: Serving) -> dict[str, Any]:
    """The OpenAPI 3.1 document of the model `name` at `version`, as JSON values. The same for the same arguments."""
    of, asked = named(serving.task).openapi, (_GATE_PROBLEMS, _BODY_PROBLEMS)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{name}, a {serving.task} classifier",
            "version": version,
            "description": _description(serving.limits),
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "servers": [{"url": ".", "description": "Where this document was served, with the stage in its path."}],
        "security": [{"key": []}, {"iam": []}, {}],
        "tags": [
            {"name": "predict", "description": "This model, as a plain web service."},
            {"name": "inference", "description": "The same model for clients of the Open Inference Protocol, v2."},
        ],
        "paths": _paths(name, version, serving),
        "components": {
            "schemas": schemas.requests(serving) | schemas.answers(name, version, serving) | {"Problem": _problem()},
            "responses": _problems("", _GATE_PROBLEMS, _GATE_PROBLEMS)
            | _problems("", _ELSEWHERE, _ELSEWHERE)
            | _problems("Predict", _BODY_PROBLEMS, *asked, _OPTION_PROBLEMS, of.predict_problems)
            | _problems("Infer", _BODY_PROBLEMS, *asked, _TENSOR_PROBLEMS, of.infer_problems),
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
                "iam": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "Where the endpoint was deployed with IAM: an AWS signature, version 4.",
                    "x-amazon-apigateway-authtype": "awsSigv4",
                },
            },
        },
        "x-limbeck-limits": contract.plain(serving.limits),
    }


def _description(limits: Limits) -> str:
    most = (
        f"{limits.max_pixels:,} pixels together" if limits.max_pixels else f"{limits.max_characters:,} characters each"
    )
    return (
        f"A request may hold {limits.max_inputs:,} inputs of {most}, "
        f"in a body of {limits.max_body_bytes:,} bytes, counted as it arrives and again after decompression, "
        f"that nests at most {limits.max_depth} levels deep; with `explain`, it may cost "
        f"{limits.max_explained:,} copies of its inputs. Bodies are JSON in UTF-8 with no byte order mark, no key "
        "twice in an object, and no NaN or Infinity; they may be sent with the content encoding gzip or deflate, and "
        "answers over 1,000 bytes come as gzip where `accept-encoding` allows it. A known path answers OPTIONS with "
        "204 and the methods it takes, HEAD as GET without a body, and other methods with 405; an unknown path gets "
        "404. Whatever is refused is told in a problem document (RFC 9457), whose `type` is stable and `instance` is "
        "the request's id. What is sent is never logged, and never part of an answer."
    )


def _paths(name: str, version: str, serving: Serving) -> Schema:
    made = {
        "/predict": {"post": _predict(name, version, serving)},
        "/model": {"get": _read("getModel", "The model: labels, limits and what was measured of it", "Model")},
        "/openapi.json": {"get": _read("getOpenapi", "This document", None)},
        "/v2": {"get": _read("getServer", "The server", "Server")},
        "/v2/health/live": {"get": _read("getLive", "Whether the function runs", "Live")},
        "/v2/health/ready": {"get": _read("getReady", "Whether it has a model", "Ready")},
    }
    for path, suffix in ((f"/v2/models/{name}", ""), (f"/v2/models/{name}/versions/{version}", "OfVersion")):
        made[path] = {"get": _read(f"getMetadata{suffix}", "The model's tensors", "ModelMetadata")}
        made[f"{path}/ready"] = {"get": _read(f"getModelReady{suffix}", "Whether it is served", "ModelReady")}
        made[f"{path}/infer"] = {"post": _infer(serving, f"infer{suffix}")}
    for path, item in made.items():
        for operation in item.values():
            operation["tags"] = ["inference" if path.startswith("/v2") else "predict"]
    return made


def _predict(name: str, version: str, serving: Serving) -> Schema:
    row = named(serving.task).openapi.example(serving)
    answered = _content("One prediction an input, in their order.", JSON, ref("PredictAnswer"))
    answered["content"][JSON]["example"] = schemas.example(name, version, serving)
    rows = [row] * min(2, serving.limits.max_inputs)
    examples = {
        "one": {"summary": "One input", "value": {"inputs": row}},
        "many": {"summary": "A list, with the best score only", "value": {"inputs": rows, "top_k": 1}},
    }
    files = served.named(serving.task).media_types
    alone = f" A body of {' or '.join(files)} is one input's file, and its options are in the query." if files else ""
    return {
        "operationId": "predict",
        "summary": "Predict the labels of one input or many",
        **(
            {"parameters": [_in_query(name, schema) for name, schema in schemas.options(serving).items()]}
            if files
            else {}
        ),
        "requestBody": {
            "required": True,
            "description": _body(serving.limits) + alone,
            "content": {
                JSON: {"schema": ref("PredictRequest"), "examples": examples if row else {}},
                **{media_type: {} for media_type in files},
            },
        },
        "responses": {
            "200": answered,
            **_refusals("Predict", _BODY_PROBLEMS),
        },
    }


def _in_query(name: str, schema: Schema) -> Schema:
    """An option of a body that is a file; a JSON body has its own."""
    return {"name": name, "in": "query", "required": False, "schema": schema}


def _infer(serving: Serving, operation: str) -> Schema:
    tensors = schemas.example_tensors(serving)
    length = {
        "description": "How many bytes of the body are JSON, where tensors follow it as bytes.",
        "schema": {"type": "integer", "minimum": 0},
    }
    answered = _content("The tensors asked for, a row an input.", JSON, ref("InferAnswer"))
    answered["content"][_BYTES] = {}
    return {
        "operationId": operation,
        "summary": "Predict, by the Open Inference Protocol",
        "requestBody": {
            "required": True,
            "description": f"{_body(serving.limits)} Beside JSON alone, the binary tensor extension is taken, which no "
            f"schema describes: with the content type {_BYTES}, the header Inference-Header-Content-Length says how "
            "many of the body's bytes are JSON, and the tensors whose parameters have a `binary_data_size` follow as "
            "bytes, in order. So do the answer's, where `binary_data_output` or an output's `binary_data` is true.",
            "content": {
                JSON: {
                    "schema": ref("InferRequest"),
                    "examples": {"one": {"value": {"id": "1", "inputs": tensors}}} if tensors else {},
                },
            },
        },
        "responses": {
            "200": answered | {"headers": {"Inference-Header-Content-Length": length}},
            **_refusals("Infer", _BODY_PROBLEMS),
        },
    }


def _read(operation: str, summary: str, schema: str | None) -> Schema:
    answered = ref(schema) if schema else {"type": "object", "required": ["openapi"]}
    return {
        "operationId": operation,
        "summary": summary,
        "responses": {"200": _content(f"{summary}.", JSON, answered), **_refusals()},
    }


def _body(limits: Limits) -> str:
    return (
        f"At most {limits.max_body_bytes:,} bytes, also after decompression. Where the answer would be larger than "
        "Lambda can give, 413, too-many-inputs."
    )


def _problems(group: str, statuses: Iterable[int], *tables: _Kinds) -> Schema:
    """Responses by name, each with the problem kinds that the tables have for its status."""
    kinds = {status: dict.fromkeys(kind for table in tables for kind in table.get(status, ())) for status in statuses}
    return {f"{group}Problem{status}": _refusal(status, list(found)) for status, found in kinds.items()}


def _refusals(group: str = "", own: Iterable[int] = ()) -> Schema:
    """References to the responses of one operation that are problems: its group's own, and any request's."""
    names = {status: f"Problem{status}" for status in _GATE_PROBLEMS}
    names |= {status: f"{group}Problem{status}" for status in own}
    return {str(status): {"$ref": f"#/components/responses/{names[status]}"} for status in sorted(names)}


def _refusal(status: int, kinds: Sequence[str]) -> Schema:
    narrowed: Schema = {
        "properties": {"type": {"enum": [PROBLEM_URN + kind for kind in kinds]}, "status": {"const": status}}
    }
    made = _content(_SAYS[status], PROBLEM_JSON, {"allOf": [ref("Problem"), narrowed]})
    return made | ({"headers": _HEADERS[status]} if status in _HEADERS else {})


def _problem() -> Schema:
    text = {"type": "string"}
    return closed(
        {
            "type": text
            | {"pattern": f"^{PROBLEM_URN}[a-z-]+$", "description": "Stable: what to tell problems apart by."},
            "title": text,
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": text
            | {
                "description": "What was found and what was wanted, for people; of what was sent only "
                "places, types and sizes."
            },
            "pointer": text | {"description": "Where in the body, as a JSON pointer (RFC 6901)."},
            "instance": text | {"description": "The request's id."},
            "error": text | {"description": "The detail again, below /v2, where its protocol's clients look for it."},
        },
        optional=("pointer", "error"),
    )


def _content(description: str, media_type: str, schema: Schema) -> Schema:
    return {"description": description, "content": {media_type: {"schema": schema}}}
