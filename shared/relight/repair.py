"""Apply and verify: sends the planned calls, one for several resources where it can, then looks until they show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from relight.aws import Place
from relight.case import Case, look_again
from relight.errors import AwsError, PartlyFailed
from relight.model import Call, Finding, Observed, Outcome

# Seconds before each further look: reads may lag behind writes, and behind the creation of a resource.
BACKOFF = (1, 2, 4, 8)
# After so many calls in a row there is a pause before each: EC2 refills what changes something by five a second
# (https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html), and CloudWatch Logs takes some ten.
BURST = 50
PACE = 0.2

Findings = tuple[Finding, ...]


@dataclass(slots=True)
class Attempt:
    """One resource under repair: the last look at it, how each finding stands, what was sent, and what AWS refused."""

    case: Case
    observed: Observed[Any]
    findings: Findings
    sent: list[Call] = field(default_factory=list)
    errors: list[AwsError] = field(default_factory=list)
    tried: set[str] = field(default_factory=set)

    @property
    def failed(self) -> set[str]:
        """The controls that are still to be repaired."""
        return {f.control for f in self.findings if f.outcome is Outcome.FAILED}

    @property
    def error(self) -> str:
        """What AWS refused, as a text."""
        return "; ".join(map(str, self.errors))

    @property
    def is_refused(self) -> bool:
        """Whether AWS refused every call: looking again shows nothing else."""
        return len(self.errors) == len(self.sent) and all(error.refused for error in self.errors)

    def plan(self) -> tuple[Call, ...]:
        """The calls for what was not tried yet."""
        todo = self.failed - self.tried
        self.tried |= todo
        return self.case.plan(self.observed, [f for f in self.findings if f.control in todo], Outcome.FAILED)


def repair(attempts: Sequence[Attempt], until: datetime | None = None) -> None:
    """Repairs whatever failed so far, each control once; what else drifts meanwhile is repaired in the next round.

    The attempts are of one run, kind, account and Region. At `until` no further call is sent. Raises AwsError where it
    cannot look.
    """
    while todo := [each for each in attempts if each.failed - each.tried]:
        _send(todo, until)
        _verify(todo)
    for each in attempts:
        forbidden = {error.operation: str(error) for error in each.errors if error.forbidden}
        each.findings = tuple(_told_if_forbidden(each, f, forbidden) for f in each.findings)


def _told_if_forbidden(attempt: Attempt, finding: Finding, forbidden: Mapping[str, str]) -> Finding:
    """What the organisation forbids to repair is told once a day, for no retry changes it."""
    calls = attempt.case.plan(attempt.observed, [finding], Outcome.FAILED) if forbidden else ()
    refusals = [forbidden.get(f"{call.service}:{call.operation}") for call in calls]
    if not refusals or not all(refusals):
        return finding
    return replace(finding, outcome=Outcome.OUT_OF_REACH, note="; ".join(filter(None, refusals)))


def _send(attempts: Sequence[Attempt], until: datetime | None) -> None:
    """Sends every call, whatever became of the one before, and a refused call's substitutes; notes the refusals."""
    run, resource = attempts[0].case.run, attempts[0].observed.resource
    place = run.aws.at(resource.account, resource.region)
    for number, (call, served) in enumerate(_merged(attempts)):
        if until and run.clock.now() >= until:
            return
        if number >= BURST:
            run.clock.sleep(PACE)
        failed = _sent(place, call)
        for attempt, own in served:
            attempt.sent.append(own)
            error = failed.get(attempt.observed.resource.name) or failed.get("")
            if error:
                attempt.errors.append(error)
                _send_instead(place, attempt, own)


def _send_instead(place: Place, attempt: Attempt, refused: Call) -> None:
    for call in refused.instead:
        attempt.sent.append(call)
        if failed := _sent(place, call):
            attempt.errors += failed.values()
            _send_instead(place, attempt, call)


def _sent(place: Place, call: Call) -> Mapping[str, AwsError]:
    """What became of a call: the errors by the resource's id, or one under an empty id where all of it failed."""
    try:
        place.send(call)
    except PartlyFailed as error:
        return error.failed
    except AwsError as error:
        return {"": error}
    return {}


Served = list[tuple[Attempt, Call]]


def _merged(attempts: Iterable[Attempt]) -> Iterator[tuple[Call, Served]]:
    """The calls to send, each with the attempts that it serves and what each of them planned.

    What serves one resource goes first, in order; then those that differ in nothing but the resources that they list.
    """
    planned = [(attempt, call) for attempt in attempts for call in attempt.plan()]
    yield from ((call, [(attempt, call)]) for attempt, call in planned if not call.several)
    alike = sorted(((_but_resources(call), attempt, call) for attempt, call in planned if call.several), key=_first)
    for _, group in groupby(alike, key=_first):
        served = [(attempt, call) for _, attempt, call in group]
        most = served[0][1].most
        for start in range(0, len(served), most):
            yield _for_all(served[start : start + most])


def _first(alike: tuple[str, Attempt, Call]) -> str:
    return alike[0]


def _but_resources(call: Call) -> str:
    """A call without the resources that it lists: calls that are alike in this can be one."""
    return str(replace(call, params={**call.params, call.several: []}))


def _for_all(served: Served) -> tuple[Call, Served]:
    first = served[0][1]
    resources = [each for _, call in served for each in call.params[first.several]]
    return replace(first, params={**first.params, first.several: resources}), served


def _verify(attempts: Sequence[Attempt]) -> None:
    """Looks again until what was tried shows, or the pauses are used up; notes how each finding ended."""
    waiting = list(attempts)
    before = {id(each): each.findings for each in attempts}
    for pause in (*BACKOFF, 0):
        _look(waiting, before)
        waiting = [each for each in waiting if each.failed & each.tried and not each.is_refused]
        if not waiting or not pause:
            return
        waiting[0].case.run.clock.sleep(pause)


def _look(attempts: Sequence[Attempt], before: Mapping[int, Findings]) -> None:
    seen = look_again([(each.case, each.observed) for each in attempts])
    for attempt, observed in zip(attempts, seen, strict=True):
        attempt.observed = observed
        now = {f.control: f for f in attempt.case.judge(attempt.observed)}
        ended = tuple(_ended(f, now.pop(f.control, None)) for f in before[id(attempt)])
        # Of what was made again, every control speaks for the first time.
        attempt.findings = ended + tuple(now.values())


def _ended(before: Finding, now: Finding | None) -> Finding:
    if now is None:
        return replace(before, outcome=Outcome.GONE)
    if now.outcome is Outcome.COMPLIANT and before.outcome in (Outcome.FAILED, Outcome.REPAIRED):
        return replace(before, outcome=Outcome.REPAIRED)
    return now
