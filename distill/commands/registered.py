"""Commands that another package of this distribution brings, loaded when they are asked for.

An entry point of the group `limbeck.commands` names a Typer application. Its own name is that of the extra which
installs what the application imports.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Any, TypeAlias

import typer
from rich.markup import escape
from typer.core import TyperGroup

from distill.errors import nearest

GROUP = "limbeck.commands"
_LOCAL = "python -m infra.local {} BUNDLE, in a checkout"
# What people ask `limbeck` for and something else does.
ELSEWHERE: Mapping[str, str] = MappingProxyType(
    {
        "serve": f"make serve RECIPE=NAME, or {_LOCAL.format('serve')}",
        "stage": _LOCAL.format("stage"),
        "build": _LOCAL.format("build"),
        "invoke": "python -m infra.local invoke EVENT -b BUNDLE, in a checkout",
        "demo": f"make demo, or {_LOCAL.format('demo')}",
        "deploy": "sam deploy --guided the first time (docs/deploy.md), and then limbeck release NAME",
        **dict.fromkeys(("train", "fit", "distill", "distil"), "limbeck run RECIPE; limbeck init DATA writes a recipe"),
        **dict.fromkeys(("test", "evaluate", "eval"), "limbeck run RECIPE, which judges what it seals"),
        **dict.fromkeys(("export", "quantize"), "limbeck run RECIPE, whose bundle holds model.onnx in integers"),
        "help": "limbeck --help, or limbeck COMMAND --help",
        "version": "limbeck --version",
    }
)

UsageError: Any = typer.BadParameter.__mro__[1]  # typer has no public name for it
Command: TypeAlias = typer.core.TyperCommand | TyperGroup


class MissingExtraError(Exception):
    """What a command imports is not installed. The message says how to install it."""

    def __init__(self, module: str, extra: str) -> None:
        """`module`: what could not be imported; `extra`: of the package `limbeck`."""
        install = f"pip install '.[{extra}]'"
        super().__init__(f"{module.partition('.')[0]} is not installed. In a checkout, run: {install}")

    exit_status = 1


class LazyGroup(TyperGroup):
    """Its own commands, and the registered ones once a name is asked for that is not among them."""

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Command | None:  # type: ignore[override]
        """The command of this name; None if there is none.

        Raises:
            MissingExtraError: it is no command of this package's, nor spelt like one, and another's cannot be loaded.
        """
        if cmd_name not in self.commands:
            for error in self._load():
                if nearest(cmd_name, list(self.commands)) is None:
                    raise error
        return self.commands.get(cmd_name)  # type: ignore[return-value]

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> tuple[str | None, Command | None, list[str]]:  # type: ignore[override]
        """The command that the arguments name.

        Raises:
            UsageError: there is none; where something else does it, the message says what.
        """
        named = args[0] if args else ""
        if named in ELSEWHERE and named not in self.commands:
            raise UsageError(f"No such command {named!r}. What does it is: {ELSEWHERE[named]}", ctx)
        return super().resolve_command(ctx, args)  # type: ignore[return-value]

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """The names of all commands whose packages are installed."""
        for error in self._load():
            self.epilog = f"{self.epilog} There are more commands, for the cloud: {escape(str(error))}"
        return list(self.commands)

    def _load(self) -> list[MissingExtraError]:
        """Take in the registered commands; returns what is missing for some."""
        missing = []
        for point in entry_points(group=GROUP):
            try:
                found = typer.main.get_command(point.load())
            except ModuleNotFoundError as error:
                missing.append(MissingExtraError(str(error.name), point.name))
                continue
            assert isinstance(found, TyperGroup)  # noqa: S101 - the entry point is this distribution's
            self.commands.update({name: one for name, one in found.commands.items() if name not in self.commands})
        return missing
