"""Short ways to make a Region's monitoring, whole or bent."""

from __future__ import annotations

from typing import Any

from relight.policy.alarm import BENCHMARK, WATCHES, Monitoring, Watch
from tests.unit.builders import ACCOUNT, REGION

GROUP = "/example/trail"
ALERTS = f"arn:aws:sns:{REGION}:{ACCOUNT}:alerts"
MONITORING_ARN = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:monitoring"
BY_CONTROL = {watch.control: watch for watch in WATCHES}
VPC = BY_CONTROL["alarm.vpc-changes"]
METRIC = {"metricNamespace": "Cis", "metricValue": "1"}


def counted(watch: Watch = VPC, **changes: Any) -> dict[str, Any]:
    """The metric that a filter makes."""
    return {**METRIC, "metricName": watch.name, **changes}


def metric_filter(watch: Watch = VPC, **changes: Any) -> dict[str, Any]:
    own = {"logGroupName": GROUP, "filterName": watch.name, "filterPattern": watch.patterns[0]}
    return {**own, "metricTransformations": [counted(watch)], **changes}


def metric_alarm(watch: Watch = VPC, **changes: Any) -> dict[str, Any]:
    own = {"AlarmName": watch.name, "AlarmDescription": "ours", "ActionsEnabled": True, "AlarmActions": [ALERTS]}
    return {**own, "Namespace": "Cis", "MetricName": watch.name, **BENCHMARK, **changes}


def without(params: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in params.items() if name not in names}


def monitoring(**changes: Any) -> Monitoring:
    """All fifteen, as the benchmark has them, heard by one subscriber."""
    fields: dict[str, Any] = {
        "account": ACCOUNT,
        "region": REGION,
        "groups": (GROUP,),
        "filters": tuple(metric_filter(watch) for watch in WATCHES),
        "alarms": tuple(sorted(map(metric_alarm, WATCHES), key=lambda alarm: str(alarm["AlarmName"]))),
        "listeners": {ALERTS: 1},
    }
    return Monitoring(**(fields | changes))


def vpc_only(*, its_filter: Any = None, its_alarm: Any = None, **changes: Any) -> Monitoring:
    """The VPCs' filter and alarm alone; an empty mapping for none."""
    filters = (metric_filter(),) if its_filter is None else (its_filter,) if its_filter else ()
    alarms = (metric_alarm(),) if its_alarm is None else (its_alarm,) if its_alarm else ()
    return monitoring(**({"filters": filters, "alarms": alarms} | changes))
