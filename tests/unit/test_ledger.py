"""The ledger: the same tests on moto's DynamoDB and on the in-memory one that other tests use."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from relight.ledger import TELLING, Ledger
from relight.model import Baseline, Incident, Outcome, Resource, Unread
from relight.policy.trail import Trail
from relight.resources import trail as kind
from tests.unit.builders import (
    ACCOUNT,
    BEFORE,
    FRIEND,
    NOON,
    REGION,
    TRAIL_ARN,
    baseline,
    bucket,
    finding,
    incident,
    resource,
    trail,
)
from tests.unit.fakes import FakeLedger

KEY = "e1"
INCIDENT = incident()
FAILED = incident(finding(outcome=Outcome.FAILED))
FIRST = Baseline(trail(), frozenset({"trail.logging", "trail.kms-encryption"}), BEFORE)


@pytest.fixture(params=["dynamodb", "memory"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    return request.getfixturevalue("real") if request.param == "dynamodb" else FakeLedger()


def known(ledger: Ledger, *arns: str) -> dict[str, Baseline[Trail]]:
    return ledger.baselines("trail", ACCOUNT, arns or [TRAIL_ARN], kind.revive)


def test_a_baseline_comes_back_as_it_was_kept(ledger: Ledger) -> None:
    assert known(ledger) == {}
    assert ledger.keep(resource(), FIRST)
    assert known(ledger) == {TRAIL_ARN: replace(FIRST, revision=1)}


def test_the_region_of_what_is_known_is_its_arn_s_or_its_state_s(ledger: Ledger) -> None:
    elsewhere = "eu-west-1"
    ledger.keep(resource(), FIRST)
    named = Resource("bucket", "b", "arn:aws:s3:::b", ACCOUNT, elsewhere)
    ledger.keep(named, baseline(bucket(region=elsewhere), revision=0))
    assert ledger.regions("trail", ACCOUNT, TRAIL_ARN) == {TRAIL_ARN: REGION}
    assert ledger.regions("bucket", ACCOUNT, "arn:aws:s3:::") == {named.arn: elsewhere}
    assert ledger.regions("bucket", ACCOUNT, "arn:aws:s3:::c") == {}


def test_how_things_are_just_now_is_not_kept(ledger: Ledger) -> None:
    passing = trail(covered=Unread("x"), bucket_region="eu-west-1", key_states={"k": "Enabled"})
    ledger.keep(resource(), replace(FIRST, state=passing))
    state = known(ledger)[TRAIL_ARN].state
    assert (state.covered, state.bucket_region, state.key_states) == (False, "", {})


def test_a_baseline_is_written_over_the_revision_that_it_was_made_from_only(ledger: Ledger) -> None:
    ledger.keep(resource(), FIRST)
    assert not ledger.keep(resource(), replace(FIRST, state=trail(bucket="late")))
    second = replace(FIRST, state=trail(bucket="second"), revision=1)
    assert ledger.keep(resource(), second)
    assert not ledger.keep(resource(), replace(second, state=trail(bucket="late")))
    assert not ledger.keep(resource(), replace(second, revision=3))
    assert known(ledger) == {TRAIL_ARN: replace(second, revision=2)}


def test_attacks_are_counted_by_resource_and_hour(ledger: Ledger) -> None:
    assert [ledger.contest(resource(), NOON + timedelta(minutes=minute)) for minute in (0, 1, 59, 60)] == [1, 2, 3, 1]
    assert ledger.contest(resource("arn:aws:cloudtrail:us-east-1:123456789012:trail/other"), NOON) == 1


def test_a_later_revision_needs_an_earlier_one(ledger: Ledger) -> None:
    assert not ledger.keep(resource(), replace(FIRST, revision=1))
    assert known(ledger) == {}


def test_baselines_by_account_kind_and_prefix(ledger: Ledger) -> None:
    other, third = TRAIL_ARN + "-2", TRAIL_ARN.replace(REGION, "eu-west-1")
    for each in (
        resource(),
        resource(other),
        resource(third),
        replace(resource(), account=FRIEND),
        replace(resource(), kind="vpc"),
    ):
        assert ledger.keep(each, FIRST)
    assert known(ledger, TRAIL_ARN, other, TRAIL_ARN + "-none").keys() == {TRAIL_ARN, other}
    assert ledger.baselines_under("trail", ACCOUNT, TRAIL_ARN, kind.revive).keys() == {TRAIL_ARN, other}
    everywhere = ledger.baselines_under("trail", ACCOUNT, "arn:", kind.revive)
    assert everywhere.keys() == {TRAIL_ARN, other, third}
    assert everywhere[third] == replace(FIRST, revision=1)
    assert ledger.baselines_under("bucket", ACCOUNT, "arn:", kind.revive) == {}


def test_an_intention_is_noted_once(ledger: Ledger) -> None:
    assert ledger.open(KEY, FAILED, NOON) is None
    assert ledger.open(KEY, INCIDENT, NOON) == FAILED
    assert ledger.open("e2", INCIDENT, NOON) is None
    assert ledger.open(KEY, replace(INCIDENT, resource=resource(TRAIL_ARN + "-2")), NOON) is None


def test_finding_an_entry(ledger: Ledger) -> None:
    assert ledger.find(KEY, TRAIL_ARN) is None
    ledger.open(KEY, FAILED, NOON)
    assert ledger.find(KEY, TRAIL_ARN) == FAILED
    assert ledger.find(KEY, TRAIL_ARN + "-2") is None


@pytest.mark.parametrize("opened", [True, False], ids=["intended-first", "not-intended"])
def test_claiming_and_telling(ledger: Ledger, *, opened: bool) -> None:
    if opened:
        ledger.open(KEY, FAILED, NOON)
    assert ledger.claim(KEY, INCIDENT, NOON, "t1")
    assert ledger.find(KEY, TRAIL_ARN) == INCIDENT
    ledger.told(KEY, INCIDENT, NOON)
    assert ledger.find(KEY, TRAIL_ARN) == INCIDENT


LATER = NOON + TELLING


@pytest.mark.parametrize(
    ("moment", "teller", "granted"),
    [
        pytest.param(NOON, "t1", True, id="the-same-invocation-again"),
        pytest.param(NOON, "t2", False, id="another-at-the-same-time"),
        pytest.param(LATER, "t2", False, id="another-at-the-end-of-the-time"),
        pytest.param(LATER + timedelta(seconds=1), "t2", True, id="another-after-the-time"),
    ],
)
def test_a_claim_while_another_tells(ledger: Ledger, moment: Any, teller: str, *, granted: bool) -> None:
    assert ledger.claim(KEY, INCIDENT, NOON, "t1")
    assert ledger.claim(KEY, INCIDENT, moment, teller) is granted


def test_what_was_never_told_is_found_by_its_event_alone(ledger: Ledger) -> None:
    assert ledger.noted(KEY) == ([], [])
    ledger.open(KEY, FAILED, NOON)
    assert ledger.noted(KEY) == ([FAILED], [])
    ledger.told(KEY, FAILED, NOON)
    assert ledger.noted(KEY) == ([], [])
    ledger.claim(KEY, INCIDENT, NOON, "t1")
    assert ledger.noted(KEY).untold == [INCIDENT], "that it failed was told, but not that it was repaired"
    assert ledger.noted("e2").untold == []
    ledger.told(KEY, INCIDENT, NOON)
    assert ledger.noted(KEY).untold == []


def test_a_claim_given_back_is_free_for_others_and_only_its_owner_gives_it(ledger: Ledger) -> None:
    assert ledger.claim(KEY, INCIDENT, NOON, "t1")
    ledger.release(KEY, INCIDENT, "t2")
    assert not ledger.claim(KEY, INCIDENT, NOON, "t2")
    ledger.release(KEY, INCIDENT, "t1")
    assert ledger.claim(KEY, INCIDENT, NOON, "t2")


@pytest.mark.parametrize("teller", ["t1", "t2"])
def test_an_outcome_is_told_once_and_another_one_at_once(ledger: Ledger, teller: str) -> None:
    assert ledger.claim(KEY, FAILED, NOON, "t1")
    ledger.told(KEY, FAILED, NOON)
    assert not ledger.claim(KEY, FAILED, LATER + timedelta(hours=1), teller)
    assert ledger.claim(KEY, INCIDENT, NOON, teller)


def test_what_is_told_once_is_told_whatever_its_outcome(ledger: Ledger) -> None:
    assert ledger.claim(KEY, FAILED, NOON, "t1", once=True)
    ledger.told(KEY, FAILED, NOON)
    assert not ledger.claim(KEY, INCIDENT, LATER, "t2", once=True)


def test_a_claim_refused_changes_nothing(ledger: Ledger) -> None:
    ledger.claim(KEY, INCIDENT, NOON, "t1")
    ledger.claim(KEY, FAILED, NOON, "t2")
    assert ledger.find(KEY, TRAIL_ARN) == INCIDENT


def test_told_without_an_entry_makes_one(ledger: Ledger) -> None:
    """What stands after a repair is told with it, and noted for the day on its own."""
    ledger.told(KEY, INCIDENT, NOON)
    assert ledger.find(KEY, TRAIL_ARN) == INCIDENT
    assert not ledger.claim(KEY, INCIDENT, NOON, "t1")


# ------------------------------------------------------------------------------------------------ several at once

MANY = 230  # two calls of a hundred, and some


def several(count: int = MANY) -> list[tuple[Resource, Baseline[Any]]]:
    return [(resource(f"{TRAIL_ARN}-{number}"), FIRST) for number in range(count)]


def each_of(incidents: int = MANY, outcome: Outcome = Outcome.FAILED) -> list[Incident]:
    return [incident(finding(outcome=outcome), resource=resource(f"{TRAIL_ARN}-{each}")) for each in range(incidents)]


def test_many_baselines_are_kept_and_come_back(ledger: Ledger) -> None:
    assert ledger.keep_all([]) == []
    assert ledger.keep_all(several()) == [True] * MANY
    arns = [each.arn for each, _ in several()]
    assert known(ledger, *arns, TRAIL_ARN) == dict.fromkeys(arns, replace(FIRST, revision=1))


def test_one_that_somebody_wrote_in_between_holds_up_no_other(ledger: Ledger) -> None:
    every = several(3)
    ledger.keep(every[1][0], replace(FIRST, state=trail(bucket="newer")))
    assert ledger.keep_all(every) == [True, False, True]
    kept = known(ledger, *(each.arn for each, _ in every))
    assert [kept[each.arn].state.bucket for each, _ in every] == [FIRST.state.bucket, "newer", FIRST.state.bucket]


def test_many_intentions_are_noted_once(ledger: Ledger) -> None:
    intended = each_of()
    assert ledger.open_all(KEY, intended, NOON) == [None] * MANY
    assert ledger.open_all(KEY, each_of(3, Outcome.REPAIRED), NOON) == intended[:3]
    assert sorted(map(str, ledger.noted(KEY).unfinished)) == sorted(map(str, intended))


def test_what_many_came_to_is_noted_and_told_in_one_message(ledger: Ledger) -> None:
    ledger.open_all(KEY, each_of(), NOON)
    repaired = each_of(outcome=Outcome.REPAIRED)
    ledger.note_all(KEY, repaired, NOON)
    assert {each.outcome for each in ledger.noted(KEY).untold} == {Outcome.REPAIRED}
    ledger.note_all(KEY, repaired[:200], NOON, told=True)
    assert len(ledger.noted(KEY).untold) == 30
    ledger.note_all(KEY, repaired[:1], NOON)  # late
    assert len(ledger.noted(KEY).untold) == 30
    assert not ledger.claim(KEY, repaired[0], NOON, "t1")
