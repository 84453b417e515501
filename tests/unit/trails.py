"""Trails as AWS shows them, and a look at them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relight.model import Observed, Scope
from relight.policy.trail import Trail
from relight.resources import trail as kind
from tests.unit.builders import (
    ACCOUNT,
    ENOUGH_EVENTS,
    FRIEND,
    REGION,
    TRAIL_ARN,
    TRAIL_GROUP,
    TRAIL_ROLE,
    baseline,
    key,
    standard,
)
from tests.unit.fakes import Answer, fake_aws, refused


def listed(**changes: Any) -> dict[str, Any]:
    """A trail as DescribeTrails shows it."""
    return {
        "Name": "main",
        "S3BucketName": "trail-logs",
        "IncludeGlobalServiceEvents": True,
        "IsMultiRegionTrail": True,
        "HomeRegion": REGION,
        "TrailARN": TRAIL_ARN,
        "LogFileValidationEnabled": True,
        "KmsKeyId": key(),
        "CloudWatchLogsLogGroupArn": TRAIL_GROUP,
        "CloudWatchLogsRoleArn": TRAIL_ROLE,
    } | changes


ENABLED = {"KeyMetadata": {"KeyId": "k", "KeyState": "Enabled"}}
LOGS = {"IsLogging": True}
ALL_EVENTS = {"EventSelectors": [ENOUGH_EVENTS]}


def look(
    *trails: Mapping[str, Any],
    names: tuple[str, ...] = ("main",),
    parts: tuple[str, ...] = (),
    before: Trail | None = None,
    **answers: Answer,
) -> tuple[list[Observed[Trail]], list[str]]:
    """What observe yields, and the calls that it made."""
    aws, session = fake_aws(**(prepared(*trails) | answers))
    baselines = {TRAIL_ARN: baseline(before)} if before else {}
    settings = standard(trusted_accounts=frozenset({FRIEND}), trail_keys={"eu-west-1": key()})
    seen = list(kind.observe(aws, Scope(ACCOUNT, REGION, names, parts), baselines, settings))
    return seen, session.names


def prepared(*trails: Mapping[str, Any]) -> dict[str, Answer]:
    """The answers of an AWS that has these trails, by service and operation."""
    return {
        "cloudtrail__DescribeTrails": {"trailList": trails},
        "cloudtrail__GetTrailStatus": LOGS,
        "cloudtrail__GetEventSelectors": ALL_EVENTS,
        "cloudtrail__GetInsightSelectors": refused("InsightNotEnabledException"),
        "cloudtrail__ListTags": {"ResourceTagList": [{"ResourceId": TRAIL_ARN, "TagsList": []}]},
        "logs__DescribeSubscriptionFilters": {"subscriptionFilters": []},
        "kms__DescribeKey": ENABLED,
        "s3__ListBuckets": {"Buckets": [{"Name": "trail-logs", "BucketRegion": "eu-west-1"}]},
    }
