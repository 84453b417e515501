"""Incidents: how one ends, and that the ledger gives back what it was given."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relight.incident import LARGEST, VERSION, from_data, to_data
from relight.model import Actor, Call, Cause, Drift, Finding, Incident, Mode, Outcome, Resource, Severity
from relight.notify import Notifier
from relight.render import render
from tests.unit.builders import NOON, TOPIC, baseline, finding, incident, trail
from tests.unit.fakes import fake_aws

TEXT = st.text(max_size=20)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=4,
)
FINDINGS = st.builds(
    Finding,
    control=TEXT,
    title=TEXT,
    severity=st.sampled_from(Severity),
    references=TEXT,
    mode=st.sampled_from(Mode),
    outcome=st.sampled_from(Outcome),
    cause=st.sampled_from(Cause),
    drifts=st.lists(st.builds(Drift, field=TEXT, found=PLAIN, wanted=PLAIN, manual=TEXT), max_size=2).map(tuple),
    note=TEXT,
)
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=-8)), timezone(timedelta(hours=5, minutes=30))])
INCIDENTS = st.builds(
    Incident,
    event_id=TEXT,
    event_name=TEXT,
    event_source=TEXT,
    event_time=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=ZONES),  # noqa: DTZ001  made aware
    actor=st.builds(Actor, arn=TEXT, type=TEXT, account=TEXT, mfa=TEXT, user_agent=TEXT),
    resource=st.builds(Resource, kind=TEXT, name=TEXT, arn=TEXT, account=TEXT, region=TEXT),
    findings=st.lists(FINDINGS, min_size=1, max_size=3).map(tuple),
    calls=st.lists(TEXT, max_size=2).map(tuple),
    would_call=st.lists(TEXT, max_size=2).map(tuple),
    dark_seconds=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    error=TEXT,
)


@settings(max_examples=40)
@given(INCIDENTS)
def test_round_trip_through_json(told: Incident) -> None:
    assert from_data(json.loads(json.dumps(to_data(told)))) == told


def test_the_data_says_what_filters_and_readers_need() -> None:
    data = to_data(incident())
    assert (data["version"], data["severity"], data["outcome"]) == (VERSION, "CRITICAL", "repaired")
    assert data["actor"]["name"] == "mallory"
    assert data["event_time"] == "2026-03-14T12:00:00+00:00"
    assert data["findings"][0]["drifts"] == ({"field": "IsLogging", "found": False, "wanted": True, "manual": ""},)


TAKEN, CREATED, FOUND = Cause.TAKEN, Cause.CREATED, Cause.FOUND


@pytest.mark.parametrize(
    ("findings", "outcome", "cause"),
    [
        pytest.param([(Outcome.REPAIRED, TAKEN)], Outcome.REPAIRED, TAKEN, id="one"),
        pytest.param([(Outcome.REPAIRED, TAKEN), (Outcome.OBSERVED, TAKEN)], Outcome.OBSERVED, TAKEN, id="the-worst"),
        pytest.param([(Outcome.FAILED, TAKEN), (Outcome.REPAIRED, TAKEN)], Outcome.FAILED, TAKEN, id="in-any-order"),
        pytest.param(
            [(Outcome.REPAIRED, TAKEN), (Outcome.OBSERVED, FOUND)], Outcome.REPAIRED, TAKEN, id="not-what-was-found"
        ),
        pytest.param(
            [(Outcome.COMPLIANT, CREATED), (Outcome.OBSERVED, FOUND)], Outcome.COMPLIANT, CREATED, id="created"
        ),
        pytest.param(
            [(Outcome.REPAIRED, TAKEN), (Outcome.MANUAL, FOUND)], Outcome.MANUAL, TAKEN, id="unless-it-is-unsettled"
        ),
        pytest.param([(Outcome.REPAIRED, TAKEN), (Outcome.CHANGED, FOUND)], Outcome.REPAIRED, TAKEN, id="not-moved"),
        pytest.param([(Outcome.REPAIRED, TAKEN), (Outcome.UNKNOWN, FOUND)], Outcome.UNKNOWN, TAKEN, id="or-unknown"),
        pytest.param([(Outcome.OBSERVED, FOUND), (Outcome.CHANGED, FOUND)], Outcome.CHANGED, FOUND, id="only-found"),
        pytest.param(
            [(Outcome.OBSERVED, FOUND), (Outcome.REPAIRED, CREATED)], Outcome.REPAIRED, CREATED, id="strongest"
        ),
    ],
)
def test_outcome_and_cause(findings: list[tuple[Outcome, Cause]], outcome: Outcome, cause: Cause) -> None:
    whole = incident(*(finding(outcome=each, cause=why) for each, why in findings))
    assert (whole.outcome, whole.cause) == (outcome, cause)


def test_severity_is_the_worst() -> None:
    ranked = [Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL]
    assert sorted(Severity, key=lambda s: s.rank) == ranked
    assert incident(*(finding(severity=s) for s in (Severity.LOW, Severity.HIGH, Severity.MEDIUM))).severity == "HIGH"


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"type": "Root", "arn": "arn:aws:iam::1:root"}, "root"),
        ({"arn": "arn:aws:iam::1:user/team/bob"}, "team/bob"),
        ({"arn": "arn:aws:sts::1:assumed-role/Admin/bob"}, "Admin/bob"),
        ({"arn": "arn:aws:iam::1:other/bob"}, "arn:aws:iam::1:other/bob"),
        ({"invoked_by": "s.amazonaws.com", "principal": "p"}, "s.amazonaws.com"),
        ({"principal": "p"}, "p"),
        ({}, "an unknown actor"),
    ],
    ids=str,
)
def test_the_actors_name(fields: dict[str, Any], name: str) -> None:
    assert Actor(**fields).name == name


def test_a_call_as_text() -> None:
    assert str(Call("ec2", "CreateFlowLogs", {"ResourceIds": ["vpc-1"]})) == (
        'ec2:CreateFlowLogs {"ResourceIds": ["vpc-1"]}'
    )
    assert "2026-03-14" in str(Call("s", "O", {"at": NOON}))


def test_what_a_baseline_knew() -> None:
    since = baseline(trail(), since=NOON)
    assert since.knew(NOON)
    assert since.knew(NOON + timedelta(seconds=1))
    assert not since.knew(NOON - timedelta(seconds=1))


def test_what_is_too_long_for_a_message_is_cut() -> None:
    """A lifecycle of a thousand rules, found and wanted, must not keep anybody from being told."""
    rules = [{"ID": f"rule-{number}", "Status": "Enabled"} for number in range(1000)]
    huge = finding(drifts=(Drift("Rules", rules, rules),))
    long = incident(*[huge] * 8, calls=tuple(f"s3:Put {number}" + "x" * 9000 for number in range(60)))
    data = to_data(long)
    assert len(json.dumps(data)) < 200_000
    assert data["findings"][0]["drifts"][0]["found"].startswith('[{"ID": "rule-0"')
    assert data["findings"][0]["drifts"][0]["found"].endswith("characters)")
    assert data["calls"][-1] == "… and 35 more"
    assert from_data(data).outcome is long.outcome


# SNS takes a message of 256 KB, attributes included (https://docs.aws.amazon.com/sns/latest/api/API_Publish.html).
MESSAGE = 256 * 1024
LONG = ['\u202e"\\' * 300, "https://" + "ä" * 3000, {"k" * 200: ["\n" * 99] * 99}, [{"ID": str(n)} for n in range(999)]]


@pytest.mark.parametrize(
    ("value", "drifts"),
    [*((value, count) for value in LONG for count in (1, 20)), ("short", 999)],
    ids=lambda x: ascii(x)[:9],
)
def test_whatever_there_is_to_tell_fits_into_a_message_and_into_the_ledger(value: Any, drifts: int) -> None:
    found = finding(drifts=tuple(Drift(f"Rule {n}", value, value, manual="Undo it. " * 99) for n in range(drifts)))
    huge = incident(
        *[replace(found, control=f"bucket.c{n}", note="why " * 999) for n in range(20)],
        calls=("s3:PutBucketLifecycleConfiguration " + json.dumps(value),) * 60,
        actor=Actor(arn="arn:aws:iam::1:user/" + "u" * 20_000, type="IAMUser", user_agent="ua\n" * 50_000),
        error="AccessDenied; " * 20_000,
    )
    message, aws, sent = render(huge), *fake_aws(sns__Publish={})
    Notifier(aws, TOPIC).send(message)
    ((_, _, published),) = sent.calls
    assert len(json.dumps(published).encode()) < MESSAGE
    assert len(json.dumps(to_data(huge)).encode()) < LARGEST
    again = from_data(to_data(huge))
    assert (again.outcome, again.severity, len(again.findings)) == (huge.outcome, huge.severity, 20)
    assert ("more" in again.findings[0].note) == (drifts > 1)


def test_what_is_short_enough_is_told_whole() -> None:
    whole = incident(finding(drifts=(Drift("Rules", [{"ID": "a"}], None),)), calls=("s3:Put {}",))
    assert from_data(to_data(whole)) == whole
