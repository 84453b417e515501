"""`relight check`: an account as it is, against the standard; reads only, unless it is asked to repair.

It needs no deployed stack, and judges without one's baselines: whatever is wrong was never there. A stack that is named
adds what its ledger keeps: the trend, and what was repaired.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import click

from local.operate import archive
from local.operate.deployment import OperatorError, Session, look_up
from local.operate.fix import fix
from local.operate.formats import as_asff, as_csv, as_json
from local.operate.page import page
from local.operate.report import Report, report
from local.operate.scan import NO_TOPIC, Scan, Scanner
from local.show import Screen
from relight.aws import Aws
from relight.errors import AwsError, InvalidSetting
from relight.plain import plain
from relight.policy import CONTROLS, check_settings
from relight.standard import REGION, SHIPPED, Standard, load
from relight.sweep import KINDS

COMPLIANT, VIOLATED, UNCHECKED = 0, 1, 2  # exit status
# What only a stack has, and where the standard reads it: option → variable.
SETTINGS = {
    "topic": "RELIGHT_TOPIC",
    "trail_key": "RELIGHT_TRAIL_KEY",
    "access_log_bucket": "RELIGHT_ACCESS_LOG_BUCKET",
    "flow_logs_role": "RELIGHT_FLOW_LOGS_ROLE",
    "trail_logs_role": "RELIGHT_TRAIL_LOGS_ROLE",
}
# The controls of what is looked at: not of Relight's own parts, nor of what only an event tells.
LOOKED_AT = frozenset(row.id for row in CONTROLS.values() if row.kind in {kind.KIND for kind in KINDS})


@dataclass(frozen=True)
class Wanted:
    """What the operator asked for."""

    regions: Sequence[str] = ()  # none: the session's
    all_regions: bool = False
    controls: frozenset[str] = LOOKED_AT
    file: Path | None = None  # none: the shipped one
    settings: Mapping[str, str] = field(default_factory=dict)  # by the keys of SETTINGS
    output: str = "table"
    fix: bool = False
    cap: int = 50
    all_accounts: bool = False  # the evidence of a hub's members, too
    stack: str = ""  # whose ledger has the trend and the evidence; none: neither is shown
    command: str = "relight check"


def run(session: Session, wanted: Wanted, confirmed: Callable[[], bool]) -> int:
    """Checks and, where asked, repairs and checks again; the exit status. Raises OperatorError."""
    account, who = session.identity()
    regions = _regions(session, wanted)
    kept = _kept(wanted, Aws(account, session.region, session), who)
    standard = _standard(wanted, account, who.split(":")[1], session.region)
    scanner = Scanner(session, standard, wanted.controls)
    for_people = wanted.output == "table"
    progress = Screen(sys.stderr)
    screen = Screen() if for_people else progress  # what machines read stands alone
    forms: dict[str, Callable[[Report], str]] = {
        "json": as_json,
        "csv": as_csv,
        "asff": partial(as_asff, partition=standard.partition),
        "html": page,
    }

    def write(data: Report) -> None:
        if for_people:
            _show(screen, data)
        else:
            click.echo(forms[wanted.output](data), nl=False)

    def check() -> tuple[Scan, Report]:
        with progress.busy(f"Looking at account {account}") as say:
            scan = scanner.scan(regions, say)
        found = report(scan, account, regions, wanted.controls, wanted.command, scanner.clock.now())
        return scan, {**found, **kept}

    scan, data = check()
    if for_people or not wanted.fix:
        write(data)
    if wanted.fix:
        fixed = fix(scanner, scan, screen, wanted.cap, confirmed)
        if fixed:
            before, (_, data) = data, check()
            screen.change(before["posture"], data["posture"])
        if fixed or not for_people:
            write(data)
    return status(data)


def _show(screen: Screen, data: Report) -> None:
    """For people: the table, then what there is to do."""
    screen.heading(f"Account {', '.join(data['accounts'])}, {', '.join(data['regions'])}")
    screen.posture(data["posture"])
    if data["findings"]:
        screen.heading("Violations, the worst first")
    for finding in data["findings"]:
        screen.violation(finding)
    _list(screen, "Could not check", (f"{each['region']}  {each['what']}: {each['why']}" for each in data["unchecked"]))
    exempt = (f"{e['control']}  {e['resource']}: {e['reason']}, until {e['expires']}" for e in data["exempt"])
    _list(screen, "Exempt, by the standard", exempt)
    violations, unchecked = len(data["findings"]), len(data["unchecked"])
    parts = [f"{violations} violation{'' if violations == 1 else 's'}"]
    parts += [f"{unchecked} could not be checked: this is no verdict"] if unchecked else []
    screen.verdict(f"{', '.join(parts)}.", good=status(data) == COMPLIANT)


def _list(screen: Screen, title: str, lines: Iterable[str]) -> None:
    for number, line in enumerate(lines):
        if not number:
            screen.heading(title)
        screen.line(f"  {plain(line)}")


def status(data: Report) -> int:
    """What could not be checked is no verdict, whatever else was found."""
    if data["unchecked"]:
        return UNCHECKED
    return VIOLATED if data["findings"] else COMPLIANT


def _kept(wanted: Wanted, aws: Aws, who: str) -> dict[str, Any]:
    """What the ledger of the stack adds to a report. Raises OperatorError."""
    if wanted.stack:
        return archive.kept(look_up(wanted.stack, aws, who), all_accounts=wanted.all_accounts)
    if wanted.all_accounts:
        raise OperatorError("--all-accounts asks for the evidence of a hub's ledger: name the hub's --stack, too")
    return {}


def _regions(session: Session, wanted: Wanted) -> list[str]:
    """The Regions, the main one first. Raises OperatorError."""
    for region in wanted.regions:
        if not re.fullmatch(REGION, region):
            raise OperatorError(f"{region} is no Region's name: pass --region eu-central-1, for example")
    enabled = []
    if wanted.all_regions:
        place = Aws("", session.region, session).home
        usable = [{"Name": "opt-in-status", "Values": ["opt-in-not-required", "opted-in"]}]
        try:
            shown = place.read("ec2", "DescribeRegions", Filters=usable) or {}
        except AwsError as error:
            raise OperatorError(f"{error}; name each --region instead") from error
        enabled = sorted(each["RegionName"] for each in shown["Regions"])
    return list(dict.fromkeys((*(wanted.regions or [session.region]), *enabled)))


def _standard(wanted: Wanted, account: str, partition: str, region: str) -> Standard:
    """What the organisation demands; what only a stack has, the options say. Raises OperatorError."""
    environ = {
        "RELIGHT_ACCOUNT": account,
        "AWS_REGION": region,
        "RELIGHT_TOPIC": f"arn:{partition}:sns:{region}:{account}:{NO_TOPIC}",
        **{SETTINGS[option]: value for option, value in wanted.settings.items()},
    }
    try:
        standard = load(environ, wanted.file or SHIPPED)
        check_settings(standard)
    except InvalidSetting as error:
        text = str(error)
        for option, variable in SETTINGS.items():
            text = text.replace(f"environment variable {variable} ", f"--{option.replace('_', '-')} ")
        raise OperatorError(text) from error
    return standard
