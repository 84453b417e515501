"""`make bench`: Relight beside Cloud Custodian and the floor, on five events, in turns on one moto server.

Each round gives each contestant the event in a fresh process, and the same process three more. What came of it is kept
in docs/benchmark.json, and docs/benchmark.md shows it.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from local import account
from local.bench import cost, packages, tables
from local.bench.events import FIVE, Event
from local.bench.packages import CONTESTANTS, PYTHON, RELIGHT, TELLING, Package
from local.bench.process import DELAY, FRESH, Run, runs, soak
from local.bench.server import Server, running
from local.markdown import placed
from local.settings import PROJECT

PAGE = PROJECT / "docs" / "benchmark.md"
KEPT = PAGE.with_suffix(".json")
# Packages, seconds added to each call, and events for the warm process.
VARIANTS = {"shipped": ("shipped", 0.0, 3), "precompiled": ("precompiled", 0.0, 0), "distant": ("shipped", DELAY, 1)}
WIDTH = 190  # of the tables where there is no terminal
# By variant and contestant, a list for each round: the cold run, then the warm ones.
Found = dict[str, dict[str, list[list[Run]]]]


def contest(
    server: Server,
    event: Event,
    rounds: int,
    package: Callable[[str, str], Package],
    advance: Callable[[], None],
) -> Found:
    """All rounds of one event, in turns.

    `package` finds a contestant's, shipped or precompiled; `advance` is called after each process.
    """
    found: Found = {name: {each: [] for each in CONTESTANTS} for name in VARIANTS}
    for _ in range(rounds):
        for variant, (kind, delay, warm) in VARIANTS.items():
            for contestant in CONTESTANTS:
                found[variant][contestant].append(runs(server, event, package(kind, contestant), delay, warm))
                advance()
    return found


def summary(found: Found, telling: Sequence[Run]) -> dict[str, Any]:
    """What is kept of an event: the values of each round (of the warm runs, their median), calls, repaired or not."""
    every = {
        each: [run for variant in found.values() for process in variant[each] for run in process]
        for each in CONTESTANTS
    }
    warm = {each: found["shipped"][each][-1][-1] for each in CONTESTANTS}
    return {
        "repaired": {each: f"{sum(run.repaired for run in every[each])} of {len(every[each])}" for each in CONTESTANTS},
        "before": {each: warm[each].before for each in CONTESTANTS},
        "trips": {each: found["distant"][each][-1][-1].trips for each in CONTESTANTS},
        "calls": {**{each: list(warm[each].calls) for each in CONTESTANTS}, TELLING: list(telling[-1].calls)},
        "cold_calls": {
            **{each: len(found["shipped"][each][-1][0].calls) for each in CONTESTANTS},
            TELLING: len(telling[0].calls),
        },
        "measures": {
            measure.key: {
                each: [measure.of(process) for process in found[measure.variant][each]] for each in CONTESTANTS
            }
            for measure in tables.MEASURES
        },
    }


def durations(
    server: Server, event: Event, package: Callable[[str, str], Package], advance: Callable[[], None]
) -> dict[str, dict[str, list[float]]]:
    """Seconds until a cold run is done, and a warm one (the median of three), by contestant, for each memory."""
    found: dict[str, dict[str, list[float]]] = {each: {"cold": [], "warm": []} for each in cost.MEASURED}
    for memory in cost.MEMORIES:
        for contestant in cost.MEASURED:
            cold, *warm = runs(server, event, package("shipped", contestant), DELAY, warm=3, memory=memory)
            found[contestant]["cold"].append(cold.done)
            found[contestant]["warm"].append(statistics.median(run.done for run in warm))
            advance()
    return found


def machine(load: float) -> dict[str, Any]:
    """What the figures depend on, and nothing that names the machine."""
    script = "import boto3, c7n.version as c, sys; print(*sys.version_info[:3], boto3.__version__, c.version)"
    command = [PYTHON, "-c", script]
    answer = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True)  # noqa: S603 (our own)
    *python, boto, custodian = answer.stdout.split()
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count(),
        "load": load,
        "python": ".".join(python),
        "boto3": boto,
        "custodian": custodian,
    }


def _soaked(server: Server, package: Callable[..., Package], events: int) -> list[int]:
    """The peaks after the first hundred events of a warm process, and after every hundred more."""
    event = next(each for each in FIVE if each.name == "StopLogging")
    stop = partial(server.client("cloudtrail").stop_logging, Name=account.TRAIL)
    return soak(server, event, package(event, "shipped", RELIGHT), events, stop)[FRESH - 1 :: FRESH]


def _measured(chosen: Sequence[Event], rounds: int, soaked: int) -> dict[str, Any]:
    load = round(os.getloadavg()[0], 1)  # before there is any of its own
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    with running() as server, tempfile.TemporaryDirectory() as name, bar:
        task = bar.add_task("Unpacking what is deployed", total=None)
        folder = Path(name)
        packages.build(folder)
        bar.update(task, description="Building the account")
        environments = server.build()
        of_an_event = rounds * len(VARIANTS) * len(CONTESTANTS) + len(cost.MEMORIES) * len(cost.MEASURED)
        bar.update(task, total=len(chosen) * of_an_event)
        events = {}
        for event in chosen:
            bar.update(task, description=event.name)
            package = partial(packages.find, folder, environments, event)
            found = contest(server, event, rounds, package, partial(bar.advance, task))
            telling = runs(server, event, package("shipped", TELLING), warm=1)
            by_memory = durations(server, event, package, partial(bar.advance, task))
            events[event.name] = {**summary(found, telling), "durations": by_memory}
            bar.console.print(f"{event.name}: measured")
        if soaked:
            bar.update(task, description=f"{soaked} events in one process")
        return {
            "on": f"{datetime.now(UTC):%Y-%m-%d}",
            "rounds": rounds,
            "machine": machine(load),
            "packages": packages.sizes(folder),
            "soak": _soaked(server, partial(packages.find, folder, environments), soaked),
            "events": events,
        }


@click.command()
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1), help="Fresh processes of each kind.")
@click.option(
    "--event",
    "names",
    multiple=True,
    type=click.Choice([each.name for each in FIVE]),
    help="Only this; may be repeated.",
)
@click.option(
    "--soak",
    "soaked",
    default=5000,
    show_default=True,
    type=click.IntRange(0),
    help="Events, in hundreds, for one warm process; 0 leaves that out.",
)
@click.option(
    "--write/--no-write", default=None, help="Whether docs/ keeps it. By default where all five are measured."
)
def main(rounds: int, names: tuple[str, ...], soaked: int, write: bool | None) -> None:  # noqa: FBT001 (click's own way)
    """Compares repairs with Cloud Custodian's, and with the least that could repair.

    \b
    Example:
      make bench
      make bench EVENTS="StopLogging CreateVpc" ROUNDS=3 SOAK=0
    """  # noqa: D301 (click reads the backspace)
    chosen = [each for each in FIVE if not names or each.name in names]
    data = _measured(chosen, rounds, soaked)
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    tables.show(data, console)
    if write or (write is None and len(chosen) == len(FIVE)):
        KEPT.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
        PAGE.write_text(placed(PAGE.read_text(encoding="utf-8"), "benchmark", tables.markdown(data)), encoding="utf-8")
        click.echo(f"Kept in {KEPT.relative_to(PROJECT)} and {PAGE.relative_to(PROJECT)}")


if __name__ == "__main__":
    main()
