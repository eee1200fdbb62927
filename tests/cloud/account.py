"""An account to release into: moto with what it lacks before it, a key, a shell, and what `sam deploy` asks for."""

from __future__ import annotations

import json
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest

from handler.bundle.signature import Trust
from infra.aws.s3 import Bucket
from infra.registry.registry import Registry
from infra.signing import keys
from tests.cloud import server, warm
from tests.cloud.cloudformation import Held
from tests.cloud.plane import Plane
from tests.cloud.translator import TRANSLATOR
from tests.infra.template.stacks import TEMPLATE

ROOT = Path(__file__).parents[2]
ACCOUNT = "123456789012"
STACK = "limbeck"
BUCKET = "shelf"
PREFIX = "models"
TEMPLATES = "templates"  # the bucket that `sam deploy` sends templates by
MINUTE_SECONDS = 0.1  # of a deployment's shares, here
BUILDER = f"{sys.executable} -P -E -s -S {Path(__file__).with_name('stand_in.py')}"


class Ran(NamedTuple):
    """What a command came to."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Account:
    """The account, and a shell that is logged in to it."""

    moto: str
    plane: Plane
    work: Path
    environment: dict[str, str]
    clients: dict[str, Any] = field(default_factory=dict)

    def start(self, *arguments: str | Path, **settings: str) -> subprocess.Popen[str]:
        """`python -m infra ...` in another process."""
        return subprocess.Popen(
            [sys.executable, "-m", "infra", *map(str, arguments)],
            cwd=ROOT,
            env=self.environment | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A shell's background jobs, of which the tests may be one, pass on that they do not hear it.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )

    def quickly(self, *arguments: str | Path, **settings: str) -> Ran:
        """`python -m infra ...` to its end, in a process that is forked from a warm one."""
        with tempfile.TemporaryDirectory(dir=self.work) as folder:
            out, err = Path(folder) / "out", Path(folder) / "err"
            process = warm.start(tuple(map(str, arguments)), self.environment | settings, out, err)
            process.join(300)
            ran = Ran(-1 if process.exitcode is None else process.exitcode, out.read_text(), err.read_text())
        assert "Traceback" not in ran.err, ran.err
        return ran

    def run(self, *arguments: str | Path, **settings: str) -> Ran:
        """The same, as a person does it, in a new process."""
        process = self.start(*arguments, **settings)
        out, err = process.communicate(timeout=300)
        assert "Traceback" not in err, err
        return Ran(process.returncode, out, err)

    def release(self, wanted: str | Path, *arguments: str, **settings: str) -> Ran:
        """A release, to its end."""
        return self.quickly(*self.releasing(wanted, *arguments), **settings)

    def releasing(self, wanted: str | Path, *arguments: str) -> tuple[str, ...]:
        """The command of a release."""
        return ("release", str(wanted), "--builder", BUILDER, *arguments)

    def first_release(self, wanted: str | Path, **parameters: str) -> Ran:
        """What a person does without a stack: `release`, the `sam deploy` that it prints, `release` once more."""
        said = self.release(wanted)
        assert said.status == 2 and "sam deploy" in said.err, said
        found = re.search(r"Image=(\S+)", said.err)
        assert found, said.err
        self.sam_deploy(Image=found[1], **parameters)
        return self.release(wanted)

    def sam_deploy(self, template: str = "", **parameters: str) -> str:
        """The requests of `sam deploy`, to their end; the stack's status. `make cloud-demo` runs the real one."""
        if not TRANSLATOR.there():
            pytest.skip("the SAM CLI's environment is missing: make .venv-sam")
        cloud = client("cloudformation", self.plane.address)
        text = template or TEMPLATE.read_text(encoding="utf-8")
        there = {it["StackName"]: it for it in cloud.describe_stacks()["Stacks"]}.get(STACK)
        kept = [it["ParameterKey"] for it in there["Parameters"]] if there else []
        given = [{"ParameterKey": key, "ParameterValue": it} for key, it in parameters.items()]
        given += [{"ParameterKey": key, "UsePreviousValue": True} for key in kept if key not in parameters]
        self.client("s3").put_object(Bucket=TEMPLATES, Key="template", Body=text.encode())
        name = f"sam-{secrets.token_hex(4)}"
        cloud.create_change_set(
            StackName=STACK,
            ChangeSetName=name,
            ChangeSetType="UPDATE" if there else "CREATE",
            TemplateURL=f"{self.moto}/{TEMPLATES}/template",
            Parameters=given,
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        if cloud.describe_change_set(StackName=STACK, ChangeSetName=name)["Status"] == "FAILED":
            return "no changes"
        cloud.execute_change_set(StackName=STACK, ChangeSetName=name)
        return self.settled()

    def settled(self) -> str:
        """The stack's status, once nothing is under way."""
        deadline = time.monotonic() + 60
        while self.stack.work is not None:
            assert time.monotonic() < deadline, self.stack.status
            time.sleep(0.01)
        return self.stack.status

    @property
    def stack(self) -> Held:
        """The stack, as CloudFormation's stand-in has it."""
        return self.plane.cloudformation.stacks[STACK]

    @property
    def function(self) -> str:
        """The function's name."""
        return self.stack.resources["PredictFunction"].physical

    def client(self, service: str) -> Any:  # noqa: ANN401 - any of boto3's
        """A client of moto itself, which no fault of the plane touches."""
        if service not in self.clients:
            self.clients[service] = client(service, self.moto)
        return self.clients[service]

    def set_alarm(self, state: str, reason: str = "a test", alarm: str = "CrashAlarm") -> None:
        """Let an alarm of the stack ring (ALARM) or be quiet (OK)."""
        name = self.stack.resources[alarm].physical
        self.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue=state, StateReason=reason)

    def alias(self) -> dict[str, Any]:
        """`live`, as it is."""
        return dict(self.client("lambda").get_alias(FunctionName=self.function, Name="live"))

    def status(self) -> dict[str, Any]:
        """What `python -m infra status --json` says."""
        ran = self.quickly("status", "--json")
        assert ran.status == 0, ran.err
        return dict(json.loads(ran.out))

    def invoke(self, number: str, event: Mapping[str, Any]) -> Any:  # noqa: ANN401 - whatever the function returns
        """Send an event to one version of the function, or to an alias."""
        said = client("lambda", self.plane.address).invoke(
            FunctionName=self.function, Qualifier=number, Payload=json.dumps(event)
        )
        return json.load(said["Payload"])

    def trust(self, name: str = "tiny-text") -> Trust:
        """Whose signature counts: the account's own key's."""
        return Trust(name, (keys.PemSigner.read(self.work / "key.pem").public,))

    def registry(self) -> Registry:
        """The registry, read past the plane."""
        return Registry(Bucket(BUCKET, self.client("s3")), PREFIX)


def wait_for(done: Callable[[], bool], seconds: float = 120.0) -> None:
    """Until something is so."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def client(service: str, address: str) -> Any:  # noqa: ANN401 - any of boto3's
    """A client of whatever listens at an address."""
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=address,
        region_name=server.REGION,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",  # noqa: S106
    )


@contextmanager
def account(moto: str, work: Path, minute: float = MINUTE_SECONDS) -> Iterator[Account]:
    """An empty account, and a new key in `work`. `minute`: a deployment's, in seconds."""
    server.reset(moto)
    images = work / "images"
    images.mkdir(parents=True)
    if not (work / "key.pem").exists():
        keys.new_key(work / "key.pem")
    clients = {name: client(name, moto) for name in ("lambda", "cloudwatch", "logs", "iam", "s3")}
    with Plane(moto, images, clients.__getitem__, ACCOUNT, minute) as plane:
        environment = server.environment(plane.address) | {
            "STAND_IN_IMAGES": str(images),
            "LIMBECK_REGISTRY": f"s3://{BUCKET}/{PREFIX}",
            "LIMBECK_SIGNING_KEY": str(work / "key.pem"),
            "LIMBECK_STACK": STACK,
            "TMPDIR": str(images),  # who is killed tidies up nothing
        }
        made = Account(moto, plane, work, environment, clients)
        clients["s3"].create_bucket(Bucket=TEMPLATES, CreateBucketConfiguration={"LocationConstraint": server.REGION})
        yield made
