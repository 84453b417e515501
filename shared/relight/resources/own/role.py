"""The IAM roles of Relight's functions. Only read: whoever may write them may do anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relight.aws import Place
from relight.model import Call

GONE = ("NoSuchEntity", "NoSuchEntityException")


def show(place: Place, name: str, arn: str) -> tuple[dict[str, Any], dict[str, str]] | None:
    """Trust, boundary, attached policies, and a field for each inline policy."""
    shown = place.read("iam", "GetRole", missing=GONE, RoleName=name)
    if shown is None:
        return None
    role = shown["Role"]
    inline = list(place.pages("iam", "ListRolePolicies", "PolicyNames", RoleName=name))
    attached = place.pages("iam", "ListAttachedRolePolicies", "AttachedPolicies", RoleName=name)
    return {
        "AssumeRolePolicyDocument": role.get("AssumeRolePolicyDocument"),
        "PermissionsBoundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        "AttachedPolicies": sorted(each["PolicyArn"] for each in attached),
        **{f"Policy {each}": _document(place, name, each) for each in inline},
    }, {}


def _document(place: Place, role: str, policy: str) -> Any:
    answer = place.read("iam", "GetRolePolicy", missing=GONE, RoleName=role, PolicyName=policy) or {}
    return answer.get("PolicyDocument")


def repair(
    name: str, arn: str, wanted: Mapping[str, Any], settings: Mapping[str, Any], handles: Mapping[str, str]
) -> tuple[Call, ...]:
    """Nothing."""
    return ()


def again(name: str, arn: str, settings: Mapping[str, Any]) -> tuple[Call, ...]:
    """Nothing."""
    return ()
