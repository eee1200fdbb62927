"""`limbeck` as people and scripts use it: what it lists, what it prints, what it says when it cannot go on."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

from distill.__main__ import app
from distill.commands import registered
from distill.experiments import ablate
from distill.experiments.proving_ground.sets import catalogue
from distill.modalities.register import MODALITIES
from distill.recipe import load as recipes
from distill.recipe.public_sets import CATALOGUE
from infra.local.__main__ import app as infra_local
from tests import bundles
from tests.distill.command_line import QUICK, ROOT, Run, Sealed, distill

MADE = ("init", "run", "predict", "web", "runs", "compare", "sweep", "ablate", "recipes", "datasets")
CLOUD = ("push", "pull", "list", "show", "diff", "release", "rollback", "status", "history", "cost", "key")


def help_of(*command: str) -> str:
    """A command's help as one line."""
    found = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "300", "TERM": "dumb"})
    assert found.exit_code == 0, found.output
    return " ".join(re.sub("[│╭╮╰╯─]", " ", found.output).split())


@pytest.fixture
def with_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry point of infra, whether or not this checkout was installed since it has one."""
    point = EntryPoint("infra", "infra.commands.register:app", registered.GROUP)
    monkeypatch.setattr(registered, "entry_points", lambda group: [point] if group == registered.GROUP else [])


@pytest.fixture
def without_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same where what infra imports is not installed."""

    class Missing(EntryPoint):
        def load(self) -> object:
            raise ModuleNotFoundError("No module named 'boto3'", name="boto3")

    point = Missing("infra", "infra.commands.register:app", registered.GROUP)
    monkeypatch.setattr(registered, "entry_points", lambda group: [point])


def test_the_project_names_the_entry_point_that_is_tested_here() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["scripts"] == {"limbeck": "distill.__main__:main"}
    assert project["entry-points"] == {registered.GROUP: {"infra": "infra.commands.register:app"}}
    assert set(project["entry-points"][registered.GROUP]) <= set(project["optional-dependencies"])


def test_help_lists_what_makes_bundles_and_what_puts_them_in_the_cloud(with_cloud: None) -> None:
    shown = help_of()
    assert [name for name in (*MADE, *CLOUD) if f" {name} " not in shown] == []


def test_a_command_of_the_cloud_runs_through_limbeck(with_cloud: None, here: Run, tmp_path: Path) -> None:
    done = here("cost", "--bundle", "nowhere", cache=tmp_path)
    assert done.status == 4
    assert "No sealed bundle in nowhere" in done.err
    done = here("list", cache=tmp_path)
    assert (done.status, "No registry named" in done.err) == (2, True)


def test_a_misspelt_command_is_told_with_the_nearest(with_cloud: None, here: Run, tmp_path: Path) -> None:
    assert "Did you mean 'release'?" in here("relaese", cache=tmp_path).err
    assert "Did you mean 'predict'?" in here("predit", cache=tmp_path).err


@pytest.mark.parametrize(
    ("asked", "does"),
    [
        ("serve", "make serve RECIPE=NAME, or python -m infra.local serve BUNDLE"),
        ("stage", "python -m infra.local stage BUNDLE"),
        ("deploy", "sam deploy"),
        ("train", "limbeck run RECIPE"),
    ],
)
def test_what_another_program_does_is_told_with_its_name(here: Run, tmp_path: Path, asked: str, does: str) -> None:
    done = here(asked, "bundles/mail", cache=tmp_path)
    assert (done.status, does in " ".join(done.err.replace("│", "").split()), "Did you mean" in done.err) == (
        2,
        True,
        False,
    )


def test_what_is_named_as_done_elsewhere_is_no_command_and_what_does_it_is_there(with_cloud: None) -> None:
    group = typer.main.get_command(app)
    context = group.make_context("limbeck", ["run"], resilient_parsing=True)
    names = group.list_commands(context)  # type: ignore[attr-defined]
    assert set(names).isdisjoint(registered.ELSEWHERE)
    told = {word for does in registered.ELSEWHERE.values() for word in re.findall(r"limbeck ([a-z]+)", does)}
    assert told <= set(names)
    local = {it.name for it in infra_local.registered_commands}
    assert set(re.findall(r"infra\.local ([a-z]+)", " ".join(registered.ELSEWHERE.values()))) <= local


def test_without_the_cloud_extra_its_commands_say_what_to_install(
    without_cloud: None, here: Run, tmp_path: Path
) -> None:
    done = here("push", "bundle", cache=tmp_path)
    assert (done.status, done.err) == (
        1,
        "boto3 is not installed. In a checkout, run: pip install '.[infra]'\n",
    )
    assert "pip install '.[infra]'" in help_of()
    assert here("datasets", cache=tmp_path).status == 0
    assert "Did you mean 'run'" in here("rum", cache=tmp_path).err


def test_a_command_whose_library_is_missing_says_what_to_install(
    here: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("distill.recipe")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pydantic", None)
    done = here("recipes", cache=tmp_path)
    assert (done.status, done.err) == (
        1,
        "pydantic is not installed. In a checkout, run: pip install '.[distill]'\n",
    )


def test_the_version_is_the_packages(here: Run, tmp_path: Path) -> None:
    from importlib.metadata import version

    assert here("--version", cache=tmp_path).out == f"limbeck {version('limbeck')}\n"


def test_help_names_every_value_that_an_option_takes(with_cloud: None) -> None:
    from infra.cost.cost import PRICES
    from infra.registry.tags import TAGS

    run, compare, ablation, ground = help_of("run"), help_of("compare"), help_of("ablate"), help_of("proving-ground")
    assert [name for name in recipes.built_in() if name not in run] == []
    assert [rung for kind in MODALITIES.values() for rung in kind.candidates if rung not in compare] == []
    assert [name for name in ablate.NAMES if f"'{name}'" not in ablation and f'"{name}"' not in ablation] == []
    assert [one.name for one in catalogue.every(Path("bank.csv")) if one.name not in ground] == []
    regions = re.findall(r"^\[([a-z0-9-]+)\]", PRICES.read_text(), re.MULTILINE)
    assert regions and [name for name in regions if name not in help_of("cost")] == []
    assert [tag for tag in TAGS if tag not in help_of("tag")] == []


def test_exit_statuses_stand_in_the_help_and_in_one_table_of_the_docs() -> None:
    from tests.documents import page

    shown = help_of()
    table = re.findall(r"^\| (\d+) \|", page("commands"), re.MULTILINE)
    assert table == ["0", "1", "2", "3", "4", "5", "130"]
    assert [status for status in table if not re.search(rf"(?:status:|;) {status} ", shown)] == []


def test_every_command_is_in_the_docs(with_cloud: None) -> None:
    from tests.documents import page

    group = typer.main.get_command(app)
    context = group.make_context("limbeck", ["run"], resilient_parsing=True)
    names = group.list_commands(context)  # type: ignore[attr-defined]
    assert [name for name in names if f"`{name}" not in page("commands")] == []


def test_a_run_prints_its_evidence_and_its_bundle_as_json_and_nothing_else_where_it_is_to_be_quiet(
    sealed: Sealed, here: Run, tmp_path: Path
) -> None:
    done = here("run", "breast-cancer", "--json", "--quiet", cache=sealed.cache, overrides=QUICK)
    assert (done.status, done.err) == (0, "")
    told = json.loads(done.out)
    manifest = json.loads((tmp_path / told["bundle"] / "manifest.json").read_text())
    assert told["version"] == sealed.folder.name == manifest["version"]
    assert told["passed"] is True
    assert told["evidence"]["contenders"][1]["accuracy"] == manifest["evidence"]["contenders"][1]["accuracy"]
    failed = here(
        "run", "breast-cancer", "--json", "-q", cache=sealed.cache, overrides=[*QUICK, "gates.max_kilobytes=1"]
    )
    assert failed.status == 3
    assert (json.loads(failed.out)["bundle"], json.loads(failed.out)["passed"]) == (None, False)
    assert "max_kilobytes" in failed.err

    listed = json.loads(here("runs", "--json", cache=sealed.cache).out)
    assert [one["bundle"] for one in listed] == [f"breast-cancer/{told['version']}", None]
    assert listed[0]["origin"]["packages"]["torch"]
    table = here("runs", cache=sealed.cache).out
    assert f"breast-cancer/{told['version']}" in table and "not sealed: max_kilobytes" in table
    beside = here("runs", "1", "2", cache=sealed.cache).out
    [differs] = [line for line in beside.splitlines() if line.startswith("recipe.")]
    assert differs.split() == ["recipe.gates.max_kilobytes", "200.0", "1.0"]
    assert max(map(len, beside.splitlines())) <= 110


def test_where_nothing_was_run_it_says_how_to(here: Run, tmp_path: Path) -> None:
    done = here("runs", cache=tmp_path)
    assert done.status == 2
    assert "limbeck run RECIPE" in done.err


def test_a_run_that_is_not_there_is_told(here: Run, tmp_path: Path) -> None:
    (tmp_path / "bundles").mkdir()
    (tmp_path / "bundles" / "runs.jsonl").write_text("{}\n")
    assert "There is no run 7: the runs here are 1 to 1." in here("runs", "7", cache=tmp_path).err
    (tmp_path / "bundles" / "runs.jsonl").write_text("{}\nnonsense\n")
    assert "runs.jsonl, line 2 is no entry of a run" in here("runs", cache=tmp_path).err


def test_lists_are_json_where_a_script_reads_them(here: Run, tmp_path: Path) -> None:
    assert [one["name"] for one in json.loads(here("datasets", "--json", cache=tmp_path).out)] == [
        one.name for one in CATALOGUE
    ]
    listed = json.loads(here("recipes", "--json", cache=tmp_path).out)
    assert [one["name"] for one in listed] == list(recipes.built_in())
    assert all(len(one["about"]) > 50 for one in listed)


def test_init_writes_a_recipe_once(here: Run, tmp_path: Path) -> None:
    rows = [f"the parcel number {i} is late,{'ab'[i % 2]}" for i in range(40)]
    (tmp_path / "mail.csv").write_text("\n".join(["body,queue", *rows]))
    done = here("init", "mail.csv", "--out", "new/mail.toml", cache=tmp_path)
    assert done.status == 0, done.err
    assert done.out.endswith("Wrote new/mail.toml. Next: limbeck run new/mail.toml\n")
    assert recipes.load(tmp_path / "new" / "mail.toml").data.path == "../mail.csv"
    again = here("init", "mail.csv", "--out", "new/mail.toml", cache=tmp_path)
    assert (again.status, "is there already" in again.err) == (2, True)


def test_a_quiet_init_says_where_the_recipe_is_and_no_more(here: Run, tmp_path: Path) -> None:
    rows = [f"the parcel number {i} is late,{'ab'[i % 2]}" for i in range(40)]
    (tmp_path / "mail.csv").write_text("\n".join(["body,queue", *rows]))
    done = here("init", "mail.csv", "--quiet", cache=tmp_path)
    assert done.out == "Wrote mail.toml. Next: limbeck run mail.toml\n"


def test_a_name_with_spaces_is_quoted_where_it_is_to_be_typed(here: Run, tmp_path: Path) -> None:
    rows = [f"the parcel number {i} is late,{'ab'[i % 2]}" for i in range(40)]
    (tmp_path / "my mail (1).csv").write_text("\n".join(["body,queue", *rows]))
    done = here("init", "my mail (1).csv", cache=tmp_path)
    assert done.out.endswith("Next: limbeck run 'my mail (1).toml'\n")
    assert (tmp_path / "my mail (1).toml").read_text().startswith("# limbeck run 'my mail (1).toml'\n")


def test_init_leaves_nothing_behind_where_it_fails(here: Run, tmp_path: Path) -> None:
    (tmp_path / "mail.csv").write_text("body,queue\n")
    assert here("init", "mail.csv", "--out", "new/mail.toml", cache=tmp_path).status == 2
    assert not (tmp_path / "new").exists()


def test_a_path_that_cannot_be_written_to_says_nothing_of_the_cache(here: Run, tmp_path: Path) -> None:
    rows = [f"the parcel number {i} is late,{'ab'[i % 2]}" for i in range(40)]
    (tmp_path / "mail.csv").write_text("\n".join(["body,queue", *rows]))
    done = here("init", "mail.csv", "--out", "/proc/x/mail.toml", cache=tmp_path / "cache")
    assert (done.status, "Check the path." in done.err, "LIMBECK_CACHE" in done.err) == (2, True, False)
    (tmp_path / "file").touch()
    done = here("run", "breast-cancer", "--set", "evaluation.repeats=0", cache=tmp_path / "file")
    assert (done.status, "LIMBECK_CACHE" in done.err) == (2, True)


@pytest.mark.parametrize("name", ["my rows.csv", "rows.jsonl", "rows.parquet"])
def test_rows_in_place_of_a_recipe_are_told_how_to_get_one(here: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("text,label\n")
    done = here("run", name, cache=tmp_path)
    quoted = f"'{name}'" if " " in name else name
    assert (done.status, f"`limbeck init {quoted}` writes one" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("hi",), "limbeck predict BUNDLE INPUT"),
        (("hi",), "limbeck run breast-cancer"),
        (("x" * 4000, "hi"), "No sealed bundle in xxx"),
    ],
)
def test_a_bundle_that_is_not_there_is_told_with_how_to_make_one(
    here: Run, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = here("predict", *arguments, cache=tmp_path)
    assert done.status == 4
    assert said in done.err
    assert len(done.err) < 500


def test_the_bundles_that_are_here_are_named_in_place_of_one_that_is_not(here: Run, tmp_path: Path) -> None:
    for name in ("mail", "spam"):
        (tmp_path / "bundles" / name / "0123456789ab").mkdir(parents=True)
        (tmp_path / "bundles" / name / "0123456789ab" / "manifest.json").touch()
    assert "Did you mean bundles/mail?" in here("predict", "mail", "hi", cache=tmp_path).err
    assert "Sealed here: bundles/mail, bundles/spam." in here("predict", "nail", "hi", cache=tmp_path).err


def test_on_a_terminal_predict_says_that_it_reads_standard_input(sealed: Sealed, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "distill", "predict", str(sealed.folder)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "LIMBECK_CACHE": str(tmp_path)}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None and process.stdout is not None
        assert select.select([process.stderr], [], [], 60)[0]
        assert "standard input; Ctrl-D ends it" in process.stderr.readline()
        os.write(ours, b'{"mean radius": 12.0}\n\x04')
        assert json.loads(process.stdout.readline())["label"] in ("benign", "malignant")
        assert process.wait(60) == 0
    piped = distill("predict", sealed.folder, cache=sealed.cache, cwd=tmp_path, stdin=b'{"mean radius": 12.0}\n')
    assert piped.err == ""


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """A bundle of texts."""
    bundles.text_bundle(tmp_path / "texts")
    return tmp_path / "texts"


@pytest.mark.parametrize(("given", "found"), [('{"message": "good"}', "object"), ('["good", "bad"]', "array")])
def test_json_for_a_bundle_of_texts_is_no_text_unless_it_comes_from_a_file_or_a_pipe(
    texts: Path, here: Run, tmp_path: Path, given: str, found: str
) -> None:
    done = here("predict", texts, given, cache=tmp_path)
    assert (done.status, done.out) == (2, "")
    assert f"The input is a JSON {found}, and {texts} takes texts." in done.err
    assert "standard input (-)" in done.err
    piped = distill("predict", texts, "-", cache=tmp_path, cwd=tmp_path, stdin=f"{given}\ngood\n{given}\n".encode())
    assert (piped.status, len(piped.out.splitlines())) == (0, 3)
    assert piped.err == f"Line 1 of the input is a JSON {found}, and is read as it stands: {texts} takes texts.\n"
    (tmp_path / "one.json").write_text(given)
    assert f"is a JSON {found}" in here("predict", texts, "@one.json", cache=tmp_path).err
    assert here("predict", texts, "@one.json", "--quiet", cache=tmp_path).err == ""


@pytest.mark.parametrize("text", ["[sic] good", "{good", '"good"', "good", ""])
def test_a_text_with_brackets_or_quotes_is_a_text(texts: Path, here: Run, tmp_path: Path, text: str) -> None:
    assert here("predict", texts, text, cache=tmp_path).err == ""


def test_a_hyphen_means_standard_input(sealed: Sealed, tmp_path: Path) -> None:
    done = distill("predict", sealed.folder, "-", cache=tmp_path, cwd=tmp_path, stdin=b'{"mean radius": 12.0}\n')
    assert json.loads(done.out)["label"] in ("benign", "malignant")


def test_every_command_that_the_docs_say_takes_quiet_does(here: Run, tmp_path: Path) -> None:
    group = typer.main.get_command(app)
    own = {name: it for name, it in group.commands.items() if it.rich_help_panel == "Students"}  # type: ignore[attr-defined]
    assert set(MADE) <= set(own)
    assert [name for name, it in own.items() if "-q" not in {word for one in it.params for word in one.opts}] == []
    assert here("--quiet", "datasets", cache=tmp_path).status == 0


def test_a_list_of_runs_needs_no_package_that_only_a_run_does() -> None:
    code = "import sys; import distill.commands.runs, distill.experiments.run_log, distill.reporting.tables; "
    code += "sys.exit(bool({'torch', 'sklearn', 'scipy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_a_model_of_the_hub_that_is_not_pinned_is_told_before_the_data_is_read(here: Run, tmp_path: Path) -> None:
    done = here("run", "sentiment-quick", "--set", "teacher.model=bert-base-uncased", cache=tmp_path)
    assert done.status == 2
    assert "huggingface.co/bert-base-uncased/raw/main/model.safetensors" in done.err
    assert "rows" not in done.err.splitlines()
