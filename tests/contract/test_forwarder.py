"""docs/forwarder.yaml forwards what the families' rules want, and its role may do what their functions do: no more."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from copy import deepcopy
from fnmatch import fnmatchcase
from typing import Any, cast

import pytest
from samtranslator.yaml_helper import yaml_parse

from local import forwarder
from local.rules import matches
from local.settings import LONGEST_STACK, PROJECT, STACK
from relight.policy.forwarder import wanted_role
from relight.standard import Standard
from tests.contract import reach
from tests.contract.dependent_actions import iam_action, required
from tests.contract.samples import BENIGN_EVENTS, CALLS, DIRECT, Sample, spoiled
from tests.contract.template import PARAMETERS as HUBS_PARAMETERS
from tests.contract.template import (
    QUEUE,
    ROLE,
    RULE,
    Rule,
    functions,
    listed,
    of_type,
    resolved,
    rules,
    statements,
    target,
)

FORWARDER = cast("dict[str, Any]", yaml_parse((PROJECT / "docs" / "forwarder.yaml").read_text(encoding="utf-8")))
PARAMETERS: Mapping[str, Any] = FORWARDER["Parameters"]
RESOURCES: Mapping[str, Any] = FORWARDER["Resources"]
MEMBER = RESOURCES["Member"]["Properties"]
# The longest that each may be.
LONG = "r" * LONGEST_STACK
NAMES = {
    "AWS::Partition": "aws-us-gov",
    "AWS::AccountId": "210987654321",
    "AWS::Region": "ap-southeast-2",
    "AWS::URLSuffix": "amazonaws.com.cn",
    "HubBusArn": "arn:aws-us-gov:events:ap-southeast-2:123456789012:event-bus/" + LONG,
    "OrganizationId": "o-" + "1" * 32,
    "HubAccount": "123456789012",
    "HubStack": LONG,
    "MemberRole": "m" * 64,
    "MemberBoundary": "bounds/" + "b" * 128,
    "SendRole.Arn": "arn:aws-us-gov:iam::210987654321:role/" + LONG + "-forwarder-ap-southeast-2",
    "Undelivered.Arn": "arn:aws-us-gov:sqs:ap-southeast-2:210987654321:" + LONG + "-forwarder-undelivered",
    "Undelivered": "https://sqs.ap-southeast-2.amazonaws.com/210987654321/" + LONG + "-forwarder-undelivered",
}
RULES = {name: each["Properties"] for name, each in RESOURCES.items() if each["Type"] == RULE}
PATTERNS = {name: resolved(each["EventPattern"], NAMES) for name, each in RULES.items()}
# The rules on the forwarder's own rules.
WATCHING = ("EventsRule", "EventsWatchRule")
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html: the least that a Region has
PATTERN_SIZE, RULES_OF_A_BUS = 2048, 100
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: characters that are no white space
INLINE_SIZE, TRUST_SIZE, ROLE_NAME = 10_240, 2048, 64
SUFFIX = "-1X2Y3Z4A5B6C"  # what CloudFormation adds to a name
# Which functions' calls go to members: all but those that look after the hub's own stack.
SENT = [each for each in functions().values() if not each.family.startswith("guard")]
# Services that are asked in the hub only.
IN_THE_HUB = ("dynamodb:", "lambda:", "organizations:", "securityhub:", "sns:Publish", "sqs:", "sts:")
REGIONS_RULES = "arn:aws-us-gov:events:eu-west-1:210987654321:rule/" + LONG + "-forwarder-"

every_rule = pytest.mark.parametrize("name", RULES)


def size(document: Any) -> int:
    """Characters of a policy or a pattern, as AWS counts them, with the longest names."""
    return len(json.dumps(resolved(document, NAMES), separators=(",", ":")))


def documents(role: Mapping[str, Any]) -> list[Any]:
    return [each["PolicyDocument"] for each in role["Policies"]]


def calls(pattern: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The (source, eventName) pairs that a pattern for API calls matches."""
    return [(s, json.dumps(n)) for s in pattern["source"] for n in pattern["detail"].get("eventName", ())]


def wanted() -> list[Rule]:
    """The rules of template.yaml that lead events of CloudTrail to a family's function."""
    about = ("AWS API Call via CloudTrail", "AWS Network Activity Event via CloudTrail")
    return [r for r in rules() if r.function in SENT and r.pattern["detail-type"][0] in about]


def test_it_is_what_the_template_makes_it() -> None:
    current = forwarder.PAGE.read_text(encoding="utf-8") == forwarder.page()
    assert current, "docs/forwarder.yaml is not what template.yaml makes it any more: make docs"


def test_it_forwards_the_families_events_and_no_others() -> None:
    families = {call for rule in wanted() for call in calls(rule.pattern)}
    forwarded = [call for pattern in PATTERNS.values() for call in calls(pattern)]
    assert set(forwarded) == families, f"differ: {sorted(set(forwarded) ^ families)}"
    others = [dict(rule.pattern) for rule in wanted() if not rule.names]
    assert [pattern for pattern in PATTERNS.values() if not calls(pattern)] == others


def test_no_event_is_sent_twice() -> None:
    """The hub's rules would match it twice, and start their functions twice."""
    pairs = Counter(call for name, each in PATTERNS.items() if name not in WATCHING for call in calls(each))
    assert pairs.most_common(1)[0][1] == 1, f"two rules forward {pairs.most_common(1)[0][0]}"


@pytest.mark.parametrize("call", ["DisableRule", "DeleteRule", "PutRule", "PutTargets", "RemoveTargets"])
@every_rule
def test_whoever_touches_a_rule_is_told_of_by_just_one_other(name: str, call: str) -> None:
    """The rule itself may be switched off by then."""
    parameter = "rule" if call.endswith("Targets") else "name"
    event = deepcopy(next(sample.event for sample in CALLS if (sample.family, sample.name) == ("forwarder", call)))
    event["detail"]["requestParameters"][parameter] = resolved(RULES[name]["Name"], NAMES)
    taken = [other for other, pattern in PATTERNS.items() if matches(pattern, event)]
    assert len(taken) == 1
    assert taken != [name]
    event["detail"]["requestParameters"][parameter] = "billing"
    assert not any(matches(pattern, event) for pattern in PATTERNS.values())


@pytest.mark.parametrize("sample", DIRECT, ids=str)
def test_a_sample_event_is_forwarded_once_where_a_family_wants_it(sample: Sample) -> None:
    event = deepcopy(sample.event)
    for parameter in ("name", "rule") if sample.family == "forwarder" else ():
        asked = event["detail"]["requestParameters"]
        asked |= {parameter: asked[parameter].replace(STACK, NAMES["HubStack"], 1)} if parameter in asked else {}
    forwarded = sum(matches(pattern, event) for pattern in PATTERNS.values())
    assert forwarded == any(matches(dict(rule.pattern), sample.event) for rule in wanted())


def test_what_no_family_wants_is_not_forwarded() -> None:
    events = [("benign", sample.event) for sample in BENIGN_EVENTS]
    events += [(what, event) for sample in CALLS for what, event in spoiled(sample.event)]
    for what, event in events:
        taken = [name for name, pattern in PATTERNS.items() if matches(pattern, event)]
        assert not taken, f"{taken} forward an event that is {what}"


@every_rule
def test_a_rule_is_on_and_sends_to_the_hub_with_retries_and_a_dead_letter_queue(name: str) -> None:
    rule = RULES[name]
    (to,) = rule["Targets"]
    assert rule.get("State", "ENABLED") == "ENABLED"
    assert "EventBusName" not in rule, f"{name}: CloudTrail's events are on the default bus"
    assert target(to["Arn"]) == "HubBusArn"
    assert target(to["RoleArn"]) == "SendRole"
    assert to["RetryPolicy"]["MaximumRetryAttempts"] == 185
    assert target(to["DeadLetterConfig"]["Arn"]) == "Undelivered"


@every_rule
def test_a_pattern_is_within_eventbridges_limit(name: str) -> None:
    length = len(json.dumps(PATTERNS[name], separators=(",", ":")))
    assert length <= PATTERN_SIZE, f"{name} has {length} characters: split it by eventName"


def test_names_and_their_number_are_within_the_limits() -> None:
    assert len(RULES) <= RULES_OF_A_BUS / 4, f"{len(RULES)} rules: others want some of the bus's {RULES_OF_A_BUS}, too"
    for rule in RULES.values():
        assert len(resolved(rule["Name"], NAMES)) <= 64
    for name in ("SendRole", "Member"):
        assert len(resolved(RESOURCES[name]["Properties"]["RoleName"], NAMES)) <= ROLE_NAME
    for function in SENT:
        name = f"{NAMES['HubStack']}-{function.role}{SUFFIX}"
        assert len(name) <= ROLE_NAME, f"{name}: CloudFormation would shorten it, and the member's role not trust it"


def test_policies_are_within_iams_limits() -> None:
    inline = sum(map(size, documents(MEMBER)))
    assert inline <= INLINE_SIZE, f"the member role's policies have {inline} of {INLINE_SIZE} characters"
    for name in ("Member", "SendRole"):
        trust = size(RESOURCES[name]["Properties"]["AssumeRolePolicyDocument"])
        assert trust <= TRUST_SIZE, f"{name}: its trust policy has {trust} of {TRUST_SIZE} characters"


def test_the_queue_takes_letters_of_the_forwarders_rules_only() -> None:
    (queue,) = [each["Properties"] for each in RESOURCES.values() if each["Type"] == QUEUE]
    assert queue["SqsManagedSseEnabled"] is True
    assert queue["MessageRetentionPeriod"] == 1209600, "keep dead letters for 14 days"
    allow, deny = RESOURCES["UndeliveredPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    sender = {"Service": "events.amazonaws.com"}
    assert (allow["Effect"], allow["Principal"], allow["Action"]) == ("Allow", sender, "sqs:SendMessage")
    of = resolved(allow["Condition"]["ArnLike"]["aws:SourceArn"], NAMES)
    assert of == f"arn:aws-us-gov:events:ap-southeast-2:210987654321:rule/{NAMES['HubStack']}-forwarder-*"
    for rule in RULES.values():
        assert fnmatchcase(f"{of.partition('rule/')[0]}rule/{resolved(rule['Name'], NAMES)}", of)
    assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_rules_may_send_to_the_hub_and_do_nothing_else() -> None:
    role = RESOURCES["SendRole"]["Properties"]
    ((statement,),) = (each["Statement"] for each in documents(role))
    assert (statement["Effect"], statement["Action"]) == ("Allow", "events:PutEvents")
    assert target(statement["Resource"]) == "HubBusArn"
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "events.amazonaws.com"}
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert resolved(trust["Condition"]["ArnLike"]["aws:SourceArn"], NAMES).endswith(f"{NAMES['HubStack']}-forwarder-*")


def test_the_role_is_made_in_one_region() -> None:
    assert RESOURCES["Member"]["Condition"] == "IsRoleRegion"
    there = FORWARDER["Conditions"]["IsRoleRegion"]
    assert there == {"Fn::Equals": [{"Ref": "AWS::Region"}, {"Ref": "RoleRegion"}]}
    assert target(MEMBER["RoleName"]) == "MemberRole"


def test_every_role_has_the_boundary_that_was_given_and_that_the_hub_looks_for() -> None:
    given = FORWARDER["Conditions"]["SetABoundary"]
    assert given == {"Fn::Not": [{"Fn::Equals": [{"Ref": "MemberBoundary"}, ""]}]}
    hub = Standard("", "", ledger="", topic="arn:aws-us-gov:sns", member_boundary=NAMES["MemberBoundary"])
    looked_for = wanted_role(hub, NAMES["AWS::AccountId"], NAMES["AWS::Region"])["PermissionsBoundary"]
    for role in (each["Properties"] for each in RESOURCES.values() if each["Type"] == ROLE):
        condition, boundary, none = role["PermissionsBoundary"]["Fn::If"]
        assert (condition, none) == ("SetABoundary", {"Ref": "AWS::NoValue"})
        assert resolved(boundary, NAMES) == looked_for


def needed(family: str) -> set[str]:
    """The actions that a function's calls need in a member."""
    there = {call for call in reach.calls(family) if not iam_action(*call).startswith(IN_THE_HUB)}
    return required(there, ())


def allowed() -> set[str]:
    """The actions that the member role allows."""
    return {
        action
        for each in MEMBER["Policies"]
        for statement in each["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
        for action in listed(statement["Action"])
    }


def test_the_role_allows_what_the_functions_need_there_and_no_more() -> None:
    need = set().union(*(needed(function.family) for function in SENT))
    assert not need - allowed(), f"the member role must allow {sorted(need - allowed())}"
    assert not allowed() - need, f"the member role allows {sorted(allowed() - need)}, which no function needs there"


def test_a_statement_is_as_narrow_as_the_functions_own() -> None:
    """But for its Region, which is any."""
    own = {(a, _anywhere(s.resources)) for f in SENT for s in statements(f.role) for a in s.actions}
    for policy in MEMBER["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            if statement["Effect"] == "Allow":
                resources = _anywhere(tuple(listed(statement["Resource"])))
                for action in listed(statement["Action"]):
                    assert (action, resources) in own, f"{policy['PolicyName']}, {statement['Sid']}: {action} is wider"


def _anywhere(resources: tuple[Any, ...]) -> frozenset[str]:
    """Resources in all Regions; the hub's stack and key, by whatever name."""
    texts = (_of_the_hub(json.dumps(each)).replace("${AWS::Region}", "*") for each in resources)
    return frozenset("the hub's key" if "Fn::If" in each or "HubAccount" in each else each for each in texts)


def _of_the_hub(text: str) -> str:
    """What its stack and its bus are called in the forwarder."""
    return text.replace(json.dumps(forwarder.HUBS_BUS), '{"Ref": "HubBusArn"}').replace("AWS::StackName", "HubStack")


def test_every_condition_of_the_functions_own_statements_is_kept() -> None:
    """With any Region for the function's own, which only StringLike takes."""
    own = Counter(
        each
        for function in SENT
        for statement in statements(function.role)
        if needed(function.family) & set(statement.actions)
        for each in _conditions(statement.condition)
    )
    kept = Counter(
        each
        for policy in MEMBER["Policies"]
        if policy["PolicyName"] != "never"
        for statement in policy["PolicyDocument"]["Statement"]
        for each in _conditions(statement.get("Condition", {}))
    )
    assert kept == own


def _conditions(condition: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    text = _of_the_hub(json.dumps(condition))
    if "${AWS::Region}" in text:
        text = text.replace("${AWS::Region}", "*").replace("StringEquals", "StringLike")
    return [
        (operator, key, json.dumps(value)) for operator, keys in json.loads(text).items() for key, value in keys.items()
    ]


def test_only_the_hubs_functions_may_assume_the_role() -> None:
    (trust,) = MEMBER["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Action"] == "sts:AssumeRole"
    assert resolved(trust["Principal"], NAMES) == {"AWS": "arn:aws-us-gov:iam::123456789012:root"}
    assert trust["Condition"]["StringEquals"] == {
        "sts:ExternalId": {"Ref": "OrganizationId"},
        "aws:PrincipalOrgID": {"Ref": "OrganizationId"},
    }
    assert trust["Condition"].keys() == {"StringEquals", "ArnLike"}
    trusted = trust["Condition"]["ArnLike"]["aws:PrincipalArn"]
    prefix = "arn:aws-us-gov:iam::123456789012:role/" + LONG
    askers = {function.role for function in SENT if needed(function.family)}
    assert {resolved(each, NAMES) for each in trusted} == {f"{prefix}-{role}-*" for role in askers}
    for role in of_type(ROLE).keys() - askers:
        arn = f"{prefix}-{role}{SUFFIX}"
        assert not any(fnmatchcase(arn, resolved(each, NAMES)) for each in trusted), f"{role} is trusted, too"


def may(action: str, resource: str, session: str = "x", **context: str) -> str:
    """What IAM decides for a session of the member role: "Deny" by a statement, "Allow", or "" where none says so."""
    said = {
        statement["Effect"]
        for document in documents(MEMBER)
        for statement in resolved(document["Statement"], NAMES)
        if _is_about(statement, action)
        and any(fnmatchcase(resource, each) for each in listed(statement["Resource"]))
        and _holds(statement.get("Condition", {}), {"aws:userid": f"AROAEXAMPLE:{session}", **context})
    }
    return "Deny" if "Deny" in said else "Allow" if "Allow" in said else ""


def _is_about(statement: Mapping[str, Any], action: str) -> bool:
    named = listed(statement.get("Action") or statement["NotAction"])
    return ("Action" in statement) == any(fnmatchcase(action, each) for each in named)


def _holds(condition: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    return all(
        any(fnmatchcase(context.get(key, ""), value) for value in listed(values)) != ("Not" in operator)
        for operator, keys in condition.items()
        for key, values in keys.items()
    )


def session(family: str) -> str:
    """How a function of the hub names its sessions: as it is named itself."""
    return f"{NAMES['HubStack']}-{functions()[family].logical_id}{SUFFIX}"


@pytest.mark.parametrize("name", [*(session(function.family) for function in SENT), "mallory"])
def test_no_session_can_rewrite_a_bucket_policy_by_creating_flow_logs(name: str) -> None:
    """EC2 would overwrite the bucket's policy in the name of a caller that holds both."""
    own = {"aws:ResourceAccount": NAMES["AWS::AccountId"]}
    creates = may("ec2:CreateFlowLogs", "arn:aws-us-gov:ec2:eu-west-1:210987654321:vpc/vpc-1", name)
    writes = may("s3:PutBucketPolicy", "arn:aws-us-gov:s3:::logs", name, **own)
    assert (creates, writes) == (("Allow", "Deny") if name == session("flow_logs") else ("Deny", "Allow"))


@pytest.mark.parametrize(
    "action",
    ["PutRolePolicy", "AttachRolePolicy", "DeleteRolePolicy", "UpdateAssumeRolePolicy", "DeleteRole", "PassRole"],
)
def test_the_role_cannot_change_itself(action: str) -> None:
    itself = "arn:aws-us-gov:iam::210987654321:role/" + NAMES["MemberRole"]
    context = {"iam:PassedToService": "config.amazonaws.com"}
    assert may(f"iam:{action}", itself, **context) == "Deny"
    rules_role = "Allow" if action == "PassRole" else "Deny"
    assert may(f"iam:{action}", NAMES["SendRole.Arn"], **context) == rules_role


@pytest.mark.parametrize("action", ["DisableRule", "DeleteRule", "RemoveTargets", "TagResource"])
def test_the_role_cannot_weaken_the_forwarder(action: str) -> None:
    for rule in ("cloudtrail", "network-activity"):
        assert may(f"events:{action}", REGIONS_RULES + rule) == "Deny"
    assert may("sqs:PurgeQueue", NAMES["Undelivered.Arn"]) == "Deny"
    assert may("sqs:DeleteQueue", NAMES["Undelivered.Arn"].replace("ap-southeast-2", "eu-west-1")) == "Deny"


def test_the_role_can_mend_the_forwarders_rules_and_lead_them_to_the_hub_only() -> None:
    for action in ("PutRule", "EnableRule", "DescribeRule", "ListTargetsByRule"):
        assert may(f"events:{action}", f"{REGIONS_RULES}kms") == "Allow"
        assert may(f"events:{action}", "arn:aws-us-gov:events:eu-west-1:210987654321:rule/billing") == ""
    there = {"events:TargetArn": NAMES["HubBusArn"]}
    assert may("events:PutTargets", f"{REGIONS_RULES}kms", **there) == "Allow"
    there = {"events:TargetArn": "arn:aws:events:eu-west-1:210987654321:event-bus/other"}
    assert may("events:PutTargets", f"{REGIONS_RULES}kms", **there) == ""
    own = {"iam:PassedToService": "events.amazonaws.com"}
    assert may("iam:PassRole", NAMES["SendRole.Arn"], **own) == "Allow"
    assert may("iam:PassRole", "arn:aws-us-gov:iam::210987654321:role/admin", **own) == ""


def test_a_parameter_is_explained_and_bounded() -> None:
    for name, parameter in PARAMETERS.items():
        assert parameter.get("Description"), f"{name}: say what it is"
        assert parameter.get("AllowedPattern"), f"{name}: bound it"
        assert parameter.get("ConstraintDescription", "").startswith("must be "), f"{name}: say what it must be"
    assert {name for name, each in PARAMETERS.items() if "Default" not in each} == {
        "HubBusArn", "OrganizationId", "HubAccount", "RoleRegion"
    }  # fmt: skip


def test_the_longest_names_are_the_longest_that_may_be_given() -> None:
    for name in ("OrganizationId", "HubStack", "MemberRole"):
        allowed_pattern = re.compile(PARAMETERS[name]["AllowedPattern"])
        assert allowed_pattern.search(NAMES[name]), f"{name}: {NAMES[name]} should be allowed"
        assert not allowed_pattern.search(NAMES[name] + "a"), f"{name}: more than {len(NAMES[name])} characters"


def test_names_agree_with_the_hubs() -> None:
    assert PARAMETERS["MemberRole"]["Default"] == "relight-member"
    assert PARAMETERS["HubStack"]["Default"] == STACK
    assert PARAMETERS["MemberBoundary"]["AllowedPattern"] == HUBS_PARAMETERS["MemberBoundary"]["AllowedPattern"]
