"""Statements of a resource's policy: whether they speak of a request that a service of AWS makes, and how surely.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from fnmatch import fnmatchcase
from typing import Any

Statement = Mapping[str, Any]
# The condition keys that come with a request, in lower case, and their values.
Sent = Mapping[str, str]

COMPARISONS = ("stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike", "bool")
EXACT = ("stringequals", "stringequalsignorecase", "bool")
TIME = ("aws:currenttime", "aws:epochtime")
CASELESS = ("stringequalsignorecase", "bool")
# What only the requests of users and roles carry, those through a VPC endpoint, or those made for somebody else: a
# service's own has none of it, or at least no value that anybody would name. Nor an ACL where it puts no object
# (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html).
NEVER_SENT = (
    "aws:calledvia", "aws:federatedprovider", "aws:multifactorauth", "aws:principalarn", "aws:principalorg",
    "aws:principaltag/", "aws:referer", "aws:sourceidentity", "aws:sourcevpc", "aws:tokenissuetime", "aws:username",
    "aws:vpcsourceip", "s3:x-amz-acl",
)  # fmt: skip


def sent_by(service: str, source_arn: str = "", day: date | None = None) -> dict[str, str]:
    """What is known to come with each request that a service makes of its own, for the resource with that ARN."""
    time = dict.fromkeys(TIME, day.isoformat()) if day else {}
    source = {"aws:sourcearn": source_arn, "aws:sourceaccount": source_arn.split(":")[4]} if source_arn else {}
    own = {"aws:principalisawsservice": "true", "aws:principalservicename": service}
    return {"aws:securetransport": "true", **own, **source, **time}


def meets(statement: Statement, sent: Sent) -> bool | None:
    """Whether a request meets a statement's conditions; None where nobody can tell from here."""
    conditions = statement.get("Condition") or {}
    if not isinstance(conditions, Mapping) or not all(isinstance(each, Mapping) for each in conditions.values()):
        return None
    met = [
        _met(str(operator).lower(), str(key).lower(), [_text(value) for value in listed(values)], sent)
        for operator, keys in conditions.items()
        for key, values in keys.items()
    ]
    return False if False in met else None if None in met else True


def _text(value: Any) -> str:
    """A value of a condition: JSON's true is the text "true" (IAM reads both alike)."""
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _met(operator: str, key: str, values: list[str], sent: Sent) -> bool | None:
    quantifier, _, plain = operator.rpartition(":")
    if any("${" in value for value in values):
        return None
    if key not in sent:
        never = key.startswith(NEVER_SENT) and quantifier != "forallvalues" and _wants_a_value(plain, values)
        return False if never else None
    if plain == "null":
        return any(value.lower() == "false" for value in values)
    plain = plain.removesuffix("ifexists")
    if key in TIME:
        return _in_time(plain, values, date.fromisoformat(sent[key]))
    comparison = plain.replace("not", "", 1)
    if comparison not in COMPARISONS:
        return None
    value = sent[key]
    if comparison in CASELESS:
        value, values = value.lower(), [each.lower() for each in values]
    hit = value in values if comparison in EXACT else any(like(value, each) for each in values)
    return hit is (comparison == plain)


def _in_time(operator: str, values: list[str], today: date) -> bool | None:
    """Whether the day has come, or is gone; what turns today, or will not last, is in doubt."""
    try:
        days = [_day(value) for value in values]
    except (OverflowError, ValueError):
        return None
    if operator in ("dategreaterthan", "dategreaterthanequals"):
        return best(True if day < today else None if day == today else False for day in days)
    if operator in ("datelessthan", "datelessthanequals"):
        return None if any(today <= day for day in days) else False
    return None


def _day(text: str) -> date:
    """Of a date of ISO 8601 in UTC, or of seconds since 1970. Raises OverflowError or ValueError."""
    if text.isdecimal() and len(text) > len("2026"):  # a year alone is a date too, of which nothing else is told
        return date.fromordinal(date(1970, 1, 1).toordinal() + int(text) // 86400)
    day, _, time = text.partition("T")
    if time and not time.endswith(("Z", "+00:00")):
        raise ValueError(text)
    return date.fromisoformat(day)


def _wants_a_value(operator: str, values: list[str]) -> bool:
    """Whether a condition asks that its key be there, with a value of a certain kind."""
    if operator == "null":
        return all(value.lower() == "false" for value in values)
    return operator in COMPARISONS and not any(value.strip("*") == "" for value in values)


def newly_doubtful(
    before: Sequence[Statement], after: Sequence[Statement], admits: Callable[[Statement], bool | None]
) -> list[Statement]:
    """The statements that a request hangs on now though nobody can judge them, as it did not before."""
    verdicts = [admits(each) for each in after]
    if True in verdicts:
        return []
    doubtful = [each for each, verdict in zip(after, verdicts, strict=True) if verdict is None]
    had = any(each in before for each in doubtful) and not any(admits(each) for each in before)
    return [] if had else doubtful


def best(verdicts: Iterable[bool | None]) -> bool | None:
    """Of several ways to be admitted: surely by one, else in doubt by one, else by none."""
    found = set(verdicts)
    return True if True in found else None if None in found else False


def allows(statement: Statement, service: str) -> bool:
    """Whether an Allow speaks of a service: by its name, or of everybody."""
    return statement.get("Effect") == "Allow" and _speaks_of(statement.get("Principal"), service)


def denies(statement: Statement, service: str) -> bool:
    """Whether a Deny speaks of a service: by its name, of everybody, or of everybody but some."""
    if statement.get("Effect") != "Deny":
        return False
    if "NotPrincipal" in statement:
        return not _speaks_of(statement["NotPrincipal"], service)
    return _speaks_of(statement.get("Principal"), service)


def _speaks_of(principal: Any, service: str) -> bool:
    if not isinstance(principal, Mapping):
        return bool(principal == "*")
    return service in listed(principal.get("Service")) or "*" in listed(principal.get("AWS"))


def acts(statement: Statement, action: str) -> bool:
    """Whether a statement speaks of an action."""
    named = "NotAction" if "NotAction" in statement else "Action"
    found = any(like(action.lower(), str(each).lower()) for each in listed(statement.get(named)))
    return found is (named == "Action")


def covers(statement: Statement, action: str, resource: str) -> bool:
    """Whether a statement speaks of an action on a resource."""
    if "NotResource" in statement:
        concerned = not any(like(resource, str(each)) for each in listed(statement["NotResource"]))
    else:
        concerned = any(like(resource, str(each)) for each in listed(statement.get("Resource")))
    return concerned and acts(statement, action)


def like(value: str, pattern: str) -> bool:
    """IAM's patterns know * and ?; a bracket is a bracket. Of a value that is a pattern: whether it is no wider."""
    return fnmatchcase(value, pattern.replace("[", "[[]").replace("?", "[!*]"))


def listed(value: Any) -> list[Any]:
    """What may stand alone or in a list."""
    return list(value) if isinstance(value, list | tuple) else [] if value is None else [value]
