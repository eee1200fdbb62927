"""A picture's file -> its pixels, the same for training, the function and, by the page's own rules, the browser.

JPEG, PNG, WebP, AVIF, GIF and BMP, and TIFF, which no browser takes. Turned as its EXIF says; what is transparent
stands on a declared colour; sixteen bits become eight by leaving the lower out; colour profiles are ignored; of several
frames the first counts. Pillow is imported when the first picture comes, and so is simplejpeg where it is installed,
which decodes JPEG to the same bytes in a third of the time and half of the memory.
"""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

import numpy as np

from handler.errors import RequestError

MAX_SIDE = 32_767  # pixels: what Chromium's canvas takes
WHITE = "#ffffff"
UNSUPPORTED, BROKEN, TOO_LARGE = "unsupported-picture", "broken-picture", "too-many-pixels"
# Pillow's name of a format -> its media types, the registered one first.
MEDIA_TYPES: Mapping[str, tuple[str, ...]] = {
    "JPEG": ("image/jpeg", "image/jpg", "image/pjpeg"),
    "PNG": ("image/png", "image/apng", "image/x-png"),
    "WEBP": ("image/webp",),
    "AVIF": ("image/avif",),
    "GIF": ("image/gif",),
    "BMP": ("image/bmp", "image/x-ms-bmp"),
    "TIFF": ("image/tiff",),
}
_WANTED = "Wanted JPEG, PNG, WebP, AVIF, GIF, BMP or TIFF"
_PLUGINS: Mapping[str, str] = {name: f"PIL.{name.title()}ImagePlugin" for name in MEDIA_TYPES} | {
    "WEBP": "PIL.WebPImagePlugin"
}
_HEAD = 64  # bytes that tell a format
_SEEN_AS: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
)
_OTHERS: tuple[tuple[bytes, str], ...] = (  # what people send in place of a picture, by its first bytes
    (b"%PDF", "a PDF document"),
    (b"8BPS", "a Photoshop file"),
    (b"PK\x03\x04", "a zip archive or an office document"),
    (b"\0\0\x01\0", "an icon (ICO)"),
    (b"II+\0", "a BigTIFF"),
    (b"MM\0+", "a BigTIFF"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\x1f\x8b", "a gzip file"),
    (b"\xef\xbf\xbd", "no picture any more: what sent it on read its bytes as text, and has to pass them as binary"),
)
_HEIC = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"heif")
_ORIENTATION = 0x0112  # EXIF 2.32, 4.6.4
_PIXELS_AT_A_TIME = 1 << 20  # made of a decoded picture at once, so that there are never two whole copies of it
# A block of 8 x 8 takes a bit at least, so a file that claims more has lost most of itself, and decoding it would fill
# the memory with grey.
_MOST_JPEG_PIXELS_A_BYTE = 8 * 64

Pixels = np.typing.NDArray[np.uint8]
# EXIF's orientation -> what makes such pixels upright.
_TURNS: Mapping[int, Callable[[Pixels], Pixels]] = MappingProxyType(
    {
        2: lambda it: it[:, ::-1],
        3: lambda it: it[::-1, ::-1],
        4: lambda it: it[::-1],
        5: lambda it: it.swapaxes(0, 1),
        6: lambda it: it[::-1].swapaxes(0, 1),
        7: lambda it: it[::-1, ::-1].swapaxes(0, 1),
        8: lambda it: it[:, ::-1].swapaxes(0, 1),
    }
)


def decode(data: bytes, background: str = WHITE, max_pixels: int = 25_000_000) -> Pixels:
    """The pixels of a picture's file, uint8 [H,W,3].

    `background`: "#rrggbb", the colour under what is transparent. `max_pixels`: H times W, read from the header, before
    anything is decoded.

    Raises:
        RequestError: 415, not a picture of a kind that is read; 413, too many pixels; 422, broken.
    """
    kind = format_of(data)
    try:
        return _decoded(data, kind, background, max_pixels)
    except RequestError:
        raise
    except MemoryError:
        raise _too_large("Decoding this picture takes more memory than there is.") from None
    except Exception as error:  # whatever decoders raise on bytes that somebody sent; their text may quote these
        if type(error).__name__ == "DecompressionBombError":
            raise _too_large(f"The picture has far more pixels than the limit of {max_pixels:,}.") from None
        raise _broken(kind) from None


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Refuse a picture that is too large.

    Raises:
        RequestError: 413, too many pixels, or over 32,767 on one side.
    """
    if width * height > max_pixels:
        raise _too_large(f"The picture has {width:,} x {height:,} pixels, the limit is {max_pixels:,}.")
    if max(width, height) > MAX_SIDE:
        raise _too_large(f"The picture has {width:,} x {height:,} pixels, the limit of a side is {MAX_SIDE:,}.")


def format_of(data: bytes) -> str:
    """Pillow's name of the picture's format, by its first bytes: neither a file's name nor a content type counts.

    Raises:
        RequestError: 415, it is none that is read here, with what it is where that can be told; 422, it is empty.
    """
    head = bytes(data[:_HEAD])
    if not head:
        raise RequestError(422, BROKEN, f"The picture is empty. {_WANTED}.")
    for start, name in _SEEN_AS:
        if head.startswith(start):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp":
        brands = [head[8:12], *(head[at : at + 4] for at in range(16, len(head), 4))]
        if b"avif" in brands[:1] or (b"avif" in brands and brands[0] not in _HEIC[:6]):
            return "AVIF"
        what = "HEIC, which only Apple's devices read" if set(brands) & set(_HEIC) else "a film"
        raise _unsupported(what)
    raise _unsupported(_other(head))


def _other(head: bytes) -> str:
    for start, what in _OTHERS:
        if head.startswith(start):
            return what
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<svg", b"<?xml", b"<!doctype svg")):
        return "SVG or another XML document, which is drawn, not stored as pixels"
    if text.startswith((b"<!doctype", b"<html")):
        return "an HTML page"
    return "no picture of a kind that is known here"


def _unsupported(what: str) -> RequestError:
    return RequestError(415, UNSUPPORTED, f"This is {what}. {_WANTED}: save or export it as JPEG or PNG.")


def _broken(kind: str) -> RequestError:
    detail = f"The {kind} picture is broken or cut off: it cannot be decoded. Send the whole file."
    return RequestError(422, BROKEN, detail)


def _too_large(detail: str) -> RequestError:
    return RequestError(413, TOO_LARGE, f"{detail} Send a smaller copy.")


def _decoded(data: bytes, kind: str, background: str, max_pixels: int) -> Pixels:
    import_module(_PLUGINS[kind])  # registers itself; the others stay out
    from PIL import Image

    logging.getLogger("PIL").setLevel(logging.CRITICAL + 1)
    # Pillow warns and logs of what is odd in a file, in its words. It is decoded or refused, and that is all to say.
    with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data), formats=(kind,)) as picture:
        width, height = picture.size
        check_size(width, height, max_pixels)
        if kind == "JPEG" and width * height > len(data) * _MOST_JPEG_PIXELS_A_BYTE:
            raise _broken(kind)
        pixels = _fast_jpeg(data) if kind == "JPEG" and picture.mode in ("RGB", "L") else None
        if pixels is None or pixels.shape[:2] != (height, width):
            pixels = _of(picture, background)
        # Last, for Pillow decodes a PNG to look for EXIF behind its pixels, and a second time it finds no fault. A TIFF
        # it turns itself.
        turned = _orientation(picture) if kind != "TIFF" else 1
    return _turned(pixels, turned)


def _fast_jpeg(data: bytes) -> Pixels | None:
    """By simplejpeg; None where it is not there, or finds fault: Pillow then has the last word."""
    try:
        import simplejpeg  # type: ignore[import-untyped,unused-ignore]

        pixels: Pixels = simplejpeg.decode_jpeg(data, colorspace="RGB", fastdct=False, fastupsample=False)
    except (ImportError, ValueError):
        return None
    return pixels


def _orientation(picture: Any) -> int:  # noqa: ANN401 - Pillow's
    """As EXIF has it, 1 to 8; 1 where it says nothing that can be understood.

    Pillow's own `getexif` also takes XMP's word and ImageMagick's text chunks, which no browser does.
    """
    from PIL.Image import Exif

    try:
        exif = Exif()
        exif.load(picture.info.get("exif"))
        found = exif.get(_ORIENTATION, 1)
    except Exception:  # EXIF that cannot be read turns nothing: no browser refuses a picture for it
        return 1
    return found if found in range(1, 9) else 1


def _turned(pixels: Pixels, orientation: int) -> Pixels:
    """Upright, in the memory that the pixels had: of a telephone's picture a second copy would be 36 MB."""
    if orientation == 1:
        return pixels
    turn = _TURNS[orientation]
    made = pixels.reshape(turn(pixels).shape)
    for channel in range(pixels.shape[2]):  # whose bytes stand at the same places in both
        made[:, :, channel] = turn(pixels[:, :, channel].copy())
    return made


def _of(picture: Any, background: str) -> Pixels:  # noqa: ANN401 - Pillow's
    """By Pillow: eight bits, three channels, nothing transparent."""
    picture.load()
    width, height = picture.size
    made = np.empty((height, width, 3), np.uint8)
    step = max(1, _PIXELS_AT_A_TIME // width)
    for top in range(0, height, step):
        bottom = min(height, top + step)
        made[top:bottom] = _rows(picture.crop((0, top, width, bottom)), background)
    return made


def _rows(part: Any, background: str) -> Pixels:  # noqa: ANN401 - Pillow's
    mode = str(part.mode)
    if mode.startswith("I;16"):
        grey = (np.asarray(part) >> 8).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if mode in ("I", "F"):  # of which nobody knows what is white
        raise RequestError(415, UNSUPPORTED, "This is a picture of 32 bits a pixel. Save it with 8 or 16.")
    if mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in part.info:
        return _over(np.asarray(part.convert("RGBA")), background)
    return np.asarray(part if mode == "RGB" else part.convert("RGB"))


def _over(rgba: Pixels, background: str) -> Pixels:
    """[H,W,4] on the colour: c * a + b * (255 - a), over 255 and rounded, as the page has it."""
    below = np.array([int(background[at : at + 2], 16) for at in (1, 3, 5)], np.uint32)
    alpha = rgba[:, :, 3:].astype(np.uint32)
    made: Pixels = ((rgba[:, :, :3] * alpha + below * (255 - alpha) + 127) // 255).astype(np.uint8)
    return made
