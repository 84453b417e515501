"""The local AWS's pattern matcher, by which the other tests judge the rules, against what EventBridge documents.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

from typing import Any

import pytest

from local.rules import UnknownOperatorError, matches

EVENT = {
    "source": "aws.s3",
    "detail": {
        "eventName": "PutBucketLogging",
        "count": 3,
        "flag": False,
        "nothing": None,
        "empty": "",
        "hollow": {},
        "address": "203.0.113.66",
        "names": ["a", "b"],
        "items": [{"id": "x", "n": 1}, {"id": "y"}],
    },
}

CASES: list[tuple[str, dict[str, Any], bool]] = [
    ("a value", {"source": ["aws.s3"]}, True),
    ("one of several values", {"source": ["aws.ec2", "aws.s3"]}, True),
    ("another value", {"source": ["aws.ec2"]}, False),
    ("another case", {"source": ["AWS.S3"]}, False),
    ("part of a value", {"source": ["aws"]}, False),
    ("a nested value", {"detail": {"eventName": ["PutBucketLogging"]}}, True),
    ("every field must match", {"source": ["aws.s3"], "detail": {"eventName": ["CreateBucket"]}}, False),
    ("a field that is not there", {"detail": {"errorCode": ["AccessDenied"]}}, False),
    ("a number", {"detail": {"count": [3]}}, True),
    ("a number is not its text", {"detail": {"count": ["3"]}}, False),
    ("false", {"detail": {"flag": [False]}}, True),
    ("null", {"detail": {"nothing": [None]}}, True),
    ("an empty string", {"detail": {"empty": [""]}}, True),
    ("one of an array's values", {"detail": {"names": ["b", "z"]}}, True),
    ("none of an array's values", {"detail": {"names": ["z"]}}, False),
    ("in an array of objects", {"detail": {"items": {"id": ["y"]}}}, True),
    ("not in an array of objects", {"detail": {"items": {"id": ["z"]}}}, False),
    ("exists", {"detail": {"eventName": [{"exists": True}]}}, True),
    ("exists, though null", {"detail": {"nothing": [{"exists": True}]}}, True),
    ("exists, but is not there", {"detail": {"errorCode": [{"exists": True}]}}, False),
    ("must not exist, and does not", {"detail": {"errorCode": [{"exists": False}]}}, True),
    ("must not exist, and does", {"detail": {"eventName": [{"exists": False}]}}, False),
    ("must not exist, and is an empty string", {"detail": {"empty": [{"exists": False}]}}, False),
    ("must not exist, nor does what it would be in", {"other": {"errorCode": [{"exists": False}]}}, True),
    ("an empty object does not exist", {"detail": {"hollow": [{"exists": True}]}}, False),
    ("begins with", {"detail": {"eventName": [{"prefix": "Put"}]}}, True),
    ("does not begin with", {"detail": {"eventName": [{"prefix": "put"}]}}, False),
    ("ends with", {"detail": {"eventName": [{"suffix": "Logging"}]}}, True),
    ("anything but", {"detail": {"eventName": [{"anything-but": ["CreateBucket"]}]}}, True),
    ("anything but this", {"detail": {"eventName": [{"anything-but": ["PutBucketLogging"]}]}}, False),
    ("in any case", {"detail": {"eventName": [{"equals-ignore-case": "putbucketlogging"}]}}, True),
    ("with a wildcard", {"detail": {"eventName": [{"wildcard": "Put*ing"}]}}, True),
    ("in a range", {"detail": {"count": [{"numeric": [">", 2, "<=", 3]}]}}, True),
    ("out of a range", {"detail": {"count": [{"numeric": [">", 3]}]}}, False),
    ("in a network", {"detail": {"address": [{"cidr": "203.0.113.0/24"}]}}, True),
    ("out of a network", {"detail": {"address": [{"cidr": "198.51.100.0/24"}]}}, False),
    ("either", {"detail": {"$or": [{"count": [1]}, {"eventName": ["PutBucketLogging"]}]}}, True),
    ("neither", {"detail": {"$or": [{"count": [1]}, {"eventName": ["CreateBucket"]}]}}, False),
]


@pytest.mark.parametrize(("pattern", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_matches_as_eventbridge_does(pattern: dict[str, Any], *, expected: bool) -> None:
    assert matches(pattern, EVENT) is expected


def test_an_unknown_operator_is_refused() -> None:
    """So that a misspelt operator in the template cannot seem to match everything."""
    with pytest.raises(UnknownOperatorError):
        matches({"detail": {"errorCode": [{"exist": False}]}}, EVENT)
