"""KMS keys: they rotate, and those that encrypt log files stay available to whoever writes them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from relight.errors import UnknownState
from relight.model import Basis, Drift, Mode, Severity, Unread
from relight.policy.control import control, known
from relight.standard import Standard

ENABLED, DISABLED = "Enabled", "Disabled"
# The second one is a multi-Region primary's, as long as it has replicas; CancelKeyDeletion takes both
# (https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-delete.html).
PENDING_DELETION = ("PendingDeletion", "PendingReplicaDeletion")
CLOUDTRAIL = "cloudtrail.amazonaws.com"
# AWS's own period, which EnableKeyRotation takes where none is named
# (https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html).
USUAL_PERIOD_DAYS = 365
# What CloudTrail and S3 need of a key to write a file with it.
ENCRYPTING = ("kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext")
ADVICE = {
    "PendingImport": "Its key material was deleted: import the same material again (ImportKeyMaterial).",
    "Unavailable": "Its custom key store is disconnected: connect it again.",
}


@dataclass(frozen=True, slots=True)
class Key:
    """A customer-managed key as DescribeKey shows it, with its rotation, policy and users."""

    account: str
    region: str
    id: str
    state: str
    spec: str = "SYMMETRIC_DEFAULT"
    origin: str = "AWS_KMS"
    replica: bool = False
    rotation: bool | Unread = False
    rotation_days: int = USUAL_PERIOD_DAYS
    # What needs it to write log files, or did as far as is known: "trail NAME", "bucket NAME", "the standard".
    used_by: tuple[str, ...] | Unread = ()
    policy: str | Unread = ""  # JSON; read of keys that something uses

    @property
    def rotatable(self) -> bool:
        """Whether AWS rotates such a key by itself: symmetric, made by KMS, and not a replica.

        https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html
        """
        return (self.spec, self.origin, self.replica) == ("SYMMETRIC_DEFAULT", "AWS_KMS", False)


@control(
    "key.available",
    title="A key that log files are encrypted with can be used",
    severity=Severity.CRITICAL,
    cis="4.7",
    triggers=("DisableKey", "ScheduleKeyDeletion", "DeleteImportedKeyMaterial"),
    repair="CancelKeyDeletion, EnableKey",
    introduce=Mode.ENFORCE,
)
def available(key: Key, standard: Standard, baseline: Key | None) -> Iterator[Drift]:
    """A key that a trail, its bucket or the standard uses, or used, is enabled and not about to be deleted."""
    if key.state == ENABLED or not users(key, baseline):
        return
    mendable = key.state in (DISABLED, *PENDING_DELETION)
    advice = "" if mendable else ADVICE.get(key.state, "Wait until it is enabled, or find out who keeps it from that.")
    yield Drift("KeyState", found=key.state, wanted=ENABLED, manual=advice)


@control(
    "key.rotation",
    title="Keys are rotated",
    severity=Severity.LOW,
    cis="3.6",
    security_hub="KMS.4",
    triggers=("DisableKeyRotation", "CreateKey"),
    repair="EnableKeyRotation",
    costs="1.00 a month for each of a key's first two rotations",
    basis=Basis.STANDARD,
)
def rotation(key: Key, standard: Standard, baseline: Key | None) -> Iterator[Drift]:
    """Automatic rotation is on, for keys that AWS can rotate. A disabled key is not rotated, and need not be."""
    if not key.rotatable or key.state != ENABLED:
        return
    if not known(key.rotation, f"the rotation of key {key.id}"):
        yield Drift("KeyRotationEnabled", found=False, wanted=True)


@control(
    "key.policy",
    title="The policy of a trail's key lets CloudTrail encrypt",
    severity=Severity.HIGH,
    triggers=("PutKeyPolicy",),
    repair="PutKeyPolicy",
    restore=Mode.OBSERVE,
)
def policy(key: Key, standard: Standard, baseline: Key | None) -> Iterator[Drift]:
    """CloudTrail goes on encrypting for a while with the data keys that it has, so nothing fails at once."""
    if not any(user.startswith("trail ") for user in users(key, baseline)):
        return
    text = known(key.policy, f"the policy of key {key.id}")
    if text and lets_cloudtrail_encrypt(text):
        return
    before = baseline.policy if baseline and isinstance(baseline.policy, str) else ""
    if before and lets_cloudtrail_encrypt(before) and not strangers(before, key.account, standard):
        yield Drift("Policy", found=text, wanted=before)
    else:
        advice = (
            "No earlier policy is known that lets CloudTrail encrypt and names trusted accounts only: allow "
            f"kms:GenerateDataKey* to {CLOUDTRAIL} on this key."
        )
        yield Drift("Policy", found=text, wanted="", manual=advice)


def users(key: Key, baseline: Key | None) -> tuple[str, ...]:
    """Who uses the key, or did when its baseline was kept. Raises UnknownState where that could not be read."""
    before = baseline.used_by if baseline and isinstance(baseline.used_by, tuple) else ()
    return before or known(key.used_by, f"who uses key {key.id}")


def lets_cloudtrail_encrypt(text: str) -> bool:
    """Whether a key policy allows CloudTrail to make data keys, and does not deny it.

    Raises UnknownState for a Deny whose conditions decide. Conditions of an Allow are taken as they should be.
    """
    statements = list(_statements(text))
    for statement in statements:
        if statement.get("Effect") == "Deny" and _concerns_cloudtrail(statement):
            if statement.get("Condition"):
                raise UnknownState("the key's policy has a Deny whose conditions decide whether CloudTrail may encrypt")
            return False
    return any(statement.get("Effect") == "Allow" and _concerns_cloudtrail(statement) for statement in statements)


def strangers(text: str, account: str, standard: Standard) -> set[str]:
    """The principals of a key policy's allowing statements that belong to no trusted account; "*" among them."""
    trusted = {account, *standard.trusted_accounts}
    named = (
        principal
        for statement in _statements(text)
        if statement.get("Effect") == "Allow"
        for principal in _principals(statement, "AWS")
    )
    return {each for each in named if (each.split(":")[4] if each.count(":") >= 5 else each) not in trusted}


def _statements(text: str) -> Iterator[Mapping[str, Any]]:
    try:
        found = json.loads(text).get("Statement", [])
    except (AttributeError, RecursionError, TypeError, ValueError) as error:
        raise UnknownState(f"the key's policy is not one: {error}") from error
    for statement in found if isinstance(found, list) else [found]:
        if isinstance(statement, Mapping):
            yield statement


def _concerns_cloudtrail(statement: Mapping[str, Any]) -> bool:
    anybody = statement.get("Principal") == "*" or "*" in _principals(statement, "AWS")
    named = anybody or CLOUDTRAIL in _principals(statement, "Service")
    actions = statement.get("Action", ())
    patterns = [actions] if isinstance(actions, str) else actions
    return named and any(_covers(pattern, action) for pattern in patterns for action in ENCRYPTING)


def _covers(pattern: str, action: str) -> bool:
    """Whether an action of a policy, which may end in *, covers another one."""
    wanted, given = action.lower(), str(pattern).lower()
    return given == wanted or (given.endswith("*") and wanted.startswith(given[:-1]))


def _principals(statement: Mapping[str, Any], kind: str) -> tuple[str, ...]:
    principal = statement.get("Principal", {})
    if principal == "*":
        return ("*",) if kind == "AWS" else ()
    named = principal.get(kind, ()) if isinstance(principal, Mapping) else ()
    return (named,) if isinstance(named, str) else tuple(str(each) for each in named)


def weaker(old: Key, new: Key, standard: Standard) -> tuple[Drift, ...]:
    """A longer period of rotation than the baseline's."""
    if old.rotation is True and new.rotation is True and new.rotation_days > old.rotation_days:
        return (Drift("RotationPeriodInDays", found=new.rotation_days, wanted=old.rotation_days),)
    return ()
