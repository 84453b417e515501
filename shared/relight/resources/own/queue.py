"""SQS queues: the dead letters' and those that delay events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relight.aws import Place
from relight.errors import UnknownState
from relight.model import Call

GONE = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
ATTRIBUTES = (
    "DelaySeconds",
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "Policy",
    "ReceiveMessageWaitTimeSeconds",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "SqsManagedSseEnabled",
    "VisibilityTimeout",
)


def show(place: Place, name: str, arn: str) -> tuple[dict[str, Any], dict[str, str]] | None:
    """The attributes that may be set; the handle is the queue's URL. Raises UnknownState where SQS names none."""
    found = place.read("sqs", "GetQueueUrl", missing=GONE, QueueName=name)
    if found is None:
        return None
    url = found.get("QueueUrl")
    if not url:
        raise UnknownState(f"queue {name}: SQS answers without its URL")
    answer = place.read("sqs", "GetQueueAttributes", missing=GONE, QueueUrl=url, AttributeNames=["All"])
    if answer is None:
        return None
    shown = answer.get("Attributes", {})
    return {each: shown[each] for each in ATTRIBUTES if shown.get(each)}, {"url": url}


def repair(
    name: str, arn: str, wanted: Mapping[str, Any], settings: Mapping[str, Any], handles: Mapping[str, str]
) -> tuple[Call, ...]:
    """One SetQueueAttributes; an empty text takes an attribute away that never was there."""
    attributes = {field: value or "" for field, value in wanted.items()}
    return (Call("sqs", "SetQueueAttributes", {"QueueUrl": handles["url"], "Attributes": attributes}),)


def again(name: str, arn: str, settings: Mapping[str, Any]) -> tuple[Call, ...]:
    """The queue, empty. For a minute after its deletion SQS refuses that; Lambda's retry comes later."""
    return (Call("sqs", "CreateQueue", {"QueueName": name, "Attributes": dict(settings)}),)
