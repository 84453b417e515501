"""`relight flood`: what an intruder achieves who repeats an attack a thousand times a minute.

Each attack is committed some times on the local AWS, until its resource is contested and messages are folded, and then
some times more, which are counted: invocations, AWS calls, messages. The rest is arithmetic, with AWS's quotas and list
prices, each from the page that is named.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from local import account, attacks, faults
from local.account import Account
from local.attacks import Attack
from local.cloud import LocalAws
from local.place import Session
from local.show import Screen
from local.wire import Call
from relight.aws import READS

FIRST, COUNTED = 8, 10  # a resource is contested after five
ROUND_TRIP, BESIDE = 0.05, 0.1  # seconds of a call within a Region, and of a warm invocation beside its calls: assumed
MEMORY = 0.5  # GB, as in template.yaml
ITEM = 4  # KB of an incident in the ledger, rounded up
# US dollars in us-east-1, November 2026.
INVOCATION, GB_SECOND = 0.20e-6, 16.6667e-6  # https://aws.amazon.com/lambda/pricing/
WRITE, READ = 0.625e-6, 0.125e-6  # of 1 KB, of 4 KB: https://aws.amazon.com/dynamodb/pricing/on-demand/

Kind = tuple[str, str]  # a service, "read" or "write"
# Calls a second that AWS takes for good from an account in a Region, whoever makes them.
QUOTAS: Mapping[Kind, float] = {
    # https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html
    ("cloudtrail", "read"): 10,
    ("cloudtrail", "write"): 1,
    # https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
    ("ec2", "read"): 20,
}


@dataclass(frozen=True)
class Load:
    """What one more event of an attack takes, on the average. `told`: the messages of the first and of these."""

    attack: Attack
    invocations: float
    calls: Mapping[Kind, float]
    told: tuple[int, int]
    failed: int

    @property
    def seconds(self) -> float:
        """Of Lambda."""
        return self.invocations * BESIDE + sum(self.calls.values()) * ROUND_TRIP

    @property
    def dollars(self) -> float:
        """Lambda and the ledger. EventBridge does not charge for AWS's own events."""
        ledger = (
            self.calls.get(("dynamodb", "write"), 0) * ITEM * WRITE + self.calls.get(("dynamodb", "read"), 0) * READ
        )
        return self.invocations * INVOCATION + self.seconds * MEMORY * GB_SECOND + ledger

    @property
    def bounds(self) -> tuple[float, str]:
        """How many events a minute AWS's quotas let through, the attack's own calls counted; and which is the first."""
        own = (self.attack.service, "write")
        used = {kind: self.calls.get(kind, 0) + (kind == own) for kind in QUOTAS}
        return min(((60 * QUOTAS[kind] / used[kind], " ".join(kind)) for kind in QUOTAS if used[kind]), default=(0, ""))


def measure(aws: LocalAws, victim: Account) -> list[Load]:
    """Commits each of the five attacks again and again."""
    with faults.hurry():
        return [_load(aws, each) for each in attacks.five(victim)]


def _load(aws: LocalAws, attack: Attack) -> Load:
    intruder = aws.actor(f"{account.INTRUDER}-{attack.operation}", account.INTRUDER_ADDRESS)
    counted: Counter[Kind] = Counter()

    def count(call: Call) -> None:
        if aws.caller(call):
            counted[call.service, "read" if call.name.startswith(READS) else "write"] += 1

    aws.forget()
    _repeat(aws, intruder, attack, FIRST)
    first = len(aws.notifications)
    aws.forget()
    aws.on_call = count
    _repeat(aws, intruder, attack, COUNTED)
    aws.on_call = lambda _: None
    calls = {kind: number / COUNTED for kind, number in counted.items()}
    failed = sum(bool(each.error) for each in aws.invocations)
    return Load(attack, len(aws.invocations) / COUNTED, calls, (first, len(aws.notifications)), failed)


def _repeat(aws: LocalAws, intruder: Session, attack: Attack, times: int) -> None:
    client = intruder.client(attack.service)
    for _ in range(times):
        if attack.operation == "DeleteFlowLogs":  # what was put back has another id
            logs = aws.client("ec2").describe_flow_logs()["FlowLogs"]
            client.delete_flow_logs(FlowLogIds=[log["FlowLogId"] for log in logs if log["ResourceId"] == account.VPC])
        else:
            attack.commit(client)
        aws.settle()


def show(screen: Screen, events: int) -> int:
    """Measures and prints; the exit status."""
    with warnings.catch_warnings(), LocalAws() as aws:
        warnings.simplefilter("ignore")
        victim = account.build(aws)
        aws.deploy()
        aws.announce()
        aws.settle(120)
        loads = measure(aws, victim)
    columns = ["Invocations", "AWS calls", "At once", "Messages", "US$ an hour", "AWS lets through"]
    screen.table(["Attack", *columns], [[each.attack.operation, *_row(each, events)] for each in loads])
    screen.line()
    screen.line(f"Events, invocations and calls: a minute, at {events:,} events. At once: concurrent executions, at")
    screen.line(
        f"{ROUND_TRIP:g} s a call. Messages: of the first {FIRST} events, and of {COUNTED} more. The last column"
    )
    screen.line(
        "is how many events a minute AWS's published quotas allow, and which quota; the intruder's calls take from"
    )
    screen.line(
        "it as Relight's do. What is throttled is retried, by boto3 and twice by Lambda; then it is a dead letter."
    )
    good = all(each.failed == 0 for each in loads)
    screen.verdict(summary(loads, events), good=good)
    return 0 if good else 1


def _row(load: Load, events: int) -> list[str]:
    allowed, quota = load.bounds
    return [
        f"{events * load.invocations:,.0f}",
        f"{events * sum(load.calls.values()):,.0f}",
        f"{events / 60 * load.seconds:,.0f}",
        f"{load.told[0]} + {load.told[1]}",
        f"{60 * events * load.dollars:.2f}",
        f"{allowed:,.0f} ({quota})" if quota else "no quota known",
    ]


def summary(loads: list[Load], events: int) -> str:
    """One line, as the README's table has it."""
    again = [each for each in loads if each.attack.operation != "CreateVpc"]  # which makes another VPC each time
    dollars = max(60 * events * each.dollars for each in loads)
    at_once = max(events / 60 * each.seconds for each in loads)
    return (
        f"{events:,} events a minute: at most {dollars:.2f} US dollars an hour, {at_once:,.0f} executions at once and "
        f"{max(sum(each.told) for each in again)} messages an hour for each actor on one resource; "
        f"{len(loads) * (FIRST + COUNTED)} attacks, {sum(each.failed for each in loads)} not repaired"
    )
