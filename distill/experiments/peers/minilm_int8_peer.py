"""The fitted encoder itself in ONNX Runtime, its weights and activations as int8 (dynamic quantisation)."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import torch
from onnxruntime.quantization import quantize_dynamic
from tokenizers import Tokenizer
from torch import nn
from transformers import AutoModel

from distill.experiments.peers import contest
from distill.experiments.peers.contest import Model, Peer, Setting
from distill.experiments.peers.exchange import ExchangeError, Floats, Head, Questions, Task

# Seven bits: with eight, a processor without VNNI instructions saturates, and its answers are others.
_SETTINGS: tuple[Setting, ...] = ({"per_channel": True, "reduce_range": True},)
_TOKENIZER = "tokenizer.json"
_PARITY_TEXTS = 8
_PARITY = 1e-3


class _Classifier(nn.Module):
    """Token ids and their mask, both [N,T] -> probabilities [N,K]."""

    def __init__(self, folder: Path, head: Head) -> None:
        super().__init__()
        self.encoder = AutoModel.from_pretrained(str(folder), local_files_only=True, attn_implementation="eager")
        self.head = nn.Linear(head.weight.shape[1], head.weight.shape[0])
        self.head.load_state_dict({"weight": torch.from_numpy(head.weight), "bias": torch.from_numpy(head.bias)})

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        states = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        seen = mask.unsqueeze(-1).to(states.dtype)
        return torch.softmax(self.head((states * seen).sum(dim=1) / seen.sum(dim=1)), dim=-1)


def settings(task: Task) -> Sequence[Setting]:
    """One: nothing is left to tune."""
    return _SETTINGS


def fit(questions: Questions, setting: Setting, work: Path) -> Model:
    """Export, quantise, and load what was saved."""
    folder, head = questions.task.fitted, questions.head
    if folder is None or head is None:
        raise ExchangeError("The task has no fitted encoder with a head. Write both, or leave this peer out.")
    if not (folder / _TOKENIZER).is_file():
        raise ExchangeError(f"The fitted encoder has no {_TOKENIZER}. Save it with the tokenizers library's format.")
    shutil.copyfile(folder / _TOKENIZER, work / _TOKENIZER)
    network = _Classifier(folder, head).eval()
    graph = work / "float.onnx"
    _export(network, graph)
    tokenizer = _tokenizer(work, questions.task)
    _check(network, graph, [_ids(tokenizer, text) for text in questions.train.texts[:_PARITY_TEXTS]])
    quantize_dynamic(graph, work / "model.onnx", **setting)
    return _shipped(work, questions.task)


def _export(network: nn.Module, path: Path) -> None:
    ids = torch.ones((2, 7), dtype=torch.long)
    mask = torch.ones_like(ids)  # the same tensor twice would become one input
    shape = {0: torch.export.Dim("rows"), 1: torch.export.Dim("tokens")}
    with torch.inference_mode():
        torch.onnx.export(
            network,
            (ids, mask),
            path,
            input_names=["ids", "mask"],
            output_names=["probabilities"],
            dynamic_shapes=(shape, shape),
            external_data=False,
            dynamo=True,
            verbose=False,
        )
    model = onnx.load(path)
    del model.graph.value_info[:]  # the quantiser's shape inference stumbles over what the exporter noted
    onnx.save(model, path)


def _check(network: nn.Module, graph: Path, rows: Sequence[npt.NDArray[np.int64]]) -> None:
    """Refuse an export that does not answer as the network does: quantisation would get the blame."""
    session = _session(graph)
    for ids in rows:
        with torch.inference_mode():
            wanted = network(torch.from_numpy(ids), torch.ones(ids.shape, dtype=torch.long)).numpy()
        gap = float(np.abs(_run(session, ids) - wanted).max())
        if not gap < _PARITY:
            raise ExchangeError(f"The exported encoder is {gap:.2g} from the one it was made of, wanted {_PARITY:g}.")


def _shipped(folder: Path, task: Task) -> Model:
    tokenizer, session = _tokenizer(folder, task), _session(folder / "model.onnx")

    def call(text: str) -> Floats:
        return _run(session, _ids(tokenizer, text))

    return Model(
        description="the fine-tuned encoder, dynamic int8",
        kilobytes=contest.kilobytes(folder / "model.onnx", folder / _TOKENIZER),
        # One at a time: activations are scaled by the batch, so a row's answer depends on who is beside it.
        answer=lambda texts: np.concatenate([call(text) for text in texts]),
        call=call,
    )


def _tokenizer(folder: Path, task: Task) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(folder / _TOKENIZER))
    tokenizer.enable_truncation(task.max_tokens)
    tokenizer.no_padding()
    return tokenizer


def _ids(tokenizer: Tokenizer, text: str) -> npt.NDArray[np.int64]:
    # Not every tokenizer puts a mark around an empty text, and the mean of no state is not a number.
    return np.array([tokenizer.encode(text).ids or [0]], np.int64)


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _run(session: onnxruntime.InferenceSession, ids: npt.NDArray[np.int64]) -> Floats:
    found: Floats = session.run(None, {"ids": ids, "mask": np.ones_like(ids)})[0]
    return found


if __name__ == "__main__":
    libraries = ("onnxruntime", "onnx", "tokenizers", "torch", "transformers", "numpy")
    contest.main(Peer("minilm_int8", libraries, settings, fit))
