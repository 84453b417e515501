"""The guard's handler: what a deployment left is adopted and told, and nothing is judged while one is under way."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from relight import guard
from relight.aws import Aws
from relight.case import Runtime
from relight.errors import AwsError, MalformedRecord, RepairFailed
from relight.guard import Deploying
from relight.ledger import Ledger
from relight.model import Baseline, Outcome
from relight.resources import guard as kind
from tests.unit.builders import ACCOUNT, NOON, REGION, event, standard
from tests.unit.fakes import FakeClock, FakeLedger, FakeNotifier, FakeSession, refused
from tests.unit.parts import AN_ALARM
from tests.unit.test_handler import Context

STACK = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/relight/1f2e3d4c-5b6a-4798-8c7d-6e5f4a3b2c1d"
RULE, ARN = "relight-TrailRule-1X2Y3Z4A5B6C", f"arn:aws:events:{REGION}:{ACCOUNT}:rule/relight-TrailRule-1X2Y3Z4A5B6C"
LISTED = [{"LogicalResourceId": "TrailRule", "PhysicalResourceId": RULE, "ResourceType": "AWS::Events::Rule"}]
STATUS = {"source": "aws.cloudformation", "detail-type": "CloudFormation Stack Status Change", "detail": {}}
QUEUES = "AWS::SQS::Queue"
SCHEDULE = {"source": "aws.scheduler", "detail-type": "Scheduled Event", "id": "round-1", "detail": "{}"}
BY_DEPLOYMENT = {"type": "AssumedRole", "arn": "arn:x", "invokedBy": "cloudformation.amazonaws.com"}


class Scene:
    """One rule in a stack, a guard, and what is told."""

    def __init__(self) -> None:
        self.rule: dict[str, Any] = {"Name": RULE, "State": "ENABLED", "EventPattern": "{}"}
        self.stack = {"StackName": "relight", "StackStatus": "CREATE_COMPLETE", "CreationTime": NOON}
        self.ledger, self.notifier, self.clock = FakeLedger(), FakeNotifier(), FakeClock()
        self.session = FakeSession(
            {
                "cloudformation:ListStackResources": {"StackResourceSummaries": LISTED},
                "cloudformation:DescribeStacks": lambda *_, **__: {"Stacks": [self.stack]},
                "events:DescribeRule": self._describe,
                "events:ListTargetsByRule": {"Targets": []},
                "events:EnableRule": self._enable,
            }
        )
        run = Runtime(
            standard(stack=STACK, guarded="TrailRule"),
            Aws(ACCOUNT, REGION, self.session, hands=1),
            self.ledger,
            self.notifier,
            self.clock,
        )
        self.run = run

    def _describe(self, *_: Any, **__: Any) -> Any:
        return self.rule

    def _enable(self, *_: Any, **__: Any) -> Any:
        self.rule = {**self.rule, "State": "ENABLED"}
        return {}

    def handle(self, incoming: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
        monkeypatch.setattr(guard, "runtime", lambda: self.run)
        return guard.handler_for_guard()(incoming, Context())

    @property
    def kept(self) -> Baseline[Any]:
        (found,) = self.ledger.baselines("guard", ACCOUNT, [ARN], kind.revive).values()
        return found

    @property
    def writes(self) -> list[str]:
        return [name for name in self.session.names if "Enable" in name or "Put" in name]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def disabled(name: str = RULE, **detail: Any) -> Any:
    return event("DisableRule", {"name": name}, eventSource="events.amazonaws.com", **detail) | {"source": "aws.events"}


def test_a_deployment_is_adopted_and_told_once(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        scene.handle(STATUS, monkeypatch)
    assert scene.kept.state.settings == {"State": "ENABLED", "EventPattern": "{}"}
    (message,) = scene.notifier.sent
    assert message.subject.startswith("[LOW] Relight's guard: 1 parts of its own noted")
    assert "CHANGED BY THE DEPLOYMENT" not in message.text


def test_what_the_next_deployment_changed_is_told_with_its_values(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.handle(STATUS, monkeypatch)
    scene.clock.moment += timedelta(hours=1)
    scene.rule = {**scene.rule, "EventPattern": '{"source": ["aws.x"]}'}
    scene.stack |= {"StackStatus": "UPDATE_COMPLETE", "LastUpdatedTime": scene.clock.moment}
    scene.clock.moment += timedelta(minutes=1)
    scene.handle(STATUS, monkeypatch)
    message = scene.notifier.sent[-1]
    assert "1 of its parts changed by a deployment" in message.subject
    assert f"rule/{RULE}  EventPattern: " in message.text
    assert message.data["guard"]["changed"] == {f"rule/{RULE}": [["EventPattern", '{"source": ["aws.x"]}', "{}"]]}
    assert scene.kept.state.settings["EventPattern"] == '{"source": ["aws.x"]}'
    assert scene.writes == []


def test_an_unseen_deployment_is_adopted_before_anything_is_repaired(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the guard would undo it."""
    scene.handle(STATUS, monkeypatch)
    scene.stack |= {"LastUpdatedTime": NOON + timedelta(hours=1)}
    scene.clock.moment += timedelta(hours=2)
    scene.rule = {**scene.rule, "EventPattern": "new"}
    scene.handle(SCHEDULE, monkeypatch)
    assert scene.kept.state.settings["EventPattern"] == "new"
    assert scene.writes == []


def test_who_disables_a_rule_is_undone_and_told(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.handle(STATUS, monkeypatch)
    scene.rule = {**scene.rule, "State": "DISABLED"}
    scene.handle(disabled(), monkeypatch)
    assert scene.writes == ["events:EnableRule"]
    (incident,) = scene.notifier.told
    assert (incident.outcome, incident.actor.name) == (Outcome.REPAIRED, "mallory")


def test_somebody_elses_rule_is_none_of_ours(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.handle(disabled("another-teams-rule"), monkeypatch)
    assert scene.session.names == [], "which its name says"
    scene.handle(disabled("relight-TrailRule-of-another-team"), monkeypatch)
    assert (scene.notifier.told, scene.notifier.sent) == ([], [])
    assert set(scene.session.names) == {"cloudformation:ListStackResources"}


def test_of_several_only_ours_is_looked_at_and_the_stack_is_listed_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = {"LogicalResourceId": "Beat", "PhysicalResourceId": "relight-Beat", "ResourceType": "AWS::CloudWatch::Alarm"}
    shown = {"MetricAlarms": [AN_ALARM | {"AlarmName": "relight-Beat"}], "CompositeAlarms": []}
    scene.run = replace(scene.run, standard=standard(stack=STACK))
    scene.session.answers = {
        **scene.session.answers,
        "cloudformation:ListStackResources": {"StackResourceSummaries": [ours]},
        "cloudwatch:DescribeAlarms": shown,
        "cloudwatch:ListAlarmMuteRules": {"AlarmMuteRuleSummaries": []},
    }
    deletion = event(
        "DeleteAlarms",
        {"alarmNames": ["theirs", "relight-Beat", "relight-too"]},
        eventSource="monitoring.amazonaws.com",
    )
    scene.handle(deletion | {"source": "aws.monitoring"}, monkeypatch)
    asked = [params for _, name, params in scene.session.calls if name == "cloudwatch:DescribeAlarms"]
    assert asked
    assert {name for each in asked for name in each["AlarmNames"]} == {"relight-Beat"}
    assert scene.session.names.count("cloudformation:ListStackResources") == 1
    assert [each.resource.name for each in scene.notifier.told] == ["alarm/relight-Beat"]


def test_a_deployment_under_way_is_left_alone(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.stack |= {"StackStatus": "UPDATE_IN_PROGRESS"}
    scene.rule = {**scene.rule, "State": "DISABLED"}
    scene.handle(disabled(userIdentity=BY_DEPLOYMENT), monkeypatch)
    scene.handle(STATUS, monkeypatch)
    scene.handle(SCHEDULE, monkeypatch)
    with pytest.raises(Deploying, match="UPDATE_IN_PROGRESS"):
        scene.handle(disabled(), monkeypatch)
    assert (scene.writes, scene.notifier.told, scene.notifier.sent) == ([], [], [])


def test_who_starts_a_deployment_is_told_while_it_is_under_way(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.run = replace(scene.run, standard=standard(stack=STACK))
    scene.stack |= {"StackStatus": "DELETE_IN_PROGRESS"}
    deletion = event("DeleteStack", {"stackName": STACK}, eventSource="cloudformation.amazonaws.com")
    scene.handle(deletion | {"source": "aws.cloudformation"}, monkeypatch)
    (incident,) = scene.notifier.told
    assert (incident.event_name, incident.findings[0].control) == ("DeleteStack", "guard.stack")


def test_a_guard_whose_time_is_up_says_so(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.handle(STATUS, monkeypatch)
    scene.rule = {**scene.rule, "State": "DISABLED"}
    monkeypatch.setattr(Context, "get_remaining_time_in_millis", lambda _self: 30_000)
    with pytest.raises(RepairFailed, match="left to the retry: the function's time is up"):
        scene.handle(disabled(), monkeypatch)
    assert scene.writes == []


def test_the_round_repairs_what_no_event_told_and_beats(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.handle(STATUS, monkeypatch)
    scene.rule = {**scene.rule, "State": "DISABLED"}
    capsys.readouterr()
    scene.handle(SCHEDULE, monkeypatch)
    assert scene.writes == ["events:EnableRule"]
    (incident,) = scene.notifier.told
    assert (incident.event_id, incident.actor.name) == ("round-1", "Relight's schedule, which saw no call")
    metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    beats = [each for each in metrics if "Heartbeat" in each]
    assert [(each["Heartbeat"], each["service"]) for each in beats] == [([1.0], "relight-test")]
    assert beats[0]["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"]]  # which the alarm asks for


def test_a_round_that_could_not_look_does_not_beat(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.session.answers = {**scene.session.answers, "events:DescribeRule": refused("ThrottlingException")}
    with pytest.raises(AwsError):
        scene.handle(SCHEDULE, monkeypatch)
    assert "Heartbeat" not in capsys.readouterr().out


class TestOneUnreadablePart:
    """Somebody's policy on a queue may lock the guard out of it: that must not hide the others."""

    QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/relight-FailureQueue-1X2Y3Z4A5B6C"

    @pytest.fixture(autouse=True)
    def locked_out(self, scene: Scene) -> None:
        scene.run = replace(scene.run, standard=standard(stack=STACK, guarded="*"))
        queue = {"LogicalResourceId": "FailureQueue", "PhysicalResourceId": self.QUEUE, "ResourceType": QUEUES}
        scene.session.answers = {
            **scene.session.answers,
            "cloudformation:ListStackResources": {"StackResourceSummaries": [queue, *LISTED]},
            "sqs:GetQueueUrl": {"QueueUrl": self.QUEUE},
            "sqs:GetQueueAttributes": refused("AccessDenied"),
        }

    def test_what_can_be_read_is_adopted(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(AwsError):
            scene.handle(STATUS, monkeypatch)
        assert scene.kept.state.settings["State"] == "ENABLED"
        (message,) = scene.notifier.sent
        assert "2 parts of its own noted" in message.subject  # the stack itself is one

    def test_what_can_be_read_is_repaired(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(AwsError):
            scene.handle(STATUS, monkeypatch)
        scene.rule = {**scene.rule, "State": "DISABLED"}
        with pytest.raises(AwsError):
            scene.handle(SCHEDULE, monkeypatch)
        assert scene.writes == ["events:EnableRule"]
        assert [each.outcome for each in scene.notifier.told] == [Outcome.REPAIRED]

    def test_what_a_deployment_left_unread_is_not_put_back(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        """Its baseline is older than the deployment, and would undo it."""
        scene.session.answers = {**scene.session.answers, "sqs:GetQueueAttributes": {"Attributes": {"Policy": "{}"}}}
        scene.handle(STATUS, monkeypatch)
        scene.clock.moment += timedelta(hours=1)
        scene.stack |= {"StackStatus": "UPDATE_COMPLETE", "LastUpdatedTime": scene.clock.moment}
        scene.rule = {**scene.rule, "State": "DISABLED"}
        refusals = [refused("ThrottlingException")] * 2  # for the look at all, and at each

        def refused_at_first(*_: Any, **__: Any) -> Any:
            if refusals:
                raise refusals.pop()
            return scene.rule

        scene.session.answers = {**scene.session.answers, "events:DescribeRule": refused_at_first}
        with pytest.raises(AwsError):
            scene.handle(SCHEDULE, monkeypatch)
        assert scene.writes == []


def test_without_the_ledger_a_disabled_rule_is_still_enabled(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    class Lost(FakeLedger):
        def baselines(self, *_: Any, **__: Any) -> Any:
            raise AwsError("dynamodb:GetItem", "ResourceNotFoundException", "no table")

    ledger: Ledger = Lost()
    scene.run = replace(scene.run, ledger=ledger)
    scene.rule = {**scene.rule, "State": "DISABLED"}
    with pytest.raises(AwsError):
        scene.handle(disabled(), monkeypatch)
    assert scene.writes == ["events:EnableRule"]
    assert [each.outcome for each in scene.notifier.told] == [Outcome.REPAIRED]
    assert scene.notifier.sent == []


def test_an_api_call_of_schedulers_is_no_round(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its events have the source of the schedule's own."""
    call = event("UpdateSchedule", {"name": "relight-another"}, eventSource="scheduler.amazonaws.com")
    scene.handle(call | {"source": "aws.scheduler"}, monkeypatch)
    assert scene.session.names == ["cloudformation:ListStackResources"]


def test_an_event_of_another_source_touches_nothing_whatever_its_record_says(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(MalformedRecord, match="takes events of"):
        scene.handle(disabled("another-teams-rule") | {"source": "somebody"}, monkeypatch)
    assert scene.session.names == []
