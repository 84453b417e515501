"""The family functions' half of the sweep: observe what it names, keep baselines, and say what could be repaired."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from relight import telemetry
from relight.case import Runtime
from relight.errors import AwsError, MalformedRecord
from relight.mend import mend
from relight.message import shown
from relight.model import MET, Baseline, Finding, Observed, Outcome, Resource, Scope
from relight.policy import concerning, controls_of, judge, judged_of, with_reports
from relight.policy.exemption import exempt
from relight.policy.state import lasting, written
from relight.posture import Counts, added, as_lists, counted, unjudged
from relight.reconcile import advance, known, one_by_one, too_large
from relight.resources.kind import Kind
from relight.standard import Exemption

SOURCE = "relight.sweep"
# Bytes of a state's JSON: a batch of fifty fits into the 6 MB that Lambda answers with
# (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
LARGEST_SHOWN = 50_000
PARTS = ("kept", "weaker", "drifted", "exempt", "out_of_reach", "failed")


def survey(
    run: Runtime, kinds: Iterable[Kind], request: Mapping[str, Any], until: datetime | None = None
) -> dict[str, Any]:
    """Judges the resources that the sweep names and keeps the baselines of those that are no weaker.

    Returns ``kind``; ``looked_at`` (how many); ``counts`` (control → the posture's four numbers); ``repairable`` (name
    → rank of the worst severity that a repair would mend; the sweep decides which come first, and sends them again with
    its id as ``sweep``); ``baselines`` (ARN → controls and state of all that there are now, if the request is
    ``full``); ``kept`` (ARN → controls met, for new or stronger ones); and of what is not repairable ``weaker`` (ARN →
    what the baseline had and is gone), ``drifted`` (ARN → controls not met); ``exempt`` (ARN → controls that the
    standard exempts, and why); ``out_of_reach`` (ARN → why); ``failed`` (name → error). Of what is to be repaired:
    see `mend`. Raises MalformedRecord where the request is not of the sweep's shape.
    """
    telemetry.logger.clear_state()
    kind = _kind(kinds, request)
    scope = _scope(request)
    if "sweep" in request:
        report = mend(run, kind, scope, _text(request, "sweep"), until)
    else:
        report = look(run, kind, scope, full=request.get("full") is True)
    telemetry.logger.info("surveyed", extra={"report": report})
    return report


def look(run: Runtime, kind: Kind, scope: Scope, *, full: bool = False) -> dict[str, Any]:
    """What `survey` returns of resources that are only looked at."""
    baselines = known(run, kind, scope)
    report: dict[str, Any] = {
        "kind": kind.KIND,
        "looked_at": 0,
        "repairable": {},
        **{part: {} for part in PARTS},
    }
    counts: list[Counts] = []
    new: list[tuple[Resource, Baseline[Any]]] = []
    unread: dict[str, AwsError] = {}
    for observed in one_by_one(run, kind, scope, baselines, unread):
        report["looked_at"] += 1
        counts.append(_looked(run, kind, observed, baselines.get(observed.resource.arn), report, new))
    if unread:
        counts.append(unjudged(controls_of(kind.KIND), run.standard, len(unread)))
    report["failed"] |= {name: str(error) for name, error in unread.items()}
    written = run.ledger.keep_all(new)
    kept = {pair[0].arn: pair[1] for pair, is_kept in zip(new, written, strict=True) if is_kept}
    # Of a resource that meets nothing, only that is kept.
    report["kept"] = {arn: sorted(each.controls) for arn, each in kept.items() if each.controls}
    if full:
        every = {arn: each for arn, each in (baselines | kept).items() if each.controls}
        report["baselines"] = {
            arn: {"controls": sorted(each.controls), "state": _shown(each.state)} for arn, each in every.items()
        }
    report["counts"] = as_lists(added(*counts))
    return report


def _looked(
    run: Runtime,
    kind: Kind,
    observed: Observed[Any],
    baseline: Baseline[Any] | None,
    report: dict[str, Any],
    new: list[tuple[Resource, Baseline[Any]]],
) -> Counts:
    """Judges one resource and enters it in the report; what it counts for."""
    arn, today = observed.resource.arn, run.clock.now().date()
    if observed.out_of_reach:
        report["out_of_reach"][arn] = observed.out_of_reach
        counts = unjudged(concerning(kind.KIND, None, baseline), run.standard)
        exemptions = {c: e for c in counts if (e := run.standard.exemption(c, arn)) and today <= e.expires}
        _note_exempt(arn, exemptions, report)
        return counts | counted((), exemptions)
    judged = judge(kind.KIND, observed.state, run.standard, baseline)
    findings, _ = exempt(judged, arn, run.standard, today)
    told, exemptions = exempt(with_reports(judged, observed.state, run.standard), arn, run.standard, today)
    _note_exempt(arn, exemptions, report)
    off = {each.id for each in judged_of(kind.KIND, observed.state, baseline)} - {each.control for each in judged}
    repairable = [f for f in findings if f.outcome is Outcome.FAILED]
    if repairable:
        report["repairable"][observed.resource.name] = max(f.severity.rank for f in repairable)
    not_met = [f.control for f in findings if f.drifts and f not in repairable]
    drifted = [*not_met, *_failing(findings, told), *(f.control for f in too_large(kind, observed))]
    if drifted:
        report["drifted"][arn] = drifted
    for finding in findings:
        if finding.outcome is Outcome.UNKNOWN:
            report["failed"][f"{arn} {finding.control}"] = finding.note
    weaker = _weaker(run, kind, observed.state, not_met, baseline)
    if weaker and not repairable:
        report["weaker"][arn] = weaker
    if not repairable and (advanced := advance(run, kind, observed, findings, baseline)):
        new.append((observed.resource, advanced))
    return counted(told, {*exemptions, *off})


def _failing(findings: Iterable[Finding], told: Iterable[Finding]) -> list[str]:
    """Controls that are met but for what AWS reports to fail, with its words; it makes nothing weaker than it was.

    A worse posture is told once, a weaker resource by each sweep.
    """
    met = {f.control for f in findings if f.outcome in MET}
    return [f"{f.control} ({_fields(f)})" for f in told if f.control in met and f.drifts]


def _fields(finding: Finding) -> str:
    return "; ".join(f"{drift.field}: {shown(drift.found)}" for drift in finding.drifts)


def _note_exempt(arn: str, exemptions: Mapping[str, Exemption], report: dict[str, Any]) -> None:
    if exemptions:
        report["exempt"][arn] = [f"{c}: {e.reason}, until {e.expires}" for c, e in exemptions.items()]


def _shown(state: Any) -> Any:
    """A state as it is reported: of a very large one only its size, for all of a report has to fit into an answer."""
    size = len(written(state))
    return lasting(state) if size <= LARGEST_SHOWN else {"size": size, "note": "too large to show: see the ledger"}


def _weaker(run: Runtime, kind: Kind, state: Any, not_met: Iterable[str], baseline: Baseline[Any] | None) -> list[str]:
    """What the baseline had and the state has not: controls, and fields that are weaker or lead elsewhere.

    Nothing where they are the same, however a control judges them by now.
    """
    if baseline is None or state in (None, baseline.state):
        return []
    fields = [drift.field for drift in kind.weaker(baseline.state, state, run.standard)]
    return [control for control in not_met if control in baseline.controls] + fields


def _kind(kinds: Iterable[Kind], request: Mapping[str, Any]) -> Kind:
    named = {kind.KIND: kind for kind in kinds}
    if request.get("kind") not in named:
        raise MalformedRecord(f"a sweep's kind is one of {sorted(named)}, not {request.get('kind')!r:.80}")
    return named[str(request["kind"])]


def _text(request: Mapping[str, Any], name: str) -> str:
    value = request.get(name)
    if not isinstance(value, str) or not value:
        raise MalformedRecord(f"a sweep's {name} is a text, not {value!r:.80}")
    return value


def _scope(request: Mapping[str, Any]) -> Scope:
    account, region, names = request.get("account"), request.get("region"), request.get("names")
    if not (isinstance(account, str) and isinstance(region, str) and isinstance(names, list)):
        raise MalformedRecord("a sweep's request has account, region and names (a list of strings)")
    if not all(isinstance(name, str) and name for name in names):
        raise MalformedRecord(f"a sweep's names are non-empty strings, not {names!r:.80}")
    return Scope(account, region, names=tuple(names))
