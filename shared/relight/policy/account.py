"""An account's own switch against public buckets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from relight.model import Drift, Mode, Severity
from relight.policy.bucket import CLOSED
from relight.policy.control import control
from relight.standard import Standard


@dataclass(frozen=True, slots=True)
class Account:
    """What S3 keeps for a whole account; empty where nothing was ever set."""

    account: str
    public_access: Mapping[str, bool] = field(default_factory=dict)


@control(
    "account.public-access",
    title="No bucket of the account can be opened to the public",
    severity=Severity.HIGH,
    cis="2.1.4",
    security_hub="S3.1",
    triggers=("PutAccountPublicAccessBlock", "DeleteAccountPublicAccessBlock"),
    repair="PutPublicAccessBlock",
    restore=Mode.OBSERVE,
)
def public_access(account: Account, standard: Standard, baseline: Account | None) -> Iterator[Drift]:
    """Each of the four settings that the baseline had is on: an account that serves a website may lack some."""
    before = baseline.public_access if baseline else {}
    wanted = {name: True for name in CLOSED if before.get(name)}
    if any(not account.public_access.get(name) for name in wanted):
        yield Drift("PublicAccessBlockConfiguration", found=dict(account.public_access), wanted=dict(before))


def weaker(old: Account, new: Account, standard: Standard) -> tuple[Drift, ...]:
    """Nothing beyond what its control says."""
    return ()
