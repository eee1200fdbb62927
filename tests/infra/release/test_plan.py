"""What a release will do: planned from what is there, without AWS."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from infra.release.deployments import Deployment
from infra.release.function import Function, Version
from infra.release.plan import Bundle, Plan, State, plan_release
from infra.release.site import Seen
from infra.release.stack import Stack

NEW = Bundle("mail", "b" * 12, "mail-bbbbbbbbbbbb-cccccccccccc", 12, "s3://shelf/mail/bbbbbbbbbbbb")
NOW = datetime(2026, 11, 29, tzinfo=UTC)
OUTPUTS = {"FunctionName": "f", "DeploymentApplication": "a", "DeploymentGroup": "g"}


def digest(letter: str) -> str:
    return f"sha256:{letter * 64}"


def image(letter: str) -> str:
    return f"host/images@{digest(letter)}"


def stack(letter: str, status: str = "UPDATE_COMPLETE", rolled_back_to: str = "") -> Stack:
    return Stack("limbeck", status, NOW, {"Image": image(letter), "RolledBackTo": rolled_back_to}, OUTPUTS)


def function(*letters: str, live: int | None = None, shares: dict[str, float] | None = None) -> Function:
    versions = tuple(Version(str(n), digest(it), f"mail/{it * 12}") for n, it in enumerate(letters, 1))
    return Function("f", versions, versions[(live or len(letters)) - 1], shares or {})


def deployment(old: int, new: int, status: str = "Succeeded") -> Deployment:
    return Deployment(f"d-{old}-{new}", status, NOW, str(old), str(new), 1.0, "", "", "")


def seen(letter: str = "a", **changes: object) -> Seen:
    return replace(Seen(stack(letter), function(letter), None, None), **changes)  # type: ignore[arg-type]


def state(**changes: object) -> State:
    there = State("limbeck", "images", "host/images", digest("b"), True, True, False, seen(), {"crash": "", "slow": ""})
    return replace(there, **changes)  # type: ignore[arg-type]


def plan(**changes: object) -> Plan:
    return plan_release(NEW, state(**changes))


def left(made: Plan) -> list[str]:
    return [step.action for step in made.steps if not step.done]


def test_an_empty_account_gets_an_image_and_is_told_how_to_make_the_stack() -> None:
    made = plan_release(NEW, State("limbeck", "images"))
    assert left(made) == ["registry", "push", "repository", "image", "stack", "record"]
    assert made.needed == () and "sam deploy" in made.steps[-2].what


def test_a_new_image_is_a_change_of_the_stack_that_names_its_alarms() -> None:
    made = plan()
    assert left(made) == ["stack", "record"] and made.needed == ()
    assert "12 golden inputs" in made.steps[-2].what and "crash, slow" in made.steps[-2].what


def test_what_is_live_is_left_alone_though_an_alarm_rings() -> None:
    made = plan(seen=seen("b"), recorded=True, alarms={"crash": "why"})
    assert left(made) == [] and made.needed == ()


def test_what_is_live_but_not_recorded_is_only_recorded() -> None:
    assert left(plan(seen=seen("b"))) == ["record"]


def test_its_own_change_that_is_under_way_is_gone_on_with() -> None:
    at_work = seen(stack=stack("b", "UPDATE_IN_PROGRESS"), deployment=deployment(1, 2, "InProgress"))
    made = plan(seen=at_work, alarms={"crash": "why"})
    assert left(made) == ["stack", "record"] and made.needed == ()
    assert made.state.coming and "d-1-2 is InProgress" in made.steps[-2].what


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"alarms": {"crash": "5 errors", "slow": ""}}, "crash rings already"),
        ({"seen": seen(stack=stack("c", "UPDATE_IN_PROGRESS"))}, "Something else is under way"),
        ({"seen": seen(deployment=deployment(1, 2, "InProgress"))}, "Something else is under way"),
        ({"seen": seen(function=function("a", "c", live=1, shares={"2": 0.1}))}, "Something else is under way"),
        ({"seen": seen(stack=stack("a", "UPDATE_ROLLBACK_FAILED"))}, "continue-update-rollback"),
    ],
)
def test_what_stands_in_the_way_is_named(changes: dict[str, object], word: str) -> None:
    made = plan(**changes)
    assert len(made.needed) == 1 and word in made.needed[0]


@pytest.mark.parametrize("half", [stack("c"), stack("a", rolled_back_to=image("a"))])
def test_a_rollback_that_broke_off_comes_first(half: Stack) -> None:
    back = deployment(2, 1)
    made = plan(seen=Seen(half, function("a", "c", live=1), back, back))
    assert len(made.needed) == 1 and "rollback` finishes it" in made.needed[0]


def test_a_rollback_that_is_done_stands_in_nobodys_way() -> None:
    back = deployment(2, 1)
    assert plan(seen=Seen(stack("a"), function("a", "c", "a"), back, back)).needed == ()


def test_a_change_that_was_undone_unseen_is_told_before_anything_else() -> None:
    made = plan(ended=True, alarms={"crash": "why"})
    assert made.needed == () and "say why" in made.steps[-2].what


def test_a_model_of_another_name_has_to_be_asked_for() -> None:
    other = replace(NEW, name="post")
    assert "answered by the model mail, and this is post" in plan_release(other, state()).needed[0]
    assert plan_release(other, state(), another_model=True).needed == ()
