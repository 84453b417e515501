"""Who was denied at a VPC endpoint, whose account that is, and how bad."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from relight.model import Actor, Severity
from relight.policy import CONTROLS
from relight.policy.endpoint import Caller, Denial, Standing, caller, note, severity
from tests.unit.builders import ACCOUNT, standard

OTHER = "210987654321"
KEY = "ASIATCH6YDSY3IQUGZMH"  # of OTHER
OLD_KEY = "AKIAIOSFODNN7EXAMPLE"
ROLE = "AROAEXAMPLEELSEWHERE1"
ENDPOINT = "vpce-0a1b2c3d4e5f67890"
CALL = "s3.amazonaws.com:PutObject"


def denial(whose: str = OTHER, **changes: Any) -> Denial:
    return replace(Denial(Caller(ROLE, whose), ENDPOINT, ACCOUNT, CALL, "10.20.1.7"), **changes)


@pytest.mark.parametrize(
    ("actor", "expected"),
    [
        pytest.param(Actor(principal=f"{ROLE}:x", account=OTHER), Caller(ROLE, OTHER), id="stated"),
        pytest.param(Actor(principal=ROLE, account=ACCOUNT, access_key=KEY), Caller(ROLE, ACCOUNT), id="stated-first"),
        pytest.param(Actor(principal=OTHER), Caller(OTHER, OTHER), id="root"),
        pytest.param(Actor(principal=f"{OTHER}:bob"), Caller(OTHER, OTHER), id="federated"),
        pytest.param(Actor(principal=ROLE, access_key=KEY), Caller(ROLE, OTHER, "access key id"), id="from-the-key"),
        pytest.param(Actor(principal=f"{KEY}:x"), Caller(KEY, OTHER, "principal id"), id="from-the-principal"),
        pytest.param(
            Actor(principal=KEY, access_key=OLD_KEY), Caller(KEY, OTHER, "principal id"), id="the-key-is-an-older-one"
        ),
        pytest.param(Actor(principal=ROLE, access_key=OLD_KEY), Caller(ROLE, ""), id="nothing-tells"),
        pytest.param(Actor(account="ANONYMOUS_PRINCIPAL"), Caller("ANONYMOUS_PRINCIPAL", ""), id="unsigned"),
        pytest.param(
            Actor(type="AWSService", invoked_by="s.amazonaws.com"), Caller("s.amazonaws.com", ""), id="service"
        ),
        pytest.param(Actor(), Caller("somebody", ""), id="no-identity"),
    ],
)
def test_caller(actor: Actor, expected: Caller) -> None:
    assert caller(actor) == expected


@pytest.mark.parametrize(
    ("who", "written"),
    [
        (Caller("A", OTHER), f"A of account {OTHER}"),
        (Caller("A", OTHER, "access key id"), f"A of account {OTHER}, decoded from its access key id"),
        (Caller("A", ""), "A of an unknown account"),
    ],
    ids=str,
)
def test_a_decoded_account_is_said_to_be_one(who: Caller, written: str) -> None:
    assert str(who) == written


@pytest.mark.parametrize(
    ("account", "trusted", "standing", "expected"),
    [
        (ACCOUNT, (), Standing.INSIDE, Severity.LOW),
        (OTHER, (), Standing.OUTSIDE, Severity.HIGH),
        (OTHER, (OTHER,), Standing.INSIDE, Severity.LOW),
        ("", (OTHER,), Standing.UNKNOWN, Severity.HIGH),
    ],
)
def test_how_bad_it_is(account: str, trusted: tuple[str, ...], standing: Standing, expected: Severity) -> None:
    rules = standard(trusted_accounts=frozenset(trusted))
    assert denial(account).caller.standing(rules) is standing
    assert severity(denial(account), rules) is expected


def only_drift(what: Denial) -> Any:
    (drift,) = CONTROLS["endpoint.denied"].check(what, standard(), None)
    return drift


@pytest.mark.parametrize("account", [ACCOUNT, OTHER, ""])
def test_what_differs_from_call_to_call_stands_in_the_advice_only(account: str) -> None:
    drifts = [
        only_drift(denial(account)),
        only_drift(denial(account, call="kms.amazonaws.com:Encrypt", address="10.20.1.8", resources=("arn:x",))),
    ]
    assert drifts[0] != drifts[1]
    assert len({replace(each, manual="") for each in drifts}) == 1


@pytest.mark.parametrize(
    ("what", "advice"),
    [
        pytest.param(denial(OTHER), "10.20.1.7", id="whence"),
        pytest.param(denial(OTHER, address=""), "that the record lacks", id="from-nowhere"),
        pytest.param(denial(OTHER), "trusted_accounts", id="a-way-out"),
        pytest.param(denial(caller=Caller(f"AROA{KEY[4:]}1", OTHER)), f"relight whois AROA{KEY[4:]}1 ", id="who"),
        pytest.param(denial(caller=Caller("$(id)", OTHER)), "it holds: they", id="what-is-no-id-is-no-argument"),
        pytest.param(denial(ACCOUNT), CALL, id="action"),
        pytest.param(denial(ACCOUNT), f"--vpc-endpoint-ids {ENDPOINT}, in account {ACCOUNT}", id="policy"),
        pytest.param(denial(ACCOUNT, resources=("arn:x", "arn:y")), "of arn:x, arn:y,", id="resources"),
        pytest.param(denial(ACCOUNT), "the resource, which the record does not name", id="no-resource"),
    ],
)
def test_advice(what: Denial, advice: str) -> None:
    assert advice in only_drift(what).manual


@pytest.mark.parametrize(
    ("who", "said"),
    [
        (Caller(ROLE, OTHER), "possible exfiltration"),
        (Caller(ROLE, ""), "Nothing tells whose account"),
        (Caller(ROLE, ACCOUNT), "own principals"),
        (Caller(ROLE, OTHER, "access key id"), "A decoded account can be wrong."),
    ],
    ids=str,
)
def test_note(who: Caller, said: str) -> None:
    text = note(denial(caller=who), standard())
    assert said in text
    assert f"{CALL} was denied at {ENDPOINT} of account {ACCOUNT}." in text
