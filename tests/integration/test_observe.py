"""Mode=observe: nothing that Relight guards is written, whatever happens; each message says what would be done."""

from __future__ import annotations

import pytest

from local import attacks
from local.account import Account
from local.cloud import LocalAws
from tests.integration import helpers
from tests.integration.helpers import mallory


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    helpers.hurry(monkeypatch)


def test_observe_mode_tells_of_all_five_and_writes_nothing(local_aws: LocalAws, victim: Account) -> None:
    cloud = helpers.set_to_work(local_aws, mode="observe")
    five = attacks.five(victim)
    for attack in five:
        attack.commit(mallory(cloud, attack.service))
        cloud.settle()

    assert helpers.writes(cloud) == []
    assert helpers.failed(cloud) == []
    assert {message.data["event_name"] for message in cloud.notifications} == {attack.operation for attack in five}
    assert len(cloud.notifications) == len(five)
    for message in cloud.notifications:
        assert (message.data["outcome"], message.attributes["outcome"]) == ("observed", "observed")
        assert message.data["actor"]["name"] == "mallory"
        assert (message.data["calls"], message.data["dark_seconds"]) == ([], None)
        assert "Relight would repair" in message.subject
        assert "NOT SENT, FOR THE MODE IS OBSERVE" in message.text
        assert "NOT repaired: its mode is observe" in message.text
        assert not {"SENT"} & set(message.text.splitlines())
    would = {message.data["event_name"]: message.data["would_call"] for message in cloud.notifications}
    assert [call.partition(" ")[0] for call in would["DeleteFlowLogs"]] == ["logs:CreateLogGroup", "ec2:CreateFlowLogs"]
    assert any(call.startswith("cloudtrail:StartLogging") for call in would["StopLogging"])
    assert any(call.startswith("cloudtrail:UpdateTrail") for call in would["UpdateTrail"])
    assert [call.partition(" ")[0] for call in would["PutBucketLogging"]] == ["s3:PutBucketLogging"]

    trail = helpers.trail(cloud)
    assert not trail["IsLogging"]
    assert not trail["LogFileValidationEnabled"]
    assert helpers.flow_logs(cloud, victim.vpc) == []
    assert helpers.access_logging(cloud) == {}


def test_observe_mode_tells_once_too(local_aws: LocalAws, victim: Account) -> None:
    cloud = helpers.set_to_work(local_aws, mode="observe")
    mallory(cloud, "cloudtrail").stop_logging(Name=victim.trail)
    cloud.settle()
    assert helpers.only(cloud).data["outcome"] == "observed"
    stopped = helpers.records(cloud, "StopLogging")
    cloud.forget()

    helpers.deliver(cloud, *stopped, *stopped)

    assert helpers.silent(cloud)
