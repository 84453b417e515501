"""VPCs and their flow logs: where records point, what they take away, which calls mend it."""

from __future__ import annotations

from typing import Any

import pytest

from relight.errors import MalformedRecord
from relight.model import Scope
from relight.resources import vpc as kind
from tests.unit.builders import (
    ACCOUNT,
    REGION,
    VPC_ARN,
    baseline,
    flow_log,
    record,
    standard,
    vpc,
)

ONE = {"tag": 1, "content": "fl-1"}
TWO = {"tag": 2, "content": "fl-2"}


def scope(*names: str, parts: tuple[str, ...] = ()) -> Scope:
    return Scope(ACCOUNT, REGION, names, parts)


@pytest.mark.parametrize(
    ("name", "request_", "response", "expected"),
    [
        pytest.param("CreateVpc", {"cidrBlock": "10.0.0.0/16"}, {"vpc": {"vpcId": "vpc-1"}}, scope("vpc-1"), id="vpc"),
        pytest.param(
            "CreateDefaultVpc",
            {"CreateDefaultVpcRequest": ""},
            {"CreateDefaultVpcResponse": {"vpc": {"vpcId": "vpc-1"}}},
            scope("vpc-1"),
            id="default-vpc-wrapped",
        ),
        pytest.param(
            "DeleteFlowLogs",
            {"DeleteFlowLogsRequest": {"FlowLogId": ONE}},
            {"DeleteFlowLogsResponse": {"unsuccessful": ""}},
            scope(parts=("fl-1",)),
            id="one-flow-log",
        ),
        pytest.param(
            "DeleteFlowLogs",
            {"DeleteFlowLogsRequest": {"FlowLogId": [ONE, TWO]}},
            None,
            scope(parts=("fl-1", "fl-2")),
            id="several-flow-logs",
        ),
        pytest.param(
            "DeleteFlowLogs",
            {"DeleteFlowLogsRequest": {"FlowLogId": [ONE, TWO]}},
            {"DeleteFlowLogsResponse": {"unsuccessful": {"item": {"resourceId": "fl-2", "error": {"code": "x"}}}}},
            scope(parts=("fl-1",)),
            id="one-of-two-was-not-deleted",
        ),
        pytest.param(
            "DeleteFlowLogs",
            {"DeleteFlowLogsRequest": {"FlowLogId": [ONE, TWO]}},
            {"DeleteFlowLogsResponse": {"unsuccessful": {"item": [{"resourceId": "fl-1"}, {"resourceId": "fl-2"}]}}},
            scope(),
            id="none-was-deleted",
        ),
        pytest.param("DeleteFlowLogs", {"FlowLogId": ["fl-1"]}, None, scope(parts=("fl-1",)), id="unwrapped-strings"),
        pytest.param(
            "CreateFlowLogs",
            {"CreateFlowLogsRequest": {"ResourceId": {"tag": 1, "content": "vpc-1"}}},
            None,
            scope("vpc-1"),
            id="create-flow-logs",
        ),
        pytest.param(
            "CreateFlowLogs",
            {"CreateFlowLogsRequest": {"ResourceId": [{"content": "subnet-1"}, {"content": "vpc-1"}]}},
            None,
            scope("vpc-1"),
            id="create-flow-logs-of-several",
        ),
        pytest.param(
            "CreateFlowLogs",
            {"CreateFlowLogsRequest": {"ResourceId": {"content": "subnet-1"}}},
            None,
            scope(),
            id="create-flow-logs-of-a-subnet",
        ),
        pytest.param(
            "DeleteLogGroup", {"logGroupName": "flows"}, None, scope(parts=("log-group:flows",)), id="log-group"
        ),
    ],
)
def test_locate(name: str, request_: Any, response: Any, expected: Scope) -> None:
    assert kind.locate(record(name, request_, response)) == expected


@pytest.mark.parametrize(
    ("name", "request_", "what"),
    [
        pytest.param("CreateVpc", {"cidrBlock": "10.0.0.0/16"}, "VPC", id="vpc-without-response"),
        pytest.param("DeleteFlowLogs", None, "flow log", id="null"),
        pytest.param("DeleteFlowLogs", {"omitted": True, "FlowLogId": ONE}, "flow log", id="omitted"),
        pytest.param("DeleteFlowLogs", {"DeleteFlowLogsRequest": ""}, "flow log", id="empty-wrapper"),
        pytest.param(
            "DeleteFlowLogs", {"DeleteFlowLogsRequest": {"FlowLogId": {"tag": 1}}}, "flow log", id="no-content"
        ),
        pytest.param("DeleteFlowLogs", {"DeleteFlowLogsRequest": {"FlowLogId": []}}, "flow log", id="empty-list"),
        pytest.param("CreateFlowLogs", {"CreateFlowLogsRequest": {}}, "resource", id="no-resource"),
        pytest.param("DeleteLogGroup", {"logGroupName": None}, "log group", id="no-group"),
    ],
)
def test_locate_refuses_a_record_that_names_nothing(name: str, request_: Any, what: str) -> None:
    with pytest.raises(MalformedRecord, match=f"names no {what}"):
        kind.locate(record(name, request_))


UNCERTAIN = "No baseline tells which VPC the deleted flow log belonged to; this one was found without any."
TO_EVIL = {"LogDestinationType": "s3", "LogDestination": "arn:aws:s3:::evil"}
HAD_EVIL = baseline(vpc(flow_log(destination_type="s3", destination="arn:aws:s3:::evil")))
HAD = baseline(vpc(flow_log()), "vpc.flow-logs")


@pytest.mark.parametrize(
    ("name", "request_", "before", "expected"),
    [
        pytest.param(
            "DeleteFlowLogs", {"FlowLogId": ONE}, HAD, {"vpc.flow-logs": "", "vpc.baseline": ""}, id="the-baseline's"
        ),
        pytest.param(
            "DeleteFlowLogs",
            {"FlowLogId": [TWO, ONE]},
            HAD,
            {"vpc.flow-logs": "", "vpc.baseline": ""},
            id="one-of-several",
        ),
        pytest.param("DeleteFlowLogs", {"FlowLogId": TWO}, HAD, {"vpc.flow-logs": UNCERTAIN}, id="an-unknown-one"),
        pytest.param("DeleteFlowLogs", {"FlowLogId": ONE}, None, {"vpc.flow-logs": UNCERTAIN}, id="no-baseline"),
        pytest.param(
            "DeleteLogGroup",
            {"logGroupName": "g"},
            None,
            {"vpc.flow-logs": "What log group g held is lost."},
            id="log-group",
        ),
        pytest.param("CreateFlowLogs", TO_EVIL, HAD, {"vpc.baseline": ""}, id="beside-to-a-strange-bucket"),
        pytest.param("CreateFlowLogs", TO_EVIL, None, {}, id="to-a-bucket-no-baseline"),
        pytest.param("CreateFlowLogs", TO_EVIL, HAD_EVIL, {}, id="to-a-known-bucket"),
        pytest.param("CreateFlowLogs", {"LogGroupName": "g"}, HAD, {}, id="to-a-group"),
        pytest.param("CreateFlowLogs", {"LogDestinationType": ["s3"]}, HAD, {}, id="hostile-type"),
        pytest.param("CreateVpc", {}, None, {}, id="create-vpc"),
        pytest.param("CreateFlowLogs", {"FlowLogId": ONE}, HAD, {}, id="create-flow-logs"),
    ],
)
def test_taken(name: str, request_: Any, before: Any, expected: dict[str, str]) -> None:
    assert kind.taken(record(name, request_), before, standard()) == expected


def test_what_makes_a_vpc() -> None:
    assert {"CreateVpc", "CreateDefaultVpc"} == kind.CREATES


def test_arn_and_revive() -> None:
    assert kind.arn("aws", ACCOUNT, REGION, "vpc-1") == VPC_ARN
    data = {"account": ACCOUNT, "region": REGION, "id": "vpc-1", "flow_logs": [{"later": 1, **flow_log().config()}]}
    assert kind.revive(data) == vpc(flow_log(id=""))
    assert kind.revive({"account": ACCOUNT, "region": REGION, "id": "vpc-1"}) == vpc()
