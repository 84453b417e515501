"""What CloudTrail could not deliver lately, as GetTrailStatus reports it: only whoever owns the destination mends that.

An error is of the last attempt, minutes or hours ago
(https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetTrailStatus.html).
"""

from __future__ import annotations

from collections.abc import Iterator

from relight.model import Drift
from relight.policy.control import report
from relight.policy.delivery import SIEM
from relight.policy.trail import Trail
from relight.standard import Standard

BUCKET = "mend the bucket's policy or the key's, or lead the trail to a bucket that takes them."
# What GetTrailStatus calls an error → what a person must do.
ADVICE = {
    "LatestDeliveryError": f"CloudTrail cannot deliver log files: {BUCKET}",
    "LatestNotificationError": "CloudTrail cannot tell of new log files: mend the topic's policy or its key's.",
    "LatestDigestDeliveryError": f"CloudTrail cannot deliver digest files: {BUCKET}",
    "LatestCloudWatchLogsDeliveryError": "CloudTrail cannot deliver to the log group: mend the role for that.",
}


@report("trail.destination")
def log_files(trail: Trail, standard: Standard) -> Iterator[Drift]:
    """Log files reach the bucket, and whoever waits for them hears of it."""
    yield from _failing(trail, "LatestDeliveryError")
    if trail.sns_topic:
        yield from _failing(trail, "LatestNotificationError")


@report("trail.log-file-validation")
def digests(trail: Trail, standard: Standard) -> Iterator[Drift]:
    """Digest files reach the bucket."""
    if trail.log_file_validation:
        yield from _failing(trail, "LatestDigestDeliveryError")


@report("trail.cloudwatch-logs")
def events(trail: Trail, standard: Standard) -> Iterator[Drift]:
    """Events reach the log group, where filters and alarms read them."""
    if trail.log_group and standard.trail_reader != SIEM:
        yield from _failing(trail, "LatestCloudWatchLogsDeliveryError")


def _failing(trail: Trail, error: str) -> Iterator[Drift]:
    """A stopped trail delivers nothing, whatever it last said."""
    if trail.logging and error in trail.failing:
        yield Drift(error, found=trail.failing[error], wanted="", manual=ADVICE[error])
