"""The family functions' half of the sweep: look, judge, keep, and change nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from relight.errors import MalformedRecord
from relight.ledger import BATCH as ROWS
from relight.ledger import LARGEST_STATE
from relight.model import Mode
from relight.survey import LARGEST_SHOWN, SOURCE, survey
from relight.sweep import BATCH
from tests.unit.builders import ACCOUNT, REGION
from tests.unit.lamps import Lamp, LampKind, Scene, arn

LIT, WHITE = "lamp.lit", "lamp.white"


def look(scene: Scene, *names: str) -> dict[str, Any]:
    request = {"source": SOURCE, "kind": "lamp", "account": ACCOUNT, "region": REGION, "names": list(names)}
    report = survey(scene.run, [LampKind()], request)
    assert report["kind"] == "lamp"
    assert (scene.house.writes, scene.notifier.told) == ([], [])
    return report


def test_what_is_looked_at_becomes_the_baseline(scene: Scene) -> None:
    scene.house.lamps["b"] = Lamp(colour="blue")
    assert look(scene, "a", "b") == {
        "kind": "lamp",
        "looked_at": 2,
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
    again = look(scene, "a", "b")
    assert (again["kept"], list(again["baselines"])) == ({}, [arn("a"), arn("b")])


def test_what_meets_nothing_is_remembered_but_is_no_baseline_to_look_over(scene: Scene) -> None:
    scene.house.lamps["a"] = Lamp(lit=False, colour="blue")
    report = look(scene, "a")
    assert (report["kept"], report["drifted"]) == ({}, {arn("a"): [LIT, WHITE]})
    assert scene.kept("a") == (Lamp(lit=False, colour="blue"), set())


def test_nothing_is_repaired_even_where_the_mode_is_enforce(scene: Scene) -> None:
    scene.house.lamps["a"] = Lamp(lit=False)
    scene.know("a", Lamp(), LIT, WHITE)
    report = look(scene, "a")
    assert (report["drifted"], report["weaker"], report["kept"]) == ({arn("a"): [LIT]}, {arn("a"): [LIT, "Lit"]}, {})
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


def test_gone_and_out_of_reach(scene: Scene) -> None:
    report = look(scene, "missing", "neighbours-1")
    assert report["looked_at"] == 2
    assert report["out_of_reach"] == {arn("neighbours-1"): "it is the neighbours'"}
    assert (report["kept"], report["drifted"], report["failed"]) == ({}, {}, {})


def test_one_that_cannot_be_read_does_not_hide_the_others(scene: Scene) -> None:
    scene.house.lamps |= {"b": Lamp(), "c": Lamp()}
    scene.house.unreadable = {"b"}
    report = look(scene, "a", "b", "c")
    assert report["kept"].keys() == {arn("a"), arn("c")}
    assert report["failed"] == {"b": "lamps:DescribeLamp: AccessDenied: no"}
    assert report["looked_at"] == 2


def test_one_alone_that_cannot_be_read(scene: Scene) -> None:
    scene.house.unreadable = {"a"}
    assert look(scene, "a")["failed"] == {"a": "lamps:DescribeLamp: AccessDenied: no"}


def test_what_could_not_be_judged_failed_and_is_not_drift(scene: Scene) -> None:
    scene.house.lamps["a"] = Lamp(colour="fog")
    report = look(scene, "a")
    assert report["failed"] == {f"{arn('a')} {WHITE}": "fog"}
    assert report["kept"] == {}
    assert report["drifted"] == {}


def test_a_control_that_is_off_is_not_reported(scene: Scene) -> None:
    scene.settings["modes"] = {WHITE: {"introduce": Mode.OFF}}
    scene.house.lamps["a"] = Lamp(colour="blue")
    assert look(scene, "a")["drifted"] == {}


def test_baselines_of_many(scene: Scene) -> None:
    names = [f"n{each}" for each in range(ROWS + 5)]
    scene.house.lamps = dict.fromkeys(names, Lamp())
    assert len(look(scene, *names)["kept"]) == ROWS + 5
    assert look(scene, *names)["kept"] == {}
    assert look(scene)["looked_at"] == 0


@pytest.mark.parametrize(
    "changes",
    [{"account": None}, {"region": 7}, {"names": None}, {"names": "a"}, {"names": [""]}, {"names": ["a", 7]}],
    ids=str,
)
def test_a_malformed_request(scene: Scene, changes: dict[str, Any]) -> None:
    request = {"source": SOURCE, "kind": "lamp", "account": ACCOUNT, "region": REGION, "names": ["a"]} | changes
    with pytest.raises(MalformedRecord, match="a sweep's"):
        survey(scene.run, [LampKind()], request)
    assert scene.house.reads == 0


def test_a_state_that_is_too_large_is_reported_and_not_kept(scene: Scene) -> None:
    scene.house.lamps |= {"b": Lamp(room="x" * LARGEST_STATE), "c": Lamp()}
    report = look(scene, "b", "c")
    assert (report["drifted"], list(report["kept"])) == ({arn("b"): ["lamp.size"]}, [arn("c")])
    assert list(report["baselines"]) == [arn("c")]


def test_a_report_of_fifty_large_states_fits_into_lambda_s_answer(scene: Scene) -> None:
    names = [f"lamp-{number}" for number in range(BATCH)]
    scene.house.lamps = dict.fromkeys(names, Lamp(room="x" * (LARGEST_STATE - 100)))
    report = look(scene, *names)
    assert len(report["kept"]) == BATCH
    assert len(json.dumps(report)) < 6_000_000
    assert report["baselines"][arn("lamp-0")]["state"]["size"] > LARGEST_SHOWN
