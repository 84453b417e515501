"""The arithmetic of a flood; that the counts are true is for tests/integration/test_commands.py to see."""

from __future__ import annotations

import pytest

from local.attacks import Attack
from local.flood import BESIDE, ITEM, MEMORY, ROUND_TRIP, Load, summary

STOP = Attack("the trail stops", "cloudtrail", "StopLogging", {})
VPC = Attack("a VPC that was never lit", "ec2", "CreateVpc", {})
CALLS = {
    ("cloudtrail", "read"): 4.0,
    ("cloudtrail", "write"): 1.0,
    ("dynamodb", "read"): 2.0,
    ("dynamodb", "write"): 3.0,
}
LOAD = Load(STOP, 2.0, CALLS, (6, 0), 0)


def test_time_and_money() -> None:
    assert LOAD.seconds == pytest.approx(2 * BESIDE + 10 * ROUND_TRIP)
    ledger = 3 * ITEM * 0.625e-6 + 2 * 0.125e-6
    assert LOAD.dollars == pytest.approx(2 * 0.2e-6 + LOAD.seconds * MEMORY * 16.6667e-6 + ledger)


@pytest.mark.parametrize(
    ("load", "events", "quota"),
    [
        pytest.param(LOAD, 30, "cloudtrail write", id="one to stop the trail and one to start it, of one a second"),
        pytest.param(Load(VPC, 1.0, {("cloudtrail", "read"): 20.0}, (0, 0), 0), 30, "cloudtrail read", id="reads"),
        pytest.param(Load(VPC, 1.0, {("s3", "read"): 20.0}, (0, 0), 0), 0, "", id="of no service with a quota"),
    ],
)
def test_the_first_quota_counts_the_intruders_own_calls(load: Load, events: float, quota: str) -> None:
    assert load.bounds == (events, quota)


def test_the_summary_has_the_worst_of_each() -> None:
    said = summary([LOAD, Load(VPC, 1.0, {}, (8, 10), 1)], 1000)
    assert "6 messages an hour for each actor on one resource" in said, "each CreateVpc makes a resource of its own"
    assert f"{1000 / 60 * LOAD.seconds:,.0f} executions at once" in said
    assert said.endswith("36 attacks, 1 not repaired")
