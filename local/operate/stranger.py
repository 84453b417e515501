"""The ARN of another account's user or role, by its unique id: a policy that names the id, as IAM shows it again.

IAM keeps the ids of the users and roles that a policy's Principal names, and shows their ARNs for as long as they exist
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html). That an id may be written
there, and that another account's shows too, is known and not documented:
https://hackingthe.cloud/aws/enumeration/enumerate_principal_arn_from_unique_id.

The policy is the trust policy of a role that is made for this and deleted at once: it costs nothing, is bound to no
Region, and rings no benchmark's alarm. The role allows nothing and nobody: it has no permissions, and its one statement
is a denial.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from relight.aws import Place
from relight.clock import Clock
from relight.errors import DENIALS, AwsError
from relight.model import Call
from relight.record import dig, text

# Not relight-*: what is named so, a service control policy may let nobody write (docs/self-defence.md).
PREFIX = "throwaway-whois-"
# IAM's answers may be older than its last write by seconds
# (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency).
WAITS = (0.0, 1.0, 2.0, 4.0, 8.0)
# By these AWS says that it made no role; after any other error it may have.
NOT_MADE = (*DENIALS, "MalformedPolicyDocument", "LimitExceeded", "InvalidInput", "ValidationError")
GONE = "NoSuchEntity"


@dataclass
class Found:
    """The ARN, empty where IAM knows nobody by the id; and what went wrong."""

    arn: str = ""
    problems: list[str] = field(default_factory=list)


def role_for(unique_id: str) -> dict[str, Any]:
    """The throw-away role, as CreateRole takes it. Nobody else can have its name."""
    statement = {"Effect": "Deny", "Principal": {"AWS": unique_id}, "Action": "sts:AssumeRole"}
    return {
        "RoleName": f"{PREFIX}{secrets.token_hex(8)}",
        "AssumeRolePolicyDocument": json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        "Description": f"relight whois looks up {unique_id}. It allows nothing to anybody. Delete it.",
    }


def plan(role: dict[str, Any], account: str) -> str:
    """What would be written, for whoever has to confirm it."""
    return (
        f"A role is created in account {account}, read and deleted again:\n"
        f"  name          {role['RoleName']}\n"
        f"  trust policy  {role['AssumeRolePolicyDocument']}\n"
        "  permissions   none\n"
        f"This needs iam:CreateRole, GetRole and DeleteRole on role/{PREFIX}*, and CloudTrail records it."
    )


def resolve(place: Place, role: dict[str, Any], clock: Clock) -> Found:
    """Creates the role, reads whom its policy names, and deletes it, whatever happens in between."""
    found, may_exist = Found(), True
    try:
        # boto3 asks again where an answer was lost: then the role exists, and by this name it is ours.
        place.send(Call("iam", "CreateRole", role, already=("EntityAlreadyExists",)))
        found.arn = _principal(place, role["RoleName"], clock)
        if not found.arn:
            found.problems.append("IAM took the id for a principal's, but shows no ARN for it: try again")
    except AwsError as error:
        may_exist = error.operation != "iam:CreateRole" or error.code not in NOT_MADE
        # So IAM refuses a principal that does not exist
        # (https://repost.aws/knowledge-center/iam-trust-policy-error).
        if may_exist or "Invalid principal" not in str(error):
            found.problems.append(f"the ARN could not be looked up: {error}")
    finally:
        if may_exist:
            found.problems += _deleted(place, role["RoleName"], clock)
    return found


def _principal(place: Place, name: str, clock: Clock) -> str:
    """The ARN in the role's trust policy; empty where IAM shows none in time. Raises AwsError."""
    for wait in WAITS:
        clock.sleep(wait)
        shown = place.read("iam", "GetRole", (GONE,), RoleName=name) or {}
        for statement in dig(shown, "Role", "AssumeRolePolicyDocument", "Statement") or ():
            principal = text(dig(statement, "Principal", "AWS"))
            if principal.startswith("arn:"):
                return principal
    return ""


def _deleted(place: Place, name: str, clock: Clock) -> Iterator[str]:
    """Deletes the role; what a person has to do where that fails."""
    problem: AwsError | None = None
    for wait in WAITS:
        clock.sleep(wait)
        try:
            place.send(Call("iam", "DeleteRole", {"RoleName": name}))
        except AwsError as error:
            problem = error
        else:
            return
        if problem.code in DENIALS:
            break
    if problem and problem.code != GONE:
        yield f"role {name} may still be there ({problem}); delete it: aws iam delete-role --role-name {name}"
