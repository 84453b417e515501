"""The ledger's table: what protects it and lets it work, not what is in it."""

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
# As UpdateTable takes them.
BILLING, UNITS, MOST, ENCRYPTION = "BillingMode", "ProvisionedThroughput", "OnDemandThroughput", "SSESpecification"
UNLIMITED = -1


def show(place: Place, name: str, arn: str) -> tuple[dict[str, Any], dict[str, str]] | None:
    """Deletion protection, backups, the attribute by which items expire, the resource policy as it was put.

    And what may throttle it, and what it is encrypted with.
    """
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
        **_capacity(shown["Table"]),
        ENCRYPTION: _encryption(shown["Table"].get("SSEDescription", {})),
    }, {}


def _capacity(table: Mapping[str, Any]) -> dict[str, Any]:
    """The billing mode, and what it lets through. DescribeTable tells no mode of a table that never was on demand."""
    billing = table.get("BillingModeSummary", {}).get(BILLING, "PROVISIONED")
    units, most = table.get(UNITS, {}), table.get(MOST, {})
    return {
        BILLING: billing,
        UNITS: {each: units.get(each) for each in ("ReadCapacityUnits", "WriteCapacityUnits")}
        if billing == "PROVISIONED"
        else None,
        MOST: {each: most.get(each, UNLIMITED) for each in ("MaxReadRequestUnits", "MaxWriteRequestUnits")},
    }


def _encryption(described: Mapping[str, Any]) -> dict[str, Any]:
    """By a key of KMS, or by one that DynamoDB owns."""
    if described.get("Status", "DISABLED") in ("DISABLING", "DISABLED"):
        return {"Enabled": False}
    return {"Enabled": True, "SSEType": described.get("SSEType"), "KMSMasterKeyId": described.get("KMSMasterKeyArn")}


def repair(
    name: str, arn: str, wanted: Mapping[str, Any], settings: Mapping[str, Any], handles: Mapping[str, str]
) -> tuple[Call, ...]:
    """A call for each. That items expire can be changed once an hour: until then DynamoDB refuses it.

    The stack's table always has a policy: it is put back, and never deleted. While one UpdateTable is under way the
    next is refused, so there is only one; where that is refused, as a fifth change to on-demand within a day is, each
    of its parts is tried alone.
    """
    table = {"TableName": name}
    changes = [
        {field: wanted[field] for field in fields if wanted.get(field) is not None}
        for fields in ((PROTECTED,), (BILLING, UNITS, MOST), (ENCRYPTION,))
    ]
    updates = [Call("dynamodb", "UpdateTable", {**table, **each}) for each in changes if each]
    together = {key: value for each in updates for key, value in each.params.items()}
    calls = [Call("dynamodb", "UpdateTable", together, instead=tuple(updates))] if len(updates) > 1 else updates
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
