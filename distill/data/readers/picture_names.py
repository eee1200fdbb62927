"""Whether a file may be a picture: by its first bytes, or by a name that says so although its bytes do not."""

from __future__ import annotations

from pathlib import Path

SUFFIXES = frozenset(
    {
        ".jpg", ".jpeg", ".jpe", ".jfif", ".pjpeg", ".png", ".apng", ".webp", ".avif", ".gif", ".bmp", ".dib", ".tif",
        ".tiff", ".heic", ".heif", ".svg", ".jp2", ".jxl", ".ico", ".psd", ".dng", ".cr2", ".nef", ".arw", ".ppm",
        ".pgm", ".tga",
    }
)  # fmt: skip
_STARTS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM", b"II*\0", b"MM\0*")
_BRANDS = frozenset({b"avif", b"avis", b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"heif"})  # of an ISO media file


def may_be_picture(path: Path) -> bool:
    """Whether the file's name or its first bytes say that it is a picture, of a format that can be read or not."""
    if path.suffix.lower() in SUFFIXES:
        return True
    try:
        with path.open("rb") as file:
            return begins_a_picture(file.read(16))
    except OSError:
        return False


def begins_a_picture(head: bytes) -> bool:
    """Whether a file that begins so is a picture."""
    is_webp = head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    return head.startswith(_STARTS) or is_webp or (head[4:8] == b"ftyp" and head[8:12] in _BRANDS)
