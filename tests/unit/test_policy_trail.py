"""What a compliant trail is, control by control."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from relight.errors import OutOfReach, UnknownState
from relight.model import Drift, Unread
from relight.policy import CONTROLS
from relight.policy.trail import Trail, logs_all_management_events, weaker
from tests.unit.builders import key, standard, trail


def drifts(control: str, state: Trail, before: Trail | None = None, **settings: Any) -> list[Drift]:
    return list(CONTROLS[control].check(state, standard(**settings), before))


NOT_LOGGING = Drift("IsLogging", found=False, wanted=True)
NO_VALIDATION = Drift("LogFileValidationEnabled", found=False, wanted=True)
ONE_REGION = Drift("IsMultiRegionTrail", found=False, wanted=True)
NO_GLOBAL = Drift("IncludeGlobalServiceEvents", found=False, wanted=True)
ITS_OWN = Drift("IsOrganizationTrail", found=False, wanted=True)


@pytest.mark.parametrize(
    ("control", "changes", "expected"),
    [
        pytest.param("trail.logging", {}, [], id="logs"),
        pytest.param("trail.logging", {"logging": False}, [NOT_LOGGING], id="stopped"),
        pytest.param("trail.log-file-validation", {}, [], id="validated"),
        pytest.param("trail.log-file-validation", {"log_file_validation": False}, [NO_VALIDATION], id="not-validated"),
    ],
)
def test_plain_switches(control: str, changes: dict[str, Any], expected: list[Drift]) -> None:
    assert drifts(control, trail(**changes)) == expected


DENIED = Unread("AccessDenied")
ALONE = {"multi_region": False, "covered": False}
WIDE = trail()
LOCAL = trail(multi_region=False, global_events=False)
EVERYBODYS = trail(organization=True)


@pytest.mark.parametrize(
    ("changes", "before", "expected"),
    [
        pytest.param({}, None, [], id="multi-region"),
        pytest.param(ALONE, None, [ONE_REGION], id="nothing-covers-the-account"),
        pytest.param(ALONE | {"global_events": False}, None, [ONE_REGION, NO_GLOBAL], id="global-events-go-with-it"),
        pytest.param({"multi_region": False, "covered": True}, None, [], id="another-trail-covers"),
        pytest.param({"multi_region": False, "covered": True}, LOCAL, [], id="always-was-single-region"),
        pytest.param({"multi_region": False, "covered": True}, WIDE, [ONE_REGION], id="was-wide-although-covered"),
        pytest.param(
            {"multi_region": False, "global_events": False, "covered": True},
            None,
            [],
            id="covered-needs-no-global-events",
        ),
        pytest.param({"global_events": False}, None, [], id="wide-without-global-events-and-no-baseline"),
        pytest.param({"global_events": False}, WIDE, [NO_GLOBAL], id="global-events-dropped"),
        pytest.param({"global_events": False}, LOCAL, [], id="never-had-global-events"),
        pytest.param({"multi_region": False, "covered": DENIED}, WIDE, [ONE_REGION], id="unread-but-it-was-wide"),
        pytest.param({"covered": DENIED}, None, [], id="unread-matters-not-to-a-wide-trail"),
        pytest.param({"organization": True}, EVERYBODYS, [], id="the-organisation's-still"),
        pytest.param({}, EVERYBODYS, [ITS_OWN], id="the-organisation's-no-more"),
        pytest.param({"covered": True}, EVERYBODYS, [ITS_OWN], id="another-trail-covers-only-this-account"),
        pytest.param(ALONE, EVERYBODYS, [ONE_REGION, ITS_OWN], id="neither-all-regions-nor-all-accounts"),
        pytest.param({"organization": True}, WIDE, [], id="the-organisation's-by-now"),
    ],
)
def test_multi_region(changes: dict[str, Any], before: Trail | None, expected: list[Drift]) -> None:
    assert drifts("trail.multi-region", trail(**changes), before) == expected


@pytest.mark.parametrize("before", [None, LOCAL], ids=["no-baseline", "single-region-baseline"])
def test_multi_region_is_unknown_where_coverage_could_not_be_read(before: Trail | None) -> None:
    with pytest.raises(UnknownState, match="whether another trail covers the account could not be read: AccessDenied"):
        drifts("trail.multi-region", trail(multi_region=False, covered=DENIED), before)


def test_multi_region_is_out_of_reach_where_an_organisation_keeps_its_trail_to_itself() -> None:
    with pytest.raises(OutOfReach, match="AccessDenied"):
        drifts("trail.multi-region", trail(multi_region=False, covered=Unread("AccessDenied", foreign=True)))


def basic(**changes: Any) -> dict[str, Any]:
    return {"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": True} | changes]}


def advanced(*fields: dict[str, Any]) -> dict[str, Any]:
    return {"AdvancedEventSelectors": [{"Name": "m", "FieldSelectors": list(fields)}]}


MANAGEMENT = {"Field": "eventCategory", "Equals": ["Management"]}


@pytest.mark.parametrize(
    ("selectors", "all_of_them"),
    [
        pytest.param(basic(), True, id="basic"),
        pytest.param(basic(ExcludeManagementEventSources=[]), True, id="basic-excludes-nothing"),
        pytest.param(basic(DataResources=[{"Type": "AWS::S3::Object", "Values": []}]), True, id="basic-with-data"),
        pytest.param(basic(ReadWriteType="ReadOnly"), False, id="basic-read-only"),
        pytest.param(basic(ReadWriteType="WriteOnly"), False, id="basic-write-only"),
        pytest.param(basic(IncludeManagementEvents=False), False, id="basic-data-only"),
        pytest.param(basic(ExcludeManagementEventSources=["kms.amazonaws.com"]), False, id="basic-excludes-kms"),
        pytest.param(advanced(MANAGEMENT), True, id="advanced"),
        pytest.param(
            advanced(MANAGEMENT | {"NotEquals": [], "StartsWith": []}), True, id="advanced-with-empty-operators"
        ),
        pytest.param(advanced(MANAGEMENT, {"Field": "readOnly", "Equals": ["false"]}), False, id="advanced-write-only"),
        pytest.param(
            advanced(MANAGEMENT, {"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]}),
            False,
            id="advanced-excludes-kms",
        ),
        pytest.param(advanced({"Field": "eventCategory", "Equals": ["Data"]}), False, id="advanced-data-only"),
        pytest.param(advanced(), False, id="advanced-empty"),
        pytest.param({"EventSelectors": None, "AdvancedEventSelectors": None}, False, id="nulls"),
        pytest.param({}, False, id="nothing"),
        pytest.param(
            {"EventSelectors": [*basic(ReadWriteType="ReadOnly")["EventSelectors"], *basic()["EventSelectors"]]},
            True,
            id="the-second-does",
        ),
    ],
)
def test_logs_all_management_events(selectors: dict[str, Any], *, all_of_them: bool) -> None:
    assert logs_all_management_events(selectors) is all_of_them


OTHER = key(name="other")
FULL = trail(prefix="p", log_group="g", sns_topic="t", log_group_role="r")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param({"bucket": "elsewhere"}, "S3BucketName", id="bucket"),
        pytest.param({"prefix": ""}, "S3KeyPrefix", id="prefix"),
        pytest.param({"kms_key": OTHER}, "KmsKeyId", id="key"),
        pytest.param({"log_group": ""}, "CloudWatchLogsLogGroupArn", id="log-group"),
        pytest.param({"sns_topic": "u"}, "SnsTopicARN", id="topic"),
    ],
)
def test_weaker_names_what_was_given_up_or_moved(change: dict[str, Any], field: str) -> None:
    ((name, value),) = change.items()
    expected = Drift(field, found=value, wanted=getattr(FULL, name))
    assert weaker(FULL, replace(FULL, **change), standard()) == (expected,)


def test_weaker_ignores_what_was_gained() -> None:
    assert weaker(replace(FULL, kms_key="", bucket="", log_group=""), FULL, standard()) == ()
    assert weaker(FULL, FULL, standard()) == ()


def test_what_is_no_longer_the_organisation_s_is_weaker() -> None:
    assert weaker(EVERYBODYS, trail(), standard()) == (ITS_OWN,)
    assert weaker(trail(), EVERYBODYS, standard()) == ()


def test_a_topic_where_none_was_is_somebody_who_is_told_of_every_file() -> None:
    expected = Drift("SnsTopicARN", found="t", wanted="")
    assert weaker(replace(FULL, sns_topic=""), FULL, standard()) == (expected,)
