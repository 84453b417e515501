"""What security is told: the notifications that the functions published, in both renderings."""

import json
from dataclasses import dataclass
from typing import Any

from local.wire import Call


@dataclass(frozen=True)
class Notification:
    """One message to the topic: as e-mail shows it, and as a queue or function reads it."""

    subject: str
    text: str
    data: dict[str, Any]
    attributes: dict[str, str]

    @property
    def event_id(self) -> str:
        return str(self.data.get("event_id", ""))

    @property
    def outcome(self) -> str:
        return self.attributes.get("outcome", "")


def published(call: Call) -> Notification | None:
    """The notification that a successful call sent; None of any other call."""
    if (call.service, call.name) != ("sns", "Publish"):
        return None
    sent = call.parameters()
    renderings = {"default": sent["Message"]}
    if sent.get("MessageStructure") == "json":
        renderings = json.loads(sent["Message"])
    default = renderings["default"]
    attributes = sent.get("MessageAttributes", {})
    return Notification(
        subject=sent.get("Subject", ""),
        text=renderings.get("email", default),
        data=_json_object(renderings.get("sqs", default)),
        attributes={name: value.get("StringValue", "") for name, value in attributes.items()},
    )


def _json_object(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}
