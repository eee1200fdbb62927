from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[4]
HELD_BACK = {"transformers", "tokenizers", "huggingface-hub"}  # by model2vec


def pins(file: str) -> dict[str, str]:
    lines = [line for line in (ROOT / file).read_text().splitlines() if not line.startswith("#")]
    return {name.lower().replace("_", "-"): version for name, version in (line.split("==") for line in lines)}


def test_what_the_peers_share_with_the_project_has_the_same_version_but_for_what_model2vec_holds_back() -> None:
    ours, theirs = pins("constraints.txt"), pins("distill/experiments/peers/constraints-peers.txt")
    assert {name for name in ours.keys() & theirs.keys() if ours[name] != theirs[name]} == HELD_BACK
    assert {"torch", "numpy", "onnxruntime", "scikit-learn", "fasttext", "model2vec"} <= theirs.keys()
