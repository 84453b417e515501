"""Telling each incident once: intended → repaired → told, so that a crash at any point is resumed by the retry."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace

from relight import telemetry
from relight.case import Runtime
from relight.model import Cause, Finding, Incident, Outcome


def merged(noted: Incident, fresh: Incident, now: Iterable[Finding]) -> Incident:
    """An earlier attempt's incident, brought up to date with what the present attempt saw and did.

    What was still to be repaired then and is compliant now was repaired by the attempt that could not tell it; what
    had ended then has not ended otherwise since.
    """
    compliant = {f.control for f in now if f.outcome is Outcome.COMPLIANT}
    findings = {f.control: f for f in fresh.findings}
    for old in noted.findings:
        if old.outcome is Outcome.FAILED and old.control in compliant:
            findings[old.control] = replace(old, outcome=Outcome.REPAIRED)
        elif old.outcome is not Outcome.UNKNOWN and old.control in compliant:
            findings[old.control] = old
        elif old.outcome is not Outcome.UNKNOWN:
            findings.setdefault(old.control, old)
    return replace(fresh, findings=tuple(findings.values()), calls=fresh.calls or noted.calls)


def tell(run: Runtime, incident: Incident, teller: str, *, begun: bool) -> None:
    """Publishes an incident, unless its outcome was told before or is being told by another invocation.

    `begun`: it has an entry already. Raises AwsError where the ledger or the topic cannot be reached.
    """
    now = run.clock.now()
    seconds = (now - incident.event_time).total_seconds()
    if any(f.cause is not Cause.FOUND and f.outcome is Outcome.REPAIRED for f in incident.findings):
        incident = replace(incident, dark_seconds=seconds)
    key = incident.event_id if begun or _by_record(incident) else _daily(incident, now.date().isoformat())
    if run.ledger.claim(key, incident, now, teller):
        run.notifier.publish(incident)
        run.ledger.told(key, incident, run.clock.now())
        telemetry.told(incident, seconds)


def _by_record(incident: Incident) -> bool:
    """Whether the record caused it. What is out of reach, or was found on the way, is told once a day instead."""
    return any(f.cause is not Cause.FOUND and f.outcome is not Outcome.OUT_OF_REACH for f in incident.findings)


def _daily(incident: Incident, day: str) -> str:
    """The same findings on the same day have the same key, whatever record led to them."""
    what = [[f.control, f.outcome, [[d.field, d.found, d.wanted] for d in f.drifts]] for f in incident.findings]
    return f"{day}#{hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]}"
