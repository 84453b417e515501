"""What a dead letter holds, as the three services that write them document it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from local.operate.letters import Ends, Letter, read

ACCOUNT, REGION = "123456789012", "eu-central-1"
QUEUE = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/relight-FailureQueue-1"
FUNCTION, DELAY = "relight-TrailFunction-1", "relight-TrailDelayQueue-1"
FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{FUNCTION}"
DELAY_ARN = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{DELAY}"
ENDS = Ends.of(ACCOUNT, REGION, [FUNCTION], [QUEUE.replace("FailureQueue", "TrailDelayQueue")])
EVENT = {
    "detail-type": "AWS API Call via CloudTrail",
    "time": "2026-11-21T07:00:00Z",
    "detail": {"eventName": "StopLogging"},
}
SENT = datetime(2026, 11, 21, 8, tzinfo=UTC)


def letter(body: object, *, source: str = "", **attributes: str) -> Letter:
    message: dict[str, Any] = {
        "MessageId": "m-1",
        "ReceiptHandle": "r-1",
        "Body": body if isinstance(body, str) else json.dumps(body),
        "Attributes": {"SentTimestamp": str(int(SENT.timestamp() * 1000))},
        "MessageAttributes": {name: {"DataType": "String", "StringValue": text} for name, text in attributes.items()},
    }
    if source:
        message["Attributes"]["DeadLetterQueueSourceArn"] = source
    return read(QUEUE, message, ENDS)


def lambdas(payload: object, arn: str = f"{FUNCTION_ARN}:$LATEST") -> dict[str, Any]:
    return {"version": "1.0", "requestContext": {"functionArn": arn}, "requestPayload": payload}


@pytest.mark.parametrize(
    ("found", "to"),
    [
        (letter(EVENT, RULE_ARN="arn:…", TARGET_ARN=FUNCTION_ARN), FUNCTION),
        (letter(EVENT, RULE_ARN="arn:…", TARGET_ARN=DELAY_ARN), DELAY),
        (letter(EVENT, SCHEDULE_ARN="arn:…", TARGET_ARN=FUNCTION_ARN, IS_PAYLOAD_TRUNCATED="false"), FUNCTION),
        (letter(EVENT, source=DELAY_ARN), DELAY),
        (letter(lambdas(EVENT)), FUNCTION),
    ],
    ids=["EventBridge", "EventBridge-to-a-queue", "Scheduler", "SQS", "Lambda"],
)
def test_each_service_s_letter_is_understood(found: Letter, to: str) -> None:
    assert (found.trouble, found.to, found.title) == ("", to, "StopLogging")
    assert json.loads(found.payload) == EVENT
    assert found.moment == datetime(2026, 11, 21, 7, tzinfo=UTC), "the event's time, not the letter's"
    assert (found.queue, found.id, found.receipt) == (QUEUE, "m-1", "r-1")


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (letter("{"), "not JSON"),
        (letter("[" * 100_000), "not JSON"),
        (letter([EVENT]), "holds no event"),
        (letter(EVENT), "neither EventBridge's, nor Lambda's"),
        (letter(lambdas(None)), "holds no event"),
        (letter({"requestContext": "x", "requestPayload": EVENT}), "neither"),
        (letter(lambdas(EVENT, "")), "no function nor delay queue of this stack: none"),
        (letter(lambdas(EVENT, FUNCTION_ARN + "2")), "of this stack"),
        (letter(lambdas(EVENT, FUNCTION_ARN.replace(ACCOUNT, "999999999999"))), "of this stack"),
        (letter(lambdas(EVENT, FUNCTION_ARN.replace(REGION, "us-east-1"))), "of this stack"),
        (letter(EVENT, TARGET_ARN=QUEUE), "of this stack"),
        (letter(EVENT, TARGET_ARN=FUNCTION_ARN.replace(":lambda:", ":sqs:")), "of this stack"),
        (letter(EVENT, TARGET_ARN=FUNCTION_ARN, IS_PAYLOAD_TRUNCATED="true"), "truncated"),
    ],
)
def test_what_is_not_understood_says_why(found: Letter, why: str) -> None:
    assert why in found.trouble
    assert (found.to, found.payload) == ("", "")


@pytest.mark.parametrize("time", [None, "yesterday", "2026-11-21T07:00:00", 7])
def test_an_event_without_a_time_has_the_letter_s(time: object) -> None:
    assert letter({**EVENT, "time": time}, TARGET_ARN=FUNCTION_ARN).moment == SENT


def test_a_letter_cannot_forge_a_line() -> None:
    forged = letter(
        {**EVENT, "detail": {"eventName": "a\n  ✓ all redriven\x1b[2J"}}, TARGET_ARN="arn:aws:lambda:\n✓:x:function:y"
    )
    assert "\n" not in forged.title + forged.trouble
    assert "\x1b" not in forged.title
