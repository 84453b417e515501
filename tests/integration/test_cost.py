"""`relight cost` reads an account's volumes on the local AWS.

Metrics of AWS's own are put into moto's memory, for its PutMetricData takes them as a customer's; AWS's does not. What
moto lacks, metrics configurations of buckets, stands in tests/unit/test_volumes.py.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import Result

from local import account
from local.account import Account
from local.cloud import LocalAws
from local.operate.volumes import GB
from local.settings import ACCOUNT, PARTITION, REGION
from tests.integration import helpers

COPIES = "Further copies of management events"
DELIVERED = "Flow logs, delivered"


def cost(aws: LocalAws, *arguments: str) -> Result:
    return helpers.run(aws, "cost", *arguments)


def lines(result: Result) -> dict[str, dict[str, Any]]:
    """What was estimated, by what it is."""
    return {line["what"]: line for line in json.loads(result.output)["lines"]}


def count(aws: LocalAws, metric: str, group: str, *sums: float) -> None:
    """What CloudWatch Logs says of a log group for the last whole days."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    aws.client("cloudwatch").put_metric_data(
        Namespace="AWS/Logs",
        MetricData=[
            {
                "MetricName": metric,
                "Dimensions": [{"Name": "LogGroupName", "Value": group}],
                "Timestamp": midnight - timedelta(days=age),
                "Value": each,
            }
            for age, each in enumerate(sums, 1)
        ],
    )


def add_vpc(aws: LocalAws, interfaces: int) -> str:
    """A VPC without a flow log."""
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.30.0.0/16")["Vpc"]["VpcId"]
    add_interfaces(aws, vpc, interfaces, "10.30.1.0/24")
    return str(vpc)


def add_interfaces(aws: LocalAws, vpc: str, number: int, block: str) -> None:
    ec2 = aws.client("ec2")
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=block)["Subnet"]["SubnetId"]
    for _ in range(number):
        ec2.create_network_interface(SubnetId=subnet)


def add_trail(aws: LocalAws) -> None:
    aws.client("cloudtrail").create_trail(Name="second", S3BucketName=account.TRAIL_BUCKET)


def test_an_account_that_logs_already_would_pay_for_nothing_more(local_aws: LocalAws, victim: Account) -> None:
    result = cost(local_aws, "--s3-requests", "0", "--output", "json")

    assert result.exit_code == 0, result.output
    found = lines(result)
    assert (found[COPIES]["amount"], found[COPIES]["source"]) == (
        0,
        f"read: 1 trail for management events: {victim.trail}",
    )
    assert (found[DELIVERED]["amount"], "none of 2 VPCs" in found[DELIVERED]["source"]) == (0, True)
    assert json.loads(result.output)["usd"] == 0


@pytest.mark.usefixtures("victim")
def test_a_second_trail_costs_what_the_first_ones_log_group_counts(local_aws: LocalAws) -> None:
    add_trail(local_aws)
    unknown = cost(local_aws, "--s3-requests", "0", "--output", "json")
    assert (unknown.exit_code, lines(unknown)[COPIES]["amount"]) == (1, None)
    assert "--management-events N" in lines(unknown)[COPIES]["source"]

    count(local_aws, "IncomingLogEvents", account.TRAIL_LOG_GROUP, 9_000, 11_000)
    read = cost(local_aws, "--s3-requests", "0", "--output", "json")

    assert read.exit_code == 0, read.output
    found = lines(read)[COPIES]
    assert (found["amount"], found["usd"]) == (300_000, 6.00)
    assert f"IncomingLogEvents of {account.TRAIL_LOG_GROUP}, 2 days; data events are among them" in found["source"]


def test_vpcs_without_a_flow_log_are_judged_by_those_that_have_one(local_aws: LocalAws, victim: Account) -> None:
    dark = add_vpc(local_aws, interfaces=3)
    assumed = lines(cost(local_aws, "--output", "json"))[DELIVERED]
    assert (assumed["amount"], "0.1 GB each, assumed" in assumed["source"]) == (pytest.approx(0.3), True)

    add_interfaces(local_aws, victim.vpc, 2, "10.20.1.0/24")
    count(local_aws, "IncomingBytes", account.FLOW_LOG_GROUP, *[2 * GB] * 30)
    measured = lines(cost(local_aws, "--output", "json"))[DELIVERED]
    assert measured["amount"] == pytest.approx(3 * 60 / 2)
    assert "3 network interfaces in 1 VPC without a flow log; 30 GB each" in measured["source"]
    assert "of 2 interfaces, 30 days, ALL" in measured["source"]

    said = lines(cost(local_aws, "--gb-per-interface", "2", "--output", "json"))[DELIVERED]
    assert (said["amount"], "2 GB each, given" in said["source"]) == (6, True)

    local_aws.client("ec2").create_flow_logs(
        ResourceIds=[dark],
        ResourceType="VPC",
        TrafficType="REJECT",
        LogGroupName="/example/other",
        DeliverLogsPermissionArn=f"arn:{PARTITION}:iam::{ACCOUNT}:role/{account.FLOW_LOGS_ROLE}",
    )
    assert lines(cost(local_aws, "--output", "json"))[DELIVERED]["amount"] == 0


@pytest.mark.usefixtures("victim")
def test_what_cannot_be_known_is_said_and_makes_the_estimate_incomplete(local_aws: LocalAws) -> None:
    local_aws.client("ec2").create_vpc_endpoint(VpcId=account.VPC, ServiceName=f"com.amazonaws.{REGION}.s3")

    result = cost(local_aws)

    assert result.exit_code == 1, result.output
    assert "not known: requests to" in result.output
    assert f"{account.TRAIL_BUCKET} (no request metrics)" in " ".join(result.output.split())
    assert "At least 0.00 US dollars a month: 2 of 5 volumes are not known." in result.output


@pytest.mark.usefixtures("victim")
@pytest.mark.parametrize(
    ("action", "what"),
    [
        ("ec2:DescribeNetworkInterfaces", DELIVERED),
        ("cloudtrail:GetEventSelectors", COPIES),
        ("ec2:DescribeVpcEndpoints", "Network activity events (denied)"),
    ],
)
def test_a_read_that_is_refused_is_unknown_and_the_others_go_on(local_aws: LocalAws, action: str, what: str) -> None:
    add_vpc(local_aws, interfaces=1)

    with local_aws.refuse(None, action):
        result = cost(local_aws, "--s3-requests", "1000000", "--output", "json")

    assert result.exit_code == 1, result.output
    found = lines(result)
    assert found[what]["amount"] is None
    assert f"{action}: AccessDeniedException" in found[what]["source"]
    assert found["S3 data events"]["usd"] == 1.00
    unknown = {name for name, line in found.items() if line["amount"] is None}
    assert unknown == {what} | ({"Flow logs, kept"} if what == DELIVERED else set())
