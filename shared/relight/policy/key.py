"""KMS keys: they rotate, and those that encrypt log files stay available to whoever writes them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any

from relight.errors import UnknownState
from relight.model import Basis, Drift, Mode, Severity, Unread
from relight.policy.control import control, known
from relight.policy.statement import (
    Sent,
    Statement,
    acts,
    allows,
    best,
    denies,
    meets,
    newly_doubtful,
    sent_by,
)
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
# https://docs.aws.amazon.com/kms/latest/developerguide/services-cloudtrail.html
CONTEXT = "kms:encryptioncontext:aws:cloudtrail:arn"
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
    # The ARNs of the trails that encrypt with it; where none does any more, of those that did.
    trails: tuple[str, ...] = ()
    looked_on: date | None = field(default=None, compare=False)

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
    if text and lets_cloudtrail_encrypt(text, key):
        return
    before = baseline.policy if baseline and isinstance(baseline.policy, str) else ""
    if before and lets_cloudtrail_encrypt(before, key) and not strangers(before, key.account, standard):
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


def lets_cloudtrail_encrypt(text: str, of: Key | None = None) -> bool:
    """Whether a policy allows CloudTrail to make data keys for each trail of a key, and does not deny it.

    Raises UnknownState for a Deny with a condition that nobody can tell from here. One of an Allow gets the benefit of
    the doubt; a new one is told (`weaker`).
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html
    """
    statements = list(_statements(text))
    return all(_lets(statements, sent) for sent in _requests(of))


def _lets(statements: list[Statement], sent: Sent) -> bool:
    stopped = [meets(s, sent) for s in statements if denies(s, CLOUDTRAIL) and _encrypts(s)]
    if True in stopped or best(_admits(each, sent) for each in statements) is False:
        return False
    if None in stopped:
        raise UnknownState("the key's policy has a Deny whose conditions decide whether CloudTrail may encrypt")
    return True


def _requests(key: Key | None) -> list[Sent]:
    """What comes with CloudTrail's request for a data key, for each trail; or for one of which nothing is known."""
    trails, day = (key.trails, key.looked_on) if key else ((), None)
    requests: list[Sent] = [{**sent_by(CLOUDTRAIL, arn, day), CONTEXT: arn} for arn in trails]
    return requests or [sent_by(CLOUDTRAIL, day=day)]


def _admits(statement: Statement, sent: Sent) -> bool | None:
    return meets(statement, sent) if allows(statement, CLOUDTRAIL) and _encrypts(statement) else False


def _encrypts(statement: Statement) -> bool:
    return any(acts(statement, action) for action in ENCRYPTING)


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


def _principals(statement: Mapping[str, Any], kind: str) -> tuple[str, ...]:
    principal = statement.get("Principal", {})
    if principal == "*":
        return ("*",) if kind == "AWS" else ()
    named = principal.get(kind, ()) if isinstance(principal, Mapping) else ()
    return (named,) if isinstance(named, str) else tuple(str(each) for each in named)


def weaker(old: Key, new: Key, standard: Standard) -> tuple[Drift, ...]:
    """A longer period of rotation than the baseline's, and an Allow that nobody can judge for one that is sure."""
    drifts = [Drift("Allow", found=dict(each), wanted="") for each in _newly_doubtful(old, new)]
    if old.rotation is True and new.rotation is True and new.rotation_days > old.rotation_days:
        drifts.append(Drift("RotationPeriodInDays", found=new.rotation_days, wanted=old.rotation_days))
    return tuple(drifts)


def _newly_doubtful(old: Key, new: Key) -> list[Statement]:
    """The Allows that encryption hangs on now though nobody can judge their conditions, each once."""
    if not (new.trails and isinstance(old.policy, str) and isinstance(new.policy, str)):
        return []
    try:
        before, after = list(_statements(old.policy)), list(_statements(new.policy))
    except UnknownState:
        return []
    found = [s for sent in _requests(new) for s in newly_doubtful(before, after, partial(_admits, sent=sent))]
    return [each for each in after if each in found]
