"""What was created a moment ago: the delay queue, its failures, and what others did in the meantime."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local import cloudtrail
from local.account import Account
from local.cloud import LocalAws
from local.settings import REGION
from tests.integration import helpers
from tests.integration.helpers import mallory


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    helpers.hurry(monkeypatch)


def create_vpcs(aws: LocalAws, count: int) -> tuple[list[str], list[helpers.Record]]:
    """New VPCs, whose events nobody has been given yet."""
    with helpers.nobody_listening(aws):
        for number in range(count):
            mallory(aws, "ec2").create_vpc(CidrBlock=f"10.{66 + number}.0.0/16")
    records = helpers.records(aws, "CreateVpc")
    return [record["responseElements"]["vpc"]["vpcId"] for record in records], records


def send(aws: LocalAws, *bodies: str) -> None:
    """One batch into the delay queue."""
    entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)]
    aws.client("sqs").send_message_batch(QueueUrl=aws.stack.outputs["FlowLogsDelayQueueUrl"], Entries=entries)
    aws.settle()


def give_flow_log(aws: LocalAws, vpc: str, **options: Any) -> str:
    return str(
        aws.actor("terraform")
        .client("ec2")
        .create_flow_logs(
            ResourceIds=[vpc],
            ResourceType="VPC",
            LogDestinationType="s3",
            LogDestination="arn:aws:s3:::example-access-logs-123456789012",
            **options,
        )["FlowLogIds"][0]
    )


def test_of_a_batch_only_what_fails_comes_again_and_is_dead_lettered(cloud: LocalAws) -> None:
    vpcs, (first, second) = create_vpcs(cloud, 2)
    truncated = {**first, "responseElements": None, "eventID": "00000000-0000-4000-8000-000000000000"}

    send(
        cloud,
        json.dumps(cloudtrail.event(first)),
        json.dumps(cloudtrail.event(truncated)),
        json.dumps(cloudtrail.event(second)),
    )

    assert all(len(helpers.flow_logs(cloud, vpc)) == 1 for vpc in vpcs)
    assert [message.data["outcome"] for message in cloud.notifications] == ["repaired", "repaired"]
    first_round, *others = [each for each in cloud.invocations if "Records" in each.event]
    assert len(first_round.event["Records"]) == 3
    failing = first_round.event["Records"][1]["messageId"]
    assert first_round.result == {"batchItemFailures": [{"itemIdentifier": failing}]}
    assert len(others) == 4
    assert all([each["messageId"] for each in one.event["Records"]] == [failing] for one in others)
    (letter,) = helpers.letters(cloud, "DelayedFailureQueue")
    assert letter["detail"] == truncated
    assert helpers.letters(cloud, "FlowLogsDelayQueue") == []


def test_a_message_that_is_not_json_is_dead_lettered_alone(cloud: LocalAws) -> None:
    (vpc,), (record,) = create_vpcs(cloud, 1)
    queue = cloud.stack.outputs["DelayedFailureQueueUrl"]

    send(cloud, "{not json", json.dumps(cloudtrail.event(record)))

    assert len(helpers.flow_logs(cloud, vpc)) == 1
    assert helpers.only(cloud).data["outcome"] == "repaired"
    assert [each["Body"] for each in cloud.client("sqs").receive_message(QueueUrl=queue)["Messages"]] == ["{not json"]


def test_a_dead_letter_sent_round_again_is_repaired(cloud: LocalAws) -> None:
    (vpc,), (record,) = create_vpcs(cloud, 1)
    with cloud.refuse("flow_logs", "ec2:DescribeVpcs"):
        helpers.deliver(cloud, record)
    assert helpers.silent(cloud)
    (letter,) = helpers.letters(cloud, "DelayedFailureQueue")

    send(cloud, json.dumps(letter))

    assert len(helpers.flow_logs(cloud, vpc)) == 1
    assert helpers.only(cloud).data["outcome"] == "repaired"


def test_a_vpc_that_is_gone_by_now_is_no_drift(cloud: LocalAws) -> None:
    (vpc,), (record,) = create_vpcs(cloud, 1)
    cloud.client("ec2").delete_vpc(VpcId=vpc)

    helpers.deliver(cloud, record)

    assert helpers.silent(cloud)
    assert helpers.failed(cloud) == []


def test_a_vpc_deleted_with_its_flow_log_is_no_drift(cloud: LocalAws, victim: Account) -> None:
    with helpers.nobody_listening(cloud):
        mallory(cloud, "ec2").delete_flow_logs(FlowLogIds=[victim.flow_log])
        cloud.client("ec2").delete_vpc(VpcId=victim.vpc)

    helpers.deliver(cloud, *helpers.records(cloud, "DeleteFlowLogs"))

    assert helpers.writes(cloud) == []
    assert helpers.failed(cloud) == []


def test_a_vpc_that_terraform_gave_a_flow_log_meanwhile_is_left_alone(cloud: LocalAws) -> None:
    (vpc,), (record,) = create_vpcs(cloud, 1)
    give_flow_log(cloud, vpc, TrafficType="ALL")
    cloud.settle()

    helpers.deliver(cloud, record)

    assert helpers.silent(cloud)
    assert helpers.failed(cloud) == []
    assert [log["TrafficType"] for log in helpers.flow_logs(cloud, vpc)] == ["ALL"]


def test_a_flow_log_of_accepted_traffic_alone_is_not_enough(cloud: LocalAws) -> None:
    (vpc,), (record,) = create_vpcs(cloud, 1)
    with helpers.nobody_listening(cloud):
        give_flow_log(cloud, vpc, TrafficType="ACCEPT")

    helpers.deliver(cloud, record)

    assert {log["TrafficType"] for log in helpers.flow_logs(cloud, vpc)} == {"ACCEPT", "REJECT"}
    assert helpers.only(cloud).data["outcome"] == "repaired"


def test_a_created_flow_log_is_kept_as_a_baseline_and_put_back(cloud: LocalAws) -> None:
    (vpc,), _records = create_vpcs(cloud, 1)
    made = give_flow_log(cloud, vpc, TrafficType="ALL", MaxAggregationInterval=60, LogFormat="${srcaddr} ${action}")
    cloud.settle()
    assert helpers.silent(cloud)
    before = helpers.flow_logs(cloud, vpc)
    kept = helpers.baseline(cloud, f"arn:aws:ec2:{REGION}:123456789012:vpc/{vpc}")
    assert kept is not None
    assert kept["controls"] == {"vpc.flow-logs"}

    mallory(cloud, "ec2").delete_flow_logs(FlowLogIds=[made])
    cloud.settle()

    assert helpers.flow_logs(cloud, vpc) == before
    assert helpers.only(cloud).data["outcome"] == "repaired"


def test_a_flow_log_towards_a_strange_bucket_is_told(cloud: LocalAws, victim: Account) -> None:
    """The VPC is covered still, but somebody reads along."""
    give_flow_log(cloud, victim.vpc, TrafficType="ALL")
    cloud.settle()

    message = helpers.only(cloud)
    assert (message.data["outcome"], message.data["actor"]["name"]) == ("changed", "terraform")
    assert helpers.writes(cloud) == []


def test_an_unknown_flow_log_leads_to_the_uncovered_but_not_to_those_that_never_had_one(
    local_aws: LocalAws, victim: Account
) -> None:
    never = local_aws.client("ec2").create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"]
    cloud = helpers.set_to_work(local_aws)
    (vpc,), _records = create_vpcs(cloud, 1)
    with helpers.nobody_listening(cloud):
        made = give_flow_log(cloud, vpc, TrafficType="ALL")

    mallory(cloud, "ec2").delete_flow_logs(FlowLogIds=[made])
    cloud.settle()

    assert [log["TrafficType"] for log in helpers.flow_logs(cloud, vpc)] == ["REJECT"]
    assert helpers.flow_logs(cloud, never) == []
    assert len(helpers.flow_logs(cloud, victim.vpc)) == 1
    message = helpers.only(cloud)
    assert (message.data["resource"]["name"], message.data["actor"]["name"]) == (vpc, "mallory")
    assert "No baseline tells which VPC" in message.text
