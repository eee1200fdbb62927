"""Which packages must stay in one part of a split, as their descriptions are alike nearly word for word."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from distill.data.public.debian.packages import Package
from distill.data.split import TEST, TRAIN, VALIDATION

MAX_JUDGING = 50  # packages; a larger family in validation or test would be much of what is measured there
_TENTHS = {0: TEST, 1: VALIDATION}
_DIGIT = re.compile(r"\d")


def parts(packages: Sequence[Package]) -> np.typing.NDArray[np.object_]:
    """The part of each package, [N]: 80/10/10 by hash of its family's name, and all of a large family in train.

    A family is all packages of one source, and of the sources that share a long description but for words with a
    digit in them (gcc-11, gcc-12, gcc-12-cross ...). It is called by the first of its sources' names in order.
    """
    family = _families(packages)
    names = [family[package.source] for package in packages]
    sizes = Counter(names)
    tenth = {name: int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) % 10 for name in sizes}
    parts = [TRAIN if sizes[name] > MAX_JUDGING else _TENTHS.get(tenth[name], TRAIN) for name in names]
    return np.array(parts, dtype=object)


def _families(packages: Sequence[Package]) -> dict[str, str]:
    """Source -> its family's name, by union-find: whatever the order of packages, the root is the first name."""
    above = {package.source: package.source for package in packages}

    def root(source: str) -> str:
        while above[source] != source:
            above[source] = source = above[above[source]]
        return source

    owner: dict[str, str] = {}
    for package in packages:
        one, other = root(package.source), root(owner.setdefault(_gist(package.text), package.source))
        above[max(one, other)] = min(one, other)
    return {source: root(source) for source in above}


def _gist(text: str) -> str:
    """The long description, or else the synopsis, without the words that hold a digit; the text if none is left."""
    synopsis, _, long = text.partition("\n")
    return " ".join(word for word in (long or synopsis).split() if not _DIGIT.search(word)) or text
