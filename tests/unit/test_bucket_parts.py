"""What a log bucket must be beside its access logging: closed, encrypted, versioned, copied; and who took that away."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from relight.errors import UnknownState
from relight.model import Drift, Mode, Outcome, Unread
from relight.policy import account as account_policy
from relight.policy import judge
from relight.policy.account import Account
from relight.policy.bucket import (
    CLOSED,
    SSE_S3,
    Bucket,
    encryption,
    public_access,
    replication,
    versioning,
    weaker,
)
from relight.resources import account as accounts
from relight.resources import bucket as kind
from tests.unit.builders import (
    ACCOUNT,
    BUCKET_ARN,
    REGION,
    STRANGER,
    TRAIL_ARN,
    accepted_by_botocore,
    baseline,
    bucket,
    encrypted,
    expires,
    key,
    observed,
    record,
    replicated,
    standard,
)
from tests.unit.fakes import fake_aws, refused

KMS, DSSE = encrypted("aws:kms", key()), encrypted("aws:kms:dsse", key())
COPIES, EVIL = "arn:aws:s3:::copies", "arn:aws:s3:::evil"


def fields(check: Any, now: Bucket, before: Bucket | None = None, **settings: Any) -> list[str]:
    return [drift.field for drift in check(now, standard(**settings), before)]


@pytest.mark.parametrize("off", [*CLOSED, None])
def test_each_of_the_four_settings_counts(off: str | None) -> None:
    drifts = fields(public_access, bucket(public_access={**CLOSED, **({off: False} if off else {})}))
    assert drifts == (["PublicAccessBlockConfiguration"] if off else [])
    assert fields(public_access, bucket(public_access={}))


@pytest.mark.parametrize(
    ("now", "before", "wanted"),
    [
        pytest.param({}, None, None, id="as-aws-does-it-by-default"),
        pytest.param(encrypted("AES256"), None, None, id="sse-s3"),
        pytest.param(KMS, None, None, id="kms"),
        pytest.param({}, KMS, KMS, id="reset"),
        pytest.param(encrypted("AES256"), KMS, KMS, id="downgraded"),
        pytest.param(KMS, DSSE, DSSE, id="one-layer-of-two"),
        pytest.param(DSSE, KMS, None, id="stronger"),
        pytest.param(encrypted("aws:kms", key(name="other")), KMS, None, id="another-key-of-ones-own"),
        pytest.param(encrypted("aws:kms", key(STRANGER)), KMS, KMS, id="a-strangers-key"),
        pytest.param(encrypted("aws:kms", key(STRANGER)), None, "a person", id="a-strangers-key-from-the-start"),
        pytest.param(encrypted("aws:kms"), KMS, None, id="the-key-that-aws-manages"),
    ],
)
def test_encryption(now: Any, before: Any, wanted: Any) -> None:
    drifts = list(encryption(bucket(encryption=now), standard(), bucket(encryption=before) if before else None))
    if wanted is None:
        assert drifts == []
    else:
        (drift,) = drifts
        assert (drift.manual != "") is (wanted == "a person")
        assert wanted in (drift.wanted, "a person")


def test_a_target_of_access_logs_is_never_encrypted_with_a_key() -> None:
    """S3 would deliver nothing to it any more."""
    own = {"access_log_buckets": {REGION: "trail-logs"}}
    (drift,) = encryption(bucket(encryption=KMS), standard(**own), bucket(encryption=KMS))
    assert drift.wanted == SSE_S3
    assert not fields(encryption, bucket(encryption={}), bucket(encryption=KMS), **own)


@pytest.mark.parametrize(
    ("now", "before", "drifted"),
    [
        ({"Status": "Enabled"}, {"Status": "Enabled"}, []),
        ({"Status": "Suspended"}, {"Status": "Enabled"}, ["Status"]),
        ({}, {"Status": "Enabled"}, ["Status"]),
        ({}, {}, []),
        ({"Status": "Suspended"}, {"Status": "Suspended"}, []),
        ({"Status": "Enabled"}, {"Status": "Enabled", "MFADelete": "Enabled"}, ["MFADelete"]),
    ],
)
def test_versioning(now: Any, before: Any, drifted: list[str]) -> None:
    assert fields(versioning, bucket(versioning=now), bucket(versioning=before)) == drifted
    assert fields(versioning, bucket(versioning=now)) == []


def test_mfa_delete_needs_a_person() -> None:
    before = bucket(versioning={"Status": "Enabled", "MFADelete": "Enabled"})
    (drift,) = versioning(bucket(), standard(), before)
    assert "root user" in drift.manual


def test_replication_is_put_back_beside_what_came_since() -> None:
    before = bucket(replication=replicated(COPIES))
    assert fields(replication, bucket(), before) == ["ReplicationConfiguration"]
    assert fields(replication, bucket(replication=replicated(COPIES, status="Disabled")), before)
    assert not fields(replication, bucket(replication=replicated(COPIES, EVIL)), before)
    assert not fields(replication, bucket(), bucket(replication=replicated(COPIES, status="Disabled")))
    other = {**replicated(EVIL)["Rules"][0], "Priority": 7}
    (drift,) = replication(bucket(replication={**replicated(), "Rules": [other]}), standard(), before)
    assert [rule["ID"] for rule in drift.wanted["Rules"]] == [f"to-{COPIES}", f"to-{EVIL}"]


def test_a_rule_that_took_a_lost_ones_priority_makes_way() -> None:
    """S3 refuses a configuration in which a priority stands twice, and nothing would be repaired."""
    before = bucket(replication=replicated(COPIES))
    (drift,) = replication(bucket(replication=replicated(EVIL)), standard(), before)
    assert drift.wanted == before.replication


def test_rules_without_priority_stand_beside_each_other() -> None:
    """The older kind of rule has none."""
    old, evil = ({"ID": place, "Status": "Enabled", "Prefix": "", "Destination": {"Bucket": place}} for place in "ab")
    role = {"Role": "r"}
    now = bucket(replication={**role, "Rules": [evil]})
    (drift,) = replication(now, standard(), bucket(replication={**role, "Rules": [old]}))
    assert drift.wanted["Rules"] == [old, evil]


def test_copies_need_the_role_that_they_had() -> None:
    idle = replicated(COPIES) | {"Role": "arn:aws:iam::123456789012:role/idle"}
    before = bucket(replication=replicated(COPIES))
    (drift,) = replication(bucket(replication=idle), standard(), before)
    assert drift.wanted == before.replication
    assert not fields(replication, bucket(replication=idle), bucket(replication=replicated(COPIES, status="Disabled")))


def test_versioning_behind_mfa_delete_needs_a_person() -> None:
    now = bucket(versioning={"Status": "Suspended", "MFADelete": "Enabled"})
    (drift,) = versioning(now, standard(), bucket(versioning={"Status": "Enabled", "MFADelete": "Enabled"}))
    assert (drift.field, "root user" in drift.manual) == ("Status", True)


def test_an_acl_that_opens_the_bucket_stays_and_that_is_said() -> None:
    opened = record("PutBucketAcl", {"bucketName": "trail-logs", "x-amz-acl": "public-read"})
    assert kind.taken(opened, None, standard()) == {"bucket.public-access": kind.ACL_STAYS}


def test_a_copy_to_somewhere_new_and_another_key_are_told() -> None:
    old = bucket(replication=replicated(COPIES), encryption=KMS)
    new = bucket(replication=replicated(COPIES, EVIL), encryption=encrypted("aws:kms", key(name="other")))
    assert [(d.field, d.found) for d in weaker(old, new, standard())] == [
        ("KMSMasterKeyID", key(name="other")),
        ("ReplicationDestination", EVIL),
    ]
    assert weaker(old, old, standard()) == ()


@pytest.mark.parametrize(
    ("check", "part"),
    [
        (public_access, "public_access"),
        (encryption, "encryption"),
        (versioning, "versioning"),
        (replication, "replication"),
    ],
)
def test_what_could_not_be_read_is_unknown(check: Any, part: str) -> None:
    changes: dict[str, Any] = {part: Unread("denied")}
    with pytest.raises(UnknownState, match="could not be read: denied"):
        list(check(replace(bucket(), **changes), standard(), None))


def test_each_part_is_mended_by_a_call_of_its_own_and_versioning_before_replication() -> None:
    drifts = (
        Drift("ReplicationConfiguration", {}, replicated(COPIES)),
        Drift("Status", "", "Enabled"),
        Drift("ServerSideEncryptionConfiguration", {}, KMS),
        Drift("PublicAccessBlockConfiguration", {}, CLOSED),
    )
    calls = kind.plan(observed(bucket(), BUCKET_ARN, "bucket"), drifts, standard(), None)
    assert accepted_by_botocore(*calls)
    assert [call.operation for call in calls] == [
        "PutPublicAccessBlock",
        "PutBucketEncryption",
        "PutBucketVersioning",
        "PutBucketReplication",
    ]
    assert all(call.params["ExpectedBucketOwner"] == ACCOUNT for call in calls)


OPEN = dict.fromkeys(CLOSED, False)
GRANTS = {"AccessControlList": {"Grant": {"Grantee": {"URI": "http://acs.amazonaws.com/groups/global/AllUsers"}}}}
KEYED = bucket(encryption=KMS)
COPIED = bucket(replication=replicated(COPIES))
RULE = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
SUSPENDED = {"VersioningConfiguration": {"Status": "Suspended"}}
NO_MFA = {"VersioningConfiguration": {"Status": "Enabled", "MfaDelete": "Disabled"}}


def put_copies(*places: str, status: str = "Enabled", role: str = "") -> dict[str, Any]:
    """What a record holds of a PutBucketReplication: one rule stands alone, several are a list."""
    whole = replicated(*(places or (COPIES,)), status=status)
    rules = whole["Rules"]
    document = {"Role": role or whole["Role"], "Rule": rules if len(rules) > 1 else rules[0]}
    return {"replication": "", "ReplicationConfiguration": document}


def put_key(key_id: str) -> dict[str, Any]:
    """What a record holds of a PutBucketEncryption with a key."""
    (rule,) = encrypted("aws:kms", key_id)["Rules"]
    return {"ServerSideEncryptionConfiguration": {"Rule": rule}}


DELIVERY = {
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "cloudtrail.amazonaws.com"},
            "Action": ["s3:GetBucketAcl", "s3:PutObject"],
            "Resource": "*",
        }
    ]
}
DENY = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}
ANOTHERS = {
    "bucketPolicy": {
        "Statement": [
            {**each, "Condition": {"StringEquals": {"aws:SourceAccount": STRANGER}}} for each in DELIVERY["Statement"]
        ]
    }
}
TLS = {"Bool": {"aws:SecureTransport": "false"}}


def put_policy(*more: dict[str, Any]) -> dict[str, Any]:
    return {"bucketPolicy": {"Statement": [*DELIVERY["Statement"], *more]}}


@pytest.mark.parametrize(
    ("name", "request_", "before", "taken"),
    [
        ("DeleteBucketPublicAccessBlock", {}, None, "public-access"),
        ("PutBucketPublicAccessBlock", {"PublicAccessBlockConfiguration": OPEN}, None, "public-access"),
        ("PutBucketPublicAccessBlock", {"PublicAccessBlockConfiguration": {}}, None, "public-access"),
        ("PutBucketPublicAccessBlock", {"PublicAccessBlockConfiguration": CLOSED}, None, ""),
        ("PutBucketPublicAccessBlock", {}, None, ""),
        ("PutBucketAcl", {"x-amz-acl": "public-read"}, None, "public-access"),
        ("PutBucketAcl", {"x-amz-acl": ["public-read"]}, None, "public-access"),
        ("PutBucketAcl", {"AccessControlPolicy": GRANTS}, None, "public-access"),
        ("PutBucketAcl", {"x-amz-acl": "private"}, None, ""),
        ("PutBucketPolicy", {"bucketPolicy": {}}, None, ""),
        ("DeleteBucketEncryption", {}, None, "encryption"),
        ("DeleteBucketEncryption", {}, bucket(encryption=KMS), "encryption"),
        ("DeleteBucketEncryption", {}, bucket(), ""),
        (
            "PutBucketEncryption",
            {"ServerSideEncryptionConfiguration": {"Rule": RULE}},
            bucket(encryption=KMS),
            "encryption",
        ),
        ("PutBucketEncryption", {"ServerSideEncryptionConfiguration": {"Rule": [RULE]}}, bucket(), ""),
        ("PutBucketEncryption", {}, bucket(encryption=KMS), ""),
        ("PutBucketVersioning", {"VersioningConfiguration": {"Status": "Suspended"}}, None, "versioning"),
        ("PutBucketVersioning", {"VersioningConfiguration": {"Status": "Suspended"}}, bucket(versioning={}), ""),
        ("PutBucketVersioning", {"VersioningConfiguration": {"Status": "Enabled"}}, bucket(), ""),
        ("PutBucketVersioning", SUSPENDED, bucket(versioning={"Status": "Suspended"}), ""),
        ("PutBucketVersioning", NO_MFA, bucket(versioning={"MFADelete": "Enabled"}), "versioning"),
        ("PutBucketVersioning", NO_MFA, bucket(versioning={"MFADelete": "Disabled"}), ""),
        ("PutBucketVersioning", NO_MFA, None, ""),
        ("PutBucketVersioning", {"VersioningConfiguration": ""}, None, ""),
        ("PutBucketLifecycle", {"LifecycleConfiguration": {"Rule": expires(1)}}, None, "retention"),
        ("PutBucketLifecycle", {"LifecycleConfiguration": {"Rule": [expires(400), expires(1)]}}, bucket(), "retention"),
        ("PutBucketLifecycle", {"LifecycleConfiguration": {"Rule": expires(1)}}, bucket(lifecycle=(expires(1),)), ""),
        ("PutBucketLifecycle", {"LifecycleConfiguration": {"Rule": expires(1, Status="Disabled")}}, None, ""),
        ("PutBucketLifecycle", {"omitted": True}, None, ""),
        ("DeleteBucketPolicy", {}, None, "delivery-policy"),
        ("DeleteBucketPolicy", {}, bucket(), ""),
        ("PutBucketPolicy", {"bucketPolicy": DELIVERY}, bucket(policy=json.dumps(DELIVERY)), ""),
        ("PutBucketPolicy", put_policy(DENY), bucket(policy=json.dumps(DELIVERY)), "delivery-policy"),
        ("PutBucketPolicy", put_policy({**DENY, "Condition": TLS}), bucket(policy=json.dumps(DELIVERY)), ""),
        (
            "PutBucketPolicy",
            put_policy({**DENY, "Condition": {"Bool": {"aws:SecureTransport": "true"}}}),
            bucket(policy=json.dumps(DELIVERY)),
            "delivery-policy",
        ),
        (
            "PutBucketPolicy",
            {"bucketPolicy": {"Statement": [{**each, "Condition": TLS} for each in DELIVERY["Statement"]]}},
            bucket(policy=json.dumps(DELIVERY)),
            "delivery-policy",
        ),
        ("PutBucketPolicy", ANOTHERS, bucket(policy=json.dumps(DELIVERY)), ""),
        (
            "PutBucketPolicy",
            ANOTHERS,
            bucket(policy=json.dumps(DELIVERY), trails=(("", TRAIL_ARN),)),
            "delivery-policy",
        ),
        ("PutBucketPolicy", put_policy({**DENY, "Action": "s3:DeleteObject"}), bucket(policy=json.dumps(DELIVERY)), ""),
        (
            "PutBucketPolicy",
            {"bucketPolicy": {"Statement": []}},
            bucket(policy=json.dumps(DELIVERY)),
            "delivery-policy",
        ),
        ("PutBucketPolicy", {"bucketPolicy": {"Statement": []}}, bucket(), ""),
        ("PutBucketPolicy", {"bucketPolicy": {"odd": 1}}, bucket(policy=json.dumps(DELIVERY)), ""),
        ("PutBucketPolicy", {"bucketPolicy": "omitted"}, bucket(policy=json.dumps(DELIVERY)), ""),
        ("DeleteBucket", {}, bucket(), "exists"),
        ("DeleteBucketReplication", {}, None, "replication"),
        ("DeleteBucketReplication", {}, bucket(), ""),
        ("PutBucketReplication", {}, None, ""),
        ("PutBucketReplication", put_copies(), COPIED, ""),
        ("PutBucketReplication", put_copies(COPIES, EVIL), COPIED, ""),
        ("PutBucketReplication", put_copies(EVIL), COPIED, "replication"),
        ("PutBucketReplication", put_copies(status="Disabled"), COPIED, "replication"),
        ("PutBucketReplication", put_copies(role="arn:aws:iam::123456789012:role/idle"), COPIED, "replication"),
        ("PutBucketReplication", {"ReplicationConfiguration": {"Rule": "odd"}}, COPIED, "replication"),
        ("PutBucketReplication", {"ReplicationConfiguration": {"Rule": {"Status": "Enabled"}}}, COPIED, "replication"),
        ("PutBucketReplication", {}, COPIED, ""),
        ("PutBucketReplication", put_copies(EVIL), bucket(), ""),
        ("PutBucketEncryption", put_key(key(STRANGER)), None, "encryption"),
        ("PutBucketEncryption", put_key(key(STRANGER)), KEYED, "encryption"),
        ("PutBucketEncryption", put_key(key(STRANGER)), bucket(encryption=encrypted("aws:kms", key(STRANGER))), ""),
        ("PutBucketEncryption", put_key("alias/logs"), KEYED, ""),
        ("PutBucketEncryption", {"ServerSideEncryptionConfiguration": {"Rule": "odd"}}, KEYED, ""),
        (
            "PutBucketEncryption",
            {"ServerSideEncryptionConfiguration": {"Rule": {"ApplyServerSideEncryptionByDefault": "odd"}}},
            KEYED,
            "encryption",
        ),
        ("PutBucketPublicAccessBlock", {"PublicAccessBlockConfiguration": OPEN}, bucket(public_access={}), ""),
        ("DeleteBucketPublicAccessBlock", {}, bucket(public_access=OPEN), ""),
        ("DeleteBucketPublicAccessBlock", {}, bucket(public_access={**OPEN, "BlockPublicAcls": True}), "public-access"),
    ],
)
def test_taken(name: str, request_: Any, before: Bucket | None, taken: str) -> None:
    kept = baseline(before) if before else None
    found = kind.taken(record(name, {"bucketName": "trail-logs", **request_}), kept, standard())
    assert set(found) == ({f"bucket.{taken}"} if taken else set())


# ------------------------------------------------------------------------------------------- the account's switch


def test_the_account_keeps_the_settings_that_it_had() -> None:
    half = {"BlockPublicAcls": True, "IgnorePublicAcls": True}
    check = account_policy.public_access
    (drift,) = check(Account(ACCOUNT, half), standard(), Account(ACCOUNT, CLOSED))
    assert drift.wanted == CLOSED
    (drift,) = check(Account(ACCOUNT, {"RestrictPublicBuckets": True}), standard(), Account(ACCOUNT, half))
    assert drift.wanted == {**CLOSED, "BlockPublicPolicy": False}  # what came since is not switched off
    (call,) = accounts.plan(observed(Account(ACCOUNT), "arn", "account"), (drift,), standard(), None)
    assert accepted_by_botocore(call)
    assert call.params["AccountId"] == ACCOUNT


def test_what_an_account_that_never_was_closed_gives_up_is_no_baseline() -> None:
    """It never met its control, which so cannot have been lost."""
    half = {"BlockPublicAcls": True, "IgnorePublicAcls": True}
    (drift,) = account_policy.weaker(Account(ACCOUNT, half), Account(ACCOUNT, {"BlockPublicAcls": True}), standard())
    assert (drift.found, drift.wanted) == ({"BlockPublicAcls": True}, half)
    assert account_policy.weaker(Account(ACCOUNT, half), Account(ACCOUNT, CLOSED), standard()) == ()


@pytest.mark.parametrize("now", [{}, OPEN, {"BlockPublicAcls": True}, {**CLOSED, "RestrictPublicBuckets": False}])
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("mode", [Mode.OBSERVE, Mode.ENFORCE])
def test_an_account_that_never_was_closed_is_told_and_left_to_a_person(now: Any, mode: Mode, *, known: bool) -> None:
    """It may serve a website."""
    state = Account(ACCOUNT, now)
    settings = standard(modes={"account.public-access": {"restore": mode, "introduce": mode}})
    before = baseline(state, "account.public-access") if known else None
    (finding,) = judge("account", state, settings, before)
    assert finding.outcome is (Outcome.OBSERVED if mode is Mode.OBSERVE else Outcome.MANUAL)
    assert [(each.found, each.wanted) for each in finding.drifts] == [(now, CLOSED)]
    assert all(each.manual for each in finding.drifts)
    assert not list(account_policy.public_access(Account(ACCOUNT, CLOSED), settings, None))


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ({"PublicAccessBlockConfiguration": CLOSED}, CLOSED),
        (refused("NoSuchPublicAccessBlockConfiguration"), {}),
    ],
    ids=["set", "never-set"],
)
def test_the_account_is_always_there(answer: Any, found: Any) -> None:
    aws, session = fake_aws(s3control__GetPublicAccessBlock=answer)
    scope = accounts.locate(record("DeleteAccountPublicAccessBlock", None))
    (seen,) = accounts.observe(aws, scope, {}, standard())
    assert seen.state == Account(ACCOUNT, found)
    assert seen.resource.arn == f"arn:aws:s3::{ACCOUNT}:account"
    assert session.calls[0][2] == {"AccountId": ACCOUNT}
    assert accounts.list_names(aws.home, standard()) == ["s3"]
    assert accounts.revive({"account": ACCOUNT}) == Account(ACCOUNT)


@pytest.mark.parametrize(
    ("name", "request_", "before", "taken"),
    [
        ("DeleteAccountPublicAccessBlock", None, CLOSED, True),
        ("DeleteAccountPublicAccessBlock", None, {}, False),
        ("DeleteAccountPublicAccessBlock", None, None, False),
        ("PutAccountPublicAccessBlock", {"PublicAccessBlockConfiguration": OPEN}, CLOSED, True),
        ("PutAccountPublicAccessBlock", {"PublicAccessBlockConfiguration": CLOSED}, CLOSED, False),
        ("PutAccountPublicAccessBlock", {"PublicAccessBlockConfiguration": OPEN}, {}, False),
        ("PutAccountPublicAccessBlock", {"omitted": True}, CLOSED, False),
    ],
)
def test_what_an_account_lost(name: str, request_: Any, before: Any, taken: bool) -> None:  # noqa: FBT001
    kept = baseline(Account(ACCOUNT, before)) if before is not None else None
    assert bool(accounts.taken(record(name, request_), kept, standard())) is taken
