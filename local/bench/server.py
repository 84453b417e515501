"""A moto server in a process of its own, whose account is filled from inside and which counts what it is asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any
from urllib.parse import parse_qsl

import boto3

from local.settings import ACCOUNT, LOOPBACK, REGION

TABLE, BUCKET = "ledger", "example-flow-logs"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:security"


@dataclass(frozen=True)
class Asked:
    """What the server was asked since it was last filled."""

    calls: int
    most_at_once: int  # resources in one CreateFlowLogs
    covered: int  # VPCs that have a flow log now


class Server:
    """The other end of the process."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.url: str = connection.recv()

    def fill(self, vpcs: int) -> None:
        """An account with so many VPCs, none of which has a flow log, a bucket to deliver to, a ledger and a topic."""
        self._ask(("fill", vpcs))
        options: dict[str, Any] = {"endpoint_url": self.url, "region_name": REGION}
        session = boto3.Session("testing", "testing")
        session.client("s3", **options).create_bucket(Bucket=BUCKET)
        session.client("sns", **options).create_topic(Name="security")
        session.client("dynamodb", **options).create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            BillingMode="PAY_PER_REQUEST",
        )
        self._ask(("count", 0))

    def asked(self) -> Asked:
        """What came since then."""
        return Asked(*self._ask(("asked", 0)))

    def _ask(self, what: tuple[str, int]) -> Any:
        self._connection.send(what)
        return self._connection.recv()


@contextmanager
def running() -> Iterator[Server]:
    """The server, as long as this lasts."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield Server(ours)
    finally:
        process.kill()
        process.join()


class _Counting:
    """A WSGI application around moto's that counts."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self.calls = 0
        self.most = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.calls += 1
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = _again(body)
        if b"Action=CreateFlowLogs" in body:
            ids = [name for name, _ in parse_qsl(body.decode()) if name.startswith("ResourceId.")]
            self.most = max(self.most, len(ids))
        answer: Iterable[bytes] = self._application(environ, start_response)
        return answer


def _again(body: bytes) -> Any:
    from io import BytesIO  # noqa: PLC0415 (in the server's process only)

    return BytesIO(body)


def _serve(connection: Connection) -> None:
    import logging  # noqa: PLC0415 (in the server's process only)

    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: PLC0415 (as above)
    from werkzeug.serving import make_server  # noqa: PLC0415 (as above)

    from local import scale  # noqa: PLC0415 (as above)

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    scale.put_right()  # else the time is moto's, copying the ledger a hundred times for each hundred rows
    application = _Counting(DomainDispatcherApplication(create_backend_app))
    server = make_server(LOOPBACK, 0, application, threaded=True)
    from threading import Thread  # noqa: PLC0415 (as above)

    Thread(target=server.serve_forever, daemon=True).start()
    connection.send(f"http://{LOOPBACK}:{server.port}")
    while True:
        what, number = connection.recv()
        if what == "fill":
            _fill(number)
        if what == "count":
            application.calls, application.most = 0, 0
        connection.send((application.calls, application.most, _covered()) if what == "asked" else None)


def _ec2() -> Any:
    from moto.backends import get_backend  # noqa: PLC0415 (as above)

    return get_backend("ec2")[ACCOUNT][REGION]


def _fill(vpcs: int) -> None:
    from moto.moto_api._internal import moto_api_backend  # noqa: PLC0415 (as above)

    moto_api_backend.reset()
    backend = _ec2()
    for vpc in list(backend.vpcs):
        backend.vpcs.pop(vpc)
    for number in range(vpcs):
        backend.create_vpc(f"10.{number // 256 % 256}.{number % 256}.0/24")


def _covered() -> int:
    backend = _ec2()
    return len({log.resource_id for log in backend.flow_logs.values()} & set(backend.vpcs))
