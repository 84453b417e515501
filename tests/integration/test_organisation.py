"""A hub repairs what happens in another account and Region, and nobody in a member leads it anywhere else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import Result
from samtranslator.yaml_helper import yaml_parse

from local import account, attacks, buses, cloudtrail, facts, organisation
from local.account import Account
from local.attacks import Attack
from local.cloud import LocalAws
from local.organisation import MEMBER_ROLE
from local.place import Place
from local.settings import ACCOUNT, MEMBER, MEMBER_REGION, PARTITION, PROJECT, REGION
from tests.contract.dependent_actions import iam_action
from tests.contract.template import listed
from tests.integration import helpers
from tests.integration.conftest import Fresh
from tests.integration.helpers import Record

FIVE = ("StopLogging", "UpdateTrail", "DeleteFlowLogs", "CreateVpc", "PutBucketLogging")
WEAKER = {"EnableLogFileValidation": False}  # what issue 7 asks of UpdateTrail


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    helpers.hurry(monkeypatch)


@dataclass(frozen=True)
class Built:
    """What is worth attacking: in the hub's own account and in the member's."""

    hubs: Account
    members: Account


@dataclass(frozen=True)
class Scene:
    """A hub and its member, who works in another Region; both log as they should, with trails of the same name."""

    hub: LocalAws
    member: Place
    built: Built

    def attack(self, operation: str, place: Place | None = None) -> Record:
        """By mallory of that account, the member if none is named; the record of it."""
        victim = self.built.hubs if place is self.hub else self.built.members
        chosen = next(each for each in attacks.five(victim) if each.operation == operation)
        if operation == "UpdateTrail":
            chosen = Attack(chosen.effect, chosen.service, operation, {"Name": victim.trail, **WEAKER})
        intruder = (place or self.member).actor(account.INTRUDER, account.INTRUDER_ADDRESS)
        chosen.commit(intruder.client(chosen.service))
        self.hub.settle()
        return helpers.records(self.hub, operation)[-1]


@pytest.fixture
def scene(local_aws: LocalAws, fresh: Fresh) -> Iterator[Scene]:
    def build() -> Built:
        local_aws.reset()
        organised = organisation.create(local_aws)
        organised.join(MEMBER)
        member = local_aws.at(MEMBER, MEMBER_REGION)
        at_home = account.build(local_aws)
        organised.deploy_hub()
        organised.deploy_forwarder(local_aws, local_aws.at(MEMBER, REGION), member)
        local_aws.announce(deaf=helpers.GUARDS)
        local_aws.settle(organisation.PATIENCE)
        built = Built(at_home, organised.build(member))
        assert helpers.failed(local_aws) == []
        local_aws.forget()
        return built

    built = fresh("hub", build)
    yield Scene(local_aws, local_aws.at(MEMBER, MEMBER_REGION), built)
    local_aws.reset()


def by_functions(aws: LocalAws) -> list[Record]:
    return [each for each in aws.records if "assumed-role/relight-" in each["userIdentity"]["arn"]]


@pytest.mark.parametrize("operation", FIVE)
def test_a_member_is_repaired_from_the_hub(scene: Scene, operation: str) -> None:
    hub, member = scene.hub, scene.member
    before, at_home = facts.read(member, scene.built.members), facts.read(hub, scene.built.hubs)
    record = scene.attack(operation)

    rows = facts.compare(facts.read(member, scene.built.members), before)
    assert [row for row in rows if not row[-1]] == []
    assert facts.read(hub, scene.built.hubs) == at_home
    assert helpers.failed(hub) == []

    message = helpers.only(hub)
    assert (message.event_id, message.outcome) == (record["eventID"], "repaired")
    assert (message.attributes["account"], message.attributes["region"]) == (MEMBER, MEMBER_REGION)
    resource = message.data["resource"]
    assert (resource["account"], resource["region"]) == (MEMBER, MEMBER_REGION)
    assert f"{MEMBER}" in message.text
    assert message.data["actor"]["arn"] == f"arn:{PARTITION}:iam::{MEMBER}:user/mallory"

    acts = by_functions(hub)
    assert {(each["recipientAccountId"], each["awsRegion"]) for each in acts} == {(MEMBER, MEMBER_REGION)}
    sessions = {each["userIdentity"]["arn"].rpartition("/")[0] for each in acts}
    assert sessions == {f"arn:{PARTITION}:sts::{MEMBER}:assumed-role/{MEMBER_ROLE}"}


def test_what_the_functions_call_in_a_member_its_role_allows(scene: Scene) -> None:
    scene.hub.calls_as_member.clear()
    for operation in FIVE:
        scene.attack(operation)
    template = cast("dict[str, Any]", yaml_parse((PROJECT / "docs" / "forwarder.yaml").read_text()))
    policies = template["Resources"]["Member"]["Properties"]["Policies"]
    statements = [each for policy in policies for each in listed(policy["PolicyDocument"]["Statement"])]
    allowed = {action for each in statements if each["Effect"] == "Allow" for action in listed(each["Action"])}
    called = {iam_action(*call) for calls in scene.hub.calls_as_member.values() for call in calls}
    assert "cloudtrail:StartLogging" in called
    assert called <= allowed


def test_the_hubs_own_account_is_repaired_without_a_role(scene: Scene) -> None:
    before = facts.read(scene.hub, scene.built.hubs)
    scene.attack("StopLogging", scene.hub)
    assert facts.read(scene.hub, scene.built.hubs) == before
    message = helpers.only(scene.hub)
    assert (message.outcome, message.attributes["account"], message.attributes["region"]) == (
        "repaired",
        ACCOUNT,
        REGION,
    )
    assert MEMBER_ROLE not in str(by_functions(scene.hub))


def test_the_hubs_account_in_another_region_is_repaired_in_its_role(scene: Scene) -> None:
    """Which the forwarder of its own Region made there, as in any member."""
    there = scene.hub.at(ACCOUNT, MEMBER_REGION)
    organisation_id = scene.hub.stack.functions["trail"].environment["RELIGHT_ORGANIZATION"]
    organisation.Organisation(scene.hub, organisation_id).deploy_forwarder(there)
    intruder = there.actor(account.INTRUDER, account.INTRUDER_ADDRESS).client("ec2")
    vpc = intruder.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    scene.hub.settle()

    shown = there.client("ec2").describe_flow_logs(Filters=[{"Name": "resource-id", "Values": [vpc]}])
    assert [each["FlowLogStatus"] for each in shown["FlowLogs"]] == ["ACTIVE"]
    message = helpers.only(scene.hub)
    assert (message.attributes["account"], message.attributes["region"]) == (ACCOUNT, MEMBER_REGION)
    (act,) = {each["userIdentity"]["arn"].rpartition("/")[0] for each in by_functions(scene.hub)}
    assert act == f"arn:{PARTITION}:sts::{ACCOUNT}:assumed-role/{MEMBER_ROLE}"


# ------------------------------------------------------------------------------------------ what operators decide


@pytest.fixture
def profile(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The operator has credentials of the member's, too, under this name."""
    key, secret = scene.member.access_key("olivia")
    file = tmp_path / "credentials"
    file.write_text(f"[member]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    return "member"


def decided(scene: Scene, command: str, resource: str, *options: str) -> Result:
    return helpers.relight(scene.hub, command, resource, "--reason", "Meant, SEC-112", "--yes", *options)


def kept(scene: Scene, kind: str, arn: str) -> dict[str, Any] | None:
    """The state in the ledger of a resource of the member's."""
    key = {"pk": {"S": f"baseline#{MEMBER}#{kind}"}, "sk": {"S": arn}}
    row = scene.hub.client("dynamodb").get_item(TableName=scene.hub.stack.outputs["LedgerName"], Key=key).get("Item")
    return cast("dict[str, Any]", json.loads(row["state"]["S"])) if row else None


def audited(scene: Scene) -> list[tuple[str, str, str]]:
    rows = scene.hub.client("dynamodb").scan(TableName=scene.hub.stack.outputs["LedgerName"])["Items"]
    audits = [row for row in rows if row["pk"]["S"].startswith("audit#")]
    return [(row["action"]["S"], row["pk"]["S"], row["sk"]["S"].rpartition("#")[0]) for row in audits]


def is_told(scene: Scene, outcome: str) -> bool:
    """That, and nothing else, with the member's account and Region; what comes next is told anew."""
    message = helpers.only(scene.hub)
    scene.hub.forget()
    place = message.attributes["account"], message.attributes["region"]
    assert f"Account     {MEMBER}, Region {MEMBER_REGION}" in message.text
    return (message.outcome, *place) == (outcome, MEMBER, MEMBER_REGION)


def accepted(scene: Scene, kind: str, arn: str, profile: str) -> dict[str, Any]:
    """The state that is the baseline once the operator has accepted it: told, and noted with who did it."""
    result = decided(scene, "accept", arn, "--member-profile", profile)
    assert result.exit_code == 0, result.output
    assert is_told(scene, "accepted")
    assert audited(scene) == [("accept", f"audit#{MEMBER}#{kind}", arn)]
    state = kept(scene, kind, arn)
    assert state
    return state


def swept(scene: Scene) -> dict[str, Any]:
    """What the sweep says of the member."""
    scene.hub.announce("UPDATE_COMPLETE", deaf=helpers.GUARDS)
    scene.hub.settle(organisation.PATIENCE)
    (message,) = [each for each in scene.hub.notifications if each.attributes["account"] == MEMBER]
    scene.hub.forget()
    return cast("dict[str, Any]", message.data["sweep"])


def test_a_weaker_state_of_a_members_is_accepted_and_then_put_back(scene: Scene, profile: str) -> None:
    hub, member, vpc = scene.hub, scene.member, scene.built.members.vpc
    arn = f"arn:{PARTITION}:ec2:{MEMBER_REGION}:{MEMBER}:vpc/{vpc}"
    ec2 = member.client("ec2")
    of_the_vpc = {"Filters": [{"Name": "resource-id", "Values": [vpc]}]}
    (before,) = ec2.describe_flow_logs(**of_the_vpc)["FlowLogs"]
    with helpers.nobody_listening(hub):
        ec2.delete_flow_logs(FlowLogIds=[before["FlowLogId"]])
        ec2.create_flow_logs(
            ResourceIds=[vpc],
            ResourceType="VPC",
            TrafficType="REJECT",
            LogGroupName=before["LogGroupName"],
            DeliverLogsPermissionArn=before["DeliverLogsPermissionArn"],
        )
    assert arn in swept(scene)["weaker"]

    state = accepted(scene, "vpc", arn, profile)
    assert [each["traffic"] for each in state["flow_logs"]] == ["REJECT"]
    assert swept(scene).get("weaker", {}) == {}

    scene.member.actor(account.INTRUDER).client("ec2").delete_flow_logs(
        FlowLogIds=[ec2.describe_flow_logs(**of_the_vpc)["FlowLogs"][0]["FlowLogId"]]
    )
    hub.settle()
    assert [each["TrafficType"] for each in ec2.describe_flow_logs(**of_the_vpc)["FlowLogs"]] == ["REJECT"]
    assert is_told(scene, "repaired")


def test_a_members_trail_that_is_gone_is_forgotten_and_stays_gone(scene: Scene, profile: str) -> None:
    hub, arn = scene.hub, scene.built.members.trail_arn
    with helpers.nobody_listening(hub):
        scene.member.actor("terraform").client("cloudtrail").delete_trail(Name=scene.built.members.trail)
    (record,) = helpers.records(hub, "DeleteTrail")

    blind = decided(scene, "forget", arn)
    assert (blind.exit_code, "--member-profile" in blind.output) == (1, True), blind.output
    assert (kept(scene, "trail", arn) is None, hub.notifications) == (False, [])

    result = decided(scene, "forget", arn, "--member-profile", profile)

    assert result.exit_code == 0, result.output
    assert is_told(scene, "forgotten")
    assert (kept(scene, "trail", arn), audited(scene)) == (None, [("forget", f"audit#{MEMBER}#trail", arn)])
    helpers.deliver(hub, record)
    hub.forget()
    spoken_of = [part for part in swept(scene).values() if isinstance(part, dict)]
    assert not any(arn in part for part in spoken_of), "but that its bucket was its, the bucket's baseline says"
    assert scene.member.client("cloudtrail").describe_trails()["trailList"] == []
    assert kept(scene, "trail", arn) is None
    assert helpers.trail(hub)["IsLogging"], "the hub's of that name is another one"


def test_a_members_bucket_whose_arn_says_neither_account_nor_region_is_accepted(scene: Scene, profile: str) -> None:
    bucket = scene.built.members.trail_bucket
    arn = f"arn:{PARTITION}:s3:::{bucket}"
    target = {"TargetBucket": scene.built.members.access_log_bucket, "TargetPrefix": "elsewhere/"}
    with helpers.nobody_listening(scene.hub):
        scene.member.client("s3").put_bucket_logging(Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": target})

    for command in ("accept", "forget"):
        lost = decided(scene, command, arn)
        assert (lost.exit_code, "pass --member-profile or --account" in lost.output) == (1, True), lost.output
    state = accepted(scene, "bucket", arn, profile)
    assert state["logging"]["TargetPrefix"] == "elsewhere/"


def test_a_member_profile_that_there_is_not_is_refused(scene: Scene) -> None:
    result = decided(scene, "accept", scene.built.members.trail_arn, "--member-profile", "nobody-has-it")

    assert (result.exit_code, "--member-profile nobody-has-it" in result.output) == (2, True), result.output


# ------------------------------------------------------------------------------------------------- out of reach


@pytest.mark.parametrize("operation", ["StopLogging", "PutBucketLogging", "CreateVpc"])
def test_a_member_without_the_role_is_out_of_reach_and_told_once(scene: Scene, operation: str) -> None:
    iam = scene.member.client("iam")
    for policy in iam.list_role_policies(RoleName=MEMBER_ROLE)["PolicyNames"]:
        iam.delete_role_policy(RoleName=MEMBER_ROLE, PolicyName=policy)
    iam.delete_role(RoleName=MEMBER_ROLE)
    record = scene.attack(operation)
    after = facts.read(scene.member, scene.built.members)
    helpers.deliver(scene.hub, record)

    message = helpers.only(scene.hub)
    assert message.outcome == "out-of-reach"
    assert (message.attributes["account"], message.attributes["region"]) == (MEMBER, MEMBER_REGION)
    assert by_functions(scene.hub) == []
    assert facts.read(scene.member, scene.built.members) == after
    assert helpers.failed(scene.hub) == []


# ------------------------------------------------------------------------------------------------------- forged


def forged(record: Record) -> dict[str, Any]:
    """The event of a record, as if it had happened in the member."""
    return {**cloudtrail.event(record), "account": MEMBER, "region": MEMBER_REGION}


def stopped_at_home(scene: Scene) -> Record:
    """A trail of the hub's own account that does not log, of which nobody heard."""
    with helpers.nobody_listening(scene.hub):
        return scene.attack("StopLogging", scene.hub)


def post_on_the_hubs_bus(hub: LocalAws, event: dict[str, Any]) -> None:
    """As if the bus had taken it."""
    bus = buses.named(hub.stack.outputs["HubBusArn"])
    assert bus
    hub.delivery.put(event, bus, was_carried=True)
    hub.settle()


def test_a_forged_event_that_names_another_account_changes_nothing(scene: Scene) -> None:
    """The control: the same event, as of the account that its record names, has the trail log again."""
    hub = scene.hub
    record = stopped_at_home(scene)
    post_on_the_hubs_bus(hub, forged(record))
    assert not helpers.trail(hub)["IsLogging"]
    assert by_functions(hub) == []
    assert helpers.failed(hub), "it is refused, and its letter kept"
    assert hub.notifications == []

    post_on_the_hubs_bus(hub, cloudtrail.event(record))
    assert helpers.trail(hub)["IsLogging"]


def test_a_record_that_names_another_accounts_resource_changes_nothing(scene: Scene) -> None:
    """A member's own record, with the ARNs of another account in its request."""
    hub = scene.hub
    stopped_at_home(scene)
    with helpers.nobody_listening(hub):
        record = deepcopy(scene.attack("StopLogging"))
    record["requestParameters"]["name"] = scene.built.hubs.trail_arn
    assert (record["recipientAccountId"], record["awsRegion"]) == (MEMBER, MEMBER_REGION)
    post_on_the_hubs_bus(hub, cloudtrail.event(record))
    assert not helpers.trail(hub)["IsLogging"]
    assert {each["recipientAccountId"] for each in by_functions(hub)} <= {MEMBER}


def test_a_member_cannot_put_a_record_on_the_hubs_bus(scene: Scene) -> None:
    hub = scene.hub
    record = stopped_at_home(scene)
    event = cloudtrail.event(record)
    entry = {
        "EventBusName": hub.stack.outputs["HubBusArn"],
        "DetailType": event["detail-type"],
        "Detail": json.dumps(record),
    }
    entries = [{**entry, "Source": event["source"]}, {**entry, "Source": "mine"}]
    answer = scene.member.actor(account.INTRUDER).client("events").put_events(Entries=entries)
    hub.settle()
    assert [each.get("ErrorCode") for each in answer["Entries"]] == ["NotAuthorizedForSourceException", None]
    assert not helpers.trail(hub)["IsLogging"]
    assert hub.invocations == []


def test_a_member_cannot_assume_the_role_of_another_nor_its_own(scene: Scene) -> None:
    """Only the hub's functions may."""
    for where in (MEMBER, ACCOUNT):
        with pytest.raises(Exception, match="AccessDenied"):
            scene.member.actor(account.INTRUDER).client("sts").assume_role(
                RoleArn=f"arn:{PARTITION}:iam::{where}:role/{MEMBER_ROLE}",
                RoleSessionName="relight",
                ExternalId=scene.hub.stack.functions["trail"].environment["RELIGHT_ORGANIZATION"],
            )
