"""`relight whois` in an account of users, roles and sessions. Another account's are in tests/unit: moto has none."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.config import Config
from click.testing import Result

from local.account import Account
from local.cloud import LocalAws
from local.settings import ACCOUNT, REGION
from tests.integration import helpers

STRANGER = "AROAY34FZKBOKMUTVV7A1"
NOBODY = json.dumps({"Version": "2012-10-17", "Statement": []})


def whois(aws: LocalAws, *arguments: str, answer: str = "") -> Result:
    return helpers.run(aws, "whois", *arguments, answer=answer)


def told(aws: LocalAws, *arguments: str) -> dict[str, Any]:
    result = whois(aws, *arguments, "--output", "json")
    assert result.exit_code == 0, result.output
    data: dict[str, Any] = json.loads(result.stdout)
    return data


def roles(aws: LocalAws) -> list[str]:
    return [role["RoleName"] for role in aws.client("iam").list_roles()["Roles"]]


@pytest.mark.usefixtures("victim")
def test_a_role_and_a_user_s_key_have_their_arns(local_aws: LocalAws) -> None:
    iam = local_aws.client("iam")
    role = iam.create_role(RoleName="app", Path="/team/", AssumeRolePolicyDocument=NOBODY)["Role"]
    user = iam.create_user(UserName="ann", Path="/people/")["User"]
    key = iam.create_access_key(UserName="ann")["AccessKey"]["AccessKeyId"]

    for given, arn in ((f"{role['RoleId']}:alice", role["Arn"]), (key, user["Arn"])):
        found = told(local_aws, given)
        assert (found["arn"], found["account"], found["account_by"]) == (arn, ACCOUNT, "iam")
        assert (found["own"], found["contradicting"], found["unasked"]) == (True, {}, [])


def test_the_event_history_says_who_used_a_session_s_key(cloud: LocalAws, victim: Account) -> None:
    iam = cloud.client("iam")
    role = iam.create_role(RoleName="app", AssumeRolePolicyDocument=NOBODY)["Role"]
    credentials = cloud.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="alice")["Credentials"]
    key = credentials["AccessKeyId"]
    assert "has no call with this key" in told(cloud, key)["notes"][0]
    session = boto3.Session(key, credentials["SecretAccessKey"], credentials["SessionToken"], REGION)
    client = session.client("cloudtrail", endpoint_url=cloud.url, config=Config(proxies={}))
    client.stop_logging(Name=victim.trail)
    client.delete_trail(Name=victim.trail)
    cloud.settle()  # or a function that is under way writes its metrics between

    found = told(cloud, key)

    assert (found["arn"], found["account"]) == (role["Arn"], ACCOUNT)
    assert found["notes"][0].startswith(f"last used in {REGION}: cloudtrail:DeleteTrail by app/alice from 127.0.0.1 on")
    assert told(cloud, key, "--region", "eu-west-1")["arn"] is None, "each Region has its own history"


@pytest.mark.usefixtures("victim")
def test_nothing_is_written_unasked_or_declined(local_aws: LocalAws) -> None:
    before = roles(local_aws)

    assert "--resolve-foreign finds its ARN" in whois(local_aws, STRANGER).stdout
    declined = whois(local_aws, STRANGER, "--resolve-foreign", answer="n\n")

    assert declined.exit_code == 0
    assert "throwaway-whois-" in declined.stderr
    assert "nothing was written" in declined.stdout
    assert roles(local_aws) == before


@pytest.mark.usefixtures("victim")
def test_a_throw_away_role_is_gone_afterwards(local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Moto takes any principal and goes on showing it as it was written, so the ARN stays unknown here."""
    helpers.hurry(monkeypatch)
    before = roles(local_aws)

    result = whois(local_aws, STRANGER, "--resolve-foreign", "--yes", "--output", "json")

    assert result.exit_code == 2
    assert json.loads(result.stdout)["problems"] == [
        "IAM took the id for a principal's, but shows no ARN for it: try again"
    ]
    assert roles(local_aws) == before


@pytest.mark.usefixtures("victim")
@pytest.mark.parametrize(
    ("given", "status", "said"),
    [
        ("mallory", 1, "relight whois: mallory is no id that AWS gives"),
        ("arn:aws:s3:::bucket", 1, "unknown: nothing tells it"),
        (STRANGER, 0, "609629065308 (decoded from the id"),
    ],
)
def test_what_is_no_id_what_tells_nothing_and_what_is_decoded(
    local_aws: LocalAws, given: str, status: int, said: str
) -> None:
    result = whois(local_aws, given)
    assert (result.exit_code, said in result.output) == (status, True), result.output


@pytest.mark.parametrize(
    ("arguments", "named"),
    [(["--profile", "nobody"], "nobody"), (["--endpoint-url", "localhost:4566"], "http://localhost:4566")],
)
def test_who_cannot_sign_in_still_gets_what_is_decoded(local_aws: LocalAws, arguments: list[str], named: str) -> None:
    result = whois(local_aws, STRANGER, *arguments)
    assert result.exit_code == 0
    assert "609629065308 (decoded" in result.output
    assert "Not asked" in result.output
    assert named in result.output
