"""docs/techniques.md is current, and says of each technique only what the catalogue bears out."""

from __future__ import annotations

import pytest

from local import sabotage
from local.techniques import OUT, PAGE, REPAIRED, TECHNIQUES, TOLD, Technique, page
from relight.model import Mode
from relight.policy import CONTROLS
from relight.record import plain_name

every_technique = pytest.mark.parametrize("each", TECHNIQUES, ids=lambda each: each.name)


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "docs/techniques.md is not current: run make docs"


def test_there_are_fifty_three() -> None:
    assert len({each.name for each in TECHNIQUES}) == len(TECHNIQUES) == 53


@every_technique
def test_its_controls_look_at_its_events(each: Technique) -> None:
    assert set(each.controls) <= CONTROLS.keys()
    triggers = {name for control in each.controls for name in CONTROLS[control].triggers}
    if each.events != ("any",):
        missed = set(map(plain_name, each.events)) - triggers
        assert not (each.controls and missed), f"{sorted(missed)} reach no control of {each.controls}"


@every_technique
def test_the_verdict_is_borne_out(each: Technique) -> None:
    enforced = [control for control in each.controls if CONTROLS[control].restore is Mode.ENFORCE]
    shown = {(one.control, one.event) for one in sabotage.ALL if one.outcome == "repaired"}
    if each.verdict == REPAIRED:
        assert enforced, "repaired, but no control of it is enforced"
        assert any(control in {name for name, _ in shown} for control in enforced), "no sabotage shows the repair"
    elif each.verdict == TOLD:
        assert each.controls, "told, but by which control?"
        assert each.why, "told only: say why"
    else:
        assert (each.verdict, each.controls) == (OUT, ())
        assert each.why, "out of scope: say why"
