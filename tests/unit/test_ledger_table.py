"""The ledger's rows in DynamoDB (moto), and a table that fails."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from relight.errors import AwsError
from relight.ledger import LARGEST_STATE, TELLING, Ledger, fits
from relight.model import Baseline, Drift, Outcome
from relight.policy.state import lasting, written
from relight.policy.trail import Trail
from relight.resources import trail as kind
from tests.unit.builders import ACCOUNT, BEFORE, NOON, TRAIL_ARN, finding, incident, resource, trail
from tests.unit.fakes import fake_aws, refused

KEY = "e1"
INCIDENT = incident()
FAILED = incident(finding(outcome=Outcome.FAILED))
FIRST = Baseline(trail(), frozenset({"trail.logging", "trail.kms-encryption"}), BEFORE)


def known(ledger: Ledger, *arns: str) -> dict[str, Baseline[Trail]]:
    return ledger.baselines("trail", ACCOUNT, arns or [TRAIL_ARN], kind.revive)


def row(dynamodb: Any, pk: str, sk: str = TRAIL_ARN) -> Any:
    return dynamodb.get_item(Key={"pk": pk, "sk": sk})["Item"]


def test_rows_as_they_stand_in_the_table(real: Ledger, dynamodb: Any) -> None:
    real.keep(resource(), FIRST)
    kept = row(dynamodb, f"baseline#{ACCOUNT}#trail")
    assert (kept["controls"], kept["since"], kept["revision"]) == (
        "trail.kms-encryption trail.logging",
        "2026-01-01T00:00:00+00:00",
        1,
    )
    assert "expires" not in kept
    expiry = int((NOON + timedelta(days=400)).timestamp())
    real.open(KEY, FAILED, NOON)
    assert (row(dynamodb, "incident#e1")["status"], row(dynamodb, "incident#e1")["expires"]) == ("intended", expiry)
    real.claim(KEY, INCIDENT, (NOON + TELLING), "t1")
    claimed = row(dynamodb, "incident#e1")
    assert (claimed["status"], claimed["teller"], claimed["expires"]) == ("repaired", "t1", expiry)
    assert claimed["telling"] == ((NOON + TELLING) + TELLING).isoformat()
    real.told(KEY, INCIDENT, NOON)
    told = row(dynamodb, "incident#e1")
    assert (told["status"], told["told"], told["told_at"]) == ("told", "repaired", NOON.isoformat())
    assert "telling" not in told
    real.claim("e2", INCIDENT, NOON, "t1")
    assert row(dynamodb, "incident#e2")["expires"] == expiry


@pytest.mark.parametrize(
    "damage",
    [{"state": "{}"}, {"state": "[]"}, {"state": "not json"}, {"since": "yesterday"}, {"state": None}],
    ids=str,
)
def test_a_baseline_that_cannot_be_read_is_as_good_as_none(real: Ledger, dynamodb: Any, damage: Any) -> None:
    other = TRAIL_ARN + "-2"
    real.keep(resource(), FIRST)
    real.keep(resource(other), FIRST)
    broken = row(dynamodb, f"baseline#{ACCOUNT}#trail") | damage
    dynamodb.put_item(Item={name: value for name, value in broken.items() if value is not None})
    assert known(real, TRAIL_ARN, other).keys() == {other}
    assert real.baselines_under("trail", ACCOUNT, "arn:", kind.revive).keys() == {other}


def test_many_baselines_are_paged(real: Ledger, dynamodb: Any) -> None:
    with dynamodb.batch_writer() as batch:
        for number in range(40):
            batch.put_item(
                Item={
                    "pk": f"baseline#{ACCOUNT}#trail",
                    "sk": f"{TRAIL_ARN}-{number:02}",
                    "state": json.dumps(lasting(trail(prefix="x" * 60_000))),
                    "controls": "",
                    "since": BEFORE.isoformat(),
                    "revision": 1,
                }
            )
    found = real.baselines_under("trail", ACCOUNT, TRAIL_ARN, kind.revive)
    assert len(found) == 40
    assert found[f"{TRAIL_ARN}-00"].controls == frozenset()


@pytest.mark.parametrize("code", ["AccessDeniedException", "ProvisionedThroughputExceededException"])
def test_a_table_that_cannot_be_reached_is_an_error(code: str) -> None:
    failure = refused(code)
    aws, _ = fake_aws(
        dynamodb__GetItem=failure, dynamodb__PutItem=failure, dynamodb__UpdateItem=failure, dynamodb__Query=failure
    )
    ledger = Ledger(aws, "ledger", 400)
    for attempt in (
        lambda: known(ledger),
        lambda: ledger.baselines_under("trail", ACCOUNT, "", kind.revive),
        lambda: ledger.keep(resource(), FIRST),
        lambda: ledger.open(KEY, INCIDENT, NOON),
        lambda: ledger.find(KEY, TRAIL_ARN),
        lambda: ledger.claim(KEY, INCIDENT, NOON, "t1"),
        lambda: ledger.noted(KEY),
        lambda: ledger.release(KEY, INCIDENT, "t1"),
        lambda: ledger.told(KEY, INCIDENT, NOON),
    ):
        with pytest.raises(AwsError, match=code):
            attempt()


def test_reads_see_what_was_just_written() -> None:
    aws, session = fake_aws(dynamodb__GetItem={}, dynamodb__Query={"Items": []})
    ledger = Ledger(aws, "ledger", 400)
    ledger.find(KEY, TRAIL_ARN)
    ledger.baselines_under("trail", ACCOUNT, "arn:", kind.revive)
    assert [params["ConsistentRead"] for _, _, params in session.calls] == [True, True]


# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
ITEM = 400 * 1024


def limited(_region: str, **params: Any) -> dict[str, Any]:
    """A put as AWS refuses it; moto takes items of any size there. Names count, and values in UTF-8."""
    item = params["Item"]
    if sum(len(name) + len(next(iter(value.values())).encode()) for name, value in item.items()) > ITEM:
        raise refused("ValidationException", "Item size has exceeded the maximum allowed size")
    return {}


def test_the_largest_baseline_and_incident_fit_into_an_item() -> None:
    arn = f"{TRAIL_ARN}{'x' * 900}"
    controls = frozenset(f"trail.{number:030}" for number in range(50))
    largest = trail(sns_topic="x" * (LARGEST_STATE - len(written(trail(sns_topic="")))))
    ledger = Ledger(fake_aws(dynamodb__PutItem=limited)[0], "ledger", 400)

    assert fits(largest)
    assert not fits(trail(sns_topic=f"{largest.sns_topic}x"))
    assert ledger.keep(resource(arn), Baseline(largest, controls, BEFORE))
    assert ledger.open(KEY, incident(*[finding(drifts=(Drift("Rules", ["ä" * 999] * 999, None),))] * 20), NOON) is None
    with pytest.raises(AwsError, match="maximum allowed size"):
        ledger.keep(resource(arn), Baseline(trail(sns_topic="x" * ITEM), controls, BEFORE))
