"""Which alarms watch a function, found in moto's CloudWatch."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.errors import ConfigError
from infra.release.watch import Watch


@pytest.fixture
def cloudwatch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield boto3.client("cloudwatch", region_name="eu-central-1")


def put(cloudwatch: Any, name: str, **more: Any) -> None:  # noqa: ANN401
    rule = {"EvaluationPeriods": 1, "Threshold": 0, "ComparisonOperator": "GreaterThanThreshold"}
    metric = {} if "Metrics" in more else {"Statistic": "Sum", "Period": 60, "MetricName": "Errors", "Namespace": "N"}
    cloudwatch.put_metric_alarm(AlarmName=name, **rule, **metric, **more)


def dimension(name: str, value: str) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value}]


def test_alarms_on_the_function_and_on_its_own_metrics_are_found(cloudwatch: Any) -> None:  # noqa: ANN401
    put(cloudwatch, "of the function", Dimensions=dimension("FunctionName", "f"))
    put(cloudwatch, "of its own metrics", Dimensions=dimension("service", "stack"))
    share = {"Namespace": "Limbeck", "MetricName": "Inputs", "Dimensions": dimension("service", "stack")}
    of_two = [
        {"Id": "a", "ReturnData": False, "MetricStat": {"Stat": "Sum", "Period": 60, "Metric": share}},
        {"Id": "b", "ReturnData": True, "Expression": "a / 2"},
    ]
    put(cloudwatch, "of an expression", Metrics=of_two)
    put(cloudwatch, "of another function", Dimensions=dimension("FunctionName", "g"))
    put(cloudwatch, "of another stack", Dimensions=dimension("service", "other"))
    found = Watch(cloudwatch).found("f", "stack")
    assert [alarm.name for alarm in found] == ["of an expression", "of its own metrics", "of the function"]


def test_an_empty_service_name_finds_nobodys_alarms(cloudwatch: Any) -> None:  # noqa: ANN401
    put(cloudwatch, "nameless", Dimensions=dimension("service", "x"))
    assert Watch(cloudwatch).found("f", "") == ()


def test_an_alarm_rings_in_state_alarm_alone(cloudwatch: Any) -> None:  # noqa: ANN401
    put(cloudwatch, "a", Dimensions=dimension("FunctionName", "f"))
    for state, rings in (("OK", False), ("INSUFFICIENT_DATA", False), ("ALARM", True)):
        cloudwatch.set_alarm_state(AlarmName="a", StateValue=state, StateReason="why")
        [alarm] = Watch(cloudwatch).named(["a"])
        assert (alarm.rings, alarm.reason) == (rings, "why")


def test_a_name_that_nothing_has_is_told(cloudwatch: Any) -> None:  # noqa: ANN401
    put(cloudwatch, "a", Dimensions=dimension("FunctionName", "f"))
    with pytest.raises(ConfigError, match="no alarm b"):
        Watch(cloudwatch).named(["a", "b"])


def test_no_names_are_no_alarms(cloudwatch: Any) -> None:  # noqa: ANN401
    put(cloudwatch, "a", Dimensions=dimension("FunctionName", "f"))
    assert Watch(cloudwatch).named([]) == ()


def test_failures_are_counted_of_one_version_since_a_moment(cloudwatch: Any) -> None:  # noqa: ANN401
    now = datetime.now(UTC)
    for version, minutes, value in (("2", 0, 3.0), ("1", 0, 5.0), ("2", 30, 7.0)):
        of = {"FunctionName": "f", "Resource": "f:live", "ExecutedVersion": version}
        cloudwatch.put_metric_data(
            Namespace="AWS/Lambda",
            MetricData=[
                {
                    "MetricName": "Errors",
                    "Dimensions": [{"Name": name, "Value": given} for name, given in of.items()],
                    "Value": value,
                    "Timestamp": now - timedelta(minutes=minutes),
                }
            ],
        )
    assert Watch(cloudwatch).failures("f", "live", "2", now - timedelta(minutes=5)) == 3
