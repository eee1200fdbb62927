"""A whole run: requests from the served OpenAPI document by schemathesis, and others by hypothesis, in set shares."""

from __future__ import annotations

import itertools
import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis.strategies import SearchStrategy
from schemathesis import Case, GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi import checks

from tests.fuzz import asks, events
from tests.fuzz.asks import Model
from tests.fuzz.event_sources import PREDICT, Ask
from tests.fuzz.events import Event
from tests.fuzz.planting import Planter
from tests.fuzz.site import Site

_BATCH = 500  # requests of one strategy in a row: hypothesis begins each batch with small ones
KINDS = {  # of the requests made by hypothesis alone
    asks.predictions: 0.22,
    asks.inferences: 0.22,
    asks.reads: 0.08,
    asks.elsewhere: 0.06,
    asks.spoilt: 0.12,
    asks.tampered: 0.06,
    asks.raw: 0.06,
    asks.limits: 0.02,
    asks.compressed: 0.04,
    asks.headed: 0.04,
    events.damaged: 0.04,
    events.strange: 0.02,
    events.lying: 0.02,
}
_FROM_DOCUMENT = 0.5  # of all requests
_POSITIVE = 0.75  # of those from the document, that it admits
_PREDICT = 0.6  # of those from the document
_REFUSALS = (400, 405, 413, 415, 422)
# Besides, every answer goes through our own rules. Left out is what the gateway does (authentication) and what takes
# several requests. That what the document admits is answered holds for /predict: no schema can tie a shape to its data.
_CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.allow_header_conformance,
]


def run(bundle: Path, requests: int, seed: int) -> Site:
    """Ask about `requests` times, and return the site with its tally. The same seed asks the same."""
    site = Site(bundle, seed)
    model = model_of(site)
    started = site.tally.requests
    from_document = round(requests * _FROM_DOCUMENT)
    _by_schemathesis(site, from_document, seed)
    left = requests - (site.tally.requests - started)
    for i, (strategy, share) in enumerate(KINDS.items()):
        _by_hypothesis(site, strategy(model), round(left * share), seed + i)
    while (left := requests - (site.tally.requests - started)) > 0:  # strategies that ran dry, and rounding
        seed += len(KINDS)
        _by_hypothesis(site, asks.predictions(model) | asks.spoilt(model), left, seed)
    return site


def model_of(site: Site) -> Model:
    """The model that the site serves, as it tells of itself."""
    told = json.loads(site.ask(Ask("GET", "/model"), "rest").body)
    columns = {column["name"]: column["kind"] for column in told["inputs"]}
    return Model(told["name"], told["version"], told["task"], columns, told["limits"])


def _by_hypothesis(site: Site, strategy: SearchStrategy[Any], count: int, seed: int) -> None:
    def send(asked: Ask | Event) -> None:
        if isinstance(asked, Event):
            site.invoke(asked.value, asked.wanted)
        else:
            site.ask(asked)

    _drawn(strategy, count, seed, send)


def _by_schemathesis(site: Site, count: int, seed: int) -> None:
    # It joins the document's own server, ".", to a path without resolving it as RFC 3986 has it.
    config = schemathesis.Config.from_dict(
        {
            "base-url": "http://localhost",
            "checks": {"negative_data_rejection": {"expected-statuses": list(_REFUSALS)}},
        }
    )
    schema = schemathesis.openapi.from_wsgi("/openapi.json", site, config=config)
    planter = Planter(site.document)
    operations = [result.ok() for result in schema.get_all_operations()]
    bodied = [operation for operation in operations if operation.method == "post"]

    def send(case: Case) -> None:
        case.body = planter.planted(case.body)
        _send(site, case)

    for operation in operations:
        for case in _boundaries(schema, operation, count // len(operations) // 2):
            send(case)
    left = count - site.tally.requests
    for i, operation in enumerate(bodied):
        share = _PREDICT if operation.path == PREDICT else (1 - _PREDICT) / (len(bodied) - 1)
        for mode, part in ((GenerationMode.POSITIVE, _POSITIVE), (GenerationMode.NEGATIVE, 1 - _POSITIVE)):
            strategy = operation.as_strategy(generation_mode=mode)
            _drawn(strategy, round(left * share * part), seed + 1000 * i, send)


def _boundaries(schema: BaseSchema, operation: APIOperation, most: int) -> Iterator[Case]:
    """Schemathesis' systematic cases: each boundary that the schemas have, kept and broken."""
    modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    made = schema.iter_coverage_cases(operation, generation_modes=modes, generation_config=schema.config.generation)
    return itertools.islice(made, most)


def _send(site: Site, case: Case) -> None:
    response = case.call()
    admitted = case.meta is not None and case.meta.generation.mode == GenerationMode.POSITIVE
    wanted = [*_CHECKS]
    if not admitted:
        wanted.append(checks.negative_data_rejection)
    elif case.path == PREDICT:
        wanted.append(checks.positive_data_acceptance)
    try:
        case.validate_response(response, checks=wanted)
    except FailureGroup as group:
        for failure in group.exceptions:
            seen = {"body": case.body, "status": response.status_code, "says": failure.message[:300]}
            site.tally.fail(f"schemathesis: {failure.title}", f"{case.method} {case.path}", seen)


def _drawn(strategy: SearchStrategy[Any], count: int, seed: int, visit: Callable[[Any], None]) -> None:
    """Visit up to `count` examples. Nothing is shrunk: a failure is counted, and the run goes on."""
    for start in range(0, count, _BATCH):

        @hypothesis.seed(seed + start)
        @hypothesis.settings(
            max_examples=min(_BATCH, count - start),
            phases=[Phase.generate],
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @hypothesis.given(strategy)
        def visited(example: object) -> None:
            visit(example)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            visited()
