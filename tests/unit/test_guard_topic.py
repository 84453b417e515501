"""Whom the topic tells, as AWS keeps its subscriptions: what was unsubscribed stays listed, what is new waits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from relight import guard
from relight.aws import Aws
from relight.case import Runtime
from relight.errors import RepairFailed
from relight.model import Outcome
from relight.policy.guard import CONFIRM
from tests.unit.builders import ACCOUNT, NOON, REGION, event, standard
from tests.unit.fakes import FakeClock, FakeLedger, FakeNotifier, FakeSession, refused
from tests.unit.test_handler import Context

STACK = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/relight/1f2e3d4c-5b6a-4798-8c7d-6e5f4a3b2c1d"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:relight-Topic-1X2Y3Z4A5B6C"
LISTED = [{"LogicalResourceId": "Topic", "PhysicalResourceId": TOPIC, "ResourceType": "AWS::SNS::Topic"}]
STATUS = {"source": "aws.cloudformation", "detail-type": "CloudFormation Stack Status Change", "detail": {}}
ROUND = {"source": "aws.scheduler", "detail-type": "Scheduled Event", "id": "round", "detail": "{}"}
CONFIRMED, PENDING, DELETED = f"{TOPIC}:1f2e", "PendingConfirmation", "Deleted"
EMAIL = {"Protocol": "email", "Endpoint": "security@example.com"}


class Scene:
    """A topic that tells one address, and a guard.

    Who is unsubscribed stays listed as "Deleted" for some three days (https://github.com/ansible/ansible/pull/20086,
    https://aws.amazon.com/premiumsupport/knowledge-center/sns-cross-account-subscription/); who is subscribed by mail
    waits for confirmation. `deaf`: the endpoint cannot be subscribed before the three days are over.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.listed = [self.subscription(CONFIRMED)]
        self.filters: dict[str, str] = {}
        self.deaf: Exception | None = None
        self.notifier, self.clock = FakeNotifier(), FakeClock()
        stack = {"StackName": "relight", "StackStatus": "CREATE_COMPLETE", "CreationTime": NOON}
        self.session = FakeSession(
            {
                "cloudformation:ListStackResources": {"StackResourceSummaries": LISTED},
                "cloudformation:DescribeStacks": {"Stacks": [stack]},
                "sns:GetTopicAttributes": {"Attributes": {"Policy": "{}"}},
                "sns:ListSubscriptionsByTopic": lambda *_, **__: {"Subscriptions": list(self.listed)},
                "sns:GetSubscriptionAttributes": self._attributes,
                "sns:Subscribe": self._subscribe,
            }
        )
        aws = Aws(ACCOUNT, REGION, self.session, hands=1)
        run = Runtime(standard(stack=STACK, guarded="Topic"), aws, FakeLedger(), self.notifier, self.clock)
        monkeypatch.setattr(guard, "runtime", lambda: run)
        self.handle(STATUS)

    @staticmethod
    def subscription(arn: str) -> dict[str, str]:
        return {"SubscriptionArn": arn, "Owner": ACCOUNT, "TopicArn": TOPIC, **EMAIL}

    def _attributes(self, _region: str, SubscriptionArn: str) -> Any:  # noqa: N803  AWS's spelling
        if SubscriptionArn not in [each["SubscriptionArn"] for each in self.listed]:
            raise refused("NotFound")
        return {"Attributes": self.filters}

    def _subscribe(self, *_: Any, **__: Any) -> Any:
        if self.deaf:
            raise self.deaf
        self.listed.append(self.subscription(PENDING))
        return {"SubscriptionArn": "pending confirmation"}

    def handle(self, incoming: Any) -> None:
        guard.handler_for_guard()(incoming, Context())

    def round(self, number: int = 1) -> None:
        self.handle(ROUND | {"id": f"round-{number}"})

    @property
    def writes(self) -> list[str]:
        return [name for name in self.session.names if name == "sns:Subscribe"]


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(monkeypatch)


UNSUBSCRIBE = event("Unsubscribe", {"subscriptionArn": CONFIRMED}, eventSource="sns.amazonaws.com") | {
    "source": "aws.sns"
}


def test_who_was_unsubscribed_is_subscribed_again_though_still_listed(scene: Scene) -> None:
    scene.listed = [scene.subscription(DELETED)]
    scene.handle(UNSUBSCRIBE)
    assert scene.writes == ["sns:Subscribe"]
    (incident,) = scene.notifier.told
    assert incident.outcome is Outcome.MANUAL
    (drift,) = (d for finding in incident.findings for d in finding.drifts)
    assert (drift.field, drift.found, drift.manual) == (
        "Subscription email:security@example.com",
        PENDING,
        CONFIRM,
    )


def test_the_link_in_a_mail_leaves_no_event_but_the_round_sees_it(scene: Scene) -> None:
    scene.listed = [scene.subscription(DELETED)]
    scene.round()
    assert scene.writes == ["sns:Subscribe"]
    scene.round(2)
    assert scene.writes == ["sns:Subscribe"], "it waits for confirmation"
    scene.listed = [scene.subscription(CONFIRMED)]
    scene.round(3)
    assert [incident.outcome for incident in scene.notifier.told] == [Outcome.MANUAL]


@pytest.mark.parametrize("deaf", [None, refused("InvalidParameter", "the endpoint was unsubscribed")])
def test_what_cannot_be_subscribed_again_is_told(scene: Scene, deaf: Exception | None) -> None:
    """Refused, or taken and without effect."""
    scene.listed = [scene.subscription(DELETED)]
    scene.deaf = deaf
    if deaf is None:
        scene.session.answers = {**scene.session.answers, "sns:Subscribe": {"SubscriptionArn": "pending confirmation"}}
    with pytest.raises(RepairFailed):
        scene.handle(UNSUBSCRIBE)
    (incident,) = scene.notifier.told
    assert incident.outcome is Outcome.FAILED


def test_a_subscription_that_is_gone_though_its_arn_is_listed(scene: Scene) -> None:
    answers = {**scene.session.answers, "sns:GetSubscriptionAttributes": refused("NotFound")}
    scene.session.answers = answers
    scene.round()
    assert scene.writes == ["sns:Subscribe"]


def test_what_waits_for_confirmation_has_no_filters_yet(scene: Scene) -> None:
    """Nor can they be read, so that their absence is no reason to subscribe it again and again."""
    scene.filters = {"FilterPolicy": '{"severity": ["HIGH"]}'}
    later = scene.clock.moment + timedelta(hours=1)
    scene.session.answers = {
        **scene.session.answers,
        "cloudformation:DescribeStacks": {
            "Stacks": [{"StackName": "relight", "StackStatus": "UPDATE_COMPLETE", "CreationTime": later}]
        },
    }
    scene.clock.moment = later + timedelta(minutes=1)
    scene.handle(STATUS)
    scene.listed = [scene.subscription(PENDING)]
    scene.round()
    assert scene.writes == []
    assert [incident.outcome for incident in scene.notifier.told] == [Outcome.MANUAL]


def test_somebody_elses_pending_subscription_is_left_alone(scene: Scene) -> None:
    scene.listed.append(scene.subscription(PENDING) | {"Endpoint": "team@example.com"})
    scene.round()
    assert (scene.writes, scene.notifier.told) == ([], [])
