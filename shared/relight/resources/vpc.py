"""VPCs and their flow logs: DescribeVpcs, DescribeFlowLogs; CreateLogGroup, CreateFlowLogs.

A deleted flow log can no longer be described, and DeleteFlowLogs names flow logs only: their VPC is found through
the baselines, else among the Region's VPCs that have no flow log.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from relight.aws import Aws, Place
from relight.model import Baseline, Call, Drift, Observed, Resource, Scope
from relight.policy import state
from relight.policy.vpc import CLOUDWATCH, ENOUGH, FlowLog, Vpc, from_standard, strange, weaker
from relight.record import Record, contents, dig, text
from relight.resources.log_group import creation
from relight.standard import Standard

__all__ = ["CREATES", "KIND", "arn", "list_names", "locate", "observe", "plan", "revive", "taken", "weaker"]

KIND = "vpc"
CREATES = frozenset({"CreateVpc", "CreateDefaultVpc"})
LOG_GROUP = "log-group:"  # marks a part that is a log group; the others are ids of flow logs
# The most VPCs for one CreateFlowLogs, which names one destination for all of them
# (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html).
VPCS = 300
# So many ids of earlier flow logs are remembered of a VPC.
FORMER = 20
PAGES = {"PageSize": 1000}  # without it, all that there are come in one answer
FILTER_VALUES = 200  # https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Filter.html


def arn(partition: str, account: str, region: str, name: str) -> str:
    """``arn:…:vpc/vpc-…``."""
    return f"arn:{partition}:ec2:{region}:{account}:vpc/{name}"


def locate(record: Record) -> Scope:
    """The VPC that was made or got a flow log; or the flow logs or log group that are gone."""
    request = record.request
    names: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    if record.name in CREATES:
        names = (record.need("VPC", dig(record.response, "vpc", "vpcId")),)
    elif record.name == "CreateFlowLogs":
        ids = contents(request.get("ResourceId"))
        record.need("resource", *ids)
        names = tuple(i for i in ids if i.startswith("vpc-"))  # the others are subnets and network interfaces
    elif record.name == "DeleteLogGroup":
        parts = (LOG_GROUP + record.need("log group", request.get("logGroupName")),)
    else:
        named = contents(request.get("FlowLogId"))
        record.need("flow log", *named)
        parts = tuple(i for i in named if i not in _kept(record))
    return Scope(record.account, record.region, names, parts)


def _kept(record: Record) -> set[str]:
    """The flow logs that a successful DeleteFlowLogs did not delete: ``unsuccessful``, which is "" otherwise."""
    items = dig(record.response, "unsuccessful", "item")
    each = items if isinstance(items, list) else [items]
    return {str(dig(item, "resourceId")) for item in each}


def observe(
    aws: Aws, scope: Scope, baselines: Mapping[str, Baseline[Vpc]], standard: Standard
) -> Iterator[Observed[Vpc]]:
    """The named VPCs or, where only parts are named, those that lost one; of those, the ones that still exist."""
    place = aws.at(scope.account, scope.region)
    groups = [part.removeprefix(LOG_GROUP) for part in scope.parts if part.startswith(LOG_GROUP)]
    names, unplaced = list(scope.names), False
    if not names:
        lost = {part for part in scope.parts if not part.startswith(LOG_GROUP)}
        names = [b.state.id for b in baselines.values() if lost & b.state.flow_log_ids]
        names += _delivering_to(place, groups)
        unplaced = bool(lost.difference(*(b.state.flow_log_ids for b in baselines.values())))

    if unplaced:
        listed = _vpcs(place, None)
        flow_logs = _flow_logs(place, [vpc["VpcId"] for vpc in listed], groups)
    else:
        listed, flow_logs = place.together(lambda: _vpcs(place, names), lambda: _flow_logs(place, names, groups))
    vpcs = {vpc["VpcId"]: vpc["OwnerId"] for vpc in listed}
    for name in dict.fromkeys((*scope.names, *vpcs)):
        full = arn(standard.partition, scope.account, scope.region, name)
        resource = Resource(KIND, name, full, scope.account, scope.region)
        logs = tuple(flow_logs.get(name, ()))
        found = Vpc(scope.account, scope.region, name, logs, _former(logs, baselines.get(full)))
        owner = vpcs.get(name)
        if owner is None:
            yield Observed(resource, None)
        elif owner != scope.account:
            if name in names:
                yield Observed(resource, None, f"it is shared by account {owner}, and only logged there")
        elif name in names or _suspect(found, baselines.get(full)):
            yield Observed(resource, found)


def list_names(place: Place, standard: Standard) -> Iterator[str]:
    """The ids of the Region's VPCs."""
    return owned(place)


def owned(place: Place) -> Iterator[str]:
    """The ids of the account's own VPCs in the Region; those that are shared with it are left out. Raises AwsError."""
    own = [{"Name": "owner-id", "Values": [place.account]}]
    for vpc in place.pages("ec2", "DescribeVpcs", "Vpcs", Filters=own, PaginationConfig=PAGES):
        yield vpc["VpcId"]


def _former(logs: Sequence[FlowLog], baseline: Baseline[Vpc] | None) -> tuple[str, ...]:
    """The last ids that the VPC's flow logs had, as far as the baseline knows: one that is put back gets another."""
    if baseline is None:
        return ()
    known = (*baseline.state.former, *(log.id for log in baseline.state.flow_logs))
    gone = dict.fromkeys(each for each in known if each and each not in {log.id for log in logs})
    return tuple(gone)[-FORMER:]


def _suspect(vpc: Vpc, baseline: Baseline[Vpc] | None) -> bool:
    """Whether a flow log that nobody knows may have been this VPC's: it has none, and was not without one before."""
    return not any(log.enough for log in vpc.flow_logs) and (baseline is None or bool(baseline.controls))


def _vpcs(place: Place, names: Sequence[str] | None) -> list[dict[str, Any]]:
    """DescribeVpcs by filter, which leaves out unknown ids where VpcIds would fail; None: the whole Region."""
    if names is None:
        return list(place.pages("ec2", "DescribeVpcs", "Vpcs", PaginationConfig=PAGES))
    return [
        vpc
        for values in _chunks(names)
        for vpc in place.pages("ec2", "DescribeVpcs", "Vpcs", Filters=[{"Name": "vpc-id", "Values": values}])
    ]


def _flow_logs(place: Place, names: Sequence[str], doubtful: Sequence[str]) -> dict[str, list[FlowLog]]:
    """The flow logs of each VPC; `doubtful` are log groups that may not exist any more."""
    missing = {group for group in doubtful if not _exists(place, group)}
    found: dict[str, list[FlowLog]] = {}
    for values in _chunks(names):
        filters = [{"Name": "resource-id", "Values": values}]
        for shown in place.pages("ec2", "DescribeFlowLogs", "FlowLogs", Filter=filters):
            found.setdefault(shown["ResourceId"], []).append(_flow_log(shown, missing))
    return found


def _delivering_to(place: Place, groups: Sequence[str]) -> list[str]:
    """The VPCs whose flow logs are delivered to one of these log groups."""
    filters = [{"Name": "log-group-name", "Values": list(groups)}]
    shown = place.pages("ec2", "DescribeFlowLogs", "FlowLogs", Filter=filters) if groups else ()
    return sorted({log["ResourceId"] for log in shown if log["ResourceId"].startswith("vpc-")})


def _exists(place: Place, group: str) -> bool:
    shown = place.pages("logs", "DescribeLogGroups", "logGroups", logGroupNamePrefix=group)
    return any(each["logGroupName"] == group for each in shown)


def _chunks(values: Sequence[str]) -> Iterator[list[str]]:
    unique = list(dict.fromkeys(values))
    for start in range(0, len(unique), FILTER_VALUES):
        yield unique[start : start + FILTER_VALUES]


def _flow_log(shown: Mapping[str, Any], missing: AbstractSet[str]) -> FlowLog:
    """A flow log as DescribeFlowLogs shows it. Logs to CloudWatch may lack LogDestinationType on old ones."""
    kind = shown.get("LogDestinationType") or CLOUDWATCH
    to_group = kind == CLOUDWATCH and shown.get("LogGroupName")
    return FlowLog(
        traffic=shown.get("TrafficType", ""),
        destination_type=kind,
        destination=shown["LogGroupName"] if to_group else shown.get("LogDestination", ""),
        role=shown.get("DeliverLogsPermissionArn") or "",
        format=shown.get("LogFormat") or "",
        aggregation_seconds=shown.get("MaxAggregationInterval") or 600,
        options=shown.get("DestinationOptions") or {},
        cross_account_role=shown.get("DeliverCrossAccountRole") or "",
        id=shown["FlowLogId"],
        active=shown.get("FlowLogStatus") == "ACTIVE",
        group_missing=bool(to_group) and shown["LogGroupName"] in missing,
        delivery_error=(shown.get("DeliverLogsErrorMessage") or "unknown error")
        if shown.get("DeliverLogsStatus") == "FAILED"
        else "",
    )


def taken(record: Record, baseline: Baseline[Vpc] | None, standard: Standard) -> dict[str, str]:
    """DeleteFlowLogs and DeleteLogGroup take it away by their name; CreateFlowLogs may lead it elsewhere beside."""
    request = record.request
    if record.name == "DeleteLogGroup":
        return {"vpc.flow-logs": f"What log group {text(request.get('logGroupName'))} held is lost."}
    if record.name == "CreateFlowLogs" and baseline:
        new = FlowLog(ENOUGH[0], text(request.get("LogDestinationType")), text(request.get("LogDestination")))
        return {"vpc.baseline": ""} if strange(baseline.state, new, standard) else {}
    if record.name != "DeleteFlowLogs":
        return {}
    known = baseline.state.flow_log_ids if baseline else set()
    if known.intersection(contents(request.get("FlowLogId"))):
        return {"vpc.flow-logs": "", "vpc.baseline": ""}
    return {
        "vpc.flow-logs": "No baseline tells which VPC the deleted flow log belonged to; this one was found without any."
    }


def plan(
    observed: Observed[Vpc], drifts: tuple[Drift, ...], standard: Standard, baseline: Vpc | None
) -> tuple[Call, ...]:
    """The log group, then the flow log, for each that is wanted; the standard's where a baseline's is refused."""
    vpc = observed.state
    if vpc is None:
        return ()
    fallback = from_standard(vpc, standard)
    calls: list[Call] = []
    for drift in drifts:
        if drift.field == "LogGroupName":
            calls += creation(drift.wanted, vpc.account, vpc.region, standard)
            continue
        for config in drift.wanted:
            log = FlowLog(**config)
            instead = (
                ()
                if log == fallback or (fallback.destination_type == CLOUDWATCH and not fallback.role)
                else (_creation(vpc, fallback, standard))
            )
            calls += _creation(vpc, log, standard, instead)
    return tuple(calls)


def _creation(vpc: Vpc, log: FlowLog, standard: Standard, instead: tuple[Call, ...] = ()) -> tuple[Call, ...]:
    params: dict[str, Any] = {
        "ResourceIds": [vpc.id],
        "ResourceType": "VPC",
        "TrafficType": log.traffic,
        "LogDestinationType": log.destination_type,
        "MaxAggregationInterval": log.aggregation_seconds,
        "LogGroupName" if log.destination_type == CLOUDWATCH else "LogDestination": log.destination,
    }
    optional = {
        "DeliverLogsPermissionArn": log.role,
        "LogFormat": log.format,
        "DestinationOptions": log.options,
        "DeliverCrossAccountRole": log.cross_account_role,
    }
    params |= {name: value for name, value in optional.items() if value}
    already = ("FlowLogAlreadyExists",)
    create = Call("ec2", "CreateFlowLogs", params, already, instead, several="ResourceIds", most=VPCS)
    groups = creation(log.destination, vpc.account, vpc.region, standard) if log.destination_type == CLOUDWATCH else ()
    return (*groups, create)


def revive(data: Mapping[str, Any]) -> Vpc:
    """A VPC from a baseline's data."""
    logs = tuple(state.revive(FlowLog, log) for log in data.get("flow_logs", ()))
    return state.revive(Vpc, {**data, "flow_logs": logs, "former": tuple(data.get("former", ()))})
