"""The whole catalogue: each control is broken by calls, as an intruder would, and repaired; the state is read back.

What moto cannot show is tested on fakes shaped as AWS documents it: ON_FAKES names the control and the test.
"""

from __future__ import annotations

from typing import Any

import pytest

from local import account, sabotage
from local.account import Account
from local.cloud import LocalAws
from local.sabotage import Sabotage
from relight.policy import CONTROLS
from tests.integration import helpers

# Control → the test module that stands in for a sabotage.
ON_FAKES: dict[str, str] = {}
every_sabotage = pytest.mark.parametrize("each", sabotage.ALL, ids=str)


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    helpers.hurry(monkeypatch)


def _commit(aws: LocalAws, each: Sabotage, victim: Account) -> None:
    each.commit(aws, aws.actor(account.INTRUDER, account.INTRUDER_ADDRESS), victim)
    aws.settle()


def _told(aws: LocalAws, control: str) -> list[dict[str, Any]]:
    """The findings about a control, in all that was told of the intruder."""
    # Of a stranger's session, CloudTrail shows the principal's id with the session's name.
    messages = [m.data for m in aws.notifications if m.data["actor"]["name"].rpartition(":")[2] == account.INTRUDER]
    return [finding for data in messages for finding in data["findings"] if finding["control"] == control]


@every_sabotage
def test_it_is_repaired_and_told_and_nothing_happens_again(
    each: Sabotage, local_aws: LocalAws, enforced: Account
) -> None:
    cloud = local_aws
    before = each.proof(cloud, enforced)

    _commit(cloud, each, enforced)

    assert helpers.failed(cloud) == []
    found = _told(cloud, each.control)
    assert "found-on-the-way" not in [finding["cause"] for finding in found], "nobody is held responsible by the record"
    outcomes = [finding["outcome"] for finding in found]
    assert outcomes in ([each.outcome], [each.outcome, "compliant"])  # of two calls, the second may find it repaired
    if each.outcome == "repaired":
        assert each.proof(cloud, enforced) == before
    else:
        assert helpers.writes(cloud) == []

    records = helpers.records(cloud, each.event)
    cloud.forget()
    helpers.deliver(cloud, *records, *records)
    assert helpers.failed(cloud) == []
    assert helpers.silent(cloud)


@pytest.mark.parametrize("each", {each.control: each for each in reversed(sabotage.ALL)}.values(), ids=str)
def test_observe_mode_writes_nothing_and_tells_what_it_would_do(
    each: Sabotage, local_aws: LocalAws, observed: Account
) -> None:
    cloud = local_aws
    before = each.proof(cloud, observed)

    _commit(cloud, each, observed)

    assert helpers.writes(cloud) == []
    assert helpers.failed(cloud) == []
    (finding,) = _told(cloud, each.control)
    assert finding["mode"] != "enforce"
    if each.outcome == "repaired":
        assert finding["outcome"] == "observed"
        assert each.proof(cloud, observed) != before, "the proof cannot tell a sabotage from a repair"


@pytest.mark.parametrize("control", sorted(CONTROLS))
def test_every_control_is_sabotaged(control: str) -> None:
    shown = {each.control for each in (*sabotage.ALL, *sabotage.OF_A_HUB)}  # these in test_forwarder.py
    assert control in shown | ON_FAKES.keys(), f"{control}: add a sabotage of it to local/sabotage"
