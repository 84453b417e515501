"""What a check found, as plain JSON data: what every output is written from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from local.operate.scan import Scan, Violation
from relight.model import Call, Finding, Resource
from relight.policy.state import lasting
from relight.posture import Row, table
from relight.standard import Exemption

VERSION = 1
Report = Mapping[str, Any]


def report(
    scan: Scan, account: str, regions: Sequence[str], controls: frozenset[str], command: str, now: datetime
) -> Report:
    """The data: the posture in the order of the table, findings with the worst first.

    `history` and `evidence` are empty: a deployed stack's ledger has them (archive.py).
    """
    return {
        "version": VERSION,
        "generated": now.isoformat(timespec="seconds"),
        "accounts": [account],
        "regions": list(regions),
        "command": command,
        "posture": [_row(row) for row in table({account: scan.counts}) if row.control in controls],
        "findings": [_finding(each) for each in sorted(scan.violations, key=worst_first)],
        "met": sorted((_about(*each) for each in scan.met), key=lambda each: (each["control"], each["resource"])),
        "unchecked": sorted(
            (
                {"account": account, "region": each.region, "what": each.what, "why": each.why}
                for each in scan.unchecked
            ),
            key=lambda each: (each["region"], each["what"]),
        ),
        "exempt": sorted(
            (_exempt(*each) for each in scan.exempt), key=lambda each: (each["control"], each["resource"])
        ),
        "history": [],
        "evidence": [],
    }


def worst_first(violation: Violation) -> tuple[int, str, str]:
    """The order of findings: by severity, control and ARN."""
    return -violation.finding.severity.rank, violation.finding.control, violation.resource.arn


def _row(row: Row) -> dict[str, Any]:
    count = row.count
    return {
        "title": row.title,
        "control": row.control,
        "unit": row.unit,
        "met": count.met,
        "violated": count.violated,
        "unknown": count.unknown,
        "exempt": count.exempt,
        "percent": row.percent,
        "study": row.study,
    }


def _about(finding: Finding, resource: Resource) -> dict[str, Any]:
    """What was judged of what."""
    return {
        "severity": finding.severity.value,
        "control": finding.control,
        "title": finding.title,
        "references": finding.references,
        "resource": resource.arn,
        "name": resource.name,
        "account": resource.account,
        "region": resource.region,
    }


def _finding(violation: Violation) -> dict[str, Any]:
    finding = violation.finding
    return {
        **_about(finding, violation.resource),
        "outcome": finding.outcome.value,
        "drifts": [
            {"field": each.field, "found": lasting(each.found), "wanted": lasting(each.wanted), "manual": each.manual}
            for each in finding.drifts
        ],
        "note": finding.note,
        "would_call": list(spelled(violation.calls)),
    }


def spelled(calls: Iterable[Call]) -> Iterator[str]:
    """Each call as it is sent, and below it what takes its place where AWS refuses it."""
    for call in calls:
        yield str(call)
        yield from (f"if AWS refuses that: {other}" for other in spelled(call.instead))


def _exempt(control: str, arn: str, exemption: Exemption) -> dict[str, str]:
    return {
        "control": control,
        "resource": arn,
        "reason": exemption.reason,
        "expires": exemption.expires.isoformat(),
    }
