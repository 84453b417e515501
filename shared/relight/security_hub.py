"""Imports what the topic tells into Security Hub: a subscriber like any other, so that no repair waits for it.

A digest of the sweep is passed over: it lists much, says little of each, and nothing of what is mended by hand.
`relight check -o asff` has all of a posture.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from relight import telemetry
from relight.asff import BATCH, Importer, of_incident
from relight.aws import Aws
from relight.errors import AwsError, MalformedRecord
from relight.incident import from_data
from relight.model import Call
from relight.standard import load


def handler_for_security_hub() -> Callable[[Any, Any], int]:
    """The Lambda handler; it returns how many findings were imported."""
    standard = load()
    aws = Aws.of(standard)
    to = Importer(standard.partition, standard.account, standard.region)

    def handle(event: Any, _context: Any) -> int:
        telemetry.logger.clear_state()
        try:
            return imported(aws, findings(event, to))
        except Exception:
            telemetry.logger.exception("not imported; left to the retry")
            raise

    return handle


def findings(event: Any, to: Importer) -> Iterator[dict[str, Any]]:
    """Those in what SNS hands over. Raises MalformedRecord where it is no message of Relight's.

    https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
    """
    records = event.get("Records") if isinstance(event, Mapping) else None
    if not isinstance(records, list):
        raise MalformedRecord(f"SNS hands over Records, not {event!r:.80}")
    for record in records:
        try:
            data, told = json.loads(record["Sns"]["Message"]), datetime.fromisoformat(record["Sns"]["Timestamp"])
            found = list(of_incident(from_data(data), to, told)) if "findings" in data else []
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
            raise MalformedRecord(f"no message of Relight's: {error!r:.200}") from error
        yield from found


def imported(aws: Aws, found: Iterator[dict[str, Any]]) -> int:
    """Sends the findings, by the hundred; how many there were. Raises AwsError where one is refused."""
    count = 0
    while batch := list(islice(found, BATCH)):
        answer = aws.home.send(Call("securityhub", "BatchImportFindings", {"Findings": batch}))
        for refused in answer.get("FailedFindings", ()):
            raise AwsError("securityhub:BatchImportFindings", refused["ErrorCode"], refused["ErrorMessage"])
        count += len(batch)
    return count
