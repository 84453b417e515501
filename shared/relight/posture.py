"""The posture: how much of what the catalogue covers is as the standard demands, control by control. Pure.

Nine rows are those of a study of 1,143 accounts, whose averages stand beside one's own
(Netskope, "A Real-World Look at AWS Best Practices: Logging",
https://www.netskope.com/blog/a-real-world-look-at-aws-best-practices-logging).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from relight.model import MET, Finding, Outcome
from relight.policy import CONTROLS, Control
from relight.standard import Standard


@dataclass(frozen=True, slots=True)
class Count:
    """How many resources a control was judged of. `unknown`: could not be judged, or is out of reach.

    `exempt`: left as it is by decision, be it an exemption or the mode `off`.
    """

    met: int = 0
    violated: int = 0
    unknown: int = 0
    exempt: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(
            self.met + other.met,
            self.violated + other.violated,
            self.unknown + other.unknown,
            self.exempt + other.exempt,
        )

    def as_list(self) -> list[int]:
        """The four numbers, for JSON; `Count(*numbers)` is the way back."""
        return [self.met, self.violated, self.unknown, self.exempt]


# By control.
Counts = Mapping[str, Count]


class Unit(StrEnum):
    """What a row counts."""

    TRAIL = "trails"
    BUCKET = "buckets"
    KEY = "keys"
    VPC = "VPCs"
    ANYWHERE = "accounts, one is enough"
    EVERYWHERE = "accounts, each Region"

    @property
    def is_account(self) -> bool:
        """Whether accounts are counted, across all of their Regions, whatever they have of the resource."""
        return self in (Unit.ANYWHERE, Unit.EVERYWHERE)


@dataclass(frozen=True, slots=True)
class Practice:
    """A row of the study: one control, and the percentage of violations among the accounts that it looked at."""

    title: str
    control: str
    unit: Unit
    study: float


PRACTICES = (
    Practice("A trail covers all Regions", "trail.multi-region", Unit.ANYWHERE, 3.4),
    Practice("Log file validation", "trail.log-file-validation", Unit.TRAIL, 18.2),
    Practice("Trail buckets are not public", "bucket.public-access", Unit.BUCKET, 0.13),
    Practice("Trails reach CloudWatch Logs", "trail.cloudwatch-logs", Unit.TRAIL, 53.8),
    Practice("AWS Config records", "config.recording", Unit.EVERYWHERE, 9.1),
    Practice("Trail buckets log access", "bucket.access-logging", Unit.BUCKET, 41.1),
    Practice("Trails are encrypted with a KMS key", "trail.kms-encryption", Unit.TRAIL, 91.4),
    Practice("Customer keys are rotated", "key.rotation", Unit.KEY, 20.5),
    Practice("VPC flow logs", "vpc.flow-logs", Unit.VPC, 81.2),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table. `percent` is of what could be judged, None where nothing could; `study` likewise."""

    title: str
    control: str
    unit: str
    count: Count
    study: float | None = None

    @property
    def percent(self) -> float | None:
        """Violations in a hundred of those that were judged."""
        judged = self.count.met + self.count.violated
        return 100 * self.count.violated / judged if judged else None


def counted(findings: Iterable[Finding], exempt: Iterable[str] = ()) -> dict[str, Count]:
    """What one resource's findings say, by control; `exempt` are those that it is exempt from, or that are off."""
    found = {finding.control: _count(finding) for finding in findings if finding.control in CONTROLS}
    return found | dict.fromkeys(exempt, Count(exempt=1))


def unjudged(
    controls: Iterable[Control],
    standard: Standard,
    number: int = 1,
    situations: Iterable[str] = ("restore", "introduce"),
) -> dict[str, Count]:
    """What so many resources count for of which nothing is known, by control."""
    unknown, off = Count(unknown=number), Count(exempt=number)
    return {each.id: off if each.is_off(standard, *situations) else unknown for each in controls}


def not_missed(counts: Counts, standard: Standard) -> dict[str, Count]:
    """What an account counts for that has nothing of what one is enough of, or each Region needs, and that is off."""
    rows = (CONTROLS[each.control] for each in PRACTICES if each.unit.is_account and each.control not in counts)
    return {row.id: Count(exempt=1) for row in rows if row.is_off(standard, "introduce")}


def _count(finding: Finding) -> Count:
    if finding.outcome in (Outcome.UNKNOWN, Outcome.OUT_OF_REACH):
        return Count(unknown=1)
    if finding.outcome in MET or not finding.drifts:
        return Count(met=1)
    return Count(violated=1)


def as_lists(counts: Counts) -> dict[str, list[int]]:
    """For JSON."""
    return {name: each.as_list() for name, each in counts.items()}


def added(*counts: Counts) -> dict[str, Count]:
    """The sums, by control."""
    names = dict.fromkeys(name for each in counts for name in each)
    return {name: sum((each.get(name, Count()) for each in counts), Count()) for name in names}


def table(accounts: Mapping[str, Counts]) -> list[Row]:
    """The nine practices of the study, then every other control that was judged of something.

    `accounts` holds each account's counts in all of its Regions together, by account id.
    """
    total = added(*accounts.values())
    rows = [
        Row(each.title, each.control, each.unit, _of_practice(each, accounts, total), each.study) for each in PRACTICES
    ]
    named = {each.control for each in PRACTICES}
    others = [row for row in CONTROLS.values() if row.id in total and row.id not in named]
    return rows + [Row(each.title, each.id, "", total[each.id]) for each in others]


def _of_practice(practice: Practice, accounts: Mapping[str, Counts], total: Counts) -> Count:
    if not practice.unit.is_account:
        return total.get(practice.control, Count())
    return sum((_of_account(practice, counts.get(practice.control, Count())) for counts in accounts.values()), Count())


def _of_account(practice: Practice, count: Count) -> Count:
    """One account, met or not: a trail anywhere covers it all; AWS Config has to record in each Region.

    An account that has nothing of the kind violates; where something could not be read, nobody knows.
    """
    if practice.unit is Unit.ANYWHERE and count.met:
        return Count(met=1)
    if practice.unit is Unit.EVERYWHERE and count.violated:
        return Count(violated=1)
    if count.unknown:
        return Count(unknown=1)
    if practice.unit is Unit.EVERYWHERE and count.met:
        return Count(met=1)
    return Count(exempt=1) if count.exempt and not count.violated else Count(violated=1)
