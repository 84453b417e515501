"""EventBridge Scheduler's schedules, in the default group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relight.aws import Place
from relight.model import Call

FIELDS = (
    "Description",
    "EndDate",
    "FlexibleTimeWindow",
    "KmsKeyArn",
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "StartDate",
    "State",
    "Target",
)
DATES = ("EndDate", "StartDate")


def show(place: Place, name: str, arn: str) -> tuple[dict[str, Any], dict[str, str]] | None:
    """All that UpdateSchedule takes; dates as ISO 8601."""
    shown = place.read("scheduler", "GetSchedule", missing=("ResourceNotFoundException",), Name=name)
    if shown is None:
        return None
    settings = {each: shown[each] for each in FIELDS if shown.get(each)}
    return settings | {each: shown[each].isoformat() for each in DATES if shown.get(each)}, {}


def repair(
    name: str, arn: str, wanted: Mapping[str, Any], settings: Mapping[str, Any], handles: Mapping[str, str]
) -> tuple[Call, ...]:
    """UpdateSchedule with everything: what it is not given it resets."""
    return (Call("scheduler", "UpdateSchedule", {"Name": name, **settings, "State": "ENABLED"}),)


def again(name: str, arn: str, settings: Mapping[str, Any]) -> tuple[Call, ...]:
    """The schedule as it was."""
    return (Call("scheduler", "CreateSchedule", {"Name": name, **settings, "State": "ENABLED"}),)
