"""Least privilege: each role allows exactly what its function's calls need, where it needs it."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from relight.resources import guard
from relight.resources.own.stack import TYPES
from tests.contract import reach
from tests.contract.dependent_actions import DEPENDENT, MEMBERS, iam_action, required
from tests.contract.template import (
    HUB,
    POLICY,
    ROLE,
    TEMPLATE,
    Function,
    Statement,
    actions,
    functions,
    listed,
    of_type,
    policies,
    properties,
    statements,
    target,
)

ROLES = sorted(of_type(ROLE))
STATEMENTS = [statement for role in ROLES for statement in statements(role)]
every_function = pytest.mark.parametrize("function", functions().values(), ids=lambda f: f.family)
every_role = pytest.mark.parametrize("role", ROLES)

# Actions that IAM knows no resource for, by the service's page in the service authorization reference
# (https://docs.aws.amazon.com/service-authorization/latest/reference/): only they may be allowed on "*".
WITHOUT_RESOURCE = {
    "cloudtrail:DescribeTrails": "list_awscloudtrail.html",
    "cloudwatch:ListAlarmMuteRules": "list_amazoncloudwatch.html",
    "config:DescribeConfigurationRecorderStatus": "list_awsconfig.html",
    "config:DescribeConfigurationRecorders": "list_awsconfig.html",
    "config:DescribeDeliveryChannels": "list_awsconfig.html",
    "config:PutConfigurationRecorder": "list_awsconfig.html",
    "config:PutDeliveryChannel": "list_awsconfig.html",
    "config:StartConfigurationRecorder": "list_awsconfig.html",
    "ec2:DescribeFlowLogs": "list_amazonec2.html",
    "ec2:DescribeRegions": "list_amazonec2.html",
    "ec2:DescribeVpcs": "list_amazonec2.html",
    "iam:ListAccountAliases": "list_awsidentityandaccessmanagementiam.html",
    "lambda:CreateEventSourceMapping": "list_awslambda.html",
    "lambda:ListEventSourceMappings": "list_awslambda.html",
    "kms:ListKeys": "list_awskeymanagementservice.html",
    "logs:CreateLogDelivery": "list_amazoncloudwatchlogs.html",
    "organizations:DescribeOrganization": "list_awsorganizations.html",
    "organizations:ListAWSServiceAccessForOrganization": "list_awsorganizations.html",
    "organizations:ListAccounts": "list_awsorganizations.html",
    "s3:GetAccountPublicAccessBlock": "list_amazons3.html",
    "s3:ListAllMyBuckets": "list_amazons3.html",
    "s3:PutAccountPublicAccessBlock": "list_amazons3.html",
    "sns:GetSubscriptionAttributes": "list_amazonsns.html",
    "sns:SetSubscriptionAttributes": "list_amazonsns.html",
}
# Every action that changes items: those of DynamoDB's API and of PartiQL. A transaction needs those of its parts
# (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html).
LEDGER_WRITES = {
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:PartiQLDelete",
    "dynamodb:PartiQLInsert",
    "dynamodb:PartiQLUpdate",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
}
# Types of which SAM makes some of a function: their logical ids begin with the function's.
MADE_BY_SAM = dict.fromkeys(("AWS::Lambda::Function", "AWS::Scheduler::Schedule"), "AWS::Serverless::Function")
# Which a function without a queue need not be given again.
MAPPED = ("lambda", "CreateEventSourceMapping")
# Wildcards in actions, each with the page that asks for it.
WILDCARDS = {"kms:GenerateDataKey*": "https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html"}


@every_function
def test_a_role_allows_what_its_function_needs_and_no_more(function: Function) -> None:
    needed = required(reach.calls(function.family) - _of_other_parts(function), function.features)
    allowed = actions(function.role)
    assert not needed - allowed, f"{function.role} in template.yaml must allow {sorted(needed - allowed)}"
    assert not allowed - needed, (
        f"{function.role} allows {sorted(allowed - needed)}, which nothing that {function.family} does needs: "
        "drop it, or give the reason and its source in tests/contract/dependent_actions.py"
    )


def _of_other_parts(function: Function) -> set[tuple[str, str]]:
    """Calls for types of parts that a guard has none of to look after; the stack's are read by every guard."""
    guarded = function.environment.get("RELIGHT_GUARDED", "*")
    if guarded == "*":
        return set()
    made = {kind: of_type(kind, MADE_BY_SAM.get(kind, kind)) for kind in TYPES}
    own = {TYPES[kind] for kind, names in made.items() if any(fnmatchcase(name, guarded) for name in names)}
    others = guard.MODULES.keys() - own - {"stack"}
    calls = {call for other in others for call in reach.from_source(Path(guard.MODULES[other].__file__ or ""))}
    queues = any(each.queues for each in functions().values() if fnmatchcase(each.logical_id, guarded))
    return calls | {("cloudformation", "UpdateTerminationProtection")} | (set() if queues else {MAPPED})


@every_function
def test_a_function_has_a_role_of_its_own(function: Function) -> None:
    assert function.role in ROLES, f"{function.logical_id}: its Role must be a role of this template"
    shared = [each.family for each in functions().values() if each.role == function.role]
    assert shared == [function.family], f"{shared} share {function.role}: no role may be a union"
    assert "Policies" not in function.properties, f"{function.logical_id}: SAM ignores Policies beside Role"


@every_role
def test_a_role_has_inline_statements_only(role: str) -> None:
    assert "ManagedPolicyArns" not in properties(role), f"{role}: a managed policy is more than it needs; spell it out"
    attached = of_type("AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy")
    assert not attached, f"{sorted(attached)}: make it an AWS::IAM::Policy, which these tests follow"
    for policy in policies(role):
        for statement in policy["Statement"]:
            bent = statement.keys() & {"NotAction", "NotResource"}
            assert not bent, f"{role}: {sorted(bent)} allow what nobody listed"


@pytest.mark.parametrize("policy", [name for name, each in of_type(POLICY).items() if each.get("Condition") != HUB])
def test_a_policy_beside_the_roles_is_there_before_their_functions(policy: str) -> None:
    """But a hub's: DependsOn names nothing that a condition leaves out, and a hub hears of others when it is done."""
    for role in map(target, properties(policy)["Roles"]):
        assert role in ROLES, f"{policy}: {role} is no role of this template"
        for function in (each for each in functions().values() if each.role == role):
            awaited = listed(TEMPLATE["Resources"][function.logical_id].get("DependsOn", []))
            assert policy in awaited, f"{function.logical_id}: add {policy} to DependsOn, or it starts without"


def test_nobody_but_the_functions_and_the_operator_writes_the_ledger() -> None:
    """Whoever assumed a role has the role's ARN, with its path, as aws:PrincipalArn.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    """
    (table,) = map(properties, of_type("AWS::DynamoDB::Table"))
    (deny,) = table["ResourcePolicy"]["PolicyDocument"]["Statement"]
    assert (deny["Effect"], deny["Principal"], deny["Resource"]) == ("Deny", "*", "*")
    assert set(deny["Action"]) == LEDGER_WRITES
    assert list(deny["Condition"]) == ["ArnNotEquals"], "only a negated ARN operator denies whoever has no ARN, too"
    spared = deny["Condition"]["ArnNotEquals"]["aws:PrincipalArn"]
    writers = {role for role in ROLES if actions(role) & LEDGER_WRITES}
    named = {target(each) for each in spared} - {""}
    assert named == writers, (
        f"the Ledger's ResourcePolicy spares {sorted(named - writers)} for nothing and keeps out "
        f"{sorted(writers - named)}; a role's permission goes into LedgerAccess, for the table names the role"
    )
    others = [each for each in spared if not target(each)]
    assert others == [{"Fn::If": ["LetAnOperatorWrite", {"Ref": "OperatorRoleArn"}, {"Ref": "AWS::NoValue"}]}]


def test_nobody_is_locked_out_of_the_ledger_s_policy() -> None:
    """DynamoDB refuses a policy that takes its author's right to change it (PutResourcePolicy, botocore's model)."""
    (table,) = map(properties, of_type("AWS::DynamoDB::Table"))
    (deny,) = table["ResourcePolicy"]["PolicyDocument"]["Statement"]
    administer = [each for each in deny["Action"] if "*" in each or "ResourcePolicy" in each or "Table" in each]
    assert not administer, f"the Ledger's ResourcePolicy denies {administer}: then nobody could mend it"


def test_a_hub_s_functions_assume_the_member_role_within_the_organisation_only() -> None:
    assuming = [each for each in STATEMENTS if "sts:AssumeRole" in each.actions]
    assert {each.role for each in assuming} == {f.role for f in functions().values() if MEMBERS in f.features}
    for each in assuming:
        assert each.actions == ("sts:AssumeRole",), (
            f"{each.role}: sts:AssumeRole stands alone, for its condition's sake"
        )
        assert each.resources == ({"Fn::Sub": "arn:${AWS::Partition}:iam::*:role/${MemberRole}"},)
        assert each.condition == {"StringEquals": {"aws:ResourceOrgID": {"Ref": "OrganizationId"}}}
    for name, policy in of_type(POLICY).items():
        allows = "sts:AssumeRole" in str(policy)
        assert not allows or policy.get("Condition") == HUB, f"{name}: only a hub may assume roles"


def test_the_guards_serve_no_other_account() -> None:
    for family in ("guard", "guard_watch"):
        assert MEMBERS not in functions()[family].features, f"{family} looks after this account's own parts"


@every_role
def test_no_role_can_rewrite_a_bucket_policy_by_creating_flow_logs(role: str) -> None:
    """EC2 would overwrite the bucket's policy in the name of a caller that holds both."""
    both = ("ec2:CreateFlowLogs", "s3:PutBucketPolicy")
    held = [each for each in both if any(fnmatchcase(each, pattern) for pattern in actions(role))]
    assert len(held) < 2, f"{role} allows {' and '.join(held)}: AWS would overwrite the destination bucket's policy"


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda s: f"{s.role}-{s.sid}")
def test_a_statement_is_narrow(statement: Statement) -> None:
    where = f"{statement.role}, statement {statement.sid}"
    assert statement.sid, f"{where}: give it a Sid that says why it is there"
    for action in statement.actions:
        assert "*" not in action or action in WILDCARDS, f"{where}: {action} is too wide"
        if "*" in statement.resources:
            assert action in WITHOUT_RESOURCE, f"{where}: {action} takes a resource: name it instead of *"
    if "iam:PassRole" in statement.actions:
        passed_to = statement.condition.get("StringEquals", {}).get("iam:PassedToService")
        assert passed_to, f"{where}: bind iam:PassRole with StringEquals iam:PassedToService"
        assert statement.actions == ("iam:PassRole",), f"{where}: iam:PassRole stands alone, for its condition's sake"
    if any(action.startswith("s3:") and action != "s3:ListAllMyBuckets" for action in statement.actions):
        owner = statement.condition.get("StringEquals", {}).get("aws:ResourceAccount")
        assert owner, f"{where}: a bucket's ARN names no account: bind it with StringEquals aws:ResourceAccount"


@every_role
def test_a_role_has_the_boundary_that_was_given(role: str) -> None:
    given = {"Fn::If": ["SetABoundary", {"Ref": "PermissionsBoundaryArn"}, {"Ref": "AWS::NoValue"}]}
    fine = properties(role).get("PermissionsBoundary") == given
    assert fine, f"{role}: add PermissionsBoundary: !If [SetABoundary, !Ref PermissionsBoundaryArn, !Ref AWS::NoValue]"


@every_role
def test_a_role_trusts_one_service(role: str) -> None:
    for statement in properties(role)["AssumeRolePolicyDocument"]["Statement"]:
        principal = statement["Principal"]
        assert list(principal) == ["Service"], f"{role}: only a service may assume it, not {principal}"
        assert isinstance(principal["Service"], str), f"{role}: one service, not {principal['Service']}"


def test_the_exceptions_are_needed() -> None:
    """A row that nothing uses any more would let a later mistake through."""
    on_star = {action for each in STATEMENTS if "*" in each.resources for action in each.actions}
    stale = WITHOUT_RESOURCE.keys() - on_star
    assert not stale, f"drop {sorted(stale)} from WITHOUT_RESOURCE: no role allows it on * any more"
    wide = {action for each in STATEMENTS for action in each.actions if "*" in action}
    assert wide == WILDCARDS.keys(), f"WILDCARDS should be {sorted(wide)}"


def test_the_dependent_actions_are_needed_and_sourced() -> None:
    reasons = set().union(*(function.features for function in functions().values()))
    reasons |= {iam_action(*call) for function in functions().values() for call in reach.calls(function.family)}
    for row in DEPENDENT:
        assert row.needed_by in reasons, f"drop {row.action} from DEPENDENT: nothing does {row.needed_by!r} any more"
        assert row.source.startswith("https://docs.aws.amazon.com/"), f"{row.action}: its source is a page of AWS's"
        assert row.why, f"{row.action}: say why it is needed"
    pairs = [(row.action, row.needed_by) for row in DEPENDENT]
    assert len(pairs) == len(set(pairs)), "a dependent action stands there twice for the same reason"


READER = """
from relight.aws import Aws
from relight.model import Call

aws = Aws("1", "r")

def handler(event, context):
    {}
"""


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("aws.home.read('kms', 'DescribeKey', KeyId='k')", {("kms", "DescribeKey")}),
        ("list(aws.home.pages('ec2', 'DescribeVpcs', 'Vpcs'))", {("ec2", "DescribeVpcs")}),
        ("aws.home.send(Call('s3', 'PutBucketLogging', {}))", {("s3", "PutBucketLogging")}),
        ("return open(event).read()", set()),
    ],
)
def test_calls_are_read_off_the_source(tmp_path: Path, statement: str, found: set[tuple[str, str]]) -> None:
    app = tmp_path / "app.py"
    app.write_text(READER.replace("{}", statement, 1), encoding="utf-8")
    assert reach.from_source(app) == found


@pytest.mark.parametrize(
    "statement",
    [
        "aws.home.read('kms', event['name'])",
        "aws.home.read(*event)",
        "aws.home.read(service='kms', operation='DescribeKey')",
        "Call(event, 'PutBucketLogging', {})",
    ],
)
def test_a_call_that_cannot_be_read_off_is_refused(tmp_path: Path, statement: str) -> None:
    app = tmp_path / "app.py"
    app.write_text(READER.replace("{}", statement, 1), encoding="utf-8")
    with pytest.raises(reach.UnreadableCallError):
        reach.from_source(app)


def test_only_what_is_reached_counts() -> None:
    """The sweep shares modules with the families, but not their calls."""
    baselines = {("dynamodb", "BatchGetItem"), ("dynamodb", "UpdateItem")}
    assert not reach.calls("sweep") & baselines, "the reading of calls has become too coarse: it has no baselines"
    assert baselines <= reach.calls("trail"), "the ledger's calls are not seen"
