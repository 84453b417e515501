"""Whatever JSON comes: it is a record, or it is said to be malformed, and nothing else."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from relight.errors import MalformedRecord
from relight.record import Record, parse
from relight.resources import bucket, trail, vpc
from tests.unit.builders import event, standard

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
MEMBERS = st.sampled_from(sorted(event("StopLogging")["detail"]))
PARAMETERS = st.dictionaries(
    st.sampled_from(
        [
            "name",
            "trailName",
            "bucketName",
            "BucketLoggingStatus",
            "FlowLogId",
            "ResourceId",
            "logGroupName",
            "kmsKeyId",
        ]
    )
    | st.text(max_size=5),
    JSON,
    max_size=4,
)


@given(JSON)
def test_any_json_parses_or_is_malformed(data: Any) -> None:
    for each in (data, {"detail": data}):
        with suppress(MalformedRecord):
            assert isinstance(parse(each), Record)


@given(
    st.sampled_from(
        ["StopLogging", "UpdateTrail", "CreateVpc", "DeleteFlowLogs", "CreateFlowLogs", "PutBucketLogging"]
    ),
    st.dictionaries(MEMBERS, JSON, max_size=3),
    PARAMETERS,
)
def test_any_members_parse_and_locate_or_are_malformed(name: str, members: dict[str, Any], request_: Any) -> None:
    damaged = event(name, {name + "Request": request_})
    damaged["detail"] |= members
    try:
        parsed = parse(damaged)
    except MalformedRecord:
        return
    for kind in (trail, vpc, bucket):
        kind.taken(parsed, None, standard())
        with suppress(MalformedRecord):
            kind.locate(parsed)
