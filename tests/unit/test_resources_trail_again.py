"""A trail is brought back by the fewest calls, each of which AWS takes; what it may refuse holds nothing else up."""

from __future__ import annotations

from typing import Any

import pytest

from relight.model import Call, Drift, Unread
from relight.policy.trail import Trail
from relight.resources import trail as kind
from relight.resources.log_group import creation
from tests.unit.builders import (
    ACCOUNT,
    ENOUGH_EVENTS,
    REGION,
    STRANGER,
    TRAIL_ARN,
    TRAIL_GROUP,
    TRAIL_ROLE,
    accepted_by_botocore,
    key,
    observed,
    standard,
    trail,
)

BARE_TRAIL = {"kms_key": "", "log_group": "", "log_group_role": "", "event_selectors": ()}
REQUIRED = {
    "Name": "main",
    "S3BucketName": "trail-logs",
    "IncludeGlobalServiceEvents": True,
    "IsMultiRegionTrail": True,
    "EnableLogFileValidation": True,
}
READERS = {"CloudWatchLogsLogGroupArn": TRAIL_GROUP, "CloudWatchLogsRoleArn": TRAIL_ROLE}
EXISTS = Drift("Exists", found=False, wanted=True)
SIEM = {
    "logGroupName": "trail-events",
    "filterName": "siem",
    "filterPattern": "",
    "destinationArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:siem",
}
START = Call("cloudtrail", "StartLogging", {"Name": TRAIL_ARN})
EVENTS = Call("cloudtrail", "PutEventSelectors", {"TrailName": TRAIL_ARN, "EventSelectors": [ENOUGH_EVENTS]})
ADVANCED = {"Name": "m", "FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}
GROUP = Call("logs", "CreateLogGroup", {"logGroupName": "trail-events"}, already=("ResourceAlreadyExistsException",))


def create(*instead: Call, **params: Any) -> Call:
    return Call(
        "cloudtrail", "CreateTrail", REQUIRED | params, already=("TrailAlreadyExistsException",), instead=instead
    )


def brought_back(before: Trail | None, **settings: Any) -> list[Call]:
    planned = kind.plan(observed(None), (EXISTS,), standard(**settings), before)
    assert accepted_by_botocore(*planned)
    return list(planned)


def test_as_it_was() -> None:
    insights = ({"InsightType": "ApiCallRateInsight"},)
    before = trail(
        insight_selectors=insights,
        subscription_filters=(SIEM,),
        tags={"owner": "audit", "aws:cloudformation:stack-name": "s"},
    )
    tags = {"TagsList": [{"Key": "owner", "Value": "audit"}]}
    bare = create(**tags)
    keyless = create(bare, **READERS, **tags)
    assert brought_back(before) == [
        GROUP,
        create(keyless, **READERS, **tags, KmsKeyId=key()),
        EVENTS,
        Call("cloudtrail", "PutInsightSelectors", {"TrailName": TRAIL_ARN, "InsightSelectors": list(insights)}),
        START,
        Call("logs", "PutSubscriptionFilter", SIEM),
    ]


@pytest.mark.parametrize(
    ("changes", "calls"),
    [
        pytest.param(BARE_TRAIL, [create(), START], id="bare"),
        pytest.param(BARE_TRAIL | {"logging": False}, [create()], id="it-did-not-log"),
        pytest.param(BARE_TRAIL | {"prefix": "p"}, [create(S3KeyPrefix="p"), START], id="prefix"),
        pytest.param(BARE_TRAIL | {"kms_key": key()}, [create(create(), KmsKeyId=key()), START], id="key"),
        pytest.param(
            BARE_TRAIL | {"organization": True},
            [create(create(), IsOrganizationTrail=True), START],
            id="the-organisation's-or-at-least-this-account's",
        ),
        pytest.param(
            BARE_TRAIL | {"organization": True, "kms_key": key()},
            [create(create(create(), KmsKeyId=key()), KmsKeyId=key(), IsOrganizationTrail=True), START],
            id="it-keeps-its-key-where-there-is-no-organisation",
        ),
        pytest.param(BARE_TRAIL | {"kms_key": key(STRANGER)}, [create(), START], id="a-key-that-nobody-trusts"),
        pytest.param(
            BARE_TRAIL | {"advanced_event_selectors": (ADVANCED,)},
            [
                create(),
                Call("cloudtrail", "PutEventSelectors", {"TrailName": TRAIL_ARN, "AdvancedEventSelectors": [ADVANCED]}),
                START,
            ],
            id="advanced-selectors",
        ),
        pytest.param(
            BARE_TRAIL | {"event_selectors": Unread("denied"), "insight_selectors": Unread("denied")},
            [create(), START],
            id="selectors-unknown",
        ),
        pytest.param(BARE_TRAIL | {"tags": Unread("denied")}, [create(), START], id="tags-unknown"),
        pytest.param(
            BARE_TRAIL | {"sns_topic": f"arn:aws:sns:{REGION}:{ACCOUNT}:digests"},
            [create(create(), SnsTopicName="digests"), START],
            id="its-own-topic",
        ),
        pytest.param(
            BARE_TRAIL | {"sns_topic": f"arn:aws:sns:{REGION}:{STRANGER}:digests"},
            [create(create(), SnsTopicName=f"arn:aws:sns:{REGION}:{STRANGER}:digests"), START],
            id="another-account's-topic",
        ),
        pytest.param(
            BARE_TRAIL | {"multi_region": False, "global_events": False, "log_file_validation": False},
            [
                create(IsMultiRegionTrail=False, IncludeGlobalServiceEvents=False, EnableLogFileValidation=False),
                START,
            ],
            id="no-better-than-it-was",
        ),
    ],
)
def test_no_more_and_no_less(changes: dict[str, Any], calls: list[Call]) -> None:
    assert brought_back(trail(**changes)) == calls


def test_what_nobody_knows_is_not_made_again() -> None:
    assert brought_back(None) == []
    assert kind.plan(observed(None), (Drift("IsLogging", found=False, wanted=True),), standard(), trail()) == ()


def drift(name: str, wanted: Any) -> Drift:
    return Drift(name, found="", wanted=wanted)


def update(*instead: Call, **params: Any) -> Call:
    return Call("cloudtrail", "UpdateTrail", {"Name": TRAIL_ARN, **params}, instead=instead)


AWAY = [drift("S3BucketName", "trail-logs"), drift("S3KeyPrefix", "p")]
EVERYBODYS = [drift("IsOrganizationTrail", wanted=True)]
UNREAD = [drift(name, value) for name, value in READERS.items()]
OWN = READERS | {"CloudWatchLogsLogGroupArn": TRAIL_GROUP.replace("trail-events", "/relight/trails/main")}
OURS = (*creation("/relight/trails/main", ACCOUNT, REGION, standard()), update(**OWN))
BUCKET = {"S3BucketName": "trail-logs", "S3KeyPrefix": "p"}


@pytest.mark.parametrize(
    ("drifts", "calls"),
    [
        pytest.param(AWAY, [update(**BUCKET)], id="bucket-alone"),
        pytest.param(
            [*AWAY, drift("LogFileValidationEnabled", wanted=True)],
            [update(update(EnableLogFileValidation=True), **BUCKET, EnableLogFileValidation=True)],
            id="bucket-and-a-switch",
        ),
        pytest.param(
            [*AWAY, drift("KmsKeyId", key())],
            [update(update(KmsKeyId=key()), update(**BUCKET), **BUCKET, KmsKeyId=key())],
            id="either-may-be-refused",
        ),
        pytest.param(EVERYBODYS, [update(IsOrganizationTrail=True)], id="the-organisation's"),
        pytest.param(
            [*EVERYBODYS, drift("IsMultiRegionTrail", wanted=True)],
            [update(update(IsMultiRegionTrail=True), IsMultiRegionTrail=True, IsOrganizationTrail=True)],
            id="no-right-in-the-organisation-holds-up-nothing-else",
        ),
        pytest.param(UNREAD, [GROUP, update(*OURS, **READERS)], id="the-group-comes-first"),
        pytest.param(
            [*UNREAD, drift("KmsKeyId", key())],
            [GROUP, update(update(KmsKeyId=key()), update(*OURS, **READERS), **READERS, KmsKeyId=key())],
            id="the-standard's-readers-where-the-baseline's-are-refused",
        ),
        pytest.param(
            [drift("CloudWatchLogsLogGroupArn", OWN["CloudWatchLogsLogGroupArn"]), UNREAD[1]],
            [*OURS[:-1], update(**OWN)],
            id="the-standard's-have-no-substitute",
        ),
        pytest.param([drift("LogGroupName", "trail-events")], [GROUP], id="the-group-alone"),
        pytest.param(
            [*UNREAD, drift("SubscriptionFilters", [SIEM])],
            [GROUP, update(*OURS, **READERS), Call("logs", "PutSubscriptionFilter", SIEM)],
            id="the-filter-comes-last",
        ),
    ],
)
def test_changes_are_one_call(drifts: list[Drift], calls: list[Call]) -> None:
    planned = kind.plan(observed(trail()), tuple(drifts), standard(), None)
    assert list(planned) == calls
    assert accepted_by_botocore(*planned)


def test_without_a_role_of_the_standards_a_refused_one_has_no_substitute() -> None:
    (_, call) = kind.plan(observed(trail()), tuple(UNREAD), standard(trail_logs_role=""), None)
    assert call == update(**READERS)


def test_a_group_of_relights_own_has_retention_and_key() -> None:
    (group, retention) = kind.plan(
        observed(trail()), (drift("LogGroupName", "/relight/trails/main"),), standard(), None
    )
    assert group.params == {"logGroupName": "/relight/trails/main", "kmsKeyId": key()}
    assert retention.params == {"logGroupName": "/relight/trails/main", "retentionInDays": 365}
