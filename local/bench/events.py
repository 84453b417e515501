"""The five events of the benchmark: what each breaks, what repairs it, and Cloud Custodian's policy for it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from local import account, samples
from local.samples import Sample
from local.settings import ACCOUNT, PARTITION, PROJECT, REGION

Policy = dict[str, Any]
Client = Callable[[str], Any]

ROLE = f"arn:{PARTITION}:iam::{ACCOUNT}:role/{account.FLOW_LOGS_ROLE}"
TARGET = {"TargetBucket": account.ACCESS_LOG_BUCKET, "TargetPrefix": "trail/"}
FLOW_LOG = {"TrafficType": "ALL", "LogGroupName": account.FLOW_LOG_GROUP, "DeliverLogsPermissionArn": ROLE}
WITHOUT_FLOW_LOG = [{"not": [{"type": "flow-logs", "attrs": [{"FlowLogStatus": "ACTIVE"}]}]}]
SET_FLOW_LOG = [{"type": "set-flow-log", "attrs": {**FLOW_LOG, "LogDestinationType": "cloud-watch-logs"}}]


LAMBDA = {"role": "custodian", "runtime": "python3.13"}


@dataclass(frozen=True)
class Event:
    """One of them. `service` and `operation` are the repairing call, `parameters` the floor's."""

    name: str
    family: str  # of Relight's function
    service: str
    operation: str
    parameters: Mapping[str, Any]
    policy: Policy
    repaired: Callable[[Client], bool]
    request: Mapping[str, Any] = field(default_factory=dict)  # of the record, where the sample's breaks more

    def sample(self) -> Sample:
        """The sample event, as EventBridge delivers it."""
        found = samples.read(self.family, self.name)
        event = copy.deepcopy(found.event)
        if self.request:
            event["detail"] |= {"requestParameters": dict(self.request)}
        return replace(found, event=event, record=event["detail"])

    def now(self) -> dict[str, Any]:
        """A new event of this kind, of this moment."""
        event: dict[str, Any] = self.sample().event
        moment = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        event |= {"id": str(uuid4()), "time": moment}
        event["detail"] |= {"eventID": str(uuid4()), "eventTime": moment}
        return event

    def as_delivered(self, event: dict[str, Any]) -> dict[str, Any]:
        """What Relight's function gets: what creates something comes through the delay queue."""
        if not self.name.startswith("Create"):
            return event
        path = PROJECT / "events" / self.family / f"{self.name}.sqs.json"
        batch: dict[str, Any] = json.loads(path.read_text())
        batch["Records"][0] |= {"body": json.dumps(event), "messageId": str(uuid4())}
        return batch


def _policy(event: str, source: str, ids: str, **rest: Any) -> Policy:
    mode = {"type": "cloudtrail", "events": [{"source": f"{source}.amazonaws.com", "event": event, "ids": ids}]}
    return {"name": event.lower(), "mode": {**mode, **LAMBDA}, **rest}


_OF_A_VPC: Policy = {"resource": "aws.vpc", "filters": WITHOUT_FLOW_LOG, "actions": SET_FLOW_LOG}


def _has_flow_log(client: Client) -> bool:
    filters = [{"Name": "resource-id", "Values": [account.VPC]}]
    shown = client("ec2").describe_flow_logs(Filters=filters)["FlowLogs"]
    return any(each["FlowLogStatus"] == "ACTIVE" for each in shown)


FIVE = (
    Event(
        "StopLogging",
        "trail",
        "cloudtrail",
        "StartLogging",
        {"Name": account.TRAIL},
        _policy(
            "StopLogging",
            "cloudtrail",
            "requestParameters.name",
            resource="aws.cloudtrail",
            filters=[{"type": "status", "key": "IsLogging", "value": False}],
            actions=[{"type": "set-logging", "enabled": True}],
        ),
        lambda client: bool(client("cloudtrail").get_trail_status(Name=account.TRAIL)["IsLogging"]),
    ),
    Event(
        "UpdateTrail",
        "trail",
        "cloudtrail",
        "UpdateTrail",
        {"Name": account.TRAIL, "EnableLogFileValidation": True},
        _policy(
            "UpdateTrail",
            "cloudtrail",
            "requestParameters.name",
            resource="aws.cloudtrail",
            filters=[{"LogFileValidationEnabled": False}],
            actions=[{"type": "update-trail", "attributes": {"EnableLogFileValidation": True}}],
        ),
        lambda client: bool(client("cloudtrail").get_trail(Name=account.TRAIL)["Trail"]["LogFileValidationEnabled"]),
        request={"name": account.TRAIL, "enableLogFileValidation": False},
    ),
    Event(
        "DeleteFlowLogs",
        "flow_logs",
        "ec2",
        "CreateFlowLogs",
        {"ResourceIds": [account.VPC], "ResourceType": "VPC", **FLOW_LOG},
        # In cloudtrail mode it repairs nothing: the record names flow logs, and the mode wants the VPC's id.
        {
            "name": "deleteflowlogs",
            "mode": {
                "type": "periodic",
                "pattern": {
                    "source": ["aws.ec2"],
                    "detail-type": ["AWS API Call via CloudTrail"],
                    "detail": {"eventSource": ["ec2.amazonaws.com"], "eventName": ["DeleteFlowLogs"]},
                },
                **LAMBDA,
            },
            **_OF_A_VPC,
        },
        _has_flow_log,
    ),
    Event(
        "CreateVpc",
        "flow_logs",
        "ec2",
        "CreateFlowLogs",
        {"ResourceIds": [account.VPC], "ResourceType": "VPC", **FLOW_LOG},
        _policy("CreateVpc", "ec2", "responseElements.vpc.vpcId", **_OF_A_VPC),
        _has_flow_log,
    ),
    Event(
        "PutBucketLogging",
        "trail_bucket",
        "s3",
        "PutBucketLogging",
        {"Bucket": account.TRAIL_BUCKET, "BucketLoggingStatus": {"LoggingEnabled": TARGET}},
        _policy(
            "PutBucketLogging",
            "s3",
            "requestParameters.bucketName",
            resource="aws.s3",
            query=[{"augment-keys": ["Logging"]}],  # else it reads ten more things of the bucket
            filters=[{"type": "bucket-logging", "op": "disabled"}],
            actions=[
                {
                    "type": "toggle-logging",
                    "target_bucket": TARGET["TargetBucket"],
                    "target_prefix": TARGET["TargetPrefix"],
                }
            ],
        ),
        lambda client: (
            client("s3").get_bucket_logging(Bucket=account.TRAIL_BUCKET).get("LoggingEnabled", {}).get("TargetBucket")
            == TARGET["TargetBucket"]
        ),
    ),
)

TOPIC = f"arn:{PARTITION}:sns:{REGION}:{ACCOUNT}:security"


def telling(policy: Policy) -> Policy:
    """The policy with Cloud Custodian's `notify` action over SNS."""
    notify = {"type": "notify", "to": ["security@example.com"], "transport": {"type": "sns", "topic": TOPIC}}
    return {**policy, "actions": [*policy["actions"], notify]}
