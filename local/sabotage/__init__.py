"""The whole catalogue, broken on purpose: for each control a call that breaks it, and what must be true again.

A module a family: `furnish` adds what its controls look after to the account, all of it compliant, before Relight is
deployed; SABOTAGES break it. The demonstration's second act and tests/integration/test_catalogue.py run them all.
"""

from types import ModuleType

from local.account import Account
from local.cloud import LocalAws
from local.sabotage import (
    alarms,
    bucket_contents,
    buckets,
    endpoints,
    forwarders,
    guards,
    keys,
    log_groups,
    recorders,
    selectors,
    trails,
    vpcs,
)
from local.sabotage.model import Sabotage

__all__ = ["ALL", "MODULES", "OF_A_HUB", "Sabotage", "furnish"]

# In the order in which they furnish: log groups before what refers to them.
MODULES: tuple[ModuleType, ...] = (
    keys,
    log_groups,
    trails,
    selectors,
    buckets,
    vpcs,
    recorders,
    alarms,
    endpoints,
    guards,
    bucket_contents,  # last, for in the end the bucket is gone
)
ALL: tuple[Sabotage, ...] = tuple(each for module in MODULES for each in module.SABOTAGES)
# What only a hub looks after, in an organisation (local/organisation.py).
OF_A_HUB: tuple[Sabotage, ...] = forwarders.SABOTAGES


def furnish(aws: LocalAws, victim: Account) -> None:
    """Adds to the account whatever the catalogue looks after, as it should be."""
    for module in MODULES:
        module.furnish(aws, victim)
