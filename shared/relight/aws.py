"""The only door to AWS: one client for each service, account and Region; every error in one shape.

Reads and writes are different methods, and `read` refuses to send anything that is not a read. Clients are botocore's,
which are boto3's too: boto3 itself would load what moves files to S3, a third of a cold start.

In the stack's own account and Region the function acts as itself. In a hub it assumes a role everywhere else, in the
account's other Regions too; where the stack is no hub, it acts as itself in all Regions of its account, and nowhere
else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from threading import RLock
from typing import Any, Self, TypeVar

from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from botocore.session import get_session

from relight.clock import Clock
from relight.errors import DENIALS, AwsError, PartlyFailed, RelightError, RoleDenied
from relight.model import Call, Unread
from relight.standard import ACCOUNT, REGION, Standard

Answer = TypeVar("Answer")

FAILURES = (ClientError, BotoCoreError, ResponseParserError)
# The code of an operation that the runtime's boto3 does not have.
UNKNOWN_OPERATION = "UnknownOperation"
# From this HTTP status on, the failure is AWS's own: what was asked for may have been done.
SERVER_ERROR = 500
READS = ("BatchGet", "Describe", "Get", "List", "Lookup", "Query", "Scan")
# Three attempts of at most some ten seconds fit well into a function's two minutes; Lambda retries after that.
CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 3},
    connect_timeout=3,
    read_timeout=10,
    user_agent_extra="relight",
)
# So many reads go out at once, of which botocore's own pool of connections takes ten.
HANDS = 8
# A function that is invoked answers when it is done: as long as its timeout, and not twice.
PATIENT = CONFIG.merge(Config(retries={"mode": "standard", "total_max_attempts": 1}, read_timeout=130))


# A role that another role assumes is lent for an hour at most; so long before that, it is assumed again: no function
# runs for longer (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html, role chaining).
RENEWED_BEFORE = timedelta(minutes=15)
# An account's clients in all Regions take up to 40 MB, of the 512 that a function has. One invocation needs an account
# or two: more are held only so that accounts whose events alternate are not assumed anew for each.
ACCOUNTS_HELD = 3


@dataclass(frozen=True, slots=True)
class Members:
    """How a hub gets into the accounts of its organisation. `session` is how it is called there."""

    organization: str  # which is the external id
    role: str
    session: str
    partition: str


@dataclass(frozen=True, slots=True)
class _Access:
    """The credentials for one account, as a client takes them, and the clients that have them."""

    until: datetime | None = None  # None: as long as the function lives
    credentials: Mapping[str, str] = field(default_factory=dict)
    clients: dict[tuple[str, str], Any] = field(default_factory=dict)


class Aws:
    """Clients for the stack's own account and, in a hub, for its organisation's, in any Region.

    They are made when first needed and kept; in other accounts, for as long as the credentials are good and the account
    is among those that were needed last.
    """

    def __init__(
        self,
        account: str,
        region: str,
        session: Any = None,
        hands: int = HANDS,
        members: Members | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.account = account
        self.region = region
        self._hands = ThreadPoolExecutor(hands) if hands > 1 else None  # threads begin when they are needed
        self._making = RLock()  # sessions are not made for threads, as clients are
        self._make: Any = session.client if session else get_session().create_client
        self._members = members
        self._clock = clock or Clock()
        self._own = _Access()
        self._assumed: dict[str, _Access] = {}

    @classmethod
    def of(cls, standard: Standard, session: Any = None) -> Self:
        """As the settings say: a hub's where they name its organisation."""
        members = Members(standard.organization, standard.member_role, standard.function, standard.partition)
        return cls(standard.account, standard.region, session, members=members if standard.organization else None)

    @property
    def today(self) -> date:
        """The day in UTC, by its clock."""
        return self._clock.now().date()

    @property
    def is_hub(self) -> bool:
        """Whether other accounts are served."""
        return self._members is not None

    def at(self, account: str, region: str) -> Place:
        """Where calls are to be made. Raises RelightError for an account that is not served, or no Region."""
        if account != self.account and not self.is_hub:
            raise RelightError(f"account {account:.80} is not served from here: this stack's account is {self.account}")
        if not re.fullmatch(ACCOUNT, account):
            raise RelightError(f"{account:.80} is no account's id")
        if not re.fullmatch(REGION, region):
            raise RelightError(f"{region:.80} is no Region's name")
        return Place(self, account, region)

    @property
    def home(self) -> Place:
        """The stack's own account and Region."""
        return Place(self, self.account, self.region)

    def client(self, service: str, region: str, account: str = "") -> Any:
        """The client of a service in a Region of an account, the own one if none is named.

        Raises RoleDenied where the account's role may not be assumed, AwsError where AWS fails to lend it.
        """
        key = (service, region)
        with self._making:
            access = self._access(account or self.account, region)
            if key not in access.clients:
                config = PATIENT if service == "lambda" else CONFIG
                access.clients[key] = self._make(service, region_name=region, config=config, **access.credentials)
        return access.clients[key]

    def _access(self, account: str, region: str) -> _Access:
        if self._members is None or (account, region) == (self.account, self.region):
            return self._own
        access = self._assumed.pop(account, None)
        if access is None or access.until is None or access.until <= self._clock.now():
            access = self._assume(self._members, account)
        self._assumed[account] = access  # behind those that were needed before
        if len(self._assumed) > ACCOUNTS_HELD:
            del self._assumed[next(iter(self._assumed))]
        return access

    def _assume(self, members: Members, account: str) -> _Access:
        """Assumes an account's role, at the endpoint of the stack's own Region."""
        try:
            lent = self.client("sts", self.region).assume_role(
                RoleArn=f"arn:{members.partition}:iam::{account}:role/{members.role}",
                RoleSessionName=members.session,
                ExternalId=members.organization,
            )["Credentials"]
        except FAILURES as failure:
            error = _translated("sts:AssumeRole", failure)
            if error.code in DENIALS:
                raise RoleDenied(account, error.code, error.message) from failure
            raise error from failure
        credentials = {
            "aws_access_key_id": lent["AccessKeyId"],
            "aws_secret_access_key": lent["SecretAccessKey"],
            "aws_session_token": lent["SessionToken"],
        }
        return _Access(lent["Expiration"] - RENEWED_BEFORE, credentials)

    def later(self, read: Callable[[], Answer]) -> Callable[[], Answer]:
        """Begins a read; what is returned waits for its answer, and raises what it raised."""
        if self._hands:
            return self._hands.submit(read).result
        answer = read()
        return lambda: answer

    def together(self, *reads: Callable[[], Any]) -> list[Any]:
        """The answers of reads that do not depend on each other, which go out at once. Raises the first's error."""
        waiting = [self.later(read) for read in reads]
        return [wait() for wait in waiting]


class Place:
    """One account and Region."""

    def __init__(self, aws: Aws, account: str, region: str) -> None:
        self._aws = aws
        self.account = account
        self.region = region

    @property
    def today(self) -> date:
        """The day, for what an answer means only then."""
        return self._aws.today

    def elsewhere(self, region: str) -> Place:
        """Another Region of the same account."""
        return Place(self._aws, self.account, region)

    def together(self, *reads: Callable[[], Any]) -> list[Any]:
        """As `Aws.together`."""
        return self._aws.together(*reads)

    def read(self, service: str, operation: str, missing: Iterable[str] = (), **params: Any) -> dict[str, Any] | None:
        """The answer to a read, or None where AWS answers with one of the error codes in `missing`.

        Raises AwsError for every other failure: what could not be read is unknown, not absent.
        """
        _require_read(operation)
        try:
            return self._request(service, operation, params)
        except AwsError as error:
            if error.code in missing:
                return None
            raise

    def pages(self, service: str, operation: str, key: str, **params: Any) -> Iterator[Any]:
        """The items under `key` of every page of a listing. Raises AwsError."""
        _require_read(operation)
        try:
            client = self._aws.client(service, self.region, self.account)
            _method(client, service, operation)
            for page in client.get_paginator(xform_name(operation)).paginate(**params):
                yield from page.get(key, ())
        except FAILURES as error:
            raise _translated(f"{service}:{operation}", error) from error

    def send(self, call: Call) -> dict[str, Any]:
        """Sends a call that may write.

        An error among the call's `already` counts as success. Raises AwsError; PartlyFailed where a successful answer
        reports single failures (EC2's ``Unsuccessful``).
        """
        try:
            answer = self._request(call.service, call.operation, call.params)
        except AwsError as error:
            if error.code in call.already:
                return {}
            raise
        failed = _unsuccessful(call, answer)
        if failed:
            raise PartlyFailed(failed)
        return answer

    def _request(self, service: str, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        try:
            client = self._aws.client(service, self.region, self.account)
            answer: dict[str, Any] = _method(client, service, operation)(**params)
        except FAILURES as error:
            raise _translated(f"{service}:{operation}", error) from error
        return answer


def _unsuccessful(call: Call, answer: Mapping[str, Any]) -> dict[str, AwsError]:
    """What a call failed for, by the resource's id."""
    failed = {}
    for each in answer.get("Unsuccessful", ()):
        reason, resource = each.get("Error", {}), each.get("ResourceId", "")
        code = reason.get("Code", "Unsuccessful")
        if code not in call.already:
            detail = f"{resource}: {reason.get('Message', '')}"
            failed[resource] = AwsError(f"{call.service}:{call.operation}", code, detail)
    return failed


def unread(error: AwsError, *, foreign: bool = False) -> Unread:
    """What stands in a state for a value whose read failed; `foreign`: another account refused it."""
    return Unread(str(error), foreign=foreign or error.forbidden)


def body(answer: Mapping[str, Any], key: str) -> bytes:
    """The bytes of a streamed part of an answer. Raises AwsError where the stream breaks off."""
    try:
        content: bytes = answer[key].read()
    except FAILURES as error:
        raise _translated(f"reading {key}", error) from error
    return content


def _method(client: Any, service: str, operation: str) -> Any:
    """The client's method. Raises AwsError where the runtime's boto3 is older than the operation."""
    method = getattr(client, xform_name(operation), None)
    if method is None:
        raise AwsError(f"{service}:{operation}", UNKNOWN_OPERATION, "this boto3 does not know it")
    return method


def _require_read(operation: str) -> None:
    if not operation.startswith(READS):
        raise RelightError(f"{operation} is not a read: only Place.send may write")


def _translated(operation: str, error: Exception) -> AwsError:
    if isinstance(error, ClientError):
        details = error.response.get("Error", {})
        code, message = details.get("Code", "Unknown"), details.get("Message", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return AwsError(operation, code, message, answered=status < SERVER_ERROR)
    return AwsError(operation, type(error).__name__, str(error), answered=False)
