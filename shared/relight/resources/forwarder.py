"""The forwarder's rules in the accounts and Regions of an organisation: EventBridge's DescribeRule and kin.

A stack that CloudFormation takes away is left to the next sweep: by then, the role of the rules is gone too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from relight.aws import Aws, Place
from relight.model import Baseline, Call, Drift, Observed, Resource, Scope
from relight.policy import state
from relight.policy.control import CONTROLS
from relight.policy.forwarder import (
    EXISTS,
    PATTERN,
    STATE,
    TARGET,
    Rule,
    bus,
    names,
    sender,
    wanted,
    wanted_role,
    weaker,
)
from relight.record import Record, dig, text
from relight.resources.own import role, rule
from relight.resources.own.stack import CLOUDFORMATION, short
from relight.standard import Standard

__all__ = ["CREATES", "KIND", "arn", "list_names", "locate", "observe", "plan", "revive", "taken", "weaker"]

KIND = "forwarder"
CREATES: frozenset[str] = frozenset()
CONTROL = "forwarder.rule"
ID = "Hub"  # of the target that docs/forwarder.yaml gives a rule
MOST_TARGETS = 5  # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
# What CloudFormation calls of a rule that is no longer in a stack.
TAKEN_AWAY = ("RemoveTargets", "DeleteRule")
DESCRIPTION = "Relight: sends events to the hub"


def arn(partition: str, account: str, region: str, name: str) -> str:
    """The ARN of a rule on the default bus."""
    return f"arn:{partition}:events:{region}:{account}:rule/{name}"


def locate(record: Record) -> Scope:
    """The rule that the record names, whosever it is; none of another bus than the default, none of a deleted stack."""
    named = record.need("rule", record.request.get("name"), record.request.get("rule"))
    on = short(text(record.request.get("eventBusName")))
    goes = record.actor.invoked_by == CLOUDFORMATION and record.name in TAKEN_AWAY
    ours = on in ("", "default") and not goes
    return Scope(record.account, record.region, names=(named,) if ours else ())


def observe(
    aws: Aws, scope: Scope, baselines: Mapping[str, Baseline[Rule]], standard: Standard
) -> Iterator[Observed[Rule]]:
    """Those of the named rules that the forwarder should have, be they there or not. Raises AwsError."""
    place = aws.at(scope.account, scope.region)
    asked = {
        name: arn(standard.partition, scope.account, scope.region, name)
        for name in names(standard)
        if name in scope.names
    }
    if not asked:
        return
    shows = (partial(rule.show, place, name, full) for name, full in asked.items())
    send_role = partial(role.show, place, sender(standard, scope.region), "")
    shown_role, *found = place.together(send_role, *shows)
    is_right = shown_role is not None and shown_role[0] == wanted_role(standard, scope.account, scope.region)
    for (name, full), shown in zip(asked.items(), found, strict=True):
        seen = _rule(scope, name, shown[0] if shown else {}, bus(standard))
        yield Observed(Resource(KIND, name, full, scope.account, scope.region), replace(seen, sender=is_right))


def _rule(scope: Scope, name: str, shown: Mapping[str, Any], hub: str) -> Rule:
    """What matters of a rule; a pattern is the same however it is written, and a target whatever its id."""
    if not shown:
        return Rule(scope.account, scope.region, name, {})
    targets = [value for key, value in shown.items() if key.startswith(rule.TARGET)]
    leading = next((each for each in targets if each["Arn"] == hub), shown.get(f"{rule.TARGET}{ID}"))
    state = shown.get(STATE, "")
    settings = {
        STATE: "ENABLED" if state.startswith("ENABLED") else state,  # there are two ways to be on
        PATTERN: json.loads(shown[PATTERN]) if shown.get(PATTERN) else None,
        TARGET: {key: value for key, value in leading.items() if key != "Id"} if leading else None,
    }
    others = tuple(each["Id"] for each in targets if each["Arn"] != hub)
    return Rule(scope.account, scope.region, name, settings, others=others)


def list_names(place: Place, standard: Standard) -> tuple[str, ...]:
    """What should be there: nothing is asked, for what is missing is the point."""
    return names(standard)


def taken(record: Record, baseline: Baseline[Rule] | None, standard: Standard) -> dict[str, str]:
    """Whoever touches a rule is told of, even if nothing came of it; not so a roll-out, and the hub's own repair."""
    harmless = record.actor.invoked_by == CLOUDFORMATION or _is_a_repair(record, standard)
    return {} if harmless or record.name not in CONTROLS[CONTROL].triggers else {CONTROL: ""}


def _is_a_repair(record: Record, standard: Standard) -> bool:
    """Whether the hub may have made the call, and it is one of those that the hub makes: others may take its role."""
    if not standard.may_be_own(record.actor, record.account):
        return False
    asked = record.request
    if record.name == "PutTargets":
        targets = asked.get("targets")
        return isinstance(targets, list) and all(dig(each, "arn") == bus(standard) for each in targets)
    name = text(asked.get("name"))
    if record.name != "PutRule" or asked.get("state") != "ENABLED" or name not in names(standard):
        return False
    wants = wanted(standard, record.account, record.region, name)[PATTERN]
    return bool(_parsed(asked.get("eventPattern")) == wants)


def _parsed(pattern: object) -> Any:
    try:
        return json.loads(text(pattern))
    except (ValueError, RecursionError):
        return None


def plan(
    observed: Observed[Rule], drifts: tuple[Drift, ...], standard: Standard, baseline: Rule | None
) -> tuple[Call, ...]:
    """EnableRule where that is all; PutRule; PutTargets."""
    seen = observed.state or baseline
    if seen is None:
        return ()
    fields = {drift.field for drift in drifts}
    right = wanted(standard, seen.account, seen.region, seen.name)
    calls = []
    if fields & {EXISTS, PATTERN}:
        put = {
            "Name": seen.name,
            "Description": DESCRIPTION,
            "EventPattern": json.dumps(right[PATTERN]),
            "State": "ENABLED",
        }
        calls.append(Call("events", "PutRule", put))
    elif STATE in fields:
        calls.append(Call("events", "EnableRule", {"Name": seen.name}))
    if fields & {EXISTS, TARGET}:
        calls.append(_put_target(seen, right[TARGET]))
    return tuple(calls)


def _put_target(seen: Rule, target: Mapping[str, Any]) -> Call:
    """Of a rule that has all the targets that it can, a stranger's has to give way: one of the same id is replaced."""
    full = len(seen.others) >= MOST_TARGETS and ID not in seen.others
    target_id = seen.others[0] if full else ID
    return Call("events", "PutTargets", {"Rule": seen.name, "Targets": [{**target, "Id": target_id}]})


def revive(data: Mapping[str, Any]) -> Rule:
    """A rule from a baseline's data."""
    return state.revive(Rule, data)
