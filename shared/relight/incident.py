"""An incident as plain JSON data and back: what the ledger keeps, and the machine-readable half of a notification."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from relight.model import Actor, Cause, Drift, Finding, Incident, Mode, Outcome, Resource, Severity

# Raised when a field changes its meaning or goes; readers may rely on the rest.
VERSION = 1


def to_data(incident: Incident) -> dict[str, Any]:
    """JSON data with everything that an incident holds, its severity and actor's name included."""
    data = asdict(incident)
    return {
        "version": VERSION,
        **data,
        "severity": str(incident.severity),
        "outcome": str(incident.outcome),
        "event_time": incident.event_time.isoformat(),
        "actor": {**data["actor"], "name": incident.actor.name},
    }


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
