"""Which events a trail must log: what the standard demands, and what it logged before."""

from __future__ import annotations

from typing import Any

import pytest

from relight.errors import OutOfReach, UnknownState
from relight.model import Drift, Unread
from relight.policy import CONTROLS
from relight.policy.selectors import (
    ALL_MANAGEMENT_EVENTS,
    DATA,
    MANAGEMENT,
    NETWORK,
    S3_OBJECT,
    Part,
    denied_at_endpoints,
    part_of,
    s3_objects,
)
from relight.policy.trail import Trail
from relight.policy.trail_events import FIELDS, TOO_MANY, lost
from tests.unit.builders import ENOUGH_EVENTS, standard, trail


def drifts(control: str, state: Trail, before: Trail | None = None, **settings: Any) -> list[Drift]:
    return list(CONTROLS[control].check(state, standard(**settings), before))


def basic(**changes: Any) -> Trail:
    """A trail with one basic selector that logs management events only, unless it is changed."""
    return trail(event_selectors=(ENOUGH_EVENTS | {"DataResources": []} | changes,))


def advanced(*parts: Part, **changes: Any) -> Trail:
    return trail(event_selectors=(), advanced_event_selectors=parts, **changes)


def management(*conditions: tuple[str, str, list[str]]) -> Part:
    return part_of(("eventCategory", "Equals", [MANAGEMENT]), *conditions)


def data(resource_type: str, *conditions: tuple[str, str, list[str]]) -> Part:
    return part_of(("eventCategory", "Equals", [DATA]), ("resources.type", "Equals", [resource_type]), *conditions)


OWN = s3_objects(["arn:aws:s3:::trail-logs/"])
DENIED_CALLS = denied_at_endpoints("s3.amazonaws.com")
NO_KMS = management(("eventSource", "NotEquals", ["kms.amazonaws.com"]))
NO_WRITES = management(("readOnly", "Equals", ["true"]))
NO_READS = management(("readOnly", "Equals", ["false"]))


class TestManagementEvents:
    """trail.management-events."""

    CONTROL = "trail.management-events"

    @pytest.mark.parametrize(
        "state",
        [
            pytest.param(basic(), id="basic"),
            pytest.param(advanced(ALL_MANAGEMENT_EVENTS), id="advanced"),
            pytest.param(advanced(NO_READS, NO_WRITES), id="in-two-halves"),
            pytest.param(advanced(NO_KMS, ALL_MANAGEMENT_EVENTS), id="an-exclusion-beside-everything"),
        ],
    )
    def test_complete(self, state: Trail) -> None:
        assert drifts(self.CONTROL, state) == []
        assert drifts(self.CONTROL, state, state) == []

    @pytest.mark.parametrize(
        ("state", "found"),
        [
            pytest.param(basic(IncludeManagementEvents=False), [], id="dropped"),
            pytest.param(basic(ReadWriteType="ReadOnly"), [NO_WRITES], id="basic-without-writes"),
            pytest.param(basic(ReadWriteType="WriteOnly"), [NO_READS], id="basic-without-reads"),
            pytest.param(basic(ExcludeManagementEventSources=["kms.amazonaws.com"]), [NO_KMS], id="basic-without-kms"),
            pytest.param(advanced(NO_WRITES), [NO_WRITES], id="advanced-without-writes"),
            pytest.param(advanced(NO_KMS), [NO_KMS], id="advanced-without-kms"),
            pytest.param(advanced(OWN), [], id="data-only"),
            pytest.param(trail(event_selectors=()), [], id="nothing"),
        ],
    )
    @pytest.mark.parametrize("before", [None, basic(), advanced(ALL_MANAGEMENT_EVENTS)])
    def test_incomplete(self, state: Trail, found: list[Part], before: Trail | None) -> None:
        wanted = [ALL_MANAGEMENT_EVENTS]
        assert drifts(self.CONTROL, state, before) == [Drift(FIELDS[MANAGEMENT], found=found, wanted=wanted)]

    def test_a_second_copy_is_never_introduced(self) -> None:
        for logged in ((OWN,), (NO_READS, OWN)):
            assert drifts(self.CONTROL, advanced(*logged, covered=True)) == []
            assert drifts(self.CONTROL, advanced(*logged, covered=True), advanced(OWN)) == []

    def test_a_second_copy_that_was_there_is_put_back_as_far_as_it_went(self) -> None:
        state = advanced(OWN, covered=True)
        for before, wanted in ((advanced(NO_READS), NO_READS), (basic(), ALL_MANAGEMENT_EVENTS)):
            (drift,) = drifts(self.CONTROL, state, before)
            assert drift.wanted == [wanted]

    def test_whether_another_trail_covers_is_asked_only_where_it_matters(self) -> None:
        denied = Unread("AccessDenied")
        assert drifts(self.CONTROL, advanced(ALL_MANAGEMENT_EVENTS, covered=denied)) == []
        assert drifts(self.CONTROL, advanced(OWN, covered=denied), basic())
        with pytest.raises(UnknownState, match="whether another trail covers"):
            drifts(self.CONTROL, advanced(OWN, covered=denied))
        with pytest.raises(OutOfReach):
            drifts(self.CONTROL, advanced(OWN, covered=Unread("the organisation's", foreign=True)))


class TestS3DataEvents:
    """trail.s3-data-events."""

    CONTROL = "trail.s3-data-events"

    @pytest.mark.parametrize(
        ("chosen", "wanted"),
        [
            pytest.param("off", None, id="off"),
            pytest.param("trail-buckets", OWN, id="the-trail's-own"),
            pytest.param("all", s3_objects(), id="all"),
            pytest.param(("a", "b"), s3_objects(["arn:aws:s3:::a/", "arn:aws:s3:::b/"]), id="a-list"),
        ],
    )
    def test_what_the_standard_demands(self, chosen: Any, wanted: Part | None) -> None:
        found = [d for d in drifts(self.CONTROL, basic(), s3_data_events=chosen) if d.field == FIELDS[DATA]]
        assert found == ([Drift(FIELDS[DATA], found=[], wanted=[wanted])] if wanted else [])
        assert drifts(self.CONTROL, advanced(*filter(None, [wanted])), s3_data_events=chosen) == []

    def test_only_the_buckets_that_are_missing(self) -> None:
        a, b = ("arn:aws:s3:::a/", "arn:aws:s3:::b/")
        (drift,) = drifts(self.CONTROL, advanced(s3_objects([a])), s3_data_events=("a", "b"))
        assert drift.wanted == [s3_objects([b])]

    @pytest.mark.parametrize(
        ("chosen", "suppressed"), [("trail-buckets", True), ("all", True), (("trail-logs",), True), (("other",), False)]
    )
    def test_cloudtrails_own_deliveries_are_kept_out(self, chosen: Any, *, suppressed: bool) -> None:
        fields = [drift.field for drift in drifts(self.CONTROL, basic(), s3_data_events=chosen)]
        assert fields == ["RecursiveLogging", FIELDS[DATA]][not suppressed :]
        already = trail(event_selectors=(), recursive_logging=False)
        assert [drift.field for drift in drifts(self.CONTROL, already, s3_data_events=chosen)] == [FIELDS[DATA]]

    def test_what_somebody_chose_to_log_is_put_back_without_a_word_about_deliveries(self) -> None:
        assert drifts(self.CONTROL, trail()) == []
        (drift,) = drifts(self.CONTROL, basic(), trail())
        assert (drift.field, drift.wanted) == (FIELDS[DATA], [OWN])

    @pytest.mark.parametrize(
        "narrow",
        [
            data(S3_OBJECT, ("readOnly", "Equals", ["false"])),
            data(S3_OBJECT, ("eventName", "NotEquals", ["DeleteObject"])),
            data(S3_OBJECT, ("resources.ARN", "NotStartsWith", ["arn:aws:s3:::trail-logs/AWSLogs"])),
            data(S3_OBJECT, ("userIdentity.arn", "NotEquals", ["arn:aws:iam::123456789012:user/mallory"])),
            data(S3_OBJECT, ("sessionCredentialFromConsole", "Equals", ["true"])),
            data("AWS::Lambda::Function"),
        ],
    )
    def test_a_further_condition_narrows(self, narrow: Part) -> None:
        assert drifts(self.CONTROL, advanced(narrow), s3_data_events="all")
        assert drifts(self.CONTROL, advanced(narrow), trail())

    def test_data_events_of_any_type_are_put_back(self) -> None:
        functions = data("AWS::Lambda::Function")
        (drift,) = drifts(self.CONTROL, advanced(OWN), advanced(OWN, functions))
        assert drift == Drift(FIELDS[DATA], found=[OWN], wanted=[functions])

    def test_what_another_trail_logs_need_not_be_logged_twice(self) -> None:
        assert drifts(self.CONTROL, advanced(ALL_MANAGEMENT_EVENTS, elsewhere=(s3_objects(),))) == []
        assert drifts(self.CONTROL, advanced(ALL_MANAGEMENT_EVENTS, elsewhere=(s3_objects(),)), trail())
        with pytest.raises(UnknownState, match="what the other trails log"):
            drifts(self.CONTROL, advanced(ALL_MANAGEMENT_EVENTS, elsewhere=Unread("AccessDenied")))
        assert drifts(self.CONTROL, trail(elsewhere=Unread("AccessDenied"))) == []

    def test_a_trail_led_to_a_strangers_bucket_does_not_pay_for_its_events(self) -> None:
        moved = trail(bucket="strange")
        assert drifts(self.CONTROL, moved, trail()) == []
        assert drifts(self.CONTROL, moved, trail(), trusted_buckets=frozenset({"strange"}))
        assert drifts(self.CONTROL, trail(bucket="", event_selectors=())) == []

    def test_more_than_a_trail_takes_needs_a_person(self) -> None:
        full = advanced(s3_objects([f"arn:aws:s3:::b{n}/" for n in range(498)]))
        (drift,) = drifts(self.CONTROL, full)
        assert drift.manual == TOO_MANY


class TestNetworkActivityEvents:
    """trail.network-activity-events."""

    CONTROL = "trail.network-activity-events"
    BOTH = ("s3.amazonaws.com", "kms.amazonaws.com")

    def test_each_source_that_the_standard_names(self) -> None:
        assert drifts(self.CONTROL, basic()) == []
        state = advanced(ALL_MANAGEMENT_EVENTS, DENIED_CALLS)
        (drift,) = drifts(self.CONTROL, state, network_activity_sources=self.BOTH)
        assert drift == Drift(FIELDS[NETWORK], [DENIED_CALLS], [denied_at_endpoints("kms.amazonaws.com")])

    def test_all_calls_hold_the_denied_ones(self) -> None:
        every = part_of(("eventCategory", "Equals", [NETWORK]), ("eventSource", "Equals", ["s3.amazonaws.com"]))
        assert drifts(self.CONTROL, advanced(every), network_activity_sources=self.BOTH[:1]) == []
        (drift,) = drifts(self.CONTROL, advanced(DENIED_CALLS), advanced(every))
        assert drift.wanted == [every]

    def test_what_another_trail_logs(self) -> None:
        assert drifts(self.CONTROL, trail(elsewhere=(DENIED_CALLS,)), network_activity_sources=self.BOTH[:1]) == []


RATE, ERRORS = {"InsightType": "ApiCallRateInsight"}, {"InsightType": "ApiErrorRateInsight"}


class TestInsights:
    """trail.insights."""

    @pytest.mark.parametrize(
        ("found", "before", "wanted"),
        [
            pytest.param([], None, None, id="never-seen"),
            pytest.param([], [], None, id="never-there"),
            pytest.param([RATE], [RATE], None, id="there"),
            pytest.param([RATE | {"EventCategories": ["Management"]}], [RATE], None, id="there-in-other-words"),
            pytest.param([], [RATE, ERRORS], [RATE, ERRORS], id="turned-off"),
            pytest.param([ERRORS], [RATE], [ERRORS, RATE], id="one-for-another"),
            pytest.param(
                [RATE | {"EventCategories": ["Data"]}],
                [RATE],
                [RATE | {"EventCategories": ["Data", "Management"]}],
                id="for-other-events",
            ),
        ],
    )
    def test_what_the_baseline_had(self, found: Any, before: Any, wanted: Any) -> None:
        known = None if before is None else trail(insight_selectors=tuple(before))
        expected = [Drift("InsightSelectors", found, wanted)] if wanted else []
        assert drifts("trail.insights", trail(insight_selectors=tuple(found)), known) == expected


UNREAD = Unread("AccessDenied")


@pytest.mark.parametrize(
    ("control", "unread"),
    [
        ("trail.management-events", {"event_selectors": UNREAD, "advanced_event_selectors": UNREAD}),
        ("trail.s3-data-events", {"event_selectors": UNREAD, "advanced_event_selectors": UNREAD}),
        ("trail.network-activity-events", {"event_selectors": UNREAD, "advanced_event_selectors": UNREAD}),
        ("trail.insights", {"insight_selectors": UNREAD}),
    ],
)
def test_what_could_not_be_read_is_unknown(control: str, unread: dict[str, Any]) -> None:
    with pytest.raises(UnknownState, match="could not be read: AccessDenied"):
        drifts(control, trail(**unread))
    assert list(lost(trail(), trail(**unread))) == []


def test_what_was_lost_since_the_baseline() -> None:
    before = advanced(NO_READS, OWN, DENIED_CALLS, insight_selectors=(RATE,))
    assert list(lost(before, before)) == []
    assert (
        list(lost(before, advanced(ALL_MANAGEMENT_EVENTS, s3_objects(), DENIED_CALLS, insight_selectors=(RATE,)))) == []
    )
    assert list(lost(before, advanced(NO_WRITES))) == [
        Drift(FIELDS[MANAGEMENT], [NO_WRITES], [NO_READS]),
        Drift(FIELDS[DATA], [], [OWN]),
        Drift(FIELDS[NETWORK], [], [DENIED_CALLS]),
        Drift("InsightSelectors", [], [RATE]),
    ]
