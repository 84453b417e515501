"""What the organisation's policies forbid is told once a day and not retried; any other denial fails the invocation."""

from __future__ import annotations

from typing import Any

import pytest

from relight.errors import AwsError, RelightError, RepairFailed
from relight.model import Cause, Outcome
from relight.reconcile import reconcile
from relight.record import Record
from relight.resources import vpc
from relight.survey import survey
from tests.unit.builders import ACCOUNT, FRIEND, REGION, record
from tests.unit.fakes import refused
from tests.unit.lamps import Lamp, LampKind, Scene

USER = "User: arn:aws:sts::123456789012:assumed-role/relight/f is not authorized to perform: lamps:TurnOn"
SCP = f"{USER} with an explicit deny in a service control policy"
IMPLICIT = f"{USER} because no service control policy allows the lamps:TurnOn action"
RCP = f"{USER} on resource: arn:aws:lamps:::a with an explicit deny in a resource control policy: arn:aws:p"
EC2 = f"You are not authorized to perform this operation. {SCP}. Encoded authorization failure message: aBc-_1"
OURS = f"{USER} because no identity-based policy allows the lamps:TurnOn action"
FORGED = (
    f"{USER} on resource: arn:aws:cloudwatch:x:1:alarm:with an explicit deny in a service control policy "
    "because no identity-based policy allows the lamps:TurnOn action"
)


def act(scene: Scene, *names: str, event_id: str = "e1") -> None:
    reconcile(scene.run, LampKind(), record("SwitchOff", {"names": names or ("a",)}, eventID=event_id), event_id)


@pytest.mark.parametrize(
    ("code", "message", "forbidden"),
    [
        ("AccessDenied", SCP, True),
        ("AccessDeniedException", f"{SCP}: arn:aws:organizations::1:policy/o-x/service_control_policy/p-x", True),
        ("AccessDeniedException", IMPLICIT, True),
        ("AuthorizationError", RCP, True),
        ("UnauthorizedOperation", EC2, True),
        ("AccessDenied", OURS, False),
        ("AccessDenied", FORGED, False),
        ("AccessDenied", "Access Denied", False),
        ("ValidationException", SCP, False),
        ("UnauthorizedOperation", "Encoded authorization failure message: aBc", False),
    ],
)
def test_the_organisations_word_is_known_by_how_a_denial_ends(code: str, message: str, *, forbidden: bool) -> None:
    assert AwsError("lamps:TurnOn", code, message).forbidden is forbidden


@pytest.mark.parametrize("message", [SCP, IMPLICIT, RCP])
def test_a_repair_that_is_forbidden_for_good_is_told_once_a_day_and_not_retried(scene: Scene, message: str) -> None:
    scene.house.lamps["a"] = Lamp(lit=False)
    scene.house.refuses, scene.house.because = {"TurnOn": "AccessDenied"}, message
    for number in range(3):
        act(scene, event_id=f"e{number}")  # which does not raise
    assert scene.told == ["a: out-of-reach"]
    finding = scene.notifier.told[0].findings[0]
    assert (finding.outcome, finding.cause) == (Outcome.OUT_OF_REACH, Cause.TAKEN)
    assert "control policy" in finding.note
    assert scene.clock.slept == [], "there is nothing to wait for"
    assert scene.kept("a") is None


def test_a_repair_that_our_own_role_lacks_fails(scene: Scene) -> None:
    scene.house.lamps["a"] = Lamp(lit=False)
    scene.house.refuses, scene.house.because = {"TurnOn": "AccessDenied"}, OURS
    with pytest.raises(RepairFailed):
        act(scene)
    assert scene.told == ["a: failed"]


def test_where_only_one_of_two_repairs_is_forbidden_the_other_counts(scene: Scene) -> None:
    scene.know("a", Lamp(), "lamp.lit", "lamp.white")
    scene.house.lamps["a"] = Lamp(lit=False, colour="blue")
    scene.house.refuses, scene.house.because = {"TurnOn": "AccessDenied"}, SCP
    act(scene)
    found = {f.control: f.outcome for f in scene.notifier.told[0].findings}
    assert found == {"lamp.lit": Outcome.OUT_OF_REACH, "lamp.white": Outcome.REPAIRED}


def test_what_did_not_take_is_not_hidden_behind_what_is_forbidden(scene: Scene) -> None:
    scene.know("a", Lamp(), "lamp.lit", "lamp.white")
    scene.house.lamps["a"], scene.house.powerless = Lamp(lit=False, colour="blue"), True
    scene.house.refuses, scene.house.because = {"TurnOn": "AccessDenied"}, SCP
    with pytest.raises(RepairFailed, match=r"lamp\.white failed"):
        act(scene)


def test_what_may_not_be_read_is_out_of_reach_and_does_not_hide_the_others(scene: Scene) -> None:
    scene.house.lamps |= {"a": Lamp(lit=False), "b": Lamp(lit=False)}
    scene.house.unreadable, scene.house.because = {"a"}, SCP
    act(scene, "a", "b")
    assert sorted(scene.told) == ["a: out-of-reach", "b: repaired"]
    assert scene.house.writes == [("TurnOn", "b")]


def test_any_other_refused_read_is_unknown(scene: Scene) -> None:
    scene.house.unreadable, scene.house.because = {"a"}, OURS
    with pytest.raises(RelightError):
        act(scene)
    assert (scene.told, scene.house.writes) == ([], [])


def test_the_sweep_reports_it_and_does_not_fail(scene: Scene) -> None:
    scene.house.unreadable, scene.house.because = {"a"}, SCP
    scene.house.lamps["b"] = Lamp()
    request: dict[str, Any] = {"kind": "lamp", "account": ACCOUNT, "region": REGION, "names": ["a", "b"]}
    report = survey(scene.run, [LampKind()], request)
    assert report["failed"] == {}
    assert [arn.rpartition("/")[2] for arn in report["out_of_reach"]] == ["a"]
    assert report["looked_at"] == 2


# ------------------------------------------------------------------------------- a member that lets no role be assumed

NOT_LENT = refused(
    "AccessDenied", f"User: x is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::{FRIEND}:role/r"
)
ELSEWHERE = "eu-west-1"


def theirs(*names: str, event_id: str = "e1", call: str = "SwitchOff") -> Record:
    return record(call, {"names": names or ("a",)}, eventID=event_id, recipientAccountId=FRIEND, awsRegion=ELSEWHERE)


def test_a_member_is_repaired_from_the_hub(scene: Scene) -> None:
    scene.house.lamps["a"] = Lamp(lit=False)
    run = scene.hub()
    reconcile(run, LampKind(), theirs(), "r1")
    assert scene.told == ["a: repaired"]
    told = scene.notifier.told[0].resource
    assert (told.account, told.region, told.arn) == (FRIEND, ELSEWHERE, f"arn:aws:lamps:{ELSEWHERE}:{FRIEND}:lamp/a")
    assert [account for account, *_ in scene.ledger.states] == [FRIEND]


def test_a_member_whose_role_is_denied_is_told_once_a_day_and_never_compliant(scene: Scene) -> None:
    run = scene.hub(sts__AssumeRole=NOT_LENT)
    for number in range(3):
        reconcile(run, LampKind(), theirs("a", "b", event_id=f"e{number}"), "r1")  # which does not raise
    assert scene.told == ["a: out-of-reach", "b: out-of-reach"]
    note = scene.notifier.told[0].findings[0].note
    assert note.startswith(f"sts:AssumeRole: AccessDenied: account {FRIEND}: User: x is not authorized")
    assert (scene.house.reads, scene.house.writes, scene.ledger.states) == (0, [], {})
    assert scene.clock.slept == []


def test_where_the_record_names_only_a_part_the_member_is_told_of(scene: Scene) -> None:
    request = {"DeleteFlowLogsRequest": {"FlowLogId": {"tag": 1, "content": "fl-1"}}}
    there = {"recipientAccountId": FRIEND, "awsRegion": ELSEWHERE}
    for event_id in ("e1", "e2"):
        deleted = record("DeleteFlowLogs", request, eventID=event_id, **there)
        reconcile(scene.hub(sts__AssumeRole=NOT_LENT), vpc, deleted, "r1")
    assert scene.told == [f"of {FRIEND} in {ELSEWHERE}: out-of-reach"]
    assert scene.notifier.told[0].resource.arn == f"arn:aws:ec2:{ELSEWHERE}:{FRIEND}:vpc/"


def test_sts_that_fails_otherwise_is_left_to_the_retry(scene: Scene) -> None:
    with pytest.raises(AwsError, match="Throttling"):
        reconcile(scene.hub(sts__AssumeRole=refused("Throttling")), LampKind(), theirs(), "r1")
    assert scene.told == []


def test_the_sweep_counts_what_a_denied_role_hides_as_unknown(scene: Scene) -> None:
    request = {"kind": "lamp", "account": FRIEND, "region": ELSEWHERE, "names": ["a", "b"]}
    report = survey(scene.hub(sts__AssumeRole=NOT_LENT), [LampKind()], request)
    assert (report["failed"], report["kept"], report["repairable"]) == ({}, {}, {})
    assert len(report["out_of_reach"]) == 2
    assert set(map(tuple, report["counts"].values())) == {(0, 0, 2, 0)}


def test_an_account_that_is_no_member_s_is_still_refused_where_the_stack_is_no_hub(scene: Scene) -> None:
    with pytest.raises(RelightError, match=f"account {FRIEND} is not served from here"):
        reconcile(scene.run, LampKind(), theirs(), "r1")
    assert scene.house.reads == 0
