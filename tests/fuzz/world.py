"""An account behind botocore that no time passes in: what is in it can be read, what is sent is noted, nothing changes.

The real handlers run on it with real clients, down to the bytes that would be sent: parameters are checked, serialized
and signed up to the socket, so that a text which it cannot send is found here and not in production. The answers are
shaped as botocore's models have them.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from threading import local
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock

from botocore.awsrequest import create_request_object
from botocore.response import StreamingBody
from botocore.session import Session, get_session

import relight.aws
from local import account
from local.settings import ACCOUNT, PARTITION, REGION
from relight.aws import READS

# The code of an error, an answer, or either, by the parameters.
Answer = str | dict[str, Any] | Callable[[Mapping[str, Any]], str | dict[str, Any]]
Answers = Mapping[str, Answer]

TOPIC = f"arn:{PARTITION}:sns:{REGION}:{ACCOUNT}:relight"
TRAIL = f"arn:{PARTITION}:cloudtrail:{REGION}:{ACCOUNT}:trail/{account.TRAIL}"
KEY = f"arn:{PARTITION}:kms:{REGION}:{ACCOUNT}:key/{account.KEY}"
GROUP = f"arn:{PARTITION}:logs:{REGION}:{ACCOUNT}:log-group:{account.TRAIL_LOG_GROUP}:*"
STACK = f"arn:{PARTITION}:cloudformation:{REGION}:{ACCOUNT}:stack/relight/1f2e3d4c"
RULE, ALARM = "relight-TrailRule-ZED193PKLYIT", "relight-FailureAlarm-D9F62BBC502F"  # as the samples call them
# Relight's own bookkeeping and news: no change to what it guards.
OWN = ("dynamodb", "sns", "lambda")

# What AWS answers in an account that has nothing. Listings are empty without being told so.
NOTHING: Answers = {
    "cloudtrail:GetTrailStatus": "TrailNotFoundException",
    "kms:DescribeKey": "NotFoundException",
    "s3:GetBucketLogging": "NoSuchBucket",
    "s3control:GetPublicAccessBlock": "NoSuchPublicAccessBlockConfiguration",
    "logs:DescribeSubscriptionFilters": "ResourceNotFoundException",
    "dynamodb:GetItem": {},
    "dynamodb:UpdateItem": {"Attributes": {"attacks": {"N": "1"}}},
    "sns:ListSubscriptionsByTopic": "NotFoundException",
    "lambda:Invoke": {"Payload": b"{}"},
}
# And in one where everything has been sabotaged that can be: all that an honest record leads to is in disorder.
RUIN: Answers = {
    **NOTHING,
    "cloudtrail:DescribeTrails": {
        "trailList": [
            {
                "Name": account.TRAIL,
                "TrailARN": TRAIL,
                "HomeRegion": REGION,
                "S3BucketName": account.TRAIL_BUCKET,
                "KmsKeyId": KEY,
                "CloudWatchLogsLogGroupArn": GROUP,
                "LogFileValidationEnabled": False,
                "IsMultiRegionTrail": True,
                "IncludeGlobalServiceEvents": True,
            }
        ]
    },
    "cloudtrail:GetTrailStatus": {"IsLogging": False},
    "cloudtrail:GetEventSelectors": {"EventSelectors": [{"ReadWriteType": "WriteOnly"}]},
    "ec2:DescribeVpcs": {"Vpcs": [{"VpcId": account.VPC, "OwnerId": ACCOUNT}]},
    "ec2:DescribeFlowLogs": {
        "FlowLogs": [
            {
                "FlowLogId": "fl-1",
                "ResourceId": account.VPC,
                "LogGroupName": account.FLOW_LOG_GROUP,
                "FlowLogStatus": "-",
            }
        ]
    },
    "kms:DescribeKey": lambda params: (
        {"KeyMetadata": {"KeyId": account.KEY, "Arn": KEY, "KeyState": "PendingDeletion"}}
        if params["KeyId"] == KEY
        else "NotFoundException"
    ),
    "s3:ListBuckets": {"Buckets": [{"Name": account.TRAIL_BUCKET, "BucketRegion": REGION}]},
    "s3:GetBucketLogging": {},
    "s3:GetPublicAccessBlock": "NoSuchPublicAccessBlockConfiguration",
    "s3:GetBucketEncryption": "ServerSideEncryptionConfigurationNotFoundError",
    "s3:GetBucketReplication": "ReplicationConfigurationNotFoundError",
    "s3:GetBucketLifecycleConfiguration": {
        "Rules": [{"ID": "quick", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]
    },
    "s3:GetBucketPolicy": "NoSuchBucketPolicy",
    "config:DescribeConfigurationRecorders": {
        "ConfigurationRecorders": [
            {"name": "default", "roleARN": f"arn:{PARTITION}:iam::{ACCOUNT}:role/config", "recordingGroup": {}}
        ]
    },
    "config:DescribeConfigurationRecorderStatus": {"ConfigurationRecordersStatus": [{"recording": False}]},
    "logs:DescribeLogGroups": {
        "logGroups": [
            {"logGroupName": name, "retentionInDays": 1} for name in (account.TRAIL_LOG_GROUP, account.FLOW_LOG_GROUP)
        ]
    },
    "logs:DescribeSubscriptionFilters": {"subscriptionFilters": []},
    "cloudformation:DescribeStacks": {
        "Stacks": [
            {"StackName": "relight", "StackStatus": "CREATE_COMPLETE", "CreationTime": datetime(2026, 1, 1, tzinfo=UTC)}
        ]
    },
    "cloudformation:ListStackResources": {
        "StackResourceSummaries": [
            {"ResourceType": "AWS::Events::Rule", "PhysicalResourceId": RULE, "LogicalResourceId": "TrailRule"},
            {
                "ResourceType": "AWS::CloudWatch::Alarm",
                "PhysicalResourceId": ALARM,
                "LogicalResourceId": "FailureAlarm",
            },
        ]
    },
    "events:DescribeRule": lambda params: (
        {"Name": RULE, "State": "DISABLED", "EventPattern": "{}"}
        if params["Name"] == RULE
        else "ResourceNotFoundException"
    ),
    "cloudwatch:DescribeAlarms": {"MetricAlarms": [{"AlarmName": ALARM, "ActionsEnabled": False, "Threshold": 1.0}]},
}


@dataclass(frozen=True)
class Sent:
    """One call, with the parameters that botocore was given."""

    action: str
    params: Mapping[str, Any]

    @property
    def changes(self) -> bool:
        """Whether it may change what Relight guards."""
        service, _, operation = self.action.partition(":")
        return service not in OWN and not operation.startswith(READS)

    def __str__(self) -> str:
        return f"{self.action} {json.dumps(self.params, default=str, sort_keys=True)}"


@dataclass
class World:
    """The account, and all that was sent to it."""

    answers: Answers
    sent: list[Sent] = field(default_factory=list)
    _now: local = field(default_factory=local)  # what each thread is about to send

    def session(self) -> Session:
        """A botocore session whose calls end here."""
        session = get_session()
        session.set_credentials("testing", "testing")
        session.set_config_variable("region", REGION)
        session.register("before-parameter-build", cast("Any", self._note))
        session.register("before-call", cast("Any", self._answer))
        return session

    @property
    def writes(self) -> list[str]:
        """The calls that may change what Relight guards."""
        return [str(each) for each in self.sent if each.changes]

    def _note(self, params: Mapping[str, Any], **_: Any) -> None:
        self._now.params = dict(params)

    def _answer(self, model: Any, params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        create_request_object(params).prepare()  # as botocore does before it signs
        action = f"{model.service_model.service_name}:{model.name}"
        self.sent.append(Sent(action, self._now.params))
        answer = self.answers.get(action)
        if callable(answer):
            answer = answer(self._now.params)
        if isinstance(answer, str):
            error = {"Error": {"Code": answer, "Message": "no"}}
            return SimpleNamespace(status_code=400), error
        shown = dict(_bare(model) if answer is None else answer)
        if isinstance(shown.get("Payload"), bytes):
            shown["Payload"] = StreamingBody(io.BytesIO(shown["Payload"]), len(shown["Payload"]))
        return SimpleNamespace(status_code=200), shown


@cache
def _bare(model: Any) -> dict[str, Any]:
    """The least answer that an operation may give: its lists, empty."""
    members = model.output_shape.members if model.output_shape else {}
    return {name: [] for name, shape in members.items() if shape.type_name == "list"}


@contextmanager
def inhabited(world: World) -> Iterator[None]:
    """Whoever asks botocore for a session meanwhile gets one of this world."""
    with mock.patch.object(relight.aws, "get_session", return_value=world.session()):
        yield
