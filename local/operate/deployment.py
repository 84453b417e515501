"""A deployed stack, as its operators reach it: by their own credentials and the stack's outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError
from botocore.utils import is_valid_endpoint_url

from relight.aws import Aws
from relight.errors import AwsError


class OperatorError(Exception):
    """A command cannot go on: what is missing, and the way out."""


class Refused(Exception):
    """A command does not do what it was asked to: why, and the way out."""


@dataclass(frozen=True)
class Deployment:
    """The stack: where it is, what its outputs name, and whose credentials look at it."""

    stack: str
    aws: Aws
    who: str  # the operator's ARN
    outputs: Mapping[str, str]
    member: Aws | None = None  # of a hub: an account of its organisation, by the operator's credentials there

    def output(self, name: str) -> str:
        """One of the stack's outputs. Raises OperatorError."""
        if name not in self.outputs:
            raise OperatorError(
                f"stack {self.stack} in {self.aws.region} has no output {name}: it is not Relight's, or of another"
                " version; pass --stack, or deploy this version"
            )
        return self.outputs[name]

    def ending(self, suffix: str) -> list[str]:
        """The values of all outputs whose names end so."""
        return [value for name, value in sorted(self.outputs.items()) if name.endswith(suffix)]


class Session:
    """An operator's credentials and Region. Threads may share it: boto3's session makes only one client at a time."""

    def __init__(self, session: boto3.Session, endpoint_url: str | None) -> None:
        self.region = str(session.region_name)
        self._new: Any = session.client  # whose type lists every service there is
        self._endpoint_url = endpoint_url
        self._one_by_one = Lock()

    def client(self, service: str, **options: Any) -> Any:
        """As boto3's."""
        with self._one_by_one:
            return self._new(service, endpoint_url=self._endpoint_url, **options)

    def identity(self) -> tuple[str, str]:
        """The account, and the ARN of whoever's credentials these are. Raises OperatorError."""
        try:
            answer = Aws("", self.region, self).home.read("sts", "GetCallerIdentity") or {}
        except AwsError as error:
            raise OperatorError(
                f"AWS could not be asked who you are: {error}; renew the credentials, or pass another --profile or"
                " --region"
            ) from error
        return answer["Account"], answer["Arn"]


def session(profile: str | None, region: str | None, endpoint_url: str | None) -> Session:
    """Whose credentials are used, and where. Raises OperatorError where there is no such profile, or no Region."""
    try:
        found = boto3.Session(profile_name=profile, region_name=region)
    except BotoCoreError as error:
        raise OperatorError(f"{error}; pass another --profile") from error
    if not found.region_name:
        raise OperatorError("no Region is set: pass --region, or set AWS_DEFAULT_REGION")
    is_http = endpoint_url is None or endpoint_url.startswith(("http://", "https://"))
    if endpoint_url is not None and not (is_http and is_valid_endpoint_url(endpoint_url)):
        raise OperatorError(f"{endpoint_url} is no URL: pass --endpoint-url http://localhost:4566, for example")
    return Session(found, endpoint_url)


def sign_in(profile: str | None, region: str | None, endpoint_url: str | None) -> tuple[Aws, str]:
    """AWS as the operator reaches it, and the operator's ARN. Raises OperatorError where AWS knows nobody by that."""
    found = session(profile, region, endpoint_url)
    account, who = found.identity()
    return Aws(account, found.region, found), who


def find(
    stack: str, profile: str | None, region: str | None, endpoint_url: str | None, member_profile: str | None = None
) -> Deployment:
    """The stack by that name. Raises OperatorError where it, credentials or a Region are missing."""
    found = look_up(stack, *sign_in(profile, region, endpoint_url))
    if member_profile is None:
        return found
    try:
        member, _ = sign_in(member_profile, found.aws.region, endpoint_url)
    except OperatorError as error:
        raise OperatorError(f"--member-profile {member_profile}: {error}") from error
    return replace(found, member=member)


def look_up(stack: str, aws: Aws, who: str) -> Deployment:
    """The stack by that name, for somebody who is signed in. Raises OperatorError where it cannot be read."""
    try:
        shown = aws.home.read("cloudformation", "DescribeStacks", StackName=stack) or {}
    except AwsError as error:
        raise OperatorError(
            f"stack {stack} in {aws.region} could not be read: {error}; pass another --stack, --region or --profile"
        ) from error
    outputs = {each["OutputKey"]: each["OutputValue"] for each in shown["Stacks"][0].get("Outputs", ())}
    return Deployment(stack, aws, who, outputs)
