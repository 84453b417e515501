"""What a deployed stack's ledger keeps for a report: the posture over time, and the incidents as evidence."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from local.operate.deployment import Deployment, OperatorError
from relight.errors import AwsError
from relight.incident import from_data
from relight.journal import Journal
from relight.model import Incident
from relight.posture import Counts, table

# So many of the last postures and incidents: three weeks of hourly sweeps, and what a person looks through.
POSTURES, INCIDENTS = 500, 200


def kept(deployment: Deployment, *, all_accounts: bool = False) -> dict[str, Any]:
    """A report's ``history``, the oldest first, and ``evidence``, the newest first. Raises OperatorError.

    A hub's ledger keeps the incidents of all its members; a report is of one account, so those of others are left out
    unless they are asked for.
    """
    name, owner = deployment.output("LedgerName"), deployment.aws.account
    try:
        postures = Journal(deployment.aws, name, 0).history(POSTURES)
        incidents = _incidents(deployment, name)
    except AwsError as error:
        raise OperatorError(
            f"ledger {name} could not be read: {error}; pass another --profile, or no --stack"
        ) from error
    own = [each for each in incidents if all_accounts or each.resource.account == owner]
    newest = sorted(own, key=lambda each: each.event_time, reverse=True)
    return {
        "history": history(postures, owner),
        "evidence": [_shown(each) for each in newest[:INCIDENTS]],
    }


def history(postures: Iterable[tuple[datetime, Counts]], account: str) -> list[dict[str, Any]]:
    """An account's postures as a report's own is counted: where that counts accounts, these count no trails. Pure."""
    return [
        {
            "time": moment.isoformat(),
            "posture": {row.control: row.count.as_list() for row in table({account: counts})},
        }
        for moment, counts in postures
    ]


def _incidents(deployment: Deployment, name: str) -> list[Incident]:
    """All that was told, once each: what stands is noted by its day too."""
    rows = deployment.aws.home.pages(
        "dynamodb",
        "Scan",
        "Items",
        TableName=name,
        FilterExpression="begins_with(pk, :incident) AND #status = :told",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":incident": {"S": "incident#"}, ":told": {"S": "told"}},
    )
    found = (from_data(json.loads(row["body"]["S"])) for row in rows)
    return list({(each.event_id, each.resource.arn): each for each in found}.values())


def _shown(incident: Incident) -> dict[str, Any]:
    return {
        "time": incident.event_time.isoformat(),
        "event": incident.event_name,
        "actor": incident.actor.name,
        "account": incident.resource.account,
        "resource": incident.resource.arn,
        "control": ", ".join(each.control for each in incident.findings),
        "outcome": incident.outcome.value,
        "calls": list(incident.calls),
        "dark_seconds": incident.dark_seconds,
    }
