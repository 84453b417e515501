"""An incident as its message: readable text for e-mail, JSON for queues and functions. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from relight.incident import bounded, to_data
from relight.message import Message, clean, shown, subject_line
from relight.model import Actor, Cause, Drift, Finding, Incident, Outcome

DONE = {
    Outcome.REPAIRED: "Relight repaired {}",
    Outcome.COMPLIANT: "Relight found {} compliant",
    Outcome.OBSERVED: "Relight would repair {}",
    Outcome.CHANGED: "Relight saw {} change",
    Outcome.OUT_OF_REACH: "Relight cannot reach {}",
    Outcome.GONE: "{} is gone",
    Outcome.UNKNOWN: "Relight could not judge {}",
    Outcome.MANUAL: "{} needs a person",
    Outcome.FAILED: "Relight FAILED to repair {}",
}
CAUSE = {
    Cause.TAKEN: "taken away by this call",
    Cause.CREATED: "created without it",
    Cause.REFUSED: "AWS refused this call",
    Cause.FOUND: "found on the way",
}
MEANING = {
    Outcome.REPAIRED: "repaired, and read back to be sure",
    Outcome.COMPLIANT: "met when Relight looked: put back meanwhile, or still met in another way",
    Outcome.OBSERVED: "NOT repaired: its mode is observe",
    Outcome.CHANGED: "left alone: it is still compliant",
    Outcome.OUT_OF_REACH: "out of reach: nothing that this stack may do changes it",
    Outcome.GONE: "gone: there is nothing left to repair",
    Outcome.UNKNOWN: "could not be judged; Relight tries again",
    Outcome.MANUAL: "NOT repaired: this needs a person",
    Outcome.FAILED: "NOT repaired; Relight tries again",
}
# Instead of its outcome's, for what AWS refused.
UNHARMED = "nothing was changed, but a person must look into it"


def render(incident: Incident, alias: str = "") -> Message:
    """The message for an incident; `alias` is what the account is called besides its id. Pure."""
    return Message(
        subject=_subject(incident),
        text="\n".join(_text(bounded(incident), alias)) + "\n",
        data=to_data(incident) | ({"account_alias": alias} if alias else {}),
        attributes={
            "severity": incident.severity,
            "control": [f.control for f in incident.findings],
            "account": clean(incident.resource.account),
            "region": clean(incident.resource.region),
            "outcome": incident.outcome,
        },
    )


def _subject(incident: Incident) -> str:
    contested = "CONTESTED: " if incident.contested else ""
    return subject_line(f"[{incident.severity}] {contested}{_what(incident)}{_by_whom(incident)}")


def _what(incident: Incident) -> str:
    partly = incident.outcome is Outcome.OBSERVED and any(f.outcome is Outcome.REPAIRED for f in incident.findings)
    done = "Relight repaired part of {}" if partly else DONE[incident.outcome]
    return done.format(f"{incident.resource.kind} {incident.resource.name}")


def _by_whom(incident: Incident) -> str:
    return "" if incident.cause is Cause.FOUND else f": {incident.event_name} by {incident.actor.name}"


def _text(incident: Incident, alias: str) -> Iterator[str]:
    resource, actor = incident.resource, incident.actor
    account = f"{alias} ({resource.account})" if alias else resource.account
    yield _headline(incident)
    yield ""
    yield from _table(
        ("Resource", resource.arn),
        ("Account", f"{account}, Region {resource.region}"),
        ("Severity", incident.severity),
    )
    yield ""
    yield "FOUND AFTER THIS CALL, WHICH NEED NOT HAVE CAUSED IT" if incident.cause is Cause.FOUND else "WHO"
    yield from _table(
        ("Actor", f"{actor.name} ({actor.type or 'type unknown'})"),
        ("ARN", actor.arn),
        ("Role", actor.issuer),
        ("Called", f"{incident.event_name} ({incident.event_source})"),
        ("At", incident.event_time.strftime("%Y-%m-%d %H:%M:%S %Z")),
        ("From", actor.source_ip),
        ("With", actor.user_agent),
        ("MFA", {"true": "yes", "false": "no"}.get(actor.mfa, actor.mfa) or "not recorded"),
        ("Access key", actor.access_key),
        ("Invoked by", actor.invoked_by),
        ("Event id", incident.event_id),
    )
    yield ""
    yield "WHAT"
    for finding in incident.findings:
        yield from _finding(finding)
    yield from _section("SENT", incident.calls)
    yield from _section("NOT SENT, FOR THE MODE IS OBSERVE", incident.would_call)
    yield from _section("WHAT AWS ANSWERED", [incident.error] if incident.error else [])
    yield from _section("WHAT TO DO", _advice(incident))


def _headline(incident: Incident) -> str:
    contest = f" CONTESTED: {incident.contested} times within the hour." if incident.contested else ""
    dark = f" Dark for {duration(incident.dark_seconds)}." if incident.dark_seconds is not None else ""
    return clean(f"{_what(incident)}{_by_whom(incident)}.{dark}{contest}")


def _table(*rows: tuple[str, object]) -> Iterator[str]:
    return (f"  {name:<11} {clean(value)}" for name, value in rows if value)


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    shown = [f"  {clean(line)}" for line in lines]
    if shown:
        yield from ("", title, *shown)


def _finding(finding: Finding) -> Iterator[str]:
    references = f" ({finding.references})" if finding.references else ""
    yield f"  {finding.control}: {finding.title}{references}, {finding.severity}"
    yield f"    {CAUSE[finding.cause]}; {UNHARMED if finding.cause is Cause.REFUSED else MEANING[finding.outcome]}"
    for drift in finding.drifts:
        arrow = "; the baseline has" if finding.outcome is Outcome.CHANGED else " →"
        yield f"    {clean(drift.field)}: {shown(drift.found)}{arrow} {shown(drift.wanted)}"
    if finding.note:
        yield f"    {clean(finding.note)}"


def duration(seconds: float) -> str:
    """A length of time as people say it."""
    if seconds < 120:
        return f"{max(seconds, 0):.0f} s"
    minutes, hours = seconds / 60, seconds / 3600
    return f"{minutes:.0f} min" if minutes < 120 else f"{hours:.1f} h"


def _advice(incident: Incident) -> Iterator[str]:
    outcomes = {f.outcome for f in incident.findings}
    drifts: Iterable[Drift] = (d for f in incident.findings for d in f.drifts)
    yield from (d.manual for d in drifts if d.manual)
    if incident.cause is Cause.TAKEN:
        yield f"Ask whether {incident.actor.name} meant this. If not: {_containment(incident.actor)}"
    if incident.contested:
        yield (
            "Somebody does not give up: contain the identity first. Each attempt goes on being repaired; from now on "
            "each actor is named once an hour, and the rest is counted (metric Folded)."
        )
    if any(f.cause is Cause.TAKEN and f.control == "trail.logging" for f in incident.findings):
        yield (
            "While an account's last trail is stopped, no rule sees anything: read what happened since in CloudTrail's "
            "Event history, which goes on."
        )
    if Outcome.REPAIRED in outcomes:
        yield "Delivery unproven: the configuration is right again; that logs arrive shows only minutes later."
    if outcomes & {Outcome.FAILED, Outcome.UNKNOWN}:
        yield "If the retries fail too, the event goes to the dead-letter queue, and its alarm comes to this topic."
    if Outcome.CHANGED in outcomes:
        yield "If the change is not meant, undo it by hand."
        yield f"If it is: relight accept {incident.resource.arn} --reason ..."
    if Outcome.OUT_OF_REACH in outcomes:
        yield "Tell whoever owns it: nothing in this account can judge or repair it."


def _containment(actor: Actor) -> str:
    """How this kind of identity is stopped."""
    if actor.type == "Root":
        return "secure the root user: password, MFA, access keys."
    if actor.invoked_by or actor.type == "AWSService":
        return f"find out who drives {actor.invoked_by or 'the service'}."
    if actor.issuer:
        return f"revoke the sessions of role {actor.issuer}, and look at who may assume it."
    return f"disable the identity{f' and its access key {actor.access_key}' if actor.access_key else ''}."
