"""Which events a trail logs: Get- and PutEventSelectors, Get- and PutInsightSelectors.

Both Put calls replace the whole set, and take a trail by its ARN in its home Region
(https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PutEventSelectors.html).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from relight.aws import Place, unread
from relight.errors import AwsError
from relight.model import Baseline, Call, Drift, Observed, Unread
from relight.policy.selectors import (
    ALL_MANAGEMENT_EVENTS,
    DATA,
    DESELECT,
    MANAGEMENT,
    NETWORK,
    SELECT,
    WATCHED,
    Parts,
    Selectors,
    covered,
    merged,
    missing,
    of_category,
)
from relight.policy.trail import Trail
from relight.policy.trail_events import FIELDS, INSIGHTS, demanded, insight_types
from relight.record import Record, is_false, text
from relight.standard import Standard

Shown = tuple[Mapping[str, Any], ...] | Unread

PUTS = frozenset({"PutEventSelectors", "PutInsightSelectors"})
CONTROLS = {
    MANAGEMENT: "trail.management-events",
    DATA: "trail.s3-data-events",
    NETWORK: "trail.network-activity-events",
}
# What CloudTrail answers a member account that asks about its organisation's trail.
REFUSALS = ("AccessDeniedException", "AccessDenied", "TrailNotFoundException")
# What GetInsightSelectors answers of a trail without Insights, and where there are none at all (botocore's model).
NO_INSIGHTS = ("InsightNotEnabledException", "UnsupportedOperationException")
BLIND = (
    "The rules are blind until this is repaired, unless another trail logs these events: what happened meanwhile is in "
    "CloudTrail's Event history, which goes on."
)


def event_selectors(place: Place, trail_arn: str) -> tuple[Shown, Shown]:
    """The basic and the advanced ones. What cannot be read must not keep the other controls from being judged."""
    try:
        shown = place.read("cloudtrail", "GetEventSelectors", TrailName=trail_arn) or {}
    except AwsError as error:
        return unread(error), unread(error)
    return tuple(shown.get("EventSelectors") or ()), tuple(shown.get("AdvancedEventSelectors") or ())


def insight_selectors(place: Place, trail_arn: str) -> Shown:
    """The Insights that are on; none where there are none."""
    try:
        shown = place.read("cloudtrail", "GetInsightSelectors", missing=NO_INSIGHTS, TrailName=trail_arn) or {}
    except AwsError as error:
        return unread(error)
    return tuple(shown.get("InsightSelectors") or ())


def needs_cover(trail: Trail) -> bool:
    """Whether it matters if another trail logs all management events: only where this one does not, everywhere."""
    return not trail.multi_region or not covered(ALL_MANAGEMENT_EVENTS, _logged(trail))


def elsewhere(
    place: Place, trail: Trail, others: Iterable[Mapping[str, Any]], before: Trail | None, standard: Standard
) -> Parts | Unread:
    """What the other multi-Region trails log, if this one lacks something that the standard demands.

    What an organisation keeps from its members does not count.
    """
    lacking = missing(demanded(trail, standard, before), _logged(trail))
    found: Parts = ()
    unread: Unread | None = None
    for other in others if lacking else ():
        logged = _logged_by(place, other)
        if isinstance(logged, Unread):
            unread = logged if not logged.foreign else unread
        else:
            found += logged
    return unread if unread and missing(lacking, found) else found


def _logged_by(place: Place, other: Mapping[str, Any]) -> Parts | Unread:
    home, trail_arn = place.elsewhere(other["HomeRegion"]), other["TrailARN"]
    try:
        status = home.read("cloudtrail", "GetTrailStatus", Name=trail_arn) or {}
        shown = home.read("cloudtrail", "GetEventSelectors", TrailName=trail_arn) or {}
    except AwsError as error:
        foreign = trail_arn.split(":")[4] != place.account and error.code in REFUSALS
        return Unread(f"{trail_arn}: {error}", foreign=foreign)
    basic, advanced = shown.get("EventSelectors") or (), shown.get("AdvancedEventSelectors") or ()
    return Selectors(tuple(basic), tuple(advanced)).parts if status.get("IsLogging") else ()


def _logged(trail: Trail) -> Parts:
    """What a trail logs; nothing where that could not be read."""
    basic, advanced = trail.event_selectors, trail.advanced_event_selectors
    return () if isinstance(basic, Unread) or isinstance(advanced, Unread) else Selectors(basic, advanced).parts


def taken(record: Record, baseline: Baseline[Trail] | None) -> dict[str, str]:
    """What the set in the record leaves out of the one before; without a baseline, of what a new trail has."""
    before = baseline.state if baseline and baseline.knew(record.time) else None
    if record.name == "PutInsightSelectors":
        return _insights_taken(record, before)
    put = _put(record)
    if put is None:
        return {}
    had = before.selectors.parts if before else (ALL_MANAGEMENT_EVENTS,)
    lost = {category for category in CONTROLS if missing(of_category(had, category), put.parts)}
    blind = BLIND if missing([WATCHED], put.parts) else ""
    return {CONTROLS[category]: blind if category == MANAGEMENT else "" for category in CONTROLS if category in lost}


def _insights_taken(record: Record, before: Trail | None) -> dict[str, str]:
    put = _list_of(record, "insightSelectors")
    if put is None:
        return {}
    shown = [
        {"InsightType": text(each.get("insightType")), "EventCategories": _texts(each.get("eventCategories"))}
        for each in put
    ]
    if before is None:
        return {} if shown else {"trail.insights": "What it looked for before this call is not known."}
    had = before.insight_selectors
    return (
        {"trail.insights": ""} if insight_types(() if isinstance(had, Unread) else had) - insight_types(shown) else {}
    )


def _put(record: Record) -> Selectors | None:
    """The set that a record's call made, from whichever half of the record has it; None where none has."""
    basic, advanced = _list_of(record, "eventSelectors"), _list_of(record, "advancedEventSelectors")
    if basic is None and advanced is None:
        return None
    return Selectors(tuple(map(_basic, basic or ())), tuple(map(_advanced, advanced or ())))


def _list_of(record: Record, name: str) -> list[Mapping[str, Any]] | None:
    halves = (half[name] for half in (record.request, record.response) if isinstance(half.get(name), list))
    return next(([each for each in half if isinstance(each, Mapping)] for half in halves), None)


def _basic(shown: Mapping[str, Any]) -> Mapping[str, Any]:
    """A basic selector out of a record, which writes names with a small letter."""
    resources = shown.get("dataResources")
    return {
        "ReadWriteType": text(shown.get("readWriteType")) or "All",
        "IncludeManagementEvents": not is_false(shown.get("includeManagementEvents")),
        "ExcludeManagementEventSources": _texts(shown.get("excludeManagementEventSources")),
        "DataResources": [
            {"Type": text(each.get("type")), "Values": _texts(each.get("values"))}
            for each in (resources if isinstance(resources, list) else ())
            if isinstance(each, Mapping)
        ],
    }


def _advanced(shown: Mapping[str, Any]) -> Mapping[str, Any]:
    fields = shown.get("fieldSelectors")
    return {
        "FieldSelectors": [
            {"Field": text(each.get("field"))}
            | {name: _texts(each.get(name[:1].lower() + name[1:])) for name in (*SELECT, *DESELECT)}
            for each in (fields if isinstance(fields, list) else ())
            if isinstance(each, Mapping)
        ]
    }


def _texts(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def plan(
    observed: Observed[Trail], drifts: Iterable[Drift], standard: Standard, baseline: Trail | None
) -> Iterator[Call]:
    """One call for all event selectors, and one for Insights, which need the events."""
    trail, arn = observed.state, observed.resource.arn
    wanted = {drift.field: drift.wanted for drift in drifts}
    if trail is not None:
        selectors = _together(trail, wanted, baseline, standard)
        if selectors is not None:
            yield Call("cloudtrail", "PutEventSelectors", {"TrailName": arn, **selectors.params})
    if INSIGHTS in wanted:
        yield put_insights(arn, wanted[INSIGHTS])


def _together(
    trail: Trail, wanted: Mapping[str, Parts], baseline: Trail | None, standard: Standard
) -> Selectors | None:
    """The set with all that is wanted in it, or with as much as CloudTrail takes, the most important first."""
    before = baseline.selectors if baseline else Selectors()
    more: Parts = ()
    together = None
    for category in (MANAGEMENT, NETWORK, DATA):
        parts = tuple(wanted.get(FIELDS[category], ()))
        larger = merged(trail.selectors, more + parts, before, standard.partition) if parts else None
        if larger is not None:
            more, together = more + parts, larger
    return together


def put_insights(trail_arn: str, selectors: Iterable[Mapping[str, Any]]) -> Call:
    """An older boto3 does not know the categories of events: without them, management events are meant."""
    selectors = list(selectors)
    plain = [{"InsightType": each["InsightType"]} for each in selectors]
    params = {"TrailName": trail_arn, "InsightSelectors": selectors}
    instead = Call("cloudtrail", "PutInsightSelectors", {**params, "InsightSelectors": plain})
    return Call("cloudtrail", "PutInsightSelectors", params, instead=() if plain == selectors else (instead,))
