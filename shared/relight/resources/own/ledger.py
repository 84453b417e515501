"""The ledger's table: what protects it, not what is in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relight.aws import Place
from relight.model import Call

GONE = ("ResourceNotFoundException",)
NO_POLICY = ("PolicyNotFoundException", *GONE)
PROTECTED, BACKED_UP, EXPIRY, POLICY = (
    "DeletionProtectionEnabled",
    "PointInTimeRecoveryEnabled",
    "TimeToLive",
    "ResourcePolicy",
)


def show(place: Place, name: str, arn: str) -> tuple[dict[str, Any], dict[str, str]] | None:
    """Deletion protection, backups, the attribute by which items expire, the resource policy as it was put."""
    shown = place.read("dynamodb", "DescribeTable", missing=GONE, TableName=name)
    if shown is None:
        return None
    backups = place.read("dynamodb", "DescribeContinuousBackups", TableName=name) or {}
    expiry = place.read("dynamodb", "DescribeTimeToLive", TableName=name) or {}
    policy = place.read("dynamodb", "GetResourcePolicy", missing=NO_POLICY, ResourceArn=arn) or {}
    recovery = backups.get("ContinuousBackupsDescription", {}).get("PointInTimeRecoveryDescription", {})
    ttl = expiry.get("TimeToLiveDescription", {})
    on = ttl.get("TimeToLiveStatus") in ("ENABLED", "ENABLING")
    return {
        PROTECTED: bool(shown["Table"].get(PROTECTED)),
        BACKED_UP: recovery.get("PointInTimeRecoveryStatus") == "ENABLED",
        EXPIRY: ttl.get("AttributeName") if on else None,
        POLICY: policy.get("Policy"),
    }, {}


def repair(
    name: str, arn: str, wanted: Mapping[str, Any], settings: Mapping[str, Any], handles: Mapping[str, str]
) -> tuple[Call, ...]:
    """A call for each. That items expire can be changed once an hour: until then DynamoDB refuses it.

    The stack's table always has a policy: it is put back, and never deleted.
    """
    table = {"TableName": name}
    calls = []
    if PROTECTED in wanted:
        calls.append(Call("dynamodb", "UpdateTable", {**table, PROTECTED: wanted[PROTECTED]}))
    if BACKED_UP in wanted:
        on = {"PointInTimeRecoverySpecification": {BACKED_UP: wanted[BACKED_UP]}}
        calls.append(Call("dynamodb", "UpdateContinuousBackups", {**table, **on}))
    if EXPIRY in wanted:
        to = {"Enabled": bool(wanted[EXPIRY]), "AttributeName": wanted[EXPIRY] or "expires"}
        calls.append(Call("dynamodb", "UpdateTimeToLive", {**table, "TimeToLiveSpecification": to}))
    if wanted.get(POLICY):
        calls.append(Call("dynamodb", "PutResourcePolicy", {"ResourceArn": arn, "Policy": wanted[POLICY]}))
    return tuple(calls)


def again(name: str, arn: str, settings: Mapping[str, Any]) -> tuple[Call, ...]:
    """Nothing: an empty table would stand in the way of its restoration."""
    return ()
