"""`relight demo` and `relight lab`, as a user runs them: processes of their own, output that is no terminal."""

from __future__ import annotations

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import boto3
import pytest
from botocore.config import Config
from click.testing import CliRunner

from local import across, demo, flood, sabotage
from local.account import Account
from local.cli import main
from local.cloud import LocalAws
from local.organisation import Organisation
from local.place import Place
from local.settings import MEMBER, MEMBER_REGION, PROJECT, REGION
from local.show import Screen
from tests.integration import helpers

PATIENCE = 600  # the demo takes a minute on a quiet machine


@dataclass
class Command:
    """A running `relight` command, and the lines that it prints."""

    process: subprocess.Popen[str]
    lines: queue.SimpleQueue[str]

    def until(self, text: str) -> list[str]:
        """All lines up to one that holds a text."""
        seen: list[str] = []
        while not seen or text not in seen[-1]:
            seen.append(self.lines.get(timeout=PATIENCE))
        return seen

    def rest(self) -> str:
        """What it prints until it ends, or has printed since."""
        self.process.wait(PATIENCE)
        return "".join(iter(self.lines.get, ""))


def start(*arguments: str) -> Command:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "COV_"))}
    process = subprocess.Popen(  # noqa: S603 (our own command)
        [sys.executable, "-W", "ignore", "-m", "local.cli", *arguments],
        cwd=PROJECT,
        env=environment | {"PYTHONPATH": f"{PROJECT / 'shared'}{os.pathsep}{PROJECT}", "COLUMNS": "110"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        with process.stdout or open(os.devnull) as output:  # noqa: PTH123
            for line in output:
                lines.put(line)
        lines.put("")  # which no line is

    threading.Thread(target=read, daemon=True).start()
    return Command(process, lines)


@pytest.fixture(scope="module")
def lab() -> Iterator[Command]:
    """Opened first, so that it starts while the demo runs."""
    running = start("lab", "--port", str(_free_port()))
    yield running
    running.process.kill()
    running.process.wait(PATIENCE)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.usefixtures("lab")
def test_the_demo_repairs_five_of_five_and_then_the_whole_catalogue() -> None:
    running = start("demo")
    shown = running.rest()

    assert running.process.returncode == 0, shown
    assert "5 of 5 repaired and told once each, in 5 messages" in shown
    for call in ("StopLogging", "UpdateTrail", "DeleteFlowLogs", "CreateVpc", "PutBucketLogging"):
        assert call in shown
    assert shown.count("mallory from 203.0.113.66: ") == 5
    for control in {each.control for each in sabotage.ALL}:
        assert f"✓  {control} " in shown
    assert f"of {len(sabotage.ALL)} repaired" in shown
    assert "✗" not in shown
    assert "Subject: [" in shown
    assert "\x1b" not in shown
    assert "\r" not in shown


def test_the_demo_of_an_organisation_repairs_a_member_in_another_region(
    local_aws: LocalAws, capsys: pytest.CaptureFixture[str]
) -> None:
    local_aws.reset()
    good = across.run(Screen())
    shown = capsys.readouterr().out

    assert good, shown
    assert "5 of 5 repaired and told once each, in 5 messages" in shown
    assert shown.count("mallory from 203.0.113.66: ") == 5
    for call in ("StartLogging", "UpdateTrail", "CreateFlowLogs", "PutBucketLogging"):
        assert f"{call} in {MEMBER}, {MEMBER_REGION}" in shown
    assert "✗" not in shown


def test_the_demo_of_an_organisation_fails_where_no_event_is_forwarded(
    local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    local_aws.reset()
    build = Organisation.build

    def and_disable_a_rule(organised: Organisation, member: Place) -> Account:
        victim = build(organised, member)
        organised.aws.delivers = False  # or it would be switched on again at once
        member.client("events").disable_rule(Name="relight-forwarder-ec2")
        organised.aws.delivers = True
        return victim

    monkeypatch.setattr(Organisation, "build", and_disable_a_rule)

    assert not across.run(Screen())
    assert "3 of 5 repaired" in capsys.readouterr().out


def test_the_lab_undoes_what_another_process_does_and_ends_with_ctrl_c(lab: Command) -> None:
    exports = dict(
        line.split("export ")[1].strip().split("=", 1) for line in lab.until("Ctrl-C ends it") if "export " in line
    )
    cloudtrail = boto3.client(
        "cloudtrail",
        region_name=exports["AWS_DEFAULT_REGION"],
        endpoint_url=exports["AWS_ENDPOINT_URL"],
        aws_access_key_id=exports["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
        config=Config(proxies={}),
    )
    assert exports["AWS_DEFAULT_REGION"] == REGION

    cloudtrail.stop_logging(Name="management-events")

    shown = "".join(lab.until("verified"))
    assert "StopLogging" in shown
    assert "IsLogging" in shown
    assert cloudtrail.get_trail_status(Name="management-events")["IsLogging"]

    lab.process.send_signal(signal.SIGINT)

    assert "closed" in lab.rest()
    assert lab.process.returncode == 0


def test_a_taken_port_is_named_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = CliRunner().invoke(main, ["lab", "--port", str(port)])

    assert result.exit_code == 2
    assert f"127.0.0.1:{port}: Address already in use" in result.output
    assert f"relight lab --port {port + 1}" in result.output


def test_the_demo_fails_where_a_rule_is_off(
    local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    local_aws.reset()
    announce = LocalAws.announce

    def without_a_rule(aws: LocalAws) -> None:
        announce(aws)
        with helpers.nobody_listening(aws):
            aws.client("events").disable_rule(Name=aws.stack.resources["TrailRule"].rpartition("/")[2])

    monkeypatch.setattr(LocalAws, "announce", without_a_rule)

    assert not demo.run(Screen())
    assert "Nobody was told of it" in capsys.readouterr().out


def test_a_flood_is_repaired_each_time_and_folded(local_aws: LocalAws, victim: Account) -> None:
    local_aws.deploy()
    loads = {each.attack.operation: each for each in flood.measure(local_aws, victim)}
    assert {name: each.failed for name, each in loads.items()} == dict.fromkeys(loads, 0)
    assert loads["StopLogging"].told == (6, 0), "five, one of them critical, and one for this actor's hour"
    assert loads["StopLogging"].calls["cloudtrail", "write"] == 1, "each is repaired, by one call"
    assert loads["CreateVpc"].told == (flood.FIRST, flood.COUNTED), "each makes another resource"
