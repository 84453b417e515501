"""The functions as Lambda sees them: within its limits, and named after the folders that people look in."""

from __future__ import annotations

import re
from typing import Any

import pytest

from local.settings import PROJECT
from tests.contract.template import PARAMETERS, Function, functions, listed, rules

every_function = pytest.mark.parametrize("function", functions().values(), ids=lambda f: f.family)

# Longer than any value of that kind that AWS allows.
LONGEST = {
    "Ledger": 255,
    "Topic": 320,
    "AWS::AccountId": 12,
    "AWS::StackId": 240,
    **{f"{function.role}.Arn": 640 for function in functions().values()},
    "TrailKeyArn": 100,
    "TrailKey.Arn": 100,
    "TopicKeyArn": 100,
    "TopicKey.Arn": 100,
    "AccessLogBucket": 63,
    "AccessLogBucketName": 63,
    "FlowLogsRole.Arn": 640,
    "FlowLogsRoleArn": 640,
    "TrailLogsRole.Arn": 640,
    "TrailLogsRoleArn": 640,
    "FlowLogsDestination": 90,
    "OrganizationId": 34,
    "MemberRole": 64,
    "MemberBoundary": 640,
    "MemberAccounts": 45 * 13 - 1,
}


def longest(value: Any) -> int:
    """The most characters that a variable can have."""
    if isinstance(value, str):
        return len(value)
    if "Fn::If" in value:
        return max(longest(branch) for branch in value["Fn::If"][1:])
    if "Fn::Sub" in value:
        names = re.findall(r"\$\{([\w.]+)\}", value["Fn::Sub"])
        return len(value["Fn::Sub"]) + sum(LONGEST.get(name, 64) for name in names)
    name = ".".join(listed(value.get("Fn::GetAtt", value.get("Ref"))))
    parameter = PARAMETERS.get(name, {})
    choices = [len(str(each)) for each in parameter.get("AllowedValues", ())]
    if choices or parameter.get("Type") == "Number":
        return max([*choices, len(str(parameter.get("MaxValue", "")))])
    assert name in LONGEST, f"add to LONGEST how long {name} can be"
    return LONGEST[name]


@every_function
def test_an_environment_is_within_lambdas_limit(function: Function) -> None:
    size = sum(len(name) + longest(value) for name, value in function.environment.items())
    assert size < 4096, f"{function.logical_id}: its environment can have {size} bytes; Lambda's limit is 4 KB"


@every_function
def test_a_functions_resources_are_named_after_its_folder(function: Function) -> None:
    camel = "".join(part.capitalize() for part in function.family.split("_"))
    assert function.logical_id == f"{camel}Function", f"functions/{function.family} should be {camel}Function"
    assert function.setting["Handler"] == "app.handler", f"{function.logical_id}: its handler is app.handler"
    assert function.setting["Runtime"] == "python3.13", f"{function.logical_id}: its runtime is python3.13"
    assert (PROJECT / "functions" / function.family / "app.py").is_file(), (
        f"functions/{function.family}/app.py is missing"
    )


def test_every_folder_of_functions_is_deployed() -> None:
    folders = {path.parent.name for path in (PROJECT / "functions").glob("*/app.py")}
    assert folders == functions().keys(), f"in functions/ or template.yaml only: {sorted(folders ^ functions().keys())}"
    led = {rule.function.family for rule in rules()} | {"security_hub"}  # which the topic tells
    assert led == folders, "a function that no rule leads to"
