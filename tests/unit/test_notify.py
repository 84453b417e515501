"""The SNS message: what a person reads, letter by letter, and what nobody can make it say."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relight.accounts import Accounts
from relight.errors import AwsError
from relight.message import Message, clean, shown, subject_line
from relight.model import Drift, Incident, Outcome
from relight.notify import Notifier
from relight.render import render
from tests.unit.builders import (
    ACCOUNT,
    FRIEND,
    REGION,
    TOPIC,
    actor,
    finding,
    incident,
    resource,
)
from tests.unit.fakes import fake_aws, fake_hub, refused
from tests.unit.incidents import INCIDENTS

GOLDEN = Path(__file__).with_name("golden")


@pytest.mark.parametrize("name", INCIDENTS)
def test_the_whole_text(name: str) -> None:
    message = render(INCIDENTS[name])
    golden = GOLDEN / f"{name}.txt"
    assert f"Subject: {message.subject}\n\n{message.text}" == golden.read_text(encoding="utf-8")


def test_every_golden_text_belongs_to_an_incident() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(INCIDENTS)


def test_every_outcome_has_a_golden_text() -> None:
    assert {each.outcome for each in INCIDENTS.values()} == set(Outcome)


@pytest.mark.parametrize("name", INCIDENTS)
def test_subject(name: str) -> None:
    subject = render(INCIDENTS[name]).subject
    assert subject.isascii()
    assert subject.isprintable()
    assert len(subject) < 100


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (None, None),
        (-3, "0 s"),
        (0, "0 s"),
        (0.6, "1 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7199, "120 min"),
        (7200, "2.0 h"),
        (86400, "24.0 h"),
    ],
)
def test_how_long_it_was_dark(seconds: float | None, written: str | None) -> None:
    headline = render(incident(dark_seconds=seconds)).text.splitlines()[0]
    assert headline.endswith(f"by mallory. Dark for {written}." if written else "by mallory.")


@pytest.mark.parametrize(
    ("mfa", "written"), [("true", "yes"), ("false", "no"), ("", "not recorded"), ("maybe", "maybe")]
)
def test_mfa(mfa: str, written: str) -> None:
    assert f"\n  MFA         {written}\n" in render(incident(actor=actor(mfa=mfa))).text


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("", "none"),
        (None, "none"),
        ({}, "none"),
        ([], "none"),
        (False, "false"),
        (True, "true"),
        (0, "0"),
        ("text", "text"),
        ([{"a": 1, "b": "c"}, {"a": []}], "a=1, b=c and a=none"),
        ({"a\n": "b\n"}, "a\\u000a=b\\u000a"),
        (["a\r", {"x": ["y\u2028"]}], "a\\u000d and x=y\\u2028"),
    ],
    ids=repr,
)
def test_values(value: Any, written: str) -> None:
    assert shown(value) == written


@pytest.mark.parametrize(
    ("hostile", "spelled"),
    [
        ("a\nWHO\n  Actor alice", "a\\u000aWHO\\u000a  Actor alice"),
        ("\x1b[2Jgone", "\\u001b[2Jgone"),
        ("\u202eevil", "\\u202eevil"),
        ("\u200bhidden", "\\u200bhidden"),
        ("a\u2028b\u2029c\u0085d", "a\\u2028b\\u2029c\\u0085d"),
        ("no-break\u00a0space", "no-break\\u00a0space"),
        ("tab\t", "tab\\u0009"),
        ("\ud800", "\\ud800"),
        ("see https://evil.example/login", "see https[:]//evil.example/login"),
        ("née → 漢", "née → 漢"),
    ],
    ids=ascii,
)
def test_hostile_text_is_spelled_out(hostile: str, spelled: str) -> None:
    assert clean(hostile) == spelled


def test_long_text_is_cut() -> None:
    assert clean("x" * 600) == "x" * 600
    assert clean("x" * 601) == "x" * 599 + "…"
    assert clean("x" * 20, limit=10) == "x" * 9 + "…"
    assert subject_line("x" * 99) == "x" * 99
    assert subject_line("x" * 100) == "x" * 96 + "..."
    assert subject_line("née\n→") == "n?e\\u000a?"


TEXT = st.text(max_size=60) | st.sampled_from(
    ["\n\nDONE\n  nothing", "\x1b[31m", "\u202e", "x" * 5000, "https://evil.example", "{}", "{0.__class__}"]
)


def hostile_incident(text: str) -> Incident:
    """An incident with a text from outside wherever one can stand."""
    outside = {
        "arn": text,
        "type": text,
        "account": text,
        "principal": text,
        "access_key": text,
        "issuer": text,
        "invoked_by": text,
        "mfa": text,
        "source_ip": text,
        "user_agent": text,
    }
    return incident(
        finding(drifts=(Drift(text, found=text, wanted={text: [text]}, manual=text),), note=text),
        event_id=text,
        event_name=text,
        event_source=text,
        actor=actor(**outside),
        resource=replace(resource(), name=text, arn=text, region=text or REGION),
        calls=(text,),
        would_call=(text,),
        error=text,
    )


def shape(text: str) -> list[str]:
    """A text's headings: its lines that are not indented, after the first."""
    return [line for line in text.split("\n")[1:] if line and not line.startswith("  ")]


@given(TEXT)
def test_no_text_from_outside_can_forge_anything(text: str) -> None:
    message = render(hostile_incident(text))
    lines = message.text.split("\n")
    assert all(unicodedata.category(char)[0] not in "CZ" or char == " " for line in lines for char in line)
    assert all(len(line) < 2500 for line in lines)
    assert "://" not in message.text + message.subject
    headings = ["WHO", "WHAT", "SENT", "NOT SENT, FOR THE MODE IS OBSERVE", "WHAT AWS ANSWERED", "WHAT TO DO"]
    if text.strip(" "):
        assert shape(message.text) == headings
    assert message.subject.isascii()
    assert message.subject.isprintable()
    assert len(message.subject) < 100
    assert message.subject.startswith("[CRITICAL] Relight repaired trail ")
    assert message.attributes.keys() == {"severity", "control", "account", "region", "outcome"}
    assert message.attributes["severity"] == "CRITICAL"
    assert message.attributes["outcome"] == "repaired"
    assert message.attributes["control"] == ["trail.logging"]
    assert len(json.dumps(message.data)) + len(message.text.encode()) < 256 * 1024


def test_attributes_name_every_control() -> None:
    assert render(INCIDENTS["repaired-by-a-session"]).attributes == {
        "severity": "HIGH",
        "control": ["trail.log-file-validation", "trail.kms-encryption"],
        "account": ACCOUNT,
        "region": REGION,
        "outcome": "repaired",
    }


def test_publishing() -> None:
    aws, session = fake_aws(sns__Publish={"MessageId": "m"})
    Notifier(aws, TOPIC).publish(INCIDENTS["repaired"])
    ((region, _, params),) = session.calls
    message = render(INCIDENTS["repaired"])
    assert region == REGION
    assert params["TopicArn"] == TOPIC
    assert params["Subject"] == message.subject
    assert params["MessageStructure"] == "json"
    assert json.loads(params["Message"]) == {
        "default": json.dumps(message.data),
        "email": message.text,
        "sms": message.subject,
    }
    assert params["MessageAttributes"] == {
        "severity": {"DataType": "String", "StringValue": "CRITICAL"},
        "control": {"DataType": "String.Array", "StringValue": '["trail.logging"]'},
        "account": {"DataType": "String", "StringValue": ACCOUNT},
        "region": {"DataType": "String", "StringValue": REGION},
        "outcome": {"DataType": "String", "StringValue": "repaired"},
    }


def theirs(account: str = FRIEND) -> Incident:
    return incident(resource=replace(resource(), account=account))


def test_a_hub_names_the_account_by_alias_and_id() -> None:
    aws, session = fake_hub(sns__Publish={}, iam__ListAccountAliases={"AccountAliases": ["payments-prod"]})
    notifier = Notifier(aws, TOPIC, Accounts(aws).alias)
    notifier.publish(theirs())
    notifier.publish(theirs())
    published = [params for _, name, params in session.calls if name == "sns:Publish"]
    renderings = json.loads(published[0]["Message"])
    assert f"\n  Account     payments-prod ({FRIEND}), Region {REGION}\n" in renderings["email"]
    assert json.loads(renderings["default"])["account_alias"] == "payments-prod"
    assert published[0]["MessageAttributes"]["account"]["StringValue"] == FRIEND, "which subscriptions filter by"
    assert session.names == ["sts:AssumeRole", "iam:ListAccountAliases", "sns:Publish", "sns:Publish"]
    assert session.keys == ["", f"ASIA-{FRIEND}-1", "", ""], "asked in the account, told as the function itself"


@pytest.mark.parametrize(
    ("operation", "code", "asked"),
    [
        ("iam__ListAccountAliases", "AccessDenied", 1),
        ("sts__AssumeRole", "AccessDenied", 1),
        ("iam__ListAccountAliases", "Throttling", 2),
    ],
)
def test_an_account_that_does_not_say_its_alias_is_told_of_by_its_id(operation: str, code: str, asked: int) -> None:
    answers: dict[str, Any] = {"sns__Publish": {}, operation: refused(code)}
    aws, session = fake_hub(**answers)
    notifier = Notifier(aws, TOPIC, Accounts(aws).alias)
    for _ in range(2):
        notifier.publish(theirs())
    published = [params for _, name, params in session.calls if name == "sns:Publish"]
    assert len(published) == 2
    assert f"\n  Account     {FRIEND}, Region {REGION}\n" in json.loads(published[0]["Message"])["email"]
    assert session.names.count(operation.replace("__", ":")) == asked


def test_an_account_without_an_alias() -> None:
    aws, session = fake_hub(iam__ListAccountAliases={"AccountAliases": []})
    accounts = Accounts(aws)
    assert [accounts.alias(ACCOUNT), accounts.alias(ACCOUNT)] == ["", ""]
    assert (session.names, session.keys) == (["iam:ListAccountAliases"], [""])


def test_no_alias_can_forge_anything() -> None:
    text = render(incident(), "x\nWHO\n  Actor alice\u202e").text
    assert "x\\u000aWHO" in text
    assert "\u202e" not in text


def test_the_topic_is_published_to_in_its_own_region() -> None:
    aws, session = fake_aws(sns__Publish={})
    Notifier(aws, TOPIC.replace(REGION, "eu-west-1")).send(Message("s", "t", {}, {"a": "b"}))
    assert session.calls[0][0] == "eu-west-1"


def test_a_refused_publication_is_raised() -> None:
    aws, _ = fake_aws(sns__Publish=refused("KMSAccessDenied"))
    with pytest.raises(AwsError, match="sns:Publish: KMSAccessDenied"):
        Notifier(aws, TOPIC).publish(incident())
