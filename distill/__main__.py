"""The command line: `python -m distill run|compare|sweep|ablate|predict|web|datasets`."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from distill.errors import DistillError

_WIDTH = 110
INTERRUPTED, BUNDLE_REFUSED = 130, 4
(UsageError,) = typer.BadParameter.__bases__  # typer has no public name for it

app = typer.Typer(
    help="Distil a heavy model into a tiny one, with evidence.", no_args_is_help=True, pretty_exceptions_enable=False
)


class _Output(Console):
    """Standard output. That nobody reads on (`| head`) changes neither the work nor the exit status."""

    def on_broken_pipe(self) -> None:
        """Write into nothing from here on."""
        _close_output()


_errors = Console(stderr=True, highlight=False)


def _output() -> Console:
    console = _Output(highlight=False)
    if not console.is_terminal:
        console.width = _WIDTH  # a pipe has none, and eighty columns would cut the table
    return console


@app.command()
def run(
    recipe: Annotated[Path, typer.Argument(help="A recipe file, or the name of a built-in one.")],
    out: Annotated[Path, typer.Option(help="The folder that bundles go to.")] = Path("bundles"),
    set_: Annotated[list[str] | None, typer.Option("--set", help="section.key=value, as often as needed.")] = None,
) -> None:
    """Make a sealed bundle from a recipe. Exit status: 0 sealed; 2 recipe or data wrong; 3 a gate failed."""
    from distill.recipe import load as recipes

    loaded = recipes.load(recipe, set_ or [])

    from distill.evaluation import gates
    from distill.pipeline.run import run as run_pipeline  # torch is seconds to import: not for a wrong recipe
    from distill.reporting import console_summary

    outcome = run_pipeline(loaded, recipes.folder(recipe), out)
    console_summary.show(outcome.evidence, outcome.gates, outcome.folder, _output())
    gates.demand(outcome.gates)


@app.command()
def compare(
    recipe: Annotated[Path, typer.Argument(help="A recipe file, or the name of a built-in one.")],
    out: Annotated[Path, typer.Option(help="The folder that tables go to, as Markdown.")] = Path("reports"),
    rung: Annotated[list[str] | None, typer.Option(help="A student of the ladder; one of each kind.")] = None,
    settings: Annotated[int, typer.Option(min=1, max=10, help="How many settings each peer may try.")] = 4,
    set_: Annotated[list[str] | None, typer.Option("--set", help="section.key=value, as often as needed.")] = None,
) -> None:
    """Judge the ladder of students beside its teacher and other people's classifiers. Exit status: 0; 2 wrong."""
    from distill.recipe import load as recipes

    loaded = recipes.load(recipe, set_ or [])

    from distill.experiments import compare as comparing
    from distill.experiments import comparison_tables
    from distill.reporting import tables

    found = comparing.run(loaded, recipes.folder(recipe), tuple(rung or ()), settings)
    shown = comparison_tables.of(found)
    tables.show(shown, _output())
    for line in comparison_tables.verdicts(found):
        _output().print(line, soft_wrap=True, markup=False)
    tables.write(shown, out / loaded.name / "compare.md")
    _output().print(f"tables {out / loaded.name / 'compare.md'}", soft_wrap=True, markup=False)


@app.command()
def sweep(
    recipe: Annotated[Path, typer.Argument(help="A recipe file, or the name of a built-in one.")],
    out: Annotated[Path, typer.Option(help="The folder that the table and the picture go to.")] = Path("reports"),
    set_: Annotated[list[str] | None, typer.Option("--set", help="section.key=value, as often as needed.")] = None,
) -> None:
    """Teach the ladder and draw accuracy against bytes, microseconds and dollars. Exit status: 0; 2 wrong."""
    from distill.recipe import load as recipes

    loaded = recipes.load(recipe, set_ or [])

    from distill.experiments import pareto
    from distill.experiments import sweep as sweeping
    from distill.reporting import tables

    swept = sweeping.run(loaded, recipes.folder(recipe))
    shown = [sweeping.table(swept)]
    tables.show(shown, _output())
    folder = out / loaded.name
    tables.write(shown, folder / "sweep.md")
    tables.write_text(pareto.figure(swept.found), folder / "sweep.svg")
    taken = swept.chosen or "nothing: no student passes the gates on validation rows"
    _output().print(f'student.kind = "auto" takes {taken}', soft_wrap=True, markup=False)
    _output().print(f"picture {folder / 'sweep.svg'}", soft_wrap=True, markup=False)


@app.command()
def ablate(
    recipe: Annotated[Path, typer.Argument(help="A recipe file, or the name of a built-in one.")],
    out: Annotated[Path, typer.Option(help="The folder that the table goes to, as Markdown.")] = Path("reports"),
    only: Annotated[list[str] | None, typer.Option(help="An ingredient to try, as often as needed; all.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="section.key=value, as often as needed.")] = None,
) -> None:
    """Teach the recipe's student with and without each of its ingredients. Exit status: 0; 2 wrong."""
    from distill.recipe import load as recipes

    loaded = recipes.load(recipe, set_ or [])

    from distill.experiments import ablate as ablating
    from distill.reporting import tables

    shown = [ablating.run(loaded, recipes.folder(recipe), tuple(only or ()))]
    tables.show(shown, _output())
    tables.write(shown, out / loaded.name / "ablation.md")
    _output().print(f"table {out / loaded.name / 'ablation.md'}", soft_wrap=True, markup=False)


@app.command()
def predict(
    bundle: Annotated[Path, typer.Argument(help="A sealed bundle's folder.")],
    input_: Annotated[
        str | None,
        typer.Argument(
            metavar="[INPUT]", help="A text, a JSON object of columns, or @file. Default: one a line of standard input."
        ),
    ] = None,
) -> None:
    """Print one JSON line for each input. Exit status: 0; 2 an input is wrong; 4 the bundle is refused."""
    from distill.packaging import asking

    for line in asking.answers(bundle, input_, sys.stdin.buffer):
        typer.echo(line)


@app.command()
def web(
    bundle: Annotated[Path, typer.Argument(help="A sealed bundle's folder.")],
    out: Annotated[Path, typer.Option(help="The folder that the page goes to: a new one, or an older page's.")],
    api: Annotated[str, typer.Option(help="The deployed API's URL, for a switch to the server. None: no switch.")] = "",
    port: Annotated[
        int | None,
        typer.Option("--serve", min=0, max=65535, help="Serve it at this port too, until Ctrl-C; 0: a free one."),
    ] = None,
) -> None:
    """Make a static page that runs the bundle in a browser. Exit status: 0; 2 something is wrong; 4 bundle refused."""
    from distill.packaging.asking import newest
    from distill.web import serve, site, weight

    weight.show(site.build(newest(bundle), out, api or None), _output())
    if port is not None:
        with serve.listening(out, port) as origin:
            serve.until_stopped(lambda: _output().print(f"open {origin} (Ctrl-C ends it)"))


@app.command()
def datasets() -> None:
    """List the named public sets, with size, licence and purpose."""
    from distill.recipe.public_sets import CATALOGUE

    table = Table(box=None, pad_edge=False)
    for heading in ("name", "task", "rows", "size", "licence", "purpose"):
        table.add_column(heading, overflow="fold")
    for named in CATALOGUE:
        table.add_row(named.name, named.task, f"{named.rows:,}", named.size, named.licence, named.purpose)
    _output().print(table)


def main() -> None:
    """Run the command line; what goes wrong on purpose is one message and an exit status."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
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
    except DistillError as error:
        _fail(str(error), error.exit_status)
    except BundleError as error:
        _fail(str(error), BUNDLE_REFUSED)
    except (KeyboardInterrupt, typer.Abort):
        _fail("Interrupted. What was finished is kept: run the same command again to go on.", INTERRUPTED)
    except BrokenPipeError:
        _close_output()
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


def _close_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(message: str, status: int) -> None:
    _errors.print(message, markup=False, style="bold red" if _errors.is_terminal else "", soft_wrap=True)
    sys.exit(status)


if __name__ == "__main__":
    main()
