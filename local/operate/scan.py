"""An account, looked at across its Regions and judged: reads only; kept are counts, and what there is to say.

Each thing is looked at once, where it can be judged: a trail in its home Region, whichever Region shows it; the bucket
that it delivers to from there too; alarms where a multi-Region trail is at home, for its log group is there; what S3
keeps for the whole account from the first Region.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from relight.aws import Aws
from relight.case import Case, Runtime
from relight.clock import Clock
from relight.errors import AwsError, RelightError
from relight.ledger import Ledger
from relight.model import MET, Actor, Basis, Call, Cause, Drift, Finding, Mode, Observed, Outcome, Resource, Scope
from relight.notify import Notifier
from relight.policy import CONTROLS, concerning, controls_of, judged_of, trail_delivery, with_reports
from relight.policy.exemption import exempt
from relight.posture import PRACTICES, Count, Counts, Unit, added, counted, unjudged
from relight.reconcile import one_by_one
from relight.record import Record
from relight.resources import account, alarm, bucket, seen, trail
from relight.resources.kind import Kind
from relight.standard import Exemption, Standard
from relight.sweep import BATCH, KINDS

# Threads: most of a read is waiting. Few enough that no API's quota is spent by them.
WORKERS = 8
# Stands for a topic where nobody named one; nothing is ever led to it.
NO_TOPIC = "no-topic-is-known"
# What a repair needs and a stack would have: the option that names it instead.
OPTIONS = {
    "trail.kms-encryption": "--trail-key",
    "trail.cloudwatch-logs": "--trail-logs-role",
    "bucket.access-logging": "--access-log-bucket",
    "vpc.flow-logs": "--flow-logs-role",
}
IN_DOUBT = (Outcome.UNKNOWN, Outcome.OUT_OF_REACH)
Say = Callable[[str], None]
Trails = Mapping[str, Mapping[str, Any]]  # by ARN, as DescribeTrails shows them


@dataclass(frozen=True, slots=True)
class Violation:
    """A control that a resource does not meet, where it was looked at, and the calls that would mend it."""

    scope: Scope
    resource: Resource
    finding: Finding
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class Unchecked:
    """What could not be judged (a kind of resource, an ARN, or a control and an ARN), and why."""

    region: str
    what: str
    why: str


@dataclass(slots=True)
class Scan:
    """What was found."""

    counts: Counts = field(default_factory=dict)
    violations: list[Violation] = field(default_factory=list)
    met: list[tuple[Finding, Resource]] = field(default_factory=list)  # but for what only a baseline can tell
    unchecked: list[Unchecked] = field(default_factory=list)
    exempt: list[tuple[str, str, Exemption]] = field(default_factory=list)  # control, ARN, and what exempts it

    def add(self, other: Scan) -> None:
        """Takes in what was found elsewhere."""
        self.counts = added(self.counts, other.counts)
        self.violations += other.violations
        self.met += other.met
        self.unchecked += other.unchecked
        self.exempt += other.exempt


@dataclass(frozen=True, slots=True)
class Job:
    """The resources of one kind in one Region: those that are named, or all but those that are looked at elsewhere."""

    kind: Kind
    region: str
    names: tuple[str, ...] | None = None
    but: frozenset[str] = frozenset()


@dataclass(slots=True)
class Scanner:
    """Whose account, by which standard, and which controls."""

    session: Any  # makes clients, as boto3's does
    standard: Standard
    controls: frozenset[str]
    clock: Clock = field(default_factory=Clock)

    def scan(self, regions: Sequence[str], say: Say) -> Scan:
        """Looks at everything once. Nothing is raised for what could not be read: it is in the answer."""
        found = Scan()
        with ThreadPoolExecutor(WORKERS) as pool:
            trails = self._trails(pool, regions, found)
            jobs = [job for job in _jobs(regions, trails, self.standard) if self._asks(job.kind)]
            bare = replace(self.standard, exemptions=())  # what is exempt is counted, so it is judged first
            runs = {region: self.run(region, bare) for region in {job.region for job in jobs}}
            say("listing what there is")
            looked: dict[tuple[str, str], int] = defaultdict(int)
            failed: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
            batches: list[tuple[Runtime, Kind, Scope]] = []
            for job, names in zip(jobs, pool.map(lambda job: _names(runs[job.region], job), jobs), strict=True):
                if isinstance(names, RelightError):
                    found.add(self._unlisted(job.kind, job.region, names))
                    continue
                looked[job.kind.KIND, job.region] += len(names)
                batches += [(runs[job.region], job.kind, self._scope(job.region, batch)) for batch in _batches(names)]
            parts = pool.map(lambda batch: self._look(*batch), batches)
            for number, ((_, kind, scope), (part, unread)) in enumerate(zip(batches, parts, strict=True), 1):
                say(f"{number} of {len(batches)}: {kind.KIND} in {scope.region}")
                found.add(part)
                failed[kind.KIND, scope.region] |= unread
        for (name, region), why in failed.items():
            found.add(self._unread(kind_of(name), region, why, all_of_them=len(why) == looked[name, region]))
        found.add(self._nothing(found))
        return found

    def run(self, region: str, standard: Standard | None = None) -> Runtime:
        """What a look or a repair in a Region works with; nobody asks its ledger, or tells anything."""
        chosen = standard or self.standard
        aws = Aws(chosen.account, region, self.session)
        ledger = Ledger(aws, chosen.ledger, chosen.incident_days)
        return Runtime(chosen, aws, ledger, Notifier(aws, chosen.topic), self.clock)

    def _asks(self, kind: Kind) -> bool:
        return any(control.id in self.controls for control in controls_of(kind.KIND))

    def _scope(self, region: str, names: tuple[str, ...] = ()) -> Scope:
        return Scope(self.standard.account, region, names=names)

    def _trails(self, pool: ThreadPoolExecutor, regions: Sequence[str], found: Scan) -> Trails:
        """The trails that any of the Regions shows, those of other Regions and of the organisation too."""
        if not any(self._asks(kind) for kind in (trail, bucket, alarm)):
            return {}
        shown: dict[str, Mapping[str, Any]] = {}
        for region, answer in zip(regions, pool.map(self._shown, regions), strict=True):
            if isinstance(answer, RelightError):
                found.add(self._unlisted(trail, region, answer))
            else:
                shown |= {each["TrailARN"]: each for each in answer}
        return shown

    def _shown(self, region: str) -> list[Mapping[str, Any]] | RelightError:
        try:
            return seen.trails(self.run(region).aws.home)
        except RelightError as error:
            return error

    def _look(self, run: Runtime, kind: Kind, scope: Scope) -> tuple[Scan, dict[str, str]]:
        """Some resources of one kind: what was found, and why those could not be read that could not."""
        found, unread = Scan(), dict[str, AwsError]()
        for observed in one_by_one(run, kind, scope, {}, unread):
            found.add(self._judged(case(run, kind, scope), observed))
        return found, {name: str(error) for name, error in unread.items()}

    def _judged(self, case: Case, observed: Observed[Any]) -> Scan:
        """One resource."""
        judged = with_reports(case.judge(observed), observed.state, self.standard)
        findings = [each for each in judged if each.control in self.controls]
        found, remaining = self._but_exempt(observed.resource, findings)
        found.counts = {**self._off(case, observed), **found.counts}
        found.met += [(each, observed.resource) for each in remaining if _is_met(each)]
        found.unchecked += _doubts(observed, [each for each in remaining if each.outcome in IN_DOUBT])
        for finding in (self._ended(each) for each in remaining if each.drifts):
            calls = case.plan(observed, [finding], Outcome.OBSERVED)
            found.violations.append(Violation(case.scope, observed.resource, finding, calls))
        return found

    def _off(self, case: Case, observed: Observed[Any]) -> Counts:
        """Every control that is asked for and off; whatever is met counts all the same."""
        judge_of = concerning if observed.out_of_reach else judged_of
        rows = [each for each in judge_of(case.kind.KIND, observed.state, None) if each.id in self.controls]
        return {each.id: Count(exempt=1) for each in rows if each.is_off(self.standard, "introduce")}

    def _but_exempt(self, resource: Resource, findings: Iterable[Finding]) -> tuple[Scan, tuple[Finding, ...]]:
        today = self.clock.now().date()
        remaining, exemptions = exempt(findings, resource.arn, self.standard, today)
        found = Scan(counts=counted(remaining, exemptions))
        found.exempt = [(control, resource.arn, each) for control, each in exemptions.items()]
        return found, remaining

    def _ended(self, finding: Finding) -> Finding:
        """Observed, or left to a person: so is an alarm, as long as nobody named the topic that it is to tell."""
        drifts = finding.drifts
        if finding.control.startswith(f"{alarm.KIND}.") and not has_topic(self.standard):
            advice = "No topic is known for alarms to tell: pass --topic."
            drifts = tuple(replace(each, manual=each.manual or advice) for each in drifts)
        if any(not each.manual for each in drifts):
            return replace(finding, drifts=drifts, outcome=Outcome.OBSERVED)
        helps = finding.control in OPTIONS and any(each.field not in trail_delivery.ADVICE for each in drifts)
        hint = f"Without a stack, pass {OPTIONS[finding.control]}." if helps else ""
        note = " ".join(filter(None, (finding.note, hint)))
        return replace(finding, drifts=drifts, outcome=Outcome.MANUAL, note=note)

    def _unlisted(self, kind: Kind, region: str, error: RelightError) -> Scan:
        """A kind of resource of which nobody knows what there is."""
        return Scan(self._unknown(kind, 1), unchecked=[Unchecked(region, kind.KIND, str(error))])

    def _unread(self, kind: Kind, region: str, failed: Mapping[str, str], *, all_of_them: bool) -> Scan:
        """Resources that could not be read; where it is one reason for all, it is said once."""
        reasons = set(failed.values())
        arns = [kind.arn(self.standard.partition, self.standard.account, region, name) for name in failed]
        unchecked = [Unchecked(region, arn, why) for arn, why in zip(arns, failed.values(), strict=True)]
        if all_of_them and len(failed) > 1 and len(reasons) == 1:
            unchecked = [Unchecked(region, kind.KIND, reasons.pop())]
        return Scan(self._unknown(kind, len(failed)), unchecked=unchecked)

    def _unknown(self, kind: Kind, number: int) -> Counts:
        rows = [each for each in controls_of(kind.KIND) if each.id in self.controls]
        return unjudged(rows, self.standard, number, ("introduce",)) if number else {}

    def _nothing(self, found: Scan) -> Scan:
        """Where an account has nothing of what one is enough of, the account itself violates; else it meets that."""
        more = Scan()
        owner = self.standard.account
        arn = f"arn:{self.standard.partition}:iam::{owner}:root"
        resource = Resource("account", owner, arn, owner, self.standard.region)
        for practice in PRACTICES:
            row = CONTROLS[practice.control]
            if practice.unit is not Unit.ANYWHERE or row.id not in self.controls:
                continue
            if row.id in found.counts:
                one = next((each for each, _ in found.met if each.control == row.id), None)
                more.met += [(one, resource)] if one else []
                continue
            finding = Finding(
                control=row.id,
                title=row.title,
                severity=row.severity,
                references=row.references,
                mode=row.mode("introduce", self.standard),
                outcome=Outcome.MANUAL,
                cause=Cause.FOUND,
                drifts=(Drift("Trails", found=[], wanted="a trail for all Regions", manual=NO_TRAIL),),
            )
            part, remaining = self._but_exempt(resource, [finding] if finding.mode is not Mode.OFF else [])
            part.violations = [Violation(self._scope(resource.region), resource, each) for each in remaining]
            if finding.mode is Mode.OFF:
                part.counts = {row.id: Count(exempt=1)}
            more.add(part)
        return more


NO_TRAIL = "Create a multi-Region trail: Relight mends trails, but makes none that never was there."


def has_topic(standard: Standard) -> bool:
    """Whether somebody named the topic that alarms are to tell."""
    return not standard.topic.endswith(f":{NO_TOPIC}")


def case(run: Runtime, kind: Kind, scope: Scope) -> Case:
    """A resource that nothing happened to: what there is to say, its state alone says."""
    nothing = Record(
        event_id="",
        name="",
        source="",
        account=scope.account,
        region=scope.region,
        time=run.clock.now(),
        actor=Actor(),
        error_code="",
        request={},
        response={},
    )
    return Case(run, kind, nothing, scope, teller="", baseline=None, taken={})


def _is_met(finding: Finding) -> bool:
    """Whether it says something that a control is met: without a baseline, one that only compares with it always is."""
    return finding.outcome in MET and CONTROLS[finding.control].basis is not Basis.BASELINE


def _doubts(observed: Observed[Any], findings: Iterable[Finding]) -> Iterator[Unchecked]:
    """What could not be judged of a resource; where that is all of it, it is said once."""
    resource = observed.resource
    if observed.out_of_reach:
        reasons = dict.fromkeys(finding.note for finding in findings)
        yield from (Unchecked(resource.region, resource.arn, why) for why in reasons)
    else:
        yield from (Unchecked(resource.region, f"{each.control} {resource.arn}", each.note) for each in findings)


def _jobs(regions: Sequence[str], trails: Trails, standard: Standard) -> Iterator[Job]:
    """What is to be looked at where."""
    homes: dict[str, list[str]] = defaultdict(list)
    delivering: dict[str, str] = {}
    for arn, shown in trails.items():
        homes[shown["HomeRegion"]].append(arn)
        if arn.split(":")[4] == standard.account:
            delivering.setdefault(shown["S3BucketName"], shown["HomeRegion"])
    own = [each for arn, each in trails.items() if arn.split(":")[4] == standard.account]
    watched = dict.fromkeys(each["HomeRegion"] for each in own if each.get("IsMultiRegionTrail")) or regions[:1]
    for region, arns in homes.items():
        buckets = tuple(name for name, home in delivering.items() if home == region)
        yield Job(trail, region, tuple(arns))
        yield Job(bucket, region, buckets)
    yield Job(account, regions[0])
    yield from (Job(alarm, region) for region in watched)
    for region in regions:
        yield Job(bucket, region, but=frozenset(delivering))
        yield from (Job(kind, region) for kind in KINDS if kind.KIND not in ELSEWHERE)


# Kinds that are not simply looked at in each Region.
ELSEWHERE = (trail.KIND, bucket.KIND, alarm.KIND, account.KIND)


def _names(run: Runtime, job: Job) -> list[str] | RelightError:
    try:
        names = list(job.kind.list_names(run.aws.home, run.standard) if job.names is None else job.names)
    except RelightError as error:
        return error
    return [name for name in names if name not in job.but]


def _batches(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for start in range(0, len(names), BATCH):
        yield tuple(names[start : start + BATCH])


def kind_of(name: str) -> Kind:
    """The kind by its name."""
    return next(kind for kind in KINDS if name == kind.KIND)
