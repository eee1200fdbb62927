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

from distill.modalities.text import char_ngrams, students
from distill.modalities.text.students import ConvStudent
from handler.bundle import contract

_WEIGHT = "limbeck/student/weight_{}"
_MENDING = "limbeck/text/number_table"  # only of a graph that mends misspelt words


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
    """Read the student out of a text bundle's graph; its weights are those that are served, int8 turned back to float.

    Raises:
        NotConvolutional: the student is no `ConvStudent`.
    """
    manifest = contract.read(bundle)
    graph = onnx.load(bundle / contract.MODEL).graph
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    weights = _weights(tensors)
    if manifest.serving.task != "text" or len(weights) != 7 or weights[3].ndim != 3:
        raise NotConvolutional(f"{bundle} has no convolutional text student. Use a bundle such as sentiment-quick.")
    if _MENDING in tensors:
        raise NotConvolutional(f"{bundle} mends misspelt words, which the torch handler does not. Use sentiment-quick.")
    surprisal, embedding = len(weights[2]), weights[0].shape[1]
    buckets, channels, classes = len(weights[1]) - 1, len(weights[3]), len(weights[5])
    network = ConvStudent([0.0] * surprisal, buckets, embedding, channels, classes, dropout=0.0)
    state = network.state_dict()  # in the order of the graph's weights
    network.load_state_dict({name: torch.from_numpy(w.copy()) for name, w in zip(state, weights, strict=True)})
    return TorchStudent(
        network,
        {
            "surprisal": surprisal,
            "shape": [buckets, embedding, channels, classes],
            "words": _words(graph),
            "letters": char_ngrams.LONGEST_WORD,
            "factors": [int(tensors[f"limbeck/text/factor_{place}"]) for place in range(char_ngrams.RUN)],
            "max_words": int(tensors["limbeck/text/max_words"][0]),
            "temperature": float(tensors["limbeck/calibration/temperature"]),
            "labels": manifest.serving.labels,
        },
    )


def _weights(tensors: dict[str, np.ndarray]) -> list[np.ndarray]:
    """The student's float weights in their order; a few ids and axes among them are left out."""
    found = []
    for place in range(len(tensors)):
        name = _WEIGHT.format(place)
        if f"{name}/int8" in tensors:
            found.append(tensors[f"{name}/int8"].astype(np.float32) * tensors[f"{name}/scale"])
        elif name in tensors and tensors[name].dtype == np.float32:
            found.append(tensors[name])
    return found


def _words(graph: onnx.GraphProto) -> list[str]:
    """The vocabulary in the order of its ids."""
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.name == "keys_strings":
                return [word.decode() for word in attribute.strings][1:]  # the first is padding
    raise NotConvolutional("The graph looks up no words.")
