"""A resource that is gone, and that a control wants back: it is made again from its baseline, and then judged whole."""

from __future__ import annotations

import pytest

from relight.errors import RepairFailed
from relight.model import Cause, Mode, Outcome
from relight.policy import CONTROLS
from relight.reconcile import reconcile
from tests.unit import lamps
from tests.unit.builders import record
from tests.unit.lamps import Lamp, LampKind, Scene

LIT, WHITE, HANGS = "lamp.lit", "lamp.white", "lamp.hangs"
IN_THE_CELLAR = Lamp(room="cellar")


@pytest.fixture(autouse=True)
def hanging(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lamps must hang, and the one of this house was stolen."""
    monkeypatch.setitem(CONTROLS, HANGS, lamps.HANGS)
    scene.know("a", IN_THE_CELLAR, LIT, WHITE, HANGS)
    del scene.house.lamps["a"]


def act(scene: Scene, name: str = "Steal") -> None:
    reconcile(scene.run, LampKind(), record(name, {"names": ("a",)}), "t1")


def test_it_is_made_again_and_brought_into_order(scene: Scene) -> None:
    """A trail that was just created does not log yet: the second round is for what the new one lacks."""
    act(scene)
    assert scene.house.lamps["a"] == IN_THE_CELLAR
    assert scene.house.writes == [("Hang", "a"), ("TurnOn", "a")]
    (told,) = scene.notifier.told
    assert told.outcome is Outcome.REPAIRED
    assert {f.control: (f.outcome, f.cause) for f in told.findings} == {
        HANGS: (Outcome.REPAIRED, Cause.TAKEN),
        LIT: (Outcome.REPAIRED, Cause.FOUND),
    }
    assert scene.kept("a") == (IN_THE_CELLAR, {LIT, WHITE, HANGS})


def test_again_does_nothing(scene: Scene) -> None:
    act(scene)
    act(scene)
    assert len(scene.house.writes) == 2
    assert len(scene.notifier.told) == 1


def test_another_record_about_it_brings_it_back_too(scene: Scene) -> None:
    act(scene, "SwitchOff")
    assert scene.house.lamps["a"] == IN_THE_CELLAR
    assert {f.control: f.outcome for f in scene.notifier.told[0].findings}[HANGS] is Outcome.REPAIRED


def test_what_cannot_be_made_again_fails_loudly(scene: Scene) -> None:
    scene.house.refuses["Hang"] = "NameTaken"
    with pytest.raises(RepairFailed, match=r"lamp\.hangs failed.*NameTaken"):
        act(scene)
    assert scene.told == ["a: failed"]
    assert scene.kept("a") == (IN_THE_CELLAR, {LIT, WHITE, HANGS})


def test_in_observe_mode_it_stays_away(scene: Scene) -> None:
    scene.settings["modes"] = {HANGS: {"restore": Mode.OBSERVE}}
    act(scene)
    assert scene.house.writes == []
    assert scene.notifier.told[0].would_call == ('lamps:Hang {"Name": "a", "Room": "cellar"}',)


def test_what_nobody_knew_stays_away(scene: Scene) -> None:
    scene.ledger.states.clear()
    act(scene)
    assert scene.house.writes == []
