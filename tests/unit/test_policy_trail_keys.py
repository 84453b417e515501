"""Which KMS keys may encrypt a trail, and which one is put (back) on it."""

from __future__ import annotations

from typing import Any

import pytest

from relight.errors import UnknownState
from relight.model import Drift, Unread
from relight.policy import CONTROLS
from relight.policy.trail import Trail, key_candidates, usable_key
from tests.unit.builders import FRIEND, REGION, STRANGER, key, standard, trail


def drifts(state: Trail, before: Trail | None = None, **settings: Any) -> list[Drift]:
    return list(CONTROLS["trail.kms-encryption"].check(state, standard(**settings), before))


DENIED = Unread("kms:DescribeKey: AccessDenied")
OTHER, FRIENDS, STRANGERS = key(name="other"), key(FRIEND, "siem"), key(STRANGER, "theirs")
BOTH_ENABLED = {key(): "Enabled", OTHER: "Enabled"}


@pytest.mark.parametrize(
    ("changes", "before"),
    [
        pytest.param({}, None, id="the-standard's"),
        pytest.param({"kms_key": OTHER, "key_states": {OTHER: "Enabled"}}, None, id="another-of-the-account"),
        pytest.param({"kms_key": FRIENDS, "key_states": {FRIENDS: "Enabled"}}, None, id="trusted-account's"),
        pytest.param({"kms_key": FRIENDS, "key_states": {}}, None, id="trusted-account's-not-looked-up"),
        pytest.param(
            {"kms_key": FRIENDS, "key_states": {FRIENDS: DENIED}},
            None,
            id="trusted-account's-unreadable",
        ),
        pytest.param(
            {"kms_key": OTHER, "key_states": {OTHER: "Enabled"}}, trail(), id="not-the-baseline's-but-enabled"
        ),
    ],
)
def test_a_key_that_will_do(changes: dict[str, Any], before: Trail | None) -> None:
    assert not drifts(trail(**changes), before, trusted_accounts=frozenset({FRIEND}))


@pytest.mark.parametrize(
    ("changes", "before", "found", "wanted"),
    [
        pytest.param({"kms_key": ""}, None, "", key(), id="none-and-no-baseline"),
        pytest.param(
            {"kms_key": "", "key_states": BOTH_ENABLED}, trail(kms_key=OTHER), "", OTHER, id="none-baseline's"
        ),
        pytest.param(
            {"kms_key": "", "key_states": {OTHER: "Disabled", key(): "Enabled"}},
            trail(kms_key=OTHER),
            "",
            key(),
            id="baseline's-is-disabled",
        ),
        pytest.param({"kms_key": ""}, trail(kms_key=STRANGERS), "", key(), id="baseline's-is-no-longer-trusted"),
        pytest.param(
            {"kms_key": STRANGERS},
            None,
            f"{STRANGERS} (of an account that the standard does not trust)",
            key(),
            id="untrusted-account's",
        ),
        pytest.param(
            {"kms_key": OTHER, "key_states": {OTHER: "Disabled", key(): "Enabled"}},
            None,
            f"{OTHER} (Disabled)",
            key(),
            id="disabled",
        ),
        pytest.param(
            {"kms_key": OTHER, "key_states": {OTHER: "PendingDeletion", key(): "Enabled"}},
            None,
            f"{OTHER} (PendingDeletion)",
            key(),
            id="pending-deletion",
        ),
        pytest.param(
            {"kms_key": OTHER, "key_states": {OTHER: "NotFound", key(): "Enabled"}},
            None,
            f"{OTHER} (NotFound)",
            key(),
            id="not-found",
        ),
    ],
)
def test_a_key_that_is_replaced(changes: dict[str, Any], before: Trail | None, found: str, wanted: str) -> None:
    assert drifts(trail(**changes), before) == [Drift("KmsKeyId", found=found, wanted=wanted)]


def test_a_trusted_accounts_key_that_is_known_to_be_disabled_is_replaced() -> None:
    state = trail(kms_key=FRIENDS, key_states={FRIENDS: "Disabled", key(): "Enabled"})
    (drift,) = drifts(state, trusted_accounts=frozenset({FRIEND}))
    assert (drift.found, drift.wanted) == (f"{FRIENDS} (Disabled)", key())


@pytest.mark.parametrize(
    ("changes", "settings", "wanted", "advice"),
    [
        pytest.param(
            {"kms_key": ""},
            {"trail_keys": {}},
            "",
            f"No key is known for {REGION}: give the stack one, or add it to trail_keys in standard.toml.",
            id="none-known",
        ),
        pytest.param(
            {"kms_key": "", "key_states": {key(): "Disabled"}},
            {},
            key(),
            f"No usable key: {key()} is Disabled. Enable it, or give the stack another one (parameter TrailKeyArn).",
            id="the-only-one-is-disabled",
        ),
        pytest.param(
            {"kms_key": ""},
            {"trail_keys": {REGION: STRANGERS}},
            STRANGERS,
            f"No usable key: {STRANGERS} is of an account that the standard does not trust. Enable it, or give the "
            "stack another one (parameter TrailKeyArn).",
            id="the-standard's-own-is-not-trusted",
        ),
        pytest.param(
            {"kms_key": ""},
            {"trail_keys": {"eu-west-1": key(region="eu-west-1")}},
            "",
            f"No key is known for {REGION}: give the stack one, or add it to trail_keys in standard.toml.",
            id="only-another-region's",
        ),
    ],
)
def test_a_key_that_needs_a_person(changes: dict[str, Any], settings: dict[str, Any], wanted: str, advice: str) -> None:
    expected = Drift("KmsKeyId", found="", wanted=wanted, manual=advice)
    assert drifts(trail(**changes), **settings) == [expected]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"key_states": {key(): DENIED}}, id="present"),
        pytest.param({"key_states": {}}, id="never-looked-up"),
        pytest.param({"kms_key": "", "key_states": {key(): DENIED}}, id="the-candidate"),
    ],
)
def test_a_key_of_the_account_that_cannot_be_read_is_unknown(changes: dict[str, Any]) -> None:
    with pytest.raises(UnknownState, match="could not be read"):
        drifts(trail(**changes))


def test_candidates_are_the_baselines_then_the_standards_without_repeats() -> None:
    assert key_candidates(trail(), standard(), trail(kms_key=OTHER)) == (OTHER, key())
    assert key_candidates(trail(), standard(), trail()) == (key(),)
    assert key_candidates(trail(), standard(), trail(kms_key="")) == (key(),)
    assert key_candidates(trail(), standard(trail_keys={}), None) == ()


@pytest.mark.parametrize(("bucket_region", "wanted"), [("", "us"), ("us-east-1", "us"), ("eu-west-1", "eu")])
def test_the_standards_key_is_that_of_the_buckets_region(bucket_region: str, wanted: str) -> None:
    keys = {"us": key(), "eu": key(region="eu-west-1")}
    settings = standard(trail_keys={"us-east-1": keys["us"], "eu-west-1": keys["eu"]})
    assert key_candidates(trail(bucket_region=bucket_region), settings, None) == (keys[wanted],)


def test_a_key_that_is_missing_is_missing_in_the_buckets_region() -> None:
    (drift,) = drifts(trail(kms_key="", bucket_region="eu-west-1"))
    assert drift.manual.startswith("No key is known for eu-west-1:")


@pytest.mark.parametrize("text", ["alias/mine", "1234abcd-12ab", "", "arn:aws:kms::"])
def test_a_key_without_an_account_is_trusted_by_nobody(text: str) -> None:
    assert not usable_key(trail(key_states={text: "Enabled"}), text, standard())
