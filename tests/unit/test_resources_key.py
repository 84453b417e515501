"""Keys as AWS shows and mends them, on answers shaped as KMS documents them.

moto rotates every kind of key, keeps no period, and enables a key that is pending deletion: what AWS refuses there is
shown here.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from relight.errors import AwsError, MalformedRecord
from relight.model import Drift, Scope, Unread
from relight.policy import judge
from relight.policy.key import Key, available
from relight.reconcile import advance
from relight.resources import key as kind
from relight.resources.key import USERS
from tests.unit.builders import (
    ACCOUNT,
    KEY_ARN,
    KEY_ID,
    KEY_POLICY,
    REGION,
    STRANGER,
    TRAIL_ARN,
    accepted_by_botocore,
    baseline,
    kms_key,
    observed,
    record,
    resource,
    standard,
)
from tests.unit.fakes import Answer, fake_aws, refused
from tests.unit.lamps import Scene

METADATA: dict[str, Any] = {
    "Arn": KEY_ARN,
    "KeyId": KEY_ID,
    "KeyState": "Enabled",
    "KeyManager": "CUSTOMER",
    "KeySpec": "SYMMETRIC_DEFAULT",
    "Origin": "AWS_KMS",
}
ANOTHERS = json.dumps(
    {
        "Statement": [
            {**each, "Condition": {"StringEquals": {"aws:SourceAccount": STRANGER}}}
            for each in json.loads(KEY_POLICY)["Statement"]
        ]
    }
)
RULES = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY_ARN}}]


def answers(metadata: dict[str, Any] | None = None, **changes: Answer) -> dict[str, Any]:
    return {
        "kms__DescribeKey": {"KeyMetadata": METADATA | (metadata or {})},
        "kms__GetKeyRotationStatus": {"KeyRotationEnabled": True, "RotationPeriodInDays": 180},
        "kms__GetKeyPolicy": {"Policy": KEY_POLICY},
        "cloudtrail__DescribeTrails": {
            "trailList": [{"Name": "main", "KmsKeyId": KEY_ARN, "S3BucketName": "logs"}, {"Name": "plain"}]
        },
        "s3__ListBuckets": {"Buckets": [{"Name": "logs"}]},
        "s3__GetBucketEncryption": {"ServerSideEncryptionConfiguration": {"Rules": RULES}},
    } | changes


def look(*names: str, before: Key | None = None, **given: Answer) -> tuple[list[Any], list[str]]:
    aws, session = fake_aws(**given)
    baselines = {KEY_ARN: baseline(before)} if before else {}
    found = kind.observe(aws, Scope(ACCOUNT, REGION, names or (KEY_ID,)), baselines, standard())
    return list(found), session.names


def test_a_key_with_its_users() -> None:
    (found,), _ = look(**answers())
    assert found.resource == resource(KEY_ARN, "key")
    assert found.state == kms_key(used_by=("bucket logs", "trail main"), rotation_days=180)


def test_the_standards_key_is_in_use() -> None:
    aws, _ = fake_aws(**answers(cloudtrail__DescribeTrails={"trailList": []}))
    (found,) = kind.observe(aws, Scope(ACCOUNT, REGION, (KEY_ID,)), {}, standard(trail_keys={REGION: KEY_ARN}))
    assert found.state is not None
    assert found.state.used_by == ("the standard",)
    (found,) = kind.observe(aws, Scope(ACCOUNT, REGION, (KEY_ID,)), {}, standard(trail_keys={}, topic_key=KEY_ARN))
    assert found.state is not None
    assert found.state.used_by == ("Relight's topic",)


@pytest.mark.parametrize(
    ("metadata", "asked"),
    [
        ({}, True),
        ({"KeySpec": "RSA_2048"}, False),
        ({"Origin": "EXTERNAL"}, False),
        ({"MultiRegionConfiguration": {"MultiRegionKeyType": "REPLICA"}}, False),
        ({"MultiRegionConfiguration": {"MultiRegionKeyType": "PRIMARY"}}, True),
        ({"KeyState": "Disabled"}, False),
        ({"KeyState": "PendingDeletion"}, False),
    ],
    ids=lambda value: str(value)[:40],
)
def test_the_rotation_of_what_aws_cannot_rotate_is_not_asked(metadata: dict[str, Any], asked: bool) -> None:  # noqa: FBT001
    """GetKeyRotationStatus of a key that is pending deletion fails, and so does EnableKeyRotation of a replica."""
    (found,), calls = look(**answers(metadata))
    assert ("kms:GetKeyRotationStatus" in calls) is asked
    assert found.state.rotation is asked


def test_whose_business_a_key_is() -> None:
    nobodys = answers(
        {"KeyState": "Disabled"},
        cloudtrail__DescribeTrails={"trailList": []},
    )
    assert look(**nobodys)[0] == []
    (known,), _ = look(before=kms_key(), **nobodys)
    assert known.state.state == "Disabled"
    assert look(**answers({"KeyManager": "AWS"}))[0] == []
    (foreign,), calls = look(KEY_ARN.replace(ACCOUNT, STRANGER), **answers())
    assert foreign.state is None
    assert STRANGER in foreign.out_of_reach
    assert calls == []
    (gone,), _ = look(**answers(kms__DescribeKey=refused("NotFoundException")))
    assert (gone.state, gone.out_of_reach) == (None, "")


def test_what_is_refused_is_unread_and_spoils_nothing_else() -> None:
    (found,), _ = look(**answers(kms__GetKeyRotationStatus=refused("AccessDenied"), kms__GetKeyPolicy=refused("Nope")))
    assert isinstance(found.state.rotation, Unread)
    assert isinstance(found.state.policy, Unread)
    (found,), _ = look(**answers(s3__GetBucketEncryption=refused("AccessDenied")))
    assert isinstance(found.state.used_by, Unread)
    with pytest.raises(AwsError):
        look(**answers(kms__DescribeKey=refused("AccessDenied")))


def test_which_trails_encrypt_with_it() -> None:
    trails = [{"Name": "main", "KmsKeyId": KEY_ARN, "TrailARN": TRAIL_ARN}, {"Name": "plain", "TrailARN": "arn:plain"}]
    (found,), _ = look(**answers(cloudtrail__DescribeTrails={"trailList": trails}))
    assert found.state.trails == (TRAIL_ARN,)
    (found,), _ = look(**answers(cloudtrail__DescribeTrails=refused("AccessDenied")))
    assert found.state.trails == ()


@pytest.mark.parametrize(
    ("before", "users"),
    [(kms_key(), ("bucket logs", "trail main")), (kms_key(used_by=("bucket logs",)), ("bucket logs",))],
)
def test_while_its_trail_is_gone_the_policy_is_not_forgotten(before: Key, users: tuple[str, ...]) -> None:
    """Found by a hostile sequence: the baseline lost it, and a weaker one would have passed for new."""
    (found,), _ = look(
        before=before, **answers(cloudtrail__DescribeTrails={"trailList": [{"Name": "plain", "S3BucketName": "logs"}]})
    )
    assert found.state.used_by == users
    assert found.state.policy == KEY_POLICY


def test_whoever_is_back_is_no_change() -> None:
    """Found by a hostile sequence: the baseline's order depended on who was there when it was made."""
    gone = answers(cloudtrail__DescribeTrails={"trailList": [{"Name": "plain", "S3BucketName": "logs"}]})
    (without,), _ = look(before=kms_key(), **gone)
    (again,), _ = look(before=without.state, **answers())
    assert again.state.used_by == without.state.used_by


UNUSED: dict[str, Any] = {
    "cloudtrail__DescribeTrails": {"trailList": [{"Name": "main", "S3BucketName": "logs"}]},
    "s3__GetBucketEncryption": {},
}


def test_a_look_while_no_trail_has_it_does_not_let_a_key_go(scene: Scene) -> None:
    """What was written with it is encrypted with it for ever. Only a person forgets it."""
    (found,), _ = look(before=kms_key(), **answers(**UNUSED))
    kept = advance(scene.run, kind, found, judge("key", found.state, standard()), baseline(kms_key()))
    assert kept is not None
    assert kept.state.used_by == ("trail main",)
    deletion = record("ScheduleKeyDeletion", {"keyId": KEY_ID})
    assert set(kind.taken(deletion, kept, standard())) == {"key.available"}
    (going,), _ = look(before=kept.state, **answers({"KeyState": "PendingDeletion"}, **UNUSED))
    (drift,) = available(going.state, standard(), kept.state)
    assert (drift.found, drift.manual) == ("PendingDeletion", "")


def test_only_so_many_users_are_remembered() -> None:
    """Trails come and go: their names must not fill a baseline."""
    many = tuple(f"trail {n}" for n in range(USERS))
    (found,), _ = look(before=kms_key(used_by=many), **answers())
    assert sorted(found.state.used_by) == sorted(("trail main", "bucket logs", *many[: USERS - 2]))


def test_users_that_could_not_be_read_are_not_those_of_before() -> None:
    (found,), _ = look(before=kms_key(), **answers(cloudtrail__DescribeTrails=refused("AccessDenied")))
    assert isinstance(found.state.used_by, Unread)


def test_an_unencrypted_bucket_uses_no_key() -> None:
    missing = refused("ServerSideEncryptionConfigurationNotFoundError")
    (found,), _ = look(**answers(s3__GetBucketEncryption=missing))
    assert found.state.used_by == ("trail main",)


def planned(*drifts: Drift, before: Key | None = None) -> list[tuple[str, dict[str, Any]]]:
    calls = kind.plan(observed(kms_key(), KEY_ARN, "key"), drifts, standard(), before)
    assert accepted_by_botocore(*calls)
    return [(call.operation, {n: v for n, v in call.params.items() if n != "KeyId"}) for call in calls]


@pytest.mark.parametrize("state", ["PendingDeletion", "PendingReplicaDeletion"])
def test_a_cancelled_deletion_leaves_the_key_disabled_so_it_is_enabled_next(state: str) -> None:
    going = Drift("KeyState", state, "Enabled")
    rotate = Drift("KeyRotationEnabled", found=False, wanted=True)
    assert planned(rotate, going) == [("CancelKeyDeletion", {}), ("EnableKey", {}), ("EnableKeyRotation", {})]
    assert planned(Drift("KeyState", "Disabled", "Enabled")) == [("EnableKey", {})]


def test_rotation_comes_back_with_its_period() -> None:
    rotate = Drift("KeyRotationEnabled", found=False, wanted=True)
    period = ("EnableKeyRotation", {"RotationPeriodInDays": 180})
    assert planned(rotate, before=kms_key(rotation_days=180)) == [period]
    assert planned(rotate, before=kms_key(rotation=False, rotation_days=180)) == [("EnableKeyRotation", {})]


def test_a_policy_is_put_back_as_it_was() -> None:
    assert planned(Drift("Policy", "{}", KEY_POLICY)) == [
        ("PutKeyPolicy", {"PolicyName": "default", "Policy": KEY_POLICY})
    ]


@pytest.mark.parametrize(
    ("name", "request_", "before", "taken"),
    [
        ("DisableKeyRotation", {}, None, {"key.rotation"}),
        ("DisableKeyRotation", {}, kms_key(), {"key.rotation"}),
        ("DisableKeyRotation", {}, kms_key(rotation=False), set()),
        ("DisableKey", {}, None, {"key.available"}),
        ("ScheduleKeyDeletion", {}, kms_key(), {"key.available"}),
        ("DisableKey", {}, kms_key(used_by=()), set()),
        ("PutKeyPolicy", {"policy": "{}"}, kms_key(), {"key.policy"}),
        ("PutKeyPolicy", {"policy": KEY_POLICY}, kms_key(), set()),
        ("PutKeyPolicy", {"policy": ANOTHERS}, kms_key(), set()),
        ("PutKeyPolicy", {"policy": ANOTHERS}, kms_key(trails=(TRAIL_ARN,)), {"key.policy"}),
        ("PutKeyPolicy", {}, kms_key(), set()),
        ("PutKeyPolicy", {"policy": {"not": "a string"}}, kms_key(), set()),
        ("PutKeyPolicy", {"policy": "{}"}, None, set()),
        ("CreateKey", {}, None, set()),
    ],
)
def test_taken(name: str, request_: dict[str, Any], before: Key | None, taken: set[str]) -> None:
    kept = baseline(before) if before else None
    assert set(kind.taken(record(name, {"keyId": KEY_ID, **request_}), kept, standard())) == taken


def test_locate() -> None:
    assert kind.locate(record("DisableKey", {"keyId": KEY_ARN})) == Scope(ACCOUNT, REGION, (KEY_ARN,))
    created = record("CreateKey", None, {"keyMetadata": {"arn": KEY_ARN}})
    assert kind.locate(created) == Scope(ACCOUNT, REGION, (KEY_ARN,))
    for request in (None, {}, {"omitted": True}, {"keyId": 1}):
        with pytest.raises(MalformedRecord, match="names no key"):
            kind.locate(record("DisableKey", request))


def test_list_and_revive() -> None:
    aws, _ = fake_aws(kms__ListKeys=[{"Keys": [{"KeyArn": KEY_ARN}]}, {"Keys": [{"KeyArn": "b"}]}])
    assert list(kind.list_names(aws.home, standard())) == [KEY_ARN, "b"]
    data = {"account": "1", "region": "r", "id": "i", "state": "Enabled", "used_by": ["trail t"]}
    assert kind.revive(data).used_by == ("trail t",)
