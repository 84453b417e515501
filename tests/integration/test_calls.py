"""How many AWS calls a repair takes, so that none is added unnoticed: each is time, and a share of AWS's quotas.

docs/benchmark.md says what each is for. Where a change needs one more, it is justified there, and counted here.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from local import account, sabotage
from local.account import Account
from local.cloud import LocalAws
from local.sabotage import Sabotage
from local.wire import Call
from relight.record import plain_name
from tests.integration import helpers


@dataclass(frozen=True)
class Cost:
    """The calls before the repairing one, and all."""

    family: str
    repair: str
    before: int
    calls: int


# By the sabotage's event and control.
COSTS = {
    ("StopLogging", "trail.logging"): Cost("trail", "StartLogging", 9, 21),
    ("UpdateTrail", "trail.log-file-validation"): Cost("trail", "UpdateTrail", 9, 21),
    ("DeleteFlowLogs", "vpc.flow-logs"): Cost("flow_logs", "CreateFlowLogs", 5, 13),
    ("CreateVpc", "vpc.flow-logs"): Cost("flow_logs", "CreateFlowLogs", 6, 14),
    ("PutBucketLogging", "bucket.access-logging"): Cost("trail_bucket", "PutBucketLogging", 11, 25),
}
SABOTAGES = {key: next(each for each in sabotage.ALL if (each.event, each.control) == key) for key in COSTS}


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    helpers.hurry(monkeypatch)


@pytest.mark.parametrize("key", COSTS, ids=lambda key: key[0])
def test_a_repair_takes_so_many_calls(local_aws: LocalAws, victim: Account, key: tuple[str, str]) -> None:
    sabotage.furnish(local_aws, victim)
    helpers.set_to_work(local_aws)
    each: Sabotage = SABOTAGES[key]
    local_aws.held = []
    each.commit(local_aws, local_aws.actor("mallory", account.INTRUDER_ADDRESS), victim)
    (event,) = (event for event in local_aws.held if plain_name(event["detail"]["eventName"]) == each.event)
    made: list[Call] = []
    local_aws.on_call = made.append

    local_aws.delivery.post(event)
    local_aws.settle()

    local_aws.on_call, local_aws.held = (lambda _: None), None
    cost = COSTS[key]
    calls = [call.name for call in made if local_aws.caller(call) == cost.family]
    assert helpers.failed(local_aws) == []
    assert Cost(cost.family, cost.repair, calls.index(cost.repair), len(calls)) == cost, calls
