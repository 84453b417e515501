"""After a call of Relight's own nothing is repaired: what does not hold would otherwise go on for ever."""

from __future__ import annotations

import pytest

from relight.errors import RepairFailed
from relight.model import Cause, Mode, Outcome
from relight.reconcile import reconcile
from tests.unit.builders import ACCOUNT, record
from tests.unit.lamps import Lamp, LampKind, Scene

ROLE = f"arn:aws:iam::{ACCOUNT}:role/relight-LampFunctionRole-1X2Y3Z4A5B6C"
OURS = {
    "type": "AssumedRole",
    "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/relight-LampFunctionRole-1X2Y3Z4A5B6C/relight-LampFunction",
    "accountId": ACCOUNT,
    "sessionContext": {"sessionIssuer": {"type": "Role", "arn": ROLE}},
}


@pytest.fixture(autouse=True)
def ours(scene: Scene) -> None:
    scene.settings["own_roles"] = frozenset({ROLE})


def act(scene: Scene, event_id: str, **detail: object) -> None:
    reconcile(scene.run, LampKind(), record("SwitchOff", {"names": ("a",)}, eventID=event_id, **detail), event_id)


def test_a_repair_that_does_not_hold_is_not_repeated_for_its_own_event(scene: Scene) -> None:
    scene.house.lamps["a"], scene.house.powerless = Lamp(lit=False), True
    with pytest.raises(RepairFailed):
        act(scene, "mallory's")
    tried = list(scene.house.writes)

    act(scene, "ours", userIdentity=OURS)

    assert scene.house.writes == tried
    last = scene.notifier.told[-1].findings[0]
    assert (last.outcome, last.cause, last.mode) == (Outcome.OBSERVED, Cause.FOUND, Mode.OBSERVE)
    assert "did not hold" in last.note


def test_it_is_told_once_a_day(scene: Scene) -> None:
    scene.house.lamps["a"] = Lamp(lit=False)
    for number in range(3):
        act(scene, f"ours-{number}", userIdentity=OURS)
    assert (scene.told, scene.house.writes) == (["a: observed"], [])


def test_one_that_holds_is_not_worth_a_word(scene: Scene) -> None:
    act(scene, "ours", userIdentity=OURS)
    assert (scene.told, scene.house.writes) == ([], [])


MEMBER = f"arn:aws:iam::{ACCOUNT}:role/relight-member"


def in_the_member_role(account: str = ACCOUNT) -> dict[str, object]:
    issuer = {"type": "Role", "arn": MEMBER.replace(ACCOUNT, account)}
    return {**OURS, "sessionContext": {"sessionIssuer": issuer}}


def test_a_hub_s_repair_in_a_member_that_does_not_hold_is_not_repeated_either(scene: Scene) -> None:
    scene.settings["organization"] = "o-a1b2c3d4e5"
    scene.house.lamps["a"] = Lamp(lit=False)
    made = record("MakeLamp", {"names": ("a",)}, userIdentity=in_the_member_role())  # which takes nothing away
    reconcile(scene.run, LampKind(), made, "r1")
    assert (scene.told, scene.house.writes) == (["a: observed"], [])


def test_what_is_taken_away_in_the_member_role_was_no_repair(scene: Scene) -> None:
    """A member's administrators can let anybody assume its role."""
    scene.settings["organization"] = "o-a1b2c3d4e5"
    scene.house.lamps["a"] = Lamp(lit=False)
    act(scene, "e1", userIdentity=in_the_member_role())
    assert (scene.told, scene.house.writes) == (["a: repaired"], [("TurnOn", "a")])


@pytest.mark.parametrize(("organization", "account"), [("", ACCOUNT), ("o-a1b2c3d4e5", "210987654321")])
def test_the_member_role_is_a_hub_s_and_of_the_record_s_account(scene: Scene, organization: str, account: str) -> None:
    scene.settings["organization"] = organization
    scene.house.lamps["a"] = Lamp(lit=False)
    made = record("MakeLamp", {"names": ("a",)}, userIdentity=in_the_member_role(account))
    reconcile(scene.run, LampKind(), made, "r1")
    assert scene.told == ["a: repaired"]


def test_a_role_of_that_name_elsewhere_is_not_ours(scene: Scene) -> None:
    scene.house.lamps["a"] = Lamp(lit=False)
    issuer = {"type": "Role", "arn": ROLE.replace(ACCOUNT, "210987654321")}
    act(scene, "theirs", userIdentity={**OURS, "sessionContext": {"sessionIssuer": issuer}})
    assert scene.told == ["a: repaired"]
