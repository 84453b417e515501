"""What happens to log files in a bucket: expiry, delivery, the bucket itself."""

import json
from typing import Any

from local.account import Account
from local.cloud import LocalAws
from local.place import Session
from local.sabotage.model import Sabotage

RULES = [
    {"ID": "keep-two-years", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 731}},
    {"ID": "scratch", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 7}},
]


def furnish(aws: LocalAws, victim: Account) -> None:
    """Log files are kept for two years; what stands beside them is not."""
    aws.client("s3").put_bucket_lifecycle_configuration(
        Bucket=victim.trail_bucket, LifecycleConfiguration={"Rules": RULES}
    )


def _proof(aws: LocalAws, victim: Account) -> Any:
    """The bucket's lifecycle and policy; nothing where it is gone."""
    s3, bucket = aws.client("s3"), victim.trail_bucket
    if bucket not in [each["Name"] for each in s3.list_buckets()["Buckets"]]:
        return []

    def read(method: str, key: str) -> Any:
        try:
            return getattr(s3, method)(Bucket=bucket)[key]
        except s3.exceptions.ClientError:
            return None

    policy = read("get_bucket_policy", "Policy")
    return [read("get_bucket_lifecycle_configuration", "Rules"), json.loads(policy) if policy else None]


def _expire(_aws: LocalAws, intruder: Session, victim: Account) -> None:
    """The known attack: everything is gone after a day."""
    quick = {"ID": "keep-two-years", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
    intruder.client("s3").put_bucket_lifecycle_configuration(
        Bucket=victim.trail_bucket, LifecycleConfiguration={"Rules": [quick, RULES[1]]}
    )


def _forget(_aws: LocalAws, intruder: Session, victim: Account) -> None:
    intruder.client("s3").delete_bucket_lifecycle(Bucket=victim.trail_bucket)


def _shut_out(_aws: LocalAws, intruder: Session, victim: Account) -> None:
    """A policy that lets in a stranger, and CloudTrail no more."""
    reader = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::999999999999:root"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{victim.trail_bucket}/*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [reader]})
    intruder.client("s3").put_bucket_policy(Bucket=victim.trail_bucket, Policy=policy)


def _exclude(_aws: LocalAws, intruder: Session, victim: Account) -> None:
    """The statements are all there, with a condition that this account's trails do not meet."""
    s3 = intruder.client("s3")
    policy = json.loads(s3.get_bucket_policy(Bucket=victim.trail_bucket)["Policy"])
    for statement in policy["Statement"]:
        statement["Condition"] = {"StringEquals": {"aws:SourceAccount": "999999999999"}}
    s3.put_bucket_policy(Bucket=victim.trail_bucket, Policy=json.dumps(policy))


def _no_policy(_aws: LocalAws, intruder: Session, victim: Account) -> None:
    intruder.client("s3").delete_bucket_policy(Bucket=victim.trail_bucket)


def _delete(_aws: LocalAws, intruder: Session, victim: Account) -> None:
    intruder.client("s3").delete_bucket(Bucket=victim.trail_bucket)


SABOTAGES: tuple[Sabotage, ...] = (
    Sabotage("bucket.retention", "PutBucketLifecycle", "log files expire after a day", _expire, _proof),
    Sabotage("bucket.retention", "DeleteBucketLifecycle", "the lifecycle is deleted", _forget, _proof),
    Sabotage("bucket.delivery-policy", "PutBucketPolicy", "CloudTrail may not deliver", _shut_out, _proof),
    Sabotage("bucket.delivery-policy", "PutBucketPolicy", "only a stranger's trails may deliver", _exclude, _proof),
    Sabotage("bucket.delivery-policy", "DeleteBucketPolicy", "the policy is deleted", _no_policy, _proof),
    Sabotage("bucket.exists", "DeleteBucket", "the bucket is deleted", _delete, _proof, "observed"),
)
