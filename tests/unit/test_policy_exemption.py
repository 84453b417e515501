"""Exemptions: a resource is left alone until a day, and nothing else is."""

from __future__ import annotations

from datetime import date

from relight.model import Cause, Outcome
from relight.policy.exemption import exempt
from relight.standard import Exemption
from tests.unit.builders import TRAIL_ARN, VPC_ARN, finding, standard

DRIFTED = finding(outcome=Outcome.FAILED)
UNTIL = Exemption("trail.logging", TRAIL_ARN, "CHG-1", date(2026, 6, 30))
ANY = Exemption("trail.logging", "arn:aws:cloudtrail:*:trail/*", "CHG-2", date(2026, 3, 1))


def test_until_its_day_is_over_it_takes_the_finding_away() -> None:
    settings = standard(exemptions=(UNTIL,))
    assert exempt([DRIFTED], TRAIL_ARN, settings, date(2026, 6, 30)) == ((), {"trail.logging": UNTIL})


def test_when_it_has_expired_the_finding_stays_and_says_so() -> None:
    (left,), taken = exempt([DRIFTED], TRAIL_ARN, standard(exemptions=(UNTIL,)), date(2026, 7, 1))
    assert taken == {}
    assert left.outcome is Outcome.FAILED
    assert left.note == "Its exemption (CHG-1) expired on 2026-06-30."


def test_of_several_the_longest_counts() -> None:
    for exemptions in ((UNTIL, ANY), (ANY, UNTIL)):
        assert exempt([DRIFTED], TRAIL_ARN, standard(exemptions=exemptions), date(2026, 5, 1))[0] == ()


def test_other_resources_and_controls_are_not_exempt() -> None:
    settings = standard(exemptions=(UNTIL, ANY))
    other = finding(control="trail.multi-region", outcome=Outcome.FAILED)
    assert exempt([DRIFTED], VPC_ARN, settings, date(2026, 1, 1)) == ((DRIFTED,), {})
    assert exempt([other], TRAIL_ARN, settings, date(2026, 1, 1)) == ((other,), {})


def test_all_controls_of_a_kind_may_be_exempt() -> None:
    every = Exemption("trail.*", TRAIL_ARN, "CHG-3", date(2026, 6, 30))
    other = finding(control="trail.multi-region", outcome=Outcome.FAILED)
    vpc = finding(control="vpc.flow-logs", outcome=Outcome.FAILED)
    taken = {"trail.logging": every, "trail.multi-region": every}
    settings = standard(exemptions=(every,))
    assert exempt([DRIFTED, other, vpc], TRAIL_ARN, settings, date(2026, 6, 30)) == ((vpc,), taken)


def test_a_name_is_no_pattern_by_accident() -> None:
    """Only * is special to whoever writes the standard; a resource cannot match by what it is called."""
    settings = standard(exemptions=(UNTIL,))
    assert exempt([DRIFTED], TRAIL_ARN.replace("main", "*"), settings, date(2026, 1, 1)) == ((DRIFTED,), {})


def test_what_is_met_counts_for_the_baseline_and_what_was_taken_is_left_untold() -> None:
    met = finding(outcome=Outcome.COMPLIANT, cause=Cause.FOUND)
    back = finding(outcome=Outcome.COMPLIANT, cause=Cause.TAKEN)
    settings = standard(exemptions=(UNTIL,))
    assert exempt([met, back], TRAIL_ARN, settings, date(2026, 1, 1)) == ((met,), {"trail.logging": UNTIL})
