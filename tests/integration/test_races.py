"""Eight invocations at the same moment, each in a process of its own: one message an incident, and no update lost.

The local AWS answers one call after the other, as AWS does for each of these services' resources; between the calls of
one function, those of the seven others come in any order.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import click
import pytest

from local import account, cloudtrail, sabotage
from local.account import Account
from local.cloud import LocalAws
from local.sabotage import Sabotage
from local.settings import PROJECT
from local.wire import Answer, Call
from tests.integration import helpers
from tests.integration.racer import Racers, Start

EIGHT = 8
ROUNDS = 3
# Eight ways to harm one trail that do not undo each other.
ON_ONE_TRAIL = [
    each
    for each in sabotage.ALL
    if each.control.startswith("trail.") and each.event in ("StopLogging", "UpdateTrail", "PutEventSelectors")
][:EIGHT]
ONE_EVENT = ("StopLogging", "DeleteTrail", "UpdateTrail", "PutInsightSelectors")


@dataclass(frozen=True)
class Course:
    """An account at work whose events nobody delivers, and eight processes of one function."""

    aws: LocalAws
    victim: Account
    racers: Racers
    races: list[int] = field(default_factory=list)  # how many different events there were in each

    def attack(self, each: Sabotage, who: str) -> helpers.Record:
        """The record of what somebody did, which nobody has been given yet.

        Somebody new each time: of one who does not give up, only the first attempts of an hour are told.
        """
        known = len(self.aws.records)
        each.commit(self.aws, self.aws.actor(who, account.INTRUDER_ADDRESS), self.victim)
        return next(record for record in self.aws.records[known:] if record["eventName"] == each.event)

    def race(self, *records: helpers.Record) -> None:
        self.races.append(len({record["eventID"] for record in records}))
        assert self.racers.race([cloudtrail.event(record) for record in records]) == []

    def rows(self, prefix: str) -> list[dict[str, Any]]:
        items = self.aws.client("dynamodb").scan(TableName=self.aws.stack.outputs["LedgerName"])["Items"]
        return [row for row in items if row["pk"]["S"].startswith(prefix)]

    def baselines(self) -> dict[str, tuple[int, Any]]:
        """By ARN: revision and content."""
        return {
            row["sk"]["S"]: (int(row["revision"]["N"]), (json.loads(row["state"]["S"]), row["controls"]["S"]))
            for row in self.rows("baseline#")
        }

    def weaken_baseline(self, arn: str) -> int:
        """Takes a control out of a baseline, so that what is there now is stronger; its revision."""
        (row,) = (row for row in self.rows("baseline#") if row["sk"]["S"] == arn)
        row["controls"] = {"S": row["controls"]["S"].partition(" ")[2]}
        self.aws.client("dynamodb").put_item(TableName=self.aws.stack.outputs["LedgerName"], Item=row)
        return int(row["revision"]["N"])

    def drop_baseline(self, arn: str) -> int:
        """As if nobody had ever looked; the revision of no baseline."""
        (row,) = (row for row in self.rows("baseline#") if row["sk"]["S"] == arn)
        key = {name: row[name] for name in ("pk", "sk")}
        self.aws.client("dynamodb").delete_item(TableName=self.aws.stack.outputs["LedgerName"], Key=key)
        return 0

    def attacks(self) -> int:
        """How many incidents were counted, of resources that were attacked."""
        return sum(int(row["attacks"]["N"]) for row in self.rows("contest#"))

    def check_told_once(self, *records: helpers.Record) -> None:
        """A message for each, to its actor's name; in the ledger, each told, once, and nobody about to tell it."""
        told = Counter(message.event_id for message in self.aws.notifications)
        assert told == Counter(record["eventID"] for record in records)
        names = {message.event_id: message.data["actor"]["name"] for message in self.aws.notifications}
        assert names == {record["eventID"]: record["userIdentity"]["userName"] for record in records}
        for record in records:
            (row,) = self.rows(f"incident#{record['eventID']}")
            assert row["status"] == {"S": "told"}
            assert row["told"] == {"S": helpers.about(self.aws, record).outcome}
            assert "telling" not in row


@pytest.fixture(scope="module", params=["trail", "flow_logs"])
def course(local_aws: LocalAws, request: pytest.FixtureRequest) -> Iterator[Course]:
    local_aws.reset()
    victim = account.build(local_aws)
    sabotage.furnish(local_aws, victim)
    helpers.set_to_work(local_aws)
    local_aws.delivers = False
    function = local_aws.stack.functions[request.param]
    start = Start(local_aws.environment(request.param), function.code, PROJECT / "shared")
    started = time.monotonic()
    with Racers(start, EIGHT) as racers:
        course = Course(local_aws, victim, racers)
        yield course
    click.echo(  # shown by `pytest -s`
        f"\nraces: {request.param}: {len(course.races)} races of {EIGHT} processes, {sum(course.races)} events, "
        f"each told at most once, no update lost, {time.monotonic() - started:.0f} s"
    )
    local_aws.delivers = True
    local_aws.reset()


@pytest.fixture(autouse=True)
def _afresh(course: Course) -> None:
    course.aws.forget()


only_trail = pytest.mark.parametrize("course", ["trail"], indirect=True)
only_flow_logs = pytest.mark.parametrize("course", ["flow_logs"], indirect=True)


@only_trail
@pytest.mark.parametrize("name", ONE_EVENT)
def test_one_event_delivered_eight_times_at_once(course: Course, name: str) -> None:
    each = next(each for each in sabotage.ALL if each.event == name)
    for turn in range(ROUNDS):
        course.aws.forget()
        state, kept = each.proof(course.aws, course.victim), course.baselines()
        record = course.attack(each, f"{name}-{turn}")

        course.race(*[record] * EIGHT)

        assert each.proof(course.aws, course.victim) == state
        assert course.baselines() == kept
        course.check_told_once(record)


@only_trail
def test_eight_events_of_one_trail_at_once(course: Course) -> None:
    """By eight actors: each is told of, although one repair mends what all eight broke."""
    proofs = dict.fromkeys(each.proof for each in ON_ONE_TRAIL)
    for turn in range(ROUNDS):
        course.aws.forget()
        state = [proof(course.aws, course.victim) for proof in proofs]
        kept, fought = course.baselines(), course.attacks()
        records = [course.attack(each, f"actor-{turn}-{n}") for n, each in enumerate(ON_ONE_TRAIL)]

        course.race(*records)

        assert [proof(course.aws, course.victim) for proof in proofs] == state
        assert course.baselines() == kept
        course.check_told_once(*records)
        assert course.attacks() - fought == EIGHT


@only_trail
@pytest.mark.parametrize("known", [True, False], ids=["over an older one", "the first one"])
def test_a_baseline_that_eight_would_write_is_written_once(
    course: Course, monkeypatch: pytest.MonkeyPatch, *, known: bool
) -> None:
    """One revision more, whole; and an event that changed nothing is nobody's business."""
    trail, written = course.victim.trail_arn, list[bool]()
    observe = course.aws.observe

    def count(call: Call, answer: Answer, *more: Any) -> None:
        if call.name == "PutItem" and course.aws.caller(call) == "trail":
            written.append(answer.status == 200)
        observe(call, answer, *more)

    monkeypatch.setattr(course.aws, "observe", count)
    for _ in range(ROUNDS):
        written.clear()
        _, content = course.baselines()[trail]
        revision = course.weaken_baseline(trail) if known else course.drop_baseline(trail)
        known_calls = len(course.aws.records)
        course.aws.client("cloudtrail").update_trail(Name=trail)  # changes nothing

        course.race(*course.aws.records[known_calls:] * EIGHT)

        assert course.baselines()[trail] == (revision + 1, content)
        assert sum(written) == 1, "the other seven were refused"
        assert course.aws.notifications == []


@only_flow_logs
@pytest.mark.parametrize("name", ["DeleteFlowLogs", "CreateVpc"])
def test_one_vpc_is_lit_once_by_eight(course: Course, name: str) -> None:
    each = next(each for each in sabotage.ALL if each.event == name)
    for turn in range(ROUNDS):
        course.aws.forget()
        state = each.proof(course.aws, course.victim)
        record = course.attack(each, f"{name}-{turn}")

        course.race(*[record] * EIGHT)

        assert each.proof(course.aws, course.victim) == state
        course.check_told_once(record)
