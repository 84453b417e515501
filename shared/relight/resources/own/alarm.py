"""CloudWatch alarms on Relight itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relight.aws import Place
from relight.model import Call
from relight.policy.guard import MUTE
from relight.resources import seen


def show(place: Place, name: str, arn: str) -> tuple[dict[str, Any], dict[str, str]] | None:
    """All that PutMetricAlarm takes but tags."""
    for shown in place.pages("cloudwatch", "DescribeAlarms", "MetricAlarms", AlarmNames=[name]):
        return seen.alarm(shown), {}
    return None


def repair(
    name: str, arn: str, wanted: Mapping[str, Any], settings: Mapping[str, Any], handles: Mapping[str, str]
) -> tuple[Call, ...]:
    """What mutes it deleted; PutMetricAlarm with everything, for it replaces the alarm."""
    mutes = [field.removeprefix(MUTE) for field in wanted if field.startswith(MUTE)]
    loud = (Call("cloudwatch", "DeleteAlarmMuteRule", {"AlarmMuteRuleName": rule}) for rule in mutes)
    return (*loud, *(again(name, arn, settings) if len(mutes) < len(wanted) else ()))


def again(name: str, arn: str, settings: Mapping[str, Any]) -> tuple[Call, ...]:
    """The alarm as it was."""
    return (Call("cloudwatch", "PutMetricAlarm", {"AlarmName": name, **settings, "ActionsEnabled": True}),)
