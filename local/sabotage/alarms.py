"""Metric filters and alarms, deleted, muted and bent: each alarm another way, for any could be bent in any."""

import json
from collections.abc import Callable
from typing import Any

from local.account import Account
from local.cloud import LocalAws
from local.place import Session
from local.sabotage.model import Sabotage
from local.settings import ACCOUNT, PARTITION, REGION
from relight.policy.alarm import BENCHMARK, WATCHES

LOG_GROUP = "/example/trail"
LOGS_ROLE = "example-trail-logs"
TOPIC = "security-alarms"
SUBSCRIBER = "security-alarms-queue"
METRICS = "ExampleCis"
# The samples in events/ speak of these.
FILTER, ALARM = "cis-vpc-changes", "cis-vpc-changes"

TOPIC_ARN = f"arn:{PARTITION}:sns:{REGION}:{ACCOUNT}:{TOPIC}"


def name(control: str) -> str:
    """What this account calls a control's filter, alarm and metric."""
    return "cis-" + control.partition(".")[2]


def furnish(aws: LocalAws, victim: Account) -> None:
    """Fifteen filters and alarms, a topic and its subscriber; a log group for the trail if it has none."""
    _log_group(aws, victim)
    logs, cloudwatch, sns = aws.client("logs"), aws.client("cloudwatch"), aws.client("sns")
    sns.create_topic(Name=TOPIC)
    queue = f"arn:{PARTITION}:sqs:{REGION}:{ACCOUNT}:{SUBSCRIBER}"
    aws.client("sqs").create_queue(QueueName=SUBSCRIBER)
    sns.subscribe(TopicArn=TOPIC_ARN, Protocol="sqs", Endpoint=queue)
    for watch in WATCHES:
        logs.put_metric_filter(**_filter(watch.control))
        cloudwatch.put_metric_alarm(**_alarm(watch.control))


def _log_group(aws: LocalAws, victim: Account) -> None:
    cloudtrail, logs = aws.client("cloudtrail"), aws.client("logs")
    if cloudtrail.get_trail(Name=victim.trail)["Trail"].get("CloudWatchLogsLogGroupArn"):
        return
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
    role = aws.client("iam").create_role(RoleName=LOGS_ROLE, AssumeRolePolicyDocument=json.dumps(trust))
    logs.create_log_group(logGroupName=LOG_GROUP)
    group = logs.describe_log_groups(logGroupNamePrefix=LOG_GROUP)["logGroups"][0]["arn"]
    cloudtrail.update_trail(
        Name=victim.trail, CloudWatchLogsLogGroupArn=group, CloudWatchLogsRoleArn=role["Role"]["Arn"]
    )


def _filter(control: str, **changes: Any) -> dict[str, Any]:
    """PutMetricFilter's parameters, some of them changed; those of the metric too."""
    (watch,) = (each for each in WATCHES if each.control == control)
    counted = {"metricName": name(control), "metricNamespace": METRICS, "metricValue": "1"}
    whole = {"logGroupName": LOG_GROUP, "filterName": name(control), "filterPattern": watch.patterns[0]}
    metric = {key: changes.pop(key, value) for key, value in counted.items()}
    return {**whole, "metricTransformations": [metric], **changes}


def _alarm(control: str, **changes: Any) -> dict[str, Any]:
    """PutMetricAlarm's parameters, some of them changed."""
    own = {"AlarmName": name(control), "AlarmDescription": f"Looks at {name(control)}", "AlarmActions": [TOPIC_ARN]}
    return {**own, "MetricName": name(control), "Namespace": METRICS, **BENCHMARK, **changes}


def proof(aws: LocalAws, _victim: Account) -> Any:
    """The filters, alarms and mute rules, without the moments of their creation."""
    logs, cloudwatch = aws.client("logs"), aws.client("cloudwatch")
    groups = [each["logGroupName"] for each in logs.describe_log_groups(logGroupNamePrefix=LOG_GROUP)["logGroups"]]
    filters = [each for group in groups for each in logs.describe_metric_filters(logGroupName=group)["metricFilters"]]
    alarms = [
        {key: value for key, value in each.items() if not key.startswith("State") and "Timestamp" not in key}
        for each in cloudwatch.describe_alarms()["MetricAlarms"]
    ]
    mutes = cloudwatch.list_alarm_mute_rules()["AlarmMuteRuleSummaries"]
    return {
        "filters": sorted(filters, key=lambda each: str(each["filterName"])),
        "alarms": sorted(alarms, key=lambda each: str(each["AlarmName"])),
        "mutes": mutes,
    }


def heard(aws: LocalAws, _victim: Account) -> Any:
    """The alarms that somebody hears."""
    sns = aws.client("sns")
    topics = {topic["TopicArn"] for topic in sns.list_topics()["Topics"]}
    subscribed = {each["TopicArn"] for each in sns.list_subscriptions()["Subscriptions"]} & topics
    alarms = aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
    return sorted(each["AlarmName"] for each in alarms if subscribed & set(each["AlarmActions"]))


def _put_filter(control: str, effect: str, **changes: Any) -> Sabotage:
    def commit(_aws: LocalAws, intruder: Session, _victim: Account) -> None:
        intruder.client("logs").put_metric_filter(**_filter(control, **changes))

    return Sabotage(control, "PutMetricFilter", effect, commit, proof)


def _put_alarm(control: str, effect: str, **changes: Any) -> Sabotage:
    def commit(_aws: LocalAws, intruder: Session, _victim: Account) -> None:
        intruder.client("cloudwatch").put_metric_alarm(**_alarm(control, **changes))

    return Sabotage(control, "PutMetricAlarm", effect, commit, proof)


def _call(service: str, method: str, **params: Any) -> Callable[[LocalAws, Session, Account], None]:
    def commit(_aws: LocalAws, intruder: Session, _victim: Account) -> None:
        getattr(intruder.client(service), method)(**params)

    return commit


def _unsubscribe(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    """From every topic that an alarm of the account's tells."""
    alarms = aws.client("cloudwatch").describe_alarms(AlarmNamePrefix="cis-")["MetricAlarms"]
    told = {topic for alarm in alarms for topic in alarm["AlarmActions"]}
    for each in aws.client("sns").list_subscriptions()["Subscriptions"]:
        if each["TopicArn"] in told:
            intruder.client("sns").unsubscribe(SubscriptionArn=each["SubscriptionArn"])


MUTED = name("alarm.route-table-changes")

SABOTAGES: tuple[Sabotage, ...] = (
    Sabotage(
        "alarm.vpc-changes",
        "DeleteAlarms",
        "all fifteen alarms are deleted",
        _call("cloudwatch", "delete_alarms", AlarmNames=[name(watch.control) for watch in WATCHES]),
        proof,
    ),
    Sabotage(
        "alarm.vpc-changes",
        "DeleteLogGroup",
        "the filters go with their log group",
        _call("logs", "delete_log_group", logGroupName=LOG_GROUP),
        proof,
    ),
    Sabotage(
        "alarm.unauthorized-calls",
        "DeleteMetricFilter",
        "nothing counts refused calls",
        _call("logs", "delete_metric_filter", logGroupName=LOG_GROUP, filterName=name("alarm.unauthorized-calls")),
        proof,
    ),
    Sabotage(
        "alarm.root-use",
        "DisableAlarmActions",
        "the alarm rings and tells nobody",
        _call("cloudwatch", "disable_alarm_actions", AlarmNames=[name("alarm.root-use")]),
        proof,
    ),
    Sabotage(
        "alarm.route-table-changes",
        "PutAlarmMuteRule",
        "the alarm is muted for a fortnight",
        _call(
            "cloudwatch",
            "put_alarm_mute_rule",
            Name="maintenance",
            Rule={"Schedule": {"Expression": "cron(0 0 * * *)", "Duration": "P15D"}},
            MuteTargets={"AlarmNames": [MUTED]},
        ),
        proof,
    ),
    _put_filter("alarm.iam-changes", "the filter sees one call only", filterPattern="{ $.eventName = DeletePolicy }"),
    _put_filter("alarm.sign-in-without-mfa", "the filter feeds another metric", metricName="unwatched"),
    _put_filter("alarm.bucket-policy-changes", "every event counts as nothing", metricValue="0"),
    _put_filter(
        "alarm.config-changes", "the filter leaves the account out", fieldSelectionCriteria='@aws.account = "1"'
    ),
    _put_filter("alarm.gateway-changes", "the filter reads what a transformer left", applyOnTransformedLogs=True),
    _put_alarm("alarm.cloudtrail-changes", "the threshold is never reached", Threshold=1e9),
    _put_alarm("alarm.sign-in-failures", "only a siege would ring", EvaluationPeriods=50, DatapointsToAlarm=50),
    _put_alarm("alarm.key-disabled", "the alarm hangs for ever", TreatMissingData="breaching"),
    _put_alarm("alarm.security-group-changes", "silence rings", ComparisonOperator="LessThanThreshold"),
    _put_alarm(
        "alarm.network-acl-changes", "the alarm looks beside it", Dimensions=[{"Name": "Account", "Value": "none"}]
    ),
    _put_alarm("alarm.organization-changes", "the alarm tells nobody", AlarmActions=[]),
    # These two leave something to be done, and so come last.
    Sabotage(
        "alarm.vpc-changes",
        "DeleteTopic",
        "the alarms tell a topic that is gone",
        _call("sns", "delete_topic", TopicArn=TOPIC_ARN),
        heard,
    ),
    Sabotage(
        "alarm.vpc-changes", "Unsubscribe", "nobody hears the alarms", _unsubscribe, heard, outcome="needs-a-person"
    ),
)
