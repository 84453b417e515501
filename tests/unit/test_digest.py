"""The sweep's message: the posture, what was repaired and what was not, cut to what SNS takes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from relight.digest import LARGEST, digest
from relight.message import Message
from relight.model import Drift, Incident, Outcome, Severity
from relight.progress import LENGTH, LINES, Progress
from tests.unit.builders import ACCOUNT, BUCKET_ARN, REGION, TRAIL_ARN, VPC_ARN, finding, incident, resource

WHERE = f"account {ACCOUNT}, {REGION}"
STATE = {"account": ACCOUNT, "region": REGION, "logging": True, "prefix": "", "bucket": "trail-logs"}
BASELINE = {"controls": ["trail.kms-encryption", "trail.logging"], "state": STATE}
REPORT: dict[str, Any] = {
    "looked_at": 5,
    "counts": {
        "vpc.flow-logs": [1, 3, 1, 0],
        "key.rotation": [0, 0, 0, 2],
        "trail.multi-region": [1, 0, 0, 0],
        "trail.logging": [1, 1, 0, 0],
    },
    "kept": {TRAIL_ARN: ["trail.logging", "trail.kms-encryption"]},
    "drifted": {VPC_ARN: ["vpc.flow-logs"]},
    "exempt": {BUCKET_ARN: ["bucket.access-logging: an archive, until 2027-06-30"]},
    "out_of_reach": {"arn:other": "it is\nsomebody else's"},
    "failed": {"vpc-2": "denied"},
}
REPAIRED = incident(
    finding(
        control="vpc.flow-logs",
        drifts=(Drift("FlowLogs", [], "REJECT"),),
        outcome=Outcome.REPAIRED,
        severity=Severity.HIGH,
    ),
    resource=resource(f"{VPC_ARN}-7"),
)


def progress(report: dict[str, Any] | None = None, **changes: Any) -> Progress:
    found = Progress("s1", **changes)
    found.add(REPORT if report is None else report)
    return found


def told(of: Progress, *incidents: Incident) -> Message:
    return digest(of, incidents, ACCOUNT, REGION)


def test_the_digest() -> None:
    swept = progress()
    swept.phase = "repair"
    swept.add({"counts": {"vpc.flow-logs": [1, -1, 0, 0]}})
    message = told(swept, REPAIRED)
    assert message.subject.startswith("[HIGH] Relight's sweep: 1 repaired, 1 not looked at, 1 new baselines in account")
    assert message.text == (
        f"""Relight looked at 5 resources of {WHERE}.

POSTURE, after this sweep
  A trail covers all Regions: 0 of 1 not (0.0 %; 3.4 % in the study)
  Log file validation: 0 of 0 not (nothing judged; 18.2 % in the study)
  Trail buckets are not public: 0 of 0 not (nothing judged; 0.13 % in the study)
  Trails reach CloudWatch Logs: 0 of 0 not (nothing judged; 53.8 % in the study)
  AWS Config records: 1 of 1 not (100.0 %; 9.1 % in the study)
  Trail buckets log access: 0 of 0 not (nothing judged; 41.1 % in the study)
  Trails are encrypted with a KMS key: 0 of 0 not (nothing judged; 91.4 % in the study)
  Customer keys are rotated: 0 of 0 not (nothing judged; 20.5 % in the study), 2 exempt or off
  VPC flow logs: 2 of 4 not (50.0 %; 81.2 % in the study), 3 before, 1 unknown
  1 of 1 other controls are not met everywhere: trail.logging (1)

REPAIRED: nobody knows who had changed it, for no event told
  {VPC_ARN}-7: vpc.flow-logs (FlowLogs: none → REJECT)

NEW BASELINES: what Relight puts back from now on
  {TRAIL_ARN}: trail.logging, trail.kms-encryption

NOT AS THE STANDARD DEMANDS, and only told
  {VPC_ARN}: vpc.flow-logs

EXEMPT, by standard.toml
  {BUCKET_ARN}: bucket.access-logging: an archive, until 2027-06-30

OUT OF REACH
  arn:other: it is\\u000asomebody else's

COULD NOT BE LOOKED AT
  vpc-2: denied

WHAT TO DO
  Look over new baselines once: what is wrong in them may be an attack that came before Relight did.
  What was repaired or is weaker was changed with no event told: CloudTrail's Event history knows by whom.
  relight explain CONTROL says what each control is about, and what its repair costs.
"""
    )
    data = message.data["sweep"]
    assert (message.data["version"], data["id"], data["looked_at"]) == (2, "s1", 5)
    assert data["posture"]["vpc.flow-logs"] == [2, 2, 1, 0]
    assert data["drifted"] == REPORT["drifted"]
    assert data["totals"] == {"kept": 1, "drifted": 1, "exempt": 1, "out_of_reach": 1, "failed": 1, "repaired": 1}
    assert message.attributes == {"severity": "HIGH", "account": ACCOUNT, "region": REGION, "outcome": "swept"}


@pytest.mark.parametrize(
    ("report", "severity", "subject"),
    [
        ({}, "LOW", "0 not as the standard demands"),
        ({"kept": {"a": ["x"]}}, "LOW", "1 new baselines"),
        ({"weaker": {"a": ["x"]}}, "HIGH", "1 weaker than their baseline"),
        ({"unrepaired": {"a": "denied"}}, "HIGH", "1 not repairable"),
    ],
)
def test_what_is_grave_comes_into_the_subject(report: dict[str, Any], severity: str, subject: str) -> None:
    message = told(progress(report))
    assert message.subject.startswith(f"[{severity}] Relight's sweep: {subject} in account")
    assert message.attributes["severity"] == severity


def test_what_is_left_is_counted_by_severity_the_worst_first() -> None:
    message = told(progress({}, over={"LOW": 3, "CRITICAL": 1}))
    heading = "LEFT FOR THE NEXT SWEEP, over this one's cap (parameter SweepRepairCap)"
    assert f"\n{heading}: 1 CRITICAL, 3 LOW\n" in message.text
    assert message.subject.startswith("[CRITICAL] Relight's sweep: 4 left for the next in")


def test_a_full_digest_has_all_baselines_with_their_values() -> None:
    message = told(progress({**REPORT, "baselines": {TRAIL_ARN: BASELINE}}, full=True))
    assert f"\n  {TRAIL_ARN}: trail.kms-encryption, trail.logging (logging=true, bucket=trail-logs)\n" in message.text
    assert "NEW BASELINES" not in message.text


def test_a_failed_repair_is_not_listed_as_repaired() -> None:
    failed = replace(REPAIRED, findings=tuple(replace(f, outcome=Outcome.FAILED) for f in REPAIRED.findings))
    message = told(progress({"unrepaired": {VPC_ARN: "denied"}}), failed)
    assert "REPAIRED:" not in message.text
    assert f"\nCOULD NOT BE REPAIRED\n  {VPC_ARN}: denied\n" in message.text


def test_very_much_is_counted_and_cut() -> None:
    message = told(progress({"drifted": {f"arn:{n}": ["x"] for n in range(LINES + 3)}}))
    assert "\n  … and 3 more: see the functions' logs\n" in message.text
    assert f"\n  arn:{LINES - 1}: x\n" in message.text
    assert f"arn:{LINES}:" not in message.text
    assert message.data["sweep"]["totals"]["drifted"] == LINES + 3


def test_the_longest_lines_still_fit_into_a_message() -> None:
    long = {f"{n:04}" + "n" * 5000: ["v" * 400, "v" * 400] for n in range(1000)}
    parts = ("kept", "weaker", "drifted", "exempt", "unrepaired", "out_of_reach", "failed")
    message = told(progress(dict.fromkeys(parts, long)))
    assert len(message.text) + len(json.dumps(message.data)) < LARGEST
    assert message.text.count("… and 9") == len(parts)
    assert max(map(len, message.data["sweep"]["drifted"])) == LENGTH
