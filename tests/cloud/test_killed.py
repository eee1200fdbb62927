"""SIGKILL at random points of push and release: what a reader finds is always whole, and the next run finishes."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from handler.bundle import contract
from handler.bundle import golden as golden_file
from infra.errors import ConfigError
from infra.registry.references import Reference
from infra.release import golden
from tests.cloud import account, models, warm
from tests.cloud.account import FUNCTION, Account
from tests.cloud.plane import PASS, REFUSE, Asked

KILLS = int(os.environ.get("LIMBECK_KILLS", "50"))  # of each: push, release
KILLS_A_BUNDLE = 5
MOST_REQUESTS = {"push": 11, "release": 50}  # about as many as one whole run makes
PATIENCE_SECONDS = 60
SEED = int(os.environ.get("LIMBECK_SEED", "20261122"))


class Killer:
    """Kills a process at one moment: before a request is done, after it, or a little later."""

    def __init__(self, process: BaseProcess, number: int, moment: str, later_seconds: float) -> None:
        self._process, self._number, self._moment, self._later = process, number, moment, later_seconds
        self.point = ""

    def before(self, asked: Asked) -> str:
        if asked.number == self._number and self._moment == "before":
            self._kill(asked)
            return REFUSE
        return PASS

    def after(self, asked: Asked) -> None:
        if asked.number != self._number:
            return
        if self._moment == "after":
            self._kill(asked)
        elif self._moment == "later":
            threading.Timer(self._later, self._kill, [asked]).start()

    def _kill(self, asked: Asked) -> None:
        if self._process.is_alive() and self._process.pid:
            os.kill(self._process.pid, signal.SIGKILL)
            self.point = f"{self._moment} request {asked.number}, {asked.service} {asked.method}"


class Reader(threading.Thread):
    """Somebody who resolves `live` all the time, and keeps what it was."""

    def __init__(self, site: Account) -> None:
        super().__init__(daemon=True)
        self._client = site.client("lambda")
        self._over = threading.Event()
        self.seen: dict[tuple[str, frozenset[str]], int] = {}

    def run(self) -> None:
        while not self._over.wait(0.02):
            try:
                said = self._client.get_alias(FunctionName=FUNCTION, Name="live")
            except self._client.exceptions.ResourceNotFoundException:
                continue
            weights = (said.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
            route = said["FunctionVersion"], frozenset(weights)
            self.seen[route] = self.seen.get(route, 0) + 1

    def stop(self) -> None:
        self._over.set()
        self.join()


@pytest.fixture(scope="module")
def site(moto_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with account.account(moto_server, tmp_path_factory.mktemp("killed")) as made:
        yield made


def run_killed(site: Account, dice: random.Random, arguments: tuple[str, ...], log: Path) -> tuple[int | None, str]:
    """Run a command that is to be killed somewhere; its exit status (-9 where it was in time), and where."""
    site.plane.reset()
    number = dice.randint(1, MOST_REQUESTS[arguments[0]])
    moment = dice.choice(["before", "after", "later"])
    later = dice.uniform(0, 0.05)
    started = threading.Event()
    killer: list[Killer] = []

    def before(asked: Asked) -> str:
        assert started.wait(PATIENCE_SECONDS)
        return killer[0].before(asked)

    site.plane.before, site.plane.after = before, lambda asked: killer[0].after(asked)
    process = warm.start(arguments, site.environment, log)
    killer.append(Killer(process, number, moment, later))
    started.set()
    process.join(PATIENCE_SECONDS)
    site.plane.reset()
    return process.exitcode, killer[0].point


def run_whole(site: Account, arguments: tuple[str, ...], log: Path) -> None:
    process = warm.start(arguments, site.environment, log)
    process.join(PATIENCE_SECONDS)
    assert process.exitcode == 0, log.read_text()[-2000:]


@pytest.mark.slow
def test_a_push_killed_anywhere_leaves_whole_versions_alone_and_the_next_one_finishes(
    site: Account, tmp_path: Path
) -> None:
    dice, registry, trust, log = random.Random(SEED), site.registry(), site.trust("pushed"), tmp_path / "log"
    site.client("s3").create_bucket(
        Bucket=account.BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    kills, number, points, whole = 0, 0, set(), set()
    while kills < KILLS:
        number += 1
        folder = tmp_path / str(number)
        version = models.honest(folder, number, "pushed").version
        for _ in range(KILLS_A_BUNDLE):
            status, point = run_killed(site, dice, ("push", str(folder)), log)
            kills += status == -signal.SIGKILL
            points.add(point)
            listed = {entry.version for entry in registry.entries("pushed")}
            assert whole <= listed <= whole | {version}
            if version in listed:  # what a reader sees is all there, and signed
                registry.verify(Reference("pushed", version), trust)
        run_whole(site, ("push", str(folder)), log)
        registry.verify(Reference("pushed", version), trust)
        whole.add(version)
        assert [event.kind for event in registry.history("pushed").events(version=version)] == ["pushed"]
    assert len(points) > KILLS // 4  # at many different points


@pytest.mark.slow
def test_a_release_killed_anywhere_leaves_live_on_whole_versions_and_the_next_one_finishes(
    site: Account, tmp_path: Path
) -> None:
    dice, log = random.Random(SEED + 1), tmp_path / "log"
    site.set_alarm("OK")
    reader = Reader(site)
    reader.start()
    kills, number, points, old = 0, 0, set(), ""
    replayed: set[str] = set()
    released: set[str] = set()
    try:
        while kills < KILLS:
            number += 1
            folder = tmp_path / str(number)
            manifest = models.honest(folder, number, "killed")
            command = site.releasing(folder, "--stages", "30,100")
            for _ in range(KILLS_A_BUNDLE):
                status, point = run_killed(site, dice, command, log)
                kills += status == -signal.SIGKILL
                points.add(point)
                demand_whole(site, {old, manifest.version} - {""}, replayed)
                if status == 0:
                    break
            if status != 0:
                run_whole(site, command, log)
            demand_whole(site, {manifest.version}, replayed)
            assert bundle_of(site, site.alias()["FunctionVersion"]) == f"killed/{manifest.version}"
            assert not (site.alias().get("RoutingConfig") or {}).get("AdditionalVersionWeights")
            assert site.registry().tags("killed").version("live") == manifest.version
            old = manifest.version
            released.add(site.alias()["FunctionVersion"])
    finally:
        reader.stop()
    assert len(points) > KILLS // 4
    # Nobody was ever sent to a version that does not answer as a whole bundle does.
    routed = {version for live, canary in reader.seen for version in (live, *canary)}
    assert routed <= released == replayed
    assert sum(reader.seen.values()) > 100 and any(canary for _, canary in reader.seen)


def demand_whole(site: Account, versions: set[str], replayed: set[str]) -> None:
    """What `live` resolves to is the old or the new bundle, with every golden answer; the registry's tag likewise."""
    registry, functions = site.registry(), site.client("lambda")
    try:
        alias = site.alias()
    except functions.exceptions.ResourceNotFoundException:
        return  # the first release was killed before anybody could come
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    for number in (alias["FunctionVersion"], *weights):
        name, _, version = bundle_of(site, number).partition("/")
        assert version in versions
        if number not in replayed:  # a version never changes
            # Out of the registry, so the bundle that answers is there too, whole and signed.
            folder = registry.pull(Reference(name, version), site.work / "read", site.trust(name))
            assert golden.replay(golden_file.read(folder), contract.read(folder), site.invoke(number)) == ()
            replayed.add(number)
    try:
        assert registry.resolve(Reference("killed", tag="live")).version in versions
    except ConfigError:
        assert len(versions) == 1  # no release was finished yet


def bundle_of(site: Account, number: str) -> str:
    said = site.client("lambda").get_function_configuration(FunctionName=FUNCTION, Qualifier=number)
    return str(said["Description"]).partition(" ")[0]
