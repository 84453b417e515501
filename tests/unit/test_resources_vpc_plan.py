"""Which calls bring a VPC's flow logs back."""

from __future__ import annotations

from typing import Any

import pytest

from relight.model import Call, Drift, Observed
from relight.policy.vpc import S3, FlowLog, Vpc, from_standard
from relight.resources import vpc as kind
from tests.unit.builders import (
    ROLE,
    VPC_ARN,
    accepted_by_botocore,
    flow_log,
    key,
    observed,
    standard,
    vpc,
)

EXISTS = ("ResourceAlreadyExistsException",)
OURS = "/relight/flow-logs/vpc-1"


def group(name: str, *instead: Call, **params: Any) -> Call:
    return Call("logs", "CreateLogGroup", {"logGroupName": name, **params}, already=EXISTS, instead=instead)


def retention(name: str, days: int = 365) -> Call:
    return Call("logs", "PutRetentionPolicy", {"logGroupName": name, "retentionInDays": days})


def creation(*instead: Call, **changes: Any) -> Call:
    params = {
        "ResourceIds": ["vpc-1"],
        "ResourceType": "VPC",
        "TrafficType": "REJECT",
        "LogDestinationType": "cloud-watch-logs",
        "MaxAggregationInterval": 600,
        "LogGroupName": OURS,
        "DeliverLogsPermissionArn": ROLE,
    } | changes
    kept = {name: value for name, value in params.items() if value}
    return Call(
        "ec2",
        "CreateFlowLogs",
        kept,
        already=("FlowLogAlreadyExists",),
        instead=instead,
        several="ResourceIds",
        most=300,
    )


STANDARD = (group(OURS, group(OURS), kmsKeyId=key()), retention(OURS), creation())
BUCKET = "arn:aws:s3:::flows/prefix"
TO_BUCKET: dict[str, Any] = {
    "LogDestinationType": "s3",
    "LogDestination": BUCKET,
    "LogGroupName": "",
    "DeliverLogsPermissionArn": "",
}


@pytest.mark.parametrize(
    ("wanted", "settings", "calls"),
    [
        pytest.param([], {}, [], id="nothing"),
        pytest.param([from_standard(vpc(), standard())], {}, STANDARD, id="the-standard's-encrypted-group"),
        pytest.param(
            [from_standard(vpc(), standard())],
            {"trail_keys": {}, "retention_days": 90},
            [group(OURS), retention(OURS, 90), creation()],
            id="the-standard's-without-key",
        ),
        pytest.param(
            [flow_log(id="")],
            {},
            [group("vpc-flows"), creation(*STANDARD, TrafficType="ALL", LogGroupName="vpc-flows")],
            id="the-baseline's-falls-back-to-the-standard's",
        ),
        pytest.param(
            [flow_log(id="")],
            {"flow_logs_role": ""},
            [group("vpc-flows"), creation(TrafficType="ALL", LogGroupName="vpc-flows")],
            id="no-fall-back-without-role",
        ),
        pytest.param(
            [flow_log(id="")],
            {"flow_logs_role": "", "flow_logs_destination": BUCKET},
            [
                group("vpc-flows"),
                creation(creation(**TO_BUCKET), TrafficType="ALL", LogGroupName="vpc-flows"),
            ],
            id="fall-back-to-a-bucket-needs-no-role",
        ),
        pytest.param(
            [FlowLog("REJECT", S3, BUCKET)],
            {"flow_logs_destination": BUCKET},
            [creation(**TO_BUCKET)],
            id="bucket-needs-no-group",
        ),
        pytest.param(
            [
                FlowLog(
                    "ALL",
                    S3,
                    BUCKET,
                    format="${action}",
                    aggregation_seconds=60,
                    options={"FileFormat": "parquet"},
                    cross_account_role="arn:aws:iam::1:role/x",
                )
            ],
            {"flow_logs_role": ""},
            [
                creation(
                    **TO_BUCKET,
                    TrafficType="ALL",
                    MaxAggregationInterval=60,
                    LogFormat="${action}",
                    DestinationOptions={"FileFormat": "parquet"},
                    DeliverCrossAccountRole="arn:aws:iam::1:role/x",
                )
            ],
            id="every-parameter",
        ),
        pytest.param(
            [flow_log(id=""), flow_log(id="", destination="second")],
            {"flow_logs_role": ""},
            [
                group("vpc-flows"),
                creation(TrafficType="ALL", LogGroupName="vpc-flows"),
                group("second"),
                creation(TrafficType="ALL", LogGroupName="second"),
            ],
            id="each-of-several",
        ),
    ],
)
def test_plan(wanted: list[FlowLog], settings: dict[str, Any], calls: list[Call]) -> None:
    drift = Drift("FlowLogs", found=[], wanted=[log.config() for log in wanted])
    planned = kind.plan(observed(vpc(), VPC_ARN, "vpc"), (drift,), standard(**settings), None)
    assert list(planned) == list(calls)
    assert accepted_by_botocore(*planned)


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        pytest.param("vpc-flows", (group("vpc-flows"),), id="somebody's"),
        pytest.param(OURS, (group(OURS, group(OURS), kmsKeyId=key()), retention(OURS)), id="relight's-own"),
    ],
)
def test_plan_of_a_log_group_alone(name: str, calls: tuple[Call, ...]) -> None:
    drift = Drift("LogGroupName", found="", wanted=name)
    planned = kind.plan(observed(vpc(flow_log()), VPC_ARN, "vpc"), (drift,), standard(), None)
    assert planned == calls
    assert accepted_by_botocore(*planned)


def test_plan_of_a_vpc_that_is_gone() -> None:
    gone: Observed[Vpc] = observed(None, VPC_ARN, "vpc")
    assert kind.plan(gone, (Drift("FlowLogs", found=[], wanted=[flow_log().config()]),), standard(), None) == ()
