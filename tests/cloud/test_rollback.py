"""Rollback: out of a canary, or to the version before in seconds, whatever rings; and then the stack agrees."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloud import account, models
from tests.cloud.account import Account, wait_for
from tests.cloud.plane import PASS, REFUSE, Asked
from tests.cloud.test_release import alias, begun, bundle_at, images, kinds, tags, version_in, written


@pytest.fixture
def site(moto_server: str, tmp_path: Path) -> Iterator[Account]:
    """The first version is released, and then the second."""
    with account.account(moto_server, tmp_path / "account", minute=0) as made:
        models.honest(tmp_path / "one", 1)
        models.honest(tmp_path / "two", 2)
        assert made.first_release(tmp_path / "one").status == made.release(tmp_path / "two").status == 0
        yield made


@pytest.fixture
def one(tmp_path: Path) -> str:
    return version_in(tmp_path / "one")


@pytest.fixture
def two(tmp_path: Path) -> str:
    return version_in(tmp_path / "two")


def demand_back(site: Account, version: str) -> None:
    """Callers, stack and registry are on a version, and the stack is guarded."""
    assert bundle_at(site) == version and alias(site)[1] == {}
    on, named = images(site)
    assert on == named and site.stack.parameters["RolledBackTo"] == ""
    assert tags(site)[version] == "live"
    group = site.stack.resources["PredictFunctionDeploymentGroup"].resolved
    assert group["AlarmConfiguration"]["Enabled"] is True


def test_callers_come_first_by_one_deployment_and_then_the_stack_agrees(site: Account, one: str, two: str) -> None:
    seen = written(site)
    ran = site.quickly("rollback")
    assert ran.status == 0, ran.err
    assert seen == ["CreateDeployment", *["CreateChangeSet", "ExecuteChangeSet"] * 2]
    demand_back(site, one)
    assert tags(site)[two] == "retired" and kinds(site, two)[-1] == "rolled-back"


def test_neither_an_alarm_nor_a_replay_can_keep_the_bad_version(site: Account, one: str) -> None:
    for alarm in ("CrashAlarm", "FaultAlarm", "GatewayAlarm"):
        site.set_alarm("ALARM", "the bad version", alarm)
    asked: list[str] = []
    site.plane.codedeploy.on_hook = asked.append
    assert site.quickly("rollback").status == 0
    demand_back(site, one)
    assert asked == []


@pytest.mark.parametrize("times", [2, 3])
def test_twice_is_safe(site: Account, one: str, times: int) -> None:
    for _ in range(times):
        ran = site.quickly("rollback")
        assert ran.status == 0, ran.err
        demand_back(site, one)
    assert "already" in ran.out


def test_two_at_once_end_on_the_version_before(site: Account, one: str) -> None:
    both = [site.start("rollback") for _ in range(2)]
    said = [process.communicate(timeout=180) for process in both]
    assert 0 in [process.returncode for process in both], said
    assert site.quickly("rollback").status == 0
    demand_back(site, one)


def test_a_sam_deploy_afterwards_keeps_the_good_version(site: Account, one: str) -> None:
    assert site.quickly("rollback").status == 0
    assert site.sam_deploy() == "no changes"
    assert site.sam_deploy(MemorySize="1024", AlarmP99Milliseconds="300") == "UPDATE_COMPLETE"
    assert bundle_at(site) == one and images(site)[0] == images(site)[1]


def test_after_a_rollback_a_release_goes_by_canary_again(site: Account, one: str, two: str, tmp_path: Path) -> None:
    assert site.quickly("rollback").status == 0
    models.broken(tmp_path / "bad", 3)
    assert site.release(tmp_path / "bad").status == 3
    demand_back(site, one)
    assert site.release(tmp_path / "two").status == 0  # the same image as before, and a version of its own
    assert bundle_at(site) == two
    assert site.quickly("rollback").status == 0
    demand_back(site, one)


def test_a_release_that_is_under_way_is_stopped_and_the_stack_set_back(site: Account, two: str, tmp_path: Path) -> None:
    third = models.honest(tmp_path / "three", 3).version
    process = begun(site, *site.releasing(tmp_path / "three"))
    seen = written(site)
    ran = site.quickly("rollback")
    assert ran.status == 0, ran.err
    _, err = process.communicate(timeout=180)
    assert process.returncode == 3 and "MANUAL_STOP" in err
    assert seen[0] == "StopDeployment" and "CreateDeployment" not in seen and "ExecuteChangeSet" not in seen
    demand_back(site, two)
    assert "stopped" in kinds(site, third) and tags(site)[third] == "retired"
    again = site.quickly("rollback", "--to", two)
    assert again.status == 0 and "already" in again.out


def test_a_canary_that_was_undone_is_not_where_a_rollback_goes(site: Account, one: str, tmp_path: Path) -> None:
    models.honest(tmp_path / "three", 3)
    process = begun(site, *site.releasing(tmp_path / "three"))
    site.set_alarm("ALARM")
    process.communicate(timeout=180)
    site.settled()
    assert site.quickly("rollback").status == 0
    demand_back(site, one)


def test_a_change_that_has_not_come_to_the_alias_is_cancelled(site: Account, two: str, tmp_path: Path) -> None:
    models.honest(tmp_path / "three", 3)
    site.plane.cloudformation.pause_before = "NewVersionCrashAlarm"
    process = site.start(*site.releasing(tmp_path / "three"))
    wait_for(lambda: site.stack.status == "UPDATE_IN_PROGRESS")
    back = site.start("rollback")
    wait_for(lambda: site.stack.cancelled)
    site.plane.cloudformation.pause_before = ""
    _, err = back.communicate(timeout=180)
    assert back.returncode == 0, err
    process.communicate(timeout=180)
    demand_back(site, two)
    assert process.returncode == 3


def test_one_that_broke_off_is_finished_by_the_same_command_and_a_release_says_so(
    site: Account, one: str, tmp_path: Path
) -> None:
    site.plane.before = lambda asked: REFUSE if asked.operation == "CreateChangeSet" else PASS
    ran = site.quickly("rollback")
    assert ran.status == 5 and bundle_at(site) == one  # callers came first
    site.plane.reset()
    assert "A rollback broke off" in site.quickly("status").out
    models.honest(tmp_path / "three", 3)
    ran = site.release(tmp_path / "three")
    assert ran.status == 2 and "rollback` finishes it" in ran.err
    assert site.quickly("rollback").status == 0
    demand_back(site, one)


def test_a_stack_that_cannot_agree_does_not_take_callers_to_the_bad_version(site: Account, one: str) -> None:
    """The last resource of the change fails: what went before stays, the alias with it."""
    site.plane.cloudformation.fail_at = "NewVersionSlowAlarm"
    ran = site.quickly("rollback")
    assert ran.status == 5 and "UPDATE_FAILED" in ran.err
    assert bundle_at(site) == one
    site.plane.cloudformation.fail_at = ""
    assert site.quickly("rollback").status == 0
    demand_back(site, one)


def test_to_names_an_earlier_version(site: Account, one: str, tmp_path: Path) -> None:
    models.honest(tmp_path / "three", 3)
    assert site.release(tmp_path / "three").status == 0
    assert site.quickly("rollback", "--to", one).status == 0
    demand_back(site, one)


@pytest.mark.parametrize(("to", "word"), [("99", "no published version 99"), ("nothing", "no published version")])
def test_to_a_version_that_is_not_there_is_told_so(site: Account, two: str, to: str, word: str) -> None:
    ran = site.quickly("rollback", "--to", to)
    assert ran.status == 2 and word in ran.err and bundle_at(site) == two


def test_the_first_version_has_none_before_it(moto_server: str, tmp_path: Path) -> None:
    with account.account(moto_server, tmp_path / "account") as site:
        assert site.quickly("rollback").status == 2
        models.honest(tmp_path / "one", 1)
        assert site.first_release(tmp_path / "one").status == 0
        ran = site.quickly("rollback")
        assert ran.status == 2 and "No deployment tells" in ran.err


def test_a_lost_answer_to_the_deployment_does_not_send_callers_forth_and_back(site: Account, one: str) -> None:
    lost: list[Asked] = []

    def before(asked: Asked) -> str:
        if asked.operation == "CreateDeployment" and not lost:
            lost.append(asked)
            return "lose"
        return PASS

    site.plane.before = before
    ran = site.quickly("rollback", AWS_MAX_ATTEMPTS="3")
    site.plane.reset()
    assert ran.status in (0, 5)
    assert site.quickly("rollback").status == 0
    demand_back(site, one)
