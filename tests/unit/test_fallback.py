"""While the ledger cannot be reached, repairs go on to the standard, it is told, and the event comes again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from relight.errors import AwsError
from relight.fallback import FallbackLedger
from relight.ledger import LARGEST_STATE, Ledger
from relight.model import Outcome
from relight.reconcile import reconcile
from tests.unit.builders import NOON, incident, record, resource
from tests.unit.builders import baseline as a_baseline
from tests.unit.lamps import Lamp, LampKind, Scene

METHODS = ("baselines", "open", "find", "noted", "claim", "told", "keep")
DARK = Lamp(lit=False)


def act(scene: Scene, name: str = "SwitchOff") -> None:
    reconcile(scene.run, LampKind(), record(name, {"names": ("a",)}), "t1")


@pytest.fixture
def lose(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Lets one method of the table fail."""

    def lose(method: str) -> None:
        def fail(*_args: Any, **_more: Any) -> Any:
            raise AwsError("dynamodb:X", "InternalServerError", method)

        monkeypatch.setattr(scene.ledger, method, fail)

    return lose


@pytest.mark.parametrize("method", ["baselines", "open", "told", "keep"])
def test_whatever_of_it_fails_the_repair_is_made_and_told_and_the_event_comes_again(
    scene: Scene, lose: Callable[[str], None], method: str
) -> None:
    scene.house.lamps["a"] = DARK
    lose(method)
    with pytest.raises(AwsError, match=method):
        act(scene)
    assert scene.house.lamps["a"].lit
    assert scene.told == ["a: repaired"]


def test_the_message_says_so(scene: Scene, lose: Callable[[str], None]) -> None:
    scene.house.lamps["a"] = DARK
    lose("baselines")
    with pytest.raises(AwsError):
        act(scene)
    said = scene.notifier.told[0].error
    assert said.startswith(
        "The ledger could not be reached, so this went by the standard, not by a baseline: dynamodb:X"
    )


def test_without_baselines_what_is_only_found_is_not_forced_on_anybody(
    scene: Scene, lose: Callable[[str], None]
) -> None:
    scene.know("a", Lamp(), "lamp.lit", "lamp.white")
    scene.house.lamps["a"] = Lamp(colour="blue")
    lose("baselines")
    with pytest.raises(AwsError):
        act(scene)
    assert scene.house.writes == []
    assert {f.control: f.outcome for f in scene.notifier.told[0].findings}["lamp.white"] is Outcome.OBSERVED


def test_without_baselines_none_is_written_over(scene: Scene, lose: Callable[[str], None]) -> None:
    scene.know("a", Lamp(room="cellar"), "lamp.lit", "lamp.white")
    before = dict(scene.ledger.states)
    lose("baselines")
    with pytest.raises(AwsError):
        act(scene, "MakeLamp")
    assert scene.ledger.states == before


def test_where_only_the_claim_fails_the_retry_tells_it_exactly_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.house.lamps["a"] = DARK
    with monkeypatch.context() as patch:
        patch.setattr(scene.ledger, "claim", lambda *_, **__: (_ for _ in ()).throw(AwsError("x", "y", "z")))
        with pytest.raises(AwsError):
            act(scene)
    assert (scene.house.lamps["a"].lit, scene.told) == (True, [])
    act(scene)
    assert scene.told == ["a: repaired"]


def test_the_retry_repairs_from_the_baseline(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.know("a", Lamp(), "lamp.lit", "lamp.white")
    scene.house.lamps["a"] = Lamp(colour="blue")
    with monkeypatch.context() as patch:
        patch.setattr(scene.ledger, "baselines", lambda *_: (_ for _ in ()).throw(AwsError("x", "y", "z")))
        with pytest.raises(AwsError):
            act(scene)
    act(scene)
    assert scene.house.lamps["a"] == Lamp()


def test_every_method_is_wrapped(scene: Scene, lose: Callable[[str], None]) -> None:
    """A method that the ledger gets later must not slip through to a table that is not there."""
    public = {name for name in vars(Ledger) if not name.startswith("_") and name != "lost"}
    assert public <= vars(FallbackLedger).keys()
    for method in (*METHODS, "baselines_under", "regions"):
        lose(method)
    ledger = FallbackLedger(scene.ledger)
    assert ledger.baselines("lamp", "1", [], LampKind().revive) == {}
    assert ledger.baselines_under("lamp", "1", "arn", LampKind().revive) == {}
    assert ledger.regions("lamp", "1", "arn") == {}
    assert ledger.open("k", incident(), NOON) is None
    assert ledger.find("k", "arn") is None
    assert ledger.noted("k") == ([], [])
    assert ledger.claim("k", incident(), NOON, "t")
    ledger.told("k", incident(), NOON)
    assert not ledger.keep(resource(), a_baseline(Lamp()))
    assert ledger.lost is not None


HUGE = "hall" * 100_000


def test_a_state_that_no_baseline_can_hold_stops_no_repair_and_is_told_with_it(scene: Scene) -> None:
    """The event does not come again for it: it would be as large the next time."""
    scene.know("a", Lamp(), "lamp.lit", "lamp.white")
    before = dict(scene.ledger.states)
    scene.house.lamps["a"] = Lamp(lit=False, room=HUGE)
    act(scene)
    assert scene.house.lamps["a"].lit
    assert scene.ledger.states == before, "the earlier baseline stays"
    (told,) = scene.notifier.told
    assert (told.outcome, [f.control for f in told.findings]) == (
        Outcome.REPAIRED,
        ["lamp.lit", "lamp.baseline", "lamp.size"],
    )
    (size,) = told.findings[-1].drifts
    assert size.found > LARGEST_STATE == size.wanted
    assert "earlier baseline" in size.manual


def test_by_itself_such_a_state_is_told_once_a_day(scene: Scene) -> None:
    scene.house.lamps["a"] = Lamp(room=HUGE)
    for day in range(2):
        for each in range(3):
            reconcile(scene.run, LampKind(), record("Look", {"names": ("a",)}, eventID=f"{day}-{each}"), "t1")
        scene.clock.sleep(86400)
    assert [[f.control for f in told.findings] for told in scene.notifier.told] == [["lamp.size"]] * 2
    assert scene.ledger.states == {}


def test_what_just_fits_is_kept(scene: Scene) -> None:
    scene.house.lamps["a"] = Lamp(lit=False, room="x" * (LARGEST_STATE - 100))
    act(scene)
    assert len(scene.ledger.states) == 1
    assert [f.control for f in scene.notifier.told[0].findings] == ["lamp.lit"]
