"""What a sabotage is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.account import Account
from local.cloud import LocalAws
from local.place import Session


@dataclass(frozen=True)
class Sabotage:
    """One way to break one control, and what AWS says of it: the same after a repair as before the sabotage.

    `outcome` is what security is told: ``repaired``, or what becomes of that which nobody can repair.
    """

    control: str
    event: str  # the eventName that CloudTrail writes for it, without an API's version
    effect: str  # for people: "log objects expire after a day"
    commit: Callable[[LocalAws, Session, Account], object]  # the intruder's calls
    proof: Callable[[LocalAws, Account], Any]  # read from AWS, comparable
    outcome: str = "repaired"

    def __str__(self) -> str:
        return f"{self.control}-{self.event}-{self.effect.replace(' ', '_')}"
