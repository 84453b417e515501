"""No lifecycle rule expires log files too early, and no other rule is touched."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.errors import UnknownState
from relight.model import Unread
from relight.policy.lifecycle import early, mended, reaches, retention, shorter
from tests.unit.builders import TRAIL_ARN, bucket, expires, standard

LOGS = ("AWSLogs/",)
PREFIXES = st.sampled_from(["", "AWS", "AWSLogs/", "AWSLogs/123/", "tmp/", "other"])
NUMBERS = st.integers(1, 800)
EXPIRATIONS = st.one_of(
    st.none(),
    st.builds(lambda n: {"Days": n}, NUMBERS),
    st.just({"Date": "2026-01-01T00:00:00+00:00"}),
    st.just({"ExpiredObjectDeleteMarker": True}),
)


def rule(prefix: str, expiration: Any, old: int | None, status: str, shape: int, number: int) -> dict[str, Any]:
    where: list[dict[str, Any]] = [
        {"Prefix": prefix},
        {"Filter": {"Prefix": prefix}},
        {"Filter": {"And": {"Prefix": prefix, "Tags": []}}},
    ]
    built = {"ID": f"r{number}", "Status": status, **where[shape]}
    built |= {"Expiration": expiration} if expiration else {}
    return built | ({"NoncurrentVersionExpiration": {"NoncurrentDays": old}} if old else {})


RULES = st.lists(
    st.builds(
        rule,
        PREFIXES,
        EXPIRATIONS,
        st.none() | NUMBERS,
        st.sampled_from(["Enabled", "Disabled"]),
        st.integers(0, 2),
        st.integers(0, 4),
    ),
    max_size=5,
)


@given(RULES, RULES, st.sampled_from([(), LOGS, ("logs/AWSLogs/",)]))
def test_afterwards_nothing_expires_early_and_all_else_is_as_it_was(
    rules: list[Any], before: list[Any], prefixes: tuple[str, ...]
) -> None:
    result = mended(rules, before, prefixes, 365)
    assert [each.get("ID") for each in result] == [each.get("ID") for each in rules]
    for old, new in zip(rules, result, strict=True):
        if early(old, prefixes, 365, before):
            assert not early(new, prefixes, 365, before)
        else:
            assert new == old
    if not before:
        assert mended(result, before, prefixes, 365) == result


@pytest.mark.parametrize(
    ("now", "before", "wanted"),
    [
        pytest.param((), None, None, id="none"),
        pytest.param((expires(365),), None, None, id="long-enough"),
        pytest.param((expires(1),), None, (expires(365),), id="a-day"),
        pytest.param((expires(1),), (expires(731),), (expires(731),), id="as-it-was"),
        pytest.param((expires(1),), (expires(7),), (expires(365),), id="was-short-too"),
        pytest.param((expires(1, Status="Disabled"),), None, None, id="disabled"),
        pytest.param((expires(1, Filter={"Prefix": "tmp/"}),), None, None, id="elsewhere"),
        pytest.param((), (expires(731),), (expires(731),), id="deleted"),
        pytest.param((), (expires(7),), None, id="deleted-and-good-riddance"),
        pytest.param(
            (expires(400, NoncurrentVersionExpiration={"NoncurrentDays": 1}),),
            (expires(400, NoncurrentVersionExpiration={"NoncurrentDays": 30}),),
            (expires(400, NoncurrentVersionExpiration={"NoncurrentDays": 30}),),
            id="old-versions",
        ),
        pytest.param((expires(400, NoncurrentVersionExpiration={"NoncurrentDays": 1}),), None, None, id="always-so"),
    ],
)
def test_retention(now: Any, before: Any, wanted: Any) -> None:
    state = bucket(lifecycle=now, trails=(("", TRAIL_ARN),))
    drifts = list(retention(state, standard(), bucket(lifecycle=before) if before else None))
    assert [tuple(drift.wanted) for drift in drifts] == ([wanted] if wanted else [])


VERSIONS = {
    "ID": "n",
    "Status": "Enabled",
    "Filter": {"Prefix": ""},
    "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
}
SCRATCH = {**VERSIONS, "ID": "t", "Filter": {"Prefix": "tmp/"}}


@pytest.mark.parametrize("before", [(), (SCRATCH,)], ids=["no-rules", "elsewhere-only"])
def test_old_versions_that_were_kept_for_good_are_not_given_up(before: Any) -> None:
    now = bucket(lifecycle=(VERSIONS, *before), trails=(("", TRAIL_ARN),))
    (drift,) = retention(now, standard(), bucket(lifecycle=before))
    assert drift.wanted == [{**VERSIONS, "NoncurrentVersionExpiration": {"NoncurrentDays": 365}}, *before]
    assert not list(retention(now, standard(), None))


@pytest.mark.parametrize(
    ("was", "now", "told"),
    [
        pytest.param((expires(3650),), (expires(365),), True, id="ten-years-to-one"),
        pytest.param((), (expires(400),), True, id="for-good-to-a-year"),
        pytest.param((), (VERSIONS,), True, id="old-versions"),
        pytest.param((expires(365),), (), False, id="longer"),
        pytest.param((), (SCRATCH,), False, id="elsewhere"),
        pytest.param(Unread("denied"), (VERSIONS,), False, id="unread"),
    ],
)
def test_a_retention_that_is_shorter_than_it_was_is_told(was: Any, now: Any, told: bool) -> None:  # noqa: FBT001
    new = bucket(lifecycle=now, trails=(("", TRAIL_ARN),))
    assert [drift.field for drift in shorter(bucket(lifecycle=was), new)] == (["Rules"] if told else [])


def test_what_reaches_log_files() -> None:
    assert reaches({"Filter": {"Prefix": "AWSLogs/1/"}}, LOGS)
    assert reaches({}, LOGS)
    assert not reaches({"Prefix": "tmp"}, LOGS)
    assert reaches({"Prefix": "tmp"}, ())


def test_unread_is_unknown() -> None:
    with pytest.raises(UnknownState):
        list(retention(bucket(lifecycle=Unread("denied")), standard(), None))
