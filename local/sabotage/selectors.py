"""A trail's selectors and insights, bent to see less.

The account's trail gets advanced selectors, for only those can say which calls VPC endpoints denied, and Insights.
"""

from typing import Any

from botocore.exceptions import ClientError

from local.account import Account
from local.cloud import LocalAws
from local.place import Session
from local.sabotage.model import Sabotage
from local.settings import PARTITION

_INSIGHTS = [{"InsightType": "ApiCallRateInsight"}, {"InsightType": "ApiErrorRateInsight"}]
_NOTHING = {"ReadWriteType": "ReadOnly", "IncludeManagementEvents": False, "DataResources": []}


def furnish(aws: LocalAws, victim: Account) -> None:
    """Selectors and insights."""
    cloudtrail = aws.client("cloudtrail")
    cloudtrail.put_event_selectors(TrailName=victim.trail, AdvancedEventSelectors=_selectors(victim))
    cloudtrail.put_insight_selectors(TrailName=victim.trail, InsightSelectors=_INSIGHTS)


def _selectors(victim: Account) -> list[dict[str, Any]]:
    objects = {"Field": "resources.ARN", "StartsWith": [f"arn:{PARTITION}:s3:::{victim.trail_bucket}/"]}
    return [
        _selector("Management events", eventCategory="Management"),
        _selector("Log files", objects, eventCategory="Data", **{"resources.type": "AWS::S3::Object"}),
        _selector(
            "Denied calls",
            eventCategory="NetworkActivity",
            eventSource="s3.amazonaws.com",
            errorCode="VpceAccessDenied",
        ),
    ]


def _selector(name: str, *conditions: dict[str, Any], **equals: str) -> dict[str, Any]:
    return {
        "Name": name,
        "FieldSelectors": [*({"Field": field, "Equals": [value]} for field, value in equals.items()), *conditions],
    }


def proof(aws: LocalAws, victim: Account) -> Any:
    """What the trail logs and looks for; an error's code where it is gone, or looks for nothing."""
    cloudtrail = aws.client("cloudtrail")
    shown = []
    for read in (cloudtrail.get_event_selectors, cloudtrail.get_insight_selectors):
        try:
            shown.append({**read(TrailName=victim.trail), "ResponseMetadata": None})
        except ClientError as error:
            shown.append({"Error": error.response["Error"]["Code"]})
    return shown


def _basic(**selector: Any) -> Any:
    """Puts one basic selector in the place of all that there were."""

    def commit(_aws: LocalAws, intruder: Session, victim: Account) -> None:
        intruder.client("cloudtrail").put_event_selectors(TrailName=victim.trail, EventSelectors=[selector])

    return commit


def _narrowed(name: str, condition: dict[str, Any]) -> Any:
    """Puts the same selectors, one of them with a further condition."""

    def commit(_aws: LocalAws, intruder: Session, victim: Account) -> None:
        changed = [
            each | {"FieldSelectors": [*each["FieldSelectors"], *([condition] if each["Name"] == name else [])]}
            for each in _selectors(victim)
        ]
        intruder.client("cloudtrail").put_event_selectors(TrailName=victim.trail, AdvancedEventSelectors=changed)

    return commit


def _dropped(name: str) -> Any:
    """Puts the same selectors but one."""

    def commit(_aws: LocalAws, intruder: Session, victim: Account) -> None:
        left = [each for each in _selectors(victim) if each["Name"] != name]
        intruder.client("cloudtrail").put_event_selectors(TrailName=victim.trail, AdvancedEventSelectors=left)

    return commit


def _no_insights(_aws: LocalAws, intruder: Session, victim: Account) -> None:
    intruder.client("cloudtrail").put_insight_selectors(TrailName=victim.trail, InsightSelectors=[])


_PUT = "PutEventSelectors"
SABOTAGES: tuple[Sabotage, ...] = (
    Sabotage("trail.management-events", _PUT, "the trail logs nothing", _basic(**_NOTHING), proof),
    Sabotage(
        "trail.management-events",
        _PUT,
        "what is done to keys is not logged",
        _basic(ReadWriteType="All", IncludeManagementEvents=True, ExcludeManagementEventSources=["kms.amazonaws.com"]),
        proof,
    ),
    Sabotage(
        "trail.management-events",
        _PUT,
        "only reads are logged",
        _narrowed("Management events", {"Field": "readOnly", "Equals": ["true"]}),
        proof,
    ),
    Sabotage(
        "trail.s3-data-events",
        _PUT,
        "deleted log files leave no trace",
        _narrowed("Log files", {"Field": "eventName", "NotEquals": ["DeleteObject", "DeleteObjects"]}),
        proof,
    ),
    Sabotage(
        "trail.network-activity-events", _PUT, "denied calls through endpoints vanish", _dropped("Denied calls"), proof
    ),
    Sabotage("trail.insights", "PutInsightSelectors", "nobody looks for unusual activity", _no_insights, proof),
)
