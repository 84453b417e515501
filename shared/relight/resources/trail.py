"""CloudTrail trails: DescribeTrails, GetTrailStatus, Get…Selectors; UpdateTrail, StartLogging.

Changes are made in the trail's home Region, by ARN
(https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_UpdateTrail.html).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from relight.aws import Aws, Place
from relight.errors import AwsError
from relight.model import Baseline, Call, Drift, Observed, Resource, Scope, Unread
from relight.policy import state
from relight.policy.trail import (
    ENABLED,
    Trail,
    key_candidates,
    logs_all_management_events,
    weaker,
)
from relight.record import Record, dig, is_false
from relight.standard import Standard

__all__ = ["CREATES", "KIND", "arn", "list_names", "locate", "observe", "plan", "revive", "taken", "weaker"]

KIND = "trail"
Selectors = tuple[Mapping[str, Any], ...] | Unread
CREATES = frozenset({"CreateTrail"})

# What CloudTrail answers a member account that asks about its organisation's trail.
REFUSALS = ("AccessDeniedException", "AccessDenied", "TrailNotFoundException")

# What GetInsightSelectors answers of a trail without Insights, and where there are none at all (botocore's model).
NO_INSIGHTS = ("InsightNotEnabledException", "UnsupportedOperationException")

# Field of a drift → parameter of UpdateTrail.
UPDATES = {
    "LogFileValidationEnabled": "EnableLogFileValidation",
    "IsMultiRegionTrail": "IsMultiRegionTrail",
    "IncludeGlobalServiceEvents": "IncludeGlobalServiceEvents",
    "KmsKeyId": "KmsKeyId",
}


def arn(partition: str, account: str, region: str, name: str) -> str:
    """``arn:…:trail/NAME``; records and callers may name a trail by its ARN already."""
    return name if name.startswith("arn:") else f"arn:{partition}:cloudtrail:{region}:{account}:trail/{name}"


def locate(record: Record) -> Scope:
    """The trail that the record names, in its home Region."""
    request = record.request
    name = record.need("trail", dig(record.response, "trailARN"), request.get("name"), request.get("trailName"))
    home = name.split(":")[3] if name.count(":") >= 5 else record.region
    return Scope(record.account, home, names=(name,))


def observe(
    aws: Aws, scope: Scope, baselines: Mapping[str, Baseline[Trail]], standard: Standard
) -> Iterator[Observed[Trail]]:
    """Each named trail. Shadow trails are listed too: they tell whether the account is covered."""
    place = aws.at(scope.account, scope.region)
    listed = (place.read("cloudtrail", "DescribeTrails", includeShadowTrails=True) or {})["trailList"]
    for name in scope.names:
        full = arn(standard.partition, scope.account, scope.region, name)
        resource = Resource(KIND, full.rpartition("/")[2], full, scope.account, scope.region)
        owner = full.split(":")[4]
        shown = next((each for each in listed if each["TrailARN"] == full), None)
        if owner != scope.account:
            yield Observed(resource, None, f"it is an organisation trail of account {owner}, and only changed there")
        elif shown is None:
            yield Observed(resource, None)
        else:
            baseline = baselines.get(full)
            yield Observed(resource, _read(place, shown, listed, baseline.state if baseline else None, standard))


def _read(
    place: Place,
    shown: Mapping[str, Any],
    listed: Iterable[Mapping[str, Any]],
    before: Trail | None,
    standard: Standard,
) -> Trail | None:
    status = place.read("cloudtrail", "GetTrailStatus", missing=("TrailNotFoundException",), Name=shown["TrailARN"])
    if status is None:  # deleted since it was listed
        return None
    multi_region = bool(shown.get("IsMultiRegionTrail"))
    others = [t for t in listed if t.get("IsMultiRegionTrail") and t["TrailARN"] != shown["TrailARN"]]
    basic, advanced = _event_selectors(place, shown["TrailARN"])
    found = Trail(
        account=shown["TrailARN"].split(":")[4],
        region=place.region,
        logging=bool(status.get("IsLogging")),
        log_file_validation=bool(shown.get("LogFileValidationEnabled")),
        multi_region=multi_region,
        global_events=bool(shown.get("IncludeGlobalServiceEvents")),
        kms_key=shown.get("KmsKeyId") or "",
        bucket=shown.get("S3BucketName") or "",
        prefix=shown.get("S3KeyPrefix") or "",
        log_group=shown.get("CloudWatchLogsLogGroupArn") or "",
        log_group_role=shown.get("CloudWatchLogsRoleArn") or "",
        sns_topic=shown.get("SnsTopicARN") or "",
        event_selectors=basic,
        advanced_event_selectors=advanced,
        insight_selectors=_insight_selectors(place, shown["TrailARN"]),
        covered=not multi_region and _covered(place, others),
    )
    return _with_key_states(place, found, before, standard)


def _event_selectors(place: Place, trail_arn: str) -> tuple[Selectors, Selectors]:
    """The basic and the advanced ones. What cannot be read must not keep the other controls from being judged."""
    try:
        shown = place.read("cloudtrail", "GetEventSelectors", TrailName=trail_arn) or {}
    except AwsError as error:
        return Unread(str(error)), Unread(str(error))
    return tuple(shown.get("EventSelectors") or ()), tuple(shown.get("AdvancedEventSelectors") or ())


def _insight_selectors(place: Place, trail_arn: str) -> Selectors:
    try:
        shown = place.read("cloudtrail", "GetInsightSelectors", missing=NO_INSIGHTS, TrailName=trail_arn) or {}
    except AwsError as error:
        return Unread(str(error))
    return tuple(shown.get("InsightSelectors") or ())


def _covered(place: Place, others: Iterable[Mapping[str, Any]]) -> bool | Unread:
    """Whether one of the other multi-Region trails logs all management events of the account."""
    covered: bool | Unread = False
    for other in others:
        covers = _covers(place.elsewhere(other["HomeRegion"]), other["TrailARN"], place)
        if covers is True:
            return True
        covered = covers or covered
    return covered


def _covers(home: Place, trail_arn: str, here: Place) -> bool | Unread:
    """Whether a trail does. An organisation may keep the selectors of its trail from its members."""
    try:
        status = home.read("cloudtrail", "GetTrailStatus", Name=trail_arn) or {}
        selectors = home.read("cloudtrail", "GetEventSelectors", TrailName=trail_arn) or {}
    except AwsError as error:
        foreign = trail_arn.split(":")[4] != here.account and error.code in REFUSALS
        return Unread(f"{trail_arn}: {error}", foreign=foreign)
    return bool(status.get("IsLogging")) and logs_all_management_events(selectors)


def _with_key_states(place: Place, trail: Trail, before: Trail | None, standard: Standard) -> Trail:
    """Adds the state of the trail's key or, where that will not do, of those that could take its place."""
    states: dict[str, str | Unread] = {}
    found = replace(trail, key_states=states)
    for key in filter(None, (trail.kms_key, before.kms_key if before else "")):
        if _usable(place, found, key, states, standard):
            return found
    found = replace(found, bucket_region=_bucket_region(place, trail.bucket))
    for key in key_candidates(found, standard, before):
        if _usable(place, found, key, states, standard):
            break
    return found


def _usable(place: Place, trail: Trail, key: str, states: dict[str, str | Unread], standard: Standard) -> bool:
    """Looks at a key, once; True where there is no need to look at another one."""
    if not standard.trusts_key(key, trail.account):
        return False
    if key not in states:
        states[key] = _key_state(place, key)
    return states[key] == ENABLED or isinstance(states[key], Unread)


def _key_state(place: Place, key: str) -> str | Unread:
    home = place.elsewhere(key.split(":")[3])
    try:
        answer = home.read("kms", "DescribeKey", missing=("NotFoundException",), KeyId=key)
    except AwsError as error:
        return Unread(str(error))
    return str(answer["KeyMetadata"]["KeyState"]) if answer else "NotFound"


def _bucket_region(place: Place, bucket: str) -> str:
    """Where the bucket is; empty where it is none of the account's, or nobody may say."""
    try:
        listed = place.pages("s3", "ListBuckets", "Buckets", Prefix=bucket, PaginationConfig={"PageSize": 1000})
        return next((each.get("BucketRegion", "") for each in listed if each["Name"] == bucket), "")
    except AwsError:
        return ""


def list_names(place: Place) -> list[str]:
    """The ARNs of the trails that have their home in the Region; shadow and organisation trails are left out."""
    answer = place.read("cloudtrail", "DescribeTrails", includeShadowTrails=False) or {}
    return [trail["TrailARN"] for trail in answer["trailList"]]


def taken(record: Record, baseline: Baseline[Trail] | None, standard: Standard) -> dict[str, str]:
    """StopLogging and DeleteTrail by their name; UpdateTrail by the fields that it turns off or leads elsewhere.

    A field that the baseline did not have either was not taken away: tools send the whole configuration each time.
    """
    if record.name in ("StopLogging", "DeleteTrail"):
        return {"trail.logging": ""}
    if record.name != "UpdateTrail":
        return {}
    request = record.request
    before = baseline.state if baseline and baseline.knew(record.time) else None
    key = request.get("kmsKeyId")
    strange = isinstance(key, str) and key.startswith("arn:") and not standard.trusts_key(key, record.account)
    lost = {
        "trail.log-file-validation": is_false(request.get("enableLogFileValidation"))
        and (before is None or before.log_file_validation),
        "trail.kms-encryption": strange or (key == "" and (before is None or bool(before.kms_key))),
        "trail.multi-region": (
            (is_false(request.get("isMultiRegionTrail")) and (before is None or before.multi_region))
            or (is_false(request.get("includeGlobalServiceEvents")) and (before is None or before.global_events))
        ),
        "trail.baseline": baseline is not None and _leads_elsewhere(request, baseline.state),
    }
    return {control: "" for control, is_lost in lost.items() if is_lost}


def _leads_elsewhere(request: Mapping[str, Any], before: Trail) -> bool:
    """Whether UpdateTrail names another place or key than the baseline had: by name, id or ARN."""
    key = request.get("kmsKeyId") or None  # to drop it is its control's business
    pairs = (
        (request.get("s3BucketName"), before.bucket),
        (request.get("s3KeyPrefix"), before.prefix),
        (key, before.kms_key),
        (request.get("cloudWatchLogsLogGroupArn"), before.log_group),
        (request.get("snsTopicName"), before.sns_topic),
    )
    return any(was and isinstance(named, str) and not _same(named, was) for named, was in pairs)


def _same(named: str, was: str) -> bool:
    """Whether a text is the same, or the name or id in an ARN."""
    return named == was or (was.startswith("arn:") and bool(named) and was.endswith((f":{named}", f"/{named}")))


def plan(
    observed: Observed[Trail], drifts: tuple[Drift, ...], standard: Standard, baseline: Trail | None
) -> tuple[Call, ...]:
    """StartLogging first, for while the last trail is stopped no rule sees anything; then one UpdateTrail."""
    wanted = {drift.field: drift.wanted for drift in drifts}
    calls = []
    if "IsLogging" in wanted:
        calls.append(Call("cloudtrail", "StartLogging", {"Name": observed.resource.arn}))
    changes = {UPDATES[name]: value for name, value in wanted.items() if name in UPDATES}
    if changes:
        calls.append(_update(observed.resource.arn, changes))
    return tuple(calls)


def _update(trail_arn: str, changes: Mapping[str, Any]) -> Call:
    """A key that CloudTrail may not use makes it refuse the whole call: the rest must not wait for that."""
    rest = {name: value for name, value in changes.items() if name != "KmsKeyId"}
    instead = (Call("cloudtrail", "UpdateTrail", {"Name": trail_arn, **rest}),) if 0 < len(rest) < len(changes) else ()
    return Call("cloudtrail", "UpdateTrail", {"Name": trail_arn, **changes}, instead=instead)


def revive(data: Mapping[str, Any]) -> Trail:
    """A trail from a baseline's data."""
    lists = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
    return state.revive(Trail, lists)
