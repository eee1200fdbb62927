"""The named public sets: what they are, how big, under which licence, and what they are good for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NamedSet:
    """A public set that a recipe names as `data.source`."""

    name: str
    task: str  # "text", "tabular" or "image"
    rows: int  # before exact duplicates are dropped
    size: str  # to download
    licence: str
    purpose: str
    source: str  # where it comes from, with its citation
    groups: tuple[str, ...] = ()
    votes: bool = False  # human raters' votes beside the label
    own_split: bool = (
        False  # not to be cross-fitted: rows that belong together stand in one part, or others publish on it
    )
    takes_path: bool = False  # data.path may name a file of it, or a folder, that somebody has


VADER = NamedSet(
    name="vader-icwsm14",
    task="text",
    rows=23_703,
    size="2.4 MB",
    licence="MIT",
    purpose="sentiment in three classes; votes of 15 or more raters a row; tweets, films, products, editorials",
    source="sdist vaderSentiment 3.3.2 on PyPI; Hutto and Gilbert, ICWSM 2014",
    groups=("amazon", "movie", "nyt", "tweets"),
    votes=True,
)
BREAST_CANCER = NamedSet(
    name="breast-cancer",
    task="tabular",
    rows=569,
    size="in scikit-learn",
    licence="CC BY 4.0 (UCI), shipped by scikit-learn under BSD-3-Clause",
    purpose="benign or malignant from 30 measurements of cell nuclei; a whole run in some three minutes",
    source="sklearn.datasets.load_breast_cancer; Wolberg, Mangasarian, Street and Street, UCI 1995",
)
DEBIAN_SECTIONS = NamedSet(
    name="debian-sections",
    task="text",
    rows=57_545,
    size="16 MB",
    licence="each description under its own package's licence; all of Debian's main is free under the DFSG",
    purpose="the subject of a software package in 29 classes, from its description; rows as of Debian 12.15",
    source="main of the machine's own Debian release, by apt-get; sections as in the Debian Policy Manual, 2.4",
    own_split=True,
    takes_path=True,
)
FASHION_MNIST = NamedSet(
    name="fashion-mnist",
    task="image",
    rows=70_000,
    size="31 MB",
    licence="MIT",
    purpose="grey pictures of 28x28 of clothes in ten classes, with the test of 10,000 on which others publish",
    source="Debian's package dataset-fashion-mnist, by apt-get; Xiao, Rasul and Vollgraf, arXiv:1708.07747, 2017",
    own_split=True,
    takes_path=True,
)
CATALOGUE = (VADER, BREAST_CANCER, DEBIAN_SECTIONS, FASHION_MNIST)
