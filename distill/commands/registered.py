"""Commands that another package of this distribution brings, loaded when they are asked for.

An entry point of the group `limbeck.commands` names a Typer application. Its own name is that of the extra which
installs what the application imports.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TypeAlias

import typer
from rich.markup import escape
from typer.core import TyperGroup

from distill.errors import nearest

GROUP = "limbeck.commands"

Command: TypeAlias = typer.core.TyperCommand | TyperGroup


class MissingExtraError(Exception):
    """What a command imports is not installed. The message says how to install it."""

    def __init__(self, module: str, extra: str) -> None:
        """`module`: what could not be imported; `extra`: of the package `limbeck`."""
        super().__init__(f"{module.partition('.')[0]} is not installed. Run: pip install 'limbeck[{extra}]'")

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
