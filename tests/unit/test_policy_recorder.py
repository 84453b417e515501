"""What AWS Config must record: as much as before, to the same place, and it must run."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.policy.recorder import GLOBAL_TYPES, Recorder, as_often, covers, recording, weaker
from tests.unit.builders import recorder, standard

BUCKETS, VPCS, ROLES = "AWS::S3::Bucket", "AWS::EC2::VPC", "AWS::IAM::Role"
UNIVERSE = frozenset({BUCKETS, VPCS, "AWS::EC2::Subnet"}) | GLOBAL_TYPES
TYPES = st.lists(st.sampled_from(sorted(UNIVERSE)), unique=True)
GROUPS = st.one_of(
    st.builds(lambda more: {"allSupported": True, "includeGlobalResourceTypes": more}, st.booleans()),
    st.builds(
        lambda more: {
            "allSupported": True,
            "includeGlobalResourceTypes": more,
            "recordingStrategy": {"useOnly": "ALL_SUPPORTED_RESOURCE_TYPES"},
        },
        st.booleans(),
    ),
    st.builds(lambda types: {"allSupported": False, "resourceTypes": types}, TYPES),
    st.builds(
        lambda types: {"resourceTypes": types, "recordingStrategy": {"useOnly": "INCLUSION_BY_RESOURCE_TYPES"}}, TYPES
    ),
    st.builds(
        lambda types: {
            "exclusionByResourceTypes": {"resourceTypes": types},
            "recordingStrategy": {"useOnly": "EXCLUSION_BY_RESOURCE_TYPES"},
        },
        TYPES,
    ),
    st.builds(lambda types: {"exclusionByResourceTypes": {"resourceTypes": types or [BUCKETS]}}, TYPES),
)
EVERYTHING = {"allSupported": True, "includeGlobalResourceTypes": True}


def recorded(group: dict[str, Any]) -> frozenset[str]:
    """What a group records of a small world, as AWS's documentation of RecordingGroup says it."""
    if "exclusionByResourceTypes" in group:
        return UNIVERSE - set(group["exclusionByResourceTypes"]["resourceTypes"])
    if group.get("allSupported"):
        return UNIVERSE if group["includeGlobalResourceTypes"] else UNIVERSE - GLOBAL_TYPES
    return frozenset(group["resourceTypes"])


@given(GROUPS, GROUPS)
def test_what_covers_another_records_whatever_that_records(group: dict[str, Any], other: dict[str, Any]) -> None:
    if covers(group, other):
        assert recorded(other) <= recorded(group)
    elif "resourceTypes" not in group:  # a list of all types does not cover those that are still to come
        assert not recorded(other) <= recorded(group)


@given(GROUPS)
def test_each_covers_itself_and_everything_covers_each(group: dict[str, Any]) -> None:
    assert covers(group, group)
    assert covers(EVERYTHING, group)


@pytest.mark.parametrize(
    ("changes", "before", "fields"),
    [
        pytest.param({}, None, [], id="everything"),
        pytest.param({"recording": False}, None, ["recording"], id="stopped"),
        pytest.param({"name": "", "recording": False}, recorder(), ["recorder", "recording"], id="deleted"),
        pytest.param({"group": {"resourceTypes": [BUCKETS]}}, None, ["recordingGroup"], id="narrow"),
        pytest.param(
            {"group": {"resourceTypes": [BUCKETS]}}, recorder(group={"resourceTypes": [BUCKETS]}), [], id="its-own"
        ),
        pytest.param(
            {"group": {"resourceTypes": [VPCS]}},
            recorder(group={"resourceTypes": [BUCKETS]}),
            ["recordingGroup"],
            id="narrowed",
        ),
        pytest.param(
            {"frequency": {"recordingFrequency": "DAILY"}}, recorder(), ["recordingMode"], id="once-a-day-only"
        ),
        pytest.param({"role": "arn:other"}, recorder(), ["roleARN"], id="another-role"),
        pytest.param({"channel": {"s3BucketName": "evil"}}, recorder(), ["deliveryChannel"], id="redirected"),
        pytest.param({"channel": {"s3BucketName": "any"}}, None, [], id="any-channel-will-do"),
        pytest.param(
            {"channel": {}, "recording": False}, recorder(), ["deliveryChannel", "recording"], id="no-channel"
        ),
        pytest.param({"failure": "no"}, None, ["lastStatus"], id="cannot-deliver"),
    ],
)
def test_recording(changes: dict[str, Any], before: Recorder | None, fields: list[str]) -> None:
    assert [drift.field for drift in recording(recorder(**changes), standard(), before)] == fields


def test_what_nobody_knows_needs_a_person() -> None:
    found = {d.field: d.manual for d in recording(recorder(name="", channel={}, recording=False), standard(), None)}
    assert not found["recorder"]
    assert "create one" in found["deliveryChannel"]
    assert found["recording"] == "It cannot start without a channel."
    failing = list(recording(recorder(failure="x"), standard(), None))
    assert all(drift.manual for drift in failing)


def test_global_types_are_recorded_in_the_stacks_own_region_only() -> None:
    elsewhere = recorder(region="eu-west-1", group={"allSupported": True, "includeGlobalResourceTypes": False})
    assert not list(recording(elsewhere, standard(), None))
    here = recorder(group={"allSupported": True, "includeGlobalResourceTypes": False})
    assert [drift.field for drift in recording(here, standard(), None)] == ["recordingGroup"]


@pytest.mark.parametrize(
    ("mode", "other", "enough"),
    [
        ({}, {}, True),
        ({}, {"recordingFrequency": "DAILY"}, True),
        ({"recordingFrequency": "DAILY"}, {"recordingFrequency": "DAILY"}, True),
        ({"recordingFrequency": "DAILY"}, {}, False),
        ({"recordingFrequency": "CONTINUOUS", "recordingModeOverrides": [{"recordingFrequency": "DAILY"}]}, {}, False),
    ],
)
def test_as_often(mode: dict[str, Any], other: dict[str, Any], enough: bool) -> None:  # noqa: FBT001
    assert as_often(mode, other) is enough


def test_another_pace_of_snapshots_is_told() -> None:
    pace = {"configSnapshotDeliveryProperties": {"deliveryFrequency": "One_Hour"}}
    assert [d.field for d in weaker(recorder(channel=pace), recorder(), standard())] == [*pace]
    assert weaker(recorder(), recorder(channel=pace), standard()) == ()
