"""A public bucket whose access is logged is a website's: its logging is put back, and nothing else of it is touched."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.account import Account
from local.cloud import LocalAws
from relight.policy.bucket import CLOSED
from tests.integration import helpers

SITE = "www-example-com"
SITE_ARN = f"arn:aws:s3:::{SITE}"
OPEN = dict.fromkeys(CLOSED, False)
QUICK = {"ID": "quick", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
SCHEDULED = {"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": "{}"}


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    helpers.hurry(monkeypatch)


@pytest.fixture
def site(local_aws: LocalAws, victim: Account) -> dict[str, Any]:
    """The website, and what its access logging is."""
    s3 = local_aws.client("s3")
    s3.create_bucket(Bucket=SITE)
    s3.put_public_access_block(Bucket=SITE, PublicAccessBlockConfiguration=OPEN)
    s3.put_bucket_lifecycle_configuration(Bucket=SITE, LifecycleConfiguration={"Rules": [QUICK]})
    s3.put_bucket_versioning(Bucket=SITE, VersioningConfiguration={"Status": "Enabled"})
    logging = {"TargetBucket": victim.access_log_bucket, "TargetPrefix": f"{SITE}/"}
    s3.put_bucket_logging(Bucket=SITE, BucketLoggingStatus={"LoggingEnabled": logging})
    return logging


def closed(aws: LocalAws, bucket: str) -> bool:
    try:
        shown = aws.client("s3").get_public_access_block(Bucket=bucket)
    except ClientError:
        return False
    return bool(shown["PublicAccessBlockConfiguration"] == CLOSED)


def sweep(aws: LocalAws) -> None:
    helpers.invoke(aws, "sweep", SCHEDULED)
    aws.settle()


def test_a_website_stays_open_and_its_access_logged(local_aws: LocalAws, site: dict[str, Any]) -> None:
    local_aws.deploy()
    helpers.sweep(local_aws, "CREATE_COMPLETE")

    report = helpers.only(local_aws).data["sweep"]
    assert report["kept"][SITE_ARN] == ["bucket.access-logging"]
    assert SITE_ARN not in {**report["repaired"], **report["drifted"]}
    assert sum(report["posture"]["bucket.public-access"]) == 1, "the trail's bucket alone"
    kept = helpers.baseline(local_aws, SITE_ARN)
    assert kept is not None
    assert (kept["logging"], kept["versioning"], kept["lifecycle"], kept["holds_logs"]) == (site, {}, [], False)
    local_aws.forget()

    s3 = local_aws.actor("webmaster").client("s3")
    s3.delete_public_access_block(Bucket=SITE)
    s3.put_bucket_versioning(Bucket=SITE, VersioningConfiguration={"Status": "Suspended"})
    s3.delete_bucket_lifecycle(Bucket=SITE)
    local_aws.settle()
    sweep(local_aws)
    assert helpers.silent(local_aws)
    assert not closed(local_aws, SITE)

    s3.put_bucket_logging(Bucket=SITE, BucketLoggingStatus={})
    local_aws.settle()
    assert helpers.only(local_aws).outcome == "repaired"
    assert helpers.writes(local_aws) == ["trail_bucket: PutBucketLogging"]
    assert s3.get_bucket_logging(Bucket=SITE)["LoggingEnabled"] == site
    local_aws.forget()

    s3.delete_bucket(Bucket=SITE)
    local_aws.settle()
    sweep(local_aws)
    assert helpers.silent(local_aws)


@pytest.mark.usefixtures("site")
def test_who_deletes_the_trail_first_does_not_get_at_its_files(local_aws: LocalAws, victim: Account) -> None:
    local_aws.deploy()
    helpers.sweep(local_aws, "CREATE_COMPLETE")
    local_aws.forget()
    with helpers.nobody_listening(local_aws):
        local_aws.client("cloudtrail").delete_trail(Name=victim.trail)

    local_aws.actor("mallory").client("s3").delete_public_access_block(Bucket=victim.trail_bucket)
    local_aws.settle()
    assert closed(local_aws, victim.trail_bucket)
    assert [f["control"] for f in helpers.only(local_aws).data["findings"]] == ["bucket.public-access"]
    local_aws.forget()

    with helpers.nobody_listening(local_aws):
        local_aws.client("s3").delete_public_access_block(Bucket=victim.trail_bucket)
    sweep(local_aws)
    assert closed(local_aws, victim.trail_bucket), "nor where no event tells of it"
