"""The benchmark's tables: what was measured, what was aimed at, and how far from it each figure is."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from local.bench import cost
from local.bench.packages import CONTESTANTS, CUSTODIAN, FLOOR, RELIGHT, TELLING
from local.bench.process import FRESH, Run
from local.markdown import table

Data = Mapping[str, Any]
Row = tuple[str, ...]

HEADER = ("Measured", RELIGHT, CUSTODIAN, FLOOR, "/ Custodian", "/ floor", "At most", "Target")
MOST_TRIPS = 2
GROWTH = 1.02  # of a warm process's memory: what a pool of threads and a heap's pages come to, once


@dataclass(frozen=True)
class Measure:
    """One figure of a run: of a variant's cold run, or the median of its warm ones; shown in `unit`, `scale` of them.

    `custodian` and `floor` are the largest ratios that are aimed at; 0: none is.
    """

    key: str
    title: str
    variant: str
    attribute: str
    warm: bool = False
    unit: str = "ms"
    scale: float = 1000
    custodian: float = 0
    floor: float = 0

    def of(self, process: Sequence[Run]) -> float | None:
        """Of one process's runs; None where one never sent the repair."""
        values = [getattr(run, self.attribute) for run in (process[1:] if self.warm else process[:1])]
        return None if None in values else statistics.median(values)


MEASURES = (
    Measure("cold_sent", "Cold, to the repair sent", "shipped", "sent", custodian=0.75, floor=1.3),
    Measure("cold_done", "Cold, to done", "shipped", "done"),
    Measure("compiled_sent", "Cold with bytecode, sent", "precompiled", "sent", custodian=0.75, floor=1.3),
    Measure("compiled_done", "Cold with bytecode, done", "precompiled", "done"),
    Measure("warm_sent", "Warm, to the repair sent", "shipped", "sent", warm=True, custodian=0.5),
    Measure("warm_done", "Warm, to done", "shipped", "done", warm=True),
    Measure("distant_cold_sent", "Cold, 50 ms a call, sent", "distant", "sent"),
    Measure("distant_cold_done", "Cold, 50 ms a call, done", "distant", "done"),
    Measure("distant_sent", "Warm, 50 ms a call, sent", "distant", "sent", warm=True),
    Measure("distant_done", "Warm, 50 ms a call, done", "distant", "done", warm=True),
    Measure("cold_cpu", "CPU, cold", "shipped", "cpu"),
    Measure("warm_cpu", "CPU, warm", "shipped", "cpu", warm=True),
    Measure("cold_peak", "Memory at the peak, cold", "shipped", "peak", unit="MB", scale=1 / 2**20, custodian=1),
    Measure(
        "warm_peak", "Memory at the peak, warm", "shipped", "peak", warm=True, unit="MB", scale=1 / 2**20, custodian=1
    ),
)


def ratio(measured: Mapping[str, Sequence[float | None]], other: str) -> float | None:
    """The median of the rounds' ratios, for what disturbs a round disturbs both; None where one is missing."""
    pairs = zip(measured[RELIGHT], measured[other], strict=True)
    ratios = [ours / theirs if ours and theirs else None for ours, theirs in pairs]
    known = [each for each in ratios if each is not None]
    return statistics.median(known) if len(known) == len(ratios) else None


def rows(event: Data) -> Iterator[Row]:
    """An event's table, below HEADER."""
    yield ("Repaired", *(event["repaired"][each] for each in CONTESTANTS), "", "", "", "")
    for each in MEASURES:
        measured = event["measures"][each.key]
        ratios = {other: ratio(measured, other) for other in (CUSTODIAN, FLOOR)}
        limits = {CUSTODIAN: each.custodian, FLOOR: each.floor}
        aimed = {other: limit for other, limit in limits.items() if limit}
        yield (
            f"{each.title} ({each.unit})",
            *(_spread(measured[contestant], each.scale) for contestant in CONTESTANTS),
            *(_number(ratios[other]) for other in (CUSTODIAN, FLOOR)),
            ", ".join(f"{limit:g}" for limit in aimed.values()),
            ", ".join(_verdict(ratios[other], limit) for other, limit in aimed.items()),
        )
    yield _counted("AWS calls before the repair, warm", event["before"])
    yield _counted("Round trips before the repair, warm", event["trips"], MOST_TRIPS)
    calls = {each: len(names) for each, names in event["calls"].items()}
    yield _counted("AWS calls in all, warm", calls, calls[TELLING])
    yield _counted("AWS calls in all, cold", event["cold_calls"])


def _counted(title: str, counts: Mapping[str, int | None], most: int | None = None) -> Row:
    shown = ("never" if counts[each] is None else str(counts[each]) for each in CONTESTANTS)
    return (title, *shown, "", "", *(("", "") if most is None else (str(most), _verdict(counts[RELIGHT], most))))


def _spread(values: Sequence[float | None], scale: float) -> str:
    known = [value * scale for value in values if value is not None]
    if len(known) < len(values):
        return "never"
    return f"{statistics.median(known):.0f} ({min(known):.0f} to {max(known):.0f})"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _verdict(found: float | None, limit: float) -> str:
    if found is None:
        return "unknown"
    return "met" if found <= limit else f"missed by {round(found - limit, 2):g}"


def of_all(data: Data) -> Iterator[Row]:
    """The table of what belongs to no single event, below HEADER."""
    sizes = data["packages"]
    found = sizes[RELIGHT] / sizes[CUSTODIAN]
    kilobytes = (f"{sizes[each] / 1000:.0f}" for each in (RELIGHT, CUSTODIAN))
    yield ("Packages, zipped (KB)", *kilobytes, "", f"{found:.2f}", "", "1", _verdict(found, 1))
    if peaks := data.get("soak"):
        first, last = (f"{peak / 2**20:.1f}" for peak in (peaks[0], peaks[-1]))
        grown = peaks[-1] / peaks[0]
        title = f"Memory at the peak, warm: after {FRESH} events, after {FRESH * len(peaks)} (MB)"
        yield (title, f"{first}, {last}", "", "", "", "", f"{GROWTH:g} of the first", _verdict(grown, GROWTH))


def heading(data: Data) -> str:
    """Where and when it was measured."""
    made = data["machine"]
    return (
        f"Measured on {data['on']}: {made['system']}, {made['processors']} processors, load average {made['load']} "
        f"before it began, Python {made['python']}, "
        f"boto3 {made['boto3']}, Cloud Custodian {made['custodian']}. Medians of {data['rounds']} rounds, least and "
        "most in brackets; ratios are medians of the rounds' ratios."
    )


def markdown(data: Data) -> str:
    """All tables, as the document has them."""
    parts = [heading(data), table(HEADER, of_all(data))]
    for name, event in data["events"].items():
        parts += [f"### {name}", table(HEADER, rows(event)), _calls(event)]
    parts += ["### Cost", table(cost.HEADER, cost.rows(data["events"]))]
    return "\n\n".join(parts)


def _calls(event: Data) -> str:
    listed = {name: ", ".join(f"`{call}`" for call in calls) for name, calls in event["calls"].items() if name != FLOOR}
    return "AWS calls of a warm run, in the order of their arrival:\n\n" + "\n".join(
        f"- {name}: {calls}" for name, calls in listed.items()
    )


def show(data: Data, console: Console) -> None:
    """The same on the terminal."""
    console.print(heading(data), markup=False)
    for name, listed in (("All five", list(of_all(data))), *((n, list(rows(e))) for n, e in data["events"].items())):
        shown = Table(title=name, title_justify="left", title_style="bold", box=None, pad_edge=False)
        for number, title in enumerate(HEADER):
            last = number == len(HEADER) - 1
            shown.add_column(title, justify="left" if last or not number else "right", no_wrap=not last)
        for row in listed:
            shown.add_row(*row)
        console.print(shown)
        console.print()
