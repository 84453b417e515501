"""`relight check --output html`: the report as one page that needs nothing else. Pure.

Whatever a report holds is text: control, format and separator characters are spelled out and everything is escaped, for
every value in one place. A browser makes no link of an address, so evidence stays as it is. The page's own
Content-Security-Policy lets it load nothing, and use no other style than its own.
"""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from relight.message import shown
from relight.model import Severity
from relight.plain import plain
from relight.posture import Count, Row
from relight.render import duration

_HERE = Path(__file__).parent
# A sparkline's size, in the units of its drawing.
_WIDTH, _HEIGHT = 160, 32

Data = Mapping[str, Any]


@dataclass(frozen=True)
class Verdict:
    """The answer that stands first. `tone` is how it looks: bad, unsure or good."""

    tone: str
    word: str
    sentence: str


@dataclass(frozen=True)
class Group:
    """What one control found. `places` are (account, Region) with their findings."""

    control: str
    title: str
    references: str
    places: Sequence[tuple[tuple[str, str], Sequence[Data]]]

    @property
    def size(self) -> int:
        """How many findings there are."""
        return sum(len(findings) for _, findings in self.places)


@dataclass(frozen=True)
class Trend:
    """How a control's percentage of violations went. `lines` are SVG points, interrupted where nothing was judged."""

    title: str
    control: str
    first: float
    last: float
    lines: Sequence[str]
    end: tuple[float, float]


def page(report: Data) -> str:
    """The report of a check (version 1) as an HTML document. Raises jinja2.UndefinedError where a field is missing."""
    style = _style()
    html = _template().render(
        report=report,
        verdict=verdict(report),
        severities=_severities(report["findings"]),
        unknown=sum(row["unknown"] for row in report["posture"]),
        trends=list(_trends(report)),
        style=style,
        style_hash=b64encode(sha256(style.encode()).digest()).decode(),
    )
    return html.lstrip()  # what stands above it are definitions


def verdict(report: Data) -> Verdict:
    """What the whole comes to: compliant only where something was judged, nothing is violated and nothing unknown."""
    violated, met, unknown = (sum(row[name] for row in report["posture"]) for name in ("violated", "met", "unknown"))
    if violations := len(report["findings"]) or violated:
        return Verdict("bad", "Not compliant", counted(violations, "violation"))
    if gaps := len(report["unchecked"]) or unknown:
        return Verdict("unsure", "Not proven", f"no violation found, but {gaps} could not be checked")
    if not met:
        return Verdict("unsure", "Not proven", "nothing was there to be checked")
    return Verdict("good", "Compliant", f"{counted(met, 'check')}, all met")


def counted(number: int, noun: str) -> str:
    """1 violation, 1,200 violations."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def percent(value: float | None) -> str:
    """Never 0% for what is more than nothing."""
    if value is None:
        return "not judged"
    if 0 < value < 0.01:
        return "under 0.01%"
    return f"{value:.{2 if 0 < value < 1 else 1}f}".rstrip("0").rstrip(".") + "%" if value else "0%"


def moment(iso: str) -> str:
    """For people: 21 November 2026, 12:47 UTC."""
    at = datetime.fromisoformat(iso).astimezone(UTC)
    return f"{at.day} {at:%B %Y, %H:%M} UTC"


def stamp(iso: str) -> str:
    """For tables, to the second."""
    return f"{datetime.fromisoformat(iso).astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _severities(violations: Sequence[Data]) -> list[tuple[str, int, list[Group]]]:
    """The worst first: each severity, how many findings it has, and its controls."""
    sizes = Counter(each["severity"] for each in violations)
    return [
        (severity, sizes[severity], _groups([each for each in violations if each["severity"] == severity]))
        for severity in reversed(Severity)
        if sizes[severity]
    ]


def _groups(findings: Sequence[Data]) -> list[Group]:
    """By control, in the report's order; within it by place."""
    by_control: dict[str, list[Data]] = {}
    for each in findings:
        by_control.setdefault(each["control"], []).append(each)
    return [
        Group(control, found[0]["title"], found[0]["references"], _places(found))
        for control, found in by_control.items()
    ]


def _places(findings: Sequence[Data]) -> list[tuple[tuple[str, str], list[Data]]]:
    def place(each: Data) -> tuple[str, str]:
        return each["account"], each["region"]

    return [(where, list(found)) for where, found in groupby(sorted(findings, key=place), place)]


# --------------------------------------------------------------------------------------------------------- trends


def _trends(report: Data) -> Iterator[Trend]:
    """The study's practices, and whatever else changed since the first check that is remembered."""
    now = {
        row["control"]: [row[name] for name in ("met", "violated", "unknown", "exempt")] for row in report["posture"]
    }
    checks = [*report["history"], {"time": report["generated"], "posture": now}]
    times = [datetime.fromisoformat(each["time"]).timestamp() for each in checks]
    for row in report["posture"]:
        values = [_percent(each["posture"].get(row["control"])) for each in checks]
        known = [value for value in values if value is not None]
        if len(known) > 1 and (row["study"] is not None or len(set(known)) > 1):
            yield Trend(row["title"], row["control"], known[0], known[-1], *_drawn(times, values))


def _percent(numbers: Sequence[int] | None) -> float | None:
    return Row("", "", "", Count(*numbers)).percent if numbers else None


def _drawn(times: Sequence[float], values: Sequence[float | None]) -> tuple[list[str], tuple[float, float]]:
    """A sparkline's lines, and where its last point is."""
    span = (times[-1] - times[0]) or 1
    points = [
        None if value is None else (_WIDTH * (at - times[0]) / span, _HEIGHT * (1 - value / 100))
        for at, value in zip(times, values, strict=True)
    ]
    lines = [[point for point in run if point] for there, run in groupby(points, bool) if there]
    return [" ".join(f"{x:.1f},{y:.1f}" for x, y in line) for line in lines], lines[-1][-1]


# ------------------------------------------------------------------------------------------------------- template


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_as_text,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "counted": counted,
        "duration": duration,
        "moment": moment,
        "percent": percent,
        "shown": shown,
        "stamp": stamp,
    }
    return environment.get_template("page.html.j2")


def _as_text(value: Any) -> Any:
    """Every value on its way into the page; only the template's own markup is none."""
    return value if isinstance(value, Markup) else plain(str(value))


@cache
def _style() -> Markup:
    return Markup((_HERE / "page.css").read_text(encoding="utf-8"))  # noqa: S704 (our own file)
