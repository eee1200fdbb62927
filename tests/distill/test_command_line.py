"""The whole line as people run it: `python -m distill` in a process of its own, on breast-cancer and on small files."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from distill.__main__ import main
from handler import contract
from tests.distill.datasets.files import csv_text
from tests.distill.made import opinions

ROOT = Path(__file__).parents[2]
QUICK = (
    "student.epochs=4 transfer.folds=2 evaluation.bootstrap=100 gates.max_latency_ms=1000 "
    "gates.min_retention=0 gates.min_teacher_accuracy=0"
).split()


@dataclass(frozen=True)
class Done:
    status: int
    out: str
    err: str


Run = Callable[..., Done]


def distill(
    *arguments: str | Path,
    cache: Path,
    cwd: Path,
    stdin: bytes = b"",
    hash_seed: str = "0",
    overrides: Sequence[str] = (),
) -> Done:
    """Run the command; no run may ever show a traceback."""
    command = [sys.executable, "-m", "distill", *map(str, arguments)]
    for override in overrides:
        command += ["--set", override]
    environment = os.environ | {
        "LIMBECK_CACHE": str(cache),
        "PYTHONPATH": str(ROOT),
        "PYTHONHASHSEED": hash_seed,
        "OMP_NUM_THREADS": "1",  # so small a run is slower on two
    }
    done = subprocess.run(command, cwd=cwd, env=environment, input=stdin, capture_output=True)
    found = Done(done.returncode, done.stdout.decode(), done.stderr.decode())
    assert "Traceback" not in found.out + found.err, found.err
    return found


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """`distill` in this process, which has torch already: half a minute less for this module."""

    def run(*arguments: str | Path, cache: Path, overrides: Sequence[str] = ()) -> Done:
        settings = [word for override in overrides for word in ("--set", override)]
        monkeypatch.setattr(sys, "argv", ["distill", *map(str, arguments), *settings])
        monkeypatch.setenv("LIMBECK_CACHE", str(cache))
        monkeypatch.chdir(tmp_path)
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:  # anything else would be a traceback
            main()
            sys.exit(0)
        return Done(int(end.value.code or 0), *capsys.readouterr())

    return run


@dataclass(frozen=True)
class Sealed:
    """One real run, which the tests of this module look at."""

    folder: Path
    cache: Path
    done: Done


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Sealed:
    base = tmp_path_factory.mktemp("first")
    done = distill("run", "breast-cancer", "--out", base / "out", cache=base / "cache", cwd=base, overrides=QUICK)
    assert done.status == 0, done.err
    [version] = [path for path in (base / "out" / "breast-cancer").iterdir() if path.is_dir()]
    return Sealed(version, base / "cache", done)


@pytest.fixture
def ask(sealed: Sealed, tmp_path: Path) -> Run:
    def asked(*arguments: str | Path, stdin: bytes = b"") -> Done:
        return distill(*arguments, cache=sealed.cache, cwd=tmp_path, stdin=stdin)

    return asked


def row(**changes: object) -> dict[str, object]:
    from sklearn.datasets import load_breast_cancer

    bunch = load_breast_cancer()
    return dict(zip(bunch.feature_names.tolist(), bunch.data[0].tolist(), strict=True)) | changes


@pytest.mark.slow
def test_a_run_seals_a_bundle_with_all_four_contenders_in_its_evidence(sealed: Sealed) -> None:
    manifest = contract.read(sealed.folder)
    roles = [one["role"] for one in manifest.evidence["contenders"]]
    assert roles == ["teacher", "student", "hard-label twin", "baseline"]
    assert all(one["accuracy"]["value"] > 0.7 for one in manifest.evidence["contenders"])
    assert {one["other"] for one in manifest.evidence["comparisons"]} == set(roles) - {"student"}
    for role in roles:
        assert role in sealed.done.out
    assert str(sealed.folder) in sealed.done.out
    assert all(gate["passed"] for gate in manifest.evidence["gates"])


def test_a_bundle_says_where_it_comes_from_and_names_no_place_of_the_machine(sealed: Sealed) -> None:
    origin = contract.read(sealed.folder).provenance
    assert origin["recipe"]["name"] == "breast-cancer"
    assert origin["recipe"]["student"]["epochs"] == 4
    assert origin["data"]["rows"] == {"train": 455, "validation": 57, "test": 57}
    assert origin["packages"]["torch"]
    for path in sealed.folder.iterdir():
        content = path.read_bytes()
        for place in (ROOT, sealed.folder.parents[2], Path(sys.prefix)):
            assert str(place).encode() not in content, path.name


@pytest.mark.slow
def test_the_same_recipe_elsewhere_gives_the_same_bytes_and_version(sealed: Sealed, tmp_path: Path) -> None:
    elsewhere = tmp_path / "another folder"
    elsewhere.mkdir()
    done = distill("run", "breast-cancer", cache=tmp_path / "empty", cwd=elsewhere, hash_seed="4711", overrides=QUICK)
    assert done.status == 0, done.err
    again = elsewhere / "bundles" / "breast-cancer" / sealed.folder.name
    assert (again / "model.onnx").read_bytes() == (sealed.folder / "model.onnx").read_bytes()
    assert contract.read(again).serving == contract.read(sealed.folder).serving


def test_a_gate_that_fails_is_named_with_limit_and_value_and_nothing_is_sealed(
    sealed: Sealed, here: Run, tmp_path: Path
) -> None:
    gates = ["gates.min_accuracy=1.0", "gates.max_kilobytes=0.5"]
    done = here("run", "breast-cancer", cache=sealed.cache, overrides=[*QUICK, *gates])
    assert done.status == 3
    assert "max_kilobytes: " in done.err
    assert "the limit is 0.5 KB" in done.err
    assert "hard-label twin" in done.out
    assert list((tmp_path / "bundles" / "breast-cancer").iterdir()) == []


AUTO = [*QUICK, "student.kind=auto"]


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
    assert "labels softened by T" in done.out
    assert "the teacher itself" in done.out
    assert "letters" not in done.out  # columns have none
    assert "| labels softened by T |" in (tmp_path / "reports" / "breast-cancer" / "ablation.md").read_text()


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


@pytest.mark.parametrize("how", ["object", "file", "lines", "name's folder"])
def test_a_row_of_columns_is_answered_however_it_is_given(sealed: Sealed, ask: Run, tmp_path: Path, how: str) -> None:
    given = json.dumps(row())
    (tmp_path / "row.json").write_text(given)
    done = {
        "object": lambda: ask("predict", sealed.folder, given),
        "file": lambda: ask("predict", sealed.folder, "@row.json"),
        "lines": lambda: ask("predict", sealed.folder, stdin=f"{given}\n".encode()),
        "name's folder": lambda: ask("predict", sealed.folder.parent, given),
    }[how]()
    assert done.status == 0, done.err
    answer = json.loads(done.out)
    assert answer["label"] == "malignant"
    assert set(answer) == {"label", "score", "scores", "abstained", "novelty"}
    assert sum(answer["scores"].values()) == pytest.approx(1, abs=1e-4)


def test_each_line_of_standard_input_gets_one_line_of_output(sealed: Sealed, ask: Run) -> None:
    lines = [json.dumps(row()), json.dumps({"mean radius": None}), json.dumps({"mean radius": 8.0})]
    done = ask("predict", sealed.folder, stdin="\r\n".join(lines).encode())
    assert done.status == 0
    assert len([json.loads(line) for line in done.out.splitlines()]) == 3


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ('{"mean radius": "big"}', 'Column "mean radius" wants a number or null, found a string'),
        ('{"mean radios": 1}', 'The nearest it knows is "mean radius"'),
        ("{}", "no columns"),
        ("not json", "not JSON"),
        ('["a"]', "wants an object of columns"),
        ('{"mean radius": 1e999}', "finite"),
        ("", "empty"),
        ("@nowhere.json", "cannot be read (No such file"),
        ("@.", "cannot be read (Is a directory"),
    ],
)
def test_an_input_that_cannot_be_answered_is_one_sentence(sealed: Sealed, ask: Run, given: str, said: str) -> None:
    done = ask("predict", sealed.folder, given)
    assert done.status == 2
    assert said in done.err
    assert done.err.count("\n") == 1
    assert done.out == ""


def test_a_bad_line_is_numbered_and_the_lines_before_it_are_answered(sealed: Sealed, ask: Run) -> None:
    done = ask("predict", sealed.folder, stdin=b'{"mean radius": 1}\n\xff\n')
    assert done.status == 2
    assert "Line 2 of the input is not UTF-8" in done.err
    assert len(done.out.splitlines()) == 1


def test_a_flipped_byte_is_refused_with_file_and_hashes(sealed: Sealed, ask: Run, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(sealed.folder, copy)
    content = bytearray((copy / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (copy / "model.onnx").write_bytes(content)
    done = ask("predict", copy, json.dumps(row()))
    assert done.status == 4
    assert "model.onnx" in done.err
    assert contract.sha256_of(copy / "model.onnx") in done.err
    assert contract.sha256_of(sealed.folder / "model.onnx") in done.err
    assert done.out == ""


@pytest.mark.parametrize("nothing", ["nowhere", "file.txt", "empty"])
def test_what_is_no_bundle_is_refused(sealed: Sealed, ask: Run, tmp_path: Path, nothing: str) -> None:
    (tmp_path / "file.txt").write_text("no folder")
    (tmp_path / "empty").mkdir()
    done = ask("predict", nothing, "{}")
    assert done.status == 4
    assert nothing in done.err


RECIPE = '[data]\nsource = "csv"\npath = "rows.csv"\nlabel = "label"\n'


@pytest.mark.parametrize(
    ("recipe", "rows", "said"),
    [
        ("\x00\xff garbage", "", "not UTF-8|not valid TOML"),
        ("[data\nsource", "", "not valid TOML"),
        (RECIPE + "[student]\nepoch = 3\n", "", "student.epoch.*epochs"),
        (RECIPE + 'soft_label_prefix = "p_"\n[transfer]\naugment = 2\n', "", "transfer.augment"),
        (RECIPE, "\x00\x01\x02\x03 garbage\n\x00", "rows.csv"),
        (RECIPE, "", "rows.csv"),
        (RECIPE, "a,b\n1,2\n", "label"),
        (
            RECIPE,
            "limbeck/features,label\n" + "".join(f"{i}.5,{i % 2}\n" for i in range(60)),
            "limbeck/features.*Rename",
        ),
    ],
)
def test_garbage_is_one_message_and_status_two(here: Run, tmp_path: Path, recipe: str, rows: str, said: str) -> None:
    (tmp_path / "recipe.toml").write_bytes(recipe.encode("latin-1"))
    (tmp_path / "rows.csv").write_bytes(rows.encode("latin-1"))
    done = here("run", "recipe.toml", cache=tmp_path / "cache")
    assert done.status == 2
    message = done.err.removeprefix("rows\n")
    assert re.search(said, message), message
    assert not (tmp_path / "bundles").exists()


@pytest.mark.parametrize("where", ["recipe", "data", "out", "cache"])
def test_a_folder_where_a_file_should_be_or_the_other_way_round_is_told(
    sealed: Sealed, here: Run, tmp_path: Path, where: str
) -> None:
    (tmp_path / "recipe.toml").write_text(RECIPE)
    (tmp_path / "rows.csv").mkdir()
    (tmp_path / "file").write_text("no folder")
    if where == "recipe":
        done = here("run", tmp_path, cache=tmp_path)
    elif where == "data":
        done = here("run", "recipe.toml", cache=tmp_path)
    elif where == "cache":
        done = here("run", "breast-cancer", cache=tmp_path / "file", overrides=QUICK)
    else:
        done = here("run", "breast-cancer", "--out", "file", cache=sealed.cache, overrides=QUICK)
    assert done.status == 2
    wanted = {"recipe": "is a folder", "data": "rows.csv", "out": "file/breast-cancer", "cache": "LIMBECK_CACHE"}
    assert wanted[where] in done.err


@pytest.mark.parametrize(
    "arguments", [(), ("run",), ("predict",), ("distil",), ("run", "breast-cancer", "--epochs", "3")]
)
def test_wrong_arguments_are_shown_the_usage(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = distill(*arguments, cache=tmp_path, cwd=tmp_path)
    assert done.status == 2
    assert "Usage: python -m distill" in done.out + done.err


TEXT_RECIPE = """
[data]
source = "csv"
path = "mail.csv"
text = "body"
label = "verdict"
{data}
[teacher]
{teacher}
[student]
kind = "static"
epochs = 8
batch_size = 32
learning_rate = 0.02
buckets = 32
embedding = 16
max_tokens = 64
[evaluation]
bootstrap = 100
{evaluation}
[gates]
min_retention = 0
max_latency_ms = 1000
"""


def mails(folder: Path, probabilities: bool) -> None:
    """Three hundred short texts; a teacher's probabilities beside them, but for some training rows without a label."""
    rows = opinions(300, 5)
    lines = []
    for i, (text, label) in enumerate(zip(rows.columns["text"].tolist(), rows.labels.tolist(), strict=True)):
        unlabelled = i % 10 == 0
        chance = 0.9 if label else 0.2
        soft = [round(1 - chance, 2), chance] if probabilities else []
        site = ("web", "news")[i % 2]
        lines.append(
            [
                text + (" \U0001f600\u00a0caf\u00e9" if i % 7 == 0 else ""),
                "" if unlabelled else ("bad", "good")[label],
                site,
                *soft,
            ]
        )
    header = ["body", "verdict", "site", *(["p_bad", "p_good"] if probabilities else [])]
    (folder / "mail.csv").write_text(csv_text(header, lines), encoding="utf-8")


@pytest.mark.slow
def test_texts_with_a_teachers_probabilities_become_a_bundle_without_an_encoder(tmp_path: Path) -> None:
    mails(tmp_path, probabilities=True)
    recipe = TEXT_RECIPE.format(data='soft_label_prefix = "p_"\ngroup = "site"', teacher="", evaluation="")
    (tmp_path / "mail.toml").write_text(recipe)
    done = distill("run", "mail.toml", cache=tmp_path / "cache", cwd=tmp_path)
    assert done.status == 0, done.err
    folder = tmp_path / "bundles" / "mail" / (tmp_path / "bundles" / "mail" / "latest").read_text().strip()
    manifest = contract.read(folder)
    student = next(one for one in manifest.evidence["contenders"] if one["role"] == "student")
    assert student["accuracy"]["value"] > 0.7
    assert manifest.provenance["recipe"]["data"]["path"] == "mail.csv"
    assert manifest.provenance["teacher"]["description"] == "precomputed probabilities"
    assert {one["group"] for one in manifest.evidence["per_group"]} == {"web", "news"}
    answered = distill("predict", folder, cache=tmp_path, cwd=tmp_path, stdin=b"good great good\nbad\n\n")
    labels = [json.loads(line)["label"] for line in answered.out.splitlines()]
    assert labels[:2] == ["good", "bad"]
    assert len(labels) == 3
    literal = distill("predict", folder, "good good great", cache=tmp_path, cwd=tmp_path)
    assert json.loads(literal.out)["label"] == "good"


@pytest.mark.slow
def test_texts_are_distilled_from_an_encoder_of_the_users_own(here: Run, tmp_path: Path) -> None:
    from tests.distill.teachers import encoders

    encoders.save(tmp_path / "encoder")
    mails(tmp_path, probabilities=False)
    teacher = 'model = "encoder"\nmode = "finetune"\nepochs = 1\nmax_tokens = 32\nlearning_rate = 1e-3'
    recipe = TEXT_RECIPE.format(data="", teacher=teacher, evaluation="") + "[transfer]\nfolds = 2\naugment = 1\n"
    (tmp_path / "mail.toml").write_text(recipe)
    done = here("run", "mail.toml", "--out", "kept", cache=tmp_path / "cache")
    assert done.status == 0, done.err
    folder = tmp_path / "kept" / "mail" / (tmp_path / "kept" / "mail" / "latest").read_text().strip()
    manifest = contract.read(folder)
    assert manifest.provenance["teacher"]["sha256"] == contract.sha256_of(tmp_path / "encoder" / "model.safetensors")
    assert manifest.serving.inputs[0].name == "text"
    assert here("predict", folder, "caf\u00e9", cache=tmp_path).status == 0


def test_a_held_out_group_that_is_not_there_is_told_before_the_teacher_is_trained(here: Run, tmp_path: Path) -> None:
    mails(tmp_path, probabilities=False)
    recipe = TEXT_RECIPE.format(data='group = "site"', teacher="", evaluation='held_out_group = "newspaper"')
    (tmp_path / "mail.toml").write_text(recipe)
    done = here("run", "mail.toml", cache=tmp_path / "cache")
    assert done.status == 2
    assert "evaluation.held_out_group is 'newspaper'; the test rows have news, web" in done.err
    assert "teacher" not in done.err.split("evaluation.held_out_group")[0]
