from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from distill import cache
from distill.modalities.modality import Modality
from distill.modalities.register import MODALITIES
from tests.distill import copied


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIMBECK_CACHE", str(tmp_path / "named"))
    assert cache.root() == tmp_path / "named"
    monkeypatch.delenv("LIMBECK_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.root() == tmp_path / "limbeck"


def test_a_key_depends_on_every_part_and_not_on_the_order_of_a_dict() -> None:
    assert cache.key("a", {"x": 1, "y": 2}) == cache.key("a", {"y": 2, "x": 1})
    assert len({cache.key("a", 1), cache.key("a", 2), cache.key("b", 1), cache.key("a", "1"), cache.key("a", [1])}) == 5


def test_work_is_done_once(tmp_path: Path) -> None:
    first = cache.array(tmp_path / "deep" / "a.npy", lambda: np.ones(3, np.float32))
    again = cache.array(tmp_path / "deep" / "a.npy", lambda: pytest.fail("made again"))
    assert first.tolist() == again.tolist() == [1, 1, 1]


@pytest.mark.parametrize("torn", [b"", b"\x93NUMPY\x01\x00", b"garbage"])
def test_a_torn_result_is_made_again(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(torn)
    assert cache.array(path, lambda: np.ones(2, np.float32)).tolist() == [1, 1]
    assert np.load(path).tolist() == [1, 1]


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, ValueError])
def test_interrupted_writing_leaves_the_file_as_it_was(tmp_path: Path, interruption: type[BaseException]) -> None:
    path = tmp_path / "kept.txt"
    path.write_text("old")
    with pytest.raises(interruption), cache.replacing(path) as temporary:
        temporary.write_text("half of the new")
        raise interruption
    assert [entry.name for entry in tmp_path.iterdir()] == ["kept.txt"]
    assert path.read_text() == "old"


def test_a_finished_file_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "kept.txt"
    path.write_text("old")
    with cache.replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["kept.txt"]
    assert path.read_text() == "new"


NAMED = (
    "distill.training.train",
    "distill.modalities.tabular",
    "distill.teachers.fit",
    "distill.teachers.boosted_trees",
)
TOP = "from __future__ import annotations\n"
ADDED = TOP + "ADDED = 1\n"
CODE = f"from distill import cache; print(cache.code(*{NAMED!r}))"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied.packages(tmp_path_factory.mktemp("copy"))


@pytest.fixture(scope="module")
def before(copy: Path) -> str:
    return copied.run(copy, CODE, copy / "cache")


def after(copy: Path, file: str, old: str, new: str) -> str:
    """The hash with this edit, which is then taken back."""
    content = (copy / file).read_text()
    try:
        copied.edit(copy, file, old, new)
        return copied.run(copy, CODE, copy / "cache")
    finally:
        (copy / file).write_text(content)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("distill/training/train.py", "_MEMORY = 0.5", "_MEMORY = 0.6"),
        ("distill/training/losses.py", "temperature**2", "temperature**3"),
        ("distill/runtime/batched.py", TOP, ADDED),
        ("distill/modalities/tabular/embedding_student.py", TOP, ADDED),
        ("distill/teachers/fit.py", "places != i", "places == i"),
        ("distill/teachers/boosted_trees.py", TOP, ADDED),
        ("handler/bundle/contract.py", TOP, ADDED),
    ],
    ids=["a module", "what it imports", "what that imports", "a package", "a teacher's rows", "a teacher", "handler's"],
)
def test_the_hash_of_code_follows_every_module_that_it_runs(
    copy: Path, before: str, file: str, old: str, new: str
) -> None:
    assert after(copy, file, old, new) != before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("distill/training/losses.py", "    taught = ~torch", "    # Said otherwise.\n    taught = ~torch"),
        ("distill/training/losses.py", "Mean over N rows", "The mean of N rows"),
        ("distill/training/losses.py", "share * gold).mean()", "share*gold ).mean( )"),
        ("distill/progress.py", TOP, ADDED),
        ("distill/reporting/tables.py", TOP, ADDED),
    ],
    ids=["a comment", "a docstring", "layout", "messages", "what it does not import"],
)
def test_the_hash_of_code_stays_where_nothing_else_is_run(
    copy: Path, before: str, file: str, old: str, new: str
) -> None:
    assert after(copy, file, old, new) == before


def test_the_hash_of_code_is_the_same_in_this_checkout_and_in_its_copy(before: str) -> None:
    assert cache.code(*NAMED) == before.strip()


def test_a_name_without_source_is_no_code_to_follow() -> None:
    with pytest.raises(ValueError, match="no source"):
        cache.code(__name__, "distill.no_such_module")


@pytest.mark.parametrize("modality", MODALITIES.values(), ids=lambda one: one.name)
def test_what_a_modality_imports_late_names_the_module_that_holds_it(modality: Modality) -> None:
    for late in (modality.novelty, modality.augment):
        assert late.__module__.startswith(modality.package)
    for late in (modality.baseline.features, modality.baseline.table):  # those of a teacher, which stand below
        assert late.__module__ in {"distill.teachers.linear_features", "distill.teachers.histograms"}
