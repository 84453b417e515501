"""Time, as something that tests can hand in."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """The real one."""

    def now(self) -> datetime:
        """The present moment, in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Waits."""
        time.sleep(seconds)

    @property
    def time_is_up(self) -> bool:
        """Whether nothing more should be begun; never, where nobody set an end."""
        return False


class Allotted(Clock):
    """The time of one invocation, by another clock: it ends, and half of it is all that may be spent on waiting.

    All resources share that: neither their number, nor whoever keeps the first of them from being repaired, uses up the
    time of the others.
    """

    def __init__(self, clock: Clock, until: datetime) -> None:
        self._clock = clock
        self._until = until
        self._patience = max(0.0, (until - clock.now()).total_seconds() / 2)

    def now(self) -> datetime:
        """The other clock's."""
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        """Waits as long as the patience lasts."""
        granted = min(seconds, self._patience)
        self._patience -= granted
        self._clock.sleep(granted)

    @property
    def time_is_up(self) -> bool:
        """Whether the invocation's end is near."""
        return self.now() >= self._until
