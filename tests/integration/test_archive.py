"""`relight check --stack`: the ledger's trend and evidence stand in the report."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.account import Account
from local.cloud import LocalAws
from local.settings import ACCOUNT, MEMBER
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


def test_the_report_of_one_account_has_no_other_accounts_evidence(cloud: LocalAws, victim: Account) -> None:
    """A hub's ledger keeps the incidents of all its members."""
    helpers.mallory(cloud, "cloudtrail").stop_logging(Name=victim.trail)
    cloud.settle()
    table, ledger = cloud.client("dynamodb"), cloud.stack.outputs["LedgerName"]
    rows = [row for row in table.scan(TableName=ledger)["Items"] if row.get("status") == {"S": "told"}]
    for row in rows:
        body = {"S": row["body"]["S"].replace(ACCOUNT, MEMBER)}
        table.put_item(TableName=ledger, Item={**row, "pk": {"S": f"{row['pk']['S']}-member"}, "body": body})

    def accounts(*more: str) -> set[str]:
        return {each["account"] for each in report(cloud, "--stack", "relight", *more)["evidence"]}

    assert accounts() == {ACCOUNT}
    assert accounts("--all-accounts") == {ACCOUNT, MEMBER}


def test_whose_evidence_is_a_question_to_a_stack_only(cloud: LocalAws) -> None:
    result = helpers.run(cloud, "check", "--all-accounts")
    assert result.exit_code == 2
    assert "--all-accounts" in result.stderr
    assert "name the hub's --stack" in result.stderr


def test_without_a_stack_there_is_neither(cloud: LocalAws) -> None:
    found = report(cloud)
    assert (found["history"], found["evidence"]) == ([], [])


def test_a_ledger_that_cannot_be_read_is_named(cloud: LocalAws) -> None:
    with cloud.refuse(None, "dynamodb:Scan"):
        result = helpers.run(cloud, "check", "--control", "vpc.flow-logs", "--stack", "relight")
    assert result.exit_code == 2
    assert f"ledger {cloud.stack.outputs['LedgerName']} could not be read" in result.stderr
    assert "no --stack" in result.stderr
