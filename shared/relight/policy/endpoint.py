"""What a VPC endpoint's policy denies: by whom the call was, whose account that is, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from relight.model import Actor, Drift, Mode, Severity
from relight.policy.account_id import ACCOUNT, decoded
from relight.policy.control import control
from relight.standard import Standard

# errorCode of the network activity events that this is about: there is no other one in their documentation
# (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-network-events-with-cloudtrail.html).
DENIED = "VpceAccessDenied"


class Standing(StrEnum):
    """Where a caller belongs."""

    OUTSIDE = "outside"  # another account's, which nobody trusts: data may be on its way out
    UNKNOWN = "unknown"  # nothing tells the account
    INSIDE = "inside"  # the own account's or a trusted one's


@dataclass(frozen=True, slots=True)
class Caller:
    """Who was denied. `account` is empty where nothing tells it; `decoded_from` names the id that it was read out of.

    `name` is what stays the same from session to session: their names and keys change at will.
    """

    name: str
    account: str
    decoded_from: str = ""

    def __str__(self) -> str:
        whose = f"account {self.account}" if self.account else "an unknown account"
        return f"{self.name} of {whose}" + (f", decoded from its {self.decoded_from}" if self.decoded_from else "")

    def standing(self, standard: Standard, member: str = "") -> Standing:
        """Inside are the own account, the member whose event it is, and the trusted ones."""
        if not self.account:
            return Standing.UNKNOWN
        inside = {standard.account, member, *standard.trusted_accounts}
        return Standing.INSIDE if self.account in inside else Standing.OUTSIDE


@dataclass(frozen=True, slots=True)
class Denial:
    """One call that an endpoint's policy denied. `call` is ``eventSource:eventName``; `resources` are ARNs, if any."""

    caller: Caller
    endpoint: str
    owner: str
    call: str
    address: str
    resources: tuple[str, ...] = ()
    member: str = ""  # the account whose event it is

    def standing(self, standard: Standard) -> Standing:
        """Whether its caller belongs here."""
        return self.caller.standing(standard, self.member)


def caller(actor: Actor) -> Caller:
    """The caller behind a userIdentity, of which foreign principals show type, principalId and accountId at most."""
    issued = actor.principal.partition(":")[0]  # a role's id stands before its session's name
    name = issued or actor.issuer or actor.arn or actor.invoked_by or actor.account or "somebody"
    for stated in (actor.account, issued):  # the root user's principalId is its account
        if ACCOUNT.fullmatch(stated):
            return Caller(name, stated)
    for what, unique_id in (("access key id", actor.access_key), ("principal id", issued)):
        if account := decoded(unique_id):
            return Caller(name, account, what)
    return Caller(name, "")


def severity(denial: Denial, standard: Standard) -> Severity:
    """A legitimate caller that is blocked is a nuisance; anybody else may be carrying data out."""
    return Severity.LOW if denial.standing(standard) is Standing.INSIDE else Severity.HIGH


@control(
    "endpoint.denied",
    title="No call is denied by the policy of a VPC endpoint",
    severity=Severity.HIGH,
    triggers=(DENIED,),
    repair="",
    restore=Mode.OBSERVE,
)
def is_allowed(denial: Denial, standard: Standard, _baseline: None) -> Iterator[Drift]:
    """Never so: a denial is told, and nothing repairs it.

    What differs from call to call of one caller stands in the advice only: the rest tells one day's denials apart.
    """
    if denial.standing(standard) is Standing.INSIDE:
        yield Drift("Caller", str(denial.caller), "allowed, if its calls are meant", manual=_blocked(denial))
    else:
        yield Drift("Caller", str(denial.caller), "of this account or a trusted one", manual=_intruder(denial))


def note(denial: Denial, standard: Standard) -> str:
    """What happened, for people."""
    meaning = {
        Standing.OUTSIDE: "A stranger's credentials in the network: a possible exfiltration, which was stopped here.",
        Standing.UNKNOWN: "Nothing tells whose account this is: a possible exfiltration, which was stopped here.",
        Standing.INSIDE: "One of this organisation's own principals, which the endpoint's policy blocks.",
    }[denial.standing(standard)]
    doubt = " A decoded account can be wrong." if denial.caller.decoded_from else ""
    return (
        f"{denial.call} was denied at {denial.endpoint} of account {denial.owner}. {meaning}{doubt} "
        "What else this caller is denied there today is counted (metric Denials), not told."
    )


def _blocked(denial: Denial) -> str:
    on = ", ".join(denial.resources) or "the resource, which the record does not name"
    return (
        f"If {denial.caller.name} is to call {denial.call}: look at the statements of {denial.endpoint}'s policy "
        f"(aws ec2 describe-vpc-endpoints --vpc-endpoint-ids {denial.endpoint}, in account {denial.owner}) that speak "
        f"of that action, of {on}, or of the caller, and allow it there. If not: ask who made the call."
    )


def _intruder(denial: Denial) -> str:
    # A command to be copied takes only what can be nothing but an id.
    ask = f" (relight whois {denial.caller.name} asks AWS)" if decoded(denial.caller.name) else ""
    return (
        f"Find the machine with the address {denial.address or 'that the record lacks'} in the VPC of "
        f"{denial.endpoint}, and whose credentials it holds{ask}: they are not known to be this organisation's. "
        "If their account belongs to the organisation, add it to trusted_accounts in standard.toml."
    )
