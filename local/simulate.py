"""`relight simulate`: an organisation's day of drift, and an attack on all its accounts at once.

A model, not a measurement: what a drift takes was counted on the local AWS, AWS's quotas and prices are from the pages
that are named, and what nobody documents is called assumed. ``--write`` puts the tables into docs/organisation.md.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from local.flood import BESIDE, GB_SECOND, INVOCATION, ITEM, MEMORY, QUOTAS, READ, ROUND_TRIP, WRITE, Kind
from local.generated import generate
from local.markdown import placed, table
from local.queueing import Pool, Process, Quota, World
from local.settings import PROJECT
from local.show import Screen

PAGE = PROJECT / "docs" / "organisation.md"
DAY, MONTH = 86_400.0, 30  # seconds, days

# ---- Quotas of the hub's account and Region, a second: the defaults, which can be raised.
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html: of the Regions that it does not name; some
# have up to sixteen times as much. That what comes from another bus counts as PutEvents here is assumed.
PUT_EVENTS, INVOCATIONS = 600, 1100
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: all of STS's calls of an account together
ASSUME_ROLE = 600
# https://docs.aws.amazon.com/general/latest/gr/sns.html: the Regions with the fewest
PUBLISH = 300
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html: 4,000 units, at first
WRITES = 4000 / ITEM
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
CONCURRENCY = 1000
TIMEOUT = 120  # of a function, as in template.yaml

# ---- Times, in seconds, all assumed
ABROAD = 0.15  # a call to another Region, on the average
HOP = 0.5  # from one bus to the other, or from a bus to Lambda
COLD, KEPT = 1.5, 300.0  # a new execution environment, and how long Lambda keeps one that has nothing to do
DELAY_MEDIAN, DELAY_99TH = 10.0, 60.0  # from a call to its event on the account's default bus; AWS promises none
ATTACK = 60.0  # over which the attackers' calls are spread

# ---- What happens to an account in one Region in a day: assumed
DRIFTS, LOOKS = 0.05, 5.0  # drifts, and calls of ordinary work that a rule matches and that leave all compliant

# ---- US dollars in us-east-1, November 2026, beside those of local/flood.py
EVENT = 1.00e-6  # to another bus: https://aws.amazon.com/eventbridge/pricing/
MESSAGE = 0.50e-6  # https://aws.amazon.com/sns/pricing/
LOGGED = 2e-6 * 0.50  # of an execution: 2 KB, assumed, at https://aws.amazon.com/cloudwatch/pricing/
ALARM = 0.10  # a month: https://aws.amazon.com/cloudwatch/pricing/

HUBS = ("dynamodb", "sns")  # services that the hub asks at home


@dataclass(frozen=True)
class Load:
    """What one event takes: the functions that it starts, the events that the repair itself causes, and all calls."""

    functions: int
    echoes: int
    calls: Mapping[Kind, int]


# Counted on the local AWS, of the first such attack on a resource; tests/integration/test_simulate.py counts again.
MEASURED: Mapping[str, Load] = {
    "StopLogging": Load(
        1, 0,
        {("cloudtrail", "read"): 10, ("logs", "read"): 2, ("kms", "read"): 2, ("cloudtrail", "write"): 1}
        | {("dynamodb", "read"): 1, ("dynamodb", "write"): 4, ("sns", "write"): 1},
    ),
    "UpdateTrail": Load(
        2, 1,
        {("cloudtrail", "read"): 17, ("logs", "read"): 3, ("kms", "read"): 3, ("s3", "read"): 16}
        | {("cloudtrail", "write"): 1, ("dynamodb", "read"): 7, ("dynamodb", "write"): 4, ("sns", "write"): 1},
    ),
    "DeleteFlowLogs": Load(
        1, 1,
        {("ec2", "read"): 6, ("logs", "write"): 1, ("ec2", "write"): 1}
        | {("dynamodb", "read"): 3, ("dynamodb", "write"): 5, ("sns", "write"): 1},
    ),
    "PutBucketLogging": Load(
        1, 1,
        {("cloudtrail", "read"): 3, ("s3", "read"): 24, ("s3", "write"): 1}
        | {("dynamodb", "read"): 3, ("dynamodb", "write"): 4, ("sns", "write"): 1},
    ),
}  # fmt: skip
# Of ordinary work, nothing is repaired or told: assumed.
LOOK = Load(1, 0, {("s3", "read"): 4, ("ec2", "read"): 2, ("dynamodb", "read"): 1})


@dataclass(frozen=True)
class Organisation:
    """How large it is, and what its hub's account has."""

    accounts: int = 1000
    regions: int = 17  # https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html: on by default
    concurrency: int = CONCURRENCY
    put_events: float = PUT_EVENTS
    invocations: float = INVOCATIONS
    assume_role: float = ASSUME_ROLE
    delays: bool = True  # False: an event is on its bus at once, for examples that are worked out by hand

    @property
    def places(self) -> int:
        """Accounts' Regions."""
        return self.accounts * self.regions


@dataclass(frozen=True)
class Drift:
    """A call in a place (a number of an account's Region), at a second; of a name in MEASURED, or a look."""

    at: float
    place: int
    name: str = ""

    @property
    def load(self) -> Load:
        return MEASURED[self.name] if self.name else LOOK


@dataclass
class Result:
    """What a run came to. Times to repair are in seconds, from the call to the last call of its repair."""

    repaired: list[float] = field(default_factory=list)
    events: int = 0
    executions: int = 0
    seconds: float = 0.0  # of Lambda
    longest: float = 0.0  # execution
    pool: Pool = field(default_factory=lambda: Pool(0))
    quotas: dict[str, list[Quota]] = field(default_factory=dict)
    calls: dict[Kind, int] = field(default_factory=dict)

    @property
    def dollars(self) -> float:
        """The events between the buses, Lambda and its logs, the ledger and the topic."""
        own = {
            kind: self.calls.get(kind, 0) for kind in (("dynamodb", "write"), ("dynamodb", "read"), ("sns", "write"))
        }
        ledger = own["dynamodb", "write"] * ITEM * WRITE + own["dynamodb", "read"] * READ
        functions = self.executions * (INVOCATION + LOGGED) + self.seconds * MEMORY * GB_SECOND
        return self.events * EVENT + functions + ledger + own["sns", "write"] * MESSAGE


class Hub:
    """One run: the hub's quotas and executions, and the quotas of each place."""

    def __init__(self, organisation: Organisation, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311 (a simulation)
        self._delays = organisation.delays
        self._world = World()
        self._pool = Pool(organisation.concurrency, COLD if organisation.delays else 0.0, KEPT)
        self._put_events, self._invocations = Quota(organisation.put_events), Quota(organisation.invocations)
        self._assume_role = Quota(organisation.assume_role)
        self._publish, self._writes = Quota(PUBLISH), Quota(WRITES)
        self._members: dict[tuple[int, Kind], Quota] = {}
        self._result = Result(pool=self._pool)

    def run(self, drifts: Iterable[Drift]) -> Result:
        """Lets all of it happen."""
        for drift in drifts:
            self._world.begin(self._happen(drift))
        self._world.run()
        self._result.quotas = {
            "EventBridge PutEvents, hub": [self._put_events],
            "EventBridge invocations, hub": [self._invocations],
            "STS AssumeRole, hub": [self._assume_role],
            "DynamoDB writes of 4 KB, ledger": [self._writes],
            "SNS Publish, hub": [self._publish],
        } | {
            f"{_service(kind)} {kind[1]}s, a member's Region": [q for (_, of), q in self._members.items() if of == kind]
            for kind in QUOTAS
        }
        return self._result

    def _happen(self, drift: Drift) -> Process:
        """A call, its event's way to the hub, and what the functions do about it."""
        called = drift.at
        if ("cloudtrail", "write") in drift.load.calls:  # what is repaired so was broken so
            called = self._member(drift.place, ("cloudtrail", "write")).take((yield called))
        yield from self._travel(called)
        for _ in range(1, drift.load.functions):
            self._world.begin(self._glance())
        now = yield self._pool
        began = now
        now = yield self._assume_role.take(now) + ROUND_TRIP
        spent = BESIDE
        for kind, calls in drift.load.calls.items():
            trip = ROUND_TRIP if kind[0] in HUBS else ABROAD
            spent += calls * trip
            self._result.calls[kind] = self._result.calls.get(kind, 0) + calls
            quota = self._quota(drift.place, kind)
            if quota:  # what came before is done by then
                now = yield now + spent - calls * trip
                now, spent = (yield max(quota.take(now, calls) + trip, now + calls * trip)), 0.0
        now = yield now + spent
        self._end(began, now)
        if drift.name:
            self._result.repaired.append(now - called)
        for _ in range(drift.load.echoes):
            self._world.begin(self._echo(now, drift.load.functions))

    def _echo(self, repaired: float, functions: int) -> Process:
        """The event of the repair itself, which finds all well; its calls are counted with the repair's."""
        yield from self._travel(repaired)
        for _ in range(functions):
            self._world.begin(self._glance())

    def _glance(self) -> Process:
        """An execution that has nothing to repair."""
        began = yield self._pool
        now = yield began + BESIDE
        self._end(began, now)

    def _travel(self, called: float) -> Process:
        self._result.events += 1
        sent = self._put_events.take((yield called + self._delay()))
        yield self._invocations.take(sent + HOP) + HOP  # they keep their order

    def _quota(self, place: int, kind: Kind) -> Quota | None:
        """What bounds such calls, if anything is known to."""
        own = {("sns", "write"): self._publish, ("dynamodb", "write"): self._writes}
        return self._member(place, kind) if kind in QUOTAS else own.get(kind)

    def _member(self, place: int, kind: Kind) -> Quota:
        if (place, kind) not in self._members:
            self._members[place, kind] = Quota(QUOTAS[kind])
        return self._members[place, kind]

    def _end(self, began: float, now: float) -> None:
        self._world.leave(self._pool, now)
        self._result.executions += 1
        self._result.seconds += now - began
        self._result.longest = max(self._result.longest, now - began)

    def _delay(self) -> float:
        """Log-normal, with the median and the 99th percentile that are assumed."""
        deviation = math.log(DELAY_99TH / DELAY_MEDIAN) / 2.3263
        return self._random.lognormvariate(math.log(DELAY_MEDIAN), deviation) if self._delays else 0.0


def day(organisation: Organisation, seed: int = 0) -> Iterator[Drift]:
    """A day of drift and of ordinary work, anywhere and at any time."""
    chance = random.Random(seed)  # noqa: S311 (as above)
    for _ in range(round(organisation.places * DRIFTS)):
        yield Drift(chance.uniform(0, DAY), chance.randrange(organisation.places), chance.choice(list(MEASURED)))
    for _ in range(round(organisation.places * LOOKS)):
        yield Drift(chance.uniform(0, DAY), chance.randrange(organisation.places))


def attack(organisation: Organisation, seed: int = 0) -> Iterator[Drift]:
    """Each way to break something, in each Region of each account, within a minute."""
    chance = random.Random(seed)  # noqa: S311 (as above)
    for place in range(organisation.places):
        for name in MEASURED:
            yield Drift(chance.uniform(0, ATTACK), place, name)


def percentile(values: Iterable[float], percent: float) -> float:
    """By nearest rank; 0 of nothing."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] if ordered else 0.0


@cache
def run(organisation: Organisation, seed: int = 0) -> tuple[Result, Result]:
    """The day, and the attack."""
    return Hub(organisation, seed).run(day(organisation, seed)), Hub(organisation, seed).run(attack(organisation, seed))


HEADER = ("", "A day of drift", "An attack on all accounts at once")


def outcome(results: tuple[Result, ...]) -> list[list[str]]:
    """A row a figure, a column a run."""
    rows = {
        "Drifts repaired": [f"{len(each.repaired):,}" for each in results],
        "Events sent to the hub": [f"{each.events:,}" for each in results],
        "Time to repair, median (s)": [f"{percentile(each.repaired, 50):,.1f}" for each in results],
        "Time to repair, 99th percentile (s)": [f"{percentile(each.repaired, 99):,.1f}" for each in results],
        "Greatest queue before Lambda (events)": [f"{each.pool.most_waiting:,}" for each in results],
        "Executions at once, at most": [f"{each.pool.most_held:,} of {each.pool.size:,}" for each in results],
        f"Longest execution (s), of {TIMEOUT}": [f"{each.longest:,.1f}" for each in results],
        "US dollars": [f"{each.dollars:,.2f}" for each in results],
    }
    return [[name, *cells] for name, cells in rows.items()]


QUOTA_HEADER: tuple[str, ...] = (
    "Quota", "A second", "Day: calls", "busiest second", "longest wait (s)",
    "Attack: calls", "busiest second", "longest wait (s)",
)  # fmt: skip


def quotas(results: tuple[Result, ...]) -> list[list[str]]:
    """A row a quota. Of those that each member's Region has for itself, the one that is used the most."""
    rows = []
    for name in results[0].quotas:
        row = [name, ""]
        for each in results:
            found = each.quotas[name]
            row[1] = f"{found[0].rate:,.0f}" if found else row[1]
            row.append(f"{sum(quota.calls for quota in found):,}")
            row.append(f"{max((quota.busiest for quota in found), default=0):,}")
            row.append(f"{max((quota.longest for quota in found), default=0):,.1f}")
        rows.append(row)
    return rows


def _service(kind: Kind) -> str:
    return {"cloudtrail": "CloudTrail", "ec2": "EC2"}[kind[0]]


GIVEN_HEADER = ("What is given", "Figure", "Source")


def given() -> list[tuple[str, str, str]]:
    """A row a parameter of the model."""
    guide = "https://docs.aws.amazon.com"
    limits, assumed = f"{guide}/eventbridge/latest/userguide/eb-quota.html", "assumed"
    counted = "counted by `make test TESTS=tests/integration/test_simulate.py`"
    calls = "; ".join(f"{name} {sum(load.calls.values())}" for name, load in MEASURED.items())
    cloudtrail = f"{guide}/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html"
    writes, reads = (QUOTAS["cloudtrail", each] for each in ("write", "read"))
    return [
        ("AWS calls of a drift", calls, counted),
        ("drifts in an account's Region in a day", f"{DRIFTS:g}, of four kinds alike, at any time", assumed),
        ("ordinary calls there that a rule matches", f"{LOOKS:g} in a day", assumed),
        ("the attack", f"the four kinds in each Region of each account, within {ATTACK:g} s", assumed),
        (
            "from a call to its event in the account",
            f"log-normal, median {DELAY_MEDIAN:g} s, 99th percentile {DELAY_99TH:g} s",
            f"{assumed}; AWS promises no time",
        ),
        ("from a bus to a bus or to Lambda", f"{HOP:g} s each", assumed),
        ("an AWS call", f"{ROUND_TRIP:g} s at home, {ABROAD:g} s to another Region", assumed),
        ("an execution beside its calls", f"{BESIDE:g} s; {COLD:g} s more after {KEPT:g} s without work", assumed),
        ("PutEvents onto the hub's bus", f"{PUT_EVENTS:,} a second", f"{limits}; that it counts here is assumed"),
        ("invocations by the hub's rules", f"{INVOCATIONS:,} a second", limits),
        ("executions at once", f"{CONCURRENCY:,}", f"{guide}/lambda/latest/dg/gettingstarted-limits.html"),
        ("AssumeRole", f"{ASSUME_ROLE} a second", f"{guide}/IAM/latest/UserGuide/reference_iam-quotas.html"),
        ("sessions that are still good", "none: each repair assumes a role", assumed),
        ("CloudTrail, each account and Region", f"{writes:g} write, {reads:g} reads a second", cloudtrail),
        ("SNS Publish", f"{PUBLISH} a second", f"{guide}/general/latest/gr/sns.html"),
        (
            "the ledger",
            f"{WRITES:,.0f} writes of {ITEM} KB a second",
            f"{guide}/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html",
        ),
    ]


def show(screen: Screen, organisation: Organisation, seed: int) -> int:
    """Prints what became of both; the exit status."""
    results = run(organisation, seed)
    screen.table(list(HEADER), outcome(results))
    screen.line()
    screen.table(list(QUOTA_HEADER), quotas(results))
    screen.line()
    size = f"{organisation.accounts:,} accounts in {organisation.regions} Regions, seed {seed}"
    screen.line(f"{size}. A model: calls as counted on the local AWS, quotas as AWS publishes them,")
    screen.line("times as docs/organisation.md assumes them.")
    late = max(each.longest for each in results)
    good = late <= TIMEOUT
    screen.verdict(
        "Every execution ends in time" if good else f"Executions take {late:,.0f} s: some time out", good=good
    )
    return 0 if good else 1


def rewritten(text: str) -> str:
    """docs/organisation.md with its tables as they are now. Raises MissingMarkersError."""
    results = run(Organisation())
    text = placed(text, "given", table(GIVEN_HEADER, given()))
    text = placed(text, "simulation", table(HEADER, map(tuple, outcome(results))))
    text = placed(text, "quotas", table(QUOTA_HEADER, map(tuple, quotas(results))))
    return placed(text, "costs", table(COST_HEADER, map(tuple, costs())))


# ---- What it costs a month, by arithmetic: see docs/organisation.md
STACK = 10.35  # the hub's own, as the README adds it up, without its sweep
USED = 3  # Regions of an account in which there is something to look at: assumed
SWEEP_USED, SWEEP_EMPTY = 20.0, 4.0  # seconds of Lambda for one Region in one sweep: the README's estimate, and assumed
SIZES = (10, 100, 1000)
COST_HEADER = ("US dollars a month", *(f"{each:,} accounts" for each in SIZES))


def costs() -> list[list[str]]:
    """A row a post, a column a size."""
    columns = [_costs(Organisation(accounts=each)) for each in SIZES]
    return [[name, *(f"{column[name]:,.2f}" for column in columns)] for name in columns[0]]


def _costs(organisation: Organisation) -> dict[str, float]:
    sweep = organisation.accounts * (USED * SWEEP_USED + (organisation.regions - USED) * SWEEP_EMPTY)
    hourly = MONTH * 24 * (sweep * MEMORY * GB_SECOND + organisation.places * INVOCATION)
    posts = {
        "the hub's stack": STACK,
        "forwarders: rules, roles, an empty queue": 0.0,
        "events, Lambda, ledger and messages": MONTH
        * organisation.accounts
        * run(Organisation())[0].dollars
        / Organisation().accounts,
        "the sweep, each hour": hourly,
    }
    return posts | {
        "together": sum(posts.values()),
        "together, with a sweep each six hours": sum(posts.values()) - hourly * 5 / 6,
        "an alarm on each undelivered queue, if you add it": organisation.places * ALARM,
    }


def main() -> None:
    """Prints the tables, or writes them into docs/organisation.md."""
    generate(
        "local.simulate",
        {PAGE: lambda: rewritten(PAGE.read_text(encoding="utf-8"))},
        show=lambda: show(Screen(), Organisation(), 0),
    )


if __name__ == "__main__":
    main()
