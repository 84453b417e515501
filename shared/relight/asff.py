"""What Relight found in AWS Security Finding Format, which Security Hub imports. Pure.

https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format-syntax.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from relight.message import shown
from relight.model import MET, Cause, Finding, Incident, Outcome
from relight.plain import plain

# https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchImportFindings.html
BATCH = 100
# Characters that ASFF takes (botocore's model of Security Hub).
TITLE, DESCRIPTION, TEXT, DETAIL = 256, 1024, 512, 1024
CHECKS = "Software and Configuration Checks"
BEST_PRACTICES = f"{CHECKS}/AWS Security Best Practices"
CIS = f"{CHECKS}/Industry and Regulatory Standards/CIS AWS Foundations Benchmark"
EVASION = "TTPs/Defense Evasion"
# https://docs.aws.amazon.com/securityhub/latest/userguide/asff-resources.html; whatever else is "Other".
TYPES = {
    "trail": "AwsCloudTrailTrail",
    "vpc": "AwsEc2Vpc",
    "bucket": "AwsS3Bucket",
    "key": "AwsKmsKey",
}
PASSED, WARNING, FAILED, NOT_AVAILABLE = "PASSED", "WARNING", "FAILED", "NOT_AVAILABLE"
STATUSES = dict.fromkeys(Outcome, FAILED) | {
    **dict.fromkeys(MET, PASSED),
    Outcome.CHANGED: WARNING,
    **dict.fromkeys((Outcome.OUT_OF_REACH, Outcome.GONE, Outcome.UNKNOWN), NOT_AVAILABLE),
}


@dataclass(frozen=True, slots=True)
class Importer:
    """The account and Region whose Security Hub takes the findings, as its own: AWS lets nobody import another's."""

    partition: str
    account: str
    region: str


def common(to: Importer, owner: str, generator: str, about: str, created: str, updated: str) -> dict[str, Any]:
    """What every finding has: `owner` is the account that it is about, `about` what makes it another one there."""
    return {
        "SchemaVersion": "2018-10-08",
        "Id": f"relight/{owner}/{generator}/{sha256(about.encode()).hexdigest()}",
        "ProductArn": f"arn:{to.partition}:securityhub:{to.region}:{to.account}:product/{to.account}/default",
        "GeneratorId": f"relight/{generator}",
        "AwsAccountId": to.account,
        "CreatedAt": created,
        "UpdatedAt": updated,
        "RecordState": "ACTIVE",
    }


def of_incident(incident: Incident, to: Importer, now: datetime) -> Iterator[dict[str, Any]]:
    """A finding for each of the incident's; the next of the same control and resource takes its place.

    `now` is when it was told: of two, Security Hub keeps the newer one, in whatever order they come.
    """
    resource, actor = incident.resource, incident.actor
    who = {"account": resource.account, "actor": actor.arn or actor.name, "call": incident.event_name}
    details = {name: text(value, DETAIL) for name, value in who.items() if value}
    for each in incident.findings:
        about = f"{resource.region} {resource.arn}"
        yield {
            **common(to, resource.account, each.control, about, _time(incident.event_time), _time(now)),
            "FindingProviderFields": {"Severity": {"Label": str(each.severity)}, "Types": _types(each)},
            "Title": text(f"{each.control}: {each.title}", TITLE),
            "Description": text(" ".join(_said(each, incident)), DESCRIPTION),
            "Remediation": {"Recommendation": {"Text": text(_remedy(each), TEXT)}},
            "Resources": [
                {
                    "Type": TYPES.get(resource.kind, "Other"),
                    "Id": text(resource.arn, TEXT),
                    "Region": resource.region,
                    "Details": {"Other": details},
                }
            ],
            "Compliance": {"Status": STATUSES[each.outcome], **requirements(each.references)},
        }


def _said(finding: Finding, incident: Incident) -> Iterator[str]:
    yield f"{finding.outcome.capitalize()}, {finding.cause}: {incident.event_name} by {incident.actor.name}."
    for drift in finding.drifts:
        yield f"{drift.field}: {shown(drift.found)} → {shown(drift.wanted)}."
    yield finding.note


def _remedy(finding: Finding) -> str:
    advice = dict.fromkeys(drift.manual for drift in finding.drifts if drift.manual)
    return " ".join(advice) or f"See relight explain {finding.control}."


def _types(finding: Finding) -> list[str]:
    return [*types(finding.references), *([EVASION] if finding.cause is Cause.TAKEN else ())]


def types(references: str) -> list[str]:
    """The kinds of finding, by the benchmarks that ask for its control."""
    return [BEST_PRACTICES, *([CIS] if "CIS " in references else ())]


def requirements(references: str) -> dict[str, list[str]]:
    """The part of a finding's compliance that names them."""
    return {"RelatedRequirements": references.split(", ")} if references else {}


def text(value: str, limit: int) -> str:
    """A text on one line, cut to what ASFF takes of it."""
    spelled = plain(value.strip())
    return spelled if len(spelled) <= limit else f"{spelled[: limit - 1]}…"


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
