"""What security is told, as Security Hub takes it; and messages that are none of Relight's."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from relight import security_hub
from relight.asff import Importer, of_incident
from relight.errors import AwsError, MalformedRecord
from relight.model import Call, Cause, Drift, Incident, Outcome
from relight.render import render
from tests.unit.builders import (
    ACCOUNT,
    NOON,
    REGION,
    TRAIL_ARN,
    accepted_by_botocore,
    actor,
    finding,
    incident,
    resource,
)
from tests.unit.fakes import fake_aws

MEMBER = "210987654321"
HUB = Importer("aws", ACCOUNT, REGION)
LATER, TOLD = NOON + timedelta(seconds=7), "2026-03-14T12:00:07.000Z"


def event(*told: Incident | dict[str, Any]) -> dict[str, Any]:
    """As SNS hands it to a function."""
    data = [render(each).data if isinstance(each, Incident) else each for each in told]
    return {
        "Records": [
            {"EventSource": "aws:sns", "Sns": {"Message": json.dumps(each), "Timestamp": TOLD}} for each in data
        ]
    }


def found(*told: Incident | dict[str, Any]) -> list[dict[str, Any]]:
    """The findings, which Security Hub's model accepts."""
    findings = list(security_hub.findings(event(*told), HUB))
    if findings:
        accepted_by_botocore(Call("securityhub", "BatchImportFindings", {"Findings": findings}))
    return findings


def test_a_finding_is_the_importers_own_and_names_whom_it_is_about() -> None:
    arn = TRAIL_ARN.replace(ACCOUNT, MEMBER)
    member = replace(resource(arn, region="eu-west-1"), account=MEMBER)
    (one,) = found(incident(resource=member))
    assert one["AwsAccountId"] == ACCOUNT, "AWS lets nobody import another account's"
    assert one["ProductArn"] == f"arn:aws:securityhub:{REGION}:{ACCOUNT}:product/{ACCOUNT}/default"
    (about,) = one["Resources"]
    assert (about["Type"], about["Id"], about["Region"]) == ("AwsCloudTrailTrail", member.arn, "eu-west-1")
    assert about["Details"]["Other"] == {"account": MEMBER, "actor": actor().arn, "call": "StopLogging"}
    assert (one["CreatedAt"], one["UpdatedAt"]) == ("2026-03-14T12:00:00.000Z", "2026-03-14T12:00:07.000Z")


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome.REPAIRED, "PASSED"),
        (Outcome.COMPLIANT, "PASSED"),
        (Outcome.CHANGED, "WARNING"),
        (Outcome.OBSERVED, "FAILED"),
        (Outcome.MANUAL, "FAILED"),
        (Outcome.FAILED, "FAILED"),
        (Outcome.UNKNOWN, "NOT_AVAILABLE"),
        (Outcome.OUT_OF_REACH, "NOT_AVAILABLE"),
        (Outcome.GONE, "NOT_AVAILABLE"),
    ],
)
def test_what_is_not_known_to_be_met_has_not_passed(outcome: Outcome, status: str) -> None:
    (one,) = found(incident(finding(outcome=outcome)))
    assert one["Compliance"]["Status"] == status


def test_each_finding_says_who_did_what_and_takes_the_place_of_the_last_of_its_kind() -> None:
    drift = Drift("KmsKeyId", found="", wanted="key", manual="Ask the key's owner.")
    other = finding(control="trail.encryption", drifts=(drift,), outcome=Outcome.MANUAL, cause=Cause.FOUND)
    first, second = found(incident(finding(), other))
    assert first["Description"] == "Repaired, taken-away: StopLogging by mallory. IsLogging: false → true."
    assert (first["GeneratorId"], second["GeneratorId"]) == ("relight/trail.logging", "relight/trail.encryption")
    assert second["Remediation"]["Recommendation"]["Text"] == "Ask the key's owner."
    kinds = [each["FindingProviderFields"]["Types"] for each in (first, second)]
    assert ["TTPs/Defense Evasion" in each for each in kinds] == [True, False]
    assert first["Id"] != second["Id"]
    again = incident(finding(outcome=Outcome.FAILED), event_id="another")
    assert [each["Id"] for each in found(again)] == [first["Id"]]


def test_what_an_intruder_wrote_stays_on_its_line() -> None:
    (one,) = found(incident(event_name="Stop\nLogging", actor=actor(arn="arn:aws:iam::1:user/x\x1b[31m" + "y" * 5000)))
    texts = json.dumps(one, ensure_ascii=False)
    assert "\x1b" not in texts
    assert "Stop\\\\u000aLogging" in texts


def test_a_digest_and_what_else_is_told_holds_no_finding() -> None:
    assert found({"version": 2, "sweep": {"id": "s"}}, {"version": 1, "guard": {}}) == []


@pytest.mark.parametrize(
    "given",
    [
        None,
        {},
        {"Records": [{"body": "{}"}]},
        {"Records": [{"Sns": {"Message": "no JSON", "Timestamp": TOLD}}]},
        {"Records": [{"Sns": {"Message": "7", "Timestamp": TOLD}}]},
        event({"findings": []}),
        {"Records": [{"Sns": {"Message": "{}", "Timestamp": "soon"}}]},
        event({**render(incident()).data, "actor": []}),
        event({**render(incident()).data, "event_time": "soon"}),
    ],
)
def test_what_is_no_message_of_relights_is_refused(given: Any) -> None:
    with pytest.raises(MalformedRecord):
        list(security_hub.findings(given, HUB))


def test_a_hundred_go_in_one_call_and_one_refused_is_an_error() -> None:
    aws, session = fake_aws(securityhub__BatchImportFindings={"FailedCount": 0, "FailedFindings": []})
    (one,) = of_incident(incident(), HUB, LATER)
    assert security_hub.imported(aws, iter([one] * 250)) == 250
    assert [len(params["Findings"]) for _, _, params in session.calls] == [100, 100, 50]
    refused = {"Id": "x", "ErrorCode": "InvalidInput", "ErrorMessage": "no such product"}
    aws, _ = fake_aws(securityhub__BatchImportFindings={"FailedFindings": [refused]})
    with pytest.raises(AwsError, match="InvalidInput"):
        security_hub.imported(aws, of_incident(incident(), HUB, LATER))
