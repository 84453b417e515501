"""From a network activity event to what is told: once a day for each caller and endpoint."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest

from relight import denied
from relight.case import Runtime
from relight.errors import AwsError, MalformedRecord
from relight.model import Cause, Incident, Mode, Outcome, Severity
from relight.policy.endpoint import DENIED
from relight.standard import Exemption
from tests.unit.builders import ACCOUNT, NOON, REGION, event, standard
from tests.unit.fakes import Crash, FakeClock, FakeLedger, FakeNotifier, fake_aws

OTHER = "210987654321"
STRANGER = {"type": "AWSAccount", "principalId": "AROAEXAMPLEELSEWHERE1:i-1", "accountId": OTHER}
OWN = {"type": "IAMUser", "principalId": "AIDAEXAMPLE", "accountId": ACCOUNT}
ARN = f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc-endpoint/vpce-1"


@dataclass
class Context:
    """As much of Lambda's context as a handler looks at."""

    aws_request_id: str = "request-1"


@dataclass
class Gate:
    """The handler, with everything that it works with."""

    monkeypatch: pytest.MonkeyPatch
    ledger: FakeLedger = field(default_factory=FakeLedger)
    notifier: FakeNotifier = field(default_factory=FakeNotifier)
    clock: FakeClock = field(default_factory=FakeClock)

    def __call__(
        self, identity: Any = STRANGER, *, rules: Any = None, teller: str = "request-1", **detail: Any
    ) -> None:
        run = Runtime(standard(**rules or {}), fake_aws()[0], self.ledger, self.notifier, self.clock)
        self.monkeypatch.setattr(denied, "runtime", lambda: run)
        call = denied_call(**{"userIdentity": identity, **detail})
        assert denied.handler_for_denials()(call, Context(teller)) is None

    @property
    def told(self) -> list[Incident]:
        return self.notifier.told


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate(monkeypatch)


def denied_call(name: str = "PutObject", **detail: Any) -> dict[str, Any]:
    shape = {
        "errorCode": DENIED,
        "eventCategory": "NetworkActivity",
        "vpcEndpointId": "vpce-1",
        "vpcEndpointAccountId": ACCOUNT,
        "eventSource": "s3.amazonaws.com",
    }
    return event(name, None, None, **(shape | detail))


def test_a_stranger(gate: Gate) -> None:
    gate()
    (told,) = gate.told
    (finding,) = told.findings
    assert (told.resource.arn, told.resource.name, told.resource.account) == (ARN, "vpce-1", ACCOUNT)
    assert (told.severity, told.outcome, told.cause) == (Severity.HIGH, Outcome.MANUAL, Cause.REFUSED)
    assert finding.drifts[0].found == f"AROAEXAMPLEELSEWHERE1 of account {OTHER}"
    assert (told.calls, told.would_call, told.dark_seconds, told.contested) == ((), (), None, 0)
    assert "s3.amazonaws.com:PutObject" in finding.note


def test_ones_own(gate: Gate) -> None:
    gate(OWN)
    assert gate.told[0].severity is Severity.LOW


def test_a_trusted_account(gate: Gate) -> None:
    gate(rules={"trusted_accounts": frozenset({OTHER})})
    assert gate.told[0].severity is Severity.LOW


def test_a_member_s_own_principal_at_its_own_endpoint(gate: Gate) -> None:
    """Not so a member's who is denied at another account's."""
    gate(recipientAccountId=OTHER, eventID="e1", vpcEndpointAccountId=OTHER)
    gate(recipientAccountId=ACCOUNT, eventID="e2")
    assert [each.severity for each in gate.told] == [Severity.LOW, Severity.HIGH]


def test_no_identity_at_all(gate: Gate) -> None:
    gate(None)
    assert gate.told[0].severity is Severity.HIGH
    assert gate.told[0].findings[0].drifts[0].found == "somebody of an unknown account"


def test_an_endpoint_of_another_account(gate: Gate) -> None:
    gate(vpcEndpointAccountId=OTHER)
    assert gate.told[0].resource.arn == ARN.replace(ACCOUNT, OTHER)


def test_an_endpoint_whose_owner_is_not_recorded(gate: Gate) -> None:
    gate(vpcEndpointAccountId=None)
    assert gate.told[0].resource.arn == ARN


def test_the_same_caller_at_the_same_endpoint_is_told_once_a_day(gate: Gate) -> None:
    gate(eventID="e1")
    gate(eventID="e1")
    gate({**STRANGER, "principalId": "AROAEXAMPLEELSEWHERE1:another-session"}, eventID="e2", sourceIPAddress="10.0.0.9")
    gate(eventID="e3", eventName="GetObject", resources=[{"ARN": "arn:aws:s3:::evil"}])
    assert [each.event_id for each in gate.told] == ["e1"]
    gate.clock.moment = NOON + timedelta(days=1)
    gate(eventID="e4")
    assert [each.event_id for each in gate.told] == ["e1", "e4"]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"identity": {**STRANGER, "principalId": "AROAEXAMPLEELSEWHERE2:i-1"}}, id="caller"),
        pytest.param({"identity": {**STRANGER, "accountId": "111122223333"}}, id="account"),
        pytest.param({"vpcEndpointId": "vpce-2"}, id="endpoint"),
    ],
)
def test_another_is_told_again(gate: Gate, other: dict[str, Any]) -> None:
    gate(eventID="e1")
    gate(**({"eventID": "e2"} | other))
    assert [each.event_id for each in gate.told] == ["e1", "e2"]


@pytest.mark.parametrize("mode", Mode)
def test_modes(gate: Gate, mode: Mode) -> None:
    """With nothing to repair, enforce and observe are the same."""
    gate(rules={"modes": {"endpoint.denied": {"introduce": mode}}})
    assert [each.outcome for each in gate.told] == ([] if mode is Mode.OFF else [Outcome.MANUAL])


def test_an_exempt_endpoint_is_not_told(gate: Gate) -> None:
    exemption = Exemption("endpoint.denied", ARN, "a test range", date(2030, 1, 1))
    gate(rules={"exemptions": (exemption,)})
    assert gate.told == []


def test_what_crashed_before_it_was_told_is_told_by_the_retry(gate: Gate) -> None:
    gate.ledger.crash = {"after claim"}
    with pytest.raises(Crash):
        gate()
    gate()
    assert len(gate.told) == 1


def test_what_cannot_be_told_fails(gate: Gate) -> None:
    gate.notifier.fails = [AwsError("sns:Publish", "Throttled", "no")]
    with pytest.raises(AwsError):
        gate()
    gate()
    assert len(gate.told) == 1


@pytest.mark.parametrize(
    ("detail", "why"),
    [
        ({"errorCode": None}, "errorCode is ''"),
        ({"errorCode": "AccessDenied"}, "errorCode is 'AccessDenied'"),
        ({"vpcEndpointId": None}, "names no VPC endpoint"),
        ({"vpcEndpointId": ["vpce-1"]}, "names no VPC endpoint"),
        ({"eventID": None}, "eventID"),
    ],
    ids=str,
)
def test_what_is_no_denial_fails_and_so_is_dead_lettered(gate: Gate, detail: dict[str, Any], why: str) -> None:
    with pytest.raises(MalformedRecord, match=why):
        gate(**detail)
    assert gate.told == []


@pytest.mark.parametrize(("identity", "caller"), [(STRANGER, "outside"), (OWN, "inside"), (None, "unknown")], ids=str)
def test_every_denial_is_counted(gate: Gate, capsys: pytest.CaptureFixture[str], identity: Any, caller: str) -> None:
    for event_id in ("e1", "e2"):
        gate(identity, eventID=event_id)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    counted = [line for line in lines if "Denials" in line]
    assert [(line["Denials"], line["caller"]) for line in counted] == [([1.0], caller)] * 2
