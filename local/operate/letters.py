"""Dead letters as data: what each holds, where it belongs, and why one cannot be sent again. Pure.

Three services write them, each in its own way:

- EventBridge and EventBridge Scheduler put the event into the body and the target into a message attribute
  (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html,
  https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html).
- Lambda wraps the event and names the function
  (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html).
- SQS moves the message as it was, and says from which queue (ReceiveMessage's DeadLetterQueueSourceArn).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from relight.message import clean

LONGEST = 80


@dataclass(frozen=True)
class Ends:
    """Where letters may be sent again: the stack's own functions, and delay queues by name."""

    account: str
    region: str
    functions: frozenset[str]
    queues: Mapping[str, str]  # name → URL

    @classmethod
    def of(cls, account: str, region: str, functions: Iterable[str], queue_urls: Iterable[str]) -> Ends:
        """The ends by their names and URLs."""
        return cls(account, region, frozenset(functions), {url.rpartition("/")[2]: url for url in queue_urls})

    def names(self, arn: str) -> str:
        """The name of the function or delay queue that an ARN means. Raises UnreadableLetter for any other."""
        parts = arn.split(":")
        name = parts[6] if parts[2:3] == ["lambda"] and len(parts) > 6 else parts[-1]
        known = self.functions if parts[2:3] == ["lambda"] else self.queues
        if parts[3:5] != [self.region, self.account] or name not in known:
            raise UnreadableLetter(f"its target is no function nor delay queue of this stack: {arn or 'none'}")
        return name


class UnreadableLetter(Exception):
    """Why a letter cannot be sent again."""


@dataclass(frozen=True)
class Letter:
    """One message of a dead-letter queue."""

    queue: str  # URL of the queue that it lies in
    id: str
    receipt: str
    moment: datetime  # when what it reports happened
    title: str
    to: str = ""  # the name of a function or of a delay queue
    payload: str = ""
    trouble: str = ""  # why it cannot be sent again


def read(queue: str, message: Mapping[str, Any], ends: Ends) -> Letter:
    """A message as SQS's ReceiveMessage gives it, with all attributes."""
    body, known = message["Body"], {"queue": queue, "id": message["MessageId"], "receipt": message["ReceiptHandle"]}
    sent = datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC)
    try:
        arn, payload = _wrapped(message, _json(body))
        event = _json(payload)
        moment, title = _moment(event, sent), _title(event)
    except UnreadableLetter as trouble:
        return Letter(
            moment=sent, title=f"message {clean(message['MessageId'], LONGEST)}", trouble=str(trouble), **known
        )
    try:
        return Letter(moment=moment, title=title, to=ends.names(arn), payload=payload, **known)
    except UnreadableLetter as trouble:
        return Letter(moment=moment, title=title, trouble=clean(trouble), **known)


def _wrapped(message: Mapping[str, Any], body: Mapping[str, Any]) -> tuple[str, str]:
    """The ARN that a letter was meant for, and what it was meant to get."""
    attributes = {name: str(each.get("StringValue", "")) for name, each in message.get("MessageAttributes", {}).items()}
    if attributes.get("IS_PAYLOAD_TRUNCATED") == "true":
        raise UnreadableLetter("Scheduler truncated what it was to send; invoke the function by hand")
    if "TARGET_ARN" in attributes:
        return attributes["TARGET_ARN"], message["Body"]
    moved_from = message["Attributes"].get("DeadLetterQueueSourceArn")
    if moved_from:
        return str(moved_from), message["Body"]
    context = body.get("requestContext")
    if isinstance(context, Mapping) and "requestPayload" in body:
        return str(context.get("functionArn", "")), json.dumps(body["requestPayload"])
    raise UnreadableLetter("it is neither EventBridge's, nor Lambda's, nor moved here by SQS")


def _json(text: str) -> Mapping[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableLetter(f"it is not JSON: {error}") from error
    if not isinstance(data, Mapping):
        raise UnreadableLetter("it holds no event")
    return data


def _moment(event: Mapping[str, Any], sent: datetime) -> datetime:
    """The event's own time, for queues keep no order; when the letter was sent where it has none."""
    try:
        moment = datetime.fromisoformat(str(event.get("time")))
    except ValueError:
        return sent
    return moment if moment.tzinfo else sent


def _title(event: Mapping[str, Any]) -> str:
    detail = event.get("detail")
    name = detail.get("eventName") if isinstance(detail, Mapping) else None
    return clean(name or event.get("detail-type") or event.get("source") or "an event", LONGEST)
