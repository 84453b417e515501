"""Structured logs and metrics, through aws-lambda-powertools.

Metrics are written to the log in CloudWatch's embedded metric format, so that they cost no call
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from functools import partial

from aws_lambda_powertools import Logger, single_metric
from aws_lambda_powertools.metrics import MetricUnit

from relight.model import Incident, Outcome, Resource
from relight.posture import Counts, table
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
    _counted("Folded", 1)


def alive() -> None:
    """The guard's heartbeat: an alarm rings where it fails to appear."""
    _counted("Heartbeat", 1)


def swept(after: Counts, incidents: Iterable[Incident]) -> None:
    """The posture that a sweep leaves, by the study's practices and in all; what it repaired, by control."""
    rows = table({"": after})
    logger.info("swept", extra={"posture": {row.control: row.count.as_list() for row in rows}})
    violations = {row.control: row.count.violated for row in rows if row.study is not None}
    violations["all"] = sum(each.violated for each in after.values())
    for control, count in violations.items():
        _counted("Violations", count, control=control)
    ended = Counter((f.control, str(f.outcome)) for incident in incidents for f in incident.findings)
    for (control, outcome), count in ended.items():
        _counted("Findings", count, control=control, outcome=outcome)


def _counted(metric: str, count: float, **dimensions: str) -> None:
    with single_metric(name=metric, unit=MetricUnit.Count, value=count) as single:
        for name, value in dimensions.items():
            single.add_dimension(name=name, value=value)


def denied(resource: Resource, caller: str) -> None:
    """Counts a call that a VPC endpoint denied, by where its caller belongs: outside, inside or unknown."""
    logger.info("denied at an endpoint", extra={"resource": resource.arn, "caller": caller})
    _counted("Denials", 1, caller=caller)


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
        _counted("Findings", 1, control=finding.control, outcome=str(finding.outcome))
        if finding.outcome is Outcome.REPAIRED and incident.dark_seconds is not None:
            with single_metric(name="TimeToRepair", unit=MetricUnit.Seconds, value=incident.dark_seconds) as metric:
                metric.add_dimension(name="control", value=finding.control)
