"""The whole line as people run it: `python -m distill` in a process of its own, on breast-cancer and on small files."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import pytest

from handler.bundle import contract
from tests.distill.command_line import QUICK, ROOT, Run, Sealed, distill
from tests.distill.data.files import csv_text
from tests.distill.made import opinions


def row(**changes: object) -> dict[str, object]:
    from sklearn.datasets import load_breast_cancer

    bunch = load_breast_cancer()
    return dict(zip(bunch.feature_names.tolist(), bunch.data[0].tolist(), strict=True)) | changes


@pytest.mark.slow
def test_a_run_seals_a_bundle_with_all_contenders_in_its_evidence(sealed: Sealed) -> None:
    manifest = contract.read(sealed.folder)
    roles = [one["role"] for one in manifest.evidence["contenders"]]
    assert roles == ["teacher", "student", "hard-label twin", "baseline", "majority class"]
    assert all(one["accuracy"]["value"] > 0.7 for one in manifest.evidence["contenders"][:4])
    assert {one["other"] for one in manifest.evidence["comparisons"]} == set(roles) - {"student"}
    assert [one["other"] for one in manifest.evidence["teacher_comparisons"]] == roles[2:]
    assert manifest.evidence["judged"] == "57 test rows, which neither training nor any choice saw"
    for role in roles:
        assert role in sealed.done.out
    assert str(sealed.folder) in sealed.done.out
    assert all(gate["passed"] for gate in manifest.evidence["gates"])


def test_a_bundle_says_where_it_comes_from_and_names_no_place_of_the_machine(sealed: Sealed) -> None:
    origin = contract.read(sealed.folder).provenance
    assert origin["recipe"]["name"] == "breast-cancer"
    student = origin["recipe"]["student"]
    # As it was taught: by gold labels alone, without the copy of each row, it sees the rows twice as often.
    assert student["epochs"] == (8 if student["gold_weight"] == 1 else 4)
    assert origin["recipe"]["evaluation"]["bootstrap"] == 100
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
gold_weight = 0.3
temperature = 2
[evaluation]
bootstrap = 100
repeats = 0
{evaluation}
[gates]
allow_worse = true
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
    teacher = (
        'kind = "encoder"\nmodel = "encoder"\nmode = "finetune"\nepochs = 1\nmax_tokens = 32\nlearning_rate = 1e-3'
    )
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
