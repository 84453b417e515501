"""The posture's table: what each outcome counts as, and accounts judged across their Regions."""

from __future__ import annotations

from typing import Any

import pytest

from local.operate.archive import history
from relight.model import Cause, Drift, Finding, Mode, Outcome, Severity
from relight.policy import CONTROLS
from relight.posture import PRACTICES, Count, Row, added, counted, not_missed, table, unjudged
from tests.unit.builders import ACCOUNT, NOON, standard

DRIFT = (Drift("F", 1, 2),)
MULTI_REGION, CONFIG, FLOW_LOGS = "trail.multi-region", "config.recording", "vpc.flow-logs"


def finding(outcome: Outcome, drifts: tuple[Drift, ...] = DRIFT, control: str = FLOW_LOGS) -> Finding:
    return Finding(control, "", Severity.LOW, "", Mode.ENFORCE, outcome, Cause.FOUND, drifts)


def row(control: str, accounts: dict[str, Any]) -> Row:
    return next(each for each in table(accounts) if each.control == control)


@pytest.mark.parametrize(
    ("outcome", "drifts", "count"),
    [
        (Outcome.COMPLIANT, (), Count(met=1)),
        (Outcome.REPAIRED, DRIFT, Count(met=1)),
        (Outcome.OBSERVED, DRIFT, Count(violated=1)),
        (Outcome.MANUAL, DRIFT, Count(violated=1)),
        (Outcome.FAILED, DRIFT, Count(violated=1)),
        (Outcome.UNKNOWN, (), Count(unknown=1)),
        (Outcome.OUT_OF_REACH, (), Count(unknown=1)),
    ],
)
def test_what_an_outcome_counts_as(outcome: Outcome, drifts: tuple[Drift, ...], count: Count) -> None:
    assert counted([finding(outcome, drifts)]) == {FLOW_LOGS: count}
    assert counted([finding(outcome, drifts)], exempt=[FLOW_LOGS]) == {FLOW_LOGS: Count(exempt=1)}


def test_what_is_no_control_is_not_counted() -> None:
    assert counted([finding(Outcome.OBSERVED, control="vpc.size")]) == {}


def test_sums_and_the_way_through_json() -> None:
    one, two = {FLOW_LOGS: Count(1, 2, 3, 4)}, {FLOW_LOGS: Count(10, 20, 30, 40), CONFIG: Count(1)}
    assert added(one, two) == {FLOW_LOGS: Count(11, 22, 33, 44), CONFIG: Count(1)}
    assert Count(*Count(1, 2, 3, 4).as_list()) == Count(1, 2, 3, 4)
    assert added() == {}


def test_the_percentage_is_of_what_could_be_judged() -> None:
    assert row(FLOW_LOGS, {"1": {FLOW_LOGS: Count(1, 3, 5, 7)}}).percent == 75
    assert row(FLOW_LOGS, {"1": {FLOW_LOGS: Count(unknown=5)}}).percent is None


@pytest.mark.parametrize(
    ("control", "count", "judged"),
    [
        (MULTI_REGION, Count(met=1, violated=4, unknown=1), Count(met=1)),
        (MULTI_REGION, Count(violated=4, unknown=1), Count(unknown=1)),
        (MULTI_REGION, Count(violated=4), Count(violated=1)),
        (MULTI_REGION, Count(), Count(violated=1)),
        (MULTI_REGION, Count(exempt=1), Count(exempt=1)),
        (CONFIG, Count(met=16, violated=1), Count(violated=1)),
        (CONFIG, Count(met=16, unknown=1), Count(unknown=1)),
        (CONFIG, Count(met=17), Count(met=1)),
        (CONFIG, Count(met=16, exempt=1), Count(met=1)),
        (CONFIG, Count(exempt=17), Count(exempt=1)),
    ],
)
def test_an_account_is_judged_across_its_regions(control: str, count: Count, judged: Count) -> None:
    accounts = {"1": {control: count}, "2": {control: Count(met=1)}}
    assert row(control, accounts).count == judged + Count(met=1)


def test_the_nine_come_first_whatever_there_is_and_the_others_where_they_were_judged() -> None:
    rows = table({"1": {"trail.logging": Count(2)}})
    assert [each.control for each in rows] == [*(each.control for each in PRACTICES), "trail.logging"]
    assert [each.study for each in rows] == [*(each.study for each in PRACTICES), None]
    assert all(each.control in CONTROLS for each in rows)


def test_what_an_account_has_none_of_and_nobody_asks_for_is_exempt() -> None:
    off = standard(modes={MULTI_REGION: {"introduce": Mode.OFF}, FLOW_LOGS: {"introduce": Mode.OFF}})
    assert not_missed({}, off) == {MULTI_REGION: Count(exempt=1)}
    assert not_missed({MULTI_REGION: Count(met=1)}, off) == not_missed({}, standard()) == {}


def test_what_is_off_is_exempt_and_not_unknown() -> None:
    controls = [CONTROLS[FLOW_LOGS], CONTROLS[CONFIG]]
    half = standard(modes={FLOW_LOGS: {"introduce": Mode.OFF}})
    assert unjudged(controls, half, 2) == {FLOW_LOGS: Count(unknown=2), CONFIG: Count(unknown=2)}
    assert unjudged(controls, half, 2, ("introduce",)) == {FLOW_LOGS: Count(exempt=2), CONFIG: Count(unknown=2)}


def test_a_trend_counts_what_the_report_counts() -> None:
    """One of an account's three trails is multi-Region: that is a whole account, and not a third of one."""
    (then,) = history([(NOON, {MULTI_REGION: Count(met=1, violated=2), FLOW_LOGS: Count(1, 2, 3, 4)})], ACCOUNT)
    assert then["time"] == NOON.isoformat()
    assert (then["posture"][MULTI_REGION], then["posture"][FLOW_LOGS]) == ([1, 0, 0, 0], [1, 2, 3, 4])
