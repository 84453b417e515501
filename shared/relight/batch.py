"""A batch of SQS records, from the delay queue. Imported only where there is one: powertools loads much for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from relight import telemetry
from relight.errors import MalformedRecord
from relight.record import dig


def take_batch(take_event: Callable[[Any, str], None], event: Mapping[str, Any], context: Any) -> Any:
    """Hands each record's event over, with the message's id; those that fail are named, and come again.

    They do until the queue dead-letters them. Raises MalformedRecord where it is no batch: then there is nothing to
    name.
    """
    messages = event["Records"]
    if not (isinstance(messages, list) and all(isinstance(dig(each, "messageId"), str) for each in messages)):
        raise MalformedRecord(f"Records is {messages!r:.80}: not a list of SQS messages")
    if not messages:
        return {"batchItemFailures": []}

    def take(record: SQSRecord) -> None:  # by this name does powertools hand it over
        take_event(_body(record), record.message_id)

    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(event=dict(event), record_handler=take, processor=processor, context=context)


def _body(message: SQSRecord) -> Any:
    try:
        return json.loads(message.body)
    except (ValueError, RecursionError) as error:  # the latter of what is nested too deeply
        telemetry.logger.exception("not JSON", extra={"message_id": message.message_id})
        raise MalformedRecord(f"SQS message {message.message_id} is not JSON: {error}") from error
