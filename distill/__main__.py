"""The command line: `limbeck`, or `python -m distill`. `--help` names its commands, one module a command."""

from __future__ import annotations

import io
import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

try:
    import typer
    from typer.completion import shell_complete

    from distill.commands import console
    from distill.commands.ablate import ablate
    from distill.commands.compare import compare
    from distill.commands.datasets import datasets
    from distill.commands.init import init
    from distill.commands.predict import predict
    from distill.commands.proving_ground import proving_ground
    from distill.commands.recipes import recipes
    from distill.commands.registered import LazyGroup, MissingExtraError, UsageError
    from distill.commands.run import run
    from distill.commands.runs import runs
    from distill.commands.sweep import sweep
    from distill.commands.web import web
    from distill.errors import DistillError
except ModuleNotFoundError as missing:
    raise SystemExit(f"{missing.name} is not installed. In a checkout, run: pip install '.[distill]'") from None

INTERRUPTED, BUNDLE_REFUSED = 130, 4
NAME = "limbeck"
# As it was called. Only a script of that name can be completed: by `python` a shell would mean every Python.
PROGRAM = NAME if Path(sys.argv[0]).stem == NAME else "python -m distill"
_OWN = ("distill", "handler", "infra")
COMPLETING = "_LIMBECK_COMPLETE"  # set by the shell, whose word a completion is

app = typer.Typer(
    cls=LazyGroup,
    help="Distil a heavy model into a tiny one, with evidence, and put it behind an endpoint on AWS Lambda.",
    epilog="Exit status: 0 done; 1 something on this machine is missing or failed; 2 wrong arguments, recipe, data, "
    "settings or credentials; 3 a gate failed and nothing is sealed, or a release was stopped and went back; "
    "4 a bundle is refused; 5 AWS cannot be reached or said no; 130 interrupted.",
    no_args_is_help=True,
    add_completion=PROGRAM == NAME,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{NAME} {version(NAME)}")
        raise typer.Exit


@app.callback()
def options(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    quiet: console.QuietOption = False,
) -> None:
    """What stands before a command's name."""


for _command in (init, run, predict, web, runs, compare, sweep, ablate, proving_ground, recipes, datasets):
    app.command(rich_help_panel="Students")(_command)


def main() -> None:
    """Run the command line; what goes wrong on purpose is one message and an exit status."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # Threads that spin while they wait make an encoder ten times slower where anything else runs (447 against 4,475
    # tokens a second on two busy cores), and gain nothing elsewhere.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read once, when ONNX Runtime starts
    from handler.errors import BundleError

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal without µ must not cost a sealed bundle its 0
    try:
        _invoke(sys.argv[1:])
    except typer.Exit as done:  # --help was asked for
        sys.exit(done.exit_code)
    except UsageError as error:
        error.show()
        sys.exit(error.exit_code)
    except (DistillError, MissingExtraError) as error:
        _fail(str(error), error.exit_status)
    except BundleError as error:
        _fail(str(error), BUNDLE_REFUSED)
    except (KeyboardInterrupt, typer.Abort):
        _fail("Interrupted. What was finished is kept: run the same command again to go on.", INTERRUPTED)
    except BrokenPipeError:
        console.close_output()
        sys.exit(0)
    except OSError as error:  # a full disk, a cache in a place that cannot be written to
        _fail(f"{_where(error)}{error.strerror or error}. {_advice(error)}", 2)


def _invoke(arguments: list[str]) -> None:
    """Run one command. Typer's own entry makes 0 of an interruption and 1 of a pipe that was closed."""
    command = typer.main.get_command(app)
    if instruction := os.environ.get(COMPLETING):
        sys.exit(shell_complete(command, {}, PROGRAM, COMPLETING, instruction))
    with command.make_context(PROGRAM, arguments) as context:
        try:
            command.invoke(context)
        except ModuleNotFoundError as error:
            if str(error.name).partition(".")[0] in _OWN:
                raise
            raise MissingExtraError(str(error.name), "distill") from None
    if sys.stdout is not None:  # closed by the shell
        sys.stdout.flush()  # what is still in the buffer may meet a closed pipe too


def _where(error: OSError) -> str:
    return f"{error.filename}: " if error.filename else ""


def _advice(error: OSError) -> str:
    from distill import cache

    if error.filename and not Path(str(error.filename)).absolute().is_relative_to(cache.root().absolute()):
        return "Check the path."
    return "Check the disk, and LIMBECK_CACHE for the cache."


def _fail(message: str, status: int) -> None:
    console.errors.print(message, markup=False, style="bold red" if console.errors.is_terminal else "", soft_wrap=True)
    sys.exit(status)


if __name__ == "__main__":
    main()
