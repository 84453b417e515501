"""AWS Config, stopped, narrowed and deleted."""

from local.account import Account
from local.cloud import LocalAws
from local.sabotage.model import Sabotage


def furnish(aws: LocalAws, victim: Account) -> None:
    """A recorder with its channel, started."""


SABOTAGES: tuple[Sabotage, ...] = ()
