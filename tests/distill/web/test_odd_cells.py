"""The page reads a file's own cells as training read them: by the page's modules, in Node."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from distill.errors import DataError
from distill.web import runtime, site
from tests import bundles
from tests.distill.data import odd_cells

HERE = Path(__file__).parent
_MARKS = ["", "", "$", "€", "%", "+", "-", "(", ")", " ", "\u00a0", "\u200b", "\ufeff", "\u2212", '="', '"', "'", " kg"]
_DIGITS = "0123456789.,' "


def _made(chance: random.Random) -> str:
    """A cell of a file that nobody wrote yet."""
    if chance.random() < 0.4:
        return chance.choice([cell for cells in odd_cells.COLUMNS.values() for cell in cells])
    if chance.random() < 0.7:
        digits = "".join(chance.choice(_DIGITS) for _ in range(chance.randint(1, 7)))
        return chance.choice(_MARKS) + digits + chance.choice(_MARKS)
    return "".join(chr(chance.choice((*range(1, 0x250), *range(0x5D0, 0x700)))) for _ in range(chance.randint(1, 6)))


def _case(columns: dict[str, tuple[str, ...]]) -> dict[str, Any] | None:
    try:
        asked = odd_cells.read(columns)
    except DataError:
        return None
    features = [
        [None if value != value else value for value in asked.features[column.name].tolist()] for column in asked.inputs
    ]
    return {"inputs": [asdict(column) for column in asked.inputs], "rows": asked.rows, "features": features}


@pytest.mark.skipif(not shutil.which("node"), reason="Node.js is not installed")
def test_every_cell_that_a_file_may_hold_is_read_by_the_page_as_by_training(tmp_path: Path) -> None:
    chance = random.Random(0)
    files = [odd_cells.COLUMNS]
    for _ in range(400):
        files.append({"x": tuple(_made(chance) for _ in range(12)), "y": tuple(map(str, range(12)))})
    cases = [case for case in map(_case, files) if case is not None]
    assert len(cases) > 200
    bundles.tabular_bundle(tmp_path / "bundle")
    no_runtime = {runtime.SCRIPT: b"export {};", runtime.WASM: b"\0asm"}
    page = site.build(tmp_path / "bundle", tmp_path / "out", None, fetch=lambda: no_runtime).folder
    (page / "package.json").write_text('{"type": "module"}')
    (page / "odd_cells.json").write_text(json.dumps(cases))
    shutil.copy(HERE / "odd_cells.test.mjs", page)
    command = ["node", "--test", "--test-reporter=tap", "odd_cells.test.mjs"]
    done = subprocess.run(command, cwd=page, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, "\n".join(line for line in done.stdout.splitlines() if "error" in line or "{" in line)
