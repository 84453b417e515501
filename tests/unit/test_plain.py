"""What could break a line is spelled out, what is too long is cut, what is too deep is refused."""

from __future__ import annotations

from typing import Any

import pytest

from relight.errors import AwsError, MalformedRecord, RelightError, UnknownState
from relight.notify import Notifier
from relight.plain import plain
from relight.policy.bucket_policy import changes
from relight.policy.key import lets_cloudtrail_encrypt
from relight.record import parse
from tests.unit.builders import TOPIC, bucket, event, finding, incident, record
from tests.unit.fakes import fake_aws


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("caf\u00e9 \u2192 ok", "caf\u00e9 \u2192 ok"),
        ("a\nb", "a\\u000ab"),
        ("\x1b[31m", "\\u001b[31m"),
        ("\u202egro", "\\u202egro"),
        ("\ud800", "\\ud800"),
    ],
    ids=ascii,
)
def test_what_could_break_a_line_is_spelled_out(text: str, expected: str) -> None:
    assert plain(text) == expected
    assert str(RelightError(text)) == expected


def test_a_message_never_outgrows_sns() -> None:
    aws, session = fake_aws(sns__Publish={})
    huge = incident(*[finding(note='"' * 50_000)] * 20, calls=('{"a": "b"}' * 400,) * 300, error="\U0001f600" * 9000)
    Notifier(aws, TOPIC).publish(huge)
    assert len(session.calls[0][2]["Message"].encode()) < 256 * 1024


def test_an_answer_that_quotes_much_is_cut() -> None:
    assert len(str(AwsError("s3:GetBucketPolicy", "ParamValidationError", "x" * 1_000_000))) < 5_000


def test_what_is_nested_beyond_measure_is_malformed() -> None:
    nested: Any = "x"
    for _ in range(500):
        nested = [nested]
    with pytest.raises(MalformedRecord, match="detail is nested more than 64 levels deep"):
        parse(event("StopLogging", {"name": nested}))
    assert record("StopLogging", {"name": {"a": {"b": [[[["x"]]]]}}}).request


def test_a_policy_that_is_nested_beyond_measure_is_none() -> None:
    deep = "[" * 100_000
    with pytest.raises(UnknownState):
        lets_cloudtrail_encrypt(deep)
    with pytest.raises(UnknownState):
        list(changes(deep, "{}", bucket()))
