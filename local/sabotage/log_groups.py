"""Log groups whose retention is cut, and whose key is taken away or another one's."""

from typing import Any

from local.account import FLOW_LOG_GROUP, Account
from local.cloud import LocalAws
from local.place import Session
from local.sabotage.model import Sabotage
from local.settings import PARTITION, REGION

STRANGERS_KEY = f"arn:{PARTITION}:kms:{REGION}:666666666666:key/5f0c3a7e-9d21-4b86-8e4f-1a2b3c4d5e6f"


def furnish(aws: LocalAws, victim: Account) -> None:
    """The flow logs' group keeps what it holds for more than the standard's year, encrypted with the trail's key."""
    logs = aws.client("logs")
    logs.put_retention_policy(logGroupName=FLOW_LOG_GROUP, retentionInDays=400)
    logs.associate_kms_key(logGroupName=FLOW_LOG_GROUP, kmsKeyId=victim.key_arn)


def _proof(aws: LocalAws, _victim: Account) -> Any:
    """The group, its retention and its key."""
    groups = aws.client("logs").describe_log_groups(logGroupNamePrefix=FLOW_LOG_GROUP)["logGroups"]
    return [(group["logGroupName"], group.get("retentionInDays"), group.get("kmsKeyId")) for group in groups]


def _cut(_aws: LocalAws, intruder: Session, _victim: Account) -> None:
    intruder.client("logs").put_retention_policy(logGroupName=FLOW_LOG_GROUP, retentionInDays=1)


def _bare(_aws: LocalAws, intruder: Session, _victim: Account) -> None:
    intruder.client("logs").disassociate_kms_key(logGroupName=FLOW_LOG_GROUP)


def _hold_hostage(_aws: LocalAws, intruder: Session, _victim: Account) -> None:
    intruder.client("logs").associate_kms_key(logGroupName=FLOW_LOG_GROUP, kmsKeyId=STRANGERS_KEY)


SABOTAGES: tuple[Sabotage, ...] = (
    Sabotage("logs.retention", "PutRetentionPolicy", "flow logs expire after a day", _cut, _proof),
    Sabotage("logs.encryption", "DisassociateKmsKey", "flow logs lose their key", _bare, _proof),
    Sabotage("logs.encryption", "AssociateKmsKey", "a stranger's key holds flow logs hostage", _hold_hostage, _proof),
)
