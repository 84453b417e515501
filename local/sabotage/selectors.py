"""A trail's selectors and insights, bent to see less."""

from local.account import Account
from local.cloud import LocalAws
from local.sabotage.model import Sabotage


def furnish(aws: LocalAws, victim: Account) -> None:
    """Selectors and insights."""


SABOTAGES: tuple[Sabotage, ...] = ()
