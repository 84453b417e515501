"""What several kinds look at to learn what matters to them."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from relight.aws import UNKNOWN_OPERATION, Place
from relight.errors import AwsError

# What DescribeAlarms shows and PutMetricAlarm takes (botocore's models), but the name; the latter replaces all of it.
ALARM_FIELDS = (
    "AlarmDescription", "ActionsEnabled", "OKActions", "AlarmActions", "InsufficientDataActions", "MetricName",
    "Namespace", "Statistic", "ExtendedStatistic", "Dimensions", "Period", "Unit", "EvaluationPeriods",
    "DatapointsToAlarm", "Threshold", "ComparisonOperator", "TreatMissingData", "EvaluateLowSampleCountPercentile",
    "Metrics", "ThresholdMetricId", "EvaluationWindow", "EvaluationCriteria", "EvaluationInterval",
    "WarmUpConfiguration", "ActionConfiguration",
)  # fmt: skip
# Where a Region or this function's boto3 knows no alarm mute rules, none can mute anything that could be seen.
NOT_OFFERED = (UNKNOWN_OPERATION, "UnknownOperationException", "InvalidAction")


def trails(place: Place) -> list[Mapping[str, Any]]:
    """The trails that can be seen from a Region, those of other Regions and of the organisation too. Raises AwsError.

    As DescribeTrails shows them with their shadows.
    """
    return list((place.read("cloudtrail", "DescribeTrails", includeShadowTrails=True) or {})["trailList"])


def alarm(shown: Mapping[str, Any]) -> dict[str, Any]:
    """What puts an alarm back as DescribeAlarms shows it, but its name."""
    return {each: shown[each] for each in ALARM_FIELDS if shown.get(each) not in (None, "", [], {})}


def mutes(place: Place, alarms: AbstractSet[str]) -> dict[str, list[str]]:
    """The alarm mute rules, present and to come, that silence any of these alarms, with all that they silence.

    Raises AwsError.
    """
    if not alarms:
        return {}
    try:
        listed = list(
            place.pages("cloudwatch", "ListAlarmMuteRules", "AlarmMuteRuleSummaries", Statuses=["SCHEDULED", "ACTIVE"])
        )
    except AwsError as error:
        if error.code in NOT_OFFERED:
            return {}
        raise
    found = {}
    for each in listed:
        name = each["AlarmMuteRuleArn"].partition(":alarm-mute-rule:")[2]
        rule = place.read(
            "cloudwatch", "GetAlarmMuteRule", missing=("ResourceNotFoundException",), AlarmMuteRuleName=name
        )
        silenced = (rule or {}).get("MuteTargets", {}).get("AlarmNames", [])
        if alarms & set(silenced):
            found[name] = sorted(silenced)
    return found
