"""Where a rollback goes: decided from the deployments alone, whatever their history."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.errors import ConfigError
from infra.release.deployments import Deployment
from infra.release.function import Function
from infra.release.rollback import decide
from infra.release.site import Seen
from tests.infra.release.test_plan import deployment, function, stack


def seen(there: Function, every: Sequence[Deployment]) -> Seen:
    """`every`: the newest first."""
    moved = next((it for it in every if it.status == "Succeeded"), None)
    return Seen(stack("a"), there, every[0] if every else None, moved)


def target(there: Function, *every: Deployment, to: str = "") -> str | None:
    found = decide(seen(there, every), every, to)
    return found and found.number


def test_it_goes_where_the_last_deployment_took_callers_from() -> None:
    assert target(function("a", "b", "c"), deployment(2, 3), deployment(1, 2)) == "2"


def test_a_deployment_that_failed_is_no_part_of_it() -> None:
    assert target(function("a", "b", "c", live=2), deployment(2, 3, "Stopped"), deployment(1, 2)) == "1"


def test_after_a_rollback_it_stays() -> None:
    assert target(function("a", "b", live=1), deployment(2, 1), deployment(1, 2)) is None


def test_after_a_rollback_that_the_stack_agreed_with_it_stays() -> None:
    assert target(function("a", "b", "a"), deployment(2, 1), deployment(1, 2)) is None


def test_after_a_rollback_and_a_release_that_was_stopped_it_stays() -> None:
    every = (deployment(3, 4, "Failed"), deployment(2, 1), deployment(1, 2))
    assert target(function("a", "b", "a", "c", live=3), *every) is None


def test_after_a_rollback_and_a_release_it_goes_back_to_what_was_rolled_back_to() -> None:
    assert target(function("a", "b", "a", "c"), deployment(3, 4), deployment(2, 1), deployment(1, 2)) == "3"


def test_to_names_a_version_of_the_function_or_of_the_bundle() -> None:
    there = function("a", "b", "c")
    every = (deployment(2, 3), deployment(1, 2))
    assert [target(there, *every, to=to) for to in ("1", "a" * 12, "mail/" + "b" * 12, "3")] == ["1", "1", "2", None]


@pytest.mark.parametrize(
    ("letters", "live", "every", "to", "word"),
    [
        ("a", 1, (), "", "No deployment tells"),
        ("abc", 3, (deployment(1, 2),), "", "No deployment tells"),  # somebody moved the alias by hand
        ("ab", 2, (deployment(1, 2),), "9", "no published version 9"),
        ("abc", 2, (deployment(1, 2), deployment(2, 3, "Failed")), "3", "never had callers"),
    ],
)
def test_what_it_cannot_know_it_says(
    letters: str, live: int, every: tuple[Deployment, ...], to: str, word: str
) -> None:
    with pytest.raises(ConfigError, match=word):
        target(function(*letters, live=live), *every, to=to)


@given(st.lists(st.sampled_from(["good", "bad", "stopped", "rollback"]), max_size=30))
def test_whatever_happened_a_version_that_was_rolled_back_from_is_never_gone_back_to(story: list[str]) -> None:
    """A story of releases and rollbacks as they are done; every rollback is done twice."""
    letters, live, every, left = ["a"], 1, list[Deployment](), set[int]()
    for what in story:
        if what == "rollback":
            there = function(*letters, live=live)
            try:
                found = decide(seen(there, every), every)
            except ConfigError:
                continue
            if found is None:
                continue
            assert int(found.number) not in left
            left.add(live)
            every.insert(0, deployment(live, int(found.number)))
            letters.append(letters[int(found.number) - 1])  # the stack agrees by a version of its own
            live = len(letters)
            assert decide(seen(function(*letters, live=live), every), every) is None
        else:
            letters.append(chr(ord("b") + len(letters)))
            if what == "stopped":
                every.insert(0, deployment(live, len(letters), "Stopped"))
            else:
                every.insert(0, deployment(live, len(letters)))
                live = len(letters)
