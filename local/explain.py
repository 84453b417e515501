"""`relight explain`: a control, told from the code and the template, so that it is never stale."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from local.settings import PROJECT
from local.show import Screen
from relight.policy import CONTROLS, Control
from relight.policy.control import REPORTS

# Whose functions the sweep does not ask, and which are therefore not among its families.
OTHERS = {"guard": "GuardFunction", "endpoint": "EndpointDeniedFunction"}


def run(screen: Screen, name: str | None) -> int:
    """Shows one control, or lists all; the exit status: 2 where there is no such control."""
    if name is None:
        rows = [(each.id, each.severity, each.title) for each in CONTROLS.values()]
        screen.words(("Control", "Severity", "Compliant when"), rows)
        return 0
    if name not in CONTROLS:
        near = get_close_matches(name, CONTROLS, n=3)
        hint = f"Did you mean {' or '.join(near)}?" if near else "relight explain lists all."
        screen.line(f"There is no control {name}. {hint}")
        return 2
    screen.heading(f"{name}: {CONTROLS[name].title}")
    screen.facts(facts(CONTROLS[name]))
    return 0


def facts(control: Control) -> Iterator[tuple[str, str]]:
    """What there is to know of a control: label and text."""
    function, permissions = power(control.kind)
    yield "Checks", inspect.cleandoc(_of(control).__doc__ or control.title)
    if control.id in REPORTS:
        yield "The sweep asks too", inspect.cleandoc(REPORTS[control.id].__doc__ or "")
    yield "Asked for by", control.references or "no benchmark"
    yield "Severity", control.severity.capitalize()
    yield "Looked at after", ", ".join(control.triggers)
    yield "Repaired by", control.repair or "nothing: it is told, and a person must act"
    yield "Costs", f"{control.costs} (US dollars in us-east-1, November 2026)" if control.costs else "next to nothing"
    yield "Taken away", control.restore
    yield "Never there", control.introduce
    if control.create:
        yield "Just made", control.create
    yield "Function", function
    for sid, actions in permissions:
        yield "Its role may", f"{', '.join(actions)} ({sid})"


def _of(control: Control) -> Any:
    """The function that checks: the fifteen alarms share one, bound to each."""
    return getattr(control.check, "func", control.check)


def power(kind: str) -> tuple[str, list[tuple[str, tuple[str, ...]]]]:
    """The logical id of the function that looks after a kind, and what its role allows it on the account's logging.

    By statement: what it is for, and the actions. Raises LookupError where no function looks after that kind.
    """
    resources = _resources()
    families = resources["SweepFunction"]["Properties"]["Environment"]["Variables"]["RELIGHT_FAMILIES"]["Fn::Sub"]
    of_kind = dict(re.findall(r"(\w+)=\$\{(\w+)\}", families)) | OTHERS
    if kind not in of_kind:
        raise LookupError(f"no function of template.yaml looks after {kind}")
    function = of_kind[kind]
    role = resources[resources[function]["Properties"]["Role"]["Fn::GetAtt"][0]]["Properties"]
    own = [policy for policy in role["Policies"] if policy["PolicyName"] not in ("tell", "run")]
    statements = [statement for policy in own for statement in policy["PolicyDocument"]["Statement"]]
    return function, [(_words(each["Sid"]), _listed(each["Action"])) for each in statements]


@cache
def _resources() -> dict[str, Any]:
    resources: dict[str, Any] = yaml_parse((PROJECT / "template.yaml").read_text(encoding="utf-8"))["Resources"]
    return resources


def _words(sid: str) -> str:
    """ReadAndRepairRules → read and repair rules."""
    return " ".join(re.findall(r"[A-Z][a-z]*|[A-Z0-9]+", sid)).lower()


def _listed(actions: str | list[str]) -> tuple[str, ...]:
    return (actions,) if isinstance(actions, str) else tuple(actions)
