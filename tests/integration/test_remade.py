"""A log group that was deleted and made again by whoever writes to it, before Relight looked, is as it was again."""

from __future__ import annotations

from typing import Any

import pytest

from local import account
from local.account import Account
from local.cloud import LocalAws
from local.sabotage import log_groups
from local.settings import ACCOUNT, PARTITION, REGION
from tests.integration import helpers
from tests.integration.helpers import mallory

GROUP = account.FLOW_LOG_GROUP
ARN = f"arn:{PARTITION}:logs:{REGION}:{ACCOUNT}:log-group:{GROUP}"


@pytest.fixture
def cloud(local_aws: LocalAws, victim: Account, monkeypatch: pytest.MonkeyPatch) -> LocalAws:
    """The flow logs' group has a retention and a key."""
    helpers.hurry(monkeypatch)
    log_groups.furnish(local_aws, victim)
    return helpers.set_to_work(local_aws)


def shown(aws: LocalAws) -> dict[str, Any]:
    (group,) = aws.client("logs").describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"]
    return dict(group)


def replaced(aws: LocalAws) -> helpers.Record:
    """The record of the deletion; by now the flow logs' role, which may make log groups, has made the group again."""
    with helpers.nobody_listening(aws):
        mallory(aws, "logs").delete_log_group(logGroupName=GROUP)
        aws.actor("flow-logs").client("logs").create_log_group(logGroupName=GROUP)
    (record,) = helpers.records(aws, "DeleteLogGroup")
    return record


def is_whole(aws: LocalAws, victim: Account) -> bool:
    group, baseline = shown(aws), helpers.baseline(aws, ARN) or {}
    assert (group["retentionInDays"], group["kmsKeyId"]) == (400, victim.key_arn)
    assert (baseline["retention_days"], baseline["kms_key"]) == (400, victim.key_arn)
    assert baseline["created"] == group["creationTime"]
    return True


def test_by_its_event(cloud: LocalAws, victim: Account) -> None:
    record = replaced(cloud)
    assert shown(cloud).keys().isdisjoint({"retentionInDays", "kmsKeyId"})

    helpers.deliver(cloud, record)

    assert is_whole(cloud, victim)
    assert helpers.failed(cloud) == []
    assert helpers.writes(cloud) == ["log_group: PutRetentionPolicy", "log_group: AssociateKmsKey"]
    (told,) = (m for m in cloud.notifications if m.data["resource"]["name"] == GROUP)
    assert (told.data["actor"]["name"], told.outcome) == ("mallory", "repaired")
    assert helpers.drifts(told, "logs.retention") == {"retentionInDays": (0, 400)}
    assert helpers.drifts(told, "logs.encryption") == {"kmsKeyId": ("", victim.key_arn)}
    cloud.forget()

    helpers.deliver(cloud, record)
    assert helpers.silent(cloud)


def test_by_the_sweep(cloud: LocalAws, victim: Account) -> None:
    replaced(cloud)

    helpers.sweep(cloud)

    assert is_whole(cloud, victim)
    (digest,) = (m.data["sweep"] for m in cloud.notifications if "sweep" in m.data)
    assert digest["repaired"] == {ARN: ["logs.retention", "logs.encryption"]}


def test_where_relight_itself_makes_it_again(cloud: LocalAws, victim: Account) -> None:
    """Of the functions that look, one knows only that its flow logs need the group, and may be the first."""
    mallory(cloud, "logs").delete_log_group(logGroupName=GROUP)
    cloud.settle()

    assert is_whole(cloud, victim)
    assert helpers.failed(cloud) == []


def test_a_group_that_somebody_set_anew_is_left_so(cloud: LocalAws) -> None:
    with helpers.nobody_listening(cloud):
        terraform = cloud.actor("terraform").client("logs")
        terraform.delete_log_group(logGroupName=GROUP)
        terraform.create_log_group(logGroupName=GROUP, kmsKeyId=shown_key(cloud))
        terraform.put_retention_policy(logGroupName=GROUP, retentionInDays=731)

    helpers.sweep(cloud)

    assert helpers.writes(cloud) == []
    assert shown(cloud)["retentionInDays"] == 731
    assert (helpers.baseline(cloud, ARN) or {})["retention_days"] == 731


def shown_key(aws: LocalAws) -> str:
    return str((helpers.baseline(aws, ARN) or {})["kms_key"])
