"""`limbeck proving-ground`: the product's defaults on public data that nobody tuned for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from distill.commands.console import QuietOption, output, say


def proving_ground(
    sets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SET",
            help="Names of sets: vader-icwsm14, debian-sections, debian-uses, debian-languages, wordnet, fortunes, "
            "bible, word-languages, bank-questions; iris, wine, breast-cancer, digits, pima, carseats, college, "
            "orange-juice, british-vote, chile-vote, rotterdam, email, pension, youth, loans, diamonds, flights. "
            "Default: all.",
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="How many seeds, from 0 on.")] = 3,
    settings: Annotated[int, typer.Option(min=1, max=10, help="How many settings each peer may try.")] = 4,
    peer_seeds: Annotated[
        int | None,
        typer.Option(min=0, help="Ask peers under the first seeds alone; under all."),
    ] = None,
    bank_questions: Annotated[
        Path | None,
        typer.Option(envvar="LIMBECK_BANK_QUESTIONS", help="BANKING77 as CSV, for the set of that name."),
    ] = None,
    out: Annotated[Path, typer.Option(help="The folder that tables and picture go to.")] = Path("reports"),
    quiet: QuietOption = False,
) -> None:
    """Judge teacher, student, twin, baseline and peers on every set. Cut off, it goes on. Exit status: 0; 2 wrong."""
    from distill.experiments.proving_ground.sets import catalogue

    chosen = catalogue.chosen(sets or (), catalogue.every(bank_questions))
    if not sets and bank_questions is None:
        say("bank-questions is left out: name its file by --bank-questions or LIMBECK_BANK_QUESTIONS")

    from distill.experiments.proving_ground import picture, run, verdict, verdict_tables
    from distill.reporting import tables

    found = verdict.of(run.run(chosen, seeds, settings, seeds if peer_seeds is None else peer_seeds))
    made = verdict_tables.of(found)
    tables.show(made, output())
    said = verdict_tables.sentences(found)
    for line in said:
        say(line)
    folder = out / "proving-ground"
    tables.write((*made, verdict_tables.catalogue(chosen)), folder / "proving-ground.md", said)
    tables.write_text(picture.figure(found), folder / "proving-ground.svg")
    say(f"tables {folder / 'proving-ground.md'}")
    say(f"picture {folder / 'proving-ground.svg'}")
