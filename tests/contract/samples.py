"""The sample events under events/, and the benign ones beside these tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.settings import PROJECT
from relight.record import plain_name

EVENTS = PROJECT / "events"
BENIGN = Path(__file__).with_name("benign")
QUEUED = ".sqs.json"
TOLD = ".sns.json"
API_CALL = "AWS API Call via CloudTrail"


@dataclass(frozen=True)
class Sample:
    """An event in a file; `family` is the function that it is a sample for."""

    path: Path
    family: str
    event: dict[str, Any] = field(repr=False, hash=False)

    def __str__(self) -> str:
        return f"{self.path.parent.name}/{self.path.name}"

    @property
    def name(self) -> str:
        """The API call, or an empty string where it is none."""
        detail = self.event.get("detail")
        return plain_name(str(detail.get("eventName", ""))) if isinstance(detail, dict) else ""

    @property
    def queued(self) -> bool:
        """Whether it is a batch of SQS messages."""
        return self.path.name.endswith(QUEUED)

    @property
    def told(self) -> bool:
        """Whether it is what the topic tells a function."""
        return self.path.name.endswith(TOLD)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """The events in a batch."""
        return [json.loads(message["body"]) for message in self.event["Records"]]


def _load(folder: Path) -> list[Sample]:
    return [
        Sample(path, path.parent.name, json.loads(path.read_text(encoding="utf-8")))
        for path in sorted(folder.rglob("*.json"))
    ]


SAMPLES = _load(EVENTS)
DIRECT = [sample for sample in SAMPLES if not sample.queued and not sample.told]
BATCHES = [sample for sample in SAMPLES if sample.queued]
CALLS = [sample for sample in DIRECT if sample.event["detail-type"] == API_CALL]
BENIGN_EVENTS = _load(BENIGN)
STACK_ID = next(s.event["detail"]["stack-id"] for s in DIRECT if "Stack Status Change" in s.event["detail-type"])


def spoiled(event: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The event turned into ones that no rule may match, each with what was done to it."""
    detail = event["detail"]
    yield "failed", {**event, "detail": {**detail, "errorCode": "AccessDenied", "requestParameters": None}}
    yield "of another service", {**event, "source": "aws.lightsail"}
    yield "put by a customer", {**event, "source": "com.example.audit"}
    yield "a network activity event", {**event, "detail-type": "AWS Network Activity Event via CloudTrail"}
    yield "a service's event", {**event, "detail-type": "AWS Service Event via CloudTrail"}
    yield "only a read", {**event, "detail": {**detail, "eventName": "Describe" + detail["eventName"]}}
