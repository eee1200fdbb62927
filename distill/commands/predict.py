"""`limbeck predict`: a sealed bundle's answers, under the same rules as over HTTP."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from distill import progress
from distill.commands.console import QuietOption
from distill.errors import DataError

_UTF_8 = partial(str, encoding="utf-8-sig")


def predict(
    bundle: Annotated[
        Path, typer.Argument(metavar="BUNDLE", help="A sealed bundle's folder, or that of its versions.")
    ],
    input_: Annotated[
        str | None,
        typer.Argument(
            metavar="INPUT",
            help="For a bundle of texts: a text. For one of columns: a JSON object of them. For any: @FILE, a file "
            "that holds such an input, or is the picture; or -, one a line of standard input, which is the default.",
        ),
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Print one JSON line for each input. Exit status: 0; 2 an input is wrong; 4 the bundle is refused."""
    given = None if input_ == "-" else input_
    if given is None and sys.stdin.isatty():
        progress.say("Reading one input a line from standard input; Ctrl-D ends it.")
    for line in answers(bundle, given, sys.stdin.buffer):
        typer.echo(line)


def answers(bundle: Path, given: str | None, lines: BinaryIO) -> Iterator[str]:
    """One JSON line a prediction, for `given` (a text, an object, or @file), or for each of `lines`.

    What looks like another kind of input than the bundle's is refused as an argument. In a file and in lines it may be
    what is meant, and is told once.

    Raises:
        BundleError: the bundle is refused.
        DataError: an input cannot be read, or breaks the rules of `handler.modalities`.
    """
    from distill.modalities.register import named
    from handler.bundle.versions import newest
    from handler.errors import BundleError, RequestError
    from handler.modalities import register
    from handler.model.predictor import Predictor

    try:
        folder = newest(bundle)
    except BundleError as error:
        if given is None:  # `predict "some text"`
            raise BundleError(f"{error} The bundle comes first: limbeck predict BUNDLE INPUT") from None
        raise
    predictor = Predictor.load(folder)
    serving, modality = predictor.serving, named(predictor.serving.task)
    contents = _texts(lines) if given is None else [("The input", _content(given, modality.of_file))]
    is_argument, told = given is not None and not given.startswith("@"), False
    for where, text in contents:
        if given is None and not text.strip() and not modality.blank_is_input:
            continue
        other = "" if told else modality.looks_like(text)
        if other and is_argument:
            raise DataError(
                f"{where} is {other}, and {bundle} takes {modality.rows_are}. Give the text alone. Where the text is "
                "itself JSON, send it through standard input (-), one a line, or as @FILE."
            )
        if other:
            progress.say(f"{where} is {other}, and is read as it stands: {bundle} takes {modality.rows_are}.")
            told = True
        try:
            records = register.check([modality.parse(text, serving)], serving)
        except RequestError as error:
            raise DataError(f"{where} cannot be answered. {error.detail}") from None
        [prediction] = predictor.predict(records)
        yield json.dumps(prediction.as_json(), ensure_ascii=False)


def _texts(lines: BinaryIO) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(lines, start=1):
        where = f"Line {number} of the input"
        yield where, _decoded(line, where).rstrip("\r\n")


def _content(given: str, of_file: Callable[[bytes], str]) -> str:
    if not given.startswith("@"):
        return given
    path = Path(given[1:])
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a file's name"
        raise DataError(
            f"{path} cannot be read ({reason}). After @ goes the path of a file; "
            "a text that itself begins with @ goes through standard input."
        ) from None
    return _decoded(content, str(path), of_file)


def _decoded(content: bytes, where: str, of_file: Callable[[bytes], str] = _UTF_8) -> str:
    try:
        return of_file(content)
    except UnicodeDecodeError:
        raise DataError(f"{where} is not UTF-8. Convert it, for example with iconv.") from None
