"""SIGKILL at random points of push, release and rollback: what a reader finds is whole, and the next run finishes."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from infra.errors import ConfigError
from infra.image.build import bundle_of as bundle_in
from infra.registry.references import Reference
from tests.cloud import account, models, warm
from tests.cloud.account import Account
from tests.cloud.plane import PASS, REFUSE, Asked

KILLS = int(os.environ.get("LIMBECK_KILLS", "50"))  # of each
KILLS_A_BUNDLE = 5
MOST_REQUESTS = {"push": 11, "release": 90, "rollback": 60}  # about as many as one whole run makes
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
        self._site = site
        self._over = threading.Event()
        self.seen: dict[tuple[str, frozenset[str]], int] = {}

    def run(self) -> None:
        while not self._over.wait(0.02):
            said = self._site.alias()
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
    number = dice.randint(1, MOST_REQUESTS[arguments[0]])
    moment = dice.choice(["before", "after", "later"])
    return run_killed_at(site, number, moment, dice.uniform(0, 0.05), arguments, log)


def run_killed_at(
    site: Account, number: int, moment: str, later_seconds: float, arguments: tuple[str, ...], log: Path
) -> tuple[int | None, str]:
    """The same, at one request."""
    site.plane.reset()
    started = threading.Event()
    killer: list[Killer] = []

    def before(asked: Asked) -> str:
        assert started.wait(PATIENCE_SECONDS)
        return killer[0].before(asked)

    site.plane.before, site.plane.after = before, lambda asked: killer[0].after(asked)
    process = warm.start(arguments, site.environment, log)
    killer.append(Killer(process, number, moment, later_seconds))
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
def test_a_release_killed_anywhere_leaves_callers_on_whole_versions_and_the_same_command_goes_on(
    site: Account, tmp_path: Path
) -> None:
    dice, log = random.Random(SEED + 1), tmp_path / "log"
    old = models.honest(tmp_path / "first", 0, "killed").version
    assert site.first_release(tmp_path / "first").status == 0
    reader = Reader(site)
    reader.start()
    kills, number, points = 0, 0, set()
    before_the_change, after_the_change = 0, 0
    whole: set[str] = set()
    demand_whole(site, {old}, whole)
    try:
        while kills < KILLS:
            number += 1
            folder = tmp_path / str(number)
            version = models.honest(folder, number, "killed").version
            command, image = site.releasing(folder), site.stack.parameters["Image"]
            for _ in range(KILLS_A_BUNDLE):
                status, point = run_killed(site, dice, command, log)
                points.add(point)
                demand_whole(site, {old, version}, whole)
                begun = site.stack.parameters["Image"] != image
                if status == -signal.SIGKILL:
                    kills += 1
                    before_the_change, after_the_change = before_the_change + (not begun), after_the_change + begun
                if status == 0:
                    break
            if status != 0:
                run_whole(site, command, log)
            demand_whole(site, {version}, whole)
            assert not (site.alias().get("RoutingConfig") or {}).get("AdditionalVersionWeights")
            assert site.stack.status == "UPDATE_COMPLETE"
            assert site.registry().tags("killed").version("live") == version
            old = version
    finally:
        reader.stop()
    assert len(points) > KILLS // 4 and before_the_change > KILLS // 10 and after_the_change > KILLS // 10
    # Nobody was ever sent to a version that does not answer as a whole bundle does.
    routed = {it for live, canary in reader.seen for it in (live, *canary)}
    assert routed <= whole
    assert sum(reader.seen.values()) > 100 and any(canary for _, canary in reader.seen)


@pytest.mark.slow
def test_a_rollback_killed_anywhere_ends_on_the_good_version_by_the_same_command(site: Account, tmp_path: Path) -> None:
    dice, log = random.Random(SEED + 2), tmp_path / "log"
    good = models.honest(tmp_path / "good", 1001, "killed").version
    assert (site.release if site.plane.cloudformation.stacks else site.first_release)(tmp_path / "good").status == 0
    kills, points, whole = 0, set(), set()
    models.honest(tmp_path / "bad", 1002, "killed")
    while kills < KILLS:
        assert site.release(tmp_path / "bad").status == 0
        moved = False
        for _ in range(KILLS_A_BUNDLE):
            status, point = run_killed(site, dice, ("rollback",), log)
            kills += status == -signal.SIGKILL
            points.add(point)
            now = bundle_of(site, site.alias()["FunctionVersion"])
            assert not (moved and now != f"killed/{good}")  # once back, nothing takes callers forth again
            moved = moved or now == f"killed/{good}"
            if status == 0:
                break
        if status != 0:
            run_whole(site, ("rollback",), log)
        demand_whole(site, {good}, whole)
        assert site.stack.parameters["Image"].endswith(digest_of(site, site.alias()["FunctionVersion"]))
        assert site.stack.parameters["RolledBackTo"] == ""
        assert site.registry().tags("killed").version("live") == good
    assert len(points) > KILLS // 4


def demand_whole(site: Account, versions: set[str], whole: set[str]) -> None:
    """What `live` resolves to is the old or the new bundle, with every golden answer; the registry's tag likewise."""
    registry, alias = site.registry(), site.alias()
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    for number in (alias["FunctionVersion"], *weights):
        name, _, version = bundle_of(site, number).partition("/")
        assert version in versions
        if number not in whole:  # a version never changes
            registry.verify(Reference(name, version), site.trust(name))
            verdict = site.invoke(number, {"replay": "golden"})
            assert verdict["replayed"] > 0 and verdict["wrong"] == 0
            whole.add(number)
    try:
        assert registry.resolve(Reference("killed", tag="live")).version in versions
    except ConfigError:
        assert len(versions) == 1  # no release was finished yet


def digest_of(site: Account, number: str) -> str:
    found = site.client("lambda").get_function_configuration(FunctionName=site.function, Qualifier=number)
    return f"sha256:{found['CodeSha256']}"


def bundle_of(site: Account, number: str) -> str:
    wanted = {"repositoryName": "limbeck", "imageIds": [{"imageDigest": digest_of(site, number)}]}
    [image] = site.client("ecr").describe_images(**wanted)["imageDetails"]
    return bundle_in(image["imageTags"][0])
