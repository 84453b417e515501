"""Whatever a member's record names: the hub acts in the member that EventBridge names, and nowhere else.

Against moto, which keeps accounts apart by the role that was assumed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import boto3
import pytest
from moto import mock_aws

from relight.aws import Aws
from relight.case import Runtime
from relight.errors import RelightError
from relight.model import Outcome
from relight.reconcile import reconcile
from relight.resources import account, alarm, bucket, key, log_group, recorder, trail, vpc
from relight.resources.kind import Kind
from tests.unit.builders import ACCOUNT, REGION, record, standard
from tests.unit.fakes import MEMBERS, ORGANIZATION, FakeClock, FakeLedger, FakeNotifier

MEMBER, VICTIM = "210987654321", "321098765432"
# One for all tests: it keeps the service models that it has read.
SESSION = boto3.Session(aws_access_key_id="own", aws_secret_access_key="s")  # noqa: S106
ASSUMING, SENDING = "before-parameter-build.sts.AssumeRole", "before-send.*"


class World:
    """A hub, and who did what in it: (access key, operation), of calls that were sent."""

    def __init__(self) -> None:
        self.assumed: list[str] = []
        self.as_itself: list[str] = []
        SESSION.events.register(ASSUMING, self._assuming)
        SESSION.events.register_first(SENDING, self._sent)  # moto answers before any other
        self.notifier = FakeNotifier()
        self.ledger = FakeLedger()
        aws = Aws(ACCOUNT, REGION, SESSION, members=MEMBERS)
        self.run = Runtime(standard(organization=ORGANIZATION), aws, self.ledger, self.notifier, FakeClock())

    def _assuming(self, params: dict[str, str], **_: Any) -> None:
        self.assumed.append(params["RoleArn"].split(":")[4])

    def _sent(self, event_name: str, request: Any, **_: Any) -> None:
        if "Credential=own/" in request.headers["Authorization"].decode():
            self.as_itself.append(event_name.rpartition(".")[2])

    def close(self) -> None:
        SESSION.events.unregister(ASSUMING, self._assuming)
        SESSION.events.unregister(SENDING, self._sent)

    def in_account(self, owner: str, service: str) -> Any:
        """A client with an account's own hands."""
        return self.run.aws.client(service, REGION, owner)


@pytest.fixture
def world() -> Iterator[World]:
    with mock_aws():
        made = World()
        yield made
        made.close()


def trail_arn(owner: str, region: str = REGION) -> str:
    return f"arn:aws:cloudtrail:{region}:{owner}:trail/main"


def key_arn(owner: str) -> str:
    return f"arn:aws:kms:{REGION}:{owner}:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def topic_arn(owner: str) -> str:
    return f"arn:aws:sns:{REGION}:{owner}:alarms"


def named(owner: str) -> list[tuple[Kind, str, dict[str, Any], dict[str, Any]]]:
    """Records' parameters that name what belongs to another account than the record's."""
    group = f"arn:aws:logs:{REGION}:{owner}:log-group:trail-events"
    public = {"PublicAccessBlockConfiguration": {"BlockPublicAcls": False}}
    return [
        (trail, "StopLogging", {"name": trail_arn(owner)}, {}),
        (trail, "StopLogging", {"name": trail_arn(owner, "eu-west-1")}, {}),
        (trail, "PutEventSelectors", {"trailName": trail_arn(owner)}, {"trailARN": trail_arn(owner)}),
        (trail, "DeleteTrail", {"name": trail_arn(owner)}, {}),
        (trail, "DeleteLogGroup", {"logGroupName": group}, {}),
        (bucket, "PutBucketLogging", {"bucketName": f"{owner}-logs"}, {}),
        (bucket, "UpdateTrail", {"name": trail_arn(owner)}, {"s3BucketName": f"{owner}-logs"}),
        (account, "PutAccountPublicAccessBlock", {"accountId": owner, **public}, {}),
        (key, "ScheduleKeyDeletion", {"keyId": key_arn(owner)}, {}),
        (key, "DisableKey", {"keyId": key_arn(owner).replace(REGION, "eu-west-1")}, {}),
        (log_group, "PutRetentionPolicy", {"logGroupIdentifier": f"{group}:*", "retentionInDays": 1}, {}),
        (vpc, "CreateVpc", {}, {"vpc": {"vpcId": "vpc-1", "ownerId": owner}}),
        (vpc, "DeleteFlowLogs", {"FlowLogId": {"tag": 1, "content": "fl-1"}}, {}),
        (alarm, "DeleteTopic", {"topicArn": topic_arn(owner)}, {}),
        (alarm, "Unsubscribe", {"subscriptionArn": f"{topic_arn(owner)}:1"}, {}),
        (recorder, "StopConfigurationRecorder", {"configurationRecorderName": "default"}, {}),
    ]


CASES = [
    pytest.param(owner, *each, id=f"{each[0].KIND}-{each[1]}-{number}-{whose}")
    for whose, owner in (("another-members", VICTIM), ("the-hubs", ACCOUNT))
    for number, each in enumerate(named(owner))
]


@pytest.mark.parametrize(("owner", "kind", "call", "request_", "response"), CASES)
def test_a_member_s_record_leads_into_that_member_only(
    world: World, owner: str, kind: Kind, call: str, request_: dict[str, Any], response: dict[str, Any]
) -> None:
    assert owner != MEMBER
    with suppress(RelightError):  # as good: it is dead-lettered, and a person is told
        reconcile(world.run, kind, record(call, request_, response, recipientAccountId=MEMBER), "r1")
    assert set(world.assumed) <= {MEMBER}
    assert set(world.as_itself) <= {"AssumeRole"}
    assert {each.resource.account for each in world.notifier.told} <= {MEMBER}
    assert {whose for whose, *_ in world.ledger.states} <= {MEMBER}


def test_the_victim_s_trail_stays_as_it_is_and_its_member_is_told(world: World) -> None:
    """The same trail in both accounts, stopped in both: an event of the one must not start the other's."""
    for owner in (MEMBER, VICTIM):
        world.in_account(owner, "s3").create_bucket(Bucket=f"{owner}-logs")
        world.in_account(owner, "cloudtrail").create_trail(Name="main", S3BucketName=f"{owner}-logs")
    reconcile(world.run, trail, record("StopLogging", {"name": trail_arn(VICTIM)}, recipientAccountId=MEMBER), "r1")
    for owner in (MEMBER, VICTIM):
        status = world.in_account(owner, "cloudtrail").get_trail_status(Name=trail_arn(owner))
        assert status["IsLogging"] is False, owner
    (told,) = world.notifier.told
    assert (told.outcome, told.resource.account) == (Outcome.OUT_OF_REACH, MEMBER)
    assert f"account {VICTIM}" in told.findings[0].note


def test_a_member_s_own_trail_is_started_again(world: World) -> None:
    """That the test above can fail."""
    world.in_account(MEMBER, "s3").create_bucket(Bucket=f"{MEMBER}-logs")
    cloudtrail = world.in_account(MEMBER, "cloudtrail")
    cloudtrail.create_trail(Name="main", S3BucketName=f"{MEMBER}-logs")
    stopped = record("StopLogging", {"name": trail_arn(MEMBER)}, recipientAccountId=MEMBER)
    reconcile(world.run, trail, stopped, "r1")
    assert cloudtrail.get_trail_status(Name="main")["IsLogging"] is True
    assert (set(world.assumed), set(world.as_itself)) == ({MEMBER}, {"AssumeRole"})
