"""What a million requests to a student cost in Lambda: its fee a request, and memory times billed milliseconds.

API Gateway before it, cold starts and logs are the same for every student: `limbeck cost` counts them too. The
figures are those of `infra/cost/prices.toml`, `infra.cost.cost` and `template.yaml`; a test keeps them so.
"""

from __future__ import annotations

import math

REGION = "us-east-1"
GB_SECOND = 0.0000133334  # arm64
MILLION_REQUESTS = 0.20
MEMORY_MEGABYTES = 512
_CORE_MEGABYTES = 1769  # https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
_OVERHEAD_MS = 0.155  # of the handler, a request


def a_million(microseconds: float) -> float:
    """Dollars for a million requests that take so long on one whole core each, inside the graph."""
    slowdown = max(1.0, _CORE_MEGABYTES / MEMORY_MEGABYTES)
    billed_ms = math.ceil(round((microseconds / 1000 + _OVERHEAD_MS) * slowdown, 6))
    return MILLION_REQUESTS + billed_ms * 1e3 * MEMORY_MEGABYTES / 1024 * GB_SECOND
