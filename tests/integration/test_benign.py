"""What must leave no trace: ordinary work, failed calls, and events that are no CloudTrail records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from local import account
from local.account import Account
from local.cloud import LocalAws
from local.settings import ACCOUNT, PARTITION
from tests.integration import helpers
from tests.integration.helpers import FunctionFailed

Change = Callable[[LocalAws, Account], object]


@pytest.fixture(scope="module")
def office(local_aws: LocalAws) -> tuple[LocalAws, Account]:
    """One account at work for the whole module, since nothing that is done to it here changes a thing."""
    local_aws.reset()
    victim = account.build(local_aws)
    return helpers.set_to_work(local_aws), victim


@pytest.fixture
def cloud(office: tuple[LocalAws, Account], monkeypatch: pytest.MonkeyPatch) -> LocalAws:
    helpers.hurry(monkeypatch)
    office[0].forget()
    return office[0]


@pytest.fixture
def victim(office: tuple[LocalAws, Account]) -> Account:
    return office[1]


def terraform(aws: LocalAws, service: str) -> Any:
    return aws.actor("terraform").client(service)


def the_same_again(aws: LocalAws, victim: Account) -> None:
    terraform(aws, "cloudtrail").update_trail(
        Name=victim.trail,
        S3BucketName=victim.trail_bucket,
        IncludeGlobalServiceEvents=True,
        IsMultiRegionTrail=True,
        EnableLogFileValidation=True,
        KmsKeyId=victim.key_arn,
    )


def logging_as_it_is(aws: LocalAws, victim: Account) -> None:
    terraform(aws, "s3").put_bucket_logging(
        Bucket=victim.trail_bucket,
        BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": victim.access_log_bucket, "TargetPrefix": "trail/"}},
    )


def selectors(aws: LocalAws, victim: Account) -> None:
    terraform(aws, "cloudtrail").put_event_selectors(
        TrailName=victim.trail, EventSelectors=[account.enough_events(victim.trail_bucket)]
    )


def second_flow_log(aws: LocalAws, victim: Account) -> None:
    terraform(aws, "ec2").create_flow_logs(
        ResourceIds=[victim.vpc],
        ResourceType="VPC",
        TrafficType="REJECT",
        LogGroupName="/app/flows",
        DeliverLogsPermissionArn=aws.stack.outputs["FlowLogsRoleArnInUse"],
    )


def an_unused_log_group(aws: LocalAws, _victim: Account) -> None:
    logs = terraform(aws, "logs")
    logs.create_log_group(logGroupName="/app/two")
    logs.delete_log_group(logGroupName="/app/two")


def a_reader_of_another_group(aws: LocalAws, _victim: Account) -> None:
    kinesis = terraform(aws, "kinesis")
    kinesis.create_stream(StreamName="app", ShardCount=1)
    terraform(aws, "logs").create_log_group(logGroupName="/app/three")
    terraform(aws, "logs").put_subscription_filter(
        logGroupName="/app/three",
        filterName="app",
        filterPattern="",
        destinationArn=kinesis.describe_stream(StreamName="app")["StreamDescription"]["StreamARN"],
        roleArn=f"arn:{PARTITION}:iam::{ACCOUNT}:role/{account.TRAIL_LOGS_ROLE}",
    )


BENIGN: dict[str, Change] = {
    "UpdateTrail with the values that it has": the_same_again,
    "UpdateTrail of nothing": lambda aws, victim: terraform(aws, "cloudtrail").update_trail(Name=victim.trail),
    "StartLogging": lambda aws, victim: terraform(aws, "cloudtrail").start_logging(Name=victim.trail),
    "PutEventSelectors": selectors,
    "AddTags": lambda aws, victim: terraform(aws, "cloudtrail").add_tags(
        ResourceId=victim.trail_arn, TagsList=[{"Key": "team", "Value": "audit"}]
    ),
    "PutBucketLogging as it is": logging_as_it_is,
    "PutBucketVersioning": lambda aws, victim: terraform(aws, "s3").put_bucket_versioning(
        Bucket=victim.trail_bucket, VersioningConfiguration={"Status": "Enabled"}
    ),
    "CreateBucket that no trail uses": lambda aws, _victim: terraform(aws, "s3").create_bucket(Bucket="holiday-photos"),
    "PutBucketLogging off on a bucket that no trail uses": lambda aws, victim: terraform(aws, "s3").put_bucket_logging(
        Bucket=victim.access_log_bucket, BucketLoggingStatus={}
    ),
    "CreateFlowLogs on a VPC that has one": second_flow_log,
    "CreateLogGroup": lambda aws, _victim: terraform(aws, "logs").create_log_group(logGroupName="/app/one"),
    "DeleteLogGroup that no flow log uses": an_unused_log_group,
    "PutSubscriptionFilter on a group that no trail uses": a_reader_of_another_group,
    "CreateSubnet": lambda aws, victim: terraform(aws, "ec2").create_subnet(VpcId=victim.vpc, CidrBlock="10.20.1.0/24"),
}

FAILING: dict[str, Change] = {
    "StopLogging": lambda aws, _victim: terraform(aws, "cloudtrail").stop_logging(Name="no-such-trail"),
    "UpdateTrail": lambda aws, _victim: terraform(aws, "cloudtrail").update_trail(
        Name="no-such-trail", EnableLogFileValidation=False
    ),
    "DeleteFlowLogs": lambda aws, _victim: terraform(aws, "ec2").delete_flow_logs(FlowLogIds=["fl-00000000000000000"]),
    "CreateVpc": lambda aws, _victim: terraform(aws, "ec2").create_vpc(CidrBlock="10.0.0.0/4"),
    "PutBucketLogging": lambda aws, victim: terraform(aws, "s3").put_bucket_logging(
        Bucket=victim.trail_bucket,
        BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": "no-such-target", "TargetPrefix": ""}},
    ),
}


@pytest.mark.parametrize("name", BENIGN)
def test_ordinary_work_makes_no_write_and_no_message(cloud: LocalAws, victim: Account, name: str) -> None:
    BENIGN[name](cloud, victim)
    cloud.settle()

    assert helpers.silent(cloud)
    assert helpers.failed(cloud) == []
    assert all("errorCode" not in record for record in cloud.records)


@pytest.mark.parametrize("name", FAILING)
def test_a_call_that_failed_reaches_no_function(cloud: LocalAws, victim: Account, name: str) -> None:
    with pytest.raises(Exception, match="An error occurred"):
        FAILING[name](cloud, victim)
    cloud.settle()

    (record,) = helpers.records(cloud, name)
    assert record["errorCode"]
    assert cloud.invocations == []
    assert helpers.silent(cloud)


def sample(victim: Account, name: str, source: str, **changes: Any) -> dict[str, Any]:
    """An event of a call on the victim's own resources, which would be acted on if they were not as they should be."""
    detail = {
        "eventName": name,
        "eventID": f"00000000-0000-4000-8000-{abs(hash(name)) % 10**12:012}",
        "eventSource": f"{source}.amazonaws.com",
        "eventTime": "2026-11-20T10:00:00Z",
        "awsRegion": "us-east-1",
        "recipientAccountId": "123456789012",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/mallory", "userName": "mallory"},
        "requestParameters": {"name": victim.trail, "bucketName": victim.trail_bucket},
        "responseElements": None,
    }
    return {
        "version": "0",
        "id": "1",
        "detail-type": "AWS API Call via CloudTrail",
        "source": f"aws.{source}",
        "account": "123456789012",
        "region": "us-east-1",
        "detail": detail | changes,
    }


@pytest.mark.parametrize(
    ("family", "name", "source"),
    [
        ("trail", "StopLogging", "cloudtrail"),
        ("flow_logs", "DeleteFlowLogs", "ec2"),
        ("trail_bucket", "PutBucketLogging", "s3"),
    ],
)
def test_a_function_passes_over_a_failed_call_that_a_rule_let_through(
    cloud: LocalAws, victim: Account, family: str, name: str, source: str
) -> None:
    event = sample(victim, name, source, errorCode="AccessDenied", requestParameters=None)

    assert helpers.invoke(cloud, family, event) is None
    assert helpers.silent(cloud)
    assert any("passed over" in str(line.get("message")) for line in cloud.invocations[0].logs)


OMITTED = {"reason": "requestParameters too large", "omitted": True}
MALFORMED = [
    pytest.param("trail", lambda _victim: [], "event is list", id="a list"),
    pytest.param("trail", lambda _victim: None, "event is NoneType", id="null"),
    pytest.param("trail", lambda _victim: {}, "eventName", id="nothing in it"),
    pytest.param("flow_logs", lambda _victim: {"detail": None}, "detail is NoneType", id="null detail"),
    pytest.param("trail_bucket", lambda _victim: {"detail": "text"}, "detail is str", id="detail is text"),
    pytest.param("trail", lambda v: sample(v, "StopLogging", "cloudtrail", eventID=""), "eventID", id="no event id"),
    pytest.param(
        "trail",
        lambda v: sample(v, "StopLogging", "cloudtrail", eventTime="noon"),
        "eventTime is 'noon'",
        id="bad time",
    ),
    pytest.param(
        "trail",
        lambda v: sample(v, "StopLogging", "cloudtrail", requestParameters=None),
        "names no trail",
        id="StopLogging of null",
    ),
    pytest.param(
        "trail",
        lambda v: sample(v, "UpdateTrail", "cloudtrail", requestParameters=OMITTED, responseElements=None),
        "names no trail",
        id="UpdateTrail omitted",
    ),
    pytest.param(
        "flow_logs",
        lambda v: sample(v, "DeleteFlowLogs", "ec2", requestParameters=OMITTED),
        "names no flow log",
        id="DeleteFlowLogs omitted",
    ),
    pytest.param(
        "flow_logs",
        lambda v: sample(v, "CreateVpc", "ec2", requestParameters={}, responseElements=None),
        "names no VPC",
        id="CreateVpc of null",
    ),
    pytest.param(
        "trail_bucket",
        lambda v: sample(v, "PutBucketLogging", "s3", requestParameters=None),
        "names no bucket",
        id="PutBucketLogging of null",
    ),
    pytest.param(
        "trail_bucket",
        lambda v: sample(v, "PutBucketLogging", "s3", requestParameters={"bucketName": 7}),
        "names no bucket",
        id="a bucket's name that is a number",
    ),
    pytest.param(
        "trail",
        lambda v: sample(v, "PutBucketLogging", "s3"),
        "no trigger here: {'trail'",
        id="another function's event",
    ),
    pytest.param(
        "trail",
        lambda v: sample(v, "StopLogging", "cloudtrail", recipientAccountId="999999999999"),
        "the event's account is '123456789012', but its record's '999999999999'",
        id="an event that names two accounts",
    ),
    pytest.param(
        "trail",
        lambda v: (
            sample(v, "StopLogging", "cloudtrail", recipientAccountId="999999999999") | {"account": "999999999999"}
        ),
        "account 999999999999 is not served",
        id="another account's event",
    ),
    pytest.param(
        "trail",
        lambda _victim: {
            "source": "relight.sweep",
            "kind": "trail",
            "account": "123456789012",
            "region": "us-east-1",
            "names": [""],
        },
        "names are non-empty strings",
        id="a sweep of nothing",
    ),
]


@pytest.mark.parametrize(("family", "event", "says"), MALFORMED)
def test_what_is_no_record_raises_a_clear_error_and_writes_nothing(
    cloud: LocalAws, victim: Account, family: str, event: Callable[[Account], Any], says: str
) -> None:
    with pytest.raises(FunctionFailed, match=says):
        helpers.invoke(cloud, family, event(victim))

    assert helpers.silent(cloud)


def test_an_unknown_actor_is_told_as_such(cloud: LocalAws, victim: Account) -> None:
    """A record may have no identity at all; what happened is told all the same."""
    event = sample(victim, "StopLogging", "cloudtrail", userIdentity=None)

    helpers.invoke(cloud, "trail", event)

    message = helpers.only(cloud)
    assert "StopLogging by an unknown actor" in message.subject
    assert message.data["outcome"] == "compliant"
    assert helpers.writes(cloud) == []
