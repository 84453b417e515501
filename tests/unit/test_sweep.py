"""The sweep: lists, hands out, has the worst repaired up to its cap, goes on where it stopped, and tells once."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from relight.aws import Aws
from relight.errors import InvalidSetting, RelightError
from relight.journal import Journal
from relight.model import Outcome, Severity
from relight.posture import Count, Counts
from relight.progress import Progress
from relight.resources import bucket, trail, vpc
from relight.sweep import BATCH, NOTED_EVERY, Desk, handler_for_sweep, sweep
from tests.unit.builders import ACCOUNT, NOON, REGION, TRAIL_ARN, finding, incident, resource, standard
from tests.unit.fakes import Answer, Crash, FakeClock, FakeLedger, FakeNotifier, FakeSession, refused

FAMILIES = {"trail": "trail-function", "vpc": "vpc-function", "bucket": "bucket-function"}
LATER = NOON + timedelta(minutes=10)
CRITICAL, HIGH, LOW = Severity.CRITICAL.rank, Severity.HIGH.rank, Severity.LOW.rank
FLOW_LOGS = "vpc.flow-logs"
Reports = Callable[[str, Mapping[str, Any]], Any]


@pytest.fixture(autouse=True)
def three_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said here of the sweep does not depend on how many kinds there are."""
    monkeypatch.setattr("relight.sweep.KINDS", (trail, vpc, bucket))
    monkeypatch.setattr("relight.sweep.OF_A_HUB", ())


class FakeJournal(Journal):
    """The rows in memory, as plain data: test_journal.py has the real ones."""

    def __init__(self) -> None:
        self.rows: dict[str, str] = {}
        self.postures: list[tuple[datetime, Counts]] = []

    def progress(self, sweep: str) -> dict[str, Any] | None:
        return json.loads(self.rows[sweep]) if sweep in self.rows else None

    def note(self, sweep: str, progress: Mapping[str, Any], now: datetime) -> None:  # noqa: ARG002
        self.rows[sweep] = json.dumps(progress)

    def enter(self, counts: Counts, now: datetime) -> None:
        self.postures.append((now, counts))

    def history(self, most: int) -> Any:
        return self.postures[-most:]


def answered(report: Any, **more: Any) -> Mapping[str, Any]:
    body = report if isinstance(report, bytes) else json.dumps(report).encode()
    return {"StatusCode": 200, "Payload": io.BytesIO(body), **more}


class Scene:
    """An account with a trail, two VPCs and a bucket; family functions that answer as told; and what is told."""

    def __init__(self) -> None:
        self.reports: Reports = lambda _kind, request: {"looked_at": len(request["names"])}
        self.answers: dict[str, Answer] = {
            "cloudtrail:DescribeTrails": {"trailList": [{"TrailARN": TRAIL_ARN, "HomeRegion": REGION}]},
            "ec2:DescribeVpcs": {"Vpcs": [{"VpcId": "vpc-1"}, {"VpcId": "vpc-2"}]},
            "s3:ListBuckets": {"Buckets": [{"Name": "b"}]},
            "lambda:Invoke": self._invoke,
        }
        self.ledger, self.notifier, self.clock, self.journal = FakeLedger(), FakeNotifier(), FakeClock(), FakeJournal()
        self.cap = 10
        self.session = FakeSession(self.answers)

    @property
    def desk(self) -> Desk:
        aws = Aws(ACCOUNT, REGION, self.session, hands=1)
        settings = standard(families=FAMILIES, sweep_cap=self.cap)
        return Desk(settings, aws, self.ledger, self.journal, self.notifier, self.clock)

    def _invoke(self, _region: str, **params: Any) -> Any:
        request = json.loads(params["Payload"])
        if params["InvocationType"] == "Event":
            return {"StatusCode": 202}
        assert params["FunctionName"] == FAMILIES[request["kind"]]
        found = self.reports(request["kind"], request)
        if isinstance(found, Exception):
            raise found
        return found if isinstance(found, Mapping) and "Payload" in found else answered(found)

    def run(self, progress: Progress | None = None, until: datetime = LATER) -> Progress:
        progress = progress or Progress("s1")
        sweep(self.desk, progress, until)
        return progress

    @property
    def requests(self) -> list[Any]:
        made = [params for _, name, params in self.session.calls if name == "lambda:Invoke"]
        return [json.loads(each["Payload"]) for each in made]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def request_for(kind: str, *names: str, **more: Any) -> dict[str, Any]:
    own: dict[str, Any] = more or {"full": False}
    return {"source": "relight.sweep", "kind": kind, "account": ACCOUNT, "region": REGION, "names": list(names)} | own


def repairs(*names: str, left: tuple[str, ...] = (), control: str = FLOW_LOGS) -> dict[str, Any]:
    """A family function's report of repairs."""
    made = [name for name in names if name not in left]
    return {
        "counts": {control: [len(made), -len(made), 0, 0]},
        "left": list(left),
        "repaired": {name: [control] for name in made},
    }


def drifting(ranks: Mapping[str, int], late: tuple[str, ...] = ()) -> Reports:
    """Family functions that find these to be repairable, and repair them but for those that they have no time for."""

    def report(_kind: str, request: Mapping[str, Any]) -> Any:
        names = request["names"]
        if "sweep" in request:
            return repairs(*names, left=tuple(name for name in names if name in late))
        found = {name: ranks[name] for name in names if name in ranks}
        counts = {FLOW_LOGS: [len(names) - len(found), len(found), 0, 0]}
        return {"looked_at": len(names), "counts": counts, "repairable": found}

    return report


# -------------------------------------------------------------------------------------------------------- looking


def test_every_kind_is_listed_and_handed_to_its_function(scene: Scene) -> None:
    scene.reports = lambda _kind, request: {
        "looked_at": len(request["names"]),
        "kept": {name: ["x.y"] for name in request["names"]},
    }
    progress = scene.run()
    assert scene.requests == [
        request_for("trail", TRAIL_ARN),
        request_for("vpc", "vpc-1", "vpc-2"),
        request_for("bucket", "b"),
    ]
    assert (progress.looked_at, progress.phase) == (4, "done")
    assert progress.parts["kept"]["first"].keys() == {TRAIL_ARN, "vpc-1", "vpc-2", "b"}
    assert len(scene.notifier.sent) == 1


def test_the_lists_are_of_the_accounts_own_in_this_region(scene: Scene) -> None:
    scene.run()
    assert [(name, params) for _, name, params in scene.session.calls if name != "lambda:Invoke"] == [
        ("cloudtrail:DescribeTrails", {"includeShadowTrails": True}),
        ("ec2:DescribeVpcs", {"Filters": [{"Name": "owner-id", "Values": [ACCOUNT]}]}),
        ("s3:ListBuckets", {"BucketRegion": REGION}),
    ]


def test_what_had_a_baseline_and_is_not_there_any_more_is_looked_at_too(scene: Scene) -> None:
    for each in (resource(TRAIL_ARN), resource(f"{TRAIL_ARN}-gone")):
        scene.ledger.states[each.account, "trail", each.arn] = {
            "state": "{}",
            "controls": frozenset(),
            "since": NOON,
            "revision": 1,
        }
    scene.run()
    assert [each["names"] for each in scene.requests if each["kind"] == "trail"] == [
        [TRAIL_ARN, f"{TRAIL_ARN.rpartition('/')[2]}-gone"]
    ]


def test_many_are_handed_out_in_batches(scene: Scene) -> None:
    scene.answers["ec2:DescribeVpcs"] = {"Vpcs": [{"VpcId": f"vpc-{n}"} for n in range(2 * vpc.VPCS + 1)]}
    scene.answers["s3:ListBuckets"] = {"Buckets": [{"Name": f"b{n}"} for n in range(BATCH + 1)]}
    progress = scene.run()
    sizes = [(each["kind"], len(each["names"])) for each in scene.requests]
    assert sizes == [("trail", 1), ("vpc", vpc.VPCS), ("vpc", vpc.VPCS), ("vpc", 1), ("bucket", BATCH), ("bucket", 1)]
    assert progress.looked_at == 2 * vpc.VPCS + BATCH + 3


def test_nothing_new_is_nothing_to_tell(scene: Scene) -> None:
    counts = {FLOW_LOGS: [0, 1, 0, 0]}
    scene.reports = lambda _kind, request: {"counts": counts, "drifted": {request["names"][0]: ["x"]}}
    scene.run()
    assert len(scene.notifier.sent) == 1, "the violations are new"
    progress = scene.run(Progress("s2"))
    assert progress.count("drifted") == 3
    assert len(scene.notifier.sent) == 1
    assert [counts for _, counts in scene.journal.postures] == [{FLOW_LOGS: Count(violated=3)}] * 2


def test_an_empty_account(scene: Scene) -> None:
    scene.answers |= {
        "cloudtrail:DescribeTrails": {"trailList": []},
        "ec2:DescribeVpcs": {"Vpcs": []},
        "s3:ListBuckets": {},
    }
    assert scene.run().looked_at == 0
    assert (scene.notifier.sent, scene.requests) == ([], [])


# ------------------------------------------------------------------------------------------------------ repairing


def test_the_worst_come_first_and_no_more_than_the_cap(scene: Scene) -> None:
    scene.cap = 3
    scene.reports = drifting({TRAIL_ARN: LOW, "vpc-1": HIGH, "vpc-2": LOW, "b": CRITICAL})
    progress = scene.run()
    assert scene.requests[3:] == [
        request_for("bucket", "b", sweep="s1"),
        request_for("vpc", "vpc-1", sweep="s1"),
        request_for("trail", TRAIL_ARN, sweep="s1"),
    ]
    assert progress.over == {"LOW": 1}
    assert progress.counts == {FLOW_LOGS: Count(violated=4)}
    assert progress.after == {FLOW_LOGS: Count(met=3, violated=1)}
    assert scene.journal.postures[-1][1] == progress.after
    (message,) = scene.notifier.sent
    assert "LEFT FOR THE NEXT SWEEP, over this one's cap (parameter SweepRepairCap): 1 LOW" in message.text


def test_a_cap_of_nothing_only_tells(scene: Scene) -> None:
    scene.cap = 0
    scene.reports = drifting({"vpc-1": HIGH, "b": CRITICAL})
    assert scene.run().over == {"HIGH": 1, "CRITICAL": 1}
    assert not [each for each in scene.requests if "sweep" in each]
    assert scene.notifier.sent[0].attributes["severity"] == "CRITICAL"


def test_many_alike_are_repaired_in_batches(scene: Scene) -> None:
    names = [f"vpc-{n}" for n in range(vpc.VPCS + 1)]
    scene.cap = 1000
    scene.answers["ec2:DescribeVpcs"] = {"Vpcs": [{"VpcId": name} for name in names]}
    scene.reports = drifting(dict.fromkeys(names, HIGH))
    scene.run()
    assert [each["names"] for each in scene.requests if "sweep" in each] == [names[: vpc.VPCS], names[vpc.VPCS :]]


def test_what_a_function_had_no_time_for_is_sent_again_and_at_last_left(scene: Scene) -> None:
    scene.reports = drifting({"vpc-1": HIGH, "vpc-2": HIGH}, late=("vpc-2",))
    progress = scene.run()
    assert [each["names"] for each in scene.requests if "sweep" in each] == [["vpc-1", "vpc-2"], ["vpc-2"]]
    assert progress.over == {"HIGH": 1}


def test_the_repairs_are_told_in_one_message_and_once(scene: Scene) -> None:
    repaired = [incident(finding(outcome=Outcome.REPAIRED), resource=resource(f"{TRAIL_ARN}-{n}")) for n in "ab"]
    scene.ledger.note_all("s1", repaired, NOON)
    scene.ledger.note_all("another", repaired, NOON)
    scene.run()
    (message,) = scene.notifier.sent
    assert message.data["sweep"]["repaired"].keys() == {f"{TRAIL_ARN}-a", f"{TRAIL_ARN}-b"}
    assert scene.ledger.noted("s1").untold == []
    assert len(scene.ledger.noted("another").untold) == 2


# -------------------------------------------------------------------------------------------------------- resuming


def test_it_stops_in_time_and_goes_on_where_it_was(scene: Scene) -> None:
    names = [f"vpc-{n}" for n in range(3 * vpc.VPCS)]
    scene.cap = 1000
    scene.answers["ec2:DescribeVpcs"] = {"Vpcs": [{"VpcId": name} for name in names]}
    drift = drifting(dict.fromkeys(names, HIGH))

    def slow(kind: str, request: Mapping[str, Any]) -> Any:
        scene.clock.sleep(60)
        return drift(kind, request)

    scene.reports = slow
    progress, rounds = Progress("s1"), 0
    while progress.phase != "done":
        rounds += 1
        until = scene.clock.now() + timedelta(seconds=90)
        is_done = sweep(scene.desk, progress, until)
        assert is_done == (progress.phase == "done")
        progress = Progress(**json.loads(json.dumps(progress.as_data())))
    assert rounds > 3
    looked = [name for each in scene.requests if "sweep" not in each for name in each["names"]]
    assert looked == [TRAIL_ARN, *names, "b"]
    assert [name for each in scene.requests if "sweep" in each for name in each["names"]] == names
    assert progress.looked_at == len(looked)
    assert len(scene.notifier.sent) == 1


def test_after_a_crash_the_retry_goes_on_from_what_was_noted(scene: Scene) -> None:
    buckets = [f"b{n}" for n in range(BATCH * (NOTED_EVERY + 2))]
    scene.answers["s3:ListBuckets"] = {"Buckets": [{"Name": name} for name in buckets]}
    crashes = [True]

    def report(_kind: str, request: Mapping[str, Any]) -> Any:
        if request["names"][-1] == buckets[-1] and crashes:
            crashes.clear()
            raise Crash
        return {"looked_at": len(request["names"])}

    scene.reports = report
    with pytest.raises(Crash):
        scene.run()
    noted = scene.journal.progress("s1")
    assert noted
    progress = scene.run(Progress(**noted))
    assert progress.looked_at == len(buckets) + 3
    again = [each["names"][0] for each in scene.requests if each["kind"] == "bucket"]
    assert len(again) - len(set(again)) == 2, "the batches since the last note, and no others"


# --------------------------------------------------------------------------------------------------------- failing

FAILED_VPCS = "vpc-function (vpc-1 …)"


class BrokenStream:
    """Shaped as botocore's StreamingBody is where the connection breaks off."""

    def read(self) -> bytes:
        raise ReadTimeoutError(endpoint_url="lambda")


@pytest.mark.parametrize(
    ("failing", "error"),
    [
        pytest.param(lambda: refused("TooManyRequestsException"), "TooManyRequestsException", id="refused"),
        pytest.param(lambda: answered({"errorMessage": "boom"}, FunctionError="Unhandled"), "boom", id="raised"),
        pytest.param(lambda: answered(b"<html>"), "Expecting value", id="no-json"),
        pytest.param(lambda: answered(None), "None", id="no-report"),
        pytest.param(lambda: {"StatusCode": 200, "Payload": BrokenStream()}, "ReadTimeoutError", id="breaks-off"),
    ],
)
def test_a_part_that_failed_is_unknown_and_raised_after_all_the_rest_was_told(
    scene: Scene, failing: Callable[[], Any], error: str
) -> None:
    scene.reports = lambda kind, request: failing() if kind == "vpc" else {"kept": {request["names"][0]: ["x.y"]}}
    with pytest.raises(RelightError, match="could not look at everything") as raised:
        scene.run()
    assert error in str(raised.value)
    (told,) = scene.notifier.sent
    assert told.data["sweep"]["kept"].keys() == {TRAIL_ARN, "b"}
    assert error in told.data["sweep"]["failed"][FAILED_VPCS]
    assert scene.journal.postures[-1][1][FLOW_LOGS] == Count(unknown=2)


@pytest.mark.parametrize(
    ("operation", "what", "control"),
    [
        ("cloudtrail:DescribeTrails", "list of trails", "trail.logging"),
        ("ec2:DescribeVpcs", "list of vpcs", FLOW_LOGS),
        ("s3:ListBuckets", "list of buckets", "bucket.public-access"),
    ],
)
def test_a_list_that_cannot_be_read_does_not_stop_the_others(
    scene: Scene, operation: str, what: str, control: str
) -> None:
    scene.answers[operation] = refused("AccessDenied")
    with pytest.raises(RelightError, match=what):
        scene.run()
    assert len(scene.requests) == 2
    assert scene.journal.postures[-1][1][control] == Count(unknown=1)


# ----------------------------------------------------------------------------------------------------- the handler


class Context:
    """As much of Lambda's context as the handler looks at."""

    function_name = "sweep-function"
    aws_request_id = "request-1"

    def __init__(self, seconds: int = 900) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return self.seconds * 1000


@pytest.fixture
def handle(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    monkeypatch.setenv("RELIGHT_FAMILIES", ",".join(f"{kind}={name}" for kind, name in FAMILIES.items()))
    monkeypatch.setattr("relight.sweep.Desk", lambda **_: scene.desk)
    return lambda event, seconds=900: handler_for_sweep()(event, Context(seconds))


SCHEDULED = {"source": "aws.scheduler", "id": "e1"}


def test_the_handler_needs_a_function_for_every_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELIGHT_FAMILIES", "trail=a,vpc=b")
    with pytest.raises(
        InvalidSetting, match=r"RELIGHT_FAMILIES names \['trail', 'vpc'\]; allowed: \['trail', 'vpc', 'bucket'\]"
    ):
        handler_for_sweep()


@pytest.mark.parametrize(
    ("event", "messages", "sweep_id"),
    [
        pytest.param(SCHEDULED, 0, "e1", id="scheduled"),
        pytest.param({"source": "aws.cloudformation", "id": "e2"}, 1, "e2", id="after-a-deployment"),
        pytest.param({}, 1, "request-1", id="by-hand"),
        pytest.param({"source": "relight.sweep", "sweep": "s7", "full": True}, 1, "s7", id="going-on"),
        pytest.param({"id": "e" * 101}, 1, "request-1", id="an-id-that-no-key-holds"),
        pytest.param({"id": {"not": "a text"}}, 1, "request-1", id="no-id"),
    ],
)
def test_a_sweep_is_told_in_any_case_but_where_the_schedule_started_it(
    scene: Scene, handle: Callable[..., Any], event: Any, messages: int, sweep_id: str
) -> None:
    assert handle(event) == {"sweep": sweep_id, "phase": "done", "looked_at": 4}
    assert len(scene.notifier.sent) == messages


def test_an_event_that_comes_twice_sweeps_once(scene: Scene, handle: Callable[..., Any]) -> None:
    handle({"id": "e2"})
    handle({"id": "e2"})
    assert len(scene.requests) == 3
    assert len(scene.notifier.sent) == 1


def test_without_time_left_another_invocation_goes_on(scene: Scene, handle: Callable[..., Any]) -> None:
    handle(SCHEDULED, seconds=100)
    ((_, _, last),) = [each for each in scene.session.calls if each[1] == "lambda:Invoke"]
    assert (last["FunctionName"], last["InvocationType"]) == ("sweep-function", "Event")
    again = json.loads(last["Payload"])
    assert handle(again) == {"sweep": "e1", "phase": "done", "looked_at": 4}
    assert scene.notifier.sent == [], "it is still the schedule's"


def test_the_retry_of_a_sweep_that_failed_looks_again_and_tells_only_what_is_new(
    scene: Scene, handle: Callable[..., Any]
) -> None:
    scene.answers["ec2:DescribeVpcs"] = refused("AccessDenied")
    for _ in range(2):
        with pytest.raises(RelightError):
            handle(SCHEDULED)
    assert len(scene.requests) == 4
    assert len(scene.notifier.sent) == 1
    scene.answers["ec2:DescribeVpcs"] = {"Vpcs": []}
    assert handle(SCHEDULED)["phase"] == "done"
