"""`make soak`: ten thousand hostile sequences, on as many local AWSs as there are processors.

That takes hours. So what was played is kept in `.soak/` until all is, and the same command goes on where it was
stopped, as long as everything that decides what comes of a sequence is the same: the code, and what it runs on.
"""

from __future__ import annotations

import gc
import hashlib
import itertools
import json
import logging
import math
import os
import sys
import time
import traceback
import warnings
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

import click

from local.cloud import LocalAws
from local.settings import PROJECT
from tests.integration.hostile import GROUP, Score, play, world

KEPT = PROJECT / ".soak"
# What decides what comes of a sequence.
CODE = ("template.yaml", "functions", "shared", "local", "requirements", "tests/integration")


@dataclass(frozen=True)
class Played:
    """What became of the sequences of one seed."""

    number: int
    score: Score
    failure: str = ""


@dataclass
class Progress:
    """What a run has played, kept in a file: the mark of the code, and a line for each seed."""

    path: Path
    code: str
    played: list[Played] = field(default_factory=list)
    seconds: float = 0.0  # that the run took until the last of them

    def recall(self) -> bool:
        """Takes up what an earlier run of the same code had played when it was stopped; whether there was any."""
        code, *lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else [""]
        for row in map(json.loads, lines if code == self.code else ()):
            self.seconds = row.pop("seconds")
            score = row["score"] | {"steps": Counter(row["score"]["steps"])}
            self.played.append(Played(**row | {"score": Score(**score)}))
        return bool(self.played)

    def add(self, played: Played, seconds: float) -> None:
        """Keeps it. `seconds`: that the run took until now."""
        self.played.append(played)
        self.seconds = seconds
        self.path.parent.mkdir(exist_ok=True)
        first = len(self.played) == 1
        with self.path.open("w" if first else "a", encoding="utf-8") as file:
            file.write(
                f"{self.code}\n" * first
                + json.dumps(vars(played) | {"score": vars(played.score), "seconds": seconds})
                + "\n"
            )

    def forget(self) -> None:
        """The run has ended."""
        self.path.unlink()

    @property
    def score(self) -> Score:
        total = Score()
        for played in self.played:
            total.add(played.score)
        return total

    @property
    def violations(self) -> int:
        return sum(bool(played.failure) for played in self.played)

    def line(self, seeds: str) -> str:
        return self.score.line(self.violations, seeds, self.seconds)


def code() -> str:
    """The mark of everything that decides what comes of a sequence."""
    named = (PROJECT / name for name in CODE)
    files = (file for path in named for file in ([path] if path.is_file() else path.rglob("*")))
    known = sorted(file for file in files if file.is_file() and "__pycache__" not in file.parts)
    marks = [f"{file.relative_to(PROJECT)} {hashlib.sha256(file.read_bytes()).hexdigest()}" for file in known]
    return hashlib.sha256("\n".join([sys.version, *marks]).encode()).hexdigest()


def play_alone(group: tuple[int, int]) -> Played:
    """A seed and how many sequences, in a process that does nothing else."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    gc.set_threshold(100_000, 50, 100)  # so much is alive here that looking for garbage takes a twentieth of the time
    number, sequences = group
    with LocalAws() as aws, world(aws) as played:
        try:
            play(played, number, sequences)
        except Exception as failure:  # noqa: BLE001 (whatever it is, it is shown, and the others go on)
            return Played(number, played.score, "".join(traceback.format_exception(failure, limit=0)))
        return Played(number, played.score)


@click.command()
@click.option("--sequences", default=10_000, show_default=True, help="At least how many.", type=click.IntRange(1))
@click.option("--seed", "first", default=0, show_default=True, help=f"The first {GROUP}'s; the next have the next.")
def main(sequences: int, first: int) -> None:
    """Plays hostile sequences, on as many local AWSs as there are processors.

    The exit status is 1 if a sequence ended other than it must; how to replay it is printed. A run that was stopped
    goes on where it was when it is started again, unless the code has changed since.

    \b
    Example:
      make soak SEQUENCES=500
      make soak SEED=17 SEQUENCES=100
    """  # noqa: D301 (click reads the backspace)
    progress, start = Progress(KEPT / f"{first}-{sequences}.jsonl", code()), time.monotonic()
    if progress.recall():
        click.echo(f"goes on where it was stopped; to begin anew, delete {os.path.relpath(progress.path)}")
    before = progress.seconds
    known = {played.number for played in progress.played}
    seeds = (number for number in itertools.count(first) if number not in known)
    with ProcessPoolExecutor(mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        playing: set[Future[Played]] = set()
        # Hypothesis plays some more than it is asked for, so that fewer groups may do than it seems at first.
        while (missing := sequences - progress.score.sequences) > 0 or playing:
            more = min(os.cpu_count() or 1, math.ceil(missing / GROUP)) - len(playing)
            playing |= {pool.submit(play_alone, (next(seeds), min(GROUP, sequences))) for _ in range(more)}
            ended, playing = wait(playing, return_when=FIRST_COMPLETED)
            for played in (each.result() for each in ended):
                progress.add(played, before + time.monotonic() - start)
                click.echo(f"{_failure(played)}  {progress.line(f'{played.number}')}")
    progress.forget()
    highest = max(played.number for played in progress.played)
    click.echo(progress.line(f"{first} to {highest}"))
    sys.exit(1 if progress.violations else 0)


def _failure(played: Played) -> str:
    """How it failed, and how to replay it; nothing of what did not."""
    return played.failure and f"{played.failure}\nreplay: make soak SEED={played.number} SEQUENCES={GROUP}\n"


if __name__ == "__main__":
    main()
