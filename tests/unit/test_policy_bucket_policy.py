"""A log bucket's policy: whether CloudTrail may deliver, what is put back, and who was let in."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from relight.errors import UnknownState
from relight.policy.bucket import Bucket
from relight.policy.bucket_policy import changes, completed, delivers, delivery_policy, services
from tests.unit.builders import ACCOUNT, AFTER, NOON, STRANGER, TRAIL_ARN, bucket, standard

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
READER: dict[str, Any] = {
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
        pytest.param(policy(ACL, WRITE, but(Resource=f"{NAME}/*.exe")), True, id="a-kind-of-file-denied"),
        pytest.param(policy(ACL, WRITE, but(Resource=f"{NAME}/AWSLogs/*/Config/*")), True, id="config-denied"),
        pytest.param(policy(ACL, WRITE, but(Resource=f"{NAME}/AWSLogs/*/vpcflowlogs/*")), True, id="flow-logs-denied"),
        pytest.param(policy(ACL, WRITE, but(Resource=f"{NAME}/*/AWSLogs/*")), True, id="prefixes-denied"),
        pytest.param(policy(ACL, WRITE, but(Resource=f"{NAME}/*.json.gz")), False, id="its-kind-of-file-denied"),
        pytest.param(policy(ACL, WRITE, but(Resource="*CloudTrail/*-west-?/*")), False, id="some-regions-files"),
        pytest.param(policy(ACL, WRITE, but(Resource=f"{NAME}/*/2027/*/{ACCOUNT}*")), False, id="a-years-files"),
        pytest.param(policy(ACL, WRITE, but(Action="s3:*", Resource=NAME)), False, id="the-bucket"),
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
        pytest.param(sourced({"Bool": {"aws:SecureTransport": "false"}}), False, id="without-tls"),
        pytest.param(sourced({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}), False, id="an-organisations-principals"),
        pytest.param(sourced({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/x"}}), False, id="a-roles"),
        pytest.param(sourced({"Null": {"aws:SourceArn": "true"}}), False, id="without-a-source"),
        pytest.param(sourced({"StringEquals": {"aws:SourceOrgID": "o-1"}}), True, id="in-doubt"),
        pytest.param(policy({**ACL, "Condition": WRITE["Condition"]}, WRITE), False, id="an-acl-sent-by-writing-only"),
        pytest.param(json.dumps({"Statement": {**ACL, "Action": "*", "Resource": "*"}}), True, id="one-statement"),
    ],
)
def test_delivers(text: str, enough: bool) -> None:  # noqa: FBT001
    assert delivers(text, DELIVERED) is enough
    if not enough:
        assert delivers(completed(text, DELIVERED), DELIVERED)


VALIDATED = bucket(trails=(("", TRAIL_ARN),), validated=(TRAIL_ARN,))


@pytest.mark.parametrize("of", [DELIVERED, VALIDATED])
@pytest.mark.parametrize(
    ("resource", "enough", "with_digests"),
    [
        pytest.param(f"{NAME}/AWSLogs/{ACCOUNT}/*", True, True, id="all"),
        pytest.param([f"{FOLDER}/*", f"{FOLDER}-Digest/*"], True, True, id="one-by-one"),
        pytest.param(f"{FOLDER}/*", True, False, id="logs-only"),
        pytest.param(f"{FOLDER}-Digest/*", False, False, id="digests-only"),
    ],
)
def test_digests_must_be_let_in_where_a_trail_has_them(
    of: Bucket,
    resource: Any,
    enough: bool,  # noqa: FBT001
    with_digests: bool,  # noqa: FBT001
) -> None:
    text = policy(ACL, {**WRITE, "Resource": resource})
    assert delivers(text, of) is (with_digests if of.validated else enough)
    assert delivers(completed(text, of), of)


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


def told(old: str, new: str, of: Bucket = DELIVERED) -> list[tuple[str, Any, Any]]:
    return [(d.field, d.found, d.wanted) for d in changes(old, new, of)]


def test_who_was_let_in_is_told() -> None:
    conditional = {**DENY, "Condition": {"Null": {"aws:SourceVpc": "true"}}}
    assert told(policy(WRITE), policy(WRITE, READER, TLS, conditional)) == [
        ("Principal", f"arn:aws:iam::{STRANGER}:root", ""),
        ("Deny", conditional, ""),
    ]
    assert told(GOOD, GOOD) == []
    public = {**READER, "Principal": "*"}
    assert told("", policy(public)) == [("Principal", "*", "")]


UNSURE = {**WRITE, "Condition": {"StringEquals": {"aws:SourceOrgID": "o-1"}}}


@pytest.mark.parametrize(
    ("before", "now", "found"),
    [
        pytest.param([ACL, WRITE], [ACL, UNSURE], [UNSURE], id="new"),
        pytest.param([], [ACL, UNSURE], [UNSURE], id="where-none-was"),
        pytest.param([ACL, UNSURE], [ACL, UNSURE], [], id="as-it-was"),
        pytest.param([ACL, WRITE], [ACL, WRITE, UNSURE], [], id="beside-a-sure-one"),
        pytest.param([ACL, WRITE, UNSURE], [ACL, UNSURE], [UNSURE], id="without-the-sure-one"),
        pytest.param(
            [ACL, WRITE], [{**ACL, **UNSURE, "Action": "s3:*"}, ACL], [{**UNSURE, "Action": "s3:*"}], id="once"
        ),
    ],
)
def test_an_allow_that_nobody_can_judge_is_told_where_delivery_hangs_on_it(
    before: list[Any], now: list[Any], found: list[Any]
) -> None:
    """It is no violation, and no baseline either."""
    assert not list(delivery_policy(bucket(policy=policy(*now), trails=DELIVERED.trails), standard(), None))
    assert told(policy(*before), policy(*now)) == [("Allow", each, "") for each in found]


def test_what_the_baseline_had_is_put_back_though_nobody_can_judge_it() -> None:
    wrong = sourced({"StringEquals": {"aws:SourceAccount": STRANGER}})
    now = bucket(policy=wrong, trails=DELIVERED.trails)
    (drift,) = delivery_policy(now, standard(), bucket(policy=policy(ACL, UNSURE)))
    assert drift.wanted == policy(ACL, UNSURE)
    (drift,) = delivery_policy(now, standard(), bucket(policy=wrong))
    assert json.loads(drift.wanted)["Statement"][:2] == json.loads(wrong)["Statement"]


def test_an_allow_that_has_run_out_is_none() -> None:
    until = {"DateLessThan": {"aws:CurrentTime": str(AFTER.date())}}
    for moment, enough in ((NOON, True), (AFTER + timedelta(days=1), False)):
        assert delivers(sourced(until), bucket(trails=DELIVERED.trails, looked_on=moment.date())) is enough
    assert told(GOOD, sourced(until), bucket(trails=DELIVERED.trails, looked_on=NOON.date()))[0][0] == "Allow"


KEEP = {"Effect": "Deny", "Principal": "*", "Action": ["s3:DeleteObject*", "s3:PutBucketPolicy"], "Resource": "*"}
WITHIN = {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}


def kept(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in (KEEP | changes).items() if value is not None}


@pytest.mark.parametrize(
    ("now", "gone"),
    [
        pytest.param([KEEP], False, id="as-it-was"),
        pytest.param([kept(Sid="Renamed", Principal={"AWS": ["*"]})], False, id="in-other-words"),
        pytest.param([kept(Action="s3:*")], False, id="of-more"),
        pytest.param([kept(Action=["S3:DELETE*", "s3:PutBucket*"])], False, id="of-more-by-patterns"),
        pytest.param([], True, id="gone"),
        pytest.param([kept(Action="s3:DeleteObject*")], True, id="of-fewer-actions"),
        pytest.param([kept(Action=["s3:DeleteObject?", "s3:PutBucketPolicy"])], True, id="of-a-narrower-pattern"),
        pytest.param([kept(Resource=f"{NAME}/x/*")], True, id="of-fewer-files"),
        pytest.param([kept(Principal={"AWS": "arn:x"})], True, id="of-one"),
        pytest.param([kept(Principal=None, NotPrincipal={"AWS": "arn:x"})], True, id="of-all-but-one"),
        pytest.param([kept(Action=None, NotAction="s3:DeleteObject")], True, id="of-all-but-that"),
        pytest.param([kept(Condition={"Bool": {"aws:SecureTransport": "false"}})], True, id="with-a-condition"),
    ],
)
def test_a_deny_that_is_gone_or_denies_less_is_told(now: list[Any], gone: bool) -> None:  # noqa: FBT001
    """As one that keeps log files from being deleted."""
    expected = [("Deny", "", KEEP)] if gone else []
    assert told(policy(WRITE, KEEP), policy(WRITE, *now)) == expected


def test_a_deny_that_kept_the_trail_from_delivering_is_not_missed() -> None:
    assert told(policy(WRITE, DENY), policy(WRITE)) == []
    assert told(policy(WRITE, DENY), policy(WRITE), bucket()) == [("Deny", "", DENY)]


@pytest.mark.parametrize(
    ("statement", "more"),
    [
        pytest.param(READER, False, id="as-it-was"),
        pytest.param(READER | {"Action": "S3:GetObject", "Condition": WITHIN}, False, id="less"),
        pytest.param(READER | {"Resource": f"{NAME}/AWSLogs/*"}, False, id="fewer-files"),
        pytest.param(READER | {"Resource": f"{NAME.upper()}/*"}, True, id="names-have-a-case"),
        pytest.param(READER | {"Action": "s3:*"}, True, id="any-action"),
        pytest.param(READER | {"Action": ["s3:GetObject", "s3:DeleteObject"]}, True, id="one-more-action"),
        pytest.param(READER | {"Resource": [NAME, f"{NAME}/*"]}, True, id="more-resources"),
        pytest.param({**READER, "Action": None, "NotAction": "s3:PutObject"}, True, id="all-actions-but-one"),
    ],
)
def test_more_that_is_allowed_to_somebody_known_is_told(statement: Any, more: bool) -> None:  # noqa: FBT001
    assert told(policy(WRITE, READER), policy(WRITE, statement)) == ([("Allow", statement, "")] if more else [])


def test_a_condition_that_is_dropped_allows_more() -> None:
    assert told(policy({**READER, "Condition": WITHIN}), policy(READER)) == [("Allow", READER, "")]


def test_of_a_statement_for_several_those_who_are_new_are_told_once() -> None:
    both = {**READER, "Principal": {"AWS": [READER["Principal"]["AWS"], "arn:new"]}}
    assert told(policy(READER), policy(both)) == [("Principal", "arn:new", "")]
    more = {**both, "Action": "s3:*"}
    assert told(policy(READER), policy(more)) == [("Principal", "arn:new", ""), ("Allow", more, "")]
    one_less = {**READER, "Principal": None, "NotPrincipal": {"AWS": "arn:x"}}
    assert [field for field, _, _ in told(policy(READER), policy(READER, one_less))] == ["Principal"]


def test_that_cloudtrail_may_deliver_is_not_told() -> None:
    """Relight itself allows it where a trail could not deliver."""
    for before in ("", policy(READER), policy(READER, DENY), policy(ACL, WRITE)):
        also = bucket(trails=(("", TRAIL_ARN), ("team", TRAIL_ARN)))
        assert told(before, completed(before, also), also) == []
    more = {**WRITE, "Action": "s3:*"}
    assert told(policy(WRITE), policy(WRITE, more)) == [("Allow", more, "")]
    assert told("", policy(more)) == [("Principal", "cloudtrail.amazonaws.com", "")]


def test_a_service_that_was_shut_out_is_let_in_again_although_the_rest_of_the_baseline_does_not_deliver() -> None:
    """Else the repair would write what is there, again and again."""
    access = {**WRITE, "Principal": {"Service": "logging.s3.amazonaws.com"}, "Condition": {}}
    before = replace(DELIVERED, policy=policy(access, ACL))
    (drift,) = delivery_policy(replace(DELIVERED, policy=policy(READER)), standard(), before)
    assert READER in json.loads(drift.wanted)["Statement"]
    assert access in json.loads(drift.wanted)["Statement"]
    assert list(delivery_policy(replace(DELIVERED, policy=drift.wanted), standard(), before)) == []
