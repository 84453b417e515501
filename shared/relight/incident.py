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
# The most characters of a value or a call, and the most calls, that are kept and told.
LONGEST = 4096
MOST_CALLS = 25


def to_data(incident: Incident) -> dict[str, Any]:
    """JSON data with everything that an incident holds, its severity and actor's name included.

    Long values and calls are cut, so that it fits into a message (SNS takes 256 KB) and into the ledger (400 KB an
    item): of a policy or a lifecycle of many pages, the live resource shows the rest.
    """
    data = asdict(replace(incident, calls=_cut(incident.calls), would_call=_cut(incident.would_call)))
    for drift in (drift for finding in data["findings"] for drift in finding["drifts"]):
        drift |= {side: _short(drift[side]) for side in ("found", "wanted")}
    return {
        "version": VERSION,
        **data,
        "severity": str(incident.severity),
        "outcome": str(incident.outcome),
        "event_time": incident.event_time.isoformat(),
        "actor": {**data["actor"], "name": incident.actor.name},
    }


def _cut(calls: tuple[str, ...]) -> tuple[str, ...]:
    more = len(calls) - MOST_CALLS
    shown = tuple(call if len(call) <= LONGEST else f"{call[:LONGEST]} …" for call in calls[:MOST_CALLS])
    return (*shown, f"… and {more} more") if more > 0 else shown


def _short(value: Any) -> Any:
    """A value as it is or, where it is very long, the beginning of its JSON."""
    text = json.dumps(value, default=str)
    return value if len(text) <= LONGEST else f"{text[:LONGEST]} … ({len(text)} characters)"


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
