"""An incident as plain JSON data and back: what the ledger keeps, and the machine-readable half of a notification."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from relight.model import Actor, Cause, Drift, Finding, Incident, Mode, Outcome, Resource, Severity

# Raised when a field changes its meaning or goes; readers may rely on the rest.
VERSION = 1
# The most calls that are kept and told.
MOST_CALLS = 25
# How much is kept and told of an incident, from all to little: the characters of a text, the drifts of a finding.
SIZES = ((4096, 100), (512, 50), (64, 5))
# Bytes of its JSON. It stands in a message once more, escaped, and beside its text: SNS takes 256 KB of all that
# (https://docs.aws.amazon.com/sns/latest/api/API_Publish.html), DynamoDB 400 KB.
LARGEST = 60_000


def to_data(incident: Incident) -> dict[str, Any]:
    """JSON data with everything that an incident holds, its severity and actor's name included; cut to fit."""
    return _fitted(incident)[1]


def bounded(incident: Incident) -> Incident:
    """The incident, cut so that it fits into a message and into the ledger; the live resource shows the rest."""
    return _fitted(incident)[0]


def _fitted(incident: Incident) -> tuple[Incident, dict[str, Any]]:
    data = _data(incident)
    longest, _ = SIZES[0]
    is_short = len(json.dumps(data, default=str)) <= longest  # then there is no long text in it, nor many drifts
    if is_short and max(len(incident.calls), len(incident.would_call)) <= MOST_CALLS:
        return incident, data
    for longest, most in SIZES:
        cut = _cut(incident, longest, most)
        data = _data(cut)
        if len(json.dumps(data, default=str)) < LARGEST:
            break
    return cut, data


def _data(incident: Incident) -> dict[str, Any]:
    data = asdict(incident)
    return {
        "version": VERSION,
        **data,
        "severity": str(incident.severity),
        "outcome": str(incident.outcome),
        "event_time": incident.event_time.isoformat(),
        "actor": {**data["actor"], "name": incident.actor.name},
    }


def _cut(incident: Incident, longest: int, most: int) -> Incident:
    return replace(
        incident,
        actor=Actor(**{name: _short_text(value, longest) for name, value in asdict(incident.actor).items()}),
        findings=tuple(_cut_finding(finding, longest, most) for finding in incident.findings),
        calls=_cut_calls(incident.calls, longest),
        would_call=_cut_calls(incident.would_call, longest),
        error=_short_text(incident.error, longest),
    )


def _cut_finding(finding: Finding, longest: int, most: int) -> Finding:
    more = len(finding.drifts) - most
    note = _short_text(finding.note, longest)
    return replace(
        finding,
        drifts=tuple(
            replace(
                drift,
                field=_short_text(drift.field, longest),
                found=_short(drift.found, longest),
                wanted=_short(drift.wanted, longest),
                manual=_short_text(drift.manual, longest),
            )
            for drift in finding.drifts[:most]
        ),
        note=f"{note} … and {more} more.".lstrip() if more > 0 else note,
    )


def _cut_calls(calls: tuple[str, ...], longest: int) -> tuple[str, ...]:
    more = len(calls) - MOST_CALLS
    shown = tuple(_short_text(call, longest) for call in calls[:MOST_CALLS])
    return (*shown, f"… and {more} more") if more > 0 else shown


def _short_text(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]} …"


def _short(value: Any, longest: int) -> Any:
    """A value as it is or, where it is very long, the beginning of its JSON."""
    text = json.dumps(value, default=str)
    return value if len(text) <= longest else f"{text[:longest]} … ({len(text)} characters)"


def from_data(data: Mapping[str, Any]) -> Incident:
    """The incident that `to_data` was given."""
    actor = {name: value for name, value in data["actor"].items() if name != "name"}
    return Incident(
        event_id=data["event_id"],
        event_name=data["event_name"],
        event_source=data["event_source"],
        event_time=datetime.fromisoformat(data["event_time"]),
        actor=Actor(**actor),
        resource=Resource(**data["resource"]),
        findings=tuple(_finding(each) for each in data["findings"]),
        calls=tuple(data["calls"]),
        would_call=tuple(data["would_call"]),
        dark_seconds=data["dark_seconds"],
        error=data["error"],
        contested=data.get("contested", 0),
    )


def _finding(data: Mapping[str, Any]) -> Finding:
    return Finding(
        **{
            **data,
            "severity": Severity(data["severity"]),
            "mode": Mode(data["mode"]),
            "outcome": Outcome(data["outcome"]),
            "cause": Cause(data["cause"]),
            "drifts": tuple(Drift(**drift) for drift in data["drifts"]),
        }
    )
