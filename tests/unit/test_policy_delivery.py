"""Where a trail's events go: every case that is met, drifted, unknown or somebody else's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from relight.errors import OutOfReach, UnknownState
from relight.model import Drift, Unread
from relight.policy import CONTROLS, judge
from relight.policy.trail import Trail, weaker
from tests.unit.builders import ACCOUNT, REGION, STRANGER, TRAIL_GROUP, TRAIL_ROLE, baseline, standard, trail

Filter = Mapping[str, Any]
OTHER_GROUP = TRAIL_GROUP.replace("trail-events", "other")
OWN_GROUP = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/relight/trails/main:*"
MINE = {"logGroupName": "trail-events", "filterName": "siem", "filterPattern": "", "destinationArn": "arn:aws:lambda:x"}
THEIRS = MINE | {"filterName": "evil"}
BENT = MINE | {"destinationArn": f"arn:aws:logs:{REGION}:{STRANGER}:destination:evil"}
HANDS_ON = trail(subscription_filters=(MINE,))


def drifts(control: str, state: Trail | None, before: Trail | None = None, **settings: Any) -> list[Drift]:
    return list(CONTROLS[control].check(state, standard(**settings), before))


@pytest.mark.parametrize(
    ("changes", "before", "trusted", "fields"),
    [
        pytest.param({}, None, (), [], id="no-baseline"),
        pytest.param({"bucket": "evil"}, None, (), [], id="nobody-knows-better"),
        pytest.param({"bucket": "evil"}, {"bucket": ""}, (), [], id="a-baseline-without-bucket"),
        pytest.param({}, {}, (), [], id="where-it-was"),
        pytest.param({"bucket": "evil"}, {}, (), ["S3BucketName"], id="bucket"),
        pytest.param({"prefix": "q"}, {}, (), ["S3KeyPrefix"], id="first-prefix"),
        pytest.param({"prefix": ""}, {"prefix": "p"}, (), ["S3KeyPrefix"], id="prefix-dropped"),
        pytest.param({"bucket": "evil", "prefix": "q"}, {}, (), ["S3BucketName", "S3KeyPrefix"], id="both"),
        pytest.param({"bucket": "archive", "prefix": "q"}, {}, ("archive",), [], id="trusted"),
        pytest.param({"prefix": "q"}, {}, ("trail-logs",), [], id="a-prefix-in-a-trusted-bucket"),
        pytest.param({"bucket": "evil"}, {}, ("trail-logs",), ["S3BucketName"], id="away-from-a-trusted-one"),
    ],
)
def test_destination(
    changes: dict[str, Any], before: dict[str, Any] | None, trusted: tuple[str, ...], fields: list[str]
) -> None:
    known = None if before is None else trail(**before)
    found = drifts("trail.destination", trail(**changes), known, trusted_buckets=frozenset(trusted))
    assert [drift.field for drift in found] == fields


UNSET = {"log_group": "", "log_group_role": ""}
GROUP, ROLE, NAME, FILTERS = "CloudWatchLogsLogGroupArn", "CloudWatchLogsRoleArn", "LogGroupName", "SubscriptionFilters"


@pytest.mark.parametrize(
    ("state", "before", "wanted"),
    [
        pytest.param(trail(), None, {}, id="set"),
        pytest.param(trail(log_group=OTHER_GROUP), trail(), {}, id="another-group-complies"),
        pytest.param(trail(**UNSET), None, {GROUP: OWN_GROUP, ROLE: TRAIL_ROLE}, id="never-was"),
        pytest.param(trail(**UNSET), trail(**UNSET), {GROUP: OWN_GROUP, ROLE: TRAIL_ROLE}, id="the-baseline-had-none"),
        pytest.param(
            trail(**UNSET),
            trail(log_group=OTHER_GROUP, log_group_role="r"),
            {GROUP: OTHER_GROUP, ROLE: "r"},
            id="the-baseline's",
        ),
        pytest.param(trail(log_group_role=""), None, {GROUP: OWN_GROUP, ROLE: TRAIL_ROLE}, id="no-role"),
        pytest.param(trail(log_group_exists=False), None, {NAME: "trail-events"}, id="group-gone"),
        pytest.param(
            trail(log_group_exists=False),
            HANDS_ON,
            {NAME: "trail-events", FILTERS: [MINE]},
            id="group-gone-and-its-filter-with-it",
        ),
        pytest.param(trail(**UNSET), HANDS_ON, {GROUP: TRAIL_GROUP, ROLE: TRAIL_ROLE, FILTERS: [MINE]}, id="all-three"),
        pytest.param(trail(), HANDS_ON, {FILTERS: [MINE]}, id="filter-gone"),
        pytest.param(
            trail(subscription_filters=(MINE | {"filterPattern": "x"},)), HANDS_ON, {FILTERS: [MINE]}, id="bent"
        ),
        pytest.param(trail(subscription_filters=(THEIRS, MINE)), HANDS_ON, {}, id="one-more-is-none-of-its-business"),
        pytest.param(trail(log_group=OTHER_GROUP), HANDS_ON, {}, id="another-group-has-filters-of-its-own"),
    ],
)
def test_cloudwatch_logs(state: Trail, before: Trail | None, wanted: dict[str, Any]) -> None:
    found = drifts("trail.cloudwatch-logs", state, before)
    assert {drift.field: drift.wanted for drift in found} == wanted
    assert not any(drift.manual for drift in found)


@pytest.mark.parametrize("state", [trail(**UNSET), trail(log_group_exists=False), trail(log_group_exists=Unread("no"))])
def test_a_siem_needs_no_log_group(state: Trail) -> None:
    assert drifts("trail.cloudwatch-logs", state, HANDS_ON, trail_reader="siem") == []


def test_without_a_role_a_person_must_give_one() -> None:
    found = drifts("trail.cloudwatch-logs", trail(**UNSET), trail_logs_role="")
    advice = "No role for delivery is known: give the stack one (parameter TrailLogsRoleArn)."
    assert [drift.manual for drift in found] == [advice, advice]
    assert not any(
        drift.manual for drift in drifts("trail.cloudwatch-logs", trail(**UNSET), trail(), trail_logs_role="")
    )


def test_a_log_group_that_could_not_be_read_is_unknown_or_another_accounts() -> None:
    with pytest.raises(UnknownState, match="denied"):
        drifts("trail.cloudwatch-logs", trail(log_group_exists=Unread("denied")))
    with pytest.raises(OutOfReach, match="theirs"):
        drifts("trail.cloudwatch-logs", trail(log_group_exists=Unread("theirs", foreign=True)))


LOST, ONE_MORE = Drift(FILTERS, found=[], wanted=[MINE]), Drift("SubscriptionFilter", found=THEIRS, wanted="")


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        pytest.param((MINE,), (MINE,), (), id="as-before"),
        pytest.param((MINE,), (), (LOST,), id="one-less"),
        pytest.param((MINE,), (THEIRS, MINE), (ONE_MORE,), id="one-more"),
        pytest.param((), (THEIRS,), (ONE_MORE,), id="the-first-one"),
        pytest.param((MINE,), (THEIRS,), (replace(LOST, found=[THEIRS]), ONE_MORE), id="one-for-another"),
        pytest.param((MINE,), (BENT,), (replace(LOST, found=[BENT]),), id="one-that-leads-elsewhere"),
    ],
)
def test_a_filter_less_is_weaker_and_one_more_hands_events_on(
    before: tuple[Filter, ...], now: tuple[Filter, ...], told: tuple[Drift, ...]
) -> None:
    """Put back later, when its owner has taken it away, it would hand on what an intruder led it to."""
    found = weaker(trail(subscription_filters=before), trail(subscription_filters=now), standard())
    assert found == told


def test_a_trail_that_is_gone_is_wanted_back_only_where_a_baseline_tells_how_it_was() -> None:
    (finding,) = judge("trail", None, standard(), baseline(trail(), "trail.exists"))
    assert finding.control == "trail.exists"
    assert finding.drifts == (Drift("Exists", found=False, wanted=True),)
    assert judge("trail", None, standard()) == ()


def test_a_trail_whose_tags_are_unknown_is_no_baseline() -> None:
    """It could not be made again as it was."""
    assert drifts("trail.exists", trail(tags={"owner": "audit"})) == []
    with pytest.raises(UnknownState, match="tags could not be read: denied"):
        drifts("trail.exists", trail(tags=Unread("denied")))
