"""S3 buckets that trails deliver to: who reads and changes the log files is itself logged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from relight.model import Drift, Severity
from relight.policy.control import control
from relight.standard import Standard


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of the account's own. `logging` is LoggingEnabled as GetBucketLogging shows it, empty when off."""

    account: str
    region: str
    name: str
    logging: Mapping[str, Any] = field(default_factory=dict)

    @property
    def target(self) -> str:
        """The bucket that access logs go to; empty when off."""
        return str(self.logging.get("TargetBucket", ""))


@control(
    "bucket.access-logging",
    title="Access to the trail's bucket is logged",
    severity=Severity.MEDIUM,
    cis="3.4",
    security_hub="CloudTrail.7",
    triggers=("PutBucketLogging", "CreateBucket", "UpdateTrail", "CreateTrail"),
    repair="PutBucketLogging",
)
def access_logging(bucket: Bucket, standard: Standard, baseline: Bucket | None) -> Iterator[Drift]:
    """Server access logging is on, towards the baseline's or the standard's target, never towards itself.

    Where no target was there before, any other bucket will do: S3 takes only one of the same account and Region.
    """
    ours = standard.access_log_buckets.get(bucket.region, "")
    before = baseline.target if baseline else ""
    if bucket.target not in ("", bucket.name) and (not before or bucket.target in (before, ours)):
        return
    wanted: Mapping[str, Any] = {}
    if baseline and before not in ("", bucket.name):
        wanted = baseline.logging
    elif ours not in ("", bucket.name):
        wanted = {"TargetBucket": ours, "TargetPrefix": f"{bucket.name}/"}
    advice = "" if wanted else _advice(bucket, ours)
    yield Drift("LoggingEnabled", found=dict(bucket.logging), wanted=dict(wanted), manual=advice)


def _advice(bucket: Bucket, ours: str) -> str:
    if ours == bucket.name:
        return "It is itself the target of access logs, which may not be logged to itself: name another target."
    return f"No target is known for {bucket.region}: add one to access_log_buckets in standard.toml."


def weaker(old: Bucket, new: Bucket, standard: Standard) -> tuple[Drift, ...]:
    """Access logs that go elsewhere than the baseline's did."""
    if old.logging and old.logging != new.logging:
        return (Drift("LoggingEnabled", found=dict(new.logging), wanted=dict(old.logging)),)
    return ()
