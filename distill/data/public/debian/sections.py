"""debian-sections: the description of a Debian package -> the section of the archive that it stands in.

A section is a class if a description can tell it and it has `MIN_PACKAGES`, so that a sample of some thousand rows
has it in every part too. `NO_SUBJECT` are left out whatever their size: they say how or why a package is there, for
whom it is translated, or that no section suits it. Of Debian 12 that leaves 29 classes and nine in ten packages.

The packages of one source describe themselves nearly word for word, so they stay together: see `families`.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from distill import cache
from distill.data.public.debian import apt, control, groups, packages
from distill.data.rows import Pool
from distill.errors import DataError, FetchError
from handler.bundle.contract import Input

MIN_PACKAGES = 400
NO_SUBJECT = frozenset({"debian-installer", "debug", "localization", "metapackages", "misc", "oldlibs", "tasks"})


def read(path: Path | None = None) -> tuple[Pool, tuple[str, ...]]:
    """All rows, in a split that no source package straddles, and notes on where they come from.

    Args:
        path: a file in Debian's control format, plain, .gz or .xz. Without one: what an earlier run kept in the
            cache, so that the rows stay the same until that is deleted, or else apt's lists.

    Raises:
        DataError: the file is unreadable, or holds too few packages.
        FetchError: there is no file, and apt cannot fetch the lists.
    """
    if path is not None:
        found = packages.of(control.of_file(path), path.name)
        # A `Packages` file leaves out the long descriptions where they have a file of their own.
        short = sum("\n" not in package.text for package in found)
        alone = f"{short:,} of {len(found):,} packages have a synopsis alone"
        note = f"{alone}: for the long descriptions, have the file written by `{control.COMMAND}`"
        return _pool(found, path.name), (note,) if short > len(found) / 2 else ()
    release, found = _of_release()
    return _pool(found, release), (f"the packages of {release}",)


def _of_release() -> tuple[str, list[packages.Package]]:
    """Name and packages of the release that apt's sources name."""
    path = cache.root() / "datasets" / "debian-sections.jsonl.gz"
    kept = cache.stored(path, packages.kept)
    if kept is not None:
        return kept
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".apt-", dir=path.parent) as folder:
            lists = apt.fetch(Path(folder))
            long = packages.descriptions(control.of_file(lists.descriptions))
            found = packages.of(control.of_file(lists.packages), lists.packages.name, long)
        packages.keep(path, lists.release, found)
    except OSError as error:
        raise FetchError(
            f"{path} cannot be written ({error.strerror}). Set LIMBECK_CACHE to a folder that can."
        ) from None
    return lists.release, found


def _pool(found: Sequence[packages.Package], where: str) -> Pool:
    counts = Counter(package.section for package in found)
    sections = {section for section, count in counts.items() if count >= MIN_PACKAGES} - NO_SUBJECT
    if len(sections) < 2:
        raise DataError(
            f"{where} holds {len(found):,} packages in {len(counts):,} sections, and {len(sections)} of these can be a "
            f"class, wanted at least two: each needs {MIN_PACKAGES} packages, and a subject (not "
            f"{', '.join(sorted(NO_SUBJECT))}). Name the list of a whole archive."
        )
    chosen = [package for package in found if package.section in sections]
    return Pool(
        inputs=(Input("text", "string", "text"),),
        columns={"text": np.array([package.text for package in chosen], dtype=object)},
        labels=np.array([package.section for package in chosen], dtype=object),
        split=groups.parts(chosen),
    )
