"""A check's report for machines: what Security Hub accepts, and text that no spreadsheet or terminal obeys."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import botocore.session
from botocore.validate import validate_parameters

from local.operate.formats import as_asff, as_csv, as_json
from local.operate.report import Report
from relight.asff import Importer, of_incident
from tests.unit import builders
from tests.unit.builders import incident, resource

ACCOUNT, REGION = "123456789012", "eu-central-1"
NASTY = "=cmd|' /C calc'!A0\x1b[31m\n"


def finding(**changes: Any) -> dict[str, Any]:
    return {
        "severity": "HIGH",
        "control": "vpc.flow-logs",
        "title": "The VPC has an active flow log",
        "references": "CIS 3.7, Security Hub EC2.6",
        "resource": f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc/vpc-1",
        "name": "vpc-1",
        "account": ACCOUNT,
        "region": REGION,
        "outcome": "observed",
        "drifts": [{"field": "FlowLogs", "found": [], "wanted": [{"traffic": "REJECT"}], "manual": ""}],
        "note": "",
        "would_call": ['ec2:CreateFlowLogs {"ResourceIds": ["vpc-1"]}'],
        **changes,
    }


def met(**changes: Any) -> dict[str, Any]:
    kept = ("severity", "control", "title", "references", "resource", "name", "account", "region")
    return {**{name: finding()[name] for name in kept}, **changes}


def report(
    *findings: dict[str, Any], unchecked: tuple[dict[str, str], ...] = (), met: tuple[dict[str, Any], ...] = ()
) -> Report:
    return {
        "version": 1,
        "generated": "2026-11-21T12:00:00+00:00",
        "accounts": [ACCOUNT],
        "regions": [REGION, "us-east-1"],
        "command": "relight check",
        "posture": [],
        "findings": list(findings),
        "met": list(met),
        "unchecked": list(unchecked),
        "exempt": [],
        "history": [],
        "evidence": [],
    }


UNREAD = {"account": ACCOUNT, "region": REGION, "what": "vpc", "why": "ec2:DescribeVpcs: UnauthorizedOperation: no"}


def imported(data: Report) -> list[dict[str, Any]]:
    """All findings, as Security Hub would take them."""
    model = botocore.session.get_session().get_service_model("securityhub")
    shape = model.operation_model("BatchImportFindings").input_shape
    assert shape is not None
    batches = [json.loads(line) for line in as_asff(data, "aws-cn").splitlines()]
    for batch in batches:
        validate_parameters(batch, shape)
        assert 1 <= len(batch["Findings"]) <= 100
    found = [each for batch in batches for each in batch["Findings"]]
    for each in found:
        assert len(each["Id"]) <= 512
        assert 1 <= len(each["Title"]) <= 256
        assert 1 <= len(each["Description"]) <= 1024
        assert 1 <= len(each["Remediation"]["Recommendation"]["Text"]) <= 512
        assert all(len(resource["Id"]) <= 512 for resource in each["Resources"])
    return found


def test_a_finding_in_asff() -> None:
    (found,) = imported(report(finding()))
    assert found["ProductArn"] == f"arn:aws-cn:securityhub:{REGION}:{ACCOUNT}:product/{ACCOUNT}/default"
    assert (found["GeneratorId"], found["AwsAccountId"]) == ("relight/vpc.flow-logs", ACCOUNT)
    assert found["FindingProviderFields"]["Severity"] == {"Label": "HIGH"}
    assert found["FindingProviderFields"]["Types"] == [
        "Software and Configuration Checks/AWS Security Best Practices",
        "Software and Configuration Checks/Industry and Regulatory Standards/CIS AWS Foundations Benchmark",
    ]
    assert found["Compliance"] == {"Status": "FAILED", "RelatedRequirements": ["CIS 3.7", "Security Hub EC2.6"]}
    assert found["Resources"] == [
        {"Type": "AwsEc2Vpc", "Id": f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc/vpc-1", "Region": REGION}
    ]
    assert found["Description"] == "Not so: The VPC has an active flow log. FlowLogs: none → traffic=REJECT"
    assert "ec2:CreateFlowLogs" in found["Remediation"]["Recommendation"]["Text"]


def test_what_could_not_be_checked_is_not_available() -> None:
    (found,) = imported(report(unchecked=(UNREAD,)))
    assert found["Compliance"]["Status"] == "NOT_AVAILABLE"
    assert found["Resources"] == [{"Type": "AwsAccount", "Id": f"AWS::::Account:{ACCOUNT}", "Region": REGION}]
    assert "ec2:DescribeVpcs: UnauthorizedOperation" in found["Description"]


def test_a_finding_keeps_its_id_and_no_two_share_one() -> None:
    other = finding(resource=f"arn:aws:ec2:{REGION}:{ACCOUNT}:vpc/vpc-2")
    elsewhere = {**UNREAD, "region": "us-east-1"}
    data = report(finding(), other, unchecked=(UNREAD, elsewhere))
    ids = [each["Id"] for each in imported(data)]
    assert len(set(ids)) == 4
    assert ids == [each["Id"] for each in imported({**data, "generated": "2027-01-01T00:00:00+00:00"})]


def test_what_is_met_ends_the_finding_that_said_it_was_not() -> None:
    later = "2026-11-22T12:00:00+00:00"
    (failed,) = imported(report(finding()))
    (passed,) = imported({**report(met=(met(),)), "generated": later})
    assert (passed["Id"], passed["ProductArn"]) == (failed["Id"], failed["ProductArn"])
    assert passed["UpdatedAt"] == later
    assert passed["Compliance"] == {**failed["Compliance"], "Status": "PASSED"}
    assert (passed["RecordState"], passed["Title"]) == ("ACTIVE", failed["Title"])
    assert passed["Resources"] == failed["Resources"]
    assert passed["Description"] == "So it is: The VPC has an active flow log."


def test_a_check_without_a_baseline_ends_only_what_it_can_judge() -> None:
    """An incident may have failed because logs went elsewhere than they did: a check knows nothing of that."""
    to = Importer("aws-cn", ACCOUNT, REGION)

    def incidents(control: str) -> str:
        told = incident(builders.finding(control=control), resource=resource(region=REGION))
        (one,) = of_incident(told, to, builders.NOON)
        return str(one["Id"])

    def checks(control: str) -> str:
        (one,) = imported(report(met=(met(control=control, resource=builders.TRAIL_ARN),)))
        (failed,) = imported(report(finding(control=control, resource=builders.TRAIL_ARN)))
        assert failed["Id"] == one["Id"]
        return str(one["Id"])

    assert checks("trail.logging") == incidents("trail.logging"), "the standard alone says what is right"
    assert checks("trail.cloudwatch-logs") != incidents("trail.cloudwatch-logs"), "so does the baseline"


def test_asff_comes_in_batches_that_security_hub_takes_whatever_the_findings_hold() -> None:
    long = finding(resource="arn:aws:logs:" + "x" * 700, title="t" * 400, note="n" * 5000, would_call=["c" * 5000])
    bare = finding(control="logs.retention", references="", drifts=[], would_call=[])
    findings = imported(report(*[finding()] * 248, long, bare, met=tuple([met(title="t" * 400)] * 101)))
    assert len(findings) == 351
    findings = [each for each in findings if each["Compliance"]["Status"] == "FAILED"]
    assert len(findings) == 250
    assert findings[-1]["Compliance"] == {"Status": "FAILED"}
    assert findings[-1]["Remediation"]["Recommendation"]["Text"] == "See relight explain logs.retention."


def test_no_finding_is_no_request() -> None:
    assert as_asff(report(), "aws") == ""


def test_csv_is_no_formula_and_no_command() -> None:
    written = as_csv(report(finding(name=NASTY, note=NASTY), unchecked=({**UNREAD, "what": "-nasty"},)))
    assert "\x1b" not in written
    rows = list(csv.reader(io.StringIO(written)))
    assert len(rows) == 3
    assert not [cell for each in rows for cell in each if cell.startswith(("=", "+", "-", "@"))]
    shown = dict(zip(*rows[:2], strict=True))
    assert shown["drifts"] == "FlowLogs: none → traffic=REJECT"
    assert shown["name"].startswith("'=cmd")
    unchecked = dict(zip(rows[0], rows[2], strict=True))
    assert (unchecked["outcome"], unchecked["resource"], unchecked["control"]) == ("could not check", "'-nasty", "")


def test_json_is_the_report_in_ascii() -> None:
    data = report(finding(name=NASTY))
    assert json.loads(as_json(data)) == data
    assert as_json(data).isascii()
    assert "\x1b" not in as_json(data)
