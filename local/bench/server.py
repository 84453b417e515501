"""A moto server in a process of its own, whose account is filled from inside and which counts what it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

import boto3

from local.settings import ACCOUNT, REGION

TABLE, BUCKET = "ledger", "example-flow-logs"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:security"


@dataclass(frozen=True)
class Arrival:
    """One call: when it came, in seconds on the machine's monotonic clock, and its service and operation."""

    at: float
    name: str


@dataclass(frozen=True)
class Asked:
    """What the server was asked since it was last filled or staged."""

    calls: tuple[Arrival, ...]
    most_at_once: int  # resources in one CreateFlowLogs
    covered: int  # VPCs that have a flow log now


class Server:
    """The other end of the process."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.url: str = connection.recv()
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """A client with the account's own hands."""
        if service not in self._clients:
            session: Any = boto3.Session("testing", "testing", region_name=REGION)
            self._clients[service] = session.client(service, endpoint_url=self.url)
        return self._clients[service]

    def fill(self, vpcs: int) -> None:
        """An account with so many VPCs, none of which has a flow log, a bucket to deliver to, a ledger and a topic."""
        self._ask("fill", vpcs)
        self.client("s3").create_bucket(Bucket=BUCKET)
        self.client("sns").create_topic(Name="security")
        self.client("dynamodb").create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            BillingMode="PAY_PER_REQUEST",
        )
        self._ask("count")

    def build(self) -> dict[str, dict[str, str]]:
        """An account where Relight is deployed and has looked once; each function's environment, by its family."""
        environments: dict[str, dict[str, str]] = self._ask("build")
        return environments

    def stage(self, event: str, delay: float = 0) -> None:
        """The account as each of the five events leaves it; `delay` seconds are added to each call from now on."""
        self._ask("stage", event, delay)

    def asked(self) -> Asked:
        """What came since then."""
        asked: Asked = self._ask("asked")
        return asked

    def _ask(self, what: str, *arguments: Any) -> Any:
        self._connection.send((what, arguments))
        return self._connection.recv()


@contextmanager
def running() -> Iterator[Server]:
    """The server, as long as this lasts."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    theirs.close()  # so that whoever waits for a process that has died hears of it
    try:
        yield Server(ours)
    finally:
        process.kill()
        process.join()


def _serve(connection: Connection) -> None:
    from local.bench.serving import serve  # noqa: PLC0415 (moto, in the server's process only)

    serve(connection)
