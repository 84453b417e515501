"""S3 lifecycle rules: none may expire log files before the standard's retention."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from relight.model import Drift, Severity
from relight.policy.bucket import Bucket, holds_logs
from relight.policy.control import control, known
from relight.standard import Standard

Rule = Mapping[str, Any]


@control(
    "bucket.retention",
    title="No lifecycle rule expires log files too early",
    severity=Severity.HIGH,
    triggers=("PutBucketLifecycle", "DeleteBucketLifecycle"),
    repair="PutBucketLifecycleConfiguration",
    concerns=holds_logs,
)
def retention(bucket: Bucket, standard: Standard, baseline: Bucket | None) -> Iterator[Drift]:
    """Each enabled rule that reaches log files keeps them for the standard's retention; what is deleted comes back."""
    rules = known(bucket.lifecycle, f"the lifecycle of {bucket.name}")
    before = baseline.lifecycle if baseline and isinstance(baseline.lifecycle, tuple) else None
    wanted = mended(rules, before, bucket.log_prefixes, standard.retention_days) if rules else before or ()
    if not rules and any(early(rule, bucket.log_prefixes, standard.retention_days, None) for rule in wanted):
        return
    if list(wanted) != list(rules):
        yield Drift("Rules", found=list(rules), wanted=list(wanted))


def mended(
    rules: Sequence[Rule], before: Sequence[Rule] | None, prefixes: Sequence[str], days: int
) -> tuple[Rule, ...]:
    """The rules in their order, each that expires log files early as it was before or, failing that, lengthened."""
    return tuple(
        _mended(rule, before, prefixes, days) if early(rule, prefixes, days, before) else rule for rule in rules
    )


def early(rule: Rule, prefixes: Sequence[str], days: int, before: Sequence[Rule] | None) -> bool:
    """Whether an enabled rule expires log files within fewer days, or on a date.

    Old versions count where a baseline is known (`before`, perhaps without rules) and kept them for longer: only a
    deleted or overwritten file has any, and a rule against them makes its deletion final.
    """
    if rule.get("Status") != "Enabled" or not reaches(rule, prefixes):
        return False
    return _files_kept(rule) < days or _versions_kept(rule) < _versions_to_keep(before, prefixes, days)


def _versions_to_keep(before: Sequence[Rule] | None, prefixes: Sequence[str], days: int) -> float:
    """For how many days; none where nobody knows what the bucket had."""
    return 0 if before is None else min(days, _shortest(before, prefixes)[1])


def _files_kept(rule: Rule) -> float:
    """Days. A date expires what was written the day before, too."""
    expiration = rule.get("Expiration") or {}
    return 0 if "Date" in expiration else float(expiration.get("Days", math.inf))


def _versions_kept(rule: Rule) -> float:
    return float((rule.get("NoncurrentVersionExpiration") or {}).get("NoncurrentDays", math.inf))


def _shortest(rules: Sequence[Rule], prefixes: Sequence[str]) -> tuple[float, float]:
    """For how many days the rules keep log files, and old versions of them."""
    concerned = [rule for rule in rules if rule.get("Status") == "Enabled" and reaches(rule, prefixes)]
    files = min(map(_files_kept, concerned), default=math.inf)
    return files, min(map(_versions_kept, concerned), default=math.inf)


def shorter(old: Bucket, new: Bucket) -> Iterator[Drift]:
    """Rules that keep log files for less time than the baseline's did, be it long enough for the standard."""
    if not (isinstance(old.lifecycle, tuple) and isinstance(new.lifecycle, tuple)):
        return
    was, now = (_shortest(rules, new.log_prefixes) for rules in (old.lifecycle, new.lifecycle))
    if now[0] < was[0] or now[1] < was[1]:
        yield Drift("Rules", found=list(new.lifecycle), wanted=list(old.lifecycle))


def reaches(rule: Rule, prefixes: Sequence[str]) -> bool:
    """Whether a rule's prefix and one of the log files' overlap; where theirs are unknown, it may."""
    its = _prefix(rule)
    return not prefixes or any(prefix.startswith(its) or its.startswith(prefix) for prefix in prefixes)


def _prefix(rule: Rule) -> str:
    """The prefix, wherever it stands; tags and sizes narrow it in a way that a log file may or may not meet."""
    narrowed = rule.get("Filter") or {}
    return str(rule.get("Prefix") or narrowed.get("Prefix") or (narrowed.get("And") or {}).get("Prefix") or "")


def _mended(rule: Rule, before: Sequence[Rule] | None, prefixes: Sequence[str], days: int) -> Rule:
    same = next((each for each in before or () if each.get("ID") == rule.get("ID")), None)
    if same is not None and not early(same, prefixes, days, before):
        return same
    longer = dict(rule)
    if _files_kept(rule) < days:
        longer["Expiration"] = {"Days": days}
    if _versions_kept(rule) < _versions_to_keep(before, prefixes, days):
        longer["NoncurrentVersionExpiration"] = {**rule["NoncurrentVersionExpiration"], "NoncurrentDays": days}
    return longer
