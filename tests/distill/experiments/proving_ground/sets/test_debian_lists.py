from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from distill.data.public.debian import apt
from distill.experiments.proving_ground.sets import debian_lists

STANZA = "Package: {name}\nDescription: short\nDescription-md5: 0{name}\nTag: role::program, {tags}\n\n"
LONG = "Package: {name}\nDescription-md5: 0{name}\nDescription-en: {name} does it\n Long\n .\n words.\n\n"


@pytest.fixture
def fetched(empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Lists of 70 games, 10 editors, and a package of two uses; two languages, of which one is no good control file."""
    names = [f"game{i}" for i in range(70)] + [f"editor{i}" for i in range(10)]
    tags = {name: "use::gameplaying" if "game" in name else "use::editing" for name in names} | {
        "both": "use::editing,\n use::viewing",
        "todo": "use::TODO",
    }
    files = {
        "Packages": "".join(STANZA.format(name=name, tags=of_name) for name, of_name in tags.items()),
        "en": "".join(LONG.format(name=name) for name in tags),
        "fr": "Package: game0\nDescription-fr: un jeu\n\nodd line\nDescription-fr: <trans>\nDescription-fr: un autre\n",
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    asked: list[tuple[str, ...]] = []

    def fetch(_: Path, languages: tuple[str, ...]) -> apt.Lists:
        asked.append(languages)
        translations = {"en": tmp_path / "en", "fr": tmp_path / "fr"}
        return apt.Lists("made", tmp_path / "Packages", tmp_path / "en", translations)

    monkeypatch.setattr(apt, "fetch", fetch)
    return asked


def test_a_package_with_one_use_that_enough_have_is_a_row(fetched: list[tuple[str, ...]]) -> None:
    rows = debian_lists.uses().rows
    assert Counter(use for _, use in rows) == {"gameplaying": 70}
    assert rows[0][0] == "game0 does it Long words."


def test_a_first_line_is_labelled_by_its_language_and_one_that_is_not_translated_left_out(
    fetched: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(debian_lists, "ROWS_A_LANGUAGE", 50)
    rows = debian_lists.languages().rows
    assert Counter(language for _, language in rows) == {"en": 50, "fr": 2}
    assert {text for text, language in rows if language == "fr"} == {"un jeu", "un autre"}


def test_both_sets_are_of_lists_that_are_fetched_once(fetched: list[tuple[str, ...]]) -> None:
    debian_lists.uses()
    debian_lists.languages()
    assert fetched == [debian_lists.LANGUAGES]
