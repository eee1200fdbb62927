"""Questions to a sealed bundle from the command line, under the same rules as over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

from distill.cache import LATEST
from distill.errors import DataError
from handler.bundle import contract
from handler.bundle.contract import Serving
from handler.errors import RequestError
from handler.http import strict_json
from handler.modalities import register
from handler.model.predictor import Predictor


def answers(bundle: Path, given: str | None, lines: BinaryIO) -> Iterator[str]:
    """One JSON line a prediction, for `given` (a text, an object, or @file), or for each of `lines`.

    Raises:
        BundleError: the bundle is refused.
        DataError: an input cannot be read, or breaks the rules of `handler.modalities`.
    """
    predictor = Predictor.load(newest(bundle))
    if given is not None:
        yield _answer(predictor, _content(given), "The input")
        return
    for number, line in enumerate(lines, start=1):
        if predictor.serving.task != "text" and not line.strip():
            continue  # no object of columns; an empty text is an input
        where = f"Line {number} of the input"
        yield _answer(predictor, _decoded(line, where).rstrip("\r\n"), where)


def newest(bundle: Path) -> Path:
    """The bundle's folder, where only its name's folder was given: the version sealed last."""
    latest = bundle / LATEST
    if not (bundle / contract.MANIFEST).exists() and latest.is_file():
        return bundle / latest.read_text().strip()
    return bundle


def _answer(predictor: Predictor, text: str, where: str) -> str:
    try:
        records = register.check([_value(text, predictor.serving)], predictor.serving)
    except RequestError as error:
        raise DataError(f"{where} cannot be answered. {error.detail}") from None
    return json.dumps(asdict(predictor.predict(records)[0]), ensure_ascii=False)


def _value(text: str, serving: Serving) -> object:
    if serving.task == "text":
        return text
    try:
        return strict_json.loads(text.encode(errors="surrogatepass"), serving.limits.max_depth)
    except RequestError as error:
        detail = error.detail.split(" Send a JSON object such as")[0].replace("The body", "It", 1)
        columns = json.dumps({column.name: None for column in serving.inputs[:1]}, ensure_ascii=False)
        raise RequestError(error.status, error.kind, f"{detail} Wanted a JSON object such as {columns}.") from None


def _content(given: str) -> str:
    if not given.startswith("@"):
        return given
    path = Path(given[1:])
    try:
        return _decoded(path.read_bytes(), str(path))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a file's name"
        raise DataError(
            f"{path} cannot be read ({reason}). After @ goes the path of a file; "
            "a text that itself begins with @ goes through standard input."
        ) from None


def _decoded(content: bytes, where: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{where} is not UTF-8. Convert it, for example with iconv.") from None
