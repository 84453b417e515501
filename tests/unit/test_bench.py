"""What the benchmark makes of its figures, and what it wrote of them."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from typing import Any

import pytest

from local.bench import compare, cost, tables
from local.bench.events import FIVE, telling
from local.bench.packages import CONTESTANTS, CUSTODIAN, FLOOR, RELIGHT, TELLING
from local.bench.process import DELAY, Run, trips
from local.bench.throttle import WHOLE, throttled
from local.markdown import placed
from local.settings import PROJECT

PAGE = PROJECT / "docs" / "benchmark.md"


def run(sent: float | None) -> Run:
    return Run(sent=sent, done=1, cpu=1, peak=2**20, before=0, trips=0, calls=(), repaired=True)


def event(**changed: Any) -> dict[str, Any]:
    """An event in which everything took a second, and whoever it is made one call."""
    calls = {each: ["ec2:CreateFlowLogs"] for each in (*CONTESTANTS, TELLING)}
    measures = {each.key: {name: [1.0, 1.0] for name in CONTESTANTS} for each in tables.MEASURES}
    counts = dict.fromkeys((*CONTESTANTS, TELLING), 1)
    found = {"repaired": dict.fromkeys(CONTESTANTS, "9 of 9"), "before": counts, "trips": counts, "calls": calls}
    durations = {name: {start: [1.0] * len(cost.MEMORIES) for start in ("cold", "warm")} for name in cost.MEASURED}
    return {**found, "durations": durations, "cold_calls": counts, "measures": measures, **changed}


def row(found: dict[str, Any], title: str) -> tuple[str, ...]:
    return next(each for each in tables.rows(found) if each[0].startswith(title))


def test_calls_under_way_at_once_are_one_round_trip() -> None:
    together, later = [10, 10 + DELAY / 10, 10 + DELAY / 2], [10 + DELAY * 1.2, 10 + DELAY * 2.4]
    assert trips([]) == 0
    assert trips(together) == 1
    assert trips(together + later) == 3


def test_a_cold_figure_is_the_first_runs_and_a_warm_one_the_median_of_the_others() -> None:
    cold = next(each for each in tables.MEASURES if each.key == "cold_sent")
    warm = next(each for each in tables.MEASURES if each.key == "warm_sent")
    process = [run(9), run(1), run(3), run(2)]
    assert (cold.of(process), warm.of(process)) == (9, 2)
    assert warm.of([run(9), run(1), run(None), run(2)]) is None


def test_a_ratio_compares_within_each_round() -> None:
    measured: dict[str, list[float | None]] = {RELIGHT: [1, 10, 3], CUSTODIAN: [2, 20, 6], FLOOR: [1, None, 1]}
    assert tables.ratio(measured, CUSTODIAN) == 0.5
    assert tables.ratio(measured, FLOOR) is None


@pytest.mark.parametrize(
    ("ours", "said"), [(0.7, "met, met"), (0.8, "missed by 0.05, met"), (1.5, "missed by 0.75, missed by 0.2")]
)
def test_a_row_says_by_how_much_it_misses(ours: float, said: str) -> None:
    found = event()
    found["measures"]["cold_sent"][RELIGHT] = [ours, ours]
    shown = row(found, "Cold, to the repair sent")
    assert (shown[1], shown[-2:]) == (
        f"{ours * 1000:.0f} ({ours * 1000:.0f} to {ours * 1000:.0f})",
        ("0.75, 1.3", said),
    )


def test_whoever_never_repairs_is_not_fast() -> None:
    found = event()
    found["measures"]["cold_sent"][CUSTODIAN] = [None, 1.0]
    shown = row(found, "Cold, to the repair sent")
    assert (shown[2], shown[4], shown[-1]) == ("never", "", "unknown, met")


BUSY = "import time; began = time.monotonic()\nwhile time.process_time() < 0.2: pass\nprint(time.monotonic() - began)"


@pytest.mark.skipif(sys.platform != "linux", reason="only there can a process be held back")
def test_a_process_has_no_more_cpu_than_its_memory_gives_it() -> None:
    """Longer it may take, for the machine may be busy; and what is not held back is not slowed down."""
    running = subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE, text=True)  # noqa: S603 (our own)
    with running, throttled(running.pid, 512):
        took, _ = running.communicate(timeout=60)
    assert running.returncode == 0
    assert float(took) > 0.8 * 0.2 * WHOLE / 512


def test_a_process_that_has_ended_is_held_back_no_more() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as running:
        running.wait()
        with throttled(running.pid, 128):
            assert running.returncode == 0


def test_a_million_seconds_of_a_gigabyte_cost_what_lambda_charges() -> None:
    assert cost.dollars(1, 1024) == pytest.approx(16.6667 + 0.20)


def test_a_function_needs_the_memory_that_it_used() -> None:
    found = event()
    found["measures"]["warm_peak"][CUSTODIAN] = [200 * 2**20]
    cells = [each[3:] for each in cost.rows({"StopLogging": found}) if each[1] == CUSTODIAN]
    assert [(each[0], "$" in each[1]) for each in cells] == [("too little", True)] * 2


def test_calls_are_held_against_those_of_a_policy_that_tells() -> None:
    calls = {RELIGHT: ["a", "b", "c"], CUSTODIAN: ["a"], FLOOR: ["a"], TELLING: ["a", "b"]}
    shown = row(event(calls=calls), "AWS calls in all, warm")
    assert (shown[1:4], shown[-2:]) == (("3", "1", "1"), ("2", "missed by 1"))


@pytest.mark.parametrize("each", FIVE, ids=lambda each: each.name)
def test_each_event_is_new_and_delivered_as_deployed(each: Any) -> None:
    first, second = each.now(), each.now()
    assert first["detail"]["eventName"] == each.name
    assert first["detail"]["eventID"] != second["detail"]["eventID"]
    delivered = each.as_delivered(first)
    queued = "Records" in delivered
    assert queued == (each.name == "CreateVpc")
    assert (json.loads(delivered["Records"][0]["body"]) if queued else delivered) == first
    assert telling(each.policy)["actions"][:-1] == each.policy["actions"]


def test_the_command_takes_what_make_gives_it() -> None:
    taken = {name for each in compare.main.params for name in each.opts}
    makefile = (PROJECT / "Makefile").read_text()
    (line,) = (each for each in makefile.splitlines() if "local.bench.compare" in each)
    given = set(re.findall(r"--[a-z]+", line))
    assert given == {"--event", "--rounds", "--soak"} & taken
    assert {each.name for each in compare.main.params} == set(
        inspect.signature(compare.main.callback or str).parameters
    )


def test_the_document_shows_what_was_measured() -> None:
    text = PAGE.read_text(encoding="utf-8")
    data = json.loads(PAGE.with_suffix(".json").read_text(encoding="utf-8"))
    assert set(data["events"]) == {each.name for each in FIVE}
    assert placed(text, "benchmark", tables.markdown(data)) == text
