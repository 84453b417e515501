"""Keys disabled, deleted, no longer rotated."""

from local.account import Account
from local.cloud import LocalAws
from local.sabotage.model import Sabotage


def furnish(aws: LocalAws, victim: Account) -> None:
    """Nothing beyond the trail's key."""


SABOTAGES: tuple[Sabotage, ...] = ()
