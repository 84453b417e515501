"""The forwarder's rules: what a member's account and Region sends to the hub.

All that a rule must be is known: docs/forwarder.yaml and forwarder.json beside this file are made of the same rules of
template.yaml. So no baseline can be poisoned; one only shows that a rule was there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from relight.model import Drift, Mode, Severity
from relight.policy.control import control
from relight.standard import Standard

ROLL_OUT = (
    "Roll out docs/forwarder.yaml to this account and Region (docs/organisation.md says how): Relight never saw this "
    "rule there, and making it would stand in the way of the stack that should."
)
CANNOT_SEND = (
    "The role that the rules send with is gone, or not as it was rolled out, so perhaps nothing is sent; Relight may "
    "write no role: roll out docs/forwarder.yaml anew. Is there to be no forwarder? Then nothing is to be done."
)
EXISTS, STATE, PATTERN, TARGET, SENDER = "exists", "State", "EventPattern", "Target", "sender"


@dataclass(frozen=True, slots=True)
class Rule:
    """One of the forwarder's rules; `settings` are by the names above, and empty where the rule is gone.

    `sender` says whether the role that it sends with is as it was rolled out. `others` are the ids of the targets that
    do not lead to the hub.
    """

    account: str
    region: str
    name: str
    settings: Mapping[str, Any]
    sender: bool = True
    others: tuple[str, ...] = field(default=(), compare=False)


def names(standard: Standard) -> tuple[str, ...]:
    """What the rules are called in every account and Region; none where the stack is no hub."""
    return tuple(f"{prefix(standard)}-{own}" for own in _shipped()["patterns"]) if standard.organization else ()


def prefix(standard: Standard) -> str:
    """What the names of all that the forwarder makes begin with."""
    return f"{standard.stack_name}-forwarder"


def bus(standard: Standard) -> str:
    """The ARN of the hub's bus."""
    return f"arn:{standard.partition}:events:{standard.region}:{standard.account}:event-bus/{standard.stack_name}"


def sender(standard: Standard, region: str) -> str:
    """The name of the role that a Region's rules send with."""
    return f"{prefix(standard)}-{region}"


def wanted_role(standard: Standard, account: str, region: str) -> dict[str, Any]:
    """That role, as IAM shows it (resources.own.role): no boundary but the one given, and no policy but its own."""
    bounds = standard.member_boundary
    return {
        "AssumeRolePolicyDocument": _filled(_shipped()["trust"], standard, account, region),
        "PermissionsBoundary": f"arn:{standard.partition}:iam::{account}:policy/{bounds}" if bounds else None,
        "AttachedPolicies": [],
        "Policy send": _filled(_shipped()["send"], standard, account, region),
    }


def wanted(standard: Standard, account: str, region: str, name: str) -> dict[str, Any]:
    """The settings of a rule, as docs/forwarder.yaml has them."""
    own, partition = prefix(standard), standard.partition
    return {
        STATE: "ENABLED",
        PATTERN: _filled(_shipped()["patterns"][name.removeprefix(f"{own}-")], standard, account, region),
        TARGET: {
            "Arn": bus(standard),
            "RoleArn": f"arn:{partition}:iam::{account}:role/{sender(standard, region)}",
            "RetryPolicy": {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 185},
            "DeadLetterConfig": {"Arn": f"arn:{partition}:sqs:{region}:{account}:{own}-undelivered"},
        },
    }


def _filled(value: Any, standard: Standard, account: str, region: str) -> Any:
    """What is shipped, for an account and Region."""
    text = json.dumps(value)
    for name, own in (
        ("HubStack", standard.stack_name),
        ("HubBusArn", bus(standard)),
        ("AWS::Partition", standard.partition),
        ("AWS::AccountId", account),
        ("AWS::Region", region),
    ):
        text = text.replace(f"${{{name}}}", own)
    return json.loads(text)


@cache
def _shipped() -> Mapping[str, Any]:
    found: dict[str, Any] = json.loads(Path(__file__).with_name("forwarder.json").read_text(encoding="utf-8"))
    return found


@control(
    "forwarder.rule",
    title="Every account and Region forwards its events to the hub",
    severity=Severity.CRITICAL,
    triggers=("DisableRule", "DeleteRule", "PutRule", "PutTargets", "RemoveTargets"),
    repair="EnableRule, PutRule, PutTargets",
    introduce=Mode.ENFORCE,
)
def rule(seen: Rule, standard: Standard, baseline: Rule | None) -> Iterator[Drift]:
    """The rule is on, matches what the families want, and leads to the hub's bus."""
    if not seen.sender:
        yield Drift(SENDER, found=False, wanted=True, manual=CANNOT_SEND)
    if not seen.settings:
        was_there = seen.sender and baseline and baseline.settings
        yield Drift(EXISTS, found=False, wanted=True, manual="" if was_there else ROLL_OUT)
        return
    for name, value in wanted(standard, seen.account, seen.region, seen.name).items():
        if (found := seen.settings.get(name)) != value:
            yield Drift(name, found=found, wanted=value)


def weaker(old: Rule, new: Rule, standard: Standard) -> tuple[Drift, ...]:
    """Nothing beyond what its control says."""
    return ()
