"""CloudTrail trails: DescribeTrails, GetTrailStatus, Get…Selectors, ListTags; UpdateTrail, StartLogging, CreateTrail.

Changes are made in the trail's home Region, by ARN
(https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_UpdateTrail.html).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from relight.aws import Aws, Place, unread
from relight.errors import AwsError
from relight.model import Baseline, Call, Drift, Observed, Resource, Scope, Unread
from relight.policy import state
from relight.policy import trail as policy
from relight.policy.delivery import SIEM, log_group_name, of_the_standard
from relight.policy.trail import (
    ENABLED,
    Trail,
    key_candidates,
    logs_all_management_events,
)
from relight.policy.trail_events import lost
from relight.record import Record, dig, is_false, text
from relight.resources import seen, trail_events, trail_readers
from relight.resources.log_group import creation
from relight.resources.trail_again import again, subscriptions
from relight.resources.trail_status import failing
from relight.standard import Standard

__all__ = ["CREATES", "KIND", "arn", "list_names", "locate", "observe", "plan", "revive", "taken", "weaker"]

KIND = "trail"
CREATES = frozenset({"CreateTrail"})

# Field of a drift → parameter of UpdateTrail.
UPDATES = {
    "LogFileValidationEnabled": "EnableLogFileValidation",
    "IsMultiRegionTrail": "IsMultiRegionTrail",
    "IncludeGlobalServiceEvents": "IncludeGlobalServiceEvents",
    "IsOrganizationTrail": "IsOrganizationTrail",
    "KmsKeyId": "KmsKeyId",
    "RecursiveLogging": "RecursiveLogging",
    "S3BucketName": "S3BucketName",
    "S3KeyPrefix": "S3KeyPrefix",
    "CloudWatchLogsLogGroupArn": "CloudWatchLogsLogGroupArn",
    "CloudWatchLogsRoleArn": "CloudWatchLogsRoleArn",
}
LOG_GROUP, ROLE = "CloudWatchLogsLogGroupArn", "CloudWatchLogsRoleArn"
# Parameters that may be refused, because what they name is gone or closed, an older boto3 does not know them, or the
# organisation does not let the account; those of a line go together.
REFUSABLE = (
    ("IsOrganizationTrail",),
    ("RecursiveLogging",),
    ("KmsKeyId",),
    ("S3BucketName", "S3KeyPrefix"),
    (LOG_GROUP, ROLE),
)
GAP = (
    "From the deletion until the repair this trail recorded nothing. Where no other trail logged management events, no "
    "rule saw anything either in that time: CloudTrail's Event history keeps it for 90 days."
)


def arn(partition: str, account: str, region: str, name: str) -> str:
    """``arn:…:trail/NAME``; records and callers may name a trail by its ARN already."""
    return name if name.startswith("arn:") else f"arn:{partition}:cloudtrail:{region}:{account}:trail/{name}"


def locate(record: Record) -> Scope:
    """The trail that the record names, in its home Region; or the log group that may be one's."""
    request = record.request
    if record.name in trail_readers.OF_A_LOG_GROUP:
        parts = (record.need("log group", request.get("logGroupName")),)
        return Scope(record.account, record.region, parts=parts)
    name = record.need("trail", dig(record.response, "trailARN"), request.get("name"), request.get("trailName"))
    home = name.split(":")[3] if name.count(":") >= 5 else record.region
    return Scope(record.account, home, names=(name,))


def observe(
    aws: Aws, scope: Scope, baselines: Mapping[str, Baseline[Trail]], standard: Standard
) -> Iterator[Observed[Trail]]:
    """Each named trail, or those that deliver, or did, to a log group among the parts.

    Shadow trails are listed too: they tell whether the account is covered.
    """
    place = aws.at(scope.account, scope.region)
    listed = seen.trails(place)
    for name in scope.names or _delivering_to(scope, listed, baselines):
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


def _delivering_to(
    scope: Scope, listed: Iterable[Mapping[str, Any]], baselines: Mapping[str, Baseline[Trail]]
) -> list[str]:
    """The ARNs of the account's trails at home here whose log group, now or in the baseline, is one of the parts."""
    groups = {t["TrailARN"]: t.get("CloudWatchLogsLogGroupArn") or "" for t in listed if _is_home(t, scope)}
    before = {full: baseline.state.log_group for full, baseline in baselines.items() if full in groups}
    return [
        full
        for full, group in groups.items()
        if {log_group_name(group), log_group_name(before.get(full, ""))}.intersection(scope.parts)
    ]


def _is_home(shown: Mapping[str, Any], scope: Scope) -> bool:
    return (shown["HomeRegion"], shown["TrailARN"].split(":")[4]) == (scope.region, scope.account)


def _read(
    place: Place,
    shown: Mapping[str, Any],
    listed: Iterable[Mapping[str, Any]],
    before: Trail | None,
    standard: Standard,
) -> Trail | None:
    full, group, key = shown["TrailARN"], shown.get("CloudWatchLogsLogGroupArn") or "", shown.get("KmsKeyId") or ""
    status, (basic, advanced), insights, tags, readers, key_states = place.together(
        lambda: place.read("cloudtrail", "GetTrailStatus", missing=("TrailNotFoundException",), Name=full),
        lambda: trail_events.event_selectors(place, full),
        lambda: trail_events.insight_selectors(place, full),
        lambda: _tags(place, full),
        lambda: _readers(place, full, group),
        lambda: _key_states(place, full, key, standard),
    )
    if status is None:  # deleted since it was listed
        return None
    multi_region = bool(shown.get("IsMultiRegionTrail"))
    others = [t for t in listed if t.get("IsMultiRegionTrail") and t["TrailARN"] != full]
    found = Trail(
        account=full.split(":")[4],
        region=place.region,
        logging=bool(status.get("IsLogging")),
        log_file_validation=bool(shown.get("LogFileValidationEnabled")),
        multi_region=multi_region,
        global_events=bool(shown.get("IncludeGlobalServiceEvents")),
        kms_key=key,
        bucket=shown.get("S3BucketName") or "",
        prefix=shown.get("S3KeyPrefix") or "",
        log_group=group,
        log_group_role=shown.get("CloudWatchLogsRoleArn") or "",
        sns_topic=shown.get("SnsTopicARN") or "",
        event_selectors=basic,
        advanced_event_selectors=advanced,
        insight_selectors=insights,
        recursive_logging=shown.get("RecursiveLogging", True),
        organization=bool(shown.get("IsOrganizationTrail")),
        tags=tags,
        name=shown["Name"],
        failing=failing(status),
    )
    found = replace(
        found,
        covered=trail_events.needs_cover(found) and _covered(place, others),
        elsewhere=trail_events.elsewhere(place, found, others, before, standard),
    )
    return _with_key_states(place, _with_log_group(found, readers, before), key_states, before, standard)


def _tags(place: Place, trail_arn: str) -> Mapping[str, str] | Unread:
    """Unread where they cannot be read: only making the trail again needs them, and all else must not wait."""
    try:
        answer = place.read("cloudtrail", "ListTags", ResourceIdList=[trail_arn]) or {}
    except AwsError as error:
        return unread(error)
    tags = (tag for listed in answer.get("ResourceTagList", ()) for tag in listed.get("TagsList", ()))
    return {tag["Key"]: tag.get("Value", "") for tag in tags}


# The filters of a trail's log group; None where there is no such group, or why that is not known.
Readers = tuple[dict[str, Any], ...] | Unread | None


def _readers(place: Place, trail_arn: str, group: str) -> Readers:
    """Whether a trail's log group exists, and whom it hands events on to. One read tells both."""
    if not group:
        return None
    owner = group.split(":")[4:5]
    if owner != trail_arn.split(":")[4:5]:
        return Unread(f"it belongs to {owner}", foreign=True)
    gone = ("ResourceNotFoundException",)
    name = log_group_name(group)
    try:
        answer = place.read("logs", "DescribeSubscriptionFilters", missing=gone, logGroupName=name)
    except AwsError as error:
        return unread(error)
    return tuple(trail_readers.as_put(each) for each in answer["subscriptionFilters"]) if answer else None


def _with_log_group(trail: Trail, readers: Readers, before: Trail | None) -> Trail:
    """Adds them; where nobody may look, the last known ones."""
    if not trail.log_group:
        return trail
    if isinstance(readers, Unread):
        last_known = before.subscription_filters if before else ()
        return replace(trail, log_group_exists=readers, subscription_filters=last_known)
    if readers is None:
        return replace(trail, log_group_exists=False)
    return replace(trail, subscription_filters=readers)


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
        foreign = trail_arn.split(":")[4] != here.account and error.code in trail_events.REFUSALS
        return Unread(f"{trail_arn}: {error}", foreign=foreign)
    return bool(status.get("IsLogging")) and logs_all_management_events(selectors)


def _key_states(place: Place, trail_arn: str, key: str, standard: Standard) -> dict[str, str | Unread]:
    """The state of the trail's own key, if it may be one that Relight would look at."""
    return {key: _key_state(place, key)} if key and standard.trusts_key(key, trail_arn.split(":")[4]) else {}


def _with_key_states(
    place: Place, trail: Trail, states: dict[str, str | Unread], before: Trail | None, standard: Standard
) -> Trail:
    """Adds the state of the trail's key or, where that will not do, of those that could take its place."""
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
        return unread(error)
    return str(answer["KeyMetadata"]["KeyState"]) if answer else "NotFound"


def _bucket_region(place: Place, bucket: str) -> str:
    """Where the bucket is; empty where it is none of the account's, or nobody may say."""
    try:
        listed = place.pages("s3", "ListBuckets", "Buckets", Prefix=bucket, PaginationConfig={"PageSize": 1000})
        return next((each.get("BucketRegion", "") for each in listed if each["Name"] == bucket), "")
    except AwsError:
        return ""


def list_names(place: Place, standard: Standard) -> list[str]:
    """The ARNs of the trails that have their home in the Region, an organisation's too, of whichever account.

    It may be all that an account has: then nobody can tell from here that none covers it, or that one does.
    """
    return [each["TrailARN"] for each in seen.trails(place) if each["HomeRegion"] == place.region]


def taken(record: Record, baseline: Baseline[Trail] | None, standard: Standard) -> dict[str, str]:
    """What takes by its name; UpdateTrail by the fields that it turns off or leads elsewhere.

    A field that the baseline did not have either was not taken away: tools send the whole configuration each time.
    """
    if record.name == "StopLogging":
        return {"trail.logging": ""}
    if record.name == "DeleteTrail":
        return {"trail.exists": GAP}
    if record.name in trail_readers.OF_A_LOG_GROUP:
        return trail_readers.taken(record, baseline, standard)
    if record.name in trail_events.PUTS:
        return trail_events.taken(record, baseline)
    if record.name != "UpdateTrail":
        return {}
    request = record.request
    before = baseline.state if baseline and baseline.knew(record.time) else None
    key = request.get("kmsKeyId")
    strange = isinstance(key, str) and key.startswith("arn:") and not standard.trusts_key(key, record.account)
    organizations = baseline is not None and baseline.state.organization  # what tools say of most trails takes nothing
    lost = {
        "trail.log-file-validation": is_false(request.get("enableLogFileValidation"))
        and (before is None or before.log_file_validation),
        "trail.kms-encryption": strange or (key == "" and (before is None or bool(before.kms_key))),
        "trail.multi-region": (
            (is_false(request.get("isMultiRegionTrail")) and (before is None or before.multi_region))
            or (is_false(request.get("includeGlobalServiceEvents")) and (before is None or before.global_events))
            or (is_false(request.get("isOrganizationTrail")) and organizations)
        ),
        "trail.destination": baseline is not None and _moves_files(request, baseline.state, standard),
        "trail.cloudwatch-logs": standard.trail_reader != SIEM
        and "" in (request.get("cloudWatchLogsLogGroupArn"), request.get("cloudWatchLogsRoleArn"))
        and (before is None or bool(before.log_group)),
        "trail.baseline": baseline is not None and _leads_elsewhere(request, baseline.state, standard),
    }
    return {control: "" for control, is_lost in lost.items() if is_lost}


def _moves_files(request: Mapping[str, Any], before: Trail, standard: Standard) -> bool:
    """Whether UpdateTrail names a bucket or prefix that is not the baseline's; a trusted bucket is no loss."""
    bucket, prefix = text(request.get("s3BucketName")) or before.bucket, request.get("s3KeyPrefix")
    moved = bucket != before.bucket or (isinstance(prefix, str) and prefix != before.prefix)
    return moved and bucket not in standard.trusted_buckets


def _leads_elsewhere(request: Mapping[str, Any], before: Trail, standard: Standard) -> bool:
    """Whether UpdateTrail names another place or key than the baseline had, by name, id or ARN, that may comply.

    Of a topic where none was, too: it tells somebody of every file.
    """
    topic = request.get("snsTopicName")
    if isinstance(topic, str) and not _same(topic, before.sns_topic):
        return True
    pairs = [(request.get("kmsKeyId") or None, before.kms_key)]  # to drop it is its control's business
    group = request.get("cloudWatchLogsLogGroupArn")
    pairs.append((group if standard.trail_reader == SIEM else group or None, before.log_group))
    if not _moves_files(request, before, standard):  # or else to a bucket that is trusted
        pairs += [(request.get("s3BucketName"), before.bucket), (request.get("s3KeyPrefix"), before.prefix)]
    return any(was and isinstance(named, str) and not _same(named, was) for named, was in pairs)


def _same(named: str, was: str) -> bool:
    """Whether a text is the same, or the name or id in an ARN."""
    return named == was or (was.startswith("arn:") and bool(named) and was.endswith((f":{named}", f"/{named}")))


def plan(
    observed: Observed[Trail], drifts: tuple[Drift, ...], standard: Standard, baseline: Trail | None
) -> tuple[Call, ...]:
    """StartLogging first, for while the last trail is stopped no rule sees anything; then one UpdateTrail.

    A log group is made before a trail is led to it, and has its filters after that. Selectors come last: what they add
    depends on the rest, and Insights on the events that are logged.
    """
    wanted = {drift.field: drift.wanted for drift in drifts}
    if observed.state is None:
        return again(observed.resource, baseline, standard) if baseline and "Exists" in wanted else ()
    calls = []
    if "IsLogging" in wanted:
        calls.append(Call("cloudtrail", "StartLogging", {"Name": observed.resource.arn}))
    group = log_group_name(wanted.get("CloudWatchLogsLogGroupArn", "")) or wanted.get("LogGroupName")
    if group:
        calls += creation(group, observed.resource.account, observed.resource.region, standard)
    changes = {UPDATES[name]: value for name, value in wanted.items() if name in UPDATES}
    if changes:
        others = _readers_of_the_standard(observed.resource.arn, observed.state, changes, standard)
        calls.append(_update(observed.resource.arn, changes, others))
    calls += subscriptions(wanted.get("SubscriptionFilters", ()))
    calls += trail_events.plan(observed, drifts, standard, baseline)
    return tuple(calls)


def _readers_of_the_standard(
    trail_arn: str, trail: Trail, changes: Mapping[str, Any], standard: Standard
) -> tuple[Call, ...]:
    """The standard's log group and role, for where AWS refuses those of the baseline: a role may be gone, too."""
    group, role = of_the_standard(trail, standard)
    if not role or changes.get(LOG_GROUP) in (None, group):
        return ()
    return (
        *creation(log_group_name(group), trail.account, trail.region, standard),
        _change(trail_arn, {LOG_GROUP: group, ROLE: role}),
    )


def _update(trail_arn: str, changes: Mapping[str, Any], others: tuple[Call, ...]) -> Call:
    """One call. Where AWS refuses it for one value, the rest must not wait for that: each part is sent alone.

    `others` take the place of a log group and role that are refused.
    """
    parts = [{name: changes[name] for name in names if name in changes} for names in REFUSABLE]
    refusable = tuple(_change(trail_arn, part, others if LOG_GROUP in part else ()) for part in parts if part)
    rest = {name: value for name, value in changes.items() if not any(name in names for names in REFUSABLE)}
    instead: tuple[Call, ...] = (_change(trail_arn, rest),) if rest and refusable else ()
    # Of a single one it is known that it was refused.
    instead += refusable[0].instead if len(refusable) == 1 else refusable
    return _change(trail_arn, changes, instead)


def _change(trail_arn: str, changes: Mapping[str, Any], instead: tuple[Call, ...] = ()) -> Call:
    return Call("cloudtrail", "UpdateTrail", {"Name": trail_arn, **changes}, instead=instead)


def weaker(old: Trail, new: Trail, standard: Standard) -> tuple[Drift, ...]:
    """What a compliant trail has given up: another place, key or reader, or events that it does not log any more."""
    return policy.weaker(old, new, standard) + tuple(lost(old, new))


def revive(data: Mapping[str, Any]) -> Trail:
    """A trail from a baseline's data, in which JSON has made lists of tuples."""
    lists = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
    return state.revive(Trail, lists)
