"""Hostile sequences: at least five hundred of them, some hundred from each seed; `make soak` plays ten thousand.

What must hold is said in hostile.py. A failure shows the sequence and the command that replays it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from local.cloud import LocalAws
from local.place import Session
from local.settings import PROJECT
from tests.integration import hostile
from tests.integration.hostile import Hostile, World

STOP = "trail.logging-StopLogging-the_trail_stops"


@pytest.fixture
def world(local_aws: LocalAws) -> Iterator[World]:
    with hostile.world(local_aws) as world:
        yield world


def test_in_the_end_all_is_as_it_was_and_told() -> None:
    """Five hundred, as `make soak` plays them: in processes of their own, for to measure coverage doubles the time."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV_")}
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.integration.soak", "--sequences", "500"],
        cwd=PROJECT,
        env=environment | {"PYTHONPATH": f"{PROJECT / 'shared'}{os.pathsep}{PROJECT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    click.echo(ran.stdout)  # the seeds, and how to replay what failed
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"
    said = ran.stdout.splitlines()[-1]
    counted = re.match(r"hostile: ([\d,]+) sequences", said)
    assert counted, said
    assert int(counted[1].replace(",", "")) >= 500
    for step in ("attacks", "works", "deliveries", "duplicates", "drops", "sweeps", "0 violations, seed 0 to "):
        assert f" {step}" in said


# ------------------------------------------------------------------------------ and the machine sees what goes wrong


@pytest.fixture
def machine(world: World) -> Hostile:
    return hostile.machine_in(world)()


def test_a_sequence_that_ends_well(machine: Hostile) -> None:
    machine.attack(STOP, "mallory")
    machine.duplicate(0)
    machine.drop(0)
    machine.teardown()


def test_what_is_not_repaired_or_told(machine: Hostile) -> None:
    with machine.aws.refuse("trail", "cloudtrail:StartLogging"), machine.aws.refuse("trail", "sns:Publish"):
        machine.attack(STOP, "mallory")
        with pytest.raises(AssertionError, match=r"still fails(.|\n)*IsLogging: True, then False(.|\n)*not told"):
            machine.teardown()


def test_a_denied_caller_who_is_not_told(machine: Hostile) -> None:
    with machine.aws.refuse("endpoint_denied", "sns:Publish"):
        machine.attack("endpoint.denied-Decrypt-the_account's_own_user_is_blocked", "eve")
        with pytest.raises(AssertionError, match=r"still fails(.|\n)*not told: endpoint"):
            machine.teardown()


def test_a_write_without_need(machine: Hostile) -> None:
    """The trail's function starts a trail that logs."""
    credentials = machine.aws.role_credentials(machine.aws.stack.functions["trail"])
    key = credentials["AWS_ACCESS_KEY_ID"], credentials["AWS_SECRET_ACCESS_KEY"]
    Session(machine.aws.url, machine.aws.region, key).client("cloudtrail").start_logging(Name=machine.victim.trail)
    with pytest.raises(AssertionError, match="write without need: trail: StartLogging"):
        machine.teardown()


def test_work_undone(machine: Hostile) -> None:
    machine.work("versioning on")
    machine.aws.client("s3").put_bucket_versioning(
        Bucket="holiday-photos", VersioningConfiguration={"Status": "Suspended"}
    )
    with pytest.raises(AssertionError, match=r"work undone: s3\.versioning"):
        machine.teardown()


# -------------------------------------------------------------------------------------- what it found, as it happened


def test_who_unsubscribed_is_named_although_an_earlier_event_found_it(machine: Hostile) -> None:
    machine.attack("alarm.unauthorized-calls-DeleteMetricFilter-nothing_counts_refused_calls", "mallory")
    machine.attack("alarm.vpc-changes-Unsubscribe-nobody_hears_the_alarms", "eve")
    machine.teardown()


@pytest.mark.parametrize(
    "what", ["PutObject-a_stranger's_credentials_carry_data_out", "Decrypt-the_account's_own_user_is_blocked"]
)
def test_who_is_denied_at_an_endpoint_is_told_once_a_day(machine: Hostile, what: str) -> None:
    """The stranger's sessions bear the names of both, but are of one role."""
    machine.attack(f"endpoint.denied-{what}", "eve")
    machine.attack(f"endpoint.denied-{what}", "eve")
    machine.attack(f"endpoint.denied-{what}", "trent")
    machine.teardown()
    told = [m for m in machine.aws.notifications if m.data.get("findings")]
    assert len(told) == 1 + what.startswith("Decrypt")


def test_alarms_that_had_no_trail_to_read_come_back_with_a_later_sweep(machine: Hostile) -> None:
    machine.attack("trail.cloudwatch-logs-UpdateTrail-no_alarm_hears_of_the_trail", "trent")
    machine.drop(0)
    machine.attack("alarm.vpc-changes-DeleteAlarms-all_fifteen_alarms_are_deleted", "mallory")
    machine.teardown()


def test_alarms_whose_topic_went_while_there_was_no_trail_are_led_elsewhere_by_a_later_sweep(machine: Hostile) -> None:
    machine.attack("alarm.vpc-changes-DeleteTopic-the_alarms_tell_a_topic_that_is_gone", "mallory")
    machine.attack("trail.exists-DeleteTrail-the_trail_is_deleted", "trent")
    machine.teardown()


def test_the_key_that_a_trail_got_while_its_own_was_off_remembers_the_trail(machine: Hostile) -> None:
    machine.attack("trail.management-events-PutEventSelectors-the_trail_logs_nothing", "trent")
    machine.duplicate(0)
    machine.drop(0)
    machine.attack("key.available-DisableKey-the_trail's_key_is_disabled", "mallory")
    machine.teardown()


FLOW_LOGS = "vpc.flow-logs-DeleteFlowLogs-a_VPC_goes_dark"


def test_a_repair_that_could_not_be_told_is_told_although_its_flow_log_has_another_id(machine: Hostile) -> None:
    """Between the repair and the retry, the event of the repair itself made a baseline of the new id."""
    machine.attack(FLOW_LOGS, "mallory")
    with machine.aws.refuse("flow_logs", "sns:Publish"):
        machine.deliver(0)
    machine.teardown()
