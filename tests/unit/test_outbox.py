"""Telling once: whatever crashes, and however many invocations there are."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from relight import outbox
from relight.errors import RepairFailed
from relight.model import Cause, Drift, Finding, Mode, Outcome
from relight.outbox import merged
from relight.reconcile import reconcile
from tests.unit.builders import NOON, finding, incident, record
from tests.unit.fakes import Crash
from tests.unit.lamps import Lamp, LampKind, Scene

DARK = Lamp(lit=False)


def act(scene: Scene, name: str = "SwitchOff", *, event_id: str = "e1", teller: str = "t1") -> None:
    reconcile(scene.run, LampKind(), record(name, {"names": ["a"]}, eventID=event_id), teller)


STEPS = ["before open", "after open", "before claim", "after claim", "before told", "before keep"]


@pytest.mark.parametrize("step", STEPS)
def test_a_crash_is_resumed_by_the_retry(scene: Scene, step: str) -> None:
    """The retry has the same request id. What was published but not noted is told once more, never lost."""
    scene.house.lamps["a"] = DARK
    scene.ledger.crash = {step}
    with pytest.raises(Crash, match=step):
        act(scene)
    scene.clock.sleep(60)
    act(scene)
    act(scene)
    assert scene.told == ["a: repaired"] * (2 if step == "before told" else 1)
    assert scene.house.lamps["a"].lit
    noted = step in ("before told", "after claim", "before keep")
    assert scene.notifier.told[-1].dark_seconds == (10 if noted else pytest.approx(70, abs=3))
    assert scene.notifier.told[-1].calls == ('lamps:TurnOn {"Name": "a"}',)
    assert scene.notifier.told[-1].findings[0].drifts == (Drift("Lit", found=False, wanted=True),)
    assert [row.status for row in scene.ledger.rows.values()] == ["told"]


def test_a_crash_after_telling_is_not_told_again(scene: Scene) -> None:
    scene.house.lamps["a"] = DARK
    scene.ledger.crash = {"after told"}
    with pytest.raises(Crash):
        act(scene)
    act(scene)
    assert scene.told == ["a: repaired"]


def test_a_publication_that_failed_is_retried_at_once_by_the_same_invocation(scene: Scene) -> None:
    scene.house.lamps["a"] = DARK
    scene.notifier.fails = [Crash("sns")]
    with pytest.raises(Crash):
        act(scene)
    act(scene)
    assert scene.told == ["a: repaired"]


def test_after_a_publication_that_failed_a_redrive_need_not_wait(scene: Scene) -> None:
    """It has a request id of its own, and may come at once."""
    scene.house.lamps["a"] = DARK
    scene.notifier.fails = [Crash("sns")]
    with pytest.raises(Crash):
        act(scene, teller="t1")
    act(scene, teller="t2")
    assert scene.told == ["a: repaired"]


def test_another_teller_waits_until_the_first_ones_time_is_up(scene: Scene) -> None:
    scene.house.lamps["a"] = DARK
    scene.ledger.crash = {"after claim"}
    with pytest.raises(Crash):
        act(scene, teller="t1")
    act(scene, teller="t2")
    assert scene.told == []
    scene.clock.sleep(31)
    act(scene, teller="t2")
    assert scene.told == ["a: repaired"]


def test_failed_then_repaired_is_told_twice(scene: Scene) -> None:
    scene.house.lamps["a"], scene.house.powerless = DARK, True
    for _ in range(2):
        with pytest.raises(RepairFailed):
            act(scene)
    scene.house.powerless = False
    for _ in range(2):
        act(scene)
    assert scene.told == ["a: failed", "a: repaired"]


def test_a_repair_whose_intention_only_was_noted_is_told_as_repaired(scene: Scene) -> None:
    """The first attempt died between its write and its telling: the second one finds nothing to do."""
    scene.house.lamps["a"] = DARK
    scene.ledger.crash = {"before claim"}
    with pytest.raises(Crash):
        act(scene)
    assert scene.house.lamps["a"].lit
    act(scene)
    assert scene.house.writes == [("TurnOn", "a")]
    (told,) = scene.notifier.told
    assert told.outcome is Outcome.REPAIRED
    assert told.dark_seconds == 13  # it was not sure at once that the lamp was lit: see _first_look


def test_what_was_only_found_is_told_once_a_day(scene: Scene) -> None:
    scene.settings["mode"] = Mode.OBSERVE
    scene.house.lamps["a"] = Lamp(colour="blue")
    for event_id in ("e1", "e2", "e3"):
        act(scene, "Look", event_id=event_id)
    assert scene.told == ["a: observed"]
    assert all("#" in key for key, _ in scene.ledger.rows)
    scene.house.lamps["a"] = Lamp(colour="green")
    act(scene, "Look", event_id="e4")
    assert scene.told == ["a: observed"] * 2
    scene.clock.moment = NOON + timedelta(days=1)
    act(scene, "Look", event_id="e5")
    assert scene.told == ["a: observed"] * 3


def test_what_a_record_caused_is_told_for_each_record(scene: Scene) -> None:
    scene.settings["mode"] = Mode.OBSERVE
    scene.house.lamps["a"] = DARK
    for event_id in ("e1", "e2", "e2"):
        act(scene, event_id=event_id)
    assert [each.event_id for each in scene.notifier.told] == ["e1", "e2"]


def test_each_repair_is_told_also_of_what_was_only_found(scene: Scene) -> None:
    scene.know("a", Lamp(), "lamp.lit", "lamp.white")
    for event_id in ("e1", "e2"):
        scene.house.lamps["a"] = Lamp(colour="blue")
        act(scene, "Look", event_id=event_id)
    assert scene.told == ["a: repaired"] * 2


def lit(outcome: Outcome, cause: Cause = Cause.TAKEN, note: str = "") -> Finding:
    return finding(control="lamp.lit", outcome=outcome, cause=cause, note=note)


OLD, NEW = "noted by the first attempt", "seen by the second"


@pytest.mark.parametrize(
    ("noted", "fresh", "now", "expected"),
    [
        pytest.param(
            [lit(Outcome.FAILED, note=OLD)],
            [lit(Outcome.COMPLIANT, note=NEW)],
            [lit(Outcome.COMPLIANT)],
            [lit(Outcome.REPAIRED, note=OLD)],
            id="failed-then-compliant-was-repaired",
        ),
        pytest.param(
            [lit(Outcome.FAILED, note=OLD)],
            [],
            [lit(Outcome.COMPLIANT, Cause.FOUND)],
            [lit(Outcome.REPAIRED, note=OLD)],
            id="also-where-it-is-nothing-to-tell-now",
        ),
        pytest.param(
            [lit(Outcome.FAILED, note=OLD)],
            [lit(Outcome.FAILED, note=NEW)],
            [lit(Outcome.FAILED)],
            [lit(Outcome.FAILED, note=NEW)],
            id="failed-again",
        ),
        pytest.param(
            [lit(Outcome.FAILED, note=OLD)],
            [lit(Outcome.REPAIRED, note=NEW)],
            [lit(Outcome.REPAIRED)],
            [lit(Outcome.REPAIRED, note=NEW)],
            id="repaired-now",
        ),
        pytest.param(
            [lit(Outcome.REPAIRED, note=OLD)],
            [lit(Outcome.COMPLIANT, note=NEW)],
            [lit(Outcome.COMPLIANT)],
            [lit(Outcome.REPAIRED, note=OLD)],
            id="repaired-stays-repaired",
        ),
        pytest.param(
            [lit(Outcome.OBSERVED, note=OLD)],
            [],
            [],
            [lit(Outcome.OBSERVED, note=OLD)],
            id="ended-then-and-not-seen-now",
        ),
        pytest.param(
            [lit(Outcome.UNKNOWN, note=OLD)],
            [lit(Outcome.COMPLIANT, note=NEW)],
            [lit(Outcome.COMPLIANT)],
            [lit(Outcome.COMPLIANT, note=NEW)],
            id="unknown-then-compliant-was-not-repaired",
        ),
        pytest.param([lit(Outcome.UNKNOWN, note=OLD)], [], [], [], id="unknown-then-is-nothing-now"),
    ],
)
def test_merged(noted: list[Finding], fresh: list[Finding], now: list[Finding], expected: list[Finding]) -> None:
    earlier = incident(*noted, calls=("first",))
    later = replace(incident(), findings=tuple(fresh), calls=())
    result = merged(earlier, later, now)
    assert list(result.findings) == expected
    assert result.calls == ("first",)


def test_merged_tells_the_calls_of_the_attempt_that_made_some() -> None:
    both = merged(incident(calls=("first",)), incident(calls=("second",)), [])
    assert both.calls == ("second",)


@pytest.mark.parametrize(
    ("cause", "outcome", "dark"),
    [
        (Cause.TAKEN, Outcome.REPAIRED, 10),
        (Cause.CREATED, Outcome.REPAIRED, 10),
        (Cause.FOUND, Outcome.REPAIRED, None),
        (Cause.TAKEN, Outcome.COMPLIANT, None),
        (Cause.TAKEN, Outcome.FAILED, None),
    ],
)
def test_how_long_it_was_dark(scene: Scene, cause: Cause, outcome: Outcome, dark: float | None) -> None:
    outbox.tell(scene.run, incident(lit(outcome, cause)), "t1")
    assert scene.notifier.told[0].dark_seconds == dark


def test_what_still_stands_after_a_repair_is_told_for_the_day(scene: Scene) -> None:
    """The event of Relight's own repair finds the same again."""
    standing = finding(control="lamp.white", outcome=Outcome.OBSERVED, cause=Cause.FOUND)
    outbox.tell(scene.run, incident(lit(Outcome.REPAIRED), standing), "t1")
    outbox.tell(scene.run, replace(incident(standing), event_id="the-repair's-own"), "t2")
    assert len(scene.notifier.told) == 1


def test_out_of_reach_is_folded_by_day(scene: Scene) -> None:
    outbox.tell(scene.run, incident(lit(Outcome.OUT_OF_REACH)), "t1")
    ((key, _),) = scene.ledger.rows
    assert key.startswith("2026-03-14#")
