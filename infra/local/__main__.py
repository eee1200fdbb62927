"""Runs the function on this machine: in its real container where Docker is to be had, else under the emulator.

python -m infra.local stage BUNDLE              check a bundle and lay it in .build/bundle, for `sam build`
python -m infra.local build BUNDLE              stage it, build the image, print its size
python -m infra.local invoke EVENT -b BUNDLE    send one event (a file, or - for standard input), print the answer
python -m infra.local demo BUNDLE               send one sentence, print the prediction for people
python -m infra.local serve BUNDLE              answer over HTTPS on this machine, until Ctrl-C
"""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

try:
    import typer
    from rich.markup import escape
    from rich.table import Table

    from handler.bundle import contract
    from handler.bundle.signature import Trust
    from handler.bundle.versions import newest
    from infra.aws.lambda_events import Answer, rest_event
    from infra.console import err, out, plain_errors
    from infra.errors import LocalError
    from infra.image import container
    from infra.image.staging import stage, stage_certificates
    from infra.local import serve
    from infra.local.emulator import Emulator
    from infra.signing.signer import TRUST_VARIABLE, needed_trust
except ModuleNotFoundError as missing:
    raise SystemExit(f"{missing.name} is not installed. In a checkout, run: pip install '.[infra]'") from None

MAX_OWN_MEGABYTES = 160  # what the image may add to its base
_SENTENCE = "The plot is thin, but the cast is wonderful and I laughed all the way through!"

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Runs the function on this machine.",
)

Invoke = Callable[[object], Answer]
BundleArgument = Annotated[Path, typer.Argument(help="A sealed bundle's folder, or the folder of its versions.")]

TrustOption = Annotated[
    Path | None,
    typer.Option("--trust", help="The trust file: whose signatures count.", envvar=TRUST_VARIABLE, show_envvar=True),
]


class Runtime(StrEnum):
    """What runs the function. `auto`: the container where it can be had, else the emulator."""

    AUTO = "auto"
    CONTAINER = "container"
    EMULATOR = "emulator"


RuntimeOption = Annotated[Runtime, typer.Option("--runtime", "-r", help="What runs the function.")]


@app.command("stage")
def stage_command(bundle: BundleArgument, trust: TrustOption = None) -> None:
    """Check a bundle and lay it in .build/bundle, where the image's build takes it from.

    Without a trust file the copy is signed with a development key of this checkout: for a try here, not for a release.
    """
    with plain_errors(LocalError.exit_status):
        folder = newest(bundle)
        manifest = stage(folder, trust=_trust(folder, trust))
        stage_certificates()
        by = "its own signature" if trust else "a development key's signature: no --trust was given"
        out.print(f"{manifest.name} {manifest.version} is staged in .build/bundle, with {by}")


@app.command("build")
def build_command(bundle: BundleArgument, trust: TrustOption = None) -> None:
    """Build the image around a bundle, and print its size."""
    with plain_errors(LocalError.exit_status):
        folder = newest(bundle)
        _build(folder, _trust(folder, trust))


@app.command("invoke")
def invoke_command(
    event: Annotated[str, typer.Argument(help="A JSON file, or - for standard input.")],
    bundle: Annotated[Path, typer.Option("--bundle", "-b", help="A sealed bundle, or the folder of its versions.")],
    runtime: RuntimeOption = Runtime.AUTO,
) -> None:
    """Send one event to the function and print what it returns."""
    with plain_errors(LocalError.exit_status):
        payload = _read_event(event)
        with _function(newest(bundle), runtime) as (invoke, _):
            answer = invoke(payload)
        typer.echo(json.dumps(answer.payload, indent=2, ensure_ascii=False))
        if answer.failed:
            raise LocalError(f"The function failed. Its log ends with:\n{answer.log.strip()[-1500:]}")


@app.command("demo")
def demo_command(
    bundle: BundleArgument,
    text: Annotated[str, typer.Option(help="The sentence for a text bundle.")] = _SENTENCE,
    runtime: RuntimeOption = Runtime.AUTO,
) -> None:
    """Send one input to the function, as its API would, and print the prediction for people."""
    with plain_errors(LocalError.exit_status):
        folder = newest(bundle)
        with _function(folder, runtime) as (invoke, manifest):
            first = _golden_input(folder)
            given = text if isinstance(first, str) else first
            body = json.dumps({"inputs": given}).encode()
            answer = invoke(rest_event("POST", "/predict", [("content-type", "application/json")], body))
        _show(given, answer, manifest)


@app.command("serve")
def serve_command(
    bundle: BundleArgument,
    port: Annotated[int, typer.Option("--port", "-p", min=0, max=65535, help="0: any free port.")] = 3000,
    origin: Annotated[str, typer.Option(help="A page's origin that may call it from a browser (CORS).")] = "",
    runtime: RuntimeOption = Runtime.AUTO,
) -> None:
    """Answer over HTTPS on this machine until Ctrl-C, with a certificate made on the spot."""
    with plain_errors(LocalError.exit_status), _endpoint(newest(bundle), runtime, port, origin) as (endpoint, manifest):
        log = f", its log is {endpoint.log}" if endpoint.log else ""
        err.print(
            f"{escape(manifest.name)} {manifest.version} answers until Ctrl-C{escape(log)}. No key is checked and "
            "no rate limit kept here: API Gateway does that. For a client's shell:"
        )
        trusted = endpoint.certificate.file
        typer.echo(
            f"export LIMBECK_URL={endpoint.url} LIMBECK_KEY=local\n"
            f"export SSL_CERT_FILE={trusted} CURL_CA_BUNDLE={trusted}"
        )
        sys.stdout.flush()
        _until_stopped()


def _until_stopped() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        while True:
            signal.pause()
    except KeyboardInterrupt:
        err.print("Stopping")


@contextmanager
def _function(bundle: Path, runtime: Runtime) -> Iterator[tuple[Invoke, contract.Manifest]]:
    """A function to send events to, and the manifest of what it serves. Says where it runs, and why there."""
    manifest, image = _built(bundle, runtime)
    if image:
        err.print("Invoking the function in its container with `sam local invoke`")
        yield (lambda event: container.invoke(event, image.docker_host)), manifest
    else:
        with Emulator(bundle) as emulator:
            err.print("Invoking the same handler under the Lambda runtime emulator, on this machine's own Python")
            yield emulator.invoke, manifest


@contextmanager
def _endpoint(
    bundle: Path, runtime: Runtime, port: int, origin: str
) -> Iterator[tuple[serve.Endpoint, contract.Manifest]]:
    """The function behind HTTPS, and the manifest of what it serves. Says where it runs, and why there."""
    manifest, image = _built(bundle, runtime)
    if image:
        err.print("Starting `sam local start-api` around the function's container")
        parameters = {serve.ORIGIN_PARAMETER: origin} if origin else {}
        running = serve.in_container(image.docker_host, port=port, parameters=parameters)
    else:
        err.print("Starting the same handler under the Lambda runtime emulator, on this machine's own Python")
        running = serve.under_emulator(bundle, port, {serve.ORIGIN_VARIABLE: origin})
    with running as endpoint:
        yield endpoint, manifest


def _built(bundle: Path, runtime: Runtime) -> tuple[contract.Manifest, container.Image | None]:
    """What is served, and the image around it. None where the emulator is named, or there is no container."""
    try:
        if runtime is not Runtime.EMULATOR:
            return _build(bundle)
    except LocalError as error:
        if runtime is Runtime.CONTAINER:
            raise
        err.print(f"[yellow]No container: {escape(str(error))}[/yellow]")
    return stage(bundle), None


def _trust(bundle: Path, trust_file: Path | None) -> Trust | None:
    """Whose signature the bundle must bear; None where no trust file is named."""
    return needed_trust(contract.read(bundle).name, trust_file) if trust_file else None


def _build(bundle: Path, trust: Trust | None = None) -> tuple[contract.Manifest, container.Image]:
    manifest = stage(bundle, trust=trust)
    err.print(f"Bundle {manifest.name} {manifest.version}: every hash is right")
    host = container.docker_host()
    image = container.build(
        host,
        container.base_image(host),
        lambda step: err.print(f"  {escape(' '.join(step.split())[:100])}", style="dim"),
    )
    verdict = "" if image.own_bytes <= MAX_OWN_MEGABYTES * 1e6 else ", which is too much"
    err.print(
        f"Image {image.name}: {image.own_bytes / 1e6:.0f} MB over its base {image.base} "
        f"(at most {MAX_OWN_MEGABYTES}){verdict}"
    )
    return manifest, image


def _read_event(source: str) -> object:
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
        return json.loads(text)
    except (UnicodeDecodeError, ValueError) as error:
        raise LocalError(f"The event {source} is not JSON ({type(error).__name__}): wanted one JSON value.") from None


def _golden_input(bundle: Path) -> object:
    """The first golden row's input: public or synthetic, so it may be shown."""
    try:
        with (bundle / contract.GOLDEN).open(encoding="utf-8") as file:
            return json.loads(file.readline())["input"]
    except (ValueError, KeyError, TypeError):
        raise LocalError(f"{bundle / contract.GOLDEN} starts with no input, wanted one JSON object a line.") from None


def _show(given: object, answer: Answer, manifest: contract.Manifest) -> None:
    response = answer.payload
    if answer.failed or not isinstance(response, dict) or response.get("statusCode") != 200:
        said = json.dumps(response, ensure_ascii=False)[:1000]
        raise LocalError(f"The function did not answer 200. It said: {said}\n{answer.log.strip()[-1500:]}")
    body = json.loads(response["body"])
    prediction = body["predictions"][0]
    shown = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
    table = Table(show_header=False, box=None, padding=(0, 1))
    for label, score in sorted(prediction["scores"].items(), key=lambda item: -item[1]):
        table.add_row(escape(label), f"{score:.3f}", "█" * round(30 * score))
    out.print(f"\nPOST /predict -> 200, {body['model']['name']} {body['model']['version']}")
    out.print(f"  {escape(shown[:300])}")
    out.print(table)
    abstained = ", abstained" if prediction["abstained"] else ""
    out.print(f"[bold]{escape(prediction['label'])}[/bold]  novelty {prediction['novelty']:.2f}{abstained}")


if __name__ == "__main__":
    app()
