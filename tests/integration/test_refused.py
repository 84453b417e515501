"""When AWS denies, throttles or fails: unknown state leads to no write, nothing is lost, and nobody is told twice."""

from __future__ import annotations

from typing import Any

import pytest

from local import attacks
from local.account import Account
from local.attacks import Attack
from local.cloud import LocalAws
from local.sabotage import trails
from local.wire import Call
from tests.integration import helpers
from tests.integration.helpers import mallory

DENIED, THROTTLED, BROKEN = "AccessDeniedException", "ThrottlingException", "InternalFailure"
# Lambda invokes a function that fails twice more.
ATTEMPTS = 3


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    helpers.hurry(monkeypatch)


def attack(victim: Account, operation: str) -> Attack:
    return next(each for each in attacks.five(victim) if each.operation == operation)


def commit(aws: LocalAws, victim: Account, operation: str) -> helpers.Record:
    """An attack, and all that comes of it; its record."""
    one = attack(victim, operation)
    one.commit(mallory(aws, one.service))
    aws.settle()
    (record,) = helpers.records(aws, operation)
    return record


def check_dead_letter(aws: LocalAws, record: helpers.Record) -> None:
    """The event is in the failure queue, once, with the error that kept it from being settled."""
    (letter,) = helpers.letters(aws, "FailureQueue")
    assert letter["requestPayload"]["detail"] == record
    assert letter["requestContext"]["approximateInvokeCount"] == ATTEMPTS
    assert letter["responsePayload"]["errorType"] in ("AwsError", "RepairFailed")


@pytest.mark.parametrize(
    ("operation", "family", "action", "code"),
    [
        ("StopLogging", "trail", "cloudtrail:DescribeTrails", DENIED),
        ("StopLogging", "trail", "cloudtrail:GetTrailStatus", THROTTLED),
        ("DeleteFlowLogs", "flow_logs", "ec2:DescribeVpcs", THROTTLED),
        ("DeleteFlowLogs", "flow_logs", "ec2:DescribeFlowLogs", DENIED),
        ("PutBucketLogging", "trail_bucket", "s3:GetBucketLogging", DENIED),
        ("PutBucketLogging", "trail_bucket", "s3:ListBuckets", BROKEN),
        ("PutBucketLogging", "trail_bucket", "cloudtrail:DescribeTrails", THROTTLED),
    ],
)
def test_what_cannot_be_read_is_not_written(
    cloud: LocalAws, victim: Account, operation: str, family: str, action: str, code: str
) -> None:
    """A later event repairs it all."""
    with cloud.refuse(family, action, code):
        record = commit(cloud, victim, operation)

    assert helpers.silent(cloud)
    errors = [invocation.error or {} for invocation in helpers.failed(cloud)]
    assert [error["errorType"] for error in errors] == ["AwsError"] * ATTEMPTS
    assert [f"{action}: {code}" in error["errorMessage"] for error in errors] == [True] * ATTEMPTS, errors
    check_dead_letter(cloud, record)
    cloud.forget()

    helpers.deliver(cloud, record)

    message = helpers.only(cloud)
    assert (message.data["outcome"], message.data["actor"]["name"]) == ("repaired", "mallory")


@pytest.mark.parametrize(
    ("operation", "family", "action", "code"),
    [
        ("StopLogging", "trail", "dynamodb:GetItem", "InternalServerError"),
        ("StopLogging", "trail", "dynamodb:PutItem", "ResourceNotFoundException"),
        ("DeleteFlowLogs", "flow_logs", "dynamodb:Query", THROTTLED),
    ],
)
def test_a_ledger_that_is_lost_stops_no_repair(
    cloud: LocalAws, victim: Account, operation: str, family: str, action: str, code: str
) -> None:
    """It is repaired to the standard, and told with why; where baselines were missed, the event comes again."""
    with cloud.refuse(family, action, code):
        record = commit(cloud, victim, operation)

    assert len(helpers.writes(cloud)) in (1, 3)  # StartLogging, or a flow log with its group
    told = [message.data for message in cloud.notifications if message.data["outcome"] == "repaired"]
    assert len(told) == 1
    assert "The ledger could not be reached" in told[0]["error"]
    assert told[0]["actor"]["name"] == "mallory"
    if action == "dynamodb:PutItem":  # which only the first attempt needs
        assert [each.error is None for each in cloud.invocations].count(False) == 1
    else:
        check_dead_letter(cloud, record)


def test_a_key_that_cannot_be_read_holds_up_nothing_else(cloud: LocalAws, victim: Account) -> None:
    with cloud.refuse("trail", "kms:DescribeKey"):
        record = commit(cloud, victim, "StopLogging")

    assert helpers.trail(cloud)["IsLogging"]
    assert helpers.writes(cloud) == ["trail: StartLogging"]
    message = helpers.only(cloud)
    assert helpers.finding(message, "trail.logging")["outcome"] == "repaired"
    assert helpers.finding(message, "trail.kms-encryption")["outcome"] == "unknown"
    assert "could not be judged" in message.text
    check_dead_letter(cloud, record)


def test_a_denied_repair_is_told_as_failed_once_and_as_repaired_when_it_succeeds(
    cloud: LocalAws, victim: Account
) -> None:
    with cloud.refuse("trail", "cloudtrail:StartLogging"):
        record = commit(cloud, victim, "StopLogging")

    assert not helpers.trail(cloud)["IsLogging"]
    assert helpers.writes(cloud) == ["trail: StartLogging"] * ATTEMPTS
    message = helpers.only(cloud)
    assert (message.data["outcome"], message.attributes["outcome"]) == ("failed", "failed")
    assert "Relight FAILED to repair" in message.subject
    assert "AccessDeniedException" in message.data["error"]
    assert "WHAT AWS ANSWERED" in message.text
    assert message.data["dark_seconds"] is None
    check_dead_letter(cloud, record)
    cloud.forget()

    helpers.deliver(cloud, record)

    assert helpers.trail(cloud)["IsLogging"]
    assert helpers.only(cloud).data["outcome"] == "repaired"


def test_a_repair_refused_once_succeeds_with_the_retry(cloud: LocalAws, victim: Account) -> None:
    with cloud.refuse("flow_logs", "ec2:CreateFlowLogs", DENIED, times=2):  # the baseline's, and the standard's
        commit(cloud, victim, "DeleteFlowLogs")

    assert [log["TrafficType"] for log in helpers.flow_logs(cloud, victim.vpc)] == ["ALL"]
    assert [message.data["outcome"] for message in cloud.notifications] == ["failed", "repaired"]
    assert helpers.letters(cloud, "FailureQueue") == []


def test_a_refused_key_does_not_keep_the_rest_of_the_trail_from_being_mended(cloud: LocalAws, victim: Account) -> None:
    def with_key(call: Call) -> bool:
        return bool(call.parameters().get("KmsKeyId"))

    with cloud.refuse("trail", "cloudtrail:UpdateTrail", "InsufficientEncryptionPolicyException", when=with_key):
        record = commit(cloud, victim, "UpdateTrail")

    trail = helpers.trail(cloud)
    assert trail["LogFileValidationEnabled"]
    assert trail["IsMultiRegionTrail"]
    assert trail["IncludeGlobalServiceEvents"]
    assert not trail.get("KmsKeyId")
    message = helpers.about(cloud, record)
    outcomes = {finding["control"]: finding["outcome"] for finding in message.data["findings"]}
    assert outcomes == {
        "trail.multi-region": "repaired",
        "trail.log-file-validation": "repaired",
        "trail.kms-encryption": "failed",
    }
    assert "InsufficientEncryptionPolicyException" in message.data["error"]
    assert record in [letter["requestPayload"]["detail"] for letter in helpers.letters(cloud, "FailureQueue")]


def test_a_refused_baseline_gives_way_to_the_standard(cloud: LocalAws, victim: Account) -> None:
    """The flow log's own log group or role may be gone for good; the standard's will do."""

    def as_it_was(call: Call) -> bool:
        return str(call.parameters()["TrafficType"]) == "ALL"

    with cloud.refuse("flow_logs", "ec2:CreateFlowLogs", "InvalidParameterValue", when=as_it_was):
        record = commit(cloud, victim, "DeleteFlowLogs")

    assert [log["LogGroupName"] for log in helpers.flow_logs(cloud, victim.vpc)] == [f"/relight/flow-logs/{victim.vpc}"]
    message = helpers.about(cloud, record)
    assert message.data["actor"]["name"] == "mallory"
    assert helpers.finding(message, "vpc.flow-logs")["outcome"] == "repaired"
    assert helpers.finding(message, "vpc.baseline")["outcome"] == "changed"


def test_a_crash_between_repair_and_telling_is_resumed(cloud: LocalAws, victim: Account) -> None:
    before = helpers.trail(cloud)
    with cloud.refuse("trail", "dynamodb:UpdateItem", "ResourceNotFoundException", times=1):
        commit(cloud, victim, "UpdateTrail")

    assert helpers.trail(cloud) == before
    assert helpers.writes(cloud) == ["trail: UpdateTrail"]
    assert len(helpers.failed(cloud)) == 1, [each.error for each in cloud.invocations]
    message = helpers.only(cloud)
    assert message.data["outcome"] == "repaired"
    assert len(message.data["findings"]) == 3
    assert message.data["calls"][0].startswith("cloudtrail:UpdateTrail ")
    assert message.data["dark_seconds"] is not None
    assert helpers.letters(cloud, "FailureQueue") == []


@pytest.mark.parametrize("operation", ["StopLogging", "CreateVpc"])
def test_a_topic_that_refuses_is_told_by_the_retry(cloud: LocalAws, victim: Account, operation: str) -> None:
    """An event of its own is retried by Lambda, under the same request id; one from a queue by the queue."""
    one: Any = attack(victim, operation)
    family = "trail" if operation == "StopLogging" else "flow_logs"
    with cloud.refuse(family, "sns:Publish", "InternalError", times=3):  # which boto3 tries three times itself
        one.commit(mallory(cloud, one.service))
        cloud.settle()

    message = helpers.only(cloud)
    assert (message.data["outcome"], message.data["actor"]["name"]) == ("repaired", "mallory")
    assert helpers.letters(cloud, "FailureQueue") == []
    assert helpers.letters(cloud, "DelayedFailureQueue") == []


def test_a_topic_that_stays_shut_leaves_the_event_in_the_failure_queue(cloud: LocalAws, victim: Account) -> None:
    with cloud.refuse("trail", "sns:Publish", "AuthorizationError"):
        record = commit(cloud, victim, "StopLogging")

    assert helpers.trail(cloud)["IsLogging"]
    assert cloud.notifications == []
    check_dead_letter(cloud, record)


def test_a_truncated_record_ends_in_the_failure_queue(cloud: LocalAws, victim: Account) -> None:
    with helpers.nobody_listening(cloud):
        mallory(cloud, "cloudtrail").stop_logging(Name=victim.trail)
    (record,) = helpers.records(cloud, "StopLogging")
    cloud.forget()

    helpers.deliver(cloud, {**record, "requestParameters": {"reason": "requestParameters too large", "omitted": True}})

    assert helpers.silent(cloud)
    (letter,) = helpers.letters(cloud, "FailureQueue")
    assert letter["responsePayload"]["errorType"] == "MalformedRecord"
    assert "names no trail" in letter["responsePayload"]["errorMessage"]


def test_a_configuration_that_no_baseline_can_hold_stops_no_repair(cloud: LocalAws, victim: Account) -> None:
    """CloudTrail takes 500 values of selectors, of 2,048 characters each: more than DynamoDB takes as an item."""
    values = [f"arn:aws:s3:::example-{number:03}/{'x' * 900}" for number in range(450)]
    equals = {"eventCategory": ["Data"], "resources.type": ["AWS::S3::Object"]}
    fields = [{"Field": name, "Equals": value} for name, value in equals.items()]
    cloud.actor("terraform").client("cloudtrail").put_event_selectors(
        TrailName=victim.trail,
        AdvancedEventSelectors=[
            {"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]},
            {"FieldSelectors": [*fields, {"Field": "resources.ARN", "StartsWith": values}]},
            {"FieldSelectors": fields},
        ],
    )
    cloud.settle()
    assert helpers.failed(cloud) == []
    before = helpers.baseline(cloud, victim.trail_arn)
    cloud.forget()

    record = commit(cloud, victim, "StopLogging")

    assert helpers.trail(cloud)["IsLogging"]
    assert helpers.failed(cloud) == []
    message = helpers.about(cloud, record)
    assert message.outcome == "repaired"
    assert "A baseline may have 400 KB" in message.text
    assert helpers.baseline(cloud, victim.trail_arn) == before
    assert helpers.letters(cloud, "FailureQueue") == []


def test_without_rights_in_the_organisation_a_trail_comes_back_for_its_own_account(
    local_aws: LocalAws, enforced: Account
) -> None:
    """It is told what is lacking, and the same event mends it later."""
    cloud = local_aws
    before = trails.proof(cloud, enforced)
    refusals = [
        cloud.refuse("trail", f"cloudtrail:{operation}", NO_RIGHTS, when=_for_the_organisation)
        for operation in ("CreateTrail", "UpdateTrail")
    ]
    with refusals[0], refusals[1]:
        mallory(cloud, "cloudtrail").delete_trail(Name=enforced.trail)
        cloud.settle()
    (record,) = helpers.records(cloud, "DeleteTrail")

    assert trails.proof(cloud, enforced) == [before[0] | {"IsOrganizationTrail": False}]
    told = [message.data for message in cloud.notifications if "trail.exists" in str(message.data)]
    outcomes = {finding["control"]: finding["outcome"] for finding in told[-1]["findings"]}
    assert (outcomes["trail.exists"], outcomes["trail.multi-region"]) == ("repaired", "failed")
    assert NO_RIGHTS in told[-1]["error"]
    check_dead_letter(cloud, record)

    helpers.deliver(cloud, record)

    assert trails.proof(cloud, enforced) == before


NO_RIGHTS = "InsufficientDependencyServiceAccessPermissionException"


def _for_the_organisation(call: Call) -> bool:
    return bool(call.parameters().get("IsOrganizationTrail"))
