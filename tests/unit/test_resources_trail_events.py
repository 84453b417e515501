"""Which events a trail logs: read, taken away in records, and put in one call."""

from __future__ import annotations

from typing import Any

import pytest

from relight.model import Call, Drift, Unread
from relight.policy import CONTROLS
from relight.policy.selectors import (
    ALL_MANAGEMENT_EVENTS,
    DATA,
    MANAGEMENT,
    NETWORK,
    denied_at_endpoints,
    part_of,
    s3_objects,
)
from relight.policy.trail import Trail
from relight.policy.trail_events import FIELDS
from relight.resources import trail as kind
from relight.resources.trail_events import BLIND
from tests.unit.builders import (
    ACCOUNT,
    AFTER,
    ENOUGH_EVENTS,
    REGION,
    STRANGER,
    TRAIL_ARN,
    accepted_by_botocore,
    baseline,
    observed,
    record,
    standard,
    trail,
)
from tests.unit.fakes import refused
from tests.unit.trails import ALL_EVENTS, LOGS, listed, look

OWN = s3_objects(["arn:aws:s3:::trail-logs/"])
DENIED_CALLS = denied_at_endpoints("s3.amazonaws.com")
WHOLE = (ALL_MANAGEMENT_EVENTS, OWN, DENIED_CALLS)
RATE = {"InsightType": "ApiCallRateInsight"}
DEAF = trail(event_selectors=(ENOUGH_EVENTS | {"IncludeManagementEvents": False, "DataResources": []},))
ADVANCED = trail(event_selectors=(), advanced_event_selectors=WHOLE)


def planned(state: Trail, before: Trail | None, *controls: str, **settings: Any) -> list[Call]:
    """The calls that mend what these controls find."""
    own = standard(**settings)
    drifts = tuple(drift for control in controls for drift in CONTROLS[control].check(state, own, before))
    assert drifts
    calls = kind.plan(observed(state), tuple(d for d in drifts if not d.manual), own, before)
    assert accepted_by_botocore(*calls)
    return list(calls)


EVENTS = ("trail.management-events", "trail.s3-data-events", "trail.network-activity-events")


def put(**selectors: Any) -> Call:
    return Call("cloudtrail", "PutEventSelectors", {"TrailName": TRAIL_ARN, **selectors})


class TestPlan:
    """One call for all event selectors."""

    def test_one_call_puts_everything_back_as_it_was(self) -> None:
        assert planned(DEAF, ADVANCED, *EVENTS) == [put(AdvancedEventSelectors=list(WHOLE))]
        assert planned(DEAF, trail(), *EVENTS[:2]) == [put(EventSelectors=[ENOUGH_EVENTS])]

    def test_only_what_is_to_be_mended_is(self) -> None:
        """Another control's mode may be to observe."""
        (call,) = planned(DEAF, trail(), "trail.management-events")
        assert call == put(EventSelectors=[ENOUGH_EVENTS | {"DataResources": []}])

    def test_what_is_introduced_joins_what_is_there(self) -> None:
        sources = {"network_activity_sources": ("s3.amazonaws.com",)}
        (call,) = planned(trail(), None, "trail.network-activity-events", **sources)
        assert call == put(AdvancedEventSelectors=[ALL_MANAGEMENT_EVENTS, OWN, DENIED_CALLS])

    def test_deliveries_are_kept_out_before_the_buckets_events_are_logged(self) -> None:
        state = trail(event_selectors=(ENOUGH_EVENTS | {"DataResources": []},))
        update, call = planned(state, None, "trail.s3-data-events")
        assert update == Call("cloudtrail", "UpdateTrail", {"Name": TRAIL_ARN, "RecursiveLogging": False})
        assert call.params["EventSelectors"][0] == state.event_selectors[0]  # type: ignore[index]
        assert call.params["EventSelectors"][1]["DataResources"] == ENOUGH_EVENTS["DataResources"]

    def test_an_older_boto3_does_not_hold_up_the_rest(self) -> None:
        state = trail(event_selectors=(ENOUGH_EVENTS | {"DataResources": []},), log_file_validation=False)
        update, _ = planned(state, None, "trail.s3-data-events", "trail.log-file-validation")
        assert update.params == {"Name": TRAIL_ARN, "RecursiveLogging": False, "EnableLogFileValidation": True}
        assert update.instead[0].params == {"Name": TRAIL_ARN, "EnableLogFileValidation": True}

    def test_where_not_all_fits_management_events_come_first(self) -> None:
        many = s3_objects([f"arn:aws:s3:::b{n}/" for n in range(497)])
        before = trail(event_selectors=(), advanced_event_selectors=(many,))
        drifts = (
            Drift(FIELDS[DATA], [], [many]),
            Drift(FIELDS[MANAGEMENT], [], [ALL_MANAGEMENT_EVENTS]),
            Drift(FIELDS[NETWORK], [], [DENIED_CALLS]),
        )
        (call,) = kind.plan(observed(DEAF), drifts, standard(), before)
        assert call == put(AdvancedEventSelectors=[ALL_MANAGEMENT_EVENTS, DENIED_CALLS])

    def test_insights_come_last_for_they_need_the_events(self) -> None:
        before = trail(insight_selectors=(RATE,))
        calls = planned(DEAF, before, *EVENTS[:2], "trail.insights")
        assert [call.operation for call in calls] == ["PutEventSelectors", "PutInsightSelectors"]
        assert calls[1] == Call(
            "cloudtrail", "PutInsightSelectors", {"TrailName": TRAIL_ARN, "InsightSelectors": [RATE]}
        )

    def test_insights_without_the_categories_that_an_older_boto3_does_not_know(self) -> None:
        before = trail(insight_selectors=(RATE | {"EventCategories": ["Data", "Management"]},))
        (call,) = planned(trail(), before, "trail.insights")
        assert [each.params["InsightSelectors"] for each in call.instead] == [[RATE]]


def basic(**changes: Any) -> dict[str, Any]:
    """A basic selector as a record shows it."""
    selector = {
        "readWriteType": "All",
        "includeManagementEvents": True,
        "dataResources": [{"type": "AWS::S3::Object", "values": ["arn:aws:s3:::trail-logs/"]}],
        "excludeManagementEventSources": [],
    }
    return {"eventSelectors": [selector | changes]}


def advanced(*fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "advancedEventSelectors": [
            {"name": "n", "fieldSelectors": [{"field": "eventCategory", "equals": ["Management"]}, *fields]}
        ]
    }


MANAGEMENT_EVENTS, S3_EVENTS, NETWORK_EVENTS = EVENTS
BLINDED = {MANAGEMENT_EVENTS: BLIND}
BOTH = {**BLINDED, S3_EVENTS: ""}
UNKNOWN = {"trail.insights": "What it looked for before this call is not known."}


class TestTaken:
    """What a record shows to be taken away."""

    @staticmethod
    def taken(request: Any, before: Trail | None, name: str = "PutEventSelectors", **members: Any) -> dict[str, str]:
        written = record(name, {"trailName": "main", **request}, **members)
        return dict(kind.taken(written, baseline(before) if before else None, standard()))

    @pytest.mark.parametrize(
        ("request_", "expected"),
        [
            pytest.param(basic(), {}, id="the-same"),
            pytest.param(basic(includeManagementEvents=False), BLINDED, id="dropped"),
            pytest.param(basic(includeManagementEvents="false"), BLINDED, id="dropped-in-words"),
            pytest.param(basic(readWriteType="ReadOnly"), BOTH, id="no-writes"),
            pytest.param(basic(readWriteType="WriteOnly"), {MANAGEMENT_EVENTS: "", S3_EVENTS: ""}, id="no-reads"),
            pytest.param(basic(excludeManagementEventSources=["kms.amazonaws.com"]), BLINDED, id="no-keys"),
            pytest.param(
                basic(excludeManagementEventSources=["rdsdata.amazonaws.com"]),
                {MANAGEMENT_EVENTS: ""},
                id="no-data-api",
            ),
            pytest.param(basic(dataResources=[]), {S3_EVENTS: ""}, id="no-objects"),
            pytest.param(advanced(), {S3_EVENTS: ""}, id="advanced"),
            pytest.param(advanced({"field": "readOnly", "equals": ["true"]}), BOTH, id="narrowed"),
            pytest.param(
                advanced({"field": "eventSource", "notEquals": ["kms.amazonaws.com"]}),
                BOTH,
                id="advanced-no-keys",
            ),
            pytest.param({"eventSelectors": []}, BOTH, id="nothing"),
            pytest.param({}, {}, id="not-said"),
            pytest.param({"eventSelectors": "?", "advancedEventSelectors": {}}, {}, id="of-another-shape"),
            pytest.param(
                {"eventSelectors": [7, {"dataResources": 7, "readWriteType": None}]},
                {S3_EVENTS: ""},
                id="partly-of-another-shape",
            ),
            pytest.param(
                {"advancedEventSelectors": [{"fieldSelectors": [7, {"field": 7, "equals": 7}]}, {}]},
                BOTH,
                id="advanced-of-another-shape",
            ),
        ],
    )
    def test_selectors(self, request_: Any, expected: dict[str, str]) -> None:
        assert self.taken(request_, trail()) == expected

    def test_selectors_of_a_trail_that_nobody_knows(self) -> None:
        """A new trail logs all management events, and nothing else."""
        assert self.taken(basic(dataResources=[], includeManagementEvents=False), None) == BLINDED
        assert self.taken(basic(dataResources=[]), None) == {}
        early = baseline(trail(), since=AFTER)
        written = record("PutEventSelectors", {"trailName": "main", **basic(dataResources=[])})
        assert kind.taken(written, early, standard()) == {}

    def test_what_was_not_there_was_not_taken(self) -> None:
        copy = trail(event_selectors=(ENOUGH_EVENTS | {"IncludeManagementEvents": False},))
        assert self.taken(basic(includeManagementEvents=False), copy) == {}

    def test_network_activity(self) -> None:
        assert self.taken(basic(), ADVANCED) == {NETWORK_EVENTS: ""}

    def test_the_answer_speaks_where_the_request_was_left_out(self) -> None:
        left_out: dict[str, Any] = {
            "requestParameters": {"omitted": True},
            "responseElements": {"trailARN": TRAIL_ARN} | advanced(),
        }
        assert self.taken({}, trail(), **left_out) == {S3_EVENTS: ""}

    @pytest.mark.parametrize(
        ("shown", "before", "expected"),
        [
            pytest.param([], [RATE], {"trail.insights": ""}, id="turned-off"),
            pytest.param([{"insightType": "ApiErrorRateInsight"}], [RATE], {"trail.insights": ""}, id="another"),
            pytest.param([{"insightType": "ApiCallRateInsight"}], [RATE], {}, id="the-same"),
            pytest.param(
                [{"insightType": "ApiCallRateInsight", "eventCategories": ["Data"]}],
                [RATE],
                {"trail.insights": ""},
                id="of-other-events",
            ),
            pytest.param([], [], {}, id="never-there"),
            pytest.param(None, [RATE], {}, id="not-said"),
            pytest.param([], None, UNKNOWN, id="unknown"),
            pytest.param([{"insightType": "ApiCallRateInsight"}], None, {}, id="turned-on"),
        ],
    )
    def test_insights(self, shown: Any, before: Any, expected: dict[str, str]) -> None:
        known = None if before is None else trail(insight_selectors=tuple(before))
        assert self.taken({"insightSelectors": shown}, known, "PutInsightSelectors") == expected


OTHER_ARN = f"arn:aws:cloudtrail:eu-central-1:{ACCOUNT}:trail/wide"
OTHER = listed(Name="wide", TrailARN=OTHER_ARN, HomeRegion="eu-central-1")
THEIRS = OTHER | {"TrailARN": OTHER_ARN.replace(ACCOUNT, STRANGER)}
OF_DATA = {"AdvancedEventSelectors": [OWN]}
OF_MANAGEMENT = {"EventSelectors": [ENOUGH_EVENTS | {"DataResources": []}]}


def by_region(own: Any, other: Any) -> Any:
    def answer(region: str, **_params: Any) -> Any:
        found = own if region == REGION else other
        if isinstance(found, Exception):
            raise found
        return found

    return answer


class TestElsewhere:
    """What other trails log, where this one lacks it."""

    @staticmethod
    def seen(own: Any, other: Any, *others: Any, status: Any = LOGS) -> Trail:
        ((seen,), _) = look(
            listed(),
            *(others or [OTHER]),
            cloudtrail__GetTrailStatus=by_region(LOGS, status),
            cloudtrail__GetEventSelectors=by_region(own, other),
        )
        assert seen.state is not None
        return seen.state

    def test_it_is_read_only_where_something_is_lacking(self) -> None:
        assert self.seen(ALL_EVENTS, refused("AccessDenied")).elsewhere == ()
        assert self.seen(OF_MANAGEMENT, OF_DATA).elsewhere == (OWN,)

    def test_a_trail_that_is_stopped_logs_nothing(self) -> None:
        assert self.seen(OF_MANAGEMENT, OF_DATA, status={"IsLogging": False}).elsewhere == ()

    def test_what_cannot_be_read_is_unknown_unless_it_does_not_matter(self) -> None:
        unread = self.seen(OF_MANAGEMENT, refused("AccessDenied")).elsewhere
        assert unread == Unread(f"{OTHER_ARN}: cloudtrail:GetEventSelectors: AccessDenied: no")
        assert self.seen(OF_MANAGEMENT, refused("AccessDenied"), THEIRS).elsewhere == ()
        assert isinstance(self.seen(OF_MANAGEMENT, refused("Throttled"), THEIRS).elsewhere, Unread)

    def test_whether_management_events_are_covered_is_read_where_they_are_lacking(self) -> None:
        assert self.seen(OF_DATA, ALL_EVENTS).covered is True
        assert self.seen(OF_DATA, OF_DATA).covered is False
        assert self.seen(ALL_EVENTS, refused("AccessDenied")).covered is False

    def test_selectors_that_cannot_be_read_hide_nothing_of_this(self) -> None:
        state = self.seen(refused("AccessDenied"), ALL_EVENTS)
        assert isinstance(state.event_selectors, Unread)
        assert state.covered is True


def test_a_baseline_is_weakened_by_events_that_are_lost() -> None:
    assert kind.weaker(trail(), trail(), standard()) == ()
    (drift,) = kind.weaker(ADVANCED, trail(), standard())
    assert drift == Drift(FIELDS[NETWORK], found=[], wanted=[DENIED_CALLS])


def test_what_is_deselected_is_sent_as_it_was() -> None:
    quiet = part_of(("eventCategory", "Equals", [MANAGEMENT]), ("eventSource", "NotEquals", ["rdsdata.amazonaws.com"]))
    before = trail(event_selectors=(), advanced_event_selectors=(quiet, OWN), covered=True)
    state = trail(event_selectors=(), advanced_event_selectors=(OWN,), covered=True)
    (call,) = planned(state, before, "trail.management-events")
    assert call == put(AdvancedEventSelectors=[quiet, OWN])
