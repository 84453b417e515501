"""`relight redrive` on queues that behave as SQS documents, and moto never does: a message handed over twice."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from local.operate import redrive
from local.operate.deployment import Deployment, OperatorError
from local.show import Screen
from relight.aws import Aws
from relight.errors import AwsError
from relight.model import Call

ACCOUNT, REGION, FUNCTION = "123456789012", "eu-central-1", "relight-TrailFunction-1"
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{FUNCTION}"
URL = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/"
OUTPUTS = {
    "TrailFunctionName": FUNCTION,
    "TrailDelayQueueUrl": f"{URL}TrailDelayQueue",
    **{name: URL + name.removesuffix("Url") for name in redrive.QUEUES},
}


@dataclass
class Place:
    """SQS and Lambda, as far as the command uses them."""

    batches: list[list[dict[str, Any]]]  # of the failure queue, one an answer
    refused: dict[str, Exception | int] = field(default_factory=dict)  # by operation
    sent: list[Call] = field(default_factory=list)
    account: str = ACCOUNT
    region: str = REGION

    @property
    def home(self) -> Place:
        return self

    def send(self, call: Call) -> dict[str, Any]:
        if call.operation == "ReceiveMessage":
            mine = call.params["QueueUrl"] == OUTPUTS["FailureQueueUrl"] and self.batches
            return {"Messages": self.batches.pop(0)} if mine else {}
        self.sent.append(call)
        refused = self.refused.get(call.operation, redrive.ACCEPTED)
        if isinstance(refused, BaseException):
            raise refused
        return {"StatusCode": refused} if call.operation == "Invoke" else {}

    def operations(self) -> list[str]:
        return [call.operation for call in self.sent]


def message(receipt: str, number: int = 1) -> dict[str, Any]:
    event = {"time": f"2026-11-21T07:00:0{number}Z", "detail": {"eventName": "StopLogging"}}
    body = {"requestContext": {"functionArn": ARN}, "requestPayload": event}
    return {
        "MessageId": f"m-{number}",
        "ReceiptHandle": receipt,
        "Body": json.dumps(body),
        "Attributes": {"SentTimestamp": "1795244400000"},
    }


def run(place: Place, *, limit: int | None = None) -> int:
    deployment = Deployment("relight", cast("Aws", place), "arn:aws:iam::123456789012:user/olivia", OUTPUTS)
    return redrive.run(deployment, Screen(), dry_run=False, limit=limit)


def test_a_message_that_is_handed_over_twice_is_sent_once() -> None:
    place = Place([[message("first")], [message("second")]])

    assert run(place) == redrive.REDRIVEN
    assert place.operations() == ["Invoke", "DeleteMessage"]
    assert place.sent[1].params["ReceiptHandle"] == "second", "only the latest receipt deletes"


@pytest.mark.parametrize("refusal", [AwsError("lambda:Invoke", "TooManyRequestsException", ""), 500])
def test_what_was_not_accepted_is_given_back(refusal: Exception | int) -> None:
    place = Place([[message("r")]], {"Invoke": refusal})

    assert run(place) == redrive.STAYED
    assert place.operations() == ["Invoke", "ChangeMessageVisibility"]
    assert place.sent[-1].params["VisibilityTimeout"] == 0


def test_what_was_sent_but_not_deleted_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    place = Place([[message("r")]], {"DeleteMessage": AwsError("sqs:DeleteMessage", "InternalError", "")})

    assert run(place) == redrive.STAYED
    assert "it was sent, but sqs:DeleteMessage: InternalError" in capsys.readouterr().out


def test_an_interruption_gives_back_what_was_not_sent() -> None:
    place = Place([[message("a", 1), message("b", 2)]], {"Invoke": cast("Exception", KeyboardInterrupt())})

    with pytest.raises(KeyboardInterrupt):
        run(place)

    assert place.operations() == ["Invoke", *["ChangeMessageVisibility"] * 2]


def test_a_queue_that_cannot_be_read_gives_back_what_was_held() -> None:
    place = Place([[message("a", 1)]])
    receive = place.send

    def send(call: Call) -> dict[str, Any]:
        if call.params["QueueUrl"] == OUTPUTS["DelayedFailureQueueUrl"]:
            raise AwsError("sqs:ReceiveMessage", "AccessDenied", "")
        return receive(call)

    place.send = send  # type: ignore[method-assign]

    with pytest.raises(OperatorError, match="DelayedFailureQueue could not be read"):
        run(place)

    assert place.operations() == ["ChangeMessageVisibility"]
