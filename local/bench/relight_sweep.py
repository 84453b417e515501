"""One sweep of Relight's over VPCs, as the deployed functions do it, in one process. It ends with the process."""

from __future__ import annotations

import io
import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3

from local.bench.server import BUCKET, TABLE, TOPIC
from local.settings import ACCOUNT, REGION
from relight import sweep
from relight.aws import Aws
from relight.case import Runtime
from relight.clock import Clock
from relight.journal import Journal
from relight.ledger import Ledger
from relight.notify import Notifier
from relight.progress import Progress
from relight.resources import vpc
from relight.standard import MOST_REPAIRS, SHIPPED, load
from relight.survey import survey

ENVIRONMENT = {
    "AWS_REGION": REGION,
    "RELIGHT_ACCOUNT": ACCOUNT,
    "RELIGHT_LEDGER": TABLE,
    "RELIGHT_TOPIC": TOPIC,
    "RELIGHT_FLOW_LOGS_DESTINATION": f"arn:aws:s3:::{BUCKET}",
    "RELIGHT_SWEEP_CAP": str(MOST_REPAIRS),
    "RELIGHT_FAMILIES": "vpc=flow-logs",
}


class Session:
    """boto3's, but that the family function runs here instead of in a Lambda."""

    def __init__(self) -> None:
        self._session: Any = boto3.Session("testing", "testing", region_name=REGION)
        self.run: Runtime | None = None

    def client(self, service: str, **options: Any) -> Any:
        return self if service == "lambda" else self._session.client(service, **options)

    def invoke(self, FunctionName: str, InvocationType: str, Payload: bytes) -> dict[str, Any]:  # noqa: ARG002, N803 (as boto3 has it)
        assert self.run is not None  # noqa: S101 (it is set below)
        report = survey(self.run, [vpc], json.loads(Payload))
        return {"StatusCode": 200, "Payload": io.BytesIO(json.dumps(report).encode())}


def main(folder: Path) -> None:
    """Sweeps once, under the shipped standard, but that flow logs are introduced."""
    path = folder / "standard.toml"
    path.write_text(SHIPPED.read_text().replace("[modes]\n", '[modes]\n"vpc.flow-logs" = { introduce = "enforce" }\n'))
    standard = load(ENVIRONMENT, path)
    session = Session()
    aws, clock = Aws(ACCOUNT, REGION, session), Clock()
    ledger, notifier = Ledger(aws, TABLE, 400), Notifier(aws, TOPIC)
    session.run = Runtime(standard, aws, ledger, notifier, clock)
    sweep.KINDS, sweep.OF_A_HUB = (vpc,), ()
    desk = sweep.Desk(standard, aws, ledger, Journal(aws, TABLE, 400), notifier, clock)
    if not sweep.sweep(desk, Progress("bench"), clock.now() + timedelta(minutes=15)):
        sys.exit("it was not done in time")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
