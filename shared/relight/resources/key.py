"""KMS keys: DescribeKey, GetKeyRotationStatus; CancelKeyDeletion, EnableKey, EnableKeyRotation, PutKeyPolicy.

A key belongs to its Region; what uses it is found among the Region's trails, shadow trails included, and their buckets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from relight.aws import Aws, Place, unread
from relight.errors import AwsError, UnknownState
from relight.model import Baseline, Call, Drift, Observed, Resource, Scope, Unread
from relight.policy import state
from relight.policy.key import ENABLED, PENDING_DELETION, USUAL_PERIOD_DAYS, Key, lets_cloudtrail_encrypt, weaker
from relight.record import Record, dig
from relight.resources import seen
from relight.standard import Standard

__all__ = ["CREATES", "KIND", "arn", "list_names", "locate", "observe", "plan", "revive", "taken", "weaker"]

KIND = "key"
CREATES = frozenset({"CreateKey"})
# So many users of a key are remembered, those of just now first: a Region has at most five trails
# (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html).
USERS = 20
UNENCRYPTED = ("ServerSideEncryptionConfigurationNotFoundError", "NoSuchBucket")


def arn(partition: str, account: str, region: str, name: str) -> str:
    """``arn:…:key/ID``; records name a key by its id or its ARN."""
    return name if name.startswith("arn:") else f"arn:{partition}:kms:{region}:{account}:key/{name}"


def locate(record: Record) -> Scope:
    """The key that the record names, by ARN or id."""
    named = record.need("key", dig(record.response, "keyMetadata", "arn"), record.request.get("keyId"))
    return Scope(record.account, record.region, names=(named,))


def observe(
    aws: Aws, scope: Scope, baselines: Mapping[str, Baseline[Key]], standard: Standard
) -> Iterator[Observed[Key]]:
    """The named keys that matter: customer-managed ones that are enabled, or that something uses."""
    place = aws.at(scope.account, scope.region)
    uses: Uses | None = None
    for name in scope.names:
        full = arn(standard.partition, scope.account, scope.region, name)
        resource = Resource(KIND, full.rpartition("/")[2], full, scope.account, scope.region)
        owner = full.split(":")[4]
        if owner != scope.account:
            yield Observed(resource, None, f"it is account {owner}'s key, and only changed there")
            continue
        answer = place.read("kms", "DescribeKey", missing=("NotFoundException",), KeyId=full)
        if answer is None:
            yield Observed(resource, None)
            continue
        shown = answer["KeyMetadata"]
        if shown.get("KeyManager") == "AWS":
            continue
        uses = uses or _uses(place, standard)
        baseline = baselines.get(full)
        found = _read(place, shown, uses, baseline.state if baseline else None)
        # Whether a key that is not in use is disabled is its owner's business.
        if found.state == ENABLED or found.used_by:
            yield Observed(resource, found)


@dataclass(frozen=True, slots=True)
class Uses:
    """What writes with keys, by the ARN of each: in words, and the ARNs of trails, as far as they could be read."""

    users: Mapping[str, tuple[str, ...]] | Unread
    trails: Mapping[str, tuple[str, ...]]


def _read(place: Place, shown: Mapping[str, Any], uses: Uses, before: Key | None) -> Key:
    former = before.used_by if before and isinstance(before.used_by, tuple) else ()
    users = uses.users
    now = () if isinstance(users, Unread) else users.get(shown["Arn"], ())
    every = tuple(sorted(list(dict.fromkeys((*now, *former)))[:USERS]))  # sorted: whoever is back is no change
    of_a_trail = any(user.startswith("trail ") for user in every)
    found = Key(
        account=place.account,
        region=place.region,
        id=shown["KeyId"],
        state=shown["KeyState"],
        spec=shown.get("KeySpec") or shown.get("CustomerMasterKeySpec") or "",
        origin=shown.get("Origin") or "",
        replica=dig(shown, "MultiRegionConfiguration", "MultiRegionKeyType") == "REPLICA",
        # What was written with a key can be read only as long as it is there: who used it is not forgotten.
        used_by=users if isinstance(users, Unread) else every,
        # Once read, always read: or while a trail is gone, a baseline would forget what its key's policy was.
        policy=_policy(place, shown["Arn"]) if of_a_trail or (before and before.policy) else "",
        trails=tuple(sorted(uses.trails.get(shown["Arn"], ()))) or (before.trails if before else ()),
        looked_on=place.today,
    )
    if not found.rotatable or found.state != ENABLED:
        return found
    rotation, days = _rotation(place, shown["Arn"])
    return replace(found, rotation=rotation, rotation_days=days)


def _rotation(place: Place, key_arn: str) -> tuple[bool | Unread, int]:
    """Whether a key rotates, and every how many days."""
    try:
        status = place.read("kms", "GetKeyRotationStatus", KeyId=key_arn) or {}
    except AwsError as error:
        return unread(error), USUAL_PERIOD_DAYS
    return bool(status.get("KeyRotationEnabled")), status.get("RotationPeriodInDays") or USUAL_PERIOD_DAYS


def _policy(place: Place, key_arn: str) -> str | Unread:
    try:
        return str((place.read("kms", "GetKeyPolicy", KeyId=key_arn, PolicyName="default") or {}).get("Policy", ""))
    except AwsError as error:
        return unread(error)


def _uses(place: Place, standard: Standard) -> Uses:
    """What writes log files or notifications with keys."""
    found: dict[str, list[str]] = {}
    encrypting: dict[str, tuple[str, ...]] = {}
    if own := standard.trail_key(place.account, place.region):
        found.setdefault(own, []).append("the standard")
    if standard.topic_key:
        found.setdefault(standard.topic_key, []).append("Relight's topic")
    try:
        trails = seen.trails(place)
        for trail in trails:
            key = trail.get("KmsKeyId") or ""
            found.setdefault(key, []).append(f"trail {trail['Name']}")
            if trail_arn := trail.get("TrailARN"):
                encrypting[key] = (*encrypting.get(key, ()), trail_arn)
        own_buckets = {bucket["Name"] for bucket in place.pages("s3", "ListBuckets", "Buckets")}
        for bucket in sorted({trail.get("S3BucketName") or "" for trail in trails} & own_buckets):
            for key in _bucket_keys(place, bucket):
                found.setdefault(key, []).append(f"bucket {bucket}")
    except AwsError as error:
        return Uses(unread(error), encrypting)
    return Uses({key: tuple(users) for key, users in found.items()}, encrypting)


def _bucket_keys(place: Place, bucket: str) -> list[str]:
    """The ARNs of the keys that a bucket of the account's encrypts with by default."""
    answer = place.read(
        "s3", "GetBucketEncryption", missing=UNENCRYPTED, Bucket=bucket, ExpectedBucketOwner=place.account
    )
    rules = dig(answer, "ServerSideEncryptionConfiguration", "Rules") or ()
    keys = (dig(rule, "ApplyServerSideEncryptionByDefault", "KMSMasterKeyID") or "" for rule in rules)
    return [key for key in keys if key.startswith("arn:")]


def list_names(place: Place, standard: Standard) -> Iterator[str]:
    """The ARNs of all keys of the Region; AWS's own are left out when they are looked at."""
    for key in place.pages("kms", "ListKeys", "Keys"):
        yield key["KeyArn"]


def taken(record: Record, baseline: Baseline[Key] | None, standard: Standard) -> dict[str, str]:
    """By the call's name, and of a policy by whether it shuts CloudTrail out."""
    before = baseline.state if baseline and baseline.knew(record.time) else None
    if record.name == "DisableKeyRotation":
        return {} if before and before.rotation is False else {"key.rotation": ""}
    if before and not before.used_by:
        return {}
    if record.name in ("DisableKey", "ScheduleKeyDeletion", "DeleteImportedKeyMaterial"):
        return {"key.available": "What is written meanwhile fails, and what is encrypted cannot be read."}
    shuts_out = record.name == "PutKeyPolicy" and before and not _lets_encrypt(record, before)
    return {"key.policy": ""} if shuts_out else {}


def _lets_encrypt(record: Record, before: Key) -> bool:
    try:
        return lets_cloudtrail_encrypt(record.request.get("policy") or "", before)
    except UnknownState:
        return True  # omitted or not to be judged: the live policy says


def plan(
    observed: Observed[Key], drifts: tuple[Drift, ...], standard: Standard, baseline: Key | None
) -> tuple[Call, ...]:
    """First the key must live, then it can rotate. A key whose deletion was cancelled comes back disabled."""
    name = {"KeyId": observed.resource.name}
    found = {drift.field: drift for drift in drifts}
    calls: list[Call] = []
    if state_drift := found.get("KeyState"):
        if state_drift.found in PENDING_DELETION:
            calls.append(Call("kms", "CancelKeyDeletion", name))
        calls.append(Call("kms", "EnableKey", name))
    if "KeyRotationEnabled" in found:
        days = baseline.rotation_days if baseline and baseline.rotation is True else USUAL_PERIOD_DAYS
        period = {"RotationPeriodInDays": days} if days != USUAL_PERIOD_DAYS else {}
        calls.append(Call("kms", "EnableKeyRotation", {**name, **period}))
    if "Policy" in found:
        calls.append(Call("kms", "PutKeyPolicy", {**name, "PolicyName": "default", "Policy": found["Policy"].wanted}))
    return tuple(calls)


def revive(data: Mapping[str, Any]) -> Key:
    """A key from a baseline's data."""
    return state.revive(
        Key, {**data, "used_by": tuple(data.get("used_by", ())), "trails": tuple(data.get("trails", ()))}
    )
