"""As much CPU as Lambda gives a function of some memory: a process is stopped whenever it has had its share.

Lambda gives CPU in proportion to memory, one vCPU at 1,769 MB
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html). As the kernel's bandwidth control does, what a
period leaves unused is lost, and what it took too much is kept back from the next.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

WHOLE = 1769  # MB
PERIOD = 0.02  # seconds
TICK = 0.0005


@contextmanager
def throttled(pid: int, memory: int) -> Iterator[None]:
    """While this lasts, a process has what a function of so many MB has; it runs when this ends."""
    if memory >= WHOLE:
        yield
        return
    over = Event()
    keeper = Thread(target=_hold_back, args=(pid, memory / WHOLE * PERIOD, over))
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join()
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def _hold_back(pid: int, quota: float, over: Event) -> None:
    """Stops the process once it had `quota` seconds of CPU in a period."""
    debt = 0.0
    with suppress(OSError):  # it has ended
        while not over.is_set():
            ends, had = time.monotonic() + PERIOD, _cpu(pid)
            while (used := _cpu(pid) - had + debt) < quota and time.monotonic() < ends:
                time.sleep(TICK)
            if used >= quota:
                os.kill(pid, signal.SIGSTOP)
                time.sleep(max(0.0, ends - time.monotonic()))
                if used < 2 * quota:
                    os.kill(pid, signal.SIGCONT)
            debt = max(0.0, used - quota)


def _cpu(pid: int) -> float:
    """Seconds of CPU that a process has had, by the clock that Linux's clock_getcpuclockid gives."""
    return time.clock_gettime((~pid << 3) | 2)
