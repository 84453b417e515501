"""Publishes messages to the SNS topic."""

from __future__ import annotations

import json
from collections.abc import Callable

from relight.aws import Aws
from relight.message import Message
from relight.model import Call, Incident
from relight.render import render


class Notifier:
    """Publishes to the topic. `alias` says what an account is called besides its id."""

    def __init__(self, aws: Aws, topic: str, alias: Callable[[str], str] = lambda _: "") -> None:
        self._aws = aws
        self._topic = topic
        self._alias = alias

    def publish(self, incident: Incident) -> None:
        """Tells an incident. Raises AwsError."""
        self.send(render(incident, self._alias(incident.resource.account)))

    def send(self, message: Message) -> None:
        """Publishes a message: e-mail gets its text, everything else its data. Raises AwsError."""
        renderings = {
            "default": json.dumps(message.data),
            "email": message.text,
            "sms": message.subject,
        }
        attributes = {
            name: {"DataType": "String.Array", "StringValue": json.dumps(value)}
            if isinstance(value, list)
            else {"DataType": "String", "StringValue": value}
            for name, value in message.attributes.items()
        }
        params = {
            "TopicArn": self._topic,
            "Subject": message.subject,
            "Message": json.dumps(renderings),
            "MessageStructure": "json",
            "MessageAttributes": attributes,
        }
        self._aws.at(self._aws.account, self._topic.split(":")[3]).send(Call("sns", "Publish", params))
