"""Reports of `relight check`, as the page takes them: one as it may be in a company, and what is hard to show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from relight.model import Severity
from relight.policy import CONTROLS
from relight.posture import Count, Row, added, table

PROD, SANDBOX = "123456789012", "210987654321"
HOME, OTHER = "eu-central-1", "us-east-1"

Data = dict[str, Any]


def drift(field: str, found: Any, wanted: Any, manual: str = "") -> Data:
    return {"field": field, "found": found, "wanted": wanted, "manual": manual}


def finding(control: str, resource: str, *drifts: Data, **changes: Any) -> Data:
    """A violation; account and Region are the ARN's, where it names any."""
    row = CONTROLS[control]
    parts = resource.split(":", 5)
    return {
        "severity": str(row.severity),
        "control": control,
        "title": row.title,
        "references": row.references,
        "resource": resource,
        "name": parts[5].rpartition("/")[2],
        "account": parts[4] or PROD,
        "region": parts[3] or HOME,
        "outcome": "observed",
        "drifts": list(drifts),
        "note": "",
        "would_call": [],
        **changes,
    }


def arn(service: str, name: str, account: str = PROD, region: str = HOME) -> str:
    return f"arn:aws:{service}:{region}:{account}:{name}"


def vpc(number: int, account: str = PROD, region: str = HOME) -> Data:
    """One of many VPCs without flow logs."""
    name = f"vpc-0{number:016x}"
    group = f"/relight/vpc-flow-logs/{name}"
    return finding(
        "vpc.flow-logs",
        arn("ec2", f"vpc/{name}", account, region),
        drift("FlowLogs", [], ["REJECT"]),
        would_call=[
            f'logs:CreateLogGroup {{"logGroupName": "{group}"}}',
            f'logs:PutRetentionPolicy {{"logGroupName": "{group}", "retentionInDays": 365}}',
            f'ec2:CreateFlowLogs {{"ResourceIds": ["{name}"], "ResourceType": "VPC", "TrafficType": "REJECT"}}',
        ],
    )


def findings() -> list[Data]:
    """The worst first."""
    legacy = arn("cloudtrail", "trail/legacy-audit", SANDBOX, OTHER)
    everywhere = {"IncludeGlobalServiceEvents": True, "IsMultiRegionTrail": True, "Name": legacy}
    key = arn("kms", "key/1b2c3d4e-5f60-4718-92a3-b4c5d6e7f809")
    return [
        finding(
            "trail.logging",
            legacy,
            drift("IsLogging", found=False, wanted=True),
            would_call=[f'cloudtrail:StartLogging {{"Name": "{legacy}"}}'],
        ),
        finding(
            "bucket.public-access",
            "arn:aws:s3:::acme-sandbox-trail",
            drift("BlockPublicAcls", found=False, wanted=True),
            drift("RestrictPublicBuckets", found=False, wanted=True),
            account=SANDBOX,
            region=OTHER,
            would_call=[
                's3:PutPublicAccessBlock {"Bucket": "acme-sandbox-trail", "PublicAccessBlockConfiguration": {}}'
            ],
        ),
        finding(
            "trail.log-file-validation",
            legacy,
            drift("LogFileValidationEnabled", found=False, wanted=True),
            would_call=[f'cloudtrail:UpdateTrail {{"EnableLogFileValidation": true, "Name": "{legacy}"}}'],
        ),
        finding(
            "trail.cloudwatch-logs",
            legacy,
            drift("CloudWatchLogsLogGroupArn", "", "arn:aws:logs:us-east-1:210987654321:log-group:/relight/trails/x"),
            note="Its mode is observe: it never reached CloudWatch Logs.",
            would_call=[f"cloudtrail:UpdateTrail {everywhere}".replace("'", '"').replace("True", "true")],
        ),
        *(vpc(0xA1B2C3D4E5F60000 + n) for n in range(3)),
        *(vpc(0xB1B2C3D4E5F60000 + n, SANDBOX, OTHER) for n in range(5)),
        finding(
            "key.policy",
            key,
            drift(
                "Policy",
                found=["kms:Decrypt"],
                wanted=["kms:Decrypt", "kms:GenerateDataKey*"],
                manual=f"Let cloudtrail.amazonaws.com call kms:GenerateDataKey* on {key}.",
            ),
            outcome="needs-a-person",
        ),
        finding(
            "trail.kms-encryption",
            legacy,
            drift("KmsKeyId", "", arn("kms", "key/9f8e7d6c-5b4a-4392-8170-6f5e4d3c2b1a", SANDBOX, OTHER)),
            would_call=[f'cloudtrail:UpdateTrail {{"KmsKeyId": "…", "Name": "{legacy}"}}'],
        ),
        finding(
            "bucket.access-logging",
            "arn:aws:s3:::acme-sandbox-trail",
            drift("LoggingEnabled", {}, {"TargetBucket": "acme-access-logs", "TargetPrefix": "trail/"}),
            account=SANDBOX,
            region=OTHER,
            would_call=['s3:PutBucketLogging {"Bucket": "acme-sandbox-trail", "BucketLoggingStatus": {}}'],
        ),
        finding(
            "key.rotation",
            key,
            drift("KeyRotationEnabled", found=False, wanted=True),
            would_call=[f'kms:EnableKeyRotation {{"KeyId": "{key}"}}'],
        ),
    ]


MET = {
    PROD: {
        "trail.multi-region": 1, "trail.logging": 2, "trail.exists": 2, "trail.log-file-validation": 2,
        "bucket.public-access": 2, "trail.cloudwatch-logs": 2, "config.recording": 1, "bucket.access-logging": 2,
        "trail.kms-encryption": 2, "key.rotation": 6, "vpc.flow-logs": 9, "bucket.encryption": 2,
        "bucket.versioning": 2, "trail.management-events": 2, "alarm.root-use": 1, "alarm.iam-changes": 1,
        "logs.retention": 12,
    },
    SANDBOX: {"trail.exists": 1, "config.recording": 1, "key.rotation": 1, "bucket.encryption": 1, "logs.retention": 3},
}  # fmt: skip
UNCHECKED = [
    {
        "account": SANDBOX,
        "region": "ap-southeast-2",
        "what": "all of the Region",
        "why": "AccessDenied: a service control policy denies ec2:DescribeVpcs",
    },
    {
        "account": PROD,
        "region": HOME,
        "what": f"key.rotation of {arn('kms', 'key/0f1e2d3c-4b5a-4697-8877-665544332211')}",
        "why": "kms:GetKeyRotationStatus was throttled eight times",
    },
]
EXEMPT = [
    {
        "control": "bucket.access-logging",
        "resource": "arn:aws:s3:::acme-archive-trail",
        "reason": "Read by nobody; replaced in the first quarter, SEC-98",
        "expires": "2027-03-31",
    }
]
EVIDENCE = [
    {
        "time": "2026-11-20T02:14:09+00:00",
        "event": "StopLogging",
        "actor": "mallory",
        "account": PROD,
        "resource": arn("cloudtrail", "trail/management-events"),
        "control": "trail.logging",
        "outcome": "repaired",
        "calls": [f'cloudtrail:StartLogging {{"Name": "{arn("cloudtrail", "trail/management-events")}"}}'],
        "dark_seconds": 4.2,
    },
    {
        "time": "2026-11-12T16:40:51+00:00",
        "event": "DeleteFlowLogs",
        "actor": "deploy/terraform",
        "account": PROD,
        "resource": arn("ec2", "vpc/vpc-0a1b2c3d4e5f60708"),
        "control": "vpc.flow-logs",
        "outcome": "repaired",
        "calls": [
            'logs:CreateLogGroup {"logGroupName": "/relight/vpc-flow-logs/vpc-0a1b2c3d4e5f60708"}',
            'ec2:CreateFlowLogs {"ResourceIds": ["vpc-0a1b2c3d4e5f60708"], "ResourceType": "VPC"}',
        ],
        "dark_seconds": 21.0,
    },
    {
        "time": "2026-10-30T09:05:00+00:00",
        "event": "PutKeyPolicy",
        "actor": "AWSReservedSSO_Admin/ann",
        "account": PROD,
        "resource": arn("kms", "key/1b2c3d4e-5f60-4718-92a3-b4c5d6e7f809"),
        "control": "key.policy",
        "outcome": "needs-a-person",
        "calls": [],
        "dark_seconds": None,
    },
]


def report(**changes: Any) -> Data:
    """Two accounts: the one in order but for its VPCs and a key, the other a sandbox that nobody cared for."""
    found = changes.get("findings", findings())
    rows = table({account: _counts(account, found) for account in MET})
    now = {row.control: row.count.as_list() for row in rows}
    return {
        "version": 1,
        "generated": "2026-11-21T12:47:00+00:00",
        "accounts": [PROD, SANDBOX],
        "regions": [HOME, OTHER, "eu-west-1", "ap-southeast-2"],
        "command": "relight check --all-regions --output html",
        "posture": [posture(row) for row in rows],
        "findings": found,
        "unchecked": UNCHECKED,
        "exempt": EXEMPT,
        "history": list(_history(now)),
        "evidence": EVIDENCE,
        **changes,
    }


def posture(row: Row) -> Data:
    return {
        "title": row.title,
        "control": row.control,
        "unit": str(row.unit),
        **asdict(row.count),
        "percent": row.percent,
        "study": row.study,
    }


def _counts(account: str, found: list[Data]) -> dict[str, Count]:
    own = [{each["control"]: Count(violated=1)} for each in found if each["account"] == account]
    unknown = [{"key.rotation": Count(unknown=1)}] if account == PROD else []
    met = {control: Count(met=number) for control, number in MET[account].items()}
    return added(met, *own, *unknown)


def _history(now: dict[str, list[int]]) -> Iterator[Data]:
    """Five monthly checks, in which more and more was mended; before the second there was no AWS Config to judge."""
    for month, more in enumerate((9, 7, 7, 3, 1), 6):
        then = {
            control: [met, bad + (more if met + bad > 5 else 0), *rest] for control, (met, bad, *rest) in now.items()
        }
        if month < 9:
            then["trail.log-file-validation"] = [1, 2, 0, 0]
        if month == 6:
            del then["config.recording"]
        if month == 8:
            then["key.rotation"] = [0, 0, 8, 0]
        yield {"time": f"2026-{month:02}-21T05:17:00+00:00", "posture": then}


def compliant(**changes: Any) -> Data:
    """Nothing violated, nothing unknown."""
    met = {control: Count(met=number) for control, number in MET[PROD].items()}
    rows = [posture(row) for row in table({PROD: met})]
    return report(**{"findings": [], "unchecked": [], "exempt": [], "history": [], "posture": rows, **changes})


# Markup, the ends of every context that text stands in, template syntax, and characters that reorder what is shown.
HOSTILE = (
    "</style></title><script>alert(1)</script><img src=x onerror=alert(1)>\"' onfocus=alert(1) {{7*7}}\u202e\n\x00&amp;"
)


def hostile() -> Data:
    """Every text that a report can hold is an enemy's."""
    row = Row(HOSTILE, HOSTILE, HOSTILE, Count(1, 1, 1, 1), 50.0)
    times = {"time": "2026-11-20T02:14:09+00:00"}
    return {
        "version": 1,
        "generated": "2026-11-21T12:47:00+00:00",
        "accounts": [HOSTILE],
        "regions": [HOSTILE],
        "command": HOSTILE,
        "posture": [posture(row)],
        "findings": [
            {
                **dict.fromkeys(
                    ("control", "title", "references", "resource", "name", "account", "region", "outcome", "note"),
                    HOSTILE,
                ),
                "severity": str(Severity.HIGH),
                "drifts": [drift(HOSTILE, {HOSTILE: HOSTILE}, [HOSTILE], HOSTILE), drift(HOSTILE, HOSTILE, None)],
                "would_call": [HOSTILE],
            }
        ],
        "unchecked": [dict.fromkeys(("account", "region", "what", "why"), HOSTILE)],
        "exempt": [dict.fromkeys(("control", "resource", "reason", "expires"), HOSTILE)],
        "history": [{**times, "posture": {HOSTILE: [1, 2, 3, 4]}}],
        "evidence": [
            {
                **dict.fromkeys(("event", "actor", "account", "resource", "control", "outcome"), HOSTILE),
                **times,
                "calls": [HOSTILE],
                "dark_seconds": 1.0,
            }
        ],
    }


def large(number: int = 5000) -> Data:
    """As many findings as an organisation may have."""
    many = [vpc(n, (PROD, SANDBOX)[n % 2], f"eu-west-{n % 3 + 1}") for n in range(number)]
    return report(findings=many)
