"""sweep, compare, ablate, and a run that chooses its student by itself, on breast-cancer."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from handler.bundle import contract
from tests.distill.command_line import QUICK, Run, Sealed
from tests.distill.made import LABELS, opinions

AUTO = [*QUICK, "student.kind=auto"]


@pytest.mark.slow
def test_auto_seals_the_student_that_the_sweep_says_it_takes(sealed: Sealed, here: Run, tmp_path: Path) -> None:
    swept = here("sweep", "breast-cancer", cache=sealed.cache, overrides=[*QUICK, "gates.min_retention=0.5"])
    assert swept.status == 0, swept.err
    [taken] = re.findall(r'student.kind = "auto" takes (\S+)', swept.out)
    [row] = [line for line in swept.out.splitlines() if line.startswith(taken)]
    assert "passes: auto" in row
    assert (tmp_path / "reports" / "breast-cancer" / "sweep.svg").read_text().startswith("<?xml")
    assert taken in (tmp_path / "reports" / "breast-cancer" / "sweep.md").read_text()

    done = here("run", "breast-cancer", cache=sealed.cache, overrides=[*AUTO, "gates.min_retention=0.5"])
    assert done.status == 0, done.err
    assert f"{taken}: passes on validation rows" in done.err
    [bundle] = [path for path in (tmp_path / "bundles" / "breast-cancer").iterdir() if path.is_dir()]
    kind, width = taken.split("-")
    student = contract.read(bundle).provenance["recipe"]["student"]
    assert (student["kind"], student["width"]) == (kind, int(width))


def test_where_no_student_passes_auto_names_the_nearest_and_what_it_lacks(
    sealed: Sealed, here: Run, tmp_path: Path
) -> None:
    done = here("run", "breast-cancer", cache=sealed.cache, overrides=[*AUTO, "gates.max_kilobytes=5"])
    assert done.status == 3
    assert "The nearest, mlp-16, lacks:" in done.err
    assert re.search(r"max_kilobytes: [\d.]+ KB, the limit is 5 KB", done.err)
    assert not (tmp_path / "bundles").exists()


def test_a_comparison_of_columns_has_the_ladder_its_twins_and_the_baseline(
    sealed: Sealed, here: Run, tmp_path: Path
) -> None:
    rungs = ["--rung", "mlp-16", "--rung", "embedded-128"]
    done = here("compare", "breast-cancer", "--out", "tables", *rungs, cache=sealed.cache, overrides=QUICK)
    assert done.status == 0, done.err
    for name in ("teacher", "mlp-16", "embedded-128", "baseline", "hard labels"):
        assert name in done.out
    assert "mlp-128" not in done.out
    assert "misspelt" not in done.out
    assert "| mlp-16 |" in (tmp_path / "tables" / "breast-cancer" / "compare.md").read_text()


def test_an_ablation_shows_each_ingredient_with_and_without(sealed: Sealed, here: Run, tmp_path: Path) -> None:
    asked = ["--only", "labels softened by T", "--only", "the teacher itself", "--only", "letters of unknown words"]
    done = here("ablate", "breast-cancer", *asked, cache=sealed.cache, overrides=QUICK)
    assert done.status == 0, done.err
    assert "labels softened by T (not used)" in done.out
    assert "the teacher itself" in done.out
    assert "letters" not in done.out  # columns have none
    assert "| labels softened by T (not used) |" in (tmp_path / "reports" / "breast-cancer" / "ablation.md").read_text()


def test_an_ablation_of_texts_shows_what_an_ingredient_gains_on_misspelt_rows(here: Run, tmp_path: Path) -> None:
    rows = opinions(200, 5)
    lines = zip(rows.columns["text"].tolist(), rows.labels.tolist(), strict=True)
    table = "".join(f"{text},{LABELS[label]},{1 - label},{label}\n" for text, label in lines)
    (tmp_path / "mail.csv").write_text("body,verdict,p_bad,p_good\n" + table)
    (tmp_path / "mail.toml").write_text(
        '[data]\nsource = "csv"\npath = "mail.csv"\ntext = "body"\nlabel = "verdict"\nsoft_label_prefix = "p_"\n'
        '[student]\nkind = "static"\nepochs = 2\nvocabulary = 100\nmisspellings = 1024\n'
        "gold_weight = 0.3\ntemperature = 2\n"
    )
    done = here("ablate", "mail.toml", "--only", "misspelt words mended", cache=tmp_path / "cache")
    assert done.status == 0, done.err
    [heading] = [line for line in (tmp_path / "reports/mail/ablation.md").read_text().splitlines() if "slips" in line]
    [row] = [line for line in done.out.splitlines() if "misspelt words mended" in line]
    assert heading.rstrip(" |").endswith("with slips")
    assert row.count(" to ") == 4  # an interval each of accuracy, of log loss, of agreement and of accuracy with slips


def test_a_comparison_of_a_student_that_is_not_on_the_ladder_is_told_which_are(sealed: Sealed, here: Run) -> None:
    done = here("compare", "breast-cancer", "--rung", "gru-192", cache=sealed.cache, overrides=QUICK)
    assert done.status == 2
    assert "no student 'gru-192'. It has: mlp-16, mlp-128, embedded-128, embedded-256" in done.err


@pytest.mark.parametrize(
    ("arguments", "overrides", "said"),
    [
        (["--only", "luck"], [], "There is no ingredient 'luck'. There are: the teacher itself"),
        ([], ["student.kind=auto"], 'student.kind is "auto". Name a kind'),
    ],
)
def test_an_ablation_that_cannot_be_is_told_what_can(
    sealed: Sealed, here: Run, arguments: list[str], overrides: list[str], said: str
) -> None:
    done = here("ablate", "breast-cancer", *arguments, cache=sealed.cache, overrides=[*QUICK, *overrides])
    assert done.status == 2
    assert said in done.err
