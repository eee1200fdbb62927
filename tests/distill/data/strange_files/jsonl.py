"""Strange files of JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.distill.data.strange_files.case import Case, Read, Refused

FILE = "rows.jsonl"


def lines(record: Callable[[int], object]) -> str:
    """Sixty records, a line each."""
    return "".join(json.dumps(record(i)) + "\n" for i in range(60))


def _order(i: int) -> dict[str, object]:
    user = {"age": 20 + i % 10, "home": {"city": ("Ulm", "Bonn")[i % 2]}, "tags": ["a"]}
    return {"user": user, "size": i * 1.5, "meta": {"label": ("no", "yes")[i % 2]}, "label": ("no", "yes")[i % 2]}


def _scored(i: int) -> dict[str, object]:
    return {"body": f"text {i}", "label": "ab"[i % 2], "says": {"a": 0.75, "b": 0.25}}


def case(name: str, content: bytes | str, expected: Read | Refused, **data: object) -> Case:
    return Case(name, content, expected, data, FILE)


CASES = (
    case("an empty file", b"", Refused(("rows.jsonl is empty",))),
    case(
        "objects, left out where nobody asks for them",
        lines(_order),
        Read(kinds={"size": "number"}, notes=("line 1 holds an object", "name its parts, as in 'user.age'")),
    ),
    case(
        "a path into an object",
        lines(_order),
        Read(
            kinds={"user.age": "number", "user.home.city": "category", "size": "number"},
            values={"user.home.city": ("Ulm", "Bonn")},
        ),
        columns=["user.age", "user.home.city", "size"],
    ),
    case("a label in an object", lines(_order), Read(labels=("no", "yes")), label="meta.label", columns=["size"]),
    case(
        "a text in an object",
        lines(lambda i: {"mail": {"body": f"text {i}"}, "label": i % 2}),
        Read(kinds={"text": "text"}, labels=("0", "1")),
        text="mail.body",
    ),
    case("a group in an object", lines(_order), Read(), group="user.home.city", columns=["size"]),
    case(
        "a type that is declared by a path",
        lines(_order),
        Read(kinds={"size": "number", "user.age": "category"}),
        types={"user.age": "category"},
    ),
    case(
        "a teacher's probabilities in an object",
        lines(_scored),
        Read(kinds={"text": "text"}),
        text="body",
        soft_label_prefix="says.",
    ),
    case(
        "an object itself",
        lines(_order),
        Refused(("column 'user' (data.columns): line 1 holds an object", "as in 'user.age', 'user.home.city'")),
        columns=["user", "size"],
    ),
    case(
        "a list in an object",
        lines(_order),
        Refused(("column 'user.tags' (data.columns): line 1 holds an array", "flatten it into columns")),
        columns=["user.tags"],
    ),
    case(
        "a misspelt path",
        lines(_order),
        Refused(("no column 'user.agee' (data.columns). Did you mean 'user.age'?",), never=("first line",)),
        columns=["user.agee"],
    ),
    case(
        "a key that is called like a path",
        lines(lambda i: _order(i) | {"user.age": ("red", "blue")[i % 2]}),
        Read(values={"user.age": ("red", "blue")}),
        columns=["user.age", "size"],
    ),
    case(
        "an object that some lines lack",
        lines(lambda i: {"label": i % 2, "size": i} | ({"user": {"age": i % 7}} if i % 3 else {"user": None})),
        Read(values={"user.age": (*range(7), None)}),
        columns=["user.age", "size"],
        types={"size": "number"},
    ),
    case(
        "a path that is an object in one line",
        lines(lambda i: {"user": {"age": {"years": 3} if i == 4 else i}, "label": i % 2}),
        Refused(("column 'user.age' (data.columns): line 5 holds an object",)),
        columns=["user.age"],
    ),
    case("a missing column", lines(_order), Refused(("no column 'z'",), never=("first line",)), columns=["z"]),
)
