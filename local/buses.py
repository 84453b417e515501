"""EventBridge's buses: where an event arrives, and who may send one there.

What an account sends with PutEvents is not checked by moto, which delivers to few targets besides, so it is answered
here. Of policies only as much is understood as a bus that takes an organisation's events needs; what is not understood
admits nobody.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any
from uuid import uuid4

from moto.backends import get_backend
from moto.events.models import EventBus
from moto.iam.models import IAMBackend, Role
from moto.utilities.utils import get_partition

from local.settings import PARTITION
from local.wire import Answer, Call, written

Post = Callable[[dict[str, Any], EventBus], None]
_ACTION = "events:PutEvents"
_NO_BUS = "ResourceNotFoundException"


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


def may_send(rule_account: str, target: dict[str, Any], bus: EventBus) -> bool:
    """Whether a rule's target, by its role, may send to a bus, and the bus takes it.

    Any other bus as a target needs a role, and one of another account its own consent as well
    (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-account.html).
    """
    role = _role(target.get("RoleArn", ""))
    return role is not None and role.account_id == rule_account and _lets_send(role, bus) and admits(bus, rule_account)


def admits(bus: EventBus, account: str) -> bool:
    """Whether the bus takes events of an account's principals: of its own account, or as its policy has it."""
    if account == bus.account_id:
        return True
    statements = json.loads(bus.policy or '{"Statement": []}')["Statement"]
    return any(_is_open(statement, account) for statement in statements)


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
    if not admits(bus, call.account):
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


def _is_open(statement: dict[str, Any], account: str) -> bool:
    """To everybody of the account's organisation, or to the account itself."""
    principal, condition = statement["Principal"], statement.get("Condition")
    given = principal.get("AWS") if isinstance(principal, dict) else principal
    if statement["Effect"] != "Allow" or _ACTION not in _listed(statement["Action"]):
        return False
    if condition is None:
        return given == "*" or account in str(given)
    return given == "*" and condition == {"StringEquals": {"aws:PrincipalOrgID": _organization(account)}}


def _organization(account: str) -> str | None:
    """The id of the organisation that an account belongs to."""
    every: Any = get_backend("organizations")
    management, partition = every.master_accounts.get(account, (account, PARTITION))
    found = every[management][partition].org
    return found.id if found else None


def _role(arn: str) -> Role | None:
    if not arn:
        return None
    _, partition, _, _, account, _ = arn.split(":")
    iam: IAMBackend = get_backend("iam")[account][partition]
    return next((role for role in iam.get_roles() if role.arn == arn), None)


def _lets_send(role: Role, bus: EventBus) -> bool:
    """EventBridge can assume the role, and one of its own policies names the bus."""
    policies: Any = role.policies
    documents = [each if isinstance(each, dict) else json.loads(each) for each in policies.values()]
    statements = [each for document in documents for each in _listed(document["Statement"])]
    return "events.amazonaws.com" in str(role.assume_role_policy_document) and any(
        each["Effect"] == "Allow"
        and _ACTION in _listed(each["Action"])
        and any(fnmatchcase(bus.arn, resource) for resource in _listed(each["Resource"]))
        for each in statements
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
