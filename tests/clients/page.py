"""The client calls that docs/clients.md and README show, and whether what a call said is what they show."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.documents import README, page

CLIENTS = ("sh", "powershell", "python", "js")  # other blocks say how to serve, or what is answered
COLUMNS_MODEL, PHOTO = "breast-cancer", "photo.jpg"
TOLERANCE = 0.1  # of a probability: the same recipe teaches a slightly different student on another kind of processor

_FENCED = re.compile(r"^```(?P<language>\w+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_NUMBER = re.compile(r"(?<![\w.])-?\d+\.\d+(?:e-?\d+)?(?![\w.])")
_VERSION = re.compile(r"\b[0-9a-f]{12}\b")
_INSTANCE = re.compile(r'("instance": )"[^"]*"')


@dataclass(frozen=True)
class Call:
    """One block of the page, and the answer shown after it."""

    heading: str
    language: str
    code: str
    shown: str
    model: str  # the fixture of the model that it is for: "text", "columns" or "pictures"

    @property
    def name(self) -> str:
        """For the test's name."""
        return f"{self.language}-{self.heading.lower().replace(' ', '-')}"


def calls(text: str) -> list[Call]:
    """Every client call of the page, in its order, each with the answer shown last before the next."""
    found: list[Call] = []
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        heading, _, rest = part.partition("\n")
        blocks = [(match["language"], match["body"]) for match in _FENCED.finditer(rest)]
        for (language, code), (shown_as, shown) in zip(blocks, [*blocks[1:], ("", "")], strict=True):
            if language in CLIENTS:
                assert shown_as in ("json", "text"), f"no answer is shown after: {code}"
                found.append(Call(heading, language, code, shown, _model_of(code)))
    return found


def _model_of(code: str) -> str:
    if PHOTO in code:
        return "pictures"
    return "columns" if COLUMNS_MODEL in code or '"worst radius"' in code else "text"


def every_call() -> list[Call]:
    """The calls of docs/clients.md, and the one of README's second use."""
    front = README.read_text(encoding="utf-8").split("\n### 2. ")[1].split("\n### ")[0]
    return [*calls(page("clients")), *calls(f"## {front}")]


def skeleton(said: str) -> tuple[str, list[float]]:
    """What was said less line breaks, version, request id and numbers; and its numbers, in their order."""
    text = _canonical(said) or " ".join(said.split())
    text = _INSTANCE.sub(r'\1"…"', _VERSION.sub("…", text))
    return _NUMBER.sub("#", text), [float(number) for number in _NUMBER.findall(text)]


def _canonical(said: str) -> str:
    """JSON values one after another in one way of writing them; "" for what is not JSON."""
    try:
        return "\n".join(json.dumps(value, ensure_ascii=False) for value in _values(said))
    except ValueError:
        return ""


def _values(said: str) -> Iterator[object]:
    decoder, rest = json.JSONDecoder(), said.strip()
    while rest:
        value, end = decoder.raw_decode(rest)
        yield value
        rest = rest[end:].lstrip()
