"""The guard: Relight looks after itself as it does after everything else, by events and by a schedule of its own.

What a deployment leaves becomes the baseline of every part, and is told; from then on every difference is drift. While
a deployment is under way nothing is as it will be, so nothing is judged but who started it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from relight import telemetry
from relight.case import Runtime
from relight.errors import AwsError, MalformedRecord, RelightError
from relight.fallback import FallbackLedger
from relight.handler import Handler, allotted, runtime, take_event
from relight.message import Message, clean, shown, subject_line
from relight.model import MET, Actor, Baseline, Drift, Scope, Severity
from relight.policy import judge
from relight.reconcile import known, one_by_one, reconcile
from relight.record import parse, unprompted
from relight.resources import guard
from relight.resources.own.stack import CLOUDFORMATION, Stack, describe

STACKS = "aws.cloudformation"  # the source of events about stacks
# The detail-types of what is no API call.
SCHEDULED = "Scheduled Event"
STATUS_CHANGE = "CloudFormation Stack Status Change"
SCHEDULE = Actor(invoked_by="Relight's schedule, which saw no call")
# What a message lists at most, so that it stays below SNS's 256 KB.
LINES = 100

Changes = dict[str, tuple[Drift, ...]]


class Deploying(RelightError):
    """A part was touched while a deployment is under way: what it should be shows when that is over."""


def handler_for_guard() -> Handler:
    """The Lambda handler of a guard; settings are read and checked here, once."""
    run = runtime()

    def handle(event: Any, context: Any) -> Any:
        telemetry.logger.clear_state()
        try:
            return _take(allotted(run, context), event, context.aws_request_id)
        except Exception:
            telemetry.logger.exception("not settled; left to the retry")
            raise

    return handle


# EventBridge's sources of the records that name a part.
SOURCES = tuple("aws." + source.partition(".")[0] for source in guard.SOURCES)


def _take(run: Runtime, event: Any, teller: str) -> Any:
    if not isinstance(event, Mapping) or event.get("source") not in SOURCES:
        raise MalformedRecord(f"a guard takes events of {SOURCES}, not {event!r:.80}")
    home, standard = run.aws.home, run.standard
    if event.get("detail-type") == SCHEDULED:
        look_round(run, describe(home, standard.stack), str(event.get("id", "")), teller)
        return telemetry.alive()
    if event.get("detail-type") == STATUS_CHANGE:
        return _raise_first(adopt(run, describe(home, standard.stack), guard.own_names(home, standard)))
    record = parse(event)
    scope = guard.locate(record)
    touched = [name for name in scope.names if guard.may_be_own(name, standard)]
    names = set(guard.own_names(home, standard)).intersection(touched) if touched else ()
    if not names:
        return None  # somebody else's rule, function, topic …
    stack = describe(home, standard.stack)
    of_the_stack = event.get("source") == STACKS
    if stack.deploying and not of_the_stack:
        if record.actor.invoked_by == CLOUDFORMATION:
            return None
        raise Deploying(f"{record.name} {record.event_id}: stack {stack.name} is {stack.status}; left to the retry")
    _raise_first(adopt(run, stack, sorted(names)))
    return take_event(run, (guard,), event, teller, replace(scope, names=tuple(sorted(names))))


def look_round(run: Runtime, stack: Stack, run_id: str, teller: str) -> None:
    """Everything that this guard looks after, at once. Raises RelightError, or a group of them."""
    if stack.deploying:
        return
    names = guard.own_names(run.aws.home, run.standard)
    unread = adopt(run, stack, names)
    scope = Scope(run.standard.account, run.standard.region, names=tuple(name for name in names if name not in unread))
    record = unprompted(run_id or teller, "ScheduledCheck", SCHEDULE, scope, run.clock.now())
    telemetry.begin(record)
    reconcile(run, guard, record, teller, scope)
    _raise_first(unread)


def adopt(run: Runtime, stack: Stack, names: Sequence[str]) -> dict[str, AwsError]:
    """Makes what a deployment left the baseline of the parts that were not looked at since, and tells what changed.

    Returns why those could not be read that could not: of them nobody knows what the deployment left, so that nothing
    may be put back.
    """
    if stack.deploying or not names:
        return {}
    run = replace(run, ledger=FallbackLedger(run.ledger))  # what cannot be noted must not stop a repair
    home = run.aws.home
    scope = Scope(home.account, home.region, names=tuple(names))
    baselines = known(run, guard, scope)
    if run.ledger.lost:
        return {}
    stale = {arn for arn, each in baselines.items() if each.since < stack.deployed}
    wanted = [n for n in names if (arn := _arn(run, n)) in stale or arn not in baselines]
    if not wanted:
        return {}
    changed: Changes = {}
    unread: dict[str, AwsError] = {}
    kept = 0
    for seen in one_by_one(run, guard, replace(scope, names=tuple(wanted)), baselines, unread):
        if seen.state is None:
            continue
        before = baselines.get(seen.resource.arn)
        met = frozenset(f.control for f in judge(guard.KIND, seen.state, run.standard) if f.outcome in MET)
        now = Baseline(seen.state, met, run.clock.now(), before.revision if before else 0)
        if run.ledger.keep(seen.resource, now):
            kept += 1
            drifts = guard.weaker(before.state, seen.state, run.standard) if before else ()
            changed |= {seen.resource.name: drifts} if drifts else {}
    telemetry.logger.info("adopted", extra={"parts": kept, "changed": sorted(changed)})
    if changed or not baselines:
        run.notifier.send(digest(stack, kept, changed, run.standard.account, run.standard.region))
    return unread


def _raise_first(unread: Mapping[str, AwsError]) -> None:
    for error in unread.values():
        raise error


def _arn(run: Runtime, name: str) -> str:
    return guard.arn(run.standard.partition, run.standard.account, run.standard.region, name)


def digest(stack: Stack, kept: int, changed: Changes, account: str, region: str) -> Message:
    """What a deployment changed of Relight itself, to look over. Pure."""
    severity = Severity.MEDIUM if changed else Severity.LOW
    where = f"account {account}, {region}"
    what = f"{len(changed)} of its parts changed by a deployment" if changed else f"{kept} parts of its own noted"
    lines = [f"  {name}  {_line(drift)}" for name, drifts in sorted(changed.items()) for drift in drifts]
    more = [f"  … and {len(lines) - LINES} more: see the function's log"] if len(lines) > LINES else []
    text = [
        f"Relight's guard looked at its own stack {clean(stack.name)} ({clean(stack.status)}) in {where}.",
        "",
        f"From now on it puts {kept} parts back as this deployment left them.",
        *(["", "CHANGED BY THE DEPLOYMENT", *lines[:LINES], *more] if changed else []),
        "",
        "WHAT TO DO",
        "  Did nobody deploy Relight? Then somebody changed it on the way of a deployment: deploy it again from source",
        "  that you trust. CloudTrail knows who called UpdateStack or ExecuteChangeSet.",
    ]
    data = {name: [[d.field, d.found, d.wanted] for d in drifts] for name, drifts in list(changed.items())[:LINES]}
    return Message(
        subject=subject_line(f"[{severity}] Relight's guard: {what} in {where}"),
        text="\n".join(text) + "\n",
        data={"version": 1, "guard": {"stack": stack.name, "parts": kept, "changed": data}},
        attributes={"severity": severity, "account": account, "region": region, "outcome": "swept"},
    )


def _line(drift: Drift) -> str:
    return f"{clean(drift.field)}: {shown(drift.wanted)} → {shown(drift.found)}"
