"""The student of a sealed bundle, taken back out of its graph: what a torch handler needs to give the same answers."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from distill.modalities.prelude import FEATURES
from distill.modalities.text import char_ngrams, students, tokenizer
from distill.modalities.text.students import ConvStudent
from handler.bundle import contract

_MENDING = "limbeck/text/number_table"  # only of a graph that mends misspelt words
_TAPS = 3  # of the convolution


class NotConvolutional(ValueError):
    """The bundle's student is of another kind than the benchmark's torch handler."""


@dataclass(frozen=True)
class TorchStudent:
    """A state dict, and what the handler has to know beside it."""

    network: ConvStudent
    about: dict[str, object]

    def save(self, folder: Path) -> None:
        """Write `student.py`, `student.pt` and `student.json`."""
        shutil.copyfile(str(students.__file__), folder / "student.py")
        torch.save(self.network.state_dict(), folder / "student.pt")
        (folder / "student.json").write_text(json.dumps(self.about, ensure_ascii=False), encoding="utf-8")


def of(bundle: Path) -> TorchStudent:
    """Read the student out of a text bundle's graph; its weights are those that are served, integers turned to floats.

    Raises:
        NotConvolutional: the student is no `ConvStudent`.
    """
    manifest = contract.read(bundle)
    graph = onnx.load(bundle / contract.MODEL).graph
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    if _MENDING in tensors:
        raise NotConvolutional(f"{bundle} mends misspelt words, which the torch handler does not. Use sentiment-quick.")
    weights = _weights(graph, tensors)
    if manifest.serving.task != "text" or weights is None:
        raise NotConvolutional(f"{bundle} has no convolutional text student. Use a bundle such as sentiment-quick.")
    width, embedding = weights["embedding.weight"].shape
    buckets, channels = len(weights["grams.weight"]) - 1, len(weights["convolution.bias"])
    classes = len(weights["head.1.bias"])
    network = ConvStudent([0.0] * (width + 1), buckets, embedding, channels, classes, dropout=0.0)
    network.load_state_dict({name: torch.from_numpy(w.copy()) for name, w in weights.items()})
    return TorchStudent(
        network,
        {
            "surprisal": width + 1,
            "shape": [buckets, embedding, channels, classes],
            "words": _words(graph),
            "letters": char_ngrams.LONGEST_WORD,
            "factors": tensors["limbeck/text/factors"].flatten().tolist(),
            "max_words": int(tensors["limbeck/text/max_words"][0]) - 1,  # the last is the end of the text
            "temperature": float(tensors["limbeck/calibration/temperature"]),
            "labels": manifest.serving.labels,
        },
    )


def _weights(graph: onnx.GraphProto, tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray] | None:
    """A `ConvStudent`'s state; None if the graph has none, which multiplies words by one matrix, and has one Gemm."""
    tables = {node.input[1]: node.input[0] for node in graph.node if node.op_type == "GatherBlockQuantized"}
    made = {node.output[0]: node for node in graph.node}
    products = [node for node in graph.node if node.op_type == "MatMul" and _is_weight(node.input[1], made, tensors)]
    heads = [node for node in graph.node if node.op_type == "Gemm"]
    inside = [node for node in products if node.input[1].startswith("limbeck/student/")]
    in_bytes = all(table.endswith("/uint8") for table in tables.values())
    if len(tables) != 2 or not in_bytes or len(inside) != 1 or len(heads) != 1:
        return None
    words, grams = (_table(tables[name], tensors) for name in (FEATURES, char_ngrams.GRAMS))
    taps, head = _matrix(inside[0].input[1], tensors), _matrix(heads[0].input[1], tensors)
    embedding, channels = words.shape[1], taps.shape[1]
    if taps.shape[0] != _TAPS * embedding:
        return None
    [added] = (node for node in graph.node if node.op_type == "Add" and inside[0].output[0] in node.input)
    [bias] = (tensors[name] for name in added.input if name in tensors)
    spans, mean, highest = np.split(head, [channels, channels + embedding], axis=1)
    return {
        "embedding.weight": words[:-1],  # the last is written over
        "grams.weight": grams,
        "convolution.weight": taps.reshape(_TAPS, embedding, channels).transpose(2, 1, 0),
        "convolution.bias": bias,
        "head.1.weight": np.concatenate([spans, highest, mean], axis=1),
        "head.1.bias": tensors[heads[0].input[2]],
    }


def _is_weight(name: str, made: dict[str, onnx.NodeProto], tensors: dict[str, np.ndarray]) -> bool:
    return name in tensors or (name in made and f"{name}/scale" in tensors)


def _table(name: str, tensors: dict[str, np.ndarray]) -> np.ndarray:
    scale = tensors[f"{name.rpartition('/')[0]}/scale"]
    return ((tensors[name].astype(np.float32) - 128) * scale).astype(np.float32)


def _matrix(name: str, tensors: dict[str, np.ndarray]) -> np.ndarray:
    if name in tensors:
        return tensors[name]
    return (tensors[f"{name}/int8"].astype(np.float32) * tensors[f"{name}/scale"]).astype(np.float32)


def _words(graph: onnx.GraphProto) -> list[str]:
    """The vocabulary in the order of its ids."""
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.name == "keys_strings":
                keys = [word.decode() for word in attribute.strings]
                return [word for word in keys if word not in ("", tokenizer.END_OF_TEXT)]
    raise NotConvolutional("The graph looks up no words.")
