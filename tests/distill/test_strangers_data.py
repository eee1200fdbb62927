"""Files and recipes as strangers bring them: each test is something that once stood in a user's way."""

from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from distill import progress
from distill.commands import predict
from distill.data import column_types
from distill.data.readers.cells import Table
from distill.data.rows import Rows
from distill.errors import DataError, DistillError, RecipeError
from distill.evaluation.evidence import ClassRow, Evidence, PairedDifference
from distill.modalities import register, resolve
from distill.modalities.text import lengths
from distill.pipeline import run
from distill.recipe.schema import BEST, Recipe, Student, Teacher
from distill.reporting import caveats, console_summary, model_card, report
from distill.teachers import encoder_network as teacher_features
from distill.teachers import fit as teachers
from distill.teachers.encoder_network import Texts
from distill.training import budget
from distill.training.budget import Size
from handler.bundle.contract import Input, Metric
from tests import bundles
from tests.distill import made
from tests.distill.data.files import csv_text, load_bytes
from tests.distill.reporting.evidences import evidence, serving
from tests.distill.teachers import encoders


def column(*cells: str, kind: column_types.Kind | None = None) -> column_types.Column:
    table = Table("rows.csv", "line", {"x": np.array(cells, dtype=object)}, np.arange(2, len(cells) + 2))
    return column_types.read(table, "x", kind)


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (("1,234.50", "2,000", "-12", "13,000,000"), [1234.5, 2000, -12, 13e6]),
        (("1.234,50", "2.000", "-12", "13.000.000"), [1234.5, 2000, -12, 13e6]),
        (("1\u00a0234,5", "2 000", "12", "0,5"), [1234.5, 2000, 12, 0.5]),
        (("1'234.50", "2’000", "12"), [1234.5, 2000, 12]),
    ],
)
def test_marks_between_thousands_are_understood_where_one_cell_makes_them_clear(
    cells: tuple[str, ...], numbers: list[float]
) -> None:
    read = column(*cells)
    assert read.values.tolist() == numbers
    assert any("marks between thousands taken out" in note for note in read.notes)


def test_numbers_of_three_decimals_are_not_taken_for_thousands() -> None:
    assert column("1.234", "2.345", "10.5").values.tolist() == np.float32([1.234, 2.345, 10.5]).tolist()


def test_digits_that_begin_with_zero_are_codes_unless_declared_numbers() -> None:
    codes = column(*["01067", "10115"] * 10)
    assert codes.kind == "category"
    assert "01067" in codes.values
    assert "begin with 0" in codes.notes[0]
    assert column(*["01067", "10115"] * 10, kind="number").values[0] == 1067


def test_numbers_with_one_unit_are_numbers_and_say_which() -> None:
    for cells, unit in (
        ([f"{i}.5 %" for i in range(30)], "%"),
        ([f"€ {i}" for i in range(30)], "€"),
        ([f"-${i}.50" for i in range(30)] + ["7"], "$"),
        ([f"{i},5 kg" for i in range(30)], "kg"),
        ([f"{i} km/h" for i in range(30)], "km/h"),
    ):
        read = column(*cells)
        assert (read.kind, read.unit) == ("number", unit)
        assert any("the number alone is read" in note and repr(unit) in note for note in read.notes)
    assert column(*(f"C{i:05}" for i in range(30))).kind == "category"


def test_numbers_with_different_units_want_a_decision() -> None:
    with pytest.raises(DataError, match=r"different signs or units \('%', none\)"):
        column(*(f"{i}.5 %" for i in range(30)), *(f"0.{i}" for i in range(10)))
    mixed = column(*(f"{i} kg" for i in range(30)), *(f"{i}0 g" for i in range(30)), *(f"{i} lb" for i in range(30)))
    assert mixed.kind == "category"
    assert any("different signs or units" in note for note in mixed.notes)


def test_dates_are_pointed_out(tmp_path: Path) -> None:
    rows = [(f"2024-03-{i % 9 + 1:02}", i * 1.5, i % 2) for i in range(60)]
    dataset = load_bytes(tmp_path, csv_text(("day", "x", "label"), rows))
    assert any("'day' holds dates" in note for note in dataset.notes)


def test_a_wrong_recipe_is_told_before_torch_is_imported(tmp_path: Path) -> None:
    tmp_path.joinpath("recipe.toml").write_text('[data]\nsorce = "csv"\n')
    code = (
        "import sys; from distill.__main__ import main; sys.argv = ['distill', 'run', 'recipe.toml']\n"
        "try: main()\nexcept SystemExit as done: print(done.code, 'torch' in sys.modules)"
    )
    environment = {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == "2 False"
    assert "Did you mean 'data.source'?" in done.stderr


def test_a_note_stays_on_one_line_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    progress.say("a note of many words " * 20)
    assert capsys.readouterr().err.count("\n") == 1


ROOT = Path(__file__).parents[2]
TABLE = 'name = "rows"\n[data]\nsource = "csv"\npath = "rows.csv"\nlabel = "label"\n'


def recipe_of(folder: Path, text: str = TABLE) -> Recipe:
    folder.joinpath("recipe.toml").write_text(text)
    recipe, base = resolve.load(folder / "recipe.toml")
    assert base == folder
    return recipe


def paced(made: Recipe, rows: int) -> Student:
    """The recipe's student for so many rows; of texts, the last of the kinds that are tried."""
    kind = str(made.student.kind) if made.student.kind != BEST else register.of(made.data).usual[-1]
    return budget.fit(made.student, register.of(made.data).students[kind].budget, Size(rows))


def test_few_rows_get_small_batches_and_more_passes(tmp_path: Path) -> None:
    made = recipe_of(tmp_path)
    few = paced(made, 400)
    assert (few.batch_size, few.epochs, few.patience) == (32, 116, 116)  # 1,500 steps of 13 an epoch
    assert paced(made, 40).epochs == 150
    many = paced(made, 6000)
    assert (many.batch_size, many.epochs, many.patience) == (128, 40, 40)
    enough = paced(made, 200_000)  # 2,000,000 rows are read in all
    assert (enough.batch_size, enough.epochs, enough.patience) == (128, 10, 10)
    assert paced(made.model_copy(update={"student": few}), 400) == few


def test_texts_enough_keep_the_pace_that_a_recipe_has_by_default(tmp_path: Path) -> None:
    made = recipe_of(tmp_path, TABLE.replace("label =", 'text = "body"\nlabel ='))
    assert paced(made, 50_000) == made.student
    assert paced(made, 400).patience < paced(made, 400).epochs


def test_a_pace_that_the_recipe_names_stays(tmp_path: Path) -> None:
    made = recipe_of(tmp_path, TABLE + "[student]\nepochs = 3\nbatch_size = 64\n")
    assert (paced(made, 400).epochs, paced(made, 400).batch_size) == (3, 64)


def test_columns_left_out_for_one_reason_share_a_note(tmp_path: Path) -> None:
    header = [*(f"pixel {i}" for i in range(40)), "x", "label"]
    dataset = load_bytes(tmp_path, csv_text(header, [[0] * 40 + [i * 1.5, i % 2] for i in range(60)]))
    assert [item.name for item in dataset.inputs] == ["x"]
    assert len(dataset.notes) == 1
    assert "40 columns are left out" in dataset.notes[0]
    assert "'pixel 0'" in dataset.notes[0]


def always_the_commonest(rows: int = 40) -> Evidence:
    """A student that answers "a" to everything, and a baseline that knows better."""
    made = evidence(("a", "b"), rows=rows)
    share = Metric("accuracy", 0.75, 0.6, 0.9, rows)
    contenders = tuple(
        replace(contender, accuracy=share) if contender.role == "student" else contender
        for contender in made.contenders
    )
    per_class = (
        ClassRow("a", rows * 3 // 4, 0.75, 1.0, 0.86, 0.9, 1.0),
        ClassRow("b", rows // 4, 0.0, 0.0, 0.0, 0.0, 0.2),
    )
    better = Metric("difference", -0.25, -0.4, -0.1, rows)
    loss = Metric("log_loss_difference", 0.3, 0.1, 0.5, rows)
    return replace(
        made,
        contenders=contenders,
        per_class=per_class,
        comparisons=(PairedDifference("baseline", better, loss, 0, 10, 0.002),),
    )


def test_a_student_that_learned_nothing_is_called_that_wherever_it_is_read() -> None:
    made = always_the_commonest()
    said = tuple(caveats.of(made))
    assert len(said) == 4
    assert "always answers 'a'" in said[0]
    assert "Not one test row of 'b'" in said[1]
    assert "baseline is clearly better" in said[2]
    assert "Only 40 test rows" in said[3]
    page = report.html("x 1", serving(("a", "b")), made, (), {})
    assert "Nothing of use was learned" in page
    assert "Nothing of use was learned" in model_card.markdown("x", "1", serving(("a", "b")), made, (), {})
    terminal = io.StringIO()
    console_summary.show(made, (), None, Console(file=terminal, width=110))
    assert terminal.getvalue().count("mind: ") == 4


def test_a_good_student_needs_no_caution() -> None:
    assert not list(caveats.of(evidence()))


def test_a_source_of_the_other_kind_is_named(tmp_path: Path) -> None:
    tmp_path.joinpath("rows.csv").write_text('{"text": "a, b", "label": 1}\n{"text": "c", "label": 2}\n')
    with pytest.raises(DataError, match='data.source = "jsonl"'):
        load_bytes(tmp_path, tmp_path.joinpath("rows.csv").read_bytes(), text="text")
    with pytest.raises(DataError, match="Is it CSV"):
        load_bytes(tmp_path, "text,label\na,b\n", name="rows.jsonl", text="text")


def test_an_out_folder_that_cannot_be_written_is_found_before_the_work(tmp_path: Path) -> None:
    tmp_path.joinpath("taken").write_text("a file")
    with pytest.raises(DistillError, match="Name another folder with --out"):
        run.run(recipe_of(tmp_path), tmp_path, tmp_path / "taken")  # there is no rows.csv: it is not looked for


def test_a_run_that_fails_leaves_no_folder_behind(tmp_path: Path) -> None:
    made = recipe_of(tmp_path)
    with pytest.raises(DataError, match="No file"):
        run.run(made, tmp_path, tmp_path / "new" / "out")
    assert not (tmp_path / "new").exists()
    tmp_path.joinpath("old").mkdir()
    with pytest.raises(DataError, match="No file"):
        run.run(made, tmp_path, tmp_path / "old")
    assert [path.name for path in tmp_path.joinpath("old").iterdir()] == []


def test_only_a_wrong_value_is_told_to_want_quotes(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="Text values need quotes"):
        recipe_of(tmp_path, "[data]\nsource = csv\n")
    with pytest.raises(RecipeError, match=r"^(?!.*quotes).*not valid TOML"):
        recipe_of(tmp_path, '[data]\nsource = "csv"\nsource = "csv"\n')


def asked(folder: Path, given: str | None, lines: bytes = b"") -> list[str]:
    return list(predict.answers(folder, given, io.BytesIO(lines)))


def test_a_blank_line_between_rows_is_no_row(tmp_path: Path) -> None:
    bundles.tabular_bundle(tmp_path)
    assert len(asked(tmp_path, None, b'{"age": 3}\n\n{"age": 4}\r\n\r\n')) == 2


def test_a_blank_line_among_texts_is_an_empty_text(tmp_path: Path) -> None:
    bundles.text_bundle(tmp_path)
    assert len(asked(tmp_path, None, b"good\n\nbad\n")) == 3


def test_a_wrong_object_on_the_command_line_shows_the_form_wanted(tmp_path: Path) -> None:
    bundles.tabular_bundle(tmp_path)
    for given in ("", "{age: 3}", "good"):
        with pytest.raises(DataError, match=r'It is .*Wanted a JSON object such as \{"age": null\}'):
            asked(tmp_path, given)


def test_a_text_that_begins_with_an_at_sign_is_told_where_to_go(tmp_path: Path) -> None:
    bundles.text_bundle(tmp_path)
    with pytest.raises(DataError, match="through standard input"):
        asked(tmp_path, "@alice good morning")
    assert len(asked(tmp_path, None, b"@alice good morning\n")) == 1


def command(*arguments: str, folder: Path) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "LIMBECK_CACHE": str(folder / "cache")}
    return subprocess.Popen(
        [sys.executable, "-m", "distill", *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A shell's background job ignores the interruption, and its children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def test_an_interrupted_run_is_no_success(tmp_path: Path) -> None:
    tmp_path.joinpath("rows.csv").write_text(csv_text(("x", "label"), [(i * 1.5, i % 2) for i in range(60)]))
    tmp_path.joinpath("recipe.toml").write_text(
        TABLE + "[student]\nepochs = 100000\npatience = 100000\n"
        '[teacher]\nkind = "linear"\n[transfer]\naugment = 0\n[evaluation]\nrepeats = 0\n'
    )
    with command("run", "recipe.toml", folder=tmp_path) as process:
        for line in process.stderr or ():
            if line.startswith(b"student"):
                break
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in error
    assert b"Interrupted" in error
    assert not list(tmp_path.glob("bundles/*/*"))


def test_a_reader_that_stops_early_is_no_failure(tmp_path: Path) -> None:
    bundles.text_bundle(tmp_path / "bundle")
    with command("predict", "bundle", folder=tmp_path) as process:
        assert process.stdin and process.stdout and process.stderr
        process.stdin.write(b"good\n" * 2000)
        process.stdin.close()
        assert process.stdout.readline().startswith(b'{"label"')
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 0


def test_a_failed_gate_is_told_also_when_nobody_reads_the_table(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    code = (
        "import os, sys; from distill.commands import console\n"
        "out = console.output(); out.print('the table'); out.print('more'); sys.exit(3)"
    )
    with os.fdopen(writing, "wb") as closed:
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, stdout=closed, stderr=subprocess.PIPE, env=os.environ | {}
        )
    assert (done.returncode, done.stderr) == (3, b"")


def test_codes_that_pandas_wrote_with_a_point_are_whole_numbers() -> None:
    read = column(*["7.0", "3.0", ""] * 10, kind="category")
    assert set(read.values.tolist()) == {"7", "3", ""}


def test_a_frozen_encoder_reads_each_text_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIMBECK_CACHE", str(tmp_path / "cache"))
    read: list[str] = []

    class Counted(Texts):
        def __init__(self, folder: Path, texts: Sequence[str], max_tokens: int) -> None:
            read.extend(texts)
            super().__init__(folder, texts, max_tokens)

    monkeypatch.setattr(teacher_features, "Texts", Counted)
    config = Teacher(kind="encoder", model=str(encoders.save(tmp_path / "tiny-bert")), max_tokens=32)
    dataset = made.dataset_of("text", (Input("text", "string", "text"),), [worded(60), worded(20, 60), worded(20, 80)])

    def answers() -> list[np.ndarray]:
        found = teachers.fit(config, dataset, 3, 0, tmp_path)
        return [found.out_of_fold_logits(dataset.train), found.logits(dataset.test)]

    first = answers()
    assert sorted(read) == sorted(set(read))
    assert len(read) == 100
    shutil.rmtree(tmp_path / "cache" / "logits")
    for once, again in zip(first, answers(), strict=True):
        assert once.tobytes() == again.tobytes()
    assert len(read) == 100


def worded(count: int, start: int = 0) -> Rows:
    texts = [f"{('bad', 'good')[i % 2]} {'very ' * (i % 9)} {i}" for i in range(start, start + count)]
    return made.text_rows(texts, [i % 2 for i in range(count)])


def test_texts_that_are_cut_or_not_served_are_said_before_the_work(tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, TABLE.replace("label =", 'text = "text"\nlabel ='))
    rows = made.text_rows([f"{i} " + "word " * (300 if i < 8 else 3) for i in range(40)], [i % 2 for i in range(40)])
    long = made.text_rows([f"{i} {'x' * 20_001}" for i in range(2)], [0, 1])
    dataset = made.dataset_of("text", (Input("text", "string", "text"),), [rows, long, long])
    cut, refused = lengths.notes(recipe, dataset)
    assert cut.startswith("18% of the texts have more than 256 words")
    assert "teacher.max_tokens" not in cut  # it is as long as the texts are
    short_sighted = recipe.model_copy(update={"teacher": recipe.teacher.model_copy(update={"max_tokens": 64})})
    assert "the teacher 64 word pieces (teacher.max_tokens)" in lengths.notes(short_sighted, dataset)[0]
    assert refused.startswith("4 texts of more than 20,000 characters")
    short = made.dataset_of("text", (Input("text", "string", "text"),), [worded(20), worded(20), worded(20)])
    assert lengths.notes(recipe, short) == ()


def test_numbers_too_large_to_tell_apart_are_not_called_equal() -> None:
    reason = str(column(*(str(9007199254740993 + 7 * i) for i in range(40))).useless)
    assert "too large for 32-bit floating point" in reason


def test_a_terminal_that_knows_only_ascii_gets_the_table_all_the_same() -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"}
    code = (
        "import sys; from distill import __main__ as line; from distill.commands import console\n"
        "line._invoke = lambda _: console.say('µs p50'); sys.exit(line.main())"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, r"\xb5s p50"), done.stderr
