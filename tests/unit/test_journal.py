"""The sweep's own rows, on moto's DynamoDB."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from relight.aws import Aws
from relight.journal import Journal
from relight.posture import Count
from relight.progress import Progress
from relight.standard import MOST_REPAIRS
from tests.unit.builders import NOON


@pytest.fixture
def journal(cloud: tuple[Aws, Any], dynamodb: Any) -> Journal:
    return Journal(cloud[0], dynamodb.name, 400)


def test_progress_comes_back(journal: Journal) -> None:
    assert journal.progress("s1") is None
    for phase in ("look", "repair"):
        journal.note("s1", Progress("s1", phase=phase).as_data(), NOON)
        noted = journal.progress("s1")
        assert noted
        assert Progress(**noted) == Progress("s1", phase=phase)
    assert journal.progress("s2") is None


def test_the_longest_queue_fits(journal: Journal) -> None:
    queue = [(-2, 1, f"arn:aws:kms:us-east-1:123456789012:key/{n:032x}") for n in range(MOST_REPAIRS)]
    journal.note("s1", Progress("s1", queue=queue).as_data(), NOON)
    noted = journal.progress("s1")
    assert noted
    assert [tuple(each) for each in noted["queue"]] == queue


def test_the_last_postures_the_oldest_first(journal: Journal) -> None:
    assert journal.history(1) == []
    for hour in range(3):
        journal.enter({"vpc.flow-logs": Count(hour, 1, 2, 3)}, NOON + timedelta(hours=hour))
    assert journal.history(2) == [
        (NOON + timedelta(hours=1), {"vpc.flow-logs": Count(1, 1, 2, 3)}),
        (NOON + timedelta(hours=2), {"vpc.flow-logs": Count(2, 1, 2, 3)}),
    ]
