"""The words that every part of Relight shares: frozen data, no AWS, no clock, no environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

State = TypeVar("State")


class Severity(StrEnum):
    """How much a drift hurts; the order is that of `rank`."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"

    @property
    def rank(self) -> int:
        """Position from 0 (LOW) upwards."""
        return list(Severity).index(self)


class Mode(StrEnum):
    """What Relight may do about a drift."""

    ENFORCE = "enforce"  # repair it and tell
    OBSERVE = "observe"  # tell what would be done
    OFF = "off"  # neither


class Outcome(StrEnum):
    """How a finding, and the incident as a whole, ended."""

    COMPLIANT = "compliant"  # the record weakened it, but it was met when Relight looked
    REPAIRED = "repaired"  # repaired by Relight, and seen to be so
    OBSERVED = "observed"  # drifted; the mode says to tell only
    CHANGED = "changed"  # still compliant, but weaker than or elsewhere than the baseline
    OUT_OF_REACH = "out-of-reach"  # another account's, or forbidden for good
    GONE = "gone"  # the resource does not exist any more
    UNKNOWN = "unknown"  # could not be judged; the invocation fails and is retried
    MANUAL = "needs-a-person"  # drifted, and nothing that Relight may do mends it
    FAILED = "failed"  # the repair was refused or did not take; retried

    @property
    def rank(self) -> int:
        """Position from the best upwards: an incident ends as its worst finding did."""
        return list(Outcome).index(self)


class Basis(StrEnum):
    """What a control compares a resource with, to say whether it is met."""

    STANDARD = "the standard"  # and nothing else: a baseline only says how to put it right
    BASELINE = "the baseline"  # and nothing else: without one it is always met
    BOTH = "the standard and the baseline"


# A control with one of these is met now.
MET = (Outcome.COMPLIANT, Outcome.REPAIRED)
# What must not hide behind a good outcome of something else.
STANDING = (Outcome.UNKNOWN, Outcome.MANUAL, Outcome.FAILED)


class Cause(StrEnum):
    """What a drift has to do with the record in hand."""

    TAKEN = "taken-away"  # the record shows that its call took it away
    CREATED = "created-without"  # its call made the resource, without it
    REFUSED = "refused"  # AWS refused the call: nothing changed, but that it was tried is worth telling
    FOUND = "found-on-the-way"  # the record only led to the resource


@dataclass(frozen=True, slots=True)
class Drift:
    """One field that is not as it should be. Values are plain JSON data.

    `manual`, where it is set, says why no call of Relight's can mend this, and what a person must do.
    """

    field: str
    found: Any
    wanted: Any
    manual: str = ""


@dataclass(frozen=True, slots=True)
class Unread:
    """Stands in a state where a value could not be read. `foreign`: another account's, which refuses it for good."""

    why: str
    foreign: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One AWS API call, as data: boto3's client name, the API's operation name, its parameters."""

    service: str
    operation: str
    params: Mapping[str, Any]
    # Error codes that mean that it is so already: not a failure, for verification follows.
    already: tuple[str, ...] = ()
    # What to send where AWS refuses this one: the standard's value for a baseline's that no longer works, or the same
    # call without the one value that could be refused, so that it cannot hold up the other repairs.
    instead: tuple[Call, ...] = ()
    # The parameter that lists ids of resources, where one call may serve `most` resources at once.
    several: str = ""
    most: int = 1

    def __str__(self) -> str:
        return f"{self.service}:{self.operation} {json.dumps(self.params, default=str)}"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who made a call, from CloudTrail's userIdentity. Untrusted text: shown, never interpreted.

    Every field may be empty: userIdentity has many shapes, and once there was none.
    """

    arn: str = ""
    type: str = ""
    account: str = ""
    principal: str = ""
    access_key: str = ""
    issuer: str = ""  # ARN of the role behind a session
    invoked_by: str = ""
    mfa: str = ""
    source_ip: str = ""
    user_agent: str = ""

    @property
    def name(self) -> str:
        """The shortest honest name: ``mallory``, ``role/session``, ``root``, a service."""
        if self.type == "Root":
            return "root"
        last = self.arn.partition(":user/")[2] or self.arn.partition(":assumed-role/")[2]
        return last or self.arn or self.invoked_by or self.principal or "an unknown actor"


@dataclass(frozen=True, slots=True)
class Resource:
    """One thing that Relight guards. `kind` is the prefix of its controls' ids; `region` is its home Region."""

    kind: str
    name: str
    arn: str
    account: str
    region: str


@dataclass(frozen=True, slots=True)
class Scope:
    """Where to look: resources by name (or id, or ARN), and parts whose resource only a look-up can tell.

    A part is, for example, the id of a flow log that does not exist any more.
    """

    account: str
    region: str
    names: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Observed(Generic[State]):
    """A resource as AWS shows it now. `state` is None where it does not exist or is out of reach."""

    resource: Resource
    state: State | None
    out_of_reach: str = ""  # why Relight can never judge or repair it


@dataclass(frozen=True, slots=True)
class Baseline(Generic[State]):
    """The last state kept for a resource, with the ids of the controls that it met.

    `since` is when the resource was first looked at: what a baseline lacks was lacking then, and ever since.
    """

    state: State
    controls: frozenset[str]
    since: datetime
    revision: int = 0

    def knew(self, moment: datetime) -> bool:
        """Whether the resource had been looked at by then, so that what the baseline lacks was lacking then too."""
        return self.since <= moment


@dataclass(frozen=True, slots=True)
class Finding:
    """What one control has to say about a resource in the light of one record."""

    control: str
    title: str
    severity: Severity
    references: str
    mode: Mode
    outcome: Outcome
    cause: Cause
    drifts: tuple[Drift, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Incident:
    """All that there is to tell about one resource after one record; what the ledger keeps and SNS sends."""

    event_id: str
    event_name: str
    event_source: str
    event_time: datetime
    actor: Actor
    resource: Resource
    findings: tuple[Finding, ...]
    calls: tuple[str, ...] = ()  # sent: "service:Operation {parameters}"
    would_call: tuple[str, ...] = ()  # held back by the mode
    dark_seconds: float | None = None  # from the record's call until the repair was verified
    error: str = ""  # what AWS answered to calls that failed
    contested: int = 0  # how often the resource was attacked within the hour, where that is too often

    @property
    def outcome(self) -> Outcome:
        """How it ended: as the worst of what the record caused did, unless something found on the way is worse off."""
        caused = [f.outcome for f in self.findings if f.cause is not Cause.FOUND]
        standing = [f.outcome for f in self.findings if f.outcome in STANDING]
        worst_of = caused + standing or [f.outcome for f in self.findings]
        return max(worst_of, key=lambda outcome: outcome.rank)

    @property
    def cause(self) -> Cause:
        """The strongest link between the record and a finding."""
        return min((f.cause for f in self.findings), key=list(Cause).index)

    @property
    def severity(self) -> Severity:
        """The worst of its findings'; somebody who does not give up is worse than any of them."""
        if self.contested:
            return Severity.CRITICAL
        return max((f.severity for f in self.findings), key=lambda s: s.rank)
