"""What AWS shows of a trail's keys, and of the Region that they must be in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from relight.model import Scope, Unread
from relight.policy.trail import Trail
from relight.resources import trail as kind
from tests.unit.builders import (
    ACCOUNT,
    FRIEND,
    REGION,
    STRANGER,
    key,
    standard,
    trail,
)
from tests.unit.fakes import Answer, fake_aws, refused
from tests.unit.trails import ALL_EVENTS, ENABLED, LOGS, listed, look

OTHER = key(name="other")


def states(known: Mapping[str, Any]) -> Answer:
    """DescribeKey's answers by key; an unknown key is not found."""

    def answer(_region: str, KeyId: str) -> Any:  # noqa: N803
        found = known.get(KeyId, refused("NotFoundException"))
        if isinstance(found, ClientError):
            raise found
        return {"KeyMetadata": {"KeyId": KeyId, "KeyState": found}}

    return answer


DENIED = Unread("kms:DescribeKey: AccessDenied: no")


@pytest.mark.parametrize(
    ("present", "before", "known", "expected"),
    [
        pytest.param(key(), None, {key(): "Enabled"}, {key(): "Enabled"}, id="enabled"),
        pytest.param(OTHER, trail(), {OTHER: "Enabled", key(): "Enabled"}, {OTHER: "Enabled"}, id="enough-is-enough"),
        pytest.param(
            OTHER, None, {OTHER: "Disabled", key(): "Enabled"}, {OTHER: "Disabled", key(): "Enabled"}, id="fall-back"
        ),
        pytest.param(OTHER, None, {key(): "Enabled"}, {OTHER: "NotFound", key(): "Enabled"}, id="not-found"),
        pytest.param(OTHER, None, {OTHER: refused("AccessDenied")}, {OTHER: DENIED}, id="unreadable-stops-the-search"),
        pytest.param("", trail(kms_key=OTHER), {OTHER: "Enabled"}, {OTHER: "Enabled"}, id="none-baseline's"),
        pytest.param(
            "",
            trail(kms_key=OTHER),
            {OTHER: "Disabled", key(): "Enabled"},
            {OTHER: "Disabled", key(): "Enabled"},
            id="none-baseline's-is-disabled",
        ),
        pytest.param("", None, {key(): "Enabled"}, {key(): "Enabled"}, id="none-standard's"),
        pytest.param(key(STRANGER), None, {key(): "Enabled"}, {key(): "Enabled"}, id="untrusted-is-not-asked-for"),
        pytest.param(
            key(FRIEND), None, {key(FRIEND): refused("AccessDenied")}, {key(FRIEND): DENIED}, id="a-friend's-unreadable"
        ),
    ],
)
def test_key_states(present: str, before: Trail | None, known: dict[str, Any], expected: dict[str, str]) -> None:
    (seen,), _ = look(listed(KmsKeyId=present), before=before, kms__DescribeKey=states(known))
    assert seen.state is not None
    assert seen.state.key_states == expected


@pytest.mark.parametrize(
    ("listing", "where"),
    [
        pytest.param({"Buckets": [{"Name": "trail-logs-2", "BucketRegion": "x"}]}, "", id="another-bucket"),
        pytest.param({"Buckets": [{"Name": "trail-logs"}]}, "", id="without-region"),
        pytest.param({}, "", id="none"),
        pytest.param(refused("AccessDenied"), "", id="not-allowed"),
        pytest.param(
            {"Buckets": [{"Name": "trail-logs-0"}, {"Name": "trail-logs", "BucketRegion": "eu-west-1"}]},
            "eu-west-1",
            id="found",
        ),
    ],
)
def test_where_the_bucket_is(listing: Any, where: str) -> None:
    (seen,), calls = look(listed(KmsKeyId=""), s3__ListBuckets=listing)
    assert seen.state is not None
    assert seen.state.bucket_region == where
    assert "s3:ListBuckets" in calls


def test_where_the_bucket_is_matters_not_while_the_key_will_do() -> None:
    _, calls = look(listed())
    assert "s3:ListBuckets" not in calls


def test_a_key_is_looked_at_once() -> None:
    _, calls = look(listed(), before=trail(), kms__DescribeKey={"KeyMetadata": {"KeyId": "k", "KeyState": "Disabled"}})
    assert calls.count("kms:DescribeKey") == 1


def test_a_key_is_read_in_its_own_region() -> None:
    replica = key(region="eu-west-1")
    aws, session = fake_aws(
        cloudtrail__DescribeTrails={"trailList": [listed(KmsKeyId=replica, CloudWatchLogsLogGroupArn="")]},
        cloudtrail__GetTrailStatus=LOGS,
        cloudtrail__GetEventSelectors=ALL_EVENTS,
        cloudtrail__GetInsightSelectors={},
        cloudtrail__ListTags={"ResourceTagList": []},
        kms__DescribeKey=ENABLED,
    )
    list(kind.observe(aws, Scope(ACCOUNT, REGION, ("main",)), {}, standard()))
    assert session.calls[-1] == ("eu-west-1", "kms:DescribeKey", {"KeyId": replica})
