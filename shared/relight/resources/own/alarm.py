"""CloudWatch alarms on Relight itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relight.aws import Place
from relight.model import Call

FIELDS = (
    "ActionsEnabled",
    "AlarmActions",
    "AlarmDescription",
    "ComparisonOperator",
    "DatapointsToAlarm",
    "Dimensions",
    "EvaluateLowSampleCountPercentile",
    "EvaluationPeriods",
    "ExtendedStatistic",
    "InsufficientDataActions",
    "MetricName",
    "Metrics",
    "Namespace",
    "OKActions",
    "Period",
    "Statistic",
    "Threshold",
    "ThresholdMetricId",
    "TreatMissingData",
    "Unit",
)


def show(place: Place, name: str, arn: str) -> tuple[dict[str, Any], dict[str, str]] | None:
    """All that PutMetricAlarm takes but tags."""
    for shown in place.pages("cloudwatch", "DescribeAlarms", "MetricAlarms", AlarmNames=[name]):
        return {each: shown[each] for each in FIELDS if shown.get(each) not in (None, [], "")}, {}
    return None


def repair(
    name: str, arn: str, wanted: Mapping[str, Any], settings: Mapping[str, Any], handles: Mapping[str, str]
) -> tuple[Call, ...]:
    """PutMetricAlarm with everything: it replaces the alarm."""
    return again(name, arn, settings)


def again(name: str, arn: str, settings: Mapping[str, Any]) -> tuple[Call, ...]:
    """The alarm as it was."""
    return (Call("cloudwatch", "PutMetricAlarm", {"AlarmName": name, **settings, "ActionsEnabled": True}),)
