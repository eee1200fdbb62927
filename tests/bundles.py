"""Small honest bundles, made in milliseconds: real graphs with strings in, sealed by the real contract."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from distill.packaging.openapi import document
from handler.bundle import contract
from handler.bundle.abstention import Thresholds
from handler.bundle.contract import DriftBaseline, Input, Limits, Manifest, Metric, Serving
from handler.bundle.costs import Costs
from handler.modalities import register
from handler.modalities.modality import Record
from handler.model.predictor import Predictor

DANGEROUS = Costs(((0.0, 1.0), (20.0, 0.0)), 0.5)  # of the text model: a positive that is missed costs 20
_OPSETS = [
    helper.make_opsetid("", 18),
    helper.make_opsetid("ai.onnx.ml", 4),
    helper.make_opsetid("com.microsoft", 1),
]


def text_serving(**changes: object) -> Serving:
    """A serving section for sentiment in two classes."""
    serving = Serving(
        task="text",
        inputs=(Input("text", "string", "text"),),
        labels=("negative", "positive"),
        thresholds=Thresholds(abstain_below=0.0),
        limits=Limits(max_inputs=8, max_characters=2000, max_body_bytes=20_000, max_depth=32, max_explained=64),
        drift_baseline=DriftBaseline(100, 0.8, 0.5, 0.0, {"negative": 0.5, "positive": 0.5}),
        evidence=(Metric("accuracy", 0.9, 0.85, 0.94, 200),),
    )
    return replace(serving, **changes)  # type: ignore[arg-type]


def tabular_serving(**changes: object) -> Serving:
    """A serving section with a number and a category."""
    inputs = (Input("age", "float32", "number"), Input("colour", "string", "category"))
    return replace(text_serving(task="tabular", inputs=inputs, labels=("no", "yes")), **changes)  # type: ignore[arg-type]


def image_serving(**changes: object) -> Serving:
    """A serving section for pictures in two classes."""
    return replace(
        text_serving(
            task="image",
            inputs=(Input("pixels", "uint8", "image", background="#ffffff"),),
            labels=("blue", "red"),
            limits=Limits(8, 2000, 6_000_000, 32, 512, max_pixels=25_000_000),
        ),
        **changes,  # type: ignore[arg-type]
    )


def image_model(size: int = 14) -> onnx.ModelProto:
    """Red or blue on the whole: pixels [N,H,W,3] -> probabilities [N,2], novelty [N], resized [N,size,size,3]."""
    nodes = [
        helper.make_node("Shape", ["pixels"], ["rows"], start=0, end=1),
        helper.make_node("Concat", ["rows", "square"], ["sizes"], axis=0),
        helper.make_node(
            "Resize",
            ["pixels", "", "", "sizes"],
            ["resized"],
            mode="linear",
            coordinate_transformation_mode="half_pixel",
            antialias=1,
            exclude_outside=1,
        ),
        helper.make_node("Cast", ["resized"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats", "axes"], ["colour"], keepdims=0),
        helper.make_node("MatMul", ["colour", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1),
        helper.make_node("ReduceMax", ["probabilities", "axis1"], ["best"], keepdims=0),
        helper.make_node("Sub", ["one", "best"], ["rest"]),
        helper.make_node("Mul", ["rest", "two"], ["novelty"]),
    ]
    constants = {
        "square": np.array([size, size, 3], np.int64),
        "axes": np.array([1, 2], np.int64),
        "weights": np.array([[0, 1], [0, 0], [1, 0]], np.float32) / 32,
    }
    model = _model(nodes, [("pixels", TensorProto.UINT8)], constants)
    shapes = {"pixels": ["N", "H", "W", 3], "resized": ["N", size, size, 3]}
    made = {name: helper.make_tensor_value_info(name, TensorProto.UINT8, shape) for name, shape in shapes.items()}
    model.graph.input[0].CopyFrom(made["pixels"])
    model.graph.output.append(made["resized"])
    return model


def text_model() -> onnx.ModelProto:
    """Counts "good" against "bad": text [N] -> probabilities [N,2], novelty [N] (1 when no word is known)."""
    nodes = [
        helper.make_node("StringNormalizer", ["text"], ["low"], case_change_action="LOWER", locale="C.UTF-8"),
        helper.make_node(
            "Tokenizer",
            ["low"],
            ["words"],
            domain="com.microsoft",
            tokenexp=r"[\p{L}\p{N}']+",
            mincharnum=1,
            mark=0,
            pad_value="",
        ),
        helper.make_node(
            "LabelEncoder",
            ["words"],
            ["ids"],
            domain="ai.onnx.ml",
            keys_strings=["bad", "good"],
            values_int64s=[1, 2],
            default_int64=0,
        ),
        helper.make_node("Gather", ["table", "ids"], ["votes"]),
        helper.make_node("ReduceSum", ["votes", "axis1"], ["logits"], keepdims=0),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1),
        helper.make_node("ReduceMax", ["probabilities", "axis1"], ["best"], keepdims=0),
        helper.make_node("Sub", ["one", "best"], ["rest"]),
        helper.make_node("Mul", ["rest", "two"], ["novelty"]),
    ]
    table = np.array([[0, 0], [2, 0], [0, 2]], dtype=np.float32)
    return _model(nodes, [("text", TensorProto.STRING)], {"table": table})


def tabular_model() -> onnx.ModelProto:
    """Older and redder says yes: age [N], colour [N] -> probabilities [N,2], novelty [N]."""
    nodes = [
        helper.make_node("IsNaN", ["age"], ["hole"]),
        helper.make_node("Where", ["hole", "mean_age", "age"], ["full"]),
        helper.make_node("Sub", ["full", "mean_age"], ["centred"]),
        helper.make_node("Mul", ["centred", "slope"], ["from_age"]),
        helper.make_node(
            "LabelEncoder",
            ["colour"],
            ["from_colour"],
            domain="ai.onnx.ml",
            keys_strings=["blue", "red"],
            values_floats=[-1.0, 1.0],
            default_float=0.0,
        ),
        helper.make_node("Add", ["from_age", "from_colour"], ["yes"]),
        helper.make_node("Neg", ["yes"], ["no"]),
        helper.make_node("Unsqueeze", ["yes", "axis1"], ["yes1"]),
        helper.make_node("Unsqueeze", ["no", "axis1"], ["no1"]),
        helper.make_node("Concat", ["no1", "yes1"], ["logits"], axis=1),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1),
        helper.make_node("ReduceMax", ["probabilities", "axis1"], ["best"], keepdims=0),
        helper.make_node("Sub", ["one", "best"], ["rest"]),
        helper.make_node("Mul", ["rest", "two"], ["novelty"]),
    ]
    constants = {"mean_age": np.float32(50), "slope": np.float32(0.1)}
    return _model(nodes, [("age", TensorProto.FLOAT), ("colour", TensorProto.STRING)], constants)


def numbers_model(names: tuple[str, ...]) -> onnx.ModelProto:
    """Number columns [N] each, holes counted as 0 -> probabilities [N,2] by the sign of their sum, novelty [N]."""
    nodes = []
    for i, name in enumerate(names):
        nodes += [
            helper.make_node("IsNaN", [name], [f"hole{i}"]),
            helper.make_node("Where", [f"hole{i}", "zero", name], [f"full{i}"]),
            helper.make_node("Clip", [f"full{i}", "lowest", "highest"], [f"clipped{i}"]),
            helper.make_node("Unsqueeze", [f"clipped{i}", "axis1"], [f"column{i}"]),
        ]
    nodes += [
        helper.make_node("Concat", [f"column{i}" for i in range(len(names))], ["all"], axis=1),
        helper.make_node("ReduceMean", ["all", "axis1"], ["yes1"], keepdims=1),
        helper.make_node("Neg", ["yes1"], ["no1"]),
        helper.make_node("Concat", ["no1", "yes1"], ["logits"], axis=1),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1),
        helper.make_node("ReduceMax", ["probabilities", "axis1"], ["best"], keepdims=0),
        helper.make_node("Sub", ["one", "best"], ["rest"]),
        helper.make_node("Mul", ["rest", "two"], ["novelty"]),
    ]
    constants = {"zero": np.float32(0), "lowest": np.float32(-1e4), "highest": np.float32(1e4)}
    return _model(nodes, [(name, TensorProto.FLOAT) for name in names], constants)


def priced_bundle(folder: Path, costs: Costs = DANGEROUS, **changes: object) -> Manifest:
    """Seal the text model with costs in `folder`."""
    from distill.graph import expected_costs  # torch with it, for these bundles alone
    from distill.graph.export import Graph

    return seal(
        folder, expected_costs.added(Graph(text_model()), costs).model, text_serving(costs=costs, **changes), "priced"
    )


def text_bundle(folder: Path, serving: Serving | None = None, name: str = "tiny-text") -> Manifest:
    """Seal the text model in `folder`."""
    return seal(folder, text_model(), serving or text_serving(), name)


def tabular_bundle(folder: Path, serving: Serving | None = None, name: str = "tiny-tabular") -> Manifest:
    """Seal the tabular model in `folder`."""
    return seal(folder, tabular_model(), serving or tabular_serving(), name)


def image_bundle(folder: Path, serving: Serving | None = None, name: str = "tiny-image") -> Manifest:
    """Seal the image model in `folder`."""
    return seal(folder, image_model(), serving or image_serving(), name)


def picture(colour: tuple[int, int, int] = (200, 30, 30), width: int = 6, height: int = 4) -> str:
    """A plain PNG file, as base64."""
    rows = (b"\0" + bytes(colour) * width) * height
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)))
    made = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in (*chunks, (b"IEND", b""))
    )
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + made).decode()


def breast_cancer_bundle(folder: Path) -> Manifest:
    """Seal a model, of no merit, with the name and the thirty columns of scikit-learn's breast cancer set."""
    from sklearn.datasets import load_breast_cancer  # a second that the other bundles need not wait

    names = tuple(str(name) for name in load_breast_cancer().feature_names)
    inputs = tuple(Input(name, "float32", "number") for name in names)
    serving = tabular_serving(inputs=inputs, labels=("malignant", "benign"))
    return seal(folder, numbers_model(names), serving, "breast-cancer")


def _model(
    nodes: list[onnx.NodeProto], inputs: list[tuple[str, int]], constants: dict[str, np.ndarray]
) -> onnx.ModelProto:
    constants = constants | {"axis1": np.array([1], np.int64), "one": np.float32(1), "two": np.float32(2)}
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(name, kind, ["N"]) for name, kind in inputs],
        [
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 2]),
            helper.make_tensor_value_info("novelty", TensorProto.FLOAT, ["N"]),
        ],
        [onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=_OPSETS, ir_version=10)


def seal(folder: Path, model: onnx.ModelProto, serving: Serving, name: str, golden: Sequence[Record] = ()) -> Manifest:
    """Write a whole bundle around `model`: its files, their hashes, the manifest last."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / contract.MODEL).write_bytes(model.SerializeToString(deterministic=True))
    version = contract.version_of(contract.sha256_of(folder / contract.MODEL), serving)
    first = serving.inputs[0]
    kinds: dict[str, Record] = {"text": "good", "image": picture()}
    one: Record = kinds.get(serving.task) or {first.name: 1.0 if first.kind == "number" else "a"}
    (folder / contract.GOLDEN).write_text(_golden(folder, serving, name, golden or [one]))
    (folder / contract.OPENAPI).write_text(json.dumps(document.document(name, version, serving)))
    (folder / contract.CARD).write_text(f"# {name}\n")
    (folder / contract.REPORT).write_text("<!doctype html><title>report</title>")
    files = {file: contract.sha256_of(folder / file) for file in contract.SEALED}
    manifest = Manifest(name, version, contract.SCHEMA, serving, files, {"seed": 0}, {}, contract.NO_PRIVACY_CLAIMED)
    (folder / contract.MANIFEST).write_text(contract.dumps(manifest))
    return manifest


def _golden(folder: Path, serving: Serving, name: str, inputs: Sequence[Record]) -> str:
    """The inputs and their answers, where the model has any."""
    try:
        records = register.check(list(inputs), serving) if serving.task == "image" else inputs
        answers = Predictor(folder / contract.MODEL, serving, name, "staged").predict(records)
    except Exception:  # a test wants a bundle with a broken model
        return "".join(json.dumps({"input": it}) + "\n" for it in inputs)
    rows = zip(inputs, answers, strict=True)
    return "".join(json.dumps({"input": it, "prediction": answer.as_json()}) + "\n" for it, answer in rows)


def for_task(folder: Path, task: str) -> Path:
    """The sealed bundle in `folder`, sealed again as one of another task."""
    manifest = contract.read(folder)
    serving = replace(manifest.serving, task=task)
    version = contract.version_of(manifest.files[contract.MODEL], serving)
    (folder / contract.MANIFEST).write_text(contract.dumps(replace(manifest, serving=serving, version=version)))
    return folder
