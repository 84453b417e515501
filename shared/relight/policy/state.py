"""How a state becomes a baseline and back: its lasting fields, as JSON data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, TypeVar

StateT = TypeVar("StateT")


def lasting(state: Any) -> dict[str, Any]:
    """A state dataclass as plain data, without the fields that only say how things are just now (compare=False)."""
    data = asdict(state)
    return {each.name: data[each.name] for each in fields(state) if each.compare}


def revive(kind: type[StateT], data: Mapping[str, Any]) -> StateT:
    """A state from plain data; fields that this version does not know are dropped, missing ones take their default.

    Raises TypeError where a field without default is missing.
    """
    known = {each.name for each in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in data.items() if name in known})
