"""Log groups deleted, their retention cut."""

from typing import Any

from local.account import FLOW_LOG_GROUP, Account
from local.cloud import LocalAws
from local.place import Session
from local.sabotage.model import Sabotage


def furnish(aws: LocalAws, _victim: Account) -> None:
    """The flow logs' group keeps what it holds for more than the standard's year."""
    aws.client("logs").put_retention_policy(logGroupName=FLOW_LOG_GROUP, retentionInDays=400)


def _proof(aws: LocalAws, _victim: Account) -> Any:
    """The group and its retention."""
    groups = aws.client("logs").describe_log_groups(logGroupNamePrefix=FLOW_LOG_GROUP)["logGroups"]
    return [(group["logGroupName"], group.get("retentionInDays")) for group in groups]


def _cut(_aws: LocalAws, intruder: Session, _victim: Account) -> None:
    intruder.client("logs").put_retention_policy(logGroupName=FLOW_LOG_GROUP, retentionInDays=1)


SABOTAGES: tuple[Sabotage, ...] = (
    Sabotage("logs.retention", "PutRetentionPolicy", "flow logs expire after a day", _cut, _proof),
)
