"""The Region's monitoring: where records point, what AWS shows, what was taken, which calls mend it."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

import pytest
from botocore.session import get_session

from relight.errors import AwsError
from relight.model import Baseline, Call, Drift, Observed, Resource, Scope, Unread
from relight.policy import CONTROLS
from relight.policy.alarm import WATCHES, Monitoring
from relight.policy.state import lasting
from relight.resources import alarm as kind
from relight.resources import seen
from tests.unit.alarms import (
    ALERTS,
    GROUP,
    MONITORING_ARN,
    VPC,
    counted,
    metric_alarm,
    metric_filter,
    monitoring,
    vpc_only,
    without,
)
from tests.unit.builders import (
    ACCOUNT,
    REGION,
    STRANGER,
    accepted_by_botocore,
    baseline,
    observed,
    record,
    standard,
)
from tests.unit.fakes import Answer, fake_aws, refused

EVERY = {watch.control for watch in WATCHES}
ONE = {"alarm.vpc-changes"}


@pytest.mark.parametrize(
    ("name", "request_", "parts"),
    [
        pytest.param("DeleteAlarms", {"alarmNames": ["a", "b", "a", 7]}, ("a", "b"), id="alarms"),
        pytest.param("PutMetricAlarm", {"alarmName": "a", "alarmActions": ["x"]}, ("a",), id="alarm"),
        pytest.param("PutAlarmMuteRule", {"name": "q", "muteTargets": {"alarmNames": ["a"]}}, ("a",), id="muted"),
        pytest.param("DeleteMetricFilter", {"logGroupName": "g", "filterName": "f"}, ("f",), id="filter"),
        pytest.param("DeleteLogGroup", {"logGroupName": "g"}, ("g",), id="group"),
        pytest.param("DeleteTopic", {"topicArn": ALERTS}, ("alerts",), id="topic"),
        pytest.param("Unsubscribe", {"subscriptionArn": f"{ALERTS}:6b0e71bd"}, ("alerts",), id="subscription"),
        pytest.param("DeleteAlarms", None, (), id="null"),
        pytest.param("DeleteAlarms", {"omitted": True}, (), id="omitted"),
        pytest.param("DeleteAlarms", {"alarmNames": "a"}, (), id="of-another-shape"),
        pytest.param("PutAlarmMuteRule", {"muteTargets": ["a"]}, (), id="targets-of-another-shape"),
        pytest.param("DeleteTopic", {"topicArn": "alerts"}, (), id="no-arn"),
    ],
)
def test_locate(name: str, request_: Any, parts: tuple[str, ...]) -> None:
    assert kind.locate(record(name, request_)) == Scope(ACCOUNT, REGION, ("monitoring",), parts)


# ------------------------------------------------------------------------------------------------- what AWS shows

TRAIL: dict[str, Any] = {
    "TrailARN": f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/main",
    "HomeRegion": REGION,
    "IsMultiRegionTrail": True,
    "CloudWatchLogsLogGroupArn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{GROUP}:*",
}
THEIRS: dict[str, Any] = {
    **TRAIL,
    "TrailARN": f"arn:aws:cloudtrail:{REGION}:{STRANGER}:trail/organization",
    "CloudWatchLogsLogGroupArn": f"arn:aws:logs:{REGION}:{STRANGER}:log-group:{GROUP}:*",
}
ALL_EVENTS = {"EventSelectors": [{"IncludeManagementEvents": True, "ReadWriteType": "All"}]}
SHOWN_FILTER = {**metric_filter(), "creationTime": 1}
SHOWN_ALARM = {**metric_alarm(), "StateValue": "OK", "AlarmArn": "x", "OKActions": [], "Dimensions": []}
ELSEWHERE = "eu-west-1"
MINE = Resource("alarm", "monitoring", MONITORING_ARN, ACCOUNT, REGION)
READS = (
    "cloudtrail:DescribeTrails", "cloudtrail:GetTrailStatus", "cloudtrail:GetEventSelectors",
    "logs:DescribeMetricFilters", "cloudwatch:DescribeAlarms", "cloudwatch:ListAlarmMuteRules",
    "sns:ListSubscriptionsByTopic",
)  # fmt: skip


def look(
    *parts: str, before: Monitoring | None = None, met: AbstractSet[str] = ONE, region: str = REGION, **answers: Answer
) -> tuple[list[Observed[Monitoring]], list[str]]:
    prepared: dict[str, Answer] = {
        "cloudtrail__DescribeTrails": {"trailList": [TRAIL]},
        "cloudtrail__GetTrailStatus": {"IsLogging": True},
        "cloudtrail__GetEventSelectors": ALL_EVENTS,
        "logs__DescribeMetricFilters": {"metricFilters": [SHOWN_FILTER]},
        "cloudwatch__DescribeAlarms": {"MetricAlarms": [SHOWN_ALARM]},
        "cloudwatch__ListAlarmMuteRules": {"AlarmMuteRuleSummaries": []},
        "sns__ListSubscriptionsByTopic": {"Subscriptions": [{"SubscriptionArn": f"{ALERTS}:1"}]},
    }
    aws, session = fake_aws(**(prepared | answers))
    baselines = {MONITORING_ARN.replace(REGION, region): baseline(before, *met)} if before else {}
    scope = Scope(ACCOUNT, region, ("monitoring",), parts)
    return list(kind.observe(aws, scope, baselines, standard())), session.names


def state(*parts: str, before: Monitoring | None = None, **answers: Any) -> Monitoring:
    (seen,), _ = look(*parts, before=before, **answers)
    assert seen.state is not None
    return seen.state


def test_each_thing_is_read_once() -> None:
    seen, calls = look()
    assert seen == [Observed(MINE, vpc_only())]
    assert seen[0].state is not None
    assert (seen[0].state.listeners, seen[0].state.missing) == ({ALERTS: 1}, ())
    assert calls == list(READS)


def test_all_fifteen_take_no_more_calls() -> None:
    filters = [metric_filter(watch) for watch in WATCHES]
    alarms = [metric_alarm(watch) for watch in WATCHES]
    seen, calls = look(
        logs__DescribeMetricFilters=[{"metricFilters": filters[:7]}, {"metricFilters": filters[7:]}],
        cloudwatch__DescribeAlarms=[{"MetricAlarms": alarms[:9]}, {"MetricAlarms": alarms[9:]}],
    )
    assert seen == [Observed(MINE, monitoring())]
    assert calls == list(READS)


@pytest.mark.parametrize("part", ["vpc-changes", GROUP, "alerts"])
def test_what_concerns_the_baseline_is_looked_at(part: str) -> None:
    assert look("other", part, before=vpc_only())[0] == [Observed(MINE, vpc_only())]


def test_what_concerns_others_is_not_looked_at() -> None:
    assert look("their-alarm", before=vpc_only()) == ([], [])
    assert look("their-alarm")[0] == [Observed(MINE, vpc_only())]  # nothing is known yet
    assert look(before=vpc_only())[0] == [Observed(MINE, vpc_only())]  # the sweep, or a record that does not say


@pytest.mark.parametrize(
    ("trail", "answers"),
    [
        pytest.param({"IsMultiRegionTrail": False}, {}, id="of-one-region"),
        pytest.param({"CloudWatchLogsLogGroupArn": ""}, {}, id="no-log-group"),
        pytest.param({"CloudWatchLogsLogGroupArn": THEIRS["CloudWatchLogsLogGroupArn"]}, {}, id="a-strangers-group"),
        pytest.param({}, {"cloudtrail__GetTrailStatus": {"IsLogging": False}}, id="stopped"),
        pytest.param({}, {"cloudtrail__GetEventSelectors": {"EventSelectors": []}}, id="narrowed"),
    ],
)
def test_which_log_groups_count(trail: dict[str, Any], answers: dict[str, Any]) -> None:
    found = state(cloudtrail__DescribeTrails={"trailList": [{**TRAIL, **trail}]}, **answers)
    assert found == Monitoring(ACCOUNT, REGION)


OF_ONE_REGION = {**TRAIL, "IsMultiRegionTrail": False}
WITHOUT_GROUP = {**TRAIL, "CloudWatchLogsLogGroupArn": ""}


@pytest.mark.parametrize(
    ("trails", "homes"),
    [
        pytest.param([TRAIL], {REGION}, id="one"),
        pytest.param([{**TRAIL, "HomeRegion": ELSEWHERE}], {ELSEWHERE}, id="elsewhere"),
        pytest.param([TRAIL, {**TRAIL, "HomeRegion": ELSEWHERE}], {REGION, ELSEWHERE}, id="two"),
        pytest.param([{**WITHOUT_GROUP, "HomeRegion": ELSEWHERE}], {ELSEWHERE}, id="one-that-nobody-reads"),
        pytest.param([WITHOUT_GROUP, {**TRAIL, "HomeRegion": ELSEWHERE}], {ELSEWHERE}, id="one-of-them-read"),
        pytest.param([], {REGION}, id="none, which is told where the stack is"),
        pytest.param([{**OF_ONE_REGION, "HomeRegion": ELSEWHERE}], {REGION}, id="of-one-region"),
        pytest.param([{**THEIRS, "HomeRegion": ELSEWHERE}], {REGION}, id="the-organisations"),
    ],
)
def test_an_account_has_its_monitoring_where_its_trails_are_at_home(trails: list[Any], homes: set[str]) -> None:
    """DescribeTrails shows multi-Region trails in every Region."""
    answer = {"trailList": trails}
    assert {r for r in (REGION, ELSEWHERE) if look(region=r, cloudtrail__DescribeTrails=answer)[0]} == homes


def test_alarms_with_a_baseline_are_looked_after_although_the_trail_is_at_home_elsewhere() -> None:
    answer = {"trailList": [{**TRAIL, "HomeRegion": ELSEWHERE}]}
    assert state(before=vpc_only(), cloudtrail__DescribeTrails=answer).alarms == (metric_alarm(),)
    assert look(before=Monitoring(ACCOUNT, REGION), met=set(), cloudtrail__DescribeTrails=answer)[0] == []


@pytest.mark.parametrize(
    "answers",
    [
        {"cloudtrail__GetTrailStatus": {"IsLogging": False}},
        {"cloudtrail__DescribeTrails": {"trailList": [{**TRAIL, "IsMultiRegionTrail": False}]}},
    ],
    ids=["stopped", "of-one-region"],
)
def test_a_log_group_that_counted_goes_on_counting_while_a_trail_names_it(answers: dict[str, Any]) -> None:
    assert state(before=vpc_only(), **answers) == vpc_only()


def test_an_organisations_trail_is_out_of_reach() -> None:
    (seen,), _ = look(cloudtrail__DescribeTrails={"trailList": [THEIRS]})
    assert seen.state is None
    assert THEIRS["TrailARN"] in seen.out_of_reach
    assert state(cloudtrail__DescribeTrails={"trailList": [THEIRS, TRAIL]}) == vpc_only()
    assert state(cloudtrail__DescribeTrails={"trailList": [THEIRS]}, before=vpc_only()).groups == ()


def test_a_log_group_that_is_gone() -> None:
    found = state(before=vpc_only(), logs__DescribeMetricFilters=refused("ResourceNotFoundException"))
    assert (found.groups, found.missing, found.filters) == ((GROUP,), (GROUP,), ())
    assert found.alarms == (metric_alarm(),)  # it is the baseline's, although no filter feeds it any more


def test_only_what_matters_is_kept() -> None:
    strange = {**metric_filter(), "filterName": "other", "filterPattern": "ERROR"}
    their_alarm = {**metric_alarm(), "AlarmName": "other", "MetricName": "other"}
    answers: dict[str, Any] = {
        "logs__DescribeMetricFilters": {"metricFilters": [SHOWN_FILTER, strange]},
        "cloudwatch__DescribeAlarms": {"MetricAlarms": [SHOWN_ALARM, their_alarm]},
    }
    assert state(**answers) == vpc_only()
    bent = metric_filter(filterPattern="ERROR")
    assert state(before=vpc_only(), logs__DescribeMetricFilters={"metricFilters": [bent]}) == vpc_only(its_filter=bent)


def test_the_order_in_which_aws_lists_alarms_is_no_change() -> None:
    """Else every alarm that was deleted and put back would make another baseline."""
    alarms = [metric_alarm(watch) for watch in WATCHES]
    filters = {"metricFilters": [metric_filter(watch) for watch in WATCHES]}
    listed = [
        state(logs__DescribeMetricFilters=filters, cloudwatch__DescribeAlarms={"MetricAlarms": order})
        for order in (alarms, alarms[::-1])
    ]
    assert listed[0] == listed[1]


@pytest.mark.parametrize(
    ("answer", "count"),
    [
        pytest.param({"Subscriptions": []}, 0, id="none"),
        pytest.param({"Subscriptions": [{"SubscriptionArn": "PendingConfirmation"}]}, 0, id="pending"),
        pytest.param({"Subscriptions": [{"SubscriptionArn": "Deleted"}, {}]}, 0, id="deleted"),
        pytest.param([{"Subscriptions": [{"SubscriptionArn": f"{ALERTS}:{n}"}]} for n in "12"], 2, id="two-pages"),
        pytest.param(refused("NotFound"), None, id="no-topic"),
        pytest.param(refused("AuthorizationError"), Unread("sns:ListSubscriptionsByTopic: AuthorizationError: no")),
    ],
)
def test_who_listens(answer: Answer, count: object) -> None:
    assert state(sns__ListSubscriptionsByTopic=answer).listeners == {ALERTS: count}


def test_who_listens_to_a_strangers_topic() -> None:
    theirs = f"arn:aws:sns:eu-west-1:{STRANGER}:theirs"
    found = state(
        cloudwatch__DescribeAlarms={"MetricAlarms": [{**SHOWN_ALARM, "AlarmActions": [theirs]}]},
        sns__ListSubscriptionsByTopic=refused("AuthorizationError"),
    )
    unread = found.listeners[theirs]
    assert isinstance(unread, Unread)
    assert unread.foreign


def test_an_alarm_is_put_back_with_all_that_aws_takes_and_shows() -> None:
    model: Any = get_session().get_service_model("cloudwatch")
    takes = model.operation_model("PutMetricAlarm").input_shape.members
    assert {"AlarmName", *seen.ALARM_FIELDS} == takes.keys() & model.shape_for("MetricAlarm").members.keys()


def test_mute_rules() -> None:
    arns = [f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm-mute-rule:{name}" for name in ("quiet", "theirs", "gone")]

    def rule(_region: str, AlarmMuteRuleName: str) -> Any:  # noqa: N803  AWS's spelling
        if AlarmMuteRuleName == "gone":
            raise refused("ResourceNotFoundException")
        targets = ["vpc-changes", "another"] if AlarmMuteRuleName == "quiet" else ["another"]
        return {"MuteTargets": {"AlarmNames": targets}}

    found = state(
        cloudwatch__ListAlarmMuteRules={"AlarmMuteRuleSummaries": [{"AlarmMuteRuleArn": arn} for arn in arns]},
        cloudwatch__GetAlarmMuteRule=rule,
    )
    assert found.mutes == {"quiet": ["another", "vpc-changes"]}


@pytest.mark.parametrize("code", ["UnknownOperation", "UnknownOperationException", "InvalidAction"])
def test_where_there_are_no_mute_rules_nothing_is_muted(code: str) -> None:
    assert state(cloudwatch__ListAlarmMuteRules=refused(code)).mutes == {}


@pytest.mark.parametrize("call", READS[:-1])
def test_a_refused_read_is_raised(call: str) -> None:
    denied: dict[str, Any] = {call.replace(":", "__"): refused("AccessDenied")}
    with pytest.raises(AwsError, match="AccessDenied"):
        look(**denied)


def test_there_is_one_a_region() -> None:
    aws, session = fake_aws()
    assert kind.list_names(aws.home, standard()) == ["monitoring"]
    assert session.calls == []
    assert kind.arn("aws-cn", ACCOUNT, "cn-north-1", "") == f"arn:aws-cn:cloudwatch:cn-north-1:{ACCOUNT}:monitoring"
    assert frozenset() == kind.CREATES


def test_a_baseline_comes_back_as_it_was() -> None:
    before = monitoring(mutes={"quiet": ["a"]})
    assert kind.revive(lasting(before)) == before


# ------------------------------------------------------------------------------------------------ what was taken

PUT_FILTER = {**metric_filter(), "filterPattern": VPC.patterns[0]}
PUT_ALARM = {name[:1].lower() + name[1:]: value for name, value in metric_alarm().items()}


@pytest.mark.parametrize(
    ("name", "request_", "lost"),
    [
        pytest.param("DeleteAlarms", {"alarmNames": ["vpc-changes"]}, ONE, id="deleted"),
        pytest.param("DeleteAlarms", {"alarmNames": [watch.name for watch in WATCHES]}, EVERY, id="all-deleted"),
        pytest.param("DeleteAlarms", {"alarmNames": ["theirs"]}, set(), id="others-deleted"),
        pytest.param("DeleteAlarms", None, set(), id="null"),
        pytest.param("DisableAlarmActions", {"alarmNames": ["vpc-changes"]}, ONE, id="disabled"),
        pytest.param("PutMetricAlarm", PUT_ALARM, set(), id="alarm-as-it-was"),
        pytest.param("PutMetricAlarm", without(PUT_ALARM, "actionsEnabled"), set(), id="enabled-by-default"),
        pytest.param("PutMetricAlarm", PUT_ALARM | {"threshold": "1"}, set(), id="a-number-as-text"),
        pytest.param("PutMetricAlarm", PUT_ALARM | {"threshold": 1e9}, ONE, id="alarm-bent"),
        pytest.param("PutMetricAlarm", PUT_ALARM | {"actionsEnabled": False}, ONE, id="alarm-silent"),
        pytest.param("PutMetricAlarm", PUT_ALARM | {"metricName": "x"}, ONE, id="alarm-looks-elsewhere"),
        pytest.param("PutMetricAlarm", PUT_ALARM | {"datapointsToAlarm": "x"}, ONE, id="alarm-of-odd-shape"),
        pytest.param("PutMetricAlarm", PUT_ALARM | {"alarmName": "x", "threshold": 9}, set(), id="another-alarm"),
        pytest.param("PutMetricAlarm", {"alarmName": "vpc-changes"}, ONE, id="of-something-else"),
        pytest.param("PutAlarmMuteRule", {"muteTargets": {"alarmNames": ["vpc-changes"]}}, ONE, id="muted"),
        pytest.param("DeleteMetricFilter", {"logGroupName": GROUP, "filterName": "vpc-changes"}, ONE, id="filter"),
        pytest.param("DeleteMetricFilter", {"logGroupName": "/o", "filterName": "vpc-changes"}, set(), id="elsewhere"),
        pytest.param("PutMetricFilter", PUT_FILTER, set(), id="filter-as-it-was"),
        pytest.param("PutMetricFilter", PUT_FILTER | {"filterPattern": "x"}, ONE, id="filter-narrowed"),
        pytest.param("PutMetricFilter", PUT_FILTER | {"fieldSelectionCriteria": "x"}, ONE, id="filter-selects"),
        pytest.param(
            "PutMetricFilter", PUT_FILTER | {"metricTransformations": [counted(metricName="x")]}, ONE, id="redirected"
        ),
        pytest.param("PutMetricFilter", PUT_FILTER | {"metricTransformations": {"a": 1}}, ONE, id="of-odd-shape"),
        pytest.param("PutMetricFilter", without(PUT_FILTER, "filterPattern"), ONE, id="without-pattern"),
        pytest.param("DeleteLogGroup", {"logGroupName": GROUP}, EVERY, id="group"),
        pytest.param("DeleteLogGroup", {"logGroupName": "/theirs"}, set(), id="another-group"),
        pytest.param("DeleteTopic", {"topicArn": ALERTS}, EVERY, id="topic"),
        pytest.param("DeleteTopic", {"topicArn": f"{ALERTS}-2"}, set(), id="another-topic"),
        pytest.param("Unsubscribe", {"subscriptionArn": f"{ALERTS}:1"}, EVERY, id="one-of-perhaps-many"),
        pytest.param("Unsubscribe", {"subscriptionArn": f"{ALERTS}-2:1"}, set(), id="from-another-topic"),
        pytest.param("Unsubscribe", None, set(), id="from-nobody-knows-what"),
    ],
)
def test_taken(name: str, request_: Any, lost: set[str]) -> None:
    said = kind.taken(record(name, request_), baseline(monitoring()), standard())
    assert said == dict.fromkeys(said, "")
    assert said.keys() == lost
    assert kind.taken(record(name, request_), None, standard()) == {}


# ------------------------------------------------------------------------------------------------- what is sent


def mend(now: Monitoring, before: Monitoring | None) -> tuple[Call, ...]:
    drifts: tuple[Drift, ...] = ()
    for watch in WATCHES:
        found = CONTROLS[watch.control].check(now, standard(), before)
        drifts += tuple(drift for drift in found if not drift.manual)
    calls = kind.plan(observed(now, MONITORING_ARN, "alarm"), drifts, standard(), before)
    assert accepted_by_botocore(*calls)
    return calls


def sent(calls: tuple[Call, ...]) -> list[str]:
    return [call.operation for call in calls]


def test_fifteen_silent_alarms_are_one_call() -> None:
    silent = monitoring(alarms=tuple(metric_alarm(watch, ActionsEnabled=False) for watch in WATCHES))
    (call,) = mend(silent, monitoring())
    assert call == Call("cloudwatch", "EnableAlarmActions", {"AlarmNames": [watch.name for watch in WATCHES]})


def test_all_gone_is_a_call_each() -> None:
    calls = mend(monitoring(filters=(), alarms=(), missing=(GROUP,)), monitoring())
    assert sent(calls) == ["CreateLogGroup", *["PutMetricFilter"] * 15, *["PutMetricAlarm"] * 15]
    assert calls[0] == Call(
        "logs", "CreateLogGroup", {"logGroupName": GROUP}, already=("ResourceAlreadyExistsException",)
    )
    assert [call.params for call in calls[1:16]] == [metric_filter(watch) for watch in WATCHES]
    assert [call.params for call in calls[16:]] == [metric_alarm(watch) for watch in WATCHES]


def test_a_log_group_of_relights_own_gets_its_retention_too() -> None:
    calls = mend(vpc_only(groups=("/relight/trail",), missing=("/relight/trail",)), vpc_only())
    assert sent(calls)[:3] == ["CreateLogGroup", "PutRetentionPolicy", "PutMetricFilter"]


def test_the_rest_of_a_bent_alarm_stays_as_it_is() -> None:
    bent = metric_alarm(
        AlarmDescription="changed since", OKActions=[ALERTS], Threshold=1e9, Dimensions=[{"Name": "a", "Value": "b"}]
    )
    (call,) = _of_vpc(vpc_only(its_alarm=bent))
    assert call.params == metric_alarm(AlarmDescription="changed since", OKActions=[ALERTS])


def _of_vpc(now: Monitoring) -> tuple[Call, ...]:
    drifts = tuple(CONTROLS[VPC.control].check(now, standard(), vpc_only()))
    calls = kind.plan(observed(now, MONITORING_ARN, "alarm"), drifts, standard(), vpc_only())
    assert accepted_by_botocore(*calls)
    return calls


def test_a_bent_filter_is_put_under_its_own_name() -> None:
    bent = metric_filter(fieldSelectionCriteria="x", applyOnTransformedLogs=True)
    assert _of_vpc(vpc_only(its_filter=bent)) == (Call("logs", "PutMetricFilter", metric_filter()),)


def test_a_mute_rule_over_two_alarms_is_deleted_once() -> None:
    now = monitoring(mutes={"quiet": ["root-use", "vpc-changes"]})
    assert mend(now, monitoring()) == (Call("cloudwatch", "DeleteAlarmMuteRule", {"AlarmMuteRuleName": "quiet"}),)


def test_changes_of_one_alarm_are_one_call() -> None:
    drifts = (
        Drift("MetricAlarm", {"AlarmName": "a"}, {"AlarmName": "a", "Threshold": 1.0}),
        Drift("MetricAlarm", {"AlarmName": "a"}, {"AlarmName": "a", "Unit": None}),
        Drift("ActionsEnabled", {"a": False}, {"a": True}),
    )
    now = vpc_only(its_alarm=metric_alarm(AlarmName="a", Threshold=9.0, Unit="Bytes", ActionsEnabled=False))
    assert kind.plan(observed(now, MONITORING_ARN, "alarm"), drifts, standard(), None) == (
        Call("cloudwatch", "PutMetricAlarm", metric_alarm(AlarmName="a")),
    )


def test_plan_of_nothing() -> None:
    gone: Observed[Monitoring] = Observed(MINE, None)
    assert kind.plan(gone, (), standard(), None) == ()


def test_the_baseline_of_these_tests_is_whole() -> None:
    kept: Baseline[Monitoring] = baseline(monitoring())
    assert not [watch for watch in WATCHES if list(CONTROLS[watch.control].check(kept.state, standard(), kept.state))]
