"""The loop, on lamps: what is repaired, verified, told and kept, whatever the record says."""

from __future__ import annotations

import pytest

from relight.errors import RepairFailed
from relight.model import Cause, Incident, Mode, Outcome
from relight.reconcile import reconcile
from relight.repair import BACKOFF
from tests.unit.builders import NOON, record
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


def test_what_was_taken_is_put_back_told_and_kept(scene: Scene) -> None:
    scene.house.lamps["a"] = DARK
    act(scene, "SwitchOff")
    assert scene.house.lamps["a"] == Lamp()
    assert scene.house.writes == [("TurnOn", "a")]
    told = only(scene)
    assert outcomes(told) == {LIT: (Outcome.REPAIRED, Cause.TAKEN)}
    assert told.calls == ('lamps:TurnOn {"Name": "a"}',)
    assert (told.would_call, told.error, told.dark_seconds) == ((), "", 10)
    assert (told.event_id, told.event_name, told.event_time) == ("e1", "SwitchOff", NOON)
    assert told.actor.name == "mallory"
    assert told.findings[0].drifts[0].found is False
    assert scene.kept("a") == (Lamp(), {LIT, WHITE})
    assert scene.clock.slept == []


def test_nothing_to_do_nothing_to_tell(scene: Scene) -> None:
    act(scene, "MakeLamp")
    assert (scene.house.writes, scene.told) == ([], [])
    assert scene.kept("a") == (Lamp(), {LIT, WHITE})


def test_the_same_record_again_does_nothing(scene: Scene) -> None:
    scene.house.lamps["a"] = DARK
    for _ in range(3):
        act(scene, "SwitchOff")
    assert scene.house.writes == [("TurnOn", "a")]
    assert scene.told == ["a: repaired"]


def test_of_two_attacks_both_actors_are_told(scene: Scene) -> None:
    scene.house.lamps["a"] = DARK
    act(scene, "SwitchOff", event_id="e1")
    act(scene, "SwitchOff", event_id="e2")
    assert scene.house.writes == [("TurnOn", "a")]
    assert scene.told == ["a: repaired", "a: compliant"]
    assert [each.event_id for each in scene.notifier.told] == ["e1", "e2"]
    assert scene.notifier.told[1].dark_seconds is None


def test_what_is_uncertain_about_the_cause_is_noted(scene: Scene) -> None:
    scene.house.lamps["a"] = DARK
    act(scene, "SwitchOff")
    assert only(scene).findings[0].note == "Nobody knows whether it was lit."


def test_what_the_baseline_had_is_restored_also_when_only_found(scene: Scene) -> None:
    scene.know("a", Lamp(), LIT, WHITE)
    scene.house.lamps["a"] = BLUE
    act(scene, "SwitchOff")
    assert scene.house.lamps["a"] == Lamp()
    assert outcomes(only(scene)) == {LIT: (Outcome.COMPLIANT, Cause.TAKEN), WHITE: (Outcome.REPAIRED, Cause.FOUND)}
    assert only(scene).dark_seconds is None


def test_what_never_was_there_is_only_told(scene: Scene) -> None:
    scene.house.lamps["a"] = BLUE
    act(scene, "MakeLamp")
    assert scene.house.writes == []
    told = only(scene)
    assert outcomes(told) == {WHITE: (Outcome.OBSERVED, Cause.CREATED)}
    assert (told.calls, told.would_call) == ((), ('lamps:Paint {"Name": "a", "Colour": "white"}',))
    assert told.dark_seconds is None


def test_one_repair_beside_one_that_is_held_back(scene: Scene) -> None:
    scene.house.lamps["a"] = Lamp(lit=False, colour="blue")
    act(scene, "SwitchOff")
    assert scene.house.writes == [("TurnOn", "a")]
    told = only(scene)
    assert outcomes(told) == {LIT: (Outcome.REPAIRED, Cause.TAKEN), WHITE: (Outcome.OBSERVED, Cause.FOUND)}
    assert len(told.calls) == len(told.would_call) == 1


def test_mode_observe_writes_nothing_but_the_ledger(scene: Scene) -> None:
    scene.settings["mode"] = Mode.OBSERVE
    scene.house.lamps["a"] = DARK
    act(scene, "SwitchOff")
    assert scene.house.writes == []
    assert outcomes(only(scene)) == {LIT: (Outcome.OBSERVED, Cause.TAKEN)}
    assert only(scene).would_call == ('lamps:TurnOn {"Name": "a"}',)
    assert scene.kept("a") is None


@pytest.mark.parametrize("name", ["SwitchOff", "MakeLamp"])
def test_mode_off_neither_repairs_nor_tells(scene: Scene, name: str) -> None:
    off = dict.fromkeys(("restore", "introduce", "create"), Mode.OFF)
    scene.settings["modes"] = {LIT: off, WHITE: off}
    scene.house.lamps["a"] = Lamp(lit=False, colour="fog")
    act(scene, name)
    assert (scene.house.writes, scene.told) == ([], [])


@pytest.mark.parametrize(("lag", "slept"), [(0, []), (1, [1]), (2, [1, 2]), (4, [1, 2, 4, 8])])
def test_verification_waits_for_reads_that_lag(scene: Scene, lag: int, slept: list[float]) -> None:
    scene.house.lamps["a"], scene.house.lag = DARK, lag
    act(scene, "SwitchOff")
    assert scene.told == ["a: repaired"]
    assert scene.clock.slept == slept
    assert only(scene).dark_seconds == 10 + sum(slept)
    assert scene.house.writes == [("TurnOn", "a")]


@pytest.mark.parametrize(("reads", "slept"), [(1, [1]), (2, [1, 2])])
def test_a_look_that_is_older_than_the_call_is_not_trusted(scene: Scene, reads: int, slept: list[float]) -> None:
    scene.house.lamps["a"] = DARK
    scene.house.lag_behind("a", Lamp(), reads)
    act(scene, "SwitchOff")
    assert scene.told == ["a: repaired"]
    assert scene.clock.slept == slept


def test_what_is_there_after_some_looks_is_there(scene: Scene) -> None:
    act(scene, "SwitchOff")
    assert outcomes(only(scene)) == {LIT: (Outcome.COMPLIANT, Cause.TAKEN)}
    assert scene.clock.slept == [1, 2]
    assert scene.house.reads == 3


def test_only_what_was_taken_is_looked_at_again(scene: Scene) -> None:
    act(scene, "MakeLamp")
    assert (scene.clock.slept, scene.house.reads) == ([], 1)


def test_a_repair_that_does_not_show_is_told_then_raised(scene: Scene) -> None:
    scene.house.lamps["a"], scene.house.powerless = DARK, True
    with pytest.raises(RepairFailed, match=r"lamp/a: lamp\.lit failed: Nobody knows"):
        act(scene, "SwitchOff")
    assert scene.clock.slept == list(BACKOFF)
    assert outcomes(only(scene)) == {LIT: (Outcome.FAILED, Cause.TAKEN)}
    assert only(scene).dark_seconds is None
    assert scene.kept("a") is None


def test_a_repair_that_shows_only_after_the_last_look(scene: Scene) -> None:
    scene.house.lamps["a"], scene.house.lag = DARK, 5
    scene.know("a", Lamp(), LIT, WHITE)
    with pytest.raises(RepairFailed, match="the repair did not show"):
        act(scene, "SwitchOff")
    act(scene, "SwitchOff")
    assert scene.told == ["a: failed", "a: repaired"]
    assert scene.house.writes == [("TurnOn", "a")]


def test_a_refused_repair_is_told_with_what_aws_answered(scene: Scene) -> None:
    scene.house.lamps["a"], scene.house.refuses = DARK, {"TurnOn": "AccessDenied"}
    scene.know("a", Lamp(), LIT, WHITE)
    with pytest.raises(RepairFailed, match="lamps:TurnOn: AccessDenied: no"):
        act(scene, "SwitchOff")
    assert only(scene).error == "lamps:TurnOn: AccessDenied: no"
    assert outcomes(only(scene)) == {LIT: (Outcome.FAILED, Cause.TAKEN)}


def test_a_refused_repair_does_not_hold_up_the_next_one(scene: Scene) -> None:
    scene.know("a", Lamp(), LIT, WHITE)
    scene.house.lamps["a"], scene.house.refuses = Lamp(lit=False, colour="blue"), {"TurnOn": "AccessDenied"}
    with pytest.raises(RepairFailed):
        act(scene, "SwitchOff")
    assert scene.house.writes == [("TurnOn", "a"), ("Paint", "a")]
    assert outcomes(only(scene)) == {LIT: (Outcome.FAILED, Cause.TAKEN), WHITE: (Outcome.REPAIRED, Cause.FOUND)}


def test_a_refused_call_has_a_substitute(scene: Scene) -> None:
    scene.know("a", Lamp(), LIT, WHITE)
    scene.house.lamps["a"], scene.house.refuses = BLUE, {"Paint": "NoPaint", "TurnOn": "NoPower"}
    with pytest.raises(RepairFailed):
        act(scene, "Paint")
    assert scene.house.writes == [("Paint", "a"), ("TurnOn", "a")]
    assert only(scene).error == "lamps:Paint: NoPaint: no; lamps:TurnOn: NoPower: no"
    assert only(scene).calls == ('lamps:Paint {"Name": "a", "Colour": "white"}', 'lamps:TurnOn {"Name": "a"}')


def test_an_accepted_call_needs_no_substitute(scene: Scene) -> None:
    scene.house.lamps["a"] = BLUE
    act(scene, "Paint")
    assert scene.house.writes == [("Paint", "a")]
    assert scene.told == ["a: repaired"]


def test_what_only_a_person_can_mend_is_told_and_not_retried(scene: Scene) -> None:
    scene.house.lamps["a"] = Lamp(colour="dim")
    act(scene, "Paint")
    assert scene.house.writes == []
    assert outcomes(only(scene)) == {WHITE: (Outcome.MANUAL, Cause.TAKEN)}
    assert scene.kept("a") is None


@pytest.mark.parametrize("lamp", [Lamp(colour="fog"), Lamp(lit=False, colour="fog")], ids=["alone", "beside-a-repair"])
def test_an_unknown_control_is_told_and_raised_and_stops_no_repair(scene: Scene, lamp: Lamp) -> None:
    scene.house.lamps["a"] = lamp
    with pytest.raises(RepairFailed, match=r"lamp\.white unknown: fog"):
        act(scene, "SwitchOff")
    assert scene.house.lamps["a"].lit
    assert outcomes(only(scene)) == {
        LIT: (Outcome.COMPLIANT if lamp.lit else Outcome.REPAIRED, Cause.TAKEN),
        WHITE: (Outcome.UNKNOWN, Cause.FOUND),
    }
    assert scene.kept("a") is None


def test_a_lamp_that_went_during_the_repair(scene: Scene) -> None:
    scene.house.lamps["a"], scene.house.after_write = DARK, {"a": None}
    act(scene, "SwitchOff")
    assert outcomes(only(scene))[LIT] == (Outcome.GONE, Cause.TAKEN)
    assert scene.kept("a") is None


def test_what_went_wrong_during_the_repair_is_told_and_raised(scene: Scene) -> None:
    scene.know("a", Lamp(), LIT, WHITE)
    scene.house.lamps["a"], scene.house.after_write = DARK, {"a": BLUE}
    with pytest.raises(RepairFailed, match=r"lamp\.white failed"):
        act(scene, "SwitchOff")
    assert outcomes(only(scene)) == {LIT: (Outcome.REPAIRED, Cause.TAKEN), WHITE: (Outcome.FAILED, Cause.FOUND)}
