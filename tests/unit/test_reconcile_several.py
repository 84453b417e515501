"""The loop, on lamps that are gone, new, somebody else's, many, or moved."""

from __future__ import annotations

from typing import Any

import pytest

from relight.errors import AwsError, RelightError, RepairFailed
from relight.model import Cause, Incident, Mode, Outcome, Scope
from relight.reconcile import known, reconcile
from tests.unit.builders import ACCOUNT, FRIEND, REGION, record
from tests.unit.lamps import Lamp, LampKind, Scene

LIT, WHITE = "lamp.lit", "lamp.white"
DARK, BLUE = Lamp(lit=False), Lamp(colour="blue")


def act(scene: Scene, name: str, *names: str, event_id: str = "e1", teller: str = "t1") -> None:
    """One invocation, for a record that names these lamps (default: a)."""
    reconcile(scene.run, LampKind(), record(name, {"names": names or ("a",)}, eventID=event_id), teller)


def only(scene: Scene) -> Incident:
    (incident,) = scene.notifier.told
    return incident


def outcomes(incident: Incident) -> dict[str, tuple[Outcome, Cause]]:
    return {f.control: (f.outcome, f.cause) for f in incident.findings}


def test_gone(scene: Scene) -> None:
    act(scene, "SwitchOff", "missing")
    assert outcomes(only(scene)) == {LIT: (Outcome.GONE, Cause.TAKEN)}
    assert only(scene).findings[0].note == "The resource does not exist any more."
    act(scene, "SwitchOff", "missing")
    assert scene.told == ["missing: gone"]
    assert scene.house.writes == []


def test_gone_since_its_baseline(scene: Scene) -> None:
    scene.know("missing", Lamp(), LIT, WHITE)
    act(scene, "SwitchOff", "missing")
    assert outcomes(only(scene)) == {LIT: (Outcome.GONE, Cause.TAKEN)}
    assert scene.kept("missing") == (Lamp(), {LIT, WHITE})


def test_gone_and_off_is_nothing_to_tell(scene: Scene) -> None:
    scene.settings["modes"] = {LIT: {"restore": Mode.OFF}}
    act(scene, "SwitchOff", "missing")
    assert scene.told == []


def test_a_repair_is_looked_at_in_the_light_of_the_baseline(scene: Scene) -> None:
    scene.know("attic-1", Lamp(), LIT, WHITE)
    scene.house.lamps["attic-1"] = DARK
    act(scene, "SwitchOff", "attic-1")
    assert scene.told == ["attic-1: repaired"]


def test_gone_and_nothing_taken_is_nothing_to_tell(scene: Scene) -> None:
    act(scene, "MakeLamp", "missing")
    assert scene.told == []


def test_out_of_reach_is_told_once_a_day_and_not_retried(scene: Scene) -> None:
    for event_id in ("e1", "e2"):
        act(scene, "SwitchOff", "neighbours-1", event_id=event_id)
    assert scene.told == ["neighbours-1: out-of-reach"]
    assert outcomes(only(scene)) == {
        LIT: (Outcome.OUT_OF_REACH, Cause.TAKEN),
        WHITE: (Outcome.OUT_OF_REACH, Cause.FOUND),
    }
    assert {f.note for f in only(scene).findings} == {"it is the neighbours'"}
    scene.clock.sleep(24 * 3600)
    act(scene, "SwitchOff", "neighbours-1", event_id="e3")
    assert len(scene.told) == 2


@pytest.mark.parametrize(("reads", "slept"), [(0, []), (1, [1]), (3, [1, 2, 4])])
def test_what_was_made_a_moment_ago_is_waited_for(scene: Scene, reads: int, slept: list[float]) -> None:
    scene.house.lamps["a"], scene.house.invisible = DARK, reads
    act(scene, "MakeLamp")
    assert scene.house.lamps["a"].lit
    assert scene.clock.slept == slept


def test_what_never_becomes_visible_is_nothing_to_tell(scene: Scene) -> None:
    scene.house.invisible = 99
    act(scene, "MakeLamp")
    assert (scene.told, scene.clock.slept, scene.house.reads) == ([], [1, 2, 4], 4)


def test_only_what_was_made_is_waited_for(scene: Scene) -> None:
    scene.house.invisible = 1
    act(scene, "SwitchOff")
    assert scene.clock.slept == []


def test_a_neighbours_new_lamp_is_not_waited_for(scene: Scene) -> None:
    act(scene, "MakeLamp", "neighbours-1")
    assert scene.clock.slept == []


def test_several_resources_are_all_settled_although_one_fails(scene: Scene) -> None:
    scene.house.lamps = {"a": Lamp(lit=False, colour="fog"), "b": DARK, "c": Lamp(lit=False, colour="fog"), "d": DARK}
    with pytest.raises(ExceptionGroup) as caught:
        act(scene, "SwitchOff", "a", "b", "c", "d")
    assert [type(each) for each in caught.value.exceptions] == [RepairFailed, RepairFailed]
    assert all(lamp.lit for lamp in scene.house.lamps.values())
    assert scene.told == ["a: unknown", "b: repaired", "c: unknown", "d: repaired"]


def test_one_failure_of_several_is_raised_as_itself(scene: Scene) -> None:
    scene.house.lamps |= {"a": Lamp(lit=False, colour="fog"), "b": DARK}
    with pytest.raises(RepairFailed, match="lamp/a"):
        act(scene, "SwitchOff", "a", "b")
    assert scene.house.lamps["b"].lit


def test_a_ledger_that_fails_for_one_resource_does_not_stop_the_others(scene: Scene) -> None:
    scene.house.lamps |= {"a": DARK, "b": DARK}
    scene.notifier.fails = [AwsError("sns:Publish", "Throttled", "")]
    with pytest.raises(AwsError, match="Throttled"):
        act(scene, "SwitchOff", "a", "b")
    assert scene.told == ["b: repaired"]
    act(scene, "SwitchOff", "a", "b")
    assert scene.told == ["b: repaired", "a: repaired"]


def test_what_could_not_be_read_is_raised_and_nothing_written(scene: Scene) -> None:
    scene.house.lamps["a"] = DARK
    scene.house.unreadable = {"a"}
    with pytest.raises(AwsError, match="lamps:DescribeLamp: AccessDenied"):
        act(scene, "SwitchOff")
    assert (scene.house.writes, scene.told, scene.ledger.rows) == ([], [], {})


def test_one_that_cannot_be_read_does_not_hide_the_others(scene: Scene) -> None:
    scene.house.lamps["b"] = DARK
    scene.house.unreadable.add("a")
    with pytest.raises(AwsError, match="lamps:DescribeLamp: AccessDenied"):
        act(scene, "SwitchOff", "a", "b")
    assert scene.told == ["b: repaired"]
    assert scene.house.writes == [("TurnOn", "b")]


def test_repairs_are_capped_and_what_is_over_is_left_to_the_retry(scene: Scene) -> None:
    scene.settings["repair_cap"] = 2
    names = ("a", "b", "c", "d")
    scene.house.lamps = {"a": DARK, "b": Lamp(), "c": DARK, "d": DARK}
    with pytest.raises(RepairFailed, match="lamp/d: left to the retry after 2 repairs"):
        act(scene, "SwitchOff", *names)
    assert not scene.house.lamps["d"].lit
    act(scene, "SwitchOff", *names)
    assert scene.house.writes == [("TurnOn", "a"), ("TurnOn", "c"), ("TurnOn", "d")]
    assert sorted(scene.told) == ["a: repaired", "b: compliant", "c: repaired", "d: repaired"]


def test_another_account_is_refused(scene: Scene) -> None:
    theirs = record("SwitchOff", {"names": ["a"]}, recipientAccountId=FRIEND)
    with pytest.raises(RelightError, match=f"account {FRIEND} is not served from here"):
        reconcile(scene.run, LampKind(), theirs, "t1")


def test_whose_baselines_are_looked_up(scene: Scene) -> None:
    for name in ("n1", "n2", "z"):
        scene.know(name, Lamp(), LIT)

    def found(*named: str, parts: tuple[str, ...] = ()) -> set[str]:
        return {
            state.rpartition("/")[2] for state in known(scene.run, LampKind(), Scope(ACCOUNT, REGION, named, parts))
        }

    assert found("n1") == {"n1"}
    assert found("n1", "n2") == {"n1", "n2"}
    assert found(parts=("a bulb",)) == {"n1", "n2", "z"}
    assert found("n1", parts=("a bulb",)) == {"n1", "n2", "z"}


def told_as_changed(scene: Scene) -> dict[str, Any]:
    (changed,) = (f for f in only(scene).findings if f.outcome is Outcome.CHANGED)
    assert changed.references == ""
    assert (changed.control, changed.cause, changed.mode) == ("lamp.baseline", Cause.FOUND, Mode.OBSERVE)
    return {drift.field: (drift.wanted, drift.found) for drift in changed.drifts}


def test_a_compliant_but_moved_state_is_told_once_and_not_kept(scene: Scene) -> None:
    scene.know("a", Lamp(), LIT, WHITE)
    scene.house.lamps["a"] = Lamp(room="attic")
    act(scene, "MakeLamp")
    act(scene, "MakeLamp", event_id="e2")
    assert told_as_changed(scene) == {"Room": ("hall", "attic")}
    assert scene.kept("a") == (Lamp(), {LIT, WHITE})


def test_moved_beside_a_repair(scene: Scene) -> None:
    scene.know("a", Lamp(), LIT, WHITE)
    scene.house.lamps["a"] = Lamp(lit=False, room="attic")
    act(scene, "SwitchOff")
    assert told_as_changed(scene) == {"Room": ("hall", "attic")}
    assert outcomes(only(scene))[LIT] == (Outcome.REPAIRED, Cause.TAKEN)
    assert scene.kept("a") == (Lamp(), {LIT, WHITE})


def test_a_drift_is_not_told_as_a_change_too(scene: Scene) -> None:
    scene.settings["mode"] = Mode.OBSERVE
    scene.know("a", Lamp(), LIT, WHITE)
    scene.house.lamps["a"] = BLUE
    act(scene, "Paint")
    assert outcomes(only(scene)) == {WHITE: (Outcome.OBSERVED, Cause.TAKEN)}


def test_what_was_moved_is_told_with_the_one_who_moved_it(scene: Scene) -> None:
    scene.know("a", Lamp(), LIT, WHITE)
    scene.house.lamps["a"] = Lamp(room="attic")
    for event_id in ("e1", "e2"):
        act(scene, "Move", event_id=event_id)
    assert [outcomes(each) for each in scene.notifier.told] == [{"lamp.baseline": (Outcome.CHANGED, Cause.TAKEN)}] * 2
    assert "stays the baseline" in scene.notifier.told[0].findings[0].note
    assert scene.kept("a") == (Lamp(), {LIT, WHITE})


def test_what_was_moved_and_is_back_is_told_too(scene: Scene) -> None:
    scene.know("a", Lamp(), LIT)
    act(scene, "Move")
    assert outcomes(only(scene)) == {"lamp.baseline": (Outcome.COMPLIANT, Cause.TAKEN)}
    assert only(scene).findings[0].note == ""
    assert scene.kept("a") == (Lamp(), {LIT, WHITE})


def test_without_a_baseline_nothing_was_moved(scene: Scene) -> None:
    act(scene, "Move")
    assert scene.told == []


def test_a_control_that_is_out_of_reach_is_told_once_a_day_and_stops_no_repair(scene: Scene) -> None:
    """Once means: with the repair, for today."""
    scene.house.lamps["a"] = Lamp(lit=False, colour="veil")
    act(scene, "SwitchOff")
    assert outcomes(only(scene)) == {LIT: (Outcome.REPAIRED, Cause.TAKEN), WHITE: (Outcome.OUT_OF_REACH, Cause.FOUND)}
    assert scene.kept("a") is None
    for event_id in ("e2", "e3"):
        act(scene, "Look", event_id=event_id)
    assert scene.told == ["a: repaired"]
