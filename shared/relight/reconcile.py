"""The loop: locate, observe, judge, plan, apply, verify, tell. The only place that knows the order of the steps.

It is level-triggered: whatever the record says, the live state alone decides what is repaired, so running it twice,
late or out of order is safe. Where something could not be read or repaired it raises in the end, after all the rest
was done: Lambda retries, then dead-letters, then an alarm rings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from relight import outbox
from relight.case import Case, Runtime, look_again
from relight.errors import AwsError, MalformedRecord, RelightError, RepairFailed, RoleDenied
from relight.fallback import FallbackLedger
from relight.ledger import LARGEST_STATE, fits
from relight.model import (
    MET,
    Baseline,
    Cause,
    Drift,
    Finding,
    Incident,
    Mode,
    Observed,
    Outcome,
    Resource,
    Scope,
    Severity,
)
from relight.policy import CONTROLS
from relight.policy.state import among, is_whole, written
from relight.record import Record
from relight.repair import BACKOFF, Attempt, repair
from relight.resources.kind import Kind

TOO_LARGE = (
    "A baseline may have 400 KB. Until the configuration is smaller, Relight puts back the earlier baseline, or what "
    "the standard demands."
)
# So long after a call, reads may still show what was there before it.
LAG = timedelta(seconds=30)
# Bytes: a log group's name has up to 512, and its ARN some 80 more. The ledger's keys take 1,024.
LONGEST_NAME = 768
IN_DOUBT = (Outcome.UNKNOWN, Outcome.OUT_OF_REACH)


def reconcile(run: Runtime, kind: Kind, record: Record, teller: str, scope: Scope | None = None) -> None:
    """Brings everything that a record concerns into order, or what `scope` names where no record says where to look.

    Raises RelightError, or a group of them.
    """
    _require_time(run, f"{record.name} {record.event_id}")
    run = replace(run, ledger=FallbackLedger(run.ledger))
    scope = scope or kind.locate(record)
    baselines = Awaited(run.aws.later(reading(run, kind, scope)))
    failures: list[RelightError] = []
    repaired = 0
    unread: dict[str, AwsError] = {}
    doubtful = run.clock.now() - record.time < LAG  # a retry's or a late event's looks are not
    for observed in _observe(run, kind, scope, baselines, unread, created=record.name in kind.CREATES):
        baseline = baselines.get(observed.resource.arn)
        taken = {} if run.standard.is_own(record.actor) else _taken(run, kind, record, observed, baseline)
        case = Case(run, kind, record, scope, teller, baseline, taken)
        try:
            _require_time(run, observed.resource.arn)
            if repaired == run.standard.repair_cap:
                raise RepairFailed(f"{observed.resource.arn}: left to the retry after {repaired} repairs")
            repaired += settle(case, observed, doubtful=doubtful)
        except RelightError as failure:
            failures.append(failure)
    failures += unread.values()
    baselines.wait()  # by now they are there, or lost
    if run.ledger.lost:
        failures.append(run.ledger.lost)
    if failures:
        raise failures[0] if len(failures) == 1 else ExceptionGroup("several resources", failures)


def _require_time(run: Runtime, what: str) -> None:
    """Raises RepairFailed near the function's end: a clear word, where to be killed would be none."""
    if run.clock.time_is_up:
        raise RepairFailed(f"{what}: left to the retry: the function's time is up")


def known(run: Runtime, kind: Kind, scope: Scope) -> dict[str, Baseline[Any]]:
    """The baselines that bear on a scope, by ARN: those of its few resources, or the whole Region's.

    Raises RelightError where the scope is another account's, MalformedRecord where a name can be none of AWS's.
    """
    return reading(run, kind, scope)()


def reading(run: Runtime, kind: Kind, scope: Scope) -> Callable[[], dict[str, Baseline[Any]]]:
    """What `known` reads, to be begun by the caller. Raises as it does, at once."""
    run.aws.at(scope.account, scope.region)
    _check_names(kind, scope)

    def arn(name: str) -> str:
        return kind.arn(run.standard.partition, scope.account, scope.region, name)

    if scope.parts:
        return partial(run.ledger.baselines_under, kind.KIND, scope.account, arn(""), kind.revive)
    return partial(run.ledger.baselines, kind.KIND, scope.account, [arn(name) for name in scope.names], kind.revive)


class Awaited(Mapping[str, Baseline[Any]]):
    """Baselines that are under way while the resources are looked at: whoever needs them first waits for them."""

    def __init__(self, wait: Callable[[], Mapping[str, Baseline[Any]]]) -> None:
        self.wait = wait

    def __getitem__(self, arn: str) -> Baseline[Any]:
        return self.wait()[arn]

    def __iter__(self) -> Iterator[str]:
        return iter(self.wait())

    def __len__(self) -> int:
        return len(self.wait())


def _check_names(kind: Kind, scope: Scope) -> None:
    """Names are keys of the ledger and parameters of calls. Parts may hold whatever AWS lets people call things."""
    for name in scope.names:
        cut_off = name.startswith("arn:") and name.count(":") < 5
        if cut_off or not name.isprintable() or len(name.encode()) > LONGEST_NAME:
            raise MalformedRecord(f"{kind.KIND} {name!r:.80}: nothing in AWS has such a name")
    if any("\ud800" <= char <= "\udfff" for part in scope.parts for char in part):
        raise MalformedRecord(
            f"{kind.KIND} part {scope.parts!r:.80}: not to be encoded, so nothing in AWS has such a name"
        )


def _observe(
    run: Runtime,
    kind: Kind,
    scope: Scope,
    baselines: Mapping[str, Baseline[Any]],
    unread: dict[str, AwsError],
    *,
    created: bool,
) -> list[Observed[Any]]:
    """The live state. What was created a moment ago may not be visible yet, and gets some seconds."""
    for pause in (*BACKOFF[:3], 0):
        unread.clear()
        seen = list(one_by_one(run, kind, scope, baselines, unread))
        if not created or not pause or all(o.state or o.out_of_reach for o in seen):
            break
        run.clock.sleep(pause)
    return seen


def one_by_one(
    run: Runtime, kind: Kind, scope: Scope, baselines: Mapping[str, Baseline[Any]], unread: dict[str, AwsError]
) -> Iterator[Observed[Any]]:
    """Observes all at once; where one cannot be read, one by one, so that it does not hide the others.

    What the organisation forbids to read is out of reach; of an account that does not let its role be assumed
    everything is, be it named or not. What could not be read for another reason is in `unread` then, by name. Raises
    AwsError where not all of the scope is named.
    """
    try:
        yield from list(kind.observe(run.aws, scope, baselines, run.standard))
    except RoleDenied as error:
        for name in scope.names or ("",):
            yield _out_of_reach(run, kind, scope, name, error)
    except AwsError as error:
        if not scope.names or (scope.parts and not error.forbidden):
            raise
        if len(scope.names) > 1:
            for name in scope.names:
                yield from one_by_one(run, kind, replace(scope, names=(name,), parts=()), baselines, unread)
        elif error.forbidden:
            yield _out_of_reach(run, kind, scope, scope.names[0], error)
        else:
            unread[scope.names[0]] = error


def _out_of_reach(run: Runtime, kind: Kind, scope: Scope, name: str, error: AwsError) -> Observed[Any]:
    """A resource; without a name, whichever of its kind the record concerns."""
    arn = kind.arn(run.standard.partition, scope.account, scope.region, name)
    shown = name or f"of {scope.account} in {scope.region}"
    return Observed(Resource(kind.KIND, shown, arn, scope.account, scope.region), None, str(error))


def settle(case: Case, observed: Observed[Any], *, doubtful: bool) -> bool:
    """Judges, repairs, tells and keeps one resource; True where a repair was sent.

    `doubtful`: the look may be older than the record's call.
    Raises RepairFailed where a control could not be judged or was not seen repaired, after telling so.
    """
    ledger, event_id = case.run.ledger, case.record.event_id
    observed, findings = _first_look(case, observed, BACKOFF[:2] if doubtful else ())
    found = incident(case, observed, findings)
    repairs = bool(found.calls)
    if repairs:
        entry = ledger.open(event_id, found, case.run.clock.now())
        attempt = Attempt(case, observed, findings)
        repair([attempt])
        observed, findings = attempt.observed, attempt.findings
        found = ended(found, attempt)
    else:
        entry = ledger.find(event_id, observed.resource.arn)
    changed = _changed(case, observed, findings)
    found = replace(found, findings=found.findings + changed + too_large(case.kind, observed))
    if entry:
        found = outbox.merged(entry, found, findings)
    if found.findings:
        outbox.tell(case.run, found, case.teller)
    if baseline := advance(case.run, case.kind, observed, findings, case.baseline):
        ledger.keep(observed.resource, baseline)
    _raise_unsettled(observed, findings, found.error)
    return repairs


def _first_look(
    case: Case, observed: Observed[Any], pauses: Iterable[float]
) -> tuple[Observed[Any], tuple[Finding, ...]]:
    """Judges; where the record took away what is there, it looks again after each pause."""
    for pause in (*pauses, 0):
        findings = case.judge(observed)
        doubtful = any(f.cause is Cause.TAKEN and f.outcome is Outcome.COMPLIANT for f in findings)
        if not doubtful or not pause:
            break
        case.run.clock.sleep(pause)
        (observed,) = look_again([(case, observed)])
    return observed, findings


def incident(case: Case, observed: Observed[Any], findings: tuple[Finding, ...]) -> Incident:
    """What there is to tell before anything is done."""
    return Incident(
        event_id=case.record.event_id,
        event_name=case.record.name,
        event_source=case.record.source,
        event_time=case.record.time,
        actor=case.record.actor,
        resource=observed.resource,
        findings=_worth_telling(findings),
        calls=tuple(map(str, case.plan(observed, findings, Outcome.FAILED))),
        would_call=tuple(map(str, case.plan(observed, findings, Outcome.OBSERVED))),
    )


def ended(found: Incident, attempt: Attempt) -> Incident:
    """The incident after the attempt to repair what it tells."""
    case, findings = attempt.case, attempt.findings
    return replace(
        found,
        findings=_worth_telling(findings),
        calls=tuple(map(str, attempt.sent)),
        error=attempt.error,
        dark_seconds=outbox.dark_seconds(findings, case.record.time, case.run.clock.now()),
    )


def _taken(
    run: Runtime, kind: Kind, record: Record, observed: Observed[Any], baseline: Baseline[Any] | None
) -> Mapping[str, str]:
    """What the record takes away: whom a change shuts out, also what no baseline holds tells, as of just now."""
    if baseline and observed.state is not None:
        baseline = replace(baseline, state=among(baseline.state, observed.state))
    return kind.taken(record, baseline, run.standard)


def _worth_telling(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Whatever is not compliant, and what was taken away even if it is back by now."""
    return tuple(f for f in findings if f.cause is Cause.TAKEN or f.outcome is not Outcome.COMPLIANT)


def _changed(case: Case, observed: Observed[Any], findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """A finding for what is compliant, but weaker or elsewhere than the baseline, or was led elsewhere and back."""
    if case.baseline is None or observed.state is None:
        return ()
    control = f"{case.kind.KIND}.baseline"
    drifted = {d.field for f in findings if f.outcome is not Outcome.REPAIRED for d in f.drifts}
    weaker = case.kind.weaker(case.baseline.state, observed.state, case.run.standard)
    drifts = tuple(d for d in weaker if d.field not in drifted)
    told_anyway = control not in case.taken or any(f.cause is Cause.TAKEN for f in findings)
    if not drifts and told_anyway:
        return ()
    return (
        Finding(
            control=control,
            title="The configuration is as strong as its baseline, and in the same place",
            severity=Severity.HIGH,
            references="",
            mode=Mode.OBSERVE,
            outcome=Outcome.CHANGED if drifts else Outcome.COMPLIANT,
            cause=Cause.TAKEN if control in case.taken else Cause.FOUND,
            drifts=drifts,
            note="It is compliant, so it was left alone. The earlier state stays the baseline until `relight accept`."
            if drifts
            else "",
        ),
    )


def too_large(kind: Kind, observed: Observed[Any]) -> tuple[Finding, ...]:
    """A finding for a state that no baseline can hold: what it is now, Relight could not put back."""
    if observed.state is None or fits(observed.state):
        return ()
    size = Drift("Size", found=len(written(observed.state)), wanted=LARGEST_STATE, manual=TOO_LARGE)
    return (
        Finding(
            control=f"{kind.KIND}.size",
            title="The configuration is small enough to be kept as a baseline",
            severity=Severity.MEDIUM,
            references="",
            mode=Mode.OBSERVE,
            outcome=Outcome.OBSERVED,
            cause=Cause.FOUND,
            drifts=(size,),
        ),
    )


def advance(
    run: Runtime, kind: Kind, observed: Observed[Any], findings: Iterable[Finding], baseline: Baseline[Any] | None
) -> Baseline[Any] | None:
    """The baseline that the state makes, if it is no weaker than the present one, and not the same.

    A resource that meets no control is kept too: it is then known never to have had it.
    """
    met = frozenset(f.control for f in findings if f.outcome in MET)
    doubtful = any(f.outcome in IN_DOUBT or (f.cause is Cause.TAKEN and f.control not in met) for f in findings)
    if observed.state is None or doubtful or not is_whole(observed.state) or not fits(observed.state):
        return None
    if baseline:
        # What is met is found to be; so what is exempt or off, and not among the findings, is lost as well.
        # A control that this version has not, or that has nothing to do with it, was not judged, and not lost either.
        wanting = (CONTROLS[each] for each in (baseline.controls - met) & CONTROLS.keys())
        lost = any(each.concerns(baseline.state) and each.concerns(observed.state) for each in wanting)
        if lost or kind.weaker(baseline.state, observed.state, run.standard):
            return None
        met |= baseline.controls - CONTROLS.keys()
        if (observed.state, met) == (baseline.state, baseline.controls):
            return None
    since, revision = (baseline.since, baseline.revision) if baseline else (run.clock.now(), 0)
    return Baseline(observed.state, met, since, revision)


def _raise_unsettled(observed: Observed[Any], findings: Iterable[Finding], error: str) -> None:
    unsettled = [f for f in findings if f.outcome in (Outcome.FAILED, Outcome.UNKNOWN)]
    if unsettled:
        what = "; ".join(f"{f.control} {f.outcome}: {f.note or error or 'the repair did not show'}" for f in unsettled)
        raise RepairFailed(f"{observed.resource.arn}: {what}")
