"""AWS throttles, fails, loses answers, and others change the same things: pushes and releases bear it, or say so."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from handler.bundle import contract
from infra.registry.references import Reference
from tests.cloud import account, models, warm
from tests.cloud.account import FUNCTION, Account
from tests.cloud.plane import LOSE, PASS, REFUSE, Asked
from tests.cloud.test_release import alias, routes, tags, wait_for

_ALIAS = f"/2015-03-31/functions/{FUNCTION}/aliases/live"


@pytest.fixture
def site(moto_server: str, tmp_path: Path) -> Iterator[Account]:
    with account.account(moto_server, tmp_path / "account") as made:
        made.environment["AWS_MAX_ATTEMPTS"] = "5"
        yield made


@pytest.fixture
def live(site: Account, tmp_path: Path) -> Account:
    """The site, with the first version released."""
    models.honest(tmp_path / "one", 1)
    ran = site.release(tmp_path / "one")
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
    for folder in (tmp_path / "one", two):
        ran = site.release(folder, "--stages", "50,100")
        assert ran.status == 0, ran.err
    assert len(met) > 5
    site.plane.reset()
    assert alias(site) == ("2", {})  # lost answers published nothing twice
    assert len(site.client("lambda").list_versions_by_function(FunctionName=FUNCTION)["Versions"]) == 3
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


def test_a_lost_answer_to_a_move_of_the_alias_is_not_taken_for_somebody_elses(live: Account, two: Path) -> None:
    moves = routes(live)
    lost: list[int] = []

    def before(asked: Asked) -> str:
        if asked.method == "PUT" and asked.path == _ALIAS and len(lost) < 2 and asked.number not in lost:
            lost.append(asked.number)
            return LOSE
        return PASS

    live.plane.before = before
    ran = live.release(two, "--stages", "50,100")
    assert ran.status == 0, ran.err
    assert len(lost) == 2 and alias(live) == ("2", {})
    assert moves[-1] == ("2", {})


def test_somebody_elses_move_is_never_overwritten(live: Account, two: Path, tmp_path: Path) -> None:
    """While a canary of 2 is on, somebody rolls back by hand: the release does not shift on."""
    process = live.start(*live.releasing(two, "--stages", "50,100", "--bake", "3"))
    wait_for(lambda: alias(live) == ("1", {"2": 0.5}))
    assert live.quickly("rollback").status == 0
    _, err = process.communicate(timeout=60)
    assert process.returncode == 5
    assert "Somebody else moved the alias live of limbeck: it is version 1 now" in err
    assert alias(live) == ("1", {})


def test_a_move_between_reading_and_writing_is_seen(live: Account, two: Path) -> None:
    done: list[int] = []

    def before(asked: Asked) -> str:
        if asked.method == "PUT" and asked.path == _ALIAS and not done:
            done.append(asked.number)
            client = account.client("lambda", live.plane.address)
            client.update_alias(
                FunctionName=FUNCTION, Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": 0.9}}
            )
        return PASS

    live.plane.before = before
    ran = live.release(two)
    assert ran.status == 5 and "Somebody else moved the alias" in ran.err
    assert alias(live) == ("1", {"2": 0.9})


def test_two_releases_of_one_version_at_once_end_on_it(live: Account, two: Path, tmp_path: Path) -> None:
    logs = [tmp_path / "a", tmp_path / "b"]
    both = [warm.start(live.releasing(two, "--stages", "50,100"), live.environment, log) for log in logs]
    for process in both:
        process.join(60)
    statuses = sorted(process.exitcode for process in both)
    assert statuses in ([0, 0], [0, 5]), [log.read_text() for log in logs]
    assert live.release(two).status == 0 and alias(live) == ("2", {})
    assert tags(live)[contract.read(two).version] == "live"


def test_two_releases_of_different_versions_at_once_leave_one_whole(live: Account, two: Path, tmp_path: Path) -> None:
    models.honest(tmp_path / "three", 3)
    logs = {folder: tmp_path / f"{folder.name}.log" for folder in (two, tmp_path / "three")}
    both = [
        warm.start(live.releasing(folder, "--stages", "50,100"), live.environment, log) for folder, log in logs.items()
    ]
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
