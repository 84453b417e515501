"""What repairs cost in Lambda, by the function's memory, from what was measured.

Lambda gives CPU in proportion to memory, one vCPU at 1,769 MB
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html). CPU is not limited here: the measured CPU time
is scaled, and the time that was spent waiting, 50 ms a call, stays.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from typing import Any

from local.bench.packages import CUSTODIAN, RELIGHT
from local.flood import GB_SECOND, INVOCATION

WHOLE = 1769  # MB
MEMORIES = (128, 256, 512, 1024, WHOLE)
HEADER = ("Event", "Who", "Start", *(f"{memory} MB" for memory in MEMORIES))


def seconds(done: float, cpu: float, memory: int) -> float:
    """How long a run takes with so many MB, of `done` seconds with a whole processor, `cpu` of them busy."""
    return max(done - cpu, 0) + cpu * WHOLE / memory


def dollars(duration: float, memory: int) -> float:
    """US dollars for a million runs of so many seconds."""
    return 1e6 * (INVOCATION + GB_SECOND * duration * memory / 1024)


def rows(events: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """A table below HEADER: seconds, and US dollars for a million."""
    for name, event in events.items():
        for who in (RELIGHT, CUSTODIAN):
            for start, done, cpu in (("cold", "distant_cold_done", "cold_cpu"), ("warm", "distant_done", "warm_cpu")):
                took, busy = (statistics.median(event["measures"][key][who]) for key in (done, cpu))
                peak = max(event["measures"]["warm_peak"][who]) / 2**20
                yield (name, who, start, *(_cell(took, busy, peak, memory) for memory in MEMORIES))


def _cell(done: float, cpu: float, peak: float, memory: int) -> str:
    if peak > memory:
        return "too little"
    duration = seconds(done, cpu, memory)
    return f"{duration:.2f} s, ${dollars(duration, memory):.2f}"
