"""The command line: `python -m distill run|compare|sweep|ablate|proving-ground|predict|web|datasets`."""

from __future__ import annotations

import io
import os
import sys

import typer

from distill.commands import console
from distill.commands.ablate import ablate
from distill.commands.compare import compare
from distill.commands.datasets import datasets
from distill.commands.predict import predict
from distill.commands.proving_ground import proving_ground
from distill.commands.run import run
from distill.commands.sweep import sweep
from distill.commands.web import web
from distill.errors import DistillError

INTERRUPTED, BUNDLE_REFUSED = 130, 4
UsageError: type[Exception] = typer.BadParameter.__mro__[1]  # typer has no public name for it

app = typer.Typer(
    help="Distil a heavy model into a tiny one, with evidence.", no_args_is_help=True, pretty_exceptions_enable=False
)
for _command in (run, compare, sweep, ablate, proving_ground, predict, web, datasets):
    app.command()(_command)


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
        error.show()  # type: ignore[attr-defined]
        sys.exit(error.exit_code)  # type: ignore[attr-defined]
    except (DistillError, BundleError) as error:
        _fail(str(error), error.exit_status if isinstance(error, DistillError) else BUNDLE_REFUSED)
    except (KeyboardInterrupt, typer.Abort):
        _fail("Interrupted. What was finished is kept: run the same command again to go on.", INTERRUPTED)
    except BrokenPipeError:
        console.close_output()
        sys.exit(0)
    except OSError as error:  # a full disk, a cache in a place that cannot be written to
        where = f"{error.filename}: " if error.filename else ""
        _fail(f"{where}{error.strerror or error}. Check the path, and LIMBECK_CACHE for the cache.", 2)


def _invoke(arguments: list[str]) -> None:
    """Run one command. Typer's own entry makes 0 of an interruption and 1 of a pipe that was closed."""
    command = typer.main.get_command(app)
    with command.make_context("python -m distill", arguments) as context:
        command.invoke(context)
    if sys.stdout is not None:  # closed by the shell
        sys.stdout.flush()  # what is still in the buffer may meet a closed pipe too


def _fail(message: str, status: int) -> None:
    console.errors.print(message, markup=False, style="bold red" if console.errors.is_terminal else "", soft_wrap=True)
    sys.exit(status)


if __name__ == "__main__":
    main()
