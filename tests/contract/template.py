"""template.yaml as data, and the questions that the contract tests ask of it."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from types import ModuleType
from typing import Any, cast

from samtranslator.yaml_helper import yaml_parse

from local.settings import PROJECT, STACK
from tests.contract import dependent_actions as dependent

SOURCE = (PROJECT / "template.yaml").read_text(encoding="utf-8")
TEMPLATE = cast("dict[str, Any]", yaml_parse(SOURCE))
PARAMETERS: Mapping[str, Any] = TEMPLATE["Parameters"]

FUNCTION = "AWS::Serverless::Function"
QUEUE = "AWS::SQS::Queue"
RULE = "AWS::Events::Rule"
ROLE = "AWS::IAM::Role"
POLICY = "AWS::IAM::Policy"
HUB = "IsHub"  # the condition of what a stack has only where it is a hub


def of_type(*types: str) -> dict[str, Mapping[str, Any]]:
    """The resources of these types, by logical id."""
    return {name: each for name, each in TEMPLATE["Resources"].items() if each["Type"] in types}


def properties(logical_id: str) -> Mapping[str, Any]:
    """The properties of a resource."""
    return cast("Mapping[str, Any]", TEMPLATE["Resources"][logical_id].get("Properties", {}))


def target(value: Any) -> str:
    """The logical id that a !Ref or !GetAtt points to; empty for anything else."""
    if not isinstance(value, Mapping):
        return ""
    if "Fn::GetAtt" in value:
        attribute = value["Fn::GetAtt"]
        return str(attribute[0] if isinstance(attribute, list) else attribute.split(".")[0])
    return str(value.get("Ref", ""))


def listed(value: Any) -> list[Any]:
    """CloudFormation's and IAM's lists of one may stand without the list."""
    return value if isinstance(value, list) else [value]


def resolved(value: Any, names: Mapping[str, str]) -> Any:
    """A value with its intrinsic functions replaced; what a condition would create is taken to be created.

    `names` are the values of references: "Ledger" for !Ref Ledger, "TrailKey.Arn" for !GetAtt TrailKey.Arn.
    """
    if isinstance(value, list):
        return [resolved(each, names) for each in value]
    if not isinstance(value, Mapping):
        return value
    if "Fn::If" in value:
        return resolved(value["Fn::If"][1], names)
    if "Fn::Sub" in value:
        return re.sub(r"\$\{([\w.:]+)\}", lambda found: names[found[1]], value["Fn::Sub"])
    if "Ref" in value or "Fn::GetAtt" in value:
        return names[".".join(listed(value.get("Ref") or value["Fn::GetAtt"]))]
    return {name: resolved(each, names) for name, each in value.items()}


@dataclass(frozen=True)
class Function:
    """A Lambda function: the folder that it lives in, its resource, its role, the queues that it reads."""

    family: str
    logical_id: str
    properties: Mapping[str, Any] = field(repr=False)

    @property
    def role(self) -> str:
        """The logical id of its role."""
        return target(self.properties["Role"])

    @property
    def queues(self) -> tuple[str, ...]:
        """The logical ids of the queues that it takes events from."""
        events = self.properties.get("Events", {}).values()
        return tuple(target(each["Properties"]["Queue"]) for each in events if each["Type"] == "SQS")

    @property
    def setting(self) -> Mapping[str, Any]:
        """Its properties with those that all functions share."""
        return {**TEMPLATE["Globals"]["Function"], **self.properties}

    @property
    def environment(self) -> Mapping[str, Any]:
        """Its variables with those that all functions share."""
        common = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
        return {**common, **self.properties.get("Environment", {}).get("Variables", {})}

    @property
    def features(self) -> set[str]:
        """What Lambda itself does in the function's name, as rows of the table of dependent actions."""
        on_failure = self.properties.get("EventInvokeConfig", {}).get("DestinationConfig", {}).get("OnFailure", {})
        found = {dependent.OWN_LOG}
        found |= {dependent.ON_FAILURE_QUEUE} if on_failure.get("Type") == "SQS" else set()
        found |= {dependent.QUEUE_EVENTS} if self.queues else set()
        found |= {dependent.MEMBERS} if "RELIGHT_ORGANIZATION" in self.environment else set()
        return found

    @cached_property
    def kinds(self) -> tuple[ModuleType, ...]:
        """The modules of the resource kinds that its app.py hands to the handler; none of the sweep.

        A guard's handler has its kind built in.
        """
        tree = ast.parse((PROJECT / "functions" / self.family / "app.py").read_text(encoding="utf-8"))
        names = [
            alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module == "relight.resources"
            for alias in node.names
        ]
        names += ["guard" for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "relight.guard"]
        return tuple(importlib.import_module(f"relight.resources.{name}") for name in names)


@dataclass(frozen=True)
class Rule:
    """An EventBridge rule and one function that it leads to, at once or through the function's delay queue."""

    logical_id: str
    pattern: Mapping[str, Any] = field(repr=False)
    function: Function
    delayed: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The API calls that it matches; none of a rule that matches something else.

        Lambda's eventNames are matched up to the version of the API that they end in.
        """
        listed = self.pattern.get("detail", {}).get("eventName", ())
        return tuple(each if isinstance(each, str) else each["prefix"].removesuffix("2") for each in listed)


@dataclass(frozen=True)
class Statement:
    """One statement of a role's policies."""

    role: str
    sid: str
    actions: tuple[str, ...]
    resources: tuple[Any, ...]
    condition: Mapping[str, Any]


@cache
def functions() -> dict[str, Function]:
    """All functions, by the name of their folder."""
    found = (
        Function(each["Properties"]["CodeUri"].rstrip("/").split("/")[-1], name, each["Properties"])
        for name, each in of_type(FUNCTION).items()
    )
    return {function.family: function for function in found}


@cache
def rules(stack_id: str = "") -> tuple[Rule, ...]:
    """All rules, once for each function that they lead to."""
    return tuple(_rules({"AWS::StackId": stack_id, "AWS::StackName": STACK}))


def _rules(names: Mapping[str, str]) -> Iterator[Rule]:
    ends = {f.logical_id: (f, False) for f in functions().values()}
    ends |= {queue: (f, True) for f in functions().values() for queue in f.queues}
    for name, each in of_type(RULE).items():
        for to in each["Properties"]["Targets"]:
            end = target(to["Arn"])
            assert end in ends, f"rule {name} leads to {end or to['Arn']}, which is no function nor a queue of one"
            yield Rule(name, resolved(each["Properties"]["EventPattern"], names), *ends[end])


def policies(role: str) -> list[Mapping[str, Any]]:
    """The documents of a role's own policies, and of those that are put into it from outside."""
    put_into = [each for each in map(properties, of_type(POLICY)) if role in map(target, each["Roles"])]
    return [each["PolicyDocument"] for each in (*properties(role).get("Policies", ()), *put_into)]


def statements(role: str) -> list[Statement]:
    """All statements of a role's policies that allow something."""
    return [
        Statement(
            role,
            statement.get("Sid", ""),
            tuple(listed(statement["Action"])),
            tuple(listed(statement["Resource"])),
            statement.get("Condition", {}),
        )
        for policy in policies(role)
        for statement in policy["Statement"]
        if statement["Effect"] == "Allow"
    ]


def actions(role: str) -> set[str]:
    """All actions that a role allows."""
    return {action for statement in statements(role) for action in statement.actions}


def of_a_hub() -> set[str]:
    """The actions that roles are given only where the stack is a hub."""
    policies = [each["Properties"] for each in of_type(POLICY).values() if each.get("Condition") == HUB]
    return {
        action
        for policy in policies
        for statement in policy["PolicyDocument"]["Statement"]
        for action in listed(statement["Action"])
    }
