"""AWS Config, stopped, narrowed, led elsewhere and deleted."""

import json
from typing import Any

from local.account import Account
from local.cloud import LocalAws
from local.place import Session
from local.sabotage.model import Sabotage
from local.settings import ACCOUNT, PARTITION

RECORDER = CHANNEL = "default"
ROLE = "example-config"
GROUP = {"allSupported": True, "includeGlobalResourceTypes": True}


def furnish(aws: LocalAws, victim: Account) -> None:
    """A recorder of everything, its channel, started."""
    trust = {"Effect": "Allow", "Principal": {"Service": "config.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = aws.client("iam").create_role(RoleName=ROLE, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    config = aws.client("config")
    config.put_configuration_recorder(
        ConfigurationRecorder={"name": RECORDER, "roleARN": role, "recordingGroup": GROUP}
    )
    config.put_delivery_channel(
        DeliveryChannel={"name": CHANNEL, "s3BucketName": victim.access_log_bucket, "s3KeyPrefix": "config"}
    )
    config.start_configuration_recorder(ConfigurationRecorderName=RECORDER)


def _proof(aws: LocalAws, _victim: Account) -> Any:
    """Recorder, channel, and whether it records."""
    config = aws.client("config")
    status = config.describe_configuration_recorder_status()["ConfigurationRecordersStatus"]
    return {
        "recorders": config.describe_configuration_recorders()["ConfigurationRecorders"],
        "channels": config.describe_delivery_channels()["DeliveryChannels"],
        "recording": [each["recording"] for each in status],
    }


def _stop(_aws: LocalAws, intruder: Session, _victim: Account) -> None:
    intruder.client("config").stop_configuration_recorder(ConfigurationRecorderName=RECORDER)


def _delete(_aws: LocalAws, intruder: Session, _victim: Account) -> None:
    intruder.client("config").delete_configuration_recorder(ConfigurationRecorderName=RECORDER)


def _delete_channel(aws: LocalAws, intruder: Session, _victim: Account) -> None:
    """Only a stopped recorder's channel can be deleted; nobody hears of the stop."""
    aws.delivers = False
    intruder.client("config").stop_configuration_recorder(ConfigurationRecorderName=RECORDER)
    aws.delivers = True
    intruder.client("config").delete_delivery_channel(DeliveryChannelName=CHANNEL)


def _narrow(_aws: LocalAws, intruder: Session, _victim: Account) -> None:
    group = {"allSupported": False, "includeGlobalResourceTypes": False, "resourceTypes": ["AWS::S3::Bucket"]}
    role = f"arn:{PARTITION}:iam::{ACCOUNT}:role/{ROLE}"
    intruder.client("config").put_configuration_recorder(
        ConfigurationRecorder={"name": RECORDER, "roleARN": role, "recordingGroup": group}
    )


def _redirect(_aws: LocalAws, intruder: Session, victim: Account) -> None:
    channel = {"name": CHANNEL, "s3BucketName": victim.trail_bucket}
    intruder.client("config").put_delivery_channel(DeliveryChannel=channel)


SABOTAGES: tuple[Sabotage, ...] = (
    Sabotage("config.recording", "StopConfigurationRecorder", "AWS Config stops", _stop, _proof),
    Sabotage("config.recording", "DeleteConfigurationRecorder", "its recorder is deleted", _delete, _proof),
    Sabotage("config.recording", "DeleteDeliveryChannel", "its channel is deleted", _delete_channel, _proof),
    Sabotage("config.recording", "PutConfigurationRecorder", "it records buckets only", _narrow, _proof),
    Sabotage("config.recording", "PutDeliveryChannel", "it delivers elsewhere", _redirect, _proof),
)
