"""Records about a trail's log group and destination: which trail they concern, what they take, what AWS shows of it."""

from __future__ import annotations

from typing import Any

import pytest

from relight.errors import MalformedRecord
from relight.model import Scope, Unread
from relight.policy.trail import Trail
from relight.resources import trail as kind
from tests.unit.builders import (
    ACCOUNT,
    REGION,
    STRANGER,
    TRAIL_ARN,
    TRAIL_GROUP,
    baseline,
    record,
    standard,
    trail,
)
from tests.unit.fakes import fake_aws, refused
from tests.unit.trails import listed, look

DESTINATION, READERS, MOVED, EXISTS = "trail.destination", "trail.cloudwatch-logs", "trail.baseline", "trail.exists"
SIEM = {
    "logGroupName": "trail-events",
    "filterName": "siem",
    "filterPattern": "",
    "destinationArn": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/siem",
    "roleArn": f"arn:aws:iam::{ACCOUNT}:role/to-kinesis",
    "distribution": "ByLogStream",
}
HANDS_ON = trail(subscription_filters=(SIEM,))


@pytest.mark.parametrize("name", ["DeleteLogGroup", "DeleteSubscriptionFilter", "PutSubscriptionFilter"])
def test_a_log_group_is_a_part(name: str) -> None:
    request = {"logGroupName": "trail-events", "filterName": "siem"}
    assert kind.locate(record(name, request)) == Scope(ACCOUNT, REGION, parts=("trail-events",))
    for odd in (None, {}, {"logGroupName": None}, {"omitted": True}, {"logGroupName": ["g"]}):
        with pytest.raises(MalformedRecord, match="names no log group"):
            kind.locate(record(name, odd))


@pytest.mark.parametrize(
    ("request_", "trusted", "lost"),
    [
        pytest.param({"s3BucketName": "evil"}, (), [DESTINATION], id="bucket"),
        pytest.param({"s3BucketName": "trail-logs"}, (), [], id="same-bucket"),
        pytest.param({"s3BucketName": "trail-logs", "s3KeyPrefix": "p"}, (), [], id="the-whole-as-it-was"),
        pytest.param({"s3KeyPrefix": "q"}, (), [DESTINATION], id="prefix"),
        pytest.param({"s3KeyPrefix": ""}, (), [DESTINATION], id="prefix-dropped"),
        pytest.param({"s3BucketName": "archive"}, ("archive",), [MOVED], id="trusted-bucket"),
        pytest.param({"s3KeyPrefix": "q"}, ("trail-logs",), [MOVED], id="prefix-in-a-trusted-bucket"),
        pytest.param({"s3BucketName": ["evil"], "s3KeyPrefix": {}}, (), [], id="no-text"),
        pytest.param({"s3BucketName": None}, (), [], id="null"),
        pytest.param({"cloudWatchLogsLogGroupArn": "", "cloudWatchLogsRoleArn": ""}, (), [READERS], id="readers"),
        pytest.param({"cloudWatchLogsLogGroupArn": TRAIL_GROUP}, (), [], id="same-group"),
        pytest.param({"cloudWatchLogsLogGroupArn": TRAIL_GROUP + "x"}, (), [MOVED], id="another-group"),
        pytest.param({"s3BucketName": "evil", "snsTopicName": "u"}, (), [DESTINATION, MOVED], id="two-at-once"),
    ],
)
def test_what_update_trail_takes(request_: dict[str, Any], trusted: tuple[str, ...], lost: list[str]) -> None:
    before = baseline(trail(prefix="p", sns_topic="arn:aws:sns:r:a:t"))
    settings = standard(trusted_buckets=frozenset(trusted))
    assert list(kind.taken(record("UpdateTrail", {"name": "main", **request_}), before, settings)) == lost


def test_what_never_was_is_not_taken_away() -> None:
    bare = baseline(trail(log_group="", log_group_role=""))
    request = {"name": "main", "cloudWatchLogsLogGroupArn": "", "cloudWatchLogsRoleArn": ""}
    assert kind.taken(record("UpdateTrail", request), bare, standard()) == {}
    assert list(kind.taken(record("UpdateTrail", request), None, standard())) == [READERS]
    assert kind.taken(record("UpdateTrail", {"s3BucketName": "evil"}), None, standard()) == {}


def test_where_a_siem_reads_a_dropped_log_group_is_only_told() -> None:
    request = {"name": "main", "cloudWatchLogsLogGroupArn": ""}
    settings = standard(trail_reader="siem")
    assert list(kind.taken(record("UpdateTrail", request), baseline(trail()), settings)) == [MOVED]
    assert kind.taken(record("DeleteLogGroup", {"logGroupName": "trail-events"}), baseline(trail()), settings) == {}


@pytest.mark.parametrize(
    ("name", "before", "lost"),
    [
        pytest.param("siem", HANDS_ON, [READERS], id="the-baseline's"),
        pytest.param("other", HANDS_ON, [], id="one-that-nobody-knows"),
        pytest.param("siem", trail(), [], id="the-baseline-had-none"),
        pytest.param("siem", None, [], id="no-baseline"),
        pytest.param(["siem"], HANDS_ON, [], id="no-text"),
    ],
)
def test_what_a_deleted_filter_takes(name: Any, before: Trail | None, lost: list[str]) -> None:
    request = {"logGroupName": "trail-events", "filterName": name}
    known = baseline(before) if before else None
    assert list(kind.taken(record("DeleteSubscriptionFilter", request), known, standard())) == lost


AS_IT_WAS = {name: value for name, value in SIEM.items() if name != "distribution"}  # which is the default


@pytest.mark.parametrize(
    ("request_", "before", "lost"),
    [
        pytest.param(SIEM, HANDS_ON, [], id="the-same-again"),
        pytest.param(AS_IT_WAS, HANDS_ON, [], id="the-same-with-defaults"),
        pytest.param(AS_IT_WAS | {"distribution": "Random"}, HANDS_ON, [READERS], id="distributed-otherwise"),
        pytest.param(SIEM | {"destinationArn": "arn:evil"}, HANDS_ON, [READERS], id="led-elsewhere"),
        pytest.param(SIEM | {"filterPattern": "nothing"}, HANDS_ON, [READERS], id="narrowed"),
        pytest.param(SIEM | {"fieldSelectionCriteria": "x"}, HANDS_ON, [READERS], id="narrowed-by-fields"),
        pytest.param({"logGroupName": "trail-events", "filterName": "siem"}, HANDS_ON, [READERS], id="no-more-is-said"),
        pytest.param(SIEM | {"filterName": "evil"}, HANDS_ON, [MOVED], id="one-more"),
        pytest.param(SIEM | {"filterName": ["siem"]}, HANDS_ON, [MOVED], id="no-text"),
        pytest.param(SIEM, trail(), [MOVED], id="the-first"),
        pytest.param(SIEM, None, [], id="no-baseline"),
    ],
)
def test_what_a_filter_that_is_put_takes(request_: dict[str, Any], before: Trail | None, lost: list[str]) -> None:
    known = baseline(before) if before else None
    assert list(kind.taken(record("PutSubscriptionFilter", request_), known, standard())) == lost


def test_where_a_siem_reads_a_filter_that_is_put_is_only_told() -> None:
    bent = record("PutSubscriptionFilter", SIEM | {"filterPattern": "nothing"})
    assert list(kind.taken(bent, baseline(HANDS_ON), standard(trail_reader="siem"))) == [MOVED]


def test_a_deleted_group_and_a_deleted_trail_say_what_is_lost() -> None:
    lost = kind.taken(record("DeleteLogGroup", {"logGroupName": "trail-events"}), None, standard())
    assert lost == {READERS: "What log group trail-events held is lost."}
    (note,) = kind.taken(record("DeleteTrail", {"name": "main"}), baseline(trail()), standard()).values()
    assert "From the deletion until the repair this trail recorded nothing" in note
    assert list(kind.taken(record("DeleteTrail", {"name": "main"}), None, standard())) == [EXISTS]


ELSEWHERE = TRAIL_ARN.replace(REGION, "eu-west-1")


@pytest.mark.parametrize(
    ("shown", "before", "found"),
    [
        pytest.param({}, None, [TRAIL_ARN], id="its-group"),
        pytest.param({"CloudWatchLogsLogGroupArn": None}, None, [], id="without-group"),
        pytest.param({"CloudWatchLogsLogGroupArn": None}, trail(), [TRAIL_ARN], id="the-baseline's-group"),
        pytest.param({"CloudWatchLogsLogGroupArn": TRAIL_GROUP.replace("trail-events", "trail")}, None, [], id="other"),
        pytest.param({"TrailARN": ELSEWHERE, "HomeRegion": "eu-west-1"}, None, [], id="a-shadow"),
        pytest.param({"TrailARN": TRAIL_ARN.replace(ACCOUNT, STRANGER)}, None, [], id="the-organisation's"),
    ],
)
def test_whose_log_group_it_is(shown: dict[str, Any], before: Trail | None, found: list[str]) -> None:
    seen, _ = look(listed(**shown), names=(), parts=("trail-events",), before=before)
    assert [each.resource.arn for each in seen] == found


def test_a_log_group_that_is_nobodys_is_not_looked_at() -> None:
    aws, session = fake_aws(cloudtrail__DescribeTrails={"trailList": [listed()]})
    assert list(kind.observe(aws, Scope(ACCOUNT, REGION, parts=("a-lambda's",)), {}, standard())) == []
    assert session.names == ["cloudtrail:DescribeTrails"]


def state(before: Trail | None = None, shown: dict[str, Any] | None = None, **answers: Any) -> Trail:
    ((seen,), _) = look(listed(**(shown or {})), before=before, **answers)
    assert seen.state is not None
    return seen.state


def test_tags_are_read() -> None:
    tags = [{"Key": "owner", "Value": "audit"}, {"Key": "bare"}]
    answer = {"ResourceTagList": [{"ResourceId": TRAIL_ARN, "TagsList": tags}]}
    assert state(cloudtrail__ListTags=answer).tags == {"owner": "audit", "bare": ""}
    assert state(cloudtrail__ListTags={"ResourceTagList": [{"ResourceId": TRAIL_ARN}]}).tags == {}
    assert isinstance(state(cloudtrail__ListTags=refused("AccessDenied")).tags, Unread)


def test_filters_are_kept_as_they_can_be_put_back() -> None:
    shown = SIEM | {"creationTime": 1, "emitSystemFields": [], "applyOnTransformedLogs": False}
    to_lambda = SIEM | {"destinationArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"}
    found = state(logs__DescribeSubscriptionFilters={"subscriptionFilters": [shown, to_lambda]})
    without = {name: value for name, value in to_lambda.items() if name != "distribution"}
    assert found.subscription_filters == (SIEM, without)
    assert found.log_group_exists is True


def test_a_group_that_is_gone_or_cannot_be_read() -> None:
    gone = state(HANDS_ON, logs__DescribeSubscriptionFilters=refused("ResourceNotFoundException"))
    assert (gone.log_group_exists, gone.subscription_filters) == (False, ())
    denied = state(HANDS_ON, logs__DescribeSubscriptionFilters=refused("AccessDeniedException"))
    assert isinstance(denied.log_group_exists, Unread)
    assert not denied.log_group_exists.foreign
    assert denied.subscription_filters == (SIEM,)
    assert state(logs__DescribeSubscriptionFilters=refused("AccessDeniedException")).subscription_filters == ()


def test_another_accounts_log_group_is_out_of_reach() -> None:
    shown = {"CloudWatchLogsLogGroupArn": TRAIL_GROUP.replace(ACCOUNT, STRANGER)}
    found = state(None, shown, logs__DescribeSubscriptionFilters=AssertionError("it is not asked about"))
    assert isinstance(found.log_group_exists, Unread)
    assert found.log_group_exists.foreign
