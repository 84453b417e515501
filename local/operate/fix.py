"""`relight check --fix`: repairs what was found, after having shown the calls and asked.

Each resource is read again before anything is sent: one that is not as it was when its calls were shown is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from local.operate.report import spelled, worst_first
from local.operate.scan import Scan, Scanner, Violation, case, has_topic, kind_of
from local.show import Screen
from relight.case import Case, Runtime
from relight.errors import AwsError, RelightError
from relight.message import clean, shown
from relight.model import MET, Call, Drift, Finding, Mode, Observed, Outcome
from relight.plain import plain
from relight.policy import CONTROLS
from relight.reconcile import one_by_one
from relight.repair import Attempt, Findings, repair
from relight.resources import alarm
from relight.standard import Standard


@dataclass(frozen=True, slots=True)
class Look:
    """One resource, read just now, and the calls that would mend it."""

    case: Case
    observed: Observed[Any]
    findings: Findings
    calls: tuple[Call, ...]


Planned = tuple[Violation, Look]


class Fixer:
    """Repairs with the scanner's credentials what the standard that it is given enforces."""

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner
        self._standard = enforcing(scanner.standard, scanner.controls)
        self._runs: dict[str, Runtime] = {}

    def look(self, violation: Violation) -> Look | None:
        """Reads a resource again; None where nothing is to be done any more. Raises RelightError."""
        region, kind = violation.scope.region, kind_of(violation.resource.kind)
        run = self._runs.setdefault(region, self._scanner.run(region, self._standard))
        scope = replace(violation.scope, names=(violation.resource.name,))
        unread: dict[str, AwsError] = {}
        for observed in one_by_one(run, kind, scope, {}, unread):
            found = case(run, kind, scope)
            findings = found.judge(observed)
            calls = found.plan(observed, findings, Outcome.FAILED)
            return Look(found, observed, findings, calls) if calls else None
        for error in unread.values():
            raise error
        return None

    def mend(self, violation: Violation, calls: Sequence[Call]) -> tuple[bool, str]:
        """Repairs a resource, if these are still the calls: whether it did, and what there is to say of that."""
        try:
            look = self.look(violation)
            if look is None or look.calls != calls:
                return False, "left alone, for it has changed since you were asked"
            attempt = Attempt(look.case, look.observed, look.findings)
            repair([attempt])
        except AwsError as error:
            return False, f"could not be looked at: {error}"
        unsettled = [f for f in attempt.findings if f.control in attempt.tried and f.outcome not in MET]
        if unsettled:
            return False, "; ".join(f"{f.control}: {attempt.error or _why(f)}" for f in unsettled)
        return True, "; ".join(("repaired, and read back", *(f"AWS refused {error}" for error in attempt.errors)))


def _why(finding: Finding) -> str:
    """Why a control is not met after its repair."""
    manual = " ".join(dict.fromkeys(each.manual for each in finding.drifts if each.manual))
    return finding.note or manual or "the repair did not show"


def enforcing(standard: Standard, controls: Iterable[str]) -> Standard:
    """The standard under which what was asked for is repaired and nothing else; what it switches off stays off."""
    modes = {}
    for control in CONTROLS.values():
        mendable = control.id in controls and control.repair and (has_topic(standard) or control.kind != alarm.KIND)
        off = control.mode("introduce", standard) is Mode.OFF
        mode = Mode.OFF if off else Mode.ENFORCE if mendable else Mode.OBSERVE
        modes[control.id] = {"introduce": mode}
    return replace(standard, mode=Mode.ENFORCE, modes=modes)


def fix(scanner: Scanner, scan: Scan, screen: Screen, cap: int, confirmed: Callable[[], bool]) -> bool:
    """Shows what would be called, asks and repairs the worst; whether anything may have been sent."""
    fixer = Fixer(scanner)
    wanted = _resources(scan)
    planned = list(_planned(fixer, wanted[:cap], screen))
    if not planned:
        screen.line("There is nothing that --fix could repair.")
        return False
    screen.heading(f"To repair {_counted(len(planned))}, these calls would be made")
    for violation, look in planned:
        screen.line(f"  {clean(violation.resource.arn)}")
        for drift in _replaced(look.findings):
            screen.line(f"    {clean(drift.field)}: {shown(drift.found)} → {shown(drift.wanted)}")
        for line in spelled(look.calls):
            screen.line(f"    {plain(line)}", "dim")
    for control, costs in _costs(scan, (violation.resource.arn for violation, _ in planned)).items():
        screen.line(f"  {control} costs {costs}.")
    if len(wanted) > cap:
        screen.line(f"  {_counted(len(wanted) - cap)} more wait: the cap is {cap}. Run it again, or pass --cap.")
    if not confirmed():
        screen.line("Nothing was changed.")
        return False
    _repair(fixer, planned, screen)
    return True


def _planned(fixer: Fixer, violations: Iterable[Violation], screen: Screen) -> Iterator[Planned]:
    """What is still to be repaired, with its calls."""
    for violation in violations:
        try:
            look = fixer.look(violation)
        except RelightError as error:
            screen.line(f"  ✗ {clean(violation.resource.arn)}: could not be looked at: {clean(error)}")
            continue
        if look:
            yield violation, look


def _replaced(findings: Findings) -> Iterator[Drift]:
    """What stands there already and gives way to something else: another key, log group, target or role."""
    drifts = (drift for each in findings if each.outcome is Outcome.FAILED for drift in each.drifts)
    yield from (
        drift for drift in drifts if not drift.manual and drift.found and isinstance(drift.found, str | Mapping)
    )


def _repair(fixer: Fixer, planned: Sequence[Planned], screen: Screen) -> None:
    repaired = 0
    for number, (violation, look) in enumerate(planned, 1):
        done, said = fixer.mend(violation, look.calls)
        repaired += done
        screen.line(
            f"  {'✓' if done else '✗'} {number} of {len(planned)}  {clean(violation.resource.arn)}: {clean(said)}"
        )
    screen.verdict(f"{repaired} of {_counted(len(planned))} repaired.", good=repaired == len(planned))


def _resources(scan: Scan) -> list[Violation]:
    """The worst violation of each resource that a call would mend, the worst resources first."""
    worst: dict[str, Violation] = {}
    for each in sorted(scan.violations, key=worst_first):
        if each.calls:
            worst.setdefault(each.resource.arn, each)
    return list(worst.values())


def _costs(scan: Scan, planned: Iterable[str]) -> dict[str, str]:
    """What the repairs of these resources cost from then on, by control."""
    arns = set(planned)
    mended = {each.finding.control for each in scan.violations if each.calls and each.resource.arn in arns}
    return {name: CONTROLS[name].costs for name in sorted(mended) if CONTROLS[name].costs}


def _counted(number: int) -> str:
    return f"{number} resource{'' if number == 1 else 's'}"
