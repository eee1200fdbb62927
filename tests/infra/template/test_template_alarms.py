"""The alarms: what each looks at, that the handler publishes it, and who is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.infra.template.stacks import stack

TOPIC = "arn:aws:sns:eu-west-1:123456789012:on-call"
MAIL = "on-call@example.org"
OURS = [{"Name": "service", "Value": "limbeck"}]
TELEMETRY = Path(__file__).parents[3] / "handler" / "api" / "telemetry.py"


def alarms(**parameters: str | float) -> dict[str, dict[str, Any]]:
    made = stack(**parameters).resources.items()
    return {name: it["Properties"] for name, it in made if it["Type"] == "AWS::CloudWatch::Alarm"}


def metrics(alarm: dict[str, Any]) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    """Namespace, name and dimensions of every metric that an alarm looks at."""
    plain = [alarm] if "MetricName" in alarm else []
    for metric in [*plain, *(it["MetricStat"]["Metric"] for it in alarm.get("Metrics", []) if "MetricStat" in it)]:
        yield metric["Namespace"], metric["MetricName"], metric["Dimensions"]


def looked_at() -> set[tuple[str, str]]:
    return {(namespace, name) for alarm in alarms().values() for namespace, name, _ in metrics(alarm)}


@pytest.mark.parametrize(
    "metric",
    [
        ("AWS/Lambda", "Errors"),
        ("Limbeck", "Errors"),
        ("AWS/ApiGateway", "5XXError"),
        ("AWS/Lambda", "Duration"),
        ("AWS/Lambda", "Throttles"),
        ("Limbeck", "Abstentions"),
        ("Limbeck", "Inputs"),
        ("Limbeck", "ConfidenceDrift"),
    ],
)
def test_there_is_an_alarm_on(metric: tuple[str, str]) -> None:
    assert metric in looked_at()


def test_every_metric_of_ours_is_one_that_the_handler_publishes_under_the_stacks_name() -> None:
    published = TELEMETRY.read_text(encoding="utf-8")
    for alarm in alarms().values():
        for namespace, name, dimensions in metrics(alarm):
            if namespace == "Limbeck":
                assert f'"{name}"' in published
                assert dimensions == OURS
    function = stack().named("AWS::Lambda::Function")["PredictFunction"]
    assert function["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] == "limbeck"


def test_lambda_and_the_gateway_are_asked_about_this_function_and_this_stage_alone() -> None:
    for alarm in alarms().values():
        for namespace, _, dimensions in metrics(alarm):
            if namespace == "AWS/Lambda":
                assert dimensions[0] == {"Name": "FunctionName", "Value": {"Ref": "PredictFunction"}}
            elif namespace == "AWS/ApiGateway":
                api, stage = dimensions
                assert api == {"Name": "ApiName", "Value": stack().only("AWS::ApiGateway::RestApi")["Name"]}
                assert stage == {"Name": "Stage", "Value": {"Ref": "PredictApiv1Stage"}}


@pytest.mark.parametrize(
    ("alarm", "parameter", "default"),
    [
        ("SlowAlarm", "AlarmP99Milliseconds", "250"),
        ("AbstentionAlarm", "AlarmAbstentionPercent", "30"),
        ("DriftAlarm", "AlarmConfidenceDrift", "0.1"),
    ],
)
def test_a_threshold_is_a_parameter(alarm: str, parameter: str, default: str) -> None:
    assert alarms()[alarm]["Threshold"] == default
    assert alarms(**{parameter: 0.25})[alarm]["Threshold"] == "0.25"


def test_slow_means_the_99th_percentile() -> None:
    slow = alarms()["SlowAlarm"]
    assert slow["ExtendedStatistic"] == "p99"
    assert slow["EvaluateLowSampleCountPercentile"] == "ignore"
    assert slow["Period"] * slow["EvaluationPeriods"] == 900


def returned(alarm: dict[str, Any]) -> str:
    """The expression that is compared with the threshold."""
    (expression,) = [it["Expression"] for it in alarm["Metrics"] if it.get("ReturnData", True)]
    return str(expression)


def compared(expression: str, **values: float) -> float:
    """CloudWatch's metric math, as far as the alarms use it."""
    names = {"IF": lambda test, then, otherwise: then if test else otherwise, "ABS": abs, **values}
    return float(eval(expression, {"__builtins__": {}}, names))


@pytest.mark.parametrize(
    ("inputs", "abstentions", "percent"), [(100, 40, 40), (50, 50, 100), (49, 49, 0), (1000, 0, 0)]
)
def test_the_abstention_rate_is_a_share_of_at_least_fifty_inputs(inputs: int, abstentions: int, percent: float) -> None:
    assert compared(returned(alarms()["AbstentionAlarm"]), inputs=inputs, abstentions=abstentions) == percent


@pytest.mark.parametrize(
    ("drift", "requests", "distance"), [(0.2, 50, 0.2), (-0.2, 500, 0.2), (-0.2, 49, 0), (0.01, 500, 0.01)]
)
def test_confidence_drifts_up_and_down(drift: float, requests: int, distance: float) -> None:
    assert compared(returned(alarms()["DriftAlarm"]), drift=drift, requests=requests) == pytest.approx(distance)


def test_the_two_rates_are_over_an_hour() -> None:
    for name in ("AbstentionAlarm", "DriftAlarm"):
        stats = [it["MetricStat"] for it in alarms()[name]["Metrics"] if "MetricStat" in it]
        assert {stat["Period"] for stat in stats} == {3600}
    assert {stat["Stat"] for stat in stats} == {"Average", "SampleCount"}


def test_no_request_is_no_alarm() -> None:
    for name, alarm in alarms().items():
        assert alarm["TreatMissingData"] == "notBreaching", name
        assert alarm["ComparisonOperator"] == "GreaterThanThreshold", name


@pytest.mark.parametrize("name", ["NewVersionCrashAlarm", "NewVersionSlowAlarm"])
def test_the_new_version_is_watched_by_itself_while_it_shares_the_alias(name: str) -> None:
    _, alias, version = alarms()[name]["Dimensions"]
    assert alias == {"Name": "Resource", "Value": "${PredictFunction}:live"}
    assert version == {"Name": "ExecutedVersion", "Value": stack().live["Properties"]["FunctionVersion"]}
    assert alarms()[name]["Period"] == 60  # a canary has five minutes


def test_alarms_are_sent_to_the_topic_that_is_named() -> None:
    for alarm in alarms(AlarmTopicArn=TOPIC).values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [TOPIC]


def test_alarms_are_mailed_by_a_topic_of_the_stack() -> None:
    for alarm in alarms(AlarmEmail=MAIL).values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "AlarmTopic"}]
    topic = stack(AlarmEmail=MAIL).only("AWS::SNS::Topic")
    assert topic["Subscription"] == [{"Protocol": "email", "Endpoint": MAIL}]
    assert stack(AlarmEmail=MAIL).outputs["AlarmTopic"]["Value"] == {"Ref": "AlarmTopic"}


def test_both_are_told_where_both_are_named() -> None:
    for alarm in alarms(AlarmEmail=MAIL, AlarmTopicArn=TOPIC).values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [TOPIC, {"Ref": "AlarmTopic"}]


def test_alarms_may_use_the_key_that_encrypts_the_topic() -> None:
    # They may not use SNS's own key: CloudWatch would drop every one.
    made = stack(AlarmEmail=MAIL)
    assert made.only("AWS::SNS::Topic")["KmsMasterKeyId"] == {"Ref": "AlarmKey"}
    key = made.only("AWS::KMS::Key")
    assert key["EnableKeyRotation"] is True
    allowed = [it for it in key["KeyPolicy"]["Statement"] if it["Principal"] == {"Service": "cloudwatch.amazonaws.com"}]
    assert [it["Action"] for it in allowed] == [["kms:Decrypt", "kms:GenerateDataKey"]]
    (sends,) = made.only("AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    assert (sends["Action"], sends["Resource"]) == ("sns:Publish", {"Ref": "AlarmTopic"})
    assert sends["Condition"]["StringEquals"] == {"aws:SourceAccount": "123456789012"}


def test_without_an_address_there_is_no_topic_and_no_key() -> None:
    assert stack().of_type("AWS::SNS::Topic") == stack().of_type("AWS::KMS::Key") == []


def test_without_a_topic_there_are_alarms_all_the_same() -> None:
    assert alarms().keys() == alarms(AlarmTopicArn=TOPIC).keys() and alarms()
    assert all(alarm["AlarmActions"] == alarm["OKActions"] == [] for alarm in alarms().values())
