"""New trails and buckets: what their maker left out is introduced or told; what is turned elsewhere is told."""

from __future__ import annotations

from typing import Any

import pytest

from local.account import Account, enough_events
from local.cloud import LocalAws
from tests.integration import helpers
from tests.integration.helpers import mallory


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    helpers.hurry(monkeypatch)


def create_trail(aws: LocalAws, **options: Any) -> dict[str, Any]:
    """A new trail with a bucket of its own, for which nobody has turned anything on."""
    with helpers.nobody_listening(aws):
        mallory(aws, "s3").create_bucket(Bucket="second-trail-logs")
    answer: dict[str, Any] = mallory(aws, "cloudtrail").create_trail(
        Name="second", S3BucketName="second-trail-logs", **options
    )
    return answer


def test_a_new_trail_is_started_and_validated_and_the_rest_is_told(cloud: LocalAws) -> None:
    create_trail(cloud)
    cloud.settle()

    trail = helpers.trail(cloud, "second")
    assert trail["IsLogging"]
    assert trail["LogFileValidationEnabled"]
    assert not trail.get("KmsKeyId")
    assert not trail["IsMultiRegionTrail"]
    assert helpers.access_logging(cloud, "second-trail-logs") == {}
    assert sorted(helpers.writes(cloud)) == [
        "trail: StartLogging",
        "trail: UpdateTrail",
        "trail_bucket: PutBucketPublicAccessBlock",
    ]
    told = {
        each.data["resource"]["kind"]: each for each in cloud.notifications if each.data["actor"]["name"] == "mallory"
    }
    outcomes = {finding["control"]: finding["outcome"] for finding in told["trail"].data["findings"]}
    assert outcomes == {
        "trail.logging": "repaired",
        "trail.log-file-validation": "repaired",
        "trail.kms-encryption": "observed",
        "trail.cloudwatch-logs": "observed",
        "trail.s3-data-events": "observed",
    }
    assert all(finding["cause"] == "created-without" for finding in told["trail"].data["findings"])
    assert told["bucket"].data["outcome"] == "observed"


def test_relights_own_repairs_are_no_news(cloud: LocalAws) -> None:
    """Its UpdateTrail is an event like any other; what it could not mend was told already."""
    create_trail(cloud)
    cloud.settle()

    assert [each.subject for each in cloud.notifications if each.data["actor"]["name"] != "mallory"] == []


def test_a_new_trail_that_its_maker_finishes_meanwhile_is_left_alone(cloud: LocalAws, victim: Account) -> None:
    with helpers.nobody_listening(cloud):
        shown = helpers.trail(cloud)
        readers = {name: shown[name] for name in ("CloudWatchLogsLogGroupArn", "CloudWatchLogsRoleArn")}
        create_trail(cloud, EnableLogFileValidation=True, KmsKeyId=victim.key_arn, **readers)
        mallory(cloud, "cloudtrail").put_event_selectors(
            TrailName="second", EventSelectors=[enough_events("second-trail-logs")]
        )
        mallory(cloud, "cloudtrail").start_logging(Name="second")
        target = {"TargetBucket": victim.access_log_bucket, "TargetPrefix": "second/"}
        s3 = mallory(cloud, "s3")
        s3.put_bucket_logging(Bucket="second-trail-logs", BucketLoggingStatus={"LoggingEnabled": target})
        policy = s3.get_bucket_policy(Bucket=victim.trail_bucket)["Policy"]
        own = policy.replace(victim.trail_bucket, "second-trail-logs")
        s3.put_bucket_policy(Bucket="second-trail-logs", Policy=own)
        closed = s3.get_public_access_block(Bucket=victim.trail_bucket)["PublicAccessBlockConfiguration"]
        s3.put_public_access_block(Bucket="second-trail-logs", PublicAccessBlockConfiguration=closed)

    helpers.deliver(cloud, *helpers.records(cloud, "CreateBucket", "CreateTrail"))

    assert helpers.silent(cloud)
    assert helpers.failed(cloud) == []


def test_a_bucket_that_is_recreated_gets_its_access_logging_back(cloud: LocalAws, victim: Account) -> None:
    s3 = cloud.client("s3")
    before = helpers.access_logging(cloud)
    with helpers.nobody_listening(cloud):
        s3.delete_bucket(Bucket=victim.trail_bucket)
        mallory(cloud, "s3").create_bucket(Bucket=victim.trail_bucket)

    helpers.deliver(cloud, *helpers.records(cloud, "CreateBucket"))

    assert helpers.access_logging(cloud) == before
    message = helpers.only(cloud)
    assert (message.data["outcome"], message.data["event_name"]) == ("repaired", "CreateBucket")


def test_a_trail_turned_to_another_bucket_is_turned_back(cloud: LocalAws, victim: Account) -> None:
    with helpers.nobody_listening(cloud):
        cloud.client("s3").create_bucket(Bucket="elsewhere")
    mallory(cloud, "cloudtrail").update_trail(Name=victim.trail, S3BucketName="elsewhere")
    cloud.settle()

    assert helpers.writes(cloud) == ["trail: UpdateTrail"]
    assert helpers.trail(cloud)["S3BucketName"] == victim.trail_bucket
    told = {message.data["resource"]["kind"]: message for message in cloud.notifications}
    assert told["trail"].data["outcome"] == "repaired"
    assert helpers.drifts(told["trail"], "trail.destination") == {"S3BucketName": ("elsewhere", victim.trail_bucket)}
