"""Log groups: those that have to be there for something to deliver to, and how long they keep what they hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from relight.aws import Aws, Place
from relight.model import Baseline, Call, Drift, Observed, Resource, Scope
from relight.policy import state
from relight.policy.delivery import log_group_name
from relight.policy.log_group import FOREVER, LogGroup, encryption, weaker
from relight.record import Record
from relight.resources import seen
from relight.standard import Standard

__all__ = ["CREATES", "KIND", "arn", "list_names", "locate", "observe", "plan", "revive", "taken", "weaker"]

KIND = "logs"
CREATES: frozenset[str] = frozenset()  # an empty group is nobody's before something writes to it
OWN_GROUPS = "/relight/"
EXISTS = ("ResourceAlreadyExistsException",)
MARK = ":log-group:"


def arn(partition: str, account: str, region: str, name: str) -> str:
    """``arn:…:log-group:NAME``."""
    return f"arn:{partition}:logs:{region}:{account}{MARK}{name}"


def locate(record: Record) -> Scope:
    """The log group that the record names."""
    given = (record.request.get(name) for name in ("logGroupName", "logGroupIdentifier", "resourceIdentifier"))
    named = record.need("log group", *given)
    return Scope(record.account, record.region, names=(_plain(named),))


def _plain(named: str) -> str:
    """The name in an ARN, which may end in ``:*``."""
    return log_group_name(named) if named.startswith("arn:") else named


def observe(
    aws: Aws, scope: Scope, baselines: Mapping[str, Baseline[LogGroup]], standard: Standard
) -> Iterator[Observed[LogGroup]]:
    """The named groups that a trail or a flow log writes to, or wrote to when their baseline was kept."""
    place = aws.at(scope.account, scope.region)
    users = _users(place)
    for name in scope.names:
        full = arn(standard.partition, scope.account, scope.region, name)
        used_by = users.get(name, ())
        if not used_by and full not in baselines:
            continue
        listed = place.pages("logs", "DescribeLogGroups", "logGroups", logGroupNamePrefix=name)
        shown = next((each for each in listed if each["logGroupName"] == name), None)
        found = _read(place, shown, used_by) if shown else None
        yield Observed(Resource(KIND, name, full, scope.account, scope.region), found)


def _read(place: Place, shown: Mapping[str, Any], used_by: tuple[str, ...]) -> LogGroup:
    return LogGroup(
        account=place.account,
        region=place.region,
        name=shown["logGroupName"],
        retention_days=shown.get("retentionInDays") or FOREVER,
        kms_key=shown.get("kmsKeyId") or "",
        log_class=shown.get("logGroupClass") or "STANDARD",
        protected=bool(shown.get("deletionProtectionEnabled")),
        created=shown.get("creationTime") or 0,
        masked=_is_masked(shown),
        used_by=used_by,
    )


def _is_masked(shown: Mapping[str, Any]) -> bool:
    """Whether a data protection policy masks its events: its own, or the account's."""
    own, inherited = shown.get("dataProtectionStatus"), shown.get("inheritedProperties") or ()
    return own == "ACTIVATED" or "ACCOUNT_DATA_PROTECTION" in inherited


def _users(place: Place) -> dict[str, tuple[str, ...]]:
    """The trails and VPCs that write to each log group of the Region."""
    found: dict[str, tuple[str, ...]] = {}
    for trail in seen.trails(place):
        group = trail.get("CloudWatchLogsLogGroupArn") or ""
        if f":{place.region}:{place.account}{MARK}" in group:
            found[_plain(group)] = (*found.get(_plain(group), ()), f"trail {trail['Name']}")
    for log in place.pages("ec2", "DescribeFlowLogs", "FlowLogs"):
        if log.get("LogGroupName"):
            found[log["LogGroupName"]] = (*found.get(log["LogGroupName"], ()), f"flow logs of {log['ResourceId']}")
    return found


def list_names(place: Place, standard: Standard) -> list[str]:
    """The names of the Region's log groups that something writes to, be they there or not."""
    return sorted(_users(place))


def taken(record: Record, baseline: Baseline[LogGroup] | None, standard: Standard) -> dict[str, str]:
    """DeleteLogGroup by its name; the others by a number of days that is less than it was, or by another key."""
    if record.name == "DeleteLogGroup":
        return {"logs.retention": "What it held is lost: it is made again empty."}
    if record.name in ("AssociateKmsKey", "DisassociateKmsKey"):
        return _taken_key(record, baseline, standard)
    days = record.request.get("retentionInDays")
    if record.name != "PutRetentionPolicy" or not isinstance(days, int):
        return {}
    before = baseline.state.retention_days if baseline else FOREVER
    lost = days < standard.retention_days or days < before
    return {"logs.retention": ""} if lost else {}


def _taken_key(record: Record, baseline: Baseline[LogGroup] | None, standard: Standard) -> dict[str, str]:
    key = record.request.get("kmsKeyId") if record.name == "AssociateKmsKey" else ""
    if baseline is None or not isinstance(key, str):
        return {}
    before, after = baseline.state, replace(baseline.state, kms_key=key)
    if any(encryption(after, standard, before)):
        return {"logs.encryption": ""}
    return {"logs.baseline": ""} if weaker(before, after, standard) else {}


def plan(
    observed: Observed[LogGroup], drifts: tuple[Drift, ...], standard: Standard, baseline: LogGroup | None
) -> tuple[Call, ...]:
    """The group, its retention, key and protection. Where others make it again first, it lacks its key until a look.

    Whether the key may still be used is for AWS to say, which refuses one that may not
    (https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_AssociateKmsKey.html).
    """
    name = {"logGroupName": observed.resource.name}
    wanted = {drift.field: drift.wanted for drift in drifts}
    calls: list[Call] = []
    if "logGroupName" in wanted and baseline:
        calls.append(_again(baseline))
        if baseline.retention_days != FOREVER:
            days = max(baseline.retention_days, standard.retention_days)
            calls.append(Call("logs", "PutRetentionPolicy", {**name, "retentionInDays": days}))
    if wanted.get("retentionInDays") == FOREVER:
        calls.append(Call("logs", "DeleteRetentionPolicy", name))
    elif "retentionInDays" in wanted:
        calls.append(Call("logs", "PutRetentionPolicy", {**name, "retentionInDays": wanted["retentionInDays"]}))
    if "kmsKeyId" in wanted:
        calls.append(Call("logs", "AssociateKmsKey", {**name, "kmsKeyId": wanted["kmsKeyId"]}))
    if "deletionProtectionEnabled" in wanted or ("logGroupName" in wanted and baseline and baseline.protected):
        protect = {"logGroupIdentifier": observed.resource.name, "deletionProtectionEnabled": True}
        calls.append(Call("logs", "PutLogGroupDeletionProtection", protect))
    return tuple(calls)


def _again(before: LogGroup) -> Call:
    """With its key and class; without them where AWS refuses that."""
    plain = {"logGroupName": before.name}
    more = {"kmsKeyId": before.kms_key} if before.kms_key else {}
    more |= {"logGroupClass": before.log_class} if before.log_class != "STANDARD" else {}
    instead = (Call("logs", "CreateLogGroup", plain, already=EXISTS),) if more else ()
    return Call("logs", "CreateLogGroup", {**plain, **more}, already=EXISTS, instead=instead)


def revive(data: Mapping[str, Any]) -> LogGroup:
    """A log group from a baseline's data."""
    return state.revive(LogGroup, data)


def creation(name: str, account: str, region: str, standard: Standard) -> tuple[Call, ...]:
    """Makes the log group, in case it went too. Retention and key are set on Relight's own groups only."""
    plain = Call("logs", "CreateLogGroup", {"logGroupName": name}, already=EXISTS)
    if not name.startswith(OWN_GROUPS):
        return (plain,)
    retention = Call("logs", "PutRetentionPolicy", {"logGroupName": name, "retentionInDays": standard.retention_days})
    key = standard.trail_key(account, region)
    if not key:
        return (plain, retention)
    # A key that was brought may not let CloudWatch Logs use it; then the logs matter more than their key.
    encrypted = {"logGroupName": name, "kmsKeyId": key}
    return (Call("logs", "CreateLogGroup", encrypted, already=EXISTS, instead=(plain,)), retention)
