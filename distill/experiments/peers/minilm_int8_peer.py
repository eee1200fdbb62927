"""The fitted encoder itself in ONNX Runtime, its weights and activations as int8 (dynamic quantisation)."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnxruntime.quantization import quantize_dynamic
from tokenizers import Tokenizer
from torch import nn
from transformers import AutoModel

from distill.experiments.peers.exchange import ExchangeError, Floats, Model, Questions, Setting, kilobytes, main

# Seven bits: with eight, a processor without VNNI instructions saturates, and its answers are others.
_SETTINGS: tuple[Setting, ...] = ({"per_channel": True, "reduce_range": True},)
_TOKENIZER = "tokenizer.json"
_PARITY_TEXTS = 8
_PARITY = 1e-3

Ids = np.typing.NDArray[np.int64]


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
    _export(network, work / "float.onnx")
    encode = _encoder(work / _TOKENIZER, questions.max_tokens)
    _check(network, _runner(work / "float.onnx"), [encode(text) for text in questions.train[:_PARITY_TEXTS]])
    quantize_dynamic(work / "float.onnx", work / "model.onnx", **setting)
    run = _runner(work / "model.onnx")
    return Model(
        description="the fine-tuned encoder, dynamic int8",
        kilobytes=kilobytes(work / "model.onnx", work / _TOKENIZER),
        # One at a time: activations are scaled by the batch, so a row's answer depends on who is beside it.
        answer=lambda texts: np.concatenate([run(encode(text)) for text in texts]),
        call=lambda text: run(encode(text)),
    )


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


def _check(network: nn.Module, exported: Callable[[Ids], Floats], rows: Sequence[Ids]) -> None:
    """Refuse an export that does not answer as the network does: quantisation would get the blame."""
    for ids in rows:
        with torch.inference_mode():
            wanted = network(torch.from_numpy(ids), torch.ones(ids.shape, dtype=torch.long)).numpy()
        gap = float(np.abs(exported(ids) - wanted).max())
        if not gap < _PARITY:
            raise ExchangeError(f"The exported encoder is {gap:.2g} from the one it was made of, wanted {_PARITY:g}.")


def _encoder(path: Path, max_tokens: int) -> Callable[[str], Ids]:
    """From a text to its token ids [1,T], by a saved tokenizer."""
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.enable_truncation(max_tokens)
    tokenizer.no_padding()
    # Not every tokenizer puts a mark around an empty text, and the mean of no state is not a number.
    return lambda text: np.array([tokenizer.encode(text).ids or [0]], np.int64)


def _runner(path: Path) -> Callable[[Ids], Floats]:
    """From token ids to probabilities [1,K], by a saved graph."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda ids: session.run(None, {"ids": ids, "mask": np.ones_like(ids)})[0]


if __name__ == "__main__":
    libraries = ("onnxruntime", "onnx", "tokenizers", "torch", "transformers", "numpy")
    main({"minilm_int8": _SETTINGS}, libraries, fit)
