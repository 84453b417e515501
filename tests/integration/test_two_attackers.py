"""Two attacks before the first event arrives: one invocation repairs both, and both actors are named.

With a baseline, and without any: then the record alone says what was there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from local import account, attacks
from local.account import Account
from local.cloud import LocalAws
from local.wire import Call
from tests.integration import helpers
from tests.integration.helpers import eve, mallory

STOP: dict[str, Any] = {}
OFF = {"EnableLogFileValidation": False, "KmsKeyId": ""}
NARROW = {"IsMultiRegionTrail": False, "IncludeGlobalServiceEvents": False}
UNLOGGED: dict[str, Any] = {"BucketLoggingStatus": {}}


@dataclass(frozen=True)
class Pair:
    """What mallory does, and a moment later eve."""

    service: str
    first: tuple[str, dict[str, Any]]
    second: tuple[str, dict[str, Any]]
    repairs: tuple[str, ...]


ON_TRAIL = {"Name": account.TRAIL}
PAIRS = [
    pytest.param(
        Pair(
            "cloudtrail",
            ("stop_logging", ON_TRAIL),
            ("update_trail", ON_TRAIL | OFF),
            ("trail: StartLogging", "trail: UpdateTrail"),
        ),
        id="stop, weaken",
    ),
    pytest.param(
        Pair("cloudtrail", ("stop_logging", ON_TRAIL), ("stop_logging", ON_TRAIL), ("trail: StartLogging",)),
        id="stop, stop",
    ),
    pytest.param(
        Pair(
            "cloudtrail",
            ("update_trail", ON_TRAIL | OFF),
            ("update_trail", ON_TRAIL | NARROW),
            ("trail: UpdateTrail",),
        ),
        id="weaken, narrow",
    ),
    pytest.param(
        Pair(
            "s3",
            ("put_bucket_logging", {"Bucket": account.TRAIL_BUCKET} | UNLOGGED),
            ("put_bucket_logging", {"Bucket": account.TRAIL_BUCKET} | UNLOGGED),
            ("trail_bucket: PutBucketLogging",),
        ),
        id="unlog, unlog",
    ),
]


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    helpers.hurry(monkeypatch)


@pytest.fixture
def unswept(local_aws: LocalAws, victim: Account) -> LocalAws:
    """The stack just deployed: the sweep has not run, and nothing is known of any resource."""
    local_aws.deploy()
    local_aws.forget()
    assert helpers.baseline(local_aws, victim.trail_arn) is None
    return local_aws


def commit(aws: LocalAws, pair: Pair) -> list[helpers.Record]:
    """Both attacks, one right after the other; their records, which nobody has been given yet."""
    with helpers.nobody_listening(aws):
        for attacker, (operation, parameters) in ((mallory, pair.first), (eve, pair.second)):
            getattr(attacker(aws, pair.service), operation)(**parameters)
    return [each for each in helpers.records(aws) if each["userIdentity"].get("userName") in ("mallory", "eve")]


def check_named(aws: LocalAws, records: list[helpers.Record]) -> None:
    """A message for each record, by its actor's name, saying that its call took something away."""
    told = {message.event_id: message for message in aws.notifications}
    assert len(aws.notifications) == len(told) == len(records) == 2
    for record in records:
        message = told[record["eventID"]]
        name = record["userIdentity"]["userName"]
        assert message.data["actor"]["name"] == name
        assert f": {record['eventName']} by {name}" in message.text.splitlines()[0]
        assert "taken away by this call" in message.text
        assert any(finding["cause"] == "taken-away" for finding in message.data["findings"])


@pytest.mark.parametrize("swapped", [False, True], ids=["in order", "swapped"])
@pytest.mark.parametrize("pair", PAIRS)
def test_both_are_named_and_the_repair_is_made_once(cloud: LocalAws, pair: Pair, *, swapped: bool) -> None:
    state = helpers.trail(cloud), helpers.access_logging(cloud)
    records = commit(cloud, pair)

    helpers.deliver(cloud, *(reversed(records) if swapped else records))

    assert (helpers.trail(cloud), helpers.access_logging(cloud)) == state
    assert sorted(helpers.writes(cloud)) == sorted(pair.repairs)
    check_named(cloud, records)
    first, second = cloud.notifications
    assert first.data["outcome"] == "repaired"
    assert second.data["outcome"] == "compliant"


def test_two_who_delete_one_flow_log_each_are_both_named(cloud: LocalAws, victim: Account) -> None:
    first, second = helpers.flow_log_ids(cloud, victim.vpc), helpers.flow_log_ids(cloud, victim.default_vpc)
    both = {vpc: helpers.flow_logs(cloud, vpc) for vpc in (victim.vpc, victim.default_vpc)}
    pair = Pair("ec2", ("delete_flow_logs", {"FlowLogIds": first}), ("delete_flow_logs", {"FlowLogIds": second}), ())
    records = commit(cloud, pair)

    helpers.deliver(cloud, *reversed(records))

    assert {vpc: helpers.flow_logs(cloud, vpc) for vpc in both} == both
    check_named(cloud, records)
    assert helpers.writes(cloud).count("flow_logs: CreateFlowLogs") == 2


def test_an_attack_while_another_is_being_repaired_is_no_failure_of_that_repair(
    cloud: LocalAws, victim: Account
) -> None:
    """Eve strikes between Relight's look at the trail and its StartLogging."""
    before = helpers.trail(cloud)
    weakened: list[object] = []

    def strike(_call: Call) -> bool:
        if not weakened:
            weakened.append(eve(cloud, "cloudtrail").update_trail(Name=victim.trail, **OFF))
        return False  # the call itself goes through

    with cloud.refuse("trail", "cloudtrail:StartLogging", when=strike):
        mallory(cloud, "cloudtrail").stop_logging(Name=victim.trail)
        cloud.settle()

    assert weakened
    assert helpers.trail(cloud) == before
    assert "failed" not in [message.data["outcome"] for message in cloud.notifications]
    check_named(cloud, helpers.records(cloud, "StopLogging", "UpdateTrail"))


# ------------------------------------------------------------------------------------------ without a baseline


def test_without_a_baseline_the_record_says_what_to_restore(unswept: LocalAws, victim: Account) -> None:
    stack = unswept.stack.outputs
    for attack in attacks.five(victim):
        attack.commit(mallory(unswept, attack.service))
        unswept.settle()

    trail = helpers.trail(unswept)
    assert trail["IsLogging"]
    assert trail["LogFileValidationEnabled"]
    assert trail["IsMultiRegionTrail"]
    assert trail["IncludeGlobalServiceEvents"]
    assert trail["KmsKeyId"] in (victim.key_arn, stack["TrailKeyArnInUse"])
    assert [log["TrafficType"] for log in helpers.flow_logs(unswept, victim.vpc)] == ["REJECT"]
    assert helpers.access_logging(unswept)["TargetBucket"] in (victim.access_log_bucket, stack["AccessLogBucketInUse"])
    assert [message.data["outcome"] for message in unswept.notifications] == ["repaired"] * 5
    assert {message.data["actor"]["name"] for message in unswept.notifications} == {"mallory"}
    deleted = next(each for each in unswept.notifications if each.data["event_name"] == "DeleteFlowLogs")
    assert "No baseline tells which VPC" in deleted.text


def test_a_first_event_that_is_the_attack_restores_from_the_standard(unswept: LocalAws, victim: Account) -> None:
    mallory(unswept, "cloudtrail").update_trail(Name=victim.trail, **OFF, **NARROW)
    mallory(unswept, "s3").put_bucket_logging(Bucket=victim.trail_bucket, BucketLoggingStatus={})
    unswept.settle()

    stack, trail = unswept.stack.outputs, helpers.trail(unswept)
    assert trail["KmsKeyId"] == stack["TrailKeyArnInUse"]
    assert trail["LogFileValidationEnabled"]
    assert trail["IsMultiRegionTrail"]
    assert helpers.access_logging(unswept) == {
        "TargetBucket": stack["AccessLogBucketInUse"],
        "TargetPrefix": f"{victim.trail_bucket}/",
    }
    assert all(message.data["actor"]["name"] == "mallory" for message in unswept.notifications)


@pytest.mark.parametrize("swapped", [False, True], ids=["in order", "swapped"])
def test_without_a_baseline_the_race_of_both_still_restores_all(
    unswept: LocalAws, victim: Account, *, swapped: bool
) -> None:
    """The first event finds the other's work and takes it for what always was; the second event knows better."""
    pair = Pair("cloudtrail", ("stop_logging", ON_TRAIL), ("update_trail", ON_TRAIL | OFF | NARROW), ())
    records = commit(unswept, pair)

    helpers.deliver(unswept, *(reversed(records) if swapped else records))

    trail = helpers.trail(unswept)
    assert trail["IsLogging"]
    assert trail["LogFileValidationEnabled"]
    assert trail["IsMultiRegionTrail"]
    assert trail["IncludeGlobalServiceEvents"]
    assert trail["KmsKeyId"] == unswept.stack.outputs["TrailKeyArnInUse"]
    told = {message.event_id: message for message in unswept.notifications}
    assert {told[record["eventID"]].data["actor"]["name"] for record in records} == {"mallory", "eve"}
    baseline = helpers.baseline(unswept, victim.trail_arn)
    assert baseline is not None
    assert {"trail.logging", "trail.kms-encryption", "trail.multi-region"} <= baseline["controls"]
