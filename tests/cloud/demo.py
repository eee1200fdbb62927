"""`make cloud-demo`: models released into a cloud that is not there, by the commands that release into a real one.

moto plays AWS in a process of its own. What it lacks is played here: CloudFormation renders template.yaml
by SAM's own translator and makes its resources; CodeDeploy asks the replay, shifts the alias and watches the alarms, a
minute in half a second; an image is a folder with what Docker would build it from, and Lambda's Invoke runs the handler
of that folder on its bundle, in a process of its own. The commands, `sam deploy` among them, are the real ones.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

from rich.console import Console

from distill.packaging.openapi import document
from handler.bundle import contract
from handler.bundle.abstention import Thresholds
from handler.bundle.contract import Manifest
from handler.model.predictor import Predictor
from infra.aws.lambda_events import rest_event
from tests.cloud import account, models, server
from tests.cloud.account import ROOT, Account

NAME = "breast-cancer"
_QUICKLY = ("--set", "evaluation.repeats=0")  # one split judges: the demo is about what comes after
_OTHER_STUDENT = (*_QUICKLY, "--set", "student.width=32")
_CALLERS = 200
_PATIENCE_SECONDS = 60
_MINUTE_SECONDS = 0.5  # of CodeDeploy's

out = Console(soft_wrap=True, highlight=False)


class DemoError(Exception):
    """The demo did not go as it should. The message says where."""


def main() -> int:
    """Run every act; 0 where all went as it should."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="limbeck-cloud-demo-") as folder:
        work = Path(folder)
        out.print(f"[bold]A cloud on this machine[/bold]\n{(__doc__ or '').partition('.')[2].strip()}\n")
        with ThreadPoolExecutor() as pool, server.moto() as moto:
            one, two = pool.map(lambda more: _distilled(work, *more), (_QUICKLY, _OTHER_STUDENT))
            with account.account(moto, work / "account", _MINUTE_SECONDS) as site:
                _play(_with_kms_key(site), one, two, work)
    out.print(f"\nDone in {time.monotonic() - started:.0f} s. Nothing is left of it.")
    return 0


def _play(site: Account, one: Path, two: Path, work: Path) -> None:
    broken, strange, another = work / "broken", work / "strange", work / "another"
    _variant(broken, two, 0.8)
    models.resealed(broken, "golden.jsonl", (one / "golden.jsonl").read_text())
    _variant(strange, two, 0.75)
    models.resealed(strange, "golden.jsonl", _stranger((strange / "golden.jsonl").read_text()))
    _variant(another, two, 0.7)
    first, second, third, bad, odd = (contract.read(it).version for it in (one, two, another, broken, strange))

    _act("An empty account: the plan, and nothing is changed")
    _run(site, 0, "release", one, "--dry-run")
    _act("The first release: the image is pushed, and `sam deploy` makes the stack")
    said = _run(site, 2, *_release(site, one))
    [command] = [line.strip() for line in said.err.splitlines() if line.strip().startswith("sam deploy")]
    _sam_deploy(site, command)
    _run(site, 0, *_release(site, first))
    _ask(site, f"live answers all of {_CALLERS} callers with", first)
    _act("The second, by a change set, a replay and a canary")
    _run(site, 0, *_release(site, two))
    _act("A broken one: properly sealed and signed, but its probabilities are not those of its golden file")
    _run(site, 3, *_release(site, broken))
    _act("Another broken one: the probabilities are right, a novelty is not")
    _run(site, 3, *_release(site, strange))
    _ask(site, f"live answers all of {_CALLERS} callers with", second)
    _act("A third one, and an alarm rings in the middle of its canary")
    _ring_during(site, another)
    _ask(site, f"live answers all of {_CALLERS} callers with", second)
    _act("Back by hand, while the alarm rings; and once more, to be sure")
    site.set_alarm("ALARM", "5 errors in a minute")
    _run(site, 0, "rollback")
    _run(site, 0, "rollback")
    site.set_alarm("OK")
    _ask(site, f"live answers all of {_CALLERS} callers with", first)
    _act("Somebody deploys the template once more, with another parameter: the good model stays")
    _sam_deploy(site, command, "AlarmP99Milliseconds=300")
    _ask(site, f"live answers all of {_CALLERS} callers with", first)
    _act("What there is now, and how it came about")
    _run(site, 0, "status")
    ran = _run(site, 0, "history", NAME)
    for version, kind in (
        (first, "released"),
        (second, "rolled-back"),
        (bad, "stopped"),
        (odd, "stopped"),
        (third, "stopped"),
    ):
        if not any(kind in line and version in line for line in ran.out.splitlines()):
            raise DemoError(f"The history does not say that {version} was {kind}.")


def _act(title: str) -> None:
    out.print(f"\n[bold]{title}[/bold]")


def _release(site: Account, wanted: str | Path, *more: str) -> tuple[str, ...]:
    return site.releasing(f"{NAME}/{wanted}" if isinstance(wanted, str) else wanted, *more)


def _run(site: Account, wanted: int, *arguments: str | Path) -> account.Ran:
    """Run a command as a person would, and show what it says."""
    started = time.monotonic()
    _show(site, arguments)
    ran = site.run(*arguments)
    _said(ran, wanted, time.monotonic() - started)
    return ran


def _sam_deploy(site: Account, printed: str, *parameters: str) -> None:
    """The real one, as `release` prints it, in the SAM CLI's environment and against the same endpoint."""
    # `--resolve-s3` would make a stack for a bucket first.
    command = printed.replace("--resolve-s3", f"--s3-bucket {account.TEMPLATES}").split()[1:]
    if parameters:
        command[command.index("--parameter-overrides") + 1 :] = parameters
    out.print(f"$ sam {' '.join(command)}", style="cyan", markup=False)
    started = time.monotonic()
    environment = site.environment | {"SAM_CLI_TELEMETRY": "0", "SAM_CLI_POLL_DELAY": "0.5"}
    done = subprocess.run(
        [ROOT / ".venv-sam" / "bin" / "sam", *command], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    ends = [line for line in done.stdout.splitlines() if line.startswith(("Successfully", "Error", "No changes"))]
    out.print("\n".join(ends), markup=False)
    out.print(f"(exit status {done.returncode}, {time.monotonic() - started:.1f} s)", style="dim")
    if done.returncode != 0:
        raise DemoError(f"sam deploy failed: {done.stdout[-800:]}{done.stderr[-800:]}")


def _show(site: Account, arguments: Sequence[str | Path]) -> None:
    line = " ".join(str(argument) for argument in arguments)
    short = line.replace(account.BUILDER, "STAND-IN").replace(str(site.work.parent), "WORK")
    out.print(f"$ limbeck {short}", style="cyan", markup=False)


def _said(ran: account.Ran, wanted: int, seconds: float) -> None:
    for text in (ran.out, ran.err):
        if text.strip():
            out.print(text.rstrip(), markup=False)
    out.print(f"(exit status {ran.status}, {seconds:.1f} s)", style="dim")
    if ran.status != wanted:
        raise DemoError(f"That should have ended with status {wanted}.")


def _ring_during(site: Account, bundle: Path) -> None:
    """Start a release, wait for its canary, see who is answered by it, and let an alarm ring."""
    site.plane.codedeploy.minute = _PATIENCE_SECONDS
    arguments = _release(site, bundle)
    _show(site, arguments)
    started = time.monotonic()
    process = site.start(*arguments)
    while not (site.alias().get("RoutingConfig") or {}).get("AdditionalVersionWeights"):
        if process.poll() is not None or time.monotonic() - started > _PATIENCE_SECONDS:
            raise DemoError(f"No canary came up: {process.communicate()[1]}")
        time.sleep(0.1)
    counted = _answered_by(site)
    parts = " and ".join(f"{number} with {version}" for version, number in sorted(counted.items()))
    out.print(f"live answers {parts}; now an alarm of the new version rings:", style="yellow", markup=False)
    out.print(
        "$ aws cloudwatch set-alarm-state --alarm-name ...NewVersionCrashAlarm... --state-value ALARM", style="cyan"
    )
    site.set_alarm("ALARM", "5 errors in a minute", "NewVersionCrashAlarm")
    rang = time.monotonic()
    while (site.alias().get("RoutingConfig") or {}).get("AdditionalVersionWeights"):
        time.sleep(0.05)
    out.print(f"Everybody was back {time.monotonic() - rang:.1f} s after the alarm.", style="yellow")
    said, complained = process.communicate(timeout=_PATIENCE_SECONDS)
    _said(account.Ran(process.returncode, said, complained), 3, time.monotonic() - started)
    site.set_alarm("OK", alarm="NewVersionCrashAlarm")
    site.plane.codedeploy.minute = _MINUTE_SECONDS


def _ask(site: Account, what: str, version: str) -> None:
    counted = _answered_by(site)
    out.print(f"{what} {', '.join(sorted(counted))}.", style="yellow", markup=False)
    if set(counted) != {version}:
        raise DemoError(f"All should have been answered by {version}.")


def _answered_by(site: Account) -> Counter[str]:
    """Who answers callers of `live`: the bundle's version that each answer names."""
    body = json.dumps({"inputs": {"worst radius": 25.38}}).encode()
    event = rest_event("POST", "/predict", [("content-type", "application/json")], body)
    return Counter(_model_in(site.invoke("live", event)) for _ in range(_CALLERS))


def _model_in(answer: dict[str, str]) -> str:
    return str(json.loads(answer["body"])["model"]["version"])


def _with_kms_key(site: Account) -> Account:
    key = site.client("kms").create_key(KeySpec="RSA_3072", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    return replace(site, environment=site.environment | {"LIMBECK_SIGNING_KEY": f"kms:{key}"})


def _distilled(work: Path, *settings: str) -> Path:
    """A bundle distilled here and now, from scikit-learn's own data."""
    bundles = work / ("other" if settings == _OTHER_STUDENT else "first")
    command = [sys.executable, "-m", "distill", "run", NAME, "--out", str(bundles), *settings]
    out.print(f"$ limbeck run {NAME} {' '.join(settings)}", style="cyan", markup=False)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise DemoError(f"It failed: {done.stderr[-500:]}")
    return bundles / NAME / (bundles / NAME / "latest").read_text().strip()


def _variant(folder: Path, of: Path, abstain_below: float) -> Manifest:
    """The same model under another threshold, which is another version, sealed as it should be."""
    sealed = contract.read(of)
    serving = replace(sealed.serving, thresholds=Thresholds(abstain_below))
    version = contract.version_of(sealed.files[contract.MODEL], serving)
    folder.mkdir()
    for name in sealed.files:
        (folder / name).write_bytes((of / name).read_bytes())
    (folder / contract.OPENAPI).write_text(json.dumps(document.document(NAME, version, serving)))
    files = {name: contract.sha256_of(folder / name) for name in sealed.files}
    manifest = replace(sealed, version=version, serving=serving, files=files)
    (folder / contract.MANIFEST).write_text(contract.dumps(manifest))
    inputs = [json.loads(line)["input"] for line in (of / "golden.jsonl").read_text().splitlines()]
    predictions = Predictor.load(folder).predict(inputs)
    rows = [{"input": given, "prediction": asdict(it)} for given, it in zip(inputs, predictions, strict=True)]
    return models.resealed(folder, "golden.jsonl", "".join(json.dumps(row) + "\n" for row in rows))


def _stranger(golden: str) -> str:
    """A golden file with another novelty in its second answer."""
    rows = [json.loads(line) for line in golden.splitlines()]
    rows[1]["prediction"]["novelty"] = abs(rows[1]["prediction"]["novelty"] - 0.5)
    return "".join(json.dumps(row) + "\n" for row in rows)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except DemoError as error:
        Console(stderr=True).print(str(error), markup=False)
        sys.exit(1)
