"""Relight itself attacked: rules, functions, topic, queues, ledger, schedules, alarms, roles, the stack."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from local.account import Account
from local.cloud import LocalAws, Session
from local.sabotage.model import Sabotage

_LOOSE = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}],
}
Commit = Callable[[LocalAws, Session, Account], object]
Proof = Callable[[LocalAws, Account], Any]


def furnish(_aws: LocalAws, _victim: Account) -> None:
    """Nothing: Relight is all there is to guard."""


def _name(aws: LocalAws, logical_id: str) -> str:
    return aws.stack.resources[logical_id]


# ------------------------------------------------------------------------------------------------------------ rules


def _rule(aws: LocalAws, _victim: Account, logical_id: str = "TrailRule") -> Any:
    events, name = aws.client("events"), _name(aws, logical_id)
    if name not in [rule["Name"] for rule in events.list_rules()["Rules"]]:
        return None
    shown = events.describe_rule(Name=name)
    return shown["State"], shown["EventPattern"], events.list_targets_by_rule(Rule=name)["Targets"]


def _guard_rule(aws: LocalAws, victim: Account) -> Any:
    return _rule(aws, victim, "GuardRule")


def _disable(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    intruder.client("events").disable_rule(Name=_name(aws, "TrailRule"))


def _disable_the_guards(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    intruder.client("events").disable_rule(Name=_name(aws, "GuardRule"))


def _untarget(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    intruder.client("events").remove_targets(Rule=_name(aws, "TrailRule"), Ids=["TrailFunction"])


def _delete_rule(aws: LocalAws, intruder: Session, victim: Account) -> None:
    _untarget(aws, intruder, victim)
    intruder.client("events").delete_rule(Name=_name(aws, "TrailRule"))


def _narrow(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    pattern = json.dumps({"source": ["aws.lightsail"]})
    intruder.client("events").put_rule(Name=_name(aws, "TrailRule"), EventPattern=pattern)


def _divert(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    queue = f"arn:aws:sqs:{aws.client('sqs').meta.region_name}:123456789012:nobody-reads-this"
    intruder.client("events").put_targets(Rule=_name(aws, "TrailRule"), Targets=[{"Id": "TrailFunction", "Arn": queue}])


# -------------------------------------------------------------------------------------------------------- functions


def _function(aws: LocalAws, _victim: Account) -> Any:
    client, name = aws.client("lambda"), {"FunctionName": _name(aws, "TrailFunction")}
    shown = client.get_function_configuration(**name)
    invoking = client.list_function_event_invoke_configs(**name)["FunctionEventInvokeConfigs"]
    mappings = client.list_event_source_mappings(**name)["EventSourceMappings"]
    return {
        "mode": shown["Environment"]["Variables"]["RELIGHT_MODE"],
        "timeout": shown["Timeout"],
        "code": shown["CodeSha256"],
        "concurrency": client.get_function_concurrency(**name).get("ReservedConcurrentExecutions"),
        "retries": [(each["MaximumRetryAttempts"], each["DestinationConfig"]["OnFailure"]) for each in invoking],
        "invoked by": sorted(each["Condition"]["ArnLike"]["AWS:SourceArn"] for each in _statements(client, name)),
        "queues": [(each["EventSourceArn"], each["State"]) for each in mappings],
    }


def _statements(client: Any, name: dict[str, str]) -> list[dict[str, Any]]:
    """Who may invoke the function."""
    try:
        return list(json.loads(client.get_policy(**name)["Policy"])["Statement"])
    except client.exceptions.ResourceNotFoundException:
        return []


def _starve(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    intruder.client("lambda").put_function_concurrency(
        FunctionName=_name(aws, "TrailFunction"), ReservedConcurrentExecutions=0
    )


def _tame(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    client, name = intruder.client("lambda"), _name(aws, "TrailFunction")
    shown = aws.client("lambda").get_function_configuration(FunctionName=name)
    variables = {**shown["Environment"]["Variables"], "RELIGHT_MODE": "observe"}
    client.update_function_configuration(FunctionName=name, Timeout=1, Environment={"Variables": variables})


def _forbid(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    name = _name(aws, "TrailFunction")
    policy = json.loads(aws.client("lambda").get_policy(FunctionName=name)["Policy"])
    intruder.client("lambda").remove_permission(FunctionName=name, StatementId=policy["Statement"][0]["Sid"])


def _lose_failures(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    intruder.client("lambda").delete_function_event_invoke_config(FunctionName=_name(aws, "TrailFunction"))


def _unplug(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    name = _name(aws, "TrailFunction")
    (mapping,) = aws.client("lambda").list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    intruder.client("lambda").update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)


def _replace_code(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("app.py", "def handler(event, context): pass\n")
    intruder.client("lambda").update_function_code(
        FunctionName=_name(aws, "EndpointDeniedFunction"), ZipFile=archive.getvalue()
    )


def _code(aws: LocalAws, _victim: Account) -> Any:
    name = _name(aws, "EndpointDeniedFunction")
    return aws.client("lambda").get_function_configuration(FunctionName=name)["CodeSha256"]


# ------------------------------------------------------------------------------------------------ topic and queues


def _topic(aws: LocalAws, _victim: Account) -> Any:
    sns, arn = aws.client("sns"), _name(aws, "Topic")
    if arn not in [topic["TopicArn"] for topic in sns.list_topics()["Topics"]]:
        return None
    shown = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    subscribed = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
    return (
        json.loads(shown["Policy"]),
        shown["KmsMasterKeyId"],
        [
            (
                each["Endpoint"],
                sns.get_subscription_attributes(SubscriptionArn=each["SubscriptionArn"])["Attributes"].get(
                    "FilterPolicy", "{}"
                ),
            )
            for each in subscribed
        ],
    )


def _subscription(aws: LocalAws) -> str:
    (only,) = aws.client("sns").list_subscriptions_by_topic(TopicArn=_name(aws, "Topic"))["Subscriptions"]
    return str(only["SubscriptionArn"])


def _unsubscribe(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    intruder.client("sns").unsubscribe(SubscriptionArn=_subscription(aws))


def _filter(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    nothing = json.dumps({"severity": ["NEVER"]})
    intruder.client("sns").set_subscription_attributes(
        SubscriptionArn=_subscription(aws), AttributeName="FilterPolicy", AttributeValue=nothing
    )


def _silence(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    deny = {"Effect": "Deny", "Principal": "*", "Action": "sns:Publish", "Resource": _name(aws, "Topic")}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    intruder.client("sns").set_topic_attributes(
        TopicArn=_name(aws, "Topic"), AttributeName="Policy", AttributeValue=policy
    )


def _queue(aws: LocalAws, _victim: Account, logical_id: str = "FailureQueue") -> Any:
    names = ["Policy", "MessageRetentionPeriod", "SqsManagedSseEnabled"]
    urls = aws.client("sqs").list_queues().get("QueueUrls", [])
    if _name(aws, logical_id).rpartition("/")[2] not in [url.rpartition("/")[2] for url in urls]:
        return None
    shown = aws.client("sqs").get_queue_attributes(QueueUrl=_name(aws, logical_id), AttributeNames=names)
    return shown.get("Attributes")


def _undelivered_queue(aws: LocalAws, victim: Account) -> Any:
    return _queue(aws, victim, "UndeliveredQueue")


def _shorten(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    intruder.client("sqs").set_queue_attributes(
        QueueUrl=_name(aws, "FailureQueue"), Attributes={"MessageRetentionPeriod": "60"}
    )


def _delete_queue(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    intruder.client("sqs").delete_queue(QueueUrl=_name(aws, "UndeliveredQueue"))


def _purge(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    intruder.client("sqs").purge_queue(QueueUrl=_name(aws, "FailureQueue"))


# -------------------------------------------------------------------------------- ledger, schedules, alarms, the rest


def _ledger(aws: LocalAws, _victim: Account) -> Any:
    client, name = aws.client("dynamodb"), _name(aws, "Ledger")
    backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    return (
        client.describe_table(TableName=name)["Table"]["DeletionProtectionEnabled"],
        backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"],
        client.describe_time_to_live(TableName=name)["TimeToLiveDescription"],
    )


def _unprotect(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    intruder.client("dynamodb").update_table(TableName=_name(aws, "Ledger"), DeletionProtectionEnabled=False)


def _schedule(aws: LocalAws, _victim: Account) -> Any:
    listed = aws.client("scheduler").list_schedules()["Schedules"]
    name = _name(aws, "GuardFunctionSchedule")
    if name not in [each["Name"] for each in listed]:
        return None
    shown = aws.client("scheduler").get_schedule(Name=name)
    return shown["State"], shown["ScheduleExpression"], shown["Target"]


def _pause(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    name = _name(aws, "GuardFunctionSchedule")
    shown = aws.client("scheduler").get_schedule(Name=name)
    kept = {key: shown[key] for key in ("ScheduleExpression", "Target", "FlexibleTimeWindow")}
    intruder.client("scheduler").update_schedule(Name=name, State="DISABLED", **kept)


def _unschedule(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    intruder.client("scheduler").delete_schedule(Name=_name(aws, "GuardFunctionSchedule"))


def _alarm(aws: LocalAws, _victim: Account) -> Any:
    name = _name(aws, "FailureAlarm")
    shown = aws.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return [(each["ActionsEnabled"], each["AlarmActions"], each["Threshold"], each["Dimensions"]) for each in shown]


def _mute(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    intruder.client("cloudwatch").disable_alarm_actions(AlarmNames=[_name(aws, "FailureAlarm")])


def _delete_alarm(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    intruder.client("cloudwatch").delete_alarms(AlarmNames=[_name(aws, "FailureAlarm")])


def _role(aws: LocalAws, _victim: Account) -> Any:
    return aws.client("iam").list_role_policies(RoleName=_name(aws, "TrailFunctionRole"))["PolicyNames"]


def _deny(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    intruder.client("iam").put_role_policy(
        RoleName=_name(aws, "TrailFunctionRole"), PolicyName="zz", PolicyDocument=json.dumps(_LOOSE)
    )


def _stack(aws: LocalAws, _victim: Account) -> Any:
    return aws.client("cloudformation").describe_stacks(StackName=aws.stack.id)["Stacks"][0]["StackStatus"]


def _open_the_stack(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    allow = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}
    intruder.client("cloudformation").set_stack_policy(
        StackName=aws.stack.id, StackPolicyBody=json.dumps({"Statement": [allow]})
    )


SABOTAGES: tuple[Sabotage, ...] = (
    Sabotage("guard.rule", "DisableRule", "no event reaches the trail function", _disable, _rule),
    Sabotage("guard.rule", "DisableRule", "no event reaches the guard", _disable_the_guards, _guard_rule),
    Sabotage("guard.rule", "RemoveTargets", "events lead nowhere", _untarget, _rule),
    Sabotage("guard.rule", "DeleteRule", "the trail function's rule is gone", _delete_rule, _rule),
    Sabotage("guard.rule", "PutRule", "the rule matches something else", _narrow, _rule),
    Sabotage("guard.rule", "PutTargets", "events go to somebody's queue", _divert, _rule),
    Sabotage("guard.function", "PutFunctionConcurrency", "the function may not run", _starve, _function),
    Sabotage("guard.function", "UpdateFunctionConfiguration", "the function repairs nothing", _tame, _function),
    Sabotage("guard.function", "RemovePermission", "its rule may not invoke it", _forbid, _function),
    Sabotage("guard.function", "DeleteFunctionEventInvokeConfig", "failures are lost", _lose_failures, _function),
    Sabotage("guard.function", "UpdateEventSourceMapping", "what is created is not looked at", _unplug, _function),
    Sabotage("guard.function", "UpdateFunctionCode", "it runs other code", _replace_code, _code, "needs-a-person"),
    Sabotage("guard.topic", "Unsubscribe", "nobody is told", _unsubscribe, _topic),
    Sabotage("guard.topic", "SetSubscriptionAttributes", "a filter lets nothing through", _filter, _topic),
    Sabotage("guard.topic", "SetTopicAttributes", "nobody may publish", _silence, _topic),
    Sabotage("guard.queue", "SetQueueAttributes", "dead letters expire after a minute", _shorten, _queue),
    Sabotage("guard.queue", "DeleteQueue", "undelivered events are lost", _delete_queue, _undelivered_queue),
    Sabotage("guard.queue", "PurgeQueue", "dead letters are thrown away", _purge, _queue, "compliant"),
    Sabotage("guard.ledger", "UpdateTable", "the ledger may be deleted", _unprotect, _ledger),
    Sabotage("guard.schedule", "UpdateSchedule", "the guard no longer looks round", _pause, _schedule),
    Sabotage("guard.schedule", "DeleteSchedule", "the guard's schedule is gone", _unschedule, _schedule),
    Sabotage("guard.alarm", "DisableAlarmActions", "dead letters ring no alarm", _mute, _alarm),
    Sabotage("guard.alarm", "DeleteAlarms", "the dead letters' alarm is gone", _delete_alarm, _alarm),
    Sabotage("guard.stack", "SetStackPolicy", "an update may replace anything", _open_the_stack, _stack, "compliant"),
    Sabotage("guard.role", "PutRolePolicy", "the trail function is denied everything", _deny, _role, "observed"),
)
