"""From an account deep in the red to none of the study's violations: sweep by sweep, within the cap each time."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from local import account
from local.account import Account
from local.cli import main
from local.cloud import LocalAws
from local.settings import ACCOUNT, PROJECT, REGION
from relight.posture import PRACTICES, Count, table
from tests.integration import helpers

CAP = 6
VPCS = 13
FLOW_LOGS = "example-flow-logs-123456789012"
SCHEDULED = {"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": "{}"}
# Config's recorder needs a role that only a person can give, so an account that never had one is told.
INTRODUCED = [each.control for each in PRACTICES if each.control != "config.recording"]


@pytest.fixture(autouse=True)
def _enforced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A standard.toml that introduces the study's practices, as an organisation would have it in its git."""
    helpers.hurry(monkeypatch)
    shared = tmp_path / "shared"
    shutil.copytree(PROJECT / "shared", shared)
    path = shared / "relight" / "standard.toml"
    modes = "".join(f'"{control}" = {{ introduce = "enforce" }}\n' for control in INTRODUCED)
    path.write_text(path.read_text().replace("[modes]\n", f"[modes]\n{modes}"))
    monkeypatch.syspath_prepend(shared)  # where functions find their layer first


@pytest.fixture
def red(local_aws: LocalAws, victim: Account) -> Account:
    """An account with VPCs without flow logs, keys that are not rotated, and a trail that lacks all that it can."""
    ec2, kms, trails = (local_aws.client(each) for each in ("ec2", "kms", "cloudtrail"))
    for number in range(VPCS):
        ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")
    for _ in range(3):
        kms.create_key()
    account.create_access_log_bucket(local_aws.client("s3"), FLOW_LOGS)
    trails.create_trail(Name="bare", S3BucketName=victim.trail_bucket)
    trails.start_logging(Name="bare")
    local_aws.client("s3").put_bucket_logging(Bucket=victim.trail_bucket, BucketLoggingStatus={})
    local_aws.client("s3").delete_public_access_block(Bucket=victim.trail_bucket)
    return victim


def violations(posture: dict[str, Any]) -> dict[str, int]:
    return {each.control: posture[each.control][1] for each in PRACTICES if each.control in INTRODUCED}


def checked(aws: LocalAws) -> dict[str, int]:
    """The violations that `relight check` finds, by control, with an operator's own credentials."""
    operator = {"AWS_ACCESS_KEY_ID": "operator", "AWS_SECRET_ACCESS_KEY": "operator", "AWS_DEFAULT_REGION": REGION}
    arguments = ["check", "--endpoint-url", aws.url, "--output", "json"]
    aws.settle()  # no function may write into what is printed
    result = CliRunner().invoke(main, arguments, env=operator | {"AWS_PROFILE": None, "NO_PROXY": "127.0.0.1"})
    return {row["control"]: row["violated"] for row in json.loads(result.stdout)["posture"]}


def swept(posture: dict[str, Any]) -> dict[str, int]:
    """The same of what a sweep tells."""
    rows = table({ACCOUNT: {control: Count(*numbers) for control, numbers in posture.items()}})
    return {row.control: row.count.violated for row in rows}


@pytest.mark.usefixtures("red")
def test_sweep_by_sweep_within_the_cap(local_aws: LocalAws) -> None:
    local_aws.deploy(FlowLogsDestination=f"arn:aws:s3:::{FLOW_LOGS}", SweepRepairCap=str(CAP))
    left: list[int] = []
    before = checked(local_aws)
    assert sum(before[control] for control in INTRODUCED) > CAP * 2
    for _ in range(10):
        local_aws.forget()
        helpers.invoke(local_aws, "sweep", SCHEDULED)
        local_aws.settle()
        assert helpers.failed(local_aws) == []
        message = helpers.only(local_aws)
        report = message.data["sweep"]
        assert 0 < report["totals"]["repaired"] <= CAP
        assert helpers.writes(local_aws).count("flow_logs: CreateFlowLogs") <= 1, "one call for all of them"
        left.append(sum(violations(report["posture"]).values()))
        assert swept(report["posture"]) == checked(local_aws), "a laptop sees what the sweep tells"
        if not left[-1]:
            break
    assert left == sorted(left, reverse=True)
    assert {checked(local_aws)[control] for control in INTRODUCED} == {0}
    assert (left[-1], len(left)) == (0, len(set(left)))
    assert len(left) > 2
    vpcs = [vpc["VpcId"] for vpc in local_aws.client("ec2").describe_vpcs()["Vpcs"]]
    assert all(helpers.flow_logs(local_aws, vpc) for vpc in vpcs)
    assert len(vpcs) == VPCS + 2
    logs = helpers.flow_logs(local_aws, vpcs[-1])
    assert [log["LogDestination"] for log in logs] == [f"arn:aws:s3:::{FLOW_LOGS}"]
    assert helpers.access_logging(local_aws)["TargetBucket"]
    local_aws.forget()

    helpers.invoke(local_aws, "sweep", SCHEDULED)
    local_aws.settle()
    local_aws.forget()
    helpers.invoke(local_aws, "sweep", SCHEDULED)
    local_aws.settle()

    assert helpers.silent(local_aws)
