"""A ledger that may be lost: while the table cannot be reached, repairs go on without it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from relight import telemetry
from relight.errors import AwsError
from relight.ledger import Ledger, Noted, Revive
from relight.model import Baseline, Incident, Resource

Answer = TypeVar("Answer")


class FallbackLedger(Ledger):
    """The ledger for one invocation: what it cannot do is as if it knew nothing, and is noted in `lost`.

    Without a baseline a repair falls back to the standard, and without an outbox a message may be sent twice; neither
    is as bad as logging that stays off. Whoever uses it raises `lost` in the end, so that the event comes again.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def baselines(self, kind: str, account: str, arns: Iterable[str], revive: Revive) -> dict[str, Baseline[Any]]:
        """As the ledger's; empty where it is lost."""
        return self._or({}, lambda: self._ledger.baselines(kind, account, arns, revive))

    def baselines_under(self, kind: str, account: str, prefix: str, revive: Revive) -> dict[str, Baseline[Any]]:
        """As the ledger's; empty where it is lost."""
        return self._or({}, lambda: self._ledger.baselines_under(kind, account, prefix, revive))

    def regions(self, kind: str, account: str, prefix: str) -> dict[str, str]:
        """As the ledger's; empty where it is lost."""
        return self._or({}, lambda: self._ledger.regions(kind, account, prefix))

    def keep(self, resource: Resource, baseline: Baseline[Any]) -> bool:
        """As the ledger's; False where it is lost, or the baselines were: what they knew must not be forgotten."""
        return self.lost is None and self._or(default=False, ask=lambda: self._ledger.keep(resource, baseline))

    def keep_all(self, baselines: Sequence[tuple[Resource, Baseline[Any]]]) -> list[bool]:
        """As the ledger's; False for each where it is lost, or the baselines were."""
        none = [False] * len(baselines)
        return self._or(none, lambda: self._ledger.keep_all(baselines)) if self.lost is None else none

    def open(self, key: str, incident: Incident, now: datetime) -> Incident | None:
        """As the ledger's; None where it is lost."""
        return self._or(None, lambda: self._ledger.open(key, incident, now))

    def open_all(self, key: str, incidents: Sequence[Incident], now: datetime) -> list[Incident | None]:
        """As the ledger's; None for each where it is lost."""
        return self._or([None] * len(incidents), lambda: self._ledger.open_all(key, incidents, now))

    def note_all(self, key: str, incidents: Sequence[Incident], now: datetime, *, told: bool = False) -> None:
        """As the ledger's."""
        self._or(None, lambda: self._ledger.note_all(key, incidents, now, told=told))

    def find(self, key: str, arn: str) -> Incident | None:
        """As the ledger's; None where it is lost."""
        return self._or(None, lambda: self._ledger.find(key, arn))

    def noted(self, key: str) -> Noted:
        """As the ledger's; none where it is lost."""
        return self._or(Noted([], []), lambda: self._ledger.noted(key))

    def claim(self, key: str, incident: Incident, now: datetime, teller: str, *, once: bool = False) -> bool:
        """As the ledger's; True where it was lost before: better told twice than never.

        Raises AwsError where it fails only now: everything else is noted, so the retry can tell it exactly once.
        """
        if self.lost is None:
            return self._ledger.claim(key, incident, now, teller, once=once)
        return self._or(default=True, ask=lambda: self._ledger.claim(key, incident, now, teller, once=once))

    def release(self, key: str, incident: Incident, teller: str) -> None:
        """As the ledger's; where it is lost, the time that the right was taken for runs out by itself."""
        self._or(None, lambda: self._ledger.release(key, incident, teller))

    def told(self, key: str, incident: Incident, now: datetime) -> None:
        """As the ledger's."""
        self._or(None, lambda: self._ledger.told(key, incident, now))

    def contest(self, resource: Resource, now: datetime) -> int:
        """As the ledger's; 0 where it is lost: then everything is told."""
        return self._or(0, lambda: self._ledger.contest(resource, now))

    def _or(self, default: Answer, ask: Callable[[], Answer]) -> Answer:
        try:
            return ask()
        except AwsError as error:
            telemetry.logger.exception("the ledger is lost")
            self.lost = self.lost or error
            return default
