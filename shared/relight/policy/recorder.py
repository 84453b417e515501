"""AWS Config: what a Region's recorder and its delivery channel should be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from relight.model import Drift, Severity
from relight.policy.control import control
from relight.standard import Standard

ALL, SOME, ALL_BUT = "ALL_SUPPORTED_RESOURCE_TYPES", "INCLUSION_BY_RESOURCE_TYPES", "EXCLUSION_BY_RESOURCE_TYPES"
# What includeGlobalResourceTypes is about
# (https://docs.aws.amazon.com/config/latest/APIReference/API_RecordingGroup.html).
GLOBAL_TYPES = frozenset({"AWS::IAM::User", "AWS::IAM::Group", "AWS::IAM::Role", "AWS::IAM::Policy"})
# Where a channel delivers to, as opposed to how often.
PLACES = ("s3BucketName", "s3KeyPrefix", "s3KmsKeyArn", "snsTopicARN")


@dataclass(frozen=True, slots=True)
class Recorder:
    """The Region's customer-managed recorder and its channel; `name` and `channel` are empty where there is none.

    `group`, `frequency` and `channel` are recordingGroup, recordingMode and the channel as AWS Config shows them.
    """

    account: str
    region: str
    partition: str
    name: str = ""
    role: str = ""
    group: Mapping[str, Any] = field(default_factory=dict)
    frequency: Mapping[str, Any] = field(default_factory=dict)
    channel: Mapping[str, Any] = field(default_factory=dict)
    recording: bool = False
    failure: str = field(default="", compare=False)  # why it could not deliver last time


@control(
    "config.recording",
    title="AWS Config records the Region's resources",
    severity=Severity.HIGH,
    cis="3.3",
    security_hub="Config.1",
    triggers=(
        "StopConfigurationRecorder",
        "DeleteConfigurationRecorder",
        "PutConfigurationRecorder",
        "DeleteDeliveryChannel",
        "PutDeliveryChannel",
    ),
    repair="PutConfigurationRecorder, PutDeliveryChannel, StartConfigurationRecorder",
    costs="0.003 for each configuration item",
)
def recording(recorder: Recorder, standard: Standard, baseline: Recorder | None) -> Iterator[Drift]:
    """A recorder runs that records at least what the baseline's did, else everything; its channel leads there too."""
    before = baseline if baseline and baseline.name else None
    wanted = before.group if before else everything(recorder.region, standard)
    if not recorder.name:
        yield Drift("recorder", found="", wanted=before.name if before else "default")
    elif not covers(recorder.group, wanted):
        yield Drift("recordingGroup", found=dict(recorder.group), wanted=dict(wanted))
    if recorder.name and before and not as_often(recorder.frequency, before.frequency):
        yield Drift("recordingMode", found=dict(recorder.frequency), wanted=dict(before.frequency))
    if recorder.name and before and recorder.role != before.role:
        yield Drift("roleARN", found=recorder.role, wanted=before.role)
    yield from _channel(recorder, baseline)
    if not recorder.recording:
        nowhere = not recorder.channel and not (baseline and baseline.channel)
        yield Drift(
            "recording", found=False, wanted=True, manual="It cannot start without a channel." if nowhere else ""
        )
    elif recorder.failure:
        advice = "Mend what it names: the role, or the policy of the bucket, the topic or the key."
        yield Drift("lastStatus", found=recorder.failure, wanted="Success", manual=advice)


def _channel(recorder: Recorder, baseline: Recorder | None) -> Iterator[Drift]:
    before = dict(baseline.channel) if baseline else {}
    if not recorder.channel:
        advice = "" if before else "No channel is known: create one, to a bucket that AWS Config may write to."
        yield Drift("deliveryChannel", found={}, wanted=before, manual=advice)
    elif before and any(recorder.channel.get(place) != before.get(place) for place in PLACES):
        yield Drift("deliveryChannel", found=dict(recorder.channel), wanted=before)


def everything(region: str, standard: Standard) -> Mapping[str, Any]:
    """The group where no earlier one is known: all types; global ones in the stack's own Region only, not twice."""
    return {"allSupported": True, "includeGlobalResourceTypes": region == standard.region}


def covers(group: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether a recording group records at least what another one does, types that are still to come included."""
    strategy, types = _meaning(group)
    wanted, wanted_types = _meaning(other)
    if wanted == ALL_BUT:  # everything but these
        return strategy == ALL_BUT and types <= wanted_types
    return wanted_types.isdisjoint(types) if strategy == ALL_BUT else wanted_types <= types


def _meaning(group: Mapping[str, Any]) -> tuple[str, frozenset[str]]:
    """Everything but some types, or some types only."""
    strategy = (group.get("recordingStrategy") or {}).get("useOnly")
    excluded = (group.get("exclusionByResourceTypes") or {}).get("resourceTypes") or ()
    if strategy == ALL_BUT or (not strategy and excluded):
        return ALL_BUT, frozenset(excluded)
    if strategy == ALL or (not strategy and group.get("allSupported")):
        return ALL_BUT, frozenset() if group.get("includeGlobalResourceTypes") else GLOBAL_TYPES
    return SOME, frozenset(group.get("resourceTypes") or ())


def as_often(mode: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether a recording mode is the other one, or records every change as it comes."""
    daily = [each for each in mode.get("recordingModeOverrides") or () if each.get("recordingFrequency") == "DAILY"]
    always = mode.get("recordingFrequency", "CONTINUOUS") == "CONTINUOUS" and not daily
    return always or mode == other


def weaker(old: Recorder, new: Recorder, standard: Standard) -> tuple[Drift, ...]:
    """Snapshots that are delivered at another pace than the baseline's."""
    name = "configSnapshotDeliveryProperties"
    was, now = old.channel.get(name), new.channel.get(name)
    return (Drift(name, found=now, wanted=was),) if was and was != now else ()
