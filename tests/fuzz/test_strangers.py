"""Each kind of stranger's request alone: here a failure is shrunk to its smallest example."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests import bundles
from tests.fuzz import asks, campaign
from tests.fuzz.event_sources import EVENT_SOURCES, Ask
from tests.fuzz.events import Event
from tests.fuzz.site import Site

SITES = {"text": bundles.text_bundle, "tabular": bundles.tabular_bundle}
# `make fuzz` looks further; a test is the same each time.
few = settings(max_examples=25, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module", params=SITES)
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder: Path = tmp_path_factory.mktemp("bundle")
    SITES[request.param](folder)
    return Site(folder)


def broken(site: Site) -> list[str]:
    """The rules broken since this was asked last."""
    rules = [rule for rule, _ in site.tally.failures]
    site.tally.failures.clear()
    return rules


@pytest.mark.parametrize("kind", campaign.KINDS, ids=lambda kind: f"{kind.__module__.split('.')[-1]}.{kind.__name__}")
def test_every_kind_of_request_gets_the_answer_that_is_right_for_it(site: Site, kind: Callable[..., Any]) -> None:
    @few
    @given(kind(campaign.model_of(site)))
    def answered(asked: Ask | Event) -> None:
        if isinstance(asked, Event):
            site.invoke(asked.value, asked.wanted)
        else:
            site.ask(asked)
        assert broken(site) == []

    answered()


def test_every_event_source_gives_the_same_answer(site: Site) -> None:
    model = campaign.model_of(site)

    @few
    @given(asks.predictions(model) | asks.spoilt(model) | asks.inferences(model))
    def same(ask: Ask) -> None:
        answers = [site.ask(ask, source) for source in sorted(EVENT_SOURCES)]
        assert len({(answer.status, answer.body) for answer in answers}) == 1
        if answers[0].status == 200 and answers[0].headers["content-type"] == asks.JSON:
            direct = site.ask(ask, "direct")  # another source, where the body is no event
            assert json.loads(direct.body) == json.loads(answers[0].body)
        assert broken(site) == []

    same()
