"""`relight cost`: what more logging would cost in a month, before it is switched on.

The arithmetic is pure: volumes and prices in, lines out. Volumes are given by the user or read (volumes.py); what
nobody knows is said, and never counted as nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

import click

from local.operate import volumes
from local.operate.deployment import OperatorError
from local.operate.prices import Price, Prices
from local.operate.volumes import MONTH, Volume, unknown
from local.show import Screen
from relight.aws import Place
from relight.errors import AwsError

COMPLETE, INCOMPLETE = 0, 1  # exit status
EVENT_BYTES = 1500  # of a CloudTrail record: assumed, and said so below
TIMES = "\N{MULTIPLICATION SIGN}"
# What leaves nothing to be read.
ALL = ("--s3-requests", "--network-events", "--management-events", "--copies", "--flow-log-gb")
# Where flow logs may go: the prices of delivering and keeping them.
DESTINATIONS = {
    "cloudwatch": ("flow-logs-to-cloudwatch", "cloudwatch-storage"),
    "s3": ("flow-logs-to-s3", "s3-storage"),
}


@dataclass(frozen=True)
class Given:
    """What the user says; what is None is read. Numbers are of a month."""

    s3_requests: int | None = None
    buckets: tuple[str, ...] = ()
    network_events: int | None = None
    management_events: int | None = None
    copies: int | None = None
    flow_log_gb: float | None = None
    gb_per_interface: float | None = None
    flow_logs_to: str = "cloudwatch"
    retention_days: int = 365


@dataclass(frozen=True)
class Line:
    """Something to be paid for: how much of it, and its price."""

    what: str
    price: str  # its name in the table
    volume: Volume


@dataclass(frozen=True)
class Estimate:
    """What is to be paid in a month, and what that rests on."""

    lines: tuple[Line, ...]
    prices: Prices
    assumptions: tuple[str, ...]

    @property
    def usd(self) -> float:
        """What is known of it."""
        return sum(self.of(line) or 0 for line in self.lines)

    @property
    def complete(self) -> bool:
        return all(line.volume.amount is not None for line in self.lines)

    def of(self, line: Line) -> float | None:
        """A line's US dollars; None where its volume is not known."""
        amount = line.volume.amount
        return None if amount is None else self.prices[line.price].usd(amount)


def run(
    given: Given, prices: Prices, reach: Callable[[], Place], screen: Screen, now: datetime, *, as_json: bool
) -> int:
    """Estimates and shows; the exit status. AWS is asked only for what is not given. Raises OperatorError."""
    asked: list[Place] = []

    @cache
    def place() -> Place:
        try:
            asked.append(reach())
        except OperatorError as error:
            raise OperatorError(f"{error}; or give {', '.join(ALL)}: then AWS is not asked") from error
        return asked[0]

    with screen.busy("Reading volumes"):
        lines = tuple(_lines(given, place, now))
    estimate = Estimate(lines, prices, tuple(assumptions(prices, asked[0].region if asked else "")))
    if as_json:
        click.echo(json.dumps(data(estimate), indent=2))
    else:
        show(estimate, screen)
    return COMPLETE if estimate.complete else INCOMPLETE


# ---------------------------------------------------------------------------------------------------- the volumes


def _lines(given: Given, place: Callable[[], Place], now: datetime) -> Iterator[Line]:
    """What is to be paid for. Raises OperatorError where AWS cannot be asked at all."""
    what = iter(("S3 data events", "S3 data events of other buckets"))
    for volume in _known(given.s3_requests) or _or_unknown(
        lambda: volumes.s3_requests(place(), given.buckets, now), "--s3-requests N"
    ):
        yield Line(next(what), "data-events", volume)
    for volume in _known(given.network_events) or _or_unknown(
        lambda: [volumes.denied_calls(place())], "--network-events N"
    ):
        yield Line("Network activity events (denied)", "network-activity-events", volume)
    yield Line("Further copies of management events", "management-event-copies", _copied(given, place, now))
    (delivered,) = _known(given.flow_log_gb) or _or_unknown(
        lambda: [volumes.flow_logs(place(), given.gb_per_interface, now)], "--flow-log-gb N"
    )
    delivery, storage = DESTINATIONS[given.flow_logs_to]
    yield Line("Flow logs, delivered", delivery, delivered)
    yield Line("Flow logs, kept", storage, kept(delivered, given.retention_days))


def _known(amount: float | None) -> list[Volume]:
    return [] if amount is None else [Volume(amount, "given")]


def _or_unknown(read: Callable[[], list[Volume]], option: str) -> list[Volume]:
    """What was read. A read that failed says nothing: the volume is unknown."""
    try:
        return read()
    except AwsError as error:
        return [unknown(str(error), option)]


def _copied(given: Given, place: Callable[[], Place], now: datetime) -> Volume:
    (copies,) = _known(given.copies) or _or_unknown(lambda: [volumes.further_copies(place())], "--copies N")
    if copies.amount == 0:
        return copies
    (events,) = _known(given.management_events) or _or_unknown(
        lambda: [volumes.management_events(place(), now)], "--management-events N"
    )
    return product(copies, events)


def product(copies: Volume, events: Volume) -> Volume:
    """So many copies of so many events."""
    source = f"copies: {_amount(copies.amount)}, {copies.source}; events: {_amount(events.amount)}, {events.source}"
    if copies.amount is None or events.amount is None:
        return Volume(None, source)
    return Volume(copies.amount * events.amount, source)


def kept(delivered: Volume, days: int) -> Volume:
    """What is stored once as many days of it are there: uncompressed, so at most that."""
    if delivered.amount is None:
        return replace(delivered, source="not known, as above")
    source = f"what {days:,} days of it come to, as if nothing were compressed: at most that, and not before then"
    return Volume(delivered.amount * days / MONTH, source)


def assumptions(prices: Prices, region: str) -> Iterator[str]:
    """What the estimate rests on; `region` is the one that was read, if one was."""
    yield f"List prices of {prices.region}, without free tiers, discounts and taxes; tiers begin with what stands here."
    if region:
        elsewhere = "" if region == prices.region else f", whose prices may differ from those of {prices.region}"
        yield f"What was read will go on as it was, a month being {MONTH} days; it is of {region} alone{elsewhere}."
    yield "Each S3 request is a data event; AllRequests also counts requests about a bucket itself, which are none."
    yield "Of network activity, only what endpoints deny is logged, as Relight's selectors say."
    yield "Each copy has all management events, and trails that are stopped log again."
    yield "Data events and copies count in full, also what is logged today; flow logs only of VPCs that have none."
    ingested = prices["cloudwatch-ingestion"].usd(100_000 * EVENT_BYTES / volumes.GB)
    yield (
        "Not counted: keeping, encrypting and reading CloudTrail's files; and,"
        f" where a trail also writes to CloudWatch Logs, {ingested:.2f} for each 100,000 events of 1.5 KB."
    )


# ------------------------------------------------------------------------------------------------------- what is shown


def show(estimate: Estimate, screen: Screen) -> None:
    """The arithmetic, what it rests on, and the sum."""
    screen.heading("Relight, what more logging would cost")
    screen.table(["A month of", f"Volume {TIMES} price", "US$"], [_row(estimate, line) for line in estimate.lines])
    screen.heading("Where the volumes are from")
    screen.facts((line.what, line.volume.source) for line in estimate.lines)
    screen.heading("Prices, to be replaced by --show-prices > FILE and --prices FILE")
    screen.facts(_prices(estimate))
    screen.heading("Assumed")
    screen.facts(("·", each) for each in estimate.assumptions)
    screen.verdict(_verdict(estimate), good=estimate.complete)


def _row(estimate: Estimate, line: Line) -> list[str]:
    usd, price = estimate.of(line), estimate.prices[line.price]
    return [line.what, arithmetic(price, line.volume.amount), "not known" if usd is None else f"{usd:,.2f}"]


def _prices(estimate: Estimate) -> Iterator[tuple[str, str]]:
    for name in dict.fromkeys(line.price for line in estimate.lines):
        price = estimate.prices[name]
        (_, first), *others = price.tiers
        unit = "a GB" if price.per == 1 and price.unit == "GB" else f"{price.per:,} {price.unit}"
        tiers = [f"{_rate(first)} for {unit}", *(f"{_rate(usd)} from {start:,}" for start, usd in others)]
        yield name, f"{', '.join(tiers)} ({price.as_of}, {price.source})"


def arithmetic(price: Price, amount: float | None) -> str:
    """As a person would write it, tier by tier."""
    per = f" / {price.per:,}" if price.per != 1 else ""
    if amount is None:
        return f"? {price.unit} {TIMES} {_rate(price.tiers[0][1])}{per}"
    return " + ".join(f"{_amount(part)} {price.unit} {TIMES} {_rate(usd)}{per}" for part, usd in price.parts(amount))


def _rate(usd: float) -> str:
    return f"{usd:.2f}" if round(usd, 2) == usd else f"{usd:g}"


def _amount(amount: float | None) -> str:
    if amount is None:
        return "?"
    return f"{amount:,.0f}" if amount >= 100 or amount == round(amount) else f"{amount:.3g}"


def _verdict(estimate: Estimate) -> str:
    if estimate.complete:
        return f"{estimate.usd:,.2f} US dollars a month."
    missing = sum(line.volume.amount is None for line in estimate.lines)
    return f"At least {estimate.usd:,.2f} US dollars a month: {missing} of {len(estimate.lines)} volumes are not known."


def data(estimate: Estimate) -> dict[str, Any]:
    """The same for machines. An unknown volume is null, and so is what it costs."""
    return {
        "version": 1,
        "currency": "USD",
        "complete": estimate.complete,
        "usd": round(estimate.usd, 4),
        "lines": [_line(estimate, line) for line in estimate.lines],
        "assumptions": list(estimate.assumptions),
    }


def _line(estimate: Estimate, line: Line) -> dict[str, Any]:
    usd, price = estimate.of(line), estimate.prices[line.price]
    return {
        "what": line.what,
        "amount": line.volume.amount,
        "unit": price.unit,
        "source": line.volume.source,
        "usd": None if usd is None else round(usd, 4),
        "price": {"name": line.price, **asdict(price), "as_of": price.as_of.isoformat()},
    }
