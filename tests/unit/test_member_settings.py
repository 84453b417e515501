"""What the stack has for itself serves its own account and Region; elsewhere the standard says, or a person is told."""

from __future__ import annotations

from typing import Any

import pytest

from relight.model import Observed, Resource
from relight.policy import CONTROLS
from relight.policy.vpc import Vpc
from relight.resources import vpc as vpcs
from relight.resources.log_group import creation
from relight.standard import Standard
from tests.unit.alarms import monitoring
from tests.unit.builders import (
    ACCOUNT,
    FRIEND,
    REGION,
    ROLE,
    TOPIC,
    TRAIL_ROLE,
    bucket,
    flow_log,
    key,
    standard,
    trail,
)
from tests.unit.fakes import ORGANIZATION

ELSEWHERE = "eu-west-1"
AWAY = [(FRIEND, REGION), (FRIEND, ELSEWHERE), (ACCOUNT, ELSEWHERE)]
every_place_but_home = pytest.mark.parametrize(("account", "region"), AWAY)


def hub(**changes: Any) -> Standard:
    return standard(organization=ORGANIZATION, **changes)


def test_at_home_and_without_an_organisation_everything_is_as_the_stack_has_it() -> None:
    for rules, region in ((hub(), REGION), (standard(), REGION), (standard(), ELSEWHERE)):
        assert rules.flow_logs_role_in(ACCOUNT, region) == ROLE
        assert rules.trail_logs_role_in(ACCOUNT, region) == TRAIL_ROLE
        assert rules.topic_in(ACCOUNT, region) == TOPIC
    assert hub().trail_key(ACCOUNT, REGION) == key()
    assert hub().access_log_bucket(ACCOUNT, REGION) == "access-logs"


@every_place_but_home
def test_elsewhere_nothing_of_the_stack_s_own_is_used(account: str, region: str) -> None:
    rules = hub()
    found = (
        rules.flow_logs_role_in(account, region),
        rules.trail_logs_role_in(account, region),
        rules.topic_in(account, region),
        rules.trail_key(account, region),
        rules.access_log_bucket(account, region),
    )
    assert found == ("",) * 5


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({f"{FRIEND}/{ELSEWHERE}": "a", f"{FRIEND}/*": "b", f"*/{ELSEWHERE}": "c", "*/*": "d"}, "a"),
        ({f"{FRIEND}/*": "b", f"*/{ELSEWHERE}": "c", "*/*": "d"}, "b"),
        ({f"*/{ELSEWHERE}": "c", "*/*": "d"}, "c"),
        ({"*/*": "logs-{account}-{region}"}, f"logs-{FRIEND}-{ELSEWHERE}"),
        ({ELSEWHERE: "the stack's account's", f"{ACCOUNT}/{ELSEWHERE}": "x", f"{FRIEND}/{REGION}": "y"}, ""),
    ],
)
def test_the_nearest_setting_counts(table: dict[str, str], expected: str) -> None:
    rules = hub(access_log_buckets=table, trail_keys=table, flow_logs_roles=table, trail_logs_roles=table)
    assert rules.access_log_bucket(FRIEND, ELSEWHERE) == expected
    assert rules.trail_key(FRIEND, ELSEWHERE) == expected
    assert rules.flow_logs_role_in(FRIEND, ELSEWHERE) == expected
    assert rules.trail_logs_role_in(FRIEND, ELSEWHERE) == expected


def drifts(control: str, state: Any, rules: Standard, before: Any = None) -> list[Any]:
    return list(CONTROLS[control].check(state, rules, before))


@every_place_but_home
def test_a_flow_log_without_a_role_of_its_account_is_told(account: str, region: str) -> None:
    bare = Vpc(account, region, "vpc-1")
    (drift,) = drifts("vpc.flow-logs", bare, hub())
    assert drift.manual == (
        f"No role for delivery is known: add one for {account}/{region} to flow_logs_roles in standard.toml."
    )
    role = f"arn:aws:iam::{account}:role/flow-logs"
    (drift,) = drifts("vpc.flow-logs", bare, hub(flow_logs_roles={"*/*": "arn:aws:iam::{account}:role/flow-logs"}))
    assert (drift.manual, drift.wanted[0]["role"]) == ("", role)


def test_a_member_s_flow_log_comes_back_with_the_role_that_it_had() -> None:
    theirs = flow_log(role=f"arn:aws:iam::{FRIEND}:role/theirs")
    before = Vpc(FRIEND, ELSEWHERE, "vpc-1", (theirs,))
    (drift,) = drifts("vpc.flow-logs", Vpc(FRIEND, ELSEWHERE, "vpc-1"), hub(), before)
    assert (drift.manual, drift.wanted[0]["role"]) == ("", theirs.role)
    seen = Observed(Resource("vpc", "vpc-1", "arn", FRIEND, ELSEWHERE), Vpc(FRIEND, ELSEWHERE, "vpc-1"))
    calls = vpcs.plan(seen, (drift,), hub(), before)
    assert ROLE not in str(calls), "not even where AWS refuses theirs"
    assert key() not in str(calls)


@every_place_but_home
def test_a_trail_without_a_role_of_its_account_is_told(account: str, region: str) -> None:
    theirs = trail(account=account, region=region, log_group="", log_group_role="")
    found = drifts("trail.cloudwatch-logs", theirs, hub())
    assert {each.manual for each in found} == {
        f"No role for delivery is known: add one for {account}/{region} to trail_logs_roles in standard.toml."
    }
    rules = hub(trail_logs_roles={f"{account}/{region}": "arn:aws:iam::1:role/t"})
    assert {each.manual for each in drifts("trail.cloudwatch-logs", theirs, rules)} == {""}


@every_place_but_home
def test_a_trail_is_not_given_the_stack_s_key(account: str, region: str) -> None:
    theirs = trail(account=account, region=region, kms_key="", key_states={key(): "Enabled"})
    rules = hub(trusted_accounts=frozenset({ACCOUNT}))  # who trusts the hub's keys need not mean this one
    (drift,) = drifts("trail.kms-encryption", theirs, rules)
    assert (drift.wanted, bool(drift.manual)) == ("", True)


@every_place_but_home
def test_a_bucket_is_not_logged_to_the_stack_s_bucket(account: str, region: str) -> None:
    (drift,) = drifts("bucket.access-logging", bucket(account=account, region=region), hub())
    assert drift.wanted == {}
    assert "access_log_buckets in standard.toml" in drift.manual


@every_place_but_home
def test_a_log_group_is_made_without_the_stack_s_key(account: str, region: str) -> None:
    assert key() not in str(creation("/relight/x", account, region, hub()))
    assert key() in str(creation("/relight/x", ACCOUNT, REGION, hub()))


@every_place_but_home
def test_an_alarm_of_relight_s_own_needs_a_topic_there(account: str, region: str) -> None:
    theirs = monitoring(account=account, region=region, filters=(), alarms=())
    found = drifts("alarm.root-use", theirs, hub())
    assert {each.field for each in found} == {"MetricFilter", "MetricAlarm"}
    assert all(each.manual.startswith(f"No topic for alarms is known in {account}/{region}") for each in found)
    assert TOPIC not in str(found)
