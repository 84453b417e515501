"""Telling each incident once: intended → repaired → told, so that a crash at any point is resumed by the retry."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from relight import telemetry
from relight.case import Runtime
from relight.errors import AwsError
from relight.model import MET, Cause, Finding, Incident, Outcome


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
    dark = fresh.dark_seconds if noted.dark_seconds is None else noted.dark_seconds
    return replace(fresh, findings=tuple(findings.values()), calls=fresh.calls or noted.calls, dark_seconds=dark)


def dark_seconds(findings: Iterable[Finding], since: datetime, now: datetime) -> float | None:
    """How long what the record caused was dark, from its call until now; None where nothing of it was repaired."""
    caused = any(f.cause is not Cause.FOUND and f.outcome is Outcome.REPAIRED for f in findings)
    return (now - since).total_seconds() if caused else None


def tell(run: Runtime, incident: Incident, teller: str) -> None:
    """Publishes an incident, unless its outcome was told before or is being told by another invocation.

    What the record caused or led Relight to repair is told by event; what was only found, or refused by AWS, once a
    day. Raises AwsError where the ledger or the topic cannot be reached.
    """
    now = run.clock.now()
    if incident.dark_seconds is None:  # an attempt that repaired and crashed could not note it
        dark = dark_seconds(incident.findings, incident.event_time, now)
        incident = replace(incident, dark_seconds=dark)
    key = incident.event_id if _by_record(incident) else _daily(incident, now)
    if not run.ledger.claim(key, incident, now, teller):
        return
    incident = _contested(run, incident, now)
    folded = _folded(run, incident, now)
    if folded and not run.ledger.claim(folded, incident, now, teller, once=True):
        telemetry.folded(incident)
    else:
        try:
            run.notifier.publish(_with_loss(incident, run.ledger.lost))
        except Exception:
            for claimed in filter(None, (key, folded)):  # a redrive, perhaps at once, must not find them taken
                run.ledger.release(claimed, incident, teller)
            raise
        if folded:
            run.ledger.told(folded, incident, now)
    run.ledger.told(key, incident, now)
    telemetry.told(incident)
    if key == incident.event_id:
        count_as_told_today(run, incident)


def count_as_told_today(run: Runtime, incident: Incident) -> None:
    """What an incident leaves as it is was told for today: the events of Relight's own repairs find it again."""
    now = run.clock.now()
    standing = replace(incident, findings=tuple(f for f in incident.findings if f.outcome not in MET))
    if standing.findings:
        run.ledger.told(_daily(standing, now), standing, now)


def _contested(run: Runtime, incident: Incident, now: datetime) -> Incident:
    """Counts the attack; notes how many there were where they are too many for a misunderstanding."""
    attacked = bool(incident.calls) or incident.cause is Cause.TAKEN
    attacks = run.ledger.contest(incident.resource, now) if attacked else 0
    return replace(incident, contested=attacks if attacks >= run.standard.contested_after else 0)


def _folded(run: Runtime, incident: Incident, now: datetime) -> str:
    """The key under which a contested resource is told: once for each actor and hour. Empty of any other.

    The attack that makes it contested is still told for itself; and so is, once an hour, each state that is left as it
    is, for a repair that was told says nothing of that.
    """
    if incident.contested <= run.standard.contested_after:
        return ""
    actor = incident.actor.issuer or incident.actor.arn or incident.actor.name  # sessions are named at will
    standing = tuple(f for f in incident.findings if f.outcome not in MET)
    return f"contested#{now:%Y-%m-%dT%H}#{_hash([actor, _seen(standing)])}"


def _with_loss(incident: Incident, lost: AwsError | None) -> Incident:
    if lost is None:
        return incident
    said = f"The ledger could not be reached, so this went by the standard, not by a baseline: {lost}"
    return replace(incident, error="; ".join(filter(None, (incident.error, said))))


def _by_record(incident: Incident) -> bool:
    return any(
        f.outcome is Outcome.REPAIRED
        or (f.cause in (Cause.TAKEN, Cause.CREATED) and f.outcome is not Outcome.OUT_OF_REACH)
        for f in incident.findings
    )


def _daily(incident: Incident, now: datetime) -> str:
    """The same findings on the same day have the same key, whatever record led to them."""
    return f"{now.date().isoformat()}#{_hash(_seen(incident.findings))}"


def _seen(findings: Iterable[Finding]) -> list[Any]:
    return [[f.control, f.outcome, [[d.field, d.found, d.wanted] for d in f.drifts]] for f in findings]


def _hash(what: Any) -> str:
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]
