"""What every unit test stands on: no AWS, no network, no clock of the machine's, the same random examples each time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import boto3
import pytest
from hypothesis import settings
from moto import mock_aws

from relight.aws import Aws
from relight.ledger import Ledger
from relight.policy import CONTROLS
from tests.unit import lamps
from tests.unit.builders import ACCOUNT, REGION, TOPIC
from tests.unit.fakes import FakeClock, FakeLedger, FakeNotifier

settings.register_profile("unit", deadline=None, derandomize=True, max_examples=100)
settings.load_profile("unit")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A function's least environment, and credentials that open nothing."""
    values = {
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "RELIGHT_ACCOUNT": ACCOUNT,
        "RELIGHT_TOPIC": TOPIC,
        "RELIGHT_LEDGER": "ledger",
        "POWERTOOLS_SERVICE_NAME": "relight-test",
        "POWERTOOLS_METRICS_NAMESPACE": "Relight",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "RELIGHT_MODE", "RELIGHT_FAMILIES"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> lamps.Scene:
    """A house with one lamp, lit and white, whose controls are in the catalogue for one test."""
    for control in lamps.CONTROLS:
        monkeypatch.setitem(CONTROLS, control.id, control)
    house = lamps.House({"a": lamps.Lamp()})
    return lamps.Scene(house, FakeLedger(), FakeNotifier(), FakeClock(), {})


@pytest.fixture(scope="module")
def cloud() -> Iterator[tuple[Aws, Any]]:
    """Moto, with clients that all tests of this module share: making them is what takes time."""
    with mock_aws():
        session = boto3.Session(aws_access_key_id="x", aws_secret_access_key="y", region_name=REGION)  # noqa: S106
        yield Aws(ACCOUNT, REGION, session, hands=1), session.resource("dynamodb")


@pytest.fixture
def dynamodb(cloud: tuple[Aws, Any]) -> Any:
    """A table of the test's own, as template.yaml makes it."""
    _, service = cloud
    return service.create_table(
        TableName=f"ledger-{uuid4()}",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )


@pytest.fixture
def real(cloud: tuple[Aws, Any], dynamodb: Any) -> Ledger:
    return Ledger(cloud[0], dynamodb.name, incident_days=400)
