"""What the split keeps apart, and what stands in two parts of it, in words."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from distill.data.checks import FEW_GROUPS
from distill.data.families import Families
from distill.data.rows import Pool
from distill.data.split import LEFT_OUT, PARTS, TEST, TRAIN, VALIDATION
from distill.data.wording import counted
from distill.recipe.schema import Data

Words = np.typing.NDArray[np.object_]


def of_groups(groups: Words | None, pool: Pool, parts: Words, data: Data) -> Iterator[str]:
    """Notes on the groups of N rows. `groups`: those that must stay whole, or None; `parts`: of each row."""
    column = data.group
    if pool.groups is None or column is None:
        return
    if groups is None:
        told = data.split_by_group is False
        why = "data.split_by_group is false" if told else "a class stands in fewer than three of these few groups"
        yield (
            f"rows of one group of {column!r} (data.group) may stand in training and in test, as {why}: the scores "
            "hold for groups that training saw"
        )
        return
    of_part = {part: set(groups[parts == part].tolist()) - {""} for part in PARTS}
    judging = of_part[VALIDATION] | of_part[TEST]
    if alone := int((groups == "").sum()):
        yield f"{counted(alone, 'row')} without a group (column {column!r}): each stands alone"
    if pool.split is None:
        counts = ", ".join(f"{len(found):,} {part}" for part, found in of_part.items())
        total = counted(len(judging | of_part[TRAIN]), "group")
        yield (
            f"split by {column!r} (data.group): each of {total} stands in one part ({counts}), so the scores hold for "
            "new groups"
        )
        if not alone and len(of_part[TEST]) < FEW_GROUPS:
            yield (
                f"the test rows are of {counted(len(of_part[TEST]), 'group')}: intervals hold for more rows of the "
                "same, and say less of other groups"
            )
    elif both := of_part[TRAIN] & judging:
        rows = int(((parts != TRAIN) & np.isin(groups, list(both))).sum())
        yield (
            f"{counted(rows, 'validation or test row')} of {counted(len(both), 'group')} of {column!r} (data.group) "
            "have others of their group in training: scores hold for groups that training saw. Take data.split out, "
            "and Limbeck splits by group"
        )


def of_near_copies(found: Families, parts: Words, row_by_row: Words, is_kept: bool) -> Iterator[str]:
    """Notes on near copies among N rows.

    Args:
        found: the rows' families.
        parts: of each row.
        row_by_row: as they would be if no rows were kept together.
        is_kept: whether families are kept together, or the split is a given one.
    """
    if found.near.any() and is_kept:
        count = len(np.unique(found.numbers[found.near]))
        torn = len(np.unique(found.numbers[found.straddling(row_by_row, found.near)]))
        kin = f"{count:,} families" if count > 1 else "1 family"
        yield (
            f"{int(found.near.sum()):,} rows are near copies of others, in {kin}: each stands in one part (row by row, "
            f"{torn:,} would have stood in several)"
        )
    elif found.near.any():
        of_train = found.numbers[found.near & (parts == TRAIN)]
        copies = int((found.near & (parts == TEST) & np.isin(found.numbers, of_train)).sum())
        if copies:
            yield (
                f"{copies:,} of {int((parts == TEST).sum()):,} test rows have a near copy in training: the split is a "
                "given one, and is kept"
            )
    if found.too_many.any():
        yield (
            f"{int(found.too_many.sum()):,} rows are near copies of so many others that their family would hold over a "
            "third of a class: they are not kept together, and the scores hold for rows that are as much alike"
        )
    if left_out := int((parts == LEFT_OUT).sum()):
        yield f"{counted(left_out, 'row')} without a label left out, as others of the family validate or test"
