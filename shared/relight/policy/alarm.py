"""A Region's monitoring: what metric filters on the trails' log groups count, and the alarms that tell somebody.

The fifteen controls are rows of one table: CIS AWS Foundations Benchmark v3.0, 4.1 to 4.15, with the patterns that
Security Hub asks for (https://docs.aws.amazon.com/securityhub/latest/userguide/cloudwatch-controls.html).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from relight.model import Drift, Mode, Severity, Unread
from relight.policy.control import control, known
from relight.policy.filter_pattern import meaning
from relight.standard import Standard

Params = Mapping[str, Any]
Pair = tuple[Params, Params]
NOT_LOOKED_AT = Unread("nobody looked at it")

MAKE_ONE = "make filter and alarm by hand, and have somebody told."
# An alarm takes at most so many actions (botocore's model: ResourceList).
MOST_ACTIONS = 5
# More events than this in a row, and an alarm counts as one that is never reached.
REACHABLE = 100
DAY = 86400
RISING = ("GreaterThanOrEqualToThreshold", "GreaterThanThreshold")
NAMESPACE = "Relight/CIS"
TRIGGERS = (
    "DeleteMetricFilter",
    "PutMetricFilter",
    "DeleteAlarms",
    "PutMetricAlarm",
    "DisableAlarmActions",
    "PutAlarmMuteRule",
    "DeleteTopic",
    "Unsubscribe",
    "DeleteLogGroup",
)
REPAIR = "CreateLogGroup, PutMetricFilter, PutMetricAlarm, EnableAlarmActions, DeleteAlarmMuteRule"

# The benchmark's alarm: one event rings it.
BENCHMARK: Params = {
    "Statistic": "Sum",
    "Period": 300,
    "EvaluationPeriods": 1,
    "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    "TreatMissingData": "notBreaching",
}
# What decides when an alarm rings; a value that is absent counts as its default.
SENSITIVE: Params = {
    "Statistic": None,
    "ExtendedStatistic": None,
    "Dimensions": None,
    "Period": None,
    "Unit": None,
    "EvaluationPeriods": None,
    "DatapointsToAlarm": None,
    "Threshold": None,
    "ComparisonOperator": None,
    "TreatMissingData": "missing",
    "EvaluationWindow": None,
    "EvaluationInterval": None,
    "WarmUpConfiguration": None,
}
# What takes events away from a metric filter, or what it counts away from the alarm's metric.
NARROWING = ("applyOnTransformedLogs", "fieldSelectionCriteria", "emitSystemFieldDimensions")


@dataclass(frozen=True, slots=True)
class Monitoring:
    """What watches a Region's trails. Filters and alarms are as PutMetricFilter and PutMetricAlarm take them.

    Only those are held that a control or the baseline knows. `groups` are the log groups of active multi-Region trails
    with all management events that have their home here, and those that once were, as long as a trail names them: that
    a trail is stopped or narrowed is its own controls' matter.
    """

    account: str
    region: str
    groups: tuple[str, ...] = ()
    filters: tuple[Params, ...] = ()
    alarms: tuple[Params, ...] = ()
    mutes: Mapping[str, Any] = field(default_factory=dict)  # alarm mute rule → the alarms that it silences
    # Those of the groups that do not exist.
    missing: tuple[str, ...] = field(default=(), compare=False)
    # Topic → how many subscriptions are confirmed; None: there is no such topic.
    listeners: Mapping[str, int | Unread | None] = field(default_factory=dict, compare=False)

    def filter(self, group: str, name: str) -> Params | None:
        """The metric filter of a name."""
        return next((f for f in self.filters if (f["logGroupName"], f["filterName"]) == (group, name)), None)

    def alarm(self, name: str) -> Params | None:
        """The alarm of a name."""
        return next((a for a in self.alarms if a["AlarmName"] == name), None)


@dataclass(frozen=True, slots=True)
class Watch:
    """A row of the table. The first of `patterns` is Security Hub's, and the one introduced; the others mean it too."""

    name: str
    title: str
    metric: str
    cis: str
    patterns: tuple[str, ...]
    security_hub: str = ""
    severity: Severity = Severity.LOW
    introduce: Mode = Mode.OBSERVE

    @property
    def control(self) -> str:
        """The control's id."""
        return f"alarm.{self.name}"

    def means(self, pattern: str) -> bool:
        """Whether a filter pattern matches just what it should."""
        return meaning(pattern) in {meaning(each) for each in self.patterns}


def _events(*names: str, source: str = "") -> str:
    """The pattern of calls by their names, and by the service where names are not enough."""
    called = " || ".join(f"($.eventName = {name})" for name in names)
    return f"{{ ($.eventSource = {source}.amazonaws.com) && ({called}) }}" if source else f"{{ {called} }}"


def _either(*names: str, source: str) -> tuple[str, str]:
    """With the service's name and without."""
    return _events(*names, source=source), _events(*names)


# The benchmark leaves out what AWS's own services are refused all day long.
_NOISELESS = '($.sourceIPAddress != "delivery.logs.amazonaws.com") && ($.eventName != "HeadBucket")'
_WITHOUT_MFA = '($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes")'
_SUCCEEDED = '($.userIdentity.type = "IAMUser") && ($.responseElements.ConsoleLogin = "Success")'

WATCHES = (
    Watch(
        "unauthorized-calls",
        "Unauthorized API calls raise an alarm",
        "UnauthorizedApiCalls",
        "4.1",
        (
            '{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") }',
            f'{{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") && {_NOISELESS} }}',
            f'{{ (($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*")) && {_NOISELESS} }}',
        ),
        "CloudWatch.2",
    ),
    Watch(
        "sign-in-without-mfa",
        "Console sign-in without MFA raises an alarm",
        "ConsoleSignInWithoutMfa",
        "4.2",
        (
            f"{{ {_WITHOUT_MFA} && {_SUCCEEDED} }}",
            f"{{ {_WITHOUT_MFA} }}",
        ),
        "CloudWatch.3",
    ),
    Watch(
        "root-use",
        "Use of the root user raises an alarm",
        "RootUse",
        "4.3",
        ('{ $.userIdentity.type="Root" && $.userIdentity.invokedBy NOT EXISTS && $.eventType!="AwsServiceEvent" }',),
        "CloudWatch.1",
        Severity.MEDIUM,
    ),
    Watch(
        "iam-changes",
        "Changes of IAM policies raise an alarm",
        "IamPolicyChanges",
        "4.4",
        _either(
            *("DeleteGroupPolicy", "DeleteRolePolicy", "DeleteUserPolicy"),
            *("PutGroupPolicy", "PutRolePolicy", "PutUserPolicy"),
            *("CreatePolicy", "DeletePolicy", "CreatePolicyVersion", "DeletePolicyVersion"),
            *("AttachRolePolicy", "DetachRolePolicy", "AttachUserPolicy", "DetachUserPolicy"),
            *("AttachGroupPolicy", "DetachGroupPolicy"),
            source="iam",
        ),
        "CloudWatch.4",
        Severity.MEDIUM,
    ),
    Watch(
        "cloudtrail-changes",
        "Changes of trails raise an alarm",
        "TrailChanges",
        "4.5",
        (_events("CreateTrail", "UpdateTrail", "DeleteTrail", "StartLogging", "StopLogging"),),
        "CloudWatch.5",
        Severity.MEDIUM,
    ),
    Watch(
        "sign-in-failures",
        "Failed console sign-in raises an alarm",
        "ConsoleSignInFailures",
        "4.6",
        ('{ ($.eventName = ConsoleLogin) && ($.errorMessage = "Failed authentication") }',),
        "CloudWatch.6",
    ),
    Watch(
        "key-disabled",
        "Disabling or deleting KMS keys raises an alarm",
        "KeysDisabledOrDeleted",
        "4.7",
        (_events("DisableKey", "ScheduleKeyDeletion", source="kms"),),
        "CloudWatch.7",
        Severity.MEDIUM,
    ),
    Watch(
        "bucket-policy-changes",
        "Changes of bucket policies raise an alarm",
        "BucketPolicyChanges",
        "4.8",
        (
            _events(
                *("PutBucketAcl", "PutBucketPolicy", "PutBucketCors", "PutBucketLifecycle", "PutBucketReplication"),
                *("DeleteBucketPolicy", "DeleteBucketCors", "DeleteBucketLifecycle", "DeleteBucketReplication"),
                source="s3",
            ),
        ),
        "CloudWatch.8",
    ),
    Watch(
        "config-changes",
        "Changes of AWS Config raise an alarm",
        "ConfigChanges",
        "4.9",
        (
            _events(
                *("StopConfigurationRecorder", "DeleteDeliveryChannel"),
                *("PutDeliveryChannel", "PutConfigurationRecorder"),
                source="config",
            ),
        ),
        "CloudWatch.9",
        Severity.MEDIUM,
    ),
    Watch(
        "security-group-changes",
        "Changes of security groups raise an alarm",
        "SecurityGroupChanges",
        "4.10",
        (
            _events(
                *("AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress"),
                *("RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress"),
                *("CreateSecurityGroup", "DeleteSecurityGroup"),
            ),
        ),
        "CloudWatch.10",
    ),
    Watch(
        "network-acl-changes",
        "Changes of network ACLs raise an alarm",
        "NetworkAclChanges",
        "4.11",
        (
            _events(
                *("CreateNetworkAcl", "CreateNetworkAclEntry", "DeleteNetworkAcl", "DeleteNetworkAclEntry"),
                *("ReplaceNetworkAclEntry", "ReplaceNetworkAclAssociation"),
            ),
        ),
        "CloudWatch.11",
    ),
    Watch(
        "gateway-changes",
        "Changes of network gateways raise an alarm",
        "GatewayChanges",
        "4.12",
        (
            _events(
                *("CreateCustomerGateway", "DeleteCustomerGateway", "AttachInternetGateway"),
                *("CreateInternetGateway", "DeleteInternetGateway", "DetachInternetGateway"),
            ),
        ),
        "CloudWatch.12",
    ),
    Watch(
        "route-table-changes",
        "Changes of route tables raise an alarm",
        "RouteTableChanges",
        "4.13",
        _either(
            *("CreateRoute", "CreateRouteTable", "ReplaceRoute", "ReplaceRouteTableAssociation"),
            *("DeleteRouteTable", "DeleteRoute", "DisassociateRouteTable"),
            source="ec2",
        ),
        "CloudWatch.13",
    ),
    Watch(
        "vpc-changes",
        "Changes of VPCs raise an alarm",
        "VpcChanges",
        "4.14",
        (
            _events(
                *("CreateVpc", "DeleteVpc", "ModifyVpcAttribute"),
                *("AcceptVpcPeeringConnection", "CreateVpcPeeringConnection"),
                *("DeleteVpcPeeringConnection", "RejectVpcPeeringConnection"),
                *("AttachClassicLinkVpc", "DetachClassicLinkVpc", "DisableVpcClassicLink", "EnableVpcClassicLink"),
            ),
        ),
        "CloudWatch.14",
        Severity.MEDIUM,
        Mode.ENFORCE,
    ),
    Watch(
        "organization-changes",
        "Changes of AWS Organizations raise an alarm",
        "OrganizationChanges",
        "4.15",
        (
            _events(
                *("AcceptHandshake", "AttachPolicy", "CreateAccount", "CreateOrganizationalUnit", "CreatePolicy"),
                *("DeclineHandshake", "DeleteOrganization", "DeleteOrganizationalUnit", "DeletePolicy"),
                *("DetachPolicy", "DisablePolicyType", "EnablePolicyType", "InviteAccountToOrganization"),
                *("LeaveOrganization", "MoveAccount", "RemoveAccountFromOrganization"),
                *("UpdatePolicy", "UpdateOrganizationalUnit"),
                source="organizations",
            ),
        ),
    ),
)
# The one that says it all where the same thing stands in the way of every control.
SPOKESMAN = "alarm.vpc-changes"


def check(watch: Watch, now: Monitoring, standard: Standard, baseline: Monitoring | None) -> Iterator[Drift]:
    """A metric filter that means the row's pattern, an alarm on its metric that can ring, and somebody who hears it."""
    if not now.groups:
        yield _no_log_group(watch)
        return
    sound = pairs(watch, now, baseline)
    if not sound:
        yield from _mended(watch, now, standard, baseline)
        return
    yield from min((_unheard(now, alarm, standard, baseline) for _, alarm in sound), key=len)


for _watch in WATCHES:
    control(
        _watch.control,
        title=_watch.title,
        severity=_watch.severity,
        cis=_watch.cis,
        security_hub=_watch.security_hub,
        triggers=TRIGGERS,
        repair=REPAIR,
        introduce=_watch.introduce,
        costs="0.10 a month for the alarm",
    )(partial(check, _watch))


def _no_log_group(watch: Watch) -> Drift:
    """Said once: fifteen controls would say the same."""
    advice = (
        "No active multi-Region trail with all management events has a CloudWatch Logs log group here, so there is "
        "nothing for a metric filter to read: see trail.cloudwatch-logs."
        if watch.control == SPOKESMAN
        else f"See {SPOKESMAN}."
    )
    return Drift("CloudWatchLogsLogGroupArn", found="", wanted="a log group", manual=advice)


# ---------------------------------------------------------------------------------------------- what is sound


def pairs(watch: Watch, now: Monitoring, baseline: Monitoring | None) -> list[Pair]:
    """The filters and alarms that do what the row demands, and no less than the baseline's did."""
    before = pairs(watch, baseline, None) if baseline else []
    return [
        (each, alarm)
        for each in now.filters
        if each["logGroupName"] in now.groups and is_sound_filter(watch, each, before)
        for alarm in now.alarms
        if is_sound_alarm(alarm, each, before)
    ]


def is_sound_filter(watch: Watch, each: Params, before: Iterable[Pair]) -> bool:
    """Whether a filter counts just the row's events, each as a whole one, into a metric that an alarm can look at."""
    counted = transformation(each)
    if not watch.means(each.get("filterPattern", "")) or any(each.get(name) for name in NARROWING):
        return False
    if counted.get("dimensions") or (_number(counted.get("metricValue")) or 0) <= 0:
        return False
    was = [transformation(old) for old, _ in before if old["filterName"] == each["filterName"]]
    if not was or (_number(counted["metricValue"]), _default(counted)) == (1, 0):
        return True
    return any(all(counted.get(n) == old.get(n) for n in ("metricValue", "defaultValue", "unit")) for old in was)


def is_sound_alarm(alarm: Params, each: Params, before: list[Pair]) -> bool:
    """Whether an alarm looks at a filter's metric, can ring, tells a topic, and is no duller than the baseline's."""
    counted = transformation(each)
    looks = (alarm.get("Namespace"), alarm.get("MetricName")) == (
        counted.get("metricNamespace"),
        counted.get("metricName"),
    )
    if not (looks and alarm.get("ActionsEnabled", True) and topics(alarm) and _can_ring(alarm, counted)):
        return False
    was = [old for _, old in before]
    same = [old for old in was if old["AlarmName"] == alarm["AlarmName"]]
    return not was or any(not _duller(alarm, old) for old in same or was)


def transformation(each: Params) -> Params:
    """How a filter becomes a metric: there is just one way (botocore's model: MetricTransformations)."""
    listed = each.get("metricTransformations")
    first = listed[0] if isinstance(listed, list) and listed else {}
    return first if isinstance(first, Mapping) else {}


def topics(alarm: Params) -> list[str]:
    """The SNS topics that an alarm tells."""
    return [each for each in alarm.get("AlarmActions") or () if str(each).split(":")[2:3] == ["sns"]]


def _can_ring(alarm: Params, counted: Params) -> bool:
    """Whether a few events, and nothing but events, bring the alarm to ring.

    One that missing data or the filter's default value already holds in ALARM never rings again.
    """
    value, threshold = _number(counted.get("metricValue")) or 0, _number(alarm.get("Threshold"))
    strict = alarm.get("ComparisonOperator") == "GreaterThanThreshold"
    if alarm.get("ComparisonOperator") not in RISING or threshold is None or value <= 0:
        return False
    always = _default(counted) > threshold or (_default(counted) == threshold and not strict)
    if always or alarm.get("TreatMissingData") == "breaching" or alarm.get("WarmUpConfiguration"):
        return False
    if alarm.get("Dimensions") or alarm.get("Unit") not in (None, "", "None", counted.get("unit")):
        return False
    if alarm.get("Statistic") in ("Sum", "SampleCount"):
        each = value if alarm["Statistic"] == "Sum" else 1
        events = threshold // each + (1 if strict or threshold % each else 0)
    elif alarm.get("Statistic") in ("Maximum", "Average"):
        events = 1 if value > threshold or (value == threshold and not strict) else REACHABLE + 1
    else:
        return False
    periods = _number(sensitive(alarm, "DatapointsToAlarm")) or REACHABLE + 1
    return max(events, 1) * periods <= REACHABLE and (_number(alarm.get("Period")) or 0) <= DAY


def _duller(alarm: Params, before: Params) -> bool:
    """Whether an alarm rings later or for less than another; what the benchmark itself demands is never dull."""
    changed = {name for name in SENSITIVE if sensitive(alarm, name) != sensitive(before, name)}
    if not changed or all(sensitive(alarm, name) == sensitive(BENCHMARK, name) for name in changed):
        return False
    lower = (_number(alarm.get("Threshold")) or 0) < (_number(before.get("Threshold")) or 0)
    return changed != {"Threshold"} or not lower


def sensitive(alarm: Params, name: str) -> Any:
    """A field that decides when an alarm rings, comparable."""
    value = alarm.get(name) or SENSITIVE[name]
    if name == "DatapointsToAlarm":
        value = value or alarm.get("EvaluationPeriods")
    if name == "Threshold":
        value = alarm.get(name)
    number = _number(value)
    return value if number is None else number


def _number(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, str | int | float) else None
    except ValueError:
        return None


def _default(counted: Params) -> float:
    return _number(counted.get("defaultValue")) or 0


# ------------------------------------------------------------------------------------------- what is put back


def _mended(watch: Watch, now: Monitoring, standard: Standard, baseline: Monitoring | None) -> Iterator[Drift]:
    """The baseline's filter and alarm as they were or, where there were none, Relight's own beside the user's."""
    wanted_filter, wanted_alarm = _restored(watch, now, baseline) or _own(watch, now, standard)
    wanted_alarm = _with_living_topic(wanted_alarm, now, standard)
    advice = "" if topics(wanted_alarm) else f"No topic for alarms is known in {now.account}/{now.region}: {MAKE_ONE}"
    where = {name: wanted_filter[name] for name in ("logGroupName", "filterName")}
    present = now.filter(where["logGroupName"], where["filterName"])
    changes = _filter_changes(wanted_filter, present)
    if changes:
        found = {**where, **{name: present.get(name) for name in changes}} if present else None
        yield Drift("MetricFilter", found=found, wanted={**where, **changes}, manual=advice)
    name = wanted_alarm["AlarmName"]
    alarm = now.alarm(name)
    changes = _alarm_changes(wanted_alarm, alarm)
    if changes.keys() == {"ActionsEnabled"} and alarm:
        yield Drift("ActionsEnabled", found={name: False}, wanted={name: True})
    elif changes:
        shown = {"AlarmName": name, **{each: alarm.get(each) for each in changes}} if alarm else None
        yield Drift("MetricAlarm", found=shown, wanted={"AlarmName": name, **changes}, manual=advice)
    yield from _mutes(now, name, baseline)


def _restored(watch: Watch, now: Monitoring, baseline: Monitoring | None) -> Pair | None:
    """The baseline's pair; in another log group where a trail has another one now."""
    before = pairs(watch, baseline, None) if baseline else []
    for each, alarm in before:
        if each["logGroupName"] in now.groups:
            return each, alarm
    return ({**before[0][0], "logGroupName": now.groups[0]}, before[0][1]) if before else None


def _own(watch: Watch, now: Monitoring, standard: Standard) -> Pair:
    """Relight's own alarm, on a filter that is there already if there is one that will do."""
    ours = f"relight-{watch.name}"
    counted = {"metricNamespace": NAMESPACE, "metricName": watch.metric, "metricValue": "1"}
    own: Params = {
        "logGroupName": now.groups[0],
        "filterName": ours,
        "filterPattern": watch.patterns[0],
        "metricTransformations": [counted],
    }
    present = [f for f in now.filters if f["logGroupName"] in now.groups and is_sound_filter(watch, f, ())]
    chosen = next((f for f in present if _can_ring(BENCHMARK, transformation(f))), own)
    alarm = {
        "AlarmName": ours,
        "AlarmDescription": f"{watch.title} (CIS {watch.cis})",
        "ActionsEnabled": True,
        "AlarmActions": [topic] if (topic := standard.topic_in(now.account, now.region)) else [],
        "Namespace": transformation(chosen)["metricNamespace"],
        "MetricName": transformation(chosen)["metricName"],
        **BENCHMARK,
    }
    return chosen, alarm


def _filter_changes(wanted: Params, present: Params | None) -> dict[str, Any]:
    """What PutMetricFilter has to change; None stands for what goes."""
    if present is None:
        return {name: value for name, value in wanted.items() if name not in ("logGroupName", "filterName")}
    changes = {
        name: wanted.get(name)
        for name in ("metricTransformations", *NARROWING)
        if (wanted.get(name) or None) != (present.get(name) or None)
    }
    if meaning(wanted["filterPattern"]) != meaning(present.get("filterPattern", "")):
        changes["filterPattern"] = wanted["filterPattern"]
    return changes


def _alarm_changes(wanted: Params, present: Params | None) -> dict[str, Any]:
    """What PutMetricAlarm has to change; None stands for what goes. Description and further actions are left alone."""
    if present is None:
        return {name: value for name, value in wanted.items() if name != "AlarmName"} | {"ActionsEnabled": True}
    changes = {name: wanted.get(name) for name in ("Namespace", "MetricName") if wanted.get(name) != present.get(name)}
    changes |= {name: wanted.get(name) for name in SENSITIVE if sensitive(wanted, name) != sensitive(present, name)}
    if not set(topics(wanted)) <= set(topics(present)):
        changes["AlarmActions"] = wanted["AlarmActions"]
    return changes if present.get("ActionsEnabled", True) else changes | {"ActionsEnabled": True}


def _with_living_topic(alarm: Params, now: Monitoring, standard: Standard) -> Params:
    """The same alarm; where none of its topics exists any more, told to the stack's topic besides."""
    if any(now.listeners.get(topic, NOT_LOOKED_AT) is not None for topic in topics(alarm)):
        return alarm
    topic = standard.topic_in(now.account, now.region)
    if not topic:
        return alarm
    kept = [each for each in alarm["AlarmActions"] if each != topic][: MOST_ACTIONS - 1]
    return {**alarm, "AlarmActions": [*kept, topic]}


def _unheard(now: Monitoring, alarm: Params, standard: Standard, baseline: Monitoring | None) -> list[Drift]:
    """Why nobody hears an alarm that rings: it is muted, or no topic of its has a confirmed subscription."""
    drifts = list(_mutes(now, alarm["AlarmName"], baseline))
    counts = {topic: now.listeners.get(topic, NOT_LOOKED_AT) for topic in topics(alarm)}
    if any(isinstance(count, int) and count > 0 for count in counts.values()):
        return drifts
    for topic, count in counts.items():
        known(count, f"who is subscribed to {topic}")
    living = _with_living_topic(alarm, now, standard)
    if topics(living) != topics(alarm):
        name, actions = alarm["AlarmName"], list(alarm["AlarmActions"])
        found = {"AlarmName": name, "AlarmActions": actions}
        return [*drifts, Drift("MetricAlarm", found, {"AlarmName": name, "AlarmActions": living["AlarmActions"]})]
    advice = f"Nobody hears {alarm['AlarmName']}: subscribe somebody to {' or '.join(counts)}, and have it confirmed."
    return [*drifts, Drift("ConfirmedSubscriptions", found=0, wanted="at least one", manual=advice)]


def _mutes(now: Monitoring, alarm: str, baseline: Monitoring | None) -> Iterator[Drift]:
    """The mute rules over an alarm. One goes only if it is new and silences nothing but what is guarded here."""
    for rule, silenced in now.mutes.items():
        if alarm not in silenced:
            continue
        is_new = baseline is not None and rule not in baseline.mutes
        is_ours = all(now.alarm(each) for each in silenced)
        advice = "" if is_new and is_ours else f"Take {alarm} out of the alarm mute rule {rule}, or delete the rule."
        yield Drift("AlarmMuteRule", found={"Name": rule, "AlarmNames": list(silenced)}, wanted=None, manual=advice)


def weaker(old: Monitoring, new: Monitoring, standard: Standard) -> tuple[Drift, ...]:
    """Topics that an alarm told and none tells any more, although another one does."""
    drifts = []
    for watch in WATCHES:
        before = {topic for _, alarm in pairs(watch, old, None) for topic in topics(alarm)}
        after = {topic for _, alarm in pairs(watch, new, old) for topic in topics(alarm)}
        if after and before - after:
            drifts.append(Drift(f"AlarmActions of {watch.control}", found=sorted(after), wanted=sorted(before)))
    return tuple(drifts)
