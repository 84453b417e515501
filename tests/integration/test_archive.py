"""`relight check --stack`: the ledger's trend and evidence stand in the report."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.account import Account
from local.cloud import LocalAws
from tests.integration import helpers

SCHEDULED = {"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": "{}"}


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    helpers.hurry(monkeypatch)


def report(aws: LocalAws, *arguments: str) -> Any:
    result = helpers.run(aws, "check", "--control", "vpc.flow-logs", "-o", "json", *arguments)
    return json.loads(result.stdout)


def test_the_ledgers_trend_and_evidence_stand_in_the_report(cloud: LocalAws, victim: Account) -> None:
    helpers.mallory(cloud, "ec2").delete_flow_logs(FlowLogIds=[victim.flow_log])
    cloud.settle()
    (record,) = helpers.records(cloud, "DeleteFlowLogs")
    with helpers.nobody_listening(cloud):
        helpers.mallory(cloud, "cloudtrail").stop_logging(Name=victim.trail)
    for _ in range(2):
        helpers.invoke(cloud, "sweep", SCHEDULED)

    found = report(cloud, "--stack", "relight")

    swept, deleted, *_ = found["evidence"]
    assert deleted["time"] == record["eventTime"].replace("Z", "+00:00")
    assert (deleted["event"], deleted["actor"], deleted["outcome"]) == ("DeleteFlowLogs", "mallory", "repaired")
    assert (swept["resource"], swept["control"], swept["outcome"]) == (victim.trail_arn, "trail.logging", "repaired")
    assert "CreateFlowLogs" in " ".join(deleted["calls"])
    assert deleted["dark_seconds"] >= 0
    assert len(found["history"]) == 3
    assert [each["posture"]["trail.logging"] for each in found["history"]] == [[1, 0, 0, 0]] * 3
    assert [each["time"] for each in found["history"]] == sorted(each["time"] for each in found["history"])


def test_without_a_stack_there_is_neither(cloud: LocalAws) -> None:
    found = report(cloud)
    assert (found["history"], found["evidence"]) == ([], [])


def test_a_ledger_that_cannot_be_read_is_named(cloud: LocalAws) -> None:
    with cloud.refuse(None, "dynamodb:Scan"):
        result = helpers.run(cloud, "check", "--control", "vpc.flow-logs", "--stack", "relight")
    assert result.exit_code == 2
    assert f"ledger {cloud.stack.outputs['LedgerName']} could not be read" in result.stderr
    assert "no --stack" in result.stderr
