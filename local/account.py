"""The account that is attacked: one that logs as it should, built with ordinary calls."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from types import ModuleType
from typing import Any
from unittest import mock

from moto.ec2.models import flow_logs, vpcs
from moto.kms import models as keys

from local.place import Place
from local.settings import ACCOUNT, FIRST_REGION, PARTITION

TRAIL = "management-events"
INTRUDER = "mallory"
INTRUDER_ADDRESS = "203.0.113.66"
TRAIL_BUCKET = f"example-trail-logs-{ACCOUNT}"
ACCESS_LOG_BUCKET = f"example-access-logs-{ACCOUNT}"
FLOW_LOG_GROUP = "/example/flow-logs"
FLOW_LOGS_ROLE = "example-flow-logs"
TRAIL_LOG_GROUP = "/example/trail"
TRAIL_LOGS_ROLE = "example-trail-logs"
# All of Block Public Access.
CLOSED = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
# The samples in events/ speak of these, so the account has them under these very ids.
VPC, DEFAULT_VPC = "vpc-0a1b2c3d4e5f67890", "vpc-0d1e2f3a4b5c67890"
KEY = "1a2b3c4d-5e6f-4a7b-8c9d-0e1f2a3b4c5d"
FLOW_LOG, DEFAULT_FLOW_LOG = "fl-0a1b2c3d4e5f67890", "fl-0d1e2f3a4b5c67890"


@dataclass(frozen=True)
class Account:
    """What the account holds that is worth attacking."""

    trail_arn: str
    key_arn: str
    trail_bucket: str = TRAIL_BUCKET
    access_log_bucket: str = ACCESS_LOG_BUCKET
    vpc: str = VPC
    default_vpc: str = DEFAULT_VPC
    flow_log: str = FLOW_LOG
    trail: str = TRAIL


def build(place: Place) -> Account:
    """Everything compliant: a trail as the benchmark wants it, access logging on its bucket, flow logs on each VPC."""
    place.client("s3control").put_public_access_block(AccountId=place.account, PublicAccessBlockConfiguration=CLOSED)
    trail_bucket, access_log_bucket = _buckets(place)
    key_arn = _key(place)
    trail_arn = _trail(place, trail_bucket, key_arn)
    ec2 = place.client("ec2")
    # moto has the default VPC from its first call on.
    with _ids(place, vpcs, "random_vpc_id", DEFAULT_VPC, VPC):
        vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    default_vpc = next(each["VpcId"] for each in ec2.describe_vpcs()["Vpcs"] if each["IsDefault"])
    with _ids(place, flow_logs, "random_flow_log_id", FLOW_LOG, DEFAULT_FLOW_LOG):
        flow_log, _ = _flow_logs(place, [vpc, default_vpc])
    return Account(trail_arn, key_arn, trail_bucket, access_log_bucket, vpc, default_vpc, flow_log)


@contextmanager
def _ids(place: Place, module: ModuleType, generator: str, *ids: str) -> Iterator[None]:
    """Lets moto take these ids for what it creates in the account that the samples are of."""
    with mock.patch.object(module, generator, side_effect=ids) if place.account == ACCOUNT else nullcontext():
        yield


def create_access_log_bucket(s3: Any, name: str, account: str = ACCOUNT) -> None:
    """A bucket that S3 takes as a target of the account's access logs."""
    deliver = {
        "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"arn:{PARTITION}:s3:::{name}/*",
        "Condition": {"StringEquals": {"aws:SourceAccount": account}},
    }
    create_bucket(s3, name, deliver)


def _buckets(place: Place) -> tuple[str, str]:
    """The trail's bucket, and the one that its access logs go to."""
    s3 = place.client("s3")
    bucket, logs = (name.replace(ACCOUNT, place.account) for name in (TRAIL_BUCKET, ACCESS_LOG_BUCKET))
    arn = f"arn:{PARTITION}:s3:::{bucket}"
    deliver = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudtrail.amazonaws.com"},
        "Action": ["s3:GetBucketAcl", "s3:PutObject"],
        "Resource": [arn, f"{arn}/*"],  # whatever the prefix
    }
    create_access_log_bucket(s3, logs, place.account)
    create_bucket(s3, bucket, deliver)
    target = {"TargetBucket": logs, "TargetPrefix": "trail/"}
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": target})
    return bucket, logs


def create_bucket(s3: Any, name: str, statement: dict[str, Any]) -> None:
    """A closed bucket, where the client is, with a policy of one statement."""
    region = s3.meta.region_name
    where = {} if region == FIRST_REGION else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=name, **where)
    s3.put_bucket_policy(Bucket=name, Policy=_policy(statement))
    # AWS does so by itself, moto does not.
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=CLOSED)


def _key(place: Place) -> str:
    kms = place.client("kms")
    administer = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{PARTITION}:iam::{place.account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    encrypt_trails = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudtrail.amazonaws.com"},
        "Action": ["kms:GenerateDataKey*", "kms:DescribeKey"],
        "Resource": "*",
    }
    with _ids(place, keys, "generate_key_id", KEY):
        key_arn = kms.create_key(Policy=_policy(administer, encrypt_trails))["KeyMetadata"]["Arn"]
    kms.enable_key_rotation(KeyId=key_arn)
    return str(key_arn)


def _trail(place: Place, bucket: str, key_arn: str) -> str:
    cloudtrail, logs = place.client("cloudtrail"), place.client("logs")
    logs.create_log_group(logGroupName=TRAIL_LOG_GROUP)
    group = logs.describe_log_groups(logGroupNamePrefix=TRAIL_LOG_GROUP)["logGroups"][0]["arn"]
    trail_arn = cloudtrail.create_trail(
        Name=TRAIL,
        S3BucketName=bucket,
        IsMultiRegionTrail=True,
        IncludeGlobalServiceEvents=True,
        EnableLogFileValidation=True,
        KmsKeyId=key_arn,
        CloudWatchLogsLogGroupArn=group,
        CloudWatchLogsRoleArn=_role(place, TRAIL_LOGS_ROLE, "cloudtrail.amazonaws.com"),
    )["TrailARN"]
    cloudtrail.put_event_selectors(TrailName=TRAIL, EventSelectors=[enough_events(bucket)])
    cloudtrail.start_logging(Name=TRAIL)
    return str(trail_arn)


def enough_events(bucket: str) -> dict[str, Any]:
    """A basic selector of what the standard demands of the trail that delivers to a bucket."""
    objects = {"Type": "AWS::S3::Object", "Values": [f"arn:{PARTITION}:s3:::{bucket}/"]}
    return {"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": [objects]}


def _flow_logs(place: Place, on: list[str]) -> list[str]:
    """Their ids, in the order of the VPCs."""
    role = _role(place, FLOW_LOGS_ROLE, "vpc-flow-logs.amazonaws.com")
    place.client("logs").create_log_group(logGroupName=FLOW_LOG_GROUP)
    made = place.client("ec2").create_flow_logs(
        ResourceIds=on,
        ResourceType="VPC",
        TrafficType="ALL",
        LogGroupName=FLOW_LOG_GROUP,
        DeliverLogsPermissionArn=role,
    )
    return [str(each) for each in made["FlowLogIds"]]


def _role(place: Place, name: str, service: str) -> str:
    """A role that a service may assume."""
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    made = place.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))
    return str(made["Role"]["Arn"])


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
