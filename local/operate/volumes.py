"""How much there is to log in a month, as far as AWS tells: read from CloudWatch's metrics and the account's inventory.

What AWS does not count stays unknown, with the option that gives it; it is never taken for nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from relight.aws import Place
from relight.errors import AwsError
from relight.message import clean
from relight.policy.selectors import DATA, MANAGEMENT, Parts, Selectors, of_category
from relight.policy.vpc import ENOUGH
from relight.resources import seen, vpc

MONTH = 30  # days
DAY = 86400  # seconds
GB = 1 << 30  # bytes, as AWS charges
NAMES = 5  # so many are named, and the rest counted
# GB of flow logs from a network interface in a month where nothing was measured: 200 records of 110 bytes (the default
# format) in each ten minutes.
ASSUMED_GB = 0.1
ASSUMED_WHY = "200 records of 110 bytes in each ten minutes; a busy interface has many times as many"


@dataclass(frozen=True)
class Volume:
    """How much there is in a month, and how that is known; None where nobody knows."""

    amount: float | None
    source: str


@dataclass(frozen=True)
class Measured:
    """What a metric comes to in a month, judged by so many days."""

    amount: float
    days: int


def unknown(why: str, option: str) -> Volume:
    return Volume(None, f"not known: {why}; give {option}")


def measure(place: Place, metric: str, dimensions: Mapping[str, str], now: datetime) -> Measured | None:
    """The month's sum of a metric, named ``namespace:name``, by its last whole days; None without any. Raises AwsError.

    A metric may be younger than a month: what counts are the days since its first data point, idle ones too.
    """
    namespace, _, name = metric.partition(":")
    end = now.replace(hour=0, minute=0, second=0, microsecond=0)
    answer = place.read(
        "cloudwatch",
        "GetMetricStatistics",
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=end - timedelta(days=MONTH),
        EndTime=end,
        Period=DAY,
        Statistics=["Sum"],
    )
    points = (answer or {}).get("Datapoints", ())
    if not points:
        return None
    seconds = (end - min(point["Timestamp"] for point in points)).total_seconds()
    days = ceil(seconds / DAY)
    return Measured(sum(point["Sum"] for point in points) / days * MONTH, days)


# -------------------------------------------------------------------------------------------------------------- S3


def s3_requests(place: Place, only: Iterable[str], now: datetime) -> list[Volume]:
    """The requests to the Region's buckets, or to some: of those where they are known, and of the others.

    S3 counts requests only where a bucket has a metrics configuration, and all of them only with one without a filter
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html). Raises AwsError.
    """
    names = sorted(only) or _buckets(place)
    if not names:
        return [Volume(0, f"read: no bucket in {place.region}")]
    counted = _counted(place)
    found = {name: _requests(place, name, now) if name in counted else "no request metrics" for name in names}
    known = {name: each for name, each in found.items() if isinstance(each, Measured)}
    volumes = []
    if known:
        days = min(each.days for each in known.values())
        source = f"read: CloudWatch AllRequests of {_listed(known)}, {_number(days, 'day')}"
        volumes.append(Volume(sum(each.amount for each in known.values()), source))
    if len(known) < len(found):
        others = _listed(f"{name} ({each})" for name, each in found.items() if name not in known)
        volumes.append(unknown(f"requests to {others}", "--s3-requests N, or name the buckets that matter by --bucket"))
    return volumes


def _buckets(place: Place) -> list[str]:
    listed = place.pages("s3", "ListBuckets", "Buckets", BucketRegion=place.region, PaginationConfig={"PageSize": 1000})
    return sorted(bucket["Name"] for bucket in listed)


def _counted(place: Place) -> set[str]:
    """The buckets with any request metrics in the last two weeks."""
    shown = place.pages("cloudwatch", "ListMetrics", "Metrics", Namespace="AWS/S3", MetricName="AllRequests")
    pairs = (pair for metric in shown for pair in metric.get("Dimensions", ()))
    return {pair["Value"] for pair in pairs if pair["Name"] == "BucketName"}


def _requests(place: Place, name: str, now: datetime) -> Measured | str:
    """A bucket's requests, or why they are not known."""
    try:
        # The first page of configurations: whoever has more than a hundred may say how many requests there are.
        shown = place.read("s3", "ListBucketMetricsConfigurations", Bucket=name, ExpectedBucketOwner=place.account)
        configurations = (shown or {}).get("MetricsConfigurationList", ())
        whole = next((each["Id"] for each in configurations if not each.get("Filter")), None)
        if whole is None:
            return "request metrics of a part only"
        dimensions = {"BucketName": name, "FilterId": whole}
        return measure(place, "AWS/S3:AllRequests", dimensions, now) or "request metrics of less than a day"
    except AwsError as error:
        return str(error)


# -------------------------------------------------------------------------------------------------------- CloudTrail


def denied_calls(place: Place) -> Volume:
    """The calls that VPC endpoints deny, which nothing counts.

    CloudWatch has connections and bytes of interface endpoints, not calls, and nothing of gateway endpoints
    (https://docs.aws.amazon.com/vpc/latest/privatelink/privatelink-cloudwatch-metrics.html). Raises AwsError.
    """
    endpoints = list(place.pages("ec2", "DescribeVpcEndpoints", "VpcEndpoints"))
    if not endpoints:
        return Volume(0, f"read: no VPC endpoint in {place.region}")
    why = f"CloudWatch counts connections and bytes of {_number(len(endpoints), 'VPC endpoint')}, not denied calls"
    return unknown(why, "--network-events N")


def further_copies(place: Place) -> Volume:
    """How many trails log management events beside the first, which is free. Raises AwsError.

    Trails that are stopped count: Relight starts them.
    """
    names = [trail["Name"] for trail, _ in _of_management_events(place)]
    source = f"read: {_number(len(names), 'trail')} for management events" + (f": {_listed(names)}" if names else "")
    return Volume(max(0, len(names) - 1), source)


def management_events(place: Place, now: datetime) -> Volume:
    """The events of a copy, which only a trail that also writes to CloudWatch Logs has counted. Raises AwsError."""
    for trail, parts in _of_management_events(place):
        arn = trail.get("CloudWatchLogsLogGroupArn", "").split(":")
        if arn[3:5] != [place.region, place.account]:
            continue
        found = measure(place, "AWS/Logs:IncomingLogEvents", {"LogGroupName": arn[6]}, now)
        if found:
            beside = "; data events are among them, so it is at most that" if of_category(parts, DATA) else ""
            days = _number(found.days, "day")
            return Volume(found.amount, f"read: CloudWatch IncomingLogEvents of {clean(arn[6])}, {days}{beside}")
    return unknown("no trail's log group in CloudWatch Logs counts them", "--management-events N")


def _of_management_events(place: Place) -> list[tuple[Mapping[str, Any], Parts]]:
    """The trails that log management events of the Region, and all that they log. Raises AwsError."""
    found = []
    for trail in seen.trails(place):
        if not trail.get("IsMultiRegionTrail") and trail["HomeRegion"] != place.region:
            continue
        home = place.elsewhere(trail["HomeRegion"])
        shown = home.read("cloudtrail", "GetEventSelectors", TrailName=trail["TrailARN"]) or {}
        basic, advanced = shown.get("EventSelectors") or (), shown.get("AdvancedEventSelectors") or ()
        parts = Selectors(tuple(basic), tuple(advanced)).parts
        if of_category(parts, MANAGEMENT):
            found.append((trail, parts))
    return found


# ---------------------------------------------------------------------------------------------------------- flow logs


def flow_logs(place: Place, per_interface: float | None, now: datetime) -> Volume:
    """The GB of flow logs of the VPCs that have none: so much for each network interface. Raises AwsError.

    How much is what the user says, or what the other VPCs' interfaces come to, or an assumption.
    """
    logs = [log for log in place.pages("ec2", "DescribeFlowLogs", "FlowLogs") if log.get("FlowLogStatus") == "ACTIVE"]
    lit = {log["ResourceId"] for log in logs if log.get("TrafficType") in ENOUGH}
    own = list(vpc.owned(place))
    dark = sorted(set(own) - lit)
    if not dark:
        return Volume(0, f"read: none of {_number(len(own), 'VPC')} is without a flow log")
    shown = place.pages("ec2", "DescribeNetworkInterfaces", "NetworkInterfaces")
    interfaces = Counter(interface["VpcId"] for interface in shown)
    number = sum(interfaces[name] for name in dark)
    read = f"read: {_number(number, 'network interface')} in {_number(len(dark), 'VPC')} without a flow log"
    if not number:
        return Volume(0, read)
    each = Volume(per_interface, "given") if per_interface is not None else _per_interface(place, logs, interfaces, now)
    return Volume(number * (each.amount or 0), f"{read}; {each.amount:.3g} GB each, {each.source}")


def _per_interface(place: Place, logs: Iterable[Mapping[str, Any]], interfaces: Counter[str], now: datetime) -> Volume:
    """The GB of an interface: what VPCs' log groups take in, by the interfaces in these VPCs; else an assumption."""
    resources: dict[str, set[str]] = defaultdict(set)
    traffic: dict[str, set[str]] = defaultdict(set)
    for log in logs:
        if log.get("LogGroupName"):
            resources[log["LogGroupName"]].add(log["ResourceId"])
            traffic[log["LogGroupName"]].add(log.get("TrafficType", ""))
    # A group that also takes the logs of single subnets or interfaces says nothing about whole VPCs.
    groups = [group for group, names in resources.items() if all(name.startswith("vpc-") for name in names)]
    measured = {group: measure(place, "AWS/Logs:IncomingBytes", {"LogGroupName": group}, now) for group in groups}
    known = {group: each for group, each in measured.items() if each}
    number = sum(interfaces[name] for name in set().union(*(resources[group] for group in known)))
    if not number:
        return Volume(ASSUMED_GB, f"assumed: {ASSUMED_WHY}")
    amount = sum(each.amount for each in known.values()) / GB / number
    days = _number(min(each.days for each in known.values()), "day")
    kinds = " and ".join(sorted(set().union(*(traffic[group] for group in known))))
    return Volume(
        amount,
        f"as CloudWatch IncomingBytes of {_listed(known)} has of {_number(number, 'interface')}, {days}, {kinds}",
    )


def _listed(names: Iterable[str]) -> str:
    every = [clean(name) for name in names]
    return ", ".join(every[:NAMES]) + (f" and {len(every) - NAMES} more" if len(every) > NAMES else "")


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
