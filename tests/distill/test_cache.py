from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from distill import cache


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
