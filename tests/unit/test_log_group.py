"""Log groups that something writes to: what they must be, who took that away, how it comes back.

moto knows no deletion protection: it is shown here, on answers shaped as CloudWatch Logs documents them.
"""

from __future__ import annotations

from typing import Any

import pytest

from relight.errors import AwsError, MalformedRecord
from relight.model import Drift, Observed, Resource, Scope
from relight.policy.log_group import LogGroup, encryption, retention, weaker
from relight.resources import log_group as kind
from tests.unit.builders import (
    ACCOUNT,
    REGION,
    STRANGER,
    accepted_by_botocore,
    baseline,
    key,
    log_group,
    record,
    standard,
)
from tests.unit.fakes import Answer, fake_aws, refused

ARN = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/flows"
RESOURCE = Resource("logs", "/flows", ARN, ACCOUNT, REGION)


def drifts(group: LogGroup | None, before: LogGroup | None = None) -> list[tuple[str, Any]]:
    return [(drift.field, drift.wanted) for drift in retention(group, standard(), before)]


@pytest.mark.parametrize(
    ("group", "before", "expected"),
    [
        pytest.param(log_group(), None, [], id="forever"),
        pytest.param(log_group(retention_days=365), None, [], id="long-enough"),
        pytest.param(log_group(retention_days=364), None, [("retentionInDays", 365)], id="a-day-short"),
        pytest.param(log_group(retention_days=1), log_group(), [("retentionInDays", 0)], id="was-forever"),
        pytest.param(
            log_group(retention_days=1), log_group(retention_days=731), [("retentionInDays", 731)], id="was-longer"
        ),
        pytest.param(
            log_group(retention_days=1), log_group(retention_days=30), [("retentionInDays", 365)], id="was-short-too"
        ),
        pytest.param(None, None, [], id="nobody-knows-it"),
        pytest.param(None, log_group(), [("logGroupName", "/flows")], id="gone"),
        pytest.param(
            log_group(), log_group(protected=True), [("deletionProtectionEnabled", True)], id="no-longer-protected"
        ),
    ],
)
def test_retention(group: LogGroup | None, before: LogGroup | None, expected: list[tuple[str, Any]]) -> None:
    assert drifts(group, before) == expected


REMADE = {"created": 2}


@pytest.mark.parametrize(
    ("group", "before", "expected"),
    [
        pytest.param(log_group(**REMADE), log_group(created=1, retention_days=400), [400], id="its-retention-is-lost"),
        pytest.param(log_group(**REMADE), log_group(created=1, retention_days=30), [365], id="which-was-short"),
        pytest.param(log_group(**REMADE), log_group(created=1), [], id="which-was-forever"),
        pytest.param(
            log_group(**REMADE, retention_days=731), log_group(created=1, retention_days=400), [], id="has-a-new-one"
        ),
        pytest.param(log_group(**REMADE), log_group(created=2, retention_days=400), [], id="the-same-group"),
        pytest.param(log_group(**REMADE), log_group(retention_days=400), [], id="nobody-knows-how-old-it-was"),
    ],
)
def test_a_group_that_was_made_again_empty_expires_as_before(
    group: LogGroup, before: LogGroup, expected: list[int]
) -> None:
    assert drifts(group, before) == [("retentionInDays", days) for days in expected]


def test_the_class_of_a_group_that_was_made_again_is_a_persons_business() -> None:
    (drift,) = retention(log_group(**REMADE), standard(), log_group(created=1, log_class="INFREQUENT_ACCESS"))
    assert (drift.field, drift.found, drift.wanted) == ("logGroupClass", "STANDARD", "INFREQUENT_ACCESS")
    assert "cannot be changed" in drift.manual


def test_a_group_that_was_made_again_as_another_class_keeps_the_retention_that_it_has() -> None:
    """Until somebody accepts it, it stays another group than the baseline's: nothing is set there again and again."""
    before = log_group(created=1, log_class="INFREQUENT_ACCESS", retention_days=400)
    (drift,) = retention(log_group(**REMADE), standard(), before)
    assert drift.field == "logGroupClass"


@pytest.mark.parametrize(
    ("found", "before", "wanted"),
    [
        pytest.param("", key(), [key()], id="taken-away"),
        pytest.param(key(STRANGER), key(), [key()], id="a-strangers"),
        pytest.param(key(name="other"), key(), [], id="another-of-the-account"),
        pytest.param(key(STRANGER), key(STRANGER), [], id="a-strangers-as-before"),
        pytest.param("", "", [], id="never-had-one"),
        pytest.param(key(STRANGER), "", [], id="a-strangers-where-none-was"),
    ],
)
def test_encryption(found: str, before: str, wanted: list[str]) -> None:
    found_drifts = encryption(log_group(kms_key=found), standard(), log_group(kms_key=before))
    assert [(drift.field, drift.wanted) for drift in found_drifts] == [("kmsKeyId", each) for each in wanted]
    assert list(encryption(log_group(kms_key=found), standard(), None)) == []


def test_another_key_and_masked_events_are_told() -> None:
    def told(old: LogGroup, **changes: Any) -> list[str]:
        return [drift.field for drift in weaker(old, log_group(**changes), standard())]

    assert told(log_group(kms_key=key()), kms_key=key(name="other")) == ["kmsKeyId"]
    assert told(log_group(), kms_key=key()) == []
    assert told(log_group(), kms_key=key(STRANGER)) == ["kmsKeyId"]
    assert told(log_group(masked=False), masked=True) == ["dataProtectionStatus"]
    assert told(log_group(masked=True), masked=True) == told(log_group(masked=True), masked=False) == []
    assert told(log_group(), masked=True) == [], "an older baseline does not tell"


def test_what_is_told_although_it_is_long_enough() -> None:
    assert [d.field for d in weaker(log_group(), log_group(retention_days=400), standard())] == ["retentionInDays"]
    assert [d.field for d in weaker(log_group(retention_days=731), log_group(retention_days=400), standard())]
    assert weaker(log_group(retention_days=400), log_group(), standard()) == ()
    assert [d.field for d in weaker(log_group(kms_key=key()), log_group(), standard())] == ["kmsKeyId"]


def planned(*found: Drift, before: LogGroup | None = None) -> list[tuple[str, dict[str, Any]]]:
    calls = kind.plan(Observed(RESOURCE, log_group()), found, standard(), before)
    assert accepted_by_botocore(*calls)
    return [(call.operation, dict(call.params)) for call in calls]


def test_a_group_comes_back_with_its_key_class_and_retention() -> None:
    before = log_group(kms_key=key(), log_class="INFREQUENT_ACCESS", retention_days=731)
    (create, keep) = kind.plan(Observed(RESOURCE, None), (Drift("logGroupName", None, "/flows"),), standard(), before)
    assert create.params == {"logGroupName": "/flows", "kmsKeyId": key(), "logGroupClass": "INFREQUENT_ACCESS"}
    assert create.already == ("ResourceAlreadyExistsException",)
    assert create.instead[0].params == {"logGroupName": "/flows"}
    assert keep.params["retentionInDays"] == 731
    assert accepted_by_botocore(create, keep)
    gone = Drift("logGroupName", None, "/flows")
    assert planned(gone, before=log_group()) == [("CreateLogGroup", {"logGroupName": "/flows"})]


def test_a_protected_group_comes_back_protected_at_once() -> None:
    """A control is tried once a round: what the new group lacks would be told as a repair that failed."""
    gone = Drift("logGroupName", None, "/flows")
    assert planned(gone, before=log_group(protected=True)) == [
        ("CreateLogGroup", {"logGroupName": "/flows"}),
        ("PutLogGroupDeletionProtection", {"logGroupIdentifier": "/flows", "deletionProtectionEnabled": True}),
    ]


def test_retention_and_protection_come_back() -> None:
    assert planned(Drift("retentionInDays", 1, 365)) == [
        ("PutRetentionPolicy", {"logGroupName": "/flows", "retentionInDays": 365})
    ]
    assert planned(Drift("retentionInDays", 1, 0)) == [("DeleteRetentionPolicy", {"logGroupName": "/flows"})]
    assert planned(Drift("deletionProtectionEnabled", found=False, wanted=True)) == [
        ("PutLogGroupDeletionProtection", {"logGroupIdentifier": "/flows", "deletionProtectionEnabled": True})
    ]


def test_a_key_comes_back() -> None:
    assert planned(Drift("kmsKeyId", "", key()), Drift("retentionInDays", 0, 400)) == [
        ("PutRetentionPolicy", {"logGroupName": "/flows", "retentionInDays": 400}),
        ("AssociateKmsKey", {"logGroupName": "/flows", "kmsKeyId": key()}),
    ]


def look(*names: str, known: bool = False, **changes: Answer) -> tuple[list[Any], list[str]]:
    answers: dict[str, Answer] = {
        "cloudtrail__DescribeTrails": {
            "trailList": [{"Name": "main", "CloudWatchLogsLogGroupArn": f"{ARN}:*"}, {"Name": "plain"}]
        },
        "ec2__DescribeFlowLogs": {"FlowLogs": [{"ResourceId": "vpc-1", "LogGroupName": "/flows"}, {"ResourceId": "x"}]},
        "logs__DescribeLogGroups": {
            "logGroups": [
                {"logGroupName": "/flows-2"},
                {
                    "logGroupName": "/flows",
                    "creationTime": 1757500000000,
                    "retentionInDays": 7,
                    "kmsKeyId": key(),
                    "deletionProtectionEnabled": True,
                },
            ]
        },
    }
    aws, session = fake_aws(**(answers | changes))
    baselines = {ARN: baseline(log_group())} if known else {}
    return list(kind.observe(aws, Scope(ACCOUNT, REGION, names or ("/flows",)), baselines, standard())), session.names


def test_a_group_with_its_users() -> None:
    (found,), _ = look()
    assert found.state == log_group(
        retention_days=7, kms_key=key(), protected=True, created=1757500000000, masked=False
    )
    assert found.state.used_by == ("trail main", "flow logs of vpc-1")
    assert found.resource.arn == ARN


def test_a_group_that_nobody_writes_to_is_nobodys_business() -> None:
    found, calls = look("/elsewhere")
    assert found == []
    assert "logs:DescribeLogGroups" not in calls
    unused: dict[str, Answer] = {
        "cloudtrail__DescribeTrails": {"trailList": []},
        "ec2__DescribeFlowLogs": {"FlowLogs": []},
    }
    assert look(**unused)[0] == []  # type: ignore[arg-type]
    assert look(known=True, **unused)[0][0].state is not None


@pytest.mark.parametrize(
    ("shown", "masked"),
    [
        ({"dataProtectionStatus": "ACTIVATED"}, True),
        ({"dataProtectionStatus": "DELETED"}, False),
        ({"inheritedProperties": ["ACCOUNT_DATA_PROTECTION"]}, True),
    ],
)
def test_what_masks_events(shown: dict[str, Any], masked: bool) -> None:  # noqa: FBT001
    (found,), _ = look(logs__DescribeLogGroups={"logGroups": [{"logGroupName": "/flows", **shown}]})
    assert found.state.masked is masked


def test_gone_is_not_the_same_as_unreadable() -> None:
    (gone,), _ = look(logs__DescribeLogGroups={"logGroups": []})
    assert (gone.state, gone.out_of_reach) == (None, "")
    with pytest.raises(AwsError):
        look(logs__DescribeLogGroups=refused("AccessDenied"))


def test_another_regions_trail_has_its_group_there() -> None:
    aws, _ = fake_aws(
        cloudtrail__DescribeTrails={
            "trailList": [{"Name": "t", "CloudWatchLogsLogGroupArn": ARN.replace(REGION, "eu-west-1")}]
        },
        ec2__DescribeFlowLogs={"FlowLogs": [{"ResourceId": "vpc-1", "LogGroupName": "/b"}]},
    )
    assert kind.list_names(aws.home, standard()) == ["/b"]


@pytest.mark.parametrize(
    ("name", "request_", "before", "taken"),
    [
        ("DeleteLogGroup", {}, None, True),
        ("PutRetentionPolicy", {"retentionInDays": 1}, log_group(), True),
        ("PutRetentionPolicy", {"retentionInDays": 1}, None, True),
        ("PutRetentionPolicy", {"retentionInDays": 365}, None, False),
        ("PutRetentionPolicy", {"retentionInDays": 365}, log_group(), False),
        ("PutRetentionPolicy", {"retentionInDays": 400}, log_group(retention_days=365), False),
        ("PutRetentionPolicy", {"retentionInDays": 30}, log_group(retention_days=365), True),
        ("PutRetentionPolicy", {"omitted": True}, log_group(), False),
        ("DeleteRetentionPolicy", {}, log_group(), False),
    ],
)
def test_taken(name: str, request_: Any, before: LogGroup | None, taken: bool) -> None:  # noqa: FBT001
    kept = baseline(before) if before else None
    assert bool(kind.taken(record(name, {"logGroupName": "/flows", **request_}), kept, standard())) is taken


@pytest.mark.parametrize(
    ("name", "request_", "before", "taken"),
    [
        ("DisassociateKmsKey", {}, key(), ["logs.encryption"]),
        ("DisassociateKmsKey", {}, "", []),
        ("DisassociateKmsKey", {}, None, []),
        ("AssociateKmsKey", {"kmsKeyId": key()}, key(), []),
        ("AssociateKmsKey", {"kmsKeyId": key(STRANGER)}, key(), ["logs.encryption"]),
        ("AssociateKmsKey", {"kmsKeyId": key(name="other")}, key(), ["logs.baseline"]),
        ("AssociateKmsKey", {"kmsKeyId": key()}, "", []),
        ("AssociateKmsKey", {"kmsKeyId": key(STRANGER)}, "", ["logs.baseline"]),
        ("AssociateKmsKey", {"kmsKeyId": key(STRANGER)}, None, []),
        ("AssociateKmsKey", {"kmsKeyId": [1]}, key(), []),
    ],
)
def test_which_call_takes_the_key(name: str, request_: Any, before: str | None, taken: list[str]) -> None:
    kept = baseline(log_group(kms_key=before)) if before is not None else None
    assert list(kind.taken(record(name, {"logGroupName": "/flows", **request_}), kept, standard())) == taken


def test_locate_and_revive() -> None:
    for named in (
        {"resourceIdentifier": ARN},
        {"logGroupName": "/flows"},
        {"logGroupIdentifier": ARN},
        {"logGroupName": f"{ARN}:*"},
    ):
        assert kind.locate(record("DeleteLogGroup", named)).names == ("/flows",)
    with pytest.raises(MalformedRecord, match="names no log group"):
        kind.locate(record("DeleteLogGroup", None))
    assert kind.revive({"account": ACCOUNT, "region": REGION, "name": "/flows"}) == log_group()
