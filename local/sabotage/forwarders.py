"""The forwarder's rules, switched off, narrowed and led elsewhere, and the hub's bus; all in the hub's own Region."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from local.account import Account
from local.cloud import LocalAws
from local.place import Place, Session
from local.sabotage.model import Sabotage
from local.settings import STACK

PREFIX = f"{STACK}-forwarder-"
# EventBridge's client, and the rule's name without the prefix.
Attack = Callable[[Any, str], object]


def switch_off(events: Any, rule: str) -> None:
    events.disable_rule(Name=PREFIX + rule)


def narrow(events: Any, rule: str) -> None:
    events.put_rule(Name=PREFIX + rule, EventPattern=json.dumps({"source": ["aws.lightsail"]}))


def lead_elsewhere(events: Any, rule: str) -> None:
    (target,) = events.list_targets_by_rule(Rule=PREFIX + rule)["Targets"]
    elsewhere = target["Arn"].rpartition("/")[0] + "/nobody-listens"
    events.put_targets(Rule=PREFIX + rule, Targets=[{**target, "Arn": elsewhere}])


def lead_nowhere(events: Any, rule: str) -> None:
    events.remove_targets(Rule=PREFIX + rule, Ids=["Hub"])


def rules(place: Place) -> dict[str, Any]:
    """The forwarder's rules in a place: state, pattern and targets."""
    events = place.client("events")
    return {
        rule["Name"]: (
            rule["State"],
            json.loads(rule["EventPattern"]),
            events.list_targets_by_rule(Rule=rule["Name"])["Targets"],
        )
        for rule in events.list_rules(NamePrefix=PREFIX)["Rules"]
    }


def _commit(attack: Attack, rule: str, _aws: LocalAws, intruder: Session, _victim: Account) -> None:
    attack(intruder.client("events"), rule)


def _proof(aws: LocalAws, _victim: Account) -> dict[str, Any]:
    return rules(aws)


def _delete(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    """Only a rule without targets can be deleted; nobody hears of their removal."""
    events = intruder.client("events")
    aws.delivers = False
    lead_nowhere(events, "sns")
    aws.delivers = True
    events.delete_rule(Name=f"{PREFIX}sns")


def _open(_aws: LocalAws, intruder: Session, _victim: Account) -> None:
    statement = {"StatementId": "everybody", "Action": "events:PutEvents", "Principal": "*"}
    intruder.client("events").put_permission(EventBusName=STACK, **statement)


def _shut(_aws: LocalAws, intruder: Session, _victim: Account) -> None:
    intruder.client("events").remove_permission(EventBusName=STACK, RemoveAllPermissions=True)


def _policy(aws: LocalAws, _victim: Account) -> Any:
    return json.loads(aws.client("events").describe_event_bus(Name=STACK).get("Policy", "null"))


def _sabotage(event: str, effect: str, attack: Attack, rule: str) -> Sabotage:
    return Sabotage("forwarder.rule", event, effect, partial(_commit, attack, rule), _proof)


SABOTAGES: tuple[Sabotage, ...] = (
    _sabotage("DisableRule", "a rule of the forwarder is switched off", switch_off, "cloudtrail"),
    _sabotage("PutRule", "a rule of the forwarder matches nothing any more", narrow, "kms"),
    _sabotage("PutTargets", "a rule of the forwarder leads elsewhere", lead_elsewhere, "ec2"),
    _sabotage("RemoveTargets", "a rule of the forwarder leads nowhere", lead_nowhere, "logs"),
    Sabotage("forwarder.rule", "DeleteRule", "a rule of the forwarder is deleted", _delete, _proof),
    Sabotage("guard.bus", "PutPermission", "anybody may send to the hub's bus", _open, _policy),
    Sabotage("guard.bus", "RemovePermission", "nobody may send to the hub's bus", _shut, _policy),
)
