"""Parquet, by pyarrow."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from distill.data.normalize import column_name
from distill.data.readers import arrow_cells, parquet_pictures
from distill.data.readers.arrow_cells import Cells
from distill.data.readers.cells import Table, check_names
from distill.data.wording import listed
from distill.errors import DataError


def read(
    path: Path, where: str, wanted: Sequence[str] = (), prefix: str | None = None, image: str | None = None
) -> Table:
    """Read every column as cells, as `arrow_cells` says; what cannot be read is unusable and breaks nothing else.

    Args:
        path: the file.
        where: its name, for messages.
        wanted: column names that the recipe uses, among them paths into structs, as in user.age.
        prefix: so begin the names of other wanted columns.
        image: the column of pictures, where the recipe names one.

    Raises:
        DataError: not Parquet, without rows, or pyarrow is not installed.
    """
    file = _opened(path, where)
    schema, rows = file.schema_arrow, file.metadata.num_rows
    names = [column_name(name) for name in schema.names]
    check_names([name for name in names if name], where)
    if not rows:
        raise DataError(f"{where} has columns and no rows. Add rows.")
    columns: dict[str, np.typing.NDArray[np.object_]] = {}
    notes = [f"column {index} has no name and is left out" for index, name in enumerate(names, start=1) if not name]
    unusable: dict[str, str] = {}
    parts: list[str] = []
    asked = {*map(column_name, wanted)}
    encoded = {}
    for given, name, kind in zip(schema.names, names, schema.types, strict=True):
        if not name or name.startswith("__index_level_"):  # pandas wrote its row numbers
            continue
        if image is not None and name == column_name(image) and parquet_pictures.holds_bytes(kind):
            encoded[name] = parquet_pictures.read(file, path, given, where)
            continue
        inside = [path for path in _paths(kind, f"{name}.") if path not in names]  # a column that is called so wins
        parts += inside
        paths = [path for path in inside if path in asked or prefix and path.startswith(column_name(prefix))]
        for found, cells in _read(file, given, [name, *paths], inside):
            if isinstance(cells, str):
                unusable[found] = cells
            else:
                columns[found] = np.array(cells.values, dtype=object)
                notes += [f"column {found!r} {cells.note}"] if cells.note else []
    return Table(
        where,
        "row",
        columns,
        np.arange(1, rows + 1),
        tuple(notes),
        unusable,
        tuple(parts),
        folder=path.parent,
        encoded=encoded,
        class_names=_class_names(schema.metadata or {}),
    )


def _class_names(metadata: Mapping[bytes, bytes]) -> dict[str, tuple[str, ...]]:
    """Columns that hold the places of classes -> the classes, as Hugging Face's datasets write them (ClassLabel)."""
    try:
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        found = {name: feature["names"] for name, feature in features.items() if feature.get("_type") == "ClassLabel"}
    except (KeyError, ValueError, TypeError, AttributeError):
        return {}
    return {
        column_name(name): tuple(map(str, names)) for name, names in found.items() if isinstance(names, list) and names
    }


def _opened(path: Path, where: str) -> Any:  # noqa: ANN401 - pyarrow has no stubs
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise DataError(f"{where} needs pyarrow to be read. Install it: pip install pyarrow") from None
    try:
        return parquet.ParquetFile(path, page_checksum_verification=True)  # where the file has checksums
    except (pyarrow.ArrowException, OSError, ValueError):
        raise DataError(f"{where} is not a whole Parquet file: it is damaged or cut off. Fetch it again.") from None


def _read(file: Any, given: str, paths: Sequence[str], inside: Sequence[str]) -> Iterator[tuple[str, Cells | str]]:  # noqa: ANN401
    """A column and what was asked for of its parts: each path with its cells, or with why it has none."""
    from pyarrow import ArrowException

    try:
        column = file.read(columns=[given]).column(given)
    except (ArrowException, OSError, ValueError):
        yield paths[0], "it cannot be decoded, as it is damaged or encrypted: write it again"
        return
    whole = paths[0]
    for path in paths:
        try:
            yield path, arrow_cells.read(column if path == whole else _part(column, path[len(whole) + 1 :]))
        except arrow_cells.UnreadableError as error:
            named = f"name its parts, as in {listed(inside[:2])}" if inside and path == whole else error.advice
            yield path, f"{error}: {named}"


def _paths(kind: Any, above: str) -> Iterator[str]:  # noqa: ANN401
    """Every path from below a struct to what is no struct, however deep."""
    from pyarrow import types

    if types.is_struct(kind):
        for field in kind:
            path = above + column_name(field.name)
            yield from _paths(field.type, f"{path}.") if types.is_struct(field.type) else (path,)


def _part(column: Any, path: str) -> Any:  # noqa: ANN401
    """What stands at a path in a column of structs; null where the struct is."""
    from pyarrow import compute

    for index, field in enumerate(column.type):
        name = column_name(field.name)
        if path == name or path.startswith(f"{name}."):
            found = compute.struct_field(column, [index])
            return found if path == name else _part(found, path[len(name) + 1 :])
    raise AssertionError(path)
