"""The forwarder's rules: which records concern one, what is wrong with it, and which calls mend that."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from relight.errors import AwsError, MalformedRecord
from relight.model import Baseline, Call, Observed, Outcome, Scope
from relight.policy import judge
from relight.policy.forwarder import (
    CANNOT_SEND,
    EXISTS,
    PATTERN,
    ROLL_OUT,
    SENDER,
    STATE,
    TARGET,
    Rule,
    names,
    wanted,
    wanted_role,
)
from relight.policy.state import lasting
from relight.resources import forwarder as kind
from relight.resources.own.stack import CLOUDFORMATION
from tests.unit.builders import ACCOUNT, NOON, REGION, accepted_by_botocore, record, standard
from tests.unit.fakes import ORGANIZATION, fake_hub, refused

MEMBER, ELSEWHERE = "210987654321", "eu-west-1"
NAME = "relight-forwarder-kms"
BUS = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/relight"
GONE = refused("ResourceNotFoundException", "Rule does not exist")
HUB = standard(organization=ORGANIZATION, function="relight-ForwarderFunction-1X2Y3Z4A5B6C")
RIGHT = wanted(HUB, MEMBER, ELSEWHERE, NAME)


def seen(**changes: Any) -> Rule:
    """A rule as it should be, but for these settings; with none at all, one that is gone."""
    return Rule(MEMBER, ELSEWHERE, NAME, {**RIGHT, **changes})


BEFORE = Baseline(seen(), frozenset({kind.CONTROL}), NOON)
GONE_RULE = Rule(MEMBER, ELSEWHERE, NAME, {})
ROLE = wanted_role(HUB, MEMBER, ELSEWHERE)
SENDS = {
    "iam__GetRole": {"Role": {"AssumeRolePolicyDocument": ROLE["AssumeRolePolicyDocument"]}},
    "iam__ListRolePolicies": {"PolicyNames": ["send"]},
    "iam__ListAttachedRolePolicies": {"AttachedPolicies": []},
    "iam__GetRolePolicy": {"PolicyDocument": ROLE["Policy send"]},
}


def observed(rule: Rule) -> Observed[Rule]:
    (found,) = observe(**as_aws_shows(rule))
    return found


def observe(**answers: Any) -> list[Observed[Rule]]:
    aws, _ = fake_hub(**{**SENDS, **answers})
    return list(kind.observe(aws, Scope(MEMBER, ELSEWHERE, names=(NAME, "billing")), {}, HUB))


def as_aws_shows(rule: Rule) -> dict[str, Any]:
    if not rule.settings:
        return {"events__DescribeRule": GONE}
    target = rule.settings[TARGET] and {"Id": "Hub", **rule.settings[TARGET]}
    return {
        "events__DescribeRule": {
            "Name": NAME,
            "State": rule.settings[STATE],
            "EventPattern": json.dumps(rule.settings[PATTERN], indent=4),
        },
        "events__ListTargetsByRule": {"Targets": [{"Id": "mine", "Arn": "arn:aws:sqs:x"}, *filter(None, [target])]},
    }


def calls(rule: Rule, before: Rule | None = None) -> tuple[Call, ...]:
    baseline = Baseline(before, frozenset({kind.CONTROL}), NOON) if before else None
    (finding,) = judge(kind.KIND, rule, HUB, baseline)
    drifts = tuple(drift for drift in finding.drifts if not drift.manual)
    found = kind.plan(observed(rule), drifts, HUB, before)
    for call in found:
        accepted_by_botocore(call)
    return found


# ------------------------------------------------------------------------------------------------ which records


@pytest.mark.parametrize(
    ("name", "request_", "found"),
    [
        ("DisableRule", {"name": NAME}, (NAME,)),
        ("PutTargets", {"rule": NAME, "targets": []}, (NAME,)),
        ("DeleteRule", {"name": NAME, "eventBusName": "default"}, (NAME,)),
        ("DeleteRule", {"name": NAME, "eventBusName": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"}, (NAME,)),
        ("DeleteRule", {"name": NAME, "eventBusName": "other"}, ()),
    ],
)
def test_a_record_names_a_rule_of_the_default_bus(name: str, request_: dict[str, Any], found: tuple[str, ...]) -> None:
    assert kind.locate(record(name, request_)) == Scope(ACCOUNT, REGION, names=found)


def test_a_record_without_a_rule_is_refused() -> None:
    with pytest.raises(MalformedRecord):
        kind.locate(record("DisableRule", {"name": 7}))


REPAIR = {"name": NAME, "state": "ENABLED", "eventPattern": json.dumps(RIGHT[PATTERN], indent=2)}


@pytest.mark.parametrize(
    ("name", "request_", "told"),
    [
        ("PutRule", REPAIR, False),
        ("PutTargets", {"rule": NAME, "targets": [{"id": "Hub", "arn": BUS}]}, False),
        ("PutRule", {**REPAIR, "state": "DISABLED"}, True),
        ("PutRule", {**REPAIR, "eventPattern": '{"source": ["aws.lightsail"]}'}, True),
        ("PutRule", {**REPAIR, "eventPattern": "["}, True),
        ("PutRule", {**REPAIR, "name": "billing"}, True),
        ("PutTargets", {"rule": NAME, "targets": [{"id": "Hub", "arn": f"{BUS}-other"}]}, True),
        ("PutTargets", {"rule": NAME, "targets": "HIDDEN_DUE_TO_SECURITY_REASONS"}, True),
        ("DisableRule", {"name": NAME}, True),
    ],
)
def test_of_what_is_done_in_the_members_role_only_a_repair_is_the_hubs_own(
    name: str, request_: dict[str, Any], *, told: bool
) -> None:
    """Its administrators can let anybody assume that role."""
    issuer = {"arn": f"arn:aws:iam::{ACCOUNT}:role/relight-member"}
    somebody = {"type": "AssumedRole", "sessionContext": {"sessionIssuer": issuer}}
    assert bool(kind.taken(record(name, request_, userIdentity=somebody), None, HUB)) is told
    assert kind.taken(record(name, request_), None, HUB) == {kind.CONTROL: ""}, "of anybody else it is told"


def test_a_stack_that_is_taken_away_is_left_to_the_next_sweep_and_a_roll_out_is_judged() -> None:
    who = {"type": "AWSService", "invokedBy": CLOUDFORMATION}
    assert kind.locate(record("DeleteRule", {"name": NAME}, userIdentity=who)).names == ()
    updated = record("PutRule", {"name": NAME, "state": "DISABLED"}, userIdentity=who)
    assert kind.locate(updated).names == (NAME,)
    assert kind.taken(updated, None, HUB) == {}


def test_where_the_stack_is_no_hub_there_is_no_forwarder() -> None:
    assert names(standard()) == ()
    aws, session = fake_hub()
    assert list(kind.observe(aws, Scope(MEMBER, ELSEWHERE, names=(NAME,)), {}, standard())) == []
    assert kind.list_names(aws.home, standard()) == ()
    assert session.calls == []


# -------------------------------------------------------------------------------------------------- what is wrong


def test_a_rule_that_is_right_is_compliant_however_its_pattern_is_written() -> None:
    assert observed(seen()).state == seen()
    (finding,) = judge(kind.KIND, observed(seen()).state, HUB)
    assert (finding.outcome, calls(seen())) == (Outcome.COMPLIANT, ())


def test_a_rule_that_is_off_is_switched_on() -> None:
    assert calls(seen(State="DISABLED")) == (Call("events", "EnableRule", {"Name": NAME}),)


def test_a_narrowed_pattern_is_put_back_with_the_rule_on() -> None:
    (put,) = calls(seen(EventPattern={"source": ["aws.lightsail"]}, State="DISABLED"))
    assert (put.operation, put.params["State"], json.loads(put.params["EventPattern"])) == (
        "PutRule",
        "ENABLED",
        RIGHT[PATTERN],
    )


BENT = {
    "gone": {"iam__GetRole": refused("NoSuchEntity", "The role cannot be found.")},
    "trusts nobody": {"iam__GetRole": {"Role": {"AssumeRolePolicyDocument": {"Statement": []}}}},
    "bounded": {
        "iam__GetRole": {
            "Role": {
                "AssumeRolePolicyDocument": ROLE["AssumeRolePolicyDocument"],
                "PermissionsBoundary": {"PermissionsBoundaryArn": f"arn:aws:iam::{MEMBER}:policy/nothing"},
            }
        }
    },
    "another policy": {"iam__ListRolePolicies": {"PolicyNames": ["send", "deny"]}},
    "attached": {
        "iam__ListAttachedRolePolicies": {"AttachedPolicies": [{"PolicyArn": "arn:aws:iam::aws:policy/AWSDenyAll"}]}
    },
    "no policy": {"iam__ListRolePolicies": {"PolicyNames": []}},
    "a statement alone": {"iam__GetRolePolicy": {"PolicyDocument": {"Statement": {"Effect": "Allow"}}}},
}


@pytest.mark.parametrize("bent", BENT.values(), ids=BENT)
def test_a_role_that_is_not_as_it_was_rolled_out_is_for_a_person(bent: dict[str, Any]) -> None:
    (found,) = observe(**as_aws_shows(seen()), **bent)
    (finding,) = judge(kind.KIND, found.state, HUB, BEFORE)
    assert (finding.outcome, [drift.manual for drift in finding.drifts]) == (Outcome.MANUAL, [CANNOT_SEND])


@pytest.mark.parametrize(("boundary", "right"), [("bounds/workloads", True), ("bounds/others", False), (None, False)])
def test_a_role_has_the_boundary_of_its_account_that_was_given_to_the_hub(boundary: str | None, *, right: bool) -> None:
    bounds = {"PermissionsBoundary": {"PermissionsBoundaryArn": f"arn:aws:iam::{MEMBER}:policy/{boundary}"}}
    role = {"AssumeRolePolicyDocument": ROLE["AssumeRolePolicyDocument"], **(bounds if boundary else {})}
    answers: dict[str, Any] = {**SENDS, "iam__GetRole": {"Role": role}, **as_aws_shows(seen())}
    aws, _ = fake_hub(**answers)
    hub = replace(HUB, member_boundary="bounds/workloads")
    (rule,) = kind.observe(aws, Scope(MEMBER, ELSEWHERE, names=(NAME,)), {}, hub)
    assert rule.state
    assert rule.state.sender is right


def test_without_such_a_role_no_rule_is_made_but_one_that_is_there_is_mended() -> None:
    (finding,) = judge(kind.KIND, replace(GONE_RULE, sender=False), HUB, BEFORE)
    assert [drift.manual for drift in finding.drifts] == [CANNOT_SEND, ROLL_OUT]
    (finding,) = judge(kind.KIND, replace(seen(State="DISABLED"), sender=False), HUB, BEFORE)
    assert [(drift.field, bool(drift.manual)) for drift in finding.drifts] == [(SENDER, True), (STATE, False)]


def test_whatever_way_a_rule_is_on_it_is_on() -> None:
    shown = as_aws_shows(seen(State="ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"))
    (found,) = observe(**shown)
    assert found.state == seen()


def test_a_target_leads_to_the_hub_whatever_its_id() -> None:
    shown = as_aws_shows(seen())
    shown["events__ListTargetsByRule"] = {"Targets": [{**RIGHT[TARGET], "Id": "other"}]}
    (found,) = observe(**shown)
    assert found.state == seen()


def test_of_a_rule_without_room_a_strangers_target_gives_way() -> None:
    shown = as_aws_shows(seen())
    shown["events__ListTargetsByRule"] = {"Targets": [{"Id": f"mine{n}", "Arn": "arn:aws:sqs:x"} for n in range(5)]}
    (found,) = observe(**shown)
    assert found.state
    (finding,) = judge(kind.KIND, found.state, HUB)
    (put,) = kind.plan(found, finding.drifts, HUB, None)
    assert put.params["Targets"] == [{**RIGHT[TARGET], "Id": "mine0"}]


def test_whose_policy_cannot_be_read_is_not_known_to_send() -> None:
    with pytest.raises(AwsError, match="AccessDenied"):
        observe(**as_aws_shows(seen()), iam__GetRolePolicy=refused("AccessDenied", "no"))


@pytest.mark.parametrize("found", [None, {**RIGHT[TARGET], "Arn": BUS.replace(ACCOUNT, "999999999999")}])
def test_a_rule_that_leads_elsewhere_or_nowhere_is_led_to_the_hub(found: dict[str, Any] | None) -> None:
    (put,) = calls(seen(**{TARGET: found}))
    assert (put.operation, put.params) == ("PutTargets", {"Rule": NAME, "Targets": [{**RIGHT[TARGET], "Id": "Hub"}]})
    assert RIGHT[TARGET]["Arn"] == BUS
    assert RIGHT[TARGET]["RoleArn"] == f"arn:aws:iam::{MEMBER}:role/relight-forwarder-{ELSEWHERE}"


def test_a_rule_that_was_there_is_made_again() -> None:
    assert [call.operation for call in calls(GONE_RULE, before=seen())] == ["PutRule", "PutTargets"]


def test_a_rule_that_was_never_there_is_for_a_person_to_roll_out() -> None:
    (finding,) = judge(kind.KIND, GONE_RULE, HUB)
    (drift,) = finding.drifts
    assert (finding.outcome, drift.field, drift.manual) == (Outcome.MANUAL, EXISTS, ROLL_OUT)
    assert calls(GONE_RULE) == ()


def test_a_baseline_is_read_back_as_it_was_written() -> None:
    assert kind.revive(json.loads(json.dumps(lasting(seen())))) == seen()
    assert kind.weaker(seen(), seen(), HUB) == ()
