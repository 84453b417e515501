"""VPCs without flow logs."""

from typing import Any

from local.account import Account
from local.cloud import LocalAws
from local.place import Session
from local.sabotage.model import Sabotage


def furnish(aws: LocalAws, victim: Account) -> None:
    """Nothing beyond the account's own VPCs."""


def _lit(aws: LocalAws, victim: Account) -> Any:
    """What the VPC's flow logs record, and where to."""
    logs = aws.client("ec2").describe_flow_logs()["FlowLogs"]
    return sorted((log["TrafficType"], log["LogGroupName"]) for log in logs if log["ResourceId"] == victim.vpc)


def _unlit(aws: LocalAws, _victim: Account) -> Any:
    """The VPCs that have no flow log."""
    ec2 = aws.client("ec2")
    logs = {log["ResourceId"] for log in ec2.describe_flow_logs()["FlowLogs"]}
    return [vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"] if vpc["VpcId"] not in logs]


def _delete(_aws: LocalAws, intruder: Session, victim: Account) -> None:
    """Whichever are there now, if any: a flow log that was put back has a new id."""
    ec2 = intruder.client("ec2")
    logs = ec2.describe_flow_logs(Filters=[{"Name": "resource-id", "Values": [victim.vpc]}])["FlowLogs"]
    if logs:
        ec2.delete_flow_logs(FlowLogIds=[log["FlowLogId"] for log in logs])


def _create(_aws: LocalAws, intruder: Session, _victim: Account) -> None:
    intruder.client("ec2").create_vpc(CidrBlock="10.99.0.0/16")


SABOTAGES: tuple[Sabotage, ...] = (
    Sabotage("vpc.flow-logs", "DeleteFlowLogs", "a VPC goes dark", _delete, _lit),
    Sabotage("vpc.flow-logs", "CreateVpc", "a VPC that was never lit", _create, _unlit),
)
