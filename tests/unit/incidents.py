"""One incident for each way in which one can end; their whole texts stand in golden/."""

from __future__ import annotations

from dataclasses import replace

from relight.model import Cause, Drift, Mode, Outcome, Severity
from tests.unit.builders import (
    ACCOUNT,
    BUCKET_ARN,
    ROLE,
    VPC_ARN,
    actor,
    finding,
    flow_log,
    incident,
    key,
    resource,
)

VALIDATION = finding(
    control="trail.log-file-validation",
    title="Log file validation is on",
    severity=Severity.HIGH,
    references="CIS 3.2, Security Hub CloudTrail.4",
    drifts=(Drift("LogFileValidationEnabled", found=False, wanted=True),),
)
ENCRYPTION = finding(
    control="trail.kms-encryption",
    title="Log files are encrypted with a trusted KMS key",
    severity=Severity.MEDIUM,
    references="CIS 3.5, Security Hub CloudTrail.2",
    drifts=(Drift("KmsKeyId", found="", wanted=key()),),
)
FLOW_LOGS = finding(
    control="vpc.flow-logs",
    title="The VPC has an active flow log",
    severity=Severity.HIGH,
    references="CIS 3.7, Security Hub EC2.6",
    cause=Cause.CREATED,
    drifts=(Drift("FlowLogs", found=[], wanted=[flow_log(traffic="REJECT").config()]),),
)
SESSION = actor(
    arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/Admin/alice",
    type="AssumedRole",
    access_key="ASIAEXAMPLE",
    issuer=f"arn:aws:iam::{ACCOUNT}:role/Admin",
    mfa="true",
)
START = 'cloudtrail:StartLogging {"Name": "main"}'
CREATE = 'ec2:CreateFlowLogs {"ResourceIds": ["vpc-1"]}'
UPDATE = 'cloudtrail:UpdateTrail {"Name": "main", "EnableLogFileValidation": true}'
OF_VPC = {"resource": resource(VPC_ARN, "vpc"), "event_source": "ec2.amazonaws.com"}

INCIDENTS = {
    "repaired": incident(calls=(START,), dark_seconds=12.4),
    "repaired-by-a-session": incident(
        VALIDATION,
        replace(ENCRYPTION, outcome=Outcome.OBSERVED, mode=Mode.OBSERVE, cause=Cause.FOUND),
        event_name="UpdateTrail",
        actor=SESSION,
        calls=(UPDATE,),
        would_call=('cloudtrail:UpdateTrail {"KmsKeyId": "k"}',),
        dark_seconds=5400,
    ),
    "observed": incident(
        replace(FLOW_LOGS, outcome=Outcome.OBSERVED, mode=Mode.OBSERVE),
        event_name="CreateVpc",
        would_call=(CREATE,),
        **OF_VPC,
    ),
    "failed": incident(
        replace(FLOW_LOGS, outcome=Outcome.FAILED, cause=Cause.TAKEN),
        event_name="DeleteFlowLogs",
        calls=(CREATE,),
        error=f"ec2:CreateFlowLogs: UnauthorizedOperation: may not pass {ROLE}",
        **OF_VPC,
    ),
    "needs-a-person": incident(
        replace(
            ENCRYPTION,
            outcome=Outcome.MANUAL,
            drifts=(Drift("KmsKeyId", found="", wanted="", manual="No key is known for here: give the stack one."),),
        ),
        event_name="UpdateTrail",
    ),
    "refused": incident(
        finding(
            control="endpoint.denied",
            title="No call is denied by the policy of a VPC endpoint",
            severity=Severity.HIGH,
            references="",
            mode=Mode.OBSERVE,
            outcome=Outcome.MANUAL,
            cause=Cause.REFUSED,
            drifts=(
                Drift(
                    "Caller",
                    found="AROAELSEWHERE of account 210987654321",
                    wanted="of this account or a trusted one",
                    manual="Find the machine.",
                ),
            ),
            note="A possible exfiltration, which was stopped here.",
        ),
        event_name="PutObject",
        event_source="s3.amazonaws.com",
        actor=actor(arn="", type="AWSAccount", principal="AROAELSEWHERE:x", access_key="", user_agent=""),
        resource=resource(f"arn:aws:ec2:us-east-1:{ACCOUNT}:vpc-endpoint/vpce-1", "endpoint"),
    ),
    "changed": incident(
        finding(
            control="trail.baseline",
            title="The configuration is as strong as its baseline, and in the same place",
            severity=Severity.HIGH,
            references="",
            mode=Mode.OBSERVE,
            outcome=Outcome.CHANGED,
            cause=Cause.FOUND,
            drifts=(Drift("S3BucketName", found="evil", wanted="trail-logs"),),
            note="It is compliant, so it was left alone. The earlier state stays the baseline until `relight accept`.",
        ),
        event_name="UpdateTrail",
    ),
    "compliant": incident(finding(outcome=Outcome.COMPLIANT, drifts=())),
    "gone": incident(
        finding(outcome=Outcome.GONE, drifts=(), note="The resource does not exist any more."),
        event_name="DeleteTrail",
    ),
    "found": incident(
        finding(
            control="bucket.access-logging",
            title="Access to the trail's bucket is logged",
            severity=Severity.MEDIUM,
            references="CIS 3.4, Security Hub CloudTrail.7",
            mode=Mode.OBSERVE,
            outcome=Outcome.OBSERVED,
            cause=Cause.FOUND,
            drifts=(Drift("LoggingEnabled", found={}, wanted={"TargetBucket": "access-logs", "TargetPrefix": "t/"}),),
        ),
        event_name="UpdateTrail",
        resource=resource(BUCKET_ARN, "bucket"),
        actor=actor(arn="", type="", access_key="", source_ip="", user_agent="", invoked_by="config.amazonaws.com"),
    ),
    "out-of-reach": incident(
        finding(outcome=Outcome.OUT_OF_REACH, drifts=(), note="it is an organisation trail of account 999999999999")
    ),
    "unknown": incident(
        replace(ENCRYPTION, outcome=Outcome.UNKNOWN, drifts=(), note="the state of KMS key k could not be read: denied")
    ),
}
