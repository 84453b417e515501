"""Log groups that have to be there for something to deliver to: CreateLogGroup, PutRetentionPolicy."""

from __future__ import annotations

from relight.model import Call
from relight.standard import Standard

OWN_GROUPS = "/relight/"


def creation(name: str, region: str, standard: Standard) -> tuple[Call, ...]:
    """Makes the log group, in case it went too. Retention and key are set on Relight's own groups only."""
    exists = ("ResourceAlreadyExistsException",)
    plain = Call("logs", "CreateLogGroup", {"logGroupName": name}, already=exists)
    if not name.startswith(OWN_GROUPS):
        return (plain,)
    retention = Call("logs", "PutRetentionPolicy", {"logGroupName": name, "retentionInDays": standard.retention_days})
    key = standard.trail_keys.get(region)
    if not key:
        return (plain, retention)
    # A key that was brought may not let CloudWatch Logs use it; then the logs matter more than their key.
    encrypted = {"logGroupName": name, "kmsKeyId": key}
    return (Call("logs", "CreateLogGroup", encrypted, already=exists, instead=(plain,)), retention)
