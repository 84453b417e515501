"""What a control is, and how one is declared: a decorator round one small pure function."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, TypeVar

from relight.errors import InvalidSetting, OutOfReach, UnknownState
from relight.model import Baseline, Basis, Cause, Drift, Finding, Mode, Outcome, Severity, Unread
from relight.standard import Standard

# (state, standard, last compliant state or None) → what is not as it should be. Pure.
# It may raise UnknownState or OutOfReach.
Check = Callable[[Any, Standard, Any], Iterable[Drift]]
CheckT = TypeVar("CheckT", bound=Check)
ValueT = TypeVar("ValueT")

# (state, standard) → what AWS reports to have failed lately, as drifts for a person. Pure.
Report = Callable[[Any, Standard], Iterable[Drift]]
ReportT = TypeVar("ReportT", bound=Report)

CONTROLS: dict[str, Control] = {}
REPORTS: dict[str, Report] = {}  # by control


@dataclass(frozen=True, slots=True)
class Control:
    """A row of the catalogue. `triggers` are CloudTrail eventNames; the modes are the shipped defaults.

    A control without `repair` is told only. It may be triggered by an errorCode, whatever the call.
    """

    id: str
    title: str
    severity: Severity
    triggers: tuple[str, ...]
    repair: str  # for people: the calls that mend it; empty where nothing does
    check: Check
    cis: str = ""  # CIS AWS Foundations Benchmark v3.0
    security_hub: str = ""
    restore: Mode = Mode.ENFORCE
    introduce: Mode = Mode.OBSERVE
    create: Mode | None = None  # for a resource made just now; None: as introduce
    costs: str = ""  # for people, in US dollars (N. Virginia, November 2026); empty where it is next to nothing
    basis: Basis = Basis.BOTH
    absent: bool = False  # judged of a resource that does not exist too: its check gets None as the state
    # Whether it has to do with a state of its kind: some resources are there for the sake of other controls.
    concerns: Callable[[Any], bool] = lambda _state: True

    @property
    def kind(self) -> str:
        """The resource kind that the control belongs to."""
        return self.id.split(".")[0]

    @property
    def references(self) -> str:
        """``CIS 3.1, Security Hub CloudTrail.1``, or less."""
        named = (("CIS ", self.cis), ("Security Hub ", self.security_hub))
        return ", ".join(name + number for name, number in named if number)

    def mode(self, situation: str, standard: Standard) -> Mode:
        """The mode in force in a situation: restore, introduce or create."""
        modes = {"restore": self.restore, "introduce": self.introduce} | dict(standard.modes.get(self.id, {}))
        mode = modes.get(situation) or self.create or modes["introduce"]
        return Mode.OBSERVE if standard.mode is Mode.OBSERVE and mode is Mode.ENFORCE else mode

    def is_off(self, standard: Standard, *situations: str) -> bool:
        """Whether nobody asks for it in any of these situations."""
        return all(self.mode(each, standard) is Mode.OFF for each in situations)


def control(control_id: str, **row: Any) -> Callable[[CheckT], CheckT]:
    """Declares the decorated function to be a control's check; `row` holds the other fields of Control."""

    def register(check: CheckT) -> CheckT:
        CONTROLS[control_id] = Control(id=control_id, check=check, **row)
        return check

    return register


def report(control_id: str) -> Callable[[ReportT], ReportT]:
    """Declares the decorated function to tell what AWS reports to have failed lately of what a control is about."""

    def register(failed: ReportT) -> ReportT:
        REPORTS[control_id] = failed
        return failed

    return register


def controls_of(kind: str) -> tuple[Control, ...]:
    """The controls of one kind of resource, in the order of the catalogue."""
    return tuple(c for c in CONTROLS.values() if c.kind == kind)


def concerning(kind: str, state: Any, baseline: Baseline[Any] | None) -> tuple[Control, ...]:
    """The controls that have to do with a resource; of one that does not exist or is out of reach, its baseline says.

    Where nobody knows what it is, all of its kind.
    """
    last = baseline.state if state is None and baseline else state
    return tuple(c for c in controls_of(kind) if last is None or c.concerns(last))


def check_settings(standard: Standard) -> None:
    """Raises InvalidSetting where standard.toml speaks of a control that does not exist."""
    unknown = [(f"modes.{name}", name) for name in standard.modes if name not in CONTROLS]
    unknown += [
        (f"exemptions[{place}].control", each.control)
        for place, each in enumerate(standard.exemptions)
        if not any(fnmatchcase(control, each.control) for control in CONTROLS)
    ]
    for setting, name in unknown:
        raise InvalidSetting(f"standard.toml: {setting}: no control {name}; allowed: {sorted(CONTROLS)}")


def known(value: ValueT | Unread, what: str) -> ValueT:
    """A value that was read. Raises UnknownState, or OutOfReach for what will never be readable from here."""
    if not isinstance(value, Unread):
        return value
    raise (OutOfReach if value.foreign else UnknownState)(f"{what} could not be read: {value.why}")


def judged_of(kind: str, state: Any, baseline: Baseline[Any] | None) -> list[Control]:
    """The controls that `judge` asks."""
    return [c for c in concerning(kind, state, baseline) if state is not None or (c.absent and baseline)]


def judge(
    kind: str,
    state: Any,
    standard: Standard,
    baseline: Baseline[Any] | None = None,
    taken: frozenset[str] = frozenset(),
    *,
    created: bool = False,
) -> tuple[Finding, ...]:
    """What every control that concerns a state says about it: a Finding for each, except for drifts that are off.

    Of a resource that does not exist (`state` is None) only the controls speak that are about its existence, and only
    where a baseline tells that it did exist, and how.
    `taken` holds the controls that the record in hand took away; `created` says that it made the resource.
    """
    rows = judged_of(kind, state, baseline)
    findings = (_finding(c, state, standard, baseline, taken=c.id in taken, created=created) for c in rows)
    return tuple(f for f in findings if f.mode is not Mode.OFF or _is_plain(f))


def _is_plain(finding: Finding) -> bool:
    """Whether there is nothing to tell of it: what is met counts for the baseline even where its mode is off."""
    return finding.outcome is Outcome.COMPLIANT and finding.cause is not Cause.TAKEN


def _finding(
    row: Control,
    state: Any,
    standard: Standard,
    baseline: Baseline[Any] | None,
    *,
    taken: bool,
    created: bool,
) -> Finding:
    if baseline and not row.concerns(baseline.state):  # of this it knows nothing
        baseline = None
    was_there = taken or (baseline is not None and row.id in baseline.controls)
    situation = "restore" if was_there else "create" if created else "introduce"
    finding = Finding(
        control=row.id,
        title=row.title,
        severity=row.severity,
        references=row.references,
        mode=row.mode(situation, standard),
        outcome=Outcome.COMPLIANT,
        cause=Cause.TAKEN if taken else Cause.CREATED if created else Cause.FOUND,
    )
    try:
        drifts = tuple(row.check(state, standard, baseline.state if baseline else None))
    except UnknownState as reason:
        return replace(finding, outcome=Outcome.UNKNOWN, note=str(reason))
    except OutOfReach as reason:
        return replace(finding, outcome=Outcome.OUT_OF_REACH, note=str(reason))
    if not drifts:
        return finding
    mendable = any(not d.manual for d in drifts)
    # What may be mended counts as failed until its repair has been seen.
    outcome = Outcome.MANUAL if not mendable else Outcome.FAILED
    return replace(finding, outcome=outcome if finding.mode is Mode.ENFORCE else Outcome.OBSERVED, drifts=drifts)


def with_reports(findings: Iterable[Finding], state: Any, standard: Standard) -> tuple[Finding, ...]:
    """Findings together with what AWS reports to have failed lately: of a look that no event led to.

    After an event it is left out: an old error stands until the next delivery, and a good repair would look like none.
    """
    return tuple(_with_report(each, state, standard) for each in findings)


def _with_report(finding: Finding, state: Any, standard: Standard) -> Finding:
    failed = REPORTS.get(finding.control)
    in_doubt = finding.outcome in (Outcome.UNKNOWN, Outcome.OUT_OF_REACH)
    if failed is None or state is None or in_doubt or finding.mode is Mode.OFF:
        return finding
    drifts = tuple(failed(state, standard))
    if not drifts:
        return finding
    alone = Outcome.MANUAL if finding.mode is Mode.ENFORCE else Outcome.OBSERVED
    outcome = alone if finding.outcome is Outcome.COMPLIANT else finding.outcome
    return replace(finding, outcome=outcome, drifts=finding.drifts + drifts)
