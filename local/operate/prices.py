"""The price table of `relight cost`: prices.toml beside this module, or a file of the user's in the same form."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from math import inf, isfinite
from pathlib import Path
from typing import Any

from local.operate.deployment import OperatorError

SHIPPED = Path(__file__).with_name("prices.toml")
# Each price, and what it is charged for.
UNITS = {
    "data-events": "events",
    "network-activity-events": "events",
    "management-event-copies": "events",
    "flow-logs-to-cloudwatch": "GB",
    "flow-logs-to-s3": "GB",
    "cloudwatch-ingestion": "GB",
    "cloudwatch-storage": "GB",
    "s3-storage": "GB",
}


@dataclass(frozen=True)
class Price:
    """US dollars for each `per` of a unit in a month, by tiers: (from this volume on, US dollars)."""

    unit: str
    per: int
    tiers: tuple[tuple[float, float], ...]
    source: str
    as_of: date

    def parts(self, amount: float) -> list[tuple[float, float]]:
        """How much of an amount is charged at which rate."""
        ends = [*(start for start, _ in self.tiers[1:]), inf]
        bounded = zip(self.tiers, ends, strict=True)
        return [(min(amount, end) - start, usd) for (start, usd), end in bounded if amount > start or not start]

    def usd(self, amount: float) -> float:
        """What an amount costs."""
        return sum(part * usd / self.per for part, usd in self.parts(amount))


@dataclass(frozen=True)
class Prices:
    """All prices by their names, and the Region that they are of."""

    region: str
    by_name: Mapping[str, Price]

    def __getitem__(self, name: str) -> Price:
        return self.by_name[name]

    @property
    def as_of(self) -> tuple[date, date]:
        """The oldest and the newest day."""
        days = [each.as_of for each in self.by_name.values()]
        return min(days), max(days)


def text(path: Path) -> str:
    """The table as it is written. Raises OperatorError."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(f"price table {path} could not be read: {error}") from error


def read(path: Path = SHIPPED) -> Prices:
    """The table. Raises OperatorError, which names what is wrong with it."""
    try:
        table = tomllib.loads(text(path))
        _require(set(table) == {"region", *UNITS}, f"it must have region and {', '.join(UNITS)}, and nothing else")
        _require(isinstance(table["region"], str), "region must be a name, as us-east-1")
        return Prices(table["region"], {name: _price(name, table[name]) for name in UNITS})
    except (tomllib.TOMLDecodeError, _Wrong) as error:
        raise OperatorError(
            f"price table {path}: {error}; relight cost --show-prices shows one that is right"
        ) from error


class _Wrong(Exception):
    """What is wrong with a table."""


def _require(met: object, otherwise: str) -> None:
    if not met:
        raise _Wrong(otherwise)


def _price(name: str, given: Any) -> Price:
    keys = ("unit", "per", "tiers", "source", "as_of")
    _require(isinstance(given, dict) and set(given) == set(keys), f"[{name}] must have {', '.join(keys)}")
    unit, per, tiers, source, as_of = (given[key] for key in keys)
    _require(unit == UNITS[name], f"{name}.unit is {unit!r}: it must be {UNITS[name]!r}")
    _require(_is_number(per) and isinstance(per, int) and per > 0, f"{name}.per is {per!r}: it must be 1 or more")
    _require(_are_tiers(tiers), f"{name}.tiers is {tiers!r}: it must be [[0, 0.50], [10_240, 0.25]], for example")
    _require(isinstance(source, str), f"{name}.source is {source!r}: it must be text")
    is_day = isinstance(as_of, date) and not isinstance(as_of, datetime)
    _require(is_day, f"{name}.as_of is {as_of!r}: it must be a day, as 2025-10-28 without quotes")
    return Price(unit, per, tuple((start, usd) for start, usd in tiers), source, as_of)


def _are_tiers(tiers: Any) -> bool:
    pairs = isinstance(tiers, list) and all(isinstance(each, list) and len(each) == 2 for each in tiers)
    if not tiers or not pairs or not all(_is_number(number) for each in tiers for number in each):
        return False
    starts = [start for start, _ in tiers]
    return starts[0] == 0 and all(one < other for one, other in pairwise(starts))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) and value >= 0
