"""The local AWS with several accounts and Regions: where calls are recorded, and how events go from bus to bus."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local import account, buses, cloudtrail, organisation
from local.cloud import LocalAws
from local.organisation import Organisation
from local.place import Place
from local.settings import ACCOUNT, MEMBER, MEMBER_REGION, PARTITION, REGION
from tests.integration.conftest import Fresh

PATTERN = json.dumps({"source": ["aws.ec2"], "detail": {"eventName": ["CreateVpc"]}})
OUTSIDER = "999988887777"


@pytest.fixture
def organised(local_aws: LocalAws, fresh: Fresh) -> Iterator[Organisation]:
    """An organisation with one member; Relight is deployed, but hears of nobody else."""

    def build() -> Organisation:
        local_aws.reset()
        created = organisation.create(local_aws)
        created.join(MEMBER)
        local_aws.deploy()
        return created

    yield fresh("organised", build)
    local_aws.reset()


@pytest.fixture
def member(organised: Organisation) -> Place:
    return organised.aws.at(MEMBER, MEMBER_REGION)


def create_vpc(aws: LocalAws, place: Place) -> dict[str, Any]:
    """By mallory of that account; the record of it."""
    place.actor(account.INTRUDER, account.INTRUDER_ADDRESS).client("ec2").create_vpc(CidrBlock="10.66.0.0/16")
    aws.settle()
    (record,) = (each for each in aws.records if each["eventName"] == "CreateVpc")
    return record


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def bus(place: Place, name: str, statement: dict[str, Any] | None = None) -> str:
    """A bus of the account's own and the ARN of it; the statement says who else may send."""
    arn = str(place.client("events").create_event_bus(Name=name)["EventBusArn"])
    if statement is not None:
        whole = {"Sid": "send", "Effect": "Allow", "Action": "events:PutEvents", "Resource": arn} | statement
        policy = document(whole)
        place.client("events").put_permission(EventBusName=name, Policy=policy)
    return arn


def of_the(organised: Organisation) -> dict[str, Any]:
    """Everybody of the organisation."""
    return {"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": organised.id}}}


def role(place: Place, target: str, service: str = "events.amazonaws.com") -> str:
    """By which a service may send to a bus."""
    iam = place.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    send = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": target}
    made = iam.create_role(RoleName="send", AssumeRolePolicyDocument=document(trust))
    iam.put_role_policy(RoleName="send", PolicyName="send", PolicyDocument=document(send))
    return str(made["Role"]["Arn"])


def queue(place: Place, name: str) -> str:
    """The ARN of a new queue."""
    sqs = place.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    return str(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"])


def rule(place: Place, bus_name: str, pattern: str = PATTERN, **target: Any) -> None:
    """Leads what matches on a bus to a target."""
    events = place.client("events")
    events.put_rule(Name="lead", EventBusName=bus_name, EventPattern=pattern)
    events.put_targets(Rule="lead", EventBusName=bus_name, Targets=[{"Id": "there", **target}])


def received(place: Place, name: str) -> list[Any]:
    sqs = place.client("sqs")
    answer = sqs.receive_message(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"], MaxNumberOfMessages=10)
    return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


def test_a_members_call_is_recorded_as_the_members(organised: Organisation, member: Place) -> None:
    record = create_vpc(organised.aws, member)
    assert (record["recipientAccountId"], record["awsRegion"]) == (MEMBER, MEMBER_REGION)
    identity = record["userIdentity"]
    assert (identity["accountId"], identity["arn"]) == (MEMBER, f"arn:{PARTITION}:iam::{MEMBER}:user/mallory")
    event = cloudtrail.event(record)
    assert (event["account"], event["region"]) == (MEMBER, MEMBER_REGION)


def test_what_a_member_has_is_nobody_elses(organised: Organisation, member: Place) -> None:
    create_vpc(organised.aws, member)
    for elsewhere in (organised.aws, organised.aws.at(MEMBER, REGION), organised.aws.at(ACCOUNT, MEMBER_REGION)):
        assert [each["CidrBlock"] for each in elsewhere.client("ec2").describe_vpcs()["Vpcs"]] == ["172.31.0.0/16"]
    assert "mallory" not in str(organised.aws.client("iam").list_users()["Users"])


def test_a_history_is_of_one_account_and_region(organised: Organisation, member: Place) -> None:
    create_vpc(organised.aws, member)
    wanted = [{"AttributeKey": "EventName", "AttributeValue": "CreateVpc"}]
    assert len(member.client("cloudtrail").lookup_events(LookupAttributes=wanted)["Events"]) == 1
    for elsewhere in (organised.aws, organised.aws.at(MEMBER, REGION), organised.aws.at(ACCOUNT, MEMBER_REGION)):
        assert elsewhere.client("cloudtrail").lookup_events(LookupAttributes=wanted)["Events"] == []


def test_an_event_arrives_on_the_default_bus_of_its_account_and_region(organised: Organisation, member: Place) -> None:
    places = (organised.aws, member, organised.aws.at(MEMBER, REGION), organised.aws.at(ACCOUNT, MEMBER_REGION))
    for place in places:
        rule(place, "default", Arn=queue(place, "heard"))
    create_vpc(organised.aws, member)
    assert [len(received(place, "heard")) for place in places] == [0, 1, 0, 0]


def test_a_rule_carries_an_event_to_another_accounts_bus_once(organised: Organisation, member: Place) -> None:
    """From there rules lead to a queue, where it arrives as it was, and to a third bus, where it never does."""
    hub = organised.aws
    arn = bus(hub, "hub", of_the(organised))
    third = bus(hub, "third", of_the(organised))
    rule(member, "default", Arn=arn, RoleArn=role(member, arn))
    rule(hub, "hub", Arn=queue(hub, "heard"))
    hub.client("events").put_targets(
        Rule="lead", EventBusName="hub", Targets=[{"Id": "on", "Arn": third, "RoleArn": role(hub, third)}]
    )
    rule(hub, "third", Arn=queue(hub, "unheard"))
    record = create_vpc(hub, member)
    (heard,) = received(hub, "heard")
    assert (heard["account"], heard["region"], heard["detail"]) == (MEMBER, MEMBER_REGION, record)
    assert received(hub, "unheard") == []
    found = buses.named(arn)
    assert found
    hub.delivery.put(cloudtrail.event(record), found)
    hub.settle()
    assert len(received(hub, "unheard")) == 1, "the third bus can be reached where it is the second"


@pytest.mark.parametrize("refused", ["no role", "a role for others", "a closed bus", "another organisation", "no bus"])
def test_an_event_that_may_not_be_carried_is_dead_lettered(
    organised: Organisation, member: Place, refused: str
) -> None:
    hub = organised.aws
    elsewhere = {"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-elsewhere00"}}}
    admits = {"a closed bus": None, "another organisation": elsewhere}.get(refused, of_the(organised))
    arn = bus(hub, "hub", admits) + ("-gone" if refused == "no bus" else "")
    service = "lambda.amazonaws.com" if refused == "a role for others" else "events.amazonaws.com"
    target = {"Arn": arn} if refused == "no role" else {"Arn": arn, "RoleArn": role(member, arn, service)}
    rule(member, "default", **target, DeadLetterConfig={"Arn": queue(member, "undelivered")})
    rule(hub, "hub", Arn=queue(hub, "heard"))
    create_vpc(hub, member)
    assert received(hub, "heard") == []
    assert [letter["account"] for letter in received(member, "undelivered")] == [MEMBER]


@pytest.mark.parametrize("kept", [True, False])
def test_what_a_queue_that_is_gone_should_get_is_dead_lettered_or_lost(
    organised: Organisation,
    member: Place,
    kept: bool,  # noqa: FBT001
) -> None:
    """Lost where the dead-letter queue is gone, too; what else happens goes on being delivered."""
    hub, there = organised.aws, queue(member, "undelivered")
    rule(member, "default", Arn=there + "-gone", DeadLetterConfig={"Arn": there if kept else there + "-gone"})
    record = create_vpc(hub, member)
    assert [letter["account"] for letter in received(member, "undelivered")] == [MEMBER] * kept
    rule(member, "default", Arn=there)
    hub.delivery.post(cloudtrail.event(record))
    hub.settle()
    assert len(received(member, "undelivered")) == 1


def test_nobody_can_put_what_looks_like_a_record_of_cloudtrails(organised: Organisation, member: Place) -> None:
    hub = organised.aws
    arn = bus(hub, "hub", of_the(organised))
    rule(hub, "hub", json.dumps({"account": [{"prefix": ""}]}), Arn=queue(hub, "heard"))
    events = member.actor(account.INTRUDER).client("events")
    entry = {"EventBusName": arn, "DetailType": "AWS API Call via CloudTrail", "Detail": '{"account": "111122223333"}'}
    answer = events.put_events(Entries=[{**entry, "Source": "aws.ec2"}, {**entry, "Source": "mine"}])
    hub.settle()
    assert (answer["FailedEntryCount"], answer["Entries"][0]["ErrorCode"]) == (1, "NotAuthorizedForSourceException")
    (heard,) = received(hub, "heard")
    assert (heard["source"], heard["account"], heard["region"]) == ("mine", MEMBER, MEMBER_REGION)


def test_a_bus_takes_nothing_from_outside_its_organisation(organised: Organisation) -> None:
    arn = bus(organised.aws, "hub", of_the(organised))
    outsider = organised.aws.at(OUTSIDER, REGION).actor("eve").client("events")
    entry = {"EventBusName": arn, "DetailType": "x", "Source": "mine", "Detail": "{}"}
    assert outsider.put_events(Entries=[entry])["Entries"][0]["ErrorCode"] == "AccessDeniedException"


@pytest.mark.parametrize(
    ("external_id", "trusted"),
    [pytest.param("right", True, id="trusted"), pytest.param("wrong", False, id="another external id")],
)
def test_a_role_is_assumed_by_whom_it_trusts(
    organised: Organisation, member: Place, external_id: str, *, trusted: bool
) -> None:
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{PARTITION}:iam::{ACCOUNT}:root"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"sts:ExternalId": "right", "aws:PrincipalOrgID": organised.id},
            "ArnLike": {"aws:PrincipalArn": f"arn:{PARTITION}:iam::{ACCOUNT}:user/op*"},
        },
    }
    member.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=document(trust))
    wanted = {"RoleArn": f"arn:{PARTITION}:iam::{MEMBER}:role/r", "RoleSessionName": "visit", "ExternalId": external_id}
    operator, mallory = (organised.aws.actor(name).client("sts") for name in ("operator", "mallory"))
    if trusted:
        assert operator.assume_role(**wanted)["AssumedRoleUser"]["Arn"].startswith(f"arn:{PARTITION}:sts::{MEMBER}:")
    else:
        with pytest.raises(ClientError, match="AccessDenied"):
            operator.assume_role(**wanted)
    for client, role_arn in ((mallory, wanted["RoleArn"]), (operator, wanted["RoleArn"] + "-gone")):
        with pytest.raises(ClientError, match="AccessDenied"):
            client.assume_role(**{**wanted, "RoleArn": role_arn})


def test_a_members_function_of_the_same_name_is_not_relights(organised: Organisation) -> None:
    function = organised.aws.stack.functions["trail"]
    namesake = function.arn.replace(ACCOUNT, MEMBER)
    assert organised.aws.stack.function(function.arn) is function
    assert organised.aws.stack.function(f"{function.arn}:$LATEST") is function
    assert organised.aws.stack.function(namesake) is None


def test_a_member_logs_as_it_should(member: Place) -> None:
    built = account.build(member)
    assert MEMBER in built.trail_bucket
    assert f":{MEMBER_REGION}:{MEMBER}:" in built.trail_arn
    assert member.client("cloudtrail").get_trail_status(Name=built.trail)["IsLogging"]
    assert member.client("s3").get_bucket_location(Bucket=built.trail_bucket)["LocationConstraint"] == MEMBER_REGION
    lit = {log["ResourceId"] for log in member.client("ec2").describe_flow_logs()["FlowLogs"]}
    assert lit == {built.vpc, built.default_vpc} == {v["VpcId"] for v in member.client("ec2").describe_vpcs()["Vpcs"]}


def test_two_regions_are_enabled_in_an_organisation(member: Place) -> None:
    listed = member.client("ec2").describe_regions()["Regions"]
    assert {each["RegionName"] for each in listed} == {REGION, MEMBER_REGION}
