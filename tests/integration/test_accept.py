"""`relight accept` and `relight forget`: a person decides what is put back; everybody is told, and it is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import Result

from local.account import Account
from local.cloud import LocalAws
from local.inbox import Notification
from tests.integration import helpers
from tests.integration.helpers import mallory

REASON = "REJECT is enough here, SEC-112"


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    helpers.hurry(monkeypatch)


def vpc_arn(victim: Account) -> str:
    return f"arn:aws:ec2:us-east-1:123456789012:vpc/{victim.vpc}"


def accept(aws: LocalAws, resource: str, *more: str, answer: str = "y\n") -> Result:
    return helpers.relight(aws, "accept", resource, "--reason", REASON, *more, answer=answer)


def forget(aws: LocalAws, resource: str, *more: str, answer: str = "y\n") -> Result:
    return helpers.relight(aws, "forget", resource, "--reason", "Decommissioned", *more, answer=answer)


def log_rejects_only(aws: LocalAws, victim: Account) -> None:
    """The VPC's flow log is replaced by a weaker one, and no event says so."""
    terraform = aws.actor("terraform").client("ec2")
    with helpers.nobody_listening(aws):
        terraform.delete_flow_logs(FlowLogIds=[victim.flow_log])
        terraform.create_flow_logs(
            ResourceIds=[victim.vpc],
            ResourceType="VPC",
            TrafficType="REJECT",
            LogGroupName="/example/flow-logs",
            DeliverLogsPermissionArn=aws.stack.outputs["FlowLogsRoleArnInUse"],
        )
    aws.forget()


def encrypt_with_another_key(aws: LocalAws, victim: Account) -> str:
    """The trail is given another key, as good as its own, and Relight has seen that; the key's ARN."""
    kms = aws.client("kms")
    policy = kms.get_key_policy(KeyId=victim.key_arn, PolicyName="default")["Policy"]
    other = kms.create_key(Policy=policy)["KeyMetadata"]["Arn"]
    aws.actor("terraform").client("cloudtrail").update_trail(Name=victim.trail, KmsKeyId=other)
    aws.settle()
    return str(other)


def weaker(aws: LocalAws) -> list[Any]:
    """What the sweep says is weaker than its baseline."""
    aws.forget()
    helpers.sweep(aws)
    found = [message.data["sweep"].get("weaker", {}) for message in aws.notifications if message.outcome == "swept"]
    aws.forget()
    return found


def audit(aws: LocalAws) -> list[dict[str, str]]:
    rows = aws.client("dynamodb").scan(TableName=aws.stack.outputs["LedgerName"])["Items"]
    return [
        {name: next(iter(value.values())) for name, value in row.items()}
        for row in rows
        if row["pk"]["S"].startswith("audit#")
    ]


def told(aws: LocalAws, outcome: str) -> list[Notification]:
    return [message for message in aws.notifications if message.outcome == outcome]


def test_a_weaker_state_is_told_until_it_is_accepted_and_then_put_back(cloud: LocalAws, victim: Account) -> None:
    log_rejects_only(cloud, victim)
    assert [list(each) for each in weaker(cloud)] == [[vpc_arn(victim)]]
    assert [list(each) for each in weaker(cloud)] == [[vpc_arn(victim)]], "and again, with each sweep"

    result = accept(cloud, vpc_arn(victim))

    assert result.exit_code == 0, result.output
    assert "REJECT" in result.output
    message = helpers.only(cloud)
    assert (message.outcome, message.attributes["severity"]) == ("accepted", "HIGH")
    assert REASON in message.text
    assert message.data["accepted"]["reason"] == REASON
    assert weaker(cloud) == [{}]

    shown = cloud.client("ec2").describe_flow_logs(Filters=[{"Name": "resource-id", "Values": [victim.vpc]}])
    mallory(cloud, "ec2").delete_flow_logs(FlowLogIds=[shown["FlowLogs"][0]["FlowLogId"]])
    cloud.settle()

    assert [log["TrafficType"] for log in helpers.flow_logs(cloud, victim.vpc)] == ["REJECT"]
    assert [log["LogGroupName"] for log in helpers.flow_logs(cloud, victim.vpc)] == ["/example/flow-logs"]
    assert helpers.only(cloud).outcome == "repaired"


def test_a_trail_that_was_led_elsewhere_is_led_there_again(cloud: LocalAws, victim: Account) -> None:
    other = encrypt_with_another_key(cloud, victim)
    (message,) = told(cloud, "changed")
    assert f"relight accept {victim.trail_arn} --reason" in message.text
    cloud.forget()

    result = accept(cloud, victim.trail, "--kind", "trail", "--yes", answer="")

    assert result.exit_code == 0, result.output
    assert f"kms_key: {victim.key_arn} → {other}" in result.output
    cloud.forget()
    mallory(cloud, "cloudtrail").update_trail(Name=victim.trail, KmsKeyId="")
    cloud.settle()
    assert helpers.trail(cloud)["KmsKeyId"] == other
    (message,) = told(cloud, "repaired")
    assert message.data["actor"]["name"] == "mallory"


def test_the_key_that_a_trail_had_is_guarded_until_it_is_forgotten(cloud: LocalAws, victim: Account) -> None:
    encrypt_with_another_key(cloud, victim)
    helpers.sweep(cloud)
    cloud.forget()

    def let_it_go() -> str:
        cloud.forget()
        by_id = victim.key_arn.rpartition("/")[2]  # moto does not know an ARN here
        mallory(cloud, "kms").schedule_key_deletion(KeyId=by_id, PendingWindowInDays=7)
        cloud.settle()
        return str(cloud.client("kms").describe_key(KeyId=victim.key_arn)["KeyMetadata"]["KeyState"])

    assert let_it_go() == "Enabled"
    assert helpers.only(cloud).outcome == "repaired"
    result = forget(cloud, victim.key_arn, "--force")
    assert result.exit_code == 0, result.output
    assert let_it_go() == "PendingDeletion"


def test_who_accepted_what_and_why_is_kept(cloud: LocalAws, victim: Account) -> None:
    before = helpers.baseline(cloud, vpc_arn(victim))
    log_rejects_only(cloud, victim)

    accept(cloud, vpc_arn(victim))

    (row,) = audit(cloud)
    assert row["pk"] == "audit#123456789012#vpc"
    assert row["sk"].startswith(f"{vpc_arn(victim)}#20")
    assert (row["action"], row["reason"], row["revision"]) == ("accept", REASON, "1")
    assert row["who"].startswith("arn:aws:")
    assert before is not None
    assert json.loads(row["state"])["flow_logs"] == before["flow_logs"]
    incident_days = int(row["expires"]) / 86400
    assert incident_days > 400 * 50


@pytest.mark.parametrize(("answer", "exit_code"), [("n\n", 1), ("", 1)])
def test_what_is_declined_changes_nothing(cloud: LocalAws, victim: Account, answer: str, exit_code: int) -> None:
    before = helpers.baseline(cloud, vpc_arn(victim))
    log_rejects_only(cloud, victim)

    result = accept(cloud, vpc_arn(victim), answer=answer)

    assert result.exit_code == exit_code, result.output
    assert helpers.baseline(cloud, vpc_arn(victim)) == before
    assert (audit(cloud), cloud.notifications) == ([], [])


def test_what_is_not_told_is_not_accepted(cloud: LocalAws, victim: Account) -> None:
    before = helpers.baseline(cloud, vpc_arn(victim))
    log_rejects_only(cloud, victim)

    with cloud.refuse(None, "sns:Publish"):
        result = accept(cloud, vpc_arn(victim))

    assert (result.exit_code, "nothing was changed: sns:Publish" in result.output) == (2, True), result.output
    assert (helpers.baseline(cloud, vpc_arn(victim)), audit(cloud)) == (before, [])


def test_whoever_may_not_write_the_ledger_is_told_who_may(cloud: LocalAws, victim: Account) -> None:
    """The table's resource policy denies it; moto does not enforce that."""
    log_rejects_only(cloud, victim)

    with cloud.refuse(None, "dynamodb:TransactWriteItems"):
        result = accept(cloud, vpc_arn(victim))

    assert (result.exit_code, "OperatorRoleArn" in result.output) == (2, True), result.output


def test_the_operator_s_role_may_write_the_ledger_where_one_is_named(local_aws: LocalAws, victim: Account) -> None:  # noqa: ARG001 (as above)
    for role, more in (("", []), ("arn:aws:iam::123456789012:role/olivia", ["arn:aws:iam::123456789012:role/olivia"])):
        local_aws.reset()
        stack = local_aws.deploy(OperatorRoleArn=role)
        table = local_aws.client("dynamodb").describe_table(TableName=stack.outputs["LedgerName"])["Table"]["TableArn"]
        policy = json.loads(local_aws.client("dynamodb").get_resource_policy(ResourceArn=table)["Policy"])
        spared = policy["Statement"][0]["Condition"]["ArnNotEquals"]["aws:PrincipalArn"]
        writers = [each.role for each in stack.functions.values() if each.family != "security_hub"]  # which reads none
        assert sorted(spared) == sorted([*writers, *more])


def test_what_cannot_be_read_is_not_accepted(cloud: LocalAws, victim: Account) -> None:
    log_rejects_only(cloud, victim)
    for action in ("ec2:DescribeFlowLogs", "dynamodb:GetItem", "lambda:GetFunctionConfiguration"):
        with cloud.refuse(None, action):
            result = accept(cloud, vpc_arn(victim))

        assert (result.exit_code, f"{action}: AccessDenied" in result.output) == (2, True), result.output
    assert (audit(cloud), cloud.notifications) == ([], [])


def test_a_state_that_cannot_be_judged_is_not_accepted(cloud: LocalAws, victim: Account) -> None:
    cloud.client("cloudtrail").update_trail(Name=victim.trail, EnableLogFileValidation=True)
    with cloud.refuse(None, "kms:DescribeKey"):
        result = accept(cloud, victim.trail_arn)

    assert result.exit_code == 1, result.output
    assert "cannot be judged" in result.output or "only in part" in result.output
    assert audit(cloud) == []


def test_a_baseline_that_changed_meanwhile_is_not_written_over(cloud: LocalAws, victim: Account) -> None:
    """Between the look and the write, an invocation kept a stronger state: here, while the operator is asked."""
    log_rejects_only(cloud, victim)
    table = cloud.stack.outputs["LedgerName"]
    key = {"pk": {"S": "baseline#123456789012#vpc"}, "sk": {"S": vpc_arn(victim)}}
    row = cloud.client("dynamodb").get_item(TableName=table, Key=key)["Item"]

    def meanwhile(notification: Notification) -> None:
        assert notification.outcome == "accepted"
        cloud.client("dynamodb").put_item(TableName=table, Item={**row, "revision": {"N": "7"}})

    cloud.on_notification = meanwhile
    try:
        result = accept(cloud, vpc_arn(victim))
    finally:
        cloud.on_notification = lambda _: None

    assert (result.exit_code, "meanwhile" in result.output) == (1, True), result.output
    assert cloud.client("dynamodb").get_item(TableName=table, Key=key)["Item"] == {**row, "revision": {"N": "7"}}
    assert audit(cloud) == [], "the row that says who did it comes with it, or not at all"


def test_what_is_its_baseline_already_is_left_alone(cloud: LocalAws, victim: Account) -> None:
    result = accept(cloud, victim.trail_arn)

    assert (result.exit_code, "is its baseline already" in result.output) == (0, True), result.output
    assert (audit(cloud), cloud.notifications) == ([], [])


@pytest.mark.parametrize(
    ("command", "arguments", "said"),
    [
        ("accept", ["main"], "say what it is with --kind"),
        ("accept", ["main", "--kind", "train"], "nothing that Relight guards"),
        ("accept", ["arn:aws:ec2:us-east-1:999999999999:vpc/vpc-1"], "nothing that Relight guards"),
        ("accept", ["vpc-00000000", "--kind", "vpc"], "does not exist"),
        ("accept", ["holiday-photos", "--kind", "bucket"], "none of Relight's business"),
        ("forget", ["vpc-00000000", "--kind", "vpc"], "nothing to forget"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_way_out(
    cloud: LocalAws, command: str, arguments: list[str], said: str
) -> None:
    result = helpers.relight(cloud, command, *arguments, "--reason", REASON, "--yes")

    assert (result.exit_code, said in result.output) == (1, True), result.output
    assert cloud.notifications == []


def test_what_still_exists_is_forgotten_only_by_force_and_then_stays_deleted(cloud: LocalAws, victim: Account) -> None:
    refused = forget(cloud, victim.trail_arn)
    assert (refused.exit_code, "still exists" in refused.output) == (1, True), refused.output
    assert helpers.baseline(cloud, victim.trail_arn) is not None

    result = forget(cloud, victim.trail_arn, "--force")

    assert result.exit_code == 0, result.output
    message = helpers.only(cloud)
    assert (message.outcome, message.data["forgotten"]["reason"]) == ("forgotten", "Decommissioned")
    assert "WHAT WAS KEPT" in message.text
    assert [row["action"] for row in audit(cloud)] == ["forget"]
    assert helpers.baseline(cloud, victim.trail_arn) is None
    cloud.forget()
    cloud.actor("terraform").client("cloudtrail").delete_trail(Name=victim.trail)
    cloud.settle()
    assert cloud.client("cloudtrail").describe_trails()["trailList"] == []
    assert told(cloud, "repaired") == []


def test_what_is_gone_is_forgotten_without_force(cloud: LocalAws, victim: Account) -> None:
    with helpers.nobody_listening(cloud):
        cloud.client("cloudtrail").delete_trail(Name=victim.trail)

    result = forget(cloud, victim.trail_arn)

    assert result.exit_code == 0, result.output
    helpers.sweep(cloud)
    assert helpers.baseline(cloud, victim.trail_arn) is None


def test_a_baseline_that_cannot_be_read_can_be_forgotten(cloud: LocalAws, victim: Account) -> None:
    table = cloud.stack.outputs["LedgerName"]
    key = {"pk": {"S": "baseline#123456789012#vpc"}, "sk": {"S": vpc_arn(victim)}}
    cloud.client("dynamodb").put_item(TableName=table, Item={**key, "state": {"S": "["}})

    assert "cannot be read" in accept(cloud, vpc_arn(victim)).output
    result = forget(cloud, vpc_arn(victim), "--force")

    assert result.exit_code == 0, result.output
    assert helpers.baseline(cloud, vpc_arn(victim)) is None
