"""Texts that are near copies of each other: one text in other letters, forwarded, or edited a little.

Three levels, the surest first. Equal but for case, space, width and all that is no letter or digit; equal but for
numbers, links and names of users as well; and alike in most of their runs of five letters, found by MinHash with one
permutation (Li, Owen and Zhang, 2012, arXiv:1208.1259) and bands (Leskovec, Rajaraman and Ullman, 2014, chapter 3).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from distill.modalities.modality import Columns

_LIKE = 0.65  # share of runs in common: a word in ten, or two in twenty, may be another
_FEWEST_LETTERS = 20  # of texts that are judged by more than being equal: "order 12" is no copy of "order 13"
_ENDS = 2500  # characters read of either end of a text
_RUN = 5
_BINS, _BAND = 64, 4
_EMPTY = np.uint32(0xFFFFFFFF)
_CHUNK = 4_000_000  # characters at a time
_PAIRS_AT_A_TIME = 100_000
_UNSEEN = "Cf"  # format characters, such as a zero-width space
_END, _SPACE, _DIGIT = 10, 32, 48  # code points; what is no letter or digit is space
_FORWARDED = re.compile(r"\s*(?:(?:rt|re|fwd?|aw|wg|tr|sv|vs)(?:\s*:|\s+(?=@))\s*|rt\s+)+")
_LINKS = tuple(re.compile(form) for form in (r"https?://\S+", r"www\.\S+", r"@\w+", r"</?[a-z][^<>]*>"))

_FACTORS = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5], np.uint64)
_NO_BAND = np.full(_BAND, _EMPTY, np.uint64) @ _FACTORS

_Codes = np.typing.NDArray[np.uint32]
_Numbers = np.typing.NDArray[np.int64]
_Pairs = np.typing.NDArray[np.int64]  # [M,2]


def pairs(columns: Columns) -> tuple[_Pairs, ...]:
    """Pairs of rows [M,2] for each of the three levels. A row of many that are alike is paired with some of them."""
    texts = [_plain(str(text)) for text in columns["text"].tolist()]
    masked: list[str] = []
    minima, letters = [], []
    for begin, end in _chunks(texts):
        codes = _skeleton(texts[begin:end])
        masked += codes.tobytes().decode("utf-32-le").split("\n")[:-1]
        ends = np.flatnonzero(codes == _END)
        row = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=-1))
        letters.append(np.bincount(row[codes > _DIGIT], minlength=len(ends)))
        minima.append(_least(_hashed(codes), row, ends))
    is_long = np.concatenate(letters) >= _FEWEST_LETTERS
    like_masked = _equal(masked, range(len(masked)))
    repeated = np.unique(like_masked)
    spelt = {row: _words(texts[row]) for row in repeated.tolist()}
    like_words = _equal(spelt, repeated.tolist())
    likely = like_masked[is_long[like_masked[:, 0]]]
    return like_words, likely, _alike(np.concatenate(minima), np.flatnonzero(is_long))


def _plain(text: str) -> str:
    """The text in small letters of usual width, without forwarding, links, tags, users and the middle of a long one."""
    if len(text) > 2 * _ENDS:
        text = f"{text[:_ENDS]} {text[-_ENDS:]}"
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    text = text.casefold()
    if found := _FORWARDED.match(text):
        text = text[found.end() :]
    if "://" in text or "www." in text or "@" in text or "<" in text:
        for link in _LINKS:
            text = link.sub(" ", text)
    return text


def _words(plain: str) -> str:
    """The words of a plain text, numbers as they are."""
    spelt = (letter if letter.isalnum() else " " for letter in plain if unicodedata.category(letter) != _UNSEEN)
    return " ".join("".join(spelt).split())


def _equal(words: Sequence[str] | Mapping[int, str], rows: Iterable[int]) -> _Pairs:
    """Each of the rows whose words are those of an earlier one, with the nearest such; rows without words have none."""
    last: dict[str, int] = {}
    found = []
    for row in rows:
        if (before := last.get(words[row])) is not None and words[row]:
            found.append((before, row))
        last[words[row]] = row
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def _chunks(texts: Sequence[str]) -> list[tuple[int, int]]:
    """Where to begin and end, so that no chunk is too large for memory."""
    ends = np.cumsum([len(text) + 1 for text in texts])
    places = np.unique(np.searchsorted(ends, np.arange(_CHUNK, int(ends[-1]) + _CHUNK, _CHUNK), side="right"))
    edges = sorted({0, *places.tolist(), len(texts)})
    return list(zip(edges[:-1], edges[1:], strict=True))


def _skeleton(texts: Sequence[str]) -> _Codes:
    """Code points of the texts' words, one space between two, each number as one zero, and a line's end after each."""
    whole = "\n".join(text.replace("\n", " ") for text in texts) + "\n"
    codes = np.frombuffer(whole.encode("utf-32-le"), dtype=np.uint32)
    codes = _meanings(codes)[codes]
    codes = codes[codes != 0]
    same = np.concatenate([[False], codes[1:] == codes[:-1]])
    codes = codes[~(same & (codes <= _DIGIT) & (codes != _END))]
    is_end = codes == _END
    at_edge = np.concatenate([[True], is_end[:-1]]) | np.concatenate([is_end[1:], [True]])
    trimmed: _Codes = codes[~(at_edge & (codes == _SPACE))]
    return trimmed


def _meanings(codes: _Codes) -> _Codes:
    """What each code point stands for, by code point: itself, a digit, a space, a line's end; 0 for nothing."""
    table = np.zeros(int(codes.max()) + 1, np.uint32)
    table[codes] = 1
    for code in np.flatnonzero(table).tolist():
        letter = chr(code)
        known = code if letter.isalnum() or code == _END else _SPACE
        table[code] = _DIGIT if letter.isdecimal() else 0 if unicodedata.category(letter) == _UNSEEN else known
    return table


def _hashed(codes: _Codes) -> _Codes:
    """A hash for each run of five that begins there; the last four are of no run."""
    hashes = np.zeros(len(codes), np.uint32)
    for shift in range(_RUN):
        hashes[: len(codes) - shift] = hashes[: len(codes) - shift] * np.uint32(0x9E3779B1) + codes[shift:]
    for shift, factor in ((15, 0x85EBCA6B), (13, 0xC2B2AE35)):  # the finaliser of MurmurHash3
        hashes ^= hashes >> np.uint32(shift)
        hashes *= np.uint32(factor)
    hashes ^= hashes >> np.uint32(16)
    return hashes


def _least(hashes: _Codes, row: _Numbers, ends: _Numbers) -> _Codes:
    """The least hash of each text in each bin, [N,64]; a bin without one is EMPTY. `row`: the text of each hash."""
    within = np.ones(len(hashes), dtype=bool)
    for back in range(_RUN):
        within[np.maximum(ends - back, 0)] = False
    hashes, row = hashes[within], row[within]
    least = np.full(len(ends) * _BINS, _EMPTY, np.uint32)
    np.minimum.at(least, row * _BINS + (hashes >> np.uint32(26)), hashes)
    return least.reshape(-1, _BINS)


def _alike(minima: _Codes, rows: _Numbers) -> _Pairs:
    """Pairs of the `rows` that have most of their runs in common, of those that have a whole band in common.

    In a band, a row is compared with the one before it and with the first of those that are equal there.
    """
    found = [np.zeros(0, np.int64)]
    for begin in range(0, _BINS, _BAND):
        band = np.ascontiguousarray(minima[rows, begin : begin + _BAND])
        mixed = band.astype(np.uint64) @ _FACTORS
        order = np.argsort(mixed, kind="stable")  # the same on every machine
        mixed = mixed[order]
        again = np.flatnonzero((mixed[1:] == mixed[:-1]) & (mixed[1:] != _NO_BAND)) + 1
        first = np.searchsorted(mixed, mixed[again])
        found += [order[other] * len(rows) + order[again] for other in (again - 1, first)]
    packed = np.unique(np.concatenate(found))
    kept = [np.zeros((0, 2), np.int64)]
    for part in np.array_split(packed, 1 + len(packed) // _PAIRS_AT_A_TIME):
        some, others = rows[part // max(1, len(rows))], rows[part % max(1, len(rows))]
        is_alike = _shares(minima[some], minima[others]) >= _LIKE
        kept.append(np.stack([some, others], axis=1)[is_alike])
    return np.concatenate(kept)


def _shares(some: _Codes, others: _Codes) -> np.typing.NDArray[np.float64]:
    """The share of runs in common of each pair, as far as bins tell that are not empty in both."""
    filled = ((some != _EMPTY) | (others != _EMPTY)).sum(axis=1)
    equal = ((some == others) & (some != _EMPTY)).sum(axis=1)
    found: np.typing.NDArray[np.float64] = equal / np.maximum(filled, 1)
    return found
