"""Files that are no pictures, or broken ones, or ones that are dear to decode: made here, each with what it gets.

A file in `BAD` is refused with one of the statuses beside it; one in `ODD` is a picture, however strange, and answered.
"""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from PIL import Image

Case = tuple[str, bytes, frozenset[int]]
BROKEN, UNSUPPORTED, LARGE, ANSWERED = frozenset({422}), frozenset({415}), frozenset({413}), frozenset({200})
FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF")
_CUTS = 12


def gradient(width: int = 64, height: int = 48) -> np.typing.NDArray[np.uint8]:
    """Colours that differ from corner to corner, uint8 [H,W,3]."""
    across, down = np.linspace(0, 255, width), np.linspace(0, 255, height)[:, None]
    return np.stack(np.broadcast_arrays(across, down, 255 - across), axis=2).astype(np.uint8)


def file_of(pixels: np.typing.NDArray[Any] | Image.Image, kind: str, **options: Any) -> bytes:  # noqa: ANN401 - Pillow's
    """A picture's file, by Pillow."""
    made = io.BytesIO()
    (pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)).save(made, kind, **options)
    return made.getvalue()


def png(width: int, height: int, depth: int, colours: int, packed: bytes, extra: bytes = b"") -> bytes:
    """A PNG of any claims. `packed`: the content of its IDAT; `extra`: chunks before that."""
    header = struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, 0)
    body = chunk(b"IHDR", header) + extra + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def exif(orientation: int) -> bytes:
    """EXIF that says how the picture is turned, and nothing else."""
    return b"Exif\0\0MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)


def bad() -> Iterator[Case]:
    """Over two hundred."""
    yield from _cut_off()
    yield from _not_pictures()
    yield from _claims()
    yield from _bombs()
    yield from _disguised()


def odd() -> Iterator[Case]:
    """Strange, and pictures all the same."""
    picture, pixels = Image.fromarray(gradient()), gradient()
    for kind in FORMATS:
        yield f"plain {kind}", file_of(picture, kind), ANSWERED
        yield f"one pixel of {kind}", file_of(pixels[:1, :1], kind), ANSWERED
    for mode in ("1", "L", "P", "LA", "RGBA"):
        yield f"PNG of mode {mode}", file_of(picture.convert(mode), "PNG"), ANSWERED
    for mode in ("1", "L", "CMYK", "YCbCr", "LAB"):
        yield f"TIFF of mode {mode}", file_of(picture.convert(mode), "TIFF"), ANSWERED
    yield "JPEG of CMYK", file_of(picture.convert("CMYK"), "JPEG"), ANSWERED
    yield "JPEG of grey", file_of(picture.convert("L"), "JPEG"), ANSWERED
    yield "progressive JPEG", file_of(picture, "JPEG", progressive=True), ANSWERED
    yield "PNG of sixteen bits", file_of(pixels[:, :, 0].astype(np.uint16) * 257, "PNG"), ANSWERED
    others = [Image.fromarray(np.roll(pixels, step, 0)) for step in range(1, 20)]
    for kind in ("GIF", "PNG", "WEBP", "AVIF", "TIFF"):
        yield f"animated {kind}", file_of(picture, kind, save_all=True, append_images=others), ANSWERED
    jpeg, loop = file_of(picture, "JPEG"), struct.pack(">IHHHIII", 8, 1, 0x8769, 4, 1, 8, 8)
    yield "EXIF that points at itself", _with_exif(jpeg, b"Exif\0\0MM\0*" + loop), ANSWERED
    yield "EXIF of nothing but zeros", _with_exif(jpeg, b"Exif\0\0" + bytes(40)), ANSWERED
    yield "EXIF cut off", _with_exif(jpeg, exif(6)[:20]), ANSWERED
    yield "EXIF with an orientation of 77", _with_exif(jpeg, exif(77)), ANSWERED
    many = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, 65535) + b"\x01\x12\0\3\0\0\0\1\0\1\0\0" * 5000
    yield "EXIF of 65,535 entries", _with_exif(jpeg, many), ANSWERED
    yield "JPEG, and a zip archive behind it", jpeg + b"PK\x03\x04" + bytes(500), ANSWERED
    yield (
        "JPEG with script in a comment",
        jpeg[:2] + b"\xff\xfe\0\x1b<script>alert(1)</script>"[:29] + jpeg[2:],
        ANSWERED,
    )
    yield "PNG of 32,767 x 1", file_of(Image.new("1", (32_767, 1)), "PNG"), ANSWERED
    yield "PNG of 1 x 32,767", file_of(Image.new("RGB", (1, 32_767)), "PNG"), ANSWERED
    yield "PNG whose data goes on for 50 MB", png(8, 8, 8, 2, zlib.compress(bytes(50_000_000))), ANSWERED


def _cut_off() -> Iterator[Case]:
    """Each format at many points: in its header, in the middle, just before the end."""
    for kind in FORMATS:
        whole = file_of(gradient(), kind)
        needed = len(whole) - 24 if kind == "PNG" else len(whole)  # a PNG is whole without its check sums and end
        ends = 6 if kind == "GIF" else 0  # and so is a GIF
        places = {*range(1, 16, 3), *(needed * step // _CUTS for step in range(1, _CUTS)), needed - 1 - ends}
        for place in sorted(places):
            allowed = BROKEN | UNSUPPORTED if place < 16 else BROKEN
            yield f"{kind} cut off after {place} bytes", whole[:place], allowed


def _not_pictures() -> Iterator[Case]:
    starts: Mapping[str, bytes] = {
        "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        "SVG after a byte order mark": b"\xef\xbb\xbf<?xml version='1.0'?><svg/>",
        "HTML": b"<!DOCTYPE html><script>alert('never echoed')</script>",
        "PDF": b"%PDF-1.7\n",
        "zip": b"PK\x03\x04" + bytes(60),
        "Photoshop": b"8BPS\0\x01" + bytes(60),
        "icon": b"\0\0\x01\0\x01\0" + bytes(60),
        "JPEG XL": b"\xff\x0a" + bytes(60),
        "JPEG 2000": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(60),
        "gzip": b"\x1f\x8b\x08" + bytes(60),
        "MP4": b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + bytes(60),
        "text": b"a confidential sentence, never echoed",
        "zeros": bytes(1000),
        "shell script": b"#!/bin/sh\nrm -rf never-echoed\n",
        "ELF": b"\x7fELF" + bytes(60),
        "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n",
        "BigTIFF": b"II+\0\x08\0\0\0" + bytes(60),
        "PPM": b"P6 8 8 255\n" + bytes(192),
    }
    for name, data in starts.items():
        yield name, data, UNSUPPORTED
    for brand in (b"heic", b"heix", b"hevc", b"mif1", b"msf1"):
        yield (
            f"HEIC of brand {brand.decode()}",
            b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0mif1heic" + bytes(80),
            UNSUPPORTED,
        )
    noise = random.Random(0)
    for i in range(20):
        yield f"noise {i}", b"\0" + noise.randbytes(200), UNSUPPORTED
    for kind in FORMATS:  # a right start, and noise
        yield f"start of {kind}, then noise", file_of(gradient(), kind)[:16] + noise.randbytes(2000), BROKEN | LARGE
    yield "nothing", b"", BROKEN


def _claims() -> Iterator[Case]:
    """Sizes that are not so, or too much."""
    row = zlib.compress(bytes(1000))
    for width, height in ((0, 0), (0, 9), (9, 0)):
        yield f"PNG of {width} x {height}", png(width, height, 8, 2, row), BROKEN
    for width, height in ((20_000, 20_000), (2**31 - 1, 2**31 - 1), (1, 100_000), (100_000, 1), (5_001, 5_000)):
        yield f"PNG of {width:,} x {height:,}", png(width, height, 8, 2, row), LARGE
    yield "PNG of 4,900 x 5,000 without them", png(4_900, 5_000, 8, 2, row), BROKEN
    yield "PNG of a depth there is not", png(8, 8, 3, 2, row), BROKEN
    yield "PNG without data", png(8, 8, 8, 2, b""), BROKEN
    yield "PNG whose data is no deflate", png(8, 8, 8, 2, b"never echoed"), BROKEN
    yield "1 x 100,000 in truth", file_of(Image.new("RGB", (1, 100_000)), "PNG"), LARGE
    jpeg = bytearray(file_of(gradient(), "JPEG"))
    place = jpeg.index(b"\xff\xc0") + 5
    for width, height, status in ((65_000, 65_000, LARGE), (5_000, 4_900, BROKEN), (0, 0, BROKEN), (700, 900, BROKEN)):
        jpeg[place : place + 4] = struct.pack(">HH", height, width)
        yield f"JPEG that says {width} x {height}", bytes(jpeg), status
    gif = bytearray(file_of(gradient(), "GIF"))
    for width, height, status in ((65_535, 65_535, LARGE), (0, 0, BROKEN | ANSWERED)):
        gif[6:10] = struct.pack("<HH", width, height)
        yield f"GIF that says {width} x {height}", bytes(gif), status
    bmp = bytearray(file_of(gradient(), "BMP"))
    for width, height, status in (
        (100_000, 100_000, LARGE),
        (5_000, 4_900, BROKEN),
        (-64, 48, BROKEN | LARGE),
        (0, 0, BROKEN),
    ):
        bmp[18:26] = struct.pack("<ii", width, height)
        yield f"BMP that says {width} x {height}", bytes(bmp), status
    extended = b"VP8X" + struct.pack("<I", 10) + bytes(4) + b"\xff" * 6
    yield "WebP that says 16 million each way", b"RIFF" + struct.pack("<I", 22) + b"WEBP" + extended, LARGE | BROKEN


def _bombs() -> Iterator[Case]:
    """Small files of which much would become."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(2501) * 200) for _ in range(100)) + packer.flush()
    yield "400 million pixels of one bit", png(20_000, 20_000, 1, 0, packed), LARGE
    yield "the same, filled up to 379 KB", png(20_000, 20_000, 1, 0, packed + bytes(330_000)), LARGE
    much, row = zlib.compress(b"A" * 100_000_000, 9), zlib.compress(b"".join(b"\0" + bytes(24) for _ in range(8)))
    for kind, data in (
        (b"iCCP", b"x\0\0" + much),
        (b"zTXt", b"x\0\0" + much),
        (b"iTXt", b"x\0\1\0\0\0" + much),
    ):
        yield f"{kind.decode()} of 100 MB", png(8, 8, 8, 2, row, chunk(kind, data)), BROKEN
        yield f"twenty {kind.decode()} of 100 MB", png(8, 8, 8, 2, row, chunk(kind, data) * 20), BROKEN
    for mode in ("I", "F"):
        yield f"TIFF of 32 bits, {mode}", file_of(Image.new(mode, (8, 8)), "TIFF"), UNSUPPORTED
    tiff = bytearray(file_of(gradient(), "TIFF"))
    yield "TIFF whose directory is past its end", bytes(tiff[:4]) + struct.pack("<I", 2**31) + bytes(tiff[8:]), BROKEN
    jpeg = file_of(gradient(), "JPEG")
    yield "JPEG of headers alone", jpeg[: jpeg.index(b"\xff\xda")] + b"\xff\xd9", BROKEN
    yield "JPEG of markers alone", b"\xff\xd8" + b"\xff\xe1\0\x02" * 5000 + b"\xff\xd9", BROKEN


def _disguised() -> Iterator[Case]:
    """One thing that says it is another."""
    for name, start in (("JPEG", b"\xff\xd8\xff\xe0"), ("PNG", b"\x89PNG\r\n\x1a\n"), ("GIF", b"GIF89a")):
        yield f"HTML that starts like {name}", start + b"<html><script>alert('never echoed')</script></html>", BROKEN
        yield f"PDF that starts like {name}", start + b"%PDF-1.7\n" + bytes(500), BROKEN
    yield "GIF that is a script", b"GIF89a=1;alert('never echoed')//", BROKEN
    yield "BMP of two letters", b"BM", BROKEN
    yield "JPEG of three bytes", b"\xff\xd8\xff", BROKEN
    yield "WebP of nothing", b"RIFF\x04\0\0\0WEBP", BROKEN
    yield "WebP of lossy nonsense", b"RIFF\x1c\0\0\0WEBPVP8 \x10\0\0\0" + bytes(16), BROKEN
    yield "AVIF of nothing", b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", BROKEN
    yield "PNG in the file of a BMP", b"BM" + file_of(gradient(), "PNG"), BROKEN


def _with_exif(jpeg: bytes, data: bytes) -> bytes:
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(data) + 2) + data + jpeg[2:]
