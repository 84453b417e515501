"""The throw-away role, on an IAM that shows ids as ARNs, as AWS documents and moto does not: nothing of it may stay."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from local.operate import stranger
from tests.unit.builders import ACCOUNT
from tests.unit.fakes import FakeClock, fake_aws, refused

ROLE, GONE = "AROAY34FZKBOKMUTVV7A1", "AROAY34FZKBOKMUTVV7A2"
ARN = "arn:aws:iam::609629065308:role/service-role/theirs"
LOST = ReadTimeoutError(endpoint_url="https://iam.amazonaws.com")


@dataclass
class Iam:
    """Roles by name. `fails`: what an operation raises, in this order; None lets a call through."""

    roles: dict[str, dict[str, Any]] = field(default_factory=dict)
    fails: dict[str, list[BaseException | None]] = field(default_factory=dict)
    late: bool = False  # errors come after the call has taken effect
    shows_ids: int = 0  # answers until ids show as ARNs
    calls: list[str] = field(default_factory=list)
    written: list[dict[str, Any]] = field(default_factory=list)

    def create(self, _region: str, **params: Any) -> Any:
        with_error = self._called("CreateRole")
        (statement,) = json.loads(params["AssumeRolePolicyDocument"])["Statement"]
        if with_error is None or self.late:
            if statement["Principal"]["AWS"] != ROLE:
                raise refused("MalformedPolicyDocument", f'Invalid principal in policy: "AWS":"{GONE}"')
            if params["RoleName"] in self.roles:
                raise refused("EntityAlreadyExists")
            self.roles[params["RoleName"]] = {"Statement": [statement]}
            self.written.append(params)
        return self._answer(with_error)

    def get(self, _region: str, **params: Any) -> Any:
        self._answer(self._called("GetRole"))
        policy = json.loads(json.dumps(self._role(params)))
        if self.shows_ids:
            self.shows_ids -= 1
        else:
            policy["Statement"][0]["Principal"]["AWS"] = ARN
        return {"Role": {"RoleName": params["RoleName"], "AssumeRolePolicyDocument": policy}}

    def delete(self, _region: str, **params: Any) -> Any:
        with_error = self._called("DeleteRole")
        if with_error is None or self.late:
            self._role(params)
            del self.roles[params["RoleName"]]
        return self._answer(with_error)

    def _role(self, params: dict[str, Any]) -> Any:
        if params["RoleName"] not in self.roles:
            raise refused("NoSuchEntity")
        return self.roles[params["RoleName"]]

    def _called(self, operation: str) -> BaseException | None:
        self.calls.append(operation)
        planned = self.fails.get(operation)
        return planned.pop(0) if planned else None

    @staticmethod
    def _answer(error: BaseException | None) -> dict[str, Any]:
        if error:
            raise error
        return {}


def resolve(iam: Iam, unique_id: str = ROLE) -> stranger.Found:
    aws, _ = fake_aws(iam__CreateRole=iam.create, iam__GetRole=iam.get, iam__DeleteRole=iam.delete)
    return stranger.resolve(aws.home, stranger.role_for(unique_id), FakeClock())


def test_the_arn_shows_and_nothing_stays() -> None:
    iam = Iam()
    assert resolve(iam) == stranger.Found(ARN)
    assert iam.calls == ["CreateRole", "GetRole", "DeleteRole"]
    assert iam.roles == {}


def test_the_role_allows_nothing_to_anybody() -> None:
    iam = Iam()
    resolve(iam)
    (role,) = iam.written
    assert set(role) == {"RoleName", "AssumeRolePolicyDocument", "Description"}
    policy = json.loads(role["AssumeRolePolicyDocument"])
    assert [statement["Effect"] for statement in policy["Statement"]] == ["Deny"]
    assert not role["RoleName"].startswith("relight"), "which the service control policy lets nobody delete"


def test_what_is_written_and_needed_is_shown_before() -> None:
    role = stranger.role_for(ROLE)
    plan = stranger.plan(role, ACCOUNT)
    for part in (role["RoleName"], role["AssumeRolePolicyDocument"], ACCOUNT, "iam:CreateRole, GetRole and DeleteRole"):
        assert part in plan
    assert stranger.role_for(ROLE)["RoleName"] != role["RoleName"]


def test_who_does_not_exist_any_more_is_no_failure() -> None:
    iam = Iam()
    assert resolve(iam, GONE) == stranger.Found()
    assert iam.calls == ["CreateRole"]


@pytest.mark.parametrize("code", ["AccessDenied", "LimitExceeded", "MalformedPolicyDocument"])
def test_a_role_that_was_not_made_is_not_deleted(code: str) -> None:
    iam = Iam(fails={"CreateRole": [refused(code)]})
    found = resolve(iam)
    assert (found.arn, iam.calls) == ("", ["CreateRole"])
    assert code in found.problems[0]


def faults() -> Iterator[Any]:
    for operation in ("CreateRole", "GetRole", "DeleteRole"):
        for error in (refused("ServiceFailure"), refused("Throttling"), LOST):
            for late in (False, True):
                name = error.response["Error"]["Code"] if isinstance(error, ClientError) else "no-answer"
                yield pytest.param(operation, error, late, id=f"{operation}-{name}-{'late' if late else 'early'}")


@pytest.mark.parametrize(("operation", "error", "late"), [*faults()])
def test_whatever_fails_nothing_stays_and_nobody_is_told_that_something_does(
    operation: str, error: Exception, *, late: bool
) -> None:
    iam = Iam(fails={operation: [error]}, late=late)
    found = resolve(iam)
    assert iam.roles == {}
    assert not any("may still be there" in problem for problem in found.problems)
    assert bool(found.arn) == (operation == "DeleteRole")


def test_a_denied_look_still_deletes() -> None:
    iam = Iam(fails={"GetRole": [refused("AccessDenied")]})
    found = resolve(iam)
    assert iam.roles == {}
    assert found.problems == ["the ARN could not be looked up: iam:GetRole: AccessDenied: no"]


def test_a_name_that_is_taken_is_our_own_whose_answer_was_lost() -> None:
    """boto3 sends CreateRole again by itself."""
    iam = Iam()
    role = stranger.role_for(ROLE)
    aws, _ = fake_aws(iam__CreateRole=iam.create, iam__GetRole=iam.get, iam__DeleteRole=iam.delete)
    iam.create("", **role)
    assert stranger.resolve(aws.home, role, FakeClock()) == stranger.Found(ARN)
    assert iam.roles == {}


def test_ctrl_c_deletes_too() -> None:
    iam = Iam(fails={"GetRole": [KeyboardInterrupt()]})
    with pytest.raises(KeyboardInterrupt):
        resolve(iam)
    assert iam.roles == {}


def test_a_role_that_iam_does_not_see_yet_is_looked_for_again() -> None:
    iam = Iam(fails={"GetRole": [refused("NoSuchEntity")] * 2, "DeleteRole": [refused("NoSuchEntity")]}, shows_ids=1)
    assert resolve(iam) == stranger.Found(ARN)
    assert iam.roles == {}


def test_an_id_that_goes_on_showing_is_no_arn() -> None:
    iam = Iam(shows_ids=99)
    found = resolve(iam)
    assert (found.arn, iam.roles) == ("", {})
    assert "shows no ARN" in found.problems[0]


@pytest.mark.parametrize("error", [refused("AccessDenied"), refused("DeleteConflict"), LOST], ids=repr)
def test_a_role_that_cannot_be_deleted_is_named_beside_the_arn_with_what_to_do(error: Exception) -> None:
    iam = Iam(fails={"DeleteRole": [error] * 9})
    found = resolve(iam)
    (name,) = iam.roles
    (problem,) = found.problems
    assert found.arn == ARN
    assert f"aws iam delete-role --role-name {name}" in problem
