"""Trails stopped, weakened, redirected and deleted, and those that read them cut off."""

from typing import Any

from local import account
from local.account import Account
from local.cloud import LocalAws
from local.place import Session
from local.sabotage.model import Sabotage
from local.settings import ACCOUNT, PARTITION, REGION

ELSEWHERE = "nobody-looks-here"
SUBSCRIBER = "security-events"
FILTER = "to-the-siem"


def furnish(aws: LocalAws, victim: Account) -> None:
    """What the trail must have again after it was deleted: tags, all accounts, a SIEM that subscribes to its log group.

    moto asks nobody whether the account may make a trail the organisation's, and makes it in no other account.
    """
    aws.client("cloudtrail").update_trail(Name=victim.trail, IsOrganizationTrail=True)
    aws.client("cloudtrail").add_tags(ResourceId=victim.trail_arn, TagsList=[{"Key": "owner", "Value": "security"}])
    aws.client("s3").create_bucket(Bucket=ELSEWHERE)
    aws.client("kinesis").create_stream(StreamName=SUBSCRIBER, ShardCount=1)
    subscribe(aws)


def subscribe(session: LocalAws | Session, **changes: str) -> None:
    """Puts the SIEM's filter, as it should be but for the changes."""
    wanted = {
        "logGroupName": account.TRAIL_LOG_GROUP,
        "filterName": FILTER,
        "filterPattern": '{ $.userIdentity.type = "Root" }',
        "destinationArn": f"arn:{PARTITION}:kinesis:{REGION}:{ACCOUNT}:stream/{SUBSCRIBER}",
        "roleArn": f"arn:{PARTITION}:iam::{ACCOUNT}:role/{account.TRAIL_LOGS_ROLE}",
    }
    session.client("logs").put_subscription_filter(**wanted | changes)


def proof(aws: LocalAws, victim: Account) -> Any:
    """The trail, whether it logs, what it logs, its tags, and who subscribes to it; nothing where it is gone."""
    cloudtrail = aws.client("cloudtrail")
    trails = cloudtrail.describe_trails(includeShadowTrails=False)["trailList"]
    return [
        {
            **{name: value for name, value in trail.items() if value != ""},  # dropped is as good as never set
            "IsLogging": cloudtrail.get_trail_status(Name=trail["TrailARN"])["IsLogging"],
            "Tags": cloudtrail.list_tags(ResourceIdList=[trail["TrailARN"]])["ResourceTagList"][0]["TagsList"],
            "Subscribers": _subscribers(aws),
        }
        for trail in trails
        if trail["Name"] == victim.trail
    ]


def _subscribers(aws: LocalAws) -> Any:
    """The filters of the trail's log group, without the moment of their creation; nothing where the group is gone."""
    logs = aws.client("logs")
    groups = logs.describe_log_groups(logGroupNamePrefix=account.TRAIL_LOG_GROUP)["logGroups"]
    filters = [logs.describe_subscription_filters(logGroupName=each["logGroupName"]) for each in groups]
    return [each | {"creationTime": 0} for shown in filters for each in shown["subscriptionFilters"]]


def _update(**changes: Any) -> Any:
    def commit(_aws: LocalAws, intruder: Session, victim: Account) -> None:
        intruder.client("cloudtrail").update_trail(Name=victim.trail, **changes)

    return commit


def _stop(_aws: LocalAws, intruder: Session, victim: Account) -> None:
    intruder.client("cloudtrail").stop_logging(Name=victim.trail)


def _delete(_aws: LocalAws, intruder: Session, victim: Account) -> None:
    intruder.client("cloudtrail").delete_trail(Name=victim.trail)


def _delete_group(_aws: LocalAws, intruder: Session, _victim: Account) -> None:
    intruder.client("logs").delete_log_group(logGroupName=account.TRAIL_LOG_GROUP)


def _unsubscribe(_aws: LocalAws, intruder: Session, _victim: Account) -> None:
    intruder.client("logs").delete_subscription_filter(logGroupName=account.TRAIL_LOG_GROUP, filterName=FILTER)


def _narrow(_aws: LocalAws, intruder: Session, _victim: Account) -> None:
    """The filter stays, and lets next to nothing through."""
    subscribe(intruder, filterPattern="nothing")


SABOTAGES: tuple[Sabotage, ...] = (
    Sabotage("trail.logging", "StopLogging", "the trail stops", _stop, proof),
    Sabotage("trail.exists", "DeleteTrail", "the trail is deleted", _delete, proof),
    Sabotage(
        "trail.log-file-validation",
        "UpdateTrail",
        "no digests prove the log files",
        _update(EnableLogFileValidation=False),
        proof,
    ),
    Sabotage("trail.kms-encryption", "UpdateTrail", "log files lose their key", _update(KmsKeyId=""), proof),
    Sabotage(
        "trail.multi-region",
        "UpdateTrail",
        "the trail sees one Region only",
        _update(IsMultiRegionTrail=False, IncludeGlobalServiceEvents=False),
        proof,
    ),
    Sabotage(
        "trail.multi-region",
        "UpdateTrail",
        "the organisation's trail sees one account only",
        _update(IsOrganizationTrail=False),
        proof,
    ),
    Sabotage(
        "trail.destination",
        "UpdateTrail",
        "log files go where nobody looks",
        _update(S3BucketName=ELSEWHERE, S3KeyPrefix="lost"),
        proof,
    ),
    Sabotage(
        "trail.cloudwatch-logs",
        "UpdateTrail",
        "no alarm hears of the trail",
        _update(CloudWatchLogsLogGroupArn="", CloudWatchLogsRoleArn=""),
        proof,
    ),
    Sabotage("trail.cloudwatch-logs", "DeleteLogGroup", "the trail's log group is gone", _delete_group, proof),
    Sabotage("trail.cloudwatch-logs", "DeleteSubscriptionFilter", "the SIEM hears nothing", _unsubscribe, proof),
    Sabotage("trail.cloudwatch-logs", "PutSubscriptionFilter", "the SIEM hears next to nothing", _narrow, proof),
)
