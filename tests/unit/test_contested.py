"""Somebody who does not give up: every attack is repaired, told as critical once, and the messages are folded."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from relight.errors import AwsError
from relight.model import Outcome, Severity
from relight.reconcile import reconcile
from relight.render import render
from tests.unit.builders import NOON, record
from tests.unit.lamps import Lamp, LampKind, Scene

AFTER = 5
MALLORY = {"type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/mallory"}


def attack(scene: Scene, number: int, user: str = "mallory", **identity: Any) -> None:
    scene.house.lamps["a"] = Lamp(lit=False)
    who = {"type": "IAMUser", "arn": f"arn:aws:iam::123456789012:user/{user}", **identity}
    event = record("SwitchOff", {"names": ("a",)}, eventID=f"e{number}", userIdentity=who)
    reconcile(scene.run, LampKind(), event, f"t{number}")
    assert scene.house.lamps["a"].lit


def test_each_attack_is_repaired_and_few_are_told(scene: Scene) -> None:
    for number in range(40):
        attack(scene, number)
    assert len(scene.house.writes) == 40
    contested = [each.contested for each in scene.notifier.told]
    assert contested == [0, 0, 0, 0, AFTER, AFTER + 1]  # and then mallory was named for this hour


def test_the_fifth_is_told_as_critical(scene: Scene) -> None:
    for number in range(AFTER):
        attack(scene, number)
    told = scene.notifier.told[-1]
    message = render(told)
    assert told.severity is Severity.CRITICAL
    assert message.subject.startswith("[CRITICAL] CONTESTED: Relight repaired lamp a")
    assert "CONTESTED: 5 times within the hour." in message.text
    assert message.data["contested"] == AFTER


def test_every_actor_is_named(scene: Scene) -> None:
    for number in range(10):
        attack(scene, number)
    heard = len(scene.notifier.told)
    attack(scene, 10, "eve")
    attack(scene, 11, "eve")
    attack(scene, 12)
    assert [each.actor.name for each in scene.notifier.told[heard:]] == ["eve"]


def test_a_role_is_one_actor_however_it_names_its_sessions(scene: Scene) -> None:
    issuer = {"sessionContext": {"sessionIssuer": {"arn": "arn:aws:iam::123456789012:role/r"}}, "type": "AssumedRole"}
    for number in range(30):
        attack(scene, number, f"r/session-{number}", **issuer)
    assert len(scene.notifier.told) == AFTER + 1


def test_attacks_that_find_it_repaired_already_count_too(scene: Scene) -> None:
    """Or a flood of calls, all repaired by the first invocation, would be a flood of messages."""
    for number in range(40):
        event = record("SwitchOff", {"names": ("a",)}, eventID=f"e{number}")
        reconcile(scene.run, LampKind(), event, f"t{number}")
    assert (len(scene.house.writes), len(scene.notifier.told)) == (0, AFTER + 1)


def test_what_was_met_already_and_what_was_repaired_are_one_message(scene: Scene) -> None:
    """Two calls a moment apart: the first event repairs what both took away."""
    for number in range(20):
        attack(scene, number)
        again = record("SwitchOff", {"names": ("a",)}, eventID=f"again-{number}", userIdentity=MALLORY)
        reconcile(scene.run, LampKind(), again, f"again-{number}")
    assert len(scene.notifier.told) == AFTER + 1


def test_what_is_left_as_it_is_does_not_hide_behind_what_was_repaired(scene: Scene) -> None:
    """Each state that is not put back is told, once an hour for each actor."""
    scene.know("a", Lamp(), "lamp.lit", "lamp.white")
    for number in range(AFTER + 5):
        attack(scene, number)
    heard = len(scene.notifier.told)
    for number, room in enumerate(("attic", "attic", "cellar", "cellar"), AFTER + 5):
        scene.house.lamps["a"] = Lamp(room=room)
        moved = record("Move", {"names": ("a",)}, eventID=f"e{number}", userIdentity=MALLORY)
        reconcile(scene.run, LampKind(), moved, f"t{number}")
    told = [each for each in scene.notifier.told[heard:] if each.contested]
    assert [(each.outcome, each.findings[0].drifts[0].found) for each in told] == [
        (Outcome.CHANGED, "attic"),
        (Outcome.CHANGED, "cellar"),
    ]


def test_a_folded_message_that_could_not_be_sent_is_sent_by_the_retry(scene: Scene) -> None:
    """Found by the fault matrix: it was noted as told before it was."""
    for number in range(AFTER + 1):
        attack(scene, number, "eve")
    heard = len(scene.notifier.told)
    scene.notifier.fails = [AwsError("sns:Publish", "Throttled", "")]
    with pytest.raises(AwsError):
        attack(scene, 99)
    attack(scene, 99)
    assert [each.actor.name for each in scene.notifier.told[heard:]] == ["mallory"]


def test_in_the_next_hour_it_is_told_again(scene: Scene) -> None:
    for number in range(10):
        attack(scene, number)
    scene.clock.moment = NOON + timedelta(hours=1)
    attack(scene, 10)
    assert scene.notifier.told[-1].event_id == "e10"
    assert scene.notifier.told[-1].contested == 0


@pytest.mark.parametrize("after", [1, 3])
def test_how_many_are_too_many_is_a_setting(scene: Scene, after: int) -> None:
    scene.settings["contested_after"] = after
    for number in range(after):
        attack(scene, number)
    assert [bool(each.contested) for each in scene.notifier.told] == [False] * (after - 1) + [True]
