"""What AWS shows of trails, of the others that cover the account, and of their keys."""

from __future__ import annotations

from typing import Any

import pytest

from relight.errors import AwsError
from relight.model import Observed, Scope, Unread
from relight.policy.trail import Trail
from relight.resources import trail as kind
from tests.unit.builders import (
    ACCOUNT,
    REGION,
    STRANGER,
    TRAIL_ARN,
    TRAIL_GROUP,
    key,
    resource,
    standard,
    trail,
)
from tests.unit.fakes import Answer, fake_aws, refused
from tests.unit.trails import ALL_EVENTS, LOGS, listed, look


@pytest.mark.parametrize("name", ["main", TRAIL_ARN])
def test_observe_by_name_or_arn(name: str) -> None:
    seen, calls = look(listed(), names=(name,))
    assert seen == [Observed(resource(), trail())]
    assert seen[0].state is not None
    assert seen[0].state.key_states == {key(): "Enabled"}
    assert calls == [
        "cloudtrail:DescribeTrails",
        "cloudtrail:GetTrailStatus",
        "cloudtrail:GetEventSelectors",
        "cloudtrail:GetInsightSelectors",
        "cloudtrail:ListTags",
        "logs:DescribeSubscriptionFilters",
        "kms:DescribeKey",
    ]


def test_the_trails_of_other_regions_and_of_the_organisation_are_listed_too() -> None:
    aws, session = fake_aws(cloudtrail__DescribeTrails={"trailList": []})
    list(kind.observe(aws, Scope(ACCOUNT, REGION, ("main",)), {}, standard()))
    assert session.calls == [(REGION, "cloudtrail:DescribeTrails", {"includeShadowTrails": True})]


def test_the_names_of_the_trails_that_are_at_home_here() -> None:
    """An organisation's trail too, once: it may cover the account, so nobody can say that none does."""
    organisations = f"arn:aws:cloudtrail:{REGION}:{STRANGER}:trail/all"
    shadow = listed(TrailARN=f"{TRAIL_ARN}-2", HomeRegion="eu-west-1")
    aws, _ = fake_aws(
        cloudtrail__DescribeTrails={"trailList": [listed(), shadow, listed(TrailARN=organisations)]},
    )
    assert kind.list_names(aws.home, standard()) == [TRAIL_ARN, organisations]


def test_observe_reads_every_field() -> None:
    shown = listed(
        S3KeyPrefix="p",
        CloudWatchLogsLogGroupArn=TRAIL_GROUP,
        CloudWatchLogsRoleArn="r",
        SnsTopicARN="t",
        KmsKeyId=None,
        IsMultiRegionTrail=False,
        IncludeGlobalServiceEvents=False,
        LogFileValidationEnabled=False,
        IsOrganizationTrail=True,
    )
    ((seen,), _) = look(shown, cloudtrail__GetTrailStatus={"IsLogging": False})
    assert seen.state is not None
    assert seen.state.bucket_region == "eu-west-1"
    assert seen.state == Trail(
        ACCOUNT,
        REGION,
        logging=False,
        log_file_validation=False,
        multi_region=False,
        global_events=False,
        bucket="trail-logs",
        prefix="p",
        log_group=TRAIL_GROUP,
        log_group_role="r",
        sns_topic="t",
        event_selectors=tuple(ALL_EVENTS["EventSelectors"]),
        organization=True,
    )


def test_observe_what_is_gone() -> None:
    assert look(listed(), names=("other",))[0][0].state is None
    gone = look(listed(), cloudtrail__GetTrailStatus=refused("TrailNotFoundException"))[0]
    assert gone == [Observed(resource(), None)]


def test_an_organisations_trail_is_out_of_reach() -> None:
    theirs = TRAIL_ARN.replace(ACCOUNT, STRANGER)
    (seen,), calls = look(listed(TrailARN=theirs), names=(theirs,))
    assert seen.state is None
    assert seen.out_of_reach == f"it is an organisation trail of account {STRANGER}, and only changed there"
    assert calls == ["cloudtrail:DescribeTrails"]


@pytest.mark.parametrize("operation", ["cloudtrail__DescribeTrails", "cloudtrail__GetTrailStatus"])
def test_a_refused_read_is_raised(operation: str) -> None:
    denied: dict[str, Any] = {operation: refused("AccessDenied")}
    with pytest.raises(AwsError, match="AccessDenied"):
        look(listed(), **denied)


FRANKFURT = f"arn:aws:cloudtrail:eu-central-1:{ACCOUNT}:trail/wide"
ELSEWHERE = listed(Name="wide", TrailARN=FRANKFURT, HomeRegion="eu-central-1")
NARROW = listed(IsMultiRegionTrail=False)


def by_region(own: Any, other: Any) -> Answer:
    """An answer of the trail's own Region and another one of the wide trail's home."""

    def answer(region: str, **_params: Any) -> Any:
        found = own if region == REGION else other
        if isinstance(found, Exception):
            raise found
        return found

    return answer


ORGANISATIONS = ELSEWHERE | {"TrailARN": FRANKFURT.replace(ACCOUNT, STRANGER)}


@pytest.mark.parametrize(
    ("others", "status", "selectors", "covered"),
    [
        pytest.param([], LOGS, ALL_EVENTS, False, id="alone"),
        pytest.param([ELSEWHERE], LOGS, ALL_EVENTS, True, id="another-covers"),
        pytest.param([ORGANISATIONS], LOGS, ALL_EVENTS, True, id="the-organisation's-covers"),
        pytest.param([ELSEWHERE | {"IsMultiRegionTrail": False}], LOGS, ALL_EVENTS, False, id="another-is-narrow"),
        pytest.param([ELSEWHERE], {"IsLogging": False}, ALL_EVENTS, False, id="another-is-stopped"),
        pytest.param([ELSEWHERE], LOGS, {"EventSelectors": []}, False, id="another-logs-too-little"),
    ],
)
def test_coverage(others: list[Any], status: Any, selectors: Any, *, covered: bool) -> None:
    (seen,), _ = look(
        NARROW,
        *others,
        cloudtrail__GetTrailStatus=by_region(LOGS, status),
        cloudtrail__GetEventSelectors=selectors,
    )
    assert seen.state is not None
    assert seen.state.covered is covered


def test_a_multi_region_trail_need_not_be_covered() -> None:
    (seen,), calls = look(listed(), ELSEWHERE)
    assert seen.state is not None
    assert seen.state.covered is False
    assert calls.count("cloudtrail:GetTrailStatus") == 1


NO_STATUS = "cloudtrail:GetTrailStatus: AccessDenied: no"


@pytest.mark.parametrize(
    ("other", "status", "selectors", "why", "foreign"),
    [
        pytest.param(ELSEWHERE, refused("AccessDenied"), ALL_EVENTS, NO_STATUS, False, id="status"),
        pytest.param(
            ELSEWHERE, LOGS, refused("Throttled"), "cloudtrail:GetEventSelectors: Throttled: no", False, id="selectors"
        ),
        pytest.param(ORGANISATIONS, refused("AccessDenied"), ALL_EVENTS, NO_STATUS, True, id="the-organisation's"),
        pytest.param(
            ORGANISATIONS,
            refused("Throttled"),
            ALL_EVENTS,
            "cloudtrail:GetTrailStatus: Throttled: no",
            False,
            id="the-organisation's-throttled",
        ),
    ],
)
def test_coverage_that_cannot_be_read(
    other: dict[str, Any], status: Any, selectors: Any, why: str, *, foreign: bool
) -> None:
    (seen,), _ = look(
        NARROW, other, cloudtrail__GetTrailStatus=by_region(LOGS, status), cloudtrail__GetEventSelectors=selectors
    )
    assert seen.state is not None
    assert seen.state.covered == Unread(f"{other['TrailARN']}: {why}", foreign=foreign)


def test_one_that_covers_too_little_does_not_hide_one_that_cannot_be_read() -> None:
    second = ELSEWHERE | {"TrailARN": FRANKFURT + "-2"}

    def status(region: str, Name: str) -> Any:  # noqa: N803  AWS's spelling
        if Name == FRANKFURT:
            raise refused("AccessDenied")
        return {"IsLogging": region == REGION}

    (seen,), _ = look(NARROW, ELSEWHERE, second, cloudtrail__GetTrailStatus=status)
    assert seen.state is not None
    assert isinstance(seen.state.covered, Unread)


def test_one_unreadable_trail_does_not_hide_another_that_covers() -> None:
    hidden = ELSEWHERE | {"TrailARN": FRANKFURT + "-2"}

    def status(_region: str, Name: str) -> Any:  # noqa: N803  AWS's spelling
        if Name == hidden["TrailARN"]:
            raise refused("AccessDenied")
        return LOGS

    (seen,), _ = look(NARROW, hidden, ELSEWHERE, cloudtrail__GetTrailStatus=status)
    assert seen.state is not None
    assert seen.state.covered is True


INSIGHTS = {"InsightSelectors": [{"InsightType": "ApiCallRateInsight"}]}


def test_selectors_are_read_as_they_are_shown() -> None:
    advanced = {"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}
    ((seen,), _) = look(
        listed(),
        cloudtrail__GetEventSelectors={"AdvancedEventSelectors": [advanced]},
        cloudtrail__GetInsightSelectors=INSIGHTS,
    )
    assert seen.state is not None
    assert (seen.state.event_selectors, seen.state.advanced_event_selectors) == ((), (advanced,))
    assert seen.state.insight_selectors == tuple(INSIGHTS["InsightSelectors"])


@pytest.mark.parametrize("code", ["InsightNotEnabledException", "UnsupportedOperationException"])
def test_a_trail_without_insights_has_none(code: str) -> None:
    ((seen,), _) = look(listed(), cloudtrail__GetInsightSelectors=refused(code))
    assert seen.state is not None
    assert seen.state.insight_selectors == ()


def test_selectors_that_cannot_be_read_are_unknown_and_hide_nothing_else() -> None:
    ((seen,), _) = look(
        listed(),
        cloudtrail__GetEventSelectors=refused("AccessDenied"),
        cloudtrail__GetInsightSelectors=refused("Throttled"),
    )
    unread = Unread("cloudtrail:GetEventSelectors: AccessDenied: no")
    assert seen.state == trail(
        event_selectors=unread,
        advanced_event_selectors=unread,
        insight_selectors=Unread("cloudtrail:GetInsightSelectors: Throttled: no"),
    )
