"""The family functions' half of the sweep: look, judge, keep; and repair what the sweep sends again, at once."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from relight.errors import MalformedRecord
from relight.ledger import BATCH as ROWS
from relight.ledger import LARGEST_STATE
from relight.model import Mode, Outcome, Severity
from relight.standard import Exemption
from relight.survey import LARGEST_SHOWN, SOURCE, survey
from relight.sweep import BATCH
from tests.unit.builders import ACCOUNT, REGION
from tests.unit.fakes import Crash
from tests.unit.lamps import Lamp, LampKind, Scene, arn

LIT, WHITE = "lamp.lit", "lamp.white"


def look(scene: Scene, *names: str, **more: Any) -> dict[str, Any]:
    request = {"source": SOURCE, "kind": "lamp", "account": ACCOUNT, "region": REGION, "names": list(names)} | more
    report = survey(scene.run, [LampKind()], request)
    assert report["kind"] == "lamp"
    assert scene.notifier.told == []
    if "sweep" not in more:
        assert scene.house.writes == []
    return report


def test_what_is_looked_at_becomes_the_baseline(scene: Scene) -> None:
    scene.house.lamps["b"] = Lamp(colour="blue")
    assert look(scene, "a", "b", full=True) == {
        "kind": "lamp",
        "looked_at": 2,
        "counts": {LIT: [2, 0, 0, 0], WHITE: [1, 1, 0, 0]},
        "repairable": {},
        "baselines": {
            arn("a"): {"controls": [LIT, WHITE], "state": {"lit": True, "colour": "white", "room": "hall"}},
            arn("b"): {"controls": [LIT], "state": {"lit": True, "colour": "blue", "room": "hall"}},
        },
        "kept": {arn("a"): [LIT, WHITE], arn("b"): [LIT]},
        "weaker": {},
        "drifted": {arn("b"): [WHITE]},
        "exempt": {},
        "out_of_reach": {},
        "failed": {},
    }
    assert scene.kept("b") == (Lamp(colour="blue"), {LIT})
    again = look(scene, "a", "b", full=True)
    assert (again["kept"], list(again["baselines"])) == ({}, [arn("a"), arn("b")])
    assert "baselines" not in look(scene, "a")


def test_what_meets_nothing_is_remembered_but_is_no_baseline_to_look_over(scene: Scene) -> None:
    scene.settings["modes"] = {LIT: {"introduce": Mode.OBSERVE}}
    scene.house.lamps["a"] = Lamp(lit=False, colour="blue")
    report = look(scene, "a", full=True)
    assert (report["kept"], report["baselines"], report["drifted"]) == ({}, {}, {arn("a"): [LIT, WHITE]})
    assert scene.kept("a") == (Lamp(lit=False, colour="blue"), set())


def test_what_could_be_repaired_is_named_with_its_severity_and_left(scene: Scene) -> None:
    scene.house.lamps |= {"a": Lamp(lit=False), "b": Lamp(colour="blue")}
    scene.know("a", Lamp(), LIT, WHITE)
    scene.know("b", Lamp(), LIT, WHITE)
    report = look(scene, "a", "b")
    assert report["repairable"] == {"a": Severity.HIGH.rank, "b": Severity.MEDIUM.rank}
    assert (report["drifted"], report["weaker"], report["kept"]) == ({}, {}, {})
    assert report["counts"] == {LIT: [1, 1, 0, 0], WHITE: [1, 1, 0, 0]}
    assert scene.kept("a") == (Lamp(), {LIT, WHITE})


def test_a_moved_state_is_not_kept(scene: Scene) -> None:
    scene.know("a", Lamp(), LIT, WHITE)
    scene.house.lamps["a"] = Lamp(room="attic")
    report = look(scene, "a")
    assert (report["kept"], report["weaker"], report["drifted"]) == ({}, {arn("a"): ["Room"]}, {})
    assert scene.kept("a") == (Lamp(), {LIT, WHITE})


def test_a_stronger_state_is_kept(scene: Scene) -> None:
    scene.know("a", Lamp(lit=False), WHITE)
    assert look(scene, "a")["kept"] == {arn("a"): [LIT, WHITE]}


def test_what_is_judged_otherwise_since_its_baseline_is_not_weaker(scene: Scene) -> None:
    """A control that has grown stricter says so of the same state."""
    scene.know("a", Lamp(colour="blue"), LIT, WHITE)
    scene.settings["modes"] = {WHITE: {"restore": Mode.OBSERVE}}
    scene.house.lamps["a"] = Lamp(colour="blue")
    report = look(scene, "a")
    assert (report["weaker"], report["drifted"]) == ({}, {arn("a"): [WHITE]})


def test_gone_and_out_of_reach(scene: Scene) -> None:
    report = look(scene, "missing", "neighbours-1")
    assert report["looked_at"] == 2
    assert report["counts"] == {LIT: [0, 0, 1, 0], WHITE: [0, 0, 1, 0]}
    assert report["out_of_reach"] == {arn("neighbours-1"): "it is the neighbours'"}
    assert (report["kept"], report["drifted"], report["failed"]) == ({}, {}, {})


def test_one_that_cannot_be_read_does_not_hide_the_others(scene: Scene) -> None:
    scene.house.lamps |= {"b": Lamp(), "c": Lamp()}
    scene.house.unreadable = {"b"}
    report = look(scene, "a", "b", "c")
    assert report["kept"].keys() == {arn("a"), arn("c")}
    assert report["failed"] == {"b": "lamps:DescribeLamp: AccessDenied: no"}
    assert report["looked_at"] == 2
    assert report["counts"] == {LIT: [2, 0, 1, 0], WHITE: [2, 0, 1, 0]}


def test_one_alone_that_cannot_be_read(scene: Scene) -> None:
    scene.house.unreadable = {"a"}
    assert look(scene, "a")["failed"] == {"a": "lamps:DescribeLamp: AccessDenied: no"}


def test_what_could_not_be_judged_failed_and_is_not_drift(scene: Scene) -> None:
    scene.house.lamps["a"] = Lamp(colour="fog")
    report = look(scene, "a")
    assert report["failed"] == {f"{arn('a')} {WHITE}": "fog"}
    assert report["counts"] == {LIT: [1, 0, 0, 0], WHITE: [0, 0, 1, 0]}
    assert report["kept"] == {}
    assert report["drifted"] == {}


def test_a_control_that_is_off_is_not_reported(scene: Scene) -> None:
    scene.settings["modes"] = {WHITE: {"introduce": Mode.OFF}}
    scene.house.lamps |= {"a": Lamp(colour="blue"), "b": Lamp()}
    report = look(scene, "a", "b")
    assert report["drifted"] == {}
    assert report["counts"] == {LIT: [2, 0, 0, 0], WHITE: [1, 0, 0, 1]}, "left out by decision, not unseen"


def test_nobody_asks_whether_what_is_off_could_be_judged(scene: Scene) -> None:
    scene.settings["modes"] = {WHITE: {"introduce": Mode.OFF, "restore": Mode.OFF}}
    scene.house.lamps["b"] = Lamp()
    scene.house.unreadable = {"b"}
    assert look(scene, "b", "neighbours-1")["counts"] == {LIT: [0, 0, 2, 0], WHITE: [0, 0, 0, 2]}


def test_an_exemption_settles_what_is_out_of_reach(scene: Scene) -> None:
    theirs = arn("neighbours-1")
    scene.settings["exemptions"] = (
        Exemption(LIT, theirs, "theirs", date(2099, 1, 1)),
        Exemption(WHITE, theirs, "theirs", date(2001, 1, 1)),
    )
    report = look(scene, "neighbours-1")
    assert report["counts"] == {LIT: [0, 0, 0, 1], WHITE: [0, 0, 1, 0]}
    assert report["exempt"] == {theirs: [f"{LIT}: theirs, until 2099-01-01"]}


def test_baselines_of_many(scene: Scene) -> None:
    names = [f"n{each}" for each in range(ROWS + 5)]
    scene.house.lamps = dict.fromkeys(names, Lamp())
    assert len(look(scene, *names)["kept"]) == ROWS + 5
    assert look(scene, *names)["kept"] == {}
    assert look(scene)["looked_at"] == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"account": None},
        {"region": 7},
        {"names": None},
        {"names": "a"},
        {"names": [""]},
        {"names": ["a", 7]},
        {"sweep": ""},
        {"sweep": 7},
    ],
    ids=str,
)
def test_a_malformed_request(scene: Scene, changes: dict[str, Any]) -> None:
    request = {"source": SOURCE, "kind": "lamp", "account": ACCOUNT, "region": REGION, "names": ["a"]} | changes
    with pytest.raises(MalformedRecord, match="a sweep's"):
        survey(scene.run, [LampKind()], request)
    assert scene.house.reads == 0


def test_a_state_that_is_too_large_is_reported_and_not_kept(scene: Scene) -> None:
    scene.house.lamps |= {"b": Lamp(room="x" * LARGEST_STATE), "c": Lamp()}
    report = look(scene, "b", "c", full=True)
    assert (report["drifted"], list(report["kept"])) == ({arn("b"): ["lamp.size"]}, [arn("c")])
    assert list(report["baselines"]) == [arn("c")]


def test_a_report_of_fifty_large_states_fits_into_lambda_s_answer(scene: Scene) -> None:
    names = [f"lamp-{number}" for number in range(BATCH)]
    scene.house.lamps = dict.fromkeys(names, Lamp(room="x" * (LARGEST_STATE - 100)))
    report = look(scene, *names, full=True)
    assert len(report["kept"]) == BATCH
    assert len(json.dumps(report)) < 6_000_000
    assert report["baselines"][arn("lamp-0")]["state"]["size"] > LARGEST_SHOWN


# --------------------------------------------------------------------------------------------------- repairing

SWEEP = "s1"


def mended(scene: Scene, *names: str) -> dict[str, Any]:
    return look(scene, *names, sweep=SWEEP)


def noted(scene: Scene) -> dict[str, Outcome]:
    return {each.resource.name: each.outcome for each in scene.ledger.noted(SWEEP).untold}


def test_what_the_sweep_sends_again_is_repaired_noted_and_told_by_the_sweep(scene: Scene) -> None:
    scene.house.lamps |= {"a": Lamp(lit=False), "b": Lamp(lit=False, colour="blue"), "c": Lamp()}
    for name in "abc":
        scene.know(name, Lamp(), LIT, WHITE)
    assert mended(scene, "a", "b", "c") == {
        "kind": "lamp",
        "looked_at": 0,
        "counts": {LIT: [2, -2, 0, 0], WHITE: [1, -1, 0, 0]},
        "left": [],
        "failed": {},
        "repaired": {arn("a"): [LIT], arn("b"): [LIT, WHITE]},
        "unrepaired": {},
        "weaker": {},
        "kept": {},
    }
    assert set(scene.house.lamps.values()) == {Lamp()}
    assert noted(scene) == {"a": Outcome.REPAIRED, "b": Outcome.REPAIRED}
    (incident,) = (each for each in scene.ledger.noted(SWEEP).untold if each.resource.name == "a")
    assert (incident.event_name, incident.dark_seconds) == ("ScheduledSweep", None)
    assert "which saw no call" in incident.actor.name


def test_what_was_introduced_becomes_the_baseline(scene: Scene) -> None:
    scene.house.lamps["a"] = Lamp(lit=False, colour="blue")  # lit is introduced, white is not
    report = mended(scene, "a")
    assert (report["repaired"], report["unrepaired"]) == ({arn("a"): [LIT]}, {})
    assert report["counts"] == {LIT: [1, -1, 0, 0], WHITE: [0, 0, 0, 0]}
    assert report["kept"] == {arn("a"): [LIT]}
    assert scene.kept("a") == (Lamp(colour="blue"), {LIT})


def test_a_repair_that_is_refused_is_reported_and_the_others_are_made(scene: Scene) -> None:
    scene.house.lamps |= {"a": Lamp(lit=False), "b": Lamp(colour="blue")}
    for name in "ab":
        scene.know(name, Lamp(), LIT, WHITE)
    scene.house.refuses["TurnOn"] = "AccessDenied"
    report = mended(scene, "a", "b")
    assert report["repaired"] == {arn("b"): [WHITE]}
    assert report["unrepaired"] == {arn("a"): f"{LIT} failed (lamps:TurnOn: AccessDenied: no)"}
    assert report["counts"] == {LIT: [0, 0, 0, 0], WHITE: [1, -1, 0, 0]}
    assert noted(scene) == {"a": Outcome.FAILED, "b": Outcome.REPAIRED}


def test_repairs_that_lag_behind_are_waited_for_once_for_all(scene: Scene) -> None:
    scene.house.lag = 2
    scene.house.lamps |= dict.fromkeys("abc", Lamp(lit=False))
    assert len(mended(scene, "a", "b", "c")["repaired"]) == 3
    assert scene.clock.slept == [1, 2]


def test_nothing_is_sent_once_the_time_is_over(scene: Scene) -> None:
    scene.house.lamps |= dict.fromkeys("ab", Lamp(lit=False))
    request = {"source": SOURCE, "kind": "lamp", "account": ACCOUNT, "region": REGION, "names": ["a", "b"]}
    report = survey(scene.run, [LampKind()], request | {"sweep": SWEEP}, until=scene.clock.now())
    assert (report["left"], report["repaired"], report["unrepaired"]) == (["a", "b"], {}, {})
    assert scene.house.writes == []
    assert mended(scene, "a", "b")["left"] == []
    assert noted(scene) == {"a": Outcome.REPAIRED, "b": Outcome.REPAIRED}


def test_what_a_crashed_attempt_repaired_is_noted_by_the_next(scene: Scene) -> None:
    scene.house.lamps["a"] = Lamp(lit=False)
    scene.ledger.crash = {"before note"}
    with pytest.raises(Crash):
        mended(scene, "a")
    assert [each.resource.name for each in scene.ledger.noted(SWEEP).unfinished] == ["a"]
    report = mended(scene, "a")
    assert (report["repaired"], noted(scene)) == ({}, {"a": Outcome.REPAIRED})


def test_what_cannot_be_read_is_not_repaired_and_holds_up_no_other(scene: Scene) -> None:
    scene.house.lamps |= dict.fromkeys("ab", Lamp(lit=False))
    scene.house.unreadable = {"a"}
    report = mended(scene, "a", "b")
    assert report["failed"].keys() == {"a"}
    assert report["repaired"] == {arn("b"): [LIT]}
    assert scene.house.lamps["a"] == Lamp(lit=False)
    assert noted(scene) == {"b": Outcome.REPAIRED}
