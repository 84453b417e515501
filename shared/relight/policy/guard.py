"""Relight's own parts: what the stack was deployed with stays as it was deployed.

A part's baseline is what the last deployment left. Every difference from it is drift: nobody but a deployment has
business here. Some settings are wrong whatever the deployment said, such as a rule that is switched off.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from relight.model import Drift, Mode, Severity
from relight.policy.control import control
from relight.standard import Standard

DEPLOY = "No call of Relight's may mend this: deploy the stack again, from source that you trust."
RESTORE = "Restore the table from its point-in-time backup (dynamodb:RestoreTableToPointInTime) under the same name."
GRANTS = (
    "Relight may not write roles, its own least of all: undo it by hand, or deploy the stack anew. "
    "Until then its functions may be denied what they need."
)
CONFIRM = (
    "Have it confirmed, by the link that AWS has sent there: until then nothing is told there. "
    "Unconfirmed it lapses after two days, and is subscribed anew."
)
# The field of a part that is gone.
EXISTS = "exists"
# How template.yaml has the ledger's capacity and encryption: what is right where no baseline says so. Whoever throttles
# the table, or encrypts it with a key that he then takes away, takes the table's own baseline, too.
AS_SHIPPED: Mapping[str, Any] = {
    "BillingMode": "PAY_PER_REQUEST",
    "OnDemandThroughput": {"MaxReadRequestUnits": -1, "MaxWriteRequestUnits": -1},
    "SSESpecification": {"Enabled": False},
}
# What the names of some fields begin with: a topic's are PROTOCOL:ENDPOINT, an alarm's what silences it.
SUBSCRIPTION, MUTE = "Subscription ", "Mute rule "


@dataclass(frozen=True, slots=True)
class Part:
    """One resource of Relight's own stack.

    `type` is the second half of its control's id. `settings` has a value for each field that matters; what there may
    be several of has a field each (``Target ID``, ``Permission SID``, ``Subscription PROTOCOL:ENDPOINT``), so that a
    message shows just what changed. `handles` are the ids by which AWS wants some of them named, `mutes` the alarm mute
    rules that silence an alarm, with all that each silences: no baseline has them, for whoever put one, it goes.
    """

    account: str
    region: str
    type: str
    name: str
    settings: Mapping[str, Any]
    handles: Mapping[str, str] = field(default_factory=dict, compare=False)
    mutes: Mapping[str, list[str]] = field(default_factory=dict, compare=False)


def changes(
    kind: str,
    part: Part | None,
    baseline: Part | None,
    *,
    floor: Mapping[str, Any] | None = None,
    manual: Mapping[str, str] | None = None,
    may_grow: tuple[str, ...] = (),
) -> Iterator[Drift]:
    """A Drift for each field that is not as it was deployed, or below the `floor`; none for a part of another type.

    `manual` says, by field, what a person must do (``exists`` for a part that is gone, ``*`` for every field);
    fields that begin with one of `may_grow` may be added.
    """
    either = part or baseline
    if either is None or either.type != kind:
        return
    by_hand = manual or {}
    if part is None:
        yield Drift(EXISTS, found=False, wanted=True, manual=by_hand.get(EXISTS, by_hand.get("*", "")))
        return
    wanted = {**(baseline.settings if baseline else part.settings), **(floor or {})}
    for name in sorted(wanted.keys() | part.settings.keys()):
        found = part.settings.get(name)
        if found != wanted.get(name) and not (name not in wanted and name.startswith(may_grow or ("\0",))):
            yield Drift(name, found=found, wanted=wanted.get(name), manual=by_hand.get(name, by_hand.get("*", "")))


@control(
    "guard.rule",
    title="Relight's rules are on and lead to its functions",
    severity=Severity.CRITICAL,
    triggers=("DisableRule", "DeleteRule", "PutRule", "PutTargets", "RemoveTargets"),
    repair="EnableRule, PutRule, PutTargets, RemoveTargets",
    introduce=Mode.ENFORCE,
    absent=True,
)
def rule(part: Part | None, standard: Standard, baseline: Part | None) -> Iterator[Drift]:
    """Pattern, targets and state are as deployed, and the state is ENABLED."""
    yield from changes("rule", part, baseline, floor={"State": "ENABLED"})


@control(
    "guard.bus",
    title="A hub's bus takes the organisation's events, and nobody else's",
    severity=Severity.CRITICAL,
    triggers=("DeleteEventBus", "PutPermission", "RemovePermission", "UpdateEventBus"),
    repair="PutPermission, RemovePermission, UpdateEventBus, CreateEventBus",
    introduce=Mode.ENFORCE,
    absent=True,
)
def bus(part: Part | None, standard: Standard, baseline: Part | None) -> Iterator[Drift]:
    """The bus is there; its policy, key and dead-letter queue are as deployed."""
    yield from changes("bus", part, baseline)


@control(
    "guard.function",
    title="Relight's functions can run, as they were deployed",
    severity=Severity.CRITICAL,
    triggers=(
        "PutFunctionConcurrency",
        "DeleteFunction",
        "UpdateFunctionConfiguration",
        "UpdateFunctionCode",
        "AddPermission",
        "RemovePermission",
        "PutFunctionEventInvokeConfig",
        "UpdateFunctionEventInvokeConfig",
        "DeleteFunctionEventInvokeConfig",
        "CreateEventSourceMapping",
        "UpdateEventSourceMapping",
        "DeleteEventSourceMapping",
    ),
    repair="DeleteFunctionConcurrency, PutFunctionConcurrency, UpdateFunctionConfiguration, AddPermission, "
    "RemovePermission, PutFunctionEventInvokeConfig, UpdateEventSourceMapping, CreateEventSourceMapping",
    introduce=Mode.ENFORCE,
    absent=True,
)
def function(part: Part | None, standard: Standard, baseline: Part | None) -> Iterator[Drift]:
    """Configuration, concurrency, permissions, retries and queues are as deployed; code is for a person to restore."""
    known = baseline or part
    by_hand = dict.fromkeys((EXISTS, "CodeSha256", "Role"), DEPLOY)
    floor = {"ReservedConcurrentExecutions": None} if known and not _runs(known) else None
    yield from changes("function", part, baseline, floor=floor, manual=by_hand)


def _runs(part: Part) -> bool:
    return part.settings.get("ReservedConcurrentExecutions") != 0


@control(
    "guard.topic",
    title="Security is told over Relight's topic",
    severity=Severity.CRITICAL,
    triggers=(
        "DeleteTopic",
        "SetTopicAttributes",
        "Subscribe",
        "Unsubscribe",
        "SetSubscriptionAttributes",
        "AddPermission",
        "RemovePermission",
    ),
    repair="CreateTopic, SetTopicAttributes, Subscribe, SetSubscriptionAttributes",
    introduce=Mode.ENFORCE,
    absent=True,
)
def topic(part: Part | None, standard: Standard, baseline: Part | None) -> Iterator[Drift]:
    """Policy, key and subscriptions are as deployed, and confirmed; further subscriptions are told and left alone.

    What waits for its confirmation shows no filters, so that these cannot be judged.
    """
    waiting = _waiting(part, baseline) if part and baseline else []
    for drift in changes("topic", part, baseline, may_grow=(SUBSCRIPTION,)):
        if drift.field not in waiting:
            yield drift
    for name in waiting:
        yield Drift(name, found="PendingConfirmation", wanted="confirmed", manual=CONFIRM)


def _waiting(part: Part, baseline: Part) -> list[str]:
    """The deployed subscriptions that nobody has confirmed: they have no ARN yet."""
    there = part.settings.keys() & baseline.settings.keys()
    return sorted(name for name in there - part.handles.keys() if name.startswith(SUBSCRIPTION))


@control(
    "guard.queue",
    title="Relight's queues keep what they are given",
    severity=Severity.HIGH,
    triggers=("DeleteQueue", "SetQueueAttributes", "PurgeQueue", "AddPermission", "RemovePermission"),
    repair="CreateQueue, SetQueueAttributes",
    introduce=Mode.ENFORCE,
    absent=True,
)
def queue(part: Part | None, standard: Standard, baseline: Part | None) -> Iterator[Drift]:
    """Policy, retention and redrive are as deployed. What a purge took is lost, and told."""
    yield from changes("queue", part, baseline)


@control(
    "guard.ledger",
    title="Relight's ledger is there, and only Relight writes to it",
    severity=Severity.CRITICAL,
    triggers=(
        "DeleteTable",
        "UpdateTable",
        "UpdateTimeToLive",
        "UpdateContinuousBackups",
        "PutResourcePolicy",
        "DeleteResourcePolicy",
    ),
    repair="UpdateTable, UpdateTimeToLive, UpdateContinuousBackups, PutResourcePolicy",
    introduce=Mode.ENFORCE,
    absent=True,
)
def ledger(part: Part | None, standard: Standard, baseline: Part | None) -> Iterator[Drift]:
    """Protection, backups, expiry, policy, capacity and encryption are as deployed, the first two on."""
    floor = {"DeletionProtectionEnabled": True, "PointInTimeRecoveryEnabled": True, **({} if baseline else AS_SHIPPED)}
    yield from changes("ledger", part, baseline, floor=floor, manual={EXISTS: RESTORE})


@control(
    "guard.schedule",
    title="Relight's schedules are on",
    severity=Severity.HIGH,
    triggers=("UpdateSchedule", "DeleteSchedule"),
    repair="UpdateSchedule, CreateSchedule",
    introduce=Mode.ENFORCE,
    absent=True,
)
def schedule(part: Part | None, standard: Standard, baseline: Part | None) -> Iterator[Drift]:
    """Expression, target and state are as deployed, and the state is ENABLED."""
    yield from changes("schedule", part, baseline, floor={"State": "ENABLED"})


@control(
    "guard.alarm",
    title="Relight's own alarms ring",
    severity=Severity.HIGH,
    triggers=("DeleteAlarms", "DisableAlarmActions", "PutMetricAlarm", "PutAlarmMuteRule"),
    repair="PutMetricAlarm, DeleteAlarmMuteRule",
    introduce=Mode.ENFORCE,
    absent=True,
)
def alarm(part: Part | None, standard: Standard, baseline: Part | None) -> Iterator[Drift]:
    """Metric, threshold and actions are as deployed, actions are enabled, and nothing mutes them.

    A mute rule that silences others' alarms, too, is for a person to change.
    """
    yield from changes("alarm", part, baseline, floor={"ActionsEnabled": True})
    if part is None:
        return
    for rule, silenced in part.mutes.items():
        own = all(each.startswith(f"{standard.stack_name}-") for each in silenced)
        advice = "" if own else f"Take {part.name} out of the alarm mute rule {rule}, or delete the rule."
        yield Drift(MUTE + rule, found=silenced, wanted=None, manual=advice)


@control(
    "guard.stack",
    title="Relight's stack is changed by its owners only",
    severity=Severity.CRITICAL,
    triggers=("DeleteStack", "UpdateStack", "ExecuteChangeSet", "SetStackPolicy", "UpdateTerminationProtection"),
    repair="UpdateTerminationProtection",
    absent=True,
)
def stack(part: Part | None, standard: Standard, baseline: Part | None) -> Iterator[Drift]:
    """Termination protection stays on where it was on. Who changes or deletes the stack is told in any case."""
    yield from changes("stack", part, baseline, manual={EXISTS: DEPLOY}, may_grow=("EnableTerminationProtection",))


@control(
    "guard.role",
    title="Relight's roles allow what they were deployed with",
    severity=Severity.CRITICAL,
    triggers=(
        "DeleteRole",
        "PutRolePolicy",
        "DeleteRolePolicy",
        "AttachRolePolicy",
        "DetachRolePolicy",
        "UpdateAssumeRolePolicy",
        "PutRolePermissionsBoundary",
        "DeleteRolePermissionsBoundary",
    ),
    repair="",  # whoever may write the roles of functions may do anything: that right Relight does not hold
    restore=Mode.OBSERVE,
    absent=True,
)
def role(part: Part | None, standard: Standard, baseline: Part | None) -> Iterator[Drift]:
    """Policies, trust and boundary are as deployed."""
    yield from changes("role", part, baseline, manual={"*": GRANTS})


def weaker(old: Part, new: Part, standard: Standard) -> tuple[Drift, ...]:
    """Whatever is not as it was deployed, so that no baseline is made of it but by a deployment."""
    return tuple(changes(old.type, new, old, may_grow=(SUBSCRIPTION, "EnableTerminationProtection")))
