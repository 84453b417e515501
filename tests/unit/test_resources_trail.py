"""Trails: where records point, what AWS shows, which calls mend it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from relight.errors import MalformedRecord
from relight.model import Call, Drift, Scope
from relight.policy.trail import Trail
from relight.resources import trail as kind
from tests.unit.builders import (
    ACCOUNT,
    AFTER,
    BEFORE,
    ENOUGH_EVENTS,
    REGION,
    STRANGER,
    TRAIL_ARN,
    accepted_by_botocore,
    baseline,
    key,
    observed,
    record,
    standard,
    trail,
)

FRANKFURT = f"arn:aws:cloudtrail:eu-central-1:{ACCOUNT}:trail/main"


@pytest.mark.parametrize(
    ("name", "request_", "response", "scope"),
    [
        pytest.param("StopLogging", {"name": "main"}, None, Scope(ACCOUNT, REGION, ("main",)), id="by-name"),
        pytest.param("StopLogging", {"name": TRAIL_ARN}, None, Scope(ACCOUNT, REGION, (TRAIL_ARN,)), id="by-arn"),
        pytest.param(
            "UpdateTrail", {"name": FRANKFURT}, None, Scope(ACCOUNT, "eu-central-1", (FRANKFURT,)), id="home-region"
        ),
        pytest.param(
            "UpdateTrail",
            {"name": "main"},
            {"trailARN": FRANKFURT, "name": "main"},
            Scope(ACCOUNT, "eu-central-1", (FRANKFURT,)),
            id="response-before-request",
        ),
        pytest.param("UpdateTrail", {"name": "main"}, {"trailARN": ""}, Scope(ACCOUNT, REGION, ("main",)), id="empty"),
        pytest.param(
            "PutEventSelectors", {"trailName": "main"}, None, Scope(ACCOUNT, REGION, ("main",)), id="trail-name"
        ),
        pytest.param("StopLogging", {"name": "a:b"}, None, Scope(ACCOUNT, REGION, ("a:b",)), id="colons-but-no-arn"),
    ],
)
def test_locate(name: str, request_: Any, response: Any, scope: Scope) -> None:
    assert kind.locate(record(name, request_, response)) == scope


@pytest.mark.parametrize(
    "request_",
    [None, "", {}, {"omitted": True, "reason": "too large"}, {"name": None}, {"name": ""}, {"name": ["main"]}],
    ids=str,
)
def test_locate_refuses_a_record_that_names_no_trail(request_: Any) -> None:
    with pytest.raises(MalformedRecord, match="StopLogging 0e6e2b1c-event names no trail"):
        kind.locate(record("StopLogging", request_))


MOVED = "trail.baseline"
VALIDATION, KEY, WIDE = "trail.log-file-validation", "trail.kms-encryption", "trail.multi-region"
OURS = trail(organization=True)
BARE = trail(log_file_validation=False, kms_key="", multi_region=False, global_events=False)


@pytest.mark.parametrize(
    ("name", "request_", "state", "since", "lost"),
    [
        pytest.param("StopLogging", {"name": "m"}, None, BEFORE, ["trail.logging"], id="stop"),
        pytest.param("StopLogging", {"name": "m"}, trail(logging=False), BEFORE, ["trail.logging"], id="stop-again"),
        pytest.param("CreateTrail", {"enableLogFileValidation": False}, None, BEFORE, [], id="create"),
        pytest.param("UpdateTrail", {"name": "m"}, trail(), BEFORE, [], id="update-of-nothing"),
        pytest.param("UpdateTrail", None, trail(), BEFORE, [], id="update-without-parameters"),
        pytest.param("UpdateTrail", {"enableLogFileValidation": False}, trail(), BEFORE, [VALIDATION], id="false"),
        pytest.param("UpdateTrail", {"enableLogFileValidation": "false"}, trail(), BEFORE, [VALIDATION], id="as-text"),
        pytest.param("UpdateTrail", {"enableLogFileValidation": True}, trail(), BEFORE, [], id="true"),
        pytest.param("UpdateTrail", {"enableLogFileValidation": None}, trail(), BEFORE, [], id="null"),
        pytest.param("UpdateTrail", {"enableLogFileValidation": False}, None, BEFORE, [VALIDATION], id="no-baseline"),
        pytest.param("UpdateTrail", {"enableLogFileValidation": False}, BARE, BEFORE, [], id="validation-never-was"),
        pytest.param(
            "UpdateTrail", {"enableLogFileValidation": False}, BARE, AFTER, [VALIDATION], id="baseline-is-younger"
        ),
        pytest.param("UpdateTrail", {"kmsKeyId": ""}, trail(), BEFORE, [KEY], id="key-dropped"),
        pytest.param("UpdateTrail", {"kmsKeyId": ""}, None, BEFORE, [KEY], id="key-dropped-no-baseline"),
        pytest.param("UpdateTrail", {"kmsKeyId": ""}, BARE, BEFORE, [], id="key-never-was"),
        pytest.param("UpdateTrail", {"kmsKeyId": None}, trail(), BEFORE, [], id="key-null"),
        pytest.param("UpdateTrail", {"kmsKeyId": key()}, trail(), BEFORE, [], id="key-set"),
        pytest.param("UpdateTrail", {"kmsKeyId": key(STRANGER)}, None, BEFORE, [KEY], id="a-stranger's-key"),
        pytest.param("UpdateTrail", {"kmsKeyId": key(STRANGER)}, BARE, BEFORE, [KEY], id="a-stranger's-first-key"),
        pytest.param("UpdateTrail", {"kmsKeyId": "alias/mine"}, None, BEFORE, [], id="an-alias"),
        pytest.param("UpdateTrail", {"kmsKeyId": key(STRANGER)}, trail(), BEFORE, [KEY, MOVED], id="another's-instead"),
        pytest.param("UpdateTrail", {"isMultiRegionTrail": False}, trail(), BEFORE, [WIDE], id="narrowed"),
        pytest.param("UpdateTrail", {"isMultiRegionTrail": False}, None, BEFORE, [WIDE], id="narrowed-no-baseline"),
        pytest.param("UpdateTrail", {"isMultiRegionTrail": False}, BARE, BEFORE, [], id="always-narrow"),
        pytest.param("UpdateTrail", {"includeGlobalServiceEvents": False}, trail(), BEFORE, [WIDE], id="global"),
        pytest.param("UpdateTrail", {"includeGlobalServiceEvents": False}, None, BEFORE, [WIDE], id="global-no-base"),
        pytest.param("UpdateTrail", {"includeGlobalServiceEvents": False}, BARE, BEFORE, [], id="never-global"),
        pytest.param("UpdateTrail", {"isOrganizationTrail": False}, OURS, BEFORE, [WIDE], id="of-one-account-only"),
        pytest.param("UpdateTrail", {"isOrganizationTrail": False}, OURS, AFTER, [WIDE], id="it-had-it-later-too"),
        pytest.param("UpdateTrail", {"isOrganizationTrail": True}, OURS, BEFORE, [], id="the-organisation's"),
        pytest.param("UpdateTrail", {"isOrganizationTrail": False}, trail(), BEFORE, [], id="always-of-one-account"),
        pytest.param("UpdateTrail", {"isOrganizationTrail": False}, None, BEFORE, [], id="which-is-what-most-say"),
        pytest.param(
            "UpdateTrail",
            {"enableLogFileValidation": False, "kmsKeyId": "", "isMultiRegionTrail": "False"},
            trail(),
            BEFORE,
            [VALIDATION, KEY, WIDE],
            id="all-at-once",
        ),
    ],
)
def test_taken(name: str, request_: Any, state: Trail | None, since: datetime, lost: list[str]) -> None:
    before = baseline(state, since=since) if state else None
    assert kind.taken(record(name, request_), before, standard()) == dict.fromkeys(lost, "")


PLACED = trail(prefix="p", log_group="arn:aws:logs:r:a:log-group:g:*", sns_topic="arn:aws:sns:r:a:t")


@pytest.mark.parametrize(
    ("request_", "state", "moved"),
    [
        pytest.param({"s3BucketName": "trail-logs"}, PLACED, False, id="same-bucket"),
        pytest.param({"kmsKeyId": key(name="other")}, PLACED, True, id="key"),
        pytest.param({"kmsKeyId": key()}, PLACED, False, id="same-key"),
        pytest.param({"kmsKeyId": "standard"}, PLACED, False, id="same-key-by-its-id"),
        pytest.param({"cloudWatchLogsLogGroupArn": ""}, PLACED, False, id="log-group-dropped"),
        pytest.param({"cloudWatchLogsLogGroupArn": "h"}, PLACED, True, id="log-group"),
        pytest.param({"snsTopicName": "t"}, PLACED, False, id="same-topic-by-its-name"),
        pytest.param({"snsTopicName": "u"}, PLACED, True, id="topic"),
        pytest.param({"snsTopicName": "u"}, trail(), True, id="a-topic-where-none-was"),
        pytest.param({"snsTopicName": ""}, trail(), False, id="no-topic-where-none-was"),
        pytest.param({"snsTopicName": None}, PLACED, False, id="null"),
        pytest.param({"snsTopicName": ["evil"]}, PLACED, False, id="no-text"),
        pytest.param({"snsTopicName": "evil"}, None, False, id="no-baseline"),
        pytest.param({}, PLACED, False, id="nothing"),
    ],
)
def test_taken_elsewhere(request_: dict[str, Any], state: Trail | None, *, moved: bool) -> None:
    before = baseline(state, since=AFTER) if state else None
    lost = kind.taken(record("UpdateTrail", {"name": "m", **request_}), before, standard())
    assert ("trail.baseline" in lost) is moved


def drift(name: str, wanted: Any) -> Drift:
    return Drift(name, found=None, wanted=wanted)


START = Call("cloudtrail", "StartLogging", {"Name": TRAIL_ARN})


def update(*instead: Call, **params: Any) -> Call:
    return Call("cloudtrail", "UpdateTrail", {"Name": TRAIL_ARN, **params}, instead=instead)


@pytest.mark.parametrize(
    ("drifts", "calls"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([drift("IsLogging", wanted=True)], [START], id="logging"),
        pytest.param(
            [drift("LogFileValidationEnabled", wanted=True)], [update(EnableLogFileValidation=True)], id="validation"
        ),
        pytest.param([drift("KmsKeyId", key())], [update(KmsKeyId=key())], id="key-has-no-substitute-alone"),
        pytest.param(
            [drift("KmsKeyId", key()), drift("LogFileValidationEnabled", wanted=True)],
            [update(update(EnableLogFileValidation=True), KmsKeyId=key(), EnableLogFileValidation=True)],
            id="a-refused-key-holds-up-nothing-else",
        ),
        pytest.param(
            [
                drift("LogFileValidationEnabled", wanted=True),
                drift("IsMultiRegionTrail", wanted=True),
                drift("IncludeGlobalServiceEvents", wanted=True),
                drift("IsLogging", wanted=True),
            ],
            [
                START,
                update(EnableLogFileValidation=True, IsMultiRegionTrail=True, IncludeGlobalServiceEvents=True),
            ],
            id="start-first-then-one-update",
        ),
        pytest.param([drift("Colour", "b")], [], id="what-it-does-not-mend"),
    ],
)
def test_plan(drifts: list[Drift], calls: list[Call]) -> None:
    planned = kind.plan(observed(trail()), tuple(drifts), standard(), None)
    assert list(planned) == calls
    assert accepted_by_botocore(*planned)


def test_what_makes_a_trail() -> None:
    assert {"CreateTrail"} == kind.CREATES


def test_arn_and_revive() -> None:
    assert kind.arn("aws-cn", ACCOUNT, "cn-north-1", "t") == f"arn:aws-cn:cloudtrail:cn-north-1:{ACCOUNT}:trail/t"
    assert kind.arn("aws", ACCOUNT, REGION, FRANKFURT) == FRANKFURT
    assert kind.revive(
        {
            "account": ACCOUNT,
            "region": REGION,
            "logging": True,
            "log_file_validation": True,
            "multi_region": True,
            "global_events": True,
            "event_selectors": [ENOUGH_EVENTS],
            "of_a_later_version": 1,
        }
    ) == trail(kms_key="", bucket="", log_group="", log_group_role="", organization=False)
    with pytest.raises(TypeError):
        kind.revive({"account": ACCOUNT})
