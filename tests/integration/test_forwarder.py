"""Nobody in a member switches the forwarder off, narrows it or leads it elsewhere without being told of, and undone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local import account, organisation, sabotage
from local.cloud import LocalAws
from local.sabotage import Sabotage
from local.sabotage.forwarders import (
    PREFIX,
    Attack,
    lead_elsewhere,
    lead_nowhere,
    narrow,
    rules,
    switch_off,
)
from local.settings import ACCOUNT, MEMBER, MEMBER_REGION, PARTITION, REGION
from tests.integration import helpers
from tests.integration.conftest import Fresh

NOBODY = account.Account(trail_arn="", key_arn="")  # what is attacked here is Relight's own
ATTACKS = {attack.__name__: attack for attack in (switch_off, narrow, lead_elsewhere, lead_nowhere)}


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    helpers.hurry(monkeypatch)


@pytest.fixture
def hub(local_aws: LocalAws, fresh: Fresh) -> Iterator[LocalAws]:
    """A hub whose member has forwarders in two Regions, all of which the sweep has seen."""

    def build() -> None:
        local_aws.reset()
        organised = organisation.create(local_aws)
        organised.join(MEMBER)
        organised.deploy_hub()
        organised.deploy_forwarder(local_aws, local_aws.at(MEMBER, REGION), local_aws.at(MEMBER, MEMBER_REGION))
        local_aws.announce()  # to the guards too
        local_aws.settle(organisation.PATIENCE)
        local_aws.forget()

    fresh("forwarder", build)
    yield local_aws
    local_aws.reset()


def sweep(aws: LocalAws) -> None:
    aws.announce("UPDATE_COMPLETE", deaf=helpers.GUARDS)
    aws.settle(organisation.PATIENCE)


def attacked(aws: LocalAws, attack: Attack, rule: str) -> helpers.Record:
    """By the member's mallory; the record of it."""
    member = aws.at(MEMBER, MEMBER_REGION)
    attack(member.actor(account.INTRUDER, account.INTRUDER_ADDRESS).client("events"), rule)
    aws.settle()
    return next(each for each in reversed(aws.records) if account.INTRUDER in each["userIdentity"]["arn"])


@pytest.mark.parametrize("rule", ["cloudtrail", "events", "events-watch"])
@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_an_attempt_at_a_rule_is_undone_and_told(hub: LocalAws, attack: Attack, rule: str) -> None:
    """Those that watch the others are rules too, and each is watched by another one."""
    member = hub.at(MEMBER, MEMBER_REGION)
    before = rules(member)
    record = attacked(hub, attack, rule)
    assert rules(member) == before
    assert helpers.failed(hub) == []
    message = helpers.only(hub)
    assert (message.event_id, message.outcome) == (record["eventID"], "repaired")
    assert (message.attributes["account"], message.attributes["region"]) == (MEMBER, MEMBER_REGION)
    assert message.data["resource"]["name"] == f"{PREFIX}{rule}"
    assert message.data["actor"]["arn"] == f"arn:{PARTITION}:iam::{MEMBER}:user/mallory"


@pytest.mark.parametrize("each", sabotage.OF_A_HUB, ids=str)
def test_in_the_hubs_own_region_likewise(hub: LocalAws, each: Sabotage) -> None:
    before = each.proof(hub, NOBODY)
    each.commit(hub, hub.actor(account.INTRUDER, account.INTRUDER_ADDRESS), NOBODY)
    hub.settle()
    assert each.proof(hub, NOBODY) == before
    assert helpers.only(hub).data["findings"][0]["control"] == each.control


def test_somebody_elses_rule_is_none_of_relights_business(hub: LocalAws) -> None:
    events = hub.at(MEMBER, MEMBER_REGION).actor(account.INTRUDER).client("events")
    events.put_rule(Name="billing", ScheduleExpression="rate(1 day)")
    events.disable_rule(Name="billing")
    hub.settle()
    assert hub.invocations == []
    assert hub.notifications == []


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_what_nobody_heard_of_the_sweep_finds(hub: LocalAws, attack: Attack) -> None:
    member = hub.at(MEMBER, MEMBER_REGION)
    before = rules(member)
    with helpers.nobody_listening(hub):
        for rule in ("events", "events-watch", "cloudtrail"):
            attacked(hub, attack, rule)
    sweep(hub)
    assert rules(member) == before
    (message,) = [m for m in hub.notifications if m.attributes["account"] == MEMBER]
    assert sorted(name.rpartition("/")[2] for name in message.data["sweep"]["repaired"]) == [
        f"{PREFIX}cloudtrail",
        f"{PREFIX}events",
        f"{PREFIX}events-watch",
    ]


def test_the_hubs_own_region_is_looked_at_as_well(hub: LocalAws) -> None:
    before = rules(hub)
    with helpers.nobody_listening(hub):
        switch_off(helpers.mallory(hub, "events"), "cloudtrail")
    sweep(hub)
    assert rules(hub) == before
    (message,) = [m for m in hub.notifications if m.attributes["account"] == ACCOUNT]
    assert [name.rpartition("/")[2] for name in message.data["sweep"]["repaired"]] == [f"{PREFIX}cloudtrail"]


def test_a_place_without_a_forwarder_is_told_and_none_is_made(local_aws: LocalAws) -> None:
    """Its rules would stand in the way of the stack that should make them."""
    local_aws.reset()
    organised = organisation.create(local_aws)
    organised.join(MEMBER)
    organised.deploy_hub()
    organised.deploy_forwarder(local_aws, local_aws.at(MEMBER, REGION))
    sweep(local_aws)
    (digest,) = [m for m in local_aws.notifications if m.attributes["account"] == MEMBER]
    drifted = digest.data["sweep"]["drifted"]
    assert f"arn:{PARTITION}:events:{MEMBER_REGION}:{MEMBER}:rule/{PREFIX}cloudtrail" in drifted
    assert not any(f":{REGION}:{MEMBER}:rule/" in arn for arn in drifted)
    assert rules(local_aws.at(MEMBER, MEMBER_REGION)) == {}
    local_aws.reset()
