"""An account's own switch against public buckets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from relight.model import Basis, Drift, Mode, Severity
from relight.policy.bucket import CLOSED
from relight.policy.control import control
from relight.standard import Standard


@dataclass(frozen=True, slots=True)
class Account:
    """What S3 keeps for a whole account; empty where nothing was ever set."""

    account: str
    public_access: Mapping[str, bool] = field(default_factory=dict)


ADVICE = (
    "If no bucket of the account is meant to be public, switch all four settings on for the account; if one is, exempt "
    "this control, with the reason."
)


@control(
    "account.public-access",
    title="No bucket of the account can be opened to the public",
    severity=Severity.HIGH,
    cis="2.1.4",
    security_hub="S3.1",
    triggers=("PutAccountPublicAccessBlock", "DeleteAccountPublicAccessBlock"),
    repair="PutPublicAccessBlock",
    restore=Mode.OBSERVE,
    basis=Basis.STANDARD,
)
def public_access(account: Account, standard: Standard, baseline: Account | None) -> Iterator[Drift]:
    """All four settings are on. Those that the baseline had are put back; of the others a person must decide.

    They hold for every bucket, whatever its own settings, so that a website would be gone
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html).
    """
    before = baseline.public_access if baseline else {}
    found = account.public_access
    if any(before.get(name) and not found.get(name) for name in CLOSED):
        # What was switched on since then stays on.
        wanted = {name: bool(before.get(name) or found.get(name)) for name in CLOSED}
        yield Drift("PublicAccessBlockConfiguration", found=dict(found), wanted=wanted)
    elif not all(found.get(name) for name in CLOSED):
        yield Drift("PublicAccessBlockConfiguration", found=dict(found), wanted=CLOSED, manual=ADVICE)


def weaker(old: Account, new: Account, standard: Standard) -> tuple[Drift, ...]:
    """The settings that it gave up: where it never had all four, its control does not tell that it lost some."""
    lost = any(old.public_access.get(name) and not new.public_access.get(name) for name in CLOSED)
    found, wanted = dict(new.public_access), dict(old.public_access)
    return (Drift("PublicAccessBlockConfiguration", found=found, wanted=wanted),) if lost else ()
