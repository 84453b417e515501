"""moto's trails, put right where Relight would notice: what AWS says of selectors, moto does not do.

A new trail logs all management events; basic selectors replace advanced ones and the other way round; Insights can be
turned off, and a trail without them has an error of its own (all of it: botocore's model of CloudTrail).
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from moto.cloudtrail.models import CloudTrailBackend, Trail
from moto.core.exceptions import JsonRESTError

_DEFAULT = {
    "ReadWriteType": "All",
    "IncludeManagementEvents": True,
    "DataResources": [],
    "ExcludeManagementEventSources": [],
}


class InsightNotEnabledException(JsonRESTError):
    """The trail has no Insights."""

    code = 400

    def __init__(self) -> None:
        super().__init__("InsightNotEnabledException", "The trail does not have Insights enabled.")


def _with_default_selector(made: Callable[..., None]) -> Callable[..., None]:
    def make(trail: Trail, *args: Any, **kwargs: Any) -> None:
        made(trail, *args, **kwargs)
        trail.event_selectors = [dict(_DEFAULT)]

    return make


def _put_event_selectors(
    trail: Trail, event_selectors: list[dict[str, Any]], advanced_event_selectors: list[dict[str, Any]]
) -> None:
    trail.event_selectors = [{**_DEFAULT, **each} for each in event_selectors or ()]
    trail.advanced_event_selectors = list(advanced_event_selectors or ())


def _put_insight_selectors(trail: Trail, insight_selectors: list[dict[str, str]]) -> None:
    trail.insight_selectors = list(insight_selectors)


def _get_insight_selectors(backend: CloudTrailBackend, trail_name: str) -> tuple[str, list[dict[str, str]]]:
    trail = backend.get_trail(trail_name)
    if not trail.insight_selectors:
        raise InsightNotEnabledException
    return trail.arn, trail.insight_selectors


@cache
def put_right() -> None:
    """Corrects moto for the whole process, once."""
    corrections: tuple[tuple[type, str, Any], ...] = (
        (Trail, "__init__", _with_default_selector(Trail.__init__)),
        (Trail, "put_event_selectors", _put_event_selectors),
        (Trail, "put_insight_selectors", _put_insight_selectors),
        (CloudTrailBackend, "get_insight_selectors", _get_insight_selectors),
    )
    for owner, name, function in corrections:
        setattr(owner, name, function)
