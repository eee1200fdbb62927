"""A folder of pictures: a sub-folder a class, and train, validation and test above the classes where there are such."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from distill.data.normalize import clean
from distill.data.readers import picture_names
from distill.data.readers.cells import Table
from distill.data.split import WORDS
from distill.data.wording import counted, listed
from distill.errors import DataError

IMAGE, LABEL, SPLIT = "image", "label", "split"  # its columns
# What programs leave in folders, beside all that begins with a full stop.
_LEFTOVERS = frozenset({"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir", "$recycle.bin", "icon\r"})
_WANTED = "Wanted is a sub-folder for each class, with its pictures, as in cat/1.jpg and dog/2.jpg"


@dataclass
class _Found:
    """What a walk through the folder finds."""

    files: list[tuple[Path, str, str]] = field(default_factory=list)  # path, class, part ("" where there are none)
    counts: Counter[str] = field(default_factory=Counter)
    others: list[str] = field(default_factory=list)  # names of files that are no pictures, of those that are counted
    empty: list[str] = field(default_factory=list)  # classes
    closed: list[str] = field(default_factory=list)  # folders that cannot be read


def read(root: Path) -> Table:
    """Every file in a class's folder that may be a picture, however deep it lies, in the order of the names.

    Names say nothing of the format. Hidden files are passed over; links are followed, each folder once.

    Raises:
        DataError: there is no sub-folder, no picture in one, or it is not clear which folders are classes.
    """
    found = _Found()
    top, notes = _unwrapped(root)
    for folder, part in _parts(top):
        classes = _folders(folder)
        for name in classes:
            before = len(found.files)
            _collect(folder / name, name, part, found)
            found.empty += [name] if len(found.files) == before else []
        found.counts["loose"] += sum(picture_names.may_be_picture(path) for path in _files(folder))
    if not found.files:
        lying = f", and {counted(found.counts['loose'], 'picture')} beside them" if found.counts["loose"] else ""
        raise DataError(f"{root.name or root} (data.path) holds no picture in a class's folder{lying}. {_WANTED}.")
    paths, names, parts = zip(*found.files, strict=True)
    columns = {
        IMAGE: np.array([os.path.relpath(path, root) for path in paths], dtype=object),
        LABEL: np.array([clean(name) for name in names], dtype=object),
    }
    if any(parts):
        columns[SPLIT] = np.array(parts, dtype=object)
    shown = np.array([clean(path) for path in columns[IMAGE]], dtype=object)
    roles = {name: name for name in columns}
    where = clean(root.resolve().name or str(root))
    return Table(where, "file", columns, shown, (*notes, *_notes(found)), folder=root, roles=roles)


def _unwrapped(root: Path) -> tuple[Path, list[str]]:
    """The folder that holds parts or classes: one that lies alone in another, as archives unpack, is gone into."""
    top = root
    while True:
        inside = _folders(top)
        alone = top / inside[0] if len(inside) == 1 else top
        is_part = bool(inside) and inside[0].lower() in WORDS
        if alone == top or is_part or not _folders(alone) or any(map(picture_names.may_be_picture, _files(top))):
            return top, [] if top == root else [f"the classes are in {clean(os.path.relpath(top, root))}"]
        top = alone


def _parts(top: Path) -> list[tuple[Path, str]]:
    """The folders that hold classes, and of which part each is: "" where nobody said."""
    inside = _folders(top)
    named = [name for name in inside if name.strip().lower() in WORDS]
    others = [name for name in inside if name not in named]
    with_classes = [name for name in named if _folders(top / name)]
    if inside and not others and not with_classes:
        raise DataError(
            f"{top.name} (data.path) holds {listed(named)}, and no sub-folder in them says the class. {_WANTED}: "
            f"{named[0]}/cat/1.jpg and {named[0]}/dog/2.jpg."
        )
    if not with_classes or (others and len(named) == 1):  # a train may be a class, beside a car
        return [(top, "")]
    if others := [name for name in others if next(_walk(top / name, _Found()), None)]:
        raise DataError(
            f"{top.name} (data.path) holds {listed(named)}, which are parts of a split, and {listed(others)} beside "
            "them. Move what is no part out of it, or put every class into a part."
        )
    return [(top / name, WORDS[name.strip().lower()]) for name in named]


def _collect(folder: Path, label: str, part: str, found: _Found) -> None:
    for path in _walk(folder, found):
        if not picture_names.may_be_picture(path):
            found.counts["others"] += 1
            found.others.append(clean(path.name))
        else:
            found.counts["nested"] += path.parent != folder
            found.files.append((path, label, part))


def _walk(folder: Path, found: _Found) -> Iterator[Path]:
    """Every regular file below a folder; what hinders is counted."""
    seen: set[Path] = set()
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        if here.resolve() in seen:
            found.counts["loops"] += 1
            continue
        seen.add(here.resolve())
        try:
            entries = sorted(os.scandir(here), key=lambda entry: entry.name)
        except OSError:
            found.closed.append(clean(here.name))
            continue
        below = []
        for entry in entries:
            if _is_hidden(entry.name):
                found.counts["hidden"] += 1
            elif entry.is_dir():
                below.append(here / entry.name)
            elif entry.is_file():
                yield here / entry.name
            else:
                found.counts["broken" if entry.is_symlink() else "devices"] += 1
        waiting += reversed(below)


def _folders(folder: Path) -> list[str]:
    """Names of the sub-folders, without hidden ones, in order."""
    return [entry.name for entry in _entries(folder) if entry.is_dir()]


def _files(folder: Path) -> list[Path]:
    return [folder / entry.name for entry in _entries(folder) if entry.is_file()]


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        every = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(f"{folder} cannot be read ({error.strerror}). Check its permissions.") from None
    return [entry for entry in every if not _is_hidden(entry.name)]


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in _LEFTOVERS


def _notes(found: _Found) -> Sequence[str]:
    counts = found.counts
    is_are = {True: "is", False: "are"}
    nested, others = counts["nested"], counts["others"]
    said = (
        (counts["loose"], f"left out: {counted(counts['loose'], 'picture')} in no class's folder"),
        (others, f"left out: {counted(others, 'file')} that {is_are[others == 1]} no picture ({_few(found.others)})"),
        (nested, f"{counted(nested, 'picture')} in folders below a class's {is_are[nested == 1]} of that class"),
        (found.empty, f"classes without a picture: {_few(found.empty)}"),
        (counts["hidden"], f"left out: {counted(counts['hidden'], 'hidden file')}"),
        (counts["broken"], f"left out: {counted(counts['broken'], 'link')} to nowhere"),
        (counts["loops"], f"left out: {counted(counts['loops'], 'link')} to a folder that was read already"),
        (counts["devices"], f"left out: {counted(counts['devices'], 'pipe')} or the like"),
        (
            found.closed,
            f"left out: {counted(len(found.closed), 'folder')} that cannot be opened ({_few(found.closed)})",
        ),
    )
    return [note for applies, note in said if applies]


def _few(names: Sequence[str]) -> str:
    """The first names; the others are counted."""
    return listed(names[:3]) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")


def holds_pictures(root: Path) -> bool:
    """Whether there is a picture in a folder, however deep."""
    return any(map(picture_names.may_be_picture, _walk(root, _Found())))
