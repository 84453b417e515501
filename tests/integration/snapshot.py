"""What AWS shows of an account's logging and of the things beside it: comparable, without ids and moments that change.

By service, named as boto3 names it, so that the part that a call can have changed can be read alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from local.cloud import LocalAws
from local.settings import ACCOUNT

Shown = dict[str, Any]
# Method and key of what S3 shows of a bucket.
PARTS = {
    "logging": ("get_bucket_logging", "LoggingEnabled"),
    "public access": ("get_public_access_block", "PublicAccessBlockConfiguration"),
    "encryption": ("get_bucket_encryption", "ServerSideEncryptionConfiguration"),
    "versioning": ("get_bucket_versioning", "Status"),
    "replication": ("get_bucket_replication", "ReplicationConfiguration"),
    "lifecycle": ("get_bucket_lifecycle_configuration", "Rules"),
    "policy": ("get_bucket_policy", "Policy"),
    "tags": ("get_bucket_tagging", "TagSet"),
}


def read(aws: LocalAws, service: str, only: str = "") -> Shown:
    """A service's part of the account; `only`: of S3, one bucket; of CloudWatch Logs, one group; one alarm."""
    return READERS[service](aws, only)


def everything(aws: LocalAws) -> Shown:
    """Every service's part."""
    return {service: read(aws, service) for service in READERS}


def differences(before: Any, after: Any, path: str = "") -> list[str]:
    """Where two snapshots differ, as ``service.name.field: before, then after``."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        keys = sorted(before.keys() | after.keys())
        return [
            line for key in keys for line in differences(before.get(key), after.get(key), f"{path}.{key}".strip("."))
        ]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return differences(dict(enumerate(before)), dict(enumerate(after)), path)
    return [] if before == after else [f"{path}: {before!r:.300}, then {after!r:.300}"]


def _cloudtrail(aws: LocalAws, _only: str) -> Shown:
    client = aws.client("cloudtrail")
    return {
        trail["Name"]: {
            **{name: value for name, value in trail.items() if value != ""},  # dropped is as good as never set
            "IsLogging": client.get_trail_status(Name=trail["TrailARN"])["IsLogging"],
            "selectors": _or_none(client.get_event_selectors, TrailName=trail["TrailARN"]),
            "insights": _or_none(client.get_insight_selectors, TrailName=trail["TrailARN"]),
            "tags": client.list_tags(ResourceIdList=[trail["TrailARN"]])["ResourceTagList"][0]["TagsList"],
        }
        for trail in client.describe_trails(includeShadowTrails=False)["trailList"]
    }


def _logs(aws: LocalAws, only: str) -> Shown:
    client = aws.client("logs")
    return {
        group["logGroupName"]: {
            "retention": group.get("retentionInDays"),
            "key": group.get("kmsKeyId"),
            "subscribers": [
                {**each, "creationTime": 0}
                for each in client.describe_subscription_filters(logGroupName=group["logGroupName"])[
                    "subscriptionFilters"
                ]
            ],
            "filters": {
                each["filterName"]: each
                for each in client.describe_metric_filters(logGroupName=group["logGroupName"])["metricFilters"]
            },
        }
        for group in client.describe_log_groups(**{"logGroupNamePrefix": only} if only else {})["logGroups"]
        if only in ("", group["logGroupName"])
    }


def _ec2(aws: LocalAws, _only: str) -> Shown:
    client = aws.client("ec2")
    logs: dict[str, list[Shown]] = {each["VpcId"]: [] for each in client.describe_vpcs()["Vpcs"]}
    for log in client.describe_flow_logs()["FlowLogs"]:
        shown = {name: value for name, value in log.items() if name not in ("FlowLogId", "CreationTime")}
        logs.setdefault(log["ResourceId"], []).append(shown)
    return {vpc: sorted(on_it, key=str) for vpc, on_it in logs.items()}


def _s3(aws: LocalAws, only: str) -> Shown:
    client = aws.client("s3")
    names = [each["Name"] for each in client.list_buckets()["Buckets"]]
    return {name: _bucket(client, name) for name in names if only in ("", name)}


def _bucket(client: Any, name: str) -> Shown:
    parts = {part: _or_none(getattr(client, method), Bucket=name) for part, (method, _) in PARTS.items()}
    shown = {part: (parts[part] or {}).get(key) for part, (_, key) in PARTS.items()}
    return {**shown, "policy": json.loads(shown["policy"]) if shown["policy"] else None}


def _account(aws: LocalAws, _only: str) -> Shown:
    shown = _or_none(aws.client("s3control").get_public_access_block, AccountId=ACCOUNT) or {}
    return {"public access": shown.get("PublicAccessBlockConfiguration")}


def _kms(aws: LocalAws, _only: str) -> Shown:
    client = aws.client("kms")
    return {
        key: {
            "state": client.describe_key(KeyId=key)["KeyMetadata"]["KeyState"],
            "rotates": client.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"],
            "policy": json.loads(client.get_key_policy(KeyId=key, PolicyName="default")["Policy"]),
        }
        for key in sorted(each["KeyId"] for each in client.list_keys()["Keys"])
    }


def _config(aws: LocalAws, _only: str) -> Shown:
    client = aws.client("config")
    status = client.describe_configuration_recorder_status()["ConfigurationRecordersStatus"]
    return {
        "recorders": client.describe_configuration_recorders()["ConfigurationRecorders"],
        "channels": client.describe_delivery_channels()["DeliveryChannels"],
        "recording": {each["name"]: each["recording"] for each in status},
    }


def _cloudwatch(aws: LocalAws, only: str) -> Shown:
    client = aws.client("cloudwatch")
    alarms = {
        each["AlarmName"]: {
            key: value for key, value in each.items() if not key.startswith("State") and "Timestamp" not in key
        }
        for each in client.describe_alarms(**{"AlarmNames": [only]} if only else {})["MetricAlarms"]
    }
    return {"alarms": alarms, "mutes": client.list_alarm_mute_rules()["AlarmMuteRuleSummaries"]}


def _sns(aws: LocalAws, _only: str) -> Shown:
    client = aws.client("sns")
    topics = [each["TopicArn"] for each in client.list_topics()["Topics"]]
    listeners: dict[str, list[str]] = {topic: [] for topic in topics}
    for each in client.list_subscriptions()["Subscriptions"]:
        shown = _or_none(client.get_subscription_attributes, SubscriptionArn=each["SubscriptionArn"]) or {}
        picked = shown.get("Attributes", {}).get("FilterPolicy", "{}")
        listeners.setdefault(each["TopicArn"], []).append(f"{each['Protocol']} {each['Endpoint']} {picked}")
    policies = {topic: client.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"] for topic in topics}
    return {topic: {"heard by": sorted(heard), "policy": policies.get(topic)} for topic, heard in listeners.items()}


def _or_none(method: Callable[..., Any], **params: Any) -> Shown | None:
    """The answer without what is about the request; None where AWS says that there is none."""
    try:
        return {**method(**params), "ResponseMetadata": None}
    except ClientError:
        return None


READERS: Mapping[str, Callable[[LocalAws, str], Shown]] = {
    "cloudtrail": _cloudtrail,
    "logs": _logs,
    "ec2": _ec2,
    "s3": _s3,
    "s3control": _account,
    "kms": _kms,
    "config": _config,
    "cloudwatch": _cloudwatch,
    "sns": _sns,
}
