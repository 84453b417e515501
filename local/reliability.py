"""The README's table of what was tried to make Relight lose something, filled by the commands that it names.

``python -m local.reliability`` runs them, keeps the last line of each in docs/reliability.json, and rewrites the table.
Together they take some three hours, two of them the soak's; ``--only faults`` runs one.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from local.markdown import placed, table
from local.settings import PROJECT

README = PROJECT / "README.md"
KEPT = PROJECT / "docs" / "reliability.json"


@dataclass(frozen=True)
class Trial:
    """One command. `shown` is how the README calls it; `arguments` are Python's; `environment` is added.

    What it says is the lines that begin with its `prefix`; the last line, where it has none.
    """

    name: str
    tried: str
    shown: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    prefix: str = ""


TRIALS = (
    Trial(
        "faults",
        "Every AWS call of every function is throttled, denied, fails with a 500, times out, loses its connection, or "
        "takes effect and loses its answer",
        "make faults",
        ("-m", "local.cli", "faults"),
    ),
    Trial(
        "soak",
        "Several intruders and ordinary work at once, while events come late, twice, in disorder or never",
        "make soak",
        ("-m", "tests.integration.soak"),
        prefix="hostile: ",
    ),
    Trial(
        "races",
        "One event delivered eight times at once, and eight events of one resource at once, to eight processes",
        "make test TESTS=tests/integration/test_races.py",
        ("-m", "pytest", "-qs", "tests/integration/test_races.py"),
        prefix="races: ",
    ),
    Trial(
        "fuzz",
        "Records cut, bent, swollen or written by an enemy, to every function: 500 for each, and each of the samples",
        "make test TESTS=tests/fuzz FUZZ_EXAMPLES=500",
        ("-m", "pytest", "-qs", "tests/fuzz"),
        {"FUZZ_EXAMPLES": "500"},
        prefix="fuzz: ",
    ),
    Trial("flood", "The demo's five attacks, a thousand times a minute", "make flood", ("-m", "local.cli", "flood")),
)


def main() -> int:
    """Runs the trials; the exit status is that of the worst."""
    parser = argparse.ArgumentParser(description="Fill the README's table of reliability from the commands it names.")
    parser.add_argument("--only", nargs="+", choices=[each.name for each in TRIALS], metavar="NAME")
    wanted = parser.parse_args().only
    found, worst = kept(), 0
    for each in (each for each in TRIALS if not wanted or each.name in wanted):
        status, said = _run(each)
        worst = max(worst, status)
        found[each.name] = {"said": said, "status": status, "on": f"{datetime.now(UTC):%Y-%m-%d}"}
        KEPT.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        README.write_text(placed(README.read_text(encoding="utf-8"), "reliability", rows()), encoding="utf-8")
    return worst


def _run(trial: Trial) -> tuple[int, str]:
    """The exit status, and what it said of all that it printed, which is shown as it comes."""
    environment = {**os.environ, "PYTHONPATH": f"{PROJECT / 'shared'}{os.pathsep}{PROJECT}", **trial.environment}
    command = [sys.executable, "-W", "ignore", *trial.arguments]
    lines = []
    with subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 (our own)
        for line in process.stdout or ():
            sys.stdout.write(line)
            lines += [line.rstrip()] if line.strip() else []
    said = [line.removeprefix(trial.prefix) for line in lines if line.startswith(trial.prefix)]
    return process.returncode, "; ".join(said if trial.prefix else said[-1:]).strip()


def kept() -> dict[str, Any]:
    """What the trials last said, by name, with their exit status and the day."""
    return dict(json.loads(KEPT.read_text(encoding="utf-8"))) if KEPT.exists() else {}


def rows() -> str:
    """The table: a row for each trial that was run."""
    said = kept()
    ran = [each for each in TRIALS if each.name in said]
    listed = ((each.tried, f"`{each.shown}`", _came_of(said[each.name]), said[each.name]["on"]) for each in ran)
    return table(("Tried", "By", "What came of it", "On"), listed)


def _came_of(said: Mapping[str, Any]) -> str:
    """What a trial said; a failure first, for its last line may be the one that it always says."""
    failed = f"**Failed** with exit status {said['status']}. " if said["status"] else ""
    return f"{failed}{said['said']}"


if __name__ == "__main__":
    sys.exit(main())
