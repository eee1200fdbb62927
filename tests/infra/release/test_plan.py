"""What a release decides from what it read, without any cloud."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.errors import ConfigError
from infra.release.alias import Alias, Route, said_of, trail_of
from infra.release.function import Function, Version
from infra.release.plan import Back, Bundle, Options, Plan, State, decide_rollback, plan_release
from infra.release.watch import Alarm

NEW = Bundle("mail", "b" * 12, "mail-bbb", 20, "s3://shelf/mail/" + "b" * 12)
OPTIONS = Options("f", role="arn:role")
QUIET = Alarm("crash", False, "")


def digest(letter: str) -> str:
    return f"sha256:{letter * 64}"


def version(number: int, letter: str, settings: str = "{}") -> Version:
    return Version(str(number), digest(letter), f"mail/{letter * 12}", settings)


def function(*letters: str, latest: str | None = None) -> Function:
    versions = tuple(version(number, letter) for number, letter in enumerate(letters, 1))
    return Function("f", "images", "f", Version("$LATEST", digest(latest or letters[-1]), "", "{}"), versions)


def alias(number: str, weights: dict[str, float] | None = None, trail: tuple[str, ...] = ()) -> Alias:
    return Alias("live", Route(number, weights or {}, trail, "mail/" + "a" * 12), "r1")


def state(**changes: object) -> State:
    there = State(True, True, "host/images", digest("b"), function("a"), alias("1"), (QUIET,))
    return replace(there, **changes)  # type: ignore[arg-type]


def plan(**changes: object) -> Plan:
    return plan_release(OPTIONS, NEW, state(**changes))


def left(made: Plan) -> list[str]:
    return [step.title for step in made.steps if not step.done]


def test_an_empty_account_needs_everything_and_shifts_nothing() -> None:
    made = plan_release(OPTIONS, NEW, State())
    assert left(made) == ["registry", "push", "repository", "image", "function", "version", "golden", "open", "record"]
    assert made.needed == ()


def test_a_function_that_is_missing_wants_a_role() -> None:
    made = plan_release(Options("f"), NEW, State())
    assert len(made.needed) == 1 and "--role" in made.needed[0]


def test_golden_inputs_are_replayed_before_any_share_of_the_traffic() -> None:
    titles = left(plan())
    assert titles == ["version", "golden", "shift 5 %", "shift 25 %", "shift 50 %", "shift 100 %", "record"]


def test_a_version_that_was_published_before_the_release_broke_off_is_taken_up() -> None:
    made = plan(function=function("a", "b"))
    assert made.number == "2" and "version" not in left(made) and "golden" in left(made)


def test_a_version_is_published_anew_when_the_functions_settings_changed() -> None:
    there = function("a", "b")
    made = plan(function=replace(there, latest=replace(there.latest, settings='{"MemorySize": 1024}')))
    assert made.number is None and "version" in left(made)


def test_an_older_version_of_the_same_image_is_not_taken_up() -> None:
    assert plan(function=function("b", "a"), alias=alias("2")).number is None


def test_a_canary_that_broke_off_goes_on_with_its_share_and_its_golden_inputs() -> None:
    made = plan(function=function("a", "b", latest="c"), alias=alias("1", {"2": 0.25}))
    assert left(made) == ["golden", "shift 25 %", "shift 50 %", "shift 100 %", "record"]
    assert made.number == "2" and made.old == Route("1", {}, (), "mail/" + "a" * 12)


def test_a_canary_that_broke_off_goes_on_although_an_alarm_rings_and_so_is_sent_back() -> None:
    made = plan(function=function("a", "b"), alias=alias("1", {"2": 0.25}), alarms=(Alarm("crash", True, "why"),))
    assert made.needed == ()


def test_what_is_live_is_left_alone() -> None:
    made = plan(function=function("a", "b"), alias=alias("2"), recorded=True, alarms=())
    assert left(made) == [] and made.needed == ()


def test_what_is_live_but_not_recorded_is_only_recorded() -> None:
    assert left(plan(function=function("a", "b"), alias=alias("2"))) == ["record"]


def test_another_canary_is_not_walked_over() -> None:
    made = plan(function=function("a", "c"), alias=alias("1", {"2": 0.5}))
    assert "version 2 (mail/cccccccccccc)" in made.needed[0]


@pytest.mark.parametrize(
    ("alarms", "word"), [((), "--without-alarms"), ((Alarm("crash", True, "x"),), "crash rings already")]
)
def test_a_canary_wants_quiet_alarms_that_watch(alarms: tuple[Alarm, ...], word: str) -> None:
    assert word in plan(alarms=alarms).needed[0]


def test_the_repository_is_the_functions_own_unless_another_is_named() -> None:
    assert plan().repository == "images"
    assert plan_release(replace(OPTIONS, repository="other"), NEW, state()).repository == "other"
    assert plan_release(OPTIONS, NEW, State()).repository == "limbeck"


def test_rollback_ends_a_canary_first() -> None:
    decided = decide_rollback(function("a", "b"), alias("1", {"2": 0.5}, ("7",)))
    assert decided == Back(Route("1", {}, ("7",), "mail/" + "a" * 12), "2")


def test_rollback_pops_the_trail() -> None:
    decided = decide_rollback(function("a", "b", "c"), alias("3", trail=("2", "1")))
    assert decided == Back(Route("2", {}, ("1",), "mail/" + "b" * 12), "3")


def test_rollback_to_an_earlier_version_forgets_those_between() -> None:
    decided = decide_rollback(function("a", "b", "c"), alias("3", trail=("2", "1")), "a" * 12)
    assert decided == Back(Route("1", {}, (), "mail/" + "a" * 12), "3")


def test_rollback_to_what_is_live_is_nothing() -> None:
    assert decide_rollback(function("a", "b"), alias("2", trail=("1",)), "2") is None


@pytest.mark.parametrize(
    ("to", "word"), [("", "remembers no version before"), ("9", "no published version 9"), ("2", "never had all")]
)
def test_rollback_refuses_what_it_cannot_know(to: str, word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        decide_rollback(function("a", "b"), alias("1"), to)


def test_rollback_by_force_goes_to_any_published_version() -> None:
    decided = decide_rollback(function("a", "b"), alias("2"), "1", force=True)
    assert decided is not None and decided.route.version == "1"


@given(
    st.lists(st.integers(1, 10**9).map(str), max_size=40),
    st.from_regex(r"[a-z0-9._-]{1,64}/[0-9a-f]{12}", fullmatch=True),
)
def test_an_alias_reads_back_the_trail_that_it_wrote(trail: list[str], bundle: str) -> None:
    description = Route("1", {}, tuple(trail), bundle).description
    assert len(description) <= 256
    assert trail_of(description) == tuple(trail[:12])


@given(st.text())
def test_any_description_of_an_alias_can_be_read(text: str) -> None:
    assert all(version in text for version in trail_of(text))


def test_a_route_is_said_in_words() -> None:
    assert said_of(Route("3")) == "version 3"
    assert said_of(Route("3", {"4": 0.05})) == "version 3 (95%) and version 4 (5%)"
