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
