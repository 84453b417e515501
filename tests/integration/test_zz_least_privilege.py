"""The calls that the functions made are what their roles allow, both ways: nothing is missing, nothing is spare."""

from __future__ import annotations

import json

import pytest

from local import account, attacks, cloudtrail, faults, sabotage
from local.account import FLOW_LOG_GROUP, Account
from local.cloud import LocalAws
from local.sabotage import Sabotage, guards
from local.sabotage.forwarders import PREFIX
from local.settings import ACCOUNT, REGION, STACK
from relight.ledger import FEW
from relight.policy import CONTROLS
from relight.record import plain_name
from tests.contract.dependent_actions import required
from tests.contract.template import actions, functions, of_a_hub
from tests.integration import helpers
from tests.integration.helpers import mallory

# Family → actions whose calls moto cannot show, and what shows them instead.
UNSEEN: dict[str, dict[str, str]] = {
    "trail_bucket": {
        "s3:CreateBucket": "its control only tells, as shipped: tests/unit/test_bucket_parts.py",
        "s3:PutAccountPublicAccessBlock": "its control only tells, as shipped: tests/unit/test_bucket_parts.py",
    },
    "key": {"kms:PutKeyPolicy": "its control only tells, as shipped: tests/unit/test_resources_key.py"},
    "recorder": {"dynamodb:BatchGetItem": "a Region has one, and the ledger's access is one policy for all"},
    "alarm": {
        "dynamodb:BatchGetItem": "likewise",
        "logs:CreateLogGroup": "others are faster, as they may be: tests/unit/test_resources_alarm.py",
        "logs:PutRetentionPolicy": "as CreateLogGroup",
    },
    "log_group": {
        "logs:CreateLogGroup": "whoever writes to it makes it again first: tests/unit/test_log_group.py",
        "logs:PutLogGroupDeletionProtection": "moto has no such thing: tests/unit/test_log_group.py",
    },
    "guard": {
        "cloudformation:UpdateTerminationProtection": "moto has no such thing: tests/unit/test_resources_guard.py",
        "dynamodb:Query": "its parts are always named, and the ledger's access is one policy for all",
        "events:UpdateEventBus": "moto has no such thing: tests/unit/test_resources_guard.py",
        "lambda:PutFunctionConcurrency": "none is reserved, as shipped: tests/unit/test_resources_guard.py",
    },
    "forwarder": {"dynamodb:Query": "its rules are always named, and the ledger's access is one policy for all"},
    "guard_watch": {
        "dynamodb:Query": "its parts are always named, and the ledger's access is one policy for all",
        "lambda:PutFunctionConcurrency": "none is reserved, as shipped: tests/unit/test_resources_guard.py",
    },
}
# More names than are looked up one by one in the ledger.
MANY = FEW + 1


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    helpers.hurry(monkeypatch)


def test_the_calls_made_are_what_the_roles_allow(local_aws: LocalAws) -> None:
    """Runs a list of scenarios of its own, so that it depends on no other test; what those called counts too."""
    earlier = {family: set(calls) for family, calls in local_aws.calls.items()}
    local_aws.reset()
    victim = account.build(local_aws)
    sabotage.furnish(local_aws, victim)
    local_aws.calls.clear()
    cloud = helpers.set_to_work(local_aws, guarded=True)
    _every_way(cloud, victim)
    calls = {family: set(made) for family, made in cloud.calls.items()}
    _as_a_hub(local_aws)
    for family in ("forwarder", "guard"):
        calls[family] = calls.get(family, set()) | local_aws.calls[family]

    for family, function in functions().items():
        allowed = actions(function.role) - of_a_hub()  # which this stack is not
        needed = required(calls[family], function.features) - of_a_hub()
        assert not needed - allowed, f"{function.role} must allow {sorted(needed - allowed)}"
        unseen = UNSEEN.get(family, {}).keys()
        assert allowed - needed == unseen, (
            f"{function.role}: of what it allows, never called: {sorted(allowed - needed)}"
        )
        others = required(earlier.get(family, set()), function.features) - of_a_hub()
        assert not others - allowed, f"{function.role} must allow {sorted(others - allowed)}"


def _every_way(cloud: LocalAws, victim: Account) -> None:
    """All that the functions do: the sweep, each repair, each way to look something up."""
    helpers.sweep(cloud)
    for attack in attacks.five(victim):
        attack.commit(mallory(cloud, attack.service))
        cloud.settle()
    mallory(cloud, "logs").delete_log_group(logGroupName=FLOW_LOG_GROUP)
    cloud.settle()
    # That group keeps what it holds for a time, and the trail's keeps it for ever.
    mallory(cloud, "logs").put_retention_policy(logGroupName=account.TRAIL_LOG_GROUP, retentionInDays=1)
    cloud.settle()
    for each in sabotage.ALL:
        each.commit(cloud, cloud.actor(account.INTRUDER, account.INTRUDER_ADDRESS), victim)
        cloud.settle()
    told = next(message.data for message in cloud.notifications if "findings" in message.data)
    message = {"Message": json.dumps(told), "Timestamp": "2026-11-21T12:00:00.000Z"}
    helpers.invoke(cloud, "security_hub", {"Records": [{"EventSource": "aws:sns", "Sns": message}]})
    helpers.invoke(cloud, "guard", {"source": "aws.scheduler", "detail-type": "Scheduled Event", "id": "1"})
    for guard, attacked in (("guard", guards.SABOTAGES), ("guard_watch", guards.OF_THE_GUARD)):
        _if_only_one_hears(cloud, victim, guard, attacked)
    # The log group of a trail is Relight's own where Relight introduced it.
    with helpers.nobody_listening(cloud):
        group = {"logGroupName": "/relight/trails/" + victim.trail}
        cloud.client("logs").create_log_group(**group)
        shown = cloud.client("logs").describe_log_groups(logGroupNamePrefix=group["logGroupName"])["logGroups"]
        cloud.client("cloudtrail").update_trail(Name=victim.trail, CloudWatchLogsLogGroupArn=shown[0]["arn"])
    mallory(cloud, "logs").delete_log_group(**group)
    cloud.settle()
    # Whether another trail covers the account is read only for one that does not.
    cloud.client("cloudtrail").create_trail(Name="second", S3BucketName=victim.access_log_bucket)
    cloud.settle()
    for family, kind, name in (
        ("trail", "trail", f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/no-such-trail"),
        ("flow_logs", "vpc", "vpc-0000000000000000"),
        ("trail_bucket", "bucket", "no-such-bucket"),
        ("key", "key", "no-such-key"),
        ("log_group", "logs", "/no-such-group"),
        ("recorder", "config", "recorder"),
    ):
        names = [f"{name}{number}" for number in range(MANY)]
        request = {"source": "relight.sweep", "kind": kind, "account": ACCOUNT, "region": REGION, "names": names}
        helpers.invoke(cloud, family, request)
        # What is fine may have been mended by an attempt of the sweep's that was cut off.
        fine = {"bucket": victim.trail_bucket, "key": victim.key_arn, "logs": account.TRAIL_LOG_GROUP}.get(kind, name)
        helpers.invoke(cloud, family, request | {"names": [fine], "sweep": "s1"})
    # A sweep that finds something new has something to tell.
    with helpers.nobody_listening(cloud):
        vpc = cloud.client("ec2").create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
        role = cloud.stack.outputs["FlowLogsRoleArnInUse"]
        cloud.client("ec2").create_flow_logs(
            ResourceIds=[vpc],
            ResourceType="VPC",
            TrafficType="ALL",
            LogGroupName=FLOW_LOG_GROUP,
            DeliverLogsPermissionArn=role,
        )
    helpers.sweep(cloud)


def _as_a_hub(aws: LocalAws) -> None:
    """What a hub does besides: its forwarder and its bus attacked, with the sweep to look for what nobody heard of."""
    victim = faults.build_hub(aws)
    for each in sabotage.OF_A_HUB:
        each.commit(aws, aws.actor(account.INTRUDER, account.INTRUDER_ADDRESS), victim)
        aws.settle()
    with helpers.nobody_listening(aws):
        aws.client("events").disable_rule(Name=f"{PREFIX}kms")
    helpers.sweep(aws)
    aws.client("events").delete_event_bus(Name=STACK)
    aws.settle()


def _if_only_one_hears(cloud: LocalAws, victim: Account, guard: str, attacked: tuple[Sabotage, ...]) -> None:
    """Where both guards hear of an attack, one of them may find it undone."""
    for each in (each for each in attacked if each.outcome != "compliant"):
        with helpers.nobody_listening(cloud):
            cloud.forget()
            each.commit(cloud, cloud.actor(account.INTRUDER, account.INTRUDER_ADDRESS), victim)
            heard = [r for r in cloud.records if plain_name(r["eventName"]) in CONTROLS[each.control].triggers]
            for record in heard:
                helpers.invoke(cloud, guard, cloudtrail.event(record))
