"""Relight under attack itself, on the deployed template: two guards, a schedule, and nobody else's business."""

from __future__ import annotations

import json

import pytest

from local import account
from local.account import Account
from local.cloud import LocalAws
from local.settings import ACCOUNT, PROJECT
from tests.integration import helpers


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    helpers.hurry(monkeypatch)


@pytest.fixture
def guarded(local_aws: LocalAws, enforced: Account) -> LocalAws:  # noqa: ARG001 (it is there first)
    return local_aws


def state(aws: LocalAws, rule: str) -> str:
    return str(aws.client("events").describe_rule(Name=aws.stack.resources[rule])["State"])


def test_the_guard_is_not_its_own_only_guard(guarded: LocalAws) -> None:
    """With its rule off, the guard hears nothing; its watch does."""
    helpers.mallory(guarded, "events").disable_rule(Name=guarded.stack.resources["GuardRule"])
    guarded.settle()
    assert helpers.writes(guarded) == ["guard_watch: EnableRule"]
    assert state(guarded, "GuardRule") == "ENABLED"
    assert helpers.only(guarded).data["actor"]["name"] == account.INTRUDER


def test_nor_is_the_watch(guarded: LocalAws) -> None:
    helpers.mallory(guarded, "events").disable_rule(Name=guarded.stack.resources["GuardWatchRule"])
    guarded.settle()
    assert helpers.writes(guarded) == ["guard: EnableRule"]
    assert state(guarded, "GuardWatchRule") == "ENABLED"


def test_both_rules_off_at_once_are_found_by_the_schedule(guarded: LocalAws) -> None:
    with helpers.nobody_listening(guarded):
        for rule in ("GuardRule", "GuardWatchRule", "TrailRule"):
            helpers.mallory(guarded, "events").disable_rule(Name=guarded.stack.resources[rule])
    assert helpers.silent(guarded)

    round_ = json.loads((PROJECT / "events" / "guard" / "Schedule.json").read_text(encoding="utf-8"))
    helpers.invoke(guarded, "guard", round_)
    guarded.settle()

    assert [state(guarded, rule) for rule in ("GuardRule", "GuardWatchRule", "TrailRule")] == ["ENABLED"] * 3
    assert len(guarded.notifications) == 3
    assert {each.data["outcome"] for each in guarded.notifications} == {"repaired"}


def test_a_topic_without_subscribers_is_subscribed_again_and_the_next_message_arrives(guarded: LocalAws) -> None:
    sns, topic = guarded.client("sns"), guarded.stack.resources["Topic"]
    (before,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    helpers.mallory(guarded, "sns").unsubscribe(SubscriptionArn=before["SubscriptionArn"])
    guarded.settle()
    (after,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert (after["Protocol"], after["Endpoint"]) == (before["Protocol"], before["Endpoint"])


def test_a_further_subscriber_is_told_and_left_alone(guarded: LocalAws) -> None:
    sns, topic = helpers.mallory(guarded, "sns"), guarded.stack.resources["Topic"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="team@example.com")
    guarded.settle()
    assert helpers.writes(guarded) == []
    assert helpers.only(guarded).data["outcome"] == "compliant"


def test_other_peoples_rules_and_functions_are_their_business(guarded: LocalAws) -> None:
    events, sns = helpers.mallory(guarded, "events"), helpers.mallory(guarded, "sns")
    events.put_rule(Name="theirs", EventPattern='{"source": ["aws.x"]}')
    events.disable_rule(Name="theirs")
    events.delete_rule(Name="theirs")
    sns.delete_topic(TopicArn=sns.create_topic(Name="theirs")["TopicArn"])
    guarded.settle()
    assert (helpers.writes(guarded), helpers.failed(guarded)) == ([], [])
    assert helpers.silent(guarded)


def test_every_part_that_the_template_deploys_has_a_baseline(guarded: LocalAws) -> None:
    """Read from the table: what the guard would restore."""
    ledger = guarded.client("dynamodb")
    rows = ledger.scan(TableName=guarded.stack.resources["Ledger"])["Items"]
    kept = {row["sk"]["S"] for row in rows if row["pk"]["S"] == f"baseline#{ACCOUNT}#guard"}
    listed = guarded.client("cloudformation").list_stack_resources(StackName=guarded.stack.id)
    types = {"AWS::Events::Rule", "AWS::Lambda::Function", "AWS::SQS::Queue", "AWS::CloudWatch::Alarm"}
    names = [each for each in listed["StackResourceSummaries"] if each["ResourceType"] in types]
    for each in names:
        name = each["PhysicalResourceId"].rpartition("/")[2]
        assert any(arn.endswith(name) for arn in kept), f"{each['LogicalResourceId']} has no baseline"
    assert len(kept) > len(names) > 50
