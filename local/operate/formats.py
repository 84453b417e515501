"""A check's report for machines: JSON, CSV and AWS Security Finding Format. Pure."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from local.operate.report import Report
from relight.asff import (
    BATCH,
    BEST_PRACTICES,
    DESCRIPTION,
    TEXT,
    TITLE,
    TYPES,
    Importer,
    common,
    requirements,
    text,
    types,
)
from relight.message import shown
from relight.model import Basis
from relight.plain import plain
from relight.policy import CONTROLS

COLUMNS = (
    "severity", "control", "title", "references", "account", "region", "resource", "name", "outcome", "drifts", "note",
    "would_call",
)  # fmt: skip
UNCHECKED = "could not check"
# What spreadsheets take for the beginning of a formula (https://owasp.org/www-community/attacks/CSV_Injection).
FORMULA = ("=", "+", "-", "@")


def as_json(report: Report) -> str:
    """All of it."""
    return json.dumps(report, indent=2, default=str) + "\n"


def as_csv(report: Report) -> str:
    """A row a finding, and one for whatever could not be checked."""
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(COLUMNS)
    for each in report["findings"]:
        texts = {**each, "drifts": "\n".join(_drifts(each)), "would_call": "\n".join(each["would_call"])}
        rows.writerow([_cell(texts[column]) for column in COLUMNS])
    for each in report["unchecked"]:
        texts = {**each, "resource": each["what"], "outcome": UNCHECKED, "note": each["why"]}
        rows.writerow([_cell(texts.get(column, "")) for column in COLUMNS])
    return written.getvalue()


def _cell(value: object) -> str:
    """Text that no spreadsheet takes for a formula, and no terminal for a command."""
    text = "\n".join(plain(line) for line in str(value).split("\n"))
    return f"'{text}" if text.startswith(FORMULA) else text


def _drifts(finding: Mapping[str, Any]) -> Iterator[str]:
    for each in finding["drifts"]:
        advice = f" ({each['manual']})" if each["manual"] else ""
        yield f"{each['field']}: {shown(each['found'])} → {shown(each['wanted'])}{advice}"


def as_asff(report: Report, partition: str) -> str:
    """Security Hub's findings: each line is a request of BatchImportFindings, which takes a hundred.

    What is met has one, too: a finding that failed once stands until one of the same id has passed. Passed ones stay
    ACTIVE, and hubs and consoles tell them by Compliance.Status: the workflow is the customer's, not the importer's
    (https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchImportFindings.html).
    """
    product = partial(_common, report, partition)
    findings = [
        *({**product(each, each["control"], _judged(each)), **_failed(each)} for each in report["findings"]),
        *({**product(each, each["control"], _judged(each)), **_passed(each)} for each in report["met"]),
        *({**product(each, "could-not-check", each["what"]), **_unavailable(each)} for each in report["unchecked"]),
    ]
    batches = (findings[start : start + BATCH] for start in range(0, len(findings), BATCH))
    return "".join(json.dumps({"Findings": batch}) + "\n" for batch in batches)


def _common(report: Report, partition: str, row: Mapping[str, Any], generator: str, about: str) -> dict[str, Any]:
    """One of the account's own products, in the Region that is imported into: the first that was checked."""
    to = Importer(partition, row["account"], report["regions"][0])
    now = report["generated"]
    return common(to, row["account"], generator, f"{row['region']} {about}", now, now)


def _judged(row: Mapping[str, Any]) -> str:
    """What makes it another finding: the resource, and that no baseline was asked where that matters.

    So a check ends an incident's finding only where the standard alone says what is right: it knows nothing of the
    baseline that an incident's resource may still differ from.
    """
    alone = CONTROLS[row["control"]].basis is Basis.STANDARD
    return str(row["resource"]) if alone else f"{row['resource']} without a baseline"


def _failed(finding: Mapping[str, Any]) -> dict[str, Any]:
    told = " ".join(("Not so:", finding["title"] + ".", *_drifts(finding), finding["note"]))
    return _concluded(finding, "FAILED", told, _remedy(finding))


def _passed(met: Mapping[str, Any]) -> dict[str, Any]:
    return _concluded(met, "PASSED", f"So it is: {met['title']}.", [f"See relight explain {met['control']}."])


def _concluded(row: Mapping[str, Any], status: str, told: str, remedy: Iterable[str]) -> dict[str, Any]:
    kind = row["control"].partition(".")[0]
    resource = {"Type": TYPES.get(kind, "Other"), "Id": text(row["resource"], TEXT), "Region": row["region"]}
    return {
        "FindingProviderFields": {"Severity": {"Label": row["severity"]}, "Types": types(row["references"])},
        "Title": text(f"{row['control']}: {row['title']}", TITLE),
        "Description": text(told, DESCRIPTION),
        "Remediation": {"Recommendation": {"Text": text(" ".join(remedy), TEXT)}},
        "Resources": [resource],
        "Compliance": {"Status": status, **requirements(row["references"])},
    }


def _unavailable(unchecked: Mapping[str, Any]) -> dict[str, Any]:
    why = text(unchecked["why"], DESCRIPTION)
    account = {"Type": "AwsAccount", "Id": f"AWS::::Account:{unchecked['account']}", "Region": unchecked["region"]}
    return {
        "FindingProviderFields": {"Severity": {"Label": "INFORMATIONAL"}, "Types": [BEST_PRACTICES]},
        "Title": text(f"Could not check {unchecked['what']}", TITLE),
        "Description": why,
        "Remediation": {"Recommendation": {"Text": "Let whoever checks read it: nobody knows whether it complies."}},
        "Resources": [account],
        "Compliance": {
            "Status": "NOT_AVAILABLE",
            "StatusReasons": [{"ReasonCode": "CHECK_FAILED", "Description": why}],
        },
    }


def _remedy(finding: Mapping[str, Any]) -> Iterable[str]:
    advice = list(dict.fromkeys(each["manual"] for each in finding["drifts"] if each["manual"]))
    if finding["would_call"]:
        return [f"relight check --fix --control {finding['control']} calls", *finding["would_call"], *advice]
    return advice or [f"See relight explain {finding['control']}."]
