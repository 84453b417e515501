"""What the tests through the local AWS say again and again: attack, deliver, look at what was told and written."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.retries.standard import ExponentialBackoff
from click.testing import CliRunner, Result

from local import account, cloudtrail
from local.cli import main
from local.cloud import LocalAws
from local.inbox import Notification
from local.runtime import Invocation
from local.settings import REGION
from relight.record import plain_name

Record = dict[str, Any]

# Each family's function guards these services; whatever it changes there is a repair.
GUARDED = ("cloudtrail", "config", "ec2", "kms", "logs", "monitoring", "s3", "sns")
# What the guards look after beside that. The ledger's items are no management events.
OWN = ("cloudformation", "dynamodb", "events", "iam", "lambda", "scheduler", "sqs")
GUARDS = ("guard", "guard_watch")


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits: neither Relight between two looks, nor boto3 between two attempts."""
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda _self, _context: 0)


def set_to_work(aws: LocalAws, *, mode: str = "enforce", guarded: bool = False) -> LocalAws:
    """Deploys the stack and lets its sweep keep baselines, and its guards theirs, which takes longer."""
    aws.deploy(Mode=mode)
    aws.announce("CREATE_COMPLETE", deaf=() if guarded else GUARDS)
    aws.settle()
    aws.forget()
    return aws


def sweep(aws: LocalAws, status: str = "UPDATE_COMPLETE") -> None:
    aws.announce(status, deaf=GUARDS)
    aws.settle()


# ------------------------------------------------------------------------------------------------- attacking


def mallory(aws: LocalAws, service: str) -> Any:
    return aws.actor(account.INTRUDER, account.INTRUDER_ADDRESS).client(service)


def eve(aws: LocalAws, service: str) -> Any:
    """A second intruder, from elsewhere."""
    return aws.actor("eve", "198.51.100.7").client(service)


@contextmanager
def nobody_listening(aws: LocalAws) -> Iterator[None]:
    """Calls made here are recorded, but EventBridge keeps their events to itself; see `deliver`."""
    aws.settle()
    before, aws.delivers = aws.delivers, False
    try:
        yield
    finally:
        aws.delivers = before


def deliver(aws: LocalAws, *records: Record) -> None:
    """Gives records to EventBridge, in this order, and waits until all that comes of them is done."""
    for record in records:
        aws.delivery.post(cloudtrail.event(record))
    aws.settle()


def invoke(aws: LocalAws, family: str, event: object) -> Any:
    """Runs a function on an event, as a person would by hand; what it returned. Raises FunctionFailed."""
    answer = aws.client("lambda").invoke(
        FunctionName=aws.stack.functions[family].name, Payload=json.dumps(event).encode()
    )
    result = json.loads(answer["Payload"].read() or b"null")
    if "FunctionError" in answer:
        raise FunctionFailed(f"{result['errorType']}: {result['errorMessage']}")
    return result


def relight(aws: LocalAws, command: str, *arguments: str, answer: str = "") -> Result:
    """An operator's command on their own machine; what comes of it is waited for. `answer` is what they type."""
    aws.settle()  # a function that still ran would write into what the command prints, and take its calls for its own
    result = run(aws, command, *arguments, answer=answer)
    aws.settle()
    return result


def run(aws: LocalAws, command: str, *arguments: str, answer: str = "") -> Result:
    """The same where nothing is deployed."""
    environment = {
        "AWS_ACCESS_KEY_ID": "operator",
        "AWS_SECRET_ACCESS_KEY": "operator",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_PROFILE": None,
        "NO_PROXY": "127.0.0.1",
    }
    line = [command, "--endpoint-url", aws.url, *arguments]
    return CliRunner().invoke(main, line, input=answer, env=environment)


class FunctionFailed(Exception):
    """A function raised: its error's type and message."""


# ----------------------------------------------------------------------------------------- what was recorded


def records(aws: LocalAws, *names: str) -> list[Record]:
    """The records of calls that were not the functions' own, oldest first."""
    called = [each for each in aws.records if not names or plain_name(each["eventName"]) in names]
    return [each for each in called if not _caller(aws, each)]


def writes(aws: LocalAws) -> list[str]:
    """Every call by which a function changed, or tried to change, what Relight guards."""
    return [
        f"{_caller(aws, each)}: {each['eventName']}"
        for each in aws.records
        if _caller(aws, each) and each["eventSource"].partition(".")[0] in (*GUARDED, *OWN)
    ]


def _caller(aws: LocalAws, record: Record) -> str:
    """The family of the function that made a call; empty of anybody else's."""
    identity = record["userIdentity"]
    function = aws.stack.function(identity["arn"].rpartition("/")[2]) if identity["type"] == "AssumedRole" else None
    return function.family if function else ""


def failed(aws: LocalAws) -> list[Invocation]:
    return [invocation for invocation in aws.invocations if invocation.error]


# ---------------------------------------------------------------------------------------------- what was told


def only(aws: LocalAws) -> Notification:
    """The one message that there was."""
    assert len(aws.notifications) == 1, [(message.subject, message.event_id) for message in aws.notifications]
    return aws.notifications[0]


def about(aws: LocalAws, record: Record) -> Notification:
    """The one message that there was of a record."""
    told = [message for message in aws.notifications if message.event_id == record["eventID"]]
    assert len(told) == 1, [(message.subject, message.event_id) for message in aws.notifications]
    return told[0]


def silent(aws: LocalAws) -> bool:
    """Nobody was told anything, and nothing was written."""
    assert [message.subject for message in aws.notifications] == []
    assert writes(aws) == []
    return True


def finding(message: Notification, control: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in message.data["findings"] if each["control"] == control)
    return found


def drifts(message: Notification, control: str) -> dict[str, tuple[Any, Any]]:
    """Field → (found, wanted)."""
    return {each["field"]: (each["found"], each["wanted"]) for each in finding(message, control)["drifts"]}


def letters(aws: LocalAws, queue: str) -> list[Any]:
    """What is in a queue, by the output of the stack that names it; it stays there."""
    answer = aws.client("sqs").receive_message(
        QueueUrl=aws.stack.outputs[f"{queue}Url"], MaxNumberOfMessages=10, VisibilityTimeout=0
    )
    return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


def baseline(aws: LocalAws, arn: str) -> dict[str, Any] | None:
    """The state that the ledger keeps of a resource, with the controls that it met."""
    rows = aws.client("dynamodb").scan(TableName=aws.stack.outputs["LedgerName"])["Items"]
    for row in rows:
        if row["pk"]["S"].startswith("baseline#") and row["sk"]["S"] == arn:
            state: dict[str, Any] = json.loads(row["state"]["S"])
            return {**state, "controls": set(row["controls"]["S"].split())}
    return None


# --------------------------------------------------------------------------------------------- what AWS shows


def trail(aws: LocalAws, name: str = account.TRAIL) -> dict[str, Any]:
    """All of a trail's configuration."""
    client = aws.client("cloudtrail")
    shown: dict[str, Any] = client.get_trail(Name=name)["Trail"]
    selectors = client.get_event_selectors(TrailName=name)
    return {
        **shown,
        "IsLogging": client.get_trail_status(Name=name)["IsLogging"],
        "EventSelectors": selectors.get("EventSelectors"),
        "Tags": client.list_tags(ResourceIdList=[shown["TrailARN"]])["ResourceTagList"],
    }


def flow_logs(aws: LocalAws, vpc: str) -> list[dict[str, Any]]:
    """A VPC's flow logs, without what is new each time."""
    shown = aws.client("ec2").describe_flow_logs(Filters=[{"Name": "resource-id", "Values": [vpc]}])["FlowLogs"]
    return [{name: value for name, value in log.items() if name not in ("FlowLogId", "CreationTime")} for log in shown]


def flow_log_ids(aws: LocalAws, *vpcs: str) -> list[str]:
    shown = aws.client("ec2").describe_flow_logs()["FlowLogs"]
    return [log["FlowLogId"] for log in shown if log["ResourceId"] in vpcs]


def access_logging(aws: LocalAws, bucket: str = account.TRAIL_BUCKET) -> dict[str, Any]:
    logging: dict[str, Any] = aws.client("s3").get_bucket_logging(Bucket=bucket).get("LoggingEnabled", {})
    return logging


def access_log_target(aws: LocalAws, name: str) -> str:
    """One more bucket that access logs may be delivered to."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=name)
    policy = s3.get_bucket_policy(Bucket=account.ACCESS_LOG_BUCKET)["Policy"]
    s3.put_bucket_policy(Bucket=name, Policy=policy.replace(account.ACCESS_LOG_BUCKET, name))
    return name
