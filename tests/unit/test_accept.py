"""`relight accept` and `relight forget` in a hub: whose a resource is, and by whose credentials it is looked at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from local.operate import baselines
from local.operate.baselines import DONE, Wanted
from local.operate.deployment import Deployment, OperatorError, Refused
from local.show import Screen
from relight.aws import Aws
from relight.policy.state import written
from relight.sweep import KINDS, OF_A_HUB
from tests.unit.builders import ACCOUNT, BEFORE, FRIEND, REGION, STRANGER, TOPIC, bucket
from tests.unit.fakes import ORGANIZATION, FakeSession, fake_aws, refused

ELSEWHERE = "eu-west-1"
TRAIL = f"arn:aws:cloudtrail:{ELSEWHERE}:{FRIEND}:trail/old"
BUCKET = "arn:aws:s3:::friends-logs"
SETTINGS = {
    "RELIGHT_ACCOUNT": ACCOUNT,
    "RELIGHT_LEDGER": "ledger",
    "RELIGHT_TOPIC": TOPIC,
    "RELIGHT_ORGANIZATION": ORGANIZATION,
    "RELIGHT_FAMILIES": ",".join(f"{kind.KIND}=relight-F" for kind in (*KINDS, *OF_A_HUB)),
}


class Desk:
    """An operator of a hub, and of its ledger, which keeps what is named as `rows`: (account, kind, ARN) → state."""

    def __init__(self, rows: Mapping[tuple[str, str, str], str], **settings: str) -> None:
        self.rows = {(f"baseline#{account}#{kind}", arn): state for (account, kind, arn), state in rows.items()}
        aws, self.session = fake_aws(
            lambda__GetFunctionConfiguration={"Environment": {"Variables": SETTINGS | settings}},
            dynamodb__GetItem=self.row,
            dynamodb__TransactWriteItems={},
            sns__Publish={},
        )
        self.deployment = Deployment("relight", aws, f"arn:aws:iam::{ACCOUNT}:user/olivia", {"SweepFunctionName": "s"})

    def row(self, _region: str, Key: Mapping[str, Any], **_: Any) -> dict[str, Any]:  # noqa: N803  as AWS spells it
        key = Key["pk"]["S"], Key["sk"]["S"]
        if key not in self.rows:
            return {}
        kept = {"state": self.rows[key], "controls": "", "since": BEFORE.isoformat()}
        return {"Item": {**Key, **{name: {"S": value} for name, value in kept.items()}, "revision": {"N": "1"}}}

    def signed_in(self, account: str, **answers: Any) -> FakeSession:
        """The operator has credentials of a member, too."""
        _, session = fake_aws(**answers)
        self.deployment = replace(self.deployment, member=Aws(account, REGION, session, hands=1))
        return session

    def forget(self, resource: str, *, force: bool = False, **more: Any) -> int:
        return baselines.forget(self.deployment, Screen(), self.wanted("forget", resource, force=force, **more), _yes)

    def accept(self, resource: str, **more: Any) -> int:
        return baselines.accept(self.deployment, Screen(), self.wanted("accept", resource, **more), _yes)

    @staticmethod
    def wanted(action: str, resource: str, **more: Any) -> Wanted:
        return Wanted(action, resource, more.pop("kind", None), "SEC-112", **more)

    @property
    def told(self) -> Mapping[str, str]:
        """The attributes of the one message."""
        (sent,) = [params for _, name, params in self.session.calls if name == "sns:Publish"]
        return {name: each["StringValue"] for name, each in sent["MessageAttributes"].items()}

    @property
    def forgotten(self) -> tuple[str, str]:
        """The key of the one row that was deleted."""
        (sent,) = [params for _, name, params in self.session.calls if name == "dynamodb:TransactWriteItems"]
        key = sent["TransactItems"][0]["Delete"]["Key"]
        return key["pk"]["S"], key["sk"]["S"]


def _yes() -> bool:
    return True


def a_bucket() -> str:
    return written(bucket(account=FRIEND, region=ELSEWHERE, name="friends-logs"))


def test_what_is_gone_in_a_member_is_forgotten_without_force() -> None:
    desk = Desk({(FRIEND, "trail", TRAIL): "["})
    there = desk.signed_in(FRIEND, cloudtrail__DescribeTrails={"trailList": []})

    assert desk.forget(TRAIL) == DONE

    assert desk.forgotten == (f"baseline#{FRIEND}#trail", TRAIL)
    assert (desk.told["account"], desk.told["region"]) == (FRIEND, ELSEWHERE)
    assert [region for region, _, _ in there.calls] == [ELSEWHERE]


def test_without_credentials_there_a_member_is_not_looked_at_and_its_baseline_forgotten_by_force_only() -> None:
    desk = Desk({(FRIEND, "trail", TRAIL): "["})

    with pytest.raises(Refused, match=f"account {FRIEND}'s.*--member-profile.*--force"):
        desk.forget(TRAIL)
    assert desk.forget(TRAIL, force=True) == DONE

    assert desk.forgotten == (f"baseline#{FRIEND}#trail", TRAIL)
    assert {name.partition(":")[0] for name in desk.session.names} == {"lambda", "dynamodb", "sns"}


def test_without_credentials_there_nothing_of_a_member_is_accepted() -> None:
    desk = Desk({(FRIEND, "trail", TRAIL): "["})

    with pytest.raises(OperatorError, match="--member-profile"):
        desk.accept(TRAIL)

    assert not {"dynamodb:TransactWriteItems", "sns:Publish"}.intersection(desk.session.names)


@pytest.mark.parametrize("said", ["option", "credentials"])
def test_whose_a_bucket_is_the_option_says_or_the_credentials(said: str) -> None:
    """Its Region, which its ARN does not say either, is that of the baseline."""
    desk = Desk({(FRIEND, "bucket", BUCKET): a_bucket()})
    if said == "credentials":
        desk.signed_in(FRIEND, cloudtrail__DescribeTrails={"trailList": []}, s3__ListBuckets={"Buckets": []})
        desk.forget(BUCKET)
    else:
        desk.forget(BUCKET, force=True, account=FRIEND)

    assert desk.forgotten == (f"baseline#{FRIEND}#bucket", BUCKET)
    assert (desk.told["account"], desk.told["region"]) == (FRIEND, ELSEWHERE)


@pytest.mark.parametrize("trails", [[], [{"TrailARN": "arn:aws:cloudtrail:…", "S3BucketName": "friends-logs"}]])
def test_a_bucket_that_is_not_the_hubs_is_refused_with_the_options_that_say_whose(trails: list[Any]) -> None:
    desk = Desk({(FRIEND, "bucket", BUCKET): a_bucket()})
    desk.session.answers = {
        **desk.session.answers,
        "cloudtrail:DescribeTrails": {"trailList": trails},
        "s3:ListBuckets": {"Buckets": []},
    }

    for command in (desk.accept, desk.forget):
        with pytest.raises(Refused, match=r"--member-profile.*--account"):
            command(BUCKET)


@pytest.mark.parametrize(
    ("resource", "more", "said"),
    [
        pytest.param(TRAIL, {"account": STRANGER}, f"of account {FRIEND}, not {STRANGER}", id="another-than-the-arn"),
        pytest.param(BUCKET, {"account": "friend"}, "friend", id="no-account"),
        pytest.param("arn:aws:cloudtrail", {"kind": "trail"}, "nothing that Relight guards", id="no-arn"),
        pytest.param(f"arn:aws:iam::{FRIEND}:role/x", {}, "nothing that Relight guards", id="no-kind"),
        pytest.param(TRAIL, {"kind": "vpc"}, "nothing that Relight guards", id="another-kind"),
    ],
)
def test_what_contradicts_itself_is_refused(resource: str, more: dict[str, Any], said: str) -> None:
    desk = Desk({})

    with pytest.raises(Refused, match=said):
        desk.forget(resource, force=True, **more)

    assert not {"dynamodb:TransactWriteItems", "sns:Publish"}.intersection(desk.session.names)


@pytest.mark.parametrize("resource", [TRAIL, BUCKET])
def test_credentials_of_another_account_than_the_resources_are_refused(resource: str) -> None:
    """Else a trail of the same name, there, would be taken for this one."""
    desk = Desk({(FRIEND, "trail", TRAIL): "[", (FRIEND, "bucket", BUCKET): a_bucket()})
    there = desk.signed_in(STRANGER)

    with pytest.raises(Refused, match=f"--member-profile.*{STRANGER}"):
        desk.forget(resource, force=True, account=FRIEND)

    assert there.calls == []


@pytest.mark.parametrize(("resource", "more"), [(TRAIL, {}), (BUCKET, {"account": FRIEND})])
def test_a_stack_that_is_no_hub_knows_no_members(resource: str, more: dict[str, Any]) -> None:
    desk = Desk({}, RELIGHT_ORGANIZATION="")

    with pytest.raises(Refused, match=f"nothing that Relight guards.*{FRIEND}"):
        desk.forget(resource, force=True, **more)


def test_a_member_that_refuses_to_be_read_is_not_accepted() -> None:
    desk = Desk({(FRIEND, "trail", TRAIL): json.dumps({})})
    desk.signed_in(FRIEND, cloudtrail__DescribeTrails=refused("AccessDenied"))

    with pytest.raises(OperatorError, match="cloudtrail:DescribeTrails: AccessDenied"):
        desk.accept(TRAIL)
