"""VADER ICWSM-14: tweets, film, product and newspaper snippets, each rated -4..4 by 15 people or more.

Hutto and Gilbert, "VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social Media Text", ICWSM 2014.
The set is an archive inside the source distribution of `vaderSentiment` on PyPI.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import numpy as np

from distill.data.normalize import clean
from distill.data.public import pypi
from distill.data.rows import Pool
from distill.errors import FetchError
from handler.bundle.contract import Input

SDIST = pypi.Sdist(
    project="vaderSentiment",
    version="3.3.2",
    file="vaderSentiment-3.3.2.tar.gz",
    sha256="5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
    megabytes=2.4,
)
ARCHIVE = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
ARCHIVE_SHA256 = "d5bb07d87474b3eb8d30b4deccbc23f19d742a6c5718fbacc65485b70b95c5fa"
DOMAINS = {
    "amazon": "amazonReviewSnippets",
    "movie": "movieReviewSnippets",
    "nyt": "nytEditorialSnippets",
    "tweets": "tweets",
}
CLASSES = ("negative", "neutral", "positive")
NEUTRAL = 0.5  # a mean rating within this of zero is neutral


def read() -> Pool:
    """All rows: label from the published mean, votes from the raters under the same thresholds, domain as group.

    Raises:
        FetchError: the sdist cannot be had, or is not the pinned one.
    """
    rows: list[tuple[str, str, str, list[float]]] = []
    with tarfile.open(fileobj=io.BytesIO(_archive(pypi.fetch(SDIST)))) as archive:
        for domain, stem in DOMAINS.items():
            ratings = {row[0]: json.loads(row[3]) for row in _lines(archive, f"{stem}_anonDataRatings.txt")}
            rows += [
                (clean(text), CLASSES[_class(float(mean))], domain, _shares(ratings[row]))
                for row, mean, text in _lines(archive, f"{stem}_GroundTruth.txt")
            ]
    texts, labels, groups, votes = zip(*rows, strict=True)
    return Pool(
        inputs=(Input("text", "string", "text"),),
        columns={"text": np.array(texts, dtype=object)},
        labels=np.array(labels, dtype=object),
        groups=np.array(groups, dtype=object),
        votes=np.array(votes, dtype=np.float32),
    )


def _archive(path: Path) -> bytes:
    """The set's own archive, out of the sdist; nothing is written to disk."""
    with tarfile.open(path) as outer:
        file = outer.extractfile(ARCHIVE)
        content = file.read() if file else b""
    found = hashlib.sha256(content).hexdigest()
    if found != ARCHIVE_SHA256:
        raise FetchError(
            f"{ARCHIVE} in {path} has sha256 {found}, wanted {ARCHIVE_SHA256}. Delete {path} and run again."
        )
    return content


def _lines(archive: tarfile.TarFile, name: str) -> list[list[str]]:
    """Tab-separated fields a line; one of the eight files opens with a byte order mark."""
    file = archive.extractfile(f"hutto_ICWSM_2014/{name}")
    assert file is not None  # the archive's hash is pinned
    return [line.split("\t") for line in file.read().decode("utf-8-sig").split("\r\n") if line]


def _class(rating: float) -> int:
    return 0 if rating < -NEUTRAL else 2 if rating > NEUTRAL else 1


def _shares(ratings: list[int]) -> list[float]:
    classes = [_class(rating) for rating in ratings]
    return [classes.count(place) / len(ratings) for place in range(len(CLASSES))]
