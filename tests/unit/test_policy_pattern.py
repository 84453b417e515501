"""Whether a pattern of a policy and the shape of names have a name in common."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.policy.pattern import LONGEST, overlap, shape
from relight.policy.statement import like

FILES = shape("logs/", ("abc-", True), "/", ("0123456789", False), ".gz")


@pytest.mark.parametrize(
    ("pattern", "there"),
    [
        ("*", True),
        ("logs/*", True),
        ("logs/a-b/7.gz", True),
        ("logs//7.gz", True),
        ("logs/?/?.gz", True),
        ("*/???/*.gz", True),
        ("*.g?", True),
        ("*b*", True),
        ("logs/**/7.gz", True),
        ("", False),
        ("logs", False),
        ("logs/d/*", False),
        ("*/a/b/*", False),
        ("logs/*/x.gz", False),
        ("*.gzip", False),
        ("*.gz?", False),
        ("logs/*/77.gz", False),
        ("?*" * (LONGEST + 1), False),
    ],
)
def test_a_pattern_meets_a_shape(pattern: str, there: bool) -> None:  # noqa: FBT001
    assert overlap(pattern, FILES) is there


TEXT = st.text("ab/*?", max_size=6)


@given(TEXT, st.text("ab/", max_size=6))
def test_of_literal_names_it_is_a_match(pattern: str, name: str) -> None:
    """A shape of one name only: what the patterns of statements say anyway."""
    assert overlap(pattern, shape(name)) is like(name, pattern)
