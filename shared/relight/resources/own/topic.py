"""The SNS topic and who is subscribed to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relight.aws import Place
from relight.model import Call
from relight.policy.guard import SUBSCRIPTION

GONE = ("NotFound", "NotFoundException")
ATTRIBUTES = ("Policy", "KmsMasterKeyId", "DisplayName")
# Instead of the ARN, for some three days, of whoever was unsubscribed (https://github.com/ansible/ansible/pull/20086).
DELETED = "Deleted"
FILTERS = ("FilterPolicy", "FilterPolicyScope", "RawMessageDelivery")
UNFILTERED = {"FilterPolicy": "{}", "FilterPolicyScope": "MessageAttributes", "RawMessageDelivery": "false"}


def show(place: Place, name: str, arn: str) -> tuple[dict[str, Any], dict[str, str]] | None:
    """Attributes, and a field for each subscription; the handles are the ARNs of those that are confirmed."""
    shown = place.read("sns", "GetTopicAttributes", missing=GONE, TopicArn=arn)
    if shown is None:
        return None
    settings: dict[str, Any] = {each: shown["Attributes"][each] for each in ATTRIBUTES if shown["Attributes"].get(each)}
    handles: dict[str, str] = {}
    for each in place.pages("sns", "ListSubscriptionsByTopic", "Subscriptions", TopicArn=arn):
        field, subscription = f"{SUBSCRIPTION}{each['Protocol']}:{each['Endpoint']}", each["SubscriptionArn"]
        if not subscription.startswith("arn:"):
            if subscription != DELETED:  # it waits for somebody to confirm it
                settings.setdefault(field, {})
        elif (filters := _filters(place, subscription)) is not None:
            settings[field], handles[field] = filters, subscription
    return settings, handles


def _filters(place: Place, arn: str) -> dict[str, str] | None:
    """What keeps messages from a subscriber, or changes them; None of a subscription that is gone."""
    answer = place.read("sns", "GetSubscriptionAttributes", missing=GONE, SubscriptionArn=arn)
    if answer is None:
        return None
    shown = answer.get("Attributes", {})
    return {each: shown[each] for each in FILTERS if shown.get(each, UNFILTERED[each]) != UNFILTERED[each]}


def repair(
    name: str, arn: str, wanted: Mapping[str, Any], settings: Mapping[str, Any], handles: Mapping[str, str]
) -> tuple[Call, ...]:
    """Attributes one by one, as SNS has it. An e-mail address must be confirmed anew, which the control says."""
    calls: list[Call] = []
    for field, value in wanted.items():
        if not field.startswith(SUBSCRIPTION):
            attribute = {"AttributeName": field, "AttributeValue": value or ""}
            calls.append(Call("sns", "SetTopicAttributes", {"TopicArn": arn, **attribute}))
        elif field in handles:
            calls += [
                Call(
                    "sns",
                    "SetSubscriptionAttributes",
                    {
                        "SubscriptionArn": handles[field],
                        "AttributeName": each,
                        "AttributeValue": value.get(each, plain),
                    },
                )
                for each, plain in UNFILTERED.items()
            ]
        else:
            calls.append(_subscribe(arn, field, value))
    return tuple(calls)


def again(name: str, arn: str, settings: Mapping[str, Any]) -> tuple[Call, ...]:
    """The topic with its attributes, and its subscribers."""
    attributes = {field: settings[field] for field in ATTRIBUTES if field in settings}
    subscribers = [_subscribe(arn, f, value) for f, value in settings.items() if f.startswith(SUBSCRIPTION)]
    return (Call("sns", "CreateTopic", {"Name": name, "Attributes": attributes}), *subscribers)


def _subscribe(topic: str, field: str, filters: Mapping[str, str]) -> Call:
    protocol, _, endpoint = field.removeprefix(SUBSCRIPTION).partition(":")
    return Call(
        "sns",
        "Subscribe",
        {"TopicArn": topic, "Protocol": protocol, "Endpoint": endpoint, "Attributes": dict(filters)},
    )
