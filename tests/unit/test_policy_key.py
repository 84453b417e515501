"""What a key must be: usable where something uses it, rotating where AWS can rotate it, open to CloudTrail."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from relight.errors import UnknownState
from relight.model import Unread
from relight.policy.key import Key, available, lets_cloudtrail_encrypt, policy, rotation, strangers, weaker
from tests.unit.builders import ACCOUNT, AFTER, FRIEND, KEY_POLICY, NOON, STRANGER, TRAIL_ARN, kms_key, standard

CLOUDTRAIL = {"Service": "cloudtrail.amazonaws.com"}
ALLOW = {"Effect": "Allow", "Principal": CLOUDTRAIL, "Action": "kms:GenerateDataKey*", "Resource": "*"}


def policy_of(*statements: Any) -> str:
    return json.dumps({"Statement": list(statements)})


def root_of(account: str) -> dict[str, Any]:
    principal = {"AWS": f"arn:aws:iam::{account}:root"}
    return {"Effect": "Allow", "Principal": principal, "Action": "kms:*", "Resource": "*"}


def drifts(check: Any, key: Key, before: Key | None = None) -> list[tuple[str, Any, bool]]:
    return [(d.field, d.found, bool(d.manual)) for d in check(key, standard(), before)]


@pytest.mark.parametrize(
    ("key", "before", "found"),
    [
        pytest.param(kms_key(), None, [], id="enabled"),
        pytest.param(kms_key(state="Disabled"), None, [("KeyState", "Disabled", False)], id="disabled"),
        pytest.param(kms_key(state="PendingDeletion"), None, [("KeyState", "PendingDeletion", False)], id="going"),
        pytest.param(
            kms_key(state="PendingReplicaDeletion"), None, [("KeyState", "PendingReplicaDeletion", False)], id="last"
        ),
        pytest.param(kms_key(state="PendingImport"), None, [("KeyState", "PendingImport", True)], id="no-material"),
        pytest.param(kms_key(state="Unavailable"), None, [("KeyState", "Unavailable", True)], id="disconnected"),
        pytest.param(kms_key(state="Creating"), None, [("KeyState", "Creating", True)], id="not-ready"),
        pytest.param(kms_key(state="Disabled", used_by=()), None, [], id="nobodys"),
        pytest.param(
            kms_key(state="Disabled", used_by=()), kms_key(), [("KeyState", "Disabled", False)], id="was-used"
        ),
        pytest.param(kms_key(state="Enabled", used_by=Unread("denied")), None, [], id="enabled-whoever-uses-it"),
    ],
)
def test_available(key: Key, before: Key | None, found: list[tuple[str, Any, bool]]) -> None:
    assert drifts(available, key, before) == found


def test_whether_an_unusable_key_is_used_must_be_known() -> None:
    with pytest.raises(UnknownState, match=r"who uses key .* could not be read: denied"):
        drifts(available, kms_key(state="Disabled", used_by=Unread("denied")))


@pytest.mark.parametrize(
    ("key", "found"),
    [
        pytest.param(kms_key(), [], id="on"),
        pytest.param(kms_key(rotation=False), [("KeyRotationEnabled", False, False)], id="off"),
        pytest.param(kms_key(rotation=False, used_by=()), [("KeyRotationEnabled", False, False)], id="any-key"),
        pytest.param(kms_key(rotation=False, spec="RSA_2048"), [], id="asymmetric"),
        pytest.param(kms_key(rotation=False, spec="HMAC_256"), [], id="hmac"),
        pytest.param(kms_key(rotation=False, origin="EXTERNAL"), [], id="imported-material"),
        pytest.param(kms_key(rotation=False, origin="AWS_CLOUDHSM"), [], id="cloudhsm"),
        pytest.param(kms_key(rotation=False, origin="EXTERNAL_KEY_STORE"), [], id="external-store"),
        pytest.param(kms_key(rotation=False, replica=True), [], id="replica"),
        pytest.param(kms_key(rotation=False, state="Disabled"), [], id="disabled"),
    ],
)
def test_rotation(key: Key, found: list[tuple[str, Any, bool]]) -> None:
    assert drifts(rotation, key) == found


def test_a_rotation_that_could_not_be_read_is_unknown() -> None:
    with pytest.raises(UnknownState, match="the rotation of key"):
        drifts(rotation, kms_key(rotation=Unread("denied")))


@pytest.mark.parametrize(
    ("text", "lets"),
    [
        pytest.param(KEY_POLICY, True, id="as-aws-documents-it"),
        pytest.param(policy_of(ALLOW), True, id="alone"),
        pytest.param(policy_of({**ALLOW, "Condition": {"StringLike": {"x": "y"}}}), True, id="with-conditions"),
        pytest.param(policy_of({**ALLOW, "Action": "kms:*"}), True, id="everything"),
        pytest.param(policy_of({**ALLOW, "Action": ["kms:Decrypt", "kms:generatedatakey"]}), True, id="any-case"),
        pytest.param(policy_of({**ALLOW, "Principal": "*"}), True, id="anybody"),
        pytest.param(policy_of({**ALLOW, "Principal": {"AWS": "*"}}), True, id="anybody-of-aws"),
        pytest.param(policy_of({**ALLOW, "Action": "kms:Decrypt"}), False, id="another-action"),
        pytest.param(policy_of({**ALLOW, "Principal": {"Service": "logs.amazonaws.com"}}), False, id="another-service"),
        pytest.param(policy_of(root_of(ACCOUNT)), False, id="root-only"),
        pytest.param(policy_of(), False, id="empty"),
        pytest.param(policy_of(ALLOW, {**ALLOW, "Effect": "Deny"}), False, id="denied"),
        pytest.param(policy_of(ALLOW, {**ALLOW, "Effect": "Deny", "Action": "kms:Decrypt"}), True, id="denied-other"),
        pytest.param(json.dumps({"Statement": ALLOW}), True, id="one-statement"),
        pytest.param(json.dumps({"Statement": ["?"]}), False, id="no-statement"),
    ],
)
def test_whether_a_policy_lets_cloudtrail_encrypt(text: str, lets: bool) -> None:  # noqa: FBT001
    assert lets_cloudtrail_encrypt(text) is lets


def sourced(condition: Any, effect: str = "Allow") -> str:
    return policy_of(*[ALLOW] * (effect == "Deny"), {**ALLOW, "Effect": effect, "Condition": condition})


OTHER = TRAIL_ARN.replace("main", "other")
CONTEXT = "kms:EncryptionContext:aws:cloudtrail:arn"


@pytest.mark.parametrize(
    ("text", "trails", "lets"),
    [
        pytest.param(sourced({"StringEquals": {"aws:SourceArn": TRAIL_ARN}}), [TRAIL_ARN], True, id="its-own"),
        pytest.param(sourced({"StringEquals": {"aws:SourceArn": OTHER}}), [TRAIL_ARN], False, id="another-trails"),
        pytest.param(
            sourced({"StringEquals": {"aws:SourceArn": [TRAIL_ARN]}}), [TRAIL_ARN, OTHER], False, id="one-of-two"
        ),
        pytest.param(sourced({"StringEquals": {"aws:SourceArn": OTHER}}), [], True, id="of-none-that-is-known"),
        pytest.param(
            sourced({"StringLike": {CONTEXT: f"arn:aws:cloudtrail:*:{ACCOUNT}:trail/*"}}),
            [TRAIL_ARN],
            True,
            id="context",
        ),
        pytest.param(
            sourced({"StringLike": {CONTEXT: f"arn:aws:cloudtrail:*:{STRANGER}:trail/*"}}),
            [TRAIL_ARN],
            False,
            id="another-accounts-context",
        ),
        pytest.param(sourced({"Bool": {"aws:SecureTransport": "false"}}), [], False, id="without-tls"),
        pytest.param(sourced({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}), [], False, id="an-organisations"),
        pytest.param(sourced({"StringEquals": {"kms:ViaService": "x"}}), [TRAIL_ARN], True, id="in-doubt"),
        pytest.param(sourced({"StringEquals": {"aws:SourceArn": OTHER}}, "Deny"), [TRAIL_ARN], True, id="denied-other"),
        pytest.param(sourced({"StringLike": {CONTEXT: "*"}}, "Deny"), [TRAIL_ARN], False, id="denied-by-context"),
        pytest.param(
            policy_of(
                {**ALLOW, "Action": "kms:*"}, {"Effect": "Deny", "NotPrincipal": {"AWS": "x"}, "Action": "kms:*"}
            ),
            [],
            False,
            id="denied-to-all-but-one",
        ),
    ],
)
def test_whom_its_conditions_let_encrypt(text: str, trails: list[str], lets: bool) -> None:  # noqa: FBT001
    assert lets_cloudtrail_encrypt(text, kms_key(trails=tuple(trails))) is lets


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", policy_of(ALLOW, {**ALLOW, "Effect": "Deny", "Condition": {"Bool": {"x": "true"}}})],
    ids=["empty", "list", "broken", "conditional-deny"],
)
def test_a_policy_that_cannot_be_judged_is_unknown(text: str) -> None:
    with pytest.raises(UnknownState):
        lets_cloudtrail_encrypt(text)


def test_a_policy_that_shuts_cloudtrail_out_is_put_back_if_the_earlier_one_is_trusted() -> None:
    shut = kms_key(policy=policy_of(root_of(ACCOUNT)))
    (drift,) = policy(shut, standard(), kms_key())
    assert (drift.wanted, drift.manual) == (KEY_POLICY, "")
    (drift,) = policy(shut, standard(), kms_key(policy=policy_of(ALLOW, root_of(STRANGER))))
    assert drift.manual
    (drift,) = policy(shut, standard(), None)
    assert drift.manual
    assert not list(policy(kms_key(policy=policy_of(root_of(ACCOUNT)), used_by=("bucket b",)), standard(), None))


def test_a_policy_that_lets_another_trail_encrypt_only_is_put_back() -> None:
    now = kms_key(policy=sourced({"StringEquals": {"aws:SourceArn": OTHER}}), trails=(TRAIL_ARN,))
    (drift,) = policy(now, standard(), kms_key())
    assert (drift.wanted, drift.manual) == (KEY_POLICY, "")


def test_a_condition_that_nobody_can_judge_is_told_where_encryption_hangs_on_it_since() -> None:
    text = sourced({"StringEquals": {"kms:ViaService": "x"}})
    now = kms_key(policy=text, trails=(TRAIL_ARN,))
    (drift,) = weaker(kms_key(), now, standard())
    assert (drift.field, drift.found) == ("Allow", json.loads(text)["Statement"][0])
    assert weaker(now, now, standard()) == ()
    for unread in ("", "{", Unread("denied")):
        assert weaker(kms_key(policy=unread), now, standard()) == ()
    assert weaker(kms_key(), kms_key(policy=text), standard()) == ()


def test_an_allow_that_has_run_out_is_none() -> None:
    text = sourced({"DateLessThan": {"aws:CurrentTime": str(AFTER.date())}})
    for moment, left in ((NOON, []), (AFTER + timedelta(days=1), ["Policy"])):
        now = kms_key(policy=text, trails=(TRAIL_ARN,), looked_on=moment.date())
        assert [d.field for d in policy(now, standard(), kms_key())] == left


def test_strangers() -> None:
    text = policy_of(root_of(ACCOUNT), root_of(FRIEND), root_of(STRANGER), {**ALLOW, "Principal": "*"})
    settings = standard(trusted_accounts=frozenset({FRIEND}))
    assert strangers(text, ACCOUNT, settings) == {f"arn:aws:iam::{STRANGER}:root", "*"}


def test_a_longer_period_is_weaker() -> None:
    assert [d.field for d in weaker(kms_key(rotation_days=90), kms_key(), standard())] == ["RotationPeriodInDays"]
    assert weaker(kms_key(), kms_key(rotation_days=90), standard()) == ()
    assert weaker(kms_key(rotation=False), kms_key(), standard()) == ()
