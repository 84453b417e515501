"""The sample events, and the drift that each of them reports: what to break so that the event tells the truth."""

import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore import xform_name

from local import account, sabotage
from local.account import Account
from local.cloud import LocalAws
from local.sabotage import Sabotage, guards
from local.settings import ACCOUNT, PARTITION, PROJECT, STACK
from local.stack import Stack
from relight.record import plain_name

# Where a redirected bucket's access logs go: any bucket that S3 takes as a target will do.
_ELSEWHERE = "nobody-looks-here"

Step = tuple[str, str, dict[str, Any]]
_LOGGING_OFF: Step = ("s3", "PutBucketLogging", {"Bucket": account.TRAIL_BUCKET, "BucketLoggingStatus": {}})


class NoSampleError(Exception):
    """There is no such sample event."""


@dataclass(frozen=True)
class Sample:
    """An event to give to a function, and the record in it, if any."""

    family: str
    path: Path
    event: Any
    record: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.record.get("eventName", ""))

    @property
    def is_first_look(self) -> bool:
        """At something new, or by the first sweep: there are no baselines yet."""
        return self.family == "sweep" or self.name.startswith("Create")


def read(family: str, event: str) -> Sample:
    """Finds events/FAMILY/EVENT, or EVENT as a path, and moves the event to this moment."""
    families = sorted(path.name for path in (PROJECT / "functions").iterdir() if (path / "app.py").is_file())
    if family not in families:
        raise NoSampleError(f"no function {family}; there are: {', '.join(families)}")
    folder = PROJECT / "events" / family
    candidates = (folder / event, folder / f"{event}.json", Path(event))
    path = next((candidate for candidate in candidates if candidate.is_file()), None)
    if path is None:
        known = ", ".join(sorted(sample.stem for sample in folder.glob("*.json"))) or "none"
        raise NoSampleError(f"no event {event} for {family}; there are: {known}")
    text = path.read_text()
    record = _record(json.loads(text))
    if "eventTime" in record:
        text = text.replace(record["eventTime"], datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    moved = json.loads(text)
    return Sample(family, path, moved, _record(moved))


def named_as_in(stack: Stack, sample: Sample) -> Sample:
    """The sample with the names that CloudFormation has given to the stack's parts this time."""

    def present(found: re.Match[str]) -> str:
        name = stack.resources.get(found[1], found[0])
        return name.rpartition("/")[2].rpartition(":")[2] if ":" in name else name

    event = json.loads(re.sub(rf"{STACK}-([A-Za-z]+)-[A-Z0-9]{{12}}", present, json.dumps(sample.event)))
    return replace(sample, event=event, record=_record(event))


def sabotage_of(sample: Sample) -> Sabotage | None:
    """The sabotage of the catalogue that the sample reports, unless the sample says itself what was broken."""
    if _steps(sample) or sample.family == "forwarder":  # nothing is broken where there is no hub
        return None
    found = [each for each in sabotage.ALL if each.event == plain_name(sample.name)]
    watched = sample.family == "guard_watch"  # which looks after the guard, and the guard after all the rest
    its_own = [each for each in found if (each in guards.OF_THE_GUARD) == watched]
    return next(iter(its_own or found), None)


def commit(aws: LocalAws, sample: Sample, victim: Account) -> None:
    """Breaks what the sample says was broken, as the account's owner would see it afterwards."""
    if each := sabotage_of(sample):
        each.commit(aws, aws.actor(account.INTRUDER), victim)
    for service, operation, parameters in _steps(sample):
        if parameters.get("BucketLoggingStatus"):
            _make_target(aws)
        getattr(aws.client(service), xform_name(operation))(**parameters)


def _record(event: Any) -> dict[str, Any]:
    """The CloudTrail record: in the event's detail, or in the first message of a batch. A notification has none."""
    if "Records" in event and "body" not in event["Records"][0]:
        return {}
    if "Records" in event:
        event = json.loads(event["Records"][0]["body"])
    detail = event.get("detail")
    return detail if isinstance(detail, dict) else {}


def _steps(sample: Sample) -> list[Step]:
    request = sample.record.get("requestParameters") or {}
    if sample.family == "trail":
        return _trail(sample.name, request)
    if sample.family == "flow_logs":
        return _flow_logs(sample.name, request)
    if sample.family == "trail_bucket":
        wanted = request.get("BucketLoggingStatus", {}).get("LoggingEnabled")
        if not wanted:
            return [_LOGGING_OFF]
        redirected = {"LoggingEnabled": wanted | {"TargetBucket": _ELSEWHERE}}
        return [("s3", "PutBucketLogging", {"Bucket": account.TRAIL_BUCKET, "BucketLoggingStatus": redirected})]
    return []


def _trail(name: str, request: dict[str, Any]) -> list[Step]:
    whose = {"Name": account.TRAIL}
    if name == "DeleteLogGroup":
        return [("logs", "DeleteLogGroup", {"logGroupName": account.TRAIL_LOG_GROUP})]
    if name in ("DeleteSubscriptionFilter", "PutSubscriptionFilter"):
        return [("logs", name, request)]
    if name == "DeleteTrail":
        return [("cloudtrail", "DeleteTrail", whose)]
    if name == "UpdateTrail":
        changes = {key[:1].upper() + key[1:]: value for key, value in request.items() if key != "name"}
        return [("cloudtrail", "UpdateTrail", whose | changes)]
    if name == "CreateTrail":
        bare = {"EnableLogFileValidation": False, "KmsKeyId": ""}
        return [("cloudtrail", "StopLogging", whose), ("cloudtrail", "UpdateTrail", whose | bare)]
    return [("cloudtrail", "StopLogging", whose)] if name == "StopLogging" else []


def _flow_logs(name: str, request: dict[str, Any]) -> list[Step]:
    if name == "DeleteLogGroup":
        return [("logs", "DeleteLogGroup", {"logGroupName": account.FLOW_LOG_GROUP})]
    default = name == "CreateDefaultVpc"
    gone = [account.DEFAULT_FLOW_LOG if default else account.FLOW_LOG]
    named = request.get("DeleteFlowLogsRequest", {}).get("FlowLogId")
    if isinstance(named, list):
        gone = [account.FLOW_LOG, account.DEFAULT_FLOW_LOG]
    steps: list[Step] = [("ec2", "DeleteFlowLogs", {"FlowLogIds": gone})]
    if name == "CreateFlowLogs":  # one that is not enough, in the place of one that was
        role = f"arn:{PARTITION}:iam::{ACCOUNT}:role/{account.FLOW_LOGS_ROLE}"
        what = {"ResourceIds": [account.VPC], "ResourceType": "VPC", "TrafficType": "ACCEPT"}
        where = {"LogGroupName": account.FLOW_LOG_GROUP, "DeliverLogsPermissionArn": role}
        steps.append(("ec2", "CreateFlowLogs", what | where))
    return steps


def _make_target(aws: LocalAws) -> None:
    account.create_access_log_bucket(aws.client("s3"), _ELSEWHERE)
