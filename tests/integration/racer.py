"""A deployed function in a process of its own, as Lambda runs it: started once, then invoked at a signal, with others.

It imports nothing but the standard library before it has its environment, so that a process is ready soon.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

# Longest for eight interpreters to start, and for eight invocations, on a small machine under load.
PATIENCE = 120


@dataclass(frozen=True)
class Start:
    """What a function is started with: environment, folder of its code, layer."""

    environment: dict[str, str]
    code: Path
    shared: Path


class Context:
    """Lambda's context object, as far as functions look at it."""

    function_version = "$LATEST"
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:racer"
    memory_limit_in_mb = 256

    def __init__(self, function_name: str) -> None:
        self.function_name = function_name
        self.aws_request_id = str(uuid4())

    def get_remaining_time_in_millis(self) -> int:
        return PATIENCE * 1000


def serve(start: Start, barrier: Any, wire: Connection) -> None:
    """The process: loads the function, then runs each event it is sent as soon as all the others have theirs."""
    os.environ.clear()
    os.environ.update(start.environment)
    sys.path.append(str(start.shared))
    handler = _load(start.code)
    wire.send("ready")
    while (event := wire.recv()) is not None:
        barrier.wait(PATIENCE)
        try:
            handler(event, Context(start.environment["AWS_LAMBDA_FUNCTION_NAME"]))
            wire.send("")
        except Exception:  # noqa: BLE001 (Lambda, too, answers whatever a handler raises)
            wire.send(traceback.format_exc())


def _load(code: Path) -> Any:
    spec = importlib.util.spec_from_file_location("app", code / "app.py")
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"no app.py in {code}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    clock = sys.modules["relight.clock"]
    clock.Clock.sleep = lambda _clock, _seconds: None  # what moto was told is there at once
    return module.handler


class Racers:
    """So many processes of one function. A context manager: none of them outlives it."""

    def __init__(self, start: Start, count: int) -> None:
        spawn = multiprocessing.get_context("spawn")  # a fresh interpreter each
        self._barrier = barrier = spawn.Barrier(count)  # kept, for the processes only have its name
        self._pairs = []
        for _ in range(count):
            ours, theirs = spawn.Pipe()
            process = spawn.Process(target=serve, args=(start, barrier, theirs), daemon=True)
            self._pairs.append((process, ours))

    def __enter__(self) -> Self:
        with _output_to_nowhere():
            for process, _ in self._pairs:
                process.start()
        for _, wire in self._pairs:
            _answer(wire)
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        for process, wire in self._pairs:
            if kind is None:
                wire.send(None)
                process.join(PATIENCE)
            process.kill()
            process.join()

    def race(self, events: Sequence[Any]) -> list[str]:
        """Every process handles its event at the same moment; what the failed ones raised."""
        for (_, wire), event in zip(self._pairs, events, strict=True):
            wire.send(event)
        return [error for _, wire in self._pairs if (error := _answer(wire))]


def _answer(wire: Connection) -> str:
    if not wire.poll(PATIENCE):
        raise TimeoutError(f"a function gave no answer within {PATIENCE} s")
    return str(wire.recv())


@contextmanager
def _output_to_nowhere() -> Iterator[None]:
    """Functions log to standard output, which the processes inherit."""
    kept = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
