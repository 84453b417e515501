"""A discrete-event simulation: processes that wait for a moment, for a quota, or for a free place.

Time is in seconds. Everything happens in the order of time, and what happens at once in the order in which it was
started, so a run repeats exactly.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Generator
from itertools import count


class Quota:
    """Calls that are let through evenly, `rate` a second, in the order in which they come; none are saved up."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.calls = 0
        self.busiest = 0  # calls let through in one second of the clock
        self.longest = 0.0  # seconds that a call waited
        self._free = 0.0
        self._second, self._in_second = -1, 0

    def take(self, now: float, calls: int = 1) -> float:
        """When the last of these calls is let through."""
        granted = now
        for _ in range(calls):
            granted = max(now, self._free)
            self._free = granted + 1 / self.rate
            self._count(int(granted))
        self.longest = max(self.longest, granted - now - (calls - 1) / self.rate)
        return granted

    def _count(self, second: int) -> None:
        self.calls += 1
        self._in_second = self._in_second + 1 if second == self._second else 1
        self._second = second
        self.busiest = max(self.busiest, self._in_second)


class Pool:
    """Places of which each holds one process at a time. One that stood empty for longer than `kept` has to start."""

    def __init__(self, size: int, start: float = 0.0, kept: float = float("inf")) -> None:
        self.size, self.start, self.kept = size, start, kept
        self.held = self.most_held = self.most_waiting = 0
        self.waiting: deque[Process] = deque()
        self._empty: list[float] = []  # since when; the last one first

    def enter(self, now: float) -> float:
        """When the place is ready. Call it while one is free."""
        self.held += 1
        self.most_held = max(self.most_held, self.held)
        warm = bool(self._empty) and now - self._empty.pop() <= self.kept
        return now if warm else now + self.start

    def leave(self, now: float) -> None:
        self.held -= 1
        self._empty.append(now)


# Yields when it goes on, or the pool that it wants a place in; is sent the time at which it does go on.
Process = Generator[float | Pool, float, None]


class World:
    """Processes, and the clock that they go by."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Process]] = []
        self._number = count()

    def begin(self, process: Process) -> None:
        """Lets a process run up to its first wait."""
        self._wait(process, next(process), 0.0)

    def leave(self, pool: Pool, now: float) -> None:
        """Gives a place back, to the process that has waited for the longest."""
        pool.leave(now)
        if pool.waiting:
            self._at(pool.enter(now), pool.waiting.popleft())

    def run(self) -> None:
        """Until nothing is left to happen."""
        while self._due:
            now, _, process = heapq.heappop(self._due)
            try:
                self._wait(process, process.send(now), now)
            except StopIteration:
                continue

    def _wait(self, process: Process, wanted: float | Pool, now: float) -> None:
        if not isinstance(wanted, Pool):
            self._at(wanted, process)
        elif wanted.held < wanted.size:
            self._at(wanted.enter(now), process)
        else:
            wanted.waiting.append(process)
            wanted.most_waiting = max(wanted.most_waiting, len(wanted.waiting))

    def _at(self, moment: float, process: Process) -> None:
        heapq.heappush(self._due, (moment, next(self._number), process))
