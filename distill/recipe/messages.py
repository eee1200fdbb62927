"""What pydantic found wrong in a recipe, in words: the key, what was found, what was wanted."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from distill.errors import nearest

# TOML reads \U, \t and the like in double quotes.
BACKSLASH = " A backslash in double quotes begins an escape: write paths as 'C:\\Users\\me' or \"C:/Users/me\"."
_SHOWN = 10
_TYPES = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    dict: "a section",
    list: "a list",
}
_WANTED = {
    "string_type": "text in quotes",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "tuple_type": 'a list, as in ["a", "b"]',
    "dict_type": "a section of key = value",
    "model_type": "a section of key = value",
    "model_attributes_type": "a section of key = value",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "literal_error": "{expected}",
    "string_pattern_mismatch": "text of the form {pattern}",
}

# What scikit-learn, transformers, Keras and the papers call a key.
_ELSEWHERE = {
    "alpha": "gold_weight",
    "arch": "kind",
    "architecture": "kind",
    "batch": "batch_size",
    "checkpoint": "model",
    "dim": "width",
    "early_stopping": "patience",
    "embed_dim": "embedding",
    "embedding_dim": "embedding",
    "file": "path",
    "filename": "path",
    "hidden": "width",
    "hidden_dim": "width",
    "hidden_size": "width",
    "k_folds": "folds",
    "learning_rate_init": "learning_rate",
    "max_len": "max_tokens",
    "max_length": "max_tokens",
    "max_seq_length": "max_tokens",
    "model_name": "model",
    "n_layers": "layers",
    "num_epochs": "epochs",
    "num_layers": "layers",
    "num_train_epochs": "epochs",
    "per_device_train_batch_size": "batch_size",
    "t": "temperature",
    "target": "label",
    "text_column": "text",
    "threshold": "abstain_below",
    "type": "kind",
    "vocab_size": "vocabulary",
    "y": "label",
}


def describe(error: ValidationError, model: type[BaseModel]) -> str:
    """One sentence for one problem; for more, a line each."""
    found = sorted(error.errors(include_url=False), key=lambda problem: problem["type"] != "extra_forbidden")
    problems = [_sentence(dict(problem), model) for problem in found]
    if len(problems) == 1:
        return problems[0]
    more = [f"and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
    return f"{len(problems)} problems:\n" + "\n".join(f"  - {line}" for line in [*problems[:_SHOWN], *more])


def _sentence(problem: Mapping[str, Any], model: type[BaseModel]) -> str:
    kind, location = problem["type"], problem["loc"]
    key = ".".join(str(part) for part in location if part != "[key]")
    if kind == "extra_forbidden":
        return _unknown(tuple(map(str, location)), model)
    if kind == "missing":
        section = f" It is a section: write [{key}]." if len(location) == 1 else ""
        return f"the key {key!r} is missing, and it is needed.{section}"
    wanted = _WANTED.get(kind, problem["msg"]).format(**problem.get("ctx", {}))
    return f"{key} is {_shown(problem['input'])}, wanted {wanted}."


def _unknown(location: tuple[str, ...], model: type[BaseModel]) -> str:
    key, every_section = location[-1], sections(model)
    section = location[0] if len(location) > 1 else ""
    known = every_section[section]
    what = f"unknown key {'.'.join(location)!r}"
    plain = key.replace("-", "_").replace(" ", "_").lower()
    near = _elsewhere_called(plain, known) or nearest(plain, known)
    if near:
        return f"{what}. Did you mean {'.'.join((*location[:-1], near))!r}?"
    every = {f"{name}.{other}": other for name, keys in every_section.items() if name for other in keys}
    meant = _elsewhere_called(plain, list(dict.fromkeys(every.values()))) or key
    elsewhere = [".".join(filter(None, (name, meant))) for name, keys in every_section.items() if meant in keys]
    if elsewhere:
        return f"{what}. Did you mean {' or '.join(map(repr, elsewhere))}?"
    close = difflib.get_close_matches(key, every.values(), n=1, cutoff=0.8)
    if close:
        return f"{what}. Did you mean {next(path for path, other in every.items() if other == close[0])!r}?"
    return f"{what}. Known in {f'[{section}]' if section else 'a recipe'}: {', '.join(known)}."


def _elsewhere_called(key: str, known: Sequence[str]) -> str | None:
    """The known key that other libraries call so, that has these initials (lr), or that goes on so (vocab)."""
    if _ELSEWHERE.get(key) in known:
        return _ELSEWHERE[key]
    initials = [name for name in known if len(key) > 1 and key == "".join(word[0] for word in name.split("_"))]
    longer = [name for name in known if len(key) > 2 and name.startswith(key)]
    found = initials or longer
    return found[0] if len(found) == 1 else None


def sections(model: type[BaseModel]) -> dict[str, list[str]]:
    """Section name -> its keys; "" is the recipe itself."""
    return {"": list(model.model_fields)} | {
        name: list(field.annotation.model_fields)
        for name, field in model.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    }


def _shown(value: object) -> str:
    text = repr(value)
    short = text if len(text) <= 60 else f"{text[:57]}..."
    for kind, name in _TYPES.items():
        if isinstance(value, kind):
            return name if kind in (dict, list) else f"{short} ({name})"
    return short
