"""Records to begin with, and what is done to them: what comes may be cut, bent, swollen, or written by an enemy.

The seeds are the sample events under events/ and the benign ones beside the contract tests; and, where there is a
folder of captured records (RELIGHT_RECORDS, or ../shared/real-events beside the checkout), those too. They are other
people's publications, so they are no part of this repository.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from local.settings import ACCOUNT, PROJECT, REGION
from tests.contract.samples import BATCHES, BENIGN_EVENTS, DIRECT

# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html, and SQS's
LARGEST_EVENT = 1024 * 1024
HONEST: list[dict[str, Any]] = [
    *(sample.event for sample in DIRECT),
    *(body for sample in BATCHES for body in sample.bodies),
    *(sample.event for sample in BENIGN_EVENTS),
]
ELSEWHERE = "eu-west-1"
FROM_ELSEWHERE = [
    {**event, "detail": {**event["detail"], "awsRegion": ELSEWHERE}}
    for event in HONEST
    if "awsRegion" in event["detail"]
]
CAPTURED = Path(os.environ.get("RELIGHT_RECORDS", PROJECT.parent / "shared" / "real-events"))

# What a name, a user agent or an error code may hold: each would end a line, open one, hide or recolour text, or
# close a quotation, if it were believed.
FORGERIES = (
    "x\nWHO\n  Actor       admin (Root)",
    "x\r\nSubject: all is well\r\n\r\n",
    "x\x1b[2J\x1b[31mall is well\x1b[0m",
    "x\u2028Severity    LOW\u2029",
    "x\x85  Severity    LOW\x0b\x0c",
    "\u202egro.live\u202c \u2066admin\u2069",
    "x\x00y",
    "\ud800",
    'x", "severity": "LOW", "outcome": "repaired',
    '{"level": "INFO", "message": "incident told"}',
    "see https://evil.example/login",
    "arn:",
    "arn:aws:cloudtrail:us-east-1:123456789012:trail/x\nWHO",
    "arn:aws:kms:::::::::",
    "::::::::::",
    "../../etc/passwd",
    "${jndi:ldap://x}",
    "*",
    "A" * 100_000,
    "[" * 100_000,
    "1" * 9_999,
    "é\U0001f600\u0301" * 5_000,
    "a:" * 20_000,
    "%00%0a",
    "{0}{actor}",
)


def forgery(number: int) -> str:
    """One of them; by its number, for Hypothesis spells out what it draws from."""
    return FORGERIES[number]


HOSTILE = st.integers(0, len(FORGERIES) - 1).map(forgery) | st.text(max_size=40)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats()
    | HOSTILE
    | st.sampled_from(["", "omitted", ACCOUNT, REGION, ELSEWHERE, "2026-13-45T99:99:99Z", "0001-01-01T00:00:00Z"])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(HOSTILE, inner, max_size=4),
    max_leaves=8,
)


def seeds(family: str) -> list[dict[str, Any]]:
    """Events for a function: its own samples, those of every other one, and whatever was captured."""
    return own(family) * 4 + HONEST + _captured()


def own(family: str) -> list[dict[str, Any]]:
    """The samples of a function."""
    return [sample.event for sample in DIRECT if sample.family == family]


def says(event: dict[str, Any], half: str) -> bool:
    """Whether there is anything in a part of an event's record."""
    return bool(isinstance(event["detail"], dict) and event["detail"].get(half))


def with_texts(event: dict[str, Any], half: str, text: str) -> dict[str, Any]:
    """The event with one text in the place of all that a part of its record holds."""

    def replaced(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: replaced(each) for name, each in value.items()}
        return [replaced(each) for each in value] if isinstance(value, list) else text

    return {**event, "detail": {**event["detail"], half: replaced(event["detail"][half])}}


@cache
def _captured() -> list[dict[str, Any]]:
    """The captured records as events of the account under test: theirs would end at the door, being strangers."""
    found = []
    for path in sorted(CAPTURED.glob("*.json")) if CAPTURED.is_dir() else ():
        record = json.loads(path.read_text(encoding="utf-8"))
        detail = {**record, "recipientAccountId": ACCOUNT, "awsRegion": REGION}
        source = "aws." + str(record.get("eventSource", "")).partition(".")[0]
        event = {"detail-type": "AWS API Call via CloudTrail", "source": source, "account": ACCOUNT, "detail": detail}
        found.append(event)
    return found


class Given:
    """What a function is given, as the text that comes over the wire; a failed test shows its beginning."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"{self.text[:2_000]} … ({len(self.text)} characters)"


@st.composite
def given_as(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> Given:
    """A value as it comes over the wire, which carries no more than so much."""
    text = json.dumps(draw(values))
    assume(len(text) <= LARGEST_EVENT)
    return Given(text)


@st.composite
def mutated(draw: st.DrawFn, family: str) -> Any:
    """An event to which one to four things have been done, anywhere in its record."""
    event = copy.deepcopy(draw(st.sampled_from(seeds(family))))
    for _ in range(draw(st.integers(1, 4))):
        parent, key = draw(st.sampled_from(list(_places(event)) or [({"": event}, "")]))
        draw(st.sampled_from(DAMAGES))(draw, parent, key)
    return event


def _places(value: Any, depth: int = 0) -> Iterator[tuple[Any, Any]]:
    """The places in a value: what holds it, and under which name or number. Not all, where it has swollen already."""
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in islice(keys, 60 if depth < 8 else 0):
        yield value, key
        yield from _places(value[key], depth + 1)


def batches(family: str) -> st.SearchStrategy[Any]:
    """SQS batches: of mutated events, of what is no JSON, and of messages that lack what a message has."""
    bodies = mutated(family).map(json.dumps) | JSON.map(json.dumps) | HOSTILE
    message = st.fixed_dictionaries(
        {"messageId": st.uuids().map(str), "body": bodies, "receiptHandle": st.just("r"), "attributes": st.just({})},
        optional={"eventSource": HOSTILE, "messageAttributes": JSON},
    )
    return st.fixed_dictionaries(
        {"Records": st.lists(message, max_size=4, unique_by=lambda each: str(each["messageId"]))}
    )


def _dropped(_draw: st.DrawFn, parent: Any, key: Any) -> None:
    del parent[key]


def _renamed(draw: st.DrawFn, parent: Any, key: Any) -> None:
    """Under another's name, or under one that nobody knows."""
    if isinstance(parent, dict):
        name = draw(st.sampled_from(sorted(parent)) | HOSTILE)
        parent[name] = parent.pop(key)


def _retyped(draw: st.DrawFn, parent: Any, key: Any) -> None:
    parent[key] = draw(JSON)


def _hostile(draw: st.DrawFn, parent: Any, key: Any) -> None:
    """Before, behind or in the place of a text."""
    text, value = draw(HOSTILE), parent[key]
    parent[key] = draw(st.sampled_from([text, f"{value}{text}", f"{text}{value}"])) if isinstance(value, str) else text


def _swollen(draw: st.DrawFn, parent: Any, key: Any) -> None:
    value = parent[key]
    times = min(draw(st.sampled_from([2, 200, 2_000])), LARGEST_EVENT // max(len(json.dumps(value)), 1))
    parent[key] = value * times if isinstance(value, str) else [value] * times


def _nested(draw: st.DrawFn, parent: Any, key: Any) -> None:
    """In so many lists, or in objects of names that records have."""
    name = draw(st.sampled_from(["", "item", "content", "items"]))
    for _ in range(draw(st.sampled_from([1, 2, 50, 500]))):
        parent[key] = {name: parent[key]} if name else [parent[key]]


DAMAGES = (_dropped, _renamed, _retyped, _hostile, _hostile, _hostile, _swollen, _nested)
