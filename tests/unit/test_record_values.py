"""The small readers that cope with every spelling of a value."""

from __future__ import annotations

from typing import Any

import pytest

from relight.record import contents, dig, is_false, text


@pytest.mark.parametrize(
    ("value", "written"),
    [("a", "a"), (True, "true"), (False, "false"), (7, "7"), (1.5, "1.5"), (None, ""), ([], ""), ({"a": 1}, "")],
    ids=str,
)
def test_text(value: Any, written: str) -> None:
    assert text(value) == written


@pytest.mark.parametrize(
    ("value", "false"),
    [
        (False, True),
        ("false", True),
        ("False", True),
        (True, False),
        ("true", False),
        (None, False),
        ("", False),
        (0, False),
    ],
    ids=repr,
)
def test_is_false(value: Any, *, false: bool) -> None:
    assert is_false(value) is false


def test_dig() -> None:
    assert dig({"a": {"b": 1}}, "a", "b") == 1
    assert dig({"a": {"b": 1}}) == {"a": {"b": 1}}
    assert dig({"a": [1]}, "a", "b") is None
    assert dig(None, "a") is None


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"tag": 1, "content": "a"}, ("a",)),
        ([{"tag": 1, "content": "a"}, {"tag": 2, "content": "b"}], ("a", "b")),
        (["a", {"content": "b"}, {"tag": 3}, None, 7, ""], ("a", "b")),
        ("a", ("a",)),
        ("", ()),
        (None, ()),
        ({"content": ["a"]}, ()),
    ],
    ids=str,
)
def test_contents(value: Any, found: tuple[str, ...]) -> None:
    assert contents(value) == found
