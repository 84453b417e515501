"""What makes template.yaml fit for production: nothing is lost in silence, all is encrypted, logs outlive the stack."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from local.settings import PROJECT
from tests.contract.template import (
    QUEUE,
    RULE,
    SOURCE,
    TEMPLATE,
    Function,
    functions,
    listed,
    of_type,
    properties,
    target,
)

ALARM = "AWS::CloudWatch::Alarm"
LOG_GROUP = "AWS::Logs::LogGroup"
# Whatever holds logs, decrypts them, or lets them be delivered, and the memory of it all.
KEPT = (
    "AWS::DynamoDB::Table", "AWS::KMS::Key", LOG_GROUP, "AWS::S3::Bucket", "AWS::S3::BucketPolicy"
)  # fmt: skip
TARGETS = [(name, to) for name in of_type(RULE) for to in properties(name)["Targets"]]
DELAY_QUEUES = [(function, queue) for function in functions().values() for queue in function.queues]

QUEUES_OF_FUNCTIONS = {queue for _, queue in DELAY_QUEUES}

every_function = pytest.mark.parametrize("function", functions().values(), ids=lambda f: f.family)
every_delay_queue = pytest.mark.parametrize(("function", "queue"), DELAY_QUEUES, ids=lambda x: getattr(x, "family", x))
every_target = pytest.mark.parametrize(("rule", "to"), TARGETS, ids=lambda x: x if isinstance(x, str) else "")


def alarmed(metric: str, dimension: str, of: str) -> bool:
    """Whether an alarm rings as soon as a resource's metric is above zero."""
    return any(
        alarm.get("MetricName") == metric
        and any(each["Name"] == dimension and target(each["Value"]) == of for each in alarm["Dimensions"])
        and (alarm["ComparisonOperator"], int(alarm["Threshold"])) == ("GreaterThanThreshold", 0)
        for alarm in map(properties, of_type(ALARM))
    )


def allowed(policies: str, on: str, action: str, rule: str) -> bool:
    """Whether the resource policy of a queue lets EventBridge send in the name of a rule."""
    for policy in map(properties, of_type(policies)):
        for statement in policy["PolicyDocument"]["Statement"]:
            sources = listed(statement.get("Condition", {}).get("ArnEquals", {}).get("aws:SourceArn", []))
            fits = statement["Effect"] == "Allow" and statement["Principal"] == {"Service": "events.amazonaws.com"}
            to_it = target(statement["Resource"]) == on and action in listed(statement["Action"])
            if fits and to_it and any(target(source) == rule for source in sources):
                return True
    return False


@every_function
def test_a_failed_invocation_ends_where_a_person_is_told(function: Function) -> None:
    config = function.properties.get("EventInvokeConfig", {})
    assert config.get("MaximumRetryAttempts") == 2, (
        f"{function.logical_id}: set EventInvokeConfig.MaximumRetryAttempts: 2"
    )
    failure = config.get("DestinationConfig", {}).get("OnFailure", {})
    assert target(failure.get("Destination")) in of_type(QUEUE), f"{function.logical_id}: add an on-failure destination"


@every_function
def test_a_function_has_alarms(function: Function) -> None:
    for metric in ("Errors", "Throttles"):
        fine = alarmed(metric, "FunctionName", function.logical_id)
        assert fine, f"{function.logical_id}: add an alarm on {metric} above 0"


@pytest.mark.parametrize("queue", sorted(of_type(QUEUE).keys() - QUEUES_OF_FUNCTIONS))
def test_a_dead_letter_queue_has_an_alarm(queue: str) -> None:
    fine = alarmed("ApproximateNumberOfMessagesVisible", "QueueName", queue)
    assert fine, f"{queue}: add an alarm on its depth above 0"
    assert int(properties(queue)["MessageRetentionPeriod"]) == 1209600, f"{queue}: keep dead letters for 14 days"


@pytest.mark.parametrize("alarm", of_type(ALARM))
def test_an_alarm_is_heard(alarm: str) -> None:
    to = [target(action) for action in properties(alarm).get("AlarmActions", ())]
    assert "Topic" in to, f"{alarm}: nobody would hear it; set AlarmActions to the topic"
    assert properties(alarm).get("ActionsEnabled", True) is True, f"{alarm}: its actions are switched off"


@every_target
def test_an_undelivered_event_is_retried_and_dead_lettered(rule: str, to: dict[str, Any]) -> None:
    assert to.get("RetryPolicy"), f"{rule}, target {to['Id']}: add a RetryPolicy"
    queue = target(to.get("DeadLetterConfig", {}).get("Arn"))
    assert queue in of_type(QUEUE), f"{rule}, target {to['Id']}: add a DeadLetterConfig"
    sends = allowed("AWS::SQS::QueuePolicy", queue, "sqs:SendMessage", rule)
    assert sends, f"the policy of {queue} does not let {rule} send: add its ARN to aws:SourceArn"


@every_target
def test_a_rule_may_reach_its_target(rule: str, to: dict[str, Any]) -> None:
    end = target(to["Arn"])
    if end in of_type(QUEUE):
        fine = allowed("AWS::SQS::QueuePolicy", end, "sqs:SendMessage", rule)
        assert fine, f"the policy of {end} does not let {rule} send"
    else:
        permitted = [
            each
            for each in map(properties, of_type("AWS::Lambda::Permission"))
            if (target(each["FunctionName"]), target(each["SourceArn"])) == (end, rule)
            and (each["Action"], each["Principal"]) == ("lambda:InvokeFunction", "events.amazonaws.com")
        ]
        assert permitted, f"add an AWS::Lambda::Permission that lets {rule} invoke {end}"


def test_the_schedule_is_retried_and_dead_lettered() -> None:
    schedules = [e for f in functions().values() for e in f.properties.get("Events", {}).values() if e["Type"] != "SQS"]
    assert schedules, "nothing starts the sweep"
    for schedule in schedules:
        assert schedule["Properties"].get("RetryPolicy"), "the sweep's schedule lacks a RetryPolicy"
        queue = target(schedule["Properties"].get("DeadLetterConfig", {}).get("Arn"))
        assert queue in of_type(QUEUE), "the sweep's schedule lacks a DeadLetterConfig"


@every_delay_queue
def test_a_delay_queue_loses_nothing(function: Function, queue: str) -> None:
    settings, timeout = properties(queue), int(function.setting["Timeout"])
    assert settings["DelaySeconds"] == {"Ref": "CreateDelaySeconds"}, f"{queue}: its delay is a parameter"
    assert int(settings["VisibilityTimeout"]) >= 6 * timeout, f"{queue}: VisibilityTimeout is less than 6 x {timeout} s"
    redrive = settings.get("RedrivePolicy", {})
    assert target(redrive.get("deadLetterTargetArn")) in of_type(QUEUE), f"{queue}: add a RedrivePolicy"
    assert int(redrive["maxReceiveCount"]) >= 5, f"{queue}: maxReceiveCount under 5 dead-letters mere throttling"
    sources = [each["Properties"] for each in function.properties["Events"].values() if each["Type"] == "SQS"]
    for source in sources:
        partial = source.get("FunctionResponseTypes") == ["ReportBatchItemFailures"]
        assert partial, f"{function.logical_id}: one failed record would send the whole batch round again"


@every_function
def test_a_function_logs_to_a_group_that_the_stack_made(function: Function) -> None:
    group = target(function.properties.get("LoggingConfig", {}).get("LogGroup"))
    assert group in of_type(LOG_GROUP), f"{function.logical_id}: set LoggingConfig.LogGroup to one of this template"


@pytest.mark.parametrize("group", of_type(LOG_GROUP))
def test_a_log_group_has_retention_and_encryption(group: str) -> None:
    assert properties(group).get("RetentionInDays"), f"{group}: set RetentionInDays, or it is kept and paid for ever"
    assert properties(group).get("KmsKeyId"), f"{group}: encrypt it with the trail's key"


@pytest.mark.parametrize("queue", of_type(QUEUE))
def test_a_queue_is_encrypted(queue: str) -> None:
    assert properties(queue).get("SqsManagedSseEnabled") is True, f"{queue}: set SqsManagedSseEnabled: true"


def test_the_topic_is_encrypted_and_has_a_subscriber_and_a_policy() -> None:
    for topic in of_type("AWS::SNS::Topic"):
        assert properties(topic).get("KmsMasterKeyId"), f"{topic}: set KmsMasterKeyId"
        emails = [each["Endpoint"] for each in properties(topic).get("Subscription", ()) if each["Protocol"] == "email"]
        assert {"Ref": "AlertEmail"} in emails, f"{topic}: nobody would be told; subscribe AlertEmail"
        covered = [target(t) for p in map(properties, of_type("AWS::SNS::TopicPolicy")) for t in p["Topics"]]
        assert topic in covered, f"{topic}: add a topic policy"


def test_the_table_can_be_restored_and_forgets_incidents() -> None:
    """DynamoDB encrypts every table; the key that it owns itself needs no permission that could be lost."""
    ledger = (PROJECT / "shared" / "relight" / "ledger.py").read_text(encoding="utf-8")
    for table in of_type("AWS::DynamoDB::Table"):
        settings = properties(table)
        assert settings["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True, (
            f"{table}: no recovery"
        )
        assert settings.get("DeletionProtectionEnabled") is True, f"{table}: set DeletionProtectionEnabled: true"
        expiry = settings["TimeToLiveSpecification"]
        assert expiry["Enabled"] is True, f"{table}: its time to live is off"
        assert f'"{expiry["AttributeName"]}"' in ledger, f"{table}: ledger.py writes no {expiry['AttributeName']}"
        for key in settings["KeySchema"]:
            assert f'"{key["AttributeName"]}"' in ledger, f"{table}: ledger.py knows no key {key['AttributeName']}"


@pytest.mark.parametrize("name", [*of_type(*KEPT), "FlowLogsRole", "TrailLogsRole"])
def test_what_holds_logs_or_decrypts_them_outlives_the_stack(name: str) -> None:
    resource = TEMPLATE["Resources"][name]
    for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
        assert resource.get(policy) == "Retain", f"{name}: set {policy}: Retain, or logging would stop with the stack"


def test_keys_rotate() -> None:
    for key in of_type("AWS::KMS::Key"):
        assert properties(key).get("EnableKeyRotation") is True, f"{key}: Relight's own key must meet CIS 3.6"


def test_the_trails_of_this_account_may_use_their_key_and_no_others() -> None:
    """Decrypt, where the bucket has an S3 Bucket Key: CreateTrail and UpdateTrail fail without it.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html
    """
    trails = {"Fn::Sub": "arn:${AWS::Partition}:cloudtrail:*:${AWS::AccountId}:trail/*"}
    granted = set()
    for statement in properties("TrailKey")["KeyPolicy"]["Statement"]:
        if statement["Principal"] == {"Service": "cloudtrail.amazonaws.com"}:
            granted |= set(listed(statement["Action"]))
            assert statement["Condition"]["ArnLike"] == {"aws:SourceArn": trails}, f"{statement['Sid']}: bind it"
    assert granted == {"kms:GenerateDataKey*", "kms:DescribeKey", "kms:Decrypt"}


def test_no_concurrency_is_reserved() -> None:
    """Of an account's pool, 100 must stay unreserved: many have none to give."""
    assert "ReservedConcurrentExecutions" not in SOURCE, "no reserved concurrency: it fails in small accounts"


def test_no_name_is_fixed() -> None:
    """A resource with a name of its own cannot be replaced, nor deployed twice, nor again after a retained deletion."""
    fixed = ("BucketName", "FunctionName", "LogGroupName", "QueueName", "RoleName", "TableName", "TopicName")
    for name, resource in TEMPLATE["Resources"].items():
        if resource["Type"] not in (ALARM, "AWS::Lambda::Permission"):
            named = [each for each in fixed if each in resource.get("Properties", {})]
            assert not named, f"{name}: let CloudFormation choose {named}"


def unexplained(config: str) -> list[str]:
    """The checks that a checkov configuration skips without a comment on the line above."""
    lines = [line.strip() for line in config.splitlines()]
    return [line for above, line in pairwise(lines) if line.startswith("- CKV") and not above.startswith("# ")]


def test_nothing_is_kept_from_checkov_without_a_reason() -> None:
    config = (PROJECT / ".checkov.yaml").read_text(encoding="utf-8")
    assert unexplained(config) == [], ".checkov.yaml: say above each skipped check why"
    assert unexplained("skip-check:\n  # Why.\n  - CKV_AWS_1\n  - CKV_AWS_2\n") == ["- CKV_AWS_2"], "it sees nothing"
    for name, resource in TEMPLATE["Resources"].items():
        for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", ()):
            assert len(skip.get("comment", "")) > 20, f"{name}: say in the comment why {skip['id']} does not hold here"
    assert "checkov:skip" not in SOURCE, "skip a check in the resource's Metadata, where its reason is asked for"
