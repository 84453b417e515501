"""How a state becomes a baseline and back: its lasting fields, as JSON data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from relight.model import Unread

StateT = TypeVar("StateT")


def lasting(value: Any) -> Any:
    """A state as plain data, without the fields that only say how things are just now (compare=False)."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: lasting(getattr(value, each.name)) for each in fields(value) if each.compare}
    if isinstance(value, Mapping):
        return {key: lasting(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [lasting(each) for each in value]
    return value


def among(kept: StateT, now: StateT) -> StateT:
    """A baseline's state among what is there just now: with the fields of that which no baseline holds."""
    passing = {each.name: getattr(now, each.name) for each in fields(now) if not each.compare}  # type: ignore[arg-type]
    return replace(kept, **passing)  # type: ignore[type-var]


def written(state: Any) -> str:
    """A state's lasting fields as JSON, the same for the same state; ASCII, so that its characters are its bytes."""
    return json.dumps(lasting(state), sort_keys=True)


def is_whole(state: Any) -> bool:
    """Whether every lasting field was read, so that a baseline may be made of the state."""
    return not any(isinstance(value, Unread) for value in (getattr(state, f.name) for f in fields(state) if f.compare))


def revive(kind: type[StateT], data: Mapping[str, Any]) -> StateT:
    """A state from plain data; fields that this version does not know are dropped, missing ones take their default.

    Raises TypeError where a field without default is missing.
    """
    known = {each.name for each in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in data.items() if name in known})
