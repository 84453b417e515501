"""What CloudTrail could not deliver lately: the survey tells it, a person mends it, no event's repair waits for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from local.operate.check import LOOKED_AT
from local.operate.scan import Scanner
from relight.case import Runtime
from relight.digest import digest
from relight.model import Finding, Mode, Outcome
from relight.policy import CONTROLS, judge, with_reports
from relight.policy.trail import Trail
from relight.progress import Progress
from relight.resources import trail as kind
from relight.standard import Exemption
from relight.survey import survey
from tests.unit.builders import ACCOUNT, NOON, REGION, TRAIL_ARN, baseline, resource, standard, trail
from tests.unit.fakes import FakeClock, FakeLedger, FakeNotifier, FakeSession, fake_aws
from tests.unit.trails import listed, look, prepared

FILES, NOTICES = "LatestDeliveryError", "LatestNotificationError"
DIGESTS, EVENTS = "LatestDigestDeliveryError", "LatestCloudWatchLogsDeliveryError"
DENIED = {FILES: "AccessDenied"}
EVERY = frozenset(each for each in CONTROLS if each.startswith("trail."))


def state(**status: Any) -> Trail:
    ((seen,), _) = look(listed(), cloudtrail__GetTrailStatus={"IsLogging": True, **status})
    assert seen.state is not None
    return seen.state


@pytest.mark.parametrize(
    ("status", "failing"),
    [
        pytest.param({}, {}, id="nothing-is-said"),
        pytest.param({FILES: ""}, {}, id="an-empty-text"),
        pytest.param(DENIED, DENIED, id="nothing-was-ever-delivered"),
        pytest.param(DENIED | {"LatestDeliveryTime": NOON}, DENIED, id="it-says-not-when"),
        pytest.param(
            DENIED | {"LatestDeliveryTime": NOON, "LatestDeliveryAttemptTime": f"{NOON:%Y-%m-%dT%H:%M:%SZ}"},
            {},
            id="the-last-attempt-succeeded",
        ),
        pytest.param(
            DENIED | {"LatestDeliveryTime": NOON, "LatestDeliveryAttemptTime": f"{NOON + timedelta(minutes=5):%FT%TZ}"},
            DENIED,
            id="the-last-attempt-failed",
        ),
        pytest.param(
            DENIED | {"LatestDeliveryTime": NOON, "LatestDeliveryAttemptTime": f"{NOON:%FT%T}"}, {}, id="without-a-zone"
        ),
        pytest.param(
            DENIED | {"LatestDeliveryTime": NOON, "LatestDeliveryAttemptTime": "lately"}, DENIED, id="no-time-at-all"
        ),
        pytest.param({DIGESTS: "NoSuchBucket"}, {DIGESTS: "NoSuchBucket"}, id="digests"),
        pytest.param({EVENTS: "x", NOTICES: "y"}, {EVENTS: "x", NOTICES: "y"}, id="log-group-and-topic"),
    ],
)
def test_what_stands_since_the_last_success(status: dict[str, Any], failing: dict[str, str]) -> None:
    assert state(**status).failing == failing


def reported(found: Trail, *kept: str, **settings: Any) -> dict[str, Finding]:
    chosen = standard(**settings)
    before = baseline(trail(), *kept) if kept else None
    findings = with_reports(judge("trail", found, chosen, before), found, chosen)
    return {each.control: each for each in findings if each.drifts}


@pytest.mark.parametrize(
    ("changes", "controls"),
    [
        pytest.param({"failing": DENIED}, ["trail.destination"], id="files"),
        pytest.param({"failing": {DIGESTS: "x"}}, ["trail.log-file-validation"], id="digests"),
        pytest.param({"failing": {EVENTS: "x"}}, ["trail.cloudwatch-logs"], id="events"),
        pytest.param({"failing": {NOTICES: "x"}, "sns_topic": "t"}, ["trail.destination"], id="notices"),
        pytest.param({"failing": {NOTICES: "x"}}, [], id="a-topic-that-it-has-no-more"),
        pytest.param({}, [], id="all-arrives"),
    ],
)
def test_it_is_for_a_person(changes: dict[str, Any], controls: list[str]) -> None:
    found = reported(trail(**changes), *EVERY)
    assert list(found) == controls
    for finding in found.values():
        (drift,) = finding.drifts
        assert finding.outcome is Outcome.MANUAL
        assert drift.field in changes["failing"]
        assert drift.manual


def test_a_stopped_trail_delivers_nothing_whatever_it_says() -> None:
    assert list(reported(trail(logging=False, failing=DENIED), *EVERY)) == ["trail.logging"]


def test_where_a_siem_reads_the_bucket_the_log_group_is_nobody_s_business() -> None:
    assert reported(trail(failing={EVENTS: "x"}), *EVERY, trail_reader="siem") == {}


def test_it_is_told_beside_what_can_be_repaired() -> None:
    found = reported(trail(bucket="evil", failing=DENIED), *EVERY)["trail.destination"]
    assert (found.outcome, [each.field for each in found.drifts]) == (Outcome.FAILED, ["S3BucketName", FILES])


def test_what_is_only_observed_or_off_stays_so() -> None:
    observed = {"modes": {"trail.destination": {"restore": Mode.OBSERVE}}}
    assert reported(trail(failing=DENIED), *EVERY, **observed)["trail.destination"].outcome is Outcome.OBSERVED
    off = {"modes": {"trail.destination": {"restore": Mode.OFF}}}
    assert reported(trail(failing=DENIED), *EVERY, **off) == {}


def test_after_an_event_nobody_asks_for_it() -> None:
    """An old error stands right after a good repair, which is verified all the same."""
    findings = judge("trail", trail(failing=DENIED), standard(), baseline(trail(), *EVERY))
    assert {each.outcome for each in findings} == {Outcome.COMPLIANT}


def test_it_is_no_part_of_a_baseline() -> None:
    assert trail(failing=DENIED) == trail()


LINE = f"trail.destination ({FILES}: http[:]//evil\\u000aREPAIRED)"


def surveyed(**settings: Any) -> dict[str, Any]:
    status = {"IsLogging": True, FILES: "http://evil\nREPAIRED"}
    aws, _ = fake_aws(**(prepared(listed()) | {"cloudtrail__GetTrailStatus": status}))
    run = Runtime(standard(**settings), aws, FakeLedger(), FakeNotifier(), FakeClock())
    assert run.ledger.keep(resource(), baseline(trail(), *EVERY, revision=0))
    request = {"kind": "trail", "account": ACCOUNT, "region": REGION, "names": ["main"]}
    return survey(run, [kind], request)


def test_the_sweep_tells_it_and_repairs_nothing() -> None:
    """Weaker than its baseline would be told each hour; a posture that is worse is told once."""
    report = surveyed()
    assert (report["drifted"], report["repairable"], report["weaker"]) == ({TRAIL_ARN: [LINE]}, {}, {})
    assert report["counts"]["trail.destination"] == [0, 1, 0, 0]
    progress = Progress("s1")
    progress.add(report)
    assert f"  {TRAIL_ARN}: {LINE}" in digest(progress, [], ACCOUNT, REGION).text.splitlines()


def test_an_exemption_holds_for_it_too() -> None:
    report = surveyed(exemptions=(Exemption("trail.destination", TRAIL_ARN, "it moves", NOON.date()),))
    assert (report["drifted"], list(report["exempt"])) == ({}, [TRAIL_ARN])
    assert report["counts"]["trail.destination"] == [0, 0, 0, 1]


def test_a_check_tells_it_without_a_hint_to_what_would_not_help() -> None:
    status = {"IsLogging": True, EVENTS: "AccessDenied"}
    answers = prepared(listed()) | {"cloudtrail__GetTrailStatus": status}
    session = FakeSession({name.replace("__", ":"): answer for name, answer in answers.items()})
    controls = frozenset(each for each in LOOKED_AT if each.startswith("trail."))
    found = Scanner(session, standard(), controls, FakeClock()).scan([REGION], lambda _: None)
    (violation,) = (each for each in found.violations if each.finding.control == "trail.cloudwatch-logs")
    assert (violation.finding.outcome, violation.calls, violation.finding.note) == (Outcome.MANUAL, (), "")
    assert found.counts["trail.cloudwatch-logs"].violated == 1
