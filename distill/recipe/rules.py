"""Which parts of a recipe go together, checked before anything is read or trained."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Mapping
from encodings.aliases import aliases
from types import MappingProxyType
from typing import TypeAlias

from distill.errors import RecipeError, nearest
from distill.recipe.messages import BACKSLASH
from distill.recipe.public_sets import CATALOGUE, NamedSet
from distill.recipe.schema import STACK, Data, Recipe

FILES = ("csv", "jsonl", "parquet")
FOLDER = "folder"  # of pictures, a sub-folder a class
OF_ROWS: Mapping[str, str] = MappingProxyType(  # the ending of a file's name -> its format
    {
        ".csv": "csv",
        ".tsv": "csv",
        ".jsonl": "jsonl",
        ".ndjson": "jsonl",
        ".json": "jsonl",
        ".parquet": "parquet",
        ".pq": "parquet",
    }
)
_NAMED = {named.name: named for named in CATALOGUE}
_OF_TABLES = (
    "encoding", "text", "image", "columns", "label", "soft_label_prefix", "group", "split", "types", "allow_leaks",
)  # fmt: skip
_OF_FILES = ("path", "public", *_OF_TABLES)
_FOLDERS = {"dir", "directory", "imagefolder", "image_folder", "images", "image", "pictures", "photos"}
_OR_LIST = "Take it out, or list the pictures in a file: data.source = 'csv', and data.image, its column of paths."
_NO_TEXT = {"idna", "punycode", "raw-unicode-escape", "unicode-escape", "undefined", "utf-7", "mbcs", "oem"} | {
    "base64_codec", "bz2_codec", "hex_codec", "quopri_codec", "rot_13", "uu_codec", "zlib_codec",
}  # fmt: skip

Rules: TypeAlias = Iterable[tuple[bool, str]]  # whether it is broken, and what to say then


def check(recipe: Recipe) -> None:
    """Refuse a recipe, its kinds of teacher and student filled in, whose parts do not go together.

    Raises:
        RecipeError: which, and what to choose instead.
    """
    named = _NAMED.get(recipe.data.source)
    _demand((*_of_teacher(recipe, named), *_of_evaluation(recipe, named), *_of_costs(recipe)))


def check_data(data: Data) -> None:
    """Refuse a data section whose keys do not go together. This comes first: it decides the kind of input.

    Raises:
        RecipeError: see `check`.
    """
    named = _NAMED.get(data.source)
    of_source = _of_folder if data.source == FOLDER else _of_files
    _demand(_of_named(data, named) if named else of_source(data))


def _demand(rules: Rules) -> None:
    for broken, message in rules:
        if broken:
            raise RecipeError(message)


def _of_named(data: Data, named: NamedSet) -> Rules:
    given = [key for key in _OF_FILES if getattr(data, key) and not (key == "path" and named.takes_path)]
    advice = f"Take it out, or set data.source to one of {', '.join((*FILES, FOLDER))}."
    return [
        (True, f"data.{key} is for files, and {data.source} comes with its own columns and split. {advice}")
        for key in given
    ]


def _of_folder(data: Data) -> Rules:
    given = [key for key in _OF_TABLES if getattr(data, key)]
    return (
        (not data.path, "data.source 'folder' needs data.path, the folder with a sub-folder for each class."),
        _path_is_escaped(data),
        *(
            (True, f"data.{key} is for files of rows, and a folder's sub-folders say the class. {_OR_LIST}")
            for key in given
        ),
        (
            data.split_by_group is not None,
            f"data.split_by_group is about groups, and a folder has none. {_OR_LIST}",
        ),
    )


def _path_is_escaped(data: Data) -> tuple[bool, str]:
    return (
        data.path is not None and any(ord(character) < 32 for character in data.path),
        f"data.path holds a tab, a line break or the like.{BACKSLASH}",
    )


def _of_files(data: Data) -> Rules:
    if data.source not in FILES:
        raise RecipeError(_unknown_source(data.source))
    columns = data.columns or ()
    twice = [column for index, column in enumerate(columns) if column in columns[:index]]
    strange = [typed for typed in data.types if data.columns is not None and typed not in columns]
    near = nearest(strange[0], columns) if strange else None
    roles = [(key, getattr(data, key)) for key in ("text", "image", "label", "group", "split") if getattr(data, key)]
    others = [key for key in ("text", "columns", "types", "allow_leaks") if getattr(data, key)]
    return (
        *(
            (not getattr(data, key), f"data.source {data.source!r} needs data.{key}, {meaning}.")
            for key, meaning in (("path", "the file with the rows"), ("label", "the column with the classes"))
        ),
        *(
            (getattr(data, key) == "", f"data.{key} is empty, wanted a name. Fill it in or take it out.")
            for key in ("text", "image", "group", "split", "soft_label_prefix")
        ),
        (
            data.image is not None and bool(others),
            f"data.image is of pictures, and data.{''.join(others[:1])} is given. Take one of the two out.",
        ),
        (
            data.image is None and data.background != Data.model_fields["background"].default,
            "data.background is of pictures, and these rows are not. Take it out, or name their column as data.image.",
        ),
        _path_is_escaped(data),
        (
            data.encoding is not None and data.source == "parquet",
            "data.encoding is for files of text, and Parquet says itself how it holds text. Take it out.",
        ),
        (data.encoding is not None and not _is_encoding(data.encoding), _unknown_encoding(str(data.encoding))),
        (
            data.text is not None and data.columns is not None,
            "data.text and data.columns are both given. Keep text for texts or columns for a table.",
        ),
        (
            data.text is not None and bool(data.types),
            "data.types is for columns, and data.text is given. Take one of the two out.",
        ),
        (
            data.columns == (),
            "data.columns is empty. List columns, or take it out to use all that have no other role.",
        ),
        (bool(twice), f"data.columns names {''.join(twice[:1])!r} twice."),
        *(
            (
                getattr(data, role) in columns,
                f"data.columns holds the {role} column {getattr(data, role)!r}. Take it out of the list.",
            )
            for role in ("label", "split")
        ),
        (
            data.split_by_group is not None and data.group is None,
            "data.split_by_group is about data.group, the column that holds the groups, and there is none.",
        ),
        (
            bool(data.split_by_group) and data.split is not None,
            "data.split_by_group is true, and data.split says which row goes where. Take one of the two out.",
        ),
        (
            bool(data.allow_leaks) and data.text is not None,
            "data.allow_leaks is for columns, and data.text is given. Take one of the two out.",
        ),
        (
            bool(strange),
            f"data.types names {''.join(strange[:1])!r}, which is not in data.columns."
            + (f" Did you mean {near!r}?" if near else ""),
        ),
        *(
            (column == same, f"data.{other} and data.{key} are the same column {column!r}. Name two.")
            for index, (key, column) in enumerate(roles)
            for other, same in roles[:index]
        ),
    )


def _is_encoding(name: str) -> bool:
    """Whether Python reads text in it; `codecs` also has some that turn bytes into bytes, or text into other text."""
    try:
        return codecs.lookup(name).name not in _NO_TEXT and isinstance(b"ab".decode(name, errors="replace"), str)
    except (LookupError, ValueError):  # unknown, a NUL in the name, or a codec of another kind
        return False


def _unknown_encoding(name: str) -> str:
    known = sorted({*aliases, *aliases.values()} - _NO_TEXT)
    near = nearest(name.replace("-", "_").replace(" ", "_"), known)
    meant = f" Did you mean {near!r}?" if near else ""
    return f"data.encoding is {name!r}, wanted Python's name of an encoding, as 'cp1251', 'gb18030' or 'utf-8'.{meant}"


def _unknown_source(source: str) -> str:
    suffix = source.rsplit(".", 1)[-1].lower()
    if source.lower() in _FOLDERS:
        return (
            f"data.source is {source!r}. Set source = {FOLDER!r} and data.path, the folder with a sub-folder a class."
        )
    if suffix in FILES and "." in source:
        return f'data.source is {source!r}. Set source = "{suffix}" and path = {source!r}.'
    known = (*FILES, FOLDER, *_NAMED)
    near = nearest(source.replace("_", "-"), known)
    meant = f" Did you mean {near!r}?" if near else ""
    return f"data.source is {source!r}, wanted one of {', '.join(known)}.{meant}"


def _of_teacher(recipe: Recipe, named: NamedSet | None) -> Rules:
    teacher, prefix = recipe.teacher, recipe.data.soft_label_prefix
    precomputed = teacher.kind == "precomputed"
    encoder = "encoder" in (teacher.kind, *(teacher.members or ()))
    return (
        (
            precomputed and prefix is None,
            "teacher.kind 'precomputed' needs data.soft_label_prefix, the prefix of the columns "
            "with its probabilities (p_ for p_spam and p_ham).",
        ),
        (
            not precomputed and prefix is not None,
            f"data.soft_label_prefix gives a teacher's probabilities, and teacher.kind is {teacher.kind!r}. "
            "Take one of the two out.",
        ),
        (
            encoder and teacher.mode == "frozen" and teacher.train_layers is not None,
            "teacher.train_layers has no effect with mode 'frozen'. Set teacher.mode = 'finetune'.",
        ),
        (
            teacher.members is not None and len({*teacher.members}) < max(1, len(teacher.members)),
            f"teacher.members is {list(teacher.members or ())}, wanted kinds of teacher, each once. Take it out for "
            "the usual ones.",
        ),
        (
            teacher.members is not None and teacher.kind != STACK,
            f"teacher.members are of a stack, and teacher.kind is {teacher.kind!r}. Set teacher.kind = 'stack', or "
            "take teacher.members out.",
        ),
        (
            teacher.kind == STACK and recipe.transfer.folds == 1,
            "teacher.kind 'stack' weighs its members on rows that they were not fitted on, and transfer.folds is 1. "
            "Set it to 2 or more, or take it out.",
        ),
        (
            teacher.runs > 1 and not (encoder and teacher.mode == "finetune"),
            "teacher.runs over 1 averages the weights of fine-tuned encoders. Set teacher.mode = 'finetune', or take "
            "teacher.runs out.",
        ),
        (
            teacher.vote_weight > 0 and not (named and named.votes),
            "teacher.vote_weight needs raters' votes, and these rows have none. Take it out.",
        ),
        (
            precomputed and (recipe.transfer.augment or 0) > 0,
            "transfer.augment needs a teacher that can label varied rows, and a precomputed one cannot. Take it out.",
        ),
    )


def _of_evaluation(recipe: Recipe, named: NamedSet | None) -> Rules:
    repeats = recipe.evaluation.repeats or 0
    held_out, groups = recipe.evaluation.held_out_group, named.groups if named else ()
    found = f"its groups are {', '.join(groups)}" if groups else "it has no groups"
    return (
        *(
            (
                repeats > 0 and given is not None,
                f"evaluation.repeats is {repeats}, so that every row is judged by a student that never saw it, and "
                f"{key} says which rows judge. Take one of the two out.",
            )
            for key, given in (("data.split", recipe.data.split), ("evaluation.held_out_group", held_out))
        ),
        (
            held_out is not None and named is not None and held_out not in groups,
            f"evaluation.held_out_group is {held_out!r}, which {recipe.data.source} lacks: {found}.",
        ),
        (
            held_out is not None and bool(recipe.data.split_by_group),
            f"evaluation.held_out_group is {held_out!r}, whose rows must stand in training and in test, and "
            "data.split_by_group is true. Take one of the two out.",
        ),
        (
            held_out is not None and named is None and recipe.data.group is None,
            "evaluation.held_out_group needs data.group, the column that holds the groups.",
        ),
    )


def _of_costs(recipe: Recipe) -> Rules:
    gates, advice = (
        recipe.gates,
        "Say what mistakes cost, as costs.default = 1 for all alike, or take the gate out.",
    )
    return (
        *(
            (is_set and not recipe.costs.are_set, f"gates.{key} is about [costs], and there are none. {advice}")
            for key, is_set in (
                ("max_expected_cost", gates.max_expected_cost is not None),
                ("max_missed", bool(gates.max_missed)),
            )
        ),
    )
