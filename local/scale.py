"""moto, put right where it takes time that AWS does not: the square of what it holds, or the same work again and again.

- Of a transaction it copies the whole table, to be able to roll back, once for each of the items. One that only puts,
  deletes and checks replaces rows and changes none, so that one copy of what leads to the rows is enough.
- A filter with many values it holds against each resource value by value, each as a pattern. Most are none.
- For each value of each answer it works out anew what the attribute may be called (a ninth of the time of all calls).
  And for each it writes down where in the answer it is, which nobody reads but a transformer, of which most have none.
- For each call it asks a class for all of its methods.
"""

import copy
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from functools import cache
from types import SimpleNamespace
from typing import Any

from moto.core import responses
from moto.core.model import Shape
from moto.core.serialize import (
    MISSING,
    AttributePicker,
    AttributePickerContext,
    ResponseSerializer,
    XFormedAttributePicker,
)
from moto.core.utils import get_value, method_names_from_class
from moto.dynamodb import models as dynamodb
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table
from moto.ec2 import models as ec2
from moto.ec2.utils import generic_filter, is_filter_matching

Transact = Callable[[DynamoDBBackend, list[dict[str, Any]]], None]
Keys = Callable[[AttributePicker, AttributePickerContext], Iterable[str]]
Pick = Callable[[ResponseSerializer, Any, str, Shape], Any]

_COPIES: ContextVar[dict[str, Table] | None] = ContextVar("_COPIES", default=None)  # of the tables, in a transaction


@cache
def put_right() -> None:
    """Corrects moto for the whole process, once."""
    vars(dynamodb)["copy"] = SimpleNamespace(copy=copy.copy, deepcopy=_deepcopy)
    setattr(DynamoDBBackend, "transact_write_items", _with_one_copy(DynamoDBBackend.transact_write_items))  # noqa: B010 (mypy takes no other way)
    for picker in (AttributePicker, XFormedAttributePicker):
        setattr(picker, "get_possible_keys", _remembered(picker.get_possible_keys))  # noqa: B010 (as above)
    setattr(ResponseSerializer, "get_value", _without_path(ResponseSerializer.get_value))  # noqa: B010 (as above)
    vars(responses)["method_names_from_class"] = cache(method_names_from_class)
    for name, module in sys.modules.items():
        if name.startswith(ec2.__name__) and vars(module).get("generic_filter") is generic_filter:
            vars(module)["generic_filter"] = _filtered


def _with_one_copy(transact: Transact) -> Transact:
    def transact_write_items(backend: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
        updates = any("Update" in item for item in transact_items)
        token = _COPIES.set(None if updates else {})
        try:
            transact(backend, transact_items)
        finally:
            _COPIES.reset(token)

    return transact_write_items


def _deepcopy(thing: Any) -> Any:
    copies = _COPIES.get()
    if copies is None or not isinstance(thing, Table):
        return copy.deepcopy(thing)
    if thing.name not in copies:
        copies[thing.name] = found = copy.copy(thing)
        found.items = defaultdict(dict, {key: copy.copy(rows) for key, rows in thing.items.items()})
    return copies[thing.name]


def _remembered(find: Keys) -> Keys:
    """The same, found once for each key of a shape and type of object, and the ways to look for it: no more goes in."""
    known: dict[tuple[object, ...], tuple[object, tuple[str, ...]]] = {}

    def get_possible_keys(picker: AttributePicker, context: AttributePickerContext) -> tuple[str, ...]:
        what = context.key, id(context.shape), type(context.obj), *picker.alias_providers
        if what not in known:
            known[what] = context.shape, tuple(find(picker, context))  # with the shape, so that its id stays its own
        return known[what][1]

    return get_possible_keys


def _without_path(with_path: Pick) -> Pick:
    """The same; where nothing transforms what is found, without its path."""

    def pick(serializer: ResponseSerializer, value: Any, key: str, shape: Shape) -> Any:
        picker = serializer._value_picker  # noqa: SLF001 (moto offers no other way)
        if getattr(picker, "response_transformers", True):
            return with_path(serializer, value, key, shape)
        model = serializer.operation_model
        context = AttributePickerContext(value, key, shape, model, model.service_model)
        for name in picker.get_possible_keys(context):
            found = value.get(name, MISSING) if type(value) is dict else get_value(value, name, MISSING)
            if found is not MISSING:
                return found
        return None

    return pick


def _filtered(filters: dict[str, Any], objects: list[Any]) -> list[Any]:
    for name, wanted in (filters or {}).items():
        plain = frozenset() if _has_patterns(wanted) else frozenset(wanted)
        objects = [each for each in objects if _is_met(each, name, wanted, plain)]
    return objects


def _has_patterns(wanted: Any) -> bool:
    return not isinstance(wanted, list) or any(set("*?[").intersection(value) for value in wanted)


def _is_met(thing: Any, name: str, wanted: Any, plain: frozenset[str]) -> bool:
    value = thing.get_filter_value(name) if plain else None
    return value in plain if isinstance(value, str) else is_filter_matching(thing, name, wanted)
