"""The bundle's manifest: frozen dataclasses, read with suspicion and written in one form.

The consumer owns the contract: `distill` and `infra` import this module, never the other way round.
Standard library only, because the Lambda function imports it at every cold start.
"""

from __future__ import annotations

import hashlib
import json
import re
import stat
import sys
from collections.abc import Iterator
from dataclasses import MISSING, asdict, dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from handler.bundle.abstention import Thresholds
from handler.bundle.costs import Costs
from handler.errors import BundleError

SCHEMA = 3
# Every file of a bundle. The manifest seals the others; its signature lies beside it once somebody has signed.
MANIFEST = "manifest.json"
MODEL = "model.onnx"
GOLDEN = "golden.jsonl"
OPENAPI = "openapi.json"
REPORT = "report.html"
CARD = "card.md"
SEALED = (MODEL, GOLDEN, OPENAPI, REPORT, CARD)
SIGNATURE = "manifest.sig"
LATEST = "latest"  # beside the versions of a bundle: names the one sealed last
# What an image's build adds for itself; no part of the sealed bundle.
OPTIMIZED_MODEL = "model.optimized.onnx"
OPTIMIZED_RECORD = "model.optimized.json"
VERSION_DIGITS = 12
_CHUNK_BYTES = 1 << 20
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_AGAIN = "Fetch or build the bundle again."

NO_PRIVACY_CLAIMED: dict[str, Any] = {"claimed": False}

T = TypeVar("T")


@dataclass(frozen=True)
class Input:
    """One input tensor of the graph, in feeding order."""

    name: str
    dtype: str  # "string", "float32" or "uint8", the tensor's element type
    kind: str  # "text", "number", "category" or "image", what a person would call it
    # How training read the column's cells, for values that are strings. "": as they are sent, a number never so.
    notation: str = ""  # `levelling.LEVELLED`, or one of `numbers.NOTATIONS`, in `handler.modalities`
    unit: str = ""  # the sign or unit that training's numbers had beside them
    missing: tuple[str, ...] = ()  # words that stood for "missing" among training's numbers, beside `levelling.HOLES`
    background: str = ""  # of a picture: "#rrggbb", the colour under what is transparent


@dataclass(frozen=True)
class Limits:
    """What one request may hold, enforced before the graph runs."""

    max_inputs: int
    max_characters: int  # of one text or one category
    max_body_bytes: int  # as it arrives, and once more after decompression
    max_depth: int  # levels of nested arrays and objects in a body
    max_explained: int  # copies of its inputs that one request may have run to explain the answers
    max_pixels: int = 0  # of a picture, width times height; 0: the model takes none


@dataclass(frozen=True)
class DriftBaseline:
    """How the model behaved on its own validation rows, to notice when production differs."""

    rows: int
    mean_confidence: float
    mean_novelty: float
    abstention_rate: float
    label_shares: dict[str, float]


@dataclass(frozen=True)
class Metric:
    """A number with its 95% interval and the rows it was measured on (n=0: not a sample statistic)."""

    name: str
    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Serving:
    """All that the handler reads, with `Manifest.files`. Hashed into the version."""

    task: str  # a name in the register of `handler.modalities`
    inputs: tuple[Input, ...]
    labels: tuple[str, ...]
    thresholds: Thresholds
    limits: Limits
    drift_baseline: DriftBaseline
    evidence: tuple[Metric, ...]
    costs: Costs | None = None  # None: every mistake counts alike, and the answer is the most probable label


@dataclass(frozen=True)
class Manifest:
    """The seal of a bundle: it exists only when every gate passed."""

    name: str
    version: str
    schema: int
    serving: Serving
    files: dict[str, str]  # file name -> sha256, 64 hex digits
    provenance: dict[str, Any]
    evidence: dict[str, Any]
    privacy: dict[str, Any]  # what is claimed of training rows' privacy: {"claimed": false}, or (ε, δ) and the like


def version_of(model_sha256: str, serving: Serving) -> str:
    """First 12 hex digits of the hash over the model's hash and the serving section.

    Raises:
        ValueError: a number in it is NaN or infinite, which no manifest can hold.
        BundleError: a value in it has not the type its field names.
    """
    # Through JSON and back, so that an int where a float belongs hashes the same before sealing and after reading.
    serving = _build(Serving, json.loads(_canonical(asdict(serving))), "serving")
    return hashlib.sha256(f"{model_sha256}\n{_canonical(plain(serving))}".encode()).hexdigest()[:VERSION_DIGITS]


def plain(value: Any) -> Any:  # noqa: ANN401 - a dataclass of the manifest, or a value in one
    """The section as JSON has it. A key with a default is left out where it says no more than that."""
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if not is_dataclass(value):
        return value
    found = ((field.default, field.name, getattr(value, field.name)) for field in fields(value))
    return {name: plain(given) for default, name, given in found if default is MISSING or given != default}


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in 64 hex digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def dumps(manifest: Manifest) -> str:
    """The manifest as the JSON text that `parse` reads back to an equal object."""
    known = asdict(manifest) | {"serving": plain(manifest.serving)}
    if manifest.schema < SCHEMA:
        del known["privacy"]
    return json.dumps(known, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def parse(text: str, where: str = MANIFEST) -> Manifest:
    """Read a manifest's JSON strictly.

    Raises:
        BundleError: not JSON (RFC 8259, so no NaN, no key twice), another schema number, an unknown or a missing
            key, a wrong type, or a serving section that contradicts itself.
    """
    try:
        raw = json.loads(text, object_pairs_hook=_unique)
        json.dumps(raw, ensure_ascii=False, allow_nan=False).encode()  # refuses NaN, 1e999 and lone surrogates
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{where} is not JSON ({error}). {_AGAIN}") from None
    if not isinstance(raw, dict):
        raise BundleError(f"{where} holds a JSON {_json_type(raw)}, wanted an object. {_AGAIN}")
    found = raw.get("schema")
    if found not in (SCHEMA, SCHEMA - 1) or isinstance(found, bool):
        raise BundleError(
            f"{where} has schema {json.dumps(found)}, this Limbeck reads schemas {SCHEMA - 1} and {SCHEMA}. "
            "Seal the bundle again with this version, or serve it with the version that sealed it."
        )
    manifest = _build(Manifest, raw if found == SCHEMA else _upgraded(raw, where), where)
    for problem in _contradictions(manifest):
        raise BundleError(f"{where}: {problem}. {_AGAIN}")
    return manifest


def read(folder: str | Path) -> Manifest:
    """Check a sealed bundle whole and return its manifest: every file, every hash, the version.

    Raises:
        BundleError: no folder, no manifest (a staged bundle is never served), or anything in it that is
            not as it was sealed.
    """
    folder = Path(folder)
    path = folder / MANIFEST
    if not folder.is_dir():
        raise BundleError(f"No bundle folder at {folder}. Name a sealed bundle's folder (the function: BUNDLE_DIR).")
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        raise BundleError(
            f"{folder} has no {MANIFEST}: it was never sealed, so it is not served. "
            "Name the folder of a sealed version, or fetch or build the bundle again."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise BundleError(f"{path} cannot be read ({reason}). {_AGAIN}") from None
    manifest = parse(text, where=str(path))
    for name in (MODEL, OPENAPI):
        if name not in manifest.files:
            raise BundleError(f"{path} lists no {name} in its files. {_AGAIN}")
    for name, wanted in sorted(manifest.files.items()):
        _check_file(folder, name, wanted)
    version = version_of(manifest.files[MODEL], manifest.serving)
    if version != manifest.version:
        raise BundleError(
            f"{path} says version {manifest.version}, but {MODEL} and its serving section hash to {version}: "
            f"the manifest was changed after sealing. {_AGAIN}"
        )
    return manifest


def _upgraded(raw: dict[str, Any], where: str) -> dict[str, Any]:
    """A manifest of the schema before this one, with what it lacks. Its version covers nothing that is added here."""
    if "privacy" in raw:
        raise BundleError(f"{where} has the unknown key 'privacy' for schema {SCHEMA - 1}. {_AGAIN}")
    return raw | {"privacy": NO_PRIVACY_CLAIMED}


def _contradictions(manifest: Manifest) -> Iterator[str]:
    """What a manifest of the right types can still get wrong, so that nobody downstream has to ask."""
    serving = manifest.serving
    names = [column.name for column in serving.inputs]
    limits = serving.limits
    if not _NAME.fullmatch(manifest.name):
        yield f"name is {manifest.name!r}, wanted lower-case letters, digits, '.', '_' and '-', at most 64"
    if len(set(names)) != len(names) or not names:
        yield f"serving.inputs names {len(names)} inputs, wanted one or more with distinct names"
    if len(set(serving.labels)) != len(serving.labels) or len(serving.labels) < 2:
        yield "serving.labels wants two labels or more, all different"
    if min(plain(limits).values()) < 1:
        yield "serving.limits wants numbers over 0"
    if serving.costs is not None:
        yield from serving.costs.contradictions(len(serving.labels))


def _check_file(folder: Path, name: str, wanted: str) -> None:
    if not name.isprintable() or re.search(r"[/\\]|^\.|^$", name):
        raise BundleError(
            f"{folder / MANIFEST} lists the file name {name!r}, wanted a plain name inside the bundle. {_AGAIN}"
        )
    path = folder / name
    try:
        # A link is followed: its content is what must match. A device or a pipe would be read for ever.
        regular = stat.S_ISREG(path.stat().st_mode)
        found = sha256_of(path) if regular else ""
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise BundleError(f"{path} cannot be read ({reason}), its manifest wants sha256 {wanted}. {_AGAIN}") from None
    if not regular:
        raise BundleError(f"{path} is not a regular file, its manifest wants one with sha256 {wanted}. {_AGAIN}")
    if found != wanted:
        raise BundleError(
            f"{path} has sha256 {found}, its manifest wants {wanted}: the file changed after sealing. {_AGAIN}"
        )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("an object has the same key twice")
    return made


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _json_type(value: object) -> str:
    names = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}
    return names.get(type(value), "number")


def _build(kind: type[T], raw: object, where: str) -> T:
    """Make the dataclass `kind` from JSON, refusing what it does not name."""
    if not isinstance(raw, dict):
        raise BundleError(f"{where} holds a JSON {_json_type(raw)}, wanted an object. Schema {SCHEMA} is read here.")
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    wanted = {field.name for field in fields(kind) if field.default is MISSING}  # type: ignore[arg-type]
    for problem, keys in (("unknown", raw.keys() - names), ("missing", wanted - raw.keys())):
        if keys:
            raise BundleError(
                f"{where} has the {problem} key {', '.join(sorted(map(repr, keys)))} for schema {SCHEMA}, "
                "which this Limbeck reads. Seal the bundle again with this version."
            )
    hints = _hints(kind)  # type: ignore[arg-type]
    return kind(**{name: _value(hints[name], raw[name], f"{where}: {name}") for name in sorted(names & raw.keys())})


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _value(hint: Any, raw: object, where: str) -> Any:  # noqa: ANN401 - as wide as JSON
    if hint is Any:
        return raw
    if is_dataclass(hint) and isinstance(hint, type):
        return _build(hint, raw, where)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is UnionType:  # a type, or None
        return None if raw is None else _value(arguments[0], raw, where)
    if origin is tuple and isinstance(raw, list):
        return tuple(_value(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(raw))
    if origin is dict and isinstance(raw, dict):
        return {key: _value(arguments[1], item, f"{where}.{key}") for key, item in raw.items()}
    if origin is None and _fits(hint, raw):
        return float(raw) if hint is float else raw  # type: ignore[arg-type]
    wanted = getattr(origin or hint, "__name__", str(hint))
    raise BundleError(f"{where} holds a JSON {_json_type(raw)}, wanted {wanted}. {_AGAIN}")


def _fits(hint: type, raw: object) -> bool:
    if isinstance(raw, bool):
        return hint is bool
    if hint is float:
        return isinstance(raw, (int, float)) and abs(raw) <= sys.float_info.max
    return isinstance(raw, hint)
