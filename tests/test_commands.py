"""Every make target, and every command of `distill` and `infra.local`, that a document names is there.

`tests/infra/test_runbook.py` looks at those of `aws` and `infra`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer.main

from distill.__main__ import app as distill
from infra.local.__main__ import app as local
from tests.documents import DOCUMENTS, ROOT, every_text

_NAMED = re.compile(r"(?:^|`|[$(] ?|step '.*' |    )make(?: -\w)?((?: [a-z.][a-z.-]*)+)", re.MULTILINE)
_COMMAND = re.compile(r"python -m (distill|infra\.local) ([a-z-]+)(.*?)(?=\)\"|`|$|;| \| |\\\\| #)", re.MULTILINE)
COMMANDS = sorted(set(_COMMAND.findall(every_text().replace("\\\n", ""))))


@pytest.mark.parametrize("document", [*DOCUMENTS, ROOT / ".ci" / "run"], ids=lambda path: path.name)
def test_every_make_target_that_is_named_is_there(document: Path) -> None:
    targets = set(re.findall(r"^([a-z.][a-z.-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {word for line in _NAMED.findall(document.read_text(encoding="utf-8")) for word in line.split()}
    assert named or document.parent.name == "docs", f"no target is named in {document.name}"
    assert named <= targets


@pytest.mark.parametrize(("module", "command", "rest"), COMMANDS, ids=[" ".join(it)[:60] for it in COMMANDS])
def test_the_module_has_the_command_with_its_options(module: str, command: str, rest: str) -> None:
    group: Any = typer.main.get_command({"distill": distill, "infra.local": local}[module])
    known = {name for it in group.commands[command].params for name in (*it.opts, *it.secondary_opts)}
    assert set(re.findall(r"(?<= )--?[a-z][a-z-]*", rest)) <= known


def test_there_are_commands_to_look_at() -> None:
    assert {"run", "web", "predict", "sweep", "ablate", "compare", "stage", "serve"} <= {it[1] for it in COMMANDS}
