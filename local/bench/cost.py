"""What repairs cost in Lambda, by the function's memory, from what was measured.

Lambda gives CPU in proportion to memory, one vCPU at 1,769 MB
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html). CPU is not limited here: the measured CPU time
is scaled, and each round trip counts as 50 ms. So it does not matter what else the machine did meanwhile.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from typing import Any

from local.bench.packages import CUSTODIAN, RELIGHT
from local.bench.process import DELAY
from local.flood import GB_SECOND, INVOCATION

WHOLE = 1769  # MB
MEMORIES = (128, 256, 512, 1024, WHOLE)
HEADER = ("Event", "Who", "Start", *(f"{memory} MB" for memory in MEMORIES))


def seconds(cpu: float, waits: int, memory: int) -> float:
    """How long a run takes with so many MB, of so many seconds of CPU on a whole processor, and so many round trips."""
    return waits * DELAY + cpu * WHOLE / memory


def dollars(duration: float, memory: int) -> float:
    """US dollars for a million runs of so many seconds."""
    return 1e6 * (INVOCATION + GB_SECOND * duration * memory / 1024)


def rows(events: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """A table below HEADER: seconds, and US dollars for a million."""
    for name, event in events.items():
        for who in (RELIGHT, CUSTODIAN):
            peak = max(event["measures"]["warm_peak"][who]) / 2**20
            for start in ("cold", "warm"):
                cpu, waits = statistics.median(event["measures"][f"{start}_cpu"][who]), event["waits"][start][who]
                yield (name, who, start, *(_cell(cpu, waits, peak, memory) for memory in MEMORIES))


def _cell(cpu: float, waits: int, peak: float, memory: int) -> str:
    if peak > memory:
        return "too little"
    duration = seconds(cpu, waits, memory)
    return f"{duration:.2f} s, ${dollars(duration, memory):.2f}"
