"""Keys disabled, deleted, no longer rotated."""

import json
from collections.abc import Callable
from typing import Any

from local.account import Account
from local.cloud import LocalAws
from local.place import Session
from local.sabotage.model import Sabotage


def furnish(aws: LocalAws, victim: Account) -> None:
    """Nothing beyond the trail's key, which rotates."""


def _proof(aws: LocalAws, victim: Account) -> Any:
    """State, rotation and policy of the trail's key."""
    kms = aws.client("kms")
    return {
        "KeyState": kms.describe_key(KeyId=victim.key_arn)["KeyMetadata"]["KeyState"],
        "KeyRotationEnabled": kms.get_key_rotation_status(KeyId=victim.key_arn)["KeyRotationEnabled"],
        "Policy": kms.get_key_policy(KeyId=victim.key_arn, PolicyName="default")["Policy"],
    }


def _on_the_key(method: str, **more: Any) -> Callable[[LocalAws, Session, Account], None]:
    def commit(_aws: LocalAws, intruder: Session, victim: Account) -> None:
        # By its id: moto does not know an ARN here.
        getattr(intruder.client("kms"), method)(KeyId=victim.key_arn.rpartition("/")[2], **more)

    return commit


def _shut_out(aws: LocalAws, intruder: Session, victim: Account) -> None:
    """Takes away the statement by which CloudTrail encrypts."""
    policy = json.loads(_proof(aws, victim)["Policy"])
    policy["Statement"] = [each for each in policy["Statement"] if "Service" not in each["Principal"]]
    intruder.client("kms").put_key_policy(KeyId=victim.key_arn, PolicyName="default", Policy=json.dumps(policy))


SABOTAGES: tuple[Sabotage, ...] = (
    Sabotage("key.available", "DisableKey", "the trail's key is disabled", _on_the_key("disable_key"), _proof),
    Sabotage(
        "key.available",
        "ScheduleKeyDeletion",
        "the trail's key is about to be deleted",
        _on_the_key("schedule_key_deletion", PendingWindowInDays=7),
        _proof,
    ),
    Sabotage(
        "key.rotation", "DisableKeyRotation", "a key rotates no more", _on_the_key("disable_key_rotation"), _proof
    ),
    Sabotage("key.policy", "PutKeyPolicy", "CloudTrail may not use the key", _shut_out, _proof, "observed"),
)
