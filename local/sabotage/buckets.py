"""A log bucket opened, left unencrypted, unversioned, uncopied, and its access unseen."""

import json
from collections.abc import Callable
from typing import Any

from local.account import FLOW_LOGS_ROLE, Account
from local.cloud import LocalAws
from local.place import Session
from local.sabotage.model import Sabotage
from local.settings import ACCOUNT, FIRST_REGION, PARTITION, REGION

COPIES = f"example-trail-copies-{ACCOUNT}"
ROLE = "example-replication"
CLOSED = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
OPEN = dict.fromkeys(CLOSED, False)

Commit = Callable[[LocalAws, Session, Account], None]


def furnish(aws: LocalAws, victim: Account) -> None:
    """Closed doors, SSE-KMS, versions, and a copy in another bucket; the account's own switch is on."""
    s3, bucket = aws.client("s3"), victim.trail_bucket
    where = {} if REGION == FIRST_REGION else {"CreateBucketConfiguration": {"LocationConstraint": REGION}}
    s3.create_bucket(Bucket=COPIES, **where)
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=CLOSED)
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": victim.key_arn}
    rules = [{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}]
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})
    for each in (bucket, COPIES):
        s3.put_bucket_versioning(Bucket=each, VersioningConfiguration={"Status": "Enabled"})
    trust = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = aws.client("iam").create_role(RoleName=ROLE, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    s3.put_bucket_replication(Bucket=bucket, ReplicationConfiguration=_replication(role))
    aws.client("s3control").put_public_access_block(AccountId=ACCOUNT, PublicAccessBlockConfiguration=CLOSED)


def _replication(role: str, status: str = "Enabled") -> dict[str, Any]:
    rule = {
        "ID": "copy",
        "Priority": 1,
        "Status": status,
        "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": f"arn:{PARTITION}:s3:::{COPIES}"},
    }
    return {"Role": role, "Rules": [rule]}


def _proof(aws: LocalAws, victim: Account) -> Any:
    """The parts of the bucket's configuration; None for one that is not there."""
    s3, bucket = aws.client("s3"), victim.trail_bucket

    def read(method: str, key: str) -> Any:
        try:
            return getattr(s3, method)(Bucket=bucket).get(key)
        except s3.exceptions.ClientError:
            return None

    return {
        "access logging": read("get_bucket_logging", "LoggingEnabled"),
        "public access": read("get_public_access_block", "PublicAccessBlockConfiguration"),
        "encryption": read("get_bucket_encryption", "ServerSideEncryptionConfiguration"),
        "versioning": read("get_bucket_versioning", "Status"),
        "replication": read("get_bucket_replication", "ReplicationConfiguration"),
    }


def _switch(aws: LocalAws, _victim: Account) -> Any:
    control = aws.client("s3control")
    try:
        return control.get_public_access_block(AccountId=ACCOUNT)["PublicAccessBlockConfiguration"]
    except control.exceptions.ClientError:
        return None


def _on_the_bucket(method: str, **more: Any) -> Commit:
    def commit(_aws: LocalAws, intruder: Session, victim: Account) -> None:
        getattr(intruder.client("s3"), method)(Bucket=victim.trail_bucket, **more)

    return commit


def _pause_copies(_aws: LocalAws, intruder: Session, victim: Account) -> None:
    paused = _replication(f"arn:{PARTITION}:iam::{ACCOUNT}:role/{ROLE}", "Disabled")
    intruder.client("s3").put_bucket_replication(Bucket=victim.trail_bucket, ReplicationConfiguration=paused)


def _idle_copies(_aws: LocalAws, intruder: Session, victim: Account) -> None:
    idle = _replication(f"arn:{PARTITION}:iam::{ACCOUNT}:role/{FLOW_LOGS_ROLE}")
    intruder.client("s3").put_bucket_replication(Bucket=victim.trail_bucket, ReplicationConfiguration=idle)


def _open_account(_aws: LocalAws, intruder: Session, _victim: Account) -> None:
    intruder.client("s3control").put_public_access_block(AccountId=ACCOUNT, PublicAccessBlockConfiguration=OPEN)


def _sse_s3() -> dict[str, Any]:
    return {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}


SABOTAGES: tuple[Sabotage, ...] = (
    Sabotage(
        "bucket.access-logging",
        "PutBucketLogging",
        "nobody sees who reads the log files",
        _on_the_bucket("put_bucket_logging", BucketLoggingStatus={}),
        _proof,
    ),
    Sabotage(
        "bucket.public-access",
        "PutBucketPublicAccessBlock",
        "the bucket can be opened",
        _on_the_bucket("put_public_access_block", PublicAccessBlockConfiguration=OPEN),
        _proof,
    ),
    Sabotage(
        "bucket.public-access",
        "DeleteBucketPublicAccessBlock",
        "nothing closes the bucket",
        _on_the_bucket("delete_public_access_block"),
        _proof,
    ),
    Sabotage(
        "bucket.encryption",
        "PutBucketEncryption",
        "log files are encrypted without the key",
        _on_the_bucket("put_bucket_encryption", ServerSideEncryptionConfiguration=_sse_s3()),
        _proof,
    ),
    Sabotage(
        "bucket.encryption",
        "DeleteBucketEncryption",
        "no key is set for log files",
        _on_the_bucket("delete_bucket_encryption"),
        _proof,
    ),
    Sabotage(
        "bucket.versioning",
        "PutBucketVersioning",
        "overwritten log files are lost",
        _on_the_bucket("put_bucket_versioning", VersioningConfiguration={"Status": "Suspended"}),
        _proof,
    ),
    Sabotage(
        "bucket.replication",
        "DeleteBucketReplication",
        "no copy is made",
        _on_the_bucket("delete_bucket_replication"),
        _proof,
    ),
    Sabotage("bucket.replication", "PutBucketReplication", "copies pause", _pause_copies, _proof),
    Sabotage("bucket.replication", "PutBucketReplication", "copies get a role that cannot copy", _idle_copies, _proof),
    Sabotage(
        "account.public-access",
        "PutAccountPublicAccessBlock",
        "every bucket can be opened",
        _open_account,
        _switch,
        "observed",
    ),
)
