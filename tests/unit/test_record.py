"""Reading a CloudTrail record: every shape that was seen, and whatever else may come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from relight.errors import MalformedRecord
from relight.model import Actor
from relight.record import LONGEST_TEXT, Record, parse
from tests.unit.builders import ACCOUNT, FRIEND, NOON, REGION, actor, event, record


def test_a_whole_record() -> None:
    assert record("StopLogging", {"name": "main"}) == Record(
        event_id="0e6e2b1c-event",
        name="StopLogging",
        source="cloudtrail.amazonaws.com",
        account=ACCOUNT,
        region=REGION,
        time=NOON,
        actor=actor(),
        error_code="",
        request={"name": "main"},
        response={},
    )


def test_a_bare_record_without_its_envelope() -> None:
    assert parse(event("StopLogging", {"name": "main"})["detail"]) == record("StopLogging", {"name": "main"})


ROLE_SESSION: dict[str, Any] = {
    "type": "AssumedRole",
    "principalId": "AROAEXAMPLE:alice@example.com",
    "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/AWSReservedSSO_Admin_0123/alice@example.com",
    "accountId": ACCOUNT,
    "accessKeyId": "ASIAEXAMPLE",
    "sessionContext": {
        "sessionIssuer": {
            "type": "Role",
            "principalId": "AROAEXAMPLE",
            "arn": f"arn:aws:iam::{ACCOUNT}:role/AWSReservedSSO_Admin_0123",
            "accountId": ACCOUNT,
            "userName": "AWSReservedSSO_Admin_0123",
        },
        "attributes": {"creationDate": "2026-03-14T11:00:00Z", "mfaAuthenticated": "true"},
    },
}
HERE = {"source_ip": "203.0.113.7", "user_agent": "aws-cli/2.30.0"}


@pytest.mark.parametrize(
    ("identity", "expected", "name"),
    [
        pytest.param(
            ROLE_SESSION,
            Actor(
                arn=ROLE_SESSION["arn"],
                type="AssumedRole",
                account=ACCOUNT,
                principal="AROAEXAMPLE:alice@example.com",
                access_key="ASIAEXAMPLE",
                issuer=f"arn:aws:iam::{ACCOUNT}:role/AWSReservedSSO_Admin_0123",
                mfa="true",
                **HERE,
            ),
            "AWSReservedSSO_Admin_0123/alice@example.com",
            id="sso-session",
        ),
        pytest.param(
            {"type": "Root", "arn": f"arn:aws:iam::{ACCOUNT}:root", "accountId": ACCOUNT},
            Actor(arn=f"arn:aws:iam::{ACCOUNT}:root", type="Root", account=ACCOUNT, **HERE),
            "root",
            id="root",
        ),
        pytest.param(
            {"type": "AWSService", "invokedBy": "config.amazonaws.com"},
            Actor(type="AWSService", invoked_by="config.amazonaws.com", **HERE),
            "config.amazonaws.com",
            id="service",
        ),
        pytest.param(
            {"type": "Unknown", "principalId": "AIDAOLD", "accountId": 123, "sessionContext": {"attributes": None}},
            Actor(type="Unknown", principal="AIDAOLD", account="123", **HERE),
            "AIDAOLD",
            id="unknown",
        ),
        pytest.param(
            {"type": "FederatedUser", "arn": f"arn:aws:sts::{ACCOUNT}:federated-user/bob"},
            Actor(type="FederatedUser", arn=f"arn:aws:sts::{ACCOUNT}:federated-user/bob", **HERE),
            f"arn:aws:sts::{ACCOUNT}:federated-user/bob",
            id="federated",
        ),
        pytest.param(None, Actor(**HERE), "an unknown actor", id="null"),
        pytest.param("mallory", Actor(**HERE), "an unknown actor", id="text"),
        pytest.param(
            {"type": ["Root"], "arn": {"a": 1}, "sessionContext": [], "principalId": True},
            Actor(principal="true", **HERE),
            "true",
            id="hostile-types",
        ),
    ],
)
def test_identities(identity: Any, expected: Actor, name: str) -> None:
    found = record("StopLogging", userIdentity=identity).actor
    assert found == expected
    assert found.name == name


def test_no_identity_at_all() -> None:
    bare = event("StopLogging")
    del bare["detail"]["userIdentity"], bare["detail"]["sourceIPAddress"], bare["detail"]["userAgent"]
    assert parse(bare).actor == Actor()


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        (None, {}),
        ("", {}),
        ("text", {}),
        ([{"a": 1}], {}),
        ({"omitted": True, "reason": "requestParameters too large", "a": 1}, {}),
        ({"omitted": False, "a": 1}, {"omitted": False, "a": 1}),
        ({"FooRequest": {"a": 1}}, {"a": 1}),
        ({"FooRequest": ""}, {}),
        ({"FooRequest": None}, {}),
        ({"BarRequest": {"a": 1}}, {"BarRequest": {"a": 1}}),
    ],
    ids=str,
)
def test_request_parameters(parameters: Any, expected: dict[str, Any]) -> None:
    assert record("Foo", parameters).request == expected


def test_the_response_has_a_wrapper_of_its_own() -> None:
    assert record("Foo", None, {"FooResponse": {"a": 1}}).response == {"a": 1}
    assert record("Foo", None, {"FooRequest": {"a": 1}}).response == {"FooRequest": {"a": 1}}


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({}, ""),
        ({"errorCode": None, "errorMessage": None}, ""),
        ({"errorCode": "AccessDenied", "errorMessage": "not authorized"}, "AccessDenied"),
        ({"errorMessage": "Failed"}, "Failed"),
    ],
    ids=str,
)
def test_failed_calls(members: dict[str, Any], code: str) -> None:
    assert record("StopLogging", **members).error_code == code


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-03-14T12:00:00Z", NOON),
        ("2026-03-14T13:00:00+01:00", NOON),
        ("2026-03-14T12:00:00", NOON),
        ("2026-03-14T12:00:00.500Z", NOON + timedelta(milliseconds=500)),
    ],
)
def test_times(written: str, moment: datetime) -> None:
    assert record("StopLogging", eventTime=written).time == moment
    assert record("StopLogging", eventTime="2026-03-14T12:00:00").time.tzinfo is UTC
    assert record("StopLogging", eventTime=moment.astimezone(timezone(timedelta(hours=3))).isoformat()).time == moment


@pytest.mark.parametrize("value", [None, "", 7, {}, ["x"], True, "y" * 257], ids=lambda v: f"{v}"[:9])
@pytest.mark.parametrize("member", ["eventName", "eventID", "eventSource", "awsRegion", "eventTime"])
def test_what_is_needed_is_named_where_it_is_missing(member: str, value: Any) -> None:
    with pytest.raises(
        MalformedRecord, match=f"^{member} is .*: a CloudTrail record has a string of 1 to 256 characters there"
    ):
        parse(event("StopLogging") | {"detail": event("StopLogging")["detail"] | {member: value}})


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        (None, "event is NoneType, not an object"),
        ([], "event is list, not an object"),
        ("{}", "event is str, not an object"),
        ({"detail": None}, "detail is NoneType, not an object"),
        ({"detail": []}, "detail is list, not an object"),
        ({}, "eventName is None"),
        (event("StopLogging", eventTime="yesterday"), "eventTime is 'yesterday', not an ISO 8601 time"),
    ],
    ids=str,
)
def test_what_is_no_record(given_: Any, message: str) -> None:
    with pytest.raises(MalformedRecord, match=message):
        parse(given_)


def test_a_long_value_does_not_flood_the_message() -> None:
    with pytest.raises(MalformedRecord) as caught:
        record("StopLogging", eventTime="9" * 5000)
    assert len(str(caught.value)) < 200


def test_the_account_is_the_recipients_else_the_envelopes() -> None:
    assert record("StopLogging", recipientAccountId="222222222222").account == "222222222222"
    assert record("StopLogging", recipientAccountId=None).account == ACCOUNT
    with pytest.raises(MalformedRecord, match="account is None"):
        parse({"detail": event("StopLogging", recipientAccountId=None)["detail"]})


@pytest.mark.parametrize(
    ("envelope", "detail", "says"),
    [
        ({"account": FRIEND}, {}, f"the event's account is '{FRIEND}', but its record's '{ACCOUNT}'"),
        ({}, {"recipientAccountId": FRIEND}, f"the event's account is '{ACCOUNT}', but its record's '{FRIEND}'"),
        ({"account": 7}, {}, "the event's account is 7"),
        ({"region": "eu-west-1"}, {}, f"the event's region is 'eu-west-1', but its record's '{REGION}'"),
    ],
)
def test_an_event_from_elsewhere_than_its_record_says_is_refused(
    envelope: dict[str, Any], detail: dict[str, Any], says: str
) -> None:
    given = event("StopLogging", {"name": "main"})
    with pytest.raises(MalformedRecord, match=says):
        parse({**given, **envelope, "detail": given["detail"] | detail})


@pytest.mark.parametrize("source", ["iam.amazonaws.com", "organizations.amazonaws.com"])
def test_a_global_service_s_event_has_no_region_of_its_own(source: str) -> None:
    given = event("DeleteRole", {"roleName": "x"}, eventSource=source)
    assert parse({**given, "region": "us-gov-west-1"}).region == REGION
    with pytest.raises(MalformedRecord, match="account"):
        parse({**given, "account": FRIEND})


def test_texts_are_cut() -> None:
    long = record("StopLogging", userAgent="x" * 5000)
    assert len(long.actor.user_agent) == LONGEST_TEXT


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        pytest.param({}, ("", "", ()), id="of-no-endpoint"),
        pytest.param(
            {"vpcEndpointId": "vpce-1", "vpcEndpointAccountId": "210987654321", "resources": [{"ARN": "arn:x"}]},
            ("vpce-1", "210987654321", ("arn:x",)),
            id="of-an-endpoint",
        ),
        pytest.param({"resources": "x"}, ("", "", ()), id="text"),
        pytest.param({"resources": [None, "x", {}, {"ARN": 1}, {"ARN": ""}]}, ("", "", ("1",)), id="odd"),
    ],
)
def test_network_activity(members: dict[str, Any], expected: tuple[Any, ...]) -> None:
    found = record("Foo", **members)
    assert (found.vpc_endpoint, found.vpc_endpoint_account, found.resources) == expected
