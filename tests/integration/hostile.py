"""Hostile sequences: several actors break and mend what there is, while events come late, twice, in disorder, never.

A Hypothesis state machine on the local AWS. Every event waits until the machine delivers it, those of Relight's own
repairs too; between two deliveries anything may happen. A sequence ends in quiescence: what waits is delivered, the
sweep tells what nobody was told, what was dropped comes after all (as a redrive or any later event would bring it), and
what only a person can put back is put back by hand. Then these must hold:

- **Compliant**: AWS shows everything as it was before, by the API, and so do the kept baselines.
- **Bystanders untouched**: what ordinary work set, beside the logging or on it, is as the work left it; and whoever did
  it is accused of nothing.
- **Told**: each call that broke a control was told with its actor's name: by its event's id or, where the resource is
  contested and messages are folded, in a message about that resource within the hour.
- **Swept**: what a dropped event left broken, the sweep repaired or told before the event came after all; and what was
  broken of Relight itself, the guard's schedule put back or told.
- **Needed writes only**: every call by which one of Relight's roles changed, or tried to change, a service that it
  looks after had an effect there: AWS showed that service's configuration otherwise after the call than before. Since
  everything ends as it was, such a call mended something. A second call that sets what is set already, a call that AWS
  refused, or any call once all is compliant (in the end the last attacks' events come once more) is a violation. Three
  exceptions: while a bucket is gone that nobody can put back, calls may be refused; where a trail or a flow log is made
  again or led to its log group again, that group and its subscriber are made sure of without a look, which may change
  nothing; and of a subscription's filters all are set, whichever was changed.

The account is then as before, and serves the next sequence. `python -m tests.integration.soak` is `make soak`.
"""

from __future__ import annotations

import itertools
import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar

from botocore.exceptions import ClientError, ParamValidationError
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from local import account, cloudtrail, faults, sabotage
from local.account import Account
from local.cloud import LocalAws
from local.inbox import Notification
from local.sabotage import Sabotage, alarms, guards, trails
from local.settings import ACCOUNT, FIRST_REGION, REGION
from local.wire import Call
from relight.model import Outcome
from relight.record import plain_name
from relight.resources.log_group import KIND as LOG_GROUP
from relight.resources.vpc import KIND as VPC
from tests.integration import bystanders, snapshot
from tests.integration.helpers import GUARDS, Record

Event = dict[str, Any]

INTRUDERS = ("mallory", "eve", "trent")
OFFICE = "terraform"
STEPS = 7
# On a fresh account so many, so that moto's history stays small and a failure is replayed soon.
GROUP = 100
# These lead to some twenty repairs each, and so come more seldom.
WIDE = ("DeleteLogGroup", "DeleteAlarms", "DeleteTopic")
WHOLE = "SetSubscriptionAttributes"  # one call for each of a subscription's filters, whichever was changed
# What a trail or a flow log that is made again, or led to its group again, has round it, sent without looking first.
LEADING = ("CreateTrail", "UpdateTrail", "CreateFlowLogs")
AROUND = ("CreateLogGroup", "PutSubscriptionFilter")
# Nobody can give a function its code back but a deployment.
SABOTAGES = {str(each): each for each in sabotage.ALL if each.event != "UpdateFunctionCode"}
DENIED = "endpoint.denied"
OWN = "guard."  # how the controls of Relight's own parts begin
# EventBridge Scheduler's, to the guard.
SCHEDULED = {"source": "aws.scheduler", "detail-type": "Scheduled Event", "id": "a-quarter-of-an-hour"}
_OFTEN = st.sampled_from([name for name, each in SABOTAGES.items() if each.event not in WIDE])
_SELDOM = st.sampled_from([name for name, each in SABOTAGES.items() if each.event in WIDE])
ATTACKS = st.one_of(*[_OFTEN] * 9, _SELDOM)
WHICH = st.integers(0, 11)  # of the events, counted round


@dataclass(frozen=True)
class Attack:
    """A call that an intruder made, and whether it changed what the sabotage's proof shows."""

    sabotage: Sabotage
    who: str
    record: Record
    broke: bool

    def __str__(self) -> str:
        return f"{self.sabotage} by {self.who} ({self.record['eventID']})"


@dataclass
class Score:
    """What was done, in all."""

    sequences: int = 0
    steps: Counter[str] = field(default_factory=Counter)
    writes: int = 0
    messages: int = 0

    def add(self, more: Score) -> None:
        self.sequences += more.sequences
        self.steps += more.steps
        self.writes += more.writes
        self.messages += more.messages

    def line(self, violations: int, seeds: str, seconds: float) -> str:
        steps = sum(self.steps.values())
        did = ", ".join(f"{count:,} {name}" for name, count in self.steps.most_common())
        return (
            f"hostile: {self.sequences:,} sequences, {steps:,} steps ({did}), {self.writes:,} repairing calls, "
            f"{self.messages:,} messages, {violations} violations, seed {seeds}, {seconds:.0f} s"
        )


class World:
    """The account that is attacked: made once, and again whenever a sequence did not leave it as it was."""

    def __init__(self, aws: LocalAws) -> None:
        self.aws = aws
        self.score = Score()
        self._writes: list[tuple[str, Call, snapshot.Shown]] = []
        self._touched: set[str] = set()  # the services that anybody changed in this sequence
        self._ready = False
        aws.on_call = self._note

    def begin(self) -> None:
        """Everything as it was, nothing told, nothing under way; events wait from now on."""
        if not self._ready:
            self._build()
        self._ready = False  # until `end`
        self._writes.clear()
        self._touched.clear()
        self.aws.forget()
        self.aws.held = []

    def end(self, ledger: list[dict[str, Any]]) -> None:
        """The account is as it was: forgets what the sequence left in the ledger."""
        self._restore_ledger(ledger)
        self._ready = True

    def renew(self) -> None:
        """The next sequence gets a fresh account."""
        self._ready = False

    def _build(self) -> None:
        aws = self.aws
        aws.held, aws.delivers = None, True
        aws.reset()
        self.victim = account.build(aws)
        sabotage.furnish(aws, self.victim)
        bystanders.furnish(aws)
        aws.deploy()
        for _ in range(2):  # the second look keeps what the first one's baselines made plain
            aws.announce()
            aws.settle(120)
        for name in (*INTRUDERS, OFFICE):
            aws.actor(name, account.INTRUDER_ADDRESS)
        self.before = snapshot.everything(aws) | self.parts()
        self.office = {service: bystanders.shown(aws, service) for service in bystanders.SERVICES}
        self.heard = alarms.heard(aws, self.victim)
        self.office_key = aws.client("kms").describe_key(KeyId=bystanders.KEY)["KeyMetadata"]["KeyId"]
        self._rows = {_key(row): row for row in self.ledger()}

    def shown(self) -> snapshot.Shown:
        """What AWS shows now; of services that nobody called but to read, what it showed before."""
        return self.before | {service: snapshot.read(self.aws, service) for service in sorted(self._touched)}

    def shown_of_office(self) -> snapshot.Shown:
        """The same of what ordinary work has."""
        touched = self._touched & set(bystanders.SERVICES)
        return self.office | {service: bystanders.shown(self.aws, service) for service in sorted(touched)}

    def parts(self) -> snapshot.Shown:
        """What AWS shows of Relight itself, by the sabotages' own proofs."""
        proofs = dict.fromkeys(each.proof for each in guards.SABOTAGES)
        return {OWN: {str(number): proof(self.aws, self.victim) for number, proof in enumerate(proofs)}}

    # ------------------------------------------------------------------------------------- Relight's writes

    def _note(self, call: Call) -> None:
        if call.service not in snapshot.READERS or not cloudtrail.is_recorded(call) or call.name == "Publish":
            return
        self._touched.add(call.service)
        if family := self.aws.caller(call):
            self._writes.append((family, call, snapshot.read(self.aws, call.service, _one(call))))

    def settle(self) -> list[str]:
        """Waits until all that is under way is done; the writes that had no effect."""
        self.aws.settle(120)
        after: dict[tuple[str, str], snapshot.Shown] = {}
        idle = []
        again = any(call.name in LEADING for _, call, _ in self._writes)
        for family, call, before in reversed(self._writes):
            part = call.service, _one(call)
            if part not in after:
                after[part] = snapshot.read(self.aws, *part)
            if after[part] == before and call.name != WHOLE and not (call.name in AROUND and again):
                idle.append(f"{family}: {call.name} {json.dumps(call.parameters(), default=str):.300}")
            after[part] = before
        self.score.writes += len(self._writes)
        self._writes.clear()
        return idle

    # ------------------------------------------------------------------------------------------- the ledger

    def ledger(self) -> list[dict[str, Any]]:
        pages = self.aws.client("dynamodb").get_paginator("scan").paginate(TableName=self._table)
        return [row for page in pages for row in page["Items"]]

    @property
    def _table(self) -> str:
        return self.aws.stack.outputs["LedgerName"]

    def poisoned(self, ledger: list[dict[str, Any]]) -> list[str]:
        """The baselines that are no longer what they were, but for their revision."""
        now = {_key(row): row for row in ledger if row["pk"]["S"].startswith("baseline#")}
        return [
            f"{sk}: {line}"
            for (pk, sk), row in self._rows.items()
            if pk.startswith("baseline#")
            for line in snapshot.differences(_kept(row), _kept(now.get((pk, sk), {})))
        ]

    def _restore_ledger(self, ledger: list[dict[str, Any]]) -> None:
        """Nobody was told anything, no resource is contested, and nothing is known of what is gone again."""
        dynamodb = self.aws.client("dynamodb")
        now = {_key(row): row for row in ledger}
        for key, row in now.items():
            if key not in self._rows:
                dynamodb.delete_item(TableName=self._table, Key={name: row[name] for name in ("pk", "sk")})
        for key, row in self._rows.items():
            if key[0].endswith((f"#{VPC}", f"#{LOG_GROUP}")) and key in now:
                self._rows[key] = now[key]  # with the ids that the flow logs have by now, for those stay, and so on
            elif now.get(key) != row:
                dynamodb.put_item(TableName=self._table, Item=row)


def _key(row: dict[str, Any]) -> tuple[str, str]:
    return row["pk"]["S"], row["sk"]["S"]


def _kept(row: dict[str, Any]) -> dict[str, Any]:
    return {"state": json.loads(row["state"]["S"]), "controls": row["controls"]["S"].split()} if row else {}


def _one(call: Call) -> str:
    """The name of the one thing that a call is about, where a part of the account can be read by it."""
    if call.service == "s3":
        return str(call.uri.get("Bucket", ""))
    name = {"logs": "logGroupName", "cloudwatch": "AlarmName"}.get(call.service, "")
    return str(call.parameters().get(name, ""))


class Hostile(RuleBasedStateMachine):
    """The rules are what can happen; `teardown` is quiescence, and checks."""

    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.world.begin()
        self.aws, self.victim = self.world.aws, self.world.victim
        self.attacks: list[Attack] = []
        self.dropped: list[Event] = []
        self.delivered: list[Event] = []
        self.wrong: list[str] = []
        self.done = False

    @property
    def held(self) -> list[Event]:
        if self.aws.held is None:
            raise RuntimeError("events do not wait")
        return self.aws.held

    # --------------------------------------------------------------------------------------------- what can happen

    @initialize(what=ATTACKS, who=st.sampled_from(INTRUDERS))
    def begin_with(self, what: str, who: str) -> None:
        """No sequence is without an attack, whatever rules Hypothesis leaves out of it."""
        self.attack(what, who)

    @rule(what=ATTACKS, who=st.sampled_from(INTRUDERS))
    def attack(self, what: str, who: str) -> None:
        self._step("attacks")
        each = SABOTAGES[what]
        intruder = self.aws.actor(who, account.INTRUDER_ADDRESS)
        before, known = each.proof(self.aws, self.victim), len(self.aws.records)
        with suppress(ClientError, ParamValidationError):  # what it would break may be gone already
            each.commit(self.aws, intruder, self.victim)
        self.aws.delivers = True  # a sabotage that nobody hears of may have ended early
        broke = each.proof(self.aws, self.victim) != before or each.control == DENIED
        self.attacks += [
            Attack(each, who, record, broke)
            for record in self.aws.records[known:]
            if plain_name(record["eventName"]) == each.event and (record.get("errorCode") in (None, "VpceAccessDenied"))
        ]

    @rule(what=st.sampled_from(sorted(bystanders.WORK)))
    def work(self, what: str) -> None:
        self._step("works")
        service, work = bystanders.WORK[what]
        with suppress(ClientError):
            work(self.aws.actor(OFFICE, account.INTRUDER_ADDRESS), self.victim)
        if service:
            self.world.office[service] = bystanders.shown(self.aws, service)

    # What is drawn must not depend on how many events wait, for that depends on how fast the functions were, and
    # Hypothesis refuses a sequence that it cannot draw again. So these are rules even when nothing waits.

    @rule(which=WHICH)
    def deliver(self, which: int) -> None:
        if event := _chosen(self.held, which):
            self._step("deliveries")
            self.held.remove(event)
            self._deliver(event)

    @rule(order=st.integers(0, 99))
    def deliver_all_in_disorder(self, order: int) -> None:
        if events := self.held[:]:
            self._step("deliveries")
            self.held.clear()
            random.Random(order).shuffle(events)  # noqa: S311 (no secret)
            self._deliver(*events)

    @rule(which=WHICH)
    def duplicate(self, which: int) -> None:
        """EventBridge delivers at least once: the same event waits twice."""
        if event := _chosen(self.held, which):
            self._step("duplicates")
            self.held.append(event)

    @rule(which=WHICH)
    def deliver_again(self, which: int) -> None:
        if event := _chosen(self.delivered, which):
            self._step("duplicates")
            self._deliver(event)

    @rule(which=WHICH)
    def drop(self, which: int) -> None:
        if event := _chosen(self.held, which):
            self._step("drops")
            self.held.remove(event)
            self.dropped.append(event)

    @rule(often=st.integers(0, 3))
    def sweep(self, often: int) -> None:
        """Seldom: it looks at everything."""
        if not often:
            self._step("sweeps")
            self._sweep()

    # -------------------------------------------------------------------------------------------------- quiescence

    def teardown(self) -> None:
        """Brings everything to an end and checks what the module's docstring says. Raises AssertionError."""
        if not self.done:
            self.done = True
            self._come_to_rest()
            ledger = self.world.ledger()
            self._check(ledger)
            assert not self.wrong, "\n".join(["", *self.wrong[:12], "", *self._story()])
            self.world.end(ledger)
            self.world.score.sequences += 1
            self.world.score.messages += len(self.aws.notifications)

    def _come_to_rest(self) -> None:
        self._drain()
        if self._were_events_lost():
            self._look_round()
            self._drain()
            self.held.extend(cloudtrail.event(attack.record) for attack in self.attacks)
            self._drain()
        if self.dropped:
            if {attack.record["eventID"] for attack in self.attacks} & {e["detail"]["eventID"] for e in self.dropped}:
                self._check_swept()
            self.held.extend(self.dropped)
            self._drain()
        if self._did("DeleteTopic"):
            self._sweep_what_was_left()
        self._check_heard()
        self._mend_by_hand()
        self._drain()
        self._sweep_what_was_left()
        failed = self._failed_events()
        self.aws.invocations.clear()
        self.held.extend(failed)
        self._drain()
        self._check_nothing_more_is_written()
        self.wrong += [f"still fails: {each.error}" for each in self.aws.invocations if each.error]
        self._tidy_vpcs()

    def _were_events_lost(self) -> bool:
        """While a rule was off, or could not lead where it should, they were, without a trace."""
        return self._was_attacked("guard.rule") or self._was_attacked("guard.function")

    def _was_attacked(self, control: str) -> bool:
        return any(attack.sabotage.control.startswith(control) for attack in self.attacks)

    def _sweep_what_was_left(self) -> None:
        """To a person, as alarms are while they have no trail to read; the sweep repairs what it can by now."""
        findings = (finding for m in self.aws.notifications for finding in m.data.get("findings", ()))
        if any(finding["outcome"] == Outcome.MANUAL for finding in findings):
            self._sweep()
            self._drain()

    def _sweep(self) -> None:
        self.aws.announce("UPDATE_COMPLETE", deaf=GUARDS)  # who look round by a schedule of their own
        self._settle()

    def _shown(self) -> snapshot.Shown:
        """All that must be as it was; of Relight's own parts only where somebody may have touched them."""
        own = self.world.parts() if self._was_attacked(OWN) else {OWN: self.world.before[OWN]}
        return self.world.shown() | own

    def _look_round(self) -> None:
        """The guard's schedule: every quarter of an hour."""
        self.aws.delivery.invoke_later(self.aws.stack.functions["guard"], dict(SCHEDULED))
        self._settle()

    def _drain(self) -> None:
        while self.held:
            self._deliver(self.held.pop(0))

    def _check(self, ledger: list[dict[str, Any]]) -> None:
        self.wrong += [f"not as it was: {line}" for line in self._unexpected(self._shown())]
        told_elsewhere = self._did("DeleteTopic")  # and so the baseline knows the other topic too
        self.wrong += [
            f"poisoned baseline: {line}"
            for line in self.world.poisoned(ledger)
            if not (told_elsewhere and ":monitoring: state.alarms" in line)
            and not any(part in line for part in PASSING)
        ]
        undone = snapshot.differences(self.world.office, self.world.shown_of_office())
        self.wrong += [f"work undone: {line}" for line in undone]
        self.wrong += [f"not told: {attack}" for attack in self.attacks if attack.broke and not self._is_told(attack)]
        self.wrong += [
            f"accused: {m.subject}"
            for m in self._told_of(OFFICE)
            if any(finding["cause"] == "taken-away" for finding in m.data["findings"])
        ]

    def _check_nothing_more_is_written(self) -> None:
        """Every attack's event once more: all is compliant, so nothing is written."""
        before = self.world.score.writes
        for attack in self.attacks[-2:]:
            self._deliver(cloudtrail.event(attack.record))
        self._drain()
        if self.world.score.writes != before:
            self.wrong.append("a repeated event led to a write although all was compliant")

    def _unexpected(self, now: snapshot.Shown) -> list[str]:
        """Differences from before, without those of the bystanders."""
        lines = snapshot.differences(self.world.before, now)
        return [
            line
            for line in lines
            if not line.partition(".")[2].startswith((*BESIDE, self.world.office_key))
            and not line.startswith(LURED)
            and not (self._did("DeleteTopic") and _tells_beside(line))
        ]

    def _check_swept(self) -> None:
        """While something is broken of which no event came, the sweep says so; of Relight's own parts, the guard."""
        if self._was_attacked(OWN):
            self._look_round()
        lines = self._unexpected(self._shown())
        own = [line for line in lines if line.startswith(OWN)]
        findings = [f for m in self.aws.notifications for f in m.data.get("findings", ())]
        if own and not any(f["control"].startswith(OWN) for f in findings):  # once a day, so perhaps earlier
            self.wrong.append(f"the guard saw nothing of {own}")
        elsewhere = LED_ELSEWHERE if self._did("DeleteTopic") else ()
        broken = [
            line for line in lines if line not in own and not line.startswith(elsewhere) and not _is_a_new_vpcs(line)
        ]
        known = len(self.aws.notifications)
        self._sweep()
        (digest,) = (m.data["sweep"] for m in self.aws.notifications[known:] if "sweep" in m.data)
        if broken and not any(digest.get(part) for part in SEEN):
            self.wrong.append(f"the sweep saw nothing of {broken}")

    def _check_heard(self) -> None:
        """Where a topic was deleted, the alarms tell another one; where nobody is subscribed, only a person helps.

        Of those that are there: an alarm that has no trail to read just now may come with the last sweep only.
        """
        there = {alarm["AlarmName"] for alarm in self.aws.client("cloudwatch").describe_alarms()["MetricAlarms"]}
        unheard = there & set(self.world.heard) - set(alarms.heard(self.aws, self.victim)) - {bystanders.ALARM}
        if unheard and not self._did("Unsubscribe"):
            self.wrong.append(f"alarms that nobody hears: {sorted(unheard)}")

    def _did(self, *names: str) -> bool:
        return any(attack.record["eventName"] in names for attack in self.attacks)

    def _failed_events(self) -> list[Event]:
        """The events that a function failed on, even after Lambda's retries."""
        found: dict[str, Event] = {}
        for invocation in self.aws.invocations:
            if invocation.error and "detail" in invocation.event:
                found[invocation.event["detail"].get("eventID", "")] = invocation.event
        return [event for event in found.values() if event["detail-type"] != "CloudFormation Stack Status Change"]

    def _mend_by_hand(self) -> None:
        """What Relight only tells: the key's policy, the account's switch, the bucket, who hears the alarms."""
        events = {plain_name(attack.record["eventName"]) for attack in self.attacks}
        hands = {
            "PutKeyPolicy": _mend_key,
            "PutAccountPublicAccessBlock": _mend_account,
            "DeleteBucket": _mend_bucket,
            "DeleteTopic": _mend_topic,
            "Unsubscribe": _mend_topic,
            "PutRolePolicy": _mend_roles,
            "DisableKey": _mend_trail,
            "ScheduleKeyDeletion": _mend_trail,
        }
        for mend in dict.fromkeys(hand for event, hand in hands.items() if event in events):
            mend(self.aws, self.victim, self.world.before)

    def _tidy_vpcs(self) -> None:
        """New VPCs have flow logs by now; they go again, and nobody hears of it."""
        ec2 = self.aws.client("ec2")
        now = snapshot.read(self.aws, "ec2")
        self.wrong += [f"{vpc} has no flow log" for vpc, logs in now.items() if not logs]
        self.aws.delivers = False
        for vpc in now.keys() - self.world.before["ec2"].keys():
            groups = {log["LogGroupName"] for log in now[vpc] if "LogGroupName" in log}
            for group in groups - self.world.before["logs"].keys():
                self.aws.client("logs").delete_log_group(logGroupName=group)
            logs = ec2.describe_flow_logs(Filters=[{"Name": "resource-id", "Values": [vpc]}])["FlowLogs"]
            if logs:
                ec2.delete_flow_logs(FlowLogIds=[log["FlowLogId"] for log in logs])
            ec2.delete_vpc(VpcId=vpc)
        self.aws.delivers = True

    # ------------------------------------------------------------------------------------------------------- telling

    def _is_told(self, attack: Attack) -> bool:
        """By its event, or folded into a message about what it attacked; a denied caller, once in all."""
        if attack.sabotage.control == DENIED:
            return _caller(attack.record["userIdentity"]["principalId"]) in self._denied()
        own = self._told_of(attack.who)
        by_event = [m for m in own if m.event_id == attack.record["eventID"]]
        folded = [m for m in own if m.data.get("contested")]
        if by_event and attack.sabotage.control.startswith("trail.") and self._did("DeleteTrail"):
            return True  # of what else it took, while the trail that it concerned was gone
        return any(f["control"] == attack.sabotage.control for m in by_event for f in m.data["findings"]) or any(
            f["control"].partition(".")[0] == attack.sabotage.control.partition(".")[0]
            for m in folded
            for f in m.data["findings"]
        )

    def _denied(self) -> set[str]:
        """Who was told of as denied at an endpoint: once a day each, whatever their sessions are called."""
        about = (m for m in self.aws.notifications for f in m.data.get("findings", ()) if f["control"] == DENIED)
        return {_caller(m.data["actor"]["principal"]) for m in about}

    def _told_of(self, who: str) -> list[Notification]:
        """Of a stranger's session, CloudTrail shows the principal's id with the session's name."""
        return [m for m in self.aws.notifications if m.data.get("actor", {}).get("name", "").rpartition(":")[2] == who]

    # ----------------------------------------------------------------------------------------------------- delivering

    def _deliver(self, *events: Event) -> None:
        for event in events:
            self.aws.delivery.post(event)
            self.delivered.append(event)
        self._settle()

    def _settle(self) -> None:
        known = len(self.held)
        idle = self.world.settle()
        self.held[known:] = _two_of_a_kind(self.held[known:])
        self.wrong += [] if self._did("DeleteBucket") else [f"write without need: {each}" for each in idle]

    def _step(self, name: str) -> None:
        self.world.score.steps[name] += 1

    def _story(self) -> list[str]:
        """Everything that was recorded and told, in order."""
        calls = [f"  {_who(each)}: {each['eventName']} {each.get('errorCode', '')}" for each in self.aws.records]
        told = [f"  {m.subject}" for m in self.aws.notifications]
        failed = [f"  {each.function}: {each.error}" for each in self.aws.invocations if each.error]
        lines = ["what was called:", *calls, "what was told:", *told, "what failed:", *failed]
        return [f"{line} ({len(list(same))})" for line, same in itertools.groupby(lines)]


# Where a sweep says that something is broken, or was until now.
SEEN = ("repaired", "unrepaired", "left", "weaker", "drifted", "failed")
# Of baselines: what a key is used for just now, the policy and the trails of one that nothing used before, the id of a
# flow log, which is another one when it is made again, and remembered, and when a log group was made.
PASSING = (
    ": state.used_by: ", ": state.policy: '', then", ": state.trails: [], then", ".id: 'fl-", ": state.former: ",
    ": state.created: ",
)  # fmt: skip
# The bucket that files are led to: as long as they are, it is a trail's, and is closed to the public.
LURED = f"s3.{trails.ELSEWHERE}."
# What a deleted topic changes of the alarms.
LED_ELSEWHERE = ("cloudwatch.alarms", "sns.")
# What ordinary work changes, as `_unexpected` names it, without the service.
BESIDE = (bystanders.BUCKET, bystanders.GROUP, "/office/other", f"alarms.{bystanders.ALARM}", bystanders.TOPIC)


def _chosen(events: list[Event], which: int) -> Event | None:
    return events[which % len(events)] if events else None


def _is_a_new_vpcs(line: str) -> bool:
    """A flow log of a VPC that was made meanwhile, or its log group: nothing is broken there."""
    return (
        line.startswith(("ec2.vpc-", "logs./relight/flow-logs/")) and re.search(": None, then .{3}", line) is not None
    )


def _tells_beside(line: str) -> bool:
    """An alarm that was led to Relight's topic while its own was gone, and goes on telling both."""
    return ".AlarmActions: " in line and f":{alarms.TOPIC}'" in line.rpartition(", then ")[2]


def _two_of_a_kind(events: list[Event]) -> list[Event]:
    """Of a repair by fifteen equal calls, the first and the last event: the others lead to the same look again."""
    named: dict[str, list[Event]] = {}
    for event in events:
        named.setdefault(event["detail"]["eventName"], []).append(event)
    return [event for same in named.values() for event in (same if len(same) < 3 else (same[0], same[-1]))]


def _caller(principal: str) -> str:
    """What of a principal's id stays the same from session to session."""
    return principal.partition(":")[0]


def _who(record: Record) -> str:
    identity = record["userIdentity"]
    return str(identity.get("userName") or identity.get("arn", "").rpartition("/")[2])


def _mend_key(aws: LocalAws, victim: Account, before: snapshot.Shown) -> None:
    key = victim.key_arn.rpartition("/")[2]
    policy = json.dumps(before["kms"][key]["policy"])
    aws.client("kms").put_key_policy(KeyId=key, PolicyName="default", Policy=policy)


def _mend_account(aws: LocalAws, _victim: Account, before: snapshot.Shown) -> None:
    aws.client("s3control").put_public_access_block(
        AccountId=ACCOUNT, PublicAccessBlockConfiguration=before["s3control"]["public access"]
    )


def _mend_bucket(aws: LocalAws, victim: Account, before: snapshot.Shown) -> None:
    s3, name = aws.client("s3"), victim.trail_bucket
    if name in snapshot.read(aws, "s3", name):
        return
    was = before["s3"][name]
    where = {} if REGION == FIRST_REGION else {"CreateBucketConfiguration": {"LocationConstraint": REGION}}
    s3.create_bucket(Bucket=name, **where)
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps(was["policy"]))
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=was["public access"])
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration=was["encryption"])
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": was["versioning"]})
    s3.put_bucket_replication(Bucket=name, ReplicationConfiguration=was["replication"])
    s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": was["lifecycle"]})
    s3.put_bucket_logging(Bucket=name, BucketLoggingStatus={"LoggingEnabled": was["logging"]})


def _mend_topic(aws: LocalAws, _victim: Account, _before: snapshot.Shown) -> None:
    """The topic, its subscriber, and the alarms that were led to another topic meanwhile."""
    sns, cloudwatch = aws.client("sns"), aws.client("cloudwatch")
    topic = sns.create_topic(Name=alarms.TOPIC)["TopicArn"]
    if not sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]:
        queue = aws.client("sqs").get_queue_url(QueueName=alarms.SUBSCRIBER)["QueueUrl"]
        arn = aws.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"])
    for alarm in cloudwatch.describe_alarms(AlarmNamePrefix="cis-")["MetricAlarms"]:
        if alarm["AlarmActions"] != [topic]:
            known = {name: value for name, value in alarm.items() if name in ALARM_FIELDS}
            cloudwatch.put_metric_alarm(**known | {"AlarmActions": [topic]})


def _mend_trail(aws: LocalAws, victim: Account, before: snapshot.Shown) -> None:
    """A trail that was looked at while its key was off has the stack's key, as the control wants it."""
    client, wanted = aws.client("cloudtrail"), before["cloudtrail"][victim.trail]["KmsKeyId"]
    for shown in client.describe_trails(trailNameList=[victim.trail])["trailList"]:
        if shown.get("KmsKeyId") != wanted:
            client.update_trail(Name=victim.trail, KmsKeyId=wanted)


def _mend_roles(aws: LocalAws, _victim: Account, _before: snapshot.Shown) -> None:
    for role in ("TrailFunctionRole", "GuardFunctionRole"):
        with suppress(ClientError):
            aws.client("iam").delete_role_policy(RoleName=aws.stack.resources[role], PolicyName="zz")


# Of what DescribeAlarms shows, what PutMetricAlarm takes.
ALARM_FIELDS = (
    "AlarmName", "AlarmDescription", "ActionsEnabled", "MetricName", "Namespace", "Statistic", "Dimensions", "Period",
    "EvaluationPeriods", "DatapointsToAlarm", "Threshold", "ComparisonOperator", "TreatMissingData",
)  # fmt: skip


@contextmanager
def world(aws: LocalAws) -> Iterator[World]:
    """An account for sequences; nobody waits for anything, and no request takes a socket. Leaves nothing behind."""
    with faults.hurry(), aws.shortcut():
        try:
            yield World(aws)
        finally:
            aws.on_call, aws.held, aws.delivers = (lambda _: None), None, True
            aws.reset()


def machine_in(world: World) -> type[Hostile]:
    """The machine for a world."""

    class There(Hostile):
        pass

    There.world = world
    return There


def play(world: World, number: int, sequences: int = GROUP) -> None:
    """Runs so many sequences from one seed, on a fresh account. Raises AssertionError; its notes are the sequence."""
    world.renew()
    run_state_machine_as_test(
        seed(number)(machine_in(world)),
        settings=settings(
            max_examples=sequences,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            phases=[Phase.generate],  # a sequence is short, and playing it again and again takes long
            suppress_health_check=list(HealthCheck),
            print_blob=False,
            report_multiple_bugs=False,
        ),
    )
