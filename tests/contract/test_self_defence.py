"""The service control policy in docs/ denies whatever the guard undoes, and fits into the quota."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase

import pytest

from local.settings import LONGEST_STACK, PROJECT, STACK
from local.stack import transformed
from relight.policy import Control, controls_of
from relight.policy.guard import AS_SHIPPED
from relight.resources.guard import ARNS
from relight.resources.own.stack import TYPES
from tests.contract.template import listed, of_type

TEXT = (PROJECT / "docs" / "service-control-policy.json").read_text(encoding="utf-8")
# What docs/ says to make of it before it is attached: for the hub's account, and for members.
COMMANDS = [
    found
    for page in ("self-defence.md", "organisation.md")
    for found in re.findall(r"(?m)^ *sed (.*?) *\\?\n? *docs/service", (PROJECT / "docs" / page).read_text("utf-8"))
]
STATEMENTS = json.loads(TEXT)["Statement"]
LET = ["arn:aws:iam::*:role/DEPLOYMENT-ROLE", f"arn:aws:iam::*:role/{STACK}-*"]
DENIED = [action for statement in STATEMENTS for action in statement["Action"]]
# IAM's prefixes, by control. Several services have a call of that name.
PREFIXES = {
    "alarm": ("cloudwatch",),
    "bus": ("events",),
    "function": ("lambda",),
    "ledger": ("dynamodb",),
    "queue": ("sqs",),
    "role": ("iam",),
    "rule": ("events",),
    "schedule": ("scheduler",),
    "stack": ("cloudformation",),
    "topic": ("sns",),
}
# They take no resource: denying them would deny them to everybody.
OPEN = {"sns:Unsubscribe", "sns:SetSubscriptionAttributes"}


def is_denied(action: str) -> bool:
    return any(fnmatchcase(action, pattern) for pattern in DENIED)


@pytest.mark.parametrize("control", controls_of("guard"), ids=lambda each: each.id)
def test_whatever_the_guard_undoes_is_denied(control: Control) -> None:
    kind, names = control.id.partition(".")[2], control.triggers
    wanted = {f"{prefix}:{name}" for prefix in PREFIXES[kind] for name in names} - OPEN
    missing = sorted(action for action in wanted if not is_denied(action))
    assert not missing, f"docs/service-control-policy.json lets people call {missing}"


def denies(action: str, arn: str) -> bool:
    """Whether a statement denies that to all but those whom it lets through."""
    return any(
        any(fnmatchcase(action, each) for each in statement["Action"])
        and any(fnmatchcase(arn, each) for each in listed(statement["Resource"]))
        for statement in STATEMENTS
    )


def test_reads_and_the_functions_own_work_are_not_denied() -> None:
    for action in ("dynamodb:GetItem", "dynamodb:Query", "events:DescribeRule", "sns:Publish", "sqs:ReceiveMessage"):
        assert not is_denied(action)


def test_every_type_of_part_is_covered() -> None:
    patterns = STATEMENTS[0]["Resource"]
    for kind, middle in ARNS.items():
        place = middle.format(place="us-east-1:123456789012", account="123456789012")
        name = {"stack": f"{STACK}/1f2e", "bus": STACK}.get(kind, f"{STACK}-Part-1X2Y3Z4A5B6C")
        assert any(fnmatchcase(f"arn:aws:{place}{name}", each) for each in patterns), f"no {kind} is covered"


def test_only_a_deployment_and_relight_itself_are_let_through() -> None:
    for statement in STATEMENTS:
        assert statement["Effect"] == "Deny"
        assert statement["Condition"]["ArnNotLike"]["aws:PrincipalArn"] == LET


@pytest.mark.parametrize(
    "action", ["CreateRole", "PassRole", "UpdateAssumeRolePolicy", "AttachRolePolicy", "PutRolePolicy", "DeleteRole"]
)
@pytest.mark.parametrize("let", LET)
def test_who_is_let_through_nobody_can_become(let: str, action: str) -> None:
    """Neither by a new role of that name, nor by a function of his own in that role, nor by a wider trust."""
    assert denies(f"iam:{action}", let.replace("*:role", "123456789012:role"))


def test_a_key_is_known_by_the_tag_that_the_template_gives_it() -> None:
    """CloudFormation's own tags, aws:cloudformation:*, it puts on no key."""
    (statement,) = (each for each in STATEMENTS if "kms:ScheduleKeyDeletion" in each["Action"])
    ((condition, value),) = statement["Condition"]["StringEquals"].items()
    tag = condition.removeprefix("aws:ResourceTag/")
    for logical_id, key in of_type("AWS::KMS::Key").items():
        tags = {each["Key"]: each["Value"] for each in key["Properties"].get("Tags", ())}
        assert (tags.get(tag), value) == ({"Ref": "AWS::StackName"}, STACK), f"{logical_id}: the policy would miss it"
    assert {"kms:TagResource", "kms:UntagResource"} <= set(statement["Action"]), "the tag could be taken away"
    assert tag == tag.replace(STACK, "logging"), "where the stack is named otherwise the tag would be, too"


def test_the_functions_own_logs_cannot_be_taken_away() -> None:
    for logical_id in of_type("AWS::Logs::LogGroup"):
        arn = f"arn:aws:logs:us-east-1:123456789012:log-group:{STACK}-{logical_id}-1X2Y3Z4A5B6C"
        for action in ("DeleteLogGroup", "PutRetentionPolicy", "AssociateKmsKey", "DisassociateKmsKey"):
            assert denies(f"logs:{action}", arn)
        assert denies("logs:DeleteLogStream", f"{arn}:log-stream:2027/01/01/[$LATEST]1f2e")
        assert not denies("logs:PutLogEvents", f"{arn}:log-stream:2027/01/01/[$LATEST]1f2e")


def test_cloudformation_names_every_part() -> None:
    """By that the guard knows them, and the policy in docs/ does."""
    names = {"AlarmName", "FunctionName", "Name", "QueueName", "RoleName", "TableName", "TopicName"}
    resources = transformed(PROJECT / "template.yaml")["Resources"]  # for SAM names what nobody asked it to name
    named = {
        logical_id: sorted(each["Properties"].keys() & names)
        for logical_id, each in resources.items()
        if each["Type"] in TYPES
        and each["Properties"].keys() & names
        and each["Properties"].get("Name") != {"Ref": "AWS::StackName"}
    }
    assert not named, f"{named}: these would not begin with the stack's name"


def test_the_ledger_is_shipped_as_the_guard_has_it_without_a_baseline() -> None:
    (ledger,) = (each["Properties"] for each in of_type("AWS::DynamoDB::Table").values())
    assert ledger["BillingMode"] == AS_SHIPPED["BillingMode"]
    assert not ledger.keys() & {"OnDemandThroughput", "SSESpecification"}, "AS_SHIPPED must have it likewise"


def test_no_name_has_to_be_shortened() -> None:
    """What AWS takes at most, of those of which it is the least; CloudFormation's suffix has twelve characters."""
    resources = transformed(PROJECT / "template.yaml")["Resources"]
    longest = dict.fromkeys(TYPES, 64) | {"AWS::CloudWatch::Alarm": 255, "AWS::SQS::Queue": 80}
    cut = [
        logical_id
        for logical_id, each in resources.items()
        if LONGEST_STACK + len(f"-{logical_id}-") + 12 > longest.get(each["Type"], 255)
    ]
    assert not cut, f"shorten these logical ids, or LONGEST_STACK: {cut}"


def test_how_long_the_stacks_name_may_be_is_said() -> None:
    for page in (PROJECT / "README.md", PROJECT / "docs" / "organisation.md"):
        assert f"at most {LONGEST_STACK}" in " ".join(page.read_text(encoding="utf-8").split()), page.name


@pytest.mark.parametrize("command", COMMANDS)
def test_as_it_is_attached_it_is_whole_and_fits(command: str) -> None:
    """5,120 characters, says https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html.

    Of a policy that the AWS CLI hands over, white space counts.
    """
    lines = TEXT.splitlines()
    for _, old, new in re.findall(r"'s(.)(.+?)\1(.+?)\1'", command):
        assert old in TEXT, f"the policy has no {old} any more"
        lines = [line.replace(old, new, 1) for line in lines]  # which is all that sed does without a g
    text = "\n".join(lines)
    assert "DEPLOYMENT-ROLE" not in text
    statements = json.loads(text)["Statement"]
    (let,) = {tuple(each["Condition"]["ArnNotLike"]["aws:PrincipalArn"]) for each in statements}
    assert set(let) <= set(statements[0]["Resource"]), "anybody could make and change the roles that are let through"
    assert len(text) <= 5120


def test_both_ways_to_attach_it_are_known() -> None:
    assert len(COMMANDS) == 2
