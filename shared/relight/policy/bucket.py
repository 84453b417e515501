"""S3 buckets that trails deliver to: closed, encrypted, versioned, copied, and their access logged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from relight.model import Basis, Drift, Mode, Severity, Unread
from relight.policy.control import control, known
from relight.standard import Standard

ENABLED = "Enabled"
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_PublicAccessBlockConfiguration.html
CLOSED = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}
# From weak to strong; a bucket without a configuration is encrypted with AES256 by AWS since 2023.
ALGORITHMS = ("AES256", "aws:kms", "aws:kms:dsse")
SSE_S3 = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of the account's own; each part as S3 shows it, empty where it is not set.

    `logging` is LoggingEnabled; `public_access`, `encryption` and `replication` are the configurations of those names.
    """

    account: str
    region: str
    name: str
    logging: Mapping[str, Any] = field(default_factory=dict)
    public_access: Mapping[str, bool] | Unread = field(default_factory=dict)
    encryption: Mapping[str, Any] | Unread = field(default_factory=dict)
    versioning: Mapping[str, str] | Unread = field(default_factory=dict)  # Status, MFADelete
    replication: Mapping[str, Any] | Unread = field(default_factory=dict)
    lifecycle: tuple[Mapping[str, Any], ...] | Unread = ()  # the rules
    lifecycle_sizes: str = ""  # TransitionDefaultMinimumObjectSize
    policy: str | Unread = ""  # JSON
    # Trails deliver here, or did since the baseline was made, or the standard names it. Of any other bucket nothing but
    # the logging is read: it may serve a website.
    # None: an earlier version kept it, which did not ask.
    holds_logs: bool | None = False
    # Prefix and ARN of each trail that delivers here; where none does any more, of those that did: to delete the trail
    # first changes nothing of what is asked of its bucket.
    trails: tuple[tuple[str, str], ...] = ()
    # The ARNs of the trails that deliver digests too, for log file validation.
    validated: tuple[str, ...] = field(default=(), compare=False)
    looked_on: date | None = field(default=None, compare=False)

    @property
    def target(self) -> str:
        """The bucket that access logs go to; empty when off."""
        return str(self.logging.get("TargetBucket", ""))

    @property
    def log_prefixes(self) -> tuple[str, ...]:
        """Where trails write their files."""
        return tuple(f"{prefix}/AWSLogs/" if prefix else "AWSLogs/" for prefix, _ in self.trails)


def holds_logs(bucket: Bucket) -> bool:
    """Whether a bucket concerns more than the control of its access logging."""
    return bucket.holds_logs is not False


def comparable(old: Bucket, new: Bucket) -> bool:
    """Whether there is more to compare than the access logging: of a bucket that holds no logs nothing else is read."""
    return holds_logs(old) and bool(new.holds_logs)


@control(
    "bucket.access-logging",
    title="Access to the trail's bucket is logged",
    severity=Severity.MEDIUM,
    cis="3.4",
    security_hub="CloudTrail.7",
    triggers=("PutBucketLogging", "CreateBucket", "UpdateTrail", "CreateTrail"),
    repair="PutBucketLogging",
    costs="the storage of the access logs",
)
def access_logging(bucket: Bucket, standard: Standard, baseline: Bucket | None) -> Iterator[Drift]:
    """Server access logging is on, towards the baseline's or the standard's target, never towards itself.

    Where no target was there before, any other bucket will do: S3 takes only one of the same account and Region.
    """
    ours = standard.access_log_bucket(bucket.account, bucket.region)
    before = baseline.target if baseline else ""
    if bucket.target not in ("", bucket.name) and (not before or bucket.target in (before, ours)):
        return
    wanted: Mapping[str, Any] = {}
    if baseline and before not in ("", bucket.name):
        wanted = baseline.logging
    elif ours not in ("", bucket.name):
        wanted = {"TargetBucket": ours, "TargetPrefix": f"{bucket.name}/"}
    advice = "" if wanted else _advice(bucket, ours, standard)
    yield Drift("LoggingEnabled", found=dict(bucket.logging), wanted=dict(wanted), manual=advice)


def _advice(bucket: Bucket, ours: str, standard: Standard) -> str:
    if ours == bucket.name:
        return "It is itself the target of access logs, which may not be logged to itself: name another target."
    where = bucket.region if bucket.account == standard.account else f"{bucket.account}/{bucket.region}"
    return f"No target is known for {where}: add one to access_log_buckets in standard.toml."


@control(
    "bucket.public-access",
    title="The bucket is closed to the public",
    severity=Severity.CRITICAL,
    cis="2.1.4",
    security_hub="CloudTrail.6, S3.8",
    triggers=("PutBucketPublicAccessBlock", "DeleteBucketPublicAccessBlock", "PutBucketAcl", "PutBucketPolicy"),
    repair="PutPublicAccessBlock",
    introduce=Mode.ENFORCE,
    basis=Basis.STANDARD,
    concerns=holds_logs,
)
def public_access(bucket: Bucket, standard: Standard, baseline: Bucket | None) -> Iterator[Drift]:
    """All four Block Public Access settings are on, so that no ACL and no policy opens it."""
    found = known(bucket.public_access, f"Block Public Access of {bucket.name}")
    if not all(found.get(name) for name in CLOSED):
        yield Drift("PublicAccessBlockConfiguration", found=dict(found), wanted=CLOSED)


@control(
    "bucket.encryption",
    title="The bucket is encrypted as strongly as before",
    severity=Severity.MEDIUM,
    triggers=("PutBucketEncryption", "DeleteBucketEncryption"),
    repair="PutBucketEncryption",
    concerns=holds_logs,
)
def encryption(bucket: Bucket, standard: Standard, baseline: Bucket | None) -> Iterator[Drift]:
    """Default encryption is at least the baseline's, with a trusted key; SSE-S3 on a target of access logs.

    S3 delivers access logs to no bucket that encrypts with a KMS key
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html).
    """
    found = known(bucket.encryption, f"the default encryption of {bucket.name}")
    if bucket.name == standard.access_log_bucket(bucket.account, bucket.region):
        if strength(found) > 0:
            yield Drift("ServerSideEncryptionConfiguration", found=dict(found), wanted=SSE_S3)
        return
    before = baseline.encryption if baseline and isinstance(baseline.encryption, Mapping) else {}
    if strength(found) < strength(before) or strangers_key(found, before, bucket.account, standard):
        known_good = bool(before)
        advice = "" if known_good else "Its key belongs to an account that is not trusted: name another key."
        yield Drift("ServerSideEncryptionConfiguration", found=dict(found), wanted=dict(before), manual=advice)


def strength(configuration: Mapping[str, Any]) -> int:
    """Position in ALGORITHMS of what a bucket encrypts with by default; unknown ones count as the weakest."""
    algorithm = _default(configuration).get("SSEAlgorithm", ALGORITHMS[0])
    return ALGORITHMS.index(algorithm) if algorithm in ALGORITHMS else 0


def _default(configuration: Mapping[str, Any]) -> Mapping[str, Any]:
    rules: Sequence[Mapping[str, Any]] = configuration.get("Rules") or ({},)
    default = rules[0].get("ApplyServerSideEncryptionByDefault")
    return default if isinstance(default, Mapping) else {}  # a record may hold anything


def _key(configuration: Mapping[str, Any]) -> str:
    return str(_default(configuration).get("KMSMasterKeyID", ""))


def strangers_key(found: Mapping[str, Any], before: Mapping[str, Any], account: str, standard: Standard) -> bool:
    """Whether the key is one that nobody trusts, and was not there before; by id or alias, it is the account's own."""
    key = _key(found) if strength(found) > 0 else ""
    return key.startswith("arn:") and key != _key(before) and not standard.trusts_key(key, account)


@control(
    "bucket.versioning",
    title="The bucket keeps old versions, as it did",
    severity=Severity.HIGH,
    triggers=("PutBucketVersioning",),
    repair="PutBucketVersioning",
    costs="the storage of older versions",
    basis=Basis.BASELINE,
    concerns=holds_logs,
)
def versioning(bucket: Bucket, standard: Standard, baseline: Bucket | None) -> Iterator[Drift]:
    """Versioning is on where the baseline had it; MFA delete only its owner's device can put back."""
    found = known(bucket.versioning, f"the versioning of {bucket.name}")
    before = baseline.versioning if baseline and isinstance(baseline.versioning, Mapping) else {}
    if before.get("Status") == ENABLED and found.get("Status") != ENABLED:
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketVersioning.html: x-amz-mfa is required then
        guarded = found.get("MFADelete") == ENABLED
        advice = "MFA delete is on: only the root user can enable versioning, with the device at hand."
        yield Drift("Status", found=found.get("Status", ""), wanted=ENABLED, manual=advice if guarded else "")
    if before.get("MFADelete") == ENABLED and found.get("MFADelete") != ENABLED:
        advice = "Only the root user can enable MFA delete, with the device at hand."
        yield Drift("MFADelete", found=found.get("MFADelete", ""), wanted=ENABLED, manual=advice)


@control(
    "bucket.replication",
    title="The bucket is copied to where it was",
    severity=Severity.HIGH,
    triggers=("PutBucketReplication", "DeleteBucketReplication"),
    repair="PutBucketReplication",
    costs="the storage of the copies, and 0.02 a GB between Regions",
    basis=Basis.BASELINE,
    concerns=holds_logs,
)
def replication(bucket: Bucket, standard: Standard, baseline: Bucket | None) -> Iterator[Drift]:
    """Every enabled rule that the baseline had is there, unchanged, with its role; others may stand beside them.

    Not beside them stays what takes the priority of one of them: S3 refuses a configuration that has one twice.
    """
    found = known(bucket.replication, f"the replication of {bucket.name}")
    before = baseline.replication if baseline and isinstance(baseline.replication, Mapping) else {}
    now = list(found.get("Rules", ()))
    lost = [rule for rule in before.get("Rules", ()) if rule.get("Status") == ENABLED and rule not in now]
    # Without the role that may read here and write there, the rules copy nothing.
    if lost or (copies(before) and found.get("Role") != before.get("Role")):
        names = {rule.get("ID") for rule in before["Rules"]}
        taken = {rule["Priority"] for rule in before["Rules"] if "Priority" in rule}
        beside = [rule for rule in now if rule.get("ID") not in names and rule.get("Priority") not in taken]
        wanted = {**before, "Rules": [*before["Rules"], *beside]}
        yield Drift("ReplicationConfiguration", found=dict(found), wanted=wanted)


@control(
    "bucket.exists",
    title="The bucket is still there",
    severity=Severity.CRITICAL,
    triggers=("DeleteBucket",),
    repair="CreateBucket",
    restore=Mode.OBSERVE,
    absent=True,
    basis=Basis.STANDARD,
    concerns=holds_logs,
)
def exists(bucket: Bucket | None, standard: Standard, baseline: Bucket | None) -> Iterator[Drift]:
    """A deleted bucket's files are lost, and anybody may take its name; it is told at once."""
    if bucket is None and baseline:
        yield Drift("Bucket", found=None, wanted=baseline.name)


def weaker(old: Bucket, new: Bucket, standard: Standard) -> tuple[Drift, ...]:
    """Access logs that go elsewhere than the baseline's did, another key, copies that are sent where none went."""
    drifts = []
    if old.logging and old.logging != new.logging:
        drifts.append(Drift("LoggingEnabled", found=dict(new.logging), wanted=dict(old.logging)))
    if not comparable(old, new):
        return tuple(drifts)
    was, now = (_key(b.encryption) if isinstance(b.encryption, Mapping) else "" for b in (old, new))
    if was and now != was:
        drifts.append(Drift("KMSMasterKeyID", found=now, wanted=was))
    drifts += [
        Drift("ReplicationDestination", found=place, wanted="") for place in sorted(copied_to(new) - copied_to(old))
    ]
    return tuple(drifts)


def copied_to(bucket: Bucket) -> set[str]:
    """The ARNs of the buckets that it is replicated to."""
    return copies(bucket.replication) if isinstance(bucket.replication, Mapping) else set()


def copies(configuration: Mapping[str, Any]) -> set[str]:
    """The ARNs of the buckets that the enabled rules of a replication lead to."""
    rules = configuration.get("Rules", ())
    places = (rule.get("Destination") for rule in rules if rule.get("Status") == ENABLED)
    return {str(place.get("Bucket", "")) for place in places if isinstance(place, Mapping)}
