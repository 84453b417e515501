"""`relight check`: an account without any stack, read with somebody's own credentials, and repaired where they ask."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from click.testing import CliRunner, Result

from local import account, names, sabotage
from local.account import Account
from local.cli import main
from local.cloud import LocalAws
from local.operate import check, deployment
from local.settings import ACCOUNT, FIRST_REGION, PARTITION, REGION
from local.wire import Call
from relight.posture import PRACTICES
from relight.standard import SHIPPED
from tests.integration import helpers
from tests.integration.conftest import Fresh

OTHER = "eu-west-1" if REGION == FIRST_REGION else FIRST_REGION
ROLE = f"arn:{PARTITION}:iam::{ACCOUNT}:role/{account.FLOW_LOGS_ROLE}"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "operator",
    "AWS_SECRET_ACCESS_KEY": "operator",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_PROFILE": None,
    "NO_PROXY": "127.0.0.1",
}
Broken = Callable[[], None]


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    helpers.hurry(monkeypatch)


@pytest.fixture
def compliant(local_aws: LocalAws, fresh: Fresh) -> Iterator[Account]:
    """An account that has all that the catalogue looks after, as it should be, and no Relight."""

    def build() -> Account:
        local_aws.reset()
        victim = account.build(local_aws)
        sabotage.furnish(local_aws, victim)
        return victim

    yield fresh("furnished", build)
    local_aws.reset()


@pytest.fixture
def calls(local_aws: LocalAws) -> Iterator[list[Call]]:
    """Every call that is made meanwhile."""
    made: list[Call] = []
    local_aws.on_call = made.append
    yield made
    local_aws.on_call = lambda _: None


def relight_check(aws: LocalAws, *arguments: str, answer: str = "") -> Result:
    return CliRunner().invoke(main, ["check", "--endpoint-url", aws.url, *arguments], input=answer, env=CREDENTIALS)


def report(aws: LocalAws, *arguments: str) -> tuple[int, dict[str, Any]]:
    result = relight_check(aws, "-o", "json", *arguments)
    return result.exit_code, json.loads(result.stdout)


def asff(aws: LocalAws, *arguments: str) -> list[dict[str, Any]]:
    """All findings, whatever requests they come in."""
    lines = relight_check(aws, "-o", "asff", *arguments).stdout.splitlines()
    return [each for line in lines for each in json.loads(line)["Findings"]]


def row(data: dict[str, Any], control: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in data["posture"] if each["control"] == control)
    return found


def counts(data: dict[str, Any], control: str) -> tuple[int, int, int, int]:
    found = row(data, control)
    return found["met"], found["violated"], found["unknown"], found["exempt"]


def writes(calls: list[Call]) -> list[str]:
    return [f"{call.service}:{call.name}" for call in calls if not names.is_read(call.name)]


def break_some(aws: LocalAws, victim: Account) -> None:
    """One violation of each severity but MEDIUM."""
    aws.client("cloudtrail").stop_logging(Name=victim.trail)
    aws.client("ec2").delete_flow_logs(FlowLogIds=[victim.flow_log])
    aws.client("kms").disable_key_rotation(KeyId=victim.key_arn)


BROKEN = ["trail.logging", "vpc.flow-logs", "key.rotation"]  # the worst first


# ------------------------------------------------------------------------------------------------- what is found


@pytest.mark.usefixtures("compliant")
def test_a_compliant_account(local_aws: LocalAws, calls: list[Call]) -> None:
    result = relight_check(local_aws)

    assert result.exit_code == check.COMPLIANT, result.output
    assert "0 violations." in result.stdout
    assert writes(calls) == []
    assert len(calls) > 20, "or nothing was looked at"


def test_the_report(local_aws: LocalAws, compliant: Account, calls: list[Call]) -> None:
    break_some(local_aws, compliant)
    calls.clear()

    status, data = report(local_aws, "--flow-logs-role", ROLE)

    assert status == check.VIOLATED
    assert writes(calls) == []
    assert (data["version"], data["accounts"], data["regions"]) == (1, [ACCOUNT], [REGION])
    assert data["command"] == f"relight check --output json --flow-logs-role {ROLE} --endpoint-url {local_aws.url}"
    assert [each["control"] for each in data["posture"]][: len(PRACTICES)] == [each.control for each in PRACTICES]
    assert row(data, "vpc.flow-logs") == {
        "title": "VPC flow logs",
        "control": "vpc.flow-logs",
        "unit": "VPCs",
        "met": 1,
        "violated": 1,
        "unknown": 0,
        "exempt": 0,
        "percent": 50.0,
        "study": 81.2,
    }
    # The alarms read the log group of a trail that is logging.
    assert [each["control"] for each in data["findings"] if not each["control"].startswith("alarm.")] == BROKEN
    assert data["findings"][0] == {
        "severity": "CRITICAL",
        "control": "trail.logging",
        "title": "The trail is logging",
        "references": "CIS 3.1, Security Hub CloudTrail.1",
        "resource": compliant.trail_arn,
        "name": compliant.trail,
        "account": ACCOUNT,
        "region": REGION,
        "outcome": "observed",
        "drifts": [{"field": "IsLogging", "found": False, "wanted": True, "manual": ""}],
        "note": "",
        "would_call": [f'cloudtrail:StartLogging {{"Name": "{compliant.trail_arn}"}}'],
    }
    assert (data["unchecked"], data["exempt"], data["history"], data["evidence"]) == ([], [], [], [])


def test_the_table_shows_the_same(local_aws: LocalAws, compliant: Account) -> None:
    break_some(local_aws, compliant)
    result = relight_check(local_aws, *(word for each in BROKEN for word in ("--control", each)))

    assert result.exit_code == check.VIOLATED
    lines = result.stdout.splitlines()
    assert [line.split() for line in lines if line.startswith("vpc.flow-logs")] == [
        ["vpc.flow-logs", "1", "1", "50", "%", "81.2", "%", "VPCs"]
    ]
    heads = [line.split()[1] for line in lines if line.split()[:1] in (["CRITICAL"], ["HIGH"], ["LOW"])]
    assert heads == BROKEN
    assert "--fix   cloudtrail:StartLogging" in result.stdout
    assert "Without a stack, pass --flow-logs-role." in result.stdout, "a role is missing"
    assert "trail.multi-region" not in result.stdout, "nobody asked for it"
    assert "3 violations." in result.stdout
    assert result.stderr == ""


def test_csv_and_asff_hold_each_finding(local_aws: LocalAws, compliant: Account) -> None:
    break_some(local_aws, compliant)
    _, data = report(local_aws)
    found = [(each["control"], each["resource"]) for each in data["findings"]]

    rows = list(csv.DictReader(io.StringIO(relight_check(local_aws, "-o", "csv").stdout)))
    findings = asff(local_aws)

    assert [(each["control"], each["resource"]) for each in rows] == found
    failed = [each for each in findings if each["Compliance"]["Status"] == "FAILED"]
    assert [(f["GeneratorId"], f["Resources"][0]["Id"]) for f in failed] == [(f"relight/{c}", arn) for c, arn in found]
    assert {f["Compliance"]["Status"] for f in findings} == {"FAILED", "PASSED"}


def test_security_hub_ends_what_is_put_right(local_aws: LocalAws, compliant: Account) -> None:
    hub = local_aws.client("securityhub")
    hub.enable_security_hub()

    def statuses() -> dict[str, str]:
        hub.batch_import_findings(Findings=asff(local_aws, *(word for each in BROKEN for word in ("--control", each))))
        found = hub.get_findings()["Findings"]
        return {
            each["GeneratorId"].removeprefix("relight/"): each["Compliance"]["Status"]
            for each in found
            if each["Resources"][0]["Id"] in (compliant.trail_arn, compliant.key_arn)
        }

    break_some(local_aws, compliant)
    assert statuses() == {"trail.logging": "FAILED", "key.rotation": "FAILED"}
    local_aws.client("cloudtrail").start_logging(Name=compliant.trail)
    assert statuses() == {"trail.logging": "PASSED", "key.rotation": "FAILED"}


def test_an_account_with_nothing_violates_by_having_no_trail(local_aws: LocalAws) -> None:
    local_aws.reset()
    status, data = report(local_aws, "--control", "trail.multi-region", "--control", "trail.log-file-validation")

    assert status == check.VIOLATED
    assert counts(data, "trail.multi-region") == (0, 1, 0, 0)
    assert counts(data, "trail.log-file-validation") == (0, 0, 0, 0)
    (finding,) = data["findings"]
    assert (finding["resource"], finding["outcome"]) == (f"arn:{PARTITION}:iam::{ACCOUNT}:root", "needs-a-person")
    assert "Create a multi-Region trail" in finding["drifts"][0]["manual"]


# ------------------------------------------------------------------------------------------------------- Regions


@pytest.mark.usefixtures("compliant")
def test_an_account_that_may_have_public_buckets_is_told_and_not_repaired(local_aws: LocalAws) -> None:
    local_aws.client("s3control").delete_public_access_block(AccountId=ACCOUNT)
    status, data = report(local_aws)
    assert status == check.VIOLATED
    assert counts(data, "account.public-access") == (0, 1, 0, 0)
    (finding,) = data["findings"]
    assert (finding["control"], finding["outcome"]) == ("account.public-access", "needs-a-person")
    assert finding["would_call"] == []


@pytest.mark.usefixtures("compliant")
def test_an_account_is_judged_across_its_regions(local_aws: LocalAws) -> None:
    status, data = report(local_aws, "--region", REGION, "--region", OTHER)

    assert status == check.VIOLATED
    assert data["regions"] == [REGION, OTHER]
    assert counts(data, "trail.multi-region") == (1, 0, 0, 0), "one trail anywhere is enough"
    assert counts(data, "config.recording") == (0, 1, 0, 0), "AWS Config has to record in each Region"
    assert counts(data, "account.public-access") == (1, 0, 0, 0), "S3's own settings are the account's"
    assert counts(data, "trail.logging") == (1, 0, 0, 0), "the other Region shows it, too"
    assert counts(data, "alarm.root-use") == (1, 0, 0, 0), "alarms are where the trail is at home"
    found = {(each["control"], each["region"]) for each in data["findings"]}
    assert found == {("config.recording", OTHER), ("vpc.flow-logs", OTHER)}


def test_a_region_alone_knows_of_the_trail_that_covers_it(local_aws: LocalAws, compliant: Account) -> None:
    local_aws.client("cloudtrail").stop_logging(Name=compliant.trail)
    _, data = report(local_aws, "--region", OTHER)
    assert counts(data, "trail.multi-region") == (1, 0, 0, 0)
    assert counts(data, "bucket.access-logging") == (1, 0, 0, 0), "wherever its bucket is"
    assert [each["region"] for each in data["findings"] if each["control"] == "trail.logging"] == [REGION]


@pytest.mark.usefixtures("compliant")
def test_a_bucket_that_another_regions_trail_delivers_to_matters(local_aws: LocalAws) -> None:
    """A trail of one Region is not seen from the bucket's."""
    s3 = local_aws.client("s3")
    account.create_access_log_bucket(s3, "only-elsewhere")
    s3.delete_public_access_block(Bucket="only-elsewhere")
    session = boto3.Session("operator", "operator", region_name=OTHER)
    trails = session.client("cloudtrail", endpoint_url=local_aws.url, config=Config(proxies={}))
    trails.create_trail(Name="elsewhere", S3BucketName="only-elsewhere")

    _, data = report(local_aws, "--region", REGION, "--region", OTHER, "--control", "bucket.public-access")

    assert counts(data, "bucket.public-access") == (1, 1, 0, 0)
    assert [each["name"] for each in data["findings"]] == ["only-elsewhere"]


@pytest.mark.usefixtures("compliant")
def test_all_regions(local_aws: LocalAws) -> None:
    _, data = report(local_aws, "--all-regions", "--control", "config.recording")
    assert data["regions"][0] == REGION
    assert len(data["regions"]) > 10
    assert len(set(data["regions"])) == len(data["regions"])
    assert {each["region"] for each in data["findings"]} == {*data["regions"]} - {REGION}


# ------------------------------------------------------------------------------------------- what cannot be read


@pytest.mark.usefixtures("compliant")
def test_a_denied_read_is_no_verdict(local_aws: LocalAws) -> None:
    with local_aws.refuse(None, "ec2:DescribeFlowLogs", "UnauthorizedOperation"):
        status, data = report(local_aws)

    assert status == check.UNCHECKED
    assert counts(data, "vpc.flow-logs") == (0, 0, 2, 0)
    assert row(data, "vpc.flow-logs")["percent"] is None
    assert data["findings"] == []
    assert [(each["region"], each["what"]) for each in data["unchecked"]] == [(REGION, "logs"), (REGION, "vpc")]
    assert all("ec2:DescribeFlowLogs: UnauthorizedOperation" in each["why"] for each in data["unchecked"])


def test_a_denied_read_outweighs_violations_and_every_output_says_so(local_aws: LocalAws, compliant: Account) -> None:
    break_some(local_aws, compliant)
    arn = f"key.rotation {compliant.key_arn}"
    with local_aws.refuse(None, "kms:GetKeyRotationStatus", "AccessDeniedException"):
        status, data = report(local_aws)
        shown, table = (relight_check(local_aws, "-o", form).stdout for form in ("table", "csv"))
        findings = asff(local_aws)

    assert status == check.UNCHECKED
    assert [each["what"] for each in data["unchecked"]] == [arn]
    assert f"{arn}: " in shown
    assert "1 could not be checked: this is no verdict" in shown
    rows = [each for each in csv.DictReader(io.StringIO(table)) if each["outcome"] == "could not check"]
    assert [each["resource"] for each in rows] == [arn]
    statuses = [each["Compliance"]["Status"] for each in findings]
    assert statuses.count("NOT_AVAILABLE") == 1
    assert counts(data, "key.rotation") == (0, 0, 1, 0)


def test_one_that_cannot_be_read_hides_no_other(local_aws: LocalAws, compliant: Account) -> None:
    other = local_aws.client("kms").create_key()["KeyMetadata"]["KeyId"]

    def of_the_victim(call: Call) -> bool:
        return compliant.key_arn in str(call.parameters())

    with local_aws.refuse(None, "kms:DescribeKey", when=of_the_victim):
        _, data = report(local_aws, "--control", "key.rotation")

    assert [each["what"] for each in data["unchecked"]] == [compliant.key_arn]
    assert counts(data, "key.rotation") == (0, 1, 1, 0)
    assert [each["name"] for each in data["findings"]] == [other]


@pytest.mark.usefixtures("compliant")
def test_where_trails_cannot_be_listed_nobody_says_that_there_is_none(local_aws: LocalAws) -> None:
    with local_aws.refuse(None, "cloudtrail:DescribeTrails"):
        status, data = report(local_aws)
    assert status == check.UNCHECKED
    assert counts(data, "trail.multi-region") == (0, 0, 1, 0)
    assert [each for each in data["findings"] if each["control"].startswith(("trail.", "bucket.", "alarm."))] == []


@pytest.mark.usefixtures("compliant")
def test_where_regions_cannot_be_listed_they_can_be_named(local_aws: LocalAws) -> None:
    with local_aws.refuse(None, "ec2:DescribeRegions", "UnauthorizedOperation"):
        result = relight_check(local_aws, "--all-regions")
    assert result.exit_code == check.UNCHECKED
    assert "name each --region instead" in result.stderr


@pytest.mark.usefixtures("compliant")
def test_who_is_not_let_in_at_all(local_aws: LocalAws) -> None:
    with local_aws.refuse(None, "sts:GetCallerIdentity"):
        result = relight_check(local_aws)
    assert result.exit_code == check.UNCHECKED
    assert "sts:GetCallerIdentity: AccessDeniedException" in result.stderr
    assert result.stdout == ""


# ------------------------------------------------------------------------------------------------- the standard


def test_an_exemption_of_ones_own_standard(local_aws: LocalAws, compliant: Account, tmp_path: Path) -> None:
    local_aws.client("ec2").delete_flow_logs(FlowLogIds=[compliant.flow_log])
    arn = f"arn:{PARTITION}:ec2:{REGION}:{ACCOUNT}:vpc/{compliant.vpc}"
    file = tmp_path / "ours.toml"
    exemption = f'\n[[exemptions]]\ncontrol = "vpc.flow-logs"\nresource = "{arn}"\nreason = "A laboratory"\n'
    file.write_text(SHIPPED.read_text(encoding="utf-8") + exemption + "expires = 2099-12-31\n", encoding="utf-8")

    status, data = report(local_aws, "--standard", str(file))

    assert status == check.COMPLIANT
    assert counts(data, "vpc.flow-logs") == (1, 0, 0, 1)
    assert data["exempt"] == [
        {"control": "vpc.flow-logs", "resource": arn, "reason": "A laboratory", "expires": "2099-12-31"}
    ]


def test_a_control_that_is_off_is_not_missed(local_aws: LocalAws, tmp_path: Path) -> None:
    local_aws.reset()
    file = tmp_path / "ours.toml"
    shipped = SHIPPED.read_text(encoding="utf-8")
    off = '[modes]\n"trail.multi-region" = { introduce = "off" }'
    file.write_text(shipped.replace("[modes]", off), encoding="utf-8")
    status, data = report(local_aws, "--standard", str(file), "--control", "trail.multi-region")
    assert (status, counts(data, "trail.multi-region")) == (check.COMPLIANT, (0, 0, 0, 1))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--trail-key", "alias/mine"), "--trail-key is 'alias/mine'; allowed: the ARN of a KMS key"),
        (("--region", "Frankfurt"), "Frankfurt is no Region's name"),
        (("--control", "trail.loging"), "trail.loging is no control that can be checked"),
        (("--profile", "nobody-has-it"), "pass another --profile"),
    ],
    ids=str,
)
@pytest.mark.usefixtures("compliant")
def test_what_is_asked_wrongly_is_named(local_aws: LocalAws, arguments: tuple[str, ...], said: str) -> None:
    result = relight_check(local_aws, *arguments)
    assert result.exit_code == check.UNCHECKED
    assert said in result.stderr


# --------------------------------------------------------------------------------------------------------- --fix


def fix(aws: LocalAws, *arguments: str, answer: str = "y\n") -> Result:
    return relight_check(aws, "--fix", "--flow-logs-role", ROLE, *arguments, answer=answer)


def test_fix_repairs_and_checks_again(local_aws: LocalAws, compliant: Account) -> None:
    break_some(local_aws, compliant)

    result = fix(local_aws)

    assert result.exit_code == check.COMPLIANT, result.output
    assert "cloudtrail:StartLogging" in result.stdout
    assert "vpc.flow-logs costs 0.50 a GB" in result.stdout
    assert "3 of 3 resources repaired" in result.stdout
    after = result.stdout.partition("Violations, before and after")[2]
    assert ["key.rotation", "1", "0"] in [line.split() for line in after.splitlines()]
    assert "0 violations." in after
    assert helpers.trail(local_aws)["IsLogging"]
    assert [log["TrafficType"] for log in helpers.flow_logs(local_aws, compliant.vpc)] == ["REJECT"]
    assert local_aws.client("kms").get_key_rotation_status(KeyId=compliant.key_arn)["KeyRotationEnabled"]


def test_fix_repairs_only_what_was_asked_for(local_aws: LocalAws, compliant: Account, calls: list[Call]) -> None:
    break_some(local_aws, compliant)
    local_aws.client("cloudtrail").update_trail(Name=compliant.trail, EnableLogFileValidation=False)
    calls.clear()

    result = fix(local_aws, "--control", "trail.logging", "--yes", answer="")

    assert result.exit_code == check.COMPLIANT, result.output
    assert writes(calls) == ["cloudtrail:StartLogging"]


def test_fix_stops_at_its_cap_with_the_worst_done(local_aws: LocalAws, compliant: Account, calls: list[Call]) -> None:
    break_some(local_aws, compliant)
    calls.clear()

    result = fix(local_aws, "--cap", "1")

    assert result.exit_code == check.VIOLATED
    assert writes(calls) == ["cloudtrail:StartLogging"]
    assert "2 resources more wait: the cap is 1" in result.stdout


def test_who_declines_changes_nothing(local_aws: LocalAws, compliant: Account, calls: list[Call]) -> None:
    break_some(local_aws, compliant)
    calls.clear()

    result = fix(local_aws, "-o", "json", answer="n\n")

    assert result.exit_code == check.VIOLATED
    assert writes(calls) == []
    assert {each["control"] for each in json.loads(result.stdout)["findings"]} >= set(BROKEN)
    assert "Nothing was changed." in result.stderr


def test_fix_says_what_it_would_put_in_the_place_of_what_is_there(
    local_aws: LocalAws, compliant: Account, calls: list[Call]
) -> None:
    """A key that is given in place of a disabled one, and what is sent where AWS refuses a call."""
    kms = local_aws.client("kms")
    other = kms.create_key()["KeyMetadata"]["Arn"]
    local_aws.client("ec2").delete_flow_logs(FlowLogIds=[compliant.flow_log])
    local_aws.client("cloudtrail").update_trail(Name=compliant.trail, KmsKeyId=other)
    kms.disable_key(KeyId=other.rpartition("/")[2])
    calls.clear()
    asked = ("--control", "trail.kms-encryption", "--control", "vpc.flow-logs", "--trail-key", compliant.key_arn)

    result = fix(local_aws, *asked, answer="n\n")

    assert writes(calls) == []
    plan = result.stdout.partition("these calls would be made")[2]
    assert f"KmsKeyId: {other} (Disabled) → {compliant.key_arn}" in plan
    lines = [line.strip() for line in plan.splitlines()]
    encrypted = next(number for number, line in enumerate(lines) if line.startswith("logs:CreateLogGroup"))
    assert compliant.key_arn in lines[encrypted]
    assert lines[encrypted + 1].startswith("if AWS refuses that: logs:CreateLogGroup")
    assert compliant.key_arn not in lines[encrypted + 1]
    violations = result.stdout.partition("To repair")[0]
    assert "if AWS refuses that: logs:CreateLogGroup" in violations, "without --fix, too"


def test_a_repair_by_a_substitute_says_so(local_aws: LocalAws, compliant: Account) -> None:
    local_aws.client("ec2").delete_flow_logs(FlowLogIds=[compliant.flow_log])

    def with_a_key(call: Call) -> bool:
        return "kmsKeyId" in str(call.parameters())

    with local_aws.refuse(None, "logs:CreateLogGroup", "InvalidParameterException", when=with_a_key):
        result = fix(local_aws, "--control", "vpc.flow-logs", "--trail-key", compliant.key_arn)

    assert "repaired, and read back; AWS refused logs:CreateLogGroup: InvalidParameterException" in result.stdout


def test_what_is_unknown_is_not_repaired(local_aws: LocalAws, compliant: Account, calls: list[Call]) -> None:
    local_aws.client("ec2").delete_flow_logs(FlowLogIds=[compliant.flow_log])
    calls.clear()
    with local_aws.refuse(None, "ec2:DescribeFlowLogs", "UnauthorizedOperation"):
        result = fix(local_aws, "--yes", answer="")
    assert result.exit_code == check.UNCHECKED
    assert writes(calls) == []


def test_what_was_changed_meanwhile_is_left_alone(local_aws: LocalAws, compliant: Account, calls: list[Call]) -> None:
    break_some(local_aws, compliant)
    trails = local_aws.client("cloudtrail")

    def confirmed() -> bool:
        trails.update_trail(Name=compliant.trail, EnableLogFileValidation=False)
        calls.clear()
        return True

    wanted = check.Wanted(controls=frozenset({"trail.logging", "trail.log-file-validation"}), fix=True)
    with pytest.MonkeyPatch.context() as patched:
        for name, value in CREDENTIALS.items():
            patched.delenv(name, raising=False) if value is None else patched.setenv(name, value)
        status = check.run(deployment.session(None, None, local_aws.url), wanted, confirmed)

    assert status == check.VIOLATED
    assert writes(calls) == []
    assert not helpers.trail(local_aws)["IsLogging"]


def test_a_repair_that_is_refused_is_said_and_does_not_hold_up_the_others(
    local_aws: LocalAws, compliant: Account
) -> None:
    break_some(local_aws, compliant)
    with local_aws.refuse(None, "cloudtrail:StartLogging"):
        result = fix(local_aws)
    assert result.exit_code == check.VIOLATED
    assert "trail.logging: cloudtrail:StartLogging: AccessDeniedException" in result.stdout
    assert "2 of 3 resources repaired" in result.stdout
    assert helpers.flow_logs(local_aws, compliant.vpc)


@pytest.mark.usefixtures("compliant")
def test_alarms_are_made_only_where_somebody_names_their_topic(local_aws: LocalAws, calls: list[Call]) -> None:
    listed = local_aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
    local_aws.client("cloudwatch").delete_alarms(AlarmNames=[each["AlarmName"] for each in listed])
    topic = listed[0]["AlarmActions"][0]
    calls.clear()

    result = fix(local_aws, "--yes", answer="")
    assert result.exit_code == check.VIOLATED
    assert "No topic is known for alarms to tell: pass --topic." in result.stdout
    assert writes(calls) == []

    result = fix(local_aws, "--yes", "--topic", topic, answer="")
    assert result.exit_code == check.COMPLIANT, result.output
    again = local_aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert len(again) == len(listed)
    assert {action for each in again for action in each["AlarmActions"]} == {topic}


@pytest.mark.usefixtures("compliant")
def test_what_a_person_must_finish_is_not_called_repaired(local_aws: LocalAws) -> None:
    config = local_aws.client("config")
    name = config.describe_configuration_recorders()["ConfigurationRecorders"][0]["name"]
    config.stop_configuration_recorder(ConfigurationRecorderName=name)
    config.delete_delivery_channel(
        DeliveryChannelName=config.describe_delivery_channels()["DeliveryChannels"][0]["name"]
    )
    config.delete_configuration_recorder(ConfigurationRecorderName=name)

    result = fix(local_aws)

    assert result.exit_code == check.VIOLATED
    assert "0 of 1 resource repaired" in result.stdout
    assert "No channel is known" in result.stdout
