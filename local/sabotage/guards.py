"""Relight itself attacked: rules, functions, topic, queues, ledger, schedules, alarms, roles, the stack."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from local.account import Account
from local.cloud import LocalAws
from local.place import Session
from local.sabotage.model import Sabotage
from local.settings import STACK

Commit = Callable[[LocalAws, Session, Account], object]


def furnish(_aws: LocalAws, _victim: Account) -> None:
    """Nothing: Relight is all there is to guard."""


def _name(aws: LocalAws, logical_id: str) -> str:
    return aws.stack.resources[logical_id]


# ------------------------------------------------------------------------------------------------------------ rules


def _of_rule(logical_id: str, who: str) -> tuple[Sabotage, ...]:
    """Attacks on a rule; `who` no longer hears of anything."""

    def proof(aws: LocalAws, _victim: Account) -> Any:
        events, name = aws.client("events"), _name(aws, logical_id)
        if name not in [rule["Name"] for rule in events.list_rules()["Rules"]]:
            return None
        shown = events.describe_rule(Name=name)
        return shown["State"], shown["EventPattern"], events.list_targets_by_rule(Rule=name)["Targets"]

    def disable(aws: LocalAws, intruder: Session, _victim: Account) -> None:
        intruder.client("events").disable_rule(Name=_name(aws, logical_id))

    def untarget(aws: LocalAws, intruder: Session, _victim: Account) -> None:
        name = _name(aws, logical_id)
        ids = [each["Id"] for each in aws.client("events").list_targets_by_rule(Rule=name)["Targets"]]
        intruder.client("events").remove_targets(Rule=name, Ids=ids)

    def delete(aws: LocalAws, intruder: Session, victim: Account) -> None:
        untarget(aws, intruder, victim)
        intruder.client("events").delete_rule(Name=_name(aws, logical_id))

    def narrow(aws: LocalAws, intruder: Session, _victim: Account) -> None:
        pattern = json.dumps({"source": ["aws.lightsail"]})
        intruder.client("events").put_rule(Name=_name(aws, logical_id), EventPattern=pattern)

    def divert(aws: LocalAws, intruder: Session, _victim: Account) -> None:
        name = _name(aws, logical_id)
        targets = aws.client("events").list_targets_by_rule(Rule=name)["Targets"]
        diverted = [{"Id": each["Id"], "Arn": _strange_queue(intruder)} for each in targets]
        intruder.client("events").put_targets(Rule=name, Targets=diverted)

    def eavesdrop(aws: LocalAws, intruder: Session, _victim: Account) -> None:
        target = {"Id": "eve", "Arn": _strange_queue(intruder)}
        intruder.client("events").put_targets(Rule=_name(aws, logical_id), Targets=[target])

    return (
        Sabotage("guard.rule", "DisableRule", f"no event reaches {who}", disable, proof),
        Sabotage("guard.rule", "RemoveTargets", f"events for {who} lead nowhere", untarget, proof),
        Sabotage("guard.rule", "DeleteRule", f"the rule of {who} is gone", delete, proof),
        Sabotage("guard.rule", "PutRule", f"the rule of {who} matches something else", narrow, proof),
        Sabotage("guard.rule", "PutTargets", f"events for {who} go to somebody's queue", divert, proof),
        Sabotage("guard.rule", "PutTargets", f"somebody else hears what {who} hears", eavesdrop, proof),
    )


def _strange_queue(intruder: Session) -> str:
    """The ARN of a queue of the intruder's own."""
    sqs = intruder.client("sqs")
    url = sqs.create_queue(QueueName="eve")["QueueUrl"]
    return str(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"])


# -------------------------------------------------------------------------------------------------------- functions


def _of_function(logical_id: str, who: str) -> tuple[Sabotage, ...]:
    """Attacks on a function, called `who`, that calls can undo."""

    def proof(aws: LocalAws, _victim: Account) -> Any:
        client, name = aws.client("lambda"), {"FunctionName": _name(aws, logical_id)}
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
            "queues": [each["EventSourceArn"] for each in mappings if each["State"] == "Enabled"],
        }

    def starve(aws: LocalAws, intruder: Session, _victim: Account) -> None:
        name = _name(aws, logical_id)
        intruder.client("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)

    def tame(aws: LocalAws, intruder: Session, _victim: Account) -> None:
        client, name = intruder.client("lambda"), _name(aws, logical_id)
        shown = aws.client("lambda").get_function_configuration(FunctionName=name)
        variables = {**shown["Environment"]["Variables"], "RELIGHT_MODE": "observe"}
        client.update_function_configuration(FunctionName=name, Timeout=1, Environment={"Variables": variables})

    def forbid(aws: LocalAws, intruder: Session, _victim: Account) -> None:
        name = _name(aws, logical_id)
        policy = json.loads(aws.client("lambda").get_policy(FunctionName=name)["Policy"])
        intruder.client("lambda").remove_permission(FunctionName=name, StatementId=policy["Statement"][0]["Sid"])

    def lose_failures(aws: LocalAws, intruder: Session, _victim: Account) -> None:
        intruder.client("lambda").delete_function_event_invoke_config(FunctionName=_name(aws, logical_id))

    def feed(aws: LocalAws, intruder: Session, _victim: Account) -> None:
        queue = _strange_queue(intruder)
        intruder.client("lambda").create_event_source_mapping(FunctionName=_name(aws, logical_id), EventSourceArn=queue)

    def made(event: str, effect: str, commit: Commit) -> Sabotage:
        return Sabotage("guard.function", event, effect, commit, proof)

    return (
        made("PutFunctionConcurrency", f"{who} may not run", starve),
        made("UpdateFunctionConfiguration", f"{who} repairs nothing", tame),
        made("RemovePermission", f"no rule may invoke {who}", forbid),
        made("DeleteFunctionEventInvokeConfig", f"what {who} fails at is lost", lose_failures),
        made("CreateEventSourceMapping", f"somebody's queue feeds {who}", feed),
    )


def _statements(client: Any, name: dict[str, str]) -> list[dict[str, Any]]:
    """Who may invoke the function."""
    try:
        return list(json.loads(client.get_policy(**name)["Policy"])["Statement"])
    except client.exceptions.ResourceNotFoundException:
        return []


def _mapping(aws: LocalAws, _victim: Account) -> Any:
    return [(each["EventSourceArn"], each.get("BatchSize")) for each in _mappings(aws) if each["State"] == "Enabled"]


def _mappings(aws: LocalAws) -> list[dict[str, Any]]:
    name = _name(aws, "TrailFunction")
    return list(aws.client("lambda").list_event_source_mappings(FunctionName=name)["EventSourceMappings"])


def _own_mapping(aws: LocalAws) -> str:
    """The UUID of the mapping of Relight's own queue; where it is gone, one that AWS does not know."""
    own = (str(each["UUID"]) for each in _mappings(aws) if f":{STACK}-" in each["EventSourceArn"])
    return next(own, "00000000-0000-4000-8000-000000000000")


def _unplug(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    intruder.client("lambda").update_event_source_mapping(UUID=_own_mapping(aws), Enabled=False)


def _unmap(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    mapping = _own_mapping(aws)
    aws.client("lambda").get_event_source_mapping(UUID=mapping)  # AWS refuses to delete what is gone; moto does not
    intruder.client("lambda").delete_event_source_mapping(UUID=mapping)


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
    """The ARN of the one subscription; where it is gone, one that AWS does not know."""
    topic = _name(aws, "Topic")
    found = aws.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    return str(found[0]["SubscriptionArn"]) if found else f"{topic}:00000000-0000-4000-8000-000000000000"


def _unsubscribe(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    intruder.client("sns").unsubscribe(SubscriptionArn=_subscription(aws))


def _filter(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    nothing = json.dumps({"severity": ["NEVER"]})
    intruder.client("sns").set_subscription_attributes(
        SubscriptionArn=_subscription(aws), AttributeName="FilterPolicy", AttributeValue=nothing
    )


def _delete_topic(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    intruder.client("sns").delete_topic(TopicArn=_name(aws, "Topic"))


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
    table = client.describe_table(TableName=name)["Table"]
    backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    return (
        table["DeletionProtectionEnabled"],
        table["BillingModeSummary"]["BillingMode"],
        backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"],
        client.describe_time_to_live(TableName=name)["TimeToLiveDescription"],
        json.loads(client.get_resource_policy(ResourceArn=table["TableArn"])["Policy"]),
    )


def _unprotect(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    intruder.client("dynamodb").update_table(TableName=_name(aws, "Ledger"), DeletionProtectionEnabled=False)


def _throttle(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    intruder.client("dynamodb").update_table(
        TableName=_name(aws, "Ledger"),
        BillingMode="PROVISIONED",
        ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
    )


def _stop_backups(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    intruder.client("dynamodb").update_continuous_backups(
        TableName=_name(aws, "Ledger"), PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )


def _keep_for_ever(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    expiry = {"Enabled": False, "AttributeName": "expires"}
    intruder.client("dynamodb").update_time_to_live(TableName=_name(aws, "Ledger"), TimeToLiveSpecification=expiry)


def _let_all_write(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    arn = aws.client("dynamodb").describe_table(TableName=_name(aws, "Ledger"))["Table"]["TableArn"]
    allow = {"Effect": "Allow", "Principal": "*", "Action": "dynamodb:PutItem", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    intruder.client("dynamodb").put_resource_policy(ResourceArn=arn, Policy=policy)


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


def _of_alarm(logical_id: str, what: str) -> tuple[Sabotage, ...]:
    """Attacks on an alarm, which rings for `what`."""

    def proof(aws: LocalAws, _victim: Account) -> Any:
        client = aws.client("cloudwatch")
        mutes = client.list_alarm_mute_rules()["AlarmMuteRuleSummaries"]
        shown = client.describe_alarms(AlarmNames=[_name(aws, logical_id)])["MetricAlarms"]
        fields = ("ActionsEnabled", "AlarmActions", "Threshold", "Dimensions")
        return mutes, [[each[field] for field in fields] for each in shown]

    def disable(aws: LocalAws, intruder: Session, _victim: Account) -> None:
        intruder.client("cloudwatch").disable_alarm_actions(AlarmNames=[_name(aws, logical_id)])

    def mute(aws: LocalAws, intruder: Session, _victim: Account) -> None:
        intruder.client("cloudwatch").put_alarm_mute_rule(
            Name="quiet",
            Rule={"Schedule": {"Expression": "cron(0 0 * * *)", "Duration": "P15D"}},
            MuteTargets={"AlarmNames": [_name(aws, logical_id)]},
        )

    def delete(aws: LocalAws, intruder: Session, _victim: Account) -> None:
        intruder.client("cloudwatch").delete_alarms(AlarmNames=[_name(aws, logical_id)])

    return (
        Sabotage("guard.alarm", "DisableAlarmActions", f"{what} tell nobody", disable, proof),
        Sabotage("guard.alarm", "PutAlarmMuteRule", f"{what} are muted for a fortnight", mute, proof),
        Sabotage("guard.alarm", "DeleteAlarms", f"{what} ring no alarm", delete, proof),
    )


def _of_role(logical_id: str, who: str) -> tuple[Sabotage, ...]:
    """An attack on a role, which Relight tells and may not undo."""

    def proof(aws: LocalAws, _victim: Account) -> Any:
        return aws.client("iam").list_role_policies(RoleName=_name(aws, logical_id))["PolicyNames"]

    def deny(aws: LocalAws, intruder: Session, _victim: Account) -> None:
        everything = {"Effect": "Deny", "Action": "*", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
        intruder.client("iam").put_role_policy(RoleName=_name(aws, logical_id), PolicyName="zz", PolicyDocument=policy)

    return (Sabotage("guard.role", "PutRolePolicy", f"{who} is denied everything", deny, proof, "observed"),)


def _stack(aws: LocalAws, _victim: Account) -> Any:
    return aws.client("cloudformation").describe_stacks(StackName=aws.stack.id)["Stacks"][0]["StackStatus"]


def _open_the_stack(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    allow = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}
    intruder.client("cloudformation").set_stack_policy(
        StackName=aws.stack.id, StackPolicyBody=json.dumps({"Statement": [allow]})
    )


# On the guard itself, which its watch looks after too.
OF_THE_GUARD: tuple[Sabotage, ...] = (
    *_of_rule("GuardRule", "the guard"),
    *_of_function("GuardFunction", "the guard"),
    *_of_alarm("GuardHeartbeatAlarm", "heartbeats that stop"),
    *_of_role("GuardFunctionRole", "the guard"),
    Sabotage("guard.schedule", "UpdateSchedule", "the guard no longer looks round", _pause, _schedule),
    Sabotage("guard.schedule", "DeleteSchedule", "the guard's schedule is gone", _unschedule, _schedule),
)
SABOTAGES: tuple[Sabotage, ...] = (
    *OF_THE_GUARD,
    *_of_rule("TrailRule", "the trail function"),
    *_of_function("TrailFunction", "the trail function"),
    Sabotage("guard.function", "UpdateEventSourceMapping", "what is created is not looked at", _unplug, _mapping),
    Sabotage("guard.function", "DeleteEventSourceMapping", "what is created waits for ever", _unmap, _mapping),
    Sabotage("guard.function", "UpdateFunctionCode", "it runs other code", _replace_code, _code, "needs-a-person"),
    Sabotage("guard.topic", "Unsubscribe", "nobody is told", _unsubscribe, _topic),
    Sabotage("guard.topic", "SetSubscriptionAttributes", "a filter lets nothing through", _filter, _topic),
    Sabotage("guard.topic", "SetTopicAttributes", "nobody may publish", _silence, _topic),
    Sabotage("guard.topic", "DeleteTopic", "there is nowhere to publish", _delete_topic, _topic),
    Sabotage("guard.queue", "SetQueueAttributes", "dead letters expire after a minute", _shorten, _queue),
    Sabotage("guard.queue", "DeleteQueue", "undelivered events are lost", _delete_queue, _undelivered_queue),
    Sabotage("guard.queue", "PurgeQueue", "dead letters are thrown away", _purge, _queue, "compliant"),
    Sabotage("guard.ledger", "UpdateTable", "the ledger may be deleted", _unprotect, _ledger),
    Sabotage("guard.ledger", "UpdateTable", "the ledger takes one call a second", _throttle, _ledger),
    Sabotage("guard.ledger", "UpdateContinuousBackups", "the ledger cannot be restored", _stop_backups, _ledger),
    Sabotage("guard.ledger", "UpdateTimeToLive", "the ledger forgets nothing", _keep_for_ever, _ledger),
    Sabotage("guard.ledger", "PutResourcePolicy", "everybody may write the ledger", _let_all_write, _ledger),
    *_of_alarm("FailureAlarm", "dead letters"),
    Sabotage("guard.stack", "SetStackPolicy", "an update may replace anything", _open_the_stack, _stack, "compliant"),
    *_of_role("TrailFunctionRole", "the trail function"),
)
