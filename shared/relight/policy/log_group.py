"""CloudWatch log groups that trails and flow logs write to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from relight.model import Drift, Severity
from relight.policy.control import control
from relight.standard import Standard

FOREVER = 0
CLASS = (
    "A log group's class cannot be changed. Accept it with `relight accept`, or delete the group and make it again, "
    "which loses what it holds by now."
)


@dataclass(frozen=True, slots=True)
class LogGroup:
    """A log group as DescribeLogGroups shows it. `retention_days` is 0 where nothing expires."""

    account: str
    region: str
    name: str
    retention_days: int = FOREVER
    kms_key: str = ""
    log_class: str = "STANDARD"
    protected: bool = False  # against deletion
    created: int = 0  # milliseconds since 1970; 0 in a baseline that an earlier version kept
    masked: bool | None = None  # by a data protection policy; None in a baseline that an earlier version kept
    used_by: tuple[str, ...] = field(default=(), compare=False)  # trails and VPCs, just now


@control(
    "logs.retention",
    title="The log group is there and keeps events for long enough",
    severity=Severity.HIGH,
    triggers=("DeleteLogGroup", "PutRetentionPolicy", "DeleteRetentionPolicy"),
    repair="CreateLogGroup, PutRetentionPolicy, DeleteRetentionPolicy, PutLogGroupDeletionProtection",
    absent=True,
    costs="0.03 a GB and month that is kept longer",
)
def retention(group: LogGroup | None, standard: Standard, baseline: LogGroup | None) -> Iterator[Drift]:
    """Nothing expires before the standard's retention; a group that is gone is made again, empty.

    Whoever writes to a group makes it again too, at once, and nobody's retention is set then: it gets what it had.
    """
    if group is None:
        if baseline:
            yield Drift("logGroupName", found=None, wanted=baseline.name)
        return
    if short(group.retention_days, standard):
        before = baseline.retention_days if baseline and not short(baseline.retention_days, standard) else None
        wanted = standard.retention_days if before is None else before
        yield Drift("retentionInDays", found=group.retention_days, wanted=wanted)
    elif (
        baseline
        and baseline.retention_days != FOREVER
        and group.retention_days == FOREVER
        and group.log_class == baseline.log_class  # else it was made on purpose, and stays another one until accepted
        and remade(group, baseline)
    ):
        yield Drift("retentionInDays", found=FOREVER, wanted=max(baseline.retention_days, standard.retention_days))
    if baseline and group.log_class != baseline.log_class:
        yield Drift("logGroupClass", found=group.log_class, wanted=baseline.log_class, manual=CLASS)
    if baseline and baseline.protected and not group.protected:
        yield Drift("deletionProtectionEnabled", found=False, wanted=True)


@control(
    "logs.encryption",
    title="The log group is encrypted with the key that it had",
    severity=Severity.MEDIUM,
    triggers=("AssociateKmsKey", "DisassociateKmsKey"),
    repair="AssociateKmsKey",
)
def encryption(group: LogGroup, standard: Standard, baseline: LogGroup | None) -> Iterator[Drift]:
    """Its key is the baseline's, where there was one, or another one that the standard trusts."""
    had = baseline.kms_key if baseline else ""
    if had and group.kms_key != had and not standard.trusts_key(group.kms_key, group.account):
        yield Drift("kmsKeyId", found=group.kms_key, wanted=had)


def remade(group: LogGroup, baseline: LogGroup) -> bool:
    """Whether it is another group than the baseline's, of the same name: what that one held and had set is gone."""
    return 0 < baseline.created < group.created


def short(days: int, standard: Standard) -> bool:
    """Whether a retention is shorter than the standard demands."""
    return days != FOREVER and days < standard.retention_days


def weaker(old: LogGroup, new: LogGroup, standard: Standard) -> tuple[Drift, ...]:
    """A retention that is long enough but shorter than it was, another key, and events that are masked from now on.

    What masks them keeps from most readers what an investigation needs
    (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/mask-sensitive-log-data.html).
    """
    drifts = []
    if new.retention_days != FOREVER and (old.retention_days == FOREVER or new.retention_days < old.retention_days):
        drifts.append(Drift("retentionInDays", found=new.retention_days, wanted=old.retention_days))
    strange = bool(new.kms_key) and not standard.trusts_key(new.kms_key, new.account)
    if new.kms_key != old.kms_key and (old.kms_key or strange):
        drifts.append(Drift("kmsKeyId", found=new.kms_key, wanted=old.kms_key))
    if new.masked and old.masked is False:
        drifts.append(Drift("dataProtectionStatus", found="ACTIVATED", wanted=""))
    return tuple(drifts)
