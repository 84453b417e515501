"""What access logging of a trail's bucket must be."""

from __future__ import annotations

from typing import Any

import pytest

from relight.model import Drift
from relight.policy import CONTROLS
from relight.policy.bucket import Bucket, weaker
from tests.unit.builders import REGION, bucket, standard

CHECK = CONTROLS["bucket.access-logging"].check
OURS = {"TargetBucket": "access-logs", "TargetPrefix": "trail-logs/"}
OFF = bucket()
TO_OURS = bucket("access-logs")
TO_OLD = bucket("old-logs", logging={"TargetBucket": "old-logs", "TargetPrefix": "x/", "TargetObjectKeyFormat": {}})
TO_EVIL = bucket("evil")
TO_ITSELF = bucket("trail-logs")
NO_TARGET = {"access_log_buckets": {"eu-west-1": "elsewhere"}}
NONE_KNOWN = f"No target is known for {REGION}: add one to access_log_buckets in standard.toml."


@pytest.mark.parametrize(
    ("state", "before"),
    [
        pytest.param(TO_OURS, None, id="standard's-target"),
        pytest.param(TO_EVIL, None, id="any-target-where-none-was-before"),
        pytest.param(TO_EVIL, OFF, id="any-target-where-it-was-off-before"),
        pytest.param(TO_OLD, TO_OLD, id="baseline's-target"),
        pytest.param(TO_OURS, TO_OLD, id="moved-to-the-standard's"),
    ],
)
def test_compliant(state: Bucket, before: Bucket | None) -> None:
    assert not list(CHECK(state, standard(), before))


@pytest.mark.parametrize(
    ("state", "before", "settings", "wanted", "manual"),
    [
        pytest.param(OFF, None, {}, OURS, "", id="off"),
        pytest.param(OFF, OFF, {}, OURS, "", id="always-was-off"),
        pytest.param(OFF, TO_OLD, {}, TO_OLD.logging, "", id="off-baseline's-is-put-back-whole"),
        pytest.param(OFF, TO_OLD, NO_TARGET, TO_OLD.logging, "", id="baseline's-needs-no-standard"),
        pytest.param(TO_EVIL, TO_OLD, {}, TO_OLD.logging, "", id="redirected"),
        pytest.param(TO_ITSELF, None, {}, OURS, "", id="to-itself"),
        pytest.param(TO_ITSELF, TO_ITSELF, {}, OURS, "", id="to-itself-as-ever"),
        pytest.param(TO_EVIL, TO_ITSELF, {}, OURS, "", id="from-itself-to-elsewhere"),
        pytest.param(OFF, None, NO_TARGET, {}, NONE_KNOWN, id="no-target-known"),
        pytest.param(
            OFF,
            None,
            {"access_log_buckets": {REGION: "trail-logs"}},
            {},
            "It is itself the target of access logs, which may not be logged to itself: name another target.",
            id="it-is-the-target",
        ),
    ],
)
def test_drifted(
    state: Bucket, before: Bucket | None, settings: dict[str, Any], wanted: dict[str, Any], manual: str
) -> None:
    assert list(CHECK(state, standard(**settings), before)) == [
        Drift("LoggingEnabled", found=state.logging, wanted=wanted, manual=manual)
    ]


@pytest.mark.parametrize(
    ("old", "new", "moved"),
    [
        pytest.param(TO_OLD, TO_OLD, False, id="same"),
        pytest.param(OFF, TO_OURS, False, id="gained"),
        pytest.param(TO_OLD, TO_OURS, True, id="another-target"),
        pytest.param(TO_OURS, bucket("access-logs", logging=OURS | {"TargetPrefix": "y"}), True, id="another-prefix"),
        pytest.param(TO_OURS, OFF, True, id="off"),
    ],
)
def test_weaker(old: Bucket, new: Bucket, *, moved: bool) -> None:
    expected = (Drift("LoggingEnabled", found=new.logging, wanted=old.logging),) if moved else ()
    assert weaker(old, new, standard()) == expected
