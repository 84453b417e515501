"""Calls that a VPC endpoint denies: nothing is broken, and nothing can be repaired, so they are told.

moto has no endpoint policies, so nothing here is called: the events are given to EventBridge as CloudTrail would, with
the shapes that its documentation shows of foreign principals (type, principalId and accountId) and of the account's own
(https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-network-events-with-cloudtrail.html).
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from local import cloudtrail
from local.account import INTRUDER_ADDRESS, Account
from local.cloud import LocalAws
from local.place import Session
from local.sabotage.model import Sabotage
from local.settings import ACCOUNT, REGION

ENDPOINT = "vpce-0a1b2c3d4e5f67890"
STRANGERS = "210987654321"


def furnish(aws: LocalAws, victim: Account) -> None:
    """Nothing: the events come from elsewhere."""


def proof(_aws: LocalAws, _victim: Account) -> Any:
    """The same, always."""
    return "a denied call changes nothing"


def _denied(source: str, event: str, identity: Callable[[dict[str, str]], dict[str, str]]) -> Any:
    def commit(aws: LocalAws, intruder: Session, _victim: Account) -> None:
        record = _record(source, event, identity(intruder.client("sts").get_caller_identity()))
        aws.records.append(record)
        aws.post(cloudtrail.event(record))

    return commit


def _record(source: str, event: str, identity: dict[str, str]) -> dict[str, Any]:
    return {
        "eventVersion": "1.11",
        "userIdentity": identity,
        "eventTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": f"{source}.amazonaws.com",
        "eventName": event,
        "awsRegion": REGION,
        "sourceIPAddress": INTRUDER_ADDRESS,
        "errorCode": "VpceAccessDenied",
        "errorMessage": "The request was denied due to a VPC endpoint policy",
        "requestParameters": None,
        "responseElements": None,
        "requestID": str(uuid4()),
        "eventID": str(uuid4()),
        "eventType": "AwsVpceEvent",
        "recipientAccountId": ACCOUNT,
        "vpcEndpointId": ENDPOINT,
        "vpcEndpointAccountId": ACCOUNT,
        "eventCategory": "NetworkActivity",
    }


def _own(caller: dict[str, str]) -> dict[str, str]:
    return {
        "type": "IAMUser",
        "principalId": caller["UserId"],
        "arn": caller["Arn"],
        "accountId": caller["Account"],
    }


def _strangers(caller: dict[str, str]) -> dict[str, str]:
    """A role of another account, whose session bears the intruder's name."""
    return {
        "type": "AWSAccount",
        "principalId": f"AROAEXAMPLEELSEWHERE1:{caller['Arn'].rpartition('/')[2]}",
        "accountId": STRANGERS,
    }


SABOTAGES: tuple[Sabotage, ...] = (
    Sabotage(
        "endpoint.denied",
        "PutObject",
        "a stranger's credentials carry data out",
        _denied("s3", "PutObject", _strangers),
        proof,
        outcome="needs-a-person",
    ),
    Sabotage(
        "endpoint.denied",
        "Decrypt",
        "the account's own user is blocked",
        _denied("kms", "Decrypt", _own),
        proof,
        outcome="needs-a-person",
    ),
)
