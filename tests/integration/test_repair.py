"""Each drift is repaired as it was, seen to be so, and told once: who, what, and how long it was dark."""

from __future__ import annotations

from typing import Any

import pytest

from local import account
from local.account import Account
from local.cloud import LocalAws
from local.inbox import Notification
from tests.integration import helpers
from tests.integration.helpers import mallory

EVERYTHING_OFF = {
    "EnableLogFileValidation": False,
    "KmsKeyId": "",
    "IsMultiRegionTrail": False,
    "IncludeGlobalServiceEvents": False,
}


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    helpers.hurry(monkeypatch)


@pytest.fixture
def decorated(local_aws: LocalAws, victim: Account) -> LocalAws:
    """An account whose trail, bucket and flow logs have more than the standard asks for, which must stay."""
    cloudtrail, s3, ec2 = (local_aws.client(service) for service in ("cloudtrail", "s3", "ec2"))
    topic = local_aws.client("sns").create_topic(Name="digests")["TopicArn"].rpartition(":")[2]
    cloudtrail.update_trail(Name=victim.trail, S3KeyPrefix="audit", SnsTopicName=topic)
    cloudtrail.add_tags(ResourceId=victim.trail_arn, TagsList=[{"Key": "owner", "Value": "audit"}])
    s3.put_bucket_versioning(Bucket=victim.trail_bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_tagging(Bucket=victim.trail_bucket, Tagging={"TagSet": [{"Key": "owner", "Value": "audit"}]})
    s3.create_bucket(Bucket="example-flow-logs")
    ec2.create_flow_logs(
        ResourceIds=[victim.vpc],
        ResourceType="VPC",
        TrafficType="REJECT",
        LogDestinationType="s3",
        LogDestination="arn:aws:s3:::example-flow-logs",
        LogFormat="${srcaddr} ${dstaddr} ${action}",
        MaxAggregationInterval=60,
    )
    return helpers.set_to_work(local_aws)


def check_told(message: Notification, *, call: str, kind: str, name: str, severity: str, controls: set[str]) -> None:
    """What controls.md demands of each notification, in both renderings."""
    data, text = message.data, message.text
    actor = data["actor"]
    assert (actor["name"], actor["type"], actor["source_ip"]) == ("mallory", "IAMUser", account.INTRUDER_ADDRESS)
    assert actor["arn"].endswith(":user/mallory")
    assert actor["access_key"].startswith("AKIA")
    assert (data["event_name"], data["resource"]["kind"], data["resource"]["name"]) == (call, kind, name)
    assert (data["outcome"], data["severity"], data["error"], data["would_call"]) == ("repaired", severity, "", [])
    assert 0 <= data["dark_seconds"] < 30
    assert {finding["control"] for finding in data["findings"]} == controls
    assert all(finding["outcome"] == "repaired" for finding in data["findings"])
    assert all(finding["cause"] != "found-on-the-way" for finding in data["findings"])

    assert message.attributes["severity"] == severity
    assert message.attributes["outcome"] == "repaired"
    assert (message.attributes["account"], message.attributes["region"]) == ("123456789012", "us-east-1")
    assert all(f'"{control}"' in message.attributes["control"] for control in controls)
    assert message.subject == f"[{severity}] Relight repaired {kind} {name}: {call} by mallory"[:99]

    for shown in (data["resource"]["arn"], data["event_id"], call, "mallory", account.INTRUDER_ADDRESS, severity):
        assert shown in text
    assert all(f"  {control}: " in text for control in controls)
    assert "repaired, and read back to be sure" in text
    assert "Dark for" in text
    assert "Delivery unproven" in text
    assert all(sent in text.replace("…", "") for sent in (call.partition(" ")[0] for call in data["calls"]))


def test_a_stopped_trail_logs_again(cloud: LocalAws, victim: Account) -> None:
    before = helpers.trail(cloud)
    mallory(cloud, "cloudtrail").stop_logging(Name=victim.trail)
    cloud.settle()

    assert helpers.trail(cloud) == before
    assert helpers.writes(cloud) == ["trail: StartLogging"]
    message = helpers.only(cloud)
    check_told(
        message, call="StopLogging", kind="trail", name=victim.trail, severity="CRITICAL", controls={"trail.logging"}
    )
    assert helpers.drifts(message, "trail.logging") == {"IsLogging": (False, True)}
    assert message.data["calls"] == [f'cloudtrail:StartLogging {{"Name": "{victim.trail_arn}"}}']
    assert "IsLogging: false → true" in message.text
    assert "no rule sees anything" in message.text


def test_a_trail_stopped_by_its_arn_logs_again(cloud: LocalAws, victim: Account) -> None:
    mallory(cloud, "cloudtrail").stop_logging(Name=victim.trail_arn)
    cloud.settle()

    assert helpers.trail(cloud)["IsLogging"]
    assert helpers.only(cloud).data["resource"]["arn"] == victim.trail_arn


@pytest.mark.parametrize(
    ("change", "control", "severity", "restored"),
    [
        pytest.param(
            {"EnableLogFileValidation": False},
            "trail.log-file-validation",
            "HIGH",
            {"EnableLogFileValidation"},
            id="validation",
        ),
        pytest.param({"KmsKeyId": ""}, "trail.kms-encryption", "MEDIUM", {"KmsKeyId"}, id="key"),
        pytest.param(
            {"IsMultiRegionTrail": False}, "trail.multi-region", "HIGH", {"IsMultiRegionTrail"}, id="multi-Region"
        ),
        pytest.param(
            {"IncludeGlobalServiceEvents": False},
            "trail.multi-region",
            "HIGH",
            {"IncludeGlobalServiceEvents"},
            id="global events",
        ),
    ],
)
def test_one_weakened_field_of_a_trail_comes_back_alone(
    cloud: LocalAws, victim: Account, change: dict[str, Any], control: str, severity: str, restored: set[str]
) -> None:
    before = helpers.trail(cloud)
    mallory(cloud, "cloudtrail").update_trail(Name=victim.trail, **change)
    cloud.settle()

    assert helpers.trail(cloud) == before
    assert helpers.writes(cloud) == ["trail: UpdateTrail"]
    message = helpers.only(cloud)
    check_told(message, call="UpdateTrail", kind="trail", name=victim.trail, severity=severity, controls={control})
    (repair,) = [each for each in cloud.records if each["userIdentity"]["type"] == "AssumedRole"]
    assert {name.lower() for name in repair["requestParameters"]} == {name.lower() for name in restored} | {"name"}


def test_a_trail_weakened_in_every_field_is_mended_by_one_call(decorated: LocalAws, victim: Account) -> None:
    before = helpers.trail(decorated)
    assert (before["S3KeyPrefix"], before["SnsTopicName"], before["KmsKeyId"]) == ("audit", "digests", victim.key_arn)
    mallory(decorated, "cloudtrail").update_trail(Name=victim.trail, **EVERYTHING_OFF)
    decorated.settle()

    assert helpers.trail(decorated) == before
    assert helpers.writes(decorated) == ["trail: UpdateTrail"]
    message = helpers.only(decorated)
    check_told(
        message,
        call="UpdateTrail",
        kind="trail",
        name=victim.trail,
        severity="HIGH",
        controls={"trail.log-file-validation", "trail.kms-encryption", "trail.multi-region"},
    )
    assert helpers.drifts(message, "trail.kms-encryption") == {"KmsKeyId": ("", victim.key_arn)}
    assert helpers.drifts(message, "trail.multi-region") == {
        "IsMultiRegionTrail": (False, True),
        "IncludeGlobalServiceEvents": (False, True),
    }


def test_deleted_flow_logs_come_back_as_they_were(decorated: LocalAws, victim: Account) -> None:
    before = helpers.flow_logs(decorated, victim.vpc)
    others = helpers.flow_logs(decorated, victim.default_vpc)
    assert {log["LogDestinationType"] for log in before} == {"cloud-watch-logs", "s3"}
    mallory(decorated, "ec2").delete_flow_logs(FlowLogIds=helpers.flow_log_ids(decorated, victim.vpc))
    decorated.settle()

    by_destination = {log["LogDestinationType"]: log for log in helpers.flow_logs(decorated, victim.vpc)}
    assert by_destination == {log["LogDestinationType"]: log for log in before}
    assert helpers.flow_logs(decorated, victim.default_vpc) == others
    message = helpers.only(decorated)
    check_told(message, call="DeleteFlowLogs", kind="vpc", name=victim.vpc, severity="HIGH", controls={"vpc.flow-logs"})
    (found, wanted) = helpers.drifts(message, "vpc.flow-logs")["FlowLogs"]
    assert found == []
    assert {(log["traffic"], log["destination_type"], log.get("format", "")) for log in wanted} == {
        ("ALL", "cloud-watch-logs", ""),
        ("REJECT", "s3", "${srcaddr} ${dstaddr} ${action}"),
    }


def test_of_two_flow_logs_one_deleted_is_told_and_the_vpc_stays_covered(decorated: LocalAws, victim: Account) -> None:
    kept = helpers.flow_log_ids(decorated, victim.vpc)
    gone = next(log for log in kept if log == victim.flow_log)
    mallory(decorated, "ec2").delete_flow_logs(FlowLogIds=[gone])
    decorated.settle()

    message = helpers.only(decorated)
    assert message.data["actor"]["name"] == "mallory"
    assert helpers.finding(message, "vpc.flow-logs")["outcome"] == "compliant"
    assert helpers.finding(message, "vpc.baseline")["outcome"] == "changed"
    assert helpers.writes(decorated) == []


def test_flow_logs_of_several_vpcs_deleted_by_one_call_all_come_back(cloud: LocalAws, victim: Account) -> None:
    vpcs = (victim.vpc, victim.default_vpc)
    before = {vpc: helpers.flow_logs(cloud, vpc) for vpc in vpcs}
    mallory(cloud, "ec2").delete_flow_logs(FlowLogIds=helpers.flow_log_ids(cloud, *vpcs))
    cloud.settle()

    assert {vpc: helpers.flow_logs(cloud, vpc) for vpc in vpcs} == before
    assert len(cloud.notifications) == 2
    for message in cloud.notifications:
        check_told(
            message,
            call="DeleteFlowLogs",
            kind="vpc",
            name=message.data["resource"]["name"],
            severity="HIGH",
            controls={"vpc.flow-logs"},
        )
    assert {message.data["resource"]["name"] for message in cloud.notifications} == set(vpcs)


def test_a_new_vpc_gets_the_standards_flow_log(cloud: LocalAws) -> None:
    vpc = mallory(cloud, "ec2").create_vpc(CidrBlock="10.66.0.0/16")["Vpc"]["VpcId"]
    cloud.settle()

    (log,) = helpers.flow_logs(cloud, vpc)
    assert (log["TrafficType"], log["LogGroupName"]) == ("REJECT", f"/relight/flow-logs/{vpc}")
    assert log["DeliverLogsPermissionArn"] == cloud.stack.outputs["FlowLogsRoleArnInUse"]
    assert log["MaxAggregationInterval"] == 600
    groups = cloud.client("logs").describe_log_groups(logGroupNamePrefix="/relight/flow-logs/")["logGroups"]
    assert [(group["logGroupName"], group["retentionInDays"]) for group in groups] == [(log["LogGroupName"], 365)]
    assert groups[0]["kmsKeyId"] == cloud.stack.outputs["TrailKeyArnInUse"]
    check_told(helpers.only(cloud), call="CreateVpc", kind="vpc", name=vpc, severity="HIGH", controls={"vpc.flow-logs"})
    assert helpers.finding(helpers.only(cloud), "vpc.flow-logs")["cause"] == "created-without"


def test_a_new_default_vpc_gets_the_standards_flow_log(cloud: LocalAws, victim: Account) -> None:
    ec2 = cloud.client("ec2")
    with helpers.nobody_listening(cloud):
        ec2.delete_flow_logs(FlowLogIds=helpers.flow_log_ids(cloud, victim.default_vpc))
        for subnet in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [victim.default_vpc]}])["Subnets"]:
            ec2.delete_subnet(SubnetId=subnet["SubnetId"])
        ec2.delete_vpc(VpcId=victim.default_vpc)
    vpc = mallory(cloud, "ec2").create_default_vpc()["Vpc"]["VpcId"]
    cloud.settle()

    assert [log["TrafficType"] for log in helpers.flow_logs(cloud, vpc)] == ["REJECT"]
    check_told(
        helpers.only(cloud), call="CreateDefaultVpc", kind="vpc", name=vpc, severity="HIGH", controls={"vpc.flow-logs"}
    )


@pytest.mark.parametrize("redirected", [False, True], ids=["disabled", "redirected"])
def test_access_logging_goes_back_to_its_target(decorated: LocalAws, victim: Account, *, redirected: bool) -> None:
    s3 = decorated.client("s3")
    before = helpers.access_logging(decorated)
    target = helpers.access_log_target(decorated, "mallorys-own-bucket")
    elsewhere = {"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": ""}} if redirected else {}
    mallory(decorated, "s3").put_bucket_logging(Bucket=victim.trail_bucket, BucketLoggingStatus=elsewhere)
    decorated.settle()

    assert helpers.access_logging(decorated) == before
    assert before == {"TargetBucket": victim.access_log_bucket, "TargetPrefix": "trail/"}
    assert helpers.writes(decorated) == ["trail_bucket: PutBucketLogging"]
    assert s3.get_bucket_versioning(Bucket=victim.trail_bucket)["Status"] == "Enabled"
    assert s3.get_bucket_tagging(Bucket=victim.trail_bucket)["TagSet"] == [{"Key": "owner", "Value": "audit"}]
    message = helpers.only(decorated)
    check_told(
        message,
        call="PutBucketLogging",
        kind="bucket",
        name=victim.trail_bucket,
        severity="MEDIUM",
        controls={"bucket.access-logging"},
    )
    found, wanted = helpers.drifts(message, "bucket.access-logging")["LoggingEnabled"]
    assert (found.get("TargetBucket", ""), wanted) == (target if redirected else "", before)


def test_a_deleted_log_group_is_told_with_the_vpcs_that_deliver_to_it(cloud: LocalAws, victim: Account) -> None:
    mallory(cloud, "logs").delete_log_group(logGroupName=account.FLOW_LOG_GROUP)
    cloud.settle()

    told = {message.data["resource"]["name"]: message for message in cloud.notifications}
    assert helpers.finding(told.pop(account.FLOW_LOG_GROUP), "logs.retention")["cause"] == "taken-away"
    assert told.keys() == {victim.vpc, victim.default_vpc}
    for message in told.values():
        assert message.data["actor"]["name"] == "mallory"
        assert helpers.finding(message, "vpc.flow-logs")["cause"] == "taken-away"
    assert "repaired" in {message.data["outcome"] for message in cloud.notifications}
    assert set(helpers.writes(cloud)) == {"flow_logs: CreateLogGroup"}
    groups = cloud.client("logs").describe_log_groups(logGroupNamePrefix=account.FLOW_LOG_GROUP)["logGroups"]
    assert [group["logGroupName"] for group in groups] == [account.FLOW_LOG_GROUP]


def test_a_log_group_of_nobodys_flow_logs_is_nobodys_business(cloud: LocalAws) -> None:
    cloud.client("logs").create_log_group(logGroupName="/somebodys/application")
    mallory(cloud, "logs").delete_log_group(logGroupName="/somebodys/application")
    cloud.settle()

    assert helpers.silent(cloud)


def test_a_deleted_trail_is_made_again_as_it_was(decorated: LocalAws, victim: Account) -> None:
    before = helpers.trail(decorated)
    assert before["Tags"][0]["TagsList"] == [{"Key": "owner", "Value": "audit"}]
    mallory(decorated, "cloudtrail").delete_trail(Name=victim.trail)
    decorated.settle()

    assert helpers.trail(decorated) == before
    assert helpers.writes(decorated) == [
        "trail: CreateLogGroup",
        "trail: CreateTrail",
        "trail: PutEventSelectors",
        "trail: StartLogging",
    ]
    message = helpers.only(decorated)
    check_told(
        message, call="DeleteTrail", kind="trail", name=victim.trail, severity="CRITICAL", controls={"trail.exists"}
    )
    assert "no rule saw anything either" in " ".join(message.text.split())


def test_a_deleted_trail_comes_back_whatever_becomes_of_its_key(cloud: LocalAws, victim: Account) -> None:
    """CreateTrail with the key is refused, and sent again without; the second round puts a key that AWS takes."""
    before = helpers.trail(cloud)
    with cloud.refuse("trail", "cloudtrail:CreateTrail", "KmsKeyNotFoundException", times=1):
        mallory(cloud, "cloudtrail").delete_trail(Name=victim.trail)
        cloud.settle()

    assert helpers.trail(cloud) == before
    assert helpers.writes(cloud).count("trail: CreateTrail") == 2
    assert helpers.writes(cloud)[-1] == "trail: UpdateTrail"


def test_the_other_trails_of_an_account_are_not_widened_meanwhile(local_aws: LocalAws, victim: Account) -> None:
    """The one that covered the account comes back, and a wide copy beside it would be paid for."""
    local_aws.client("cloudtrail").create_trail(Name="narrow", S3BucketName=victim.trail_bucket)
    cloud = helpers.set_to_work(local_aws)
    narrow = helpers.trail(cloud, "narrow")

    for call in ("stop_logging", "delete_trail"):
        getattr(mallory(cloud, "cloudtrail"), call)(Name=victim.trail)
        cloud.settle()

    assert helpers.trail(cloud)["IsMultiRegionTrail"]
    assert helpers.trail(cloud, "narrow") == narrow
    assert {message.data["resource"]["name"] for message in cloud.notifications} == {victim.trail}


def test_a_deleted_trail_that_nobody_knew_is_told(cloud: LocalAws, victim: Account) -> None:
    with helpers.nobody_listening(cloud):
        mallory(cloud, "cloudtrail").create_trail(Name="unknown", S3BucketName=victim.trail_bucket)
    mallory(cloud, "cloudtrail").delete_trail(Name="unknown")
    cloud.settle()

    message = helpers.only(cloud)
    assert (message.data["outcome"], message.data["actor"]["name"]) == ("gone", "mallory")
    assert helpers.writes(cloud) == []


def test_a_log_group_that_is_nobodys_is_nobodys_business(cloud: LocalAws) -> None:
    cloud.client("logs").create_log_group(logGroupName="/aws/lambda/example")
    mallory(cloud, "logs").delete_log_group(logGroupName="/aws/lambda/example")
    cloud.settle()

    assert helpers.silent(cloud)
    assert helpers.failed(cloud) == []
