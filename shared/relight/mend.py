"""The family functions' second half of the sweep: many resources that no event named are repaired at once.

Nobody is told here. What was done is noted in the ledger under the sweep's id, and the sweep tells it in one message.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from relight import outbox
from relight.case import Case, Runtime
from relight.errors import AwsError
from relight.model import MET, Actor, Finding, Incident, Outcome, Scope
from relight.posture import Count, added, counted
from relight.reconcile import advance, ended, incident, known, one_by_one
from relight.record import unprompted
from relight.repair import Attempt, repair
from relight.resources.kind import Kind

SWEEP = Actor(invoked_by="Relight's sweep, which saw no call")
REPORTED = ("repaired", "unrepaired", "weaker", "kept")


def mend(run: Runtime, kind: Kind, scope: Scope, sweep: str, until: datetime | None = None) -> dict[str, Any]:
    """Repairs whatever the modes let it of the resources in a scope; at `until` no further call is sent.

    Returns ``counts`` (control → how the posture's four numbers change); ``left`` (names, for lack of time); ``failed``
    (name → why it could not be read); ``repaired`` (ARN → controls); ``unrepaired`` (ARN → why); ``weaker`` (ARN → what
    still is, and was not to be repaired); ``kept`` (ARN → controls of the new baseline). Raises RelightError.
    """
    record = unprompted(sweep, "ScheduledSweep", SWEEP, scope, run.clock.now())
    baselines = known(run, kind, scope)
    attempts: list[Attempt] = []
    fine: list[Attempt] = []
    unread: dict[str, AwsError] = {}
    for observed in one_by_one(run, kind, scope, baselines, unread):
        case = Case(run, kind, record, scope, sweep, baselines.get(observed.resource.arn), {})
        attempt = Attempt(case, observed, case.judge(observed))
        (attempts if attempt.failed else fine).append(attempt)
    before = added(*(counted(each.findings) for each in attempts))
    intended = [incident(each.case, each.observed, each.findings) for each in attempts]
    noted = run.ledger.open_all(sweep, intended, run.clock.now())
    if attempts:
        repair(attempts, until)
    done = [bool(each.sent) or until is None or run.clock.now() < until for each in attempts]
    ends = [
        _end(each, start, earlier)
        for each, start, earlier, is_done in zip(attempts, intended, noted, done, strict=True)
        if is_done
    ]
    for each in ends:
        outbox.count_as_told_today(run, each)
    run.ledger.note_all(sweep, ends + _unfinished(run, sweep, fine), run.clock.now())
    attempted = [each for each, is_done in zip(attempts, done, strict=True) if is_done]
    after = added(*(counted(each.findings) for each in attempts))
    return {
        "kind": kind.KIND,
        "looked_at": 0,  # it was looked at before
        "counts": {name: _change(before[name], after.get(name, Count())) for name in before},
        "left": [each.observed.resource.name for each, is_done in zip(attempts, done, strict=True) if not is_done],
        "failed": {name: str(error) for name, error in unread.items()},
        **_reported(run, attempted),
    }


def _end(attempt: Attempt, intended: Incident, earlier: Incident | None) -> Incident:
    fresh = ended(intended, attempt)
    return outbox.merged(earlier, fresh, attempt.findings) if earlier else fresh


def _unfinished(run: Runtime, sweep: str, fine: list[Attempt]) -> list[Incident]:
    """What an attempt of this sweep repaired before it was cut off, so that nobody has noted how it ended."""
    if not fine:
        return []
    noted = {each.resource.arn: each for each in run.ledger.noted(sweep).unfinished}
    found = ((noted.get(each.observed.resource.arn), each.findings) for each in fine)
    return [outbox.merged(each, replace(each, findings=()), findings) for each, findings in found if each]


def _change(before: Count, after: Count) -> list[int]:
    return [new - old for new, old in zip(after.as_list(), before.as_list(), strict=True)]


def _reported(run: Runtime, attempts: list[Attempt]) -> dict[str, Any]:
    report: dict[str, Any] = {part: {} for part in REPORTED}
    new = []
    for each in attempts:
        arn = each.observed.resource.arn
        wanting = [f for f in each.findings if f.outcome not in MET and f.control in each.tried]
        parts = {
            "repaired": [f.control for f in each.findings if f.outcome is Outcome.REPAIRED],
            "unrepaired": _why(each, wanting),
            "weaker": _weaker(each),
        }
        for part, value in parts.items():
            if value:
                report[part][arn] = value
        if baseline := advance(run, each.case.kind, each.observed, each.findings, each.case.baseline):
            new.append((each.observed.resource, baseline))
    written = run.ledger.keep_all(new)
    kept = [pair for pair, is_kept in zip(new, written, strict=True) if is_kept]
    report["kept"] = {resource.arn: sorted(baseline.controls) for resource, baseline in kept}
    return report


def _why(attempt: Attempt, wanting: list[Finding]) -> str:
    said = "; ".join(f"{f.control} {f.outcome}{f': {f.note}' if f.note else ''}" for f in wanting)
    return f"{said}{f' ({attempt.error})' if attempt.error else ''}" if said else ""


def _weaker(attempt: Attempt) -> list[str]:
    case, state = attempt.case, attempt.observed.state
    if case.baseline is None or state is None:
        return []
    return [drift.field for drift in case.kind.weaker(case.baseline.state, state, case.run.standard)]
