"""A TOML file to a recipe. Every key is known; an unknown one is an error that names the nearest known one."""

from __future__ import annotations

import itertools
import json
import re
import shlex
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from distill.errors import RecipeError, nearest
from distill.recipe import messages
from distill.recipe.rules import OF_ROWS
from distill.recipe.schema import Recipe

BUILT_IN = Path(__file__).parents[1] / "recipes"


def load(path: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe file, or the built-in recipe of that name.

    Args:
        path: a TOML file; where there is none, the name of a built-in recipe.
        overrides: `section.key=value`, the value as in TOML, or a bare word.

    Raises:
        RecipeError: no such file, not TOML, an unknown key, or a wrong value.
    """
    path = find(path)
    return of(_parse(path), path, overrides)


def of(raw: dict[str, Any], path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """A recipe of what a TOML file at `path` holds, or is to hold.

    Raises:
        RecipeError: an unknown key, or a wrong value.
    """
    for override in overrides:
        _merge(raw, _override(override), override)
    name = re.sub(r"[^a-z0-9._-]+", "-", path.stem.lower()).lstrip("._-")[:64].rstrip("._-")
    raw.setdefault("name", name or "recipe")
    try:
        return Recipe.model_validate_json(json.dumps(raw, default=_no_date), strict=True)
    except ValidationError as error:
        raise RecipeError(f"{path}: {messages.describe(error, Recipe)}") from None


def find(path: str | Path) -> Path:
    """The recipe file of this path, or the built-in recipe of this name. Relative paths start in its folder.

    Raises:
        RecipeError: there is none.
    """
    path = Path(path)
    try:
        there = path.exists()
    except (OSError, ValueError):  # a name too long, or with a NUL
        there = False
    if there:
        return path
    names = built_in()
    if path.suffix in ("", ".toml") and path.stem in names:
        return BUILT_IN / f"{path.stem}.toml"
    near = nearest(path.stem, names)
    meant = f" Did you mean {near}?" if near else ""
    raise RecipeError(
        f"No recipe file {str(path)!r}, and no built-in recipe of that name.{meant} "
        f"Built in: {', '.join(names) or 'none'}."
    )


def built_in() -> tuple[str, ...]:
    """Names of the recipes that come with Limbeck."""
    return tuple(sorted(path.stem for path in BUILT_IN.glob("*.toml")))


def about(name: str) -> str:
    """What a built-in recipe says of itself: the comment that it opens with, less the command that runs it."""
    lines = (BUILT_IN / f"{name}.toml").read_text(encoding="utf-8").splitlines()
    comment = [line.removeprefix("#").strip() for line in itertools.takewhile(lambda it: it.startswith("#"), lines)]
    return " ".join(comment[1:]).strip()


def _parse(path: Path) -> dict[str, Any]:
    if path.is_dir():
        raise RecipeError(f"{path} is a folder, wanted a TOML file. Name the recipe file in it.")
    if path.suffix.lower() in OF_ROWS:
        command = f"limbeck init {shlex.quote(str(path))}"
        raise RecipeError(f"{path} is a file of rows, and a recipe is wanted. `{command}` writes one for it.")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise RecipeError(f"{path} cannot be read ({error.strerror}). Check its permissions.") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise RecipeError(f"{path} is not UTF-8 text (line {line}), wanted a TOML file saved as UTF-8.") from None
    try:
        return tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError, or a number of thousands of digits
        lines = text.count("\n") + 1
        reason = str(error).replace("at end of document", f"at the end, line {lines}")
        hint = " Text values need quotes." if reason.startswith("Invalid value") else ""
        hint = messages.BACKSLASH if _ESCAPE.search(reason) else hint
        raise RecipeError(f"{path} is not valid TOML: {reason}.{hint} See the built-in recipes for examples.") from None
    except RecursionError:
        raise RecipeError(f"{path} is nested too deeply, wanted sections of plain keys.") from None


_ESCAPE = re.compile("hex value|escape", re.IGNORECASE)
_OVERRIDE = re.compile(r"""((?:"[^"]*"|'[^']*'|[^="'])+)=(.*)""", re.DOTALL)


def _override(text: str) -> dict[str, Any]:
    """`section.key=value` as a nested dict."""
    match = _OVERRIDE.fullmatch(text)
    if not match or not text.isprintable():
        raise RecipeError(f"--set {text!r} is not section.key=value, as in --set student.epochs=5")
    key, value = match[1].strip(), match[2].strip()
    if "\\" in value and value[0] == value[-1] == '"' and not _is_toml(f"x = {value}"):
        raise RecipeError(f"--set {text!r}: the value is not valid TOML.{messages.BACKSLASH}")
    plain = ".".join(json.dumps(part.strip()) for part in key.split("."))
    word = json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    for line in (f"{key} = {value}", f"{key} = {word}", f"{plain} = {value}", f"{plain} = {word}"):
        try:
            return tomllib.loads(line)
        except (ValueError, RecursionError):
            continue
    raise RecipeError(f"--set {text!r}: {key!r} is not a key such as student.epochs. Quote names with odd characters.")


def _is_toml(line: str) -> bool:
    try:
        tomllib.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _merge(raw: dict[str, Any], change: dict[str, Any], override: str) -> None:
    for key, value in change.items():
        if isinstance(value, dict) and isinstance(raw.get(key, {}), dict):
            _merge(raw.setdefault(key, {}), value, override)
        elif isinstance(raw.get(key), dict):
            raise RecipeError(f"--set {override!r}: {key} is a section. Set one of its keys, as in {key}.key=value")
        else:
            raw[key] = value


def _no_date(value: object) -> str:
    raise RecipeError(f"The recipe holds the date or time {value}, and no key wants one. Put quotes around it.")
