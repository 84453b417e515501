"""Parts of Relight's own stack, as AWS shows them."""

from __future__ import annotations

from typing import Any

from relight.policy.guard import Part
from tests.unit.builders import ACCOUNT, REGION

HANDLES = {"url": "https://sqs.us-east-1.amazonaws.com/123456789012/relight-Queue-1X2Y3Z4A5B6C"}
A_SCHEDULE = {
    "State": "ENABLED",
    "ScheduleExpression": "rate(15 minutes)",
    "FlexibleTimeWindow": {"Mode": "OFF"},
    "Target": {
        "Arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:relight-GuardFunction-1X2Y3Z4A5B6C",
        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/relight-GuardScheduleRole-1X2Y3Z4A5B6C",
    },
}
AN_ALARM = {
    "ActionsEnabled": True,
    "AlarmActions": [f"arn:aws:sns:{REGION}:{ACCOUNT}:relight-Topic-1X2Y3Z4A5B6C"],
    "ComparisonOperator": "GreaterThanThreshold",
    "EvaluationPeriods": 1,
    "MetricName": "Errors",
    "Namespace": "AWS/Lambda",
    "Period": 300,
    "Statistic": "Sum",
    "Threshold": 0.0,
}


def own_part(kind: str, **settings: Any) -> Part:
    """A part named ``relight-Part-1X2Y3Z4A5B6C`` with these settings."""
    return Part(ACCOUNT, REGION, kind, "relight-Part-1X2Y3Z4A5B6C", settings, HANDLES)
