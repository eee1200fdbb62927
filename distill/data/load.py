"""From a recipe's data section to rows that are split for good."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from distill.data import checks, families, family_notes, from_file, split
from distill.data.keys import keys_of
from distill.data.rows import UNLABELLED, Dataset, Pool, Rows
from distill.data.sources import FORMATS, NAMED_SETS
from distill.data.wording import counted
from distill.errors import DataError
from distill.recipe.public_sets import CATALOGUE
from distill.recipe.rules import FILES, FOLDER
from distill.recipe.schema import Data


def load(data: Data, base: Path, kind: from_file.Kind) -> Dataset:
    """Read, check, de-duplicate and split.

    The same rows in any order give the same Dataset, but for a column that numbers them in the order of the file.

    Args:
        data: the recipe's data section.
        kind: of input, as the recipe has it (`distill.modalities.register.of`).
        base: the recipe's folder: a relative `data.path` is looked for there, then in the working directory.

    Raises:
        DataError: the rows are missing or unreadable, of one class only, or of a class that has too few to be learned
            and judged.
        FetchError: a named set cannot be fetched.
    """
    named = next((entry for entry in CATALOGUE if entry.name == data.source), None)
    path = _find(data.path, data.source, base) if data.path else None
    if named is not None:
        pool, notes = NAMED_SETS[named.name](path)
    elif path is not None and data.source in FORMATS and (data.label or data.source == FOLDER):
        pool, notes = from_file.read(path, data, kind)
    else:
        raise DataError(
            f"data.source is {data.source!r}, wanted one of {', '.join(NAMED_SETS)}, or one of "
            f"{', '.join(FORMATS)} with data.path, the file, and data.label, its label column."
        )
    where = path.name if path else data.source  # for messages
    labels = pool.names
    every = split.unique(pool, keys_of(pool))
    rows = split.sample(every, data.max_rows)
    sampled = len(rows.keys) < len(every.keys)
    checks.enough_rows(rows.pool.labels, labels, where, rows.dropped, sampled)
    groups = None if data.split_by_group is False or named else rows.pool.groups
    if groups is not None and rows.pool.split is None:
        column, is_wanted = f"{where}, column {data.group!r}", data.split_by_group is True
        groups = groups if checks.are_groups_enough(rows.pool.labels, groups, column, is_wanted) else None
    by_group = groups is not None and rows.pool.split is None
    together = families.of(rows.pool.labels, groups, kind.near_duplicates(rows.pool.columns))
    row_by_row = split.parts(rows)
    part = row_by_row
    if together.several and not named:  # whose split is fixed: what was published of it stays true
        rows, order = split.keyed(rows, families.keys(rows.keys, groups, together))
        together, row_by_row = together.take(order), row_by_row[order]
        groups = None if groups is None else groups[order]
        part = split.parts(rows)
    checks.every_part_has_every_class(rows.pool.labels, part, where, sampled, by_group)
    number = {label: index for index, label in enumerate(labels)} | {"": UNLABELLED}
    whole = Rows(
        columns=rows.pool.columns,
        labels=np.array([number[label] for label in rows.pool.labels], dtype=np.int64),
        keys=rows.keys,
        groups=rows.pool.groups,
        votes=rows.pool.votes,
        teacher_probabilities=rows.pool.teacher_probabilities,
    )
    pieces = {wanted: whole.take(part == wanted) for wanted in split.PARTS}
    return Dataset(
        name=named.name if named else Path(where).stem,
        task=named.task if named else kind.name,
        inputs=pool.inputs,
        labels=labels,
        train=pieces[split.TRAIN],
        validation=pieces[split.VALIDATION],
        test=pieces[split.TEST],
        fingerprint=_fingerprint(pool, whole, labels, part),
        # What a user's file holds nobody here knows, so it is neither called public nor given the set's licence.
        licence=named.licence if named and not path else "not stated",
        public=path is None if data.public is None else data.public,
        given_split=named is None and pool.split is not None,
        notes=(
            *notes,
            *checks.label_notes(labels),
            *_notes(pool, rows, data.max_rows),
            *family_notes.of_groups(groups, rows.pool, part, data),
            *family_notes.of_near_copies(together, part, row_by_row, is_kept=not named and rows.pool.split is None),
        ),
    )


def _find(path: str, source: str, base: Path) -> Path:
    """The file that `data.path` names."""
    given = Path(path).expanduser()
    tried = list(dict.fromkeys([(base / given).absolute(), given.absolute()]))
    try:
        found = next((place for place in tried if place.exists()), None)
    except (OSError, ValueError):  # a name too long, or with a NUL
        found = None
    if found is None:
        raise DataError(f"No file {path!r} (data.path). Looked for {' and '.join(map(str, tried))}.")
    if source == FOLDER and not found.is_dir():
        raise DataError(f"{found} (data.path) is a file, wanted the folder with a sub-folder for each class.")
    if source in FILES and not found.is_file():
        raise DataError(f"{found} (data.path) is a folder or device, wanted a {source} file.")
    return found


def _fingerprint(pool: Pool, rows: Rows, labels: tuple[str, ...], part: np.typing.NDArray[np.object_]) -> str:
    specs = [[item.name, item.dtype, item.kind] for item in pool.inputs]
    digest = hashlib.sha256(json.dumps([specs, labels]).encode())
    optional = [
        array.tolist()
        for array in (rows.groups, rows.votes, rows.teacher_probabilities)
        if array is not None  # what teaches the student is part of the rows' identity
    ]
    for row in np.argsort(rows.keys):
        line = [rows.keys[row], int(rows.labels[row]), part[row], *(repr(values[row]) for values in optional)]
        digest.update(json.dumps(line).encode() + b"\n")
    return digest.hexdigest()


def _notes(pool: Pool, rows: split.Unique, max_rows: int | None) -> list[str]:
    different = len(pool) - rows.dropped
    unlabelled = int((rows.pool.labels == "").sum())
    notes = (
        (rows.dropped, f"{counted(rows.dropped, 'exact duplicate')} dropped"),
        (
            rows.conflicts,
            f"{counted(rows.conflicts, 'input')} came with more than one label: the label most copies carry was kept",
        ),
        (
            rows.dropped > len(pool) / 2,
            "over half of the rows repeat another row's inputs: the columns may be too few to tell rows apart",
        ),
        (
            max_rows is not None and different > max_rows,
            f"{len(rows.keys):,} of {different:,} rows kept, by hash (data.max_rows)",
        ),
        (unlabelled, f"without a label, for distillation only: {counted(unlabelled, 'row')}"),
        *(
            (True, f"the given split has no labelled {lacking} row: a tenth of each class was taken from train")
            for lacking in split.lacking(rows)
        ),
    )
    return [note for applies, note in notes if applies]
