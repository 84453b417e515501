"""Structured logs and metrics, through aws-lambda-powertools.

Metrics are written to the log in CloudWatch's embedded metric format, so that they cost no call
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
"""

from __future__ import annotations

import json
from functools import partial

from aws_lambda_powertools import Logger, single_metric
from aws_lambda_powertools.metrics import MetricUnit

from relight.model import Incident, Outcome, Resource
from relight.record import Record

# In ASCII: what an intruder wrote must not break a line, turn the text's direction, or fail to be encoded at all.
logger = Logger(json_serializer=partial(json.dumps, default=str))


def begin(record: Record) -> None:
    """From here on, every log line bears the record's event id, call and actor."""
    logger.set_correlation_id(record.event_id)
    logger.append_keys(event_name=record.name, actor=record.actor.name, account=record.account, region=record.region)


def folded(incident: Incident) -> None:
    """Counts an incident of a contested resource that is not sent, because its actor was named within the hour."""
    logger.warning("folded", extra={"resource": incident.resource.arn, "attacks": incident.contested})
    with single_metric(name="Folded", unit=MetricUnit.Count, value=1):
        pass


def alive() -> None:
    """The guard's heartbeat: an alarm rings where it fails to appear."""
    with single_metric(name="Heartbeat", unit=MetricUnit.Count, value=1):
        pass


def denied(resource: Resource, caller: str) -> None:
    """Counts a call that a VPC endpoint denied, by where its caller belongs: outside, inside or unknown."""
    logger.info("denied at an endpoint", extra={"resource": resource.arn, "caller": caller})
    with single_metric(name="Denials", unit=MetricUnit.Count, value=1) as metric:
        metric.add_dimension(name="caller", value=caller)


def told(incident: Incident) -> None:
    """Logs an incident, counts its findings by control and outcome, and measures the time from call to repair."""
    logger.info(
        "incident told",
        extra={
            "resource": incident.resource.arn,
            "outcome": incident.outcome,
            "controls": [f.control for f in incident.findings],
            "calls": incident.calls,
            "error": incident.error,
        },
    )
    for finding in incident.findings:
        dimensions = {"control": finding.control, "outcome": str(finding.outcome)}
        with single_metric(name="Findings", unit=MetricUnit.Count, value=1) as metric:
            for name, value in dimensions.items():
                metric.add_dimension(name=name, value=value)
        if finding.outcome is Outcome.REPAIRED and incident.dark_seconds is not None:
            with single_metric(name="TimeToRepair", unit=MetricUnit.Seconds, value=incident.dark_seconds) as metric:
                metric.add_dimension(name="control", value=finding.control)
