"""The front door: every API request of every client passes here on its way to moto, and is told to who listens."""

import io
import os
import re
import socket
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock, Thread
from typing import Any, Protocol, cast
from wsgiref.types import WSGIApplication

from botocore.exceptions import ClientError
from moto import backends
from moto.core.exceptions import ServiceException
from moto.core.request import Request
from moto.core.utils import convert_to_flask_response
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wrappers import Response

from local import wire
from local.cloudtrail import Client
from local.wire import Answer, Call

# Each request would look through moto's folders for itself.
_MODULES = tuple(backends.list_of_moto_modules())
backends.list_of_moto_modules = lambda: _MODULES


_ATOMIC = ("cloudtrail", "dynamodb", "ec2", "logs", "s3")


class AddressUnavailableError(Exception):
    """The address is not this machine's, or something else already listens there."""


class Listener(Protocol):
    """Who hears of the calls."""

    def intercept(self, call: Call) -> Answer | None:
        """Answers a call in moto's stead; None leaves it to moto."""

    def observe(self, call: Call, answer: Answer, client: Client, moment: datetime) -> None:
        """Takes note of a call that was answered."""


class _RefusedError(ServiceException):
    """Not one of moto's own, which it would look for in the service of the module that defines them."""


# An answer with this header never reaches the client: local/faults.py raises what botocore raises then.
BROKEN = "x-relight-broken"


@dataclass(frozen=True)
class Refusal:
    """A call that AWS is made to refuse, for tests of what happens then.

    `code` is AWS's error code or, where `broken`, the way in which the connection breaks. `after`: only once the call
    has taken effect.
    """

    service: str
    operation: str
    code: str
    caller: Callable[[Call], bool]
    broken: bool = False
    after: bool = False

    def meets(self, call: Call) -> bool:
        return (call.service, call.name) == (self.service, self.operation) and self.caller(call)

    def answer(self, call: Call) -> Answer:
        if self.broken:
            return Answer(200, {BROKEN: self.code}, b"")
        return wire.written(call, _RefusedError(self.code, f"{self.operation} is refused on purpose"))


class Gateway:
    """A WSGI application round moto's own, and the server that it answers on."""

    def __init__(self, listener: Listener) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._listener = listener
        self._refusals: list[Refusal] = []
        self._one_by_one = Lock()
        self._server: BaseWSGIServer | None = None

    def start(self, host: str, port: int) -> None:
        """Listens. Raises AddressUnavailableError."""
        socket.getaddrinfo = _resolve  # for good: there may be another gateway in this process
        try:
            listening = socket.create_server((host, port))
        except OSError as error:
            raise AddressUnavailableError(f"{host}:{port}: {os.strerror(error.errno or 0)}") from error
        with listening:  # the server has a copy of it
            self._server = make_server(
                host, port, self, threaded=True, request_handler=_QuietHandler, fd=listening.fileno()
            )
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="gateway", daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    @property
    def url(self) -> str:
        if self._server is None:
            raise RuntimeError("the gateway has not been started")
        return f"http://{self._server.host}:{self._server.port}"

    @contextmanager
    def refuse(self, refusal: Refusal) -> Iterator[None]:
        """While this lasts, calls that the refusal meets are answered by it."""
        self._refusals.append(refusal)
        try:
            with warnings.catch_warnings():
                # AWS answers with more codes than botocore's models list.
                warnings.filterwarnings("ignore", message=".*does not match an error shape")
                yield
        finally:
            self._refusals.remove(refusal)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        body = _drain(environ)
        moment = datetime.now(UTC)
        call = wire.read(environ, body)
        refusal = next((each for each in self._refusals if each.meets(call)), None) if call else None
        kept_out = refusal is not None and not refusal.after
        answer = refusal.answer(call) if call and refusal and kept_out else self._answer(call, environ, body)
        if call and not (refusal and refusal.broken and kept_out):  # else it never arrived
            self._listener.observe(call, answer, _client(environ), moment)
        if call and refusal and refusal.after:
            answer = refusal.answer(call)
        start_response(f"{answer.status} {HTTP_STATUS_CODES.get(answer.status, '')}", list(answer.headers.items()))
        return [answer.body]

    def _answer(self, call: Call | None, environ: dict[str, Any], body: bytes) -> Answer:
        if call is not None:
            answer = self._listener.intercept(call)
            if answer is not None:
                return answer
        environ["wsgi.input"] = io.BytesIO(body)
        # moto looks and then writes, of which AWS makes one: the ledger's conditions rely on that, and so does whoever
        # makes something that may be there already.
        with self._one_by_one if call is not None and call.service in _ATOMIC else nullcontext():
            return _run(self._moto if call is None else _response(self._moto, call.request), environ)


_RESOLVE = socket.getaddrinfo


def _resolve(host: Any, *more: Any, **named: Any) -> Any:
    """S3 Control puts the account's id in front of the host, which an address of numbers cannot have."""
    numbered = re.fullmatch(r"\d{12}\.(\d+(?:\.\d+){3})", host) if isinstance(host, str) else None
    return _RESOLVE(numbered[1] if numbered else host, *more, **named)


class _QuietHandler(MotoRequestHandler):
    """Moto's own request handler, without a line on the terminal for each request."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 (werkzeug's own name)
        """Says nothing."""


def _drain(environ: dict[str, Any]) -> bytes:
    """The request's body, whole: both the reader of the call and moto need it."""
    if environ.get("wsgi.input_terminated"):
        body: bytes = environ["wsgi.input"].read()
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        environ["CONTENT_LENGTH"] = str(len(body))
        return body
    length = environ.get("CONTENT_LENGTH") or 0
    return bytes(environ["wsgi.input"].read(int(length)))


def _response(moto: DomainDispatcherApplication, request: Request) -> WSGIApplication:
    """What moto answers, found by its own routes, but past Flask, which takes a sixth of a call's time.

    Flask would keep a context for each request, and in moto's debug mode a class of its own for each form.
    """
    app = moto.get_application(request.environ)
    try:
        endpoint, _ = app.url_map.bind_to_environ(request.environ).match()
        route = cast("convert_to_flask_response", app.view_functions[endpoint])
        answer: Any = route.callback(request, request.raw_url, dict(request.headers))
    except HTTPException as refused:  # most of moto's errors are
        return refused
    except ClientError as refused:
        answer = 400, {}, refused.response["Error"]["Message"]
    status, headers, content = answer if isinstance(answer, tuple) else (200, {}, answer)
    response = Response(content, status, headers)
    if request.method == "HEAD" and "content-length" in headers:
        response.headers["Content-Length"] = headers["content-length"]  # of what GET would answer
    return response


def _run(application: WSGIApplication, environ: dict[str, Any]) -> Answer:
    status: list[str] = []
    headers: dict[str, str] = {}

    def start_response(line: str, pairs: list[tuple[str, str]], _: Any = None) -> Any:
        status.append(line)
        headers.update(pairs)

    chunks = application(environ, start_response)
    try:
        body = b"".join(chunks)
    finally:
        getattr(chunks, "close", lambda: None)()
    return Answer(int(status[-1].split(" ", 1)[0]), headers, body)


def _client(environ: dict[str, Any]) -> Client:
    """A client may say where it plays to be from, as one behind a proxy does."""
    forwarded = environ.get("HTTP_X_FORWARDED_FOR", "").partition(",")[0].strip()
    return Client(forwarded or environ.get("REMOTE_ADDR", ""), environ.get("HTTP_USER_AGENT", ""))
