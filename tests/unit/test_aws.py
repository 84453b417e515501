"""The door to AWS, with botocore's Stubber: real clients and parsers, prepared answers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from gc import collect
from threading import Barrier
from typing import Any
from weakref import ref

import boto3
import pytest
from botocore.exceptions import ConnectTimeoutError, NoRegionError
from botocore.stub import Stubber

from relight.aws import ACCOUNTS_HELD, RENEWED_BEFORE, Aws, Place
from relight.errors import AwsError, RelightError, RoleDenied
from relight.model import Call
from tests.unit.builders import ACCOUNT, FRIEND, REGION, standard
from tests.unit.fakes import HOUR, ORGANIZATION, FakeClock, fake_aws, fake_hub, refused

START = Call("cloudtrail", "StartLogging", {"Name": "main"}, already=("AlreadyLogging",))
CREATE = Call(
    "ec2", "CreateFlowLogs", {"ResourceIds": ["vpc-1"], "ResourceType": "VPC"}, already=("FlowLogAlreadyExists",)
)

# One for all tests: it keeps the service models that it has read.
SESSION = boto3.Session(aws_access_key_id="x", aws_secret_access_key="y")  # noqa: S106


class Stubbed:
    """An Aws whose clients are stubbed: answers are taken in turn, and all of them must have been."""

    def __init__(self) -> None:
        self.aws = Aws(ACCOUNT, REGION, SESSION)
        self.stubbers: dict[str, Stubber] = {}

    @property
    def here(self) -> Place:
        return self.aws.at(ACCOUNT, REGION)

    def stub(self, service: str) -> Stubber:
        if service not in self.stubbers:
            self.stubbers[service] = Stubber(self.aws.client(service, REGION))
            self.stubbers[service].activate()
        return self.stubbers[service]


@pytest.fixture
def stubbed() -> Iterator[Stubbed]:
    made = Stubbed()
    yield made
    for stubber in made.stubbers.values():
        stubber.assert_no_pending_responses()


def test_a_read(stubbed: Stubbed) -> None:
    stubbed.stub("cloudtrail").add_response("get_trail_status", {"IsLogging": True}, {"Name": "main"})
    answer = stubbed.here.read("cloudtrail", "GetTrailStatus", Name="main")
    assert answer is not None
    assert answer["IsLogging"] is True


@pytest.mark.parametrize(
    ("missing", "absent"),
    [
        pytest.param(("TrailNotFoundException",), True, id="declared"),
        pytest.param(("SomethingElse",), False, id="another-is-declared"),
        pytest.param((), False, id="none-is-declared"),
    ],
)
def test_only_the_declared_codes_mean_that_it_is_missing(stubbed: Stubbed, missing: Any, *, absent: bool) -> None:
    stubbed.stub("cloudtrail").add_client_error("get_trail_status", "TrailNotFoundException", "none")
    if absent:
        assert stubbed.here.read("cloudtrail", "GetTrailStatus", missing=missing, Name="main") is None
        return
    with pytest.raises(AwsError) as caught:
        stubbed.here.read("cloudtrail", "GetTrailStatus", missing=missing, Name="main")
    assert (caught.value.operation, caught.value.code) == ("cloudtrail:GetTrailStatus", "TrailNotFoundException")
    assert str(caught.value) == "cloudtrail:GetTrailStatus: TrailNotFoundException: none"


@pytest.mark.parametrize("operation", ["StartLogging", "DeleteTrail", "PutItem", "UpdateTrail", "Invoke", "Publish"])
def test_a_read_refuses_to_write(stubbed: Stubbed, operation: str) -> None:
    for attempt in (
        lambda: stubbed.here.read("cloudtrail", operation),
        lambda: list(stubbed.here.pages("cloudtrail", operation, "Items")),
    ):
        with pytest.raises(RelightError, match=f"{operation} is not a read: only Place.send may write"):
            attempt()


def test_pages(stubbed: Stubbed) -> None:
    stub = stubbed.stub("ec2")
    filters = [{"Name": "vpc-id", "Values": ["vpc-1"]}]
    stub.add_response("describe_vpcs", {"Vpcs": [{"VpcId": "vpc-1"}], "NextToken": "n"}, {"Filters": filters})
    stub.add_response("describe_vpcs", {"Vpcs": [{"VpcId": "vpc-2"}]}, {"Filters": filters, "NextToken": "n"})
    found = list(stubbed.here.pages("ec2", "DescribeVpcs", "Vpcs", Filters=filters))
    assert [vpc["VpcId"] for vpc in found] == ["vpc-1", "vpc-2"]


def test_a_page_that_fails_fails_the_listing(stubbed: Stubbed) -> None:
    stub = stubbed.stub("ec2")
    stub.add_response("describe_vpcs", {"Vpcs": [{"VpcId": "vpc-1"}], "NextToken": "n"})
    stub.add_client_error("describe_vpcs", "RequestLimitExceeded", "slow down")
    with pytest.raises(AwsError, match="ec2:DescribeVpcs: RequestLimitExceeded: slow down"):
        list(stubbed.here.pages("ec2", "DescribeVpcs", "Vpcs"))


def test_a_write(stubbed: Stubbed) -> None:
    stubbed.stub("cloudtrail").add_response("start_logging", {}, {"Name": "main"})
    assert "IsLogging" not in stubbed.here.send(START)


def test_a_write_of_what_is_so_already(stubbed: Stubbed) -> None:
    stubbed.stub("cloudtrail").add_client_error("start_logging", "AlreadyLogging", "it is")
    assert stubbed.here.send(START) == {}


def test_a_refused_write(stubbed: Stubbed) -> None:
    stubbed.stub("cloudtrail").add_client_error("start_logging", "AccessDenied", "no")
    with pytest.raises(AwsError, match="cloudtrail:StartLogging: AccessDenied: no"):
        stubbed.here.send(START)


def unsuccessful(*codes: str) -> dict[str, Any]:
    return {"Unsuccessful": [{"ResourceId": "vpc-1", "Error": {"Code": code, "Message": "m"}} for code in codes]}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param({"FlowLogIds": ["fl-1"]}, "", id="none"),
        pytest.param(unsuccessful(), "", id="empty"),
        pytest.param(unsuccessful("FlowLogAlreadyExists"), "", id="so-already"),
        pytest.param(
            unsuccessful("FlowLogAlreadyExists", "LimitExceeded"),
            "CreateFlowLogs: LimitExceeded: vpc-1: m",
            id="refused",
        ),
        pytest.param({"Unsuccessful": [{}]}, "CreateFlowLogs: Unsuccessful: : ", id="without-reason"),
    ],
)
def test_single_failures_in_a_successful_answer(stubbed: Stubbed, answer: dict[str, Any], error: str) -> None:
    stubbed.stub("ec2").add_response("create_flow_logs", answer, CREATE.params)
    if not error:
        assert stubbed.here.send(CREATE).get("FlowLogIds", []) == answer.get("FlowLogIds", [])
        return
    with pytest.raises(AwsError, match=error):
        stubbed.here.send(CREATE)


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        pytest.param(ConnectTimeoutError(endpoint_url="https://example.com"), "ConnectTimeoutError", id="no-answer"),
        pytest.param(NoRegionError(), "NoRegionError", id="botocore's-own"),
    ],
)
def test_failures_without_an_answer_have_botocores_name(failure: Exception, code: str) -> None:
    aws, _ = fake_aws(ec2__DescribeVpcs=failure, cloudtrail__StartLogging=failure)
    place = aws.at(ACCOUNT, REGION)
    for attempt in (
        lambda: place.read("ec2", "DescribeVpcs"),
        lambda: list(place.pages("ec2", "DescribeVpcs", "Vpcs")),
        lambda: place.send(START),
    ):
        with pytest.raises(AwsError) as caught:
            attempt()
        assert caught.value.code == code
        assert not caught.value.refused


@pytest.mark.parametrize(
    ("code", "status", "refused"),
    [
        ("AccessDenied", 403, True),
        ("InvalidHomeRegionException", 400, True),
        ("InternalError", 500, False),
        ("ServiceUnavailable", 503, False),
        ("ConflictException", 400, False),
        ("OperationAborted", 409, False),
        ("ConcurrentModificationException", 400, False),
    ],
)
def test_what_is_not_refused_may_have_been_done_or_is_being_done(
    stubbed: Stubbed, code: str, status: int, *, refused: bool
) -> None:
    stubbed.stub("cloudtrail").add_client_error("start_logging", code, http_status_code=status)
    with pytest.raises(AwsError) as caught:
        stubbed.here.send(START)
    assert caught.value.refused is refused


def test_parameters_that_botocore_refuses_are_an_aws_error(stubbed: Stubbed) -> None:
    with pytest.raises(AwsError, match="ParamValidationError"):
        stubbed.here.send(Call("cloudtrail", "StartLogging", {"Nmae": "main"}))


def test_a_region_without_a_valid_name_is_an_aws_error(stubbed: Stubbed) -> None:
    nowhere = stubbed.here.elsewhere("not a region")
    with pytest.raises(AwsError, match="InvalidRegionError"):
        nowhere.read("cloudtrail", "DescribeTrails")
    with pytest.raises(AwsError, match="InvalidRegionError"):
        list(nowhere.pages("ec2", "DescribeVpcs", "Vpcs"))


def test_another_account_is_refused(stubbed: Stubbed) -> None:
    with pytest.raises(
        RelightError, match=f"account {FRIEND} is not served from here: this stack's account is {ACCOUNT}"
    ):
        stubbed.aws.at(FRIEND, REGION)


def test_one_client_for_each_service_and_region(stubbed: Stubbed) -> None:
    aws = stubbed.aws
    assert aws.client("sns", REGION) is aws.client("sns", REGION)
    assert aws.client("sns", REGION) is not aws.client("sns", "eu-west-1")
    assert aws.client("sns", REGION) is not aws.client("sqs", REGION)
    assert (aws.home.region, aws.home.elsewhere("eu-west-1").region) == (REGION, "eu-west-1")


def test_clients_give_up_soon_and_say_who_they_are(stubbed: Stubbed) -> None:
    config = stubbed.aws.client("sns", REGION).meta.config
    assert config.retries == {"mode": "standard", "total_max_attempts": 3}
    assert (config.connect_timeout, config.read_timeout) == (3, 10)
    assert config.user_agent_extra == "relight"


def test_an_invoked_function_is_waited_for_and_not_invoked_twice(stubbed: Stubbed) -> None:
    config = stubbed.aws.client("lambda", REGION).meta.config
    assert config.retries == {"mode": "standard", "total_max_attempts": 1}
    assert config.read_timeout > 120


def test_an_operation_that_the_runtimes_boto3_does_not_know_is_an_aws_error(stubbed: Stubbed) -> None:
    with pytest.raises(AwsError) as caught:
        stubbed.here.read("cloudwatch", "GetSomethingOfTomorrow")
    assert caught.value.code == "UnknownOperation"
    with pytest.raises(AwsError, match="UnknownOperation"):
        list(stubbed.here.pages("cloudwatch", "ListThingsOfTomorrow", "Things"))


# ------------------------------------------------------------------------------------------------------ at once


def test_reads_that_do_not_depend_on_each_other_go_out_at_once() -> None:
    """Each waits for the other: in turns, the first would wait in vain."""
    meeting = Barrier(2)
    here = Aws(ACCOUNT, REGION, SESSION).home
    first, second = here.together(lambda: meeting.wait(30), lambda: meeting.wait(30))
    assert {first, second} == {0, 1}


def test_a_read_that_was_begun_is_waited_for_once() -> None:
    asked: list[str] = []
    wait = Aws(ACCOUNT, REGION, SESSION).later(lambda: asked.append("once"))
    wait()
    wait()
    assert asked == ["once"]


def test_what_a_read_raises_reaches_who_waits_for_it() -> None:
    refusal = AwsError("kms:DescribeKey", "AccessDeniedException", "no")

    def refused() -> None:
        raise refusal

    aws = Aws(ACCOUNT, REGION, SESSION)
    wait = aws.later(refused)
    with pytest.raises(AwsError, match="no"):
        wait()
    with pytest.raises(AwsError, match="no"):
        aws.home.together(lambda: "fine", refused)


def test_clients_are_made_one_by_one() -> None:
    """Sessions are not made for threads (boto3.amazonaws.com/v1/documentation/api/latest/guide/session.html)."""
    aws = Aws(ACCOUNT, REGION, SESSION)
    assert len(set(map(id, aws.together(*[partial(aws.client, "sns", REGION)] * 8)))) == 1


# ---------------------------------------------------------------------------------------------------------- a hub

ELSEWHERE = "eu-west-1"
LOGGING = {"IsLogging": True}


def look(aws: Aws, account: str, region: str) -> None:
    aws.at(account, region).read("cloudtrail", "GetTrailStatus", Name="main")


def test_a_hub_assumes_a_role_everywhere_but_at_home() -> None:
    aws, session = fake_hub(cloudtrail__GetTrailStatus=LOGGING)
    for account, region in ((ACCOUNT, REGION), (FRIEND, REGION), (FRIEND, ELSEWHERE), (ACCOUNT, ELSEWHERE)):
        look(aws, account, region)
    assert aws.is_hub
    assert [
        (region, key) for (region, name, _), key in zip(session.calls, session.keys, strict=True) if "sts" not in name
    ] == [
        (REGION, ""),
        (REGION, f"ASIA-{FRIEND}-1"),
        (ELSEWHERE, f"ASIA-{FRIEND}-1"),
        (ELSEWHERE, f"ASIA-{ACCOUNT}-2"),
    ]
    assert [
        (region, key) for (region, name, _), key in zip(session.calls, session.keys, strict=True) if "sts" in name
    ] == [(REGION, "")] * 2, "by the function itself, in the stack's own Region"


def test_the_role_is_asked_for_by_name_with_the_organisation_as_external_id() -> None:
    aws, session = fake_hub(cloudtrail__GetTrailStatus=LOGGING)
    look(aws, FRIEND, ELSEWHERE)
    assert session.calls[0] == (
        REGION,
        "sts:AssumeRole",
        {
            "RoleArn": f"arn:aws:iam::{FRIEND}:role/relight-member",
            "RoleSessionName": "relight-TrailFunction-1X2Y",
            "ExternalId": ORGANIZATION,
        },
    )


def test_an_assumed_role_is_kept_and_renewed_in_time() -> None:
    clock = FakeClock()
    aws, session = fake_hub(clock, cloudtrail__GetTrailStatus=LOGGING)
    for wait in ((HOUR - RENEWED_BEFORE).total_seconds() - 1, 1, 60):
        look(aws, FRIEND, REGION)
        clock.sleep(wait)
    assert [key for key in session.keys if key] == [f"ASIA-{FRIEND}-1"] * 2 + [f"ASIA-{FRIEND}-2"]


def test_of_many_accounts_only_those_needed_last_are_held() -> None:
    """Each takes some of the function's memory, and a sweep needs hundreds one after the other."""
    aws, session = fake_hub(cloudtrail__GetTrailStatus=LOGGING)
    accounts = [f"{number:012}" for number in range(ACCOUNTS_HELD + 1)]
    for account in (*accounts[:-1], accounts[0], accounts[-1], accounts[0]):
        look(aws, account, REGION)
    assert session.names.count("sts:AssumeRole") == ACCOUNTS_HELD + 1, "each once, for the first was needed again"
    look(aws, accounts[1], ELSEWHERE)
    assert session.keys[-1] == f"ASIA-{accounts[1]}-{ACCOUNTS_HELD + 2}", "it had to go for the last one, and is back"


def test_clients_of_accounts_that_are_not_held_are_let_go() -> None:
    aws, _ = fake_hub()
    clients = [ref(aws.client("ec2", REGION, f"{number:012}")) for number in range(2 * ACCOUNTS_HELD)]
    collect()
    assert [client() is None for client in clients] == [True] * ACCOUNTS_HELD + [False] * ACCOUNTS_HELD


def test_the_stack_s_own_things_are_never_reached_in_a_member_s_role() -> None:
    aws, session = fake_hub(cloudtrail__GetTrailStatus=LOGGING, sns__Publish={})
    look(aws, FRIEND, REGION)
    aws.home.send(Call("sns", "Publish", {"Message": "m", "TopicArn": "t"}))
    assert session.keys[-1] == ""


def test_another_region_of_a_member_is_the_member_s() -> None:
    aws, _ = fake_hub()
    there = aws.at(FRIEND, REGION).elsewhere(ELSEWHERE)
    assert (there.account, there.region) == (FRIEND, ELSEWHERE)


@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException"])
def test_a_role_that_may_not_be_assumed_is_out_of_reach_for_good(code: str) -> None:
    aws, session = fake_hub(sts__AssumeRole=refused(code, "User: x is not authorized to perform: sts:AssumeRole"))
    with pytest.raises(RoleDenied, match=f"sts:AssumeRole: {code}: account {FRIEND}: User: x is not") as caught:
        look(aws, FRIEND, REGION)
    assert caught.value.forbidden
    assert session.names == ["sts:AssumeRole"], "nothing is done there as somebody else"


@pytest.mark.parametrize(
    "failure", [refused("Throttling"), refused("ExpiredToken"), ConnectTimeoutError(endpoint_url="https://sts")]
)
def test_any_other_failure_of_sts_is_an_error_to_be_retried(failure: Exception) -> None:
    aws, _ = fake_hub(sts__AssumeRole=failure)
    with pytest.raises(AwsError, match=r"sts:AssumeRole") as caught:
        list(aws.at(FRIEND, REGION).pages("ec2", "DescribeVpcs", "Vpcs"))
    assert not caught.value.forbidden
    assert not isinstance(caught.value, RoleDenied)


@pytest.mark.parametrize("account", ["", "12345678901", f"{FRIEND}:role", "../123456789012", "\uff11" * 12])
def test_what_is_no_account_is_refused(account: str) -> None:
    aws, session = fake_hub()
    with pytest.raises(RelightError, match="is no account's id"):
        aws.at(account, REGION)
    assert session.calls == []


def test_the_settings_say_whether_it_is_a_hub() -> None:
    assert not Aws.of(standard(), SESSION).is_hub
    hub = Aws.of(standard(organization=ORGANIZATION), SESSION)
    assert hub.is_hub
    assert hub.at(FRIEND, ELSEWHERE).account == FRIEND


def test_without_an_organisation_the_account_s_other_regions_are_reached_as_oneself() -> None:
    aws, session = fake_aws(cloudtrail__GetTrailStatus=LOGGING)
    look(aws, ACCOUNT, ELSEWHERE)
    assert (session.names, session.keys) == (["cloudtrail:GetTrailStatus"], [""])
