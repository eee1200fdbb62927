"""A picture's file becomes the same pixels whatever holds them, and a bad one its reason, cheaply."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from handler.errors import RequestError
from handler.modalities import pictures
from tests.handler.conftest import Served, rest_event
from tests.handler.modalities import bad_pictures
from tests.handler.modalities.bad_pictures import exif, file_of, gradient

MOST_BYTES = 20_000_000
BAD, ODD = list(bad_pictures.bad()), list(bad_pictures.odd())


def test_there_are_two_hundred_bad_pictures_and_no_two_of_a_name() -> None:
    assert len(BAD) >= 200
    assert len({name for name, _, _ in BAD + ODD}) == len(BAD + ODD)


@pytest.mark.parametrize(("name", "data", "statuses"), BAD + ODD, ids=[name for name, _, _ in BAD + ODD])
def test_a_bad_picture_gets_a_reason_and_an_odd_one_an_answer(
    name: str, data: bytes, statuses: frozenset[int], image: Served, capfd: pytest.CaptureFixture[str]
) -> None:
    before = _resident_bytes()
    answer = image(rest_event(json.dumps({"inputs": base64.b64encode(data).decode()})))
    assert _resident_bytes() - before <= MOST_BYTES
    assert answer["statusCode"] in statuses, answer["body"]
    content = json.loads(answer["body"])
    if answer["statusCode"] != 200:
        assert content["detail"].endswith(".") and content["pointer"] == "/inputs"
    for said in (answer["body"], image.log.getvalue()):
        assert "never echoed" not in said and "confidential" not in said
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak of the memory is Linux's to tell")
def test_no_bad_picture_takes_much_memory_even_for_a_moment() -> None:
    pictures.decode(file_of(gradient(), "JPEG"))
    for name, data, _ in BAD:
        Path("/proc/self/clear_refs").write_text("5")
        before = _peak_bytes()
        with suppress(RequestError):
            pictures.decode(data)
        assert _peak_bytes() - before <= MOST_BYTES, name


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_however_exif_turns_a_picture_its_pixels_are_the_upright_ones(kind: str) -> None:
    upright = Image.fromarray(gradient(64, 48))
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # what a camera that was held so would have stored
    options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}}.get(kind, {})
    for orientation in range(1, 9):
        stored = upright if orientation == 1 else upright.transpose(Image.Transpose(undo[orientation]))
        data = exif(orientation) if kind == "JPEG" else exif(orientation).removeprefix(b"Exif\0\0")
        found = pictures.decode(file_of(stored, kind, exif=data, **options))
        assert found.shape == (48, 64, 3), orientation
        assert np.abs(found.astype(int) - np.asarray(upright)).max() <= (3 if kind == "JPEG" else 0), orientation


def test_what_xmp_says_of_turning_is_not_heeded_as_no_browser_does() -> None:
    xmp = b'<x xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/>'
    assert pictures.decode(file_of(gradient(64, 48), "JPEG", xmp=xmp)).shape == (48, 64, 3)


@pytest.mark.parametrize("kind", bad_pictures.FORMATS)
def test_every_format_has_pillows_pixels(kind: str) -> None:
    data = file_of(gradient(), kind)
    assert np.array_equal(pictures.decode(data), np.asarray(ImageOps.exif_transpose(_open(data)).convert("RGB")))


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("progressive", [False, True])
def test_simplejpeg_and_pillow_agree_on_every_jpeg(
    subsampling: int, progressive: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    noise = (gradient(203, 101).astype(int) + rng.integers(-40, 40, (101, 203, 3))).clip(0, 255).astype(np.uint8)
    data = file_of(noise, "JPEG", subsampling=subsampling, progressive=progressive)
    fast = pictures.decode(data)
    monkeypatch.setitem(sys.modules, "simplejpeg", None)
    assert np.array_equal(fast, pictures.decode(data))


def test_what_is_transparent_stands_on_the_declared_colour() -> None:
    rgba = np.zeros((2, 2, 4), np.uint8)
    rgba[0, 0] = (200, 100, 50, 255)
    rgba[0, 1] = (200, 100, 50, 128)
    found = pictures.decode(file_of(rgba, "PNG"), "#0000ff")
    assert found[0].tolist() == [[200, 100, 50], [100, 50, 152]]
    assert found[1].tolist() == [[0, 0, 255]] * 2


def test_a_palette_with_a_transparent_colour_stands_on_the_declared_colour() -> None:
    palette = Image.new("P", (2, 1))
    palette.putpalette([255, 0, 0, 0, 255, 0])
    palette.putpixel((1, 0), 1)
    found = pictures.decode(file_of(palette, "PNG", transparency=1), "#0a0b0c")
    assert found.tolist() == [[[255, 0, 0], [10, 11, 12]]]


def test_sixteen_bits_lose_their_lower_eight() -> None:
    grey = np.array([[0x0000, 0x12FF, 0xFF00, 0xFFFF]], np.uint16)
    assert pictures.decode(file_of(grey, "PNG"))[0, :, 1].tolist() == [0x00, 0x12, 0xFF, 0xFF]
    assert pictures.decode(file_of(grey, "TIFF"))[0, :, 1].tolist() == [0x00, 0x12, 0xFF, 0xFF]


def test_a_colour_profile_changes_nothing() -> None:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    plain = pictures.decode(file_of(gradient(), "PNG"))
    assert np.array_equal(pictures.decode(file_of(gradient(), "PNG", icc_profile=profile)), plain)


def test_a_large_picture_is_put_together_of_its_strips() -> None:
    large = np.tile(gradient(), (40, 40, 1))  # 2,560 x 1,920: five strips
    assert np.array_equal(pictures.decode(file_of(large, "BMP")), large)


def test_the_limit_is_on_pixels_and_told_with_their_number() -> None:
    data = file_of(gradient(40, 30), "PNG")
    assert pictures.decode(data, max_pixels=1200).shape == (30, 40, 3)
    with pytest.raises(RequestError, match="40 x 30 pixels, the limit is 1,199") as refused:
        pictures.decode(data, max_pixels=1199)
    assert refused.value.status == 413


def test_heic_is_told_from_a_broken_picture_with_what_to_do() -> None:
    with pytest.raises(RequestError, match="HEIC.*JPEG or PNG") as refused:
        pictures.decode(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(80))
    assert refused.value.status == 415


def test_a_two_picture_jpeg_of_a_telephone_is_its_first() -> None:
    first = Image.fromarray(gradient())
    data = file_of(first, "MPO", save_all=True, append_images=[first.rotate(180)])
    assert np.array_equal(pictures.decode(data), np.asarray(_open(file_of(first, "JPEG"))))


@pytest.mark.parametrize("task", ["text", "tabular", "image"])
def test_pillow_is_imported_when_the_first_picture_comes_and_not_before(
    task: str, sealed: Callable[[str], Path]
) -> None:
    code = (
        "import sys, handler.app; print(sorted({'PIL', 'simplejpeg', 'handler.modalities.pictures'} & {*sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"BUNDLE_DIR": str(sealed(task)), "PATH": "", "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert done.stdout.splitlines()[-1] in ("[]", "['handler.modalities.pictures']")


def _open(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def _resident_bytes() -> int:
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * 4096 if statm.exists() else 0


def _peak_bytes() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
