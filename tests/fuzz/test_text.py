"""Whatever names, values and errors an incident holds: its message stays one that only Relight can have written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relight.digest import HEADINGS, digest
from relight.incident import from_data, to_data
from relight.message import clean, shown, subject_line
from relight.model import Actor, Call, Cause, Drift, Finding, Incident, Mode, Outcome, Resource, Severity
from relight.notify import Notifier
from relight.policy import CONTROLS
from relight.progress import Progress
from tests.fuzz import claims
from tests.fuzz.records import HOSTILE, JSON
from tests.unit.builders import ACCOUNT, NOON, REGION, TOPIC
from tests.unit.fakes import fake_aws

pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")
FUZZ = settings.get_profile("fuzz")
MANY = settings(FUZZ, max_examples=FUZZ.max_examples * 2)  # nothing is read here, so these are quick

SHORT = HOSTILE.map(lambda text: text[:2048])  # as long as record.text leaves it
ACTORS = st.builds(Actor, *[SHORT] * 10)
# Account and Region are what Aws.at lets pass.
RESOURCES = st.builds(Resource, st.sampled_from(["trail", "vpc"]), SHORT, SHORT, st.just(ACCOUNT), st.just(REGION))
FINDINGS = st.builds(
    Finding,
    control=st.sampled_from(sorted(CONTROLS)),
    title=st.just("The trail is logging"),
    severity=st.sampled_from(Severity),
    references=st.just("CIS 3.1"),
    mode=st.sampled_from(Mode),
    outcome=st.sampled_from(Outcome),
    cause=st.sampled_from(Cause),
    drifts=st.lists(st.builds(Drift, st.just("IsLogging"), JSON, JSON, HOSTILE), max_size=3).map(tuple),
    note=HOSTILE,
)
CALLS = st.lists(st.builds(Call, st.just("s3"), st.just("PutBucketPolicy"), st.dictionaries(HOSTILE, JSON, max_size=2)))
INCIDENTS = st.builds(
    Incident,
    event_id=SHORT,
    event_name=SHORT,
    event_source=SHORT,
    event_time=st.just(NOON),
    actor=ACTORS,
    resource=RESOURCES,
    findings=st.lists(FINDINGS, min_size=1, max_size=3).map(tuple),
    calls=CALLS.map(lambda calls: tuple(map(str, calls))),
    would_call=CALLS.map(lambda calls: tuple(map(str, calls))),
    error=HOSTILE,
    contested=st.sampled_from([0, 7]),
)


@MANY
@given(INCIDENTS)
def test_a_message(incident: Incident) -> None:
    aws, session = fake_aws(sns__Publish={})
    Notifier(aws, TOPIC).publish(incident)
    ((_, _, published),) = session.calls
    claims.is_sound_message(published)


@MANY
@given(INCIDENTS)
def test_what_the_ledger_keeps_can_be_read_back(incident: Incident) -> None:
    noted = json.dumps(to_data(incident))
    assert len(noted) <= claims.LARGEST_ITEM
    read = from_data(json.loads(noted))
    assert (read.outcome, read.cause, read.resource) == (incident.outcome, incident.cause, incident.resource)


PART = st.dictionaries(HOSTILE, HOSTILE, max_size=4)
LISTS = st.dictionaries(HOSTILE, st.lists(HOSTILE, max_size=3), max_size=4)
BASELINES = st.dictionaries(
    HOSTILE, st.fixed_dictionaries({"controls": st.just(["trail.logging"]), "state": st.dictionaries(HOSTILE, JSON)})
)
REPORTS = st.fixed_dictionaries(
    {"looked_at": st.integers(0, 99), "kept": LISTS, "weaker": LISTS, "drifted": LISTS, "exempt": LISTS}
    | {"out_of_reach": PART, "failed": PART, "baselines": BASELINES}
)


@FUZZ
@given(st.lists(REPORTS, max_size=4), st.lists(INCIDENTS, max_size=3))
def test_the_sweeps_message(reports: list[Mapping[str, Any]], incidents: list[Incident]) -> None:
    progress = Progress("s1", full=True)
    for report in reports:
        progress.add(report)
    message = digest(progress, incidents, ACCOUNT, REGION)
    aws, session = fake_aws(sns__Publish={})
    Notifier(aws, TOPIC).send(message)
    claims.is_sound_message(session.calls[0][2])
    assert not claims.DANGEROUS.search(message.text)
    titles = ("Relight looked", "POSTURE", "REPAIRED", "WHAT TO DO", "  ", *HEADINGS.values())
    assert not [line for line in message.text.split("\n") if line and not line.startswith(titles)]


@MANY
@given(HOSTILE | JSON)
def test_a_text_stays_on_its_line(value: Any) -> None:
    for text in (clean(value), shown(value), subject_line(str(value))):
        assert "\n" not in text
        assert not claims.DANGEROUS.search(text)
        assert "://" not in text
        text.encode()  # no lone surrogates
    assert len(clean(value)) <= 600
    assert subject_line(str(value)).isascii()
