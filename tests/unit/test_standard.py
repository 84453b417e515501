"""The settings: each is read, checked, and named where it is wrong."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from relight.errors import InvalidSetting
from relight.model import Mode
from relight.policy import check_settings
from relight.standard import RETENTION_DAYS, SHIPPED, Exemption, Standard, load
from tests.unit.builders import ACCOUNT, FRIEND, REGION, ROLE, STRANGER, TOPIC, key, standard

ENVIRONMENT = {"AWS_REGION": REGION, "RELIGHT_ACCOUNT": ACCOUNT, "RELIGHT_TOPIC": TOPIC}
EU_KEY, OTHER_KEY = key(region="eu-west-1"), key(name="other")
TEXT = SHIPPED.read_text(encoding="utf-8")


EXEMPTION = """
[[exemptions]]
control = "vpc.flow-logs"
resource = "arn:aws:ec2:*:vpc/vpc-1"
reason = "CHG-1"
expires = 2027-06-30
"""
EXEMPT = Exemption("vpc.flow-logs", "arn:aws:ec2:*:vpc/vpc-1", "CHG-1", date(2027, 6, 30))


def edited(folder: Path, old: str, new: str) -> Path:
    """The shipped file with one change."""
    assert TEXT.count(old) == 1, f"{old!r} is not there once"
    path = folder / "standard.toml"
    path.write_text(TEXT.replace(old, new), encoding="utf-8")
    return path


def test_the_shipped_file_and_the_least_environment() -> None:
    settings = load(ENVIRONMENT)
    assert settings == Standard(account=ACCOUNT, region=REGION, ledger="", topic=TOPIC)
    check_settings(settings)
    assert settings.partition == "aws"


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RELIGHT_LEDGER", "from-the-process")
    assert load().ledger == "from-the-process"


@pytest.mark.parametrize(
    ("name", "value", "field", "expected"),
    [
        ("AWS_REGION", "eu-west-1", "region", "eu-west-1"),
        ("RELIGHT_ACCOUNT", FRIEND, "account", FRIEND),
        ("RELIGHT_LEDGER", "my.ledger-1_x", "ledger", "my.ledger-1_x"),
        ("RELIGHT_TOPIC", f"arn:aws-cn:sns:cn-north-1:{ACCOUNT}:t", "partition", "aws-cn"),
        ("RELIGHT_MODE", "observe", "mode", Mode.OBSERVE),
        ("RELIGHT_MODE", "enforce", "mode", Mode.ENFORCE),
        ("RELIGHT_MODE", "", "mode", Mode.ENFORCE),
        ("RELIGHT_TRAIL_KEY", key(), "trail_keys", {REGION: key()}),
        ("RELIGHT_ACCESS_LOG_BUCKET", "access-logs", "access_log_buckets", {REGION: "access-logs"}),
        ("RELIGHT_FLOW_LOGS_ROLE", ROLE, "flow_logs_role", ROLE),
        ("RELIGHT_TRAIL_LOGS_ROLE", ROLE, "trail_logs_role", ROLE),
        ("RELIGHT_FLOW_LOGS_DESTINATION", "arn:aws:s3:::b", "flow_logs_destination", "arn:aws:s3:::b"),
        ("RELIGHT_FLOW_LOGS_DESTINATION", "", "flow_logs_destination", ""),
        ("RELIGHT_RETENTION_DAYS", "90", "retention_days", 90),
        ("RELIGHT_INCIDENT_DAYS", "1", "incident_days", 1),
        ("RELIGHT_INCIDENT_DAYS", "3653", "incident_days", 3653),
        ("RELIGHT_ORGANIZATION", "o-a1b2c3d4e5", "organization", "o-a1b2c3d4e5"),
        ("RELIGHT_ORGANIZATION", "", "organization", ""),
        ("RELIGHT_MEMBER_ROLE", "ours", "member_role", "ours"),
        ("RELIGHT_MEMBER_ACCOUNTS", f"{FRIEND},{STRANGER}", "member_accounts", (FRIEND, STRANGER)),
        ("RELIGHT_MEMBER_ACCOUNTS", "", "member_accounts", ()),
        ("RELIGHT_MEMBER_BOUNDARY", "bounds/workloads", "member_boundary", "bounds/workloads"),
        ("RELIGHT_MEMBER_BOUNDARY", "", "member_boundary", ""),
        ("AWS_LAMBDA_FUNCTION_NAME", "relight-TrailFunction-1X", "function", "relight-TrailFunction-1X"),
        ("RELIGHT_FAMILIES", "trail=a,vpc=b-1,bucket=c", "families", {"trail": "a", "vpc": "b-1", "bucket": "c"}),
    ],
)
def test_environment(name: str, value: str, field: str, expected: Any) -> None:
    assert getattr(load(ENVIRONMENT | {name: value}), field) == expected


@pytest.mark.parametrize("region", ["eu-central-1", "us-gov-west-1", "cn-north-1", "ap-southeast-2", "us-iso-east-1"])
def test_every_kind_of_region(region: str) -> None:
    assert load(ENVIRONMENT | {"AWS_REGION": region}).region == region


@pytest.mark.parametrize("days", RETENTION_DAYS)
def test_every_retention_that_cloudwatch_has(days: int) -> None:
    assert load(ENVIRONMENT | {"RELIGHT_RETENTION_DAYS": str(days)}).retention_days == days


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("AWS_REGION", "", "the Region that Lambda sets"),
        ("AWS_REGION", "US East", "the Region that Lambda sets"),
        ("AWS_REGION", "useast1", "the Region that Lambda sets"),
        ("RELIGHT_ACCOUNT", "", "a 12-digit account id"),
        ("RELIGHT_ACCOUNT", "12345678901", "a 12-digit account id"),
        ("RELIGHT_ACCOUNT", "1234567890123", "a 12-digit account id"),
        ("RELIGHT_LEDGER", "a table", "the ledger table's name"),
        ("RELIGHT_TOPIC", "", "the ARN of an SNS topic"),
        ("RELIGHT_TOPIC", "relight", "the ARN of an SNS topic"),
        ("RELIGHT_MODE", "Enforce", "enforce or observe"),
        ("RELIGHT_MODE", "off", "enforce or observe"),
        ("RELIGHT_TRAIL_KEY", "alias/mine", "the ARN of a KMS key"),
        ("RELIGHT_TRAIL_KEY", f"arn:aws:kms:{REGION}:{ACCOUNT}:alias/mine", "the ARN of a KMS key"),
        ("RELIGHT_ACCESS_LOG_BUCKET", "Access_Logs", "the name of a bucket"),
        ("RELIGHT_ACCESS_LOG_BUCKET", "arn:aws:s3:::b", "the name of a bucket"),
        ("RELIGHT_ACCESS_LOG_BUCKET", "ab", "the name of a bucket"),
        ("RELIGHT_ACCESS_LOG_BUCKET", "-access-logs", "the name of a bucket"),
        ("RELIGHT_FLOW_LOGS_ROLE", "flow-logs", "the ARN of a role"),
        ("RELIGHT_TRAIL_LOGS_ROLE", "trail-logs", "the ARN of a role"),
        ("RELIGHT_FLOW_LOGS_DESTINATION", "bucket", "empty, or the ARN of an S3 bucket"),
        ("RELIGHT_RETENTION_DAYS", "364", "(1, 3, 5, 7"),
        ("RELIGHT_RETENTION_DAYS", "a year", "a whole number"),
        ("RELIGHT_RETENTION_DAYS", "-1", "a whole number"),
        ("RELIGHT_INCIDENT_DAYS", "0", "1 to 3653"),
        ("RELIGHT_INCIDENT_DAYS", "3654", "1 to 3653"),
        ("RELIGHT_FAMILIES", "trail", "kind=function,…"),
        ("RELIGHT_ORGANIZATION", "123456789012", "empty, or the id of an organisation"),
        ("RELIGHT_MEMBER_ROLE", "arn:aws:iam::1:role/r", "the name of a role"),
        ("RELIGHT_MEMBER_ACCOUNTS", f"{FRIEND}, {STRANGER}", "12-digit account ids with commas"),
        ("RELIGHT_MEMBER_BOUNDARY", f"arn:aws:iam::{FRIEND}:policy/b", "empty, or the name of an IAM policy"),
        ("RELIGHT_FAMILIES", "trail=a,,vpc=b", "kind=function,…"),
    ],
)
def test_wrong_environment(name: str, value: str, allowed: str) -> None:
    with pytest.raises(InvalidSetting) as caught:
        load(ENVIRONMENT | {name: value})
    shown = None if value == "" else value
    assert str(caught.value).startswith(f"environment variable {name} is {shown!r}; allowed: {allowed}")


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_missing_environment(name: str) -> None:
    with pytest.raises(InvalidSetting, match=f"environment variable {name} is None"):
        load({n: v for n, v in ENVIRONMENT.items() if n != name})


@pytest.mark.parametrize(
    ("old", "new", "field", "expected"),
    [
        ("trusted_accounts = []", f'trusted_accounts = ["{FRIEND}"]', "trusted_accounts", {FRIEND}),
        ("repairs_per_invocation = 50", "repairs_per_invocation = 1", "repair_cap", 1),
        ("watched = []", 'watched = ["a-bucket"]', "watched_buckets", {"a-bucket"}),
        ("trusted_buckets = []", 'trusted_buckets = ["a-bucket"]', "trusted_buckets", {"a-bucket"}),
        ("trusted_keys = []", f'trusted_keys = ["{EU_KEY}"]', "trusted_keys", {EU_KEY}),
        ('reader = "cloudwatch-logs"', 'reader = "siem"', "trail_reader", "siem"),
        ('s3_data_events = "trail-buckets"', 's3_data_events = "off"', "s3_data_events", "off"),
        ('s3_data_events = "trail-buckets"', 's3_data_events = "all"', "s3_data_events", "all"),
        ('s3_data_events = "trail-buckets"', 's3_data_events = ["aaa", "bbb"]', "s3_data_events", ("aaa", "bbb")),
        (
            "network_activity_sources = []",
            'network_activity_sources = ["s3.amazonaws.com"]',
            "network_activity_sources",
            ("s3.amazonaws.com",),
        ),
        ("[modes]", f"{EXEMPTION}\n[modes]", "exemptions", (EXEMPT,)),
        ('traffic = "REJECT"', 'traffic = "ALL"', "traffic", "ALL"),
        ("aggregation_seconds = 600", "aggregation_seconds = 60", "aggregation_seconds", 60),
        ("[trail_keys]", '[trail_keys]\neu-west-1 = "' + EU_KEY + '"', "trail_keys", {"eu-west-1": EU_KEY}),
        ("[access_log_buckets]", '[access_log_buckets]\neu-west-1 = "bbb"', "access_log_buckets", {"eu-west-1": "bbb"}),
        (
            "[access_log_buckets]",
            '[access_log_buckets]\n"*/*" = "logs-{account}-{region}"',
            "access_log_buckets",
            {"*/*": "logs-{account}-{region}"},
        ),
        (
            "[flow_logs_roles]",
            '[flow_logs_roles]\n"222222222222/*" = "arn:aws:iam::{account}:role/x/y"',
            "flow_logs_roles",
            {"222222222222/*": "arn:aws:iam::{account}:role/x/y"},
        ),
        (
            "[modes]",
            '[modes]\n"trail.logging" = { restore = "off", introduce = "observe", create = "enforce" }',
            "modes",
            {"trail.logging": {"restore": Mode.OFF, "introduce": Mode.OBSERVE, "create": Mode.ENFORCE}},
        ),
        ("[modes]", '[modes]\n"trail.logging" = {}', "modes", {"trail.logging": {}}),
    ],
    ids=lambda value: str(value).splitlines()[-1][:40],
)
def test_file(tmp_path: Path, old: str, new: str, field: str, expected: Any) -> None:
    assert getattr(load(ENVIRONMENT, edited(tmp_path, old, new)), field) == expected


def test_the_stacks_own_key_and_bucket_come_before_the_files(tmp_path: Path) -> None:
    path = edited(tmp_path, "[trail_keys]", f'[trail_keys]\n{REGION} = "{OTHER_KEY}"\neu-west-1 = "{EU_KEY}"')
    assert load(ENVIRONMENT, path).trail_keys == {REGION: OTHER_KEY, "eu-west-1": EU_KEY}
    own = load(ENVIRONMENT | {"RELIGHT_TRAIL_KEY": key()}, path)
    assert own.trail_keys == {REGION: key(), "eu-west-1": EU_KEY}


ACCOUNTS, BUCKETS, COUNT = "a list of 12-digit account ids", "a list of names of buckets", "a whole number from 1"
DATA_EVENTS = "off, trail-buckets, all, or a list of names of buckets"
SITUATIONS = "a table with any of ('restore', 'introduce', 'create')"


@pytest.mark.parametrize(
    ("old", "new", "setting", "value", "allowed"),
    [
        ("trusted_accounts = []", "", "trusted_accounts", None, ACCOUNTS),
        ("trusted_accounts = []", 'trusted_accounts = "1"', "trusted_accounts", "1", ACCOUNTS),
        ("trusted_accounts = []", 'trusted_accounts = ["12"]', "trusted_accounts", ["12"], ACCOUNTS),
        ("trusted_accounts = []", "trusted_accounts = [1]", "trusted_accounts", [1], ACCOUNTS),
        (
            "trusted_buckets = []",
            'trusted_buckets = ["arn:aws:s3:::b"]',
            "trusted_buckets",
            ["arn:aws:s3:::b"],
            BUCKETS,
        ),
        ("trusted_keys = []", 'trusted_keys = ["alias/k"]', "trusted_keys", ["alias/k"], "a list of ARNs of KMS keys"),
        ('reader = "cloudwatch-logs"', 'reader = "none"', "trail.reader", "none", "('cloudwatch-logs', 'siem')"),
        ('s3_data_events = "trail-buckets"', 's3_data_events = "some"', "trail.s3_data_events", "some", DATA_EVENTS),
        ('s3_data_events = "trail-buckets"', "", "trail.s3_data_events", None, BUCKETS),
        ('s3_data_events = "trail-buckets"', 's3_data_events = ["B"]', "trail.s3_data_events", ["B"], BUCKETS),
        (
            "network_activity_sources = []",
            'network_activity_sources = ["s3"]',
            "trail.network_activity_sources",
            ["s3"],
            "a list of event sources such as s3.amazonaws.com",
        ),
        ("repairs_per_invocation = 50", "", "repairs_per_invocation", None, COUNT),
        ("repairs_per_invocation = 50", "repairs_per_invocation = 0", "repairs_per_invocation", 0, COUNT),
        ("repairs_per_invocation = 50", "repairs_per_invocation = true", "repairs_per_invocation", True, COUNT),
        ("repairs_per_invocation = 50", "repairs_per_invocation = 1.5", "repairs_per_invocation", 1.5, COUNT),
        ("watched = []", 'watched = ["A bucket"]', "bucket.watched", ["A bucket"], BUCKETS),
        ("watched = []", "", "bucket.watched", None, BUCKETS),
        ('traffic = "REJECT"', 'traffic = "ACCEPT"', "vpc.traffic", "ACCEPT", "('REJECT', 'ALL')"),
        ('traffic = "REJECT"', "", "vpc.traffic", None, "('REJECT', 'ALL')"),
        ("aggregation_seconds = 600", "aggregation_seconds = 61", "vpc.aggregation_seconds", 61, "(60, 600)"),
        ("aggregation_seconds = 600", 'aggregation_seconds = "60"', "vpc.aggregation_seconds", "60", "(60, 600)"),
        ("aggregation_seconds = 600", "aggregation_seconds = 600.0", "vpc.aggregation_seconds", 600.0, "(60, 600)"),
        ("[trail_keys]", '[trail_keys]\nx = "y"', "trail_keys", "x", "names of Regions"),
        ("[trail_keys]", "[trail_keys]\neu-west-1 = 1", "trail_keys.eu-west-1", 1, "the ARN of a KMS key"),
        ("[trail_keys]", '[trail_keys]\neu-west-1 = ""', "trail_keys.eu-west-1", "", "the ARN of a KMS key"),
        (
            "[flow_logs_roles]",
            '[flow_logs_roles]\n"*" = "x"',
            "flow_logs_roles",
            "*",
            "names of Regions, or ACCOUNT/REGION with * for any",
        ),
        (
            "[trail_logs_roles]",
            '[trail_logs_roles]\n"1/*" = "x"',
            "trail_logs_roles",
            "1/*",
            "names of Regions, or ACC",
        ),
        (
            "[flow_logs_roles]",
            '[flow_logs_roles]\n"*/*" = "flow-logs"',
            "flow_logs_roles.*/*",
            "flow-logs",
            "the ARN of a role",
        ),
        (
            "[access_log_buckets]",
            '[access_log_buckets]\n"*/*" = "logs-{acount}"',
            "access_log_buckets.*/*",
            "logs-{acount}",
            "the name of a bucket",
        ),
        ("[trail_keys]", "", "trail_keys", None, "a table of Region = the ARN of a KMS key"),
        (
            "[access_log_buckets]",
            '[access_log_buckets]\neu-west-1 = "A b"',
            "access_log_buckets.eu-west-1",
            "A b",
            "the name of a bucket",
        ),
        ("[access_log_buckets]", "", "access_log_buckets", None, "a table of Region = the name of a bucket"),
        ("[modes]", "", "modes", None, "a table of control = { restore, introduce, create }"),
        ("[modes]", '[modes]\nx = "off"', "modes.x", "off", SITUATIONS),
        ("[modes]", '[modes]\nx = { creat = "off" }', "modes.x", {"creat": "off"}, SITUATIONS),
        ("[modes]", '[modes]\nx = { create = "on" }', "modes.x.create", "on", "['enforce', 'observe', 'off']"),
        ("[modes]", "[modes]\nx = { create = [1] }", "modes.x.create", [1], "['enforce', 'observe', 'off']"),
    ],
    ids=lambda value: str(value).splitlines()[-1][:40] if value else "absent",
)
def test_wrong_file(tmp_path: Path, old: str, new: str, setting: str, value: Any, allowed: str) -> None:
    with pytest.raises(InvalidSetting) as caught:
        load(ENVIRONMENT, edited(tmp_path, old, new))
    assert str(caught.value).startswith(f"standard.toml: {setting} is {value!r:.80}; allowed: {allowed}")


@pytest.mark.parametrize(
    ("old", "new", "setting"),
    [
        ("trusted_accounts = []", "trusted_accounts = []\ntrusted_acounts = []", "trusted_acounts"),
        ("[modes]", "[mode]\n[modes]", "mode"),
        ('traffic = "REJECT"', 'traffic = "REJECT"\ntrafic = "ALL"', "vpc.trafic"),
        ("watched = []", 'watched = []\nwatch = ["b"]', "bucket.watch"),
    ],
    ids=["top-level", "table", "in-vpc", "in-bucket"],
)
def test_unknown_settings_are_refused(tmp_path: Path, old: str, new: str, setting: str) -> None:
    with pytest.raises(InvalidSetting, match=rf"standard\.toml: {setting} is .*no such setting"):
        load(ENVIRONMENT, edited(tmp_path, old, new))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("2027-06-30", '"2027-06-30"', r"exemptions\[0\]\.expires is '2027-06-30'; allowed: a day, such as 2027-06-30"),
        ("2027-06-30", "2027-06-30T12:00:00Z", r"exemptions\[0\]\.expires is datetime.*allowed: a day"),
        ('reason = "CHG-1"\n', "", r"exemptions\[0\] is .*allowed: a table with control, resource, reason, expires"),
        ('"CHG-1"', '" "', r"exemptions\[0\]\.reason is ' '; allowed: a text that is not empty"),
        ('"vpc.flow-logs"', "1", r"exemptions\[0\]\.control is 1; allowed: a text"),
        ('"arn:aws:ec2:*:vpc/vpc-1"', '"*"', r"exemptions\[0\]\.resource is '\*'; allowed: an ARN"),
        ("[[exemptions]]", "[exemptions]", r"exemptions is .*allowed: tables headed \[\[exemptions\]\]"),
    ],
)
def test_wrong_exemptions(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = edited(tmp_path, "[modes]", f"{EXEMPTION.replace(old, new)}\n[modes]")
    with pytest.raises(InvalidSetting, match=rf"standard\.toml: {says}"):
        load(ENVIRONMENT, path)


def test_keys_are_trusted_by_owner_or_by_name() -> None:
    stranger = key(STRANGER)
    assert not standard().trusts_key(stranger, ACCOUNT)
    assert standard(trusted_keys=frozenset({stranger})).trusts_key(stranger, ACCOUNT)
    assert standard(trusted_accounts=frozenset({STRANGER})).trusts_key(stranger, ACCOUNT)
    assert standard().trusts_key(key(), ACCOUNT)
    assert not standard().trusts_key("", ACCOUNT)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match=r"missing\.toml cannot be read"):
        load(ENVIRONMENT, tmp_path / "missing.toml")
    with pytest.raises(InvalidSetting, match=r"standard\.toml cannot be read") as caught:
        load(ENVIRONMENT, edited(tmp_path, "[modes]", "[modes"))
    assert isinstance(caught.value.__cause__, tomllib.TOMLDecodeError)
