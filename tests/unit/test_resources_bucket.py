"""Buckets that trails deliver to: where records point, what AWS shows, which call mends it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from relight.errors import MalformedRecord
from relight.model import Call, Drift, Scope
from relight.policy.bucket import Bucket
from relight.resources import bucket as kind
from tests.unit.builders import (
    ACCOUNT,
    AFTER,
    BEFORE,
    BUCKET_ARN,
    REGION,
    accepted_by_botocore,
    baseline,
    bucket,
    observed,
    record,
    standard,
)

CONTROL = "bucket.access-logging"
# An enabling and a disabling PutBucketLogging; "logging" is the query's marker and stands in both.
TO = {"LoggingEnabled": {"TargetBucket": "evil", "TargetPrefix": "trail-logs/"}, "xmlns": "x"}
TO_OURS = {"LoggingEnabled": {"TargetBucket": "access-logs", "TargetPrefix": "p"}, "xmlns": "x"}
OFF = {"xmlns": "http://s3.amazonaws.com/doc/2006-03-01/"}


@pytest.mark.parametrize(
    ("name", "request_", "response"),
    [
        pytest.param("PutBucketLogging", {"bucketName": "trail-logs", "logging": ""}, None, id="itself"),
        pytest.param("CreateBucket", {"bucketName": "trail-logs", "x-amz-acl": "private"}, None, id="created"),
        pytest.param("UpdateTrail", {"name": "m"}, {"s3BucketName": "trail-logs"}, id="trail-response"),
        pytest.param("UpdateTrail", {"s3BucketName": "trail-logs"}, None, id="trail-request"),
        pytest.param("UpdateTrail", {"s3BucketName": "no"}, {"s3BucketName": "trail-logs"}, id="response-first"),
    ],
)
def test_locate(name: str, request_: Any, response: Any) -> None:
    assert kind.locate(record(name, request_, response)) == Scope(ACCOUNT, REGION, ("trail-logs",))


@pytest.mark.parametrize("request_", [None, {"omitted": True}, {"bucketName": 7}, {"name": "m"}], ids=str)
def test_locate_refuses_a_record_that_names_no_bucket(request_: Any) -> None:
    with pytest.raises(MalformedRecord, match="names no bucket"):
        kind.locate(record("PutBucketLogging", request_))


HAD, HAD_EVIL, HAD_NONE = bucket("access-logs"), bucket("evil"), bucket()
MOVED = "bucket.baseline"


@pytest.mark.parametrize(
    ("name", "status", "state", "since", "lost"),
    [
        pytest.param("PutBucketLogging", OFF, HAD, BEFORE, True, id="off"),
        pytest.param("PutBucketLogging", OFF, None, BEFORE, True, id="off-no-baseline"),
        pytest.param("PutBucketLogging", OFF, HAD_NONE, BEFORE, False, id="off-as-ever"),
        pytest.param("PutBucketLogging", OFF, HAD_NONE, AFTER, True, id="off-baseline-is-younger"),
        pytest.param("PutBucketLogging", "", HAD, BEFORE, True, id="off-as-empty-text"),
        pytest.param("PutBucketLogging", {"LoggingEnabled": ""}, HAD, BEFORE, True, id="off-as-empty-element"),
        pytest.param("PutBucketLogging", None, HAD, BEFORE, False, id="no-document"),
        pytest.param("PutBucketLogging", TO, HAD_EVIL, BEFORE, False, id="same-target"),
        pytest.param("PutBucketLogging", TO, HAD, BEFORE, True, id="redirected"),
        pytest.param("PutBucketLogging", TO_OURS, HAD_EVIL, BEFORE, False, id="to-the-standard's"),
        pytest.param("PutBucketLogging", TO, HAD_NONE, BEFORE, False, id="switched-on"),
        pytest.param("PutBucketLogging", TO, None, BEFORE, False, id="on-no-baseline"),
        pytest.param("UpdateTrail", OFF, HAD, BEFORE, False, id="another-call"),
    ],
)
def test_taken(name: str, status: Any, state: Bucket | None, since: datetime, *, lost: bool) -> None:
    before = baseline(state, since=since) if state else None
    request_ = {"bucketName": "trail-logs", "logging": "", "BucketLoggingStatus": status}
    assert kind.taken(record(name, request_), before, standard()) == ({CONTROL: ""} if lost else {})


@pytest.mark.parametrize(
    ("prefix", "before", "moved"),
    [
        pytest.param("trail-logs/", HAD_EVIL, False, id="same"),
        pytest.param("elsewhere/", HAD_EVIL, True, id="another"),
        pytest.param("", HAD_EVIL, True, id="none"),
        pytest.param(None, HAD_EVIL, True, id="left-out"),
        pytest.param("elsewhere/", HAD_NONE, False, id="never-had-one"),
        pytest.param("elsewhere/", None, False, id="no-baseline"),
        pytest.param(None, bucket(logging={"TargetBucket": "evil"}), False, id="left-out-as-ever"),
    ],
)
def test_another_prefix_leads_elsewhere(prefix: str | None, before: Bucket | None, *, moved: bool) -> None:
    status = {"LoggingEnabled": {"TargetBucket": "evil"} | ({} if prefix is None else {"TargetPrefix": prefix})}
    put_logging = record("PutBucketLogging", {"bucketName": "trail-logs", "BucketLoggingStatus": status})
    assert kind.taken(put_logging, baseline(before) if before else None, standard()) == ({MOVED: ""} if moved else {})


def put(target: str, prefix: str = "trail-logs/", *instead: Call) -> Call:
    return Call(
        "s3",
        "PutBucketLogging",
        {
            "Bucket": "trail-logs",
            "BucketLoggingStatus": {"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": prefix}},
            "ExpectedBucketOwner": ACCOUNT,
        },
        instead=instead,
    )


@pytest.mark.parametrize(
    ("target", "prefix", "settings", "call"),
    [
        pytest.param("access-logs", "trail-logs/", {}, put("access-logs"), id="the-standard's"),
        pytest.param("old-logs", "x/", {}, put("old-logs", "x/", put("access-logs")), id="the-baseline's-falls-back"),
        pytest.param(
            "old-logs",
            "x/",
            {"access_log_buckets": {"eu-west-1": "a"}},
            put("old-logs", "x/"),
            id="nothing-to-fall-back-to",
        ),
        pytest.param(
            "old-logs",
            "x/",
            {"access_log_buckets": {REGION: "trail-logs"}},
            put("old-logs", "x/"),
            id="never-to-itself",
        ),
    ],
)
def test_plan(target: str, prefix: str, settings: dict[str, Any], call: Call) -> None:
    drift = Drift("LoggingEnabled", found={}, wanted={"TargetBucket": target, "TargetPrefix": prefix})
    planned = kind.plan(observed(bucket(), BUCKET_ARN, "bucket"), (drift,), standard(**settings), None)
    assert planned == (call,)
    assert accepted_by_botocore(*planned)


def test_plan_of_nothing() -> None:
    assert kind.plan(observed(bucket(), BUCKET_ARN, "bucket"), (), standard(), None) == ()


def test_what_makes_a_bucket() -> None:
    assert {"CreateBucket"} == kind.CREATES


def test_arn_and_revive() -> None:
    assert kind.arn("aws-us-gov", ACCOUNT, "us-gov-west-1", "b") == "arn:aws-us-gov:s3:::b"
    revived = kind.revive({"account": ACCOUNT, "region": REGION, "name": "trail-logs", "later": 1})
    assert revived == bucket(public_access={}, versioning={}, holds_logs=None)
