"""Where a trail's events go: the bucket that keeps them, and the log group that filters and alarms read."""

from __future__ import annotations

from collections.abc import Iterator

from relight.model import Basis, Drift, Severity
from relight.policy.control import control, known
from relight.policy.trail import Trail
from relight.standard import Standard

SIEM = "siem"


@control(
    "trail.destination",
    title="Log files go to the bucket that they went to",
    severity=Severity.CRITICAL,
    triggers=("UpdateTrail",),
    repair="UpdateTrail",
    basis=Basis.BASELINE,
)
def destination(trail: Trail, standard: Standard, baseline: Trail | None) -> Iterator[Drift]:
    """Bucket and prefix are the baseline's, or the bucket is one that the standard trusts."""
    if baseline is None or not baseline.bucket or trail.bucket in standard.trusted_buckets:
        return
    if trail.bucket != baseline.bucket:
        yield Drift("S3BucketName", found=trail.bucket, wanted=baseline.bucket)
    if trail.prefix != baseline.prefix:
        yield Drift("S3KeyPrefix", found=trail.prefix, wanted=baseline.prefix)


@control(
    "trail.cloudwatch-logs",
    title="Events reach CloudWatch Logs, where filters and alarms read them",
    severity=Severity.HIGH,
    security_hub="CloudTrail.5",
    triggers=("UpdateTrail", "CreateTrail", "DeleteLogGroup", "DeleteSubscriptionFilter", "PutSubscriptionFilter"),
    repair="CreateLogGroup, PutRetentionPolicy, UpdateTrail, PutSubscriptionFilter",
    costs="0.50 a GB that CloudWatch Logs takes in",
)
def cloudwatch_logs(trail: Trail, standard: Standard, baseline: Trail | None) -> Iterator[Drift]:
    """A log group and a role are set, the group exists, and hands on to whom it did; or a SIEM reads the bucket."""
    if standard.trail_reader == SIEM:
        return
    group = trail.log_group
    if not (group and trail.log_group_role):
        group, role = _wanted(trail, standard, baseline)
        advice = "" if role else f"No role for delivery is known: {_way_out(trail, standard)}."
        yield Drift("CloudWatchLogsLogGroupArn", found=trail.log_group, wanted=group, manual=advice)
        yield Drift("CloudWatchLogsRoleArn", found=trail.log_group_role, wanted=role, manual=advice)
    elif not known(trail.log_group_exists, f"log group {group}"):
        yield Drift("LogGroupName", found="", wanted=log_group_name(group))
    if baseline and group == baseline.log_group:
        lost = [dict(each) for each in baseline.subscription_filters if each not in trail.subscription_filters]
        if lost:
            found = [dict(each) for each in trail.subscription_filters]
            yield Drift("SubscriptionFilters", found=found, wanted=lost)


def _way_out(trail: Trail, standard: Standard) -> str:
    if standard.is_home(trail.account, trail.region):
        return "give the stack one (parameter TrailLogsRoleArn)"
    return f"add one for {trail.account}/{trail.region} to trail_logs_roles in standard.toml"


def _wanted(trail: Trail, standard: Standard, baseline: Trail | None) -> tuple[str, str]:
    """The ARNs of log group and role: the baseline's, else the standard's; the role is empty where there is none."""
    if baseline and baseline.log_group and baseline.log_group_role:
        return baseline.log_group, baseline.log_group_role
    return of_the_standard(trail, standard)


def of_the_standard(trail: Trail, standard: Standard) -> tuple[str, str]:
    """The ARNs of the log group that Relight makes for a trail and of the role there, which is empty without one."""
    name = f"/relight/trails/{trail.name}"
    group = f"arn:{standard.partition}:logs:{trail.region}:{trail.account}:log-group:{name}:*"
    return group, standard.trail_logs_role_in(trail.account, trail.region)


def log_group_name(arn: str) -> str:
    """The name in a log group's ARN, ``arn:…:log-group:NAME:*``; empty of an empty text."""
    return arn.split(":")[6] if arn.count(":") >= 6 else ""
