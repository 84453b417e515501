"""Things beside the logging that Relight looks after, and ordinary work on them, which is nobody else's business.

The same API calls as an intruder's, mostly, but on the office's own bucket, log group, key, alarm and topic.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from local.account import Account
from local.cloud import LocalAws
from local.place import Session
from local.sabotage import trails
from local.settings import ACCOUNT, PARTITION, REGION
from tests.integration import snapshot

BUCKET, GROUP, ALARM, FILTER = "holiday-photos", "/office/app", "office-cpu", "office-errors"
KEY = "alias/office"
TOPIC = f"arn:{PARTITION}:sns:{REGION}:{ACCOUNT}:office-alerts"
OPEN = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), False)
READER = {
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:{PARTITION}:iam::{ACCOUNT}:role/office"},
    "Action": "s3:GetObject",
    "Resource": f"arn:{PARTITION}:s3:::{BUCKET}/*",
}
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [READER]})
QUICK = {"ID": "quick", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}

Work = Callable[[Session, Account], object]
SERVICES = ("s3", "logs", "kms", "cloudwatch", "sns")


def furnish(aws: LocalAws) -> None:
    """A bucket, a log group with a filter, a key, an alarm, a topic with a subscriber."""
    aws.client("s3").create_bucket(Bucket=BUCKET)
    aws.client("logs").create_log_group(logGroupName=GROUP)
    aws.client("logs").put_retention_policy(logGroupName=GROUP, retentionInDays=7)
    aws.client("logs").put_metric_filter(**_filter())
    key = aws.client("kms").create_key()["KeyMetadata"]["KeyId"]
    aws.client("kms").create_alias(AliasName=KEY, TargetKeyId=key)
    aws.client("kms").enable_key_rotation(KeyId=key)  # every key that is enabled rotates
    aws.client("sns").create_topic(Name=TOPIC.rpartition(":")[2])
    aws.client("sns").subscribe(TopicArn=TOPIC, Protocol="email", Endpoint="office@example.org")
    aws.client("cloudwatch").put_metric_alarm(**_alarm())


def shown(aws: LocalAws, service: str) -> Any:
    """What AWS shows of what they have of a service."""
    if service == "kms":
        return aws.client("kms").describe_key(KeyId=KEY)["KeyMetadata"]["KeyState"]
    part = snapshot.read(aws, service, BUCKET if service == "s3" else GROUP if service == "logs" else "")
    names = {"s3": BUCKET, "logs": GROUP, "sns": TOPIC, "cloudwatch": ALARM}
    return part.get("alarms", part).get(names[service])


def _filter(**changes: Any) -> dict[str, Any]:
    metric = {"metricName": "errors", "metricNamespace": "Office", "metricValue": "1"}
    own = {"logGroupName": GROUP, "filterName": FILTER, "filterPattern": "ERROR", "metricTransformations": [metric]}
    return {**own, **changes}


def _alarm(**changes: Any) -> dict[str, Any]:
    return {
        "AlarmName": ALARM,
        "MetricName": "CPUUtilization",
        "Namespace": "AWS/EC2",
        "Statistic": "Average",
        "Period": 300,
        "EvaluationPeriods": 1,
        "Threshold": 90.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "AlarmActions": [TOPIC],
        **changes,
    }


def _s3(method: str, **params: Any) -> Work:
    return lambda who, _victim: getattr(who.client("s3"), method)(Bucket=BUCKET, **params)


def _on(service: str, method: str, **params: Any) -> Work:
    return lambda who, _victim: getattr(who.client(service), method)(**params)


def _key(method: str, **params: Any) -> Work:
    def work(who: Session, _victim: Account) -> None:
        kms = who.client("kms")
        getattr(kms, method)(KeyId=kms.describe_key(KeyId=KEY)["KeyMetadata"]["KeyId"], **params)

    return work


def _unsubscribe(who: Session, _victim: Account) -> None:
    sns = who.client("sns")
    for each in sns.list_subscriptions_by_topic(TopicArn=TOPIC)["Subscriptions"]:
        sns.unsubscribe(SubscriptionArn=each["SubscriptionArn"])


def _the_same_trail(who: Session, victim: Account) -> None:
    """As a tool does that sends everything each time."""
    who.client("cloudtrail").update_trail(
        Name=victim.trail,
        IsMultiRegionTrail=True,
        IncludeGlobalServiceEvents=True,
        EnableLogFileValidation=True,
        KmsKeyId=victim.key_arn,
    )


def _the_same_versioning(who: Session, victim: Account) -> None:
    who.client("s3").put_bucket_versioning(Bucket=victim.trail_bucket, VersioningConfiguration={"Status": "Enabled"})


# By name, with the service that it changes; none where it sets what is set already.
WORK: dict[str, tuple[str, Work]] = {
    "access logging off": ("s3", _s3("put_bucket_logging", BucketLoggingStatus={})),
    "public access": ("s3", _s3("put_public_access_block", PublicAccessBlockConfiguration=OPEN)),
    "public access unset": ("s3", _s3("delete_public_access_block")),
    "versioning on": ("s3", _s3("put_bucket_versioning", VersioningConfiguration={"Status": "Enabled"})),
    "versioning off": ("s3", _s3("put_bucket_versioning", VersioningConfiguration={"Status": "Suspended"})),
    "encryption off": ("s3", _s3("delete_bucket_encryption")),
    "a policy": ("s3", _s3("put_bucket_policy", Policy=POLICY)),
    "no policy": ("s3", _s3("delete_bucket_policy")),
    "quick expiry": ("s3", _s3("put_bucket_lifecycle_configuration", LifecycleConfiguration={"Rules": [QUICK]})),
    "no expiry": ("s3", _s3("delete_bucket_lifecycle")),
    "tags": ("s3", _s3("put_bucket_tagging", Tagging={"TagSet": [{"Key": "owner", "Value": "office"}]})),
    "a day's logs": ("logs", _on("logs", "put_retention_policy", logGroupName=GROUP, retentionInDays=1)),
    "a month's logs": ("logs", _on("logs", "put_retention_policy", logGroupName=GROUP, retentionInDays=30)),
    "another filter": ("logs", _on("logs", "put_metric_filter", **_filter(filterPattern="FATAL"))),
    "no filter": ("logs", _on("logs", "delete_metric_filter", logGroupName=GROUP, filterName=FILTER)),
    "a group": ("logs", _on("logs", "create_log_group", logGroupName="/office/other")),
    "a group gone": ("logs", _on("logs", "delete_log_group", logGroupName="/office/other")),
    "key off": ("kms", _key("disable_key")),
    "key on": ("kms", _key("enable_key")),
    "another threshold": ("cloudwatch", _on("cloudwatch", "put_metric_alarm", **_alarm(Threshold=1e9))),
    "the threshold": ("cloudwatch", _on("cloudwatch", "put_metric_alarm", **_alarm())),
    "alarm off": ("cloudwatch", _on("cloudwatch", "disable_alarm_actions", AlarmNames=[ALARM])),
    "no alarm": ("cloudwatch", _on("cloudwatch", "delete_alarms", AlarmNames=[ALARM])),
    "unsubscribed": ("sns", _unsubscribe),
    "subscribed": ("sns", _on("sns", "subscribe", TopicArn=TOPIC, Protocol="email", Endpoint="office@example.org")),
    "the same trail": ("", _the_same_trail),
    "the same versioning": ("", _the_same_versioning),
    "the same reader": ("", lambda who, _victim: trails.subscribe(who)),
    "the trail starts": ("", lambda who, victim: who.client("cloudtrail").start_logging(Name=victim.trail)),
    "the recorder starts": ("", _on("config", "start_configuration_recorder", ConfigurationRecorderName="default")),
}
