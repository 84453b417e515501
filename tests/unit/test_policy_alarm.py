"""What a Region's monitoring must have, and what each way to blind it comes to."""

from __future__ import annotations

from typing import Any

import pytest

from relight.errors import OutOfReach, UnknownState
from relight.model import Drift, Unread
from relight.policy import CONTROLS, alarm
from relight.policy.alarm import WATCHES, Monitoring, Watch
from relight.policy.filter_pattern import meaning
from tests.unit.alarms import (
    ALERTS,
    BY_CONTROL,
    GROUP,
    VPC,
    counted,
    metric_alarm,
    metric_filter,
    monitoring,
    vpc_only,
    without,
)
from tests.unit.builders import REGION, STRANGER, TOPIC, standard

every_watch = pytest.mark.parametrize("watch", WATCHES, ids=lambda w: w.name)
OTHER = f"arn:aws:sns:{REGION}:{STRANGER}:theirs"


def judged(now: Monitoring, before: Monitoring | None = None, watch: Watch = VPC) -> list[Drift]:
    return list(CONTROLS[watch.control].check(now, standard(), before))


def fields(drifts: list[Drift]) -> dict[str, Any]:
    """Field → what is wanted, without the names that say of what."""
    names = ("logGroupName", "filterName", "AlarmName")
    return {d.field: without(d.wanted, *names) if isinstance(d.wanted, dict) else d.wanted for d in drifts}


@every_watch
def test_the_benchmarks_own_is_compliant(watch: Watch) -> None:
    for pattern in watch.patterns:
        now = monitoring(filters=(metric_filter(watch, filterPattern=pattern),), alarms=(metric_alarm(watch),))
        assert judged(now, watch=watch) == []
        assert judged(now, now, watch=watch) == []


@every_watch
def test_a_pattern_is_one_that_aws_takes(watch: Watch) -> None:
    """At most 1,024 characters (botocore's model: FilterPattern), and readable."""
    for pattern in watch.patterns:
        assert len(pattern) <= 1024
        assert isinstance(meaning(pattern), tuple)
        others = [each for each in WATCHES if each is not watch]
        assert not any(each.means(pattern) for each in others)


def test_the_vpcs_pattern_has_the_benchmarks_eleven_events() -> None:
    meant = meaning(VPC.patterns[0])
    assert isinstance(meant, tuple)
    assert meant[0] == "||"
    assert {str(term).removeprefix("$.eventName = ") for term in meant[1]} == {
        "CreateVpc", "DeleteVpc", "ModifyVpcAttribute", "AcceptVpcPeeringConnection", "CreateVpcPeeringConnection",
        "DeleteVpcPeeringConnection", "RejectVpcPeeringConnection", "AttachClassicLinkVpc", "DetachClassicLinkVpc",
        "DisableVpcClassicLink", "EnableVpcClassicLink",
    }  # fmt: skip


def test_the_table_is_the_benchmarks() -> None:
    assert [watch.cis for watch in WATCHES] == [f"4.{number}" for number in range(1, 16)]
    hubs = [watch.security_hub for watch in WATCHES if watch.security_hub]
    assert sorted(hubs) == sorted(f"CloudWatch.{number}" for number in range(1, 15))
    assert {w.control for w in WATCHES if CONTROLS[w.control].introduce == "enforce"} == {"alarm.vpc-changes"}


NARROWED = "{ ($.eventName = CreateVpc) }"
WIDENED = VPC.patterns[0].replace(" }", " || ($.eventName = DescribeVpcs) }")


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        pytest.param({"filterPattern": NARROWED}, {"filterPattern": VPC.patterns[0]}, id="narrowed"),
        pytest.param({"filterPattern": WIDENED}, {"filterPattern": VPC.patterns[0]}, id="widened"),
        pytest.param({"fieldSelectionCriteria": '@aws.account = "1"'}, {"fieldSelectionCriteria": None}, id="selected"),
        pytest.param({"emitSystemFieldDimensions": ["@aws.account"]}, {"emitSystemFieldDimensions": None}, id="emits"),
        pytest.param({"applyOnTransformedLogs": True}, {"applyOnTransformedLogs": None}, id="transformed"),
        *(
            pytest.param(
                {"metricTransformations": [counted(**change)]}, {"metricTransformations": [counted()]}, id=str(change)
            )
            for change in (
                {"metricName": "elsewhere"},
                {"metricNamespace": "Elsewhere"},
                {"metricValue": "0"},
                {"metricValue": "-1"},
                {"metricValue": "0.5"},
                {"metricValue": "$.requestParameters.number"},
                {"defaultValue": 1.0},
                {"dimensions": {"Who": "$.userIdentity.arn"}},
            )
        ),
    ],
)
def test_a_bent_filter_is_put_back(changes: dict[str, Any], wanted: dict[str, Any]) -> None:
    (drift,) = judged(vpc_only(its_filter=metric_filter(**changes)), vpc_only())
    assert drift.field == "MetricFilter"
    assert drift.wanted == {"logGroupName": GROUP, "filterName": "vpc-changes", **wanted}
    assert drift.found == {"logGroupName": GROUP, "filterName": "vpc-changes", **{k: changes.get(k) for k in wanted}}


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        pytest.param({"ActionsEnabled": False}, {"ActionsEnabled": {"vpc-changes": True}}, id="silent"),
        pytest.param({"AlarmActions": []}, {"MetricAlarm": {"AlarmActions": [ALERTS]}}, id="tells-nobody"),
        pytest.param(
            {"AlarmActions": ["arn:aws:automate:us-east-1:ec2:stop"]},
            {"MetricAlarm": {"AlarmActions": [ALERTS]}},
            id="tells-no-topic",
        ),
        pytest.param(
            {"ActionsEnabled": False, "Threshold": 5.0},
            {"MetricAlarm": {"ActionsEnabled": True, "Threshold": 1.0}},
            id="both",
        ),
        *(
            pytest.param(change, {"MetricAlarm": wanted}, id=str(change))
            for change, wanted in (
                ({"Threshold": 1e9}, {"Threshold": 1.0}),
                ({"Threshold": 2}, {"Threshold": 1.0}),
                ({"ComparisonOperator": "LessThanThreshold"}, {"ComparisonOperator": "GreaterThanOrEqualToThreshold"}),
                (
                    {"ComparisonOperator": "GreaterThanThreshold"},
                    {"ComparisonOperator": "GreaterThanOrEqualToThreshold"},
                ),
                ({"Statistic": "Minimum"}, {"Statistic": "Sum"}),
                ({"Statistic": "Average"}, {"Statistic": "Sum"}),
                ({"Statistic": None, "ExtendedStatistic": "p1"}, {"Statistic": "Sum", "ExtendedStatistic": None}),
                ({"Period": 86400}, {"Period": 300}),
                ({"EvaluationPeriods": 2}, {"EvaluationPeriods": 1, "DatapointsToAlarm": None}),
                ({"EvaluationPeriods": 3, "DatapointsToAlarm": 3}, {"EvaluationPeriods": 1, "DatapointsToAlarm": None}),
                ({"TreatMissingData": "breaching"}, {"TreatMissingData": "notBreaching"}),
                ({"TreatMissingData": "ignore"}, {"TreatMissingData": "notBreaching"}),
                ({"Dimensions": [{"Name": "a", "Value": "b"}]}, {"Dimensions": None}),
                ({"Unit": "Bytes"}, {"Unit": None}),
                ({"MetricName": "elsewhere"}, {"MetricName": "vpc-changes"}),
                ({"Namespace": "Elsewhere"}, {"Namespace": "Cis"}),
                ({"WarmUpConfiguration": {"WarmUpPeriodDurationInMinutes": 2880}}, {"WarmUpConfiguration": None}),
            )
        ),
    ],
)
def test_a_bent_alarm_is_put_back(changes: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert fields(judged(vpc_only(its_alarm=metric_alarm(**changes)), vpc_only())) == wanted


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"AlarmDescription": "mine"}, id="described"),
        pytest.param({"OKActions": [OTHER]}, id="tells-more"),
        pytest.param({"AlarmActions": [OTHER, ALERTS]}, id="tells-others-too"),
        pytest.param({"Threshold": 1}, id="the-same-number"),
        pytest.param({"Threshold": 0.5}, id="rings-sooner"),
        pytest.param({"DatapointsToAlarm": 1}, id="the-default-spelt-out"),
        pytest.param({"Dimensions": [], "Unit": ""}, id="empty-values"),
    ],
)
def test_what_an_alarm_does_besides_is_nobodys_business(changes: dict[str, Any]) -> None:
    assert judged(vpc_only(its_alarm=metric_alarm(**changes)), vpc_only()) == []


def test_an_alarm_may_come_up_to_the_benchmark() -> None:
    before = vpc_only(its_alarm=metric_alarm(Period=60, TreatMissingData="missing"))
    assert judged(before, before) == []
    assert judged(vpc_only(), before) == []


@pytest.mark.parametrize(
    ("changes", "rings"),
    [
        pytest.param({"Threshold": 10.0}, True, id="ten"),
        pytest.param({"Threshold": 1000.0}, False, id="a-thousand"),
        pytest.param({"Threshold": 0.0, "ComparisonOperator": "GreaterThanThreshold"}, True, id="more-than-none"),
        pytest.param({"Threshold": 0.0}, False, id="none-at-all-always-rings"),
        pytest.param({"Statistic": "Maximum"}, True, id="maximum"),
        pytest.param({"Statistic": "Average", "Threshold": 2.0}, False, id="average-never-reached"),
        pytest.param({"Statistic": "SampleCount"}, True, id="samples"),
        pytest.param({"EvaluationPeriods": 5, "DatapointsToAlarm": 1}, True, id="one-of-five"),
        pytest.param({"EvaluationPeriods": 101}, False, id="101-in-a-row"),
        pytest.param({"Period": 86401}, False, id="longer-than-a-day"),
        pytest.param({"Threshold": None}, False, id="no-threshold"),
        pytest.param({"TreatMissingData": "ignore"}, True, id="missing-data-ignored"),
        pytest.param({"TreatMissingData": "breaching"}, False, id="missing-data-rings-for-ever"),
        pytest.param({"Dimensions": [{"Name": "a", "Value": "b"}]}, False, id="of-one-dimension"),
        pytest.param({"Unit": "Bytes"}, False, id="of-another-unit"),
        pytest.param({"WarmUpConfiguration": {"WarmUpPeriodDurationInMinutes": 9}}, False, id="warms-up"),
    ],
)
def test_without_a_baseline_an_alarm_of_the_users_need_only_be_able_to_ring(
    changes: dict[str, Any], *, rings: bool
) -> None:
    assert (judged(vpc_only(its_alarm=metric_alarm(**changes))) == []) is rings


def test_what_was_deleted_comes_back_as_it_was() -> None:
    before = vpc_only(
        its_filter=metric_filter(filterName="mine"), its_alarm=metric_alarm(AlarmName="mine", OKActions=[OTHER])
    )
    by_field = {drift.field: drift for drift in judged(vpc_only(its_filter={}, its_alarm={}), before)}
    assert by_field["MetricFilter"].wanted == metric_filter(filterName="mine")
    assert by_field["MetricFilter"].found is None
    assert by_field["MetricAlarm"].wanted == metric_alarm(AlarmName="mine", OKActions=[OTHER])


def test_an_alarm_is_enough_where_only_the_alarm_is_gone() -> None:
    assert [drift.field for drift in judged(vpc_only(its_alarm={}), vpc_only())] == ["MetricAlarm"]


def test_a_filter_follows_its_trail_to_another_log_group() -> None:
    (drift,) = judged(vpc_only(groups=("/new",)), vpc_only())
    assert (drift.field, drift.wanted) == ("MetricFilter", {**metric_filter(), "logGroupName": "/new"})


def test_a_second_alarm_will_do() -> None:
    second = metric_alarm(AlarmName="second")
    assert judged(vpc_only(alarms=(metric_alarm(ActionsEnabled=False), second)), vpc_only()) == []
    dull = metric_alarm(AlarmName="second", Threshold=50.0)
    assert fields(judged(vpc_only(its_alarm=dull), vpc_only())) == {"MetricAlarm": without(metric_alarm(), "AlarmName")}


def test_what_never_was_is_relights_own() -> None:
    drifts = judged(vpc_only(its_filter={}, its_alarm={}))
    assert [drift.found for drift in drifts] == [None, None]
    new_filter, new_alarm = (drift.wanted for drift in drifts)
    assert new_filter["filterPattern"] == VPC.patterns[0]
    assert (new_filter["logGroupName"], new_filter["filterName"]) == (GROUP, "relight-vpc-changes")
    assert (new_alarm["AlarmName"], new_alarm["AlarmActions"]) == ("relight-vpc-changes", [TOPIC])
    made = vpc_only(its_filter=new_filter, its_alarm=new_alarm, listeners={TOPIC: 1})
    assert judged(made) == judged(made, made) == []


def test_the_users_own_filter_gets_relights_alarm_and_is_not_doubled() -> None:
    mine = metric_filter(filterName="mine", metricTransformations=[counted(unit="Count")])
    (drift,) = judged(vpc_only(its_filter=mine, its_alarm=metric_alarm(ActionsEnabled=False)))
    assert (drift.field, drift.wanted["AlarmName"]) == ("MetricAlarm", "relight-vpc-changes")
    assert (drift.wanted["Namespace"], drift.wanted["MetricName"]) == ("Cis", "vpc-changes")


def test_without_a_log_group_one_control_says_why() -> None:
    texts = [judged(monitoring(groups=()), watch=watch)[0].manual for watch in WATCHES]
    assert sum("trail.cloudwatch-logs" in text for text in texts) == 1
    assert all(text for text in texts)
    assert "trail.cloudwatch-logs" in judged(monitoring(groups=()))[0].manual


# --------------------------------------------------------------------------------------------------- who hears


@pytest.mark.parametrize("subscribed", [{ALERTS: 0}, {ALERTS: 0, OTHER: 7}], ids=["nobody", "somebody-elsewhere"])
def test_an_alarm_that_nobody_hears_needs_a_person(subscribed: dict[str, int]) -> None:
    (drift,) = judged(vpc_only(listeners=subscribed), vpc_only())
    assert (drift.field, drift.found) == ("ConfirmedSubscriptions", 0)
    assert ALERTS in drift.manual


def test_one_topic_that_is_heard_is_enough() -> None:
    told = metric_alarm(AlarmActions=[OTHER, ALERTS])
    assert judged(vpc_only(its_alarm=told, listeners={OTHER: Unread("denied", foreign=True), ALERTS: 1})) == []


def test_who_listens_to_a_strangers_topic_is_out_of_reach_and_unknown_otherwise() -> None:
    with pytest.raises(OutOfReach):
        judged(vpc_only(listeners={ALERTS: Unread("denied", foreign=True)}))
    with pytest.raises(UnknownState):
        judged(vpc_only(listeners={ALERTS: Unread("throttled")}))
    with pytest.raises(UnknownState):
        judged(vpc_only(listeners={}))


def test_where_the_topic_is_gone_the_stacks_is_told_besides() -> None:
    gone = {ALERTS: None}
    assert fields(judged(vpc_only(listeners=gone))) == {"MetricAlarm": {"AlarmActions": [ALERTS, TOPIC]}}
    both = {"MetricAlarm": {**without(metric_alarm(), "AlarmName"), "AlarmActions": [ALERTS, TOPIC]}}
    assert fields(judged(vpc_only(its_alarm={}, listeners=gone), vpc_only())) == both
    mended = vpc_only(its_alarm=metric_alarm(AlarmActions=[ALERTS, TOPIC]), listeners={ALERTS: None, TOPIC: 1})
    assert judged(mended, vpc_only()) == []


def test_an_alarm_takes_five_actions() -> None:
    full = [f"{ALERTS}{number}" for number in range(5)]
    now = vpc_only(its_alarm=metric_alarm(AlarmActions=full), listeners=dict.fromkeys(full))
    assert fields(judged(now)) == {"MetricAlarm": {"AlarmActions": [*full[:4], TOPIC]}}


def test_where_the_stacks_own_topic_is_gone_a_person_must_help() -> None:
    (drift,) = judged(vpc_only(its_alarm=metric_alarm(AlarmActions=[TOPIC]), listeners={TOPIC: None}))
    assert drift.field == "ConfirmedSubscriptions"


# -------------------------------------------------------------------------------------------------- mute rules


@pytest.mark.parametrize(
    ("silenced", "before", "mended"),
    [
        pytest.param(["vpc-changes"], vpc_only(), True, id="new"),
        pytest.param(["vpc-changes", "theirs"], vpc_only(), False, id="silences-others-too"),
        pytest.param(["vpc-changes"], vpc_only(mutes={"quiet": ["vpc-changes"]}), False, id="there-before"),
        pytest.param(["vpc-changes"], None, False, id="nobody-knows-since-when"),
    ],
)
def test_a_mute_rule(silenced: list[str], before: Monitoring | None, *, mended: bool) -> None:
    (drift,) = judged(vpc_only(mutes={"quiet": silenced}), before)
    assert drift.found == {"Name": "quiet", "AlarmNames": silenced}
    assert bool(drift.manual) is not mended


def test_a_mute_rule_over_others_is_nobodys_business() -> None:
    assert judged(vpc_only(mutes={"quiet": ["theirs"]})) == []


def test_a_muted_alarm_that_is_bent_too_is_mended_whole() -> None:
    now = vpc_only(its_alarm=metric_alarm(ActionsEnabled=False), mutes={"quiet": ["vpc-changes"]})
    assert [drift.field for drift in judged(now, vpc_only())] == ["ActionsEnabled", "AlarmMuteRule"]


# ------------------------------------------------------------------------------------------------------ weaker


def test_another_topic_is_weaker() -> None:
    moved = vpc_only(its_alarm=metric_alarm(AlarmActions=[OTHER]), listeners={OTHER: 1})
    assert judged(moved, vpc_only()) == []
    expected = Drift("AlarmActions of alarm.vpc-changes", found=[OTHER], wanted=[ALERTS])
    assert alarm.weaker(vpc_only(), moved, standard()) == (expected,)
    assert alarm.weaker(vpc_only(), vpc_only(its_alarm={}), standard()) == ()  # that is drift
    assert alarm.weaker(vpc_only(), monitoring(), standard()) == ()


def test_controls_are_judged_apart() -> None:
    now = monitoring(alarms=tuple(metric_alarm(watch) for watch in WATCHES if watch is not VPC))
    drifted = [watch.control for watch in WATCHES if judged(now, monitoring(), watch)]
    assert drifted == ["alarm.vpc-changes"]
    assert BY_CONTROL["alarm.vpc-changes"] is VPC
