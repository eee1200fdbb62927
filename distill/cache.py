"""Results of slow stages, kept by content hash and written by rename, so that work can be cut off and run again."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np

T = TypeVar("T")

_OWN = frozenset({"distill", "handler"})
# Modules that only speak to a person, those whose values stand in the keys themselves, and the register of teachers:
# each of them names its own code.
_LEFT_OUT = frozenset(
    {
        "distill.progress",
        "distill.errors",
        "distill.data.wording",
        "distill.recipe.schema",
        "distill.recipe.public_sets",
        "distill.teachers.register",
    }
)


def root() -> Path:
    """`LIMBECK_CACHE`, or the user's cache folder."""
    named = os.environ.get("LIMBECK_CACHE")
    if named:
        return Path(named).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "limbeck"


def key(stage: str, *parts: object) -> str:
    """A 32-hex-digit name for what `parts` (JSON values) lead to; one of a stage's parts is `code` of its module."""
    text = json.dumps([stage, *parts], sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@functools.cache
def code(*modules: str) -> str:
    """A hash of all that these modules run: their own sources and those of every module of Limbeck that they import.

    Names of packages stand for all modules in them. Comments, docstrings and layout do not count, nor do the modules
    that only say something to a person. Whoever keeps a stage's result puts this into its key, so that a changed loss,
    prelude or way to choose an epoch is not answered with what the old one made.
    """
    found: dict[str, str] = {}
    own = _OWN | {module.split(".")[0] for module in modules}
    waiting = [name for module in modules for name in _modules_of(module)]
    while waiting:
        name = waiting.pop()
        source = None if name in found or name in _LEFT_OUT else _source_of(name, own)
        if source is not None:
            tree = ast.parse(source)
            found[name] = digest(_without_docstrings(tree).encode())
            waiting += _imports(tree)
    if not found.keys() >= set(modules):
        raise ValueError(f"one of {', '.join(modules)} has no source, so that nothing would follow its code")
    return key("code", *sorted(found.items()))


def versions(*packages: str) -> dict[str, str]:
    """The installed version of each package."""
    return {package: importlib.metadata.version(package) for package in packages}


def _modules_of(name: str) -> list[str]:
    """The module of this name, or every module of a package."""
    spec = importlib.util.find_spec(name)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    return [name, *(f"{name}.{path.stem}" for folder in folders for path in sorted(Path(folder).glob("*.py")))]


def _source_of(name: str, own: Set[str]) -> str | None:
    """The source of a module in one of our `own` packages; None of another, or of what is a name in a module."""
    if name.split(".")[0] not in own:
        return None
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:  # its parent is a module
        return None
    return Path(spec.origin).read_text(encoding="utf-8") if spec and spec.origin else None


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _without_docstrings(tree: ast.Module) -> str:
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            # A string that is a statement: a docstring, or what is said below a field.
            node.body = [it for it in node.body if not _is_text(it)] or [ast.Pass()]
    return ast.dump(tree)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary sibling of `path` to write to; it takes `path`'s place only if the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def stored(path: Path, load: Callable[[Path], T]) -> T | None:
    """What `load` reads from `path`; None where there is no file, or one that a full disk or a crash left torn."""
    if not path.is_file():
        return None
    try:
        return load(path)
    except Exception:  # each library that reads has errors of its own, and the work can be done again
        return None


def array(path: Path, make: Callable[[], np.typing.NDArray[np.float32]]) -> np.typing.NDArray[np.float32]:
    """The float32 array stored at `path` (.npy), or `make()` stored there."""
    found: np.typing.NDArray[np.float32] | None = stored(path, lambda file: np.load(file, allow_pickle=False))
    if found is not None:
        return found
    made = make()
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.save(file, made, allow_pickle=False)
    return made


def digest(content: bytes) -> str:
    """SHA-256 of bytes, in 64 hex digits."""
    return hashlib.sha256(content).hexdigest()
