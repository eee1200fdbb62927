"""An account to release into: a moto server with Lambda's missing half before it, a key, a role, and a shell."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import boto3

from handler.bundle.signature import Trust
from infra.aws.s3 import Bucket
from infra.registry.registry import Registry
from infra.release.function import Lambda
from infra.release.golden import Invoke
from infra.signing import keys
from tests.cloud import server, warm
from tests.cloud.plane import Plane

ROOT = Path(__file__).parents[2]
ACCOUNT = "123456789012"
FUNCTION = "limbeck"
BUCKET = "shelf"
PREFIX = "models"
ALARM = "limbeck-crashes"
BUILDER = f"{sys.executable} -P -E -s -S {Path(__file__).with_name('stand_in.py')}"
_LAMBDA_MAY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


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
    role: str
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
            process.join(120)
            ran = Ran(-1 if process.exitcode is None else process.exitcode, out.read_text(), err.read_text())
        assert "Traceback" not in ran.err, ran.err
        return ran

    def run(self, *arguments: str | Path, **settings: str) -> Ran:
        """The same, as a person does it, in a new process."""
        process = self.start(*arguments, **settings)
        out, err = process.communicate(timeout=120)
        assert "Traceback" not in err, err
        return Ran(process.returncode, out, err)

    def release(self, wanted: str | Path, *arguments: str, **settings: str) -> Ran:
        """A release by `releasing`, to its end."""
        return self.quickly(*self.releasing(wanted, *arguments), **settings)

    def releasing(self, wanted: str | Path, *arguments: str) -> tuple[str, ...]:
        """The command of a release that is watched for no time, unless `arguments` say otherwise."""
        return ("release", str(wanted), "--builder", BUILDER, "--role", self.role, "--bake", "0", *arguments)

    def client(self, service: str) -> Any:  # noqa: ANN401 - any of boto3's
        """A client of moto itself, which no fault of the plane touches."""
        if service not in self.clients:
            self.clients[service] = client(service, self.moto)
        return self.clients[service]

    def set_alarm(self, state: str, reason: str = "a test") -> None:
        """Let the alarm ring (ALARM) or be quiet (OK)."""
        self.client("cloudwatch").set_alarm_state(AlarmName=ALARM, StateValue=state, StateReason=reason)

    def alias(self) -> dict[str, Any]:
        """`live`, as it is."""
        return dict(self.client("lambda").get_alias(FunctionName=FUNCTION, Name="live"))

    def status(self) -> dict[str, Any]:
        """What `python -m infra status --json` says."""
        ran = self.quickly("status", "--json")
        assert ran.status == 0, ran.err
        return dict(json.loads(ran.out))

    def invoke(self, number: str) -> Invoke:
        """How to send an event to one version of the function."""
        return Lambda(client("lambda", self.plane.address), FUNCTION).invoke(number)

    def trust(self, name: str = "tiny-text") -> Trust:
        """Whose signature counts: the account's own key's."""
        return Trust(name, (keys.PemSigner.read(self.work / "key.pem").public,))

    def registry(self) -> Registry:
        """The registry, read past the plane."""
        return Registry(Bucket(BUCKET, self.client("s3")), PREFIX)


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
def account(moto: str, work: Path) -> Iterator[Account]:
    """An empty account but for the role and the alarm, and a new key in `work`."""
    server.reset(moto)
    images = work / "images"
    images.mkdir(parents=True)
    if not (work / "key.pem").exists():
        keys.new_key(work / "key.pem")
    with Plane(moto, images) as plane:
        environment = server.environment(plane.address) | {
            "STAND_IN_IMAGES": str(images),
            "LIMBECK_REGISTRY": f"s3://{BUCKET}/{PREFIX}",
            "LIMBECK_SIGNING_KEY": str(work / "key.pem"),
            "LIMBECK_FUNCTION": FUNCTION,
            "TMPDIR": str(images),  # who is killed tidies up nothing
        }
        made = Account(moto, plane, work, environment, f"arn:aws:iam::{ACCOUNT}:role/{FUNCTION}")
        made.client("iam").create_role(RoleName=FUNCTION, AssumeRolePolicyDocument=json.dumps(_LAMBDA_MAY))
        made.client("cloudwatch").put_metric_alarm(
            AlarmName=ALARM,
            Namespace="AWS/Lambda",
            MetricName="Errors",
            Dimensions=[{"Name": "FunctionName", "Value": FUNCTION}],
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=0,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="notBreaching",
        )
        yield made
