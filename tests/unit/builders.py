"""Short ways to make the things that tests talk about; every value may be overridden."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from typing import Any

import botocore.session
from botocore.validate import validate_parameters

from relight.model import (
    Actor,
    Baseline,
    Call,
    Cause,
    Drift,
    Finding,
    Incident,
    Mode,
    Observed,
    Outcome,
    Resource,
    Severity,
)
from relight.policy.bucket import CLOSED, Bucket
from relight.policy.key import Key
from relight.policy.log_group import LogGroup
from relight.policy.recorder import Recorder
from relight.policy.trail import Trail
from relight.policy.vpc import CLOUDWATCH, FlowLog, Vpc
from relight.record import Record, parse
from relight.standard import Standard

ACCOUNT = "123456789012"
STRANGER = "999999999999"
FRIEND = "222222222222"
REGION = "us-east-1"
NOON = datetime(2026, 3, 14, 12, 0, 0, tzinfo=UTC)
BEFORE = datetime(2026, 1, 1, tzinfo=UTC)
AFTER = datetime(2026, 12, 31, tzinfo=UTC)

TRAIL_ARN = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/main"
VPC_ARN = f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc/vpc-1"
BUCKET_ARN = "arn:aws:s3:::trail-logs"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:relight"
# A basic selector of all that the standard demands of a trail.
ENOUGH_EVENTS = {
    "ReadWriteType": "All",
    "IncludeManagementEvents": True,
    "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::trail-logs/"]}],
    "ExcludeManagementEventSources": [],
}
ROLE = f"arn:aws:iam::{ACCOUNT}:role/flow-logs"
TRAIL_ROLE = f"arn:aws:iam::{ACCOUNT}:role/trail-logs"
TRAIL_GROUP = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:trail-events:*"


def key(account: str = ACCOUNT, name: str = "standard", region: str = REGION) -> str:
    return f"arn:aws:kms:{region}:{account}:key/{name}"


def standard(**changes: Any) -> Standard:
    settings: dict[str, Any] = {
        "account": ACCOUNT,
        "region": REGION,
        "ledger": "ledger",
        "topic": TOPIC,
        "trail_keys": {REGION: key()},
        "access_log_buckets": {REGION: "access-logs"},
        "flow_logs_role": ROLE,
        "trail_logs_role": TRAIL_ROLE,
    }
    return Standard(**(settings | changes))


def trail(**changes: Any) -> Trail:
    """A trail that meets every control."""
    fields: dict[str, Any] = {
        "account": ACCOUNT,
        "region": REGION,
        "logging": True,
        "log_file_validation": True,
        "multi_region": True,
        "global_events": True,
        "kms_key": key(),
        "bucket": "trail-logs",
        "event_selectors": (ENOUGH_EVENTS,),
        "log_group": TRAIL_GROUP,
        "log_group_role": TRAIL_ROLE,
        "name": "main",
        "key_states": {key(): "Enabled"},
    }
    return Trail(**(fields | changes))


KEY_ID = "1234abcd-12ab-34cd-56ef-1234567890ab"
KEY_ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{KEY_ID}"
KEY_POLICY = json.dumps(
    {
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                "Action": "kms:*",
                "Resource": "*",
            },
            {
                "Effect": "Allow",
                "Principal": {"Service": "cloudtrail.amazonaws.com"},
                "Action": ["kms:GenerateDataKey*", "kms:DescribeKey"],
                "Resource": "*",
            },
        ]
    }
)


def kms_key(**changes: Any) -> Key:
    """A trail's key that meets every control."""
    fields: dict[str, Any] = {
        "account": ACCOUNT,
        "region": REGION,
        "id": KEY_ID,
        "state": "Enabled",
        "rotation": True,
        "used_by": ("trail main",),
        "policy": KEY_POLICY,
    }
    return Key(**(fields | changes))


def log_group(**changes: Any) -> LogGroup:
    """A log group that keeps everything."""
    fields: dict[str, Any] = {"account": ACCOUNT, "region": REGION, "name": "/flows"}
    return LogGroup(**(fields | changes))


def recorder(**changes: Any) -> Recorder:
    """A recorder that records everything."""
    fields: dict[str, Any] = {
        "account": ACCOUNT,
        "region": REGION,
        "partition": "aws",
        "name": "default",
        "role": f"arn:aws:iam::{ACCOUNT}:role/config",
        "group": {"allSupported": True, "includeGlobalResourceTypes": True},
        "channel": {"name": "default", "s3BucketName": "config-logs"},
        "recording": True,
    }
    return Recorder(**(fields | changes))


def flow_log(**changes: Any) -> FlowLog:
    fields: dict[str, Any] = {
        "traffic": "ALL",
        "destination_type": CLOUDWATCH,
        "destination": "vpc-flows",
        "role": ROLE,
        "id": "fl-1",
    }
    return FlowLog(**(fields | changes))


def vpc(*logs: FlowLog) -> Vpc:
    return Vpc(ACCOUNT, REGION, "vpc-1", logs)


def bucket(target: str = "", **changes: Any) -> Bucket:
    logging = {"TargetBucket": target, "TargetPrefix": "trail-logs/"} if target else {}
    fields: dict[str, Any] = {"account": ACCOUNT, "region": REGION, "name": "trail-logs", "logging": logging}
    fields |= {"holds_logs": True, "public_access": CLOSED, "versioning": {"Status": "Enabled"}}
    return Bucket(**(fields | changes))


def encrypted(algorithm: str, key_arn: str = "") -> dict[str, Any]:
    """A bucket's default encryption."""
    named = {"KMSMasterKeyID": key_arn} if key_arn else {}
    default = {"SSEAlgorithm": algorithm, **named}
    return {"Rules": [{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}]}


def expires(days: int, name: str = "quick", **changes: Any) -> dict[str, Any]:
    """A lifecycle rule."""
    rule = {"ID": name, "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": days}}
    return rule | changes


def replicated(*destinations: str, status: str = "Enabled") -> dict[str, Any]:
    """A bucket's replication, a rule for each destination."""
    rules = [
        {
            "ID": f"to-{place}",
            "Priority": number,
            "Status": status,
            "Filter": {"Prefix": ""},
            "DeleteMarkerReplication": {"Status": "Disabled"},
            "Destination": {"Bucket": place},
        }
        for number, place in enumerate(destinations)
    ]
    return {"Role": f"arn:aws:iam::{ACCOUNT}:role/copy", "Rules": rules}


def baseline(state: Any, *controls: str, since: datetime = BEFORE, revision: int = 1) -> Baseline[Any]:
    return Baseline(state, frozenset(controls), since, revision)


def resource(arn: str = TRAIL_ARN, kind: str = "trail", region: str = REGION) -> Resource:
    return Resource(kind, arn.rpartition("/")[2].rpartition(":")[2], arn, ACCOUNT, region)


def observed(state: Any, arn: str = TRAIL_ARN, kind: str = "trail") -> Observed[Any]:
    return Observed(resource(arn, kind), state)


def event(name: str, request: Any = None, response: Any = None, **detail: Any) -> dict[str, Any]:
    """An EventBridge event round a CloudTrail record, with the members that captured records have."""
    record = {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDAEXAMPLE",
            "arn": f"arn:aws:iam::{ACCOUNT}:user/mallory",
            "accountId": ACCOUNT,
            "accessKeyId": "AKIAEXAMPLE",
            "userName": "mallory",
        },
        "eventTime": "2026-03-14T12:00:00Z",
        "eventSource": "cloudtrail.amazonaws.com",
        "eventName": name,
        "awsRegion": REGION,
        "sourceIPAddress": "203.0.113.7",
        "userAgent": "aws-cli/2.30.0",
        "requestParameters": request,
        "responseElements": response,
        "eventID": "0e6e2b1c-event",
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
    } | detail
    return {
        "version": "0",
        "id": "outer",
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws." + record["eventSource"].partition(".")[0],
        "account": record["recipientAccountId"] or ACCOUNT,
        "time": record["eventTime"],
        "region": record["awsRegion"],
        "resources": [],
        "detail": record,
    }


def record(name: str, request: Any = None, response: Any = None, **detail: Any) -> Record:
    return parse(event(name, request, response, **detail))


def finding(**changes: Any) -> Finding:
    fields: dict[str, Any] = {
        "control": "trail.logging",
        "title": "The trail is logging",
        "severity": Severity.CRITICAL,
        "references": "CIS 3.1, Security Hub CloudTrail.1",
        "mode": Mode.ENFORCE,
        "outcome": Outcome.REPAIRED,
        "cause": Cause.TAKEN,
        "drifts": (Drift("IsLogging", found=False, wanted=True),),
    }
    return Finding(**(fields | changes))


def actor(**changes: Any) -> Actor:
    fields: dict[str, Any] = {
        "arn": f"arn:aws:iam::{ACCOUNT}:user/mallory",
        "type": "IAMUser",
        "account": ACCOUNT,
        "principal": "AIDAEXAMPLE",
        "access_key": "AKIAEXAMPLE",
        "source_ip": "203.0.113.7",
        "user_agent": "aws-cli/2.30.0",
    }
    return Actor(**(fields | changes))


def incident(*findings: Finding, **changes: Any) -> Incident:
    fields: dict[str, Any] = {
        "event_id": "0e6e2b1c-event",
        "event_name": "StopLogging",
        "event_source": "cloudtrail.amazonaws.com",
        "event_time": NOON,
        "actor": actor(),
        "resource": resource(),
        "findings": findings or (finding(),),
    }
    return Incident(**(fields | changes))


@cache
def _model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def accepted_by_botocore(*calls: Call) -> bool:
    """Raises ParamValidationError where botocore's service model does not know a call's parameters."""
    for call in calls:
        validate_parameters(dict(call.params), _model(call.service).operation_model(call.operation).input_shape)
        accepted_by_botocore(*call.instead)
    return True
