"""EventBridge rules on the default bus, and their targets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relight.aws import Place
from relight.model import Call

PLAIN = ("State", "EventPattern", "ScheduleExpression", "Description", "RoleArn")
TARGET = "Target "


def show(place: Place, name: str, arn: str) -> tuple[dict[str, Any], dict[str, str]] | None:
    """The rule, and a field for each target."""
    shown = place.read("events", "DescribeRule", missing=("ResourceNotFoundException",), Name=name)
    if shown is None:
        return None
    targets = place.pages("events", "ListTargetsByRule", "Targets", Rule=name)
    settings = {field: shown[field] for field in PLAIN if shown.get(field)}
    return settings | {TARGET + target["Id"]: target for target in targets}, {}


def repair(
    name: str, arn: str, wanted: Mapping[str, Any], settings: Mapping[str, Any], handles: Mapping[str, str]
) -> tuple[Call, ...]:
    """EnableRule where that is all; PutRule with all that the rule had; targets put back, strangers' removed."""
    calls: list[Call] = []
    if wanted.keys() & set(PLAIN[1:]):
        calls.append(_put(name, settings))
    elif "State" in wanted:
        calls.append(Call("events", "EnableRule", {"Name": name}))
    targets = {field: value for field, value in wanted.items() if field.startswith(TARGET)}
    back = [value for value in targets.values() if value]
    strange = [field.removeprefix(TARGET) for field, value in targets.items() if value is None]
    if back:
        calls.append(Call("events", "PutTargets", {"Rule": name, "Targets": back}))
    if strange:
        calls.append(Call("events", "RemoveTargets", {"Rule": name, "Ids": strange}))
    return tuple(calls)


def again(name: str, arn: str, settings: Mapping[str, Any]) -> tuple[Call, ...]:
    """The rule and its targets."""
    targets = {field: value for field, value in settings.items() if field.startswith(TARGET)}
    return (_put(name, settings), *repair(name, arn, targets, settings, {}))


def _put(name: str, settings: Mapping[str, Any]) -> Call:
    return Call(
        "events", "PutRule", {"Name": name, **{f: settings[f] for f in PLAIN if settings.get(f)}, "State": "ENABLED"}
    )
