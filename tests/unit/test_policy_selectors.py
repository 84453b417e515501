"""The algebra of event selectors, against a small reading of AWS's pages that asks of single events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from relight.policy import selectors
from relight.policy.selectors import (
    ALL_MANAGEMENT_EVENTS,
    DATA,
    MANAGEMENT,
    NETWORK,
    S3_OBJECT,
    Part,
    Selectors,
    covered,
    denied_at_endpoints,
    merged,
    missing,
    part_of,
    parts_of,
    s3_objects,
)

Event = Mapping[str, Any]
LAMBDA, TABLE = "AWS::Lambda::Function", "AWS::DynamoDB::Table"

# ------------------------------------------------------------------------------------- what AWS says, event by event


def logs(shown: Selectors, event: Event) -> bool:
    """Whether a trail with these selectors logs an event."""
    if shown.advanced:
        return any(_advanced_logs(each, event) for each in shown.advanced)
    return any(_basic_logs(each, event) for each in shown.basic)


def _basic_logs(basic: Mapping[str, Any], event: Event) -> bool:
    """As https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DataResource.html says."""
    if basic.get("ReadWriteType", "All") not in ("All", "ReadOnly" if event["readOnly"] == "true" else "WriteOnly"):
        return False
    if event["eventCategory"] == MANAGEMENT:
        included = basic.get("IncludeManagementEvents", True)
        return included and event["eventSource"] not in (basic.get("ExcludeManagementEventSources") or ())
    return event["eventCategory"] == DATA and any(
        resource["Type"] == event["resources.type"] and _is_named(value, event)
        for resource in basic.get("DataResources") or ()
        for value in resource.get("Values") or ()
    )


def _is_named(value: str, event: Event) -> bool:
    arn = event["resources.ARN"]
    if value.count(":") == 2:
        return True
    return bool(arn == value if event["resources.type"] == LAMBDA else arn.startswith(value))


def _advanced_logs(part: Part, event: Event) -> bool:
    """As https://docs.aws.amazon.com/awscloudtrail/latest/userguide/filtering-data-events.html says."""
    return all(_is_met(each, event.get(each["Field"], "")) for each in part["FieldSelectors"])


def _is_met(condition: Mapping[str, Any], value: str) -> bool:
    selects = [
        *(value == each for each in condition.get("Equals") or ()),
        *(value.startswith(each) for each in condition.get("StartsWith") or ()),
        *(value.endswith(each) for each in condition.get("EndsWith") or ()),
    ]
    deselects = [
        *(value == each for each in condition.get("NotEquals") or ()),
        *(value.startswith(each) for each in condition.get("NotStartsWith") or ()),
        *(value.endswith(each) for each in condition.get("NotEndsWith") or ()),
    ]
    return not any(deselects) and (not selects or any(selects))


# --------------------------------------------------------------------- few values, so that selectors often meet events

SOURCES = ("kms.amazonaws.com", "rdsdata.amazonaws.com", "s3.amazonaws.com", "ec2.amazonaws.com")
NAMES = ("GetObject", "PutObject", "DeleteObject", "Delete", "Object")
ARNS = {
    S3_OBJECT: ("arn:aws:s3", "arn:aws:s3:::", "arn:aws:s3:::a/", "arn:aws:s3:::a/log", "arn:aws:s3:::ab/"),
    LAMBDA: ("arn:aws:lambda", "arn:aws:lambda:r:1:function:f", "arn:aws:lambda:r:1:function:ff"),
    TABLE: ("arn:aws:dynamodb", "arn:aws:dynamodb:r:1:table/t", "arn:aws:dynamodb:r:1:table/tt"),
}
USERS = ("arn:aws:iam::1:user/mallory", "arn:aws:sts::1:assumed-role/r/s", "")
FIELDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    MANAGEMENT: {"eventSource": SOURCES},
    DATA: {
        "eventName": NAMES,
        "resources.ARN": tuple(arn for arns in ARNS.values() for arn in arns),
        "userIdentity.arn": USERS[:2],
        "eventSource": SOURCES,
        "sessionCredentialFromConsole": ("true",),
    },
    NETWORK: {"errorCode": ("VpceAccessDenied",), "eventName": NAMES, "vpcEndpointId": ("vpce-1", "vpce-2")},
}
OPERATORS = ("Equals", "StartsWith", "EndsWith", "NotEquals", "NotStartsWith", "NotEndsWith")


def some(values: Iterable[str], least: int = 0) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(sorted(values)), min_size=least, max_size=3, unique=True)


def event(category: str) -> st.SearchStrategy[Event]:
    return st.fixed_dictionaries(
        {
            "eventCategory": st.just(category),
            "readOnly": st.sampled_from(["true", "false"]),
            "eventSource": st.sampled_from(SOURCES),
            "eventName": st.sampled_from(NAMES),
            "userIdentity.arn": st.sampled_from(USERS),
            "errorCode": st.sampled_from(["", "VpceAccessDenied", "AccessDenied"]),
            "vpcEndpointId": st.sampled_from(["vpce-1", "vpce-2"]),
            "sessionCredentialFromConsole": st.sampled_from(["true", "false"]),
        }
    )


def _at(resource_type: str) -> st.SearchStrategy[Event]:
    arns = ARNS[resource_type][1:]
    texts = st.sampled_from([*arns, *(f"{arn}x" for arn in arns)])
    where = st.fixed_dictionaries({"resources.type": st.just(resource_type), "resources.ARN": texts})
    return st.builds(lambda one, other: {**one, **other}, event(DATA), where)


EVENTS = event(MANAGEMENT) | event(NETWORK) | st.sampled_from(sorted(ARNS)).flatmap(_at)
RESOURCES = st.sampled_from(sorted(ARNS)).flatmap(
    lambda name: st.fixed_dictionaries({"Type": st.just(name), "Values": some(ARNS[name])})
)
BASICS = st.fixed_dictionaries(
    {},
    optional={
        "ReadWriteType": st.sampled_from(["All", "ReadOnly", "WriteOnly"]),
        "IncludeManagementEvents": st.booleans(),
        "ExcludeManagementEventSources": some(SOURCES[:2]),
        "DataResources": st.lists(RESOURCES, max_size=3),
    },
)


@st.composite
def advanced(draw: st.DrawFn) -> Part:
    category = draw(st.sampled_from([MANAGEMENT, DATA, NETWORK]))
    conditions: list[dict[str, Any]] = [{"Field": "eventCategory", "Equals": [category]}]
    if category == DATA:
        conditions.append({"Field": "resources.type", "Equals": [draw(st.sampled_from(sorted(ARNS)))]})
    if category == NETWORK:
        conditions.append({"Field": "eventSource", "Equals": [draw(st.sampled_from(SOURCES))]})
    elif draw(st.booleans()):
        conditions.append({"Field": "readOnly", "Equals": [draw(st.sampled_from(["true", "false"]))]})
    for field in draw(st.lists(st.sampled_from(sorted(FIELDS[category])), max_size=2, unique=True)):
        operators = draw(st.lists(st.sampled_from(OPERATORS), min_size=1, max_size=2, unique=True))
        values = FIELDS[category][field]
        conditions.append({"Field": field, **{operator: draw(some(values, 1)) for operator in operators}})
    return {"Name": draw(st.sampled_from(["", "mine"])), "FieldSelectors": conditions}


BASIC_SETS = st.lists(BASICS, max_size=5).map(lambda each: Selectors(basic=tuple(each)))
ADVANCED_SETS = st.lists(advanced(), min_size=1, max_size=5).map(lambda each: Selectors(advanced=tuple(each)))
SETS = BASIC_SETS | ADVANCED_SETS
DEMANDS = st.lists(
    st.sampled_from(
        [
            ALL_MANAGEMENT_EVENTS,
            s3_objects(),
            s3_objects(["arn:aws:s3:::a/"]),
            s3_objects(["arn:aws:s3:::b/", "arn:aws:s3:::ab/"]),
            denied_at_endpoints(SOURCES[0]),
            denied_at_endpoints(SOURCES[2]),
        ]
    ),
    max_size=3,
).map(tuple)


@given(BASICS, EVENTS)
def test_a_basic_selector_means_the_same_in_the_advanced_form(basic: Mapping[str, Any], happened: Event) -> None:
    as_advanced = Selectors(advanced=parts_of(basic) or (part_of(("eventCategory", "Equals", ["None"])),))
    assert logs(Selectors(basic=(basic,)), happened) == logs(as_advanced, happened)


@given(SETS, DEMANDS, SETS | st.just(Selectors()), EVENTS)
def test_what_was_logged_still_is_and_so_is_what_is_demanded(
    present: Selectors, more: tuple[Part, ...], before: Selectors, happened: Event
) -> None:
    together = merged(present, missing(more, present.parts), before, "aws")
    assert together is not None
    assert together.fit
    assert not (together.basic and together.advanced)
    if logs(present, happened) or any(_advanced_logs(each, happened) for each in more):
        assert logs(together, happened)


@given(SETS, SETS, EVENTS)
def test_a_set_that_is_put_back_logs_what_it_did_and_nothing_that_neither_did(
    present: Selectors, before: Selectors, happened: Event
) -> None:
    together = merged(present, missing(before.parts, present.parts), before, "aws")
    assert together is not None
    assert logs(together, happened) == (logs(present, happened) or logs(before, happened))


@given(SETS)
def test_a_set_that_was_emptied_is_put_back_as_it_was(before: Selectors) -> None:
    assume(before.parts)
    nothing = Selectors(basic=({"ReadWriteType": "ReadOnly", "IncludeManagementEvents": False, "DataResources": []},))
    assert merged(nothing, before.parts, before, "aws") == before


@given(SETS, DEMANDS)
def test_what_has_been_merged_lacks_nothing(present: Selectors, more: tuple[Part, ...]) -> None:
    """Else a repair would never be seen to have taken."""
    together = merged(present, missing(more, present.parts), Selectors(), "aws")
    assert together is not None
    assert not missing(more, together.parts)
    assert not missing(present.parts, together.parts)


@given(advanced(), SETS, EVENTS)
def test_what_is_covered_is_logged(wanted: Part, shown: Selectors, happened: Event) -> None:
    if covered(wanted, shown.parts) and _advanced_logs(wanted, happened):
        assert logs(shown, happened)


@given(SETS)
def test_every_set_covers_itself(shown: Selectors) -> None:
    assert not missing(shown.parts, shown.parts)


# ------------------------------------------------------------------------------------------------------- single cases


def management(*conditions: tuple[str, str, list[str]]) -> Part:
    return part_of(("eventCategory", "Equals", [MANAGEMENT]), *conditions)


def of_objects(operator: str, arns: list[str]) -> Part:
    kind = ("eventCategory", "Equals", [DATA]), ("resources.type", "Equals", [S3_OBJECT])
    return part_of(*kind, ("resources.ARN", operator, arns))


READS, WRITES = management(("readOnly", "Equals", ["true"])), management(("readOnly", "Equals", ["false"]))


@pytest.mark.parametrize(
    ("wanted", "parts", "expected"),
    [
        pytest.param(ALL_MANAGEMENT_EVENTS, [READS, WRITES], True, id="reads-and-writes-are-all"),
        pytest.param(ALL_MANAGEMENT_EVENTS, [WRITES], False, id="writes-are-not-all"),
        pytest.param(
            ALL_MANAGEMENT_EVENTS,
            [management(("eventSource", "NotEquals", ["kms.amazonaws.com"]))],
            False,
            id="a-source-is-excluded",
        ),
        pytest.param(
            s3_objects(["arn:aws:s3:::a/", "arn:aws:s3:::b/"]),
            [s3_objects(["arn:aws:s3:::a/"]), s3_objects(["arn:aws:s3:::b"])],
            True,
            id="each-bucket-by-another",
        ),
        pytest.param(s3_objects(["arn:aws:s3:::a/"]), [s3_objects(["arn:aws:s3:::a/logs"])], False, id="a-folder-only"),
        pytest.param(s3_objects(), [s3_objects(["arn:aws:s3:::a/"])], False, id="one-bucket-is-not-all"),
        pytest.param(
            s3_objects(["arn:aws:s3:::a/"]),
            [
                of_objects("NotStartsWith", ["arn:aws:s3:::b/"]),
            ],
            True,
            id="all-buckets-but-another",
        ),
        pytest.param(
            s3_objects(["arn:aws:s3:::a/"]),
            [
                of_objects("NotEndsWith", [".gz"]),
            ],
            False,
            id="all-but-some-names",
        ),
        pytest.param(
            denied_at_endpoints("s3.amazonaws.com"),
            [part_of(("eventCategory", "Equals", [NETWORK]), ("eventSource", "Equals", ["s3.amazonaws.com"]))],
            True,
            id="all-network-activity-of-the-source",
        ),
        pytest.param(
            s3_objects(["arn:aws:s3:::a/"]), [of_objects("Equals", ["arn:aws:s3:::a/"])], False, id="one-text-only"
        ),
        pytest.param(
            of_objects("NotEquals", ["arn:aws:s3:::a/x"]), [s3_objects(["arn:aws:s3:::b/"])], False, id="all-but-one"
        ),
        pytest.param(
            of_objects("NotEquals", ["arn:aws:s3:::a/x"]),
            [of_objects("NotStartsWith", ["arn:aws:s3:::a/"])],
            False,
            id="all-but-more",
        ),
        pytest.param(
            of_objects("NotStartsWith", ["arn:aws:s3:::a/"]),
            [of_objects("NotEquals", ["arn:aws:s3:::a/x"])],
            True,
            id="all-but-less",
        ),
        pytest.param({"FieldSelectors": []}, [ALL_MANAGEMENT_EVENTS], False, id="of-no-category"),
    ],
)
def test_covered(wanted: Part, parts: list[Part], *, expected: bool) -> None:
    assert covered(wanted, parts) is expected


def test_a_part_of_too_many_pieces_is_not_taken_apart() -> None:
    names, arns = [f"Name{n}" for n in range(30)], [f"arn:aws:s3:::b{n}/" for n in range(30)]
    data = [("eventCategory", "Equals", [DATA]), ("resources.type", "Equals", [S3_OBJECT])]
    big = part_of(*data, ("eventName", "Equals", names), ("resources.ARN", "StartsWith", arns))
    halves = [part_of(*data, ("eventName", "Equals", names), ("resources.ARN", "StartsWith", [arn])) for arn in arns]
    assert selectors.MOST_PIECES < 2 * 30 * 30
    assert not covered(big, halves)
    assert covered(big, [big])


ALL = {"ReadWriteType": "All", "IncludeManagementEvents": True}
BUCKET = {"Type": S3_OBJECT, "Values": ["arn:aws:s3:::a/"]}


def basic(**changes: Any) -> Selectors:
    return Selectors(basic=({**ALL, "DataResources": [], "ExcludeManagementEventSources": [], **changes},))


def test_basic_selectors_stay_basic_where_they_can() -> None:
    together = merged(basic(), (s3_objects(["arn:aws-cn:s3:::b/"]),), Selectors(), "aws-cn")
    added = basic(IncludeManagementEvents=False, DataResources=[{"Type": S3_OBJECT, "Values": ["arn:aws-cn:s3:::b/"]}])
    assert together == Selectors(basic=basic().basic + added.basic)


def test_all_objects_in_the_basic_form() -> None:
    together = merged(basic(), (s3_objects(),), Selectors(), "aws-cn")
    assert together is not None
    assert together.basic[1]["DataResources"] == [{"Type": S3_OBJECT, "Values": ["arn:aws-cn:s3"]}]


def test_an_exclusion_does_not_stay_beside_what_excludes_nothing() -> None:
    present = basic(ExcludeManagementEventSources=["kms.amazonaws.com"], DataResources=[BUCKET])
    together = merged(present, (ALL_MANAGEMENT_EVENTS,), Selectors(), "aws")
    rest = basic(IncludeManagementEvents=False, DataResources=[BUCKET])
    assert together == Selectors(basic=rest.basic + basic().basic)


def test_network_activity_makes_basic_selectors_advanced() -> None:
    denied = denied_at_endpoints("s3.amazonaws.com")
    together = merged(basic(DataResources=[BUCKET]), (denied,), Selectors(), "aws")
    assert together == Selectors(advanced=(ALL_MANAGEMENT_EVENTS, s3_objects(BUCKET["Values"]), denied))


def test_a_functions_arn_is_exact_and_a_tables_is_a_beginning() -> None:
    for resource_type, operator in ((LAMBDA, "Equals"), (TABLE, "StartsWith"), (S3_OBJECT, "StartsWith")):
        arn = ARNS[resource_type][-1]
        (part,) = parts_of(
            {"IncludeManagementEvents": False, "DataResources": [{"Type": resource_type, "Values": [arn]}]}
        )
        assert part["FieldSelectors"][-1] == {"Field": "resources.ARN", operator: [arn]}


@pytest.mark.parametrize(
    "finer",
    [
        {**of_objects("StartsWith", ["arn:aws:s3:::c/"]), "Name": "somebody's"},
        of_objects("EndsWith", [".gz"]),
        of_objects("NotEquals", ["arn:aws:s3:::c/x"]),
        part_of(("eventCategory", "Equals", [DATA]), ("resources.type", "Equals", ["AWS::SNS::Topic"])),
    ],
)
def test_what_the_basic_form_cannot_say_stays_advanced(finer: Part) -> None:
    before = basic(DataResources=[BUCKET])
    together = merged(Selectors(advanced=(finer,)), before.parts, before, "aws")
    assert together == Selectors(advanced=(*before.parts, finer))


def test_a_set_begins_as_it_was_and_keeps_what_was_added_since() -> None:
    before = basic(DataResources=[BUCKET])
    since = s3_objects(["arn:aws:s3:::since/"])
    present = Selectors(advanced=(WRITES, since))
    together = merged(present, before.parts, before, "aws")
    assert together is not None
    assert together.basic[0] == before.basic[0]
    assert together.parts[-1] == since


def test_what_was_widened_since_is_left_as_it_is() -> None:
    """The set before is no reason to write it again where nothing of it is lacking."""
    wider = basic(DataResources=[{"Type": S3_OBJECT, "Values": ["arn:aws:s3"]}])
    denied = denied_at_endpoints("s3.amazonaws.com")
    together = merged(wider, (denied,), basic(DataResources=[BUCKET]), "aws")
    assert together == Selectors(advanced=(*wider.parts, denied))


def test_six_basic_selectors_become_advanced_ones() -> None:
    five = Selectors(
        basic=tuple(
            {
                "IncludeManagementEvents": False,
                "DataResources": [{"Type": S3_OBJECT, "Values": [f"arn:aws:s3:::b{n}/"]}],
            }
            for n in range(5)
        )
    )
    together = merged(five, (ALL_MANAGEMENT_EVENTS,), Selectors(), "aws")
    assert together == Selectors(advanced=(*five.parts, ALL_MANAGEMENT_EVENTS))


def test_more_than_cloudtrail_takes_is_nothing() -> None:
    full = Selectors(advanced=(s3_objects([f"arn:aws:s3:::b{n}/" for n in range(498)]),))
    assert full.fit
    assert merged(full, (ALL_MANAGEMENT_EVENTS,), Selectors(), "aws") is None
    many = basic(DataResources=[{"Type": S3_OBJECT, "Values": [f"arn:aws:s3:::b{n}/" for n in range(251)]}])
    assert not many.fit


def test_what_is_sent_has_no_empty_operators() -> None:
    shown = {"Name": None, "FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"], "NotEquals": []}]}
    assert Selectors(advanced=(shown,)).params == {"AdvancedEventSelectors": [ALL_MANAGEMENT_EVENTS]}
    assert basic().params == {"EventSelectors": list(basic().basic)}
