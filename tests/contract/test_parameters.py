"""The template's parameters are explained, grouped and bounded, and what they set is what the code accepts."""

from __future__ import annotations

import ast
import re
from typing import Any

import pytest

from local.settings import PROJECT
from relight.errors import InvalidSetting
from relight.model import Mode
from relight.policy import check_settings
from relight.standard import RETENTION_DAYS, Standard, load
from relight.sweep import KINDS, OF_A_HUB
from tests.contract.template import PARAMETERS, TEMPLATE, Function, functions, resolved

REGION, ACCOUNT = "us-east-1", "123456789012"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1f2e3d4c-5b6a-4798-8c7d-6e5f4a3b2c1d"
CREATED = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/relight/1f2e3d4c",
    "Ledger": "relight-Ledger-1X2Y3Z4A5B6C",
    "Topic": f"arn:aws:sns:{REGION}:{ACCOUNT}:relight-Topic-1X2Y3Z4A5B6C",
    "TrailKey.Arn": KEY,
    "TopicKey.Arn": KEY,
    "AccessLogBucket": "relight-accesslogbucket-1x2y3z4a5b6c",
    "FlowLogsRole.Arn": f"arn:aws:iam::{ACCOUNT}:role/relight-FlowLogsRole-1X2Y3Z4A5B6C",
    "TrailLogsRole.Arn": f"arn:aws:iam::{ACCOUNT}:role/relight-TrailLogsRole-1X2Y3Z4A5B6C",
    **{f.logical_id: f"relight-{f.logical_id}-1X2Y3Z4A5B6C" for f in functions().values()},
    **{f"{f.role}.Arn": f"arn:aws:iam::{ACCOUNT}:role/relight-{f.role}-1X2Y3Z4A5B6C" for f in functions().values()},
}
OTHER_KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/mrk-9a8b7c6d5e4f40319a8b7c6d5e4f4031"
# A value that the console must take, and the code after it; and one that the console must refuse.
BROUGHT = {
    "TrailKeyArn": (OTHER_KEY, "alias/trails"),
    "AccessLogBucketName": ("example-access-logs-123456789012", "Not_A_Bucket"),
    "FlowLogsRoleArn": (f"arn:aws-us-gov:iam::{ACCOUNT}:role/network/flow-logs", "flow-logs"),
    "TrailLogsRoleArn": (f"arn:aws-cn:iam::{ACCOUNT}:role/trail-logs", "trail-logs"),
    "FlowLogsDestination": ("arn:aws-cn:s3:::example-flow-logs", "example-flow-logs"),
    "SweepSchedule": ("rate(12 hours)", "every day"),
    "AlertEmail": ("security@example.com", "security"),
    "TopicKeyArn": (OTHER_KEY, "alias/topic"),
    "OrganizationId": ("o-a1b2c3d4e5", "o-short"),
    "MemberRole": ("relight-member", "arn:aws:iam::210987654321:role/relight-member"),
    "MemberAccounts": ("210987654321,321098765432", "210987654321, 321098765432"),
    "MemberBoundary": ("bounds/workloads", f"arn:aws:iam::{ACCOUNT}:policy/bounds/workloads"),
    "PermissionsBoundaryArn": (f"arn:aws-cn:iam::{ACCOUNT}:policy/bounds/workloads", f"arn:aws:iam::{ACCOUNT}:role/b"),
    "OperatorRoleArn": (
        f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Security_0a1b2c3d4e5f6789",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/Security/olivia",
    ),
}

every_function = pytest.mark.parametrize("function", functions().values(), ids=lambda f: f.family)
every_parameter = pytest.mark.parametrize("name", PARAMETERS)


def settings(function: Function, **parameters: object) -> Standard:
    """What a function's code makes of the environment that the template gives it."""
    given = {name: each.get("Default", "security@example.com") for name, each in PARAMETERS.items()} | parameters
    names = CREATED | {name: str(value) for name, value in given.items()}
    brought = [name for name, value in parameters.items() if value and PARAMETERS[name].get("Default") == ""]
    environment = {key: resolved(_chosen(value, brought), names) for key, value in function.environment.items()}
    standard = load({"AWS_REGION": REGION, **environment})
    check_settings(standard)
    return standard


def _chosen(value: Any, brought: list[str]) -> Any:
    """Of a condition, the branch of what a parameter brought."""
    if isinstance(value, dict) and "Fn::If" in value and value["Fn::If"][2].get("Ref") in brought:
        return value["Fn::If"][2]
    return value


@every_parameter
def test_a_parameter_is_explained_and_grouped(name: str) -> None:
    parameter = PARAMETERS[name]
    interface = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]
    groups = [each for group in interface["ParameterGroups"] for each in group["Parameters"]]
    assert len(parameter.get("Description", "")) > 20, (
        f"parameter {name}: add a Description that an operator understands"
    )
    assert groups.count(name) == 1, f"parameter {name}: put it into one of the console's ParameterGroups"
    assert interface["ParameterLabels"].get(name, {}).get("default"), f"parameter {name}: add a ParameterLabel"


@every_parameter
def test_a_parameter_is_bounded(name: str) -> None:
    parameter = PARAMETERS[name]
    bounded = parameter.keys() & {"AllowedValues", "AllowedPattern", "MaxValue"}
    assert bounded, f"parameter {name}: add AllowedValues, an AllowedPattern or MinValue and MaxValue"
    explained = "ConstraintDescription" in parameter or (parameter["Type"] == "String" and "AllowedValues" in parameter)
    assert explained, f"parameter {name}: add a ConstraintDescription that says what is allowed"


def test_the_console_groups_name_parameters_only() -> None:
    interface = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]
    named = {each for group in interface["ParameterGroups"] for each in group["Parameters"]}
    stray = (named | interface["ParameterLabels"].keys()) - PARAMETERS.keys()
    assert not stray, f"the console's groups or labels name {sorted(stray)}, which are no parameters"


def test_only_the_address_must_be_given() -> None:
    without = [name for name, each in PARAMETERS.items() if "Default" not in each]
    assert without == ["AlertEmail"], f"give {without} a default: Relight deploys with an e-mail address alone"


@every_parameter
def test_a_default_is_allowed(name: str) -> None:
    parameter = PARAMETERS[name]
    if "Default" not in parameter:
        return
    default = parameter["Default"]
    assert re.search(parameter.get("AllowedPattern", ""), str(default)), f"parameter {name}: its default is not allowed"
    assert default in parameter.get("AllowedValues", [default]), f"parameter {name}: its default is not allowed"
    if parameter["Type"] == "Number" and "MaxValue" in parameter:
        within = parameter["MinValue"] <= default <= parameter["MaxValue"]
        assert within, f"parameter {name}: its default is out of range"


@pytest.mark.parametrize("name", [name for name, each in PARAMETERS.items() if "AllowedPattern" in each])
def test_a_pattern_takes_what_is_right_only(name: str) -> None:
    assert name in BROUGHT, f"parameter {name}: add a right and a wrong value to BROUGHT"
    (right, wrong), pattern = BROUGHT[name], PARAMETERS[name]["AllowedPattern"]
    assert re.search(pattern, right), f"parameter {name} refuses {right}"
    assert not re.search(pattern, wrong), f"parameter {name} takes {wrong}"


@every_function
def test_the_code_accepts_the_defaults(function: Function) -> None:
    standard = settings(function)
    assert (standard.account, standard.region, standard.mode) == (ACCOUNT, REGION, Mode.ENFORCE)
    assert standard.retention_days == PARAMETERS["RetentionDays"]["Default"]
    assert standard.incident_days == PARAMETERS["IncidentRetentionDays"]["Default"]
    assert standard.trail_keys[REGION] == KEY
    assert (standard.ledger, standard.topic) == (CREATED["Ledger"], CREATED["Topic"])
    assert standard.flow_logs_destination == ""


@every_function
@pytest.mark.parametrize(
    "name", ["TrailKeyArn", "AccessLogBucketName", "FlowLogsRoleArn", "TrailLogsRoleArn", "FlowLogsDestination"]
)
def test_the_code_accepts_what_is_brought(function: Function, name: str) -> None:
    right = BROUGHT[name][0]
    standard = settings(function, **{name: right})
    found = (
        *standard.trail_keys.values(),
        *standard.access_log_buckets.values(),
        standard.flow_logs_role,
        standard.trail_logs_role,
        standard.flow_logs_destination,
    )
    assert right in found, f"parameter {name} does not reach the code of {function.family}"


CHOICES = [(name, value) for name, each in PARAMETERS.items() for value in each.get("AllowedValues", ())]
CHOICES += [(name, each[end]) for name, each in PARAMETERS.items() for end in ("MinValue", "MaxValue") if end in each]


@pytest.mark.parametrize(("name", "value"), CHOICES)
def test_the_code_accepts_every_choice(name: str, value: object) -> None:
    try:
        settings(functions()["trail"], **{name: value})
    except InvalidSetting as error:
        pytest.fail(f"parameter {name} offers {value}, which standard.py refuses: {error}")


def test_retention_is_what_cloudwatch_offers() -> None:
    """The parameter leaves out less than 90 days on purpose."""
    offered = set(PARAMETERS["RetentionDays"]["AllowedValues"])
    wanted = {days for days in RETENTION_DAYS if days >= 90}
    assert offered == wanted, f"RetentionDays and standard.RETENTION_DAYS differ in {sorted(offered ^ wanted)}"


def test_the_modes_are_those_of_the_code() -> None:
    assert set(PARAMETERS["Mode"]["AllowedValues"]) == {Mode.ENFORCE, Mode.OBSERVE}


def test_every_variable_is_set_and_read() -> None:
    tree = ast.parse((PROJECT / "shared" / "relight" / "standard.py").read_text(encoding="utf-8"))
    strings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    read = {each for each in strings if re.fullmatch(r"RELIGHT_[A-Z_]+", each)}
    given = {name for f in functions().values() for name in f.environment if name.startswith("RELIGHT_")}
    assert given == read, f"set in template.yaml or read in standard.py, but not both: {sorted(given ^ read)}"
    for function in functions().values():
        assert "POWERTOOLS_SERVICE_NAME" in function.environment, f"{function.logical_id}: set POWERTOOLS_SERVICE_NAME"


def test_the_sweep_knows_a_function_for_every_kind() -> None:
    families = settings(functions()["sweep"]).families
    swept = {kind.KIND for kind in (*KINDS, *OF_A_HUB)}  # all but what has a schedule of its own
    wanted = {k.KIND: CREATED[f.logical_id] for f in functions().values() for k in f.kinds if k.KIND in swept}
    assert families == wanted, f"RELIGHT_FAMILIES should be {wanted}"
