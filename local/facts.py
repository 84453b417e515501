"""What AWS says of the account's logging: the proof, before and after."""

from typing import Any

from local.account import Account
from local.place import Place

# The call that asked, the field, its value.
Fact = tuple[str, str, str]
NOTHING = "nothing"


def read(place: Place, victim: Account) -> list[Fact]:
    return [
        *_trail(place.client("cloudtrail"), victim),
        *_flow_logs(place.client("ec2")),
        _bucket(place.client("s3"), victim),
    ]


def compare(facts: list[Fact], before: list[Fact]) -> list[tuple[str, str, str, bool]]:
    """Each fact, and whether it is as it was; what was not there before must be something now."""
    was = {(call, name): value for call, name, value in before}
    return [(*fact, fact[2] == was.get(fact[:2], fact[2]) and fact[2] not in ("False", NOTHING)) for fact in facts]


def _trail(cloudtrail: Any, victim: Account) -> list[Fact]:
    trails = {trail["Name"]: trail for trail in cloudtrail.describe_trails()["trailList"]}
    if victim.trail not in trails:
        return [("DescribeTrails", victim.trail, NOTHING)]
    logging = cloudtrail.get_trail_status(Name=victim.trail)["IsLogging"]
    fields = ("LogFileValidationEnabled", "IsMultiRegionTrail", "IncludeGlobalServiceEvents", "KmsKeyId")
    return [
        ("GetTrailStatus", "IsLogging", str(logging)),
        *(("DescribeTrails", name, str(trails[victim.trail].get(name) or NOTHING)) for name in fields),
    ]


def _flow_logs(ec2: Any) -> list[Fact]:
    logs = ec2.describe_flow_logs()["FlowLogs"]
    facts = []
    for vpc in ec2.describe_vpcs()["Vpcs"]:
        lit = [
            f"{log['TrafficType']} → {log.get('LogGroupName') or log['LogDestination']}"
            for log in logs
            if log["ResourceId"] == vpc["VpcId"]
        ]
        facts.append(("DescribeFlowLogs", vpc["VpcId"], ", ".join(lit) or NOTHING))
    return facts


def _bucket(s3: Any, victim: Account) -> Fact:
    target = s3.get_bucket_logging(Bucket=victim.trail_bucket).get("LoggingEnabled", {})
    return "GetBucketLogging", victim.trail_bucket, target.get("TargetBucket", NOTHING)
