"""The account in an access key or unique id: known ids, older ones, and whatever else may stand there."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.policy.account_id import decoded

KNOWN = "ASIAY34FZKBOKMUTVV7A"


def encoded(kind: str, account: int, low: int = 0, rest: bytes = bytes(4), *, present: bool = True) -> str:
    """An id that an account issues: a bit that is set in the present format, the account, and what counts the ids."""
    first = (present << 47) | (account << 7) | low
    return kind + base64.b32encode(first.to_bytes(6, "big") + rest).decode()


@pytest.mark.parametrize(
    ("unique_id", "account"),
    [
        pytest.param(KNOWN, "609629065308", id="session's-key"),
        pytest.param("ASIAQNZGKIQY56JQ7WML", "029608264753", id="leading-zero"),
        pytest.param("AKIA" + KNOWN[4:], "609629065308", id="user's-key"),
        pytest.param("AROA" + KNOWN[4:] + "1", "609629065308", id="unique-ids-are-longer-by-one"),
    ],
)
def test_known_ids(unique_id: str, account: str) -> None:
    assert decoded(unique_id) == account


@pytest.mark.parametrize(
    "unique_id",
    [
        pytest.param("AKIAIOSFODNN7EXAMPLE", id="older"),
        pytest.param("AIDAJDPLRKLG7UEXAMPLE", id="older-user"),
        pytest.param("", id="empty"),
        pytest.param("609629065308", id="account"),
        pytest.param(KNOWN.lower(), id="lower-case"),
        pytest.param(KNOWN[:-1], id="too-short"),
        pytest.param(KNOWN + "AA", id="too-long"),
        pytest.param(KNOWN[:-1] + "1", id="not-base32"),
        pytest.param("XSIA" + KNOWN[4:], id="other-prefix"),
        pytest.param(KNOWN + "\n", id="line-break"),
        pytest.param("ASIA" + "Ä" * 16, id="not-ascii"),
        pytest.param("AROAEXAMPLEMALLORY001", id="example"),
        pytest.param(encoded("AKIA", 0), id="account-zero"),
        pytest.param(encoded("AKIA", 10**12), id="thirteen-digits"),
    ],
)
def test_what_is_no_present_id_is_not_decoded(unique_id: str) -> None:
    assert decoded(unique_id) is None


@given(
    st.sampled_from(["AKIA", "ASIA", "AROA", "AIDA"]),
    st.integers(1, 999_999_999_999),
    st.integers(0, 127),
    st.binary(min_size=4, max_size=4),
)
def test_what_an_account_encodes_is_decoded(kind: str, account: int, low: int, rest: bytes) -> None:
    assert decoded(encoded(kind, account, low, rest)) == f"{account:012}"
    assert decoded(encoded(kind, account, low, rest, present=False)) is None


@given(st.text(max_size=30) | st.from_regex(r"\AA[A-Z]{3}[A-Z2-7]{16}\Z"))
def test_whatever_it_is_given_it_answers_an_account_or_none(unique_id: str) -> None:
    found = decoded(unique_id)
    assert found is None or (len(found) == 12 and found.isdigit())
