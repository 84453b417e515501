"""EventBridge's rules: which of the deployed ones an event matches.

moto's matcher knows every operator; what it gets wrong is put right here: arrays of objects never match there, an empty
array or object counts as existing, an operator that it does not know matches anything, and disabled rules still fire.
"""

from collections.abc import Iterator
from typing import Any, cast

from moto.events.models import EventBus, EventPattern, Rule

_OPERATORS = {
    "anything-but",
    "cidr",
    "equals-ignore-case",
    "exists",
    "numeric",
    "prefix",
    "suffix",
    "wildcard",
}


class UnknownOperatorError(Exception):
    """A rule's pattern uses what EventBridge does not have."""


def matching(event: dict[str, Any], bus: EventBus) -> Iterator[Rule]:
    """The enabled rules of a bus that the event matches."""
    for rule in list(bus.rules.values()):
        pattern = rule.event_pattern.get_pattern()
        if rule.state == "ENABLED" and pattern and matches(pattern, event):
            yield rule


def matches(pattern: dict[str, Any], event: dict[str, Any]) -> bool:
    _check(pattern)
    return EventPattern(None, pattern).matches_event(cast("Any", _normal(event)))


def _check(pattern: dict[str, Any]) -> None:
    for key, value in pattern.items():
        for entry in value if isinstance(value, list) else [value]:
            if isinstance(entry, dict) and (isinstance(value, dict) or key == "$or"):
                _check(entry)
            elif isinstance(entry, dict) and not entry.keys() <= _OPERATORS:
                raise UnknownOperatorError(f"{key}: {', '.join(entry.keys() - _OPERATORS)}")


def _normal(value: Any) -> Any:
    """The event as EventBridge sees it: no empty arrays or objects; an array of objects as an object of arrays."""
    if isinstance(value, dict):
        normal = {name: _normal(item) for name, item in value.items()}
        return {name: item for name, item in normal.items() if item not in ({}, [])}
    if not isinstance(value, list) or not any(isinstance(item, dict) for item in value):
        return value
    merged: dict[str, list[Any]] = {}
    for item in value:
        for name, inner in _normal(item).items() if isinstance(item, dict) else ():
            merged.setdefault(name, []).extend(inner if isinstance(inner, list) else [inner])
    return merged
