"""S3 lifecycle rules: none may expire log files before the standard's retention."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from relight.model import Drift, Severity
from relight.policy.bucket import Bucket
from relight.policy.control import control, known
from relight.standard import Standard

Rule = Mapping[str, Any]


@control(
    "bucket.retention",
    title="No lifecycle rule expires log files too early",
    severity=Severity.HIGH,
    triggers=("PutBucketLifecycle", "DeleteBucketLifecycle"),
    repair="PutBucketLifecycleConfiguration",
)
def retention(bucket: Bucket, standard: Standard, baseline: Bucket | None) -> Iterator[Drift]:
    """Each enabled rule that reaches log files keeps them for the standard's retention; what is deleted comes back."""
    rules = known(bucket.lifecycle, f"the lifecycle of {bucket.name}")
    before = baseline.lifecycle if baseline and isinstance(baseline.lifecycle, tuple) else ()
    wanted = mended(rules, before, bucket.log_prefixes, standard.retention_days) if rules else before
    if not rules and any(early(rule, bucket.log_prefixes, standard.retention_days, ()) for rule in before):
        return
    if list(wanted) != list(rules):
        yield Drift("Rules", found=list(rules), wanted=list(wanted))


def mended(rules: Sequence[Rule], before: Sequence[Rule], prefixes: Sequence[str], days: int) -> tuple[Rule, ...]:
    """The rules in their order, each that expires log files early as it was before or, failing that, lengthened."""
    return tuple(
        _mended(rule, before, prefixes, days) if early(rule, prefixes, days, before) else rule for rule in rules
    )


def early(rule: Rule, prefixes: Sequence[str], days: int, before: Sequence[Rule]) -> bool:
    """Whether an enabled rule expires log files within fewer days, or on a date.

    Old versions count where the baseline's rules kept them for longer: only a deleted or overwritten file has any.
    """
    if rule.get("Status") != "Enabled" or not reaches(rule, prefixes):
        return False
    expiration = rule.get("Expiration") or {}
    old_versions = (rule.get("NoncurrentVersionExpiration") or {}).get("NoncurrentDays", days)
    allowed = min((kept for each in before if (kept := _keeps_versions(each)) is not None), default=days)
    return (
        expiration.get("Days", days) < days
        or "Date" in expiration
        or (bool(before) and old_versions < min(days, allowed))
    )


def reaches(rule: Rule, prefixes: Sequence[str]) -> bool:
    """Whether a rule's prefix and one of the log files' overlap; where theirs are unknown, it may."""
    its = _prefix(rule)
    return not prefixes or any(prefix.startswith(its) or its.startswith(prefix) for prefix in prefixes)


def _prefix(rule: Rule) -> str:
    """The prefix, wherever it stands; tags and sizes narrow it in a way that a log file may or may not meet."""
    narrowed = rule.get("Filter") or {}
    return str(rule.get("Prefix") or narrowed.get("Prefix") or (narrowed.get("And") or {}).get("Prefix") or "")


def _keeps_versions(rule: Rule) -> int | None:
    days = (rule.get("NoncurrentVersionExpiration") or {}).get("NoncurrentDays")
    return int(days) if days is not None and rule.get("Status") == "Enabled" else None


def _mended(rule: Rule, before: Sequence[Rule], prefixes: Sequence[str], days: int) -> Rule:
    same = next((each for each in before if each.get("ID") == rule.get("ID")), None)
    if same is not None and not early(same, prefixes, days, ()):
        return same
    longer = dict(rule)
    if {"Days", "Date"} & (rule.get("Expiration") or {}).keys():
        longer["Expiration"] = {"Days": max(days, rule["Expiration"].get("Days", 0))}
    versions = rule.get("NoncurrentVersionExpiration")
    if versions and "NoncurrentDays" in versions:
        longer["NoncurrentVersionExpiration"] = {**versions, "NoncurrentDays": max(days, versions["NoncurrentDays"])}
    return longer
