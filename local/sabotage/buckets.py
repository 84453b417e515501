"""A log bucket opened, left unencrypted, unversioned or without its copy."""

from local.account import Account
from local.cloud import LocalAws
from local.sabotage.model import Sabotage


def furnish(aws: LocalAws, victim: Account) -> None:
    """Versioning, encryption, replication, closed doors."""


SABOTAGES: tuple[Sabotage, ...] = ()
