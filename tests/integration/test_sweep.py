"""The sweep keeps what is there as baselines, tells it once, and repairs nothing; a baseline only grows stronger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.account import Account
from local.cloud import LocalAws
from local.settings import REGION
from relight.policy.alarm import WATCHES
from tests.integration import helpers


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    helpers.hurry(monkeypatch)


SCHEDULED = {"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": "{}"}

# The account has a trail with a log group, and nothing that reads it.
# What the account has none of.
LACKING = {
    f"arn:aws:cloudwatch:{REGION}:123456789012:monitoring": [watch.control for watch in WATCHES],
    f"arn:aws:config:{REGION}:123456789012:configuration-recorder": ["config.recording"],
}


def vpc_arn(vpc: str) -> str:
    return f"arn:aws:ec2:{REGION}:123456789012:vpc/{vpc}"


def baselines(aws: LocalAws, *arns: str) -> list[Any]:
    """The ledger's baselines: of these resources, or all."""
    rows = aws.client("dynamodb").scan(TableName=aws.stack.outputs["LedgerName"])["Items"]
    return sorted(
        (row["sk"]["S"], row["state"]["S"], row["controls"]["S"])
        for row in rows
        if row["sk"]["S"] in (arns or [row["sk"]["S"]]) and "state" in row
    )


def test_the_first_sweep_keeps_and_tells_and_a_scheduled_one_is_silent(local_aws: LocalAws, victim: Account) -> None:
    local_aws.deploy()
    helpers.sweep(local_aws, "CREATE_COMPLETE")

    message = helpers.only(local_aws)
    report = message.data["sweep"]
    bucket_arn = f"arn:aws:s3:::{victim.trail_bucket}"
    met = {arn for arn, controls in report["kept"].items() if controls}
    assert {victim.trail_arn, victim.key_arn, bucket_arn, vpc_arn(victim.vpc), vpc_arn(victim.default_vpc)} <= met
    assert set(report["kept"][victim.trail_arn]) == {
        "trail.logging",
        "trail.exists",
        "trail.destination",
        "trail.cloudwatch-logs",
        "trail.multi-region",
        "trail.log-file-validation",
        "trail.kms-encryption",
        "trail.management-events",
        "trail.s3-data-events",
        "trail.network-activity-events",
        "trail.insights",
    }
    assert (report["drifted"], report["failed"]) == (LACKING, {})
    assert (message.attributes["outcome"], message.attributes["severity"]) == ("swept", "LOW")
    assert f"{len(report['kept'])} new baselines" in message.subject
    assert victim.trail_arn in message.text
    kept = helpers.baseline(local_aws, victim.trail_arn)
    assert kept is not None
    assert (kept["kms_key"], kept["bucket"], kept["multi_region"]) == (victim.key_arn, victim.trail_bucket, True)
    assert helpers.writes(local_aws) == []
    before = baselines(local_aws)
    local_aws.forget()

    helpers.invoke(local_aws, "sweep", SCHEDULED)

    assert helpers.failed(local_aws) == []
    assert helpers.silent(local_aws)
    assert baselines(local_aws) == before


def test_after_another_deployment_all_baselines_are_told_again(cloud: LocalAws, victim: Account) -> None:
    """The first message came before anybody had confirmed the subscription."""
    known = {arn for arn, _, controls in baselines(cloud) if controls}
    helpers.sweep(cloud)
    message = helpers.only(cloud)
    report = message.data["sweep"]
    assert (report["kept"], set(report["baselines"])) == ({}, known)
    assert report["baselines"][victim.trail_arn]["state"]["bucket"] == victim.trail_bucket
    assert f"bucket={victim.trail_bucket}" in message.text


def test_what_is_drifted_is_listed_and_left_as_it_is(local_aws: LocalAws, victim: Account) -> None:
    local_aws.client("cloudtrail").stop_logging(Name=victim.trail)
    local_aws.client("ec2").delete_flow_logs(FlowLogIds=[victim.flow_log])
    local_aws.client("s3").put_bucket_logging(Bucket=victim.trail_bucket, BucketLoggingStatus={})
    local_aws.deploy()
    helpers.sweep(local_aws, "CREATE_COMPLETE")

    message = helpers.only(local_aws)
    assert message.data["sweep"]["drifted"] == {
        victim.trail_arn: ["trail.logging"],
        vpc_arn(victim.vpc): ["vpc.flow-logs"],
        f"arn:aws:s3:::{victim.trail_bucket}": ["bucket.access-logging"],
        **LACKING,
    }
    assert "NOT AS THE STANDARD DEMANDS" in message.text
    assert helpers.writes(local_aws) == []
    assert not helpers.trail(local_aws)["IsLogging"]
    assert helpers.flow_logs(local_aws, victim.vpc) == []
    assert helpers.access_logging(local_aws) == {}


def test_a_weaker_state_is_not_adopted_by_the_sweep(cloud: LocalAws, victim: Account) -> None:
    """What happened while nobody was listening does not become the baseline, and so the next event undoes it."""
    watched = victim.trail_arn, vpc_arn(victim.vpc)
    kept = baselines(cloud, *watched)
    before = helpers.trail(cloud)
    with helpers.nobody_listening(cloud):
        helpers.mallory(cloud, "cloudtrail").update_trail(
            Name=victim.trail, EnableLogFileValidation=False, KmsKeyId="", S3BucketName=victim.access_log_bucket
        )
        helpers.mallory(cloud, "ec2").delete_flow_logs(FlowLogIds=[victim.flow_log])

    helpers.sweep(cloud)
    assert baselines(cloud, *watched) == kept
    assert helpers.writes(cloud) == []

    helpers.mallory(cloud, "cloudtrail").stop_logging(Name=victim.trail)
    cloud.settle()

    assert helpers.trail(cloud) == before
    assert baselines(cloud, *watched) == kept


def test_a_stronger_state_is_adopted(local_aws: LocalAws, victim: Account) -> None:
    local_aws.client("cloudtrail").update_trail(Name=victim.trail, KmsKeyId="", EnableLogFileValidation=False)
    cloud = helpers.set_to_work(local_aws)
    was = helpers.baseline(cloud, victim.trail_arn)
    with helpers.nobody_listening(cloud):
        cloud.client("cloudtrail").update_trail(
            Name=victim.trail, KmsKeyId=victim.key_arn, EnableLogFileValidation=True
        )

    helpers.sweep(cloud)

    grown = helpers.baseline(cloud, victim.trail_arn)
    assert was is not None
    assert grown is not None
    assert grown["controls"] - was["controls"] == {"trail.kms-encryption", "trail.log-file-validation"}
    assert grown["kms_key"] == victim.key_arn
    # The key has got a user by that.
    assert set(helpers.only(cloud).data["sweep"]["kept"]) == {victim.trail_arn, victim.key_arn}


def test_what_cannot_be_read_fails_the_sweep_and_hides_nothing_else(local_aws: LocalAws, victim: Account) -> None:
    local_aws.deploy()
    with local_aws.refuse("flow_logs", "ec2:DescribeFlowLogs"):
        helpers.sweep(local_aws, "CREATE_COMPLETE")

    assert helpers.baseline(local_aws, victim.trail_arn) is not None
    assert helpers.baseline(local_aws, vpc_arn(victim.vpc)) is None
    message = local_aws.notifications[0]
    assert set(message.data["sweep"]["failed"]) == {victim.vpc, victim.default_vpc}
    assert "COULD NOT BE LOOKED AT" in message.text
    (letter,) = helpers.letters(local_aws, "FailureQueue")
    assert victim.vpc in letter["responsePayload"]["errorMessage"]


def test_a_family_that_cannot_be_invoked_fails_the_sweep(cloud: LocalAws) -> None:
    with cloud.refuse("sweep", "ec2:DescribeVpcs"), pytest.raises(helpers.FunctionFailed, match="list of vpcs"):
        helpers.invoke(cloud, "sweep", SCHEDULED)

    assert helpers.silent(cloud)


def test_what_always_was_so_is_told_once_a_day(cloud: LocalAws) -> None:
    """A second trail without a key: ordinary work on it leads there twice, and security hears of it once."""
    owner = cloud.client("cloudtrail")
    with helpers.nobody_listening(cloud):
        owner.create_trail(Name="second", S3BucketName="example-access-logs-123456789012", EnableLogFileValidation=True)
        owner.start_logging(Name="second")
    helpers.sweep(cloud)
    cloud.forget()

    with helpers.nobody_listening(cloud):
        for _ in range(2):
            owner.update_trail(Name="second", EnableLogFileValidation=True, IsMultiRegionTrail=False, KmsKeyId="")
    # Records are dated to the second: these are surely later than the sweep.
    later = (datetime.now(UTC) + timedelta(seconds=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    helpers.deliver(cloud, *({**record, "eventTime": later} for record in helpers.records(cloud, "UpdateTrail")))

    told = [each for each in cloud.notifications if each.data["resource"]["name"] == "second"]
    assert [(each.data["outcome"], each.data["findings"][0]["cause"]) for each in told] == [
        ("observed", "found-on-the-way")
    ]
    assert "NEED NOT HAVE CAUSED IT" in told[0].text
    assert "by" not in told[0].subject.split()
    assert helpers.writes(cloud) == []
