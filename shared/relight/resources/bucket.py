"""Buckets that trails deliver to: a Get and a Put of S3's for each part of their configuration."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from relight.aws import Aws, Place, unread
from relight.errors import AwsError, UnknownState
from relight.model import Baseline, Call, Drift, Observed, Resource, Scope, Unread
from relight.policy import state
from relight.policy.bucket import CLOSED, ENABLED, Bucket, comparable, copies, holds_logs, strangers_key, strength
from relight.policy.bucket import weaker as weaker_configuration
from relight.policy.bucket_policy import changes as policy_changes
from relight.policy.bucket_policy import lets_cloudtrail_write, shuts_out
from relight.policy.lifecycle import shorter
from relight.record import Record, dig, is_false
from relight.resources import seen
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

    One that trails ever delivered to holds their logs as long as its baseline is kept: who deletes the trail first does
    not get at them. Of one that only has logging nothing else is read.
    ListBuckets tells the account's own buckets and their Regions, so that a refused GetBucketLogging is never
    mistaken for somebody else's bucket.
    """
    place = aws.at(scope.account, scope.region)
    trails, own = place.together(lambda: seen.trails(place), lambda: _own_buckets(place, scope.names))
    delivering: dict[str, list[tuple[str, str]]] = {}
    validated = tuple(trail.get("TrailARN", "") for trail in trails if trail.get("LogFileValidationEnabled"))
    for trail in trails:
        sender = trail.get("S3KeyPrefix") or "", trail.get("TrailARN", "")
        delivering.setdefault(trail.get("S3BucketName", ""), []).append(sender)
    holding = delivering.keys() | standard.watched_buckets
    for name in scope.names:
        full = arn(standard.partition, scope.account, scope.region, name)
        baseline = baselines.get(full)
        holds = name in holding or bool(baseline and baseline.state.holds_logs)
        matters = holds or bool(baseline and (baseline.controls or baseline.state.logging))
        region = own.get(name)
        if region is None and matters:
            yield _missing(scope, name, full, baseline)
        if region is None:
            continue
        found = _read(place.elsewhere(region), scope.account, name, matters=matters, holds=holds)
        if found and (matters or found.logging):
            senders = tuple(sorted(delivering.get(name, ()))) or (baseline.state.trails if baseline and holds else ())
            found = replace(found, trails=senders, validated=validated, looked_on=place.today)
            yield Observed(Resource(KIND, name, full, scope.account, region), found)


def _missing(scope: Scope, name: str, full: str, baseline: Baseline[Bucket] | None) -> Observed[Bucket]:
    """A bucket that was the account's is gone; of any other nobody can tell."""
    if baseline:
        return Observed(Resource(KIND, name, full, scope.account, baseline.state.region), None)
    why = "it is not among the account's buckets: another account's, or deleted"
    return Observed(Resource(KIND, name, full, scope.account, scope.region), None, why)


def _own_buckets(place: Place, names: tuple[str, ...]) -> dict[str, str]:
    """The account's buckets and their Regions: one by its name, or all."""
    narrowed = {"Prefix": names[0]} if len(names) == 1 else {}
    # BucketRegion is shown only where the request has a parameter.
    listed = place.pages("s3", "ListBuckets", "Buckets", PaginationConfig={"PageSize": 1000}, **narrowed)
    return {bucket["Name"]: bucket.get("BucketRegion") or place.region for bucket in listed}


def _read(place: Place, account: str, name: str, *, matters: bool, holds: bool) -> Bucket | None:
    # A bucket that keeps its settings to itself and matters to nobody is not worth an alarm.
    ignored = ("NoSuchBucket",) if matters else ("NoSuchBucket", "AccessDenied")
    answer = place.read("s3", "GetBucketLogging", missing=ignored, Bucket=name, ExpectedBucketOwner=account)
    if answer is None:
        return None
    found = Bucket(account, place.region, name, logging=answer.get("LoggingEnabled") or {}, holds_logs=holds)
    if not holds:
        return found
    read = place.together(*(partial(_part, reader, place, name) for reader in READERS.values()))
    parts = dict(zip(READERS, read, strict=True))
    rules, sizes = parts.pop("lifecycle") if isinstance(parts["lifecycle"], tuple) else (parts.pop("lifecycle"), "")
    return replace(found, **parts, lifecycle=rules, lifecycle_sizes=sizes)


def _part(reader: Callable[[Place, str], Any], place: Place, name: str) -> Any:
    """A part of the configuration; one that is refused must not hide the others."""
    try:
        return reader(place, name)
    except AwsError as error:
        return unread(error)


def _public_access(place: Place, name: str) -> Any:
    none = ("NoSuchPublicAccessBlockConfiguration",)
    owner = place.account
    answer = place.read("s3", "GetPublicAccessBlock", missing=none, Bucket=name, ExpectedBucketOwner=owner)
    return (answer or {}).get("PublicAccessBlockConfiguration") or {}


def _encryption(place: Place, name: str) -> Any:
    none = ("ServerSideEncryptionConfigurationNotFoundError",)
    owner = place.account
    answer = place.read("s3", "GetBucketEncryption", missing=none, Bucket=name, ExpectedBucketOwner=owner)
    return (answer or {}).get("ServerSideEncryptionConfiguration") or {}


def _versioning(place: Place, name: str) -> Any:
    answer = place.read("s3", "GetBucketVersioning", Bucket=name, ExpectedBucketOwner=place.account) or {}
    return {part: answer[part] for part in ("Status", "MFADelete") if answer.get(part)}


def _replication(place: Place, name: str) -> Any:
    none = ("ReplicationConfigurationNotFoundError",)
    owner = place.account
    answer = place.read("s3", "GetBucketReplication", missing=none, Bucket=name, ExpectedBucketOwner=owner)
    return (answer or {}).get("ReplicationConfiguration") or {}


def _lifecycle(place: Place, name: str) -> Any:
    """The rules, as plain data, and the setting beside them."""
    none = ("NoSuchLifecycleConfiguration",)
    owner = place.account
    answer = place.read("s3", "GetBucketLifecycleConfiguration", missing=none, Bucket=name, ExpectedBucketOwner=owner)
    rules = json.loads(json.dumps((answer or {}).get("Rules") or [], default=datetime.isoformat))
    return tuple(rules), (answer or {}).get("TransitionDefaultMinimumObjectSize", "")


def _policy(place: Place, name: str) -> Any:
    none = ("NoSuchBucketPolicy",)
    owner = place.account
    return (place.read("s3", "GetBucketPolicy", missing=none, Bucket=name, ExpectedBucketOwner=owner) or {}).get(
        "Policy", ""
    )


# Field of a bucket's state → how it is read.
READERS: Mapping[str, Callable[[Place, str], Any]] = {
    "public_access": _public_access,
    "encryption": _encryption,
    "versioning": _versioning,
    "replication": _replication,
    "lifecycle": _lifecycle,
    "policy": _policy,
}


def list_names(place: Place, standard: Standard) -> Iterator[str]:
    """All buckets of the account in the Region."""
    listed = place.pages("s3", "ListBuckets", "Buckets", BucketRegion=place.region, PaginationConfig={"PageSize": 1000})
    for bucket in listed:
        yield bucket["Name"]


def taken(record: Record, baseline: Baseline[Bucket] | None, standard: Standard) -> dict[str, str]:
    """By what the call's name or its fields give up, compared with the baseline."""
    if record.name == "PutBucketLogging":
        return _logging_taken(record, baseline, standard)
    before = baseline.state if baseline and baseline.knew(record.time) and holds_logs(baseline.state) else None
    lost = {
        "bucket.public-access": _opens(record, before),
        "bucket.encryption": _encrypts_less(record, before, standard),
        "bucket.versioning": _keeps_fewer_versions(record, before),
        "bucket.replication": _copies_less(record, before),
        "bucket.retention": _expires_early(record, before, standard),
        "bucket.delivery-policy": _shuts_out(record, before),
        "bucket.exists": record.name == "DeleteBucket",
    }
    notes = {"bucket.public-access": ACL_STAYS} if record.name == "PutBucketAcl" else {}
    return {control: notes.get(control, "") for control, is_lost in lost.items() if is_lost}


# https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
ACL_STAYS = "The public grants still stand in the bucket's ACL; S3 ignores them while Block Public Access is on."


def _opens(record: Record, before: Bucket | None) -> bool:
    """Block Public Access is gone or partly off, or an ACL opens the bucket, which Block Public Access overrides."""
    was = CLOSED if before is None or isinstance(before.public_access, Unread) else before.public_access
    if record.name == "PutBucketPublicAccessBlock":
        settings = dig(record.request, "PublicAccessBlockConfiguration")
        now = settings if isinstance(settings, Mapping) else CLOSED
        return any(was.get(name) and is_false(now.get(name, False)) for name in CLOSED)
    if record.name == "PutBucketAcl":
        canned, grants = record.request.get("x-amz-acl"), record.request.get("AccessControlPolicy")
        return "public" in str(canned) or "AllUsers" in str(grants) or "AuthenticatedUsers" in str(grants)
    return record.name == "DeleteBucketPublicAccessBlock" and any(was.values())


def _shuts_out(record: Record, before: Bucket | None) -> bool:
    """The policy is deleted, or one is put that takes delivery away from a service that had it."""
    if record.name == "DeleteBucketPolicy":
        return before is None or before.policy != ""
    put = record.request.get("bucketPolicy")
    if (
        record.name != "PutBucketPolicy"
        or not isinstance(put, Mapping)
        or not (before and isinstance(before.policy, str))
    ):
        return False
    try:
        return shuts_out(before.policy, json.dumps(put), before)
    except UnknownState:  # S3 would not have taken it
        return False


def _keeps_fewer_versions(record: Record, before: Bucket | None) -> bool:
    """Versioning is suspended that was on, or MFA delete switched off."""
    if record.name != "PutBucketVersioning":
        return False
    was = {"Status": ENABLED} if before is None or isinstance(before.versioning, Unread) else before.versioning
    status, mfa = (dig(record.request, "VersioningConfiguration", name) for name in ("Status", "MfaDelete"))
    suspended = status == "Suspended" and was.get("Status") == ENABLED
    return suspended or (mfa == "Disabled" and was.get("MFADelete") == ENABLED)


def _copies_less(record: Record, before: Bucket | None) -> bool:
    """Replication is deleted, or no longer leads to where it did, or loses its role."""
    was = before.replication if before and isinstance(before.replication, Mapping) else {}
    if record.name == "DeleteBucketReplication":
        return before is None or bool(was)
    put = dig(record.request, "ReplicationConfiguration")
    if record.name != "PutBucketReplication" or not isinstance(put, Mapping) or not copies(was):
        return False
    now = {"Rules": _rules(put)}
    return bool(copies(was) - copies(now)) or put.get("Role") != was.get("Role")


def _rules(configuration: Any) -> list[Mapping[str, Any]]:
    """The rules of a record's document, where one alone is no list; what is no rule is left out."""
    found = dig(configuration, "Rule")
    return [rule for rule in (found if isinstance(found, list) else [found]) if isinstance(rule, Mapping)]


def _expires_early(record: Record, before: Bucket | None, standard: Standard) -> bool:
    """All rules are gone, or there are numbers of days that the baseline did not have.

    Whether a rule reaches log files, the live rules say.
    """
    was = before.lifecycle if before and isinstance(before.lifecycle, tuple) else ()
    if record.name == "DeleteBucketLifecycle":
        return bool(was)
    if record.name != "PutBucketLifecycle":
        return False
    known = {(rule.get("ID"), dig(rule, "Expiration", "Days")) for rule in was}
    return any(
        isinstance(days := dig(rule, "Expiration", "Days"), int)
        and days < standard.retention_days
        and dig(rule, "Status") == "Enabled"
        and (dig(rule, "ID"), days) not in known
        for rule in _rules(dig(record.request, "LifecycleConfiguration"))
    )


def _encrypts_less(record: Record, before: Bucket | None, standard: Standard) -> bool:
    """Default encryption falls back to a weaker one, or goes to a key that nobody trusts."""
    was = before.encryption if before and isinstance(before.encryption, Mapping) else {}
    if record.name == "DeleteBucketEncryption":
        return before is None or strength(was) > 0
    if record.name != "PutBucketEncryption":
        return False
    now = {"Rules": _rules(dig(record.request, "ServerSideEncryptionConfiguration"))}
    if not now["Rules"]:
        return False
    return strength(now) < strength(was) or strangers_key(now, was, record.account, standard)


def _logging_taken(record: Record, baseline: Baseline[Bucket] | None, standard: Standard) -> dict[str, str]:
    """PutBucketLogging without LoggingEnabled switches off; towards another target than before, it redirects.

    The standard's own target is no redirection: Relight itself falls back to it.
    """
    status = record.request.get("BucketLoggingStatus")
    if status is None:
        return {}
    target, prefix = (dig(status, "LoggingEnabled", name) for name in ("TargetBucket", "TargetPrefix"))
    if target and target == standard.access_log_bucket(record.account, record.region):
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
    """A call for each part that drifted: S3 has no other."""
    order = list(PLANNERS)
    ordered = sorted(drifts, key=lambda drift: order.index(drift.field))
    return tuple(PLANNERS[drift.field](observed, drift, standard) for drift in ordered)


def _whose(observed: Observed[Bucket]) -> dict[str, str]:
    return {"Bucket": observed.resource.name, "ExpectedBucketOwner": observed.resource.account}


def _create(observed: Observed[Bucket], _drift: Drift, _standard: Standard) -> Call:
    """Every Region wants to be named but the first one, which refuses that."""
    name = observed.resource.name
    where = {"CreateBucketConfiguration": {"LocationConstraint": observed.resource.region}}
    plain = Call("s3", "CreateBucket", {"Bucket": name})
    return Call("s3", "CreateBucket", {"Bucket": name, **where}, instead=(plain,))


def _put_policy(observed: Observed[Bucket], drift: Drift, _standard: Standard) -> Call:
    return Call("s3", "PutBucketPolicy", {**_whose(observed), "Policy": drift.wanted})


def _put_public_access(observed: Observed[Bucket], drift: Drift, _standard: Standard) -> Call:
    return Call("s3", "PutPublicAccessBlock", {**_whose(observed), drift.field: drift.wanted})


def _put_encryption(observed: Observed[Bucket], drift: Drift, _standard: Standard) -> Call:
    return Call("s3", "PutBucketEncryption", {**_whose(observed), drift.field: drift.wanted})


def _put_versioning(observed: Observed[Bucket], drift: Drift, _standard: Standard) -> Call:
    wanted = {"VersioningConfiguration": {"Status": drift.wanted}}
    return Call("s3", "PutBucketVersioning", {**_whose(observed), **wanted})


def _put_replication(observed: Observed[Bucket], drift: Drift, _standard: Standard) -> Call:
    return Call("s3", "PutBucketReplication", {**_whose(observed), drift.field: drift.wanted})


def _put_lifecycle(observed: Observed[Bucket], drift: Drift, _standard: Standard) -> Call:
    """The setting beside the rules is kept: the call replaces it too."""
    sizes = observed.state.lifecycle_sizes if observed.state else ""
    kept = {"TransitionDefaultMinimumObjectSize": sizes} if sizes else {}
    rules = {"LifecycleConfiguration": {"Rules": drift.wanted}}
    return Call("s3", "PutBucketLifecycleConfiguration", {**_whose(observed), **rules, **kept})


def _with_fallback(observed: Observed[Bucket], drift: Drift, standard: Standard) -> Call:
    """Access logs go to the standard's target where the baseline's is refused."""
    name = observed.resource.name
    ours = standard.access_log_bucket(observed.resource.account, observed.resource.region)
    fallback = {"TargetBucket": ours, "TargetPrefix": f"{name}/"}
    instead = () if ours in ("", name, drift.wanted["TargetBucket"]) else (_put(observed, fallback),)
    return _put(observed, drift.wanted, instead)


def _put(observed: Observed[Bucket], logging: Mapping[str, Any], instead: tuple[Call, ...] = ()) -> Call:
    params = {
        "Bucket": observed.resource.name,
        "BucketLoggingStatus": {"LoggingEnabled": logging},
        "ExpectedBucketOwner": observed.resource.account,
    }
    return Call("s3", "PutBucketLogging", params, instead=instead)


# Field of a drift → its call, in the order in which they are sent: versioning before the replication that needs it.
PLANNERS: Mapping[str, Callable[[Observed[Bucket], Drift, Standard], Call]] = {
    "Bucket": _create,
    "Policy": _put_policy,
    "LoggingEnabled": _with_fallback,
    "PublicAccessBlockConfiguration": _put_public_access,
    "ServerSideEncryptionConfiguration": _put_encryption,
    "Status": _put_versioning,
    "ReplicationConfiguration": _put_replication,
    "Rules": _put_lifecycle,
}


def revive(data: Mapping[str, Any]) -> Bucket:
    """A bucket from a baseline's data. Where an earlier version kept it, its policy may tell that it holds logs."""
    holds = {"holds_logs": lets_cloudtrail_write(data.get("policy", "")) or None}
    trails = tuple((prefix, trail) for prefix, trail in data.get("trails", ()))
    return state.revive(Bucket, {**holds, **data, "lifecycle": tuple(data.get("lifecycle", ())), "trails": trails})


def weaker(old: Bucket, new: Bucket, standard: Standard) -> tuple[Drift, ...]:
    """What its configuration gave up, and whom its policy allows more than it did, or denies less."""
    drifts = weaker_configuration(old, new, standard)
    if not comparable(old, new):
        return drifts
    drifts += tuple(shorter(old, new))
    if not (isinstance(old.policy, str) and isinstance(new.policy, str)):
        return drifts
    try:
        return (*drifts, *policy_changes(old.policy, new.policy, new))
    except UnknownState:
        return drifts
