"""A contestant in a fresh process, as Lambda starts one: given events, timed by the server's clock and its own."""

from __future__ import annotations

import json
import math
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, cast

import click

from local.bench.events import Event
from local.bench.packages import HERE, PYTHON, Package
from local.bench.server import Server
from local.bench.throttle import WHOLE, throttled

FRESH = 100  # events, after which a soaked process finds the ledger as it was at first
DELAY = 0.05  # seconds that a call takes more than here, as in a real Region


@dataclass(frozen=True)
class Run:
    """One event of one contestant: seconds, seconds of CPU, bytes, calls in order, and whether it was repaired.

    `sent` and `done` count from the start of the process where it was cold, else from the call of the handler. `before`
    are the calls before the repairing one; None where it never came.
    """

    sent: float | None
    done: float
    cpu: float
    peak: int
    before: int | None
    trips: int | None  # round trips before it; they mean something only where calls were delayed
    calls: tuple[str, ...]
    repaired: bool


class Process:
    """The other end of contestant.py."""

    def __init__(self, running: subprocess.Popen[str], started: float, errors: IO[str]) -> None:
        self._events, self._answers = cast("IO[str]", running.stdin), cast("IO[str]", running.stdout)
        self._errors = errors
        self.started = started

    def give(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Has the event handled. Raises ClickException where that fails."""
        self._events.write(json.dumps(event) + "\n")
        self._events.flush()
        answer = self._answers.readline()
        if not answer:
            self._errors.seek(0)
            raise click.ClickException(f"a contestant failed:\n{self._errors.read()[-3000:]}")
        found: dict[str, Any] = json.loads(answer)
        return found


@contextmanager
def started(package: Package, memory: int = WHOLE) -> Iterator[Process]:
    """A fresh interpreter with the contestant's modules and Lambda's, and no others, and the CPU of so many MB."""
    environment = {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "PYTHONDONTWRITEBYTECODE": "1",  # Lambda's /var/task cannot be written either
        "PYTHONPATH": os.pathsep.join(map(str, package.path)),
        **package.environment,
    }
    command = [str(PYTHON), "-S", "-P", str(HERE / "contestant.py"), package.handler]
    with tempfile.TemporaryFile("w+") as errors:
        start = time.monotonic()
        running = subprocess.Popen(  # noqa: S603 (our own)
            command,
            cwd=package.path[0],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        with running:
            with throttled(running.pid, memory):
                yield Process(running, start, errors)
            running.communicate()  # no more events: it ends


def runs(
    server: Server, event: Event, package: Package, delay: float = 0, warm: int = 0, memory: int = WHOLE
) -> list[Run]:
    """A cold one, and so many warm ones in the same process; `delay` seconds are added to each AWS call."""
    found = []
    server.stage(event.name, delay)
    with started(package, memory) as process:
        for number in range(warm + 1):
            if number:
                server.stage(event.name, delay)
            answer = process.give(package.takes(event.now()))
            start = answer["called"] if number else process.started
            found.append(_run(server, event, answer, start))
    return found


def soak(server: Server, event: Event, package: Package, events: int, spoil: Callable[[], None]) -> list[int]:
    """The peak of one warm process's memory after each of so many events, in bytes; `spoil` makes the drift of one."""
    peaks = []
    with started(package) as process:
        for number in range(events):
            if number % FRESH == 0:
                server.stage(event.name)
            spoil()
            peaks.append(int(process.give(package.takes(event.now()))["peak"]))
    return peaks


def _run(server: Server, event: Event, answer: Mapping[str, Any], start: float) -> Run:
    calls = server.asked().calls
    names = tuple(each.name for each in calls)
    repair = f"{event.service}:{event.operation}"
    before = names.index(repair) if repair in names else None
    return Run(
        sent=None if before is None else calls[before].at - start,
        done=answer["done"] - start,
        cpu=answer["cpu"],
        peak=answer["peak"],
        before=before,
        trips=None if before is None else trips([each.at for each in calls[:before]]),
        calls=names,
        repaired=event.repaired(server.client),
    )


def trips(arrivals: Sequence[float]) -> int:
    """How often there was a wait for answers: calls that came within one delay of each other were under way at once."""
    count, first = 0, -math.inf
    for at in arrivals:
        if at >= first + DELAY:
            count, first = count + 1, at
    return count
