"""The catalogue, the modes, and judging: what each control says in which situation."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from relight.errors import InvalidSetting, OutOfReach, UnknownState
from relight.model import Cause, Mode, Outcome, Unread
from relight.policy import CONTROLS, check_settings, controls_of, judge
from relight.policy.control import Control, known
from relight.standard import Exemption
from tests.unit.builders import baseline, flow_log, standard, trail, vpc
from tests.unit.controls import ROWS

ENFORCE, OBSERVE, OFF = Mode.ENFORCE, Mode.OBSERVE, Mode.OFF
SITUATIONS = ("restore", "introduce", "create")


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("control", ROWS)
def test_shipped_modes(control: str, situation: str) -> None:
    shipped = ROWS[control].modes[SITUATIONS.index(situation)]
    assert CONTROLS[control].mode(situation, standard()) is shipped
    assert CONTROLS[control].mode(situation, standard(mode=OBSERVE)) is OBSERVE


@pytest.mark.parametrize("override", Mode)
@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("control", ROWS)
def test_overridden_modes(control: str, situation: str, override: Mode) -> None:
    modes = {control: {situation: override}}
    assert CONTROLS[control].mode(situation, standard(modes=modes)) is override
    held_back = OFF if override is OFF else OBSERVE
    assert CONTROLS[control].mode(situation, standard(modes=modes, mode=OBSERVE)) is held_back


def test_an_override_is_for_its_control_and_situation_only() -> None:
    modes = {"trail.logging": {"restore": OFF}}
    assert CONTROLS["trail.logging"].mode("introduce", standard(modes=modes)) is ENFORCE
    assert CONTROLS["trail.kms-encryption"].mode("restore", standard(modes=modes)) is ENFORCE


@pytest.mark.parametrize("override", Mode)
def test_where_a_control_has_no_mode_for_created_resources_introduce_holds(override: Mode) -> None:
    """So says Control.create (None: as introduce), whoever set it."""
    modes = {"trail.kms-encryption": {"introduce": override}}
    assert CONTROLS["trail.kms-encryption"].mode("create", standard(modes=modes)) is override


def test_introduce_leaves_a_mode_for_created_resources_alone() -> None:
    modes = {"vpc.flow-logs": {"introduce": OFF}}
    assert CONTROLS["vpc.flow-logs"].mode("create", standard(modes=modes)) is ENFORCE


def test_modes_of_unknown_controls_are_refused() -> None:
    check_settings(standard(modes={"trail.logging": {"restore": OFF}}))
    with pytest.raises(
        InvalidSetting, match=r"modes\.trail\.loging: no control trail\.loging; allowed: .*'trail\.logging'"
    ):
        check_settings(standard(modes={"trail.loging": {"restore": OFF}}))


def test_exemptions_from_unknown_controls_are_refused() -> None:
    settings = standard(exemptions=(Exemption("vpc.flowlogs", "arn:aws:ec2:*", "why not", date(2027, 1, 1)),))
    with pytest.raises(
        InvalidSetting, match=r"exemptions\[0\]\.control: no control vpc\.flowlogs; allowed: .*vpc\.flow-logs"
    ):
        check_settings(settings)


def test_an_exemption_may_be_from_all_controls_of_a_kind() -> None:
    check_settings(standard(exemptions=(Exemption("vpc.*", "arn:aws:ec2:*", "a laboratory", date(2027, 1, 1)),)))


def test_controls_of_a_kind_in_the_order_of_the_catalogue() -> None:
    assert [c.id for c in controls_of("trail")] == [name for name in CONTROLS if name.startswith("trail.")]
    assert [c.id for c in controls_of("vpc")] == ["vpc.flow-logs"]
    assert controls_of("tr") == ()


@pytest.mark.parametrize(
    ("row", "references"),
    [
        ({"cis": "3.1", "security_hub": "CloudTrail.1"}, "CIS 3.1, Security Hub CloudTrail.1"),
        ({"cis": "3.1"}, "CIS 3.1"),
        ({"security_hub": "CloudTrail.1"}, "Security Hub CloudTrail.1"),
        ({}, ""),
    ],
)
def test_references(row: dict[str, Any], references: str) -> None:
    like = CONTROLS["trail.logging"]
    made = Control("x.y", like.title, like.severity, like.triggers, like.repair, like.check, **row)
    assert made.references == references
    assert made.kind == "x"


HAD = baseline(trail(), "trail.logging", "trail.kms-encryption")
HAD_NOT = baseline(trail(logging=False, kms_key=""))
STOPPED = trail(logging=False)
PLAIN = trail(kms_key="")
BROKEN = trail(kms_key="", key_states={})


@pytest.mark.parametrize(
    ("control", "state", "before", "taken", "created", "mode", "outcome", "cause"),
    [
        pytest.param("trail.logging", trail(), None, False, False, ENFORCE, Outcome.COMPLIANT, Cause.FOUND, id="fine"),
        pytest.param(
            "trail.logging", trail(), None, True, False, ENFORCE, Outcome.COMPLIANT, Cause.TAKEN, id="taken-but-back"
        ),
        pytest.param(
            "trail.logging",
            STOPPED,
            None,
            True,
            False,
            ENFORCE,
            Outcome.FAILED,
            Cause.TAKEN,
            id="taken-without-baseline",
        ),
        pytest.param(
            "trail.kms-encryption", PLAIN, None, True, False, ENFORCE, Outcome.FAILED, Cause.TAKEN, id="taken-restores"
        ),
        pytest.param(
            "trail.kms-encryption", PLAIN, HAD, False, False, ENFORCE, Outcome.FAILED, Cause.FOUND, id="baseline-had-it"
        ),
        pytest.param(
            "trail.kms-encryption",
            PLAIN,
            HAD_NOT,
            False,
            False,
            OBSERVE,
            Outcome.OBSERVED,
            Cause.FOUND,
            id="had-it-not",
        ),
        pytest.param(
            "trail.kms-encryption", PLAIN, None, False, False, OBSERVE, Outcome.OBSERVED, Cause.FOUND, id="no-baseline"
        ),
        pytest.param(
            "trail.kms-encryption", PLAIN, None, False, True, OBSERVE, Outcome.OBSERVED, Cause.CREATED, id="created"
        ),
        pytest.param(
            "trail.kms-encryption", PLAIN, HAD, False, True, ENFORCE, Outcome.FAILED, Cause.CREATED, id="created-again"
        ),
        pytest.param(
            "trail.logging", STOPPED, None, False, True, ENFORCE, Outcome.FAILED, Cause.CREATED, id="created-stopped"
        ),
        pytest.param("trail.logging", STOPPED, None, True, True, ENFORCE, Outcome.FAILED, Cause.TAKEN, id="taken-wins"),
        pytest.param(
            "trail.kms-encryption", BROKEN, None, False, False, OBSERVE, Outcome.UNKNOWN, Cause.FOUND, id="unknown"
        ),
    ],
)
def test_judge(  # noqa: PLR0913, PLR0917  a table with these columns
    control: str,
    state: Any,
    before: Any,
    taken: bool,  # noqa: FBT001
    created: bool,  # noqa: FBT001
    mode: Mode,
    outcome: Outcome,
    cause: Cause,
) -> None:
    lost = frozenset({control}) if taken else frozenset()
    findings = {f.control: f for f in judge("trail", state, standard(), before, lost, created=created)}
    found = findings[control]
    assert (found.mode, found.outcome, found.cause) == (mode, outcome, cause)
    row = CONTROLS[control]
    assert (found.title, found.severity, found.references) == (row.title, row.severity, row.references)
    assert bool(found.drifts) is (outcome not in (Outcome.COMPLIANT, Outcome.UNKNOWN))
    assert len(findings) == len(controls_of("trail"))


@pytest.mark.parametrize("foreign", [False, True])
def test_what_was_not_read(foreign: bool) -> None:  # noqa: FBT001
    assert known("value", "what") == "value"
    assert known(value=False, what="what") is False
    with pytest.raises(OutOfReach if foreign else UnknownState, match="what could not be read: denied"):
        known(Unread("denied", foreign=foreign), "what")


def test_what_another_account_keeps_to_itself_is_out_of_reach() -> None:
    hidden = trail(multi_region=False, covered=Unread("denied", foreign=True))
    found = next(f for f in judge("trail", hidden, standard()) if f.control == "trail.multi-region")
    assert found.outcome is Outcome.OUT_OF_REACH
    assert found.note == "whether another trail covers the account could not be read: denied"


def test_unknown_says_why() -> None:
    found = next(f for f in judge("trail", BROKEN, standard()) if f.control == "trail.kms-encryption")
    assert (
        found.note
        == "the state of KMS key " + standard().trail_keys["us-east-1"] + " could not be read: nobody looked at it"
    )


@pytest.mark.parametrize(
    ("restore", "outcome"),
    [(ENFORCE, Outcome.FAILED), (OBSERVE, Outcome.OBSERVED)],
)
def test_the_mode_decides_what_becomes_of_a_drift(restore: Mode, outcome: Outcome) -> None:
    modes = {"trail.logging": {"restore": restore}}
    first, *_ = judge("trail", STOPPED, standard(modes=modes), HAD)
    assert (first.mode, first.outcome) == (restore, outcome)


def test_a_control_that_is_off_says_nothing() -> None:
    modes = {"trail.logging": {"restore": OFF}}
    assert "trail.logging" not in [f.control for f in judge("trail", STOPPED, standard(modes=modes), HAD)]
    assert "trail.logging" in [f.control for f in judge("trail", STOPPED, standard(modes=modes))]


def test_what_only_a_person_can_mend_is_manual_in_mode_enforce_only() -> None:
    fails = vpc(flow_log(delivery_error="Access error"))
    had = baseline(vpc(flow_log()), "vpc.flow-logs")
    assert judge("vpc", fails, standard(), had)[0].outcome is Outcome.MANUAL
    assert judge("vpc", fails, standard(), None)[0].outcome is Outcome.OBSERVED
    assert judge("vpc", fails, standard(mode=OBSERVE), had)[0].outcome is Outcome.OBSERVED
