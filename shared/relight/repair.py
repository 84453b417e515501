"""Apply and verify: sends the planned calls, then looks until they show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from relight.aws import Place
from relight.case import Case
from relight.errors import AwsError
from relight.model import Call, Finding, Observed, Outcome

# Seconds before each further look: reads may lag behind writes, and behind the creation of a resource.
BACKOFF = (1, 2, 4, 8)

Findings = tuple[Finding, ...]


def repair(case: Case, observed: Observed[Any], findings: Findings) -> tuple[Observed[Any], Findings, list[Call], str]:
    """Repairs whatever failed so far, each control once; what else drifts meanwhile is repaired in the next round.

    Returns the last look, how each finding ended, the calls that were sent, and what AWS refused. Raises AwsError
    where it cannot look.
    """
    place = case.run.aws.at(observed.resource.account, observed.resource.region)
    sent: list[Call] = []
    errors: list[AwsError] = []
    tried: set[str] = set()
    while todo := _failed(findings) - tried:
        calls = case.plan(observed, [f for f in findings if f.control in todo], Outcome.FAILED)
        sent += _send(place, calls, errors)
        tried |= todo
        forbidden = len(errors) == len(sent) and all(error.forbidden for error in errors)
        pauses = (0,) if forbidden else (*BACKOFF, 0)
        observed, findings = _verified(case, observed, findings, tried, pauses)
    forbidden_calls = {error.operation: str(error) for error in errors if error.forbidden}
    findings = tuple(_told_if_forbidden(case, observed, f, forbidden_calls) for f in findings)
    return observed, findings, sent, "; ".join(map(str, errors))


def _told_if_forbidden(case: Case, observed: Observed[Any], finding: Finding, forbidden: Mapping[str, str]) -> Finding:
    """What the organisation forbids to repair is told once a day, for no retry changes it."""
    calls = case.plan(observed, [finding], Outcome.FAILED) if forbidden else ()
    refusals = [forbidden.get(f"{call.service}:{call.operation}") for call in calls]
    if not refusals or not all(refusals):
        return finding
    return replace(finding, outcome=Outcome.OUT_OF_REACH, note="; ".join(filter(None, refusals)))


def _failed(findings: Iterable[Finding]) -> set[str]:
    return {f.control for f in findings if f.outcome is Outcome.FAILED}


def _send(place: Place, calls: Iterable[Call], errors: list[AwsError]) -> list[Call]:
    """Sends every call, whatever became of the one before, and a refused call's substitutes; notes the refusals."""
    sent = []
    for call in calls:
        sent.append(call)
        try:
            place.send(call)
        except AwsError as error:
            errors.append(error)
            sent += _send(place, call.instead, errors)
    return sent


def _verified(
    case: Case, observed: Observed[Any], before: Findings, tried: set[str], pauses: tuple[int, ...]
) -> tuple[Observed[Any], Findings]:
    """Looks again until what was tried shows, or the pauses are used up; the last look, and how each finding ended."""
    for pause in pauses:
        observed = case.look(observed)
        now = {f.control: f for f in case.judge(observed)}
        if not pause or not _failed(now.values()) & tried:
            break
        case.run.clock.sleep(pause)
    ended = tuple(_ended(f, now.pop(f.control, None)) for f in before)
    return observed, ended + tuple(now.values())  # of what was made again, every control speaks for the first time


def _ended(before: Finding, now: Finding | None) -> Finding:
    if now is None:
        return replace(before, outcome=Outcome.GONE)
    if now.outcome is Outcome.COMPLIANT and before.outcome in (Outcome.FAILED, Outcome.REPAIRED):
        return replace(before, outcome=Outcome.REPAIRED)
    return now
