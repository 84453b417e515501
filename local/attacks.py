"""Five ways to blind an account, each one call, for the demonstration and the lab."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore import xform_name

from local.account import Account


@dataclass(frozen=True)
class Attack:
    """One API call that turns logging off, or leaves it off."""

    effect: str
    service: str
    operation: str
    parameters: Mapping[str, Any]

    def commit(self, client: Any) -> Any:
        return getattr(client, xform_name(self.operation))(**self.parameters)

    @property
    def command(self) -> str:
        """The same as a line of the AWS CLI."""
        service = "s3api" if self.service == "s3" else self.service
        options = [_option(xform_name(name, "-"), value) for name, value in self.parameters.items()]
        return " ".join(["aws", service, xform_name(self.operation, "-"), *options])


def five(account: Account) -> tuple[Attack, ...]:
    """One for each kind of drift that is repaired, in an order in which each finds something to break."""
    return (
        Attack("the trail stops", "cloudtrail", "StopLogging", {"Name": account.trail}),
        Attack(
            "the trail is weakened",
            "cloudtrail",
            "UpdateTrail",
            {"Name": account.trail, "EnableLogFileValidation": False, "KmsKeyId": "", "IsMultiRegionTrail": False}
            | {"IncludeGlobalServiceEvents": False},
        ),
        Attack("a VPC goes dark", "ec2", "DeleteFlowLogs", {"FlowLogIds": [account.flow_log]}),
        Attack("a VPC that was never lit", "ec2", "CreateVpc", {"CidrBlock": "10.66.0.0/16"}),
        Attack(
            "nobody sees who reads the trail's files",
            "s3",
            "PutBucketLogging",
            {"Bucket": account.trail_bucket, "BucketLoggingStatus": {}},
        ),
    )


def _option(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no-{name}"
    if isinstance(value, list):
        return f"--{name} {' '.join(value)}"
    return f"--{name} {shlex.quote(value if isinstance(value, str) else json.dumps(value))}"
