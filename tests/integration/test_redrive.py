"""`relight redrive`: each kind of dead letter goes back once its cause is mended, and has no effect twice."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest
from click.testing import Result

from local import attacks, cloudtrail
from local.account import Account
from local.cloud import LocalAws
from local.operate import redrive
from tests.integration import helpers
from tests.integration.helpers import mallory

QUEUES = ("UndeliveredQueue", "FailureQueue", "DelayedFailureQueue")


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    helpers.hurry(monkeypatch)
    monkeypatch.setattr(redrive, "WAIT", 0)  # moto has one server, which is never behind


def run(aws: LocalAws, *arguments: str) -> Result:
    return helpers.relight(aws, "redrive", *arguments)


def left(aws: LocalAws) -> list[str]:
    """The queue of each letter that is there, and to be seen."""
    sqs = aws.client("sqs")
    urls = {queue: aws.stack.outputs[f"{queue}Url"] for queue in QUEUES}
    shown = {queue: sqs.receive_message(QueueUrl=url, VisibilityTimeout=0) for queue, url in urls.items()}
    return [queue for queue in QUEUES for _ in shown[queue].get("Messages", [])]


def fail(aws: LocalAws, victim: Account, *operations: str) -> list[helpers.Record]:
    """Attacks that nobody could judge, so that each event ends in a dead-letter queue; their records."""
    with aws.refuse("trail", "cloudtrail:DescribeTrails"), aws.refuse("flow_logs", "ec2:DescribeVpcs"):
        for attack in (each for each in attacks.five(victim) if each.operation in operations):
            attack.commit(mallory(aws, attack.service))
        aws.settle()
    found = helpers.records(aws, *operations)
    aws.forget()
    return found


def put(aws: LocalAws, queue: str, body: object, **attributes: str) -> None:
    aws.client("sqs").send_message(
        QueueUrl=aws.stack.outputs[f"{queue}Url"],
        MessageBody=body if isinstance(body, str) else json.dumps(body),
        MessageAttributes={name: {"DataType": "String", "StringValue": text} for name, text in attributes.items()},
    )


def test_what_a_function_failed_on_is_repaired_and_told_once(cloud: LocalAws, victim: Account) -> None:
    (record,) = fail(cloud, victim, "StopLogging")
    assert left(cloud) == ["FailureQueue"]

    result = run(cloud)

    assert (result.exit_code, "1 of 1 redriven" in result.output) == (0, True), result.output
    assert "StopLogging" in result.output
    assert helpers.trail(cloud)["IsLogging"]
    assert helpers.about(cloud, record).data["outcome"] == "repaired"
    assert left(cloud) == []
    cloud.forget()

    again = run(cloud)

    assert (again.exit_code, "No dead letters" in again.output) == (0, True), again.output
    assert helpers.silent(cloud)


def test_what_never_reached_a_function_does_so_now(cloud: LocalAws, victim: Account) -> None:
    """EventBridge's own letter: the raw event, and the target in an attribute."""
    lambdas, function = cloud.client("lambda"), cloud.stack.functions["trail"].name
    (statement,) = json.loads(lambdas.get_policy(FunctionName=function)["Policy"])["Statement"]
    with helpers.nobody_listening(cloud):  # else Relight would put it back
        lambdas.remove_permission(FunctionName=function, StatementId=statement["Sid"])
    mallory(cloud, "cloudtrail").stop_logging(Name=victim.trail)
    cloud.settle()
    assert left(cloud) == ["UndeliveredQueue"]
    assert not helpers.trail(cloud)["IsLogging"]

    result = run(cloud)

    assert result.exit_code == 0, result.output
    assert helpers.trail(cloud)["IsLogging"]
    assert helpers.only(cloud).data["outcome"] == "repaired"
    assert left(cloud) == []


def test_a_delayed_event_goes_back_to_its_queue(cloud: LocalAws, victim: Account) -> None:
    (record,) = fail(cloud, victim, "CreateVpc")
    assert left(cloud) == ["DelayedFailureQueue"]

    result = run(cloud)

    assert result.exit_code == 0, result.output
    assert "FlowLogsDelayQueue" in result.output
    vpc = record["responseElements"]["vpc"]["vpcId"]
    assert len(helpers.flow_log_ids(cloud, vpc)) == 1
    assert helpers.only(cloud).data["outcome"] == "repaired"
    assert left(cloud) == []


def test_the_schedule_s_letter_starts_the_sweep(cloud: LocalAws) -> None:
    """A letter as EventBridge Scheduler documents it: moto's schedules never fire."""
    scheduled = {"source": "aws.scheduler", "detail-type": "Scheduled Event", "time": "2026-11-21T05:17:00Z"}
    schedule = "arn:aws:scheduler:us-east-1:123456789012:schedule/default/relight-sweep"
    put(cloud, "UndeliveredQueue", scheduled, TARGET_ARN=cloud.stack.functions["sweep"].arn, SCHEDULE_ARN=schedule)

    result = run(cloud)

    assert result.exit_code == 0, result.output
    assert [each.function for each in cloud.invocations if each.event == scheduled] == ["sweep"]
    assert helpers.failed(cloud) == []
    assert left(cloud) == []


def test_the_oldest_goes_first_whatever_queue_it_lies_in(cloud: LocalAws, victim: Account) -> None:
    """The queue of the newest letter is the first to be read."""
    names = ["PutBucketLogging", "StopLogging", "DeleteFlowLogs"]
    with helpers.nobody_listening(cloud):
        for attack in (each for each in attacks.five(victim) if each.operation in names):
            attack.commit(mallory(cloud, attack.service))
    events = {each["eventName"]: cloudtrail.event(each) for each in helpers.records(cloud, *names)}
    for name, hour in zip(names, (1, 2, 3), strict=True):
        events[name]["time"] = f"2026-11-21T0{hour}:00:00Z"
    arns = {family: function.arn for family, function in cloud.stack.functions.items()}
    put(cloud, "UndeliveredQueue", events["DeleteFlowLogs"], TARGET_ARN=arns["flow_logs"])
    for name, family in (("StopLogging", "trail"), ("PutBucketLogging", "trail_bucket")):
        context = {"functionArn": f"{arns[family]}:$LATEST"}
        put(cloud, "FailureQueue", {"requestContext": context, "requestPayload": events[name]})

    dry = run(cloud, "--dry-run")
    first = run(cloud, "--limit", "1")
    rest = run(cloud)

    assert shown(dry, names) == names
    assert shown(first, names) == names[:1]
    assert shown(rest, names) == names[1:]
    assert (dry.exit_code, first.exit_code, rest.exit_code) == (1, 1, 0)
    assert "1 of 3 redriven, 2 stayed" in first.output
    assert left(cloud) == []
    assert [message.outcome for message in cloud.notifications] == ["repaired"] * 3


def shown(result: Result, names: Iterable[str]) -> list[str]:
    return [name for line in result.output.splitlines() for name in names if name in line]


def test_a_dry_run_sends_nothing_and_hides_nothing(cloud: LocalAws, victim: Account) -> None:
    fail(cloud, victim, "StopLogging")

    result = run(cloud, "--dry-run")

    assert result.exit_code == 1
    assert "would go to" in result.output
    assert helpers.silent(cloud)
    assert left(cloud) == ["FailureQueue"]


def test_what_is_not_understood_stays_and_is_named(cloud: LocalAws, victim: Account) -> None:
    (record,) = fail(cloud, victim, "StopLogging")
    put(cloud, "FailureQueue", "not a letter")
    put(cloud, "UndeliveredQueue", {"detail": record})

    result = run(cloud)

    assert result.exit_code == 1
    assert "1 of 3 redriven, 2 stayed" in result.output
    assert "it is not JSON" in result.output
    assert "neither EventBridge's, nor Lambda's" in result.output
    assert left(cloud) == ["UndeliveredQueue", "FailureQueue"]
    assert helpers.about(cloud, record).data["outcome"] == "repaired"


def test_what_lambda_does_not_accept_stays(cloud: LocalAws, victim: Account) -> None:
    fail(cloud, victim, "StopLogging", "DeleteFlowLogs")
    cloud.client("lambda").delete_function(FunctionName=cloud.stack.functions["flow_logs"].name)
    del cloud.stack.functions["flow_logs"]

    result = run(cloud)

    assert (result.exit_code, "1 of 2 redriven, 1 stayed" in result.output) == (1, True), result.output
    assert "ResourceNotFoundException" in result.output
    assert left(cloud) == ["FailureQueue"]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--stack", "elsewhere"], "elsewhere"),
        (["--profile", "nobody"], "nobody"),
        (["--endpoint-url", "localhost:4566"], "http://localhost:4566"),
    ],
)
def test_what_cannot_be_read_is_named_with_the_way_out(cloud: LocalAws, arguments: list[str], named: str) -> None:
    result = run(cloud, *arguments)

    assert result.exit_code == 2
    assert named in result.output
    assert "pass" in result.output


def test_a_stack_that_is_not_relight_s_is_refused(cloud: LocalAws) -> None:
    template = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
    cloud.client("cloudformation").create_stack(StackName="other", TemplateBody=template)

    result = run(cloud, "--stack", "other")

    assert (result.exit_code, "has no output" in result.output) == (2, True), result.output
