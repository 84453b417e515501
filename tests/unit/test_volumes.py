"""What `relight cost` reads, on a fake shaped as AWS documents: moto has no metrics configurations of buckets."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from local.operate import volumes
from local.operate.volumes import Volume
from tests.unit.builders import ACCOUNT, NOON, REGION
from tests.unit.fakes import Answer, fake_aws, refused

MIDNIGHT = NOON.replace(hour=0)
GROUP = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:trail-group:*"
ALL_MANAGEMENT = {"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": True}]}


def points(*sums: float) -> Answer:
    """GetMetricStatistics' answer: the sums of the last whole days, the newest first."""
    return {"Datapoints": [{"Timestamp": MIDNIGHT - timedelta(days=age), "Sum": n} for age, n in enumerate(sums, 1)]}


def only(found: list[Volume]) -> Volume:
    (volume,) = found
    return volume


# ------------------------------------------------------------------------------------------------------------ metrics


def test_a_month_is_judged_by_the_days_since_the_first_data_point() -> None:
    answer: Any = points(10, 30, 20)
    del answer["Datapoints"][1]  # an idle day has none
    aws, session = fake_aws(cloudwatch__GetMetricStatistics=answer)
    found = volumes.measure(aws.home, "AWS/Logs:IncomingBytes", {"LogGroupName": "g"}, NOON)
    assert found == volumes.Measured((10 + 20) / 3 * 30, 3)
    _, _, asked = session.calls[0]
    assert (asked["StartTime"], asked["EndTime"]) == (MIDNIGHT - timedelta(days=30), MIDNIGHT), "whole days only"
    assert asked["Dimensions"] == [{"Name": "LogGroupName", "Value": "g"}]


def test_no_data_point_is_not_nothing() -> None:
    aws, _ = fake_aws(cloudwatch__GetMetricStatistics={"Datapoints": []})
    assert volumes.measure(aws.home, "AWS/Logs:IncomingBytes", {"LogGroupName": "g"}, NOON) is None


# ----------------------------------------------------------------------------------------------------------------- S3


def s3(*names: str, statistics: Answer, **configurations: Answer) -> dict[str, Answer]:
    """Buckets, those of them that have request metrics, and each one's configurations."""

    def configured(_region: str, **params: Any) -> Any:
        answer = configurations[params["Bucket"]]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return {
        "s3__ListBuckets": {"Buckets": [{"Name": name} for name in names]},
        "cloudwatch__ListMetrics": [
            {"Metrics": [{"Dimensions": [{"Name": "BucketName", "Value": name}, {"Name": "FilterId", "Value": "x"}]}]}
            for name in configurations
        ],
        "s3__ListBucketMetricsConfigurations": configured,
        "cloudwatch__GetMetricStatistics": statistics,
    }


WHOLE = {"MetricsConfigurationList": [{"Id": "part", "Filter": {"Prefix": "p/"}}, {"Id": "whole"}]}
PART = {"MetricsConfigurationList": [{"Id": "part", "Filter": {"Prefix": "p/"}}]}


def test_the_requests_of_a_bucket_are_those_of_its_configuration_without_a_filter() -> None:
    def statistics(_region: str, **params: Any) -> Any:
        assert params["Dimensions"] == [{"Name": "BucketName", "Value": "a"}, {"Name": "FilterId", "Value": "whole"}]
        return points(100, 100)

    aws, _ = fake_aws(**s3("a", statistics=statistics, a=WHOLE))
    found = only(volumes.s3_requests(aws.home, (), NOON))
    assert found == Volume(3000, "read: CloudWatch AllRequests of a, 2 days")


@pytest.mark.parametrize(
    ("configurations", "statistics", "why"),
    [
        pytest.param({}, points(1), "a (no request metrics)", id="none"),
        pytest.param({"a": PART}, points(1), "a (request metrics of a part only)", id="with a filter only"),
        pytest.param({"a": WHOLE}, points(), "a (request metrics of less than a day)", id="too young"),
        pytest.param({"a": refused("AccessDenied")}, points(1), "AccessDenied", id="refused"),
    ],
)
def test_where_requests_are_not_counted_they_are_unknown(
    configurations: dict[str, Answer], statistics: Answer, why: str
) -> None:
    aws, _ = fake_aws(**s3("a", statistics=statistics, **configurations))
    found = only(volumes.s3_requests(aws.home, (), NOON))
    assert found.amount is None
    assert why in found.source
    assert "--s3-requests N" in found.source


def test_what_is_known_of_some_buckets_is_not_taken_for_all() -> None:
    aws, _ = fake_aws(**s3("a", "b", "c", statistics=points(100), a=WHOLE, c=WHOLE))
    known, other = volumes.s3_requests(aws.home, (), NOON)
    assert known.amount == 6000
    assert (other.amount, "requests to b (no request metrics)" in other.source) == (None, True)


def test_only_the_buckets_that_were_named_are_read() -> None:
    aws, session = fake_aws(**s3("a", "b", statistics=points(100), a=WHOLE, b=WHOLE))
    assert only(volumes.s3_requests(aws.home, ("a",), NOON)).amount == 3000
    assert "s3:ListBuckets" not in session.names


def test_without_buckets_there_are_no_requests() -> None:
    aws, _ = fake_aws(s3__ListBuckets={"Buckets": []})
    assert only(volumes.s3_requests(aws.home, (), NOON)) == Volume(0, f"read: no bucket in {REGION}")


# --------------------------------------------------------------------------------------------------------- CloudTrail


def trail(name: str, **more: Any) -> dict[str, Any]:
    arn = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/{name}"
    return {"Name": name, "TrailARN": arn, "HomeRegion": REGION, "IsMultiRegionTrail": True, **more}


@pytest.mark.parametrize(
    ("trails", "copies"),
    [
        ([], 0),
        ([trail("one")], 0),
        ([trail("one"), trail("two"), trail("three")], 2),
        ([trail("one"), trail("elsewhere", HomeRegion="eu-west-1")], 1),
        ([trail("one"), trail("elsewhere", HomeRegion="eu-west-1", IsMultiRegionTrail=False)], 0),
    ],
    ids=["none", "the first is free", "three", "a shadow", "a trail of another Region alone"],
)
def test_copies_beside_the_first(trails: list[Any], copies: int) -> None:
    aws, session = fake_aws(
        cloudtrail__DescribeTrails={"trailList": trails}, cloudtrail__GetEventSelectors=ALL_MANAGEMENT
    )
    assert volumes.further_copies(aws.home).amount == copies
    for region, name, params in session.calls:
        if name == "cloudtrail:GetEventSelectors":
            assert region == next(each["HomeRegion"] for each in trails if each["TrailARN"] == params["TrailName"])


def test_a_trail_of_data_events_alone_is_no_copy() -> None:
    data = {
        "AdvancedEventSelectors": [{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Data"]}]}],
    }
    aws, _ = fake_aws(
        cloudtrail__DescribeTrails={"trailList": [trail("one"), trail("data")]},
        cloudtrail__GetEventSelectors=lambda _, TrailName: data if TrailName.endswith("data") else ALL_MANAGEMENT,  # noqa: N803
    )
    assert volumes.further_copies(aws.home).amount == 0


@pytest.mark.parametrize(
    "trails",
    [
        [],
        [trail("one")],
        [trail("one", CloudWatchLogsLogGroupArn=GROUP.replace(REGION, "eu-west-1"))],
        [trail("one", CloudWatchLogsLogGroupArn=GROUP.replace(ACCOUNT, "999999999999"))],
    ],
    ids=["no trail", "no log group", "in another Region", "of another account"],
)
def test_management_events_that_nobody_counts_are_unknown(trails: list[Any]) -> None:
    aws, _ = fake_aws(cloudtrail__DescribeTrails={"trailList": trails}, cloudtrail__GetEventSelectors=ALL_MANAGEMENT)
    found = volumes.management_events(aws.home, NOON)
    assert (found.amount, "--management-events N" in found.source) == (None, True)


@pytest.mark.parametrize("endpoints", [0, 2])
def test_denied_calls_are_nothing_only_where_there_is_no_endpoint(endpoints: int) -> None:
    aws, _ = fake_aws(ec2__DescribeVpcEndpoints={"VpcEndpoints": [{"VpcEndpointId": "vpce-1"}] * endpoints})
    found = volumes.denied_calls(aws.home)
    assert found.amount == (None if endpoints else 0)
    assert ("--network-events N" in found.source) == bool(endpoints)


# ---------------------------------------------------------------------------------------------------------- flow logs


def log(resource: str, group: str, **more: Any) -> dict[str, Any]:
    return {"ResourceId": resource, "LogGroupName": group, "TrafficType": "ALL", "FlowLogStatus": "ACTIVE", **more}


def network(*logs: dict[str, Any]) -> dict[str, Answer]:
    """vpc-lit with two interfaces, vpc-dark with three, and what each log group took in on one day."""
    taken = {"whole": 2 * volumes.GB, "partly": 500 * volumes.GB}
    return {
        "ec2__DescribeVpcs": {"Vpcs": [{"VpcId": "vpc-lit"}, {"VpcId": "vpc-dark"}]},
        "ec2__DescribeFlowLogs": {"FlowLogs": list(logs)},
        "ec2__DescribeNetworkInterfaces": {
            "NetworkInterfaces": [{"VpcId": "vpc-lit"}] * 2 + [{"VpcId": "vpc-dark"}] * 3
        },
        "cloudwatch__GetMetricStatistics": lambda _, **asked: points(taken[asked["Dimensions"][0]["Value"]]),
    }


@pytest.mark.parametrize(
    ("logs", "amount"),
    [
        pytest.param([log("vpc-lit", "whole")], 3 * 60 / 2, id="measured"),
        pytest.param(
            [log("vpc-lit", "whole"), log("subnet-1", "partly"), log("vpc-lit", "partly")],
            3 * 60 / 2,
            id="but not by a group that also takes a subnet's",
        ),
        pytest.param(
            [log("vpc-lit", "whole"), log("vpc-dark", "partly", FlowLogStatus="FAILED")],
            3 * 60 / 2,
            id="a flow log that is not active is none",
        ),
        pytest.param(
            [log("vpc-lit", "whole"), log("vpc-dark", "whole", TrafficType="ACCEPT")], 3 * 60 / 5, id="ACCEPT"
        ),
        pytest.param([log("vpc-lit", ""), log("eni-1", "partly")], 3 * 0.1, id="assumed"),
        pytest.param([log("vpc-lit", "whole"), log("vpc-dark", "whole")], 0, id="each has one"),
    ],
)
def test_flow_logs_of_the_vpcs_without_one(logs: list[dict[str, Any]], amount: float) -> None:
    aws, _ = fake_aws(**network(*logs))
    found = volumes.flow_logs(aws.home, None, NOON)
    assert found.amount == pytest.approx(amount)
    assert ("assumed" in found.source) == (amount == 3 * 0.1)
