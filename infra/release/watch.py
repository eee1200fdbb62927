"""The CloudWatch alarms that watch a function, and whether one rings.

Without a list, they are found: every alarm on a metric whose dimensions name the function or, as `service`, what the
function calls itself in its own metrics.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.aws.clients import CloudWatchClient, requesting
from infra.errors import ConfigError

_AT_ONCE = 100  # names that DescribeAlarms takes


@dataclass(frozen=True)
class Alarm:
    """One alarm as it was read."""

    name: str
    rings: bool
    reason: str  # CloudWatch's own words


class Watch:
    """Reads alarms."""

    def __init__(self, client: CloudWatchClient) -> None:
        """No request is sent yet."""
        self._client = client

    def found(self, function: str, service: str) -> tuple[Alarm, ...]:
        """The alarms on metrics of the function, by name. `service`: its name in its own metrics, may be empty."""
        wanted = {("FunctionName", function)} | ({("service", service)} if service else set())
        return tuple(
            sorted((_alarm(raw) for raw in self._described() if wanted & set(_dimensions(raw))), key=lambda it: it.name)
        )

    def named(self, names: Sequence[str]) -> tuple[Alarm, ...]:
        """The alarms of these names.

        Raises:
            ConfigError: there is none of some name.
        """
        parts = [list(names[start : start + _AT_ONCE]) for start in range(0, len(names), _AT_ONCE)]
        found = [_alarm(raw) for part in parts for raw in self._described(AlarmNames=part)]
        missing = sorted(set(names) - {alarm.name for alarm in found})
        if missing:
            raise ConfigError(f"CloudWatch has no alarm {', '.join(missing)}. Check the names and AWS_REGION.")
        return tuple(sorted(found, key=lambda it: it.name))

    def failures(self, function: str, alias: str, number: str, since: datetime) -> int:
        """Calls by the alias that one version did not answer, since a moment (UTC).

        Lambda tells versions apart while they share an alias, and a minute or two late. An alarm on the whole function
        sees them too, but one on a percentile would not see a small share.
        """
        dimensions = {"FunctionName": function, "Resource": f"{function}:{alias}", "ExecutedVersion": number}
        with requesting("read the errors of the new version"):
            found = self._client.get_metric_statistics(
                Namespace="AWS/Lambda",
                MetricName="Errors",
                Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
                StartTime=since,
                EndTime=datetime.now(UTC) + timedelta(minutes=1),
                Period=60,
                Statistics=["Sum"],
            )
        return round(sum(point.get("Sum", 0.0) for point in found["Datapoints"]))

    def _described(self, **by: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 - boto3's own arguments
        with requesting("read the alarms"):
            for page in self._client.get_paginator("describe_alarms").paginate(
                AlarmTypes=["MetricAlarm", "CompositeAlarm"], **by
            ):
                yield from page.get("MetricAlarms", [])
                yield from page.get("CompositeAlarms", [])


def _alarm(raw: Mapping[str, Any]) -> Alarm:
    return Alarm(raw["AlarmName"], raw.get("StateValue") == "ALARM", str(raw.get("StateReason") or ""))


def _dimensions(raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every dimension that the alarm's metric, or one of the metrics in its expression, has."""
    metrics = [raw, *(part.get("MetricStat", {}).get("Metric", {}) for part in raw.get("Metrics") or [])]
    for metric in metrics:
        for dimension in metric.get("Dimensions") or []:
            yield dimension["Name"], dimension["Value"]
