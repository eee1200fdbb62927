"""Events that no gateway would send: parts missing, parts of another type, and no event at all."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.fuzz import asks, event_sources
from tests.fuzz.asks import Model
from tests.fuzz.rules import CANARY


@dataclass(frozen=True)
class Event:
    """What Lambda is invoked with, and the statuses that are right for it, where that is known."""

    value: Any
    wanted: tuple[int, ...] = ()


def _anything() -> SearchStrategy[Any]:
    scalars = st.none() | st.booleans() | st.integers() | st.floats() | asks.words(60)
    keys = asks.words(30) | st.sampled_from(["inputs", "httpMethod", "path", "rawPath", "requestContext", "body"])
    return st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4))


@st.composite
def damaged(draw: Callable[..., Any], model: Model) -> Event:
    """A right event of some source, with parts left out or replaced."""
    ask = draw(asks.predictions(model) | asks.reads(model) | asks.inferences(model))
    event = event_sources.EVENT_SOURCES[draw(st.sampled_from(sorted(event_sources.EVENT_SOURCES)))](
        ask, draw(st.booleans())
    )
    for _ in range(draw(st.integers(1, 3))):
        holder = event
        inner = [value for value in event.values() if isinstance(value, dict) and value]
        if inner and draw(st.booleans()):
            holder = draw(st.sampled_from(inner))
        key = draw(st.sampled_from(sorted(holder)))
        if draw(st.booleans()):
            del holder[key]
        else:
            holder[key] = draw(_anything())
        if not event:
            break
    return Event(event)


def strange(model: Model) -> SearchStrategy[Event]:
    """Anything, and predictions asked for directly with anything in them."""
    sent = st.fixed_dictionaries(
        {"inputs": _anything() | asks.inputs(model)},
        optional={"top_k": _anything(), "explain": _anything(), "abstain_below": _anything(), CANARY: _anything()},
    )
    return (_anything() | sent).map(Event)


@st.composite
def lying(draw: Callable[..., Any], model: Model) -> Event:
    """Events that say of their body what is not so."""
    ask = draw(asks.predictions(model))
    text = ask.body.decode()
    packed = base64.b64encode(ask.body).decode()
    body, flag, wanted = draw(
        st.sampled_from(
            [
                (text, True, (400,)),  # JSON has characters that base64 has not
                (packed, False, (400,)),
                (packed, "true", (400,)),  # a flag is a boolean, or it is not there
                (packed, 1, (400,)),
                (packed, None, (400,)),
                (packed[:-1], True, (400,)),
                (packed + "=", True, ()),
                (packed.replace("A", "-"), True, ()),
                ("\n".join([packed[:8], packed[8:]]), True, (400,)),
                (text + "\ud800", False, (400,)),
                (packed + "\u00e9", True, (400,)),
                (packed, True, (200,)),
                ({"inputs": CANARY}, False, (400,)),  # a body is text
                (None, True, (400,)),
                (17, True, (400,)),
            ]
        )
    )
    source = draw(st.sampled_from(sorted(event_sources.EVENT_SOURCES)))
    return Event(event_sources.EVENT_SOURCES[source](ask, False) | {"body": body, "isBase64Encoded": flag}, wanted)
