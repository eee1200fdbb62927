"""AWS throttles, fails, loses answers, and others change the same things: pushes and releases bear it, or say so."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from handler.bundle import contract
from infra.registry.references import Reference
from tests.cloud import account, models, warm
from tests.cloud.account import Account
from tests.cloud.plane import LOSE, PASS, REFUSE, Asked
from tests.cloud.test_release import alias, tags


@pytest.fixture
def site(moto_server: str, tmp_path: Path) -> Iterator[Account]:
    with account.account(moto_server, tmp_path / "account") as made:
        made.environment["AWS_MAX_ATTEMPTS"] = "5"
        yield made


@pytest.fixture
def live(site: Account, tmp_path: Path) -> Account:
    """The site, with the first version released."""
    models.honest(tmp_path / "one", 1)
    ran = site.first_release(tmp_path / "one")
    assert ran.status == 0, ran.err
    return site


@pytest.fixture
def two(tmp_path: Path) -> Path:
    models.honest(tmp_path / "two", 2)
    return tmp_path / "two"


def bad_luck(seed: int, share: float) -> tuple[list[str], list[Asked]]:
    """Verdicts to come, and the requests that met with one."""
    dice = random.Random(seed)
    verdicts = [dice.choice([REFUSE, LOSE]) if dice.random() < share else PASS for _ in range(10_000)]
    return verdicts, []


def spoil(site: Account, seed: int, share: float) -> list[Asked]:
    """From now on this share of all requests is throttled, or done and its answer lost."""
    verdicts, met = bad_luck(seed, share)

    def before(asked: Asked) -> str:
        verdict = verdicts[asked.number]
        if verdict != PASS:
            met.append(asked)
        return verdict

    site.plane.before = before
    return met


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_throttling_and_lost_answers_delay_a_push_and_a_release_and_change_nothing_else(
    site: Account, two: Path, tmp_path: Path, seed: int
) -> None:
    version = models.honest(tmp_path / "one", 1).version
    met = spoil(site, seed, 0.12)
    site.client("s3").create_bucket(
        Bucket=account.BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    pushed = site.quickly("push", tmp_path / "one")
    assert pushed.status == 0, pushed.err
    said = site.release(tmp_path / "one")
    assert said.status == 2 and "sam deploy" in said.err, said.err
    site.plane.reset()
    assert site.first_release(tmp_path / "one").status == 0
    again = spoil(site, seed, 0.12)
    status = 5
    for _ in range(3):  # what AWS has begun goes on, whatever becomes of who asked for it
        ran = site.release(two)
        if (status := ran.status) == 0:
            break
    assert status == 0, ran.err
    assert len(met) + len(again) > 5
    site.plane.reset()
    assert alias(site) == ("2", {})  # lost answers published nothing twice
    assert len(site.client("lambda").list_versions_by_function(FunctionName=site.function)["Versions"]) == 3
    assert tags(site) == {version: "retired", contract.read(two).version: "live"}
    for folder in (tmp_path / "one", two):
        wanted = contract.read(folder).version
        site.registry().verify(Reference("tiny-text", wanted), site.trust())
        kinds = [event.kind for event in site.registry().history("tiny-text").events(version=wanted)]
        assert kinds == ["pushed", "released"]


def test_aws_that_stays_away_gives_status_5_and_the_next_run_finishes(live: Account, two: Path) -> None:
    live.plane.before = lambda asked: REFUSE if asked.service == "ecr" else PASS
    ran = live.release(two, AWS_MAX_ATTEMPTS="2")
    assert ran.status == 5 and "throttling or busy" in ran.err
    live.plane.reset()
    assert live.release(two).status == 0


def test_a_lost_answer_to_the_change_is_not_taken_for_a_failure(live: Account, two: Path) -> None:
    lost: list[str] = []

    def before(asked: Asked) -> str:
        if asked.operation == "ExecuteChangeSet" and not lost:
            lost.append(asked.operation)
            return LOSE
        return PASS

    live.plane.before = before
    ran = live.release(two)
    live.plane.reset()
    assert lost and ran.status in (0, 5), ran.err  # asked again, the change set is gone: it was executed
    live.settled()
    assert live.release(two).status == 0 and alias(live) == ("2", {})
    assert len(live.client("lambda").list_versions_by_function(FunctionName=live.function)["Versions"]) == 3


def test_two_releases_of_one_version_at_once_end_on_it(live: Account, two: Path, tmp_path: Path) -> None:
    logs = [tmp_path / "a", tmp_path / "b"]
    both = [warm.start(live.releasing(two), live.environment, log) for log in logs]
    for process in both:
        process.join(60)
    statuses = sorted(process.exitcode for process in both)
    assert statuses in ([0, 0], [0, 5]), [log.read_text() for log in logs]
    assert live.release(two).status == 0 and alias(live) == ("2", {})
    assert tags(live)[contract.read(two).version] == "live"


def test_two_releases_of_different_versions_at_once_leave_one_whole(live: Account, two: Path, tmp_path: Path) -> None:
    models.honest(tmp_path / "three", 3)
    logs = {folder: tmp_path / f"{folder.name}.log" for folder in (two, tmp_path / "three")}
    both = [warm.start(live.releasing(folder), live.environment, log) for folder, log in logs.items()]
    for process in both:
        process.join(60)
    assert 0 in [process.exitcode for process in both], [log.read_text() for log in logs.values()]
    now, weights = alias(live)
    assert now in ("2", "3") and weights == {}


def test_two_pushers_of_one_version_leave_it_whole_and_noted(site: Account, two: Path, tmp_path: Path) -> None:
    site.client("s3").create_bucket(
        Bucket=account.BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    logs = [tmp_path / str(number) for number in range(3)]
    pushers = [warm.start(("push", str(two)), site.environment, log) for log in logs]
    for pusher, log in zip(pushers, logs, strict=True):
        pusher.join(60)
        assert pusher.exitcode == 0, log.read_text()
    site.registry().verify(Reference("tiny-text", contract.read(two).version), site.trust())
