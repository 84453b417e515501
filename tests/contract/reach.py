"""Which AWS calls a function can make, read off the source without running it.

Starts at a function's app.py and follows names. Where only the name of a method is known (``kind.observe``), every
method of that name counts whose class was reached, and every function of that name whose module was handed over as a
value: rather one call too many than one too few.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

from local.settings import PROJECT

SHARED = PROJECT / "shared"
DOOR = "relight.aws"  # the only module that may send a call whose name it was given
METHODS = ("read", "pages")
Definition = ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign


class UnreadableCallError(Exception):
    """A call's service or operation does not stand in the source."""


@dataclass(frozen=True)
class Module:
    """One source file: what it defines at its top level, and what its names mean that come from elsewhere."""

    name: str
    tree: ast.Module = field(repr=False, hash=False, compare=False)

    @cached_property
    def definitions(self) -> dict[str, Definition]:
        """Its functions, classes and constants."""
        found: dict[str, Definition] = {}
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found[node.name] = node
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                found |= {each.id: node for each in targets if isinstance(each, ast.Name)}
        return found

    @cached_property
    def imports(self) -> dict[str, tuple[Module, str]]:
        """Names that stand for a module of ours, or for a name in one (empty: for the module itself)."""
        found: dict[str, tuple[Module, str]] = {}
        for node in ast.walk(self.tree):
            if not isinstance(node, ast.ImportFrom) or not node.module:
                continue
            for alias in node.names:
                whole, part = module(f"{node.module}.{alias.name}"), module(node.module)
                if whole:
                    found[alias.asname or alias.name] = (whole, "")
                elif part:
                    found[alias.asname or alias.name] = (part, alias.name)
        return found


@cache
def module(name: str) -> Module | None:
    """A module of the layer, by its dotted name."""
    path = SHARED.joinpath(*name.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return Module(name, ast.parse(candidate.read_text(encoding="utf-8")))
    return None


@cache
def calls(family: str) -> frozenset[tuple[str, str]]:
    """The (service, operation) pairs that functions/<family> can call. Raises UnreadableCallError."""
    return from_source(PROJECT / "functions" / family / "app.py")


def from_source(app: Path) -> frozenset[tuple[str, str]]:
    """The same, of any entry point."""
    walk = _Walk()
    walk.follow(Module("app", ast.parse(app.read_text(encoding="utf-8"))))
    return frozenset(walk.calls())


class _Walk:
    """Everything that can be reached from one place."""

    def __init__(self) -> None:
        self._reached: dict[tuple[str, int], tuple[Module, ast.AST]] = {}
        self._classes: list[tuple[Module, ast.ClassDef]] = []
        self._handed_over: dict[str, Module] = {}  # modules that are used as values
        self._attributes: set[str] = set()

    def follow(self, start: Module) -> None:
        """Reaches all of an entry point, and what follows from it."""
        for node in start.tree.body:
            self._visit(start, node)
        known = -1
        while known != len(self._reached):
            known = len(self._reached)
            for where, node in list(self._classes):
                for method in node.body:
                    if isinstance(method, ast.FunctionDef) and self._is_named(method.name):
                        self._visit(where, method)
            for where in list(self._handed_over.values()):
                for name in list(self._attributes):
                    self._reach(where, name)

    def _is_named(self, method: str) -> bool:
        return method in self._attributes or (method.startswith("__") and method.endswith("__"))

    def _visit(self, where: Module, node: ast.AST) -> None:
        if (where.name, id(node)) in self._reached:
            return
        self._reached[where.name, id(node)] = (where, node)
        for each in _nodes(node):
            if isinstance(each, ast.Attribute):
                self._attribute(where, each)
            elif isinstance(each, ast.Name):
                self._reach(where, each.id)

    def _attribute(self, where: Module, node: ast.Attribute) -> None:
        found = where.imports.get(node.value.id) if isinstance(node.value, ast.Name) else None
        if found and not found[1]:
            self._reach(found[0], node.attr)
        else:
            self._attributes.add(node.attr)

    def _reach(self, where: Module, name: str) -> None:
        definition = where.definitions.get(name)
        found = where.imports.get(name)
        if isinstance(definition, ast.ClassDef) and (where, definition) not in self._classes:
            self._classes.append((where, definition))
        if definition:
            self._visit(where, definition)
        elif found and found[1]:
            self._reach(*found)
        elif found:
            self._handed_over[found[0].name] = found[0]

    def calls(self) -> Iterator[tuple[str, str]]:
        """The calls in all that was reached, outside of the door itself."""
        for where, node in list(self._reached.values()):
            for call in (each for each in _nodes(node) if isinstance(each, ast.Call)):
                if where.name != DOOR and _sends(call):
                    yield from self._named(where, node, call)

    def _named(self, where: Module, inside: ast.AST, call: ast.Call) -> Iterator[tuple[str, str]]:
        service, operation = call.args[:2] if len(call.args) >= 2 else (None, None)
        if isinstance(service, ast.Constant) and isinstance(operation, ast.Constant):
            yield str(service.value), str(operation.value)
        elif isinstance(service, ast.Constant) and isinstance(operation, ast.Name):
            for value in self._handed_in(where, inside, operation.id):
                yield str(service.value), value
        else:
            raise UnreadableCallError(_complaint(where, call))

    def _handed_in(self, where: Module, inside: ast.AST, parameter: str) -> Iterator[str]:
        """What the callers in the same module give for a parameter of a function that sends a call."""
        if not isinstance(inside, ast.FunctionDef):
            raise UnreadableCallError(_complaint(where, inside))
        names = [each.arg for each in inside.args.args if each.arg != "self"]
        for caller, node in list(self._reached.values()):
            for call in (each for each in _nodes(node) if isinstance(each, ast.Call) and caller == where):
                if _called(call) != inside.name:
                    continue
                position = names.index(parameter) if parameter in names else len(call.args)
                value = call.args[position] if position < len(call.args) else None
                if not isinstance(value, ast.Constant):
                    raise UnreadableCallError(_complaint(where, call))
                yield str(value.value)


def _nodes(node: ast.AST) -> Iterator[ast.AST]:
    """A node and what is in it; of a class, all but its methods: they are reached by their names."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(node, ast.ClassDef) and isinstance(child, ast.FunctionDef)):
            yield from _nodes(child)


def _called(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def _sends(call: ast.Call) -> bool:
    is_method = isinstance(call.func, ast.Attribute) and call.func.attr in METHODS
    hidden = any(isinstance(each, ast.Starred) for each in call.args) or any(
        keyword.arg in ("service", "operation") for keyword in call.keywords
    )
    return (len(call.args) >= 2 or hidden) and (is_method or _called(call) == "Call")


def _complaint(where: Module, node: ast.AST) -> str:
    line = getattr(node, "lineno", "?")
    what = "write the service and the operation of an AWS call as literals"
    return f"{where.name}, line {line}: {what}: {ast.unparse(node)}"
