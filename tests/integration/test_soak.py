"""The run of hostile sequences that goes on where it was stopped."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.integration import soak
from tests.integration.hostile import Score
from tests.integration.soak import Played, Progress

STOPPED = (
    (Played(7, Score(60, Counter(attacks=70, sweeps=2), 90, 30)), 11.0),
    (Played(9, Score(50, Counter(attacks=60), 80, 20), "AssertionError: nobody was told"), 12.5),
)


@pytest.fixture
def stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a run from seed 7 left that was stopped while it played seed 8."""
    monkeypatch.setattr(soak, "KEPT", tmp_path)
    path = tmp_path / "7-100.jsonl"
    progress = Progress(path, soak.code())
    for played, seconds in STOPPED:
        progress.add(played, seconds)
    return path


def test_a_stopped_run_goes_on_with_what_it_had_played(stopped: Path) -> None:
    progress = Progress(stopped, soak.code())
    assert progress.recall()
    assert progress.played == [played for played, _ in STOPPED]
    assert progress.line("7 to 9") == (
        "hostile: 110 sequences, 132 steps (130 attacks, 2 sweeps), 170 repairing calls, 50 messages, 1 violations, "
        "seed 7 to 9, 12 s"
    )


def test_of_other_code_nothing_is_taken_up(stopped: Path) -> None:
    progress = Progress(stopped, "of another day")
    assert not progress.recall()
    progress.add(*STOPPED[0])
    again = Progress(stopped, "of another day")
    assert again.recall()
    assert again.played == [STOPPED[0][0]], "what the other code had played is gone"


def test_a_run_that_was_stopped_at_its_end_says_what_came_of_it_and_forgets_it(stopped: Path) -> None:
    ran = CliRunner().invoke(soak.main, ["--sequences", "100", "--seed", "7"])
    assert ran.output.splitlines()[-1].startswith("hostile: 110 sequences"), ran.output
    assert ran.exit_code == 1, "a violation stays one"
    assert not stopped.exists()


def test_what_was_played_of_a_seed_is_not_played_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soak, "KEPT", tmp_path)
    progress = Progress(tmp_path / "0-3.jsonl", soak.code())
    progress.add(Played(0, Score(2)), 1.0)
    ran = CliRunner().invoke(soak.main, ["--sequences", "3"])
    assert ran.exit_code == 0, ran.output
    assert "goes on where it was stopped" in ran.output
    assert "seed 0 to 1, " in ran.output.splitlines()[-1]
    assert "  hostile: 5 sequences" in ran.output, "two kept, three from the next seed"
