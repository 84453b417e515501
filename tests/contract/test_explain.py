"""`relight explain` says the truth about every control, since it reads it where it stands."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from local import explain
from local.cli import main
from relight.policy import CONTROLS, Control
from relight.policy.control import REPORTS
from tests.contract.template import actions, functions

every_control = pytest.mark.parametrize("control", CONTROLS.values(), ids=lambda each: each.id)


@every_control
def test_every_control_is_explained(control: Control) -> None:
    shown = CliRunner().invoke(main, ["explain", control.id])
    assert shown.exit_code == 0
    facts = dict(explain.facts(control))
    for label in ("Checks", "Severity", "Looked at after", "Repaired by", "Costs", "Taken away", "Function"):
        assert facts[label], f"{control.id} says nothing of {label}"
        assert label in shown.output


@pytest.mark.parametrize("control", REPORTS)
def test_what_aws_reports_to_fail_is_explained(control: str) -> None:
    assert dict(explain.facts(CONTROLS[control]))["The sweep asks too"], f"{control}: say in a docstring what fails"


@every_control
def test_what_its_function_may_is_what_its_role_allows(control: Control) -> None:
    name, permissions = explain.power(control.kind)
    (function,) = (each for each in functions().values() if each.logical_id == name)
    said = {action for _, listed in permissions for action in listed}
    assert said <= actions(function.role)
    assert {action.partition(":")[0] for action in actions(function.role) - said} <= {
        "dynamodb",
        "iam",
        "kms",
        "logs",
        "sns",
        "sqs",
        "sts",
    }


def test_a_kind_without_a_function_is_an_error() -> None:
    with pytest.raises(LookupError, match="looks after weather"):
        explain.power("weather")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("trail.loging", "There is no control trail.loging. Did you mean trail.logging"),
        ("weather", "There is no control weather. relight explain lists all."),
    ],
)
def test_an_unknown_control_is_named_with_the_way_out(given: str, said: str) -> None:
    shown = CliRunner().invoke(main, ["explain", given])
    assert shown.exit_code == 2
    assert said in shown.output


def test_without_a_name_all_are_listed() -> None:
    shown = CliRunner().invoke(main, ["explain"])
    assert shown.exit_code == 0
    assert [line.split()[0] for line in shown.output.splitlines()[1:]] == list(CONTROLS)


def test_a_shell_completes_their_names() -> None:
    shown = CliRunner().invoke(
        main,
        [],
        prog_name="relight",
        env={"_RELIGHT_COMPLETE": "bash_complete", "COMP_WORDS": "relight explain vpc", "COMP_CWORD": "2"},
    )
    assert "vpc.flow-logs" in shown.output
