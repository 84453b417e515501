"""The time of one invocation: however many resources there are, and whatever keeps some dark, all get their turn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from relight import handler as module
from relight.clock import Allotted
from relight.errors import RepairFailed
from relight.handler import Handler, handler_for
from relight.repair import BACKOFF
from tests.unit.builders import NOON, event
from tests.unit.fakes import FakeClock
from tests.unit.lamps import Lamp, LampKind, Scene, arn
from tests.unit.test_handler import Context, message

DARK = Lamp(lit=False)
# Half of what two minutes leave beside the margin.
PATIENCE = 40


@pytest.fixture
def handle(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Handler:
    return handler_of(scene, monkeypatch)


def handler_of(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Handler:
    run = scene.run
    monkeypatch.setattr(module, "runtime", lambda: run)
    return handler_for(LampKind())


def dark(scene: Scene, number: int) -> dict[str, Any]:
    """So many lamps, and the event of the call that switched them all off."""
    names = [f"lamp-{n}" for n in range(number)]
    scene.house.lamps = dict.fromkeys(names, DARK)
    return event("SwitchOff", {"names": names})


@contextmanager
def unsettled() -> Iterator[None]:
    with pytest.raises((RepairFailed, ExceptionGroup)):
        yield


def left_dark(scene: Scene) -> int:
    return sum(not lamp.lit for lamp in scene.house.lamps.values())


def test_what_is_over_the_cap_is_repaired_by_the_retry_and_nobody_waits(scene: Scene, handle: Handler) -> None:
    switched_off = dark(scene, 60)
    with unsettled():
        handle(switched_off, Context())
    assert left_dark(scene) == 10
    scene.clock.moment += timedelta(minutes=1)
    handle(switched_off, Context())
    assert (left_dark(scene), scene.clock.slept) == (0, [])
    assert scene.told.count("lamp-59: repaired") == 1


def test_also_where_the_retry_comes_at_once_the_waits_end(scene: Scene, handle: Handler) -> None:
    """What the first attempt repaired is compliant, and too young to be believed."""
    switched_off = dark(scene, 60)
    with unsettled():
        handle(switched_off, Context())
    handle(switched_off, Context())
    assert left_dark(scene) == 0
    assert sum(scene.clock.slept) == PATIENCE


def test_a_look_that_was_made_too_early_is_made_again_however_long_the_others_took(
    scene: Scene, handle: Handler
) -> None:
    switched_off = dark(scene, 50)
    scene.house.lag = 1
    for name in scene.house.lamps:
        scene.house.lag_behind(name, Lamp(), reads=1)
    handle(switched_off, Context())
    assert left_dark(scene) == 0
    assert sum(scene.clock.slept) == PATIENCE


def test_what_is_refused_is_not_waited_for(scene: Scene, handle: Handler) -> None:
    switched_off = dark(scene, 12)
    scene.house.refuses = {"TurnOn": "FlowLogLimitExceeded"}
    with unsettled():
        handle(switched_off, Context())
    assert len(scene.house.writes) == 12
    assert scene.clock.slept == []
    assert scene.told == [f"lamp-{n}: failed" for n in range(12)]


def test_what_another_call_stands_in_the_way_of_is_waited_for(scene: Scene, handle: Handler) -> None:
    """It may be another invocation's, which repairs the same."""
    switched_off = dark(scene, 1)
    scene.house.refuses = {"TurnOn": "ConflictException"}
    with unsettled():
        handle(switched_off, Context())
    assert scene.clock.slept == list(BACKOFF)


def test_what_does_not_show_does_not_use_up_the_time_of_the_others(scene: Scene, handle: Handler) -> None:
    switched_off = dark(scene, 12)
    scene.house.powerless = True
    with unsettled():
        handle(switched_off, Context())
    assert len(scene.house.writes) == 12
    assert sum(scene.clock.slept) == PATIENCE


def test_nor_does_the_first_event_of_a_batch(scene: Scene, handle: Handler) -> None:
    scene.house.lamps = {f"lamp-{n}": DARK for n in range(10)}
    scene.house.powerless = True
    batch = [message(n, event("SwitchOff", {"names": [f"lamp-{n}"]}, eventID=f"e{n}")) for n in range(10)]
    answer = handle({"Records": batch}, Context())
    assert len(answer["batchItemFailures"]) == len(scene.house.writes) == 10
    assert sum(scene.clock.slept) == PATIENCE


def test_the_next_invocation_has_its_own_time(scene: Scene, handle: Handler) -> None:
    switched_off = dark(scene, 12)
    scene.house.powerless = True
    for _ in range(2):
        with unsettled():
            handle(switched_off, Context())
    assert sum(scene.clock.slept) == 2 * PATIENCE


@dataclass
class Hurried(Context):
    def get_remaining_time_in_millis(self) -> int:
        return 30_000


def test_near_the_end_nothing_is_begun(scene: Scene, handle: Handler) -> None:
    with pytest.raises(RepairFailed, match="SwitchOff 0e6e2b1c-event: left to the retry: the function's time is up"):
        handle(dark(scene, 3), Hurried())
    assert (scene.house.reads, scene.house.writes, scene.told) == (0, [], [])


class Ticking(FakeClock):
    """Each look at it takes a second, as a call may."""

    def now(self) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment


def test_what_there_was_no_time_for_is_named_and_comes_with_the_retry(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.clock = Ticking()
    handle, switched_off = handler_of(scene, monkeypatch), dark(scene, 40)
    with pytest.raises(ExceptionGroup) as caught:
        handle(switched_off, Context())
    left = left_dark(scene)
    assert 0 < left < 40
    assert [str(each) for each in caught.value.exceptions] == [
        f"{arn(f'lamp-{n}')}: left to the retry: the function's time is up" for n in range(40 - left, 40)
    ]
    assert max(each.dark_seconds or 0 for each in scene.notifier.told) < 100, "seconds, of 120 and ten before"


def test_a_clock_that_nobody_set_an_end_never_ends() -> None:
    assert not FakeClock().time_is_up


def test_what_is_past_has_no_patience() -> None:
    clock = FakeClock()
    late = Allotted(clock, NOON)
    assert late.time_is_up
    late.sleep(5)
    assert sum(clock.slept) == 0
