"""What a recipe leaves open is filled in by its kind of input, and what does not go together is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from distill.errors import RecipeError
from distill.modalities import register, resolve
from distill.modalities.tabular.modality import TABULAR
from distill.modalities.text.modality import TEXT
from distill.recipe.schema import Recipe

MAIL = '[data]\nsource = "csv"\npath = "mail.csv"\ntext = "body"\nlabel = "label"\n'
TABLE = '[data]\nsource = "csv"\npath = "rows.csv"\nlabel = "label"\n'
VADER = '[data]\nsource = "vader-icwsm14"\n'
DEBIAN = '[data]\nsource = "debian-sections"\n'


def load(folder: Path, content: str, *overrides: str) -> Recipe:
    path = folder / "mail.toml"
    path.write_text(content)
    recipe, base = resolve.load(path, overrides)
    assert base == folder
    return recipe


def refusal(folder: Path, content: str, *overrides: str) -> str:
    with pytest.raises(RecipeError) as caught:
        load(folder, content, *overrides)
    assert caught.value.exit_status == 2
    assert str(caught.value).startswith(str(folder / "mail.toml"))
    return str(caught.value)


def test_ten_lines_are_a_recipe_with_defaults_for_texts(tmp_path: Path) -> None:
    made = load(tmp_path, MAIL)
    assert (made.name, register.of(made.data), made.teacher.kind, made.student.kind) == (
        "mail",
        TEXT,
        "stack",
        "best",
    )


def test_columns_get_a_stack_and_an_mlp(tmp_path: Path) -> None:
    made = load(tmp_path, TABLE)
    assert (register.of(made.data), made.teacher.kind, made.student.kind) == (TABULAR, "stack", "mlp")


def test_a_stack_has_the_members_of_its_kind_of_input_and_five_folds_where_the_recipe_names_none(
    tmp_path: Path,
) -> None:
    assert load(tmp_path, MAIL).teacher.members == ("encoder", "tfidf")
    assert load(tmp_path, TABLE).teacher.members == ("boosted_trees", "extra_trees", "linear")
    assert load(tmp_path, TABLE).transfer.folds == 5
    named = load(tmp_path, TABLE, "teacher.members=['linear', 'extra_trees']", "transfer.folds=3")
    assert (named.teacher.members, named.transfer.folds) == (("linear", "extra_trees"), 3)
    alone = load(tmp_path, TABLE, "teacher.kind=linear")
    assert (alone.teacher.members, alone.transfer.folds) == (None, 1)


def test_soft_labels_need_no_other_teacher(tmp_path: Path) -> None:
    assert load(tmp_path, MAIL, "data.soft_label_prefix=p_").teacher.kind == "precomputed"


def test_a_resolved_recipe_resolves_to_itself(tmp_path: Path) -> None:
    made = load(tmp_path, MAIL)
    assert resolve.resolved(made) == made


@pytest.mark.parametrize(
    ("content", "override", "wanted"),
    [
        (
            MAIL,
            "student.kind=cnn",
            "'cnn' does not go with texts. Choose 'conv' or 'static' or 'bag' or 'gru' or 'mini' or 'best' or 'auto'",
        ),
        (MAIL, "student.kind=mlp", "does not go with texts. Choose 'conv' or 'static'"),
        (MAIL, "teacher.kind=boosted_trees", "does not go with texts. Choose 'stack' or 'encoder' or 'tfidf'"),
        (TABLE, "teacher.kind=encoder", "does not go with rows of columns. Choose 'stack' or 'boosted_trees'"),
        (TABLE, "student.kind=conv", "does not go with rows of columns. Choose 'mlp' or 'embedded'"),
        (TABLE, "teacher.kind=boosted_tree", "Did you mean 'boosted_trees'?"),
        (TABLE, "student.kind=mpl", "Did you mean 'mlp'?"),
        (MAIL, "teacher.kind=precomputed", "needs data.soft_label_prefix"),
        (
            MAIL,
            "teacher.kind=oracle",
            "teacher.kind 'oracle' does not go with texts. Choose 'stack' or 'encoder' or 'tfidf' or 'precomputed'",
        ),
        (
            TABLE,
            "teacher.kind=oracle",
            "'oracle' does not go with rows of columns. Choose 'stack' or 'boosted_trees' or 'extra_trees' or 'linear'",
        ),
        (MAIL, 'data.columns=["a"]', "data.text and data.columns are both given"),
        (MAIL, "data.types.age=number", "data.types is for columns"),
        (MAIL, "data.label=body", "are the same column 'body'"),
        (MAIL, 'data.label=""', "needs data.label"),
        (TABLE, 'data.columns=["age", "label"]', "data.columns holds the label column"),
        (TABLE, 'data.columns=["age", "age"]', "names 'age' twice"),
        (TABLE, "data.columns=[]", "data.columns is empty"),
        (MAIL, "data.source=mail.csv", 'Set source = "csv"'),
        (MAIL, "data.source=vader", "wanted one of csv, jsonl, parquet, folder, vader-icwsm14"),
        (VADER + '[teacher]\nkind = "encoder"\n', "data.source=vader-icwsm41", "Did you mean 'vader-icwsm14'?"),
        (VADER, "data.text=body", "data.text is for files"),
        (VADER, "data.path=mail.csv", "data.path is for files, and vader-icwsm14 comes with its own columns"),
        (DEBIAN, "data.label=section", "data.label is for files, and debian-sections comes with its own columns"),
        (VADER, "evaluation.held_out_group=books", "its groups are amazon, movie, nyt, tweets"),
        (MAIL, "evaluation.held_out_group=books", "needs data.group"),
        (MAIL, "data.split_by_group=false", "data.split_by_group is about data.group"),
        (MAIL + 'group = "who"\nsplit = "part"\n', "data.split_by_group=true", "data.split says which row goes where"),
        (MAIL, 'data.allow_leaks=["age"]', "data.allow_leaks is for columns, and data.text is given"),
        (VADER, 'data.allow_leaks=["age"]', "data.allow_leaks is for files"),
        (
            MAIL + 'group = "who"\nsplit_by_group = true\n',
            "evaluation.held_out_group=books",
            "must stand in training and in test, and data.split_by_group is true",
        ),
        (MAIL, "teacher.vote_weight=0.5", "needs raters' votes"),
        (MAIL, "teacher.train_layers=2", "Set teacher.mode = 'finetune'"),
        (MAIL, "teacher.members=['tfidf', 'boosted_trees']", "teacher.members 'boosted_trees' does not go with"),
        (
            MAIL,
            "teacher.members=['stack']",
            "teacher.members 'stack' does not go with texts. Choose 'encoder' or",
        ),
        (TABLE, "teacher.members=['linaer']", "Did you mean 'linear'?"),
        (
            TABLE + "[teacher]\nkind = 'linear'\n",
            "teacher.members=['linear']",
            "teacher.members are of a stack, and teacher.kind is 'linear'. Set teacher.kind = 'stack'",
        ),
        (TABLE, "transfer.folds=1", "weighs its members on rows that they were not fitted on, and transfer.folds is 1"),
        (MAIL + 'split = "part"\n', "evaluation.repeats=1", "repeats is 1, so that every row is judged by a student"),
        (MAIL, "teacher.runs=3", "averages the weights of fine-tuned encoders. Set teacher.mode = 'finetune'"),
    ],
)
def test_parts_that_do_not_go_together_say_what_to_choose(
    tmp_path: Path, content: str, override: str, wanted: str
) -> None:
    assert wanted in refusal(tmp_path, content, override)


def test_a_group_that_is_held_out_stands_in_every_part(tmp_path: Path) -> None:
    assert load(tmp_path, MAIL + 'group = "who"\n').data.split_by_group is None
    held_out = load(tmp_path, MAIL + 'group = "who"\n', "evaluation.held_out_group=books")
    assert held_out.data.split_by_group is False


def test_debians_sections_may_come_from_a_file(tmp_path: Path) -> None:
    made = load(tmp_path, DEBIAN, "data.path=packages.txt")
    assert (register.of(made.data), made.data.path) == (TEXT, "packages.txt")


def test_types_of_a_column_that_is_not_listed_name_the_nearest(tmp_path: Path) -> None:
    message = refusal(tmp_path, TABLE + "columns = ['age']\n[data.types]\nages = 'number'")
    assert "'ages', which is not in data.columns. Did you mean 'age'?" in message
