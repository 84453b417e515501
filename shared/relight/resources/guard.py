"""Relight's own parts: whatever CloudFormation lists of the stack is read, and put back as it was deployed.

The parts are named ``TYPE/NAME``. A module of resources/own reads and repairs each type.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from types import ModuleType
from typing import Any

from relight.aws import Aws, Place
from relight.model import Baseline, Call, Drift, Observed, Resource, Scope
from relight.policy import state
from relight.policy.control import CONTROLS
from relight.policy.guard import EXISTS, Part, weaker
from relight.record import Record, dig, text
from relight.resources import seen
from relight.resources.own import alarm, bus, function, ledger, queue, role, rule, schedule, stack, topic
from relight.standard import Standard

__all__ = ["CREATES", "KIND", "arn", "list_names", "locate", "observe", "plan", "revive", "taken", "weaker"]

KIND = "guard"
CREATES: frozenset[str] = frozenset()
MODULES: Mapping[str, ModuleType] = {
    "alarm": alarm,
    "bus": bus,
    "function": function,
    "ledger": ledger,
    "queue": queue,
    "role": role,
    "rule": rule,
    "schedule": schedule,
    "stack": stack,
    "topic": topic,
}
# By type: CloudTrail's event source, and what stands in a part's ARN between the partition and its name.
SOURCES = {
    "dynamodb.amazonaws.com": "ledger",
    "events.amazonaws.com": "rule",
    "iam.amazonaws.com": "role",
    "lambda.amazonaws.com": "function",
    "monitoring.amazonaws.com": "alarm",
    "scheduler.amazonaws.com": "schedule",
    "sns.amazonaws.com": "topic",
    "sqs.amazonaws.com": "queue",
    stack.CLOUDFORMATION: "stack",
}
# Of EventBridge's calls, those on a bus; all others are on a rule.
OF_A_BUS = ("DeleteEventBus", "PutPermission", "RemovePermission", "UpdateEventBus")
ARNS = {
    "alarm": "cloudwatch:{place}:alarm:",
    "bus": "events:{place}:event-bus/",
    "function": "lambda:{place}:function:",
    "ledger": "dynamodb:{place}:table/",
    "queue": "sqs:{place}:",
    "role": "iam::{account}:role/",
    "rule": "events:{place}:rule/",
    "schedule": "scheduler:{place}:schedule/default/",
    "stack": "cloudformation:{place}:stack/",
    "topic": "sns:{place}:",
}


def arn(partition: str, account: str, region: str, name: str) -> str:
    """The ARN of a part; of no name, what all of them begin with."""
    kind, _, own = name.partition("/")
    middle = ARNS[kind].format(place=f"{region}:{account}", account=account) if kind else ""
    return f"arn:{partition}:{middle}{own}"


def locate(record: Record) -> Scope:
    """The parts that the record names, whoever's they are. A change set may be named by its ARN alone."""
    kind = _type(record)
    names = [name for name in map(_plain, _named(kind, record)) if name]
    if not names and record.name != "ExecuteChangeSet":
        record.need(kind or "part of Relight")
    return Scope(record.account, record.region, names=tuple(f"{kind}/{name}" for name in names))


def _type(record: Record) -> str:
    """The type of the part that a call is about."""
    kind = SOURCES.get(record.source, "")
    return "bus" if kind == "rule" and record.name in OF_A_BUS else kind


def _named(kind: str, record: Record) -> list[Any]:
    """Whatever names a part: a name, an ARN, a URL."""
    asked, answered = record.request, record.response
    if kind == "alarm":
        several = asked.get("alarmNames") or dig(asked, "muteTargets", "alarmNames")
        return [*(several if isinstance(several, list) else ()), asked.get("alarmName")]
    if kind == "topic":
        subscription = asked.get("subscriptionArn")
        of_it = subscription.rpartition(":")[0] if isinstance(subscription, str) else None
        return [asked.get("topicArn"), of_it]
    if kind == "function":
        whole = dig(asked, "fullyQualifiedArn", "relativeId", "functionName")
        return [dig(answered, "functionArn") or asked.get("functionName") or whole]
    if kind == "rule":
        rule, on = asked.get("name") or asked.get("rule"), stack.short(text(asked.get("eventBusName")))
        return [f"{on}/{rule}" if rule and on not in ("", "default") else rule]
    if kind == "bus":
        return [asked.get("name") or asked.get("eventBusName") or "default"]
    keys = {
        "ledger": ("tableName", "resourceArn"),
        "queue": ("queueUrl",),
        "role": ("roleName",),
        "schedule": ("name",),
        "stack": ("stackName",),
    }
    return [asked.get(key) for key in keys.get(kind, ())]


def _plain(named: object) -> str:
    """The name in an ARN (whole or, for a function, in part, with or without qualifier) or in a queue's URL."""
    if not isinstance(named, str):
        return ""
    for mark in (":function:", ":stack/"):
        if mark in named:
            return named.partition(mark)[2].replace("/", ":").partition(":")[0]
    return stack.short(named)


def observe(
    aws: Aws, scope: Scope, baselines: Mapping[str, Baseline[Part]], standard: Standard
) -> Iterator[Observed[Part]]:
    """The named parts as they are now. Whether they are Relight's own (`own_names`) is for who names them to know.

    What mutes alarms is listed once for all of them.
    """
    place = aws.at(scope.account, standard.region)  # wherever the call was recorded, the parts are here
    named = [(name, *name.partition("/")[::2]) for name in scope.names]
    mutes = seen.mutes(place, {plain for _, kind, plain in named if kind == "alarm"})
    for name, kind, plain in named:
        full = arn(standard.partition, place.account, place.region, name)
        found = MODULES[kind].show(place, plain, full)
        muted = {rule: silenced for rule, silenced in mutes.items() if kind == "alarm" and plain in silenced}
        part = Part(place.account, place.region, kind, plain, found[0], found[1], muted) if found else None
        yield Observed(Resource(KIND, name, full, place.account, place.region), part)


def own_names(place: Place, standard: Standard) -> list[str]:
    """The names of the parts that this function looks after. Raises AwsError."""
    listed = stack.parts(place, standard.stack)
    return [name for name, logical_id in listed.items() if fnmatchcase(logical_id, standard.guarded)]


def may_be_own(name: str, standard: Standard) -> bool:
    """Whether a part is called as CloudFormation calls the stack's, which costs no call to find out.

    The template names nothing itself: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-name.html.
    """
    of_the_stack, own = standard.stack_name, name.partition("/")[2].rpartition("/")[2]
    return own == of_the_stack or own.startswith(f"{of_the_stack}-")


def list_names(place: Place, standard: Standard) -> list[str]:
    """None for the sweep: the guard has a schedule of its own."""
    return []


def taken(record: Record, baseline: Baseline[Part] | None, standard: Standard) -> dict[str, str]:
    """Whoever touches a part is told of, even if nothing came of it; not so a deployment."""
    kind = _type(record)
    control = f"{KIND}.{kind}"
    if control not in CONTROLS or record.name not in CONTROLS[control].triggers:
        return {}
    if record.actor.invoked_by == stack.CLOUDFORMATION and kind != "stack":
        return {}
    return {control: "What was in it is lost." if record.name == "PurgeQueue" else ""}


def plan(
    observed: Observed[Part], drifts: tuple[Drift, ...], standard: Standard, baseline: Part | None
) -> tuple[Call, ...]:
    """Each field as it was deployed; what is gone is made again where a call can make it."""
    before = baseline or observed.state
    if before is None:
        return ()
    module, resource = MODULES[before.type], observed.resource
    if any(drift.field == EXISTS for drift in drifts):
        made: tuple[Call, ...] = module.again(before.name, resource.arn, before.settings)
        return made
    wanted = {drift.field: drift.wanted for drift in drifts}
    handles = observed.state.handles if observed.state else {}
    calls: tuple[Call, ...] = module.repair(before.name, resource.arn, wanted, before.settings, handles)
    return calls


def revive(data: Mapping[str, Any]) -> Part:
    """A part from a baseline's data."""
    return state.revive(Part, data)
