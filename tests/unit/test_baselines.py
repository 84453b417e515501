"""Which states become a baseline: by itself it only grows stronger."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from relight.errors import RepairFailed
from relight.model import Baseline, Mode, Observed, Resource, Unread
from relight.policy import judge
from relight.policy.state import among
from relight.reconcile import advance, reconcile
from relight.standard import Exemption
from relight.survey import survey
from tests.unit.builders import ACCOUNT, REGION, TRAIL_ARN, bucket, record
from tests.unit.lamps import Lamp, LampKind, Scene, arn

LIT, WHITE = "lamp.lit", "lamp.white"
RESOURCE = Resource("lamp", "a", arn("a"), ACCOUNT, REGION)


def look(scene: Scene, name: str = "MakeLamp") -> None:
    reconcile(scene.run, LampKind(), record(name, {"names": ["a"]}), "t1")


def row(scene: Scene) -> Baseline[Lamp]:
    return scene.ledger.baselines("lamp", ACCOUNT, [arn("a")], LampKind().revive)[arn("a")]


@pytest.mark.parametrize(
    ("lamp", "controls"),
    [
        pytest.param(Lamp(), {LIT, WHITE}, id="all-met"),
        pytest.param(Lamp(colour="blue"), {LIT}, id="one-met"),
    ],
)
def test_the_first_look_is_kept(scene: Scene, lamp: Lamp, controls: set[str]) -> None:
    scene.house.lamps["a"] = lamp
    look(scene)
    assert scene.kept("a") == (lamp, controls)


def test_a_state_that_meets_nothing_is_kept_as_never_having_had_it(scene: Scene) -> None:
    scene.settings["mode"] = Mode.OBSERVE
    scene.house.lamps["a"] = Lamp(lit=False, colour="blue")
    look(scene)
    assert scene.kept("a") == (Lamp(lit=False, colour="blue"), set())


def test_an_unchanged_state_is_not_written_again(scene: Scene) -> None:
    look(scene)
    look(scene)
    assert row(scene).revision == 1


def test_a_stronger_state_replaces_it_and_keeps_its_age(scene: Scene) -> None:
    scene.know("a", Lamp(lit=False), WHITE)
    born: datetime = scene.clock.now()
    scene.clock.sleep(60)
    look(scene)
    assert scene.kept("a") == (Lamp(), {LIT, WHITE})
    assert (row(scene).since, row(scene).revision) == (born, 2)


def test_a_state_that_meets_more_of_the_same_is_kept(scene: Scene) -> None:
    scene.know("a", Lamp(), LIT)
    look(scene)
    assert scene.kept("a") == (Lamp(), {LIT, WHITE})


def test_a_state_that_meets_less_is_not_kept(scene: Scene) -> None:
    scene.settings["mode"] = Mode.OBSERVE
    scene.know("a", Lamp(), LIT, WHITE)
    scene.house.lamps["a"] = Lamp(lit=False)
    look(scene)
    assert scene.kept("a") == (Lamp(), {LIT, WHITE})


def test_a_state_that_lost_a_control_though_no_field_grew_weaker_is_not_kept(scene: Scene) -> None:
    """As when the standard demands more than it did, or a delivery fails."""
    scene.know("a", Lamp(colour="dim", room=""), LIT, WHITE)
    scene.house.lamps["a"] = Lamp(colour="dim")
    look(scene)
    assert scene.kept("a") == (Lamp(colour="dim", room=""), {LIT, WHITE})


EXEMPT = {"exemptions": (Exemption(WHITE, arn("a"), "the painters are here", date(2026, 3, 14)),)}
OFF = {"modes": {WHITE: {"restore": Mode.OFF}}}


@pytest.mark.parametrize("settings", [EXEMPT, OFF], ids=["exempt", "off"])
def test_what_is_left_as_it_is_for_some_time_is_put_back_after_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    """Nobody is told of it meanwhile, so it must not become what was always so; here no field tells either."""
    monkeypatch.setattr(LampKind, "weaker", lambda *_: ())
    scene.know("a", Lamp(), LIT, WHITE)
    scene.settings |= settings
    scene.house.lamps["a"] = Lamp(colour="blue")
    for name in ("MakeLamp", "Paint"):
        look(scene, name)
    survey(scene.run, [LampKind()], {"kind": "lamp", "account": ACCOUNT, "region": REGION, "names": ["a"]})
    assert (scene.told, scene.kept("a")) == ([], (Lamp(), {LIT, WHITE}))
    scene.settings.clear()
    scene.clock.moment += timedelta(days=1)
    look(scene)
    assert scene.told == ["a: repaired"]
    assert scene.kept("a") == (Lamp(), {LIT, WHITE})


@pytest.mark.parametrize("settings", [EXEMPT, OFF], ids=["exempt", "off"])
def test_what_is_left_as_it_is_and_never_was_otherwise_does_not_keep_the_rest_from_growing(
    scene: Scene, settings: dict[str, Any]
) -> None:
    scene.settings |= settings
    scene.know("a", Lamp(lit=False, colour="blue"))
    scene.house.lamps["a"] = Lamp(colour="blue")
    look(scene)
    assert scene.kept("a") == (Lamp(colour="blue"), {LIT})


def test_a_control_that_is_no_more_was_not_lost(scene: Scene) -> None:
    scene.know("a", Lamp(lit=False), WHITE, "lamp.swings")
    look(scene)
    assert scene.kept("a") == (Lamp(), {LIT, WHITE, "lamp.swings"})


def test_what_was_taken_and_is_not_back_is_not_kept(scene: Scene) -> None:
    """Else the attack would become what is known never to have been otherwise."""
    scene.settings["mode"] = Mode.OBSERVE
    scene.house.lamps["a"] = Lamp(lit=False)
    look(scene, "SwitchOff")
    assert scene.kept("a") is None


def test_what_was_taken_and_is_back_is_kept(scene: Scene) -> None:
    look(scene, "SwitchOff")
    assert scene.kept("a") == (Lamp(), {LIT, WHITE})


def test_an_unknown_state_is_not_kept(scene: Scene) -> None:
    scene.house.lamps["a"] = Lamp(colour="fog")
    with pytest.raises(RepairFailed):
        look(scene)
    assert scene.kept("a") is None


def test_a_drift_that_moved_since_the_baseline_does_not_replace_it(scene: Scene) -> None:
    """Neither state meets the control; the later one is still no stronger than the baseline."""
    scene.know("a", Lamp(colour="dim"), LIT)
    scene.house.lamps["a"] = Lamp(colour="black")
    look(scene)
    assert scene.kept("a") == (Lamp(colour="dim"), {LIT})


def test_a_control_that_is_met_is_known_to_have_been_although_its_introduction_is_off(scene: Scene) -> None:
    """Else its mode restore would never apply."""
    scene.settings["modes"] = {WHITE: {"introduce": Mode.OFF, "create": Mode.OFF}}
    look(scene)
    assert scene.kept("a") == (Lamp(), {LIT, WHITE})


def test_of_two_invocations_the_first_to_write_wins(scene: Scene) -> None:
    scene.know("a", Lamp(lit=False), WHITE)
    stale = row(scene)
    assert scene.ledger.keep(RESOURCE, replace(stale, state=Lamp(room="attic")))
    run, now = scene.run, Lamp()
    late = advance(run, LampKind(), Observed(RESOURCE, now), judge("lamp", now, run.standard, stale), stale)
    assert late
    assert not scene.ledger.keep(RESOURCE, late)
    assert row(scene).state == Lamp(room="attic")


def test_nothing_is_kept_of_what_does_not_exist(scene: Scene) -> None:
    assert not advance(scene.run, LampKind(), Observed(RESOURCE, None), (), None)


def test_nothing_is_kept_of_what_could_not_be_read_whole_even_where_no_control_asks_for_it(scene: Scene) -> None:
    now = Lamp(colour=Unread("it is dark"))  # type: ignore[arg-type]
    assert not advance(scene.run, LampKind(), Observed(RESOURCE, now), (), None)


def test_the_age_of_a_first_baseline_is_the_present(scene: Scene) -> None:
    scene.clock.moment += timedelta(hours=1)
    look(scene)
    assert row(scene).since == scene.clock.now()


def test_a_baseline_among_what_is_there_just_now() -> None:
    """Of what no baseline holds: whom a change shuts out, only that shows."""
    kept, now = bucket(policy="before"), bucket(policy="now", validated=(TRAIL_ARN,))
    found = among(kept, now)
    assert found == kept
    assert found.validated == now.validated
