"""The Region's monitoring: DescribeMetricFilters, DescribeAlarms; PutMetricFilter, PutMetricAlarm, EnableAlarmActions.

There is one where a multi-Region trail has its home, and it always exists: what may be missing are its parts.
CloudTrail's records name those, so they are the scope's parts; an event about others than the baseline's is none of its
business, as most alarm traffic is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from relight.aws import Aws, Place, unread
from relight.errors import AwsError
from relight.model import Baseline, Call, Drift, Observed, Resource, Scope, Unread
from relight.policy import state
from relight.policy.alarm import (
    NARROWING,
    WATCHES,
    Monitoring,
    Params,
    Watch,
    is_sound_alarm,
    is_sound_filter,
    pairs,
    topics,
    transformation,
    weaker,
)
from relight.policy.delivery import log_group_name
from relight.policy.trail import logs_all_management_events
from relight.record import Record, dig
from relight.resources import seen
from relight.resources.log_group import creation
from relight.standard import Standard

__all__ = ["CREATES", "KIND", "arn", "list_names", "locate", "observe", "plan", "revive", "taken", "weaker"]

KIND = "alarm"
CREATES: frozenset[str] = frozenset()
NAME = "monitoring"

FILTER_FIELDS = ("logGroupName", "filterName", "filterPattern", "metricTransformations", *NARROWING)
NO_TOPIC = ("NotFound", "NotFoundException")
REFUSALS = ("AuthorizationError", "AuthorizationErrorException", "AccessDenied", "AccessDeniedException")


def arn(partition: str, account: str, region: str, name: str) -> str:
    """``arn:…:cloudwatch:REGION:ACCOUNT:monitoring``: Relight's own name for it, for AWS has none."""
    return f"arn:{partition}:cloudwatch:{region}:{account}:{NAME}"


def locate(record: Record) -> Scope:
    """The Region's monitoring, and the names of the parts that the record speaks of; none where it does not say."""
    request = record.request
    named = [
        request.get("filterName") or request.get("logGroupName"),
        request.get("alarmName"),
        *_texts(request.get("alarmNames")),
        *_muted(record),
        _topic(request.get("topicArn")),
        _topic(request.get("subscriptionArn")),
    ]
    return Scope(record.account, record.region, names=(NAME,), parts=_texts(named))


def _texts(value: object) -> tuple[str, ...]:
    found = value if isinstance(value, list) else []
    return tuple(dict.fromkeys(each for each in found if isinstance(each, str) and each))


def _muted(record: Record) -> tuple[str, ...]:
    return _texts(dig(record.request, "muteTargets", "alarmNames"))


def _topic(value: object) -> str:
    """The name of a topic, out of its ARN or a subscription's."""
    return value.split(":")[5] if isinstance(value, str) and value.count(":") >= 5 else ""


def observe(
    aws: Aws, scope: Scope, baselines: Mapping[str, Baseline[Monitoring]], standard: Standard
) -> Iterator[Observed[Monitoring]]:
    """The monitoring of the scope's Region; nothing where the scope's parts are none that the baseline guards.

    Nothing either where the account's monitoring belongs in another Region: nobody wants a second one. Where it belongs
    in none, that is told in the stack's own.
    """
    full = arn(standard.partition, scope.account, scope.region, NAME)
    baseline = baselines.get(full)
    before = baseline.state if baseline else None
    if before and scope.parts and not set(scope.parts) & _guarded(before):
        return
    place = aws.at(scope.account, scope.region)
    trails = seen.trails(place)
    if (baseline and baseline.controls) or scope.region in (_homes(trails, scope.account) or {aws.region}):
        yield _read(place, trails, Resource(KIND, NAME, full, scope.account, scope.region), before)


def _homes(trails: Iterable[Mapping[str, Any]], account: str) -> set[str]:
    """The Regions in which an account's monitoring belongs: where the log groups of its multi-Region trails are.

    Without such a group it is where the trails are. Without such a trail it is nowhere.
    """
    own = [each for each in trails if each.get("IsMultiRegionTrail") and _owner(each["TrailARN"]) == account]
    read = [each for each in own if each.get("CloudWatchLogsLogGroupArn")]
    return {each["HomeRegion"] for each in read or own}


def _guarded(before: Monitoring) -> set[str]:
    """The names of all that a baseline relies on."""
    told = {_topic(topic) for alarm in before.alarms for topic in topics(alarm)}
    filters = {each["filterName"] for each in before.filters}
    return told | filters | set(before.groups) | {alarm["AlarmName"] for alarm in before.alarms}


def _read(
    place: Place, trails: Iterable[Mapping[str, Any]], resource: Resource, before: Monitoring | None
) -> Observed[Monitoring]:
    groups = tuple(sorted(_groups(place, trails, before)))
    foreign = [t["TrailARN"] for t in trails if t.get("IsMultiRegionTrail") and _owner(t["TrailARN"]) != place.account]
    if foreign and not groups and not (before and before.groups):
        why = f"the account is covered by {foreign[0]}, whose log group and alarms are its owner's"
        return Observed(resource, None, why)
    filters, missing = _filters(place, groups, before)
    alarms = _alarms(place, filters, before)
    told = {topic for alarm in (*alarms, *(before.alarms if before else ())) for topic in topics(alarm)}
    found = Monitoring(
        account=place.account,
        region=place.region,
        groups=groups,
        filters=filters,
        alarms=alarms,
        mutes=seen.mutes(place, {alarm["AlarmName"] for alarm in alarms}),
        missing=missing,
        listeners={topic: _listeners(place, topic) for topic in sorted(told)},
    )
    return Observed(resource, found)


def _owner(of: str) -> str:
    return of.split(":")[4]


def _groups(place: Place, trails: Iterable[Mapping[str, Any]], before: Monitoring | None) -> Iterator[str]:
    """The names of the log groups that count; a log group of another account cannot be looked at from here."""
    for trail in trails:
        group = trail.get("CloudWatchLogsLogGroupArn") or ""
        if trail.get("HomeRegion") != place.region or _owner(trail["TrailARN"]) != place.account:
            continue
        if group and _owner(group) == place.account:
            name = log_group_name(group)
            if (before and name in before.groups) or _counts(place, trail):
                yield name


def _counts(place: Place, trail: Mapping[str, Any]) -> bool:
    """Whether it is an active multi-Region trail that logs all management events."""
    if not trail.get("IsMultiRegionTrail"):
        return False
    status = place.read("cloudtrail", "GetTrailStatus", Name=trail["TrailARN"]) or {}
    selectors = place.read("cloudtrail", "GetEventSelectors", TrailName=trail["TrailARN"]) or {}
    return bool(status.get("IsLogging")) and logs_all_management_events(selectors)


def _filters(
    place: Place, groups: Iterable[str], before: Monitoring | None
) -> tuple[tuple[Params, ...], tuple[str, ...]]:
    """The metric filters that matter, and the log groups that do not exist."""
    found: list[Params] = []
    missing = []
    for group in groups:
        try:
            shown = list(place.pages("logs", "DescribeMetricFilters", "metricFilters", logGroupName=group))
        except AwsError as error:
            if error.code != "ResourceNotFoundException":
                raise
            missing.append(group)
            continue
        each = [{"logGroupName": group, **{k: f[k] for k in FILTER_FIELDS if f.get(k)}} for f in shown]
        found += [f for f in each if _matters(f, before)]
    return tuple(found), tuple(missing)


def _matters(each: Params, before: Monitoring | None) -> bool:
    known = before is not None and before.filter(each["logGroupName"], each["filterName"]) is not None
    return known or any(watch.means(each.get("filterPattern", "")) for watch in WATCHES)


def _alarms(place: Place, filters: Iterable[Params], before: Monitoring | None) -> tuple[Params, ...]:
    """The alarms on these filters' metrics, and those that the baseline had, by name.

    DescribeAlarms promises no order, and alarms that were put back are not a change to be kept.
    """
    metrics = {_metric(each) for each in filters}
    names = {alarm["AlarmName"] for alarm in before.alarms} if before else set()
    listed = place.pages("cloudwatch", "DescribeAlarms", "MetricAlarms", AlarmTypes=["MetricAlarm"])
    found = (
        {"AlarmName": a["AlarmName"], **seen.alarm(a)}
        for a in listed
        if (a.get("Namespace"), a.get("MetricName")) in metrics or a["AlarmName"] in names
    )
    return tuple(sorted(found, key=lambda alarm: str(alarm["AlarmName"])))


def _metric(each: Params) -> tuple[Any, Any]:
    counted = transformation(each)
    return counted.get("metricNamespace"), counted.get("metricName")


def _listeners(place: Place, topic: str) -> int | Unread | None:
    """How many subscriptions of a topic are confirmed; those that are not have no ARN yet."""
    where = place.elsewhere(topic.split(":")[3])
    try:
        listed = list(where.pages("sns", "ListSubscriptionsByTopic", "Subscriptions", TopicArn=topic))
    except AwsError as error:
        if error.code in NO_TOPIC:
            return None
        return unread(error, foreign=_owner(topic) != place.account and error.code in REFUSALS)
    return sum(str(each.get("SubscriptionArn", "")).startswith("arn:") for each in listed)


def list_names(place: Place, standard: Standard) -> list[str]:
    """Its one name; whether the Region has any monitoring to be looked at, the trails say."""
    return [NAME]


# ------------------------------------------------------------------------------------------------ what was taken


def taken(record: Record, baseline: Baseline[Monitoring] | None, standard: Standard) -> dict[str, str]:
    """The controls whose filter, alarm or topic the record deletes, silences or bends.

    Only names that the baseline has count. An Unsubscribe may leave others subscribed, which the state says; it is told
    all the same, for whoever else's event came first may have found the alarms unheard already.
    """
    if baseline is None:
        return {}
    before = baseline.state
    return {
        watch.control: ""
        for watch in WATCHES
        if any(_takes(record, watch, each, alarm) for each, alarm in pairs(watch, before, None))
    }


def _takes(record: Record, watch: Watch, each: Params, alarm: Params) -> bool:
    """Whether a record takes one filter or its alarm away."""
    request = record.request
    group = request.get("logGroupName") == each["logGroupName"]
    same_filter = group and request.get("filterName") == each["filterName"]
    listed = alarm["AlarmName"] in _texts(request.get("alarmNames"))
    same_alarm = request.get("alarmName") == alarm["AlarmName"]
    lost = {
        "DeleteLogGroup": group,
        "DeleteMetricFilter": same_filter,
        "PutMetricFilter": same_filter and not _is_as_good(watch, request, each, alarm),
        "DeleteAlarms": listed,
        "DisableAlarmActions": listed,
        "PutMetricAlarm": same_alarm and not is_sound_alarm(_upper_first(request), each, [(each, alarm)]),
        "PutAlarmMuteRule": alarm["AlarmName"] in _muted(record),
        "DeleteTopic": request.get("topicArn") in topics(alarm),
        "Unsubscribe": str(request.get("subscriptionArn")).rpartition(":")[0] in topics(alarm),
    }
    return bool(lost.get(record.name))


def _is_as_good(watch: Watch, put: Mapping[str, Any], each: Params, alarm: Params) -> bool:
    """Whether the filter that a record puts does what the one before did, into the same metric."""
    if not isinstance(put.get("filterPattern"), str):
        return False
    return is_sound_filter(watch, put, [(each, alarm)]) and _metric(put) == _metric(each)


def _upper_first(value: Any) -> Any:
    """A record's parameters as the API spells them: CloudTrail writes the first letter small."""
    if isinstance(value, Mapping):
        return {name[:1].upper() + name[1:]: _upper_first(each) for name, each in value.items()}
    return [_upper_first(each) for each in value] if isinstance(value, list) else value


# ------------------------------------------------------------------------------------------------ what is sent


def plan(
    observed: Observed[Monitoring], drifts: tuple[Drift, ...], standard: Standard, baseline: Monitoring | None
) -> tuple[Call, ...]:
    """Log groups first, then filters, then what they ring; one call for each, with all else as it is."""
    now = observed.state or Monitoring(observed.resource.account, observed.resource.region)
    filters = _merged(drifts, "MetricFilter", lambda w: now.filter(w["logGroupName"], w["filterName"]))
    alarms = _merged(drifts, "MetricAlarm", lambda w: now.alarm(w["AlarmName"]))
    missing = dict.fromkeys(each["logGroupName"] for each in filters if each["logGroupName"] in now.missing)
    enabled = [name for d in drifts if d.field == "ActionsEnabled" for name in d.wanted]
    loud = [name for name in dict.fromkeys(enabled) if name not in {alarm["AlarmName"] for alarm in alarms}]
    mutes = dict.fromkeys(d.found["Name"] for d in drifts if d.field == "AlarmMuteRule")
    return (
        *(call for group in missing for call in creation(group, now.account, now.region, standard)),
        *(Call("logs", "PutMetricFilter", each) for each in filters),
        *(Call("cloudwatch", "PutMetricAlarm", {**each, "ActionsEnabled": True}) for each in alarms),
        *((Call("cloudwatch", "EnableAlarmActions", {"AlarmNames": loud}),) if loud else ()),
        *(Call("cloudwatch", "DeleteAlarmMuteRule", {"AlarmMuteRuleName": name}) for name in mutes),
    )


def _merged(drifts: Iterable[Drift], field: str, present: Any) -> list[dict[str, Any]]:
    """What each thing is to become: what it is, with what all drifts change; None stands for what goes."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for drift in (each for each in drifts if each.field == field):
        wanted = drift.wanted
        key = tuple(wanted.get(name) for name in ("logGroupName", "filterName", "AlarmName"))
        found[key] = (found.get(key) or dict(present(wanted) or {})) | dict(wanted)
    return [{name: value for name, value in each.items() if value is not None} for each in found.values()]


def revive(data: Mapping[str, Any]) -> Monitoring:
    """A monitoring from a baseline's data."""
    lists = {name: tuple(data.get(name, ())) for name in ("groups", "filters", "alarms")}
    return state.revive(Monitoring, {**data, **lists})
