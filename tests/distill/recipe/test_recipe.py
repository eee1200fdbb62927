from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distill.errors import RecipeError
from distill.modalities import resolve
from distill.recipe import load as recipes
from distill.recipe import rules, schema

MAIL = '[data]\nsource = "csv"\npath = "mail.csv"\ntext = "body"\nlabel = "label"\n'
TABLE = '[data]\nsource = "csv"\npath = "rows.csv"\nlabel = "label"\n'
VADER = '[data]\nsource = "vader-icwsm14"\n'


def load(folder: Path, content: str | bytes, *overrides: str) -> schema.Recipe:
    path = folder / "mail.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return recipes.load(path, overrides)


def refusal(folder: Path, content: str | bytes, *overrides: str) -> str:
    with pytest.raises(RecipeError) as caught:
        load(folder, content, *overrides)
    assert caught.value.exit_status == 2
    return str(caught.value)


@pytest.mark.parametrize(
    ("file", "name"), [("My Mail (v2).toml", "my-mail-v2"), ("_x.y.toml", "x.y"), ("\u00e9\u00e9.toml", "recipe")]
)
def test_the_name_is_the_files_made_to_fit(tmp_path: Path, file: str, name: str) -> None:
    tmp_path.joinpath(file).write_text(MAIL)
    assert recipes.load(tmp_path / file).name == name


def test_overrides_take_toml_values_and_bare_words(tmp_path: Path) -> None:
    made = load(
        tmp_path,
        TABLE + "[student]\nepochs = 3\n",
        "student.epochs=5",
        "data.path=my rows.csv",
        'data.columns=["age", "mean radius", "a.b"]',
        "data.types.age=category",
        "data.types.mean radius=number",
        'data.types."a.b"="number"',
        "gates.min_retention = 0.5",
        "name=other",
        "student.dropout=0",
    )
    assert (made.student.epochs, made.student.dropout, made.data.path) == (5, 0.0, "my rows.csv")
    assert made.data.types == {"age": "category", "mean radius": "number", "a.b": "number"}
    assert made.data.columns == ("age", "mean radius", "a.b")
    assert (made.gates.min_retention, made.name) == (0.5, "other")


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(override=st.text(max_size=30) | st.text(max_size=20).map("data.path={}".format))
def test_any_override_is_taken_or_a_recipe_error(tmp_path: Path, override: str) -> None:
    try:
        load(tmp_path, MAIL, override)
    except RecipeError as error:
        assert str(error)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=100) | st.text(max_size=100).map(str.encode))
def test_any_bytes_are_a_recipe_error(tmp_path: Path, content: bytes) -> None:
    assert "mail.toml" in refusal(tmp_path, content)


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (MAIL + "[studnt]\nepochs = 3", "unknown key 'studnt'. Did you mean 'student'?"),
        (MAIL + "[student]\nepoch = 3", "unknown key 'student.epoch'. Did you mean 'student.epochs'?"),
        (MAIL + "[student]\nmax-tokens = 3", "Did you mean 'student.max_tokens'?"),
        (MAIL + "[student]\nlr = 3", "unknown key 'student.lr'. Did you mean 'student.learning_rate'?"),
        (MAIL + "[student]\nvocab = 3", "Did you mean 'student.vocabulary'?"),
        (MAIL + "[student]\nhidden_size = 3", "Did you mean 'student.width'?"),
        (MAIL + "[gates]\nlr = 3", "Did you mean 'teacher.learning_rate' or 'student.learning_rate'?"),
        ("lr = 3\n" + MAIL, "Did you mean 'teacher.learning_rate' or 'student.learning_rate'?"),
        ("min_retention = 0.9\n" + MAIL, "unknown key 'min_retention'. Did you mean 'gates.min_retention'?"),
        (MAIL + "zzz = 1", "unknown key 'data.zzz'. Known in [data]: source, path, text,"),
        ("", "the key 'data' is missing"),
        ("[data]\nlabel = 'x'", "the key 'data.source' is missing"),
        ("data = 3", "data is 3 (a whole number), wanted a section"),
        (MAIL + "[student]\nwidth = 'wide'", "student.width is 'wide', wanted a whole number"),
        (MAIL + "[student]\nlayers = true", "student.layers is True (true or false), wanted a whole number"),
        (MAIL + "[student]\nlayers = 1.5", "student.layers is 1.5 (a number), wanted a whole number"),
        (MAIL + "[student]\ndropout = 1.5", "student.dropout is 1.5 (a number), wanted less than 1"),
        (MAIL + "[student]\ntemperature = inf", "student.temperature is inf (a number), wanted a finite number"),
        (TABLE + "columns = 'age'", "data.columns is 'age', wanted a list"),
        (TABLE + "[data.types]\nage = 'int'", "data.types.age is 'int', wanted 'number' or 'category'"),
        (MAIL + "[gates]\nmax_ece = 2020-01-01", "date or time 2020-01-01"),
        ("name = 'A b'\n" + MAIL, "name is 'A b', wanted text of the form"),
        ("seed = -1\n" + MAIL, "seed is -1 (a whole number), wanted at least 0"),
        ("a = 1\n[data\n", "not valid TOML: Expected ']' at the end of a table declaration (at line 2"),
        ("a = 'x", "line 1"),
        (b"\xff\xfe\x00", "is not UTF-8 text"),
        ("x = " + "[" * 9999, "mail.toml"),
        ("seed = " + "1" * 9999, "mail.toml"),
    ],
)
def test_a_mistake_names_the_key_what_was_found_and_what_was_wanted(
    tmp_path: Path, content: str | bytes, wanted: str
) -> None:
    assert wanted in refusal(tmp_path, content)


def test_several_mistakes_are_told_at_once(tmp_path: Path) -> None:
    message = refusal(tmp_path, MAIL + "[student]\nepoch = 3\nwidth = 'x'\n")
    assert "2 problems" in message and "student.epoch'" in message and "student.width" in message


@pytest.mark.parametrize(
    ("override", "wanted"),
    [
        ("epochs", "not section.key=value"),
        ("data=3", "data is a section"),
        ("data.label.x=3", "data.label is a section, wanted text"),
        ("student.epoch=3", "Did you mean 'student.epochs'?"),
    ],
)
def test_an_override_of_no_key_says_what_one_is(tmp_path: Path, override: str, wanted: str) -> None:
    assert wanted in refusal(tmp_path, MAIL, override)


def test_a_built_in_recipe_is_found_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipes, "BUILT_IN", tmp_path)
    tmp_path.joinpath("sentiment.toml").write_text(VADER)
    assert recipes.load("sentiment").name == recipes.load("sentiment.toml").name == "sentiment"
    with pytest.raises(RecipeError, match=r"Did you mean sentiment\? Built in: sentiment\."):
        recipes.load("sentimant")


@pytest.mark.parametrize("path", ["", ".", "nowhere/x.toml", "a\0b", "a" * 5000])
def test_what_is_no_recipe_file_is_one_message(path: str) -> None:
    with pytest.raises(RecipeError):
        recipes.load(path)


@pytest.mark.parametrize("name", recipes.built_in())
def test_every_built_in_recipe_loads(name: str) -> None:
    assert recipes.load(name).name == resolve.load(name)[0].name == name


@pytest.mark.parametrize("path", [r"C:\Users\me.csv", r"C:\data\rows.csv", r"C:\temp\new.csv", r"\\server\rows.csv"])
def test_a_backslash_in_double_quotes_says_how_to_write_a_path(tmp_path: Path, path: str) -> None:
    for text, overrides in ((TABLE.replace("rows.csv", path), ()), (TABLE, (f'data.path="{path}"',))):
        with pytest.raises(RecipeError, match="write paths as 'C:"):
            rules.check_data(load(tmp_path, text, *overrides).data)


def test_a_path_with_backslashes_is_taken_in_single_quotes_and_as_a_bare_word(tmp_path: Path) -> None:
    path = r"C:\Users\new.csv"
    assert load(tmp_path, TABLE.replace('"rows.csv"', f"'{path}'")).data.path == path
    assert load(tmp_path, TABLE, f"data.path={path}").data.path == path


@pytest.mark.parametrize("name", ["cp1251", "GBK", "latin-1", "utf-8-sig", "Shift JIS", "mac_roman", "UTF-16"])
def test_an_encoding_has_any_of_pythons_names(tmp_path: Path, name: str) -> None:
    rules.check_data(load(tmp_path, f'{TABLE}encoding = "{name}"\n').data)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (TABLE + 'encoding = "cp1521"', "data.encoding is 'cp1521'"),
        (TABLE + 'encoding = "windwos_1251"', "Did you mean 'windows_1251'?"),
        (TABLE + 'encoding = "rot13"', "data.encoding is 'rot13'"),
        (TABLE + 'encoding = "hex"', "data.encoding is 'hex'"),
        (TABLE + 'encoding = ""', "data.encoding is ''"),
        (TABLE.replace('"csv"', '"parquet"') + 'encoding = "cp1251"', "data.encoding is for files of text"),
        (VADER + 'encoding = "cp1251"', "data.encoding is for files"),
    ],
)
def test_an_encoding_that_none_is_or_that_nothing_needs_is_refused(tmp_path: Path, text: str, wanted: str) -> None:
    with pytest.raises(RecipeError) as caught:
        rules.check_data(load(tmp_path, text).data)
    assert wanted in str(caught.value)
