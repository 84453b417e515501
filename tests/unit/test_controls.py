"""Every control has a drift that its repair mends, and the README's example of a new one is no fiction."""

from __future__ import annotations

import re
from typing import Any

import pytest

from local.settings import PROJECT
from relight.model import Basis, Drift, Observed
from relight.policy import CONTROLS, trail
from relight.policy.control import Control
from relight.resources import trail as trails
from tests.unit.builders import accepted_by_botocore, resource, standard
from tests.unit.builders import trail as a_trail
from tests.unit.controls import ROWS


@pytest.mark.parametrize("control", sorted(CONTROLS))
def test_a_drift_is_mended_by_the_repair_that_the_catalogue_names(control: str) -> None:
    assert control in ROWS, f"{control} is not in ROWS of tests/unit/controls.py: add a row with a state that breaks it"
    row, kind = ROWS[control], ROWS[control].kind
    drifts = tuple(CONTROLS[control].check(row.broken, standard(), row.before))
    assert drifts, f"the broken state of {control} in tests/unit/controls.py breaks nothing"
    assert bool(kind) == bool(CONTROLS[control].repair), f"{control}: what is repaired has a kind that plans how"
    if kind is None:
        assert all(drift.manual for drift in drifts), f"{control} is told only: say to a person what to do"
        return
    assert not any(drift.manual for drift in drifts)
    calls = kind.plan(Observed(resource(kind=kind.KIND), row.broken), drifts, standard(), row.before)
    assert calls, f"nothing repairs {control}: teach plan in resources/{kind.KIND}.py about {[d.field for d in drifts]}"
    assert {call.operation for call in calls} <= set(CONTROLS[control].repair.split(", "))
    for call in calls:
        assert accepted_by_botocore(call)


def states_of_its_kind(control: Control) -> list[Any]:
    """All that a control may be asked of: as the rows of its kind have it, broken and before."""
    kind = ROWS[control.id].kind
    return [state for row in ROWS.values() if row.kind is kind for state in (row.broken, row.before)]


@pytest.mark.parametrize(
    "control", [each for each in CONTROLS.values() if each.basis is Basis.STANDARD], ids=lambda c: c.id
)
def test_what_the_standard_alone_decides_is_the_same_with_any_baseline(control: Control) -> None:
    states = states_of_its_kind(control)
    for state in filter(None, states):
        verdicts = {bool(tuple(control.check(state, standard(), before))) for before in (None, *states)}
        assert len(verdicts) == 1, f"{control.id} depends on the baseline: its basis is not the standard alone"


@pytest.mark.parametrize(
    "control", [each for each in CONTROLS.values() if each.basis is Basis.BASELINE], ids=lambda c: c.id
)
def test_what_the_baseline_alone_decides_is_met_without_one(control: Control) -> None:
    for state in filter(None, states_of_its_kind(control)):
        assert not tuple(control.check(state, standard(), None)), f"{control.id}: its basis is not the baseline alone"


def test_no_row_is_left_behind() -> None:
    assert ROWS.keys() == CONTROLS.keys()


def test_the_readmes_example_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its code, run as it stands there: a policy function, and a line in UPDATES."""
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    check, line = re.findall(r"^ +```python\n(.*?)^ +```$", text, flags=re.DOTALL | re.MULTILINE)
    monkeypatch.setattr("relight.policy.control.CONTROLS", {})
    names: dict[str, Any] = dict(vars(trail))
    exec(re.sub(r"^   ", "", check, flags=re.MULTILINE), names)  # noqa: S102 (our own README)
    monkeypatch.setattr(trails, "UPDATES", trails.UPDATES | eval("{" + line + "}"))  # noqa: S307 (likewise)
    (example,) = vars(__import__("relight.policy.control", fromlist=["CONTROLS"]))["CONTROLS"].values()
    assert isinstance(example, Control)

    before, silent = a_trail(sns_topic="arn:aws:sns:us-east-1:123456789012:logs"), a_trail()
    drifts = tuple(example.check(silent, standard(), before))
    assert drifts == (Drift("SnsTopicARN", found="", wanted=before.sns_topic),)
    assert not tuple(example.check(silent, standard(), None))
    (call,) = trails.plan(Observed(resource(), silent), drifts, standard(), None)
    assert (call.operation, call.params["SnsTopicName"]) == (example.repair, before.sns_topic)
    assert accepted_by_botocore(call)
