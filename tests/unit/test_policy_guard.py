"""Relight's own parts: every difference from the deployment is drift; some settings are wrong in any case."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from relight.model import Drift
from relight.policy import CONTROLS, controls_of
from relight.policy.guard import AS_SHIPPED, DEPLOY, GRANTS, RESTORE, Part, weaker
from tests.unit.builders import ACCOUNT, REGION, standard
from tests.unit.parts import own_part

SETTINGS = standard(stack=f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/relight/1f2e3d4c")
NOT_A_CALL = {"function": DEPLOY, "ledger": RESTORE, "stack": DEPLOY, "role": GRANTS}

SWITCHED_ON: dict[str, dict[str, Any]] = {
    "alarm": {"ActionsEnabled": True},
    "ledger": {"DeletionProtectionEnabled": True, "PointInTimeRecoveryEnabled": True, **AS_SHIPPED},
    "rule": {"State": "ENABLED"},
    "schedule": {"State": "ENABLED"},
}


def drifts(part: Part | None, baseline: Part | None) -> list[Drift]:
    """Of all the guard's controls, in their order."""
    return [d for c in controls_of("guard") for d in c.check(part, SETTINGS, baseline)]


def changed(part: Part, **settings: Any) -> Part:
    return replace(part, settings={**part.settings, **settings})


@pytest.mark.parametrize("kind", sorted(name.partition(".")[2] for name in CONTROLS if name.startswith("guard.")))
def test_each_type_has_one_control(kind: str) -> None:
    before = own_part(kind, A="1", **SWITCHED_ON.get(kind, {}))
    assert drifts(before, before) == []
    (drift,) = drifts(changed(before, A="2"), before)
    assert (drift.field, drift.found, drift.wanted) == ("A", "2", "1")
    (gone,) = drifts(None, before)
    assert (gone.field, gone.manual) == ("exists", NOT_A_CALL.get(kind, ""))
    assert drifts(None, None) == []


@pytest.mark.parametrize(
    ("part", "wanted"),
    [
        (own_part("rule", State="DISABLED"), ("State", "ENABLED")),
        (own_part("schedule", State="DISABLED"), ("State", "ENABLED")),
        (own_part("alarm", ActionsEnabled=False), ("ActionsEnabled", True)),
        (own_part("function", ReservedConcurrentExecutions=0), ("ReservedConcurrentExecutions", None)),
        (
            own_part("ledger", DeletionProtectionEnabled=False, PointInTimeRecoveryEnabled=True, **AS_SHIPPED),
            ("DeletionProtectionEnabled", True),
        ),
    ],
)
@pytest.mark.parametrize("known", [False, True])
def test_what_is_switched_off_is_wrong_even_if_a_deployment_left_it_so(
    part: Part, wanted: tuple[str, Any], *, known: bool
) -> None:
    (drift,) = drifts(part, part if known else None)
    assert (drift.field, drift.wanted) == wanted
    assert drifts(changed(part, **dict([wanted])), part) == [], "the repair shows, although the baseline was poisoned"


THROTTLED = {
    "BillingMode": "PROVISIONED",
    "OnDemandThroughput": {"MaxReadRequestUnits": 1, "MaxWriteRequestUnits": 1},
    "SSESpecification": {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": "somebody's"},
}


def test_the_ledgers_capacity_and_encryption_are_as_deployed_or_as_the_template_has_them() -> None:
    """Whoever throttles the ledger or takes its key away takes the baseline of it, too."""
    deployed = own_part("ledger", **SWITCHED_ON["ledger"])
    broken = changed(deployed, **THROTTLED)
    for baseline in (deployed, None):
        assert {d.field: d.wanted for d in drifts(broken, baseline)} == AS_SHIPPED
        assert drifts(deployed, baseline) == []
    assert drifts(broken, broken) == [], "another stack's owners may want it so"


def test_a_reserved_concurrency_that_was_deployed_is_kept() -> None:
    before = own_part("function", ReservedConcurrentExecutions=10)
    (drift,) = drifts(changed(before, ReservedConcurrentExecutions=0), before)
    assert drift.wanted == 10


@pytest.mark.parametrize("field", ["CodeSha256", "Role"])
def test_code_and_role_are_for_a_person(field: str) -> None:
    before = own_part("function", **{field: "x"})
    (drift,) = drifts(changed(before, **{field: "y"}), before)
    assert drift.manual == DEPLOY


def test_what_was_added_goes() -> None:
    before = own_part("function")
    (drift,) = drifts(changed(before, **{"Permission x": {"Action": "lambda:InvokeFunction"}}), before)
    assert (drift.field, drift.wanted) == ("Permission x", None)


def test_a_mute_rule_over_an_alarm_goes_unless_it_silences_what_is_not_relights_own() -> None:
    """Be it there when the stack was deployed or not: only what is as deployed can be put back, and it lapses."""
    before = own_part("alarm", ActionsEnabled=True)
    own, shared = [before.name, "relight-Other-1X2Y3Z4A5B6C"], [before.name, "theirs"]
    muted = replace(before, mutes={"quiet": own, "shared": shared})
    for baseline in (before, muted, None):
        quiet, by_hand = drifts(muted, baseline)
        assert (quiet.field, quiet.found, quiet.wanted, quiet.manual) == ("Mute rule quiet", own, None, "")
        assert (by_hand.field, by_hand.found, by_hand.wanted) == ("Mute rule shared", shared, None)
        assert by_hand.manual == f"Take {before.name} out of the alarm mute rule shared, or delete the rule."
    assert drifts(before, muted) == []


def test_a_further_subscriber_and_more_protection_are_left_alone() -> None:
    topic, stack = own_part("topic"), own_part("stack")
    more = changed(topic, **{"Subscription sqs:arn": {}})
    safer = changed(stack, EnableTerminationProtection=True)
    assert drifts(more, topic) == drifts(safer, stack) == []
    assert weaker(topic, more, standard()) == weaker(stack, safer, standard()) == ()
    assert [d.field for d in weaker(more, topic, standard())] == ["Subscription sqs:arn"]
