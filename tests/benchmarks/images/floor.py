"""The least that can answer from model.onnx: ONNX Runtime and one session. No checks, no log, no metrics, no HTTP."""

from __future__ import annotations

import json

import onnxruntime as ort

_options = ort.SessionOptions()
_options.intra_op_num_threads = 1
_options.inter_op_num_threads = 1
_session = ort.InferenceSession("/var/task/model.onnx", sess_options=_options, providers=["CPUExecutionProvider"])
_names = [tensor.name for tensor in _session.get_inputs()]


def lambda_handler(event: dict, context: object) -> dict:
    """A REST event with one text -> its probabilities, in the model's order."""
    text = json.loads(event["body"])["inputs"]
    probabilities, _ = _session.run(["probabilities", "novelty"], {_names[0]: [text]})
    return {"statusCode": 200, "body": json.dumps(probabilities[0].tolist())}
