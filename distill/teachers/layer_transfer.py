"""What a student of a teacher's own kind starts from: the teacher's word pieces and its first layers.

Sun et al. (2019), "Patient Knowledge Distillation for BERT Model Compression", find the first layers a good start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor, nn

from distill.errors import RecipeError

Floats = np.typing.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class FirstLayers:
    """Weights by the names that `modalities.text.mini_bert` gives them; the head is there if it is one linear layer."""

    heads: int  # of attention
    epsilon: float  # of layer normalisation
    weights: Mapping[str, Floats]


def pieces(tokenizer: Any, words: Sequence[str]) -> list[list[str]]:  # noqa: ANN401 - the library's class varies
    """The pieces that the tokenizer makes of each word; none where one of them is unknown to it."""
    if not words:
        return []
    unknown = tokenizer.unk_token_id
    ids = tokenizer(list(words), add_special_tokens=False)["input_ids"]
    return [[] if unknown in row else tokenizer.convert_ids_to_tokens(row) for row in ids]


def first_layers(
    encoder: nn.Module,
    head: nn.Module,
    tokenizer: Any,  # noqa: ANN401 - the library's class varies
    layers: int,
    pieces: Sequence[str],
    max_tokens: int,
) -> FirstLayers:
    """Copies of the embeddings of marks and `pieces`, of `max_tokens` positions, and of the first `layers` layers.

    Raises:
        RecipeError: the encoder is not built like BERT, or too small for what is asked.
    """
    config: Any = encoder.config
    if config.model_type != "bert" or config.hidden_act != "gelu":
        raise RecipeError(
            f"student.kind 'mini' starts from a teacher built like BERT, and this one is a {config.model_type}. "
            "Choose another student.kind, or another teacher.model."
        )
    for key, wanted, found in (
        ("layers", layers, config.num_hidden_layers),
        ("max_tokens", max_tokens, config.max_position_embeddings),
    ):
        if wanted > found:
            raise RecipeError(f"student.{key} is {wanted}, and the teacher has {found}. Set it to that or less.")
    ids = tokenizer.convert_tokens_to_ids([tokenizer.pad_token, tokenizer.sep_token, tokenizer.cls_token, *pieces])
    state = encoder.state_dict()
    weights: dict[str, Tensor] = {
        "embedding.weight": state["embeddings.word_embeddings.weight"][ids],
        "position": state["embeddings.position_embeddings.weight"][:max_tokens]
        + state["embeddings.token_type_embeddings.weight"][0],
        "norm.weight": state["embeddings.LayerNorm.weight"],
        "norm.bias": state["embeddings.LayerNorm.bias"],
    }
    weights |= {
        f"layers.{layer}.{ours}.{parameter}": state[f"encoder.layer.{layer}.{theirs}.{parameter}"]
        for layer in range(layers)
        for ours, theirs in _PARTS.items()
        for parameter in ("weight", "bias")
    }
    linear = [module for module in head.modules() if isinstance(module, nn.Linear)]
    if len(linear) == 1:
        weights |= {"head.1.weight": linear[0].weight, "head.1.bias": linear[0].bias}
    return FirstLayers(
        heads=config.num_attention_heads,
        epsilon=config.layer_norm_eps,
        weights={name: value.detach().numpy().copy() for name, value in weights.items()},
    )


_PARTS = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "attended": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "wide": "intermediate.dense",
    "narrow": "output.dense",
    "norm": "output.LayerNorm",
}
