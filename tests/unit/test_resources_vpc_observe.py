"""What AWS shows of VPCs, and how a flow log that is gone leads to its VPC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from relight.errors import AwsError
from relight.model import Baseline, Observed, Scope
from relight.policy.vpc import S3, FlowLog, Vpc
from relight.resources import vpc as kind
from tests.unit.builders import ACCOUNT, REGION, ROLE, STRANGER, VPC_ARN, baseline, flow_log, standard, vpc
from tests.unit.fakes import FakeSession, fake_aws, refused

PREFIX = VPC_ARN.removesuffix("1")


def shown(vpc_id: str, owner: str = ACCOUNT) -> dict[str, str]:
    return {"VpcId": vpc_id, "OwnerId": owner}


def shown_log(vpc_id: str, **changes: Any) -> dict[str, Any]:
    """A flow log as DescribeFlowLogs shows it."""
    return {
        "FlowLogId": "fl-1",
        "FlowLogStatus": "ACTIVE",
        "ResourceId": vpc_id,
        "TrafficType": "ALL",
        "LogDestinationType": "cloud-watch-logs",
        "LogGroupName": "vpc-flows",
        "DeliverLogsPermissionArn": ROLE,
        "DeliverLogsStatus": "SUCCESS",
        "MaxAggregationInterval": 600,
    } | changes


def region(
    *vpcs: Mapping[str, str], logs: tuple[Mapping[str, Any], ...] = (), groups: tuple[str, ...] = ()
) -> tuple[Any, FakeSession]:
    """An EC2 Region that honours the filters."""

    def describe_vpcs(_region: str, Filters: Any = None) -> Any:  # noqa: N803  AWS's spelling
        wanted = Filters[0]["Values"] if Filters else None
        return {"Vpcs": [v for v in vpcs if wanted is None or v["VpcId"] in wanted]}

    def describe_flow_logs(_region: str, Filter: Any) -> Any:  # noqa: N803
        member = {"resource-id": "ResourceId", "log-group-name": "LogGroupName"}[Filter[0]["Name"]]
        return {"FlowLogs": [log for log in logs if log.get(member) in Filter[0]["Values"]]}

    def describe_log_groups(_region: str, logGroupNamePrefix: str) -> Any:  # noqa: N803
        return {"logGroups": [{"logGroupName": name} for name in groups if name.startswith(logGroupNamePrefix)]}

    return fake_aws(
        ec2__DescribeVpcs=describe_vpcs,
        ec2__DescribeFlowLogs=describe_flow_logs,
        logs__DescribeLogGroups=describe_log_groups,
    )


def look(
    aws: Any, *names: str, parts: tuple[str, ...] = (), baselines: Mapping[str, Baseline[Vpc]] | None = None
) -> dict[str, Observed[Vpc]]:
    scope = Scope(ACCOUNT, REGION, names, parts)
    seen = list(kind.observe(aws, scope, baselines or {}, standard()))
    assert len({s.resource.name for s in seen}) == len(seen)
    return {s.resource.name: s for s in seen}


def known(*logs: FlowLog, name: str = "vpc-1", controls: tuple[str, ...] = ("vpc.flow-logs",)) -> dict[str, Any]:
    return {PREFIX + name.removeprefix("vpc-"): baseline(Vpc(ACCOUNT, REGION, name, logs), *controls)}


def test_a_named_vpc_with_its_flow_logs() -> None:
    aws, session = region(shown("vpc-1"), shown("vpc-2"), logs=(shown_log("vpc-1"), shown_log("vpc-2")))
    seen = look(aws, "vpc-1")
    assert list(seen) == ["vpc-1"]
    assert seen["vpc-1"].state == vpc(flow_log())
    assert seen["vpc-1"].resource.arn == VPC_ARN
    assert session.names == ["ec2:DescribeVpcs", "ec2:DescribeFlowLogs"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"LogDestinationType": None}, flow_log(), id="old-without-destination-type"),
        pytest.param(
            {"LogDestinationType": "s3", "LogDestination": "arn:aws:s3:::b", "LogGroupName": None},
            flow_log(destination_type=S3, destination="arn:aws:s3:::b"),
            id="bucket",
        ),
        pytest.param(
            {"LogDestinationType": "s3", "LogDestination": "arn:aws:s3:::b"},
            flow_log(destination_type=S3, destination="arn:aws:s3:::b"),
            id="bucket-beside-a-group's-name",
        ),
        pytest.param(
            {"LogGroupName": None, "LogDestination": "arn:aws:logs:g"}, flow_log(destination="arn:aws:logs:g"), id="arn"
        ),
        pytest.param({"FlowLogStatus": "DELETED"}, flow_log(active=False), id="inactive"),
        pytest.param({"MaxAggregationInterval": None}, flow_log(), id="no-aggregation"),
        pytest.param({"MaxAggregationInterval": 60}, flow_log(aggregation_seconds=60), id="aggregation"),
        pytest.param({"LogFormat": "${action}"}, flow_log(format="${action}"), id="format"),
        pytest.param(
            {"DestinationOptions": {"FileFormat": "parquet"}}, flow_log(options={"FileFormat": "parquet"}), id="options"
        ),
        pytest.param({"DeliverCrossAccountRole": "r"}, flow_log(cross_account_role="r"), id="cross-account-role"),
        pytest.param({"DeliverLogsPermissionArn": None}, flow_log(role=""), id="no-role"),
    ],
)
def test_a_flow_log_as_shown(changes: dict[str, Any], expected: FlowLog) -> None:
    aws, _ = region(shown("vpc-1"), logs=(shown_log("vpc-1", **changes),))
    assert look(aws, "vpc-1")["vpc-1"].state == vpc(expected)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"DeliverLogsStatus": "SUCCESS", "DeliverLogsErrorMessage": "Rate limited"}, "", id="delivers"),
        pytest.param({"DeliverLogsStatus": None}, "", id="new"),
        pytest.param(
            {"DeliverLogsStatus": "FAILED", "DeliverLogsErrorMessage": "Access error"}, "Access error", id="no"
        ),
        pytest.param({"DeliverLogsStatus": "FAILED"}, "unknown error", id="fails-without-reason"),
    ],
)
def test_delivery_errors(changes: dict[str, Any], error: str) -> None:
    aws, _ = region(shown("vpc-1"), logs=(shown_log("vpc-1", **changes),))
    state = look(aws, "vpc-1")["vpc-1"].state
    assert state is not None
    assert state.flow_logs[0].delivery_error == error


def test_a_named_vpc_that_is_gone() -> None:
    aws, session = region(shown("vpc-2"))
    seen = look(aws, "vpc-1")["vpc-1"]
    assert (seen.state, seen.out_of_reach) == (None, "")
    assert session.names == ["ec2:DescribeVpcs", "ec2:DescribeFlowLogs"], "they go out at once"


def test_a_vpc_that_lost_its_flow_log_and_is_gone_is_left_out() -> None:
    aws, _ = region(shown("vpc-2"))
    assert look(aws, parts=("fl-1",), baselines=known(flow_log())) == {}


def test_a_shared_vpc_is_out_of_reach() -> None:
    aws, _ = region(shown("vpc-1", STRANGER))
    seen = look(aws, "vpc-1")["vpc-1"]
    assert (seen.state, seen.out_of_reach) == (None, f"it is shared by account {STRANGER}, and only logged there")


def test_a_deleted_flow_log_leads_to_its_vpc_through_the_baselines() -> None:
    aws, session = region(shown("vpc-1"), shown("vpc-2"))
    seen = look(aws, parts=("fl-1",), baselines=known(flow_log()) | known(flow_log(id="fl-2"), name="vpc-2"))
    assert list(seen) == ["vpc-1"]
    assert seen["vpc-1"].state == replace(vpc(), former=("fl-1",))
    _, name, params = session.calls[0]
    assert (name, params["Filters"][0]["Values"]) == ("ec2:DescribeVpcs", ["vpc-1"])


def test_a_flow_log_that_was_put_back_leads_to_its_vpc_under_its_earlier_ids() -> None:
    """Its deletion may be told late, when the baseline has the new one."""
    aws, _ = region(shown("vpc-1"), logs=(shown_log("vpc-1", FlowLogId="fl-3"),))
    baselines = known(flow_log(id="fl-2"))
    (arn, before) = next(iter(baselines.items()))
    baselines[arn] = replace(before, state=replace(before.state, former=("fl-1",)))
    seen = look(aws, parts=("fl-1",), baselines=baselines)
    assert list(seen) == ["vpc-1"]
    assert seen["vpc-1"].state == replace(vpc(flow_log(id="fl-3")), former=("fl-1", "fl-2"))


def test_two_deleted_flow_logs_of_two_vpcs() -> None:
    aws, _ = region(shown("vpc-1"), shown("vpc-2"), shown("vpc-3"))
    baselines = known(flow_log()) | known(flow_log(id="fl-2"), name="vpc-2")
    assert list(look(aws, parts=("fl-1", "fl-2"), baselines=baselines)) == ["vpc-1", "vpc-2"]


@pytest.mark.parametrize(
    ("baselines", "logs", "found"),
    [
        pytest.param({}, (), ["vpc-1", "vpc-2"], id="all-without-any"),
        pytest.param({}, (shown_log("vpc-1"),), ["vpc-2"], id="one-has-one"),
        pytest.param({}, (shown_log("vpc-1", TrafficType="ACCEPT"),), ["vpc-1", "vpc-2"], id="one-has-too-little"),
        pytest.param(known(controls=()), (), ["vpc-2"], id="one-never-had-any"),
        pytest.param(known(flow_log()), (), ["vpc-1", "vpc-2"], id="one-had-another"),
    ],
)
def test_a_flow_log_that_nobody_knows_may_have_been_any_uncovered_vpcs(
    baselines: dict[str, Any], logs: tuple[Any, ...], found: list[str]
) -> None:
    aws, _ = region(shown("vpc-1"), shown("vpc-2"), shown("vpc-3", STRANGER), logs=logs)
    assert list(look(aws, parts=("fl-unknown",), baselines=baselines)) == found


def test_a_known_and_an_unknown_flow_log_in_one_call() -> None:
    aws, _ = region(shown("vpc-1"), shown("vpc-2"), shown("vpc-3"), logs=(shown_log("vpc-1"), shown_log("vpc-3")))
    seen = look(aws, parts=("fl-7", "fl-unknown"), baselines=known(flow_log(id="fl-7")))
    assert list(seen) == ["vpc-1", "vpc-2"]


def test_a_deleted_log_group_leads_to_the_vpcs_that_deliver_there() -> None:
    logs = (
        shown_log("vpc-1"),
        shown_log("vpc-2", LogGroupName="other"),
        shown_log("subnet-1"),
        shown_log("vpc-1", FlowLogId="fl-2"),
    )
    aws, _ = region(shown("vpc-1"), shown("vpc-2"), logs=logs, groups=("vpc-flows-2",))
    seen = look(aws, parts=("log-group:vpc-flows",))
    assert list(seen) == ["vpc-1"]
    state = seen["vpc-1"].state
    assert state is not None
    assert [log.group_missing for log in state.flow_logs] == [True, True]
    assert look(aws, parts=("log-group:unused",)) == {}


def test_a_log_group_that_is_there_again_is_not_missing() -> None:
    aws, _ = region(shown("vpc-1"), logs=(shown_log("vpc-1"),), groups=("vpc-flows",))
    state = look(aws, parts=("log-group:vpc-flows",))["vpc-1"].state
    assert state is not None
    assert not state.flow_logs[0].group_missing


def test_only_the_deleted_group_is_looked_for() -> None:
    logs = (shown_log("vpc-1"), shown_log("vpc-1", FlowLogId="fl-2", LogGroupName="other"))
    aws, _ = region(shown("vpc-1"), logs=logs)
    state = look(aws, "vpc-1", parts=("log-group:vpc-flows",))["vpc-1"].state
    assert state is not None
    assert {log.id: log.group_missing for log in state.flow_logs} == {"fl-1": True, "fl-2": False}


def test_where_a_vpc_is_named_its_parts_lead_to_no_other() -> None:
    aws, session = region(shown("vpc-1"), shown("vpc-2"))
    assert list(look(aws, "vpc-1", parts=("fl-unknown",), baselines=known(flow_log(), name="vpc-2"))) == ["vpc-1"]
    assert session.calls[0][2]["Filters"][0]["Values"] == ["vpc-1"]


def test_the_names_of_the_accounts_own() -> None:
    aws, session = fake_aws(ec2__DescribeVpcs={"Vpcs": [shown("vpc-1"), shown("vpc-2")]})
    assert list(kind.list_names(aws.home, standard())) == ["vpc-1", "vpc-2"]
    assert session.calls[0][2] == {"Filters": [{"Name": "owner-id", "Values": [ACCOUNT]}]}


def test_many_vpcs_are_asked_for_in_batches_of_what_a_filter_takes() -> None:
    aws, session = region(*(shown(f"vpc-{n}") for n in range(450)))
    names = [f"vpc-{n}" for n in range(450)]
    assert list(look(aws, *names, "vpc-0")) == names
    sizes = [len(params.get("Filters", params.get("Filter"))[0]["Values"]) for _, _, params in session.calls]
    assert sizes == [200, 200, 50, 200, 200, 50]


def test_a_refused_read_is_raised() -> None:
    aws, _ = fake_aws(
        ec2__DescribeVpcs={"Vpcs": [shown("vpc-1")]}, ec2__DescribeFlowLogs=refused("UnauthorizedOperation")
    )
    with pytest.raises(AwsError, match="UnauthorizedOperation"):
        look(aws, "vpc-1")
