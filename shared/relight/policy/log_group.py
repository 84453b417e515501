"""CloudWatch log groups that trails and flow logs write to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from relight.model import Drift, Severity
from relight.policy.control import control
from relight.standard import Standard

FOREVER = 0


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
    """Nothing expires before the standard's retention; a group that is gone is made again, empty."""
    if group is None:
        if baseline:
            yield Drift("logGroupName", found=None, wanted=baseline.name)
        return
    if short(group.retention_days, standard):
        before = baseline.retention_days if baseline and not short(baseline.retention_days, standard) else None
        wanted = standard.retention_days if before is None else before
        yield Drift("retentionInDays", found=group.retention_days, wanted=wanted)
    if baseline and baseline.protected and not group.protected:
        yield Drift("deletionProtectionEnabled", found=False, wanted=True)


def short(days: int, standard: Standard) -> bool:
    """Whether a retention is shorter than the standard demands."""
    return days != FOREVER and days < standard.retention_days


def weaker(old: LogGroup, new: LogGroup, standard: Standard) -> tuple[Drift, ...]:
    """A retention that is long enough but shorter than it was, and another key."""
    drifts = []
    if new.retention_days != FOREVER and (old.retention_days == FOREVER or new.retention_days < old.retention_days):
        drifts.append(Drift("retentionInDays", found=new.retention_days, wanted=old.retention_days))
    if old.kms_key and new.kms_key != old.kms_key:
        drifts.append(Drift("kmsKeyId", found=new.kms_key, wanted=old.kms_key))
    return tuple(drifts)
