"""The family functions' half of the sweep: observe what it names, and keep baselines. Nothing is repaired here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from relight import telemetry
from relight.case import Runtime
from relight.errors import AwsError, MalformedRecord
from relight.model import MET, Baseline, Observed, Outcome, Scope
from relight.policy import judge
from relight.policy.exemption import exempt
from relight.policy.state import lasting, written
from relight.reconcile import keep, known, reachable, too_large
from relight.resources.kind import Kind

SOURCE = "relight.sweep"
# Bytes of a state's JSON: a batch of fifty fits into the 6 MB that Lambda answers with
# (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
LARGEST_SHOWN = 50_000
PARTS = ("baselines", "kept", "weaker", "drifted", "exempt", "out_of_reach", "failed")


def survey(run: Runtime, kinds: Iterable[Kind], request: Mapping[str, Any]) -> dict[str, Any]:
    """Judges the resources that the sweep names and keeps the baselines of those that are no weaker.

    Returns ``kind``; ``looked_at`` (how many); ``baselines`` (ARN → controls and state, of all that there are now);
    ``kept`` (ARN → controls met, for new or stronger ones);
    ``weaker`` (ARN → what the baseline had and is gone); ``drifted`` (ARN → controls not met); ``exempt`` (ARN →
    controls that the standard exempts, and why); ``out_of_reach`` (ARN → why); ``failed`` (name → error).
    Raises MalformedRecord where the request is not of the sweep's shape.
    """
    telemetry.logger.clear_state()
    kind = _kind(kinds, request)
    scope = _scope(request)
    baselines = known(run, kind, scope)
    report: dict[str, Any] = {"kind": kind.KIND, "looked_at": 0, **{part: {} for part in PARTS}}
    for observed in _each(run, kind, scope, baselines, report["failed"]):
        arn = observed.resource.arn
        report["looked_at"] += 1
        if observed.out_of_reach:
            report["out_of_reach"][arn] = observed.out_of_reach
        if observed.state is None:
            continue
        baseline = baselines.get(arn)
        judged = judge(kind.KIND, observed.state, run.standard, baseline)
        findings, exemptions = exempt(judged, arn, run.standard, run.clock.now().date())
        if exemptions:
            report["exempt"][arn] = [f"{c}: {e.reason}, until {e.expires}" for c, e in exemptions.items()]
        not_met = [f.control for f in findings if f.drifts]
        drifted = [*not_met, *(f.control for f in too_large(kind, observed))]
        if drifted:
            report["drifted"][arn] = drifted
        report["failed"] |= {f"{arn} {f.control}": f.note for f in findings if f.outcome is Outcome.UNKNOWN}
        weaker = _weaker(run, kind, observed.state, not_met, baseline)
        if weaker:
            report["weaker"][arn] = weaker
        met = [f.control for f in findings if f.outcome in MET]
        if not weaker and keep(run, kind, observed, findings, baseline):
            had = baseline.controls if baseline else frozenset()
            baseline = Baseline(observed.state, had.union(met), run.clock.now())
            if met:  # of a resource that meets nothing, only that is kept
                report["kept"][arn] = met
        if baseline and baseline.controls:
            report["baselines"][arn] = {"controls": sorted(baseline.controls), "state": _shown(baseline.state)}
    telemetry.logger.info("surveyed", extra={"report": report})
    return report


def _shown(state: Any) -> Any:
    """A state as it is reported: of a very large one only its size, for all of a report has to fit into an answer."""
    size = len(written(state))
    return lasting(state) if size <= LARGEST_SHOWN else {"size": size, "note": "too large to show: see the ledger"}


def _weaker(run: Runtime, kind: Kind, state: Any, not_met: Iterable[str], baseline: Baseline[Any] | None) -> list[str]:
    """What the baseline had and the state has not: controls, and fields that are weaker or lead elsewhere."""
    if baseline is None:
        return []
    fields = [drift.field for drift in kind.weaker(baseline.state, state, run.standard)]
    return [control for control in not_met if control in baseline.controls] + fields


def _kind(kinds: Iterable[Kind], request: Mapping[str, Any]) -> Kind:
    named = {kind.KIND: kind for kind in kinds}
    if request.get("kind") not in named:
        raise MalformedRecord(f"a sweep's kind is one of {sorted(named)}, not {request.get('kind')!r:.80}")
    return named[str(request["kind"])]


def _scope(request: Mapping[str, Any]) -> Scope:
    account, region, names = request.get("account"), request.get("region"), request.get("names")
    if not (isinstance(account, str) and isinstance(region, str) and isinstance(names, list)):
        raise MalformedRecord("a sweep's request has account, region and names (a list of strings)")
    if not all(isinstance(name, str) and name for name in names):
        raise MalformedRecord(f"a sweep's names are non-empty strings, not {names!r:.80}")
    return Scope(account, region, names=tuple(names))


def _each(
    run: Runtime, kind: Kind, scope: Scope, baselines: Mapping[str, Any], failed: dict[str, str]
) -> Iterator[Observed[Any]]:
    """Observes all at once; where one cannot be read, one by one, so that it does not hide the others."""
    try:
        yield from list(reachable(run, kind, scope, baselines))
    except AwsError as error:
        if len(scope.names) <= 1:
            failed.update(dict.fromkeys(scope.names, str(error)))
            return
        for name in scope.names:
            yield from _each(run, kind, Scope(scope.account, scope.region, names=(name,)), baselines, failed)
