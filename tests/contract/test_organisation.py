"""docs/organisation.md: its tables are what the model says, and its commands are AWS's."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase

import pytest
from botocore import xform_name
from botocore.session import get_session

from local import forwarder, simulate
from local.settings import PROJECT
from tests.contract.test_forwarder import PARAMETERS

PAGE = simulate.PAGE.read_text(encoding="utf-8")
SHELL = [re.sub(r"\\\n\s*", "", block) for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)]
COMMANDS = [found for block in SHELL for found in re.findall(r"\baws (\S+) (\S+)([^\n]*)", block)]
# Options of the AWS CLI itself.
GLOBAL = {"region", "query", "output"}
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html: bytes of a template's body
BODY_SIZE = 51_200


def test_the_tables_are_what_the_model_says() -> None:
    assert simulate.rewritten(PAGE) == PAGE, "docs/organisation.md is not what the model says any more: make docs"


@pytest.mark.parametrize(("service", "operation", "options"), COMMANDS, ids=lambda each: each.strip()[:30])
def test_a_command_is_one_of_aws(service: str, operation: str, options: str) -> None:
    if operation == "deploy":  # the CLI's own
        return
    model = get_session().get_service_model(service)
    operations = {xform_name(name, "-"): name for name in model.operation_names}
    assert operation in operations, f"aws {service} has no {operation}"
    members = model.operation_model(operations[operation]).input_shape
    known = {xform_name(name, "-") for name in (members.members if members else ())} | GLOBAL
    given = set(re.findall(r"(?:^|\s)--([a-z-]+)", options))
    assert given <= known, f"aws {service} {operation} has no {sorted(given - known)}"


@pytest.mark.parametrize("setting", ["operation-preferences", "auto-deployment", "managed-execution"])
def test_what_a_stack_set_is_told_is_known(setting: str) -> None:
    model = get_session().get_service_model("cloudformation")
    for service, operation, options in COMMANDS:
        if f"--{setting} " in options:
            shape = model.operation_model("".join(part.title() for part in operation.split("-"))).input_shape
            member = "".join(part.title() for part in setting.split("-"))
            fields = getattr(shape.members[member], "members", {}) if shape else {}
            given = set(re.findall(r"(\w+)=", options.partition(f"--{setting} ")[2].partition(" --")[0]))
            assert given <= fields.keys(), f"aws {service} {operation} --{setting} has no {given - fields.keys()}"


def test_the_forwarder_is_given_its_parameters() -> None:
    wanted = {name for name, each in PARAMETERS.items() if "Default" not in each}
    (created,) = [options for _, operation, options in COMMANDS if operation == "create-stack-set"]
    assert set(re.findall(r"ParameterKey=(\w+)", created)) == wanted
    (deployed,) = [options for _, operation, options in COMMANDS if operation == "deploy"]
    assert set(re.findall(r"(\w+)=\"", deployed)) == wanted
    (updated,) = re.findall(r"for name in ([\w ]+); do", PAGE)
    assert set(updated.split()) == wanted


def test_the_forwarder_fits_into_a_call() -> None:
    size = len(forwarder.PAGE.read_bytes())
    assert size <= BODY_SIZE, f"docs/forwarder.yaml has {size} bytes, too many for --template-body"


def test_the_service_control_policy_as_changed_there_covers_the_forwarder() -> None:
    text = (PROJECT / "docs" / "service-control-policy.json").read_text(encoding="utf-8")
    (command,) = [each for block in SHELL for each in re.findall(r"sed -e .*", block)]
    for old, new in re.findall(r"'s#([^#]+)#([^#]+)#'", command):
        assert old in text, f"the policy has no {old} any more"
        text = text.replace(old, new)
    policy = json.loads(text)["Statement"][0]
    arns = [
        "arn:aws:events:eu-west-1:210987654321:rule/relight-forwarder-kms",
        "arn:aws:iam::210987654321:role/relight-forwarder-eu-west-1",
        "arn:aws:iam::210987654321:role/relight-member",
        "arn:aws:sqs:eu-west-1:210987654321:relight-forwarder-undelivered",
        "arn:aws:cloudformation:eu-west-1:210987654321:stack/StackSet-relight-forwarder-1f2e/1f2e",
    ]
    for arn in arns:
        assert any(fnmatchcase(arn, pattern) for pattern in policy["Resource"]), f"{arn} is not covered"
    spared = policy["Condition"]["ArnNotLike"]["aws:PrincipalArn"]
    for role in ("stacksets-exec-0a1b2c", "relight-member"):
        assert any(fnmatchcase(f"arn:aws:iam::210987654321:role/{role}", each) for each in spared)
