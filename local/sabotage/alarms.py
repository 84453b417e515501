"""Metric filters and alarms, deleted, muted and bent."""

from local.account import Account
from local.cloud import LocalAws
from local.sabotage.model import Sabotage


def furnish(aws: LocalAws, victim: Account) -> None:
    """Filters, alarms and a topic with a subscriber."""


SABOTAGES: tuple[Sabotage, ...] = ()
