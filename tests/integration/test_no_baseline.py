"""What somebody adds or swaps while all controls stay met is told, becomes no baseline, and is never put back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local import account
from local.account import Account
from local.cloud import LocalAws
from local.settings import ACCOUNT, PARTITION
from tests.integration import helpers
from tests.integration.helpers import mallory


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    helpers.hurry(monkeypatch)


def swept(aws: LocalAws) -> dict[str, list[str]]:
    """What the sweep says is weaker than its baseline."""
    aws.forget()
    helpers.sweep(aws)
    (found,) = [message.data["sweep"].get("weaker", {}) for message in aws.notifications if message.outcome == "swept"]
    aws.forget()
    return dict(found)


def kept(aws: LocalAws, arn: str) -> dict[str, Any]:
    baseline = helpers.baseline(aws, arn)
    assert baseline
    return baseline


def test_a_subscription_filter(cloud: LocalAws, victim: Account) -> None:
    kinesis = cloud.client("kinesis")
    kinesis.create_stream(StreamName="evil", ShardCount=1)
    mine = {"logGroupName": account.TRAIL_LOG_GROUP, "filterName": "evil"}
    mallory(cloud, "logs").put_subscription_filter(
        **mine,
        filterPattern="",
        destinationArn=kinesis.describe_stream(StreamName="evil")["StreamDescription"]["StreamARN"],
        roleArn=f"arn:{PARTITION}:iam::{ACCOUNT}:role/{account.TRAIL_LOGS_ROLE}",
    )
    cloud.settle()
    (told,) = cloud.notifications
    assert (told.data["actor"]["name"].rpartition(":")[2], told.outcome) == (account.INTRUDER, "changed")
    assert [(f["control"], f["cause"], f["outcome"]) for f in told.data["findings"]] == [
        ("trail.baseline", "taken-away", "changed")
    ]
    assert helpers.writes(cloud) == []
    assert swept(cloud) == {victim.trail_arn: ["SubscriptionFilter"]}
    assert kept(cloud, victim.trail_arn)["subscription_filters"] == []

    cloud.actor("owner").client("logs").delete_subscription_filter(**mine)
    cloud.settle()

    shown = cloud.client("logs").describe_subscription_filters(logGroupName=account.TRAIL_LOG_GROUP)
    assert shown["subscriptionFilters"] == []
    assert swept(cloud) == {}


def test_a_bucket_policy(cloud: LocalAws, victim: Account) -> None:
    arn = f"arn:{PARTITION}:s3:::{victim.trail_bucket}"
    s3, what = cloud.client("s3"), f"{arn}/*"
    policy = json.loads(s3.get_bucket_policy(Bucket=victim.trail_bucket)["Policy"])
    keep = {"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject*", "Resource": what}
    s3.put_bucket_policy(
        Bucket=victim.trail_bucket, Policy=json.dumps({**policy, "Statement": [*policy["Statement"], keep]})
    )
    cloud.settle()
    assert swept(cloud) == {}
    cloud.forget()

    mallory(cloud, "s3").put_bucket_policy(Bucket=victim.trail_bucket, Policy=json.dumps(policy))
    cloud.settle()

    message = helpers.only(cloud)
    assert (message.outcome, message.data["actor"]["name"]) == ("changed", "mallory")
    assert helpers.drifts(message, "bucket.baseline")["Deny"] == ("", keep)
    assert "s3:DeleteObject*" in kept(cloud, arn)["policy"]
    assert swept(cloud) == {arn: ["Deny"]}


def test_a_flow_log(cloud: LocalAws, victim: Account) -> None:
    """One that records hardly anything takes the place of the one that there was."""
    arn = f"arn:{PARTITION}:ec2:us-east-1:{ACCOUNT}:vpc/{victim.vpc}"
    before = kept(cloud, arn)["flow_logs"]
    (was,) = helpers.flow_logs(cloud, victim.vpc)
    ec2 = mallory(cloud, "ec2")
    with helpers.nobody_listening(cloud):
        ec2.delete_flow_logs(FlowLogIds=[victim.flow_log])
        ec2.create_flow_logs(
            ResourceIds=[victim.vpc],
            ResourceType="VPC",
            TrafficType=was["TrafficType"],
            LogGroupName=was["LogGroupName"],
            DeliverLogsPermissionArn=was["DeliverLogsPermissionArn"],
            LogFormat="${srcaddr}",
        )
    assert swept(cloud) == {arn: ["FlowLogs"]}
    assert kept(cloud, arn)["flow_logs"] == before
