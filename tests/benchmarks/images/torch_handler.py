"""The same student as most people serve one: torch, a state dict, a tokenizer in Python. No checks, log or metrics.

After the machine-learning templates of `sam init`: everything is loaded when the module is imported, and the handler
answers the event that a REST API sends.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import torch
from student import ConvStudent

_TASK = Path(__file__).parent
_FIRST_WORD, _END = 2, 1
# For texts in scripts with spaces, the words that the graph splits.
_WORD = re.compile(r"['’](?:s|t|re|ve|ll|d|m)\b|\w+|[^\w\s]")

torch.set_num_threads(1)
_about = json.loads((_TASK / "student.json").read_text(encoding="utf-8"))
_ids = {word: i + _FIRST_WORD for i, word in enumerate(_about["words"])}
_unknown = _FIRST_WORD + len(_ids)
_student = ConvStudent([0.0] * _about["surprisal"], *_about["shape"], dropout=0.0)
_student.load_state_dict(torch.load(_TASK / "student.pt", weights_only=True))
_student.eval()


def lambda_handler(event: dict, context: object) -> dict:
    """Answer a REST event as `POST /predict` does, for one text."""
    text = json.loads(event["body"])["inputs"]
    words = _WORD.findall(text.lower())[: _about["max_words"]]
    unknown = [word for word in words if word not in _ids]
    ids = torch.tensor([[_ids.get(word, _unknown) for word in words] + [_END]])
    grams = torch.nn.utils.rnn.pad_sequence([torch.tensor(_grams(word)) for word in [*unknown, "-"]], batch_first=True)
    with torch.no_grad():
        logits, _ = _student(ids, grams[:-1], (ids == _unknown).nonzero())
        scores = torch.softmax(logits / _about["temperature"], dim=1)[0].tolist()
    best = max(range(len(scores)), key=scores.__getitem__)
    prediction = {"label": _about["labels"][best], "score": scores[best]}
    return {"statusCode": 200, "body": json.dumps({"predictions": [prediction]})}


def _grams(word: str) -> list[int]:
    """The ids of an unknown word's runs of letters."""
    codes = [_murmur3(letter.encode()) for letter in f"<{word}>"[: _about["letters"]]]
    factors, buckets = _about["factors"], _about["shape"][0]
    runs = [codes[place : place + len(factors)] for place in range(len(codes) - len(factors) + 1)]
    return [1 + sum(code * factor for code, factor in zip(run, factors, strict=True)) % buckets for run in runs]


def _murmur3(data: bytes) -> int:
    """MurmurHash3, x86, 32 bits, seed 0 (Austin Appleby, public domain)."""
    mask, hashed = 0xFFFFFFFF, 0
    whole = len(data) - len(data) % 4
    for place in range(0, len(data), 4):
        block = int.from_bytes(data[place : place + 4], "little") * 0xCC9E2D51 & mask
        hashed ^= ((block << 15 | block >> 17) & mask) * 0x1B873593 & mask
        if place < whole:
            hashed = ((hashed << 13 | hashed >> 19) * 5 + 0xE6546B64) & mask
    hashed ^= len(data)
    hashed = (hashed ^ hashed >> 16) * 0x85EBCA6B & mask
    hashed = (hashed ^ hashed >> 13) * 0xC2B2AE35 & mask
    return hashed ^ hashed >> 16
