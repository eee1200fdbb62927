"""Grey pictures as PNG files, whose bytes are the same whatever compressor a machine has: nothing is compressed."""

from __future__ import annotations

import struct
import zlib

import numpy as np

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST_BYTES = 65_535  # of one stored block of deflate (RFC 1951, 3.2.4)


def grey(pixels: np.typing.NDArray[np.uint8]) -> bytes:
    """A picture uint8 [H,W] of up to 65,535 bytes with one more a line (PNG specification, third edition).

    Raises:
        ValueError: it is larger.
    """
    height, width = pixels.shape
    lines = np.pad(pixels, ((0, 0), (1, 0))).tobytes()  # before each line its filter, 0: none
    if len(lines) > _MOST_BYTES:
        raise ValueError(f"{len(lines)} bytes, wanted at most {_MOST_BYTES}")
    block = b"\x01" + struct.pack("<HH", len(lines), len(lines) ^ 0xFFFF) + lines
    packed = b"\x78\x01" + block + struct.pack(">I", zlib.adler32(lines))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
