"""VPCs: their traffic is recorded in flow logs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from relight.model import Basis, Drift, Mode, Severity
from relight.policy.control import control
from relight.standard import Standard

CLOUDWATCH = "cloud-watch-logs"
S3 = "s3"
# CIS 3.7 asks for rejected traffic at least; ACCEPT alone shows nothing of a scan.
ENOUGH = ("REJECT", "ALL")
# https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html (version 2)
DEFAULT_FORMAT = (
    "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} "
    "${bytes} ${start} ${end} ${action} ${log-status}"
)
# A record with none of these shows nothing of a scan either.
ADDRESSES = {"${srcaddr}", "${dstaddr}", "${pkt-srcaddr}", "${pkt-dstaddr}"}


@dataclass(frozen=True, slots=True)
class FlowLog:
    """A flow log's configuration; it cannot be changed, only deleted and created anew."""

    traffic: str
    destination_type: str
    destination: str  # a log group's name, or the ARN of a bucket (with prefix) or stream
    role: str = ""
    format: str = ""
    aggregation_seconds: int = 600
    options: Mapping[str, Any] = field(default_factory=dict)  # DestinationOptions: file format, Hive, hourly
    cross_account_role: str = ""
    id: str = ""
    active: bool = True
    delivery_error: str = field(default="", compare=False)
    group_missing: bool = field(default=False, compare=False)  # its log group is known not to exist

    @property
    def enough(self) -> bool:
        """Whether it records what the benchmark asks for, and whose traffic that was."""
        return self.active and self.traffic in ENOUGH and bool(self.fields & ADDRESSES)

    @property
    def fields(self) -> set[str]:
        """What a record of it says of a flow."""
        return set((self.format or DEFAULT_FORMAT).split())

    def config(self) -> dict[str, Any]:
        """What CreateFlowLogs needs to know, as plain data: neither defaults nor how it fares."""
        fares = ("id", "active", "delivery_error", "group_missing")
        known = {name: value for name, value in asdict(self).items() if value and name not in fares}
        return {name: value for name, value in known.items() if (name, value) != ("format", DEFAULT_FORMAT)}

    def covers(self, other: FlowLog, trusted_role: str) -> bool:
        """Whether this one delivers what another one did, as often, to the same place, and in the same or that role.

        A role that may not deliver shows only later, by the deliveries that fail.
        """
        return (
            self.active
            and (self.destination_type, self.destination) == (other.destination_type, other.destination)
            and self.traffic in ("ALL", other.traffic)
            and self.fields >= other.fields
            and self.aggregation_seconds <= other.aggregation_seconds
            and self.role in (other.role, trusted_role)
            and self.cross_account_role == other.cross_account_role
        )


@dataclass(frozen=True, slots=True)
class Vpc:
    """A VPC of the account's own, with the flow logs that are on the VPC itself (not on subnets)."""

    account: str
    region: str
    id: str
    flow_logs: tuple[FlowLog, ...] = ()
    former: tuple[str, ...] = ()  # ids of flow logs that it had: the event of a deletion names nothing else

    @property
    def flow_log_ids(self) -> set[str]:
        """Of the flow logs that it has, and of those that it had."""
        return {*self.former, *(log.id for log in self.flow_logs)}


@control(
    "vpc.flow-logs",
    title="The VPC has an active flow log",
    severity=Severity.HIGH,
    cis="3.7",
    security_hub="EC2.6",
    triggers=("CreateVpc", "CreateDefaultVpc", "DeleteFlowLogs", "CreateFlowLogs", "DeleteLogGroup"),
    repair="CreateLogGroup, PutRetentionPolicy, CreateFlowLogs",
    create=Mode.ENFORCE,
    costs="0.50 a GB that CloudWatch Logs takes in, 0.25 a GB where it goes to S3",
    basis=Basis.STANDARD,
)
def flow_logs(vpc: Vpc, standard: Standard, baseline: Vpc | None) -> Iterator[Drift]:
    """At least one flow log for REJECT or ALL traffic, with addresses, is ACTIVE; a delivery that fails is told."""
    enough = [log for log in vpc.flow_logs if log.enough]
    if not enough:
        yield _missing(vpc, standard, baseline)
    elif all(log.delivery_error for log in enough):
        yield Drift(
            "DeliverLogsErrorMessage",
            found=", ".join(f"{log.id}: {log.delivery_error}" for log in enough),
            wanted="",
            manual=f"A flow log cannot be changed: mend its role or {enough[0].destination}, or replace it.",
        )
    for group in sorted({log.destination for log in enough if log.group_missing}):
        yield Drift("LogGroupName", found="", wanted=group)


def _missing(vpc: Vpc, standard: Standard, baseline: Vpc | None) -> Drift:
    found = [log.config() for log in vpc.flow_logs]
    wanted = [log for log in baseline.flow_logs if log.enough] if baseline else []
    if not wanted:
        wanted = [from_standard(vpc, standard)]
    lacks_role = any(log.destination_type == CLOUDWATCH and not log.role for log in wanted)
    advice = f"No role for delivery is known: {_way_out(vpc, standard)}." if lacks_role else ""
    return Drift("FlowLogs", found=found, wanted=[log.config() for log in wanted], manual=advice)


def _way_out(vpc: Vpc, standard: Standard) -> str:
    if standard.is_home(vpc.account, vpc.region):
        return "give the stack one (parameter FlowLogsRoleArn)"
    return f"add one for {vpc.account}/{vpc.region} to flow_logs_roles in standard.toml"


def from_standard(vpc: Vpc, standard: Standard) -> FlowLog:
    """The flow log that a VPC gets where no earlier one is known."""
    to_bucket = bool(standard.flow_logs_destination)
    return FlowLog(
        traffic=standard.traffic,
        destination_type=S3 if to_bucket else CLOUDWATCH,
        destination=standard.flow_logs_destination or f"/relight/flow-logs/{vpc.id}",
        role="" if to_bucket else standard.flow_logs_role_in(vpc.account, vpc.region),
        aggregation_seconds=standard.aggregation_seconds,
    )


def weaker(old: Vpc, new: Vpc, standard: Standard) -> tuple[Drift, ...]:
    """The baseline's flow logs that no present one stands in for, and new ones that lead where none led before."""
    role = standard.flow_logs_role_in(new.account, new.region)
    lost = [log for log in old.flow_logs if log.enough and not any(now.covers(log, role) for now in new.flow_logs)]
    added = [log for log in new.flow_logs if strange(old, log, standard)]
    found = [log.config() for log in new.flow_logs]
    return (
        *([Drift("FlowLogs", found=found, wanted=[log.config() for log in lost])] if lost else ()),
        *(Drift("LogDestination", found=log.destination, wanted="") for log in added),
    )


def strange(old: Vpc, log: FlowLog, standard: Standard) -> bool:
    """Whether a flow log leads out of what was known: a log group is the account's own, a bucket may be anybody's."""
    known = {standard.flow_logs_destination, *(each.destination for each in old.flow_logs)}
    return log.destination_type not in ("", CLOUDWATCH) and log.destination not in known
