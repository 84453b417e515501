"""What Lambda calls: events, SQS batches, the sweep's requests, and what is none of these."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from relight import handler as module
from relight import telemetry
from relight.accounts import Accounts
from relight.clock import Clock
from relight.errors import AwsError, InvalidSetting, MalformedRecord, RepairFailed
from relight.handler import Handler, handler_for, runtime
from relight.ledger import Ledger
from relight.notify import Notifier
from tests.unit.builders import ACCOUNT, REGION, event
from tests.unit.lamps import Lamp, LampKind, Scene

DARK = Lamp(lit=False)


@dataclass
class Context:
    """As much of Lambda's context as a handler looks at."""

    aws_request_id: str = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        return 120_000


@pytest.fixture
def handle(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Handler:
    run = scene.run
    monkeypatch.setattr(module, "runtime", lambda: run)
    return handler_for(LampKind())


def switch_off(*names: str, **detail: Any) -> dict[str, Any]:
    return event("SwitchOff", {"names": list(names)}, **detail)


def message(number: int, body: Any) -> dict[str, Any]:
    return {
        "messageId": f"m{number}",
        "receiptHandle": "r",
        "body": body if isinstance(body, str) else json.dumps(body),
        "attributes": {},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:q",
        "awsRegion": REGION,
    }


def test_an_event(scene: Scene, handle: Handler) -> None:
    scene.house.lamps["a"] = DARK
    assert handle(switch_off("a"), Context()) is None
    assert scene.told == ["a: repaired"]
    assert [row.teller for row in scene.ledger.rows.values()] == ["request-1"]


@pytest.mark.parametrize("members", [{"errorCode": "AccessDenied"}, {"errorMessage": "Failed"}], ids=str)
def test_a_failed_call_is_passed_over(scene: Scene, handle: Handler, members: dict[str, str]) -> None:
    scene.house.lamps["a"] = DARK
    handle(switch_off("a", **members), Context())
    assert (scene.house.reads, scene.told) == (0, [])


def test_what_is_no_trigger_is_malformed(scene: Scene, handle: Handler) -> None:
    with pytest.raises(MalformedRecord, match=r"StopLogging 0e6e2b1c-event is no trigger here: {'lamp': \['MakeLamp'"):
        handle(event("StopLogging", {"names": ["a"]}), Context())
    assert scene.house.reads == 0


@pytest.mark.parametrize("given", [None, [], "text", 7, {}, {"detail": None}, {"source": "other"}], ids=str)
def test_what_is_no_event_is_malformed(handle: Handler, given: Any) -> None:
    with pytest.raises(MalformedRecord):
        handle(given, Context())


def test_an_unsettled_event_is_raised(scene: Scene, handle: Handler) -> None:
    scene.house.lamps["a"], scene.house.powerless = DARK, True
    with pytest.raises(RepairFailed):
        handle(switch_off("a"), Context())


def test_a_batch(scene: Scene, handle: Handler) -> None:
    scene.house.lamps |= {"a": DARK, "b": DARK}
    batch = {"Records": [message(1, switch_off("a")), message(2, switch_off("b"))]}
    assert handle(batch, Context()) == {"batchItemFailures": []}
    assert scene.told == ["a: repaired", "b: repaired"]
    assert [row.teller for row in scene.ledger.rows.values()] == ["m1", "m2"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("not json", id="not-json"),
        pytest.param("{}", id="not-an-event"),
        pytest.param("null", id="null"),
        pytest.param(event("StopLogging", {"names": ["a"]}), id="no-trigger"),
        pytest.param(switch_off("fog", "fog-2"), id="several-unsettled"),
    ],
)
def test_only_what_failed_comes_again(scene: Scene, handle: Handler, body: Any) -> None:
    fog = Lamp(lit=False, colour="fog")
    scene.house.lamps |= {"a": DARK, "b": DARK, "fog": fog, "fog-2": fog}
    batch = {"Records": [message(1, switch_off("a")), message(2, body), message(3, switch_off("b"))]}
    assert handle(batch, Context()) == {"batchItemFailures": [{"itemIdentifier": "m2"}]}
    assert scene.house.lamps["a"].lit
    assert scene.house.lamps["b"].lit


def test_a_batch_that_failed_as_a_whole(handle: Handler) -> None:
    batch = {"Records": [message(1, "x"), message(2, "y")]}
    assert handle(batch, Context()) == {"batchItemFailures": [{"itemIdentifier": "m1"}, {"itemIdentifier": "m2"}]}


def test_a_failed_call_in_a_batch_is_done_with(scene: Scene, handle: Handler) -> None:
    batch = {"Records": [message(1, switch_off("a", errorCode="AccessDenied"))]}
    assert handle(batch, Context()) == {"batchItemFailures": []}
    assert scene.house.reads == 0


def test_the_sweeps_request(scene: Scene, handle: Handler) -> None:
    request = {"source": "relight.sweep", "kind": "lamp", "account": ACCOUNT, "region": REGION, "names": ["a"]}
    assert handle(request, Context())["looked_at"] == 1
    assert scene.kept("a") is not None


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[dict[str, Any]]]:
    """The log lines so far; Logger writes to the stdout that it found when it was made."""
    written = io.StringIO()
    monkeypatch.setattr(telemetry.logger.registered_handler, "stream", written)
    return lambda: [json.loads(line) for line in written.getvalue().splitlines()]


def test_log_lines_bear_the_records_event_id_and_actor(
    scene: Scene, handle: Handler, log: Callable[[], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    scene.house.lamps["a"] = DARK
    handle(switch_off("a"), Context())
    (told,) = [line for line in log() if line.get("message") == "incident told"]
    assert (told["correlation_id"], told["actor"]) == ("0e6e2b1c-event", "mallory")
    assert (told["event_name"], told["account"], told["region"]) == ("SwitchOff", ACCOUNT, REGION)
    assert (told["controls"], told["outcome"]) == (["lamp.lit"], "repaired")
    metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(m["control"], m["outcome"], m["Findings"]) for m in metrics if "Findings" in m] == [
        ("lamp.lit", "repaired", [1.0])
    ]
    assert [(m["control"], m["TimeToRepair"]) for m in metrics if "TimeToRepair" in m] == [("lamp.lit", [10.0])]


def test_an_error_is_logged_with_its_event_id(scene: Scene, handle: Handler, log: Callable[[], Any]) -> None:
    scene.house.unreadable = {"a"}
    with pytest.raises(AwsError):
        handle(switch_off("a"), Context())
    (line,) = log()
    assert (line["level"], line["exception_name"], line["correlation_id"]) == ("ERROR", "AwsError", "0e6e2b1c-event")


@pytest.mark.parametrize("later", ["survey", "malformed"])
def test_no_log_line_bears_an_earlier_records_actor(handle: Handler, log: Callable[[], Any], later: str) -> None:
    """An execution environment lives on: what it logs next must not be laid at an earlier caller's door."""
    handle(switch_off("a"), Context())
    before = len(log())
    if later == "survey":
        handle(
            {"source": "relight.sweep", "kind": "lamp", "account": ACCOUNT, "region": REGION, "names": ["a"]}, Context()
        )
    else:
        with pytest.raises(MalformedRecord):
            handle({"detail": {}}, Context())
    (line,) = log()[before:]
    assert "actor" not in line
    assert "correlation_id" not in line


def test_what_is_held_back_counts_as_no_repair(
    scene: Scene, handle: Handler, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.house.lamps["a"] = Lamp(colour="dim")
    handle(event("Paint", {"names": ["a"]}), Context())
    metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [m["outcome"] for m in metrics if "Findings" in m] == ["needs-a-person"]
    assert not [m for m in metrics if "TimeToRepair" in m]


def test_runtime_reads_the_settings() -> None:
    run = runtime()
    assert (run.standard.account, run.standard.region, run.standard.ledger) == (ACCOUNT, REGION, "ledger")
    assert (type(run.ledger), type(run.notifier), type(run.clock)) == (Ledger, Notifier, Clock)
    assert (run.aws.account, run.aws.region) == (ACCOUNT, REGION)


def test_a_hub_s_functions_name_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    """And any other's ask nobody."""
    made: list[Any] = []

    def accounts(aws: Any) -> Any:
        made.append(aws)
        return Accounts(aws)

    monkeypatch.setattr(module, "Accounts", accounts)
    handler_for(LampKind())
    assert made == []
    monkeypatch.setenv("RELIGHT_ORGANIZATION", "o-a1b2c3d4e5")
    handler_for(LampKind())
    assert len(made) == 1


def test_runtime_refuses_wrong_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relight.policy.control.CONTROLS", {})
    monkeypatch.setenv("RELIGHT_MODE", "off")
    with pytest.raises(InvalidSetting):
        runtime()


def test_the_real_clock() -> None:
    clock = Clock()
    before = clock.now()
    clock.sleep(0)
    assert clock.now() >= before
    assert before.utcoffset() is not None
