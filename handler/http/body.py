"""A request's body: base64, gzip and JSON undone, each within its limit; and an answer's body made smaller.

Sizes are checked before the work: what a body claims to hold is refused before it is decoded, and decompression stops
one byte past the limit, so that a small body cannot become a large one.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Mapping
from dataclasses import replace

from handler.errors import RequestError
from handler.http.events import Request
from handler.http.response import JSON, Response

OCTETS = "application/octet-stream"
COMPRESS_OVER_BYTES = 1000  # under it, compressing costs more time than it saves
_CHARSETS = ("utf-8", "utf8", "us-ascii")
# zlib's own names for the two formats (RFC 1952, RFC 1950).
_WINDOWS: Mapping[str, int] = {"gzip": 31, "x-gzip": 31, "deflate": 15}
_LEVEL = 1
_MAX_MEMBERS = 16  # each is a copy of what follows it: thousands of empty ones would take seconds


def read(request: Request, max_bytes: int, media_types: tuple[str, ...] = (JSON,)) -> bytes:
    """The body's bytes, decompressed.

    Raises:
        RequestError: 413 too many bytes, 415 another content type or encoding, 400 it cannot be decoded.
    """
    _check_media_type(request.headers.get("content-type"), media_types)
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity", *_WINDOWS):
        detail = "The body's content encoding wants to be gzip, deflate or none."
        raise RequestError(415, "unsupported-encoding", detail, headers={"accept-encoding": "gzip, deflate"})
    body = _decoded(request, max_bytes)
    if encoding in _WINDOWS and body:
        return _decompressed(body, _WINDOWS[encoding], max_bytes)
    return body


def compressed(response: Response, accepted: str) -> Response:
    """The answer with its body as gzip, where the caller accepts it (RFC 9110, 12.5.3) and it pays."""
    if len(response.body) <= COMPRESS_OVER_BYTES or not _accepts_gzip(accepted):
        return response
    packer = zlib.compressobj(_LEVEL, wbits=_WINDOWS["gzip"])
    body = packer.compress(response.body) + packer.flush()
    headers = {**response.headers, "content-encoding": "gzip", "vary": "accept-encoding"}
    return replace(response, packed=body, is_binary=True, headers=headers)


def _decoded(request: Request, max_bytes: int) -> bytes:
    raw = request.raw
    least = len(raw) * 3 // 4 - 2 if request.is_base64 else len(raw)
    if least > max_bytes:
        raise _too_large(f"over {least:,}" if request.is_base64 else f"{least:,} or more", max_bytes)
    try:
        body = base64.b64decode(raw, validate=True) if request.is_base64 else raw.encode()
    except (binascii.Error, ValueError):
        raise RequestError(400, "malformed-body", "The body is neither UTF-8 text nor base64.") from None
    if len(body) > max_bytes:
        raise _too_large(f"{len(body):,}", max_bytes)
    return body


def _decompressed(body: bytes, window: int, max_bytes: int) -> bytes:
    """All members of a gzip body (RFC 1952 allows several), or one zlib stream."""
    made = b""
    try:
        for _ in range(_MAX_MEMBERS):
            unpacker = zlib.decompressobj(window)
            made += unpacker.decompress(body, max_bytes + 1 - len(made))
            if len(made) > max_bytes:
                raise _too_large(f"over {max_bytes:,}", max_bytes, " after decompression")
            if not unpacker.eof:
                raise RequestError(400, "malformed-body", "The body's compressed data ends too early.")
            body = unpacker.unused_data
            if not body:
                return made
    except zlib.error:
        pass
    raise RequestError(400, "malformed-body", "The body is not the compressed data that its content encoding says.")


def _too_large(found: str, max_bytes: int, when: str = "") -> RequestError:
    detail = f"The body has {found} bytes{when}, the limit is {max_bytes:,}. Send several requests."
    return RequestError(413, "too-large", detail)


def _check_media_type(value: str | None, wanted: tuple[str, ...]) -> None:
    if value is None or not value.strip():
        return
    media_type, *parameters = (part.strip().lower() for part in value.split(";"))
    charsets = [part.removeprefix("charset=").strip('"') for part in parameters if part.startswith("charset=")]
    if not _is_one_of(media_type, wanted) or any(charset not in _CHARSETS for charset in charsets):
        raise RequestError(
            415, "unsupported-media-type", f"The body's content type wants to be {' or '.join(wanted)}, in UTF-8."
        )


def _is_one_of(media_type: str, wanted: tuple[str, ...]) -> bool:
    """`wanted`: names, or "image/*"."""
    return media_type in wanted or f"{media_type.partition('/')[0]}/*" in wanted


def is_a(request: Request, media_types: tuple[str, ...]) -> bool:
    """Whether the body's content type is one of these: names, or "image/*"."""
    return _is_one_of(request.headers.get("content-type", "").partition(";")[0].strip().lower(), media_types)


def _accepts_gzip(accepted: str) -> bool:
    qualities = {}
    for part in accepted.lower().split(","):
        coding, *parameters = (piece.replace(" ", "") for piece in part.split(";"))
        qualities[coding] = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
    quality = qualities.get("gzip", qualities.get("x-gzip", qualities.get("*", "")))
    return quality.strip("0.") != ""  # nothing is left of 0, 0.0 and 0.000
