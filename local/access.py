"""Who may cross from one account to another: organisations, roles, and whom those trust.

moto lets anybody assume any role, one that does not exist included. Here a caller other than an account's own hands,
which play AWS itself, assumes a role that exists and trusts them, as in AWS.
"""

import warnings
from typing import Any

from moto.backends import get_backend
from moto.core.exceptions import ServiceException
from moto.iam.models import IAMBackend, Role

from local import identity
from local.policies import Request, allows
from local.settings import MEMBER_REGION, PARTITION, REGION
from local.wire import Answer, Call, written

# Regions of an organisation's accounts: each one more is one more that a sweep looks at.
ENABLED = (REGION, MEMBER_REGION)


class _DeniedError(ServiceException):
    """The caller may not assume the role."""


def organization(account: str) -> dict[str, str]:
    """The condition key of the organisation that an account's principals belong to; empty where there is none."""
    every: Any = get_backend("organizations")
    management, partition = every.master_accounts.get(account, (account, PARTITION))
    found = every[management][partition].org
    return {"aws:PrincipalOrgID": found.id} if found else {}


def role(arn: str) -> Role | None:
    """The role with an ARN, if there is one."""
    parts = arn.split(":")
    if len(parts) != 6:
        return None
    iam: IAMBackend = get_backend("iam")[parts[4]][parts[1]]
    return next((each for each in iam.get_roles() if each.arn == arn), None)


def answer(call: Call) -> Answer | None:
    """What an organisation's accounts are answered otherwise than by moto; None leaves it to moto."""
    if (call.service, call.name) == ("ec2", "DescribeRegions") and organization(call.account):
        return written(call, {"Regions": [{"RegionName": each, "OptInStatus": "opted-in"} for each in ENABLED]})
    return _refusal(call) if (call.service, call.name) == ("sts", "AssumeRole") else None


def _refusal(call: Call) -> Answer | None:
    """AWS's refusal of an AssumeRole; None where it is not refused."""
    caller = identity.user_identity(call)
    if caller["type"] == "Root":
        return None
    given = call.parameters()
    principal = caller.get("sessionContext", {}).get("sessionIssuer", caller)["arn"]
    context = {
        "aws:PrincipalArn": principal,
        "sts:ExternalId": given.get("ExternalId", ""),
        **organization(call.account),
    }
    wanted = role(given["RoleArn"])
    request = Request(principal, "sts:AssumeRole", given["RoleArn"], context)
    if wanted is not None and allows(wanted.assume_role_policy_document, request):
        return None
    message = f"User: {caller['arn']} is not authorized to perform: sts:AssumeRole on resource: {given['RoleArn']}"
    with warnings.catch_warnings():
        # STS's model does not list what any service may answer.
        warnings.filterwarnings("ignore", message=".*does not match an error shape")
        return written(call, _DeniedError("AccessDenied", message))
