"""What a million requests cost behind each event source, for the student and for its teacher.

The duration comes from the bundle's evidence, which is measured on one whole core: Lambda gives a share of one by the
memory, and bills memory times time, by the millisecond, the start of a container image included.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

from handler.bundle.contract import Manifest
from infra.errors import ConfigError

PRICES = Path(__file__).parent / "prices.toml"
CORE_MEGABYTES = 1769  # https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
OVERHEAD_MS = 0.155  # a REST event to its answer above the graph's run, its log line and metrics: `make bench`
STUDENT_START_MS = 146.0  # `make bench-cold`: ours
TEACHER_START_MS = 922.0  # `make bench-cold`: import torch and a small model, of which a teacher has a larger one
COLD_SHARE = 0.01  # AWS: starts are under 1% of invocations, aws.amazon.com/blogs/compute, "billing for INIT Phase"
FUNCTION_LOG_BYTES = 1500  # log line, metrics, and Lambda's own three lines
ACCESS_LOG_BYTES = 600
EVENT_SOURCES = ("REST API", "HTTP API", "Function URL")
FIRST_TIERS = {"REST API": 333e6, "HTTP API": 300e6}  # requests a month; above, each is cheaper


class Architecture(StrEnum):
    """What a Lambda function runs on."""

    X86_64 = "x86_64"
    ARM64 = "arm64"


@dataclass(frozen=True)
class Prices:
    """One region's, in dollars."""

    read_on: date
    gb_second: Mapping[Architecture, float]  # by architecture
    lambda_million: float
    millions: Mapping[str, float]  # by event source, Lambda apart
    logs_gb: float


@dataclass(frozen=True)
class Work:
    """Something that answers requests in a Lambda function."""

    name: str
    core_ms: float  # of one whole core, a request
    start_ms: float  # of one whole core, a start
    memory_megabytes: int

    @property
    def slowdown(self) -> float:
        """How much longer it takes than on a whole core. It has one thread, so more than one core gains nothing."""
        return max(1.0, CORE_MEGABYTES / self.memory_megabytes)

    @property
    def milliseconds(self) -> float:
        """A request's duration on its share of a core."""
        return self.core_ms * self.slowdown

    @property
    def billed_ms(self) -> int:
        """What Lambda bills a request: whole milliseconds."""
        return math.ceil(round(self.milliseconds, 6))

    @property
    def billed_start_ms(self) -> int:
        """What Lambda bills a request more where it waits for a start."""
        return math.ceil(round((self.core_ms + self.start_ms) * self.slowdown, 6)) - self.billed_ms


@dataclass(frozen=True)
class Bill:
    """What some requests cost, in dollars."""

    compute: float  # the requests' own
    starts: float  # compute, too
    invocations: float
    event_sources: Mapping[str, float]  # its own fee
    logs: Mapping[str, float]  # what is written into CloudWatch behind each event source; not in the totals

    def total(self, source: str) -> float:
        """Everything behind this event source but logs."""
        return self.compute + self.starts + self.invocations + self.event_sources[source]


def bill(work: Work, prices: Prices, requests: float, architecture: Architecture, cold_share: float) -> Bill:
    """The bill for so many requests."""
    a_millisecond = requests / 1000 * work.memory_megabytes / 1024 * prices.gb_second[architecture]  # of every request
    millions = requests / 1e6
    logged = {
        source: FUNCTION_LOG_BYTES + (ACCESS_LOG_BYTES if source == "REST API" else 0) for source in EVENT_SOURCES
    }
    return Bill(
        compute=work.billed_ms * a_millisecond,
        starts=cold_share * work.billed_start_ms * a_millisecond,
        invocations=millions * prices.lambda_million,
        event_sources={source: millions * prices.millions[source] for source in EVENT_SOURCES},
        logs={source: requests * size / 1e9 * prices.logs_gb for source, size in logged.items()},
    )


def works(manifest: Manifest, memory_megabytes: int, teacher_megabytes: int) -> list[Work]:
    """Student and teacher, each as half of its requests are (p50), and as the slowest in a hundred (p99).

    Raises:
        ConfigError: the bundle's evidence has no durations.
    """
    made = []
    contenders = [it for it in manifest.evidence.get("contenders", []) if isinstance(it, dict)]
    for role, start_ms, memory in (
        ("student", STUDENT_START_MS, memory_megabytes),
        ("teacher", TEACHER_START_MS, teacher_megabytes),
    ):
        measured: Mapping[str, Any] = next((it for it in contenders if it.get("role") == role), {})
        for quantile in ("p50", "p99"):
            latency_us = measured.get(f"latency_us_{quantile}")
            if not isinstance(latency_us, (int, float)) or not latency_us > 0:
                raise ConfigError(
                    f"The evidence of {manifest.name}/{manifest.version} has no {role}'s latency_us_{quantile}. "
                    "Name a bundle that `limbeck run` has sealed."
                )
            made.append(Work(f"{role}, {quantile}", latency_us / 1000 + OVERHEAD_MS, start_ms, memory))
    return made


def prices(region: str, path: Path = PRICES) -> Prices:
    """The region's prices.

    Raises:
        ConfigError: none are known for this region.
    """
    table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    regions = {name: it for name, it in table.items() if isinstance(it, dict)}
    if region not in regions:
        raise ConfigError(
            f"No prices for {region}, there are {', '.join(sorted(regions))}. Add it to {path}, or take one of these."
        )
    found = regions[region]
    return Prices(
        table["read_on"],
        {it: found[f"{it}_gb_second"] for it in Architecture},
        found["lambda_million"],
        {"REST API": found["rest_million"], "HTTP API": found["http_million"], "Function URL": 0.0},
        found["logs_gb"],
    )
