"""What an invocation works with, and one resource in the light of one record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from relight.aws import Aws
from relight.clock import Clock
from relight.ledger import Ledger
from relight.model import Baseline, Call, Cause, Finding, Mode, Observed, Outcome, Scope
from relight.notify import Notifier
from relight.policy import concerning, judge
from relight.policy.exemption import exempt
from relight.record import Record
from relight.resources.kind import Kind
from relight.standard import Standard


@dataclass(frozen=True, slots=True)
class Runtime:
    """What an invocation works with; made once, when the function starts."""

    standard: Standard
    aws: Aws
    ledger: Ledger
    notifier: Notifier
    clock: Clock


@dataclass(frozen=True, slots=True)
class Case:
    """One resource in the light of one record."""

    run: Runtime
    kind: Kind
    record: Record
    scope: Scope
    teller: str  # the invocation's request id
    baseline: Baseline[Any] | None
    taken: Mapping[str, str]  # controls that the record takes away, with what is uncertain about that

    def judge(self, observed: Observed[Any]) -> tuple[Finding, ...]:
        """Every control's finding about one look at the resource.

        After a call of Relight's own nothing is repaired: a repair that does not hold would start the next one, without
        end. It was verified, retried and dead-lettered by the invocation that made it.
        """
        findings = () if observed.out_of_reach else self._judged(observed)
        if observed.state is None:
            findings += self._absent(observed, {f.control for f in findings})
        findings = tuple(replace(f, note=f.note or self.taken.get(f.control, "")) for f in findings)
        today = self.run.clock.now().date()
        findings = exempt(findings, observed.resource.arn, self.run.standard, today)[0]
        return tuple(_told_only(f) for f in findings) if self._is_own else findings

    @property
    def _is_own(self) -> bool:
        """Whether the record tells of a repair of Relight's own."""
        standard, actor = self.run.standard, self.record.actor
        return standard.is_own(actor) or (standard.may_be_own(actor, self.record.account) and not self.taken)

    def _judged(self, observed: Observed[Any]) -> tuple[Finding, ...]:
        return judge(
            self.kind.KIND,
            observed.state,
            self.run.standard,
            self.baseline,
            frozenset(self.taken),
            created=self.record.name in self.kind.CREATES,
        )

    def _absent(self, observed: Observed[Any], judged: set[str]) -> tuple[Finding, ...]:
        """Of a resource that is gone, what was taken away before; of one that is out of reach, everything."""
        outcome = Outcome.OUT_OF_REACH if observed.out_of_reach else Outcome.GONE
        findings = (
            Finding(
                control=row.id,
                title=row.title,
                severity=row.severity,
                references=row.references,
                mode=row.mode("restore", self.run.standard),
                outcome=outcome,
                cause=Cause.TAKEN if row.id in self.taken else Cause.FOUND,
                note=observed.out_of_reach or "The resource does not exist any more.",
            )
            for row in concerning(self.kind.KIND, None, self.baseline)
            if row.id not in judged and (observed.out_of_reach or row.id in self.taken)
        )
        return tuple(f for f in findings if f.mode is not Mode.OFF)

    def plan(self, observed: Observed[Any], findings: Iterable[Finding], outcome: Outcome) -> tuple[Call, ...]:
        """The calls that would mend what has this outcome."""
        drifts = tuple(d for f in findings if f.outcome is outcome for d in f.drifts if not d.manual)
        before = self.baseline.state if self.baseline else None
        return self.kind.plan(observed, drifts, self.run.standard, before) if drifts else ()


def look_again(looked: Sequence[tuple[Case, Observed[Any]]]) -> list[Observed[Any]]:
    """Reads resources of one run, kind and place once more; the state of what is gone by now is None."""
    case = looked[0][0]
    scope = replace(case.scope, names=tuple(observed.resource.name for _, observed in looked))
    baselines = {observed.resource.arn: each.baseline for each, observed in looked if each.baseline}
    seen = {o.resource.name: o for o in case.kind.observe(case.run.aws, scope, baselines, case.run.standard)}
    return [seen.get(o.resource.name) or Observed(o.resource, None) for _, o in looked]


def _told_only(finding: Finding) -> Finding:
    if finding.outcome is not Outcome.FAILED:
        return finding
    note = finding.note or "It is found after a repair of Relight's own, which did not hold."
    return replace(finding, mode=Mode.OBSERVE, outcome=Outcome.OBSERVED, note=note)
