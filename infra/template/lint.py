"""The SAM template under `sam validate --lint`, cfn-lint with the serverless rules, and checkov: `make lint`.

Each tool has an environment of its own. cfn-lint and checkov see the template as it is written and as CloudFormation
gets it from SAM; checkov, which decides conditions, also with every optional event source and the page. Exceptions
stand in the template beside what they are about, each with its reason; they are all that is printed. Anything else is
a finding, and the exit status is 1.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from infra.console import err, out
from infra.errors import LocalError
from infra.image.staging import BUILD, ROOT
from infra.processes import run

TEMPLATE = "template.yaml"
SERVERLESS_RULES = "cfn_lint_serverless.rules"
OPENED = MappingProxyType(
    {"Auth": "Iam", "FunctionUrl": "true", "CorsOrigin": "https://app.example.org", "WebPage": "true"}
)
_SECONDS = 300


@dataclass(frozen=True, order=True)
class Excepted:
    """A rule that the template breaks on purpose."""

    tool: str
    rule: str
    resource: str
    reason: str


def translate(template: Path, root: Path = ROOT, parameters: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The template as CloudFormation gets it from SAM, which reads some parameters itself while it translates.

    Raises:
        LocalError: SAM's translator rejects it, or is not there.
    """
    script = str(Path(__file__).parent / "translate.py")
    done = _run([_tool(root, "sam", "python"), script, str(template), json.dumps(dict(parameters or {}))])
    if done.returncode != 0:
        raise LocalError(f"SAM cannot translate {template}. It says:\n{done.stderr.strip()[-2000:]}")
    return dict(json.loads(done.stdout))


def exceptions(translated: dict[str, Any]) -> list[Excepted]:
    """Every exception that the translated template's metadata writes down, with its reason ("" where it has none)."""
    # What SAM makes of one resource can be several with the same metadata: said once.
    once = {(it.tool, it.rule, it.reason): it for it in sorted(_exceptions(translated), reverse=True)}
    return sorted(once.values())


def _exceptions(translated: dict[str, Any]) -> Iterator[Excepted]:
    for name, resource in translated["Resources"].items():
        metadata = resource.get("Metadata", {})
        linted = metadata.get("cfn-lint", {})
        for rule in linted.get("config", {}).get("ignore_checks", []):
            yield Excepted("cfn-lint", rule, name, linted.get("reasons", {}).get(rule, ""))
        for skip in metadata.get("checkov", {}).get("skip", []):
            yield Excepted("checkov", skip["id"], name, skip.get("comment", ""))


def findings(template: Path, translated: dict[str, Any], folder: Path, root: Path = ROOT) -> Iterator[str]:
    """What each tool says beside the exceptions, as text for people. `folder` takes what they read.

    Raises:
        LocalError: a tool is not there, or failed to do its work.
    """
    plain = _write(translated, folder / "template.json")
    parameters = translated["Parameters"]
    opened = {name: parameters[name] | {"Default": value} for name, value in OPENED.items()}
    loose = _write(translated | {"Parameters": parameters | opened}, folder / "template-opened.json")
    yield from _said([_tool(root, "sam", "sam"), "validate", "--lint", "--template-file", str(template)])
    yield from _said(
        [_tool(root, "lint", "cfn-lint"), "--append-rules", SERVERLESS_RULES, "--", str(template), str(plain)]
    )
    files = [argument for path in (template, plain, loose) for argument in ("--file", str(path))]
    yield from _said([_tool(root, "checkov", "checkov"), *files, "--skip-download", "--compact", "--quiet"])


def _write(translated: dict[str, Any], path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(translated, indent=2), encoding="utf-8")
    return path


def _said(command: Sequence[str]) -> Iterator[str]:
    """What a tool prints where its exit status says that it found something."""
    done = _run(command)
    if done.returncode != 0:
        yield f"{Path(command[0]).name}, exit status {done.returncode}:\n{(done.stdout + done.stderr).strip()}"


def _tool(root: Path, environment: str, name: str) -> str:
    path = root / f".venv-{environment}" / "bin" / name
    if not path.exists():
        raise LocalError(
            f"No {path}. `make .venv-{environment}` makes its environment, and `make lint` all that it needs."
        )
    return str(path)


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    # The region only names the schemas to check against; AWS is not called.
    return run(command, {"AWS_DEFAULT_REGION": "eu-west-1", **os.environ, "SAM_CLI_TELEMETRY": "0"}, _SECONDS, cwd=ROOT)


def main(template: Path = ROOT / TEMPLATE, folder: Path = ROOT / BUILD / "lint") -> int:
    """Print the exceptions, then what else was found; the exit status."""
    try:
        translated = translate(template)
        found = list(findings(template, translated, folder))
    except LocalError as error:
        err.print(str(error), markup=False)
        return error.exit_status
    for it in exceptions(translated):
        out.print(f"{it.tool:8}  {it.rule:11}  {it.resource}: {it.reason}", markup=False)
        if not it.reason:
            found.append(f"{it.tool} is told to leave {it.rule} at {it.resource} alone, without a reason.")
    for text in found:
        err.print(text, markup=False)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
