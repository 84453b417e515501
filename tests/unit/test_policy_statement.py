"""What a statement's conditions say of a request of a service's own: surely met, surely not, or in doubt."""

from __future__ import annotations

from typing import Any

import pytest

from relight.policy.statement import meets, newly_doubtful, sent_by
from tests.unit.builders import ACCOUNT, BEFORE, NOON, STRANGER, TRAIL_ARN

SENT = {**sent_by("cloudtrail.amazonaws.com", TRAIL_ARN), "s3:x-amz-acl": "bucket-owner-full-control"}
OTHER = TRAIL_ARN.replace("main", "other")
DOUBT = None


@pytest.mark.parametrize(
    ("condition", "met"),
    [
        pytest.param({}, True, id="none"),
        pytest.param({"StringEquals": {"AWS:sourcearn": [OTHER, TRAIL_ARN]}}, True, id="one-of-several"),
        pytest.param({"StringEquals": {"aws:SourceArn": OTHER}}, False, id="another-trail"),
        pytest.param({"StringNotEquals": {"aws:SourceArn": [OTHER, TRAIL_ARN]}}, False, id="none-of-several"),
        pytest.param({"StringEquals": {"aws:SourceArn": TRAIL_ARN, "aws:SourceAccount": STRANGER}}, False, id="both"),
        pytest.param({"ArnEquals": {"aws:SourceArn": "arn:aws:cloudtrail:*:*:trail/main"}}, True, id="a-pattern"),
        pytest.param({"StringEquals": {"aws:SourceArn": "arn:aws:cloudtrail:*"}}, False, id="no-pattern"),
        pytest.param({"StringEqualsIfExists": {"aws:SourceAccount": ACCOUNT}}, True, id="if-exists"),
        pytest.param({"StringEqualsIfExists": {"aws:SourceAccount": STRANGER}}, False, id="if-exists-and-other"),
        pytest.param({"StringEqualsIgnoreCase": {"s3:x-amz-acl": "Bucket-Owner-Full-Control"}}, True, id="any-case"),
        pytest.param({"StringEquals": {"s3:x-amz-acl": "Bucket-Owner-Full-Control"}}, False, id="that-case"),
        pytest.param({"ForAnyValue:StringLike": {"aws:SourceArn": "*main"}}, True, id="any-value"),
        pytest.param({"ForAllValues:StringLike": {"aws:SourceArn": OTHER}}, False, id="all-values"),
        pytest.param({"Bool": {"aws:SecureTransport": False}}, False, id="without-tls"),
        pytest.param({"Bool": {"aws:PrincipalIsAWSService": "True"}}, True, id="a-service"),
        pytest.param({"StringNotEquals": {"aws:PrincipalIsAWSService": True}}, False, id="a-truth-for-a-text"),
        pytest.param({"StringEquals": {"aws:SecureTransport": [True]}}, True, id="truths-for-texts"),
        pytest.param({"StringEquals": {"aws:PrincipalServiceName": "config.amazonaws.com"}}, False, id="another-one"),
        pytest.param({"Null": {"aws:SourceArn": "false"}}, True, id="there"),
        pytest.param({"Null": {"aws:SourceArn": "true"}}, False, id="not-there"),
        pytest.param({"Null": {"aws:PrincipalOrgID": "false"}}, False, id="a-principals-key-there"),
        pytest.param({"Null": {"aws:PrincipalOrgID": "true"}}, DOUBT, id="a-principals-key-not-there"),
        pytest.param({"StringEquals": {"aws:PrincipalTag/team": "x"}}, False, id="a-tag"),
        pytest.param({"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/x"}}, False, id="a-role"),
        pytest.param({"StringLike": {"aws:PrincipalArn": "*"}}, DOUBT, id="any-principal"),
        pytest.param(
            {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}, DOUBT, id="a-principals-key-if-it-exists"
        ),
        pytest.param({"ForAllValues:StringEquals": {"aws:PrincipalOrgPaths": "o-1"}}, DOUBT, id="all-of-none"),
        pytest.param({"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}, DOUBT, id="any-principal-but"),
        pytest.param({"StringEquals": {"aws:SourceVpce": "vpce-1"}}, False, id="an-endpoint"),
        pytest.param({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, DOUBT, id="an-address"),
        pytest.param({"StringEquals": {"aws:SourceOrgID": "o-1"}}, DOUBT, id="an-unknown-key"),
        pytest.param({"NumericEquals": {"aws:SourceAccount": ACCOUNT}}, DOUBT, id="an-unknown-operator"),
        pytest.param({"StringLike": {"aws:SourceArn": "${aws:PrincipalTag/x}"}}, DOUBT, id="a-variable"),
        pytest.param({"StringEquals": "odd"}, DOUBT, id="odd"),
        pytest.param("odd", DOUBT, id="odder"),
        pytest.param(
            {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}, "StringEquals": {"aws:SourceArn": OTHER}},
            False,
            id="a-doubt-and-no",
        ),
    ],
)
def test_meets(condition: Any, met: bool | None) -> None:  # noqa: FBT001
    assert meets({"Condition": condition}, SENT) is met


PAST, TODAY, FUTURE = "2026-03-13T23:59:59Z", "2026-03-14T00:00:00Z", "2026-03-15"


@pytest.mark.parametrize(
    ("operator", "values", "met"),
    [
        pytest.param("DateGreaterThan", PAST, True, id="since"),
        pytest.param("DateGreaterThanEquals", str(int(BEFORE.timestamp())), True, id="since-by-seconds"),
        pytest.param("DateGreaterThan", FUTURE, False, id="not-yet"),
        pytest.param("DateGreaterThan", [FUTURE, PAST], True, id="since-one-of-them"),
        pytest.param("DateGreaterThan", TODAY, DOUBT, id="since-today"),
        pytest.param("DateLessThan", PAST, False, id="no-more"),
        pytest.param("DateLessThan", TODAY, DOUBT, id="till-today"),
        pytest.param("DateLessThan", "2026-03-13T23:59:59-02:00", DOUBT, id="of-another-zone"),
        pytest.param("DateLessThanEqualsIfExists", PAST, False, id="no-more-if-it-exists"),
        pytest.param("DateLessThan", [FUTURE, PAST], DOUBT, id="not-for-ever"),
        pytest.param("DateEquals", PAST, DOUBT, id="at-a-moment"),
        pytest.param("DateLessThan", "soon", DOUBT, id="no-date"),
        pytest.param("DateLessThan", "2030", DOUBT, id="a-year-and-no-second-of-1970"),
        pytest.param("DateLessThan", "9" * 30, DOUBT, id="no-date-by-far"),
        pytest.param("StringEquals", PAST, DOUBT, id="as-a-text"),
    ],
)
def test_what_lasts_till_or_from_a_moment(operator: str, values: Any, met: bool | None) -> None:  # noqa: FBT001
    for key in ("aws:CurrentTime", "aws:EpochTime"):
        statement = {"Condition": {operator: {key: values}}}
        assert meets(statement, sent_by("cloudtrail.amazonaws.com", TRAIL_ARN, NOON.date())) is met
        assert meets(statement, SENT) is None


def test_of_a_trail_that_is_not_known_its_source_is_in_doubt() -> None:
    sent = sent_by("cloudtrail.amazonaws.com")
    assert meets({"Condition": {"StringEquals": {"aws:SourceArn": OTHER}}}, sent) is None
    assert meets({"Condition": {"Bool": {"aws:SecureTransport": "false"}}}, sent) is False


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        pytest.param("a", "b?", ["?"], id="new"),
        pytest.param("a?", "b?", [], id="had-it"),
        pytest.param("A?", "?", ["?"], id="a-sure-one-went"),
        pytest.param("", "A?", [], id="a-sure-one-is-there"),
        pytest.param("", "a", [], id="none"),
    ],
)
def test_newly_doubtful(before: str, after: str, found: list[str]) -> None:
    """Statements are letters here: what is large is admitted, what is small is not, and ? is in doubt."""
    old, new = ([{"Sid": each} for each in text] for text in (before, after))
    verdicts = {"?": None, "A": True}
    doubtful = newly_doubtful(old, new, lambda statement: verdicts.get(statement["Sid"], False))
    assert [each["Sid"] for each in doubtful] == found
