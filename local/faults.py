"""`relight faults`: every call of every function, refused or broken in every way, and what became of the sabotage.

For each call that a function makes, one sabotage that leads to it is committed while the call fails, and Lambda's
retries run their course. Good is: repaired and told; or told, with what is wrong; or the event is in a dead-letter
queue, on which an alarm rings. Then the fault is lifted, the event comes again as a redrive would send it, and the
account must be as it was before. A cell is bad where neither holds.
"""

from __future__ import annotations

import time
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from unittest import mock

from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from botocore.httpsession import URLLib3Session
from botocore.retries.standard import ExponentialBackoff

from local import account, cloudtrail, organisation, sabotage
from local.account import Account
from local.cloud import LocalAws
from local.gateway import BROKEN
from local.sabotage import Sabotage
from local.show import Screen
from relight.record import plain_name

Action = tuple[str, str]  # the function's family, "service:Operation"
Scenarios = dict[Action, Sabotage]


@dataclass(frozen=True)
class Fault:
    """One way in which a call fails. `times`: None is always."""

    name: str
    code: str
    broken: bool = False
    after: bool = False
    times: int | None = None


FAULTS = (
    Fault("throttled", "ThrottlingException"),
    Fault("denied", "AccessDeniedException"),
    Fault("500", "InternalServerError"),
    Fault("timeout", "timeout", broken=True),
    Fault("reset", "reset", broken=True),
    Fault("lost answer", "reset", broken=True, after=True, times=1),
)


class Verdict(StrEnum):
    """What became of a sabotage while a call failed."""

    REPAIRED = "repaired"  # and told
    TOLD = "told, dead-lettered"  # what could be done was done
    LETTER = "dead-lettered"
    STANDARD = "to the standard"  # repaired and told, but without its baseline, which could not be read
    SILENT = "SILENT"  # neither repaired and told, nor dead-lettered
    WRONG = "WRONG"  # not as before after the redrive

    @property
    def good(self) -> bool:
        return self not in (Verdict.SILENT, Verdict.WRONG)


@dataclass(frozen=True)
class Cell:
    """One field of the matrix."""

    family: str
    action: str
    fault: str
    sabotage: str
    verdict: Verdict
    writes: int = 0


@contextmanager
def hurry() -> Iterator[None]:
    """Nobody waits, and a broken answer raises what botocore raises when a connection breaks."""
    send = URLLib3Session.send

    def broken(session: URLLib3Session, request: Any) -> Any:
        answer = send(session, request)
        how = answer.headers.get(BROKEN)
        if how == "timeout":
            raise ReadTimeoutError(endpoint_url=request.url)
        if how:
            raise ConnectionClosedError(endpoint_url=request.url)
        return answer

    with (
        mock.patch.object(time, "sleep"),
        mock.patch.object(ExponentialBackoff, "delay_amount", return_value=0),
        mock.patch.object(URLLib3Session, "send", broken),
    ):
        yield


def build(aws: LocalAws) -> Account:
    """A fresh account with everything that the catalogue looks after, and Relight at work in it."""
    aws.reset()
    victim = account.build(aws)
    sabotage.furnish(aws, victim)
    aws.deploy()
    aws.announce()
    aws.settle(120)
    aws.forget()
    return victim


def build_hub(aws: LocalAws) -> Account:
    """A hub with a forwarder in its own Region, which the sweep has seen."""
    aws.reset()
    organised = organisation.create(aws)
    victim = account.build(aws)
    organised.deploy_hub()
    organised.deploy_forwarder(aws)
    aws.announce()
    aws.settle(organisation.PATIENCE)
    aws.forget()
    return victim


def scenarios(aws: LocalAws, victim: Account, among: Iterable[Sabotage] = sabotage.ALL) -> Scenarios:
    """For each call that a function makes, the first sabotage that leads to it and that this function repairs.

    The account is as it was afterwards.
    """
    as_built, found = aws.remember(), dict[Action, Sabotage]()
    with hurry():
        for each in (each for each in among if each.outcome == "repaired"):
            aws.forget()
            aws.calls.clear()
            _commit(aws, each, victim)
            for family in _repairing(aws):
                for service, operation in sorted(aws.calls[family]):
                    found.setdefault((family, f"{service}:{operation}"), each)
    aws.recall(as_built)
    return found


def _repairing(aws: LocalAws) -> set[str]:
    """The families that made a call which changed something."""
    by = (each["userIdentity"] for each in aws.records)
    sessions = {identity["arn"].rpartition("/")[2] for identity in by if identity["type"] == "AssumedRole"}
    return {function.family for session in sessions if (function := aws.stack.function(session))}


def run(aws: LocalAws, victim: Account, action: Action, each: Sabotage, fault: Fault) -> Cell:
    """One field of the matrix. Leaves the account as it was, unless the verdict is WRONG or STANDARD."""
    family, operation = action
    aws.forget()
    before = each.proof(aws, victim)
    with aws.refuse(family, operation, fault.code, times=fault.times, fault=(fault.broken, fault.after)):
        _commit(aws, each, victim, who=f"{family}-{operation.replace(':', '-')}-{FAULTS.index(fault)}")
    told = [m for m in aws.notifications if any(f["control"] == each.control for f in m.data.get("findings", ()))]
    repaired = each.proof(aws, victim) == before
    letters = _take_letters(aws)
    verdict = _verdict(repaired=repaired, told=bool(told), letters=letters)
    called = [r for r in aws.records if plain_name(r["eventName"]) == each.event]
    redriven = [r for r in called if r["userIdentity"]["type"] == "IAMUser"]
    for record in redriven:
        aws.delivery.post(cloudtrail.event(record))
    aws.settle(60)
    if each.proof(aws, victim) != before:
        lost = any("ledger could not be reached" in message.data.get("error", "") for message in told)
        verdict = Verdict.STANDARD if lost and operation.startswith("dynamodb:") else Verdict.WRONG
    return Cell(family, operation, fault.name, str(each), verdict)


def _verdict(*, repaired: bool, told: bool, letters: bool) -> Verdict:
    if repaired and told and not letters:
        return Verdict.REPAIRED
    if letters:
        return Verdict.TOLD if told else Verdict.LETTER
    return Verdict.SILENT


def _take_letters(aws: LocalAws) -> bool:
    """Empties the dead-letter queues; whether anything was in them."""
    sqs, found = aws.client("sqs"), False
    for name in ("FailureQueue", "DelayedFailureQueue", "UndeliveredQueue"):
        url = aws.stack.resources[name]
        if not sqs.list_queues(QueueNamePrefix=url.rpartition("/")[2]).get("QueueUrls"):
            continue  # deleted, and not made again
        while messages := sqs.receive_message(QueueUrl=url).get("Messages"):
            found = True
            for message in messages:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def _commit(aws: LocalAws, each: Sabotage, victim: Account, who: str = account.INTRUDER) -> None:
    """By somebody new each time: of one who does not give up, only the first attempts of an hour are told."""
    each.commit(aws, aws.actor(who, account.INTRUDER_ADDRESS), victim)
    aws.settle(60)


def matrix(aws: LocalAws, victim: Account, todo: Scenarios) -> Iterator[Cell]:
    """Every call with every fault, one after the other, in an account as `build` leaves it."""
    as_built = aws.remember()
    with hurry():
        for action, each in sorted(todo.items(), key=lambda item: item[0]):
            for fault in FAULTS:
                cell = run(aws, victim, action, each, fault)
                yield cell
                if cell.verdict in (Verdict.WRONG, Verdict.STANDARD):  # not as it was
                    aws.recall(as_built)


def show(screen: Screen, families: tuple[str, ...] = ()) -> int:
    """Runs the matrix and prints it; the exit status."""
    cells: list[Cell] = []
    with warnings.catch_warnings(), LocalAws() as aws:
        warnings.simplefilter("ignore")
        for builds, among in ((build, sabotage.ALL), (build_hub, sabotage.OF_A_HUB)):
            victim = builds(aws)
            todo = scenarios(aws, victim, among)
            for cell in matrix(aws, victim, {key: todo[key] for key in todo if key[0] in families or not families}):
                cells.append(cell)
                screen.line(f"  {cell.family:<16} {cell.action:<40} {cell.fault:<12} {cell.verdict}", _style(cell))
    counts = Counter(cell.verdict for cell in cells)
    screen.heading("What became of it")
    rows = {
        (cell.family, cell.action): {
            c.fault: c.verdict for c in cells if (c.family, c.action) == (cell.family, cell.action)
        }
        for cell in cells
    }
    screen.matrix([fault.name for fault in FAULTS], rows)
    bad = [cell for cell in cells if not cell.verdict.good]
    summary = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
    calls = len({(cell.family, cell.action) for cell in cells})
    screen.verdict(f"{calls} calls, {len(FAULTS)} faults each: {summary}; {screen.seconds:.0f} s.", good=not bad)
    return 1 if bad or not cells else 0


def _style(cell: Cell) -> str:
    return "dim" if cell.verdict.good else "bold red"
