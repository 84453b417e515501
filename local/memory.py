"""What moto keeps in this process, copied and put back: an account that is built once serves many tests."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Condition
from typing import Any
from weakref import WeakValueDictionary

from moto.core.base_backend import BackendDict

_REGISTRY: Any = BackendDict  # moto has no other way to all of its services
# The service; in it the accounts by id, and in each of them the backends by Region.
Branch = tuple[Any, dict[str, tuple[Any, dict[str, Any]]]]


@dataclass(frozen=True)
class Memory:
    """All services that hold something, the same objects as ever, and a copy of what they hold."""

    branches: list[Branch]
    held: dict[int, dict[str, Any]]  # by the identity of a service or backend: its attributes


def taken() -> Memory:
    """A copy of everything there is now."""
    _teach_copy()
    services = list(_REGISTRY._instances)  # noqa: SLF001
    branches = [(service, {name: (each, dict(each)) for name, each in service.items()}) for service in services]
    return Memory(branches, _copied(branches, {id(each): each.__dict__ for each in _holders(branches)}))


def put_back(memory: Memory) -> None:
    """Everything as it was; what came later is dropped."""
    for service in _REGISTRY._instances:  # noqa: SLF001 (some may have been used later only)
        service.clear()
    _REGISTRY._instances[:] = [service for service, _ in memory.branches]  # noqa: SLF001
    for service, accounts in memory.branches:
        service.clear()
        for name, (account, backends) in accounts.items():
            account.clear()
            account.update(backends)
            service[name] = account
    held = _copied(memory.branches, memory.held)
    for each in _holders(memory.branches):
        each.__dict__ = held[id(each)]


def _holders(branches: list[Branch]) -> Iterator[Any]:
    for service, accounts in branches:
        yield service
        for _, backends in accounts.values():
            yield from backends.values()


def _copied(branches: list[Branch], held: dict[int, dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """A deep copy that leaves services, accounts and backends themselves alone, for they refer to each other."""
    accounts = (account for _, each in branches for account, _ in each.values())
    themselves: dict[int, Any] = {id(each): each for each in (*_holders(branches), *accounts)}
    return copy.deepcopy(held, themselves)


def _teach_copy() -> None:
    """What `copy` does otherwise with two types that moto has, and cannot be told in another way."""
    dispatch: Any = copy._deepcopy_dispatch  # type: ignore[attr-defined]  # noqa: SLF001
    # A copy of a queue gets a condition of its own: nobody waits for one between two tests.
    dispatch[Condition] = lambda _condition, _memo: Condition()
    # Functions by ARN are held weakly: a copy must hold the copied functions, for nobody keeps the others.
    dispatch[WeakValueDictionary] = lambda found, memo: WeakValueDictionary(copy.deepcopy(dict(found), memo))
