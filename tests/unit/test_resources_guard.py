"""Relight's own parts as AWS shows and mends them, and which of all the records concern one."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from relight.errors import AwsError, MalformedRecord, UnknownState
from relight.model import Drift, Observed, Resource, Scope
from relight.policy.guard import EXISTS, Part
from relight.policy.state import lasting, written
from relight.resources import guard as kind
from relight.resources.own import function, stack
from tests.unit.builders import ACCOUNT, NOON, REGION, accepted_by_botocore, record, standard
from tests.unit.fakes import fake_aws, refused
from tests.unit.parts import A_SCHEDULE, AN_ALARM, HANDLES, own_part

STACK = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/relight/1f2e3d4c-5b6a-4798-8c7d-6e5f4a3b2c1d"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:relight-Part-1X2Y3Z4A5B6C"
QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/relight-Queue-1X2Y3Z4A5B6C"
BUS = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/relight"
NAME = "relight-Part-1X2Y3Z4A5B6C"
LISTED = [
    {"LogicalResourceId": "TrailRule", "PhysicalResourceId": NAME, "ResourceType": "AWS::Events::Rule"},
    {"LogicalResourceId": "GuardRule", "PhysicalResourceId": "relight-GuardRule", "ResourceType": "AWS::Events::Rule"},
    {"LogicalResourceId": "Topic", "PhysicalResourceId": TOPIC, "ResourceType": "AWS::SNS::Topic"},
    {"LogicalResourceId": "FailureQueue", "PhysicalResourceId": QUEUE, "ResourceType": "AWS::SQS::Queue"},
    {"LogicalResourceId": "TrailKey", "PhysicalResourceId": "k", "ResourceType": "AWS::KMS::Key"},
    {"LogicalResourceId": "Ledger", "ResourceType": "AWS::DynamoDB::Table"},  # which is not made yet
]
MAPPING, OTHER_MAPPING = "5d7a8f6e-7a55-4d1c-8c5b-9d7a1c6f0e21", "6e8b9f7f-8b66-4e2d-9d6c-ae8b2d7f1f32"
RULE_TYPE = "AWS::Events::Rule"
SUBSCRIBED = "Subscription email:security@example.com"


def settings(**changes: Any) -> Any:
    return standard(stack=STACK, **changes)


# ------------------------------------------------------------------------------------------------ which records


@pytest.mark.parametrize(
    ("source", "name", "request_", "response", "found"),
    [
        ("events", "DisableRule", {"name": NAME}, None, [f"rule/{NAME}"]),
        ("events", "RemoveTargets", {"rule": NAME, "ids": ["x"]}, None, [f"rule/{NAME}"]),
        ("events", "DisableRule", {"name": NAME, "eventBusName": "default"}, None, [f"rule/{NAME}"]),
        ("events", "DisableRule", {"name": NAME, "eventBusName": "relight"}, None, [f"rule/relight/{NAME}"]),
        ("events", "RemoveTargets", {"rule": NAME, "eventBusName": BUS, "ids": ["x"]}, None, [f"rule/relight/{NAME}"]),
        ("events", "PutPermission", {"eventBusName": "relight", "policy": "{}"}, None, ["bus/relight"]),
        ("events", "PutPermission", {"eventBusName": BUS, "statementId": "x"}, None, ["bus/relight"]),
        ("events", "RemovePermission", {"statementId": "x"}, None, ["bus/default"]),
        ("events", "DeleteEventBus", {"name": "relight"}, None, ["bus/relight"]),
        ("lambda", "DeleteFunction20150331", {"functionName": NAME}, None, [f"function/{NAME}"]),
        (
            "lambda",
            "AddPermission20150331v2",
            {"functionName": f"{ACCOUNT}:function:{NAME}"},
            None,
            [f"function/{NAME}"],
        ),
        (
            "lambda",
            "UpdateFunctionCode20150331v2",
            {"functionName": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{NAME}:7"},
            None,
            [f"function/{NAME}"],
        ),
        (
            "lambda",
            "DeleteEventSourceMapping20150331",
            {"uUID": "u"},
            {"functionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{NAME}"},
            [f"function/{NAME}"],
        ),
        (
            "lambda",
            "UpdateFunctionCode20150331v2",
            {"fullyQualifiedArn": {"functionQualifier": {}, "relativeId": {"functionName": NAME}}},
            None,
            [f"function/{NAME}"],
        ),
        ("sns", "DeleteTopic", {"topicArn": TOPIC}, None, [f"topic/{NAME}"]),
        ("sns", "Unsubscribe", {"subscriptionArn": f"{TOPIC}:1-2"}, None, [f"topic/{NAME}"]),
        ("sqs", "PurgeQueue", {"queueUrl": QUEUE}, None, ["queue/relight-Queue-1X2Y3Z4A5B6C"]),
        ("dynamodb", "DeleteTable", {"tableName": NAME}, None, [f"ledger/{NAME}"]),
        (
            "dynamodb",
            "PutResourcePolicy",
            {"resourceArn": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{NAME}"},
            None,
            [f"ledger/{NAME}"],
        ),
        ("scheduler", "DeleteSchedule", {"name": NAME}, None, [f"schedule/{NAME}"]),
        ("iam", "PutRolePolicy", {"roleName": NAME}, None, [f"role/{NAME}"]),
        ("monitoring", "DeleteAlarms", {"alarmNames": [NAME, "b"]}, None, [f"alarm/{NAME}", "alarm/b"]),
        ("monitoring", "PutMetricAlarm", {"alarmName": NAME}, None, [f"alarm/{NAME}"]),
        (
            "monitoring",
            "PutAlarmMuteRule",
            {"name": "quiet", "muteTargets": {"alarmNames": [NAME, "b"]}},
            None,
            [f"alarm/{NAME}", "alarm/b"],
        ),
        ("cloudformation", "DeleteStack", {"stackName": STACK}, None, ["stack/relight"]),
        ("cloudformation", "UpdateStack", {"stackName": "relight"}, None, ["stack/relight"]),
        ("cloudformation", "ExecuteChangeSet", {"changeSetName": "arn:aws:x"}, None, []),
    ],
)
def test_a_record_names_its_part(source: str, name: str, request_: Any, response: Any, found: list[str]) -> None:
    scope = kind.locate(record(name, request_, response, eventSource=f"{source}.amazonaws.com"))
    assert scope == Scope(ACCOUNT, REGION, names=tuple(found))


@pytest.mark.parametrize(
    ("source", "name", "request_"),
    [
        ("events", "DisableRule", None),
        ("monitoring", "DeleteAlarms", {"alarmNames": {"omitted": True}}),
        ("monitoring", "PutAlarmMuteRule", {"name": NAME, "muteTargets": {"alarmNames": {"omitted": True}}}),
        ("sns", "Unsubscribe", {"subscriptionArn": 7}),
        ("lambda", "DeleteFunction20150331", {"functionName": ""}),
        ("s3", "PutBucketPolicy", {"bucketName": "b"}),
    ],
)
def test_a_record_that_names_none_says_so(source: str, name: str, request_: Any) -> None:
    with pytest.raises(MalformedRecord):
        kind.locate(record(name, request_, eventSource=f"{source}.amazonaws.com"))


def test_whoever_touches_a_part_is_told_of_but_a_deployment() -> None:
    def taken(name: str, source: str = "events", **identity: Any) -> dict[str, str]:
        user = {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/mallory", **identity}
        found = record(name, {"name": NAME}, eventSource=f"{source}.amazonaws.com", userIdentity=user)
        return kind.taken(found, None, settings())

    assert taken("DisableRule") == {"guard.rule": ""}
    assert taken("PurgeQueue", "sqs") == {"guard.queue": "What was in it is lost."}
    assert taken("DisableRule", invokedBy="cloudformation.amazonaws.com") == {}
    assert taken("DeleteStack", "cloudformation", invokedBy="cloudformation.amazonaws.com") == {"guard.stack": ""}
    assert taken("AddPermission", "events") == {}


# ---------------------------------------------------------------------------------------------- what is looked at


def test_only_what_the_stack_lists_is_ours() -> None:
    aws, session = fake_aws(cloudformation__ListStackResources={"StackResourceSummaries": LISTED})
    ours = [f"rule/{NAME}", "rule/relight-GuardRule", f"topic/{NAME}", "queue/relight-Queue-1X2Y3Z4A5B6C"]
    assert kind.own_names(aws.home, settings()) == ["stack/relight", *ours]
    assert kind.own_names(aws.home, settings(guarded="Guard*")) == ["rule/relight-GuardRule"]
    assert set(session.names) == {"cloudformation:ListStackResources"}
    assert kind.list_names(aws.home, standard()) == []


def test_a_part_that_cannot_be_read_is_not_gone() -> None:
    aws, _ = fake_aws(events__DescribeRule=refused("AccessDeniedException"))
    with pytest.raises(AwsError):
        list(kind.observe(aws, Scope(ACCOUNT, REGION, (f"rule/{NAME}",)), {}, settings()))


def test_a_queue_without_a_url_is_unknown() -> None:
    aws, _ = fake_aws(sqs__GetQueueUrl={})
    with pytest.raises(UnknownState, match="without its URL"):
        list(kind.observe(aws, Scope(ACCOUNT, REGION, (f"queue/{NAME}",)), {}, settings()))


def test_a_part_that_is_gone() -> None:
    aws, _ = fake_aws(events__DescribeRule=refused("ResourceNotFoundException"))
    (seen,) = kind.observe(aws, Scope(ACCOUNT, "elsewhere", (f"rule/{NAME}",)), {}, settings())
    assert seen.state is None
    assert seen.resource.arn == f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{NAME}"


def test_a_mapping_that_is_off_is_as_good_as_none_but_can_be_switched_on() -> None:
    queue, kafka = "arn:aws:sqs:us-east-1:123456789012:d", {"UUID": OTHER_MAPPING, "State": "Enabled", "BatchSize": 100}
    aws, _ = fake_aws(
        lambda__GetFunctionConfiguration={"FunctionName": NAME},
        lambda__GetFunctionConcurrency={},
        lambda__GetFunctionEventInvokeConfig=refused("ResourceNotFoundException"),
        lambda__GetPolicy=refused("ResourceNotFoundException"),
        lambda__ListEventSourceMappings={
            "EventSourceMappings": [
                {"UUID": MAPPING, "EventSourceArn": queue, "State": "Disabling"},
                kafka,
                {"UUID": "second", "EventSourceArn": queue, "State": "Enabled"},
            ]
        },
    )
    found = function.show(aws.home, NAME, "")
    assert found
    assert {f: v for f, v in found[0].items() if f.startswith("Events")} == {
        f"Events from {OTHER_MAPPING}": {"Enabled": True, "BatchSize": 100},
        f"Events from {queue} second": {"Enabled": True},
    }
    assert found[1] == {
        f"Events from {queue}": MAPPING,
        f"Events from {OTHER_MAPPING}": OTHER_MAPPING,
        f"Events from {queue} second": "second",
    }


def test_the_stack_stands_or_is_at_work_or_gone() -> None:
    shown = {"StackName": "relight", "StackStatus": "UPDATE_COMPLETE", "CreationTime": NOON}
    aws, _ = fake_aws(cloudformation__DescribeStacks={"Stacks": [shown]})
    found = stack.describe(aws.home, STACK)
    assert (found.deploying, found.deployed, found.protected) == (False, NOON, False)
    at_work = {**shown, "StackStatus": "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "EnableTerminationProtection": True}
    aws, _ = fake_aws(cloudformation__DescribeStacks={"Stacks": [at_work]})
    found = stack.describe(aws.home, STACK)
    assert (found.deploying, found.protected) == (True, True)
    aws, _ = fake_aws(cloudformation__DescribeStacks={"Stacks": []})
    with pytest.raises(UnknownState):
        stack.describe(aws.home, STACK)


def test_mute_rules_are_listed_once_for_all_alarms_and_for_nothing_else() -> None:
    quiet = {"AlarmMuteRuleArn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm-mute-rule:quiet"}
    aws, session = fake_aws(
        cloudwatch__DescribeAlarms=lambda _, AlarmNames: {"MetricAlarms": [AN_ALARM | {"AlarmName": AlarmNames[0]}]},  # noqa: N803
        cloudwatch__ListAlarmMuteRules={"AlarmMuteRuleSummaries": [quiet]},
        cloudwatch__GetAlarmMuteRule={"MuteTargets": {"AlarmNames": ["relight-B", "relight-A"]}},
        cloudformation__DescribeStacks={
            "Stacks": [{"StackName": "relight-A", "StackStatus": "UPDATE_COMPLETE", "CreationTime": NOON}]
        },
    )
    names = ("alarm/relight-A", "alarm/relight-B", "alarm/relight-C", "stack/relight-A")
    seen = list(kind.observe(aws, Scope(ACCOUNT, REGION, names), {}, settings()))
    silenced = {"quiet": ["relight-A", "relight-B"]}
    assert [each.state and each.state.mutes for each in seen] == [silenced, silenced, {}, {}]
    assert [name for name in session.names if "Mute" in name] == [
        "cloudwatch:ListAlarmMuteRules",
        "cloudwatch:GetAlarmMuteRule",
    ]
    list(kind.observe(aws, Scope(ACCOUNT, REGION, names[3:]), {}, settings()))
    assert session.names[-1] == "cloudformation:DescribeStacks"
    assert len(session.names) == 3 + 2 + 2
    assert "quiet" not in written(seen[0].state), "what is muted is no part of the baseline"


def test_an_alarm_with_all_that_puts_it_back() -> None:
    """Whatever DescribeAlarms shows and PutMetricAlarm takes."""
    newer = {"EvaluationWindow": 60, "EvaluationInterval": 60, "ActionsEnabled": False}
    aws, _ = fake_aws(
        cloudwatch__DescribeAlarms={"MetricAlarms": [AN_ALARM | newer | {"AlarmName": NAME, "StateValue": "OK"}]},
        cloudwatch__ListAlarmMuteRules={"AlarmMuteRuleSummaries": []},
    )
    (seen,) = kind.observe(aws, Scope(ACCOUNT, REGION, (f"alarm/{NAME}",)), {}, settings())
    assert seen.state
    assert seen.state.settings == AN_ALARM | newer


# ------------------------------------------------------------------------------------------------------ repairs


def planned(now: Part | None, before: Part, *fields: str) -> list[tuple[str, Any]]:
    """The calls that put these fields back, accepted by botocore."""
    found = now.settings if now else {}
    drifts = tuple(Drift(field, found.get(field), before.settings.get(field)) for field in fields)
    name = f"{before.type}/{before.name}"
    arn = kind.arn("aws", ACCOUNT, REGION, name)
    resource = Resource("guard", name, arn, ACCOUNT, REGION)
    calls = kind.plan(Observed(resource, now), drifts, settings(), before)
    assert accepted_by_botocore(*calls)
    return [(call.operation, call.params) for call in calls]


def operations(calls: list[tuple[str, Any]]) -> list[str]:
    return [operation for operation, _ in calls]


RULE = own_part(
    "rule", State="ENABLED", EventPattern="{}", Description="d", **{"Target a": {"Id": "a", "Arn": "arn:aws:sqs:x"}}
)
FUNCTION = own_part(
    "function",
    Handler="app.handler",
    Timeout=120,
    Layers=["arn:aws:lambda:us-east-1:123456789012:layer:x:1"],
    VpcConfig={"SubnetIds": [], "SecurityGroupIds": []},
    ReservedConcurrentExecutions=None,
    MaximumRetryAttempts=2,
    DestinationConfig={"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:123456789012:q"}},
    **{
        "Environment RELIGHT_MODE": "enforce",
        "Environment RELIGHT_LEDGER": "ledger",
        "Permission r": {
            "Action": "lambda:InvokeFunction",
            "Principal": {"Service": "events.amazonaws.com"},
            "Condition": {
                "ArnLike": {"AWS:SourceArn": "arn:aws:events:us-east-1:123456789012:rule/r"},
                "StringEquals": {"AWS:SourceAccount": ACCOUNT},
            },
        },
        "Events from arn:aws:sqs:us-east-1:123456789012:d": {"Enabled": True, "BatchSize": 10},
    },
)


def test_a_rule() -> None:
    assert planned(RULE, RULE, "State") == [("EnableRule", {"Name": NAME})]
    whole = {"Name": NAME, "State": "ENABLED", "EventPattern": "{}", "Description": "d"}
    assert planned(RULE, RULE, "EventPattern", "State") == [("PutRule", whole)]
    target = {"Rule": NAME, "Targets": [{"Id": "a", "Arn": "arn:aws:sqs:x"}]}
    assert planned(RULE, RULE, "Target a") == [("PutTargets", target)]
    assert planned(RULE, RULE, "Target b") == [("RemoveTargets", {"Rule": NAME, "Ids": ["b"]})]
    assert planned(None, RULE, EXISTS) == [("PutRule", whole), ("PutTargets", target)]


def test_a_rule_on_a_hubs_bus() -> None:
    """CloudFormation lists it as ``BUS|NAME`` (aws-cloudformation/cloudformation-coverage-roadmap, issue 1131)."""
    listed = {"LogicalResourceId": "TrailRule", "PhysicalResourceId": f"relight|{NAME}", "ResourceType": RULE_TYPE}
    name = f"rule/relight/{NAME}"
    aws, session = fake_aws(
        cloudformation__ListStackResources={"StackResourceSummaries": [listed]},
        events__DescribeRule={"State": "ENABLED", "EventPattern": "{}"},
        events__ListTargetsByRule={"Targets": [{"Id": "a", "Arn": "arn:aws:sqs:x"}]},
    )
    assert kind.own_names(aws.home, settings()) == ["stack/relight", name]
    assert kind.may_be_own(name, settings())
    assert not kind.may_be_own(f"rule/relight/others-{NAME}", settings())
    (seen,) = kind.observe(aws, Scope(ACCOUNT, REGION, (name,)), {}, settings())
    assert seen.resource.arn == f"arn:aws:events:{REGION}:{ACCOUNT}:rule/relight/{NAME}"
    on_it = {"EventBusName": "relight"}
    assert [params for _, _, params in session.calls[1:]] == [{"Name": NAME, **on_it}, {"Rule": NAME, **on_it}]
    before = Part(ACCOUNT, REGION, "rule", f"relight/{NAME}", RULE.settings, {})
    for fields in (("State",), ("EventPattern",), ("Target a",), ("Target b",), (EXISTS,)):
        for _, params in planned(None if fields == (EXISTS,) else before, before, *fields):
            assert params["EventBusName"] == "relight"
            assert NAME in (params.get("Name"), params.get("Rule"))


SEND = {"Sid": "send", "Effect": "Allow"}
DEPLOYED_BUS = own_part("bus", Description="d", DeadLetterConfig={"Arn": "arn:aws:sqs:q"}, **{"Statement send": SEND})
ALL_OF_IT = {"Name": NAME, "Description": "d", "DeadLetterConfig": {"Arn": "arn:aws:sqs:q"}}


def permissions(calls: list[tuple[str, Any]]) -> list[Any]:
    """What each call takes away or puts: an id, all, or statements."""
    return [
        json.loads(params["Policy"])["Statement"]
        if "Policy" in params
        else params.get("StatementId") or params["RemoveAllPermissions"]
        for _, params in calls
    ]


def test_a_bus() -> None:
    assert planned(DEPLOYED_BUS, DEPLOYED_BUS, "KmsKeyIdentifier") == [("UpdateEventBus", ALL_OF_IT)]
    assert permissions(planned(DEPLOYED_BUS, DEPLOYED_BUS, "Statement everybody")) == ["everybody"]
    assert permissions(planned(DEPLOYED_BUS, DEPLOYED_BUS, "Statement send")) == ["send", [SEND]]
    assert permissions(planned(DEPLOYED_BUS, DEPLOYED_BUS, "Statement ")) == [True, [SEND]]
    assert permissions(planned(DEPLOYED_BUS, own_part("bus"), "Statement ")) == [True]


def test_a_bus_that_is_gone() -> None:
    create, put = planned(None, DEPLOYED_BUS, EXISTS)
    assert create == ("CreateEventBus", ALL_OF_IT)
    assert permissions([put]) == [[SEND]]
    assert operations(planned(None, own_part("bus"), EXISTS)) == ["CreateEventBus"]


@pytest.mark.parametrize(
    ("shown", "settings_"),
    [
        (
            {
                "Name": "relight",
                "KmsKeyIdentifier": "k",
                "Policy": json.dumps({"Statement": [SEND, {"Effect": "Allow"}, {"Effect": "Deny"}]}),
            },
            {
                "KmsKeyIdentifier": "k",
                "Statement send": SEND,
                "Statement ": [{"Effect": "Allow"}, {"Effect": "Deny"}],
            },
        ),
        ({"Name": "relight"}, {}),
        (refused("ResourceNotFoundException"), None),
    ],
)
def test_a_bus_as_aws_shows_it(shown: Any, settings_: dict[str, Any] | None) -> None:
    aws, _ = fake_aws(events__DescribeEventBus=shown)
    (seen,) = kind.observe(aws, Scope(ACCOUNT, REGION, ("bus/relight",)), {}, settings())
    assert seen.resource.arn == BUS
    assert (seen.state.settings if seen.state else None) == settings_


def test_a_functions_configuration_goes_back_in_one_call() -> None:
    fields = ("Timeout", "VpcConfig", "Environment RELIGHT_MODE", "Environment EVIL", "KMSKeyArn")
    ((operation, params),) = planned(FUNCTION, FUNCTION, *fields)
    assert operation == "UpdateFunctionConfiguration"
    assert params == {
        "FunctionName": NAME,
        "Timeout": 120,
        "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []},
        "KMSKeyArn": "",
        "Environment": {"Variables": {"RELIGHT_MODE": "enforce", "RELIGHT_LEDGER": "ledger"}},
    }


def test_a_functions_other_settings() -> None:
    assert planned(FUNCTION, FUNCTION, "ReservedConcurrentExecutions") == [
        ("DeleteFunctionConcurrency", {"FunctionName": NAME})
    ]
    some = own_part("function", ReservedConcurrentExecutions=5)
    ((_, params),) = planned(FUNCTION, some, "ReservedConcurrentExecutions")
    assert params["ReservedConcurrentExecutions"] == 5
    ((operation, params),) = planned(FUNCTION, FUNCTION, "MaximumRetryAttempts")
    assert operation == "PutFunctionEventInvokeConfig"
    assert params["DestinationConfig"]["OnFailure"]["Destination"].endswith(":q")
    calls = planned(FUNCTION, FUNCTION, "Permission r")
    assert operations(calls) == ["RemovePermission", "AddPermission"]
    assert calls[1][1]["SourceArn"] == "arn:aws:events:us-east-1:123456789012:rule/r"
    assert calls[1][1]["SourceAccount"] == ACCOUNT
    assert calls[1][1]["Principal"] == "events.amazonaws.com"
    assert operations(planned(FUNCTION, FUNCTION, "Permission evil")) == ["RemovePermission"]
    assert planned(None, FUNCTION, EXISTS) == []


def test_a_functions_queue() -> None:
    events = "Events from arn:aws:sqs:us-east-1:123456789012:d"
    held = Part(
        ACCOUNT, REGION, "function", NAME, FUNCTION.settings, {events: MAPPING, "Events from evil": OTHER_MAPPING}
    )
    assert planned(held, FUNCTION, events) == [
        ("UpdateEventSourceMapping", {"UUID": MAPPING, "Enabled": True, "BatchSize": 10})
    ]
    assert planned(held, FUNCTION, "Events from evil") == [
        ("UpdateEventSourceMapping", {"UUID": OTHER_MAPPING, "Enabled": False})
    ]
    ((operation, params),) = planned(FUNCTION, FUNCTION, events)  # whose mapping is gone
    assert (operation, params["FunctionName"]) == ("CreateEventSourceMapping", NAME)


def test_the_topic() -> None:
    before = own_part("topic", Policy="{}", KmsMasterKeyId="k", **{SUBSCRIBED: {}})
    assert planned(before, before, "Policy") == [
        ("SetTopicAttributes", {"TopicArn": TOPIC, "AttributeName": "Policy", "AttributeValue": "{}"})
    ]
    wanted = {"TopicArn": TOPIC, "Protocol": "email", "Endpoint": "security@example.com", "Attributes": {}}
    assert planned(before, before, SUBSCRIBED) == [("Subscribe", wanted)]
    filtered = Part(ACCOUNT, REGION, "topic", NAME, before.settings, {SUBSCRIBED: f"{TOPIC}:1"})
    calls = planned(filtered, before, SUBSCRIBED)
    assert operations(calls) == ["SetSubscriptionAttributes"] * 3
    assert calls[0][1]["AttributeValue"] == "{}"
    assert operations(planned(None, before, EXISTS)) == ["CreateTopic", "Subscribe"]


def test_a_queue() -> None:
    before = own_part("queue", MessageRetentionPeriod="1209600", Policy="{}")
    ((operation, params),) = planned(before, before, "MessageRetentionPeriod", "RedrivePolicy")
    assert (operation, params["QueueUrl"]) == ("SetQueueAttributes", HANDLES["url"])
    assert params["Attributes"] == {"MessageRetentionPeriod": "1209600", "RedrivePolicy": ""}
    assert planned(None, before, EXISTS) == [("CreateQueue", {"QueueName": NAME, "Attributes": dict(before.settings)})]


def test_the_ledger() -> None:
    before = own_part(
        "ledger",
        DeletionProtectionEnabled=True,
        PointInTimeRecoveryEnabled=True,
        TimeToLive="expires",
        ResourcePolicy="{}",
    )
    calls = planned(before, before, *before.settings)
    assert operations(calls) == ["UpdateTable", "UpdateContinuousBackups", "UpdateTimeToLive", "PutResourcePolicy"]
    assert planned(before, AS_DEPLOYED, *AS_DEPLOYED.settings) == [
        (
            "UpdateTable",
            {
                "TableName": NAME,
                "BillingMode": "PAY_PER_REQUEST",
                "OnDemandThroughput": UNLIMITED,
                "SSESpecification": {"Enabled": False},
            },
        )
    ]
    bare = own_part("ledger", TimeToLive=None, ResourcePolicy=None)
    assert operations(planned(before, bare, "TimeToLive", "ResourcePolicy")) == ["UpdateTimeToLive"]
    assert planned(None, before, EXISTS) == []


UNLIMITED = {"MaxReadRequestUnits": -1, "MaxWriteRequestUnits": -1}
AS_DEPLOYED = own_part(
    "ledger",
    BillingMode="PAY_PER_REQUEST",
    ProvisionedThroughput=None,
    OnDemandThroughput=UNLIMITED,
    SSESpecification={"Enabled": False},
)
KEY_ARN = f"arn:aws:kms:{REGION}:999999999999:key/1f2e3d4c"
ENCRYPTED = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": KEY_ARN}


@pytest.mark.parametrize(
    ("shown", "changed"),
    [
        (
            {
                "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
                "ProvisionedThroughput": {"ReadCapacityUnits": 0},
            },
            {},
        ),
        (
            {
                "BillingModeSummary": {"BillingMode": "PROVISIONED"},
                "ProvisionedThroughput": {
                    "ReadCapacityUnits": 1,
                    "WriteCapacityUnits": 2,
                    "NumberOfDecreasesToday": 1,
                    "LastDecreaseDateTime": NOON,
                },
            },
            {
                "BillingMode": "PROVISIONED",
                "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 2},
            },
        ),
        (  # a table that never was on demand
            {"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 2}},
            {
                "BillingMode": "PROVISIONED",
                "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 2},
            },
        ),
        (
            {
                "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
                "OnDemandThroughput": {"MaxReadRequestUnits": 1},
            },
            {"OnDemandThroughput": {"MaxReadRequestUnits": 1, "MaxWriteRequestUnits": -1}},
        ),
        (
            {
                "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
                "SSEDescription": {"Status": "UPDATING", "SSEType": "KMS", "KMSMasterKeyArn": KEY_ARN},
            },
            {"SSESpecification": ENCRYPTED},
        ),
        (
            {"BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"}, "SSEDescription": {"Status": "DISABLING"}},
            {},
        ),
    ],
)
def test_the_ledgers_capacity_and_encryption(shown: Any, changed: Any) -> None:
    aws, _ = fake_aws(
        dynamodb__DescribeTable={"Table": {"TableName": NAME, "DeletionProtectionEnabled": True, **shown}},
        dynamodb__DescribeContinuousBackups={},
        dynamodb__DescribeTimeToLive={},
        dynamodb__GetResourcePolicy=refused("PolicyNotFoundException"),
    )
    (seen,) = kind.observe(aws, Scope(ACCOUNT, REGION, (f"ledger/{NAME}",)), {}, settings())
    assert seen.state
    assert {field: seen.state.settings[field] for field in AS_DEPLOYED.settings} == {**AS_DEPLOYED.settings, **changed}
    assert json.loads(written(seen.state))["settings"] == seen.state.settings


def test_a_ledger_that_was_deployed_in_another_way_goes_back_to_that() -> None:
    units = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
    other = own_part("ledger", BillingMode="PROVISIONED", ProvisionedThroughput=units, SSESpecification=ENCRYPTED)
    assert planned(AS_DEPLOYED, other, "BillingMode", "ProvisionedThroughput") == [
        ("UpdateTable", {"TableName": NAME, "BillingMode": "PROVISIONED", "ProvisionedThroughput": units})
    ]
    assert planned(other, other, "ProvisionedThroughput") == [
        ("UpdateTable", {"TableName": NAME, "ProvisionedThroughput": units})
    ]
    assert planned(AS_DEPLOYED, other, "SSESpecification") == [
        ("UpdateTable", {"TableName": NAME, "SSESpecification": ENCRYPTED})
    ]


def test_one_setting_that_dynamodb_refuses_does_not_hold_up_the_others() -> None:
    """It changes a table on demand four times a day only, and one thing at a time."""
    before = replace(AS_DEPLOYED, settings={**AS_DEPLOYED.settings, "DeletionProtectionEnabled": True})
    drifts = [Drift(field, None, before.settings[field]) for field in before.settings]
    resource = Resource("guard", f"ledger/{NAME}", "arn", ACCOUNT, REGION)
    (all_at_once,) = kind.plan(Observed(resource, before), tuple(drifts), settings(), before)
    assert [sorted(each.params) for each in all_at_once.instead] == [
        ["DeletionProtectionEnabled", "TableName"],
        ["BillingMode", "OnDemandThroughput", "TableName"],
        ["SSESpecification", "TableName"],
    ]
    assert accepted_by_botocore(*all_at_once.instead)
    (alone,) = kind.plan(Observed(resource, before), tuple(drifts[:1]), settings(), before)
    assert alone.instead == ()


def test_schedules_alarms_and_the_stack() -> None:
    schedule, alarm = own_part("schedule", **A_SCHEDULE), own_part("alarm", **AN_ALARM)
    assert planned(schedule, schedule, "State") == [("UpdateSchedule", {"Name": NAME, **A_SCHEDULE})]
    assert planned(None, schedule, EXISTS) == [("CreateSchedule", {"Name": NAME, **A_SCHEDULE})]
    whole = {"AlarmName": NAME, **AN_ALARM}
    assert planned(alarm, alarm, "Threshold") == planned(None, alarm, EXISTS) == [("PutMetricAlarm", whole)]
    loud = ("DeleteAlarmMuteRule", {"AlarmMuteRuleName": "quiet"})
    assert planned(alarm, alarm, "Mute rule quiet") == [loud]
    assert planned(alarm, alarm, "Mute rule quiet", "Threshold") == [loud, ("PutMetricAlarm", whole)]
    stacked = own_part("stack", EnableTerminationProtection=True)
    assert planned(stacked, stacked, "EnableTerminationProtection") == [
        ("UpdateTerminationProtection", {"StackName": NAME, "EnableTerminationProtection": True})
    ]
    assert planned(None, stacked, EXISTS) == []


def test_roles_are_never_written() -> None:
    role = own_part("role", AttachedPolicies=[])
    assert planned(role, role, "AttachedPolicies") == planned(None, role, EXISTS) == []


def test_nothing_is_known_nothing_is_done() -> None:
    resource = Resource("guard", "rule/x", "arn", ACCOUNT, REGION)
    assert kind.plan(Observed(resource, None), (Drift(EXISTS, found=False, wanted=True),), settings(), None) == ()


def test_a_part_survives_the_ledger() -> None:
    assert kind.revive(lasting(RULE)) == RULE
