"""Lambda's part: runs the deployed functions in this process, each as if it were alone.

A function sees its own environment, its own role's temporary credentials and its own copy of the shared code, because
that code reads its settings and makes its clients once, when it is first imported. Modules and environment belong to
the whole process, so one function runs at a time, and another only inside it: one that it invoked and waits for.
"""

import contextlib
import functools
import importlib.util
import io
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import Any, TextIO, cast

import boto3
import botocore.session

from local.settings import PROJECT, REGION
from local.stack import Function

Environment = dict[str, str]

# Every session would parse botocore's models for itself, a good part of a second for EC2's.
botocore.session.create_loader = functools.cache(botocore.session.create_loader)

_SHARED = PROJECT / "shared"
_HIDDEN = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")


@dataclass(frozen=True)
class Context:
    """Lambda's context object, as far as functions look at it."""

    function_name: str
    invoked_function_arn: str
    memory_limit_in_mb: int
    aws_request_id: str
    deadline: float
    function_version: str = "$LATEST"

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.deadline - time.monotonic()) * 1000))


@dataclass(frozen=True)
class Invocation:
    """One run of a function: what it was given, and what came of it."""

    function: str
    event: Any
    result: Any
    error: dict[str, Any] | None
    output: str
    seconds: float

    @property
    def logs(self) -> list[dict[str, Any]]:
        """The JSON lines that it logged."""
        lines = []
        for line in self.output.splitlines():
            with contextlib.suppress(ValueError):
                lines.append(json.loads(line))
        return [line for line in lines if isinstance(line, dict)]


class Runtime:
    """All deployed functions, ready to run."""

    def __init__(self) -> None:
        self._sandboxes: dict[str, _Sandbox] = {}
        self._outer, self._inner = Lock(), Lock()

    def load(self, functions: Iterable[Function], url: str, credentials: Callable[[Function], Environment]) -> None:
        """Takes over what was deployed. A function that is as it was before stays warm, with its clients."""
        for function in functions:
            fresh = _Sandbox(function, environment(function, url) | credentials(function))
            if self._sandboxes.get(function.family) != fresh:
                self._sandboxes[function.family] = fresh

    def cool(self) -> None:
        """Every function starts anew: what it held, such as a session in another account, may be of no use now."""
        for family, sandbox in self._sandboxes.items():
            self._sandboxes[family] = _Sandbox(sandbox.function, sandbox.environment)

    def invoke(self, function: Function, event: Any, request_id: str, *, awaited: bool = False) -> Invocation:
        """Runs the function; `awaited` says that another function invoked it and stands still meanwhile."""
        with self._inner if awaited else self._outer:
            return self._sandboxes[function.family].run(event, request_id)


@dataclass
class _Sandbox:
    """A function's own environment and modules, put in place while it runs and taken away again."""

    function: Function
    environment: Environment
    _modules: dict[str, ModuleType] = field(default_factory=dict, compare=False)
    _session: boto3.Session | None = field(default=None, compare=False)

    def run(self, event: Any, request_id: str) -> Invocation:
        start = time.monotonic()
        result, error = None, None
        with self._in_place(), _OUTPUT.captured() as output:
            try:
                result = _through_json(self._handler()(_through_json(event), self._context(request_id, start)))
            except Exception as failure:  # noqa: BLE001 (Lambda, too, answers whatever a handler raises)
                error = _error(failure)
        return Invocation(self.function.family, event, result, error, output.getvalue(), time.monotonic() - start)

    def _context(self, request_id: str, start: float) -> Context:
        function = self.function
        return Context(function.name, function.arn, function.memory, request_id, start + function.timeout)

    def _handler(self) -> Callable[[Any, Context], Any]:
        module_name, _, attribute = self.function.handler.rpartition(".")
        module = sys.modules.get(module_name) or _load(module_name, self.function.code)
        handler: Callable[[Any, Context], Any] = getattr(module, attribute)
        return handler

    @contextlib.contextmanager
    def _in_place(self) -> Iterator[None]:
        environment, modules, session = dict(os.environ), _take_modules(), boto3.DEFAULT_SESSION
        for name in _HIDDEN:
            os.environ.pop(name, None)
        os.environ.update(self.environment)
        sys.modules.update(self._modules)
        boto3.DEFAULT_SESSION = self._session
        try:
            yield
        finally:
            self._modules, self._session = _take_modules(), boto3.DEFAULT_SESSION
            boto3.DEFAULT_SESSION = session
            sys.modules.update(modules)
            os.environ.clear()
            os.environ.update(environment)


class _Output(io.TextIOBase):
    """Standard output while functions run: what they print is kept with the invocation, the main thread's is shown.

    One for the whole process: a logger that was made in one invocation writes here in all later ones.
    """

    def __init__(self) -> None:
        self._buffers: list[io.StringIO] = []
        self._shown: Any = sys.stdout

    @contextlib.contextmanager
    def captured(self) -> Iterator[io.StringIO]:
        buffer = io.StringIO()
        replaced: Any = sys.stdout
        if replaced is not self:
            self._shown = replaced
        self._buffers.append(buffer)
        sys.stdout = cast("TextIO", self)
        try:
            yield buffer
        finally:
            present: Any = sys.stdout
            if present is self:  # else somebody has put theirs in its place meanwhile
                sys.stdout = replaced
            self._buffers.pop()

    def write(self, text: str) -> int:
        if threading.current_thread() is threading.main_thread() or not self._buffers:
            return int(self._shown.write(text))
        return self._buffers[-1].write(text)


_OUTPUT = _Output()


def _load(name: str, folder: Path) -> ModuleType:
    if str(_SHARED) not in sys.path:
        sys.path.append(str(_SHARED))  # the layer
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"no module {name} in {folder}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    _without_waiting()
    return module


def _without_waiting() -> None:
    """What moto was told is there at once, so looking again needs no pause, and neither demo nor test one."""
    clock = sys.modules.get("relight.clock")
    if clock is not None:
        clock.Clock.sleep = lambda _clock, _seconds: None


def _take_modules() -> dict[str, ModuleType]:
    """Takes the functions' own modules out of the process, so that each function has a copy to itself."""
    own = [name for name in sys.modules if name == "app" or name.startswith("relight")]
    return {name: sys.modules.pop(name) for name in own}


def environment(function: Function, url: str) -> Environment:
    """What Lambda sets for a function, and where AWS is; all but the credentials of its role."""
    return {
        **function.environment,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": url,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_MAX_ATTEMPTS": "1",  # moto answers what it lacks with a 500, which would be retried
        "AWS_REGION": REGION,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def _through_json(value: Any) -> Any:
    """As Lambda hands values over: a function can neither keep nor change its caller's."""
    return json.loads(json.dumps(value))


def _error(failure: Exception) -> dict[str, Any]:
    return {
        "errorType": type(failure).__name__,
        "errorMessage": str(failure),
        "stackTrace": traceback.format_tb(failure.__traceback__),
    }
