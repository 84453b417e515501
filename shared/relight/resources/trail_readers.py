"""Who reads a trail's log group: its subscription filters, and the records that take them away or lead them elsewhere.

A filter stands here as the parameters of PutSubscriptionFilter, which replaces whatever has the same name
(https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutSubscriptionFilter.html).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relight.model import Baseline
from relight.policy.delivery import SIEM
from relight.policy.trail import Trail
from relight.record import Record, text
from relight.standard import Standard

# Calls that name a log group, which may be a trail's.
OF_A_LOG_GROUP = ("DeleteLogGroup", "DeleteSubscriptionFilter", "PutSubscriptionFilter")
# What PutSubscriptionFilter takes of what DescribeSubscriptionFilters shows (botocore's model of CloudWatch Logs).
FILTER = (
    "logGroupName",
    "filterName",
    "filterPattern",
    "destinationArn",
    "roleArn",
    "distribution",
    "applyOnTransformedLogs",
    "fieldSelectionCriteria",
    "emitSystemFields",
)
DEFAULTS = {"distribution": "ByLogStream"}


def as_put(shown: Mapping[str, Any]) -> dict[str, Any]:
    """A subscription filter as PutSubscriptionFilter takes it; only Kinesis data streams take a distribution."""
    found = {name: shown[name] for name in FILTER if shown.get(name)} | {
        "filterPattern": shown.get("filterPattern", "")
    }
    if ":kinesis:" not in found["destinationArn"]:
        found.pop("distribution", None)
    return found


def taken(record: Record, baseline: Baseline[Trail] | None, standard: Standard) -> dict[str, str]:
    """What was taken from those that read the log group: all of it, or a filter that the baseline had.

    A filter that it had not is somebody who hears of the events beside.
    """
    siem = standard.trail_reader == SIEM
    if record.name == "DeleteLogGroup":
        lost = f"What log group {text(record.request.get('logGroupName'))} held is lost."
        return {} if siem else {"trail.cloudwatch-logs": lost}
    had = {each["filterName"]: each for each in baseline.state.subscription_filters} if baseline else {}
    before = had.get(text(record.request.get("filterName")))
    if record.name == "DeleteSubscriptionFilter":
        return {"trail.cloudwatch-logs": ""} if before and not siem else {}
    if baseline is None or (before and _same(record.request, before)):
        return {}
    return {"trail.cloudwatch-logs" if before and not siem else "trail.baseline": ""}


def _same(put: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Whether a call sets just what was set: what it leaves out takes its default."""
    return all((put.get(name) or DEFAULTS.get(name)) == (before.get(name) or DEFAULTS.get(name)) for name in FILTER)
