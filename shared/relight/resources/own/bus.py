"""A hub's event bus: who may send to it, and what it is encrypted with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from relight.aws import Place
from relight.model import Call

PLAIN = ("Description", "KmsKeyIdentifier", "DeadLetterConfig")
STATEMENT = "Statement "
VERSION = "2012-10-17"


def show(place: Place, name: str, arn: str) -> tuple[dict[str, Any], dict[str, str]] | None:
    """The bus, and a field for each statement of its policy; those without an id are one field."""
    shown = place.read("events", "DescribeEventBus", missing=("ResourceNotFoundException",), Name=name)
    if shown is None:
        return None
    statements: dict[str, Any] = {}
    for each in json.loads(shown.get("Policy") or "{}").get("Statement", ()):
        sid = each.get("Sid", "")
        statements[STATEMENT + sid] = each if sid else [*statements.get(STATEMENT, ()), each]
    return {field: shown[field] for field in PLAIN if shown.get(field)} | statements, {}


def repair(
    name: str, arn: str, wanted: Mapping[str, Any], settings: Mapping[str, Any], handles: Mapping[str, str]
) -> tuple[Call, ...]:
    """One UpdateEventBus with all that the bus had; strangers' statements taken away, the bus's own put back.

    A statement of no id goes only with all others. AWS does not say whether PutPermission with a policy
    replaces all statements or those of the same id: where all that may stay is in it, both come to the same.
    """
    on, calls = {"EventBusName": name}, []
    if wanted.keys() & set(PLAIN):
        calls.append(Call("events", "UpdateEventBus", {"Name": name, **_plain(settings)}))
    changed = [field for field in wanted if field.startswith(STATEMENT)]
    if STATEMENT in changed:
        calls.append(Call("events", "RemovePermission", {**on, "RemoveAllPermissions": True}))
    else:
        gone = ("ResourceNotFoundException",)
        ids = (field.removeprefix(STATEMENT) for field in changed)
        calls += [Call("events", "RemovePermission", {**on, "StatementId": sid}, already=gone) for sid in ids]
    own = [value for field, value in settings.items() if field.startswith(STATEMENT)]
    if own and any(field in settings or field == STATEMENT for field in changed):
        policy = json.dumps({"Version": VERSION, "Statement": own})
        calls.append(Call("events", "PutPermission", {**on, "Policy": policy}))
    return tuple(calls)


def again(name: str, arn: str, settings: Mapping[str, Any]) -> tuple[Call, ...]:
    """The bus, and who may send. Its rules, without which it could not be deleted, are parts of their own."""
    create = {"Name": name, **_plain(settings)}
    statements = [value for field, value in settings.items() if field.startswith(STATEMENT)]
    policy = {"EventBusName": name, "Policy": json.dumps({"Version": VERSION, "Statement": statements})}
    return (
        Call("events", "CreateEventBus", create, already=("ResourceAlreadyExistsException",)),
        *((Call("events", "PutPermission", policy),) if statements else ()),
    )


def _plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {field: settings[field] for field in PLAIN if settings.get(field)}
