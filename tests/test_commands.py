"""Every make target, and every command of `limbeck` and `infra.local`, that a document names is there.

`tests/infra/test_runbook.py` looks at those of `aws`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer.main

from distill.__main__ import app as distill
from infra.commands.register import app as infra
from infra.local.__main__ import app as local
from tests.documents import DOCUMENTS, ROOT, every_text

_NAMED = re.compile(r"(?:^|`|[$(] ?|step '.*' |    )make(?: -\w)?((?: [a-z.][a-z.-]*)+)", re.MULTILINE)
_SIGNED = "`limbeck bundle 1`"  # a line of what a signature is over, and no command
_COMMAND = re.compile(
    r"(?:^|`|&& |\$ |\()(?:limbeck|(?:\.venv/bin/)?python -m (distill|infra\.local|infra)) ([a-z][a-z-]*)(.*?)"
    r"(?=\)\"|`|$|;| \| | #)",
    re.MULTILINE,
)
COMMANDS = sorted(set(_COMMAND.findall(every_text().replace("\\\n", "").replace(_SIGNED, ""))))


@pytest.mark.parametrize("document", [*DOCUMENTS, ROOT / ".ci" / "run"], ids=lambda path: path.name)
def test_every_make_target_that_is_named_is_there(document: Path) -> None:
    targets = set(re.findall(r"^([a-z.][a-z.-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {word for line in _NAMED.findall(document.read_text(encoding="utf-8")) for word in line.split()}
    assert named or document.parent.name == "docs", f"no target is named in {document.name}"
    assert named <= targets


@pytest.mark.parametrize(("module", "command", "rest"), COMMANDS, ids=[" ".join(it)[:60] for it in COMMANDS])
def test_the_module_has_the_command_with_its_options(module: str, command: str, rest: str) -> None:
    apps = [local] if module == "infra.local" else [distill, infra]
    groups: list[Any] = [typer.main.get_command(it) for it in apps]
    [found] = [group.commands[command] for group in groups if command in group.commands]
    if hasattr(found, "commands"):  # key new, key trust
        found = found.commands[rest.split()[0]]
    known = {name for it in found.params for name in (*it.opts, *it.secondary_opts)} | {"--help"}
    assert set(re.findall(r"(?<= )--?[a-z][a-z-]*", rest)) <= known


def test_there_are_commands_to_look_at() -> None:
    told = {it[1] for it in COMMANDS}
    assert {"init", "run", "web", "predict", "sweep", "ablate", "compare", "runs", "stage", "serve"} <= told
    assert {"push", "pull", "key", "release", "rollback", "status", "history", "cost"} <= told
