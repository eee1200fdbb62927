from __future__ import annotations

import gzip
import hashlib
import io
import lzma
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distill.data.encoded import content
from distill.data.public import fashion_mnist, png
from distill.data.public.debian import deb
from distill.data.rows import Dataset
from distill.errors import DataError, FetchError
from tests.distill.data import archive
from tests.distill.data.archive import AptGet
from tests.distill.data.pictures import load_pictures

TRAIN, TEST = 400, 100  # pictures of a set that is made up
NAMES = [name for pair in fashion_mnist.FILES.values() for name in pair]


def idx(values: np.typing.NDArray[np.uint8], head: int) -> bytes:
    return gzip.compress(b"\0" * head + values.tobytes())


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """The four files of a set that is made up, whose hashes are the wanted ones."""
    random, found = np.random.default_rng(0), {}
    for count, (images, labels) in zip((TRAIN, TEST), fashion_mnist.FILES.values(), strict=True):
        found[images] = idx(random.integers(0, 256, (count, 28, 28), dtype=np.uint8), 16)
        found[labels] = idx(np.arange(count, dtype=np.uint8) % 10, 8)
    wanted = {name: hashlib.sha256(gzip.decompress(packed)).hexdigest() for name, packed in found.items()}
    monkeypatch.setattr(fashion_mnist, "SHA256", wanted)
    return found


def package(files: dict[str, bytes]) -> bytes:
    """A Debian package with these files."""
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w") as tar:
        for name, file in files.items():
            entry = tarfile.TarInfo(f"./usr/share/datasets/fashion-mnist/{name}")
            entry.size = len(file)
            tar.addfile(entry, io.BytesIO(file))
    parts = {"debian-binary": b"2.0\n", "control.tar.xz": b"odd", "data.tar.xz": lzma.compress(inner.getvalue())}
    made = b"!<arch>\n"
    for name, part in parts.items():
        made += f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(part):<10}`\n".encode() + part + b"\n" * (len(part) % 2)
    return made


def load_set(base: Path = Path(), **data: object) -> Dataset:
    return load_pictures(base, {"source": "fashion-mnist"} | data)


def test_debians_package_becomes_png_files_in_the_sets_own_split(
    files: dict[str, bytes], tmp_path: Path, empty_cache: Path
) -> None:
    tmp_path.joinpath("fashion.deb").write_bytes(package(files))
    dataset = load_set(tmp_path, path="fashion.deb")
    assert dataset.labels == tuple(sorted(fashion_mnist.CLASSES))
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (TRAIN - 50, 50, TEST)
    pixels = np.frombuffer(gzip.decompress(files["t10k-images-idx3-ubyte.gz"])[16:], np.uint8).reshape(-1, 28, 28)
    read = [np.asarray(Image.open(io.BytesIO(content(cell)))) for cell in dataset.test.columns["pixels"]]
    assert {it.tobytes() for it in read} == {it.tobytes() for it in pixels}
    by_picture = {it.tobytes(): fashion_mnist.CLASSES[place % 10] for place, it in enumerate(pixels)}
    assert [by_picture[it.tobytes()] for it in read] == [dataset.labels[label] for label in dataset.test.labels]


def test_the_four_files_in_a_folder_are_the_same_rows(
    files: dict[str, bytes], tmp_path: Path, empty_cache: Path
) -> None:
    tmp_path.joinpath("fashion.deb").write_bytes(package(files))
    (tmp_path / "four").mkdir()
    for name, file in files.items():
        (tmp_path / "four" / name).write_bytes(file)
    assert load_set(tmp_path, path="four").fingerprint == load_set(tmp_path, path="fashion.deb").fingerprint


def test_the_package_is_fetched_by_apt_get_once_and_kept(
    files: dict[str, bytes], tmp_path: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apt_get = archive.apt_get(tmp_path / "bin", monkeypatch)
    apt_get.holds("dataset-fashion-mnist", package(files))
    first = load_set()
    assert first.public and first.licence == "MIT"
    assert apt_get.calls == ["update", "dataset-fashion-mnist"]
    assert load_set().fingerprint == first.fingerprint
    assert len(apt_get.calls) == 2
    [kept] = empty_cache.joinpath("datasets").iterdir()
    kept.write_bytes(kept.read_bytes()[:2000])  # as a full disk leaves it
    assert load_set().fingerprint == first.fingerprint
    assert len(apt_get.calls) == 4


def unfetched() -> str:
    with pytest.raises(FetchError) as caught:
        load_set()
    assert "\n" not in str(caught.value) and "set data.path to the file" in str(caught.value)
    return str(caught.value)


def test_a_package_that_is_not_there_says_so(
    tmp_path: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apt_get: AptGet = archive.apt_get(tmp_path / "bin", monkeypatch)
    assert "Unable to locate package dataset-fashion-mnist" in unfetched()
    apt_get.says("E: The disk is full\n")
    assert "The disk is full" in unfetched()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "no apt-get" in unfetched()


@pytest.mark.parametrize("content", [b"", b"!<arch>\n", b"PK\x03\x04", b"!<arch>\n" + b"x" * 200])
def test_what_is_no_package_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.deb").write_bytes(content)
    with pytest.raises(DataError, match=r"x\.deb is no Debian package, or is cut off"):
        deb.files(tmp_path / "x.deb", NAMES)


def test_a_package_or_folder_without_a_file_names_it(files: dict[str, bytes], tmp_path: Path) -> None:
    del files["t10k-labels-idx1-ubyte.gz"]
    (tmp_path / "x.deb").write_bytes(package(files))
    with pytest.raises(DataError, match=r"without t10k-labels-idx1-ubyte\.gz"):
        load_set(tmp_path, path="x.deb")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="lacks train-images-idx3-ubyte.gz"):
        load_set(tmp_path, path="empty")


def test_files_of_another_set_are_refused(files: dict[str, bytes], tmp_path: Path) -> None:
    files["train-labels-idx1-ubyte.gz"] = idx(np.zeros(TRAIN, np.uint8), 8)
    (tmp_path / "x.deb").write_bytes(package(files))
    with pytest.raises(DataError, match=r"train-labels-idx1-ubyte\.gz has sha256 .* wanted"):
        load_set(tmp_path, path="x.deb")
    files["train-labels-idx1-ubyte.gz"] = b"\x1f\x8bodd"
    (tmp_path / "x.deb").write_bytes(package(files))
    with pytest.raises(DataError, match="damaged or cut off"):
        load_set(tmp_path, path="x.deb")


def test_a_png_is_the_same_bytes_on_every_machine() -> None:
    pixels = np.arange(28 * 28, dtype=np.uint32).reshape(28, 28).astype(np.uint8)
    assert hashlib.sha256(png.grey(pixels)).hexdigest().startswith("ca77f8f0a4e2")
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(png.grey(pixels)))), pixels)
    with pytest.raises(ValueError, match="wanted at most"):
        png.grey(np.zeros((300, 300), np.uint8))
