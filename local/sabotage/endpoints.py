"""Calls that a VPC endpoint denies."""

from local.account import Account
from local.cloud import LocalAws
from local.sabotage.model import Sabotage


def furnish(aws: LocalAws, victim: Account) -> None:
    """Nothing: the events come from elsewhere."""


SABOTAGES: tuple[Sabotage, ...] = ()
