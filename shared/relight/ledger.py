"""The DynamoDB table: baselines (the last compliant states) and incidents (the outbox of what is to be told).

Keys: ``baseline#ACCOUNT#KIND`` / ARN, and ``incident#KEY`` / ARN; what operators accepted and forgot stands under
``audit#ACCOUNT#KIND`` (local/operate/books.py), and the sweep's own under ``sweep#…`` and ``posture#…`` (journal.py).
Every write of a baseline or an incident is conditional.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from relight import telemetry
from relight.aws import Aws
from relight.errors import AwsError
from relight.incident import from_data, to_data
from relight.model import Baseline, Call, Incident, Resource
from relight.policy.state import written

CANCELLED = "TransactionCanceledException"
REFUSED = "ConditionalCheckFailedException"
# Longer than a notification takes, shorter than the minute after which Lambda retries an invocation that crashed.
TELLING = timedelta(seconds=30)
# Bytes of a state that can be kept: DynamoDB takes 400 KB an item, names, keys and controls included
# (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html).
LARGEST_STATE = 390_000
# What one call reads or writes at most
# (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html, API_BatchGetItem.html).
BATCH = 100
LARGEST_BATCH = 3_000_000  # bytes; DynamoDB takes 4 MB, names included
# Up to so many rows are read one by one, which costs no further permission where a record names just one resource.
FEW = 3
Revive = Callable[[Mapping[str, Any]], Any]


class Noted(NamedTuple):
    """Incidents that were never told."""

    unfinished: list[Incident]  # only what was intended is noted: whoever was to repair them has not come to its end
    untold: list[Incident]  # they have ended


class Ledger:
    """Typed access to the table. Every method raises AwsError where the table cannot be reached."""

    lost: AwsError | None = None  # why a FallbackLedger went on without the table

    def __init__(self, aws: Aws, table: str, incident_days: int) -> None:
        self._place = aws.home
        self._table = table
        self._days = incident_days

    def baselines(self, kind: str, account: str, arns: Iterable[str], revive: Revive) -> dict[str, Baseline[Any]]:
        """The baselines of these resources, by ARN."""
        keys = [key_of(f"baseline#{account}#{kind}", arn) for arn in dict.fromkeys(arns)]
        rows = (self._row(key) for key in keys) if len(keys) <= FEW else self._rows(keys)
        return _readable(rows, revive)

    def baselines_under(self, kind: str, account: str, prefix: str, revive: Revive) -> dict[str, Baseline[Any]]:
        """All baselines whose ARN begins with a prefix, by ARN."""
        return _readable(self._under(f"baseline#{account}#{kind}", prefix), revive)

    def regions(self, kind: str, account: str, prefix: str) -> dict[str, str]:
        """All resources that have a baseline, and whose ARN begins with a prefix: ARN → Region, empty if not known."""
        return {row["sk"]["S"]: _region(row) for row in self._under(f"baseline#{account}#{kind}", prefix)}

    def keep(self, resource: Resource, baseline: Baseline[Any]) -> bool:
        """Writes a baseline over the revision that it was made from (0: the first one).

        False where another invocation wrote in between: what it saw is newer, or the next look will tell.
        """
        return self._write("PutItem", **replacement(resource, baseline))

    def keep_all(self, baselines: Sequence[tuple[Resource, Baseline[Any]]]) -> list[bool]:
        """Keeps several, a hundred with one call; in their order, as `keep` does."""
        return self._put_all([replacement(*each) for each in baselines])

    def open(self, key: str, incident: Incident, now: datetime) -> Incident | None:
        """Notes what is intended. Returns None, or the incident that was noted there already."""
        return self.open_all(key, [incident], now)[0]

    def open_all(self, key: str, incidents: Sequence[Incident], now: datetime) -> list[Incident | None]:
        """Notes what is intended for several resources, a hundred with one call; in their order, as `open` does."""
        new = self._put_all(
            [
                {"Item": self._entry(key, each, now, "intended"), "ConditionExpression": "attribute_not_exists(pk)"}
                for each in incidents
            ]
        )
        pairs = zip(incidents, new, strict=True)
        return [None if is_new else self.find(key, each.resource.arn) for each, is_new in pairs]

    def note_all(self, key: str, incidents: Sequence[Incident], now: datetime, *, told: bool = False) -> None:
        """Notes what was done, over what was intended; or that all of it was told, in one message."""
        status = "told" if told else "repaired"
        self._put_all(
            [
                {
                    "Item": self._entry(key, each, now, status),
                    "ConditionExpression": "attribute_not_exists(told)",
                }
                for each in incidents
            ]
        )

    def find(self, key: str, arn: str) -> Incident | None:
        """An incident as it was last noted, if it was."""
        row = self._row(key_of(f"incident#{key}", arn))
        return from_data(json.loads(row["body"]["S"])) if row else None

    def noted(self, key: str) -> Noted:
        """The incidents under a key, of whichever resources, that were never told."""
        rows = list(self._under(f"incident#{key}", "arn:"))
        return Noted(unfinished=_with_status(rows, "intended"), untold=_with_status(rows, "repaired"))

    def claim(self, key: str, incident: Incident, now: datetime, teller: str, *, once: bool = False) -> bool:
        """Notes what was done, and takes the right to tell it for `teller`, the invocation's request id.

        The entry need not exist: only repairs are intended first. False where this outcome was told already (of what
        is told `once`, any), or another invocation is about to tell it. Lambda's retry of a crashed invocation has the
        same request id and goes on at once; so does a write whose answer was lost.
        """
        untold = "attribute_not_exists(told)" if once else "(attribute_not_exists(told) OR told <> :outcome)"
        outcome = {} if once else {":outcome": {"S": incident.outcome}}
        return self._update(
            key,
            incident.resource.arn,
            "SET #status = :status, body = :body, telling = :until, teller = :teller,"
            " expires = if_not_exists(expires, :expires)",
            f"{untold} AND (attribute_not_exists(telling) OR telling < :now OR teller = :teller)",
            {
                ":status": {"S": "repaired"},
                ":body": {"S": json.dumps(to_data(incident))},
                **outcome,
                ":until": {"S": (now + TELLING).isoformat()},
                ":now": {"S": now.isoformat()},
                ":teller": {"S": teller},
                ":expires": self._expiry(now),
            },
        )

    def release(self, key: str, incident: Incident, teller: str) -> None:
        """Gives the right to tell back, for the telling failed: whoever comes next need not wait."""
        self._write(
            "UpdateItem",
            Key=key_of(f"incident#{key}", incident.resource.arn),
            UpdateExpression="REMOVE telling",
            ConditionExpression="teller = :teller",
            ExpressionAttributeValues={":teller": {"S": teller}},
        )

    def told(self, key: str, incident: Incident, now: datetime) -> None:
        """Notes that this outcome was told, whether or not there is an entry; frees the right to tell the next one."""
        self._update(
            key,
            incident.resource.arn,
            "SET #status = :status, body = :body, told = :outcome, told_at = :now,"
            " expires = if_not_exists(expires, :expires) REMOVE telling",
            "attribute_not_exists(told) OR told <> :outcome",
            {
                ":status": {"S": "told"},
                ":body": {"S": json.dumps(to_data(incident))},
                ":outcome": {"S": incident.outcome},
                ":now": {"S": now.isoformat()},
                ":expires": self._expiry(now),
            },
        )

    def contest(self, resource: Resource, now: datetime) -> int:
        """Counts an attack on a resource; how many there were in this hour."""
        key = key_of(f"contest#{resource.account}#{resource.kind}", f"{resource.arn}#{now:%Y-%m-%dT%H}")
        answer = self._place.send(
            Call(
                "dynamodb",
                "UpdateItem",
                {
                    "TableName": self._table,
                    "Key": key,
                    "UpdateExpression": "ADD attacks :one SET expires = if_not_exists(expires, :expires)",
                    "ExpressionAttributeValues": {":one": {"N": "1"}, ":expires": self._expiry(now)},
                    "ReturnValues": "UPDATED_NEW",
                },
            )
        )
        return int(answer["Attributes"]["attacks"]["N"])

    def _entry(self, key: str, incident: Incident, now: datetime, status: str) -> dict[str, Any]:
        told = {"told": {"S": incident.outcome}, "told_at": {"S": now.isoformat()}} if status == "told" else {}
        return {
            **key_of(f"incident#{key}", incident.resource.arn),
            "status": {"S": status},
            "body": {"S": json.dumps(to_data(incident))},
            "expires": self._expiry(now),
            **told,
        }

    def _expiry(self, now: datetime) -> dict[str, str]:
        return {"N": str(int((now + timedelta(days=self._days)).timestamp()))}

    def _under(self, key: str, prefix: str) -> Iterator[dict[str, Any]]:
        """The rows of a key whose ARN begins with a prefix."""
        return self._place.pages(
            "dynamodb",
            "Query",
            "Items",
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
            ExpressionAttributeValues={":pk": {"S": key}, ":sk": {"S": prefix}},
        )

    def _row(self, key: Mapping[str, Any]) -> dict[str, Any]:
        answer = self._place.read("dynamodb", "GetItem", TableName=self._table, Key=key, ConsistentRead=True)
        item: dict[str, Any] = (answer or {}).get("Item", {})
        return item

    def _rows(self, keys: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
        """Rows by their keys, a hundred with one call, or fewer where they are large. Raises AwsError."""
        for start in range(0, len(keys), BATCH):
            left = list(keys[start : start + BATCH])
            for _ in range(BATCH):  # each answer holds at least one row
                request = {self._table: {"Keys": left, "ConsistentRead": True}}
                answer = self._place.read("dynamodb", "BatchGetItem", RequestItems=request) or {}
                yield from answer["Responses"].get(self._table, ())
                left = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
                if not left:
                    break
            else:
                raise AwsError("dynamodb:BatchGetItem", "UnprocessedKeys", f"{len(left)} rows could not be read")

    def _put_all(self, puts: Sequence[Mapping[str, Any]]) -> list[bool]:
        """Sends conditional puts in transactions; where one is refused, its fellows one by one. Which were made."""
        done: list[bool] = []
        for batch in _batches(puts):
            items = [{"Put": {"TableName": self._table, **put}} for put in batch]
            try:
                if len(items) > 1:
                    self._place.send(Call("dynamodb", "TransactWriteItems", {"TransactItems": items}))
                    done += [True] * len(items)
                    continue
            except AwsError as error:
                if error.code != CANCELLED:
                    raise
            done += [self._write("PutItem", **put) for put in batch]
        return done

    def _update(self, key: str, arn: str, expression: str, condition: str, values: Mapping[str, Any]) -> bool:
        return self._write(
            "UpdateItem",
            Key=key_of(f"incident#{key}", arn),
            UpdateExpression=expression,
            ConditionExpression=condition,
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues=values,
        )

    def _write(self, operation: str, **params: Any) -> bool:
        """Sends a conditional write; False where the condition does not hold."""
        try:
            self._place.send(Call("dynamodb", operation, {"TableName": self._table, **params}))
        except AwsError as error:
            if error.code == REFUSED:
                return False
            raise
        return True


def _batches(puts: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    batch: list[Mapping[str, Any]] = []
    size = 0
    for put in puts:
        own = len(json.dumps(put["Item"]))
        if batch and (len(batch) == BATCH or size + own > LARGEST_BATCH):
            yield batch
            batch, size = [], 0
        batch.append(put)
        size += own
    if batch:
        yield batch


def fits(state: Any) -> bool:
    """Whether a state is small enough for a baseline."""
    return len(written(state)) <= LARGEST_STATE


def replacement(resource: Resource, baseline: Baseline[Any]) -> dict[str, Any]:
    """The parameters of a put over the revision that a baseline was made from, and over no other."""
    item = {
        **key_of(f"baseline#{resource.account}#{resource.kind}", resource.arn),
        "state": {"S": written(baseline.state)},
        "controls": {"S": " ".join(sorted(baseline.controls))},
        "since": {"S": baseline.since.isoformat()},
        "revision": {"N": str(baseline.revision + 1)},
    }
    return {"Item": item, **unchanged(baseline.revision)}


def unchanged(revision: int) -> dict[str, Any]:
    """The condition of a write that no other invocation wrote in between."""
    if not revision:
        return {"ConditionExpression": "attribute_not_exists(pk)"}
    values = {":was": {"N": str(revision)}}
    return {"ConditionExpression": "revision = :was", "ExpressionAttributeValues": values}


def key_of(pk: str, sk: str) -> dict[str, dict[str, str]]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _readable(rows: Iterable[Mapping[str, Any]], revive: Revive) -> dict[str, Baseline[Any]]:
    """The baselines in these rows, by ARN. One that cannot be read is as good as none: the standard steps in."""
    found = {}
    for row in filter(None, rows):
        try:
            found[row["sk"]["S"]] = _baseline(row, revive)
        except (AttributeError, KeyError, TypeError, ValueError):
            telemetry.logger.exception("unreadable baseline", extra={"row": row.get("sk")})
    return found


def _with_status(rows: Iterable[Mapping[str, Any]], status: str) -> list[Incident]:
    return [from_data(json.loads(row["body"]["S"])) for row in rows if row["status"]["S"] == status]


def _region(row: Mapping[str, Any]) -> str:
    """A bucket's ARN names none: its state does."""
    in_arn: str = row["sk"]["S"].split(":")[3]
    try:
        return in_arn or str(json.loads(row["state"]["S"]).get("region", ""))
    except (AttributeError, KeyError, TypeError, ValueError):  # as good as no baseline
        return ""


def _baseline(row: Mapping[str, Any], revive: Revive) -> Baseline[Any]:
    return Baseline(
        state=revive(json.loads(row["state"]["S"])),
        controls=frozenset(row["controls"]["S"].split()),
        since=datetime.fromisoformat(row["since"]["S"]),
        revision=int(row["revision"]["N"]),
    )
