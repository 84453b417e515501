"""AWS Config as it is shown and mended: one recorder, one channel, in the order that AWS asks for."""

from __future__ import annotations

from typing import Any

import pytest

from relight.errors import AwsError
from relight.model import Drift, Observed, Scope
from relight.policy.recorder import Recorder, recording
from relight.resources import recorder as kind
from tests.unit.builders import ACCOUNT, REGION, accepted_by_botocore, baseline, observed, record, recorder, standard
from tests.unit.fakes import fake_aws, refused

ARN = f"arn:aws:config:{REGION}:{ACCOUNT}:configuration-recorder"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/config"
SHOWN = {
    "name": "default",
    "roleARN": ROLE,
    "arn": "arn:shown",
    "recordingGroup": {"allSupported": True, "includeGlobalResourceTypes": True},
}
LINKED = {"name": "AWSConfigurationRecorderForX", "servicePrincipal": "x.amazonaws.com"}
CHANNEL = {"name": "default", "s3BucketName": "config-logs"}


def look(recorders: Any, channels: Any = (CHANNEL,), **status: Any) -> Recorder:
    aws, _ = fake_aws(
        config__DescribeConfigurationRecorders={"ConfigurationRecorders": list(recorders)},
        config__DescribeDeliveryChannels={"DeliveryChannels": list(channels)},
        config__DescribeConfigurationRecorderStatus={"ConfigurationRecordersStatus": [{"recording": True} | status]},
    )
    (found,) = kind.observe(aws, Scope(ACCOUNT, REGION, ("recorder",)), {}, standard())
    assert found.resource.arn == ARN
    assert found.state is not None
    return found.state


def test_a_recorder_with_its_channel() -> None:
    assert look([LINKED, SHOWN]) == recorder()
    assert look([SHOWN], lastStatus="FAILURE", lastErrorCode="AccessDenied", lastErrorMessage="no").failure == (
        "AccessDenied: no"
    )
    assert look([SHOWN], lastStatus="SUCCESS").failure == ""
    assert not look([SHOWN], recording=False).recording


def test_nothing_is_a_state_too() -> None:
    """The recorders of other services are theirs to run."""
    assert look([LINKED], []) == Recorder(ACCOUNT, REGION, "aws")


def test_what_cannot_be_read_is_not_absent() -> None:
    aws, _ = fake_aws(config__DescribeConfigurationRecorders=refused("AccessDenied"))
    with pytest.raises(AwsError):
        list(kind.observe(aws, Scope(ACCOUNT, REGION, ("recorder",)), {}, standard()))


def planned(now: Recorder, before: Recorder | None) -> list[tuple[str, Any]]:
    drifts = tuple(d for d in recording(now, standard(), before) if not d.manual)
    calls = kind.plan(observed(now, ARN, "config"), drifts, standard(), before)
    assert accepted_by_botocore(*calls)
    return [(call.operation, next(iter(call.params.values()))) for call in calls]


def test_recorder_channel_start_in_this_order() -> None:
    """AWS takes no channel without recorder, and starts none without channel."""
    nothing = recorder(name="", role="", group={}, channel={}, recording=False)
    custom = recorder(name="mine", group={"allSupported": False, "resourceTypes": ["AWS::S3::Bucket"]})
    assert planned(nothing, custom) == [
        ("PutConfigurationRecorder", {"name": "mine", "roleARN": ROLE, "recordingGroup": custom.group}),
        ("PutDeliveryChannel", CHANNEL),
        ("StartConfigurationRecorder", "mine"),
    ]


def test_without_a_baseline_everything_is_recorded_in_the_name_of_aws_config() -> None:
    nothing = recorder(name="", role="", group={}, recording=False)
    (_, put), (start, _) = planned(nothing, None)
    assert put["roleARN"].endswith(":role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig")
    assert put["recordingGroup"] == {"allSupported": True, "includeGlobalResourceTypes": True}
    assert start == "StartConfigurationRecorder"


def test_only_what_differs_is_put_back() -> None:
    assert planned(recorder(recording=False), recorder()) == [("StartConfigurationRecorder", "default")]
    daily = recorder(frequency={"recordingFrequency": "DAILY"}, name="theirs")
    (only,) = planned(daily, recorder(frequency={"recordingFrequency": "CONTINUOUS"}))
    assert only[1]["name"] == "theirs"
    assert only[1]["recordingMode"] == {"recordingFrequency": "CONTINUOUS"}
    (only,) = planned(daily, recorder())
    assert only[1]["recordingMode"] == {"recordingFrequency": "CONTINUOUS"}
    (only,) = planned(recorder(channel={"name": "other", "s3BucketName": "evil"}), recorder())
    assert only == ("PutDeliveryChannel", {"name": "other", "s3BucketName": "config-logs"})


def test_what_is_shown_only_is_not_sent() -> None:
    drift = Drift("deliveryChannel", {}, {**CHANNEL, "somethingNew": 1})
    (call,) = kind.plan(observed(recorder(), ARN, "config"), (drift,), standard(), recorder())
    assert call.params["DeliveryChannel"] == CHANNEL
    assert kind.plan(Observed(observed(None, ARN).resource, None), (drift,), standard(), None) == ()


NARROW = {"configurationRecorder": {"recordingGroup": {"allSupported": False, "resourceTypes": ["AWS::S3::Bucket"]}}}


@pytest.mark.parametrize(
    ("name", "request_", "before", "taken"),
    [
        ("StopConfigurationRecorder", {}, None, True),
        ("DeleteConfigurationRecorder", None, recorder(), True),
        ("PutConfigurationRecorder", NARROW, recorder(), True),
        ("PutConfigurationRecorder", NARROW, None, False),
        ("PutConfigurationRecorder", {"configurationRecorder": SHOWN}, recorder(), False),
        ("PutConfigurationRecorder", {"omitted": True}, recorder(), False),
        ("PutDeliveryChannel", {"deliveryChannel": {"s3BucketName": "evil"}}, recorder(), True),
        ("PutDeliveryChannel", {"deliveryChannel": CHANNEL}, recorder(), False),
        ("PutDeliveryChannel", {"deliveryChannel": CHANNEL}, recorder(channel={}), False),
        ("PutDeliveryChannel", None, recorder(), False),
    ],
)
def test_taken(name: str, request_: Any, before: Recorder | None, taken: bool) -> None:  # noqa: FBT001
    kept = baseline(before, "config.recording") if before else None
    assert bool(kind.taken(record(name, request_), kept, standard())) is taken


def test_what_was_never_recording_was_not_taken() -> None:
    kept = baseline(recorder(recording=False))
    assert kind.taken(record("StopConfigurationRecorder"), kept, standard()) == {}


def test_there_is_one_in_a_region() -> None:
    aws, session = fake_aws()
    assert (kind.list_names(aws.home, standard()), session.calls) == (["recorder"], [])
    assert kind.locate(record("StopConfigurationRecorder", None)) == Scope(ACCOUNT, REGION, ("recorder",))
    assert kind.revive({"account": "1", "region": "r", "partition": "aws"}) == Recorder("1", "r", "aws")
