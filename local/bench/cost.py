"""What repairs cost in Lambda, by the function's memory.

How long they take is measured with as much CPU as Lambda gives a function of that memory, and 50 ms added to each call.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from local.bench.packages import CUSTODIAN, RELIGHT
from local.bench.throttle import WHOLE
from local.flood import GB_SECOND, INVOCATION

# Only on Linux can a process be held back (throttle.py).
MEMORIES = (128, 256, 512, 1024, WHOLE) if sys.platform == "linux" else (WHOLE,)
MEASURED = (RELIGHT, CUSTODIAN)
HEADER = ("Event", "Who", "Start", *(f"{memory} MB" for memory in MEMORIES))


def dollars(duration: float, memory: int) -> float:
    """US dollars for a million runs of so many seconds."""
    return 1e6 * (INVOCATION + GB_SECOND * duration * memory / 1024)


def rows(events: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """A table below HEADER: seconds until a run is done, and US dollars for a million."""
    for name, event in events.items():
        for who in MEASURED:
            peak = max(event["measures"]["warm_peak"][who]) / 2**20
            for start, durations in event["durations"][who].items():
                cells = (_cell(duration, peak, m) for duration, m in zip(durations, MEMORIES, strict=True))
                yield (name, who, start, *cells)


def _cell(duration: float, peak: float, memory: int) -> str:
    return "too little" if peak > memory else f"{duration:.2f} s, ${dollars(duration, memory):.2f}"
