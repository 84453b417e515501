"""CloudTrail's event history, which moto lacks: LookupEvents on the records that were written here."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from local.wire import Answer, Call, written

_MOST = 50  # a page; there is never a second one


def answer(call: Call, records: Sequence[Mapping[str, Any]]) -> Answer | None:
    """The account's events in the Region that have the attributes asked for, the newest first; None of any other call.

    CloudTrail alone knows which of a call's parameters name resources: here nothing is found by those.
    """
    if (call.service, call.name) != ("cloudtrail", "LookupEvents"):
        return None
    given = call.parameters()
    wanted = [(each["AttributeKey"], each["AttributeValue"]) for each in given.get("LookupAttributes", ())]
    place = call.account, call.region
    here = (each for each in reversed(records) if (each["recipientAccountId"], each["awsRegion"]) == place)
    found = [event for event in map(_event, here) if all(event.get(name) == value for name, value in wanted)]
    return written(call, {"Events": found[: given.get("MaxResults", _MOST)]})


def _event(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "EventId": record["eventID"],
        "EventName": record["eventName"],
        "ReadOnly": json.dumps(record["readOnly"]),
        "AccessKeyId": record["userIdentity"].get("accessKeyId", ""),
        "EventTime": datetime.fromisoformat(record["eventTime"]),
        "EventSource": record["eventSource"],
        "Username": record["userIdentity"].get("userName", ""),
        "CloudTrailEvent": json.dumps(record),
    }
