"""Log groups deleted, their retention cut."""

from local.account import Account
from local.cloud import LocalAws
from local.sabotage.model import Sabotage


def furnish(aws: LocalAws, victim: Account) -> None:
    """Nothing beyond the log groups that are there."""


SABOTAGES: tuple[Sabotage, ...] = ()
