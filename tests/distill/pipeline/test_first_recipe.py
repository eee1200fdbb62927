"""What `limbeck init` makes of a file that nobody has described."""

from __future__ import annotations

from pathlib import Path

import pytest

from distill.errors import DataError, RecipeError
from distill.modalities import register, resolve
from distill.pipeline import first_recipe
from distill.recipe import load as recipes
from tests.distill.data.pictures import KIND, file, folder, put

WORDS = ("the parcel is late again", "my card was charged twice", "how do I change the password")


def table(folder: Path, header: str, rows: list[str], name: str = "rows.csv") -> Path:
    (folder / name).write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return folder / name


def texts(folder: Path, header: str = "id,body,queue", name: str = "mail.csv") -> Path:
    rows = [f"{i},{WORDS[i % 3]} and so on {i},{'abc'[i % 3]}" for i in range(60)]
    return table(folder, header, rows, name)


def recipe_of(folder: Path, given: Path, label: str | None = None, text: str | None = None) -> recipes.Recipe:
    """The recipe for a file, as `run` reads it."""
    path = folder / "first.toml"
    path.write_text(first_recipe.of(given, path, label, text).text, encoding="utf-8")
    return resolve.load(path)[0]


def test_a_column_of_sentences_is_the_text_and_a_column_of_few_values_the_label(tmp_path: Path) -> None:
    data = recipe_of(tmp_path, texts(tmp_path)).data
    assert (data.source, data.path, data.text, data.label) == ("csv", "mail.csv", "body", "queue")


def test_numbers_and_categories_are_a_table_and_a_name_beside_them_is_no_text(tmp_path: Path) -> None:
    rows = [f"Smith Mr John Owen {i},{i * 7 % 50},{i * 3.5},{i % 9},{'yes' if i % 2 else 'no'}" for i in range(60)]
    data = recipe_of(tmp_path, table(tmp_path, "name,age,fare,rooms,label", rows)).data
    assert (data.text, data.label) == (None, "label")


def test_a_file_in_which_several_columns_may_be_the_label_asks_for_it(tmp_path: Path) -> None:
    rows = [f"{i * 1.5},{'ab'[i % 2]},{'xyz'[i % 3]}" for i in range(60)]
    path = table(tmp_path, "size,sex,port", rows)
    with pytest.raises(DataError, match="'sex' with 2 different values; 'port' with 3.*--label"):
        first_recipe.of(path, tmp_path / "r.toml", None, None)
    assert recipe_of(tmp_path, path, label="port").data.label == "port"


def test_a_file_without_a_label_says_so_and_names_its_columns(tmp_path: Path) -> None:
    path = table(tmp_path, "a,b", [f"{i}.5,{i * 3}.25" for i in range(60)])
    with pytest.raises(DataError, match="no column looks like a label.*'a', 'b'.*--label"):
        first_recipe.of(path, tmp_path / "r.toml", None, None)


def test_a_column_that_is_named_and_not_there_is_told_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no column 'queu' \(--label\). Did you mean 'queue'"):
        first_recipe.of(texts(tmp_path), tmp_path / "r.toml", "queu", None)


@pytest.mark.parametrize("name", ["split", "set", "part of it"])
@pytest.mark.parametrize("parts", [("train", "train", "test", "validation"), ("Train", "Train", "dev", "test")])
def test_a_column_that_says_train_and_test_is_the_split_whatever_its_name(
    tmp_path: Path, name: str, parts: tuple[str, ...]
) -> None:
    rows = [f"{i * 7 % 50}.5,{i * 11 % 90}.1,{'abc'[i % 3]},{parts[i // 3 % 4]}" for i in range(96)]
    path = table(tmp_path, f"size,weight,label,{name}", rows)
    assert recipe_of(tmp_path, path).data.split == name
    said = first_recipe.of(path, tmp_path / "r.toml").said
    assert f"column {name!r} is the split (data.split): 48 train, 24 validation, 24 test rows" in said


def test_a_column_that_says_train_beside_bus_is_no_split(tmp_path: Path) -> None:
    rows = [f"{i * 7 % 50}.5,{i * 11 % 90}.1,{'abc'[i % 3]},{('train', 'bus', 'test')[i // 3 % 3]}" for i in range(96)]
    assert recipe_of(tmp_path, table(tmp_path, "size,weight,label,by", rows)).data.split is None


def columns(folder: Path) -> Path:
    """A table with a date, an identifier a row, and one that comes back."""
    rows = [
        f"A-{i},2024-{1 + i % 12:02}-01,{i % 25},{i * 7 % 50}.5,{'xyz'[i % 3]},{'yes' if i % 2 else 'no'}"
        for i in range(100)
    ]
    return table(folder, "order,when,customer_id,price,plan,label", rows)


def test_dates_and_identifiers_are_left_out_and_said_and_the_others_are_written(tmp_path: Path) -> None:
    path = columns(tmp_path)
    assert recipe_of(tmp_path, path).data.columns == ("price", "plan")
    said = " ".join(first_recipe.of(path, tmp_path / "r.toml").said)
    assert "column 'when' holds dates and is left out of data.columns" in said
    assert "column 'customer_id' is called an identifier" in said and 'set data.group = "customer_id"' in said
    assert "column 'order' is left out" in said


def test_a_column_that_a_person_gave_a_role_or_type_is_not_left_out(tmp_path: Path) -> None:
    path = columns(tmp_path)
    found = first_recipe.of(path, tmp_path / "first.toml", overrides=("data.group=customer_id",))
    (tmp_path / "first.toml").write_text(found.text)
    data = resolve.load(tmp_path / "first.toml")[0].data
    assert (data.group, data.columns) == ("customer_id", ("price", "plan"))
    found = first_recipe.of(path, tmp_path / "first.toml", overrides=("data.types.customer_id=category",))
    (tmp_path / "first.toml").write_text(found.text)
    data = resolve.load(tmp_path / "first.toml")[0].data
    assert (data.types, data.columns) == ({"customer_id": "category"}, ("customer_id", "price", "plan"))


@pytest.mark.parametrize("name", ["paid", "grid", "plan_id"])
def test_a_name_that_only_ends_so_or_a_kind_of_few_values_is_no_identifier(tmp_path: Path, name: str) -> None:
    most = 5 if name == "plan_id" else 40
    rows = [f"{i % most}.0,{i * 7 % 50}.5,{'yes' if i % 2 else 'no'}" for i in range(100)]
    assert recipe_of(tmp_path, table(tmp_path, f"{name},price,label", rows)).data.columns is None


def test_where_only_dates_are_left_it_says_so(tmp_path: Path) -> None:
    path = table(tmp_path, "when,label", [f"2024-01-{1 + i % 9:02},{'ab'[i % 2]}" for i in range(90)])
    with pytest.raises(DataError, match="no column to learn from beside the label: column 'when' holds dates"):
        first_recipe.of(path, tmp_path / "r.toml")


def test_columns_beside_a_text_are_said_not_to_be_used(tmp_path: Path) -> None:
    found = first_recipe.of(texts(tmp_path, "price,body,queue"), tmp_path / "r.toml")
    assert "not used beside the text: 'price'. A student reads one text, or columns (data.columns)" in found.said
    assert '# Not used beside the text: "price"' in found.text


@pytest.mark.parametrize(
    "rows",
    [
        [f"{WORDS[i % 3]} and so on {i},{'abc'[i % 3]}" for i in range(60)],
        [f"{i % 50 + 0.1},{i * 7 % 50 + 0.2},{'abc'[i % 3]}" for i in range(60)],
        [f"{i % 50},{i * 7 % 50},{i % 2}" for i in range(3, 63)],
    ],
)
def test_a_file_without_a_header_is_told_unless_the_label_is_named(tmp_path: Path, rows: list[str]) -> None:
    path = table(tmp_path, rows[0], rows[1:])
    with pytest.raises(DataError, match="the first line looks like a row and not like a header"):
        first_recipe.of(path, tmp_path / "r.toml")
    assert recipe_of(tmp_path, path, label=rows[0].split(",")[-1]).data.label


def test_columns_that_are_numbered_are_a_header(tmp_path: Path) -> None:
    path = table(tmp_path, "0,1,2", [f"{i % 50},{i * 7 % 50}.5,{i % 3}" for i in range(60)])
    assert recipe_of(tmp_path, path).data.label == "2"


def test_an_encoding_that_cannot_be_told_is_given_to_init(tmp_path: Path) -> None:
    rows = [f"{WORDS[i % 3]} café déjà {i},{'abc'[i % 3]}" for i in range(60)]
    (tmp_path / "mail.csv").write_bytes("\n".join(["text,label", *rows]).encode("cp1252"))
    with pytest.raises(DataError, match=r"Set data\.encoding to it.* Here: limbeck init .* --set data\.KEY=VALUE"):
        first_recipe.of(tmp_path / "mail.csv", tmp_path / "r.toml")
    found = first_recipe.of(tmp_path / "mail.csv", tmp_path / "r.toml", overrides=("data.encoding=cp1252",))
    (tmp_path / "r.toml").write_text(found.text)
    assert resolve.load(tmp_path / "r.toml")[0].data.encoding == "cp1252"


def test_only_keys_of_the_data_section_can_be_given(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="keys of the data section"):
        first_recipe.of(texts(tmp_path), tmp_path / "r.toml", overrides=("student.kind=gru",))
    with pytest.raises(RecipeError, match="encoding"):
        first_recipe.of(texts(tmp_path), tmp_path / "r.toml", overrides=("data.encodin=cp1252",))


def test_a_folder_with_one_file_of_rows_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "README").write_text("about")
    texts(tmp_path / "data")
    assert recipe_of(tmp_path, tmp_path / "data").data.path == "data/mail.csv"


def test_a_folder_with_several_files_asks_which(tmp_path: Path) -> None:
    texts(tmp_path, name="a.csv")
    texts(tmp_path, name="b.csv")
    with pytest.raises(DataError, match="holds 2 files of rows: 'a.csv', 'b.csv'. Name one"):
        first_recipe.of(tmp_path, tmp_path / "r.toml", None, None)


@pytest.mark.parametrize("given", ["nowhere", "x" * 5000, "empty"])
def test_where_no_rows_are_the_message_says_what_is_wanted(tmp_path: Path, given: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="CSV, JSON Lines or Parquet file") as error:
        first_recipe.of(tmp_path / given, tmp_path / "r.toml", None, None)
    assert len(str(error.value)) < 300 + len(str(tmp_path))


def test_json_lines_are_told_by_what_is_in_them_whatever_the_file_is_called(tmp_path: Path) -> None:
    lines = [f'{{"text": "{WORDS[i % 3]} {i}", "label": "{"abc"[i % 3]}"}}' for i in range(60)]
    (tmp_path / "rows.dat").write_text("\n".join(lines))
    assert recipe_of(tmp_path, tmp_path / "rows.dat").data.source == "jsonl"


def test_names_with_quotes_and_accents_come_through(tmp_path: Path) -> None:
    header = '"der ""Text""",Größe,label'
    rows = [f"{WORDS[i % 3]} {i},{i},{'abc'[i % 3]}" for i in range(60)]
    assert recipe_of(tmp_path, table(tmp_path, header, rows)).data.text == 'der "Text"'


def test_rows_that_cannot_be_learned_from_are_refused_at_once(tmp_path: Path) -> None:
    path = table(tmp_path, "text,label", [f"{WORDS[i % 3]} {i},same" for i in range(60)])
    with pytest.raises(DataError, match="wanted at least two classes"):
        first_recipe.of(path, tmp_path / "r.toml", None, None)


def test_a_folder_of_pictures_is_a_source_of_its_own(
    tmp_path: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(register, "of", lambda data: KIND)
    found = first_recipe.of(folder(tmp_path / "my pets"), tmp_path / "pets.toml", None, None)
    assert 'source = "folder"\npath = "my pets"\n' in found.text and "label" not in found.text.split("[student]")[0]
    assert found.said[0].startswith("24 pictures of my pets (") and "2 classes ('cat', 'dog')" in found.said[0]


def test_a_folder_of_pictures_has_no_columns(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="leave out --label and --text"):
        first_recipe.of(folder(tmp_path / "pets"), tmp_path / "pets.toml", "class", None)


def test_a_file_of_rows_beside_pictures_is_what_is_meant(tmp_path: Path) -> None:
    texts(tmp_path)
    folder(tmp_path / "photos")
    assert recipe_of(tmp_path, tmp_path).data.source == "csv"


def test_a_folder_of_pictures_without_classes_says_what_is_wanted(tmp_path: Path, empty_cache: Path) -> None:
    put(tmp_path / "pets" / "1.jpg", file(1))
    with pytest.raises(DataError, match="Wanted is a sub-folder for each class"):
        first_recipe.of(tmp_path / "pets", tmp_path / "pets.toml", None, None)
