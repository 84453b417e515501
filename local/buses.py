"""EventBridge's buses: where an event arrives, and who may send one there.

What an account sends with PutEvents is not checked by moto, which delivers to few targets besides, so it is answered
here.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import uuid4

from moto.backends import get_backend
from moto.events.models import EventBus, Rule
from moto.utilities.utils import get_partition

from local import access, identity
from local.policies import Request, allows
from local.wire import Answer, Call, written

Post = Callable[[dict[str, Any], EventBus], None]
_ACTION = "events:PutEvents"
_NO_BUS = "ResourceNotFoundException"
_NOTHING: dict[str, Any] = {"Statement": []}


@cache
def put_right() -> None:
    """Gives moto's buses the name by which a template refers to them, once for the whole process."""
    setattr(EventBus, "physical_resource_id", property(lambda bus: bus.name))  # noqa: B010 (mypy takes no other way)


def default(account: str, region: str) -> EventBus:
    """The bus on which AWS's own services put what happens in an account and Region."""
    found: EventBus = get_backend("events")[account][region].event_buses["default"]
    return found


def named(arn: str) -> EventBus | None:
    """The bus with an ARN, if there is one."""
    *_, region, account, resource = arn.split(":")
    found: EventBus | None = get_backend("events")[account][region].event_buses.get(resource.rpartition("/")[2])
    return found


def is_bus(arn: str) -> bool:
    return arn.split(":")[2] == "events" and ":event-bus/" in arn


def may_send(rule: Rule, target: dict[str, Any], bus: EventBus) -> bool:
    """Whether a rule's target, by its role, may send to a bus, and the bus takes it.

    Any other bus as a target needs a role, and one of another account its own consent as well
    (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-account.html).
    """
    role = access.role(target.get("RoleArn", ""))
    if role is None or role.account_id != rule.account_id:
        return False
    source = {"aws:SourceArn": rule.arn, "aws:SourceAccount": rule.account_id}
    assumed = Request("events.amazonaws.com", "sts:AssumeRole", role.arn, source)
    sent = Request(role.arn, _ACTION, bus.arn)
    documents: Any = role.policies
    return (
        allows(role.assume_role_policy_document, assumed)
        and any(allows(each, sent) for each in documents.values())
        and admits(bus, role.arn)
    )


def admits(bus: EventBus, principal: str) -> bool:
    """Whether the bus takes events of a principal: of its own account, or as its policy has it."""
    account = principal.split(":")[4]
    request = Request(principal, _ACTION, bus.arn, access.organization(account))
    return account == bus.account_id or allows(bus.policy or _NOTHING, request)


def answer(call: Call, post: Post) -> Answer | None:
    """The answer to PutEvents, whose events are given to `post`; None of any other call."""
    if (call.service, call.name) != ("events", "PutEvents"):
        return None
    entries = [_put(call, entry, post) for entry in call.parameters()["Entries"]]
    return written(call, {"FailedEntryCount": sum("ErrorCode" in each for each in entries), "Entries": entries})


def _put(call: Call, entry: dict[str, Any], post: Post) -> dict[str, str]:
    """AWS's own sources are AWS's alone: nobody can send what looks like a record of CloudTrail's."""
    name = entry.get("EventBusName", "default")
    own = f"arn:{get_partition(call.region)}:events:{call.region}:{call.account}:event-bus/{name}"
    bus = named(name if name.startswith("arn:") else own)
    if bus is None:
        return {"ErrorCode": _NO_BUS, "ErrorMessage": f"Event bus {name} does not exist."}
    if not admits(bus, identity.user_identity(call)["arn"]):
        return {"ErrorCode": "AccessDeniedException", "ErrorMessage": f"Not authorized to perform {_ACTION}."}
    if entry["Source"].startswith("aws."):
        return {"ErrorCode": "NotAuthorizedForSourceException", "ErrorMessage": "Not authorized for the source."}
    event = {
        "version": "0",
        "id": str(uuid4()),
        "detail-type": entry["DetailType"],
        "source": entry["Source"],
        "account": call.account,
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": call.region,
        "resources": entry.get("Resources", []),
        "detail": json.loads(entry["Detail"]),
    }
    post(event, bus)
    return {"EventId": event["id"]}
