"""The ledger as operators write it: a baseline only together with the row that says who did so, and why.

Audit rows: ``audit#ACCOUNT#KIND`` / ``ARN#TIME``, with the baseline that was there before; they expire as incidents do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from relight.errors import AwsError
from relight.ledger import Ledger, key_of, replacement, unchanged
from relight.model import Baseline, Call, Resource

# What DynamoDB answers where a condition of a transaction does not hold, or another one is under way
# (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html).
CANCELLED = ("TransactionCanceledException", "TransactionConflictException")


@dataclass(frozen=True)
class Entry:
    """Who did what to a baseline, when and why."""

    action: str  # "accept" or "forget"
    who: str  # the ARN that STS says
    reason: str
    at: datetime


class Books(Ledger):
    """The table, with what only operators do. Every method raises AwsError where it cannot be reached."""

    def row(self, resource: Resource) -> Mapping[str, Any]:
        """A baseline as it is stored, readable or not; empty where there is none."""
        return self._row(_key(resource))

    def accept(self, resource: Resource, baseline: Baseline[Any], before: Mapping[str, Any], entry: Entry) -> bool:
        """Puts a baseline over the revision that it was made from; False where somebody wrote in between."""
        return self._both({"Put": replacement(resource, baseline)}, resource, before, entry)

    def forget(self, resource: Resource, before: Mapping[str, Any], entry: Entry) -> bool:
        """Deletes the baseline that was read as `before`; False where somebody wrote in between."""
        revision = before.get("revision", {}).get("N", "")
        same = unchanged(int(revision)) if revision.isdigit() else {"ConditionExpression": "attribute_exists(pk)"}
        return self._both({"Delete": {"Key": _key(resource), **same}}, resource, before, entry)

    def _both(self, write: Mapping[str, Any], resource: Resource, before: Mapping[str, Any], entry: Entry) -> bool:
        written = {
            **{name: value for name, value in before.items() if name not in ("pk", "sk")},
            **key_of(f"audit#{resource.account}#{resource.kind}", f"{resource.arn}#{entry.at.isoformat()}"),
            "action": {"S": entry.action},
            "who": {"S": entry.who},
            "reason": {"S": entry.reason},
            "at": {"S": entry.at.isoformat()},
            "expires": self._expiry(entry.at),
        }
        audit = {"Put": {"Item": written, "ConditionExpression": "attribute_not_exists(pk)"}}
        items = [
            {operation: {"TableName": self._table, **params} for operation, params in each.items()}
            for each in (write, audit)
        ]
        try:
            self._place.send(Call("dynamodb", "TransactWriteItems", {"TransactItems": items}))
        except AwsError as error:
            if error.code in CANCELLED:
                return False
            raise
        return True


def _key(resource: Resource) -> dict[str, dict[str, str]]:
    return key_of(f"baseline#{resource.account}#{resource.kind}", resource.arn)
