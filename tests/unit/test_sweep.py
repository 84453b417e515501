"""The sweep: lists, hands out, adds up, tells what became a baseline."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from relight.errors import InvalidSetting, RelightError
from relight.resources import bucket, trail, vpc
from relight.sweep import BATCH, LINES, digest, handler_for_sweep, sweep
from tests.unit.builders import ACCOUNT, BUCKET_ARN, REGION, TRAIL_ARN, VPC_ARN, standard
from tests.unit.fakes import Answer, FakeNotifier, FakeSession, fake_aws, refused

FAMILIES = {"trail": "trail-function", "vpc": "vpc-function", "bucket": "bucket-function"}


@pytest.fixture(autouse=True)
def three_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said here of the sweep does not depend on how many kinds there are."""
    monkeypatch.setattr("relight.sweep.KINDS", (trail, vpc, bucket))


def answered(report: Any, **more: Any) -> Mapping[str, Any]:
    body = report if isinstance(report, bytes) else json.dumps(report).encode()
    return {"StatusCode": 200, "Payload": io.BytesIO(body), **more}


def keeps_all(_region: str, **params: Any) -> Any:
    """A family function that keeps every name."""
    names = json.loads(params["Payload"])["names"]
    return answered({"looked_at": len(names), "kept": {name: ["x.y"] for name in names}})


def run(
    invoke: Callable[..., Any] = keeps_all, *, full: bool = False, **answers: Answer
) -> tuple[dict[str, Any], FakeNotifier, FakeSession]:
    notifier = FakeNotifier()
    prepared: dict[str, Answer] = {
        "cloudtrail__DescribeTrails": {"trailList": [{"TrailARN": TRAIL_ARN}]},
        "ec2__DescribeVpcs": {"Vpcs": [{"VpcId": "vpc-1"}, {"VpcId": "vpc-2"}]},
        "s3__ListBuckets": {"Buckets": [{"Name": "b"}]},
        "lambda__Invoke": invoke,
    }
    aws, session = fake_aws(**(prepared | answers))
    try:
        total = sweep(aws, standard(families=FAMILIES), notifier, full=full)
    except RelightError as error:
        total = {"error": str(error)}
    return total, notifier, session


def invocations(session: FakeSession) -> list[tuple[str, Any]]:
    made = [params for _, name, params in session.calls if name == "lambda:Invoke"]
    assert {params["InvocationType"] for params in made} == {"RequestResponse"}
    return [(params["FunctionName"], json.loads(params["Payload"])) for params in made]


def request_for(kind: str, *names: str) -> dict[str, Any]:
    return {"source": "relight.sweep", "kind": kind, "account": ACCOUNT, "region": REGION, "names": list(names)}


def test_every_kind_is_listed_and_handed_to_its_function() -> None:
    total, notifier, session = run()
    assert invocations(session) == [
        ("trail-function", request_for("trail", TRAIL_ARN)),
        ("vpc-function", request_for("vpc", "vpc-1", "vpc-2")),
        ("bucket-function", request_for("bucket", "b")),
    ]
    assert total["looked_at"] == 4
    assert total["kept"].keys() == {TRAIL_ARN, "vpc-1", "vpc-2", "b"}
    assert len(notifier.sent) == 1


def test_the_lists_are_of_the_accounts_own_in_this_region() -> None:
    _, _, session = run()
    assert [(name, params) for _, name, params in session.calls if name != "lambda:Invoke"] == [
        ("cloudtrail:DescribeTrails", {"includeShadowTrails": False}),
        ("ec2:DescribeVpcs", {"Filters": [{"Name": "owner-id", "Values": [ACCOUNT]}]}),
        ("s3:ListBuckets", {"BucketRegion": REGION}),
    ]


def test_many_are_handed_out_in_batches() -> None:
    vpcs = [{"VpcId": f"vpc-{n}"} for n in range(2 * BATCH + 1)]
    total, _, session = run(ec2__DescribeVpcs={"Vpcs": vpcs})
    sizes = [len(payload["names"]) for function, payload in invocations(session) if function == "vpc-function"]
    assert sizes == [BATCH, BATCH, 1]
    assert total["looked_at"] == 2 * BATCH + 3


def test_nothing_new_is_nothing_to_tell() -> None:
    total, notifier, _ = run(lambda _region, **_params: answered({"looked_at": 1, "kept": {}, "drifted": {"x": ["y"]}}))
    assert notifier.sent == []
    assert (total["looked_at"], total["drifted"]) == (3, {"x": ["y"]})


def test_an_empty_account() -> None:
    nothing: dict[str, Any] = {
        "cloudtrail__DescribeTrails": {"trailList": []},
        "ec2__DescribeVpcs": {"Vpcs": []},
        "s3__ListBuckets": {},
    }
    total, notifier, session = run(**nothing)
    assert total["looked_at"] == 0
    assert notifier.sent == []
    assert "lambda:Invoke" not in session.names


def only_vpc(failing: Any) -> Callable[..., Any]:
    """The VPCs' function answers otherwise."""

    def invoke(region: str, **params: Any) -> Any:
        if params["FunctionName"] != "vpc-function":
            return keeps_all(region, **params)
        if isinstance(failing, Exception):
            raise failing
        return failing

    return invoke


FAILED_VPCS = "vpc-function (vpc-1 …)"


@pytest.mark.parametrize(
    ("failing", "error"),
    [
        pytest.param(refused("TooManyRequestsException"), "TooManyRequestsException", id="refused"),
        pytest.param(answered({"errorMessage": "boom"}, FunctionError="Unhandled"), "boom", id="raised"),
        pytest.param(answered(b"<html>"), "Expecting value", id="no-json"),
        pytest.param(answered(None), "None", id="no-report"),
        pytest.param(answered({"looked_at": 1, "failed": {"vpc-1": "denied"}}), "denied", id="failed-in-part"),
    ],
)
def test_a_part_that_failed_is_raised_after_all_the_rest_was_told(failing: Any, error: str) -> None:
    total, notifier, session = run(only_vpc(failing))
    assert "the sweep could not look at everything" in total["error"]
    assert error in total["error"]
    assert len(invocations(session)) == 3
    (told,) = notifier.sent
    assert told.data["sweep"]["kept"].keys() == {TRAIL_ARN, "b"}
    assert "COULD NOT BE LOOKED AT" in told.text


class BrokenStream:
    """Shaped as botocore's StreamingBody is where the connection breaks off."""

    def read(self) -> bytes:
        raise ReadTimeoutError(endpoint_url="lambda")


def test_an_answer_that_breaks_off_does_not_keep_the_rest_from_being_told() -> None:
    def breaks_off_for_trails(region: str, **params: Any) -> Any:
        broken = params["FunctionName"] == FAMILIES["trail"]
        return {"StatusCode": 200, "Payload": BrokenStream()} if broken else keeps_all(region, **params)

    total, notifier, _ = run(breaks_off_for_trails)
    assert "ReadTimeoutError" in total["error"]
    assert len(notifier.sent) == 1


@pytest.mark.parametrize(
    ("operation", "what"),
    [
        ("cloudtrail__DescribeTrails", "list of trails"),
        ("ec2__DescribeVpcs", "list of vpcs"),
        ("s3__ListBuckets", "list of buckets"),
    ],
)
def test_a_list_that_cannot_be_read_does_not_stop_the_others(operation: str, what: str) -> None:
    denied: dict[str, Any] = {operation: refused("AccessDenied")}
    total, notifier, session = run(**denied)
    assert what in total["error"]
    assert len(invocations(session)) == 2
    assert len(notifier.sent) == 1


STATE = {"account": ACCOUNT, "region": REGION, "logging": True, "prefix": "", "bucket": "trail-logs"}
TOTAL: dict[str, Any] = {
    "looked_at": 5,
    "baselines": {
        TRAIL_ARN: {"controls": ["trail.kms-encryption", "trail.logging"], "state": STATE},
        "arn:known": {"controls": ["x.y"], "state": {"name": "known"}},
    },
    "kept": {TRAIL_ARN: ["trail.logging", "trail.kms-encryption"]},
    "weaker": {},
    "drifted": {VPC_ARN: ["vpc.flow-logs"]},
    "exempt": {BUCKET_ARN: ["bucket.access-logging: an archive, until 2027-06-30"]},
    "out_of_reach": {"arn:other": "it is\nsomebody else's"},
    "failed": {"vpc-2": "denied"},
}


WHERE = f"account {ACCOUNT}, {REGION}"


def test_the_digest() -> None:
    message = digest(TOTAL, ACCOUNT, REGION, full=False)
    assert message.subject == f"[LOW] Relight's sweep: 1 new baseline in {WHERE}"
    assert message.text == (
        f"""Relight looked at 5 resources of {WHERE}.

BASELINES: what Relight puts back from now on
  {TRAIL_ARN}: trail.kms-encryption, trail.logging (logging=true, bucket=trail-logs)

NOT AS THE STANDARD DEMANDS
  {VPC_ARN}: vpc.flow-logs

EXEMPT, by standard.toml
  {BUCKET_ARN}: bucket.access-logging: an archive, until 2027-06-30

OUT OF REACH
  arn:other: it is\\u000asomebody else's

COULD NOT BE LOOKED AT
  vpc-2: denied

WHAT TO DO
  Look over the baselines once: what is wrong in them may be an attack that came before Relight did.
  What is weaker than its baseline was changed with no event told: CloudTrail's Event history knows by whom.
"""
    )
    told = TOTAL | {"baselines": {TRAIL_ARN: TOTAL["baselines"][TRAIL_ARN]}}
    assert message.data == {"version": 1, "sweep": told}
    assert message.attributes == {"severity": "LOW", "account": ACCOUNT, "region": REGION, "outcome": "swept"}


@pytest.mark.parametrize(
    ("kept", "counts"),
    [
        ({}, "1 weaker than their baseline"),
        ({TRAIL_ARN: ["x"]}, "1 weaker than their baseline and 1 new baseline"),
    ],
)
def test_what_is_weaker_than_its_baseline_weighs_more(kept: dict[str, Any], counts: str) -> None:
    message = digest(
        TOTAL | {"kept": kept, "weaker": {VPC_ARN: ["vpc.flow-logs", "FlowLogs"]}}, ACCOUNT, REGION, full=False
    )
    assert message.subject.startswith(f"[HIGH] Relight's sweep: {counts} in account")
    assert len(message.subject) < 100
    heading = "WEAKER THAN THEIR BASELINE, and not repaired by the sweep"
    assert f"\n{heading}\n  {VPC_ARN}: vpc.flow-logs, FlowLogs\n" in message.text
    assert message.attributes["severity"] == "HIGH"


def test_what_is_weaker_is_told_although_nothing_is_new() -> None:
    report = {"looked_at": 1, "weaker": {VPC_ARN: ["FlowLogs"]}}
    total, notifier, _ = run(lambda _region, **_params: answered(report))
    assert total["weaker"] == {VPC_ARN: ["FlowLogs"]}
    assert len(notifier.sent) == 1


def test_a_full_digest_has_what_was_known_before_too() -> None:
    message = digest(TOTAL, ACCOUNT, REGION, full=True)
    assert "\n  arn:known: x.y (name=known)\n" in message.text
    assert message.data == {"version": 1, "sweep": TOTAL}


@pytest.mark.parametrize(("full", "messages"), [(True, 1), (False, 0)])
def test_a_full_sweep_tells_in_any_case(full: bool, messages: int) -> None:  # noqa: FBT001
    _, notifier, _ = run(lambda _region, **_params: answered({"looked_at": 1}), full=full)
    assert len(notifier.sent) == messages


def test_a_digest_of_very_much_is_cut() -> None:
    each = {"controls": ["x"], "state": STATE}
    many = TOTAL | {"baselines": {f"arn:{n}": each for n in range(LINES + 3)}}
    message = digest(many, ACCOUNT, REGION, full=True)
    assert "\n  … and 3 more: see the function's log\n" in message.text
    assert f"arn:{LINES - 1}:" in message.text
    assert f"arn:{LINES}:" not in message.text
    assert len(message.data["sweep"]["baselines"]) == LINES
    fits = many | {"baselines": dict(list(many["baselines"].items())[:LINES])}
    assert "more" not in digest(fits, ACCOUNT, REGION, full=True).text


def test_the_handler_needs_a_function_for_every_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELIGHT_FAMILIES", "trail=a,vpc=b")
    with pytest.raises(
        InvalidSetting, match=r"RELIGHT_FAMILIES names \['trail', 'vpc'\]; allowed: \['trail', 'vpc', 'bucket'\]"
    ):
        handler_for_sweep()


@pytest.mark.parametrize(
    ("event", "messages"),
    [
        pytest.param({"source": "aws.scheduler"}, 0, id="scheduled"),
        pytest.param({"source": "aws.cloudformation"}, 1, id="after-a-deployment"),
        pytest.param({}, 1, id="by-hand"),
    ],
)
def test_the_handler_sweeps(monkeypatch: pytest.MonkeyPatch, event: Any, messages: int) -> None:
    aws, session = fake_aws(
        cloudtrail__DescribeTrails={"trailList": []}, ec2__DescribeVpcs={"Vpcs": []}, s3__ListBuckets={"Buckets": []}
    )
    notifier = FakeNotifier()
    monkeypatch.setenv("RELIGHT_FAMILIES", "trail=a,vpc=b,bucket=c")
    monkeypatch.setattr("relight.sweep.Aws", lambda *place: aws if place == (ACCOUNT, REGION) else None)
    monkeypatch.setattr("relight.sweep.Notifier", lambda *_: notifier)
    assert handler_for_sweep()(event, None)["looked_at"] == 0
    assert len(session.calls) == 3
    assert len(notifier.sent) == messages
