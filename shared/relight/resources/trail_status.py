"""GetTrailStatus: which of a trail's deliveries failed last.

Whether the last attempt is the one that failed, its time tells, where there is one
(https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetTrailStatus.html calls these fields no longer in
use): an error without it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

# Error → when the same last succeeded, and when it was last tried.
ERRORS = {
    "LatestDeliveryError": ("LatestDeliveryTime", "LatestDeliveryAttemptTime"),
    "LatestNotificationError": ("LatestNotificationTime", "LatestNotificationAttemptTime"),
    "LatestDigestDeliveryError": ("LatestDigestDeliveryTime", ""),
    "LatestCloudWatchLogsDeliveryError": ("LatestCloudWatchLogsDeliveryTime", ""),
}


def failing(status: Mapping[str, Any]) -> dict[str, str]:
    """The errors that stand since the last success, as texts, by AWS's names for them."""
    found = {error: status[error] for error in ERRORS if status.get(error)}
    return {error: str(text) for error, text in found.items() if not _succeeded_since(status, *ERRORS[error])}


def _succeeded_since(status: Mapping[str, Any], success: str, attempt: str) -> bool:
    """Whether the last attempt is one that succeeded. Its time is a text, to the second."""
    succeeded, tried = status.get(success), _moment(status.get(attempt))
    return succeeded is not None and tried is not None and succeeded >= tried


def _moment(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
