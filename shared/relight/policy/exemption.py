"""Exemptions: what the organisation has decided to leave as it is, until a day that it has set."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from relight.model import MET, Cause, Finding
from relight.standard import Exemption, Standard


def exempt(
    findings: Iterable[Finding], arn: str, standard: Standard, today: date
) -> tuple[tuple[Finding, ...], dict[str, Exemption]]:
    """The findings that are still to be dealt with, and the exemptions that took away the others, by control.

    An exemption that has expired takes nothing away; the finding says so.
    """
    remaining: list[Finding] = []
    taken: dict[str, Exemption] = {}
    for finding in findings:
        exemption = standard.exemption(finding.control, arn)
        if exemption is None or (finding.outcome in MET and finding.cause is not Cause.TAKEN):
            remaining.append(finding)
        elif today > exemption.expires:
            expired = f"Its exemption ({exemption.reason}) expired on {exemption.expires}."
            remaining.append(replace(finding, note=" ".join(filter(None, (finding.note, expired)))))
        else:
            taken[finding.control] = exemption
    return tuple(remaining), taken
