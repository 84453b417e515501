"""Lambda functions: configuration, concurrency, who may invoke them, what becomes of failures, queues."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from relight.aws import Place
from relight.model import Call

GONE = ("ResourceNotFoundException",)
CONFIGURATION = ("Handler", "Runtime", "Timeout", "MemorySize", "KMSKeyArn", "Layers", "VpcConfig", "LoggingConfig")
INVOKING = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")
CONCURRENCY = "ReservedConcurrentExecutions"
GRANT = ("Action", "Condition", "Principal")  # of a permission's statement; the rest says which it is
VARIABLE, PERMISSION, EVENTS = "Environment ", "Permission ", "Events from "
OFF = ("Disabled", "Disabling", "Deleting")


def show(place: Place, name: str, arn: str) -> tuple[dict[str, Any], dict[str, str]] | None:
    """All that Lambda knows of the function but its tags; the handles are the mappings' UUIDs.

    A mapping that is off is as good as none: one that somebody added is switched off, and that is the end of it.
    """
    shown = place.read("lambda", "GetFunctionConfiguration", missing=GONE, FunctionName=name)
    if shown is None:
        return None
    reserved = place.read("lambda", "GetFunctionConcurrency", missing=GONE, FunctionName=name) or {}
    invoking = place.read("lambda", "GetFunctionEventInvokeConfig", missing=GONE, FunctionName=name) or {}
    policy = place.read("lambda", "GetPolicy", missing=GONE, FunctionName=name) or {}
    mappings = list(place.pages("lambda", "ListEventSourceMappings", "EventSourceMappings", FunctionName=name))
    settings = _configuration(shown)
    settings |= {CONCURRENCY: reserved.get(CONCURRENCY)}
    settings |= {field: invoking[field] for field in INVOKING if field in invoking}
    statements = json.loads(policy.get("Policy", "{}")).get("Statement", ())
    settings |= {PERMISSION + each["Sid"]: {f: each[f] for f in GRANT if f in each} for each in statements}
    sources = _sources(mappings)
    settings |= {field: _mapping(each) for field, each in sources.items() if each.get("State") not in OFF}
    return settings, {field: each["UUID"] for field, each in sources.items()}


def _sources(mappings: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Each mapping by its field. A Kafka that its owner runs has no ARN, and of one cluster there may be several."""
    found: dict[str, Mapping[str, Any]] = {}
    for each in mappings:
        field = EVENTS + str(each.get("EventSourceArn", each["UUID"]))
        found[f"{field} {each['UUID']}" if field in found else field] = each
    return found


def _configuration(shown: Mapping[str, Any]) -> dict[str, Any]:
    settings: dict[str, Any] = {field: shown[field] for field in ("Role", "CodeSha256") if shown.get(field)}
    settings |= {field: shown[field] for field in CONFIGURATION[:5] if shown.get(field)}
    settings["Layers"] = [layer["Arn"] for layer in shown.get("Layers", ())]
    network = shown.get("VpcConfig") or {}
    settings["VpcConfig"] = {key: network.get(key) or [] for key in ("SubnetIds", "SecurityGroupIds")}
    settings["LoggingConfig"] = shown.get("LoggingConfig") or {}
    variables = (shown.get("Environment") or {}).get("Variables", {})
    return settings | {VARIABLE + key: value for key, value in variables.items()}


def _mapping(shown: Mapping[str, Any]) -> dict[str, Any]:
    fields = ("BatchSize", "FunctionResponseTypes", "ScalingConfig", "FilterCriteria")
    return {"Enabled": True, **{field: shown[field] for field in fields if shown.get(field)}}


def repair(
    name: str, arn: str, wanted: Mapping[str, Any], settings: Mapping[str, Any], handles: Mapping[str, str]
) -> tuple[Call, ...]:
    """One UpdateFunctionConfiguration for all of that, and what else is needed."""
    function = {"FunctionName": name}
    calls: list[Call] = []
    if CONCURRENCY in wanted:
        calls.append(_concurrency(function, wanted[CONCURRENCY]))
    changed: dict[str, Any] = {field: wanted[field] for field in CONFIGURATION if field in wanted}
    changed |= {field: "" for field in changed.keys() & {"KMSKeyArn"} if changed[field] is None}
    if any(field.startswith(VARIABLE) for field in wanted):
        kept = {f.removeprefix(VARIABLE): value for f, value in settings.items() if f.startswith(VARIABLE)}
        changed["Environment"] = {"Variables": kept}
    if changed:
        calls.append(Call("lambda", "UpdateFunctionConfiguration", {**function, **changed}))
    if wanted.keys() & set(INVOKING):
        invoking = {field: settings[field] for field in INVOKING if field in settings}
        calls.append(Call("lambda", "PutFunctionEventInvokeConfig", {**function, **invoking}))
    calls += _permissions(function, wanted)
    calls += _mappings(function, wanted, handles)
    return tuple(calls)


def _concurrency(function: Mapping[str, Any], wanted: int | None) -> Call:
    if wanted is None:
        return Call("lambda", "DeleteFunctionConcurrency", function)
    return Call("lambda", "PutFunctionConcurrency", {**function, CONCURRENCY: wanted})


def _permissions(function: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[Call]:
    """A statement cannot be changed: it is removed, if it is there, and added as it was."""
    for field, statement in wanted.items():
        if not field.startswith(PERMISSION):
            continue
        sid = {**function, "StatementId": field.removeprefix(PERMISSION)}
        yield Call("lambda", "RemovePermission", sid, already=GONE)
        if statement:
            yield Call("lambda", "AddPermission", sid | _granted(statement))


def _granted(statement: Mapping[str, Any]) -> dict[str, Any]:
    """AddPermission's parameters from the statement that Lambda makes of them."""
    principal = statement["Principal"]
    conditions = {key.lower(): value for test in statement.get("Condition", {}).values() for key, value in test.items()}
    known = {"SourceArn": conditions.get("aws:sourcearn"), "SourceAccount": conditions.get("aws:sourceaccount")}
    return {
        "Action": statement["Action"],
        "Principal": principal if isinstance(principal, str) else next(iter(principal.values())),
        **{name: value for name, value in known.items() if value},
    }


def _mappings(function: Mapping[str, Any], wanted: Mapping[str, Any], handles: Mapping[str, str]) -> Iterator[Call]:
    for field, mapping in wanted.items():
        if not field.startswith(EVENTS):
            continue
        if field not in handles:
            source = {**function, "EventSourceArn": field.removeprefix(EVENTS)}
            yield Call("lambda", "CreateEventSourceMapping", {**source, **mapping})
        else:
            yield Call(
                "lambda", "UpdateEventSourceMapping", {"UUID": handles[field], **(mapping or {"Enabled": False})}
            )


def again(name: str, arn: str, settings: Mapping[str, Any]) -> tuple[Call, ...]:
    """Nothing: a function's code is not in the ledger."""
    return ()
