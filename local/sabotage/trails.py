"""Trails stopped, weakened, redirected and deleted."""

from typing import Any

from local.account import Account
from local.cloud import LocalAws, Session
from local.sabotage.model import Sabotage


def furnish(aws: LocalAws, victim: Account) -> None:
    """Nothing beyond the account's own trail."""


def proof(aws: LocalAws, victim: Account) -> Any:
    """The trail and whether it logs; nothing where it is gone."""
    cloudtrail = aws.client("cloudtrail")
    trails = cloudtrail.describe_trails(includeShadowTrails=False)["trailList"]
    return [
        {**trail, "IsLogging": cloudtrail.get_trail_status(Name=trail["TrailARN"])["IsLogging"]}
        for trail in trails
        if trail["Name"] == victim.trail
    ]


def _update(**changes: Any) -> Any:
    def commit(_aws: LocalAws, intruder: Session, victim: Account) -> None:
        intruder.client("cloudtrail").update_trail(Name=victim.trail, **changes)

    return commit


def _stop(_aws: LocalAws, intruder: Session, victim: Account) -> None:
    intruder.client("cloudtrail").stop_logging(Name=victim.trail)


SABOTAGES: tuple[Sabotage, ...] = (
    Sabotage("trail.logging", "StopLogging", "the trail stops", _stop, proof),
    Sabotage(
        "trail.log-file-validation",
        "UpdateTrail",
        "no digests prove the log files",
        _update(EnableLogFileValidation=False),
        proof,
    ),
    Sabotage("trail.kms-encryption", "UpdateTrail", "log files lose their key", _update(KmsKeyId=""), proof),
    Sabotage(
        "trail.multi-region",
        "UpdateTrail",
        "the trail sees one Region only",
        _update(IsMultiRegionTrail=False, IncludeGlobalServiceEvents=False),
        proof,
    ),
)
