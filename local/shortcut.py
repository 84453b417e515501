"""Requests of this process reach the gateway without a socket, for tests that make hundreds of thousands of them."""

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import Any, cast
from unittest import mock
from urllib.parse import urlsplit

from botocore import parsers, useragent
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSResponse
from botocore.httpsession import URLLib3Session
from urllib3 import HTTPHeaderDict, HTTPResponse
from werkzeug.test import create_environ

# A WSGI application: the gateway.
Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


@contextmanager
def shortcut(gateway: Application) -> Iterator[None]:
    """While this lasts, every botocore client of the process calls the gateway as a function; others still connect."""

    def send(_session: URLLib3Session, request: Any) -> AWSResponse:
        answer = _answer(gateway, request)
        response = AWSResponse(request.url, answer.status, cast("Any", answer.headers), answer)
        if not request.stream_output:
            _ = response.content  # reads it, as botocore's own does
        return response

    # botocore writes its own name anew for each request, letter by letter (a fifteenth of the time), and for each
    # moment in an answer it makes time zones (as much); most moments are read again and again.
    written = cache(useragent.sanitize_user_agent_string_component)
    read = lru_cache(10_000)(parsers.DEFAULT_TIMESTAMP_PARSER)
    with (
        mock.patch.object(URLLib3Session, "send", send),
        mock.patch.object(useragent, "sanitize_user_agent_string_component", written),
        mock.patch.object(parsers, "DEFAULT_TIMESTAMP_PARSER", read),
        # The gateway reads who signed, and checks no signature.
        mock.patch.multiple(
            SigV4Auth,
            canonical_request=lambda _auth, _request: "",
            headers_to_sign=lambda _auth, _request: {"host": ""},
            signature=lambda _auth, _string, _request: "",
        ),
    ):
        yield


def _answer(gateway: Application, request: Any) -> HTTPResponse:
    """Whatever the host: S3 Control puts the account's id in front of it."""
    shown: list[tuple[int, HTTPHeaderDict]] = []

    def start_response(line: str, headers: list[tuple[str, str]]) -> None:
        shown.append((int(line.partition(" ")[0]), HTTPHeaderDict(headers)))

    body = b"".join(gateway(_environ(request), start_response))
    status, headers = shown[-1]
    return HTTPResponse(io.BytesIO(body), headers, status, preload_content=False, decode_content=False)


def _environ(request: Any) -> dict[str, Any]:
    """The WSGI environment that werkzeug's server makes of the request."""
    parts = urlsplit(request.url)
    body = request.body
    if hasattr(body, "read"):
        body = body.read()
    headers = {
        name: value.decode() if isinstance(value, bytes) else str(value)
        for name, value in request.headers.items()
        if name.lower() not in ("transfer-encoding", "content-length")
    }
    return create_environ(
        path=parts.path,
        base_url=f"{parts.scheme}://{parts.netloc}",
        query_string=parts.query,
        method=request.method,
        headers=headers,
        data=body.encode() if isinstance(body, str) else body or b"",
    )
