"""EventBridge rules and their targets. A rule's name is ``NAME``, or ``BUS/NAME`` on another bus than the default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relight.aws import Place
from relight.model import Call

PLAIN = ("State", "EventPattern", "ScheduleExpression", "Description", "RoleArn")
TARGET = "Target "


def show(place: Place, name: str, arn: str) -> tuple[dict[str, Any], dict[str, str]] | None:
    """The rule, and a field for each target."""
    own, bus = _split(name)
    shown = place.read("events", "DescribeRule", missing=("ResourceNotFoundException",), Name=own, **bus)
    if shown is None:
        return None
    targets = place.pages("events", "ListTargetsByRule", "Targets", Rule=own, **bus)
    settings = {field: shown[field] for field in PLAIN if shown.get(field)}
    return settings | {TARGET + target["Id"]: target for target in targets}, {}


def repair(
    name: str, arn: str, wanted: Mapping[str, Any], settings: Mapping[str, Any], handles: Mapping[str, str]
) -> tuple[Call, ...]:
    """EnableRule where that is all; PutRule with all that the rule had; targets put back, strangers' removed."""
    calls: list[Call] = []
    own, bus = _split(name)
    if wanted.keys() & set(PLAIN[1:]):
        calls.append(_put(name, settings))
    elif "State" in wanted:
        calls.append(Call("events", "EnableRule", {"Name": own, **bus}))
    targets = {field: value for field, value in wanted.items() if field.startswith(TARGET)}
    back = [value for value in targets.values() if value]
    strange = [field.removeprefix(TARGET) for field, value in targets.items() if value is None]
    if back:
        calls.append(Call("events", "PutTargets", {"Rule": own, **bus, "Targets": back}))
    if strange:
        calls.append(Call("events", "RemoveTargets", {"Rule": own, **bus, "Ids": strange}))
    return tuple(calls)


def again(name: str, arn: str, settings: Mapping[str, Any]) -> tuple[Call, ...]:
    """The rule and its targets."""
    targets = {field: value for field, value in settings.items() if field.startswith(TARGET)}
    return (_put(name, settings), *repair(name, arn, targets, settings, {}))


def _put(name: str, settings: Mapping[str, Any]) -> Call:
    own, bus = _split(name)
    kept = {field: settings[field] for field in PLAIN if settings.get(field)}
    return Call("events", "PutRule", {"Name": own, **bus, **kept, "State": "ENABLED"})


def _split(name: str) -> tuple[str, dict[str, str]]:
    """A rule's own name, and the parameter that names its bus."""
    bus, _, own = name.rpartition("/")
    return own, {"EventBusName": bus} if bus else {}
