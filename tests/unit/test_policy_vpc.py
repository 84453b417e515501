"""What a VPC's flow logs must be."""

from __future__ import annotations

from typing import Any

import pytest

from relight.model import Drift
from relight.policy import CONTROLS
from relight.policy.state import lasting
from relight.policy.vpc import DEFAULT_FORMAT, S3, FlowLog, Vpc, from_standard, weaker
from relight.resources import vpc as kind
from tests.unit.builders import ROLE, flow_log, standard, vpc

CHECK = CONTROLS["vpc.flow-logs"].check
BUCKET = "arn:aws:s3:::flow-bucket"
# What FlowLog.config() makes of the standard's and of flow_log().
OURS: dict[str, Any] = {
    "traffic": "REJECT",
    "destination_type": "cloud-watch-logs",
    "destination": "/relight/flow-logs/vpc-1",
    "role": ROLE,
    "aggregation_seconds": 600,
}
THEIRS = OURS | {"traffic": "ALL", "destination": "vpc-flows"}


@pytest.mark.parametrize(
    "logs",
    [
        pytest.param([flow_log()], id="all"),
        pytest.param([flow_log(traffic="REJECT")], id="reject"),
        pytest.param([flow_log(format="${pkt-srcaddr} ${action}")], id="an-address-in-a-record"),
        pytest.param([flow_log(traffic="ACCEPT"), flow_log()], id="one-of-two-is-enough"),
        pytest.param([flow_log(delivery_error="Access error"), flow_log()], id="one-of-two-delivers"),
    ],
)
def test_compliant(logs: list[FlowLog]) -> None:
    assert not list(CHECK(vpc(*logs), standard(), None))


@pytest.mark.parametrize(
    ("logs", "before", "wanted"),
    [
        pytest.param([], None, [OURS], id="none"),
        pytest.param([flow_log(traffic="ACCEPT")], None, [OURS], id="accept-only"),
        pytest.param([flow_log(active=False)], None, [OURS], id="inactive"),
        pytest.param([flow_log(format="${version}")], vpc(flow_log()), [THEIRS], id="no-address-in-a-record"),
        pytest.param([], vpc(flow_log()), [THEIRS], id="baseline's"),
        pytest.param([], vpc(flow_log(traffic="ACCEPT")), [OURS], id="baseline's-was-not-enough"),
        pytest.param([], vpc(flow_log(active=False)), [OURS], id="baseline's-was-inactive"),
        pytest.param(
            [],
            vpc(flow_log(traffic="ACCEPT", id="a"), flow_log(id="b"), flow_log(traffic="REJECT", id="c")),
            [THEIRS, THEIRS | {"traffic": "REJECT"}],
            id="each-of-the-baseline's-that-was-enough",
        ),
        pytest.param([], vpc(), [OURS], id="baseline-without-any"),
    ],
)
def test_missing(logs: list[FlowLog], before: Vpc | None, wanted: list[dict[str, Any]]) -> None:
    found = [log.config() for log in logs]
    assert list(CHECK(vpc(*logs), standard(), before)) == [Drift("FlowLogs", found=found, wanted=wanted)]


@pytest.mark.parametrize(
    ("log", "config"),
    [
        pytest.param(flow_log(), THEIRS, id="nothing-but-what-is-set"),
        pytest.param(flow_log(format=DEFAULT_FORMAT), THEIRS, id="the-default-format-is-left-out"),
        pytest.param(flow_log(format="${action}"), THEIRS | {"format": "${action}"}, id="a-format-is-kept"),
        pytest.param(flow_log(aggregation_seconds=60), THEIRS | {"aggregation_seconds": 60}, id="aggregation"),
        pytest.param(flow_log(delivery_error="x", group_missing=True, active=False), THEIRS, id="not-how-it-fares"),
        pytest.param(flow_log(cross_account_role="x"), THEIRS | {"cross_account_role": "x"}, id="foreign-role"),
        pytest.param(
            FlowLog("ALL", S3, BUCKET, options={"FileFormat": "parquet"}),
            {
                "traffic": "ALL",
                "destination_type": "s3",
                "destination": BUCKET,
                "aggregation_seconds": 600,
                "options": {"FileFormat": "parquet"},
            },
            id="bucket-with-options",
        ),
    ],
)
def test_config(log: FlowLog, config: dict[str, Any]) -> None:
    assert log.config() == config


def test_how_it_fares_makes_no_other_flow_log() -> None:
    assert flow_log(delivery_error="Access error", group_missing=True) == flow_log()
    assert flow_log(active=False) != flow_log()


@pytest.mark.parametrize(
    ("settings", "before", "manual"),
    [
        pytest.param({"flow_logs_role": ""}, None, True, id="standard's-without-role"),
        pytest.param({"flow_logs_role": "", "flow_logs_destination": BUCKET}, None, False, id="bucket-needs-none"),
        pytest.param({"flow_logs_role": ""}, vpc(flow_log()), False, id="baseline-has-its-own"),
        pytest.param({}, vpc(flow_log(role="")), True, id="baseline-without-role"),
    ],
)
def test_a_log_group_needs_a_role(settings: dict[str, Any], before: Vpc | None, *, manual: bool) -> None:
    (drift,) = CHECK(vpc(), standard(**settings), before)
    advice = "No role for delivery is known: give the stack one (parameter FlowLogsRoleArn)."
    assert drift.manual == (advice if manual else "")


def test_delivery_that_fails_everywhere_is_for_a_person() -> None:
    logs = (flow_log(delivery_error="Access error"), flow_log(id="fl-2", delivery_error="unknown error"))
    assert list(CHECK(vpc(*logs), standard(), None)) == [
        Drift(
            "DeliverLogsErrorMessage",
            found="fl-1: Access error, fl-2: unknown error",
            wanted="",
            manual="A flow log cannot be changed: mend its role or vpc-flows, or replace it.",
        )
    ]


def test_a_log_group_that_is_missing_is_made_anew() -> None:
    logs = (flow_log(group_missing=True), flow_log(id="fl-2", group_missing=True), flow_log(id="fl-3", destination="b"))
    assert list(CHECK(vpc(*logs), standard(), None)) == [Drift("LogGroupName", found="", wanted="vpc-flows")]


def test_only_of_flow_logs_that_are_enough() -> None:
    logs = (flow_log(), flow_log(id="fl-2", destination="b", traffic="ACCEPT", group_missing=True))
    assert not list(CHECK(vpc(*logs), standard(), None))


def test_a_missing_log_group_beside_a_delivery_error() -> None:
    drifts = list(CHECK(vpc(flow_log(delivery_error="Access error", group_missing=True)), standard(), None))
    assert [d.field for d in drifts] == ["DeliverLogsErrorMessage", "LogGroupName"]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        pytest.param({}, FlowLog(**OURS), id="log-group-per-vpc"),
        pytest.param(
            {"traffic": "ALL", "aggregation_seconds": 60},
            FlowLog(**OURS | {"traffic": "ALL", "aggregation_seconds": 60}),
            id="traffic-and-aggregation",
        ),
        pytest.param({"flow_logs_destination": BUCKET}, FlowLog("REJECT", S3, BUCKET), id="bucket-without-role"),
    ],
)
def test_from_standard(settings: dict[str, Any], expected: FlowLog) -> None:
    assert from_standard(vpc(), standard(**settings)) == expected


ALL, REJECT, TCP = flow_log(), flow_log(traffic="REJECT"), flow_log(format="${srcaddr} ${tcp-flags}")
FEWER = DEFAULT_FORMAT.replace("${srcaddr} ", "")
OTHER_ROLE = f"{ROLE}-of-mine"


@pytest.mark.parametrize(
    ("old", "new", "lost"),
    [
        pytest.param([ALL], [ALL], [], id="same"),
        pytest.param([ALL], [flow_log(id="fl-9", aggregation_seconds=60)], [], id="replaced-by-as-much"),
        pytest.param([REJECT], [ALL], [], id="all-stands-in-for-reject"),
        pytest.param([ALL], [REJECT], [ALL], id="reject-does-not-stand-in-for-all"),
        pytest.param([ALL], [], [ALL], id="gone"),
        pytest.param([ALL], [flow_log(active=False)], [ALL], id="inactive"),
        pytest.param([ALL], [flow_log(destination="elsewhere")], [ALL], id="elsewhere"),
        pytest.param([ALL], [flow_log(destination_type=S3)], [ALL], id="another-kind-of-place"),
        pytest.param([ALL], [flow_log(format="${version}")], [ALL], id="hardly-a-field"),
        pytest.param([ALL], [flow_log(format=FEWER)], [ALL], id="a-field-less"),
        pytest.param([ALL], [flow_log(format=DEFAULT_FORMAT)], [], id="the-default-by-name"),
        pytest.param([flow_log(format=DEFAULT_FORMAT)], [ALL], [], id="the-default-without-a-name"),
        pytest.param([ALL], [flow_log(format="${tcp-flags} " + DEFAULT_FORMAT)], [], id="a-field-more"),
        pytest.param([flow_log(format="${srcaddr}")], [ALL], [], id="the-default-has-it-too"),
        pytest.param([TCP], [ALL], [TCP], id="the-default-has-it-not"),
        pytest.param([flow_log(aggregation_seconds=60)], [ALL], [flow_log(aggregation_seconds=60)], id="coarser"),
        pytest.param([ALL], [flow_log(role=OTHER_ROLE)], [ALL], id="by-another-role"),
        pytest.param([flow_log(role=OTHER_ROLE)], [ALL], [], id="by-the-standard's-role"),
        pytest.param([ALL], [flow_log(cross_account_role=OTHER_ROLE)], [ALL], id="by-a-foreign-role"),
        pytest.param([flow_log(traffic="ACCEPT")], [], [], id="was-not-enough-before"),
        pytest.param([ALL, flow_log(destination="b")], [ALL], [flow_log(destination="b")], id="one-of-two"),
    ],
)
def test_weaker(old: list[FlowLog], new: list[FlowLog], lost: list[FlowLog]) -> None:
    expected = Drift("FlowLogs", found=[log.config() for log in new], wanted=[log.config() for log in lost])
    assert weaker(vpc(*old), vpc(*new), standard()) == ((expected,) if lost else ())


ELSEWHERE = flow_log(id="fl-2", destination_type=S3, destination="arn:aws:s3:::evil")


@pytest.mark.parametrize(
    ("old", "new", "settings", "strange"),
    [
        pytest.param([ALL], [ALL, ELSEWHERE], {}, True, id="a-bucket"),
        pytest.param([], [ELSEWHERE], {}, True, id="the-first-one"),
        pytest.param([ELSEWHERE], [ELSEWHERE], {}, False, id="known-before"),
        pytest.param([ALL], [ALL, ELSEWHERE], {"flow_logs_destination": ELSEWHERE.destination}, False, id="standard's"),
        pytest.param([ALL], [ALL, flow_log(destination="another-group")], {}, False, id="the-account's-own-group"),
        pytest.param(
            [ALL],
            [ALL, flow_log(destination_type="kinesis-data-firehose", destination=ELSEWHERE.destination)],
            {},
            True,
            id="a-stream",
        ),
    ],
)
def test_a_flow_log_that_leads_elsewhere_beside(
    old: list[FlowLog], new: list[FlowLog], settings: dict[str, Any], *, strange: bool
) -> None:
    expected = (Drift("LogDestination", found=ELSEWHERE.destination, wanted=""),) if strange else ()
    assert weaker(vpc(*old), vpc(*new), standard(**settings)) == expected


def test_a_baseline_holds_nothing_of_how_a_flow_log_fares() -> None:
    data = lasting(vpc(flow_log(delivery_error="Access error", group_missing=True)))
    assert not {"delivery_error", "group_missing"} & data["flow_logs"][0].keys()
    assert kind.revive(data) == vpc(flow_log())
