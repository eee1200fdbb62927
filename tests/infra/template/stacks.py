"""The checkout's template as a stack, for tests: each translation by SAM is made once."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from infra.image.staging import ROOT
from infra.template.lint import translate_each
from infra.template.stack import READ_BY_SAM, Stack, decide

TEMPLATE = ROOT / "template.yaml"


def translated(**parameters: str) -> dict[str, Any]:
    """Plain CloudFormation, parameters and conditions still in it."""
    return _translated(json.dumps(parameters, sort_keys=True))


@cache
def _translated(parameters: str) -> dict[str, Any]:
    if not (ROOT / ".venv-sam" / "bin" / "python").exists():
        pytest.skip("the SAM CLI's environment is missing: make .venv-sam")
    (made,) = translate_each(TEMPLATE, [json.loads(parameters)])
    return made


def stack(**parameters: str | float) -> Stack:
    """The stack that these parameters give; the template's defaults for the rest."""
    values = {name: str(value) for name, value in parameters.items()}
    return decide(translated(**{name: values[name] for name in READ_BY_SAM if name in values}), values)
