"""What AWS shows of buckets, and which of them matter."""

from __future__ import annotations

from typing import Any

import pytest

from relight.errors import AwsError
from relight.model import Observed, Resource, Scope, Unread
from relight.policy.bucket import CLOSED, Bucket
from relight.resources import bucket as kind
from tests.unit.builders import (
    ACCOUNT,
    BUCKET_ARN,
    NOON,
    REGION,
    baseline,
    bucket,
    expires,
    standard,
)
from tests.unit.fakes import Answer, fake_aws, refused

LOGGING = {"TargetBucket": "access-logs", "TargetPrefix": "trail-logs/"}


NAMELESS = (("", ""),)  # who delivers, of whom nothing else is said here


def look(
    *names: str,
    delivered_to: str = "trail-logs",
    own: tuple[str, ...] = ("trail-logs", "other"),
    before: Bucket | None = None,
    watched: frozenset[str] = frozenset(),
    **answers: Answer,
) -> tuple[list[Observed[Bucket]], list[tuple[str, str, Any]]]:
    def listing(_region: str, Prefix: str = "") -> Any:  # noqa: N803  AWS's spelling
        return {"Buckets": [{"Name": n, "BucketRegion": REGION} for n in own if n.startswith(Prefix)]}

    prepared: dict[str, Answer] = {
        "cloudtrail__DescribeTrails": {"trailList": [{"S3BucketName": delivered_to}, {}]},
        "s3__ListBuckets": listing,
        "s3__GetBucketLogging": {},
        "s3__GetPublicAccessBlock": {"PublicAccessBlockConfiguration": CLOSED},
        "s3__GetBucketEncryption": refused("ServerSideEncryptionConfigurationNotFoundError"),
        "s3__GetBucketVersioning": {"Status": "Enabled"},
        "s3__GetBucketReplication": refused("ReplicationConfigurationNotFoundError"),
        "s3__GetBucketLifecycleConfiguration": refused("NoSuchLifecycleConfiguration"),
        "s3__GetBucketPolicy": refused("NoSuchBucketPolicy"),
    }
    aws, session = fake_aws(**(prepared | answers))
    baselines = {kind.arn("aws", ACCOUNT, REGION, names[0]): baseline(before)} if before else {}
    scope = Scope(ACCOUNT, REGION, names)
    return list(kind.observe(aws, scope, baselines, standard(watched_buckets=watched))), session.calls


MINE = Resource("bucket", "trail-logs", BUCKET_ARN, ACCOUNT, REGION)


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        pytest.param({}, bucket(trails=NAMELESS), id="off"),
        pytest.param({"LoggingEnabled": None}, bucket(trails=NAMELESS), id="null"),
        pytest.param({"LoggingEnabled": LOGGING}, bucket("access-logs", trails=NAMELESS), id="on"),
    ],
)
def test_observe_a_trails_bucket(answer: Any, state: Bucket) -> None:
    seen, calls = look("trail-logs", s3__GetBucketLogging=answer)
    assert seen == [Observed(MINE, state)]
    assert calls == [
        (REGION, "cloudtrail:DescribeTrails", {"includeShadowTrails": True}),
        (REGION, "s3:ListBuckets", {"Prefix": "trail-logs"}),
        *(
            (REGION, f"s3:{operation}", {"Bucket": "trail-logs", "ExpectedBucketOwner": ACCOUNT})
            for operation in (
                "GetBucketLogging",
                "GetPublicAccessBlock",
                "GetBucketEncryption",
                "GetBucketVersioning",
                "GetBucketReplication",
                "GetBucketLifecycleConfiguration",
                "GetBucketPolicy",
            )
        ),
    ]


@pytest.mark.parametrize("part", list(kind.READERS))
def test_a_part_that_is_refused_hides_no_other(part: str) -> None:
    operation = {
        "public_access": "s3__GetPublicAccessBlock",
        "encryption": "s3__GetBucketEncryption",
        "versioning": "s3__GetBucketVersioning",
        "replication": "s3__GetBucketReplication",
        "lifecycle": "s3__GetBucketLifecycleConfiguration",
        "policy": "s3__GetBucketPolicy",
    }[part]
    denied: dict[str, Any] = {operation: refused("AccessDenied")}
    ((seen,), _) = look("trail-logs", **denied)
    unread = [name for name in kind.READERS if isinstance(getattr(seen.state, name), Unread)]
    assert unread == [part]


def test_an_ordinary_bucket_costs_one_read() -> None:
    _, calls = look("other")
    assert [name for _, name, _ in calls if name.startswith("s3:Get")] == ["s3:GetBucketLogging"]


@pytest.mark.parametrize(
    ("case", "matters"),
    [
        pytest.param({}, False, id="an-ordinary-bucket"),
        pytest.param({"s3__GetBucketLogging": {"LoggingEnabled": LOGGING}}, True, id="that-has-logging"),
        pytest.param({"before": bucket("access-logs", holds_logs=False)}, True, id="that-had-logging"),
        pytest.param({"before": bucket(holds_logs=False)}, False, id="that-never-had"),
        pytest.param({"before": bucket()}, True, id="that-trails-delivered-to"),
        pytest.param({"watched": frozenset({"other"})}, True, id="that-the-standard-names"),
        pytest.param({"delivered_to": "other"}, True, id="that-a-trail-delivers-to"),
    ],
)
def test_which_buckets_matter(case: dict[str, Any], *, matters: bool) -> None:
    seen, _ = look("other", **case)
    assert [s.resource.name for s in seen] == (["other"] if matters else [])


def test_a_bucket_that_is_not_the_accounts_is_out_of_reach_if_it_matters() -> None:
    (seen,), calls = look("trail-logs", own=("trail-logs-2",))
    assert (seen.state, seen.out_of_reach) == (
        None,
        "it is not among the account's buckets: another account's, or deleted",
    )
    assert "s3:GetBucketLogging" not in [name for _, name, _ in calls]
    assert look("foreign", own=())[0] == []


def test_a_bucket_is_read_in_its_own_region() -> None:
    (seen,), calls = look(
        "trail-logs", s3__ListBuckets={"Buckets": [{"Name": "trail-logs", "BucketRegion": "eu-west-1"}]}
    )
    assert seen.resource.region == "eu-west-1"
    assert seen.state == bucket(region="eu-west-1", trails=NAMELESS)
    assert calls[-1][0] == "eu-west-1"


def test_a_listing_without_regions_is_of_this_one() -> None:
    assert look("trail-logs", s3__ListBuckets={"Buckets": [{"Name": "trail-logs"}]})[0][0].resource == MINE


def test_several_buckets_are_listed_at_once() -> None:
    seen, calls = look("trail-logs", "other", watched=frozenset({"other"}))
    assert [s.resource.name for s in seen] == ["trail-logs", "other"]
    assert calls[1] == (REGION, "s3:ListBuckets", {})


def test_a_bucket_deleted_since_it_was_listed_is_left_out() -> None:
    assert look("trail-logs", s3__GetBucketLogging=refused("NoSuchBucket"))[0] == []


@pytest.mark.parametrize("operation", ["cloudtrail__DescribeTrails", "s3__ListBuckets", "s3__GetBucketLogging"])
def test_a_refused_read_is_raised(operation: str) -> None:
    denied: dict[str, Any] = {operation: refused("AccessDenied")}
    with pytest.raises(AwsError, match="AccessDenied"):
        look("trail-logs", **denied)


def test_an_ordinary_bucket_that_may_not_be_read_is_nobodys_business() -> None:
    assert look("other", s3__GetBucketLogging=refused("AccessDenied"))[0] == []
    with pytest.raises(AwsError, match="AccessDenied"):
        look("other", s3__GetBucketLogging=refused("AccessDenied"), delivered_to="other")
    with pytest.raises(AwsError, match="SlowDown"):
        look("other", s3__GetBucketLogging=refused("SlowDown"))


def test_the_names_of_the_regions_buckets() -> None:
    aws, session = fake_aws(s3__ListBuckets=[{"Buckets": [{"Name": "a"}]}, {"Buckets": [{"Name": "b"}]}])
    assert list(kind.list_names(aws.home, standard())) == ["a", "b"]
    assert session.calls == [(REGION, "s3:ListBuckets", {"BucketRegion": REGION})]


def test_a_lifecycle_is_plain_data_with_the_setting_beside_it() -> None:
    rules = [expires(400), {"ID": "x", "Status": "Enabled", "Expiration": {"Date": NOON}}]
    answer = {"Rules": rules, "TransitionDefaultMinimumObjectSize": "varies_by_storage_class"}
    ((seen,), _) = look("trail-logs", s3__GetBucketLifecycleConfiguration=answer)
    assert seen.state is not None
    assert isinstance(seen.state.lifecycle, tuple)
    assert seen.state.lifecycle[1]["Expiration"] == {"Date": NOON.isoformat()}
    assert seen.state.lifecycle_sizes == "varies_by_storage_class"
    assert seen.state.trails == (("", ""),)


def test_which_trails_deliver_there_and_which_of_them_digests() -> None:
    plain, validated = (f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/{name}" for name in ("plain", "validated"))
    trails = [
        {"S3BucketName": "trail-logs", "TrailARN": plain, "LogFileValidationEnabled": False},
        {"S3BucketName": "trail-logs", "TrailARN": validated, "S3KeyPrefix": "x", "LogFileValidationEnabled": True},
    ]
    ((seen,), _) = look("trail-logs", cloudtrail__DescribeTrails={"trailList": trails})
    assert seen.state is not None
    assert (seen.state.trails, seen.state.validated) == ((("", plain), ("x", validated)), (validated,))


def test_a_bucket_that_was_the_accounts_is_gone() -> None:
    ((seen,), _) = look("trail-logs", own=(), before=bucket())
    assert (seen.state, seen.out_of_reach, seen.resource) == (None, "", MINE)
