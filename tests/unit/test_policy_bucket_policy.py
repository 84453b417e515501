"""A log bucket's policy: whether CloudTrail may deliver, what is put back, and who was let in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from relight.errors import UnknownState
from relight.policy.bucket_policy import changes, completed, delivers, delivery_policy, services
from tests.unit.builders import ACCOUNT, STRANGER, TRAIL_ARN, bucket, standard

NAME = "arn:aws:s3:::trail-logs"
SERVICE = {"Service": "cloudtrail.amazonaws.com"}
ACL = {"Effect": "Allow", "Principal": SERVICE, "Action": "s3:GetBucketAcl", "Resource": NAME}
WRITE = {
    "Effect": "Allow",
    "Principal": SERVICE,
    "Action": "s3:PutObject",
    "Resource": f"{NAME}/AWSLogs/{ACCOUNT}/*",
    "Condition": {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control", "aws:SourceArn": TRAIL_ARN}},
}
TLS = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": [NAME, f"{NAME}/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
READER = {
    "Sid": "Siem",
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{STRANGER}:root"},
    "Action": "s3:GetObject",
    "Resource": f"{NAME}/*",
}
DENY = {"Effect": "Deny", "Principal": "*", "Action": "s3:Put*", "Resource": f"{NAME}/*"}
DELIVERED = bucket(trails=(("", TRAIL_ARN),))


def policy(*statements: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def sourced(condition: Any) -> str:
    return policy(ACL, {**WRITE, "Condition": condition})


OWNERS = "bucket-owner-full-control"
FOLDER = f"{NAME}/AWSLogs/{ACCOUNT}/CloudTrail"


def but(**changes: Any) -> dict[str, Any]:
    """A Deny with other parts; None takes one away."""
    return {name: value for name, value in (DENY | changes).items() if value is not None}


def denied(condition: Any) -> str:
    return policy(ACL, WRITE, {**DENY, "Condition": condition})


GOOD = policy(TLS, ACL, WRITE, READER)


@pytest.mark.parametrize(
    ("text", "enough"),
    [
        pytest.param(GOOD, True, id="as-documented"),
        pytest.param("", False, id="none"),
        pytest.param(policy(ACL), False, id="no-write"),
        pytest.param(policy(WRITE), False, id="no-acl"),
        pytest.param(policy({**ACL, "Action": ["s3:*"], "Resource": [NAME, f"{NAME}/*"]}), True, id="all-in-one"),
        pytest.param(policy(ACL, {**WRITE, "Resource": f"{NAME}/*"}), True, id="anywhere"),
        pytest.param(policy(ACL, {**WRITE, "Resource": f"{NAME}/AWSLogs/{STRANGER}/*"}), False, id="anothers-place"),
        pytest.param(policy(ACL, WRITE, DENY), False, id="denied"),
        pytest.param(policy(ACL, WRITE, {**DENY, "Principal": SERVICE}), False, id="denied-by-name"),
        pytest.param(policy(ACL, WRITE, {**DENY, "Principal": {"AWS": "*"}}), False, id="denied-to-all"),
        pytest.param(policy(ACL, WRITE, {**DENY, "Principal": {"AWS": "arn:x"}}), True, id="denied-to-one"),
        pytest.param(policy(ACL, WRITE, {**DENY, "Action": "s3:Delete*"}), True, id="deletion-denied"),
        pytest.param(policy(ACL, WRITE, {**DENY, "Condition": {"Null": {"x": "true"}}}), True, id="conditional"),
        pytest.param(policy(ACL, WRITE, TLS), True, id="tls"),
        pytest.param(policy(ACL, WRITE, but(Principal=None, NotPrincipal={"AWS": "arn:x"})), False, id="all-but-one"),
        pytest.param(policy(ACL, WRITE, but(Principal=None, NotPrincipal=SERVICE)), True, id="all-but-cloudtrail"),
        pytest.param(policy(ACL, WRITE, but(Action=None, NotAction="s3:GetObject")), False, id="all-but-reading"),
        pytest.param(policy(ACL, WRITE, but(Action=None, NotAction="s3:Put*")), True, id="all-but-writing"),
        pytest.param(
            policy(ACL, WRITE, but(Resource=None, NotResource=f"{NAME}/scratch/*")), False, id="but-elsewhere"
        ),
        pytest.param(policy(ACL, WRITE, but(Resource=None, NotResource=f"{NAME}/AWSLogs/*")), True, id="but-logs"),
        pytest.param(policy(ACL, WRITE, but(Resource=f"{FOLDER}/us-east-1/*")), False, id="one-regions-files"),
        pytest.param(policy(ACL, WRITE, but(Resource=f"{FOLDER}-Digest/*")), False, id="digests"),
        pytest.param(policy(ACL, WRITE, but(Resource=f"{NAME}/scratch/*")), True, id="scratch-denied"),
        pytest.param(policy(ACL, WRITE, but(Resource=f"{NAME}/AWSLog[s]/*")), True, id="a-bracket-is-a-bracket"),
        pytest.param(denied({"Bool": {"aws:SecureTransport": "true"}}), False, id="tls-denied"),
        pytest.param(denied({"StringLike": {"aws:SourceArn": "*"}}), False, id="every-source-denied"),
        pytest.param(denied({"StringNotEquals": {"s3:x-amz-acl": OWNERS}}), True, id="other-acls-denied"),
        pytest.param(denied({"StringEquals": "odd"}), True, id="odd-condition"),
        pytest.param(denied({"StringLike": {"aws:SourceArn": "${aws:x}"}}), True, id="a-variable"),
        pytest.param(sourced({"StringEquals": {"s3:x-amz-acl": "private"}}), False, id="an-acl-that-is-not-sent"),
        pytest.param(sourced({"StringNotEquals": {"aws:SourceArn": TRAIL_ARN}}), False, id="any-trails-but-this"),
        pytest.param(sourced({"StringEquals": {"aws:SourceArn": "arn:other"}}), False, id="another-trails"),
        pytest.param(sourced({"ArnLike": {"AWS:SourceArn": ["arn:aws:cloudtrail:*"]}}), True, id="any-trails"),
        pytest.param(sourced({"StringEquals": {"aws:SourceAccount": STRANGER}}), False, id="another-accounts"),
        pytest.param(json.dumps({"Statement": {**ACL, "Action": "*", "Resource": "*"}}), True, id="one-statement"),
    ],
)
def test_delivers(text: str, enough: bool) -> None:  # noqa: FBT001
    assert delivers(text, DELIVERED) is enough
    if not enough:
        assert delivers(completed(text, DELIVERED), DELIVERED)


@pytest.mark.parametrize("text", ["{", "[]", "3", "{}"])
def test_what_is_no_policy_is_unknown(text: str) -> None:
    with pytest.raises(UnknownState, match="is not one"):
        delivers(text, DELIVERED)


def test_a_prefix_counts() -> None:
    prefixed = bucket(trails=(("team", TRAIL_ARN),))
    assert not delivers(GOOD, prefixed)
    assert delivers(policy(ACL, {**WRITE, "Resource": f"{NAME}/team/AWSLogs/{ACCOUNT}/*"}), prefixed)
    mended = completed(GOOD, prefixed)
    assert delivers(mended, prefixed)
    assert delivers(mended, DELIVERED)


def test_completing_keeps_everything_that_does_not_offend() -> None:
    statements = json.loads(completed(policy(TLS, READER, DENY), DELIVERED))["Statement"]
    assert statements[:2] == [TLS, READER]
    assert [each["Sid"] for each in statements[2:]] == ["RelightTrail1Acl", "RelightTrail1Write"]


def test_completing_keeps_what_stands_around_and_takes_no_name_twice() -> None:
    ours = {**READER, "Sid": "RelightTrail1Write"}
    text = json.dumps({"Version": "2008-10-17", "Id": "mine", "Statement": [ours]})
    document = json.loads(completed(text, DELIVERED))
    assert (document["Version"], document["Id"]) == ("2008-10-17", "mine")
    assert [s["Sid"] for s in document["Statement"]] == ["RelightTrail1Write", "RelightTrail2Acl", "RelightTrail2Write"]


def test_a_trail_of_another_account_writes_below_its_own() -> None:
    theirs = TRAIL_ARN.replace(ACCOUNT, STRANGER)
    source = {"Condition": {"StringEquals": {"aws:SourceArn": theirs}}}
    write = {**WRITE, "Resource": f"{NAME}/AWSLogs/{STRANGER}/*"}
    shared = bucket(trails=(("", theirs),))
    assert delivers(policy({**ACL, **source}, {**write, **source}), shared)
    assert not delivers(policy({**ACL, **source}, {**WRITE, **source}), shared)


def test_the_baselines_policy_comes_back_exactly_if_it_delivers() -> None:
    now = bucket(policy=policy(READER), trails=(("", TRAIL_ARN),))
    (drift,) = delivery_policy(now, standard(), bucket(policy=GOOD))
    assert drift.wanted == GOOD
    (drift,) = delivery_policy(now, standard(), bucket(policy=policy(TLS)))
    assert "RelightTrail1Write" in drift.wanted
    assert not list(delivery_policy(bucket(policy=policy(READER)), standard(), None))


def test_other_log_services_that_were_let_in_still_are() -> None:
    access = {**WRITE, "Principal": {"Service": "logging.s3.amazonaws.com"}}
    before = bucket(policy=policy(access))
    (drift,) = delivery_policy(bucket(), standard(), before)
    assert drift.wanted == before.policy
    assert services(policy(access, ACL, WRITE)) == {"logging.s3.amazonaws.com", "cloudtrail.amazonaws.com"}


def test_who_was_let_in_is_told() -> None:
    conditional = {**DENY, "Condition": {"Null": {"aws:SourceVpc": "true"}}}
    told = [(d.field, d.found) for d in changes(policy(WRITE), policy(WRITE, READER, TLS, conditional))]
    assert told == [("Principal", f"arn:aws:iam::{STRANGER}:root"), ("Deny", conditional)]
    assert not list(changes(GOOD, GOOD))
    public = {**READER, "Principal": "*"}
    assert [d.found for d in changes("", policy(public))] == ["*"]
