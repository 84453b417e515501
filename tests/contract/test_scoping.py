"""What roles may do, they may do to this account's own: each resource is one of the action's service, and bound."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from relight.aws import READS
from tests.contract.template import ROLE, TEMPLATE, Statement, actions, functions, of_type, statements, target

STATEMENTS = [statement for role in sorted(of_type(ROLE)) for statement in statements(role)]
every_statement = pytest.mark.parametrize("statement", STATEMENTS, ids=lambda s: f"{s.role}-{s.sid}")

# The service in the ARNs of a type's resources, where it is not the type's own.
SERVICES = {"Serverless": "lambda", "Events": "events"}
# The service in the ARNs of what an action touches, where it is not the action's own.
TOUCHES = {"sts": "iam"}
# What may be written beyond the account, the Region's or any: action → resource, why, and where AWS says so.
BEYOND = {
    "logs:PutSubscriptionFilter": (
        "arn:${AWS::Partition}:logs:*:*:destination:*",
        "a subscription that is put back may lead to another account's destination; it needs that account's leave too",
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CrossAccountSubscriptions.html",
    ),
    "sts:AssumeRole": (
        "arn:${AWS::Partition}:iam::*:role/${MemberRole}",
        "a hub acts in the accounts of its organisation, which aws:ResourceOrgID binds it to, with a role of theirs",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html",
    ),
}
SCHEDULE = (
    {"lambda:InvokeFunction", "sqs:SendMessage"},
    "https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html",
)
# Roles that an AWS service assumes, not a function of ours: what AWS says that it needs.
OF_SERVICES = {
    "FlowLogsRole": (
        {
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:DescribeLogGroups",
            "logs:DescribeLogStreams",
            "logs:PutLogEvents",
        },
        "https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html",
    ),
    "TrailLogsRole": (
        {"logs:CreateLogStream", "logs:PutLogEvents"},
        "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-required-policy-for-cloudwatch-logs.html",
    ),
    "SweepScheduleRole": SCHEDULE,
    "GuardScheduleRole": SCHEDULE,
}


def arns(value: Any) -> Iterator[tuple[str, ...]]:
    """The parts of the ARNs that a resource stands for: a pattern's, a resource's of the stack, either of an !If."""
    if isinstance(value, dict) and "Fn::If" in value:
        for branch in value["Fn::If"][1:]:
            yield from arns(branch)
    elif isinstance(value, dict) and "Fn::Sub" in value:
        text = value["Fn::Sub"]
        inner = re.match(r"\$\{(\w+)\.Arn\}", text)
        yield from arns({"Ref": inner[1]}) if inner else [_parts(text)]
    elif target(value) in TEMPLATE["Resources"]:
        service = TEMPLATE["Resources"][target(value)]["Type"].split("::")[1]
        yield ("arn", "aws", SERVICES.get(service, service.lower()), "here", "own", target(value))
    elif target(value).startswith("TrailKey") or target(value).startswith("TopicKey"):
        yield ("arn", "aws", "kms", "here", "own", target(value))
    elif value != "*":
        raise AssertionError(f"what is {value}? teach tests/contract/test_scoping.py to read it")


def _parts(text: str) -> tuple[str, ...]:
    return tuple(re.sub(r"\$\{AWS::(\w+)\}", r"<\1>", text).split(":", 5))


def writes(statement: Statement) -> list[str]:
    return [action for action in statement.actions if not action.split(":")[1].startswith(READS)]


@every_statement
def test_a_resource_is_one_that_the_action_can_touch(statement: Statement) -> None:
    """An ARN of another service allows nothing, which nobody would notice before the repair is denied."""
    for resource in statement.resources:
        for parts in arns(resource):
            prefixes = {action.split(":")[0] for action in statement.actions}
            services = {TOUCHES.get(prefix, prefix) for prefix in prefixes}
            assert parts[2] in services, f"{statement.role}, {statement.sid}: {resource} is no resource of {services}"
            assert len(parts) == 6, f"{statement.role}, {statement.sid}: {resource} is no whole ARN"


@every_statement
def test_what_is_written_is_this_account_s(statement: Statement) -> None:
    for action in writes(statement):
        for resource in statement.resources:
            if BEYOND.get(action, ("",))[0] == (resource.get("Fn::Sub") if isinstance(resource, dict) else resource):
                continue
            for _, partition, service, _, account, _ in arns(resource):
                where = f"{statement.role}, {statement.sid}: {action} on {resource}"
                assert partition in ("aws", "<Partition>"), f"{where}: name the partition as ${{AWS::Partition}}"
                named = (
                    account in ("own", "<AccountId>") or service == "s3"
                )  # whose ARNs have none: see aws:ResourceAccount
                assert named, f"{where}: bind it to ${{AWS::AccountId}}, or give the reason and its source in BEYOND"


@pytest.mark.parametrize("role", sorted(of_type(ROLE).keys() - {f.role for f in functions().values()}))
def test_a_service_s_role_allows_what_aws_says_that_it_needs(role: str) -> None:
    assert role in OF_SERVICES, (
        f"{role} is no function's: say in OF_SERVICES what its service needs, and where AWS says so"
    )
    needed, source = OF_SERVICES[role]
    assert actions(role) == needed, f"{role} differs from {source} in {sorted(actions(role) ^ needed)}"


def test_the_exceptions_are_needed_and_sourced() -> None:
    allowed = {
        (action, each.get("Fn::Sub"))
        for s in STATEMENTS
        for action in s.actions
        for each in s.resources
        if isinstance(each, dict)
    }
    for action, (resource, why, source) in BEYOND.items():
        assert (action, resource) in allowed, f"drop {action} from BEYOND: no role allows it on {resource} any more"
        assert why
        assert source.startswith("https://docs.aws.amazon.com/"), f"BEYOND, {action}: its source is a page of AWS's"
    assert OF_SERVICES.keys() <= of_type(ROLE).keys(), "OF_SERVICES names roles that the template has no more"
    assert all(source.startswith("https://docs.aws.amazon.com/") for _, source in OF_SERVICES.values())
