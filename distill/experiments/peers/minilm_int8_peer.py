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

from distill.experiments.peers import exchange
from distill.experiments.peers.exchange import ExchangeError, Floats, Model, Questions, Setting

# Seven bits: with eight, a processor without VNNI instructions saturates, and its answers are others.
_SETTINGS: tuple[Setting, ...] = ({"per_channel": True, "reduce_range": True},)
_TOKENIZER = "tokenizer.json"
_PARITY_TEXTS = 8
_PARITY = 1e-3


class _Classifier(nn.Module):
    """Token ids and their mask, both [N,T] -> probabilities [N,K]."""

    def __init__(self, folder: Path, weight: Sequence[Sequence[float]], bias: Sequence[float]) -> None:
        super().__init__()
        self.encoder = AutoModel.from_pretrained(str(folder), local_files_only=True, attn_implementation="eager")
        self.head = nn.Linear(len(weight[0]), len(weight))
        self.head.load_state_dict({"weight": torch.tensor(weight), "bias": torch.tensor(bias)})

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        states = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        seen = mask.unsqueeze(-1).to(states.dtype)
        return torch.softmax(self.head((states * seen).sum(dim=1) / seen.sum(dim=1)), dim=-1)


def fit(questions: Questions, setting: Setting, work: Path) -> Model:
    """Export, quantise, and load what was saved."""
    if questions.fitted is None or questions.head_weight is None or questions.head_bias is None:
        raise ExchangeError("There is no fitted encoder with a head. Give both, or leave this peer out.")
    folder = Path(questions.fitted)
    if not (folder / _TOKENIZER).is_file():
        raise ExchangeError(f"The fitted encoder has no {_TOKENIZER}. Save it with the tokenizers library's format.")
    shutil.copyfile(folder / _TOKENIZER, work / _TOKENIZER)
    network = _Classifier(folder, questions.head_weight, questions.head_bias).eval()
    graph = work / "float.onnx"
    _export(network, graph)
    tokenizer = _tokenizer(work, questions.max_tokens)
    _check(network, graph, [_ids(tokenizer, text) for text in questions.train[:_PARITY_TEXTS]])
    quantize_dynamic(graph, work / "model.onnx", **setting)
    return _shipped(work, questions.max_tokens)


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


def _shipped(folder: Path, max_tokens: int) -> Model:
    tokenizer, session = _tokenizer(folder, max_tokens), _session(folder / "model.onnx")

    def call(text: str) -> Floats:
        return _run(session, _ids(tokenizer, text))

    return Model(
        description="the fine-tuned encoder, dynamic int8",
        kilobytes=exchange.kilobytes(folder / "model.onnx", folder / _TOKENIZER),
        # One at a time: activations are scaled by the batch, so a row's answer depends on who is beside it.
        answer=lambda texts: np.concatenate([call(text) for text in texts]),
        call=call,
    )


def _tokenizer(folder: Path, max_tokens: int) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(folder / _TOKENIZER))
    tokenizer.enable_truncation(max_tokens)
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
    exchange.main({"minilm_int8": _SETTINGS}, libraries, fit)
