"""Lists what the catalogue covers in the Region, has the family functions look at it and repair it, and tells of it.

The sweep holds no permission to change any of it, and reads no configuration itself. It first has everything looked at,
then repairs, the worst first and up to a cap, and ends with one message. It stops in good time before its own timeout,
and another invocation of it goes on from there; so does Lambda's retry of one that crashed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Any

from relight import telemetry
from relight.aws import Aws, body
from relight.clock import Clock
from relight.digest import digest
from relight.errors import InvalidSetting, RelightError
from relight.journal import Journal
from relight.ledger import Ledger
from relight.model import Call, Incident
from relight.notify import Notifier
from relight.policy import controls_of
from relight.posture import Count, Counts
from relight.progress import Progress
from relight.resources import account, alarm, bucket, key, log_group, recorder, trail, vpc
from relight.resources.kind import Kind
from relight.standard import Standard, load
from relight.survey import SOURCE

# The source of the events that EventBridge Scheduler makes.
SCHEDULER = "aws.scheduler"
KINDS: tuple[Kind, ...] = (trail, vpc, bucket, key, recorder, alarm, account, log_group)
# So few that a family function is done well within its timeout; VPCs are read hundreds at a time, and repaired so.
BATCH = 50
BATCHES = {vpc.KIND: vpc.VPCS}
# After so many batches the progress is noted: a crash costs no more than these.
NOTED_EVERY = 10
# A family function that was started may take its two minutes; then there is still something to note.
MARGIN = timedelta(seconds=150)


@dataclass(frozen=True, slots=True)
class Desk:
    """What a sweep works with; made once, when the function starts."""

    standard: Standard
    aws: Aws
    ledger: Ledger
    journal: Journal
    notifier: Notifier
    clock: Clock


def handler_for_sweep() -> Callable[[Any, Any], dict[str, Any]]:
    """The Lambda handler of the sweep. Raises InvalidSetting where a family's function is not set."""
    standard = load()
    if standard.families.keys() != {kind.KIND for kind in KINDS}:
        named = sorted(standard.families)
        raise InvalidSetting(
            f"environment variable RELIGHT_FAMILIES names {named}; allowed: {[kind.KIND for kind in KINDS]}"
        )
    aws = Aws.of(standard)
    desk = Desk(
        standard=standard,
        aws=aws,
        ledger=Ledger(aws, standard.ledger, standard.incident_days),
        journal=Journal(aws, standard.ledger, standard.incident_days),
        notifier=Notifier(aws, standard.topic),
        clock=Clock(),
    )

    def handle(event: Any, context: Any) -> dict[str, Any]:
        telemetry.logger.clear_state()
        progress = _begun(desk, event, context.aws_request_id)
        left = timedelta(milliseconds=context.get_remaining_time_in_millis())
        until = desk.clock.now() + left - MARGIN
        if progress.phase != "done" and not sweep(desk, progress, until):
            _go_on_later(desk, progress, context.function_name)
        return {"sweep": progress.sweep, "phase": progress.phase, "looked_at": progress.looked_at}

    return handle


def _begun(desk: Desk, event: Any, request_id: str) -> Progress:
    """The sweep that an event asks for, as far as it has come: a retry, and whoever goes on, has the same id.

    What could not be looked at is looked at again by the retry.
    """
    asked = event if isinstance(event, Mapping) else {}
    sweep_id = str(asked.get("sweep") or asked.get("id") or request_id)
    full = bool(asked.get("full")) if "sweep" in asked else asked.get("source") != SCHEDULER
    noted = desk.journal.progress(sweep_id)
    if noted is None:
        return Progress(sweep_id, full)
    progress = Progress(**noted)
    failed = list(progress.parts.get("failed", {}).get("first", ()))
    return Progress(sweep_id, known=failed) if progress.phase == "done" and failed else progress


def sweep(desk: Desk, progress: Progress, until: datetime) -> bool:
    """Goes on with a sweep; False where it stopped for lack of time. Raises RelightError where a part failed."""
    if progress.phase == "look" and not _look(desk, progress, until):
        return False
    progress.phase = "repair"
    if not _repair(desk, progress, until):
        return False
    _tell(desk, progress)
    progress.phase = "done"
    _note(desk, progress)
    failed = progress.parts.get("failed", {}).get("first")
    if failed:
        raise RelightError("the sweep could not look at everything: " + json.dumps(failed))
    return True


def _go_on_later(desk: Desk, progress: Progress, function: str) -> None:
    """Another invocation takes over."""
    _note(desk, progress)
    payload = {"source": SOURCE, "sweep": progress.sweep, "full": progress.full}
    params = {"FunctionName": function, "InvocationType": "Event", "Payload": json.dumps(payload).encode()}
    desk.aws.home.send(Call("lambda", "Invoke", params))
    telemetry.logger.info("goes on later", extra={"sweep": progress.sweep, "looked_at": progress.looked_at})


def _note(desk: Desk, progress: Progress) -> None:
    desk.journal.note(progress.sweep, progress.as_data(), desk.clock.now())


# -------------------------------------------------------------------------------------------------------- looking


def _look(desk: Desk, progress: Progress, until: datetime) -> bool:
    while progress.kind < len(KINDS):
        kind = KINDS[progress.kind]
        try:
            names = islice(_names(desk, kind), progress.done, None)
            for number, batch in enumerate(_batches(names, kind), 1):
                if desk.clock.now() >= until:
                    return False
                request = {"names": batch, "full": progress.full}
                report = _handed(desk, progress, kind, request)
                progress.add(report)
                progress.enqueue(report.get("repairable", {}), desk.standard.sweep_cap)
                progress.done += len(batch)
                if not number % NOTED_EVERY:
                    _note(desk, progress)
        except RelightError as error:
            progress.note("failed", {f"list of {kind.KIND}s": str(error)})
            progress.add({"counts": _unknown(kind, 1)})
        progress.kind, progress.done = progress.kind + 1, 0
    return True


def _names(desk: Desk, kind: Kind) -> Iterator[str]:
    """All that there is of a kind; and, where a control is about that it exists, all that there was."""
    place = desk.aws.home
    seen = set()
    if not any(control.absent for control in controls_of(kind.KIND)):
        yield from kind.list_names(place)
        return

    def arn(name: str) -> str:
        return kind.arn(desk.standard.partition, place.account, place.region, name)

    for name in kind.list_names(place):
        seen.add(arn(name))
        yield name
    for known in desk.ledger.arns(kind.KIND, place.account, arn("")):
        if known not in seen:
            yield known.removeprefix(arn(""))


def _batches(names: Iterator[str], kind: Kind) -> Iterator[list[str]]:
    while batch := list(islice(names, BATCHES.get(kind.KIND, BATCH))):
        yield batch


def _unknown(kind: Kind, count: int) -> dict[str, list[int]]:
    return {control.id: Count(unknown=count).as_list() for control in controls_of(kind.KIND)}


def _handed(desk: Desk, progress: Progress, kind: Kind, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """A family function's report. Where it failed, that is all there is to report."""
    place, function = desk.aws.home, desk.standard.families[kind.KIND]
    whole = {"source": SOURCE, "kind": kind.KIND, "account": place.account, "region": place.region, **request}
    params = {
        "FunctionName": function,
        "InvocationType": "RequestResponse",
        "Payload": json.dumps(whole).encode(),
    }
    try:
        answer = place.send(Call("lambda", "Invoke", params))
        report = json.loads(body(answer, "Payload"))
        if isinstance(report, dict) and not answer.get("FunctionError"):
            return report
        why = str(report)
    except (RelightError, ValueError) as error:
        why = str(error)
    names = request["names"]
    counts = _unknown(kind, len(names)) if progress.phase == "look" else {}
    return {"counts": counts, "failed": {f"{function} ({names[0]} …)": why}}


# ------------------------------------------------------------------------------------------------------ repairing


def _repair(desk: Desk, progress: Progress, until: datetime) -> bool:
    while progress.queue:
        if desk.clock.now() >= until:
            return False
        rank, place, _ = progress.queue[0]
        kind = KINDS[place]
        alike = takewhile(lambda entry: (entry[0], entry[1]) == (rank, place), progress.queue)  # noqa: B023
        batch = list(islice(alike, BATCHES.get(kind.KIND, BATCH)))
        request = {"names": [name for _, _, name in batch], "sweep": progress.sweep}
        report = _handed(desk, progress, kind, request)
        progress.add(report)
        del progress.queue[: len(batch)]
        late = [entry for entry in batch if entry[2] in report.get("left", ())]
        if len(late) < len(batch):
            progress.queue[:0] = late
        else:  # not one of them within a function's time
            for entry in late:
                progress.leave(entry)
        _note(desk, progress)
    return True


# -------------------------------------------------------------------------------------------------------- telling


def _tell(desk: Desk, progress: Progress) -> None:
    """One message, if there is anything to say; the posture is entered in any case."""
    now = desk.clock.now()
    incidents = desk.ledger.untold(progress.sweep)
    after = progress.after
    if _is_worth_telling(progress, incidents) or _violated(after) != _violated(_before(desk)):
        desk.notifier.send(digest(progress, incidents, desk.standard.account, desk.standard.region))
    desk.ledger.note_all(progress.sweep, incidents, now, told=True)
    desk.journal.enter(after, now)
    telemetry.swept(after, incidents)


def _before(desk: Desk) -> Counts:
    """The posture that the sweep before this one left; empty where there was none."""
    last = desk.journal.history(1)
    return last[0][1] if last else {}


def _violated(counts: Counts) -> dict[str, int]:
    return {name: each.violated for name, each in counts.items() if each.violated}


def _is_worth_telling(progress: Progress, incidents: Sequence[Incident]) -> bool:
    failed = list(progress.parts.get("failed", {}).get("first", ()))
    news = any(progress.count(part) for part in ("kept", "weaker", "repaired", "unrepaired"))
    return progress.full or news or bool(incidents) or bool(progress.over) or failed != progress.known
