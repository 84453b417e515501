"""Every control is whole: declared once, with sane words, a repair that its function may make, a row in the README."""

from __future__ import annotations

import ast
import re

import pytest

from local import catalogue, reliability
from local.markdown import MissingMarkersError
from local.settings import PROJECT
from relight.model import Basis, Mode, Severity
from relight.policy import CONTROLS, Control, alarm
from tests.contract import reach
from tests.contract.dependent_actions import iam_action
from tests.contract.template import Function, actions, functions

# Of the two guards, the one that looks after all parts.
WHOLE = [f for f in functions().values() if f.environment.get("RELIGHT_GUARDED", "*") == "*"]
BY_KIND = {kind.KIND: f for f in WHOLE for kind in f.kinds}
README = (PROJECT / "README.md").read_text(encoding="utf-8")
every_control = pytest.mark.parametrize("control", CONTROLS.values(), ids=lambda c: c.id)


def function_of(control: Control) -> Function:
    """The function that looks after a control's kind."""
    assert control.kind in BY_KIND, f"{control.id}: no function hands resources/{control.kind}.py to its handler"
    return BY_KIND[control.kind]


@every_control
def test_says_what_it_is(control: Control) -> None:
    assert re.fullmatch(r"[a-z]+\.[a-z0-9]+(-[a-z0-9]+)*", control.id), f"{control.id}: an id is kind.words-with-dashes"
    assert re.fullmatch(r"[A-Z].{5,70}[^.]", control.title), (
        f"{control.id}: a title is a short clause, without full stop"
    )
    assert isinstance(control.severity, Severity), f"{control.id}: severity is a Severity"
    assert isinstance(control.restore, Mode), f"{control.id}: restore is a Mode"
    assert isinstance(control.introduce, Mode), f"{control.id}: introduce is a Mode"
    for number in filter(None, control.cis.split(", ")):
        assert re.fullmatch(r"\d{1,2}\.\d{1,2}(\.\d{1,2})?", number), f"{control.id}: cis is numbers such as 3.1"
    for hub in filter(None, control.security_hub.split(", ")):
        assert re.fullmatch(r"[A-Z][A-Za-z0-9]+\.\d+", hub), f"{control.id}: security_hub is ids such as CloudTrail.1"


@every_control
def test_has_triggers(control: Control) -> None:
    assert control.triggers, f"{control.id} has no trigger: nothing would ever look at it"
    assert len(set(control.triggers)) == len(control.triggers), f"{control.id}: a trigger stands there twice"
    for name in control.triggers:
        assert re.fullmatch(r"([A-Z][a-z0-9]+)+(v\d+)?", name), f"{control.id}: {name} is no CloudTrail eventName"


@every_control
def test_its_repair_is_within_its_functions_power(control: Control) -> None:
    if not control.repair:
        assert Mode.ENFORCE not in (control.restore, control.introduce, control.create), (
            f"{control.id}: nothing to enforce"
        )
        return
    function = function_of(control)
    calls = {operation: service for service, operation in reach.calls(function.family)}
    named = re.findall(r"\b(?:[A-Z][a-z0-9]+){2,}\b", control.repair)
    assert named, f"{control.id}: repair names no API call: {control.repair!r}"
    for operation in named:
        assert operation in calls, (
            f"{control.id}: {function.family} never calls {operation}: wrong repair, or no plan for it"
        )
        action = iam_action(calls[operation], operation)
        assert action in actions(function.role), f"{control.id}: allow {action} in {function.role} in template.yaml"


@every_control
def test_has_a_row_in_the_readme(control: Control) -> None:
    assert f"| `{control.id}` |" in README, f"{control.id} is not in README.md: run make docs"


def test_each_is_declared_once() -> None:
    """A second declaration would replace the first in silence."""
    declared = [
        str(call.args[0].value)
        for path in sorted((PROJECT / "shared" / "relight" / "policy").glob("*.py"))
        for call in _declarations(path.read_text(encoding="utf-8"))
        if isinstance(call.args[0], ast.Constant)
    ] + [watch.control for watch in alarm.WATCHES]  # a table, which a loop declares
    twice = {each for each in declared if declared.count(each) > 1}
    assert not twice, f"two checks are declared as {sorted(twice)}: give each its own id"
    assert set(declared) == CONTROLS.keys(), f"import the module of {sorted(set(declared) ^ CONTROLS.keys())} in policy"


def _declarations(source: str) -> list[ast.Call]:
    """The calls of ``control(…)``, decorators or not."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [call for call in calls if getattr(call.func, "id", "") == "control" and call.args]


def test_only_the_alarms_are_declared_by_a_loop() -> None:
    """Whatever declares controls otherwise than by a literal id must have its table in the test above."""
    for path in sorted((PROJECT / "shared" / "relight" / "policy").glob("*.py")):
        calls = _declarations(path.read_text(encoding="utf-8"))
        looped = [call for call in calls if not isinstance(call.args[0], ast.Constant)]
        assert not looped or path.name == "alarm.py", f"{path.name}: count its table in test_each_is_declared_once"


def test_titles_differ() -> None:
    titles = [control.title for control in CONTROLS.values()]
    assert len(titles) == len(set(titles)), f"two controls have the same title: {sorted(titles)}"


def test_every_kind_has_controls() -> None:
    idle = BY_KIND.keys() - {control.kind for control in CONTROLS.values()}
    assert not idle, f"the kinds {sorted(idle)} have a function but no control"


def test_every_trial_in_the_readme_ended_well() -> None:
    said = reliability.kept()
    assert said.keys() == {each.name for each in reliability.TRIALS}, "run python -m local.reliability"
    assert {name: each["status"] for name, each in said.items()} == dict.fromkeys(said, 0)


def test_the_readme_is_current() -> None:
    assert catalogue.rewritten(README) == README, "README.md is not current: run make docs"


def test_every_setting_is_explained() -> None:
    for row in catalogue.settings().splitlines()[2:]:
        name, _, meaning = row.strip("| ").split(" | ")
        assert len(meaning) > 20, f"standard.toml: say above {name} what it means"


def test_the_readme_can_be_rewritten_twice() -> None:
    once = catalogue.rewritten(README)
    assert catalogue.rewritten(once) == once


@pytest.mark.parametrize("text", ["", "<!-- controls:begin -->", "<!-- controls:end --><!-- controls:begin -->"])
def test_a_readme_without_place_for_the_tables_is_refused(text: str) -> None:
    with pytest.raises(MissingMarkersError):
        catalogue.rewritten(text)


def test_the_readme_names_what_the_standard_alone_decides() -> None:
    """By that list a reader knows which findings of incidents a check ends."""
    listed = README.partition("that the standard alone decides:")[2].partition(".\n")[0].partition(". All")[0]
    alone = [each.id for each in CONTROLS.values() if each.basis is Basis.STANDARD]
    assert sorted(re.findall(r"`([a-z]+\.[a-z-]+)`", listed)) == sorted(alone)
