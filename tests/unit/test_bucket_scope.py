"""What a bucket is judged for that no trail delivers to: its access logging, and nothing else of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from relight.model import Baseline, Drift, Observed, Outcome
from relight.policy import controls_of, judge
from relight.policy.bucket import CLOSED, Bucket, weaker
from relight.policy.state import written
from relight.reconcile import advance
from relight.resources import bucket as kind
from tests.unit.builders import BUCKET_ARN, TRAIL_ARN, baseline, bucket, expires, observed, record, replicated, standard
from tests.unit.fakes import fake_aws
from tests.unit.lamps import Scene

ALL = frozenset(each.id for each in controls_of("bucket"))
LOGGING = "bucket.access-logging"
DELIVERING = (
    '{"Statement": {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "s3:*", '
    '"Resource": "*"}}'
)


def site(target: str = "access-logs", **changes: Any) -> Bucket:
    """A public bucket, whose access is logged."""
    return bucket(target, **({"holds_logs": False, "public_access": {}, "lifecycle": (expires(1),)} | changes))


def judged(state: Bucket | None, before: Bucket | None = None, *controls: str) -> dict[str, Outcome]:
    found = judge("bucket", state, standard(), baseline(before, *controls) if before else None)
    return {each.control: each.outcome for each in found}


def test_nothing_but_its_access_logging_is_judged() -> None:
    assert judged(site()) == {LOGGING: Outcome.COMPLIANT}
    assert judged(site(), site(), LOGGING) == {LOGGING: Outcome.COMPLIANT}
    assert judged(site(""), site(), LOGGING) == {LOGGING: Outcome.FAILED}
    assert judged(site(holds_logs=True)).keys() == ALL


def test_of_one_that_is_gone_its_baseline_says_what_it_was() -> None:
    assert judged(None, site(), LOGGING) == {}
    assert judged(None, bucket(), *ALL) == {"bucket.exists": Outcome.OBSERVED}


def test_its_baseline_says_nothing_about_the_rest_where_a_trail_comes_to_deliver() -> None:
    """None of it was ever looked at, so there is nothing to put back."""
    before = site(versioning={"Status": "Enabled"}, replication=replicated("arn:aws:s3:::copies"), lifecycle=())
    now = bucket("access-logs", versioning={}, lifecycle=(expires(1),))
    found = {each.control: each for each in judge("bucket", now, standard(), baseline(before, *ALL))}
    assert found["bucket.versioning"].outcome is found["bucket.replication"].outcome is Outcome.COMPLIANT
    assert found["bucket.retention"].outcome is Outcome.OBSERVED, "introduced, not restored"
    assert weaker(before, bucket("access-logs", replication=replicated("arn:aws:s3:::copies")), standard()) == ()
    assert kind.weaker(before, bucket("access-logs", policy=DELIVERING), standard()) == ()
    (moved,) = kind.weaker(before, bucket("evil"), standard())
    assert moved.field == "LoggingEnabled"


@pytest.mark.parametrize("name", ["DeleteBucketPolicy", "DeleteBucketReplication", "DeleteBucketEncryption"])
def test_its_baseline_does_not_tell_what_a_call_took_away(name: str) -> None:
    """Of a bucket that came to hold logs since then, nobody knows what it had."""
    kept = kind.taken(record(name), baseline(site()), standard())
    assert kept == kind.taken(record(name), None, standard()) != {}


def test_what_it_gives_up_beside_its_access_logging_is_nobodys_business() -> None:
    assert kind.weaker(site(), site(lifecycle=(), policy=DELIVERING), standard()) == ()
    assert kind.weaker(site(), site("elsewhere"), standard()) == (
        Drift("LoggingEnabled", found=site("elsewhere").logging, wanted=site().logging),
    )


def test_its_baseline_loses_what_an_earlier_version_had_taken_up(scene: Scene) -> None:
    state = site(lifecycle=())
    old = baseline(site(policy="{}"), *ALL)
    found = judge("bucket", state, standard(), old)
    kept = advance(scene.run, kind, observed(state), found, old)
    assert kept == Baseline(state, frozenset({LOGGING}), old.since, old.revision)


def look(before: Bucket | None = None, delivered_to: str = "", **settings: Any) -> tuple[Observed[Bucket], list[str]]:
    aws, session = fake_aws(
        cloudtrail__DescribeTrails={"trailList": [{"S3BucketName": delivered_to}]},
        s3__ListBuckets={"Buckets": [{"Name": "trail-logs"}]},
        s3__GetBucketLogging={"LoggingEnabled": site().logging},
        s3__GetPublicAccessBlock={},
        s3__GetBucketEncryption={},
        s3__GetBucketVersioning={},
        s3__GetBucketReplication={},
        s3__GetBucketLifecycleConfiguration={"Rules": [expires(1)]},
        s3__GetBucketPolicy={"Policy": DELIVERING},
    )
    baselines = {BUCKET_ARN: baseline(before)} if before else {}
    scope = kind.locate(record("PutBucketLogging", {"bucketName": "trail-logs"}))
    (seen,) = kind.observe(aws, scope, baselines, standard(**settings))
    return seen, [name for _, name, _ in session.calls if name.startswith("s3:Get")]


@pytest.mark.parametrize(
    ("case", "holds"),
    [
        pytest.param({}, False, id="logged-only"),
        pytest.param({"before": site()}, False, id="logged-only-as-ever"),
        pytest.param({"delivered_to": "other"}, False, id="a-trail-delivers-elsewhere"),
        pytest.param({"delivered_to": "trail-logs"}, True, id="a-trail-delivers"),
        pytest.param({"delivered_to": "trail-logs", "before": site()}, True, id="a-trail-came-to-deliver"),
        pytest.param({"watched_buckets": frozenset({"trail-logs"})}, True, id="the-standard-names-it"),
        pytest.param({"before": bucket()}, True, id="a-trail-did-deliver-and-is-gone"),
    ],
)
def test_which_bucket_holds_logs(case: dict[str, Any], *, holds: bool) -> None:
    seen, reads = look(**case)
    assert seen.state is not None
    assert seen.state.holds_logs is holds
    assert bool(seen.state.lifecycle) is holds
    assert len(reads) == (7 if holds else 1), "what it is not judged for is not read, and in no baseline"


def test_a_trails_bucket_whose_logging_and_controls_are_gone_still_matters() -> None:
    seen, _ = look(bucket())
    assert seen.state is not None
    assert judged(seen.state, bucket(), *ALL)["bucket.public-access"] is Outcome.FAILED


@pytest.mark.parametrize(("policy", "holds"), [(DELIVERING, True), ("", None), ("no policy", None)])
def test_an_earlier_versions_baseline_may_know_by_its_policy(policy: str, *, holds: bool | None) -> None:
    data = {"account": "1", "region": "r", "name": "b", "policy": policy}
    assert kind.revive(data).holds_logs is holds
    assert kind.revive(data | {"holds_logs": not holds}).holds_logs is not holds


def test_an_earlier_versions_baseline_of_a_bucket_that_holds_logs_is_put_back(scene: Scene) -> None:
    """Whatever its policy says: CloudTrail may be let in as everybody."""
    old = baseline(bucket(holds_logs=None, versioning={"Status": "Enabled"}), *ALL)
    state = bucket(versioning={"Status": "Suspended"})
    found = judge("bucket", state, standard(), old)
    assert {each.control: each.outcome for each in found}["bucket.versioning"] is Outcome.FAILED
    assert advance(scene.run, kind, observed(state), found, old) is None
    assert judged(None, old.state, *ALL) == {"bucket.exists": Outcome.OBSERVED}


def test_an_earlier_versions_baseline_of_a_website_loses_the_rest(scene: Scene) -> None:
    old = baseline(site(holds_logs=None, policy="{}"), *ALL)
    kept = advance(scene.run, kind, observed(site()), judge("bucket", site(), standard(), old), old)
    assert kept == Baseline(site(), frozenset({LOGGING}), old.since, old.revision)


DELIVERED = bucket("access-logs", policy=DELIVERING, trails=(("", TRAIL_ARN),))


def test_whoever_deletes_the_trail_first_changes_nothing_of_what_is_asked() -> None:
    """Nor is what never reached the trail's files taken for what does now."""
    seen, _ = look(DELIVERED)
    assert seen.state is not None
    assert seen.state.trails == DELIVERED.trails
    scratch = {"ID": "scratch", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 7}}
    left = replace(seen.state, lifecycle=(scratch,), public_access=CLOSED)
    assert judged(left, replace(DELIVERED, lifecycle=(scratch,)), *ALL)["bucket.retention"] is Outcome.COMPLIANT
    assert judged(replace(left, policy=""), DELIVERED, *ALL)["bucket.delivery-policy"] is Outcome.FAILED
    assert kind.revive(json.loads(written(DELIVERED))) == DELIVERED


def test_whom_a_policy_shuts_out_is_known_although_the_bucket_is_gone() -> None:
    put = json.loads(DELIVERING)
    put["Statement"]["Condition"] = {"StringEquals": {"aws:SourceArn": TRAIL_ARN.replace("main", "strangers")}}
    request = {"bucketName": "trail-logs", "bucketPolicy": put}
    assert kind.taken(record("PutBucketPolicy", request), baseline(DELIVERED, *ALL), standard()) == {
        "bucket.delivery-policy": ""
    }
