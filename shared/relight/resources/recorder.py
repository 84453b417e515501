"""AWS Config in a Region: DescribeConfigurationRecorders, …Status, DescribeDeliveryChannels; Put…, Start….

There is one customer-managed recorder and one channel in a Region; recorders of other AWS services
(servicePrincipal) are theirs to run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from relight.aws import Aws, Place
from relight.model import Baseline, Call, Drift, Observed, Resource, Scope
from relight.policy import state
from relight.policy.recorder import PLACES, Recorder, covers, everything, weaker
from relight.record import Record, dig
from relight.standard import Standard

__all__ = ["CREATES", "KIND", "arn", "list_names", "locate", "observe", "plan", "revive", "taken", "weaker"]

KIND = "config"
CREATES: frozenset[str] = frozenset()  # PutConfigurationRecorder makes one, and changes one
NAME = "recorder"
# What PutConfigurationRecorder and PutDeliveryChannel take; the rest is what AWS Config only shows.
GROUP = ("allSupported", "includeGlobalResourceTypes", "resourceTypes", "exclusionByResourceTypes", "recordingStrategy")
CHANNEL = ("name", *PLACES, "configSnapshotDeliveryProperties")


def arn(partition: str, account: str, region: str, name: str) -> str:
    """``arn:…:configuration-recorder``: there is one in a Region, whatever it is called."""
    return f"arn:{partition}:config:{region}:{account}:configuration-{NAME}"


def locate(record: Record) -> Scope:
    """The recorder of the record's Region."""
    return Scope(record.account, record.region, names=(NAME,))


def observe(
    aws: Aws, scope: Scope, baselines: Mapping[str, Baseline[Recorder]], standard: Standard
) -> Iterator[Observed[Recorder]]:
    """The Region's recorder with its channel, be they there or not."""
    place = aws.at(scope.account, scope.region)
    full = arn(standard.partition, scope.account, scope.region, NAME)
    yield Observed(Resource(KIND, NAME, full, scope.account, scope.region), _read(place, standard))


def _read(place: Place, standard: Standard) -> Recorder:
    recorders = (place.read("config", "DescribeConfigurationRecorders") or {}).get("ConfigurationRecorders", [])
    channels = (place.read("config", "DescribeDeliveryChannels") or {}).get("DeliveryChannels", [])
    channel: Mapping[str, Any] = next(iter(channels), {})
    shown = next((each for each in recorders if not each.get("servicePrincipal")), None)
    bare = Recorder(place.account, place.region, standard.partition, channel=channel)
    if shown is None:
        return bare
    answer = place.read("config", "DescribeConfigurationRecorderStatus", ConfigurationRecorderNames=[shown["name"]])
    status: Mapping[str, Any] = next(iter((answer or {}).get("ConfigurationRecordersStatus", [])), {})
    failed = str(status.get("lastStatus", "")).upper() == "FAILURE"
    return replace(
        bare,
        name=shown["name"],
        role=shown.get("roleARN", ""),
        group={name: value for name, value in (shown.get("recordingGroup") or {}).items() if name in GROUP},
        frequency=shown.get("recordingMode") or {},
        recording=bool(status.get("recording")),
        failure=f"{status.get('lastErrorCode', '')}: {status.get('lastErrorMessage', '')}" if failed else "",
    )


def list_names(place: Place, standard: Standard) -> list[str]:
    """Every Region has one to look at, be it there or not."""
    return [NAME]


def taken(record: Record, baseline: Baseline[Recorder] | None, standard: Standard) -> dict[str, str]:
    """By the call's name; the Put calls by what they narrow or lead elsewhere."""
    before = baseline.state if baseline else None
    if record.name == "PutConfigurationRecorder":
        group = dig(record.request, "configurationRecorder", "recordingGroup")
        narrowed = before and before.name and isinstance(group, Mapping) and not covers(group, before.group)
        lost = bool(narrowed)
    elif record.name == "PutDeliveryChannel":
        channel = dig(record.request, "deliveryChannel")
        lost = bool(before and before.channel) and isinstance(channel, Mapping) and _elsewhere(channel, before)
    else:
        lost = not (baseline and baseline.knew(record.time) and not baseline.controls)
    return {"config.recording": "What changes meanwhile is not recorded."} if lost else {}


def _elsewhere(channel: Mapping[str, Any], before: Recorder | None) -> bool:
    return before is not None and any(channel.get(place) != before.channel.get(place) for place in PLACES)


def plan(
    observed: Observed[Recorder], drifts: tuple[Drift, ...], standard: Standard, baseline: Recorder | None
) -> tuple[Call, ...]:
    """The recorder, its channel, its start, in this order: each needs the one before."""
    now = observed.state
    if now is None:
        return ()
    wanted = {drift.field: drift.wanted for drift in drifts}
    before = baseline if baseline and baseline.name else None
    name = now.name or (before.name if before else "default")
    calls: list[Call] = []
    if wanted.keys() & {"recorder", "recordingGroup", "recordingMode", "roleARN"}:
        recorder = {"name": name, **_recorder(now, before, standard, wanted)}
        calls.append(Call("config", "PutConfigurationRecorder", {"ConfigurationRecorder": recorder}))
    if "deliveryChannel" in wanted:
        channel = {key: value for key, value in wanted["deliveryChannel"].items() if key in CHANNEL}
        # The one that is there keeps its name: there can be no second.
        named = channel | {"name": now.channel.get("name") or channel.get("name", "default")}
        calls.append(Call("config", "PutDeliveryChannel", {"DeliveryChannel": named}))
    if "recording" in wanted:
        calls.append(Call("config", "StartConfigurationRecorder", {"ConfigurationRecorderName": name}))
    return tuple(calls)


def _recorder(now: Recorder, before: Recorder | None, standard: Standard, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """All of a recorder: PutConfigurationRecorder replaces it whole."""
    like = before if before and not now.name else now
    own_role = "role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"
    always = {"recordingFrequency": "CONTINUOUS"}  # what a baseline without a mode means
    mode = (wanted["recordingMode"] or always) if "recordingMode" in wanted else like.frequency
    return {
        "roleARN": wanted.get("roleARN") or like.role or f"arn:{now.partition}:iam::{now.account}:{own_role}",
        "recordingGroup": wanted.get("recordingGroup") or like.group or everything(now.region, standard),
        **({"recordingMode": mode} if mode else {}),
    }


def revive(data: Mapping[str, Any]) -> Recorder:
    """A recorder from a baseline's data."""
    return state.revive(Recorder, data)
