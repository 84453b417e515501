"""Reads a CloudTrail record out of an EventBridge event: tolerant of shape, strict about what is needed.

Shapes and their surprises: null and truncated parameters, EC2's two dialects, booleans as strings, identities
without ARN (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from relight.errors import MalformedRecord
from relight.model import Actor, Scope

# No name in AWS is longer than an ARN (2,048); longer text is somebody's attempt to flood a message.
LONGEST_TEXT = 2048
# What no record lacks (ids, names of services and calls, times) is far shorter; it makes keys of the ledger.
LONGEST_REQUIRED = 256
# Services of a whole partition, whose events come from its leading Region, wherever they were called.
GLOBAL_SOURCES = ("iam.amazonaws.com", "organizations.amazonaws.com", "sts.amazonaws.com")
# The deepest parameters of any call that is looked at have some ten levels.
DEEPEST = 64


@dataclass(frozen=True, slots=True)
class Record:
    """One API call, by the operation's name.

    `request` and `response` are empty where the record has null, "" or an omitted marker.
    """

    event_id: str
    name: str
    source: str
    account: str
    region: str
    time: datetime
    actor: Actor
    error_code: str
    request: Mapping[str, Any]
    response: Mapping[str, Any]
    # Of network activity events only: the endpoint that the call came through, and the account that owns it.
    vpc_endpoint: str = ""
    vpc_endpoint_account: str = ""
    resources: tuple[str, ...] = ()  # ARNs, where the record lists what was accessed

    def need(self, what: str, *candidates: object) -> str:
        """The first candidate that is a non-empty string; raises MalformedRecord when the record names no `what`."""
        for candidate in candidates:
            if isinstance(candidate, str) and candidate:
                return candidate
        raise MalformedRecord(
            f"{self.name} {self.event_id} names no {what}: its parameters are null, omitted or of an unknown shape"
        )


def unprompted(event_id: str, name: str, actor: Actor, scope: Scope, moment: datetime) -> Record:
    """A record for what no call reported: a look of Relight's own."""
    return Record(event_id, name, "relight", scope.account, scope.region, moment, actor, "", {}, {})


def parse(event: object) -> Record:
    """The record inside an EventBridge event (or a bare record). Raises MalformedRecord, naming the field."""
    outer = _mapping(event, "event")
    detail = _mapping(outer.get("detail", outer), "detail")
    _require_shallow(detail)
    name = plain_name(_required(detail, "eventName"))
    record = Record(
        event_id=_required(detail, "eventID"),
        name=name,
        source=_required(detail, "eventSource"),
        account=text(detail.get("recipientAccountId")) or _required(outer, "account"),
        region=_required(detail, "awsRegion"),
        time=_time(_required(detail, "eventTime")),
        actor=_actor(detail),
        error_code=text(detail.get("errorCode")) or text(detail.get("errorMessage")),
        request=_parameters(detail.get("requestParameters"), name + "Request"),
        response=_parameters(detail.get("responseElements"), name + "Response"),
        vpc_endpoint=text(detail.get("vpcEndpointId")),
        vpc_endpoint_account=text(detail.get("vpcEndpointAccountId")),
        resources=_resources(detail.get("resources")),
    )
    _require_same_place(outer, record)
    return record


def plain_name(event_name: str) -> str:
    """An eventName without the version of the API that Lambda's have: ``DeleteFunction20150331`` and its kin."""
    return re.sub(r"20\d{6}(v\d+)?$", "", event_name)


def text(value: object) -> str:
    """Scalar data as a string of at most LONGEST_TEXT characters; anything else as an empty one."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)[:LONGEST_TEXT] if isinstance(value, str | int | float) else ""


def is_false(value: object) -> bool:
    """True for false in any of the spellings that records use; absent is not false."""
    return value is False or (isinstance(value, str) and value.lower() == "false")


def dig(data: object, *path: str) -> Any:
    """The value at a path of keys, or None as soon as something on the way is not a mapping."""
    for key in path:
        data = data.get(key) if isinstance(data, Mapping) else None
    return data


def contents(value: object) -> tuple[str, ...]:
    """The strings in EC2's lists: ``{"tag": 1, "content": "x"}``, a list of such, a plain string, or ``""``."""
    items = value if isinstance(value, list) else [value]
    found = (item.get("content") if isinstance(item, Mapping) else item for item in items)
    return tuple(item for item in found if isinstance(item, str) and item)


def _mapping(value: object, what: str) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    raise MalformedRecord(f"{what} is {type(value).__name__}, not an object")


def _require_shallow(detail: Mapping[str, Any]) -> None:
    """So that nothing behind it has to care: what walks through a record does so by recursion."""
    level: list[Any] = [detail]
    for _ in range(DEEPEST):
        level = [child for each in level for child in _children(each)]
        if not level:
            return
    raise MalformedRecord(f"detail is nested more than {DEEPEST} levels deep: no call's parameters are")


def _children(value: object) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list) else ()


def _require_same_place(event: Mapping[str, Any], record: Record) -> None:
    """The event's own account and Region, which EventBridge sets, are the record's: nobody is led into another one.

    https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html
    """
    if "detail" not in event:  # a bare record, which nobody but the account's own people can send
        return
    said, told = {"account": event.get("account")}, {"account": record.account}
    if record.source not in GLOBAL_SOURCES:
        said["region"], told["region"] = event.get("region"), record.region
    for name, value in said.items():
        if value is not None and value != told[name]:
            why = f"the event's {name} is {value!r:.80}, but its record's {told[name]!r:.80}"
            raise MalformedRecord(f"{record.name} {record.event_id}: {why}")


def _required(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    if isinstance(value, str) and 0 < len(value) <= LONGEST_REQUIRED:
        return value
    raise MalformedRecord(
        f"{key} is {value!r:.80}: a CloudTrail record has a string of 1 to {LONGEST_REQUIRED} characters there"
    )


def _time(value: str) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise MalformedRecord(f"eventTime is {value!r:.80}, not an ISO 8601 time") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _parameters(value: object, wrapper: str) -> Mapping[str, Any]:
    """Parameters without EC2's wrapper; what was too large for the record (``omitted``) counts as absent."""
    if not isinstance(value, Mapping) or value.get("omitted"):
        return {}
    inner = value.get(wrapper, value)
    return inner if isinstance(inner, Mapping) else {}


def _resources(value: object) -> tuple[str, ...]:
    """The ARNs of ``[{"ARN": …, "accountId": …, "type": …}]``."""
    arns = (text(dig(each, "ARN")) for each in value) if isinstance(value, list) else ()
    return tuple(arn for arn in arns if arn)


def _actor(detail: Mapping[str, Any]) -> Actor:
    identity = detail.get("userIdentity")
    session = dig(identity, "sessionContext")
    return Actor(
        arn=text(dig(identity, "arn")),
        type=text(dig(identity, "type")),
        account=text(dig(identity, "accountId")),
        principal=text(dig(identity, "principalId")),
        access_key=text(dig(identity, "accessKeyId")),
        issuer=text(dig(session, "sessionIssuer", "arn")),
        invoked_by=text(dig(identity, "invokedBy")),
        mfa=text(dig(session, "attributes", "mfaAuthenticated")),
        source_ip=text(detail.get("sourceIPAddress")),
        user_agent=text(detail.get("userAgent")),
    )
