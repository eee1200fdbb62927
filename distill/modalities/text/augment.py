"""More texts for the transfer set: pieces of the training texts put together anew, with other words in them.

After Tang et al. (2019), "Distilling Task-Specific Knowledge from BERT into Simple Neural Networks", and Jiao et al.
(2020), "TinyBERT". What such a text says matters little: the teacher says what it makes of it, and the student learns
that. What matters is that no two are alike, and that every word comes up that a text may hold some day.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from distill import cache
from distill.data.keys import copy_key
from distill.data.rows import UNLABELLED, Rows
from distill.modalities.text import initialization, typos, word_substitutes
from distill.privacy.disclosure import MIN_ROWS
from distill.progress import track
from distill.recipe.schema import Transfer
from distill.teachers.teacher import Teacher

# Cumulative shares of the ways to begin: the text as it is, a span of it, or its beginning with another's end.
_WHOLE, _SPAN = 0.3, 0.45
_INSERT = 0.1  # of all: a few words of a third text stand somewhere in it
_INSERTED = 8
_THINNED, _DROPPED = 0.3, 0.15  # share of texts that lose words, and of their words
_LONGEST = 70  # words; a student learns little from the rest, and the teacher's time is dear
_TRIES = 8  # before a row that gives nothing new is passed over
_CORE = re.compile(r"([\W\d_]*)([^\W\d_]+)(.*)", re.DOTALL)


def common_words(train: Rows) -> list[str]:
    """The words, in lower case, that may be stored, in the order in which they come up."""
    counts: Counter[str] = Counter()
    for text in train.columns["text"].tolist():
        counts.update({found[0].lower() for found in typos.WORD.finditer(str(text))})
    return [word for word, rows in counts.items() if rows >= MIN_ROWS]


def copies(
    teacher: Teacher, train: Rows, apart: Sequence[Rows], config: Transfer, public: Sequence[str], seed: int
) -> Rows:
    """`config.augment` variants a row, see `varied`; words that the teacher's vectors put near take a word's place."""
    found: Mapping[str, Sequence[str]] = {}
    if config.replace:
        vectors = partial(initialization.word_vectors, teacher)
        found = word_substitutes.substitutes(common_words(train), public, vectors)
    return varied(train, apart, config, found, seed)


def varied(
    train: Rows, apart: Sequence[Rows], config: Transfer, substitutes: Mapping[str, Sequence[str]], seed: int
) -> Rows:
    """`config.augment` variants a row, unlabelled, kept by content hash.

    `substitutes`: words that may take a word's place. The first digits of a variant's key are its row's. A variant that
    equals a text of `train` or `apart`, or another variant, is left out.
    """
    settings = config.model_dump(mode="json", exclude={"words", "folds"})
    words = cache.key("words", sorted((word, list(found)) for word, found in substitutes.items()))
    parts = [rows.keys.tolist() for rows in (train, *apart)]
    key = cache.key("transfer texts", cache.code(__name__), settings, words, cache.key("rows", *parts), seed)
    path = cache.root() / "transfer" / f"{key}.npz"
    found = cache.stored(path, _read)
    if found is None:
        found = _made(train, apart, config, substitutes, seed)
        with cache.replacing(path) as temporary, temporary.open("wb") as file:
            content = "\0".join(found[0]).encode()
            np.savez(file, texts=np.frombuffer(content, np.uint8), sources=np.array(found[1], np.int64))
    texts, sources = found
    return Rows(
        columns={"text": np.array(texts, dtype=object)},
        labels=np.full(len(texts), UNLABELLED, dtype=np.int64),
        keys=np.array(
            [
                copy_key(str(train.keys[source]), cache.digest(text.encode()))
                for text, source in zip(texts, sources, strict=True)
            ],
            dtype=object,
        ),
    )


def _read(path: Path) -> tuple[list[str], list[int]]:
    with np.load(path, allow_pickle=False) as stored:
        texts, sources = stored["texts"].tobytes().decode(), stored["sources"].tolist()
    return (texts.split("\0") if sources else []), sources


def _made(
    train: Rows, apart: Sequence[Rows], config: Transfer, substitutes: Mapping[str, Sequence[str]], seed: int
) -> tuple[list[str], list[int]]:
    words = [str(text).split() for text in train.columns["text"].tolist()]
    taken = {str(text) for rows in (train, *apart) for text in rows.columns["text"].tolist()}
    random = np.random.default_rng(seed)
    texts: list[str] = []
    sources: list[int] = []
    members = np.arange(len(train))
    for _ in track(range(config.augment or 0), "transfer set"):
        for place in random.permutation(members).tolist():
            for _ in range(_TRIES):
                mixed = _mixed(words[place], words, random)[:_LONGEST]
                text = " ".join(_changed(word, config, substitutes, random) for word in mixed).replace("\0", " ")
                if text and text not in taken:
                    taken.add(text)
                    texts.append(text)
                    sources.append(place)
                    break
    return texts, sources


def _mixed(own: list[str], words: Sequence[list[str]], random: np.random.Generator) -> list[str]:
    """The row's own words, a span of them, or its beginning and another's end; sometimes with a few of a third."""
    way = random.random()
    if way < _WHOLE:
        mixed = list(own)
    elif way < _SPAN:
        mixed = _span(own, len(own), random)
    else:
        other = words[int(random.integers(len(words)))]
        mixed = own[: int(random.integers(len(own) + 1))] + other[int(random.integers(len(other) + 1)) :]
    if way > 1 - _INSERT:
        third = words[int(random.integers(len(words)))]
        place = int(random.integers(len(mixed) + 1))
        mixed[place:place] = _span(third, _INSERTED, random)
    if random.random() < _THINNED:
        kept = random.random(len(mixed)) >= _DROPPED
        mixed = [word for word, keep in zip(mixed, kept.tolist(), strict=True) if keep]
    return mixed


def _span(words: list[str], longest: int, random: np.random.Generator) -> list[str]:
    length = int(random.integers(1, max(2, min(longest, len(words)))))
    start = int(random.integers(max(1, len(words) - length + 1)))
    return words[start : start + length]


def _changed(word: str, config: Transfer, substitutes: Mapping[str, Sequence[str]], random: np.random.Generator) -> str:
    """The word, another in its place, or the word with a slip; what stands around its letters stays."""
    chance = random.random()
    if chance >= config.replace + config.misspell:
        return word
    found = _CORE.fullmatch(word)
    if found is None:
        return word
    before, core, after = found.groups()
    if chance < config.misspell:
        return before + typos.word(core, random) + after
    others = substitutes.get(core.lower())
    if not others:
        return word
    other = others[int(random.integers(len(others)))]
    return before + (other.capitalize() if core[0].isupper() else other) + after
