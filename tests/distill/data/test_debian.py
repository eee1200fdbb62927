from __future__ import annotations

import gzip
import lzma
import random
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distill.data.public.debian import apt, groups
from distill.data.public.debian import control as stanzas
from distill.data.public.debian.packages import Package
from distill.data.rows import Dataset
from distill.errors import DataError, FetchError
from distill.recipe.schema import Data
from tests.distill.data import archive
from tests.distill.data.archive import EACH, SECTIONS, AptGet, control, made, words
from tests.distill.data.files import every, load_data


@pytest.fixture
def apt_get(tmp_path: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> AptGet:
    return archive.apt_get(tmp_path / "bin", monkeypatch)


def load_set(folder: Path = Path(), **data: object) -> Dataset:
    return load_data(Data.model_validate({"source": "debian-sections"} | data), folder)


def load_file(folder: Path, content: str | bytes, name: str = "packages.txt", **data: object) -> Dataset:
    folder.joinpath(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return load_set(folder, path=name, **data)


def refusal(folder: Path, content: str | bytes, name: str = "packages.txt", **data: object) -> str:
    with pytest.raises(DataError) as caught:
        load_file(folder, content, name, **data)
    return str(caught.value)


def unfetched() -> str:
    with pytest.raises(FetchError) as caught:
        load_set()
    assert "\n" not in str(caught.value)
    assert "'?name(.)' > packages.txt` on a Debian machine" in str(caught.value) and "set data.path" in str(
        caught.value
    )
    return str(caught.value)


def kept(cache: Path) -> Path:
    [path] = cache.joinpath("datasets").iterdir()
    return path


def test_apts_lists_become_rows_with_their_long_descriptions(apt_get: AptGet) -> None:
    apt_get.serve(made())
    dataset = load_set()
    assert dataset.labels == SECTIONS
    assert (dataset.name, dataset.task, dataset.public) == ("debian-sections", "text", True)
    assert "DFSG" in dataset.licence
    assert "the packages of Debian 12.11 (bookworm), main, amd64" in dataset.notes
    texts = every(dataset, "text")
    assert len(texts) == len(SECTIONS) * EACH
    synopsis, first, empty, bullet = next(
        text for text in texts if text.startswith(f"libs {words(('libs', 0, ''))}")
    ).split("\n")
    assert (first, empty, bullet) == (words(("libs-0", 0), 5), "", f"* {words(0)}")


def test_only_main_of_the_primary_archive_is_read(apt_get: AptGet) -> None:
    others = [
        {"codename": "bookworm-updates"},
        {"codename": "bookworm-security", "label": "Debian-Security"},
        {"codename": "bookworm-backports", "label": "Debian Backports"},
        {"codename": "bookworm", "component": "contrib"},
        {"codename": "bookworm", "origin": "A Shop", "label": "A Shop"},
    ]
    for number, other in enumerate(others):
        apt_get.serve(made(each=3, mark=f"-other{number}"), **other)
        if number == 2:
            apt_get.serve(made())
    assert len(every(load_set(), "text")) == len(SECTIONS) * EACH


def test_of_several_releases_the_machines_own_is_read_or_else_the_first(apt_get: AptGet, empty_cache: Path) -> None:
    for codename in ("first", "second"):
        apt_get.serve(made(mark=f"-{codename}"), codename=codename)
    assert any("(first)" in note for note in load_set().notes)
    kept(empty_cache).unlink()
    own = apt.own_codename()
    if own:
        apt_get.serve(made(), codename=own)
        assert any(f"({own})" in note for note in load_set().notes)


def test_the_second_load_asks_apt_nothing_and_has_the_same_rows(apt_get: AptGet, empty_cache: Path) -> None:
    apt_get.serve(made())
    first = load_set()
    assert apt_get.calls == ["update", "indextargets"]
    second = load_set()
    assert apt_get.calls == ["update", "indextargets"]
    assert (first.fingerprint, first.notes) == (second.fingerprint, second.notes)
    assert kept(empty_cache).name == "debian-sections.jsonl.gz"


def test_what_is_kept_is_the_same_bytes_whatever_the_order_of_the_lists(apt_get: AptGet, empty_cache: Path) -> None:
    stanzas = made()
    contents = []
    for order in (stanzas, random.Random(1).sample(stanzas, len(stanzas))):
        apt_get.serve(order)
        load_set()
        contents.append(kept(empty_cache).read_bytes())
        kept(empty_cache).unlink()
    assert contents[0] == contents[1]


def test_a_kept_file_that_is_damaged_is_made_again(apt_get: AptGet, empty_cache: Path) -> None:
    apt_get.serve(made())
    first = load_set()
    kept(empty_cache).write_bytes(kept(empty_cache).read_bytes()[:-100])
    assert load_set().fingerprint == first.fingerprint
    assert apt_get.calls == ["update", "indextargets"] * 2


def test_apts_own_reason_is_told_in_one_line(apt_get: AptGet, empty_cache: Path) -> None:
    apt_get.says("Reading...\nE: The repository 'http://x trixie Release' is not signed.\nE: More.\n")
    assert "no package lists of Debian's: The repository 'http://x trixie Release' is not signed. Check" in unfetched()
    apt_get.says("W: Download is performed unsandboxed\nW: Failed to fetch http://x/InRelease  Could not resolve 'x'\n")
    assert "Failed to fetch http://x/InRelease Could not resolve 'x'. Check the network" in unfetched()
    assert list(empty_cache.joinpath("datasets").iterdir()) == []


def test_a_source_that_fails_beside_debians_own_does_no_harm(apt_get: AptGet) -> None:
    apt_get.serve(made())
    apt_get.says("E: The repository of a shop is not signed.\n")
    assert load_set().labels == SECTIONS


def test_a_machine_without_debians_sources_is_told_which_it_has(apt_get: AptGet) -> None:
    assert "it has no sources" in unfetched()
    apt_get.serve(made(), codename="noble", origin="Ubuntu", label="Ubuntu")
    assert "its sources are Ubuntu noble" in unfetched()


def test_a_machine_without_apt_is_told_what_to_do(
    tmp_path: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "This machine has no apt-get to fetch" in unfetched()


def test_a_cache_that_cannot_be_written_is_named(
    apt_get: AptGet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apt_get.serve(made())
    tmp_path.joinpath("file").write_text("")
    monkeypatch.setenv("LIMBECK_CACHE", str(tmp_path / "file"))
    with pytest.raises(FetchError, match="cannot be written .* Set LIMBECK_CACHE"):
        load_set()


def test_a_given_file_is_read_plain_or_packed(tmp_path: Path, apt_get: AptGet) -> None:
    content = control(made())
    plain = load_file(tmp_path, content)
    assert plain.labels == SECTIONS
    assert (plain.name, plain.public, plain.licence, plain.notes) == ("debian-sections", False, "not stated", ())
    for name, packed in (("a.gz", gzip.compress(content.encode())), ("a.xz", lzma.compress(content.encode()))):
        assert load_file(tmp_path, packed, name).fingerprint == plain.fingerprint
    apt_get.serve(made())
    assert load_set().fingerprint == plain.fingerprint
    assert apt_get.calls == ["update", "indextargets"]


def test_the_order_of_stanzas_changes_nothing(tmp_path: Path) -> None:
    rows = [*made(), *made(each=9)]
    first, second = (load_file(tmp_path, control(each)) for each in (rows, rows[::-1]))
    assert first.fingerprint == second.fingerprint


def test_a_file_without_long_descriptions_is_read_and_noted(tmp_path: Path) -> None:
    dataset = load_file(tmp_path, control(archive.synopses(made())))
    assert len(every(dataset, "text")) == len(SECTIONS) * EACH
    assert any("1,260 of 1,260 packages have a synopsis alone" in note for note in dataset.notes)


def test_a_section_is_taken_without_its_component_and_a_description_in_english(tmp_path: Path) -> None:
    rows = [stanza | {"Section": f"contrib/{stanza['Section']}"} for stanza in made()]
    rows = [stanza | {"Description-en": stanza["Description"], "Description": "kurz"} for stanza in rows]
    dataset = load_file(tmp_path, control(rows))
    assert dataset.labels == SECTIONS and "kurz" not in every(dataset, "text")


def test_small_sections_and_those_without_a_subject_are_left_out(tmp_path: Path) -> None:
    rows = [*made(), *made(["oldlibs", "contrib/metapackages"]), *made(["zope"], 399)]
    assert load_file(tmp_path, control(rows)).labels == SECTIONS


def test_a_packages_name_is_not_part_of_its_text(tmp_path: Path) -> None:
    assert not any("games-1" in text for text in every(load_file(tmp_path, control(made())), "text"))


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("", "packages.txt: of 0 stanzas, none has the fields Package, Section and Description"),
        ("Package: a\nDescription: b\n", "of 1 stanza, none has"),
        ("name,section\nvim,editors\n", "packages.txt, line 1 is neither a field (Name: value) nor the rest of one"),
        (" space first\n", "line 1 is neither a field"),
        ("Package: a\n\n and then\n", "line 3 is neither a field"),
        ("Package: a\npackage: b\n", "line 2: a field that its stanza has already"),
        ("Package: a\n".encode("utf-16"), "line 1 holds a NUL"),
        (
            control(made()[:EACH]),
            "holds 420 packages in 1 sections, and 1 of these can be a class, wanted at least two",
        ),
        (gzip.compress(control(made()).encode(), mtime=0)[:-900], "packages.txt is damaged or cut off"),
        (lzma.compress(control(made()).encode())[:-900], "packages.txt is damaged or cut off"),
    ],
)
def test_a_file_that_is_no_list_of_packages_is_refused(tmp_path: Path, content: str | bytes, wanted: str) -> None:
    assert wanted in refusal(tmp_path, content)


@pytest.mark.parametrize(("rows", "wanted"), [(130, "too few labelled rows"), (275, "no labelled ")])
def test_a_sample_too_small_for_a_class_says_so(tmp_path: Path, rows: int, wanted: str) -> None:
    content = control([*made(), *made(["games", "libs"], 3000, mark="-more")])
    message = refusal(tmp_path, content, max_rows=rows)
    assert wanted in message and message.endswith("Raise data.max_rows.")


def test_a_file_that_is_missing_is_looked_for_beside_the_recipe(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"No file 'x.gz' \(data.path\)"):
        load_set(tmp_path, path="x.gz")


packages = st.builds(
    Package,
    section=st.just("libs"),
    source=st.text("abc", min_size=1, max_size=3),
    text=st.builds("{} {}\n{}".format, st.text("xy", max_size=3), st.integers(0, 9), st.text("xyz ", max_size=4)),
)


@given(found=st.lists(packages, max_size=80), seed=st.integers(0, 99))
def test_no_source_and_no_text_is_in_two_parts_whatever_the_order(found: list[Package], seed: int) -> None:
    part = dict(zip(found, groups.parts(found), strict=True))
    order = random.Random(seed).sample(found, len(found))
    assert dict(zip(order, groups.parts(order), strict=True)) == part
    for field in ("source", "text"):
        seen = {(getattr(package, field), part[package]) for package in found}
        assert len(seen) == len({value for value, _ in seen})


def test_sources_that_differ_in_versions_alone_share_a_part() -> None:
    found = [Package("devel", f"gcc-{n}", f"compiler {n}\nThis is gcc-{n}.\nIt compiles {n}") for n in range(40)]
    assert len(set(groups.parts(found))) == 1


def test_sources_are_split_eight_one_one_and_a_large_family_trains() -> None:
    small = [Package("libs", f"lib{n}", f"{words(n)}\n{words(-n - 1)}") for n in range(5000)]
    large = [Package("libs", "much", f"part {n}\n{words(n + 9000)}") for n in range(groups.MAX_JUDGING + 1)]
    counts = Counter(groups.parts(small))
    assert [counts[part] / len(small) for part in ("train", "validation", "test")] == pytest.approx(
        [0.8, 0.1, 0.1], abs=0.02
    )
    assert set(groups.parts(large)) == {"train"}


field_names = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,8}", fullmatch=True).map(str.lower)
lines = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8)
values = st.lists(lines, min_size=1, max_size=4).map("\n".join)


@given(made=st.lists(st.dictionaries(field_names, values, min_size=1, max_size=4), max_size=5))
def test_stanzas_come_back_as_they_were_written(made: list[dict[str, str]]) -> None:
    text = control([{name: value.replace("\n", "\n ") for name, value in stanza.items()} for stanza in made])
    assert list(stanzas.read(text.split("\n"), "x")) == made
    assert list(stanzas.read(text.replace("\n", " \r\n").split("\n"), "x")) == made


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200) | st.text("aA:# .\n\t\r\0\x85-", max_size=60).map(str.encode))
def test_any_bytes_are_stanzas_or_a_data_error(tmp_path: Path, content: bytes) -> None:
    for start in (b"", b"\x1f\x8b", b"\xfd7zXZ\0"):
        path = tmp_path / "any"
        path.write_bytes(start + content)
        try:
            found = list(stanzas.of_file(path))
        except DataError as error:
            assert "any" in str(error)
        else:
            assert all(name and name == name.lower() for stanza in found for name in stanza)


@pytest.mark.slow
def test_the_real_lists_of_this_machine_have_every_class_in_every_part(empty_cache: Path) -> None:
    if shutil.which("apt-get") is None:
        pytest.skip("no apt-get on this machine")
    try:
        whole = load_set()
    except FetchError as error:
        pytest.skip(str(error))
    assert len(whole.labels) >= 20
    for dataset in (whole, load_set(max_rows=8000), load_set(max_rows=6000)):
        for part in (dataset.train, dataset.validation, dataset.test):
            assert len(set(part.labels.tolist())) == len(whole.labels)
        assert np.bincount(dataset.train.labels).max() < len(dataset.train) / 4
    assert len(whole.train) > 7 * len(whole.test) > 0
    long = [text for text in every(whole, "text") if "\n" in text]
    assert len(long) > 0.9 * len(every(whole, "text"))
