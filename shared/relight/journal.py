"""The sweep's own rows in the ledger's table: how far a sweep has come, and the posture that each one found.

Keys: ``sweep#ACCOUNT#REGION`` / the sweep's id, and ``posture#ACCOUNT`` / ``REGION#TIME``.
"""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Self

from relight.aws import Aws
from relight.ledger import key_of
from relight.model import Call
from relight.posture import Count, Counts, as_lists

# How long it is remembered that a sweep was, and how far it came: longer than any retry or dead letter lives.
PROGRESS = timedelta(days=15)


class Journal:
    """Typed access to the rows. Every method raises AwsError where the table cannot be reached."""

    def __init__(self, aws: Aws, table: str, days: int, account: str = "") -> None:
        self._aws = aws
        self._place = aws.home
        self._table = table
        self._days = days
        self._account = account or aws.account  # whose posture it is

    def of(self, account: str) -> Self:
        """The same with the posture of another account."""
        return type(self)(self._aws, self._table, self._days, account)

    def progress(self, sweep: str) -> dict[str, Any] | None:
        """What `note` was given last about a sweep; None of a new one."""
        key = key_of(self._sweeps, sweep)
        answer = self._place.read("dynamodb", "GetItem", TableName=self._table, Key=key, ConsistentRead=True) or {}
        if "Item" not in answer:
            return None
        progress: dict[str, Any] = json.loads(zlib.decompress(b64decode(answer["Item"]["progress"]["S"])))
        return progress

    def note(self, sweep: str, progress: Mapping[str, Any], now: datetime) -> None:
        """How far a sweep has come: plain data, which is kept compressed (DynamoDB takes 400 KB)."""
        packed = b64encode(zlib.compress(json.dumps(progress).encode())).decode()
        self._enter(key_of(self._sweeps, sweep), {"progress": {"S": packed}}, now + PROGRESS)

    def enter(self, counts: Counts, now: datetime) -> None:
        """The posture that a sweep has left."""
        key = key_of(f"posture#{self._account}", f"{self._place.region}#{now.isoformat()}")
        self._enter(key, {"counts": {"S": json.dumps(as_lists(counts))}}, now + timedelta(days=self._days))

    def history(self, most: int) -> list[tuple[datetime, dict[str, Count]]]:
        """The last postures, the oldest first."""
        answer = self._place.read(
            "dynamodb",
            "Query",
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :region)",
            ExpressionAttributeValues={
                ":pk": {"S": f"posture#{self._account}"},
                ":region": {"S": f"{self._place.region}#"},
            },
            ScanIndexForward=False,
            Limit=most,
        )
        return [_posture(row) for row in reversed((answer or {}).get("Items", []))]

    @property
    def _sweeps(self) -> str:
        return f"sweep#{self._place.account}#{self._place.region}"

    def _enter(self, key: Mapping[str, Any], values: Mapping[str, Any], expires: datetime) -> None:
        item = {**key, **values, "expires": {"N": str(int(expires.timestamp()))}}
        self._place.send(Call("dynamodb", "PutItem", {"TableName": self._table, "Item": item}))


def _posture(row: Mapping[str, Any]) -> tuple[datetime, dict[str, Count]]:
    numbers = json.loads(row["counts"]["S"])
    moment = datetime.fromisoformat(row["sk"]["S"].partition("#")[2])
    return moment, {name: Count(*each) for name, each in numbers.items()}
