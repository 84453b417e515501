"""An account's Block Public Access: s3control's GetPublicAccessBlock, PutPublicAccessBlock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from relight.aws import Aws, Place
from relight.model import Baseline, Call, Drift, Observed, Resource, Scope
from relight.policy import state
from relight.policy.account import Account, weaker
from relight.policy.bucket import CLOSED
from relight.record import Record, dig, is_false
from relight.standard import Standard

__all__ = ["CREATES", "KIND", "arn", "list_names", "locate", "observe", "plan", "revive", "taken", "weaker"]

KIND = "account"
CREATES: frozenset[str] = frozenset()
NAME = "s3"


def arn(partition: str, account: str, region: str, name: str) -> str:
    """``arn:…:s3::ACCOUNT:account``: S3 has no ARN for it, so this is Relight's own."""
    return f"arn:{partition}:s3::{account}:account"


def locate(record: Record) -> Scope:
    """The account of the record; the settings hold for all of its Regions."""
    return Scope(record.account, record.region, names=(NAME,))


def observe(
    aws: Aws, scope: Scope, baselines: Mapping[str, Baseline[Account]], standard: Standard
) -> Iterator[Observed[Account]]:
    """The account's settings, be there any or not. Raises AwsError."""
    place = aws.at(scope.account, scope.region)
    none = ("NoSuchPublicAccessBlockConfiguration",)
    answer = place.read("s3control", "GetPublicAccessBlock", missing=none, AccountId=scope.account)
    found = (answer or {}).get("PublicAccessBlockConfiguration") or {}
    full = arn(standard.partition, scope.account, scope.region, NAME)
    yield Observed(Resource(KIND, NAME, full, scope.account, scope.region), Account(scope.account, found))


def list_names(place: Place, standard: Standard) -> list[str]:
    """There is one in an account."""
    return [NAME]


def taken(record: Record, baseline: Baseline[Account] | None, standard: Standard) -> dict[str, str]:
    """Settings that the call turns off, and that were on."""
    before = baseline.state.public_access if baseline else {}
    if record.name == "DeleteAccountPublicAccessBlock":
        lost = any(before.values())
    else:
        settings = dig(record.request, "PublicAccessBlockConfiguration")
        now = settings if isinstance(settings, Mapping) else {}
        lost = any(before.get(name) and is_false(now.get(name, False)) for name in CLOSED) and bool(now)
    return {"account.public-access": ""} if lost else {}


def plan(
    observed: Observed[Account], drifts: tuple[Drift, ...], standard: Standard, baseline: Account | None
) -> tuple[Call, ...]:
    """One PutPublicAccessBlock."""
    account = observed.resource.account
    return tuple(
        Call("s3control", "PutPublicAccessBlock", {"AccountId": account, drift.field: drift.wanted}) for drift in drifts
    )


def revive(data: Mapping[str, Any]) -> Account:
    """An account's settings from a baseline's data."""
    return state.revive(Account, data)
