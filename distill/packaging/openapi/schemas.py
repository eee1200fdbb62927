"""JSON Schemas of what one model may be sent and what it answers, for its OpenAPI document.

They say what `inputs`, `predict` and `inference` check, as far as a schema can, and in words where it cannot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from distill.modalities.json_schema import TENSOR_PARAMETERS, Schema, closed, ref, shape
from distill.modalities.modality import OpenApi
from distill.modalities.register import named
from handler.bundle import contract
from handler.bundle.contract import Input, Serving
from handler.bundle.costs import Costs

MAX_ID_CHARACTERS = 256
PLATFORM = "onnxruntime_onnx"

_COST: Schema = {"type": "number", "minimum": 0}
_PARAMETERS: Schema = {"type": ["object", "null"], "description": "Those that this server does not know are ignored."}
_OUTPUT_PARAMETERS: Schema = {"type": ["object", "null"], "not": {"required": ["classification"]}}


def requests(serving: Serving) -> Schema:
    """What may be sent: `Input`, `PredictRequest`, `InferRequest` and their parts, by name."""
    of = named(serving.task).openapi
    parts = of.schemas(serving)
    made = {"Input": of.input(serving), "PredictRequest": _predict_request(serving)}
    return parts | made | _tensors(of, parts, serving)


def example_tensors(serving: Serving) -> list[Schema]:
    """The tensors of an inference request with one input."""
    of = named(serving.task).openapi
    cells = of.columns(serving, of.example(serving))
    return [
        {"name": column.name, "shape": [1], "datatype": datatype(column), "data": [cells[column.name]]}
        for column in serving.inputs
        if column.name in cells
    ]


def datatype(column: Input) -> str:
    """What the Open Inference Protocol calls the type of a column."""
    return "FP32" if column.dtype == "float32" else "BYTES"


def many(item: Schema, serving: Serving) -> Schema:
    """An array of as many items as a request may have inputs."""
    return {"type": "array", "items": item, "minItems": 1, "maxItems": serving.limits.max_inputs}


def _predict_request(serving: Serving) -> Schema:
    inputs = {"anyOf": [ref("Input"), many(ref("Input"), serving)], "description": "One input, or many."}
    return closed({"inputs": inputs} | options(serving), optional=list(options(serving)))


def options(serving: Serving) -> dict[str, Schema]:
    """What a prediction request may ask for beside its inputs, by name."""
    return {
        "abstain_below": {
            "type": "number",
            "minimum": 0,
            "maximum": 1,
            "description": "Abstain where the best probability is under this, instead of under the model's own "
            f"threshold of {serving.thresholds.abstain_below:g}.",
        },
        "top_k": {
            "type": "integer",
            "minimum": 1,
            "description": "How many labels to give scores of, best first. All where it is over their number.",
        },
        "explain": {
            "type": "boolean",
            "description": "Whether to say how much each part of an input contributed: 413, too-costly, where the "
            f"{named(serving.task).openapi.explained} are over {serving.limits.max_explained:,}.",
        },
    }


def _tensors(of: OpenApi, parts: Schema, serving: Serving) -> Schema:
    """The inference request of the Open Inference Protocol: one tensor a column, told apart by name and datatype."""
    made: Schema = {}
    for kind, families in of.tensors.items():
        names = [column.name for column in serving.inputs if column.kind == kind]
        for family, (datatypes, more) in families.items() if names else ():
            made[f"{kind.capitalize()}Tensor{family}"] = _tensor(names, datatypes, _limits(parts, kind) | more, serving)
    made |= of.whole_tensors(serving)
    tensors = [ref(name) for name in made]
    made["InferRequest"] = closed(
        {
            "id": {
                "type": ["string", "null"],
                "maxLength": MAX_ID_CHARACTERS,
                "pattern": "^[^\\u0000-\\u001f\\u007f-\\u00a0\\u00ad]*$",
                "description": "Given back with the answer. Printable characters only, of which the pattern is a part.",
            },
            "parameters": _PARAMETERS,
            "inputs": {
                "type": "array",
                "items": tensors[0] if len(tensors) == 1 else {"anyOf": tensors},
                "minItems": 1,
                "maxItems": len(serving.inputs),
                "description": "One tensor a column, in any order, each with as many values as its shape says, and all "
                "with the same number of rows: else 422, wrong-shape. A name twice gets 422, repeated-tensor. A column "
                "left out is missing in every row.",
            },
            "outputs": {
                "type": ["array", "null"],
                "items": closed(
                    {"name": {"enum": list(outputs(serving))}, "parameters": _OUTPUT_PARAMETERS}, ["parameters"]
                ),
                "maxItems": len(outputs(serving)),
                "description": "Which tensors to answer with, each once. Left out or empty: all.",
            },
        },
        optional=("id", "parameters", "outputs"),
    )
    return made


def _tensor(names: list[str], datatypes: Sequence[str], value: Schema, serving: Serving) -> Schema:
    alone = {"type": "array", "items": value, "minItems": 1, "maxItems": 1}
    return closed(
        {
            "name": {"enum": names},
            "shape": shape(serving.limits.max_inputs, least_sizes=1, most_sizes=2) | {"description": "[N] or [N, 1]."},
            "datatype": {"enum": list(datatypes)},
            "parameters": TENSOR_PARAMETERS,
            "data": many({"anyOf": [value, alone]}, serving),
        },
        optional=("parameters",),
    )


def _limits(parts: Schema, kind: str) -> Schema:
    """A value's limits without its type."""
    part = parts[kind.capitalize()]
    return {key: part[key] for key in ("maxLength", "minimum", "maximum") if key in part}


def outputs(serving: Serving) -> Mapping[str, tuple[str, int]]:
    """Datatype and values a row of each tensor that inference answers with."""
    return {
        "probabilities": ("FP32", len(serving.labels)),
        "novelty": ("FP32", 1),
        "label": ("BYTES", 1),
        "abstained": ("BOOL", 1),
        **({"expected_costs": ("FP32", decisions(serving))} if serving.costs else {}),
    }


def decisions(serving: Serving) -> int:
    """How many decisions have an expected cost: each label, and abstaining where it has a price."""
    return len(serving.labels) + (serving.costs is not None and serving.costs.abstain is not None)


def answers(name: str, version: str, serving: Serving) -> Schema:
    """What is answered: `PredictAnswer`, `Model`, `InferAnswer`, and the metadata of the Open Inference Protocol."""
    model = closed({"name": {"const": name}, "version": {"const": version}})
    return {
        "Prediction": _prediction(serving),
        "PredictAnswer": closed({"predictions": many(ref("Prediction"), serving), "model": model}),
        "Model": _model(name, version, serving),
        "Live": closed({"live": {"const": True}}),
        "Ready": closed({"ready": {"const": True}}),
        "Server": closed(
            {
                "name": {"const": "limbeck"},
                "version": {"type": "string"},
                "extensions": {"type": "array", "items": {"type": "string"}},
            }
        ),
        "ModelMetadata": _metadata(name, version, serving),
        "ModelReady": closed({"name": {"const": name}, "ready": {"const": True}}),
        "InferAnswer": _infer_answer(name, version, serving),
    }


def example(name: str, version: str, serving: Serving) -> Schema:
    """An answer that the model might give to one input."""
    share = round(1 / len(serving.labels), 6)
    prediction = {
        "label": serving.labels[0],
        "score": share,
        "scores": dict.fromkeys(serving.labels, share),
        "abstained": serving.thresholds.abstains(share),
        "novelty": 0.5,
        **({"decision": _example_decision(serving.costs, serving)} if serving.costs else {}),
    }
    return {"predictions": [prediction], "model": {"name": name, "version": version}}


def _example_decision(costs: Costs, serving: Serving) -> Schema:
    return {
        "expected_cost": 0.5,
        "expected_costs": dict.fromkeys(serving.labels, 0.5),
        "abstaining": costs.abstain,
        "most_probable": serving.labels[0],
        "why": f"'{serving.labels[0]}' at 0.93, and deciding it costs least, 0.5",
    }


def _infer_answer(name: str, version: str, serving: Serving) -> Schema:
    share = {"type": "number", "minimum": 0, "maximum": 1}
    values: Schema = {
        "probabilities": share,
        "novelty": share,
        "label": {"enum": list(serving.labels)},
        "abstained": {"type": "boolean"},
        "expected_costs": _COST,
    }
    most = serving.limits.max_inputs
    shapes = {
        1: shape(most, least_sizes=1, most_sizes=1),
        **{
            columns: shape(max(most, columns), least_sizes=2, most_sizes=2)
            for columns in (len(serving.labels), decisions(serving))
        },
    }
    tensors = [
        closed(
            {
                "name": {"const": output},
                "shape": shapes[columns],
                "datatype": {"const": kind},
                "parameters": closed({"binary_data_size": {"type": "integer", "minimum": 0}}),
                "data": {
                    "type": "array",
                    "items": values[output],
                    "minItems": columns,
                    "maxItems": most * columns,
                },
            },
            optional=("parameters", "data"),
            description="Its data stand behind the JSON where binary data were asked for.",
        )
        for output, (kind, columns) in outputs(serving).items()
    ]
    return closed(
        {
            "model_name": {"const": name},
            "model_version": {"const": version},
            "id": {"type": "string", "maxLength": MAX_ID_CHARACTERS},
            "outputs": {"type": "array", "items": {"anyOf": tensors}, "minItems": 1, "maxItems": len(tensors)},
        },
        optional=("id",),
    )


def _metadata(name: str, version: str, serving: Serving) -> Schema:
    inputs = [{"name": column.name, "datatype": datatype(column), "shape": [-1]} for column in serving.inputs]
    answered = [
        {"name": output, "datatype": kind, "shape": [-1] if columns == 1 else [-1, columns]}
        for output, (kind, columns) in outputs(serving).items()
    ]
    tensors = {"type": "array", "items": {"type": "object"}}
    return closed(
        {
            "name": {"const": name},
            "versions": {"type": "array", "items": {"type": "string"}, "const": [version]},
            "platform": {"const": PLATFORM},
            "inputs": tensors | {"const": inputs},
            "outputs": tensors | {"const": answered},
        }
    )


def _prediction(serving: Serving) -> Schema:
    share = {"type": "number", "minimum": 0, "maximum": 1}
    labels = list(serving.labels)
    contribution = {"type": "number", "minimum": -1, "maximum": 1}
    part, where = named(serving.task).openapi.part(serving)
    return closed(
        {
            "label": {"enum": labels, "description": f"{_decided(serving)}, also where the model abstained."},
            "score": share | {"description": "Its calibrated probability."},
            "scores": closed(
                dict.fromkeys(labels, share),
                optional=labels,
                minProperties=1,
                description="The probability of every label, in the model's order; with top_k of the best ones.",
            ),
            "abstained": {"type": "boolean", "description": f"Whether {_abstains(serving)}."},
            "novelty": share
            | {"description": "How unlike the training data the input is: its quantile among validation rows."},
            "contributions": {
                "type": "array",
                "items": closed(part | {"contribution": contribution}),
                "maxItems": serving.limits.max_explained,
                "description": f"With explain: for {where}, the label's probability less the same without it.",
            },
            **({"decision": _decision(serving.costs, labels)} if serving.costs else {}),
        },
        optional=("contributions",),
    )


def _decided(serving: Serving) -> str:
    return "The label of least expected cost" if serving.costs else "The most probable label"


def _abstains(serving: Serving) -> str:
    if serving.costs is None:
        return "the score is under the threshold"
    return "abstaining costs less than every label, or the highest probability is under the threshold"


def _decision(costs: Costs, labels: list[str]) -> Schema:
    return closed(
        {
            "expected_cost": _COST | {"description": "The least of all, what the decision is expected to cost."},
            "expected_costs": closed(
                dict.fromkeys(labels, _COST),
                optional=labels,
                minProperties=1,
                description="Of deciding each label, in the model's order; with top_k of the cheapest ones.",
            ),
            "abstaining": {"const": costs.abstain, "description": "The price of abstaining; null: it has none."},
            "most_probable": {"enum": labels},
            "why": {"type": "string", "description": "What was most probable, and which mistake spoke against it."},
        },
        description="What was decided by the costs of mistakes, which `GET /model` lists.",
    )


def _model(name: str, version: str, serving: Serving) -> Schema:
    number = {"type": "number"}
    whole = {"type": "integer", "minimum": 0}
    shares = closed(dict.fromkeys(serving.drift_baseline.label_shares, number))
    columns = [{"name": column.name, "kind": column.kind, "datatype": column.dtype} for column in serving.inputs]
    metric = closed({"name": {"type": "string"}, "value": number, "low": number, "high": number, "n": whole})
    baseline = {"rows": whole, **dict.fromkeys(("mean_confidence", "mean_novelty", "abstention_rate"), number)}
    return closed(
        {
            "name": {"const": name},
            "version": {"const": version},
            "task": {"const": serving.task},
            "inputs": {"type": "array", "items": {"type": "object"}, "const": columns},
            "labels": {"type": "array", "items": {"type": "string"}, "const": list(serving.labels)},
            "thresholds": closed({"abstain_below": {"const": serving.thresholds.abstain_below}}),
            "limits": closed({name: {"const": limit} for name, limit in contract.plain(serving.limits).items()}),
            "evidence": {"type": "array", "items": metric},
            "drift_baseline": closed(baseline | {"label_shares": shares}),
            **({"costs": _costs(serving.costs)} if serving.costs else {}),
        }
    )


def _costs(costs: Costs) -> Schema:
    matrix = [list(row) for row in costs.matrix]
    return closed(
        {
            "matrix": {"type": "array", "items": {"type": "array", "items": _COST}, "const": matrix}
            | {"description": "A row a truth, a column a decision, in the order of the labels."},
            "abstain": {"const": costs.abstain},
        }
    )
