"""The inside of the benchmarks' server: moto on a socket, which notes each call, and the accounts that it shows."""

from __future__ import annotations

import gc
import io
import logging
import time
from collections.abc import Iterable
from multiprocessing.connection import Connection
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qsl

from moto.backends import get_backend
from moto.moto_api._internal import moto_api_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from local import account, memory, samples, scale, wire
from local.bench.events import FIVE, TOPIC
from local.bench.server import Arrival, Asked
from local.cloud import LocalAws
from local.memory import Memory
from local.runtime import environment
from local.settings import ACCOUNT, LOOPBACK, REGION

Environment = dict[str, Any]
# Beside the two that the account has anyway: a small organisation's.
FURTHER_VPCS = 29
GUARDS = ("guard", "guard_watch")


def serve(connection: Connection) -> None:
    """Serves, and does what comes over the connection, until the process ends."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    scale.put_right()  # else the time is moto's, copying the ledger a hundred times for each hundred rows
    noting = _Noting(DomainDispatcherApplication(create_backend_app))
    server = make_server(LOOPBACK, 0, noting, threaded=True)
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://{LOOPBACK}:{server.port}"
    stage = _Stage(url, noting)
    connection.send(url)
    while True:
        what, arguments = connection.recv()
        connection.send(getattr(stage, what)(*arguments))


class _Noting:
    """A WSGI application around moto's that notes when each call came, and lets it wait."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._one_by_one = Lock()  # moto looks and then writes, of which AWS makes one
        self.delay = 0.0
        self.calls: list[tuple[float, Environment, bytes]] = []

    def __call__(self, environ: Environment, start_response: Any) -> Iterable[bytes]:
        arrived = time.monotonic()
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        self.calls.append((arrived, dict(environ), body))
        time.sleep(self.delay)
        environ["wsgi.input"] = io.BytesIO(body)
        with self._one_by_one:
            answer: Iterable[bytes] = self._application(environ, start_response)
        return answer


class _Stage:
    """What the benchmarks ask of the server."""

    def __init__(self, url: str, noting: _Noting) -> None:
        self._url, self._noting = url, noting
        self._memories: dict[str, Memory] = {}

    def count(self) -> None:
        self._noting.calls.clear()

    def asked(self) -> Asked:
        calls = list(self._noting.calls)
        most = max((_resources(body) for _, _, body in calls), default=0)
        backend = _ec2()
        covered = len({log.resource_id for log in backend.flow_logs.values()} & set(backend.vpcs))
        return Asked(tuple(Arrival(at, _name(environ, body)) for at, environ, body in calls), most, covered)

    def fill(self, vpcs: int) -> None:
        moto_api_backend.reset()
        backend = _ec2()
        for vpc in list(backend.vpcs):
            backend.vpcs.pop(vpc)
        for number in range(vpcs):
            backend.create_vpc(f"10.{number // 256 % 256}.{number % 256}.0/24")

    def build(self) -> dict[str, dict[str, str]]:
        with LocalAws() as aws:
            victim = account.build(aws)
            _add_vpcs(aws)
            aws.client("sns").create_topic(Name=TOPIC.rpartition(":")[2])
            stack = aws.deploy()
            new = memory.taken()
            aws.announce(deaf=GUARDS)  # the sweep keeps the baselines
            aws.settle(120)
            known = memory.taken()
            aws.delivers = False
            for event in FIVE:
                sample = event.sample()
                memory.put_back(new if sample.is_first_look else known)
                samples.commit(aws, sample, victim)
                self._memories[event.name] = memory.taken()
            gc.collect()
            gc.freeze()  # else a call now and then waits until the collector has gone through all of it
            return {family: environment(function, self._url) for family, function in stack.functions.items()}

    def stage(self, event: str, delay: float) -> None:
        memory.put_back(self._memories[event])
        self._noting.delay = delay
        self.count()


def _add_vpcs(aws: LocalAws) -> None:
    ec2 = aws.client("ec2")
    made = [ec2.create_vpc(CidrBlock=f"10.30.{number}.0/24")["Vpc"]["VpcId"] for number in range(FURTHER_VPCS)]
    role = aws.client("iam").get_role(RoleName=account.FLOW_LOGS_ROLE)["Role"]["Arn"]
    ec2.create_flow_logs(
        ResourceIds=made,
        ResourceType="VPC",
        TrafficType="ALL",
        LogGroupName=account.FLOW_LOG_GROUP,
        DeliverLogsPermissionArn=role,
    )


def _name(environ: Environment, body: bytes) -> str:
    """``service:Operation`` of a request."""
    call = wire.read(environ, body)
    return f"{call.service}:{call.name}" if call else f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"


def _resources(body: bytes) -> int:
    """How many one CreateFlowLogs names; 0 of any other call."""
    if b"Action=CreateFlowLogs" not in body:
        return 0
    return len([name for name, _ in parse_qsl(body.decode()) if name.startswith("ResourceId.")])


def _ec2() -> Any:
    return get_backend("ec2")[ACCOUNT][REGION]
