"""Which events a trail logs: management, data and network activity events, and Insights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from relight.model import Basis, Drift, Severity
from relight.policy.control import control, known
from relight.policy.selectors import (
    ALL_MANAGEMENT_EVENTS,
    DATA,
    MANAGEMENT,
    NETWORK,
    Part,
    Parts,
    Selectors,
    arns_of,
    covered,
    denied_at_endpoints,
    merged,
    missing,
    of_category,
    s3_objects,
)
from relight.policy.state import is_whole
from relight.policy.trail import Trail
from relight.standard import Standard

Insights = Sequence[Mapping[str, Any]]

# Field of a drift, by category; its found and wanted values are selectors in the advanced form.
FIELDS = {category: f"EventSelectors.{category}" for category in (MANAGEMENT, DATA, NETWORK)}
INSIGHTS = "InsightSelectors"
TOO_MANY = (
    "A trail takes 500 values in all its selectors, and these would be more. Remove what is not needed, or log these "
    "events with another trail: Relight drops no selector that somebody made."
)


@control(
    "trail.management-events",
    title="The trail logs all management events",
    severity=Severity.CRITICAL,
    cis="3.1",
    triggers=("PutEventSelectors",),
    repair="PutEventSelectors",
)
def management_events(trail: Trail, standard: Standard, baseline: Trail | None) -> Iterator[Drift]:
    """Reads and writes, of all sources; or at least those that it ever logged, where another trail logs them all.

    Whatever a second trail logs of them is a copy that is paid for, and nobody's to introduce.
    """
    logged, before = trail.selectors.parts, _before(baseline, MANAGEMENT)
    if covered(ALL_MANAGEMENT_EVENTS, logged):
        return
    whole = covered(ALL_MANAGEMENT_EVENTS, before) or not known(
        trail.covered, "whether another trail covers the account"
    )
    wanted = (ALL_MANAGEMENT_EVENTS,) if whole else before
    yield from _lacking(MANAGEMENT, wanted, trail, standard, baseline)


@control(
    "trail.s3-data-events",
    title="S3 object events are logged, and the data events that were before",
    severity=Severity.MEDIUM,
    cis="3.8, 3.9",
    security_hub="S3.22, S3.23",
    triggers=("PutEventSelectors", "CreateTrail"),
    repair="PutEventSelectors, UpdateTrail",
    costs="0.10 for 100,000 data events",
)
def s3_data_events(trail: Trail, standard: Standard, baseline: Trail | None) -> Iterator[Drift]:
    """Reads and writes of the objects in the standard's buckets, unless another trail logs them.

    CloudTrail's own deliveries to the trail's bucket are kept out of what is added: each would make another event.
    """
    before = _before(baseline, DATA)
    added = _not_logged(_s3_demanded(trail, standard, baseline), trail, before)
    prefixes = [prefix for each in added for prefix in arns_of(each)]
    everything = standard.s3_data_events == "all"
    united = (s3_objects([] if everything else prefixes),) if added else ()
    drifts = tuple(_lacking(DATA, before + united, trail, standard, baseline))
    own = _objects(standard, _bucket(trail, standard, baseline))
    deliveries = any(own.startswith(prefix) for prefix in prefixes)
    if deliveries and trail.recursive_logging and not any(drift.manual for drift in drifts):
        yield Drift("RecursiveLogging", found=True, wanted=False)
    yield from drifts


def demanded(trail: Trail, standard: Standard, baseline: Trail | None) -> Parts:
    """What the standard demands beside management events; another trail may log it instead."""
    return _s3_demanded(trail, standard, baseline) + _network_demanded(standard)


def _s3_demanded(trail: Trail, standard: Standard, baseline: Trail | None) -> Parts:
    return tuple(s3_objects([prefix]) for prefix in _prefixes(trail, standard, baseline))


def _network_demanded(standard: Standard) -> Parts:
    return tuple(denied_at_endpoints(source) for source in standard.network_activity_sources)


def _prefixes(trail: Trail, standard: Standard, baseline: Trail | None) -> tuple[str, ...]:
    """What the ARNs of the objects begin with whose events the standard demands."""
    chosen = standard.s3_data_events
    if isinstance(chosen, tuple):
        return tuple(_objects(standard, bucket) for bucket in chosen)
    bucket = _bucket(trail, standard, baseline)
    named = {"all": [_objects(standard)], "trail-buckets": [_objects(standard, bucket)] if bucket else []}
    return tuple(named.get(chosen, ()))


def _objects(standard: Standard, bucket: str = "") -> str:
    """The beginning of the ARNs of a bucket's objects; the slash keeps out buckets whose names only begin alike."""
    return f"arn:{standard.partition}:s3:::{bucket}{'/' if bucket else ''}"


def _bucket(trail: Trail, standard: Standard, baseline: Trail | None) -> str:
    """The trail's bucket; where it was led to one that nobody trusts, the one before."""
    before = baseline.bucket if baseline else ""
    return trail.bucket if not before or trail.bucket in standard.trusted_buckets else before


@control(
    "trail.network-activity-events",
    title="Calls that VPC endpoints deny are logged",
    severity=Severity.MEDIUM,
    triggers=("PutEventSelectors",),
    repair="PutEventSelectors",
    costs="0.10 for 100,000 events",
)
def network_activity_events(trail: Trail, standard: Standard, baseline: Trail | None) -> Iterator[Drift]:
    """Of each of the standard's sources at least what was denied, unless another trail logs it."""
    before = _before(baseline, NETWORK)
    added = _not_logged(_network_demanded(standard), trail, before)
    yield from _lacking(NETWORK, before + added, trail, standard, baseline)


@control(
    "trail.insights",
    title="Insights look for unusual activity as they did before",
    severity=Severity.MEDIUM,
    triggers=("PutInsightSelectors",),
    repair="PutInsightSelectors",
    costs="0.35 for 100,000 management events that are analysed, for each type of Insights",
    basis=Basis.BASELINE,
)
def insights(trail: Trail, standard: Standard, baseline: Trail | None) -> Iterator[Drift]:
    """Every type of Insights event that the baseline had, for the same categories of events."""
    yield from _fewer_insights(trail.insights, baseline.insights if baseline else ())


def _fewer_insights(found: Insights, before: Insights) -> Iterator[Drift]:
    if insight_types(before) - insight_types(found):
        yield Drift(INSIGHTS, found=list(found), wanted=_both(before, found))


def insight_types(selectors: Insights) -> frozenset[tuple[str, str]]:
    """Types of Insights with the categories of the events that they watch: management events where none is named."""
    return frozenset(
        (each.get("InsightType", ""), category)
        for each in selectors
        for category in each.get("EventCategories") or (MANAGEMENT,)
    )


def _both(before: Insights, found: Insights) -> list[Mapping[str, Any]]:
    """One selector a type, for a call sets a type's categories anew; as it was, where nothing was added to it."""
    shown = {each.get("InsightType", ""): each for each in (*found, *before)}
    wanted = insight_types(before) | insight_types(found)
    both = []
    for name, each in shown.items():
        categories = sorted(category for kind, category in wanted if kind == name)
        same = insight_types([each]) == {(name, category) for category in categories}
        both.append(each if same else {"InsightType": name, "EventCategories": categories})
    return both


def lost(old: Trail, new: Trail) -> Iterator[Drift]:
    """What a trail does not log any more that it once did, as drifts; nothing where that could not be read."""
    if not is_whole(new):
        return
    for category, field in FIELDS.items():
        parts = missing(of_category(old.selectors.parts, category), new.selectors.parts)
        if parts:
            yield Drift(field, found=list(of_category(new.selectors.parts, category)), wanted=list(parts))
    yield from _fewer_insights(new.insights, old.insights)


def _before(baseline: Trail | None, category: str) -> Parts:
    return of_category(baseline.selectors.parts, category) if baseline else ()


def _not_logged(wanted: Iterable[Part], trail: Trail, before: Parts) -> Parts:
    """What neither this trail logs, nor did before, nor any other of the account."""
    lacking = missing(wanted, trail.selectors.parts + before)
    if not lacking:
        return ()
    return missing(lacking, trail.selectors.parts + before + known(trail.elsewhere, "what the other trails log"))


def _lacking(
    category: str, wanted: Iterable[Part], trail: Trail, standard: Standard, baseline: Trail | None
) -> Iterator[Drift]:
    parts = missing(wanted, trail.selectors.parts)
    if not parts:
        return
    before = baseline.selectors if baseline else Selectors()
    possible = merged(trail.selectors, parts, before, standard.partition)
    found = list(of_category(trail.selectors.parts, category))
    yield Drift(FIELDS[category], found=found, wanted=list(parts), manual="" if possible else TOO_MANY)
