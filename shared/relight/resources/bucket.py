"""Buckets that trails deliver to, and their server access logging: GetBucketLogging, PutBucketLogging."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from relight.aws import Aws, Place
from relight.model import Baseline, Call, Drift, Observed, Resource, Scope
from relight.policy import state
from relight.policy.bucket import Bucket, weaker
from relight.record import Record, dig
from relight.standard import Standard

__all__ = ["CREATES", "KIND", "arn", "list_names", "locate", "observe", "plan", "revive", "taken", "weaker"]

KIND = "bucket"
CREATES = frozenset({"CreateBucket"})


def arn(partition: str, account: str, region: str, name: str) -> str:
    """``arn:…:s3:::NAME``: bucket names are global, so it holds neither account nor Region."""
    return f"arn:{partition}:s3:::{name}"


def locate(record: Record) -> Scope:
    """The bucket itself, or the one that a trail delivers to."""
    request = record.request
    candidates = (
        request.get("bucketName"),
        dig(record.response, "s3BucketName"),
        request.get("s3BucketName"),
    )
    return Scope(record.account, record.region, names=(record.need("bucket", *candidates),))


def observe(
    aws: Aws, scope: Scope, baselines: Mapping[str, Baseline[Bucket]], standard: Standard
) -> Iterator[Observed[Bucket]]:
    """The named buckets that matter: trails deliver there, the standard names them, or they have or had logging.

    ListBuckets tells the account's own buckets and their Regions, so that a refused GetBucketLogging is never
    mistaken for somebody else's bucket.
    """
    place = aws.at(scope.account, scope.region)
    trails = (place.read("cloudtrail", "DescribeTrails", includeShadowTrails=True) or {})["trailList"]
    matter = {trail.get("S3BucketName") for trail in trails} | standard.watched_buckets
    own = _own_buckets(place, scope.names)
    for name in scope.names:
        full = arn(standard.partition, scope.account, scope.region, name)
        baseline = baselines.get(full)
        matters = name in matter or bool(baseline and baseline.state.logging)
        region = own.get(name)
        if region is None:
            if matters:
                resource = Resource(KIND, name, full, scope.account, scope.region)
                yield Observed(resource, None, "it is not among the account's buckets: another account's, or deleted")
            continue
        found = _read(place.elsewhere(region), scope.account, name, matters=matters)
        if found and (matters or found.logging):
            yield Observed(Resource(KIND, name, full, scope.account, region), found)


def _own_buckets(place: Place, names: tuple[str, ...]) -> dict[str, str]:
    """The account's buckets and their Regions: one by its name, or all."""
    narrowed = {"Prefix": names[0]} if len(names) == 1 else {}
    # BucketRegion is shown only where the request has a parameter.
    listed = place.pages("s3", "ListBuckets", "Buckets", PaginationConfig={"PageSize": 1000}, **narrowed)
    return {bucket["Name"]: bucket.get("BucketRegion") or place.region for bucket in listed}


def _read(place: Place, account: str, name: str, *, matters: bool) -> Bucket | None:
    # A bucket that keeps its settings to itself and matters to nobody is not worth an alarm.
    ignored = ("NoSuchBucket",) if matters else ("NoSuchBucket", "AccessDenied")
    answer = place.read("s3", "GetBucketLogging", missing=ignored, Bucket=name, ExpectedBucketOwner=account)
    if answer is None:
        return None
    return Bucket(account, place.region, name, logging=answer.get("LoggingEnabled") or {})


def list_names(place: Place) -> list[str]:
    """All buckets of the account in the Region."""
    listed = place.pages("s3", "ListBuckets", "Buckets", BucketRegion=place.region, PaginationConfig={"PageSize": 1000})
    return [bucket["Name"] for bucket in listed]


def taken(record: Record, baseline: Baseline[Bucket] | None, standard: Standard) -> dict[str, str]:
    """PutBucketLogging without LoggingEnabled switches off; towards another target than before, it redirects.

    The standard's own target is no redirection: Relight itself falls back to it.
    """
    status = record.request.get("BucketLoggingStatus")
    if record.name != "PutBucketLogging" or status is None:
        return {}
    target, prefix = (dig(status, "LoggingEnabled", name) for name in ("TargetBucket", "TargetPrefix"))
    if target and target == standard.access_log_buckets.get(record.region):
        return {}
    before = baseline.state.target if baseline else ""
    was_off = baseline is not None and not before and baseline.knew(record.time)
    lost = not was_off if not target else bool(before) and target != before
    if lost:
        return {"bucket.access-logging": ""}
    moved = baseline is not None and bool(target) and (prefix or "") != baseline.state.logging.get("TargetPrefix", "")
    return {"bucket.baseline": ""} if moved and before else {}


def plan(
    observed: Observed[Bucket], drifts: tuple[Drift, ...], standard: Standard, baseline: Bucket | None
) -> tuple[Call, ...]:
    """One PutBucketLogging; towards the standard's target where the baseline's is refused."""
    name = observed.resource.name
    ours = standard.access_log_buckets.get(observed.resource.region, "")
    fallback = {"TargetBucket": ours, "TargetPrefix": f"{name}/"}
    return tuple(
        _put(
            observed,
            drift.wanted,
            () if ours in ("", name, drift.wanted["TargetBucket"]) else (_put(observed, fallback),),
        )
        for drift in drifts
    )


def _put(observed: Observed[Bucket], logging: Mapping[str, Any], instead: tuple[Call, ...] = ()) -> Call:
    params = {
        "Bucket": observed.resource.name,
        "BucketLoggingStatus": {"LoggingEnabled": logging},
        "ExpectedBucketOwner": observed.resource.account,
    }
    return Call("s3", "PutBucketLogging", params, instead=instead)


def revive(data: Mapping[str, Any]) -> Bucket:
    """A bucket from a baseline's data."""
    return state.revive(Bucket, data)
