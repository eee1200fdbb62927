"""Releases, alarms, kills, rollbacks and `sam deploy` in any order, and what must hold after each of them."""

from __future__ import annotations

import os
import signal
import tempfile
from contextlib import ExitStack
from functools import cached_property
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.cloud import account, models, warm
from tests.cloud.account import Account, wait_for
from tests.cloud.test_killed import MOST_REQUESTS, PATIENCE_SECONDS, bundle_of, run_killed_at
from tests.cloud.test_release import alias, images

EXAMPLES = int(os.environ.get("LIMBECK_EXAMPLES", "2"))
STEPS = int(os.environ.get("LIMBECK_STEPS", "6"))
SEED = int(os.environ.get("LIMBECK_SEED", "20261129"))
NAME = "tiny-text"
STOPPED = 3  # the exit status of a release that was undone
ALARMS = st.sampled_from(["CrashAlarm", "FaultAlarm", "GatewayAlarm", "NewVersionCrashAlarm"])
MOMENTS = st.sampled_from(["before", "after", "later"])


class Releases(RuleBasedStateMachine):
    """One stack, and a model of whom callers are on, moved by the rules."""

    def __init__(self, moto: str) -> None:
        super().__init__()
        self._open, self._moto = ExitStack(), moto
        self.work = Path(self._open.enter_context(tempfile.TemporaryDirectory()))
        self.made: dict[str, Path] = {}  # honest versions -> their folders
        self.live = ""  # the version that callers are on
        self.before = ""  # where a rollback takes them, unless the last move was one
        self.is_back = False  # whether the last move was a rollback
        self.is_noted = True  # whether the registry must know who is live
        self.replayed: set[str] = set()  # numbers whose golden answers are right
        self.unfinished: Path | None = None  # what a killed command was to release

    def teardown(self) -> None:
        self._open.close()

    @cached_property
    def site(self) -> Account:
        """The account, in which a second version has followed the first. Hypothesis begins examples without a step."""
        site: Account = self._open.enter_context(account.account(self._moto, self.work / "account", minute=0))
        folders = [self.honest(), self.honest()]
        assert site.first_release(folders[0]).status == site.release(folders[1]).status == 0
        self.before, self.live = (self.version_in(it) for it in folders)
        return site

    # ------------------------------------------------------------------ releases
    @rule(data=st.data())
    def release_of_a_new_or_an_earlier_version(self, data: st.DataObject) -> None:
        number = data.draw(st.integers(0, 3))
        earlier = list(self.made.values())[-number:] if number else []
        self.demand_released(earlier[0] if earlier else self.honest())

    @rule(how=st.sampled_from(["probability", "novelty"]))
    def release_of_a_broken_version(self, how: str) -> None:
        ran = self.site.release(self.broken(how))
        assert ran.status == STOPPED and "HOOK_EXECUTION_FAILURE" in ran.err, ran

    @rule(alarm=ALARMS)
    def release_while_an_alarm_rings(self, alarm: str) -> None:
        self.site.set_alarm("ALARM", alarm=alarm)
        ran = self.site.release(self.honest())
        self.site.set_alarm("OK", alarm=alarm)
        assert ran.status == 2 and "rings already" in ran.err, ran

    @rule(alarm=ALARMS, is_killed=st.booleans())
    def alarm_in_a_canary(self, alarm: str, is_killed: bool) -> None:
        folder = self.honest()
        process = self.canary(folder)
        if is_killed:
            process.kill()
        self.site.set_alarm("ALARM", alarm=alarm)
        process.join(PATIENCE_SECONDS)
        self.site.settled()
        self.site.plane.codedeploy.minute = 0
        assert process.exitcode == (-signal.SIGKILL if is_killed else STOPPED)
        if is_killed:  # the same command reports what came of it
            ran = self.site.release(folder)
            assert ran.status == STOPPED and "ALARM_ACTIVE" in ran.err, ran
        self.site.set_alarm("OK", alarm=alarm)

    @rule()
    def two_releases_at_once(self) -> None:
        folders = [self.honest(), self.honest()]
        both = [self.begin(*self.site.releasing(it)) for it in folders]
        for process in both:
            process.join(PATIENCE_SECONDS)
        self.site.settled()
        statuses = [process.exitcode for process in both]
        assert 0 in statuses and set(statuses) <= {0, 2, 5}, statuses
        now = self.served()
        first, second = (self.version_in(it) for it in folders)
        assert now in (first, second)
        if statuses == [0, 0]:  # one after the other
            self.moved(first if now == second else second)
        else:
            assert statuses[(first, second).index(now)] == 0
        self.moved(now)
        self.is_noted = True

    # ------------------------------------------------------------------ kills
    @rule(
        number=st.integers(1, MOST_REQUESTS["release"]), moment=MOMENTS, later=st.floats(0, 0.05), is_good=st.booleans()
    )
    def release_killed(self, number: int, moment: str, later: float, is_good: bool) -> None:
        folder = self.honest() if is_good else self.broken("probability")
        run_killed_at(self.site, number, moment, later, self.site.releasing(folder), self.work / "log")
        self.site.settled()
        now, wanted = self.served(), self.version_in(folder)
        assert now in ({self.live, wanted} if is_good else {self.live})
        if now != self.live:
            self.moved(now)
            self.is_noted = False
        self.unfinished = folder

    @precondition(lambda self: self.unfinished is not None)
    @rule()
    def same_release_again(self) -> None:
        folder, self.unfinished = self.unfinished, None
        assert folder is not None
        if self.version_in(folder) in self.made:
            self.demand_released(folder)
        else:
            ran = self.site.release(folder)
            assert ran.status == STOPPED and "golden inputs are answered otherwise" in ran.err, ran

    @precondition(lambda self: not self.is_back)
    @rule(
        number=st.integers(1, MOST_REQUESTS["rollback"]),
        moment=MOMENTS,
        later=st.floats(0, 0.05),
        deploys_between=st.booleans(),
    )
    def rollback_killed(self, number: int, moment: str, later: float, deploys_between: bool) -> None:
        run_killed_at(self.site, number, moment, later, ("rollback",), self.work / "log")
        self.site.settled()
        now = self.served()
        assert now in (self.live, self.before)
        if deploys_between:
            self.site.sam_deploy(AlarmP99Milliseconds=str(300 + number))
            assert self.served() == now
        self.rollback()

    # ------------------------------------------------------------------ rollbacks
    @rule()
    def rollback(self) -> None:
        ran = self.site.quickly("rollback")
        assert ran.status == 0, ran
        if not self.is_back:
            self.live, self.before, self.is_back = self.before, "", True
        self.is_noted = True

    @rule(alarm=ALARMS)
    def rollback_while_an_alarm_rings(self, alarm: str) -> None:
        self.site.set_alarm("ALARM", alarm=alarm)
        self.rollback()
        self.site.set_alarm("OK", alarm=alarm)

    @rule()
    def rollback_in_a_canary(self) -> None:
        process = self.canary(self.honest())
        ran = self.site.quickly("rollback")
        process.join(PATIENCE_SECONDS)
        self.site.plane.codedeploy.minute = 0
        assert ran.status == 0 and process.exitcode == STOPPED, ran

    # ------------------------------------------------------------------ sam deploy
    @rule(
        parameters=st.sampled_from([{}, {"AlarmP99Milliseconds": "400"}, {"MemorySize": "1024"}, {"LogLevel": "DEBUG"}])
    )
    def sam_deploy(self, parameters: dict[str, str]) -> None:
        assert self.site.sam_deploy(**parameters) in ("no changes", "UPDATE_COMPLETE")

    @rule(data=st.data())
    def sam_deploy_of_an_image(self, data: st.DataObject) -> None:
        images = self.images()
        version = data.draw(st.sampled_from([it for it in self.made if it in images]))
        assert self.site.sam_deploy(Image=images[version]) in ("no changes", "UPDATE_COMPLETE")
        if version != self.live:
            self.moved(version)
            self.is_noted = False

    # ------------------------------------------------------------------ what always holds
    @invariant()
    def callers_get_a_whole_version_that_the_model_expects(self) -> None:
        if not self.live:
            return
        number, shares = alias(self.site)
        assert shares == {} and self.served() == self.live
        if number not in self.replayed:
            verdict = self.site.invoke(number, {"replay": "golden"})
            assert verdict["replayed"] > 0 and verdict["wrong"] == 0
            self.replayed.add(number)

    @invariant()
    def the_stack_agrees_and_is_guarded(self) -> None:
        if not self.live:
            return
        on, named = images(self.site)
        assert on == named and self.site.stack.status.endswith("_COMPLETE")
        assert self.site.stack.parameters["RolledBackTo"] == ""
        group = self.site.stack.resources["PredictFunctionDeploymentGroup"].resolved
        assert group["AlarmConfiguration"]["Enabled"] is True

    @invariant()
    def the_registry_knows_what_a_command_has_finished(self) -> None:
        if self.live and self.is_noted:
            assert self.site.registry().tags(NAME).version("live") == self.live

    # ------------------------------------------------------------------ what the rules share
    def honest(self) -> Path:
        folder = self.work / f"honest-{len(self.made)}"
        self.made[models.honest(folder, len(self.made), NAME).version] = folder
        return folder

    def broken(self, how: str) -> Path:
        number = len(list(self.work.glob("broken-*")))
        folder = self.work / f"broken-{number}"
        models.broken(folder, 1000 + number, NAME, how)
        return folder

    def version_in(self, folder: Path) -> str:
        return models.contract.read(folder).version

    def served(self) -> str:
        return bundle_of(self.site, self.site.alias()["FunctionVersion"]).removeprefix(f"{NAME}/")

    def images(self) -> dict[str, str]:
        """The image of every version that was built."""
        found = self.site.client("ecr").describe_images(repositoryName="limbeck")["imageDetails"]
        where = self.site.stack.parameters["Image"].partition("@")[0]
        return {it["imageTags"][0].split("-")[-2]: f"{where}@{it['imageDigest']}" for it in found}

    def begin(self, *command: str) -> BaseProcess:
        return warm.start(command, self.site.environment, self.work / "log")

    def canary(self, folder: Path) -> BaseProcess:
        """A release of which some callers have the new version, and which stays so."""
        self.site.plane.codedeploy.minute = 60
        process = self.begin(*self.site.releasing(folder))
        wait_for(lambda: alias(self.site)[1] != {})
        return process

    def moved(self, version: str) -> None:
        if version != self.live:
            self.live, self.before, self.is_back = version, self.live, False

    def demand_released(self, folder: Path) -> None:
        ran = self.site.release(folder)
        assert ran.status == 0, ran
        self.moved(self.version_in(folder))
        self.is_noted = True


@pytest.mark.slow
def test_in_any_order_callers_stack_and_registry_agree_and_nothing_bad_comes_back(moto_server: str) -> None:
    run_state_machine_as_test(
        seed(SEED)(lambda: Releases(moto_server)),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            phases=[Phase.generate],  # a shorter example would take minutes to find
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
