"""The CloudFormation stack itself, and what it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from relight.aws import Place
from relight.errors import UnknownState
from relight.model import Call
from relight.standard import stack_name

CLOUDFORMATION = "cloudformation.amazonaws.com"  # as a record names who made its call on somebody's behalf
PROTECTED = "EnableTerminationProtection"
# Of each resource type of the stack that is guarded, the type of its part.
TYPES = {
    "AWS::CloudWatch::Alarm": "alarm",
    "AWS::DynamoDB::Table": "ledger",
    "AWS::Events::EventBus": "bus",
    "AWS::Events::Rule": "rule",
    "AWS::IAM::Role": "role",
    "AWS::Lambda::Function": "function",
    "AWS::SNS::Topic": "topic",
    "AWS::SQS::Queue": "queue",
    "AWS::Scheduler::Schedule": "schedule",
}


@dataclass(frozen=True, slots=True)
class Stack:
    """How the stack stands. `deployed` is when the last deployment began."""

    name: str
    status: str
    deployed: datetime
    protected: bool

    @property
    def deploying(self) -> bool:
        """Whether CloudFormation is at work, so that nothing is as it will be."""
        return self.status.endswith("_IN_PROGRESS")


def describe(place: Place, stack_id: str) -> Stack:
    """The stack. Raises AwsError; UnknownState where it is gone."""
    answer = place.read("cloudformation", "DescribeStacks", StackName=stack_id) or {}
    for shown in answer.get("Stacks", ()):
        deployed = shown.get("LastUpdatedTime") or shown["CreationTime"]
        return Stack(shown["StackName"], shown["StackStatus"], deployed, bool(shown.get(PROTECTED)))
    raise UnknownState(f"stack {stack_id} is not there")


def parts(place: Place, stack_id: str) -> dict[str, str]:
    """What the stack was deployed with: ``TYPE/NAME`` → logical id. CloudFormation lists it whatever became of it."""
    found = {f"stack/{stack_name(stack_id)}": "Stack"}
    listed = place.pages("cloudformation", "ListStackResources", "StackResourceSummaries", StackName=stack_id)
    for each in listed:
        if each["ResourceType"] in TYPES and each.get("PhysicalResourceId"):
            found[f"{TYPES[each['ResourceType']]}/{short(each['PhysicalResourceId'])}"] = each["LogicalResourceId"]
    return found


def short(physical_id: str) -> str:
    """The name in a physical id: the last part of a topic's ARN or a queue's URL, else the id.

    A rule's on another bus is ``BUS|NAME`` to CloudFormation, and ``BUS/NAME`` in its ARN.
    """
    return physical_id.rpartition("/")[2].rpartition(":")[2] if ":" in physical_id else physical_id.replace("|", "/")


def show(place: Place, name: str, arn: str) -> tuple[dict[str, Any], dict[str, str]] | None:
    """Termination protection."""
    return {PROTECTED: describe(place, name).protected}, {}


def repair(
    name: str, arn: str, wanted: Mapping[str, Any], settings: Mapping[str, Any], handles: Mapping[str, str]
) -> tuple[Call, ...]:
    """Termination protection, on again."""
    change = {"StackName": name, PROTECTED: wanted[PROTECTED]}
    return (Call("cloudformation", "UpdateTerminationProtection", change),)


def again(name: str, arn: str, settings: Mapping[str, Any]) -> tuple[Call, ...]:
    """Nothing: who deleted the stack deleted this function too."""
    return ()
