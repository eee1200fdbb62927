"""JSON Schemas of what one model answers, for its OpenAPI document."""

from __future__ import annotations

from distill.modalities.json_schema import Schema, closed, ref
from distill.modalities.register import named
from distill.packaging.openapi.schemas import MAX_ID_CHARACTERS, datatype, many, outputs, shape
from handler.bundle.contract import Serving

PLATFORM = "onnxruntime_onnx"


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
    }
    return {"predictions": [prediction], "model": {"name": name, "version": version}}


def _infer_answer(name: str, version: str, serving: Serving) -> Schema:
    share = {"type": "number", "minimum": 0, "maximum": 1}
    values: Schema = {
        "probabilities": share,
        "novelty": share,
        "label": {"enum": list(serving.labels)},
        "abstained": {"type": "boolean"},
    }
    most = serving.limits.max_inputs
    shapes = {
        1: shape(most, least_sizes=1, most_sizes=1),
        len(serving.labels): shape(max(most, len(serving.labels)), least_sizes=2, most_sizes=2),
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
            "label": {"enum": labels, "description": "The most probable label, also where the model abstained."},
            "score": share | {"description": "Its calibrated probability."},
            "scores": closed(
                dict.fromkeys(labels, share),
                optional=labels,
                minProperties=1,
                description="The probability of every label, in the model's order; with top_k of the best ones.",
            ),
            "abstained": {"type": "boolean", "description": "Whether the score is under the threshold."},
            "novelty": share
            | {"description": "How unlike the training data the input is: its quantile among validation rows."},
            "contributions": {
                "type": "array",
                "items": closed(part | {"contribution": contribution}),
                "maxItems": serving.limits.max_explained,
                "description": f"With explain: for {where}, the label's probability less the same without it.",
            },
        },
        optional=("contributions",),
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
            "limits": closed({name: {"const": limit} for name, limit in vars(serving.limits).items()}),
            "evidence": {"type": "array", "items": metric},
            "drift_baseline": closed(baseline | {"label_shares": shares}),
        }
    )
