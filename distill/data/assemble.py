"""From a pool of rows to a Dataset: checked, de-duplicated, sampled, split and fingerprinted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from distill.data import checks, split
from distill.data.keys import keys_of
from distill.data.rows import UNLABELLED, Dataset, Pool, Rows
from distill.data.split import Unique
from distill.data.wording import counted


def assemble(
    pool: Pool,
    *,
    task: str,
    name: str,
    where: str | None = None,
    licence: str,
    public: bool,
    max_rows: int | None = None,
    notes: Sequence[str] = (),
) -> Dataset:
    """Split a pool for good. `where` names it in messages, if not by `name`.

    Raises:
        DataError: one class only, or a class with too few rows to be learned and judged.
    """
    labels = pool.names
    every = split.unique(pool, keys_of(pool))
    rows = split.sample(every, max_rows)
    sampled = len(rows.keys) < len(every.keys)
    checks.enough_rows(rows.pool.labels, labels, where or name, rows.dropped, sampled)
    part = split.parts(rows)
    checks.every_part_has_every_class(rows.pool.labels, part, where or name, sampled)
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
        name=name,
        task=task,
        inputs=pool.inputs,
        labels=labels,
        train=pieces[split.TRAIN],
        validation=pieces[split.VALIDATION],
        test=pieces[split.TEST],
        fingerprint=_fingerprint(pool, whole, labels, part),
        licence=licence,
        public=public,
        notes=(*notes, *checks.label_notes(labels), *_notes(pool, rows, max_rows)),
    )


def _fingerprint(pool: Pool, rows: Rows, labels: tuple[str, ...], part: npt.NDArray[np.object_]) -> str:
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


def _notes(pool: Pool, rows: Unique, max_rows: int | None) -> list[str]:
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
            (True, f"the split column has no labelled {lacking} row: a tenth of each class was taken from train")
            for lacking in split.lacking(rows)
        ),
    )
    return [note for applies, note in notes if applies]
