"""What the topic tells becomes a finding in Security Hub, which ends with the repair."""

from __future__ import annotations

import json

from local import account
from local.account import Account
from local.cloud import LocalAws
from local.settings import ACCOUNT
from tests.integration import helpers


def test_a_repair_is_a_finding_that_passed(local_aws: LocalAws, enforced: Account) -> None:
    """Moto delivers to no function, so the notification is handed over here as SNS would."""
    local_aws.client("securityhub").enable_security_hub()
    helpers.mallory(local_aws, "cloudtrail").stop_logging(Name=account.TRAIL)
    local_aws.settle()
    told = helpers.only(local_aws)

    records = [
        {"EventSource": "aws:sns", "Sns": {"Message": json.dumps(told.data), "Timestamp": "2026-11-21T12:00:00.000Z"}}
    ]
    done = local_aws.delivery.invoke(local_aws.stack.functions["security_hub"], {"Records": records})
    assert done.error is None

    (finding,) = local_aws.client("securityhub").get_findings()["Findings"]
    assert (finding["AwsAccountId"], finding["GeneratorId"]) == (ACCOUNT, "relight/trail.logging")
    assert (finding["Compliance"]["Status"], finding["Resources"][0]["Id"]) == ("PASSED", enforced.trail_arn)
    assert "StopLogging by mallory" in finding["Description"]
