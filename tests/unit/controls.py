"""One row a control: its shipped modes, and a state that breaks it. A new control gets its row here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from relight.model import Mode
from relight.policy import forwarder as forwarding
from relight.policy.account import Account
from relight.policy.alarm import WATCHES
from relight.policy.bucket import CLOSED
from relight.policy.endpoint import Caller, Denial
from relight.policy.guard import Part
from relight.policy.selectors import denied_at_endpoints
from relight.resources import account as accounts
from relight.resources import alarm as alarms
from relight.resources import bucket as buckets
from relight.resources import forwarder as forwarders
from relight.resources import guard as guards
from relight.resources import key as keys
from relight.resources import log_group as log_groups
from relight.resources import recorder as recorders
from relight.resources import trail as trails
from relight.resources import vpc as vpcs
from tests.unit.alarms import monitoring
from tests.unit.builders import (
    ACCOUNT,
    ENOUGH_EVENTS,
    REGION,
    TRAIL_ARN,
    bucket,
    encrypted,
    expires,
    key,
    kms_key,
    log_group,
    recorder,
    replicated,
    standard,
    trail,
    vpc,
)
from tests.unit.parts import A_SCHEDULE, AN_ALARM, own_part

DENIED_CALLS = (denied_at_endpoints("s3.amazonaws.com"),)
ENFORCE, OBSERVE = Mode.ENFORCE, Mode.OBSERVE


@dataclass(frozen=True)
class Row:
    """`modes` are restore, introduce and create; `before` is the baseline's state where the control needs one."""

    kind: ModuleType | None  # none of a control that is told only
    modes: tuple[Mode, Mode, Mode]
    broken: Any
    before: Any = None


FORWARDED = forwarding.Rule(
    ACCOUNT,
    REGION,
    "relight-forwarder-kms",
    forwarding.wanted(standard(), ACCOUNT, REGION, "relight-forwarder-kms"),
)


def guarded(part: Part, control: Row | None = None, **changed: Any) -> tuple[Part, Row]:
    """A part of Relight's own, and the row of its control: broken by these settings, mended from the part."""
    broken = replace(part, settings={**part.settings, **changed})
    return part, control or Row(guards, (ENFORCE, ENFORCE, ENFORCE), broken, part)


GUARDED = (
    guarded(own_part("rule", State="ENABLED", EventPattern="{}"), State="DISABLED"),
    guarded(own_part("bus", **{"Statement send": {"Sid": "send"}}), **{"Statement send": None}),
    guarded(own_part("function", ReservedConcurrentExecutions=None), ReservedConcurrentExecutions=0),
    guarded(own_part("topic", Policy="{}"), Policy='{"Statement": []}'),
    guarded(own_part("queue", MessageRetentionPeriod="1209600"), MessageRetentionPeriod="60"),
    guarded(
        own_part("ledger", DeletionProtectionEnabled=True, PointInTimeRecoveryEnabled=True),
        DeletionProtectionEnabled=False,
    ),
    guarded(own_part("schedule", **A_SCHEDULE), State="DISABLED"),
    guarded(own_part("alarm", **AN_ALARM), ActionsEnabled=False),
    (
        own_part("stack"),
        Row(
            guards,
            (ENFORCE, OBSERVE, OBSERVE),
            own_part("stack", EnableTerminationProtection=False),
            own_part("stack", EnableTerminationProtection=True),
        ),
    ),
    (
        own_part("role"),
        Row(None, (OBSERVE, OBSERVE, OBSERVE), own_part("role", AttachedPolicies=["x"]), own_part("role")),
    ),
)

ROWS = {
    "trail.logging": Row(trails, (ENFORCE, ENFORCE, ENFORCE), trail(logging=False)),
    "trail.multi-region": Row(trails, (ENFORCE, OBSERVE, OBSERVE), trail(multi_region=False)),
    "trail.log-file-validation": Row(trails, (ENFORCE, ENFORCE, ENFORCE), trail(log_file_validation=False)),
    "trail.kms-encryption": Row(trails, (ENFORCE, OBSERVE, OBSERVE), trail(kms_key="")),
    "trail.exists": Row(trails, (ENFORCE, OBSERVE, OBSERVE), None, trail()),
    "trail.destination": Row(trails, (ENFORCE, OBSERVE, OBSERVE), trail(bucket="elsewhere"), trail()),
    "trail.cloudwatch-logs": Row(trails, (ENFORCE, OBSERVE, OBSERVE), trail(log_group="", log_group_role="")),
    "trail.management-events": Row(
        trails, (ENFORCE, OBSERVE, OBSERVE), trail(event_selectors=(ENOUGH_EVENTS | {"ReadWriteType": "WriteOnly"},))
    ),
    "trail.s3-data-events": Row(
        trails, (ENFORCE, OBSERVE, OBSERVE), trail(event_selectors=(ENOUGH_EVENTS | {"DataResources": []},))
    ),
    "trail.network-activity-events": Row(
        trails, (ENFORCE, OBSERVE, OBSERVE), trail(), trail(advanced_event_selectors=DENIED_CALLS)
    ),
    "trail.insights": Row(
        trails, (ENFORCE, OBSERVE, OBSERVE), trail(), trail(insight_selectors=({"InsightType": "ApiCallRateInsight"},))
    ),
    "vpc.flow-logs": Row(vpcs, (ENFORCE, OBSERVE, ENFORCE), vpc()),
    "key.available": Row(keys, (ENFORCE, ENFORCE, ENFORCE), kms_key(state="PendingDeletion")),
    "key.rotation": Row(keys, (ENFORCE, OBSERVE, OBSERVE), kms_key(rotation=False)),
    "key.policy": Row(keys, (OBSERVE, OBSERVE, OBSERVE), kms_key(policy="{}"), kms_key()),
    "config.recording": Row(
        recorders, (ENFORCE, OBSERVE, OBSERVE), recorder(name="", channel={}, recording=False), recorder()
    ),
    "logs.retention": Row(log_groups, (ENFORCE, OBSERVE, OBSERVE), log_group(retention_days=1)),
    "logs.encryption": Row(log_groups, (ENFORCE, OBSERVE, OBSERVE), log_group(), log_group(kms_key=key())),
    "bucket.exists": Row(buckets, (OBSERVE, OBSERVE, OBSERVE), None, bucket()),
    "bucket.retention": Row(buckets, (ENFORCE, OBSERVE, OBSERVE), bucket(lifecycle=(expires(1),))),
    "bucket.delivery-policy": Row(buckets, (ENFORCE, OBSERVE, OBSERVE), bucket(trails=(("", TRAIL_ARN),))),
    "bucket.public-access": Row(buckets, (ENFORCE, ENFORCE, ENFORCE), bucket(public_access={})),
    "bucket.encryption": Row(
        buckets, (ENFORCE, OBSERVE, OBSERVE), bucket(), bucket(encryption=encrypted("aws:kms", key()))
    ),
    "bucket.versioning": Row(
        buckets, (ENFORCE, OBSERVE, OBSERVE), bucket(versioning={"Status": "Suspended"}), bucket()
    ),
    "bucket.replication": Row(
        buckets, (ENFORCE, OBSERVE, OBSERVE), bucket(), bucket(replication=replicated("arn:aws:s3:::copies"))
    ),
    "account.public-access": Row(accounts, (OBSERVE, OBSERVE, OBSERVE), Account(ACCOUNT), Account(ACCOUNT, CLOSED)),
    "endpoint.denied": Row(
        None,
        (OBSERVE, OBSERVE, OBSERVE),
        Denial(Caller("AROAELSEWHERE", "210987654321"), "vpce-1", "123456789012", "s3.amazonaws.com:PutObject", ""),
    ),
    "forwarder.rule": Row(
        forwarders,
        (ENFORCE, ENFORCE, ENFORCE),
        replace(FORWARDED, settings={**FORWARDED.settings, "State": "DISABLED"}),
        FORWARDED,
    ),
    **{f"guard.{part.type}": row for part, row in GUARDED},
    "bucket.access-logging": Row(buckets, (ENFORCE, OBSERVE, OBSERVE), bucket(logging={})),
    **{
        each.control: Row(
            alarms, (ENFORCE, each.introduce, each.introduce), monitoring(filters=(), alarms=()), monitoring()
        )
        for each in WATCHES
    },
}
