"""The named public sets: what they are, how big, under which licence, and what they are good for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NamedSet:
    """A public set that a recipe names as `data.source`."""

    name: str
    task: str  # "text" or "tabular"
    rows: int  # before exact duplicates are dropped
    size: str  # to download
    licence: str
    purpose: str
    source: str  # where it comes from, with its citation
    groups: tuple[str, ...] = ()
    votes: bool = False  # human raters' votes beside the label


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
    purpose="benign or malignant from 30 measurements of cell nuclei; a whole run in seconds",
    source="sklearn.datasets.load_breast_cancer; Wolberg, Mangasarian, Street and Street, UCI 1995",
)
CATALOGUE = (VADER, BREAST_CANCER)
