"""The sweep keeps what is there as baselines, repairs what no event told of, and tells it once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local import account
from local.account import Account
from local.cloud import LocalAws
from local.settings import REGION
from relight.policy.alarm import WATCHES
from tests.integration import helpers


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    helpers.hurry(monkeypatch)


SCHEDULED = {"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": "{}"}

# The account has a trail with a log group, and nothing that reads it but what Relight introduces: the alarm on VPCs.
INTRODUCED = "alarm.vpc-changes"
LACKING = {
    f"arn:aws:cloudwatch:{REGION}:123456789012:monitoring": [w.control for w in WATCHES if w.control != INTRODUCED],
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
    assert (report["drifted"], report["totals"].get("failed")) == (LACKING, None)
    assert (message.attributes["outcome"], message.attributes["severity"]) == ("swept", "MEDIUM")
    assert f"1 repaired, {report['totals']['kept']} new baselines" in message.subject
    assert list(report["repaired"]) == [f"arn:aws:cloudwatch:{REGION}:123456789012:monitoring"]
    assert victim.trail_arn in message.text
    kept = helpers.baseline(local_aws, victim.trail_arn)
    assert kept is not None
    assert (kept["kms_key"], kept["bucket"], kept["multi_region"]) == (victim.key_arn, victim.trail_bucket, True)
    assert helpers.writes(local_aws) == ["alarm: PutMetricFilter", "alarm: PutMetricAlarm"]
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
    assert ("kept" in report, set(report["baselines"])) == (False, known)
    assert f"bucket={victim.trail_bucket}" in report["baselines"][victim.trail_arn]
    assert f"bucket={victim.trail_bucket}" in message.text


def test_what_never_was_there_is_introduced_or_only_told_as_its_mode_says(local_aws: LocalAws, victim: Account) -> None:
    local_aws.client("cloudtrail").stop_logging(Name=victim.trail)
    local_aws.client("ec2").delete_flow_logs(FlowLogIds=[victim.flow_log])
    local_aws.client("s3").put_bucket_logging(Bucket=victim.trail_bucket, BucketLoggingStatus={})
    local_aws.deploy()
    helpers.sweep(local_aws, "CREATE_COMPLETE")

    message = helpers.only(local_aws)
    assert message.data["sweep"]["drifted"] == {
        vpc_arn(victim.vpc): ["vpc.flow-logs"],
        f"arn:aws:s3:::{victim.trail_bucket}": ["bucket.access-logging"],
        **LACKING,
        f"arn:aws:cloudwatch:{REGION}:123456789012:monitoring": [each.control for each in WATCHES],  # no trail logged
    }
    assert "trail.logging (IsLogging: false → true)" in message.text
    assert message.attributes["severity"] == "CRITICAL"
    assert helpers.writes(local_aws)[0] == "trail: StartLogging"
    assert helpers.trail(local_aws)["IsLogging"]
    assert helpers.flow_logs(local_aws, victim.vpc) == []
    assert helpers.access_logging(local_aws) == {}


def test_what_was_taken_away_unseen_is_put_back(cloud: LocalAws, victim: Account) -> None:
    """Nobody was listening; the next sweep restores it from the baselines, and says so in one message."""
    watched = victim.trail_arn, vpc_arn(victim.vpc)
    kept = [(arn, controls) for arn, _, controls in baselines(cloud, *watched)]
    before = helpers.trail(cloud)
    with helpers.nobody_listening(cloud):
        helpers.mallory(cloud, "cloudtrail").update_trail(
            Name=victim.trail, EnableLogFileValidation=False, KmsKeyId="", S3BucketName=victim.access_log_bucket
        )
        helpers.mallory(cloud, "ec2").delete_flow_logs(FlowLogIds=[victim.flow_log])

    helpers.invoke(cloud, "sweep", SCHEDULED)
    cloud.settle()

    assert helpers.trail(cloud) == before
    assert [log["TrafficType"] for log in helpers.flow_logs(cloud, victim.vpc)] == ["ALL"]
    assert [(arn, controls) for arn, _, controls in baselines(cloud, *watched)] == kept
    message = helpers.only(cloud)
    assert set(message.data["sweep"]["repaired"]) == set(watched)
    assert helpers.failed(cloud) == []
    # The first one looked at the trail's bucket before the trail was back; the next keeps what it finds there.
    helpers.invoke(cloud, "sweep", SCHEDULED)
    cloud.forget()

    helpers.invoke(cloud, "sweep", SCHEDULED)
    cloud.settle()

    assert helpers.silent(cloud)

    records = helpers.records(cloud, "UpdateTrail", "DeleteFlowLogs")
    helpers.deliver(cloud, *records)

    for record in records:  # which came late, and name who it was
        assert helpers.about(cloud, record).data["outcome"] == "compliant"
        assert "by mallory" in helpers.about(cloud, record).subject
    assert helpers.writes(cloud) == []


def test_a_trail_that_was_deleted_unseen_is_made_again(cloud: LocalAws, victim: Account) -> None:
    before = helpers.trail(cloud)
    with helpers.nobody_listening(cloud):
        helpers.mallory(cloud, "cloudtrail").delete_trail(Name=victim.trail)

    helpers.invoke(cloud, "sweep", SCHEDULED)
    cloud.settle()

    assert helpers.trail(cloud) == before
    assert set(helpers.only(cloud).data["sweep"]["repaired"]) == {victim.trail_arn}


def test_a_relocated_state_is_neither_adopted_nor_repaired(cloud: LocalAws, victim: Account) -> None:
    """A compliant trail that reads less than before is told, until a person accepts it."""
    kept = baselines(cloud, vpc_arn(victim.vpc))
    with helpers.nobody_listening(cloud):
        client = cloud.client("ec2")
        client.delete_flow_logs(FlowLogIds=[victim.flow_log])
        client.create_flow_logs(
            ResourceIds=[victim.vpc],
            ResourceType="VPC",
            TrafficType="REJECT",
            LogGroupName=account.FLOW_LOG_GROUP,
            DeliverLogsPermissionArn=f"arn:aws:iam::123456789012:role/{account.FLOW_LOGS_ROLE}",
        )

    helpers.invoke(cloud, "sweep", SCHEDULED)

    assert baselines(cloud, vpc_arn(victim.vpc)) == kept
    assert helpers.only(cloud).data["sweep"]["weaker"] == {vpc_arn(victim.vpc): ["FlowLogs"]}
    assert helpers.writes(cloud) == []


def test_a_stronger_state_is_adopted(local_aws: LocalAws, victim: Account) -> None:
    local_aws.client("cloudtrail").update_trail(Name=victim.trail, KmsKeyId="")
    cloud = helpers.set_to_work(local_aws)
    was = helpers.baseline(cloud, victim.trail_arn)
    with helpers.nobody_listening(cloud):
        cloud.client("cloudtrail").update_trail(Name=victim.trail, KmsKeyId=victim.key_arn)

    helpers.sweep(cloud)

    grown = helpers.baseline(cloud, victim.trail_arn)
    assert was is not None
    assert grown is not None
    assert grown["controls"] - was["controls"] == {"trail.kms-encryption"}
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

    assert "list of vpcs" in helpers.only(cloud).text
    assert helpers.writes(cloud) == []


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
