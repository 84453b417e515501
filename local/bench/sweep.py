"""`make bench-sweep`: VPCs get their flow logs from Relight's sweep and from Cloud Custodian's pull mode, in turns.

Both deliver to one bucket, in fresh processes, on one moto server. Relight also keeps a baseline and an incident of
each VPC, verifies, notes the posture and tells; Cloud Custodian does none of it, and sends all VPCs in one call, which
AWS refuses beyond 300 (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html).
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from local.bench.server import BUCKET, Server, running
from local.settings import PROJECT, REGION

CUSTODIAN = PROJECT / ".venv-bench" / "bin" / "custodian"
AWS_TAKES = 300
POLICY = {
    "policies": [
        {
            "name": "flow-logs",
            "resource": "aws.vpc",
            "filters": [{"not": [{"type": "flow-logs", "attrs": [{"FlowLogStatus": "ACTIVE"}]}]}],
            "actions": [
                {
                    "type": "set-flow-log",
                    "attrs": {
                        "TrafficType": "REJECT",
                        "LogDestinationType": "s3",
                        "LogDestination": f"arn:aws:s3:::{BUCKET}",
                    },
                }
            ],
        }
    ]
}


@dataclass(frozen=True)
class Run:
    """One contestant's sweep: seconds, seconds of CPU, MB at the peak, calls, VPCs in one call, VPCs covered."""

    wall: float
    cpu: float
    peak: float
    calls: int
    most: int
    covered: int


def measured(server: Server, command: Sequence[str | Path]) -> Run:
    """Runs a contestant in a fresh process. Raises ClickException where it fails."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{PROJECT / 'shared'}:{PROJECT}",
        "AWS_ENDPOINT_URL": server.url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
        "HOME": tempfile.gettempdir(),
        "POWERTOOLS_METRICS_NAMESPACE": "Relight",
        "POWERTOOLS_SERVICE_NAME": "bench",
    }
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        argv = [str(each) for each in command]
        actions = [(os.POSIX_SPAWN_DUP2, output.fileno(), 1), (os.POSIX_SPAWN_DUP2, output.fileno(), 2)]
        pid = os.posix_spawn(argv[0], argv, environment, file_actions=actions)
        _, status, usage = os.wait4(pid, 0)
        wall = time.perf_counter() - start
        output.seek(0)
        said = output.read().decode()
    if status:
        raise click.ClickException(f"{' '.join(argv)} failed:\n{said[-2000:]}")
    asked = server.asked()
    cpu = usage.ru_utime + usage.ru_stime
    return Run(wall, cpu, usage.ru_maxrss / 1024, len(asked.calls), asked.most_at_once, asked.covered)


def contest(server: Server, vpcs: int, rounds: int, folder: Path) -> dict[str, list[Run]]:
    """So many rounds, in turns; the first of each is not counted, for it compiles bytecode."""
    policy = folder / "policy.json"
    policy.write_text(json.dumps(POLICY))
    custodian: list[str | Path] = [CUSTODIAN, "run", "--region", REGION, "--cache", "memory"]
    commands: dict[str, list[str | Path]] = {
        "Relight": [sys.executable, "-m", "local.bench.relight_sweep", folder],
        "Cloud Custodian": [*custodian, "--output-dir", folder / "out", policy],
    }
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            server.fill(vpcs)
            run = measured(server, command)
            if number:
                runs[name].append(run)
    return runs


def line(name: str, runs: Sequence[Run], vpcs: int) -> str:
    walls = [run.wall for run in runs]
    last = runs[-1]
    correct = last.covered == vpcs and last.most <= AWS_TAKES
    told = "" if correct else f"  NO: {last.most} VPCs in one call" if last.most > AWS_TAKES else "  NO: incomplete"
    return (
        f"  {name:16} {statistics.median(walls):7.2f} s ({min(walls):.2f} to {max(walls):.2f})"
        f"  {statistics.median(run.cpu for run in runs):6.2f} s CPU  {max(run.peak for run in runs):5.0f} MB"
        f"  {last.calls:4} calls  {last.covered} of {vpcs} covered{told}"
    )


@click.command()
@click.option("--vpcs", "sizes", multiple=True, type=click.IntRange(1), help="How many; may be repeated.")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1), help="Of each contestant.")
def main(sizes: tuple[int, ...], rounds: int) -> None:
    """Compares a sweep over VPCs without flow logs with Cloud Custodian's.

    \b
    Example:
      make bench-sweep
      make bench-sweep VPCS=300
    """  # noqa: D301 (click reads the backspace)
    if not CUSTODIAN.exists():
        raise click.ClickException(f"{CUSTODIAN} is not there: run make bench-sweep, which installs it")
    click.echo(f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} processors, medians of {rounds}, in turns")
    with running() as server, tempfile.TemporaryDirectory() as folder:
        for vpcs in sizes or (1000, 5000):
            runs = contest(server, vpcs, rounds, Path(folder))
            click.echo(f"{vpcs} VPCs")
            for name, each in runs.items():
                click.echo(line(name, each, vpcs))
            ratios = [
                ours.wall / theirs.wall for ours, theirs in zip(runs["Relight"], runs["Cloud Custodian"], strict=True)
            ]
            click.echo(f"  Relight / Cloud Custodian: {statistics.median(ratios):.2f} of its time")


if __name__ == "__main__":
    main()
