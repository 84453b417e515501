"""A batch of SQS records, from the delay queue: those that fail are named, and come again until they are dead letters.

Without powertools' processor, which loads a tenth of a second's worth for these few lines.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from relight import telemetry
from relight.errors import MalformedRecord
from relight.record import dig


def take_batch(take_event: Callable[[Any, str], None], event: Mapping[str, Any]) -> dict[str, list[dict[str, str]]]:
    """Hands each record's event over, with the message's id.

    Returns what Lambda reads of a partial failure (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html).
    Raises MalformedRecord where it is no batch: then there is nothing to name.
    """
    messages = event["Records"]
    if not (isinstance(messages, list) and all(isinstance(dig(each, "messageId"), str) for each in messages)):
        raise MalformedRecord(f"Records is {messages!r:.80}: not a list of SQS messages")
    failed = []
    for message in messages:
        try:
            take_event(_body(message), message["messageId"])
        except Exception:  # noqa: BLE001 (it was logged; the others must not wait for it)
            failed.append({"itemIdentifier": message["messageId"]})
    return {"batchItemFailures": failed}


def _body(message: Mapping[str, Any]) -> Any:
    try:
        return json.loads(message["body"])
    except (KeyError, TypeError, ValueError, RecursionError) as error:  # the last of what is nested too deeply
        telemetry.logger.exception("not JSON", extra={"message_id": message["messageId"]})
        raise MalformedRecord(f"SQS message {message['messageId']} is not JSON: {error}") from error
