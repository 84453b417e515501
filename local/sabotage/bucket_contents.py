"""What happens to log files in a bucket: expiry, delivery, the bucket itself."""

from local.account import Account
from local.cloud import LocalAws
from local.sabotage.model import Sabotage


def furnish(aws: LocalAws, victim: Account) -> None:
    """Nothing beyond the account's own bucket."""


SABOTAGES: tuple[Sabotage, ...] = ()
