"""What a trail's event selectors log, as an algebra on them. Pure.

A trail logs an event that any of its selectors matches. A *part* is a selector in AWS's advanced form: conditions on
fields, all of which an event must meet. A basic selector is several parts: one for management events, and one for each
type of data resource. Of the conditions on one field, those that select are OR'ed, those that deselect are AND'ed, and
so are the two groups (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/filtering-data-events.html).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

Part = Mapping[str, Any]  # {"FieldSelectors": [{"Field": …, "Equals": […]}, …]}, perhaps with a Name
Parts = tuple[Part, ...]
Basic = Mapping[str, Any]
Test = tuple[str, str]  # an operator that selects, and one value of it

MANAGEMENT, DATA, NETWORK = "Management", "Data", "NetworkActivity"
CATEGORY, READ_ONLY, SOURCE, ERROR = "eventCategory", "readOnly", "eventSource", "errorCode"
TYPE, RESOURCE = "resources.type", "resources.ARN"
SELECT = ("Equals", "StartsWith", "EndsWith")
DESELECT = {"NotEquals": "Equals", "NotStartsWith": "StartsWith", "NotEndsWith": "EndsWith"}
# ReadWriteType → what readOnly must be.
READ_WRITE = {"All": "", "ReadOnly": "true", "WriteOnly": "false"}
S3_OBJECT, FUNCTION, TABLE = "AWS::S3::Object", "AWS::Lambda::Function", "AWS::DynamoDB::Table"
# The types that basic selectors know, with the service in their ARNs.
SERVICES = {S3_OBJECT: "s3", FUNCTION: "lambda", TABLE: "dynamodb"}
# How many basic selectors, data resources in them, and values in advanced ones a trail may have
# (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html).
MOST_BASIC, MOST_RESOURCES, MOST_VALUES = 5, 250, 500
# A part is not taken into more pieces than these to see whether several others cover it together: no person's set needs
# it, and an intruder's must not use up the function's time.
MOST_PIECES = 1000


@dataclass(frozen=True, slots=True)
class Selectors:
    """A trail's selectors as GetEventSelectors shows them: AWS keeps one of the two forms."""

    basic: tuple[Basic, ...] = ()
    advanced: Parts = ()

    @property
    def parts(self) -> Parts:
        """All that they log."""
        return self.advanced or tuple(each for basic in self.basic for each in parts_of(basic))

    @property
    def params(self) -> dict[str, Any]:
        """The parameter of PutEventSelectors that sets them; it takes no operator without values."""
        if self.advanced:
            return {"AdvancedEventSelectors": [_said(each) for each in self.advanced]}
        return {"EventSelectors": list(self.basic)}

    @property
    def fit(self) -> bool:
        """Whether CloudTrail takes that many."""
        conditions = [each for part in self.advanced for each in _conditions(part)]
        values = sum(len(each[name]) for each in conditions for name in _operators(each))
        resources = [each for basic in self.basic for each in basic.get("DataResources") or ()]
        arns = sum(len(each.get("Values") or ()) for each in resources)
        return values <= MOST_VALUES and len(self.basic) <= MOST_BASIC and arns <= MOST_RESOURCES


# ------------------------------------------------------------------------------------------------ what there can be


def part_of(*conditions: tuple[str, str, Iterable[str]]) -> Part:
    """A part of conditions, each a field, an operator and its values; those without values are left out."""
    fields = ((field, operator, list(values)) for field, operator, values in conditions)
    return {"FieldSelectors": [{"Field": field, operator: values} for field, operator, values in fields if values]}


ALL_MANAGEMENT_EVENTS = part_of((CATEGORY, "Equals", [MANAGEMENT]))


def s3_objects(prefixes: Iterable[str] = ()) -> Part:
    """Reads and writes of the objects whose ARNs begin with one of these; of all objects without any."""
    return part_of((CATEGORY, "Equals", [DATA]), (TYPE, "Equals", [S3_OBJECT]), (RESOURCE, "StartsWith", prefixes))


# The calls that rules look at: they change something, and are not RDS's Data API.
WATCHED = part_of(
    (CATEGORY, "Equals", [MANAGEMENT]),
    (READ_ONLY, "Equals", ["false"]),
    (SOURCE, "NotEquals", ["rdsdata.amazonaws.com"]),
)


def denied_at_endpoints(source: str) -> Part:
    """The calls to a service that the policy of a VPC endpoint denied."""
    return part_of(
        (CATEGORY, "Equals", [NETWORK]), (SOURCE, "Equals", [source]), (ERROR, "Equals", ["VpceAccessDenied"])
    )


def parts_of(basic: Basic) -> Parts:
    """A basic selector in the advanced form, with the same meaning (botocore's model, EventSelector, DataResource)."""
    read_only = filter(None, [READ_WRITE.get(basic.get("ReadWriteType", "All"), "")])
    restriction = (READ_ONLY, "Equals", list(read_only))
    excluded = (SOURCE, "NotEquals", basic.get("ExcludeManagementEventSources") or ())
    values: dict[str, list[str]] = {}
    for each in basic.get("DataResources") or ():
        values.setdefault(each.get("Type", ""), []).extend(each.get("Values") or ())
    found = []
    if basic.get("IncludeManagementEvents", True):
        found.append(part_of((CATEGORY, "Equals", [MANAGEMENT]), restriction, excluded))
    for resource_type, arns in values.items():
        if arns:  # a type without values logs nothing
            kind = (CATEGORY, "Equals", [DATA]), (TYPE, "Equals", [resource_type])
            found.append(part_of(*kind, restriction, _selected(resource_type, arns)))
    return tuple(found)


def _selected(resource_type: str, arns: Iterable[str]) -> tuple[str, str, list[str]]:
    """Of functions the ARNs are exact, of the other types they are beginnings; down to the service, they mean all."""
    if any(arn.count(":") <= 2 for arn in arns):
        return (RESOURCE, "StartsWith", [])
    return (RESOURCE, "Equals" if resource_type == FUNCTION else "StartsWith", list(dict.fromkeys(arns)))


# ------------------------------------------------------------------------------------------------ what covers what


def category(part: Part) -> str:
    """The category of events that a part selects, of which it has one."""
    return next((value for each in _of_field(part, CATEGORY) for value in each.get("Equals") or ()), "")


def of_category(parts: Iterable[Part], name: str) -> Parts:
    """The parts that select events of a category."""
    return tuple(each for each in parts if category(each) == name)


def arns_of(part: Part) -> tuple[str, ...]:
    """The ARNs, or beginnings of them, that a part selects; none where it selects all."""
    return tuple(_values(part, RESOURCE))


def missing(wanted: Iterable[Part], parts: Parts) -> Parts:
    """Those wanted of which something would not be logged."""
    return tuple(each for each in wanted if not covered(each, parts))


def covered(wanted: Part, parts: Iterable[Part]) -> bool:
    """Whether every event of a part is selected by one of some others: by one as a whole, or piece by piece.

    It may say no where they cover it in a way that the pieces do not show, but never yes where there is a gap.
    """
    rivals = of_category(parts, category(wanted))
    return _is_covered(wanted, rivals, in_pieces=_pieces(wanted) <= MOST_PIECES)


def _is_covered(wanted: Part, parts: Parts, *, in_pieces: bool) -> bool:
    if any(_covers(each, wanted) for each in parts):
        return True
    pieces = _split(wanted) if in_pieces and parts else ()
    return bool(pieces) and all(_is_covered(piece, parts, in_pieces=True) for piece in pieces)


def _pieces(part: Part) -> int:
    return 2 * prod(len(_selects(each)) for each in _conditions(part) if _selects(each))


def _split(part: Part) -> Parts:
    """A part as several that are the same together: reads and writes, or one for each value of a field."""
    conditions = _conditions(part)
    if category(part) != NETWORK and not _of_field(part, READ_ONLY):  # of network activity there is no readOnly
        halves = ({"Field": READ_ONLY, "Equals": [value]} for value in ("true", "false"))
        return tuple({"FieldSelectors": [*conditions, half]} for half in halves)
    for place, each in enumerate(conditions):
        selects = _selects(each)
        if len(selects) > 1:
            rest = {name: value for name, value in each.items() if name not in SELECT}
            ones = ({**rest, operator: [value]} for operator, value in selects)
            return tuple({"FieldSelectors": [*conditions[:place], one, *conditions[place + 1 :]]} for one in ones)
    return ()


def _covers(part: Part, other: Part) -> bool:
    """Whether a part selects every event that another one does: each of its conditions follows from the other's."""
    return all(any(_follows(each, given) for given in _of_field(other, each["Field"])) for each in _conditions(part))


def _follows(condition: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    selects, given_selects = _selects(condition), _selects(given)
    if selects and not (given_selects and all(any(_within(g, s) for s in selects) for g in given_selects)):
        return False
    given_out = _deselects(given)
    return all(
        any(_within(out, g) for g in given_out) or (bool(given_selects) and all(_apart(g, out) for g in given_selects))
        for out in _deselects(condition)
    )


def _matches(text: str, test: Test) -> bool:
    operator, value = test
    if operator == "Equals":
        return text == value
    return text.startswith(value) if operator == "StartsWith" else text.endswith(value)


def _within(inner: Test, outer: Test) -> bool:
    """Whether every text that meets one test meets the other too."""
    return _matches(inner[1], outer) and inner[0] in ("Equals", outer[0])


def _apart(one: Test, other: Test) -> bool:
    """Whether no text meets both; a beginning and an end can always be met together."""
    if one[0] == "Equals":
        return not _matches(one[1], other)
    if other[0] == "Equals":
        return not _matches(other[1], one)
    return one[0] == other[0] and not _matches(one[1], other) and not _matches(other[1], one)


def _conditions(part: Part) -> list[Mapping[str, Any]]:
    """The conditions of a part that say anything."""
    return [each for each in part.get("FieldSelectors") or () if any(_operators(each))]


def _said(part: Part) -> Part:
    name = {"Name": part["Name"]} if part.get("Name") else {}
    fields = [{"Field": each["Field"]} | {o: list(each[o]) for o in _operators(each)} for each in _conditions(part)]
    return {**name, "FieldSelectors": fields}


def _of_field(part: Part, field: str) -> list[Mapping[str, Any]]:
    return [each for each in _conditions(part) if each.get("Field") == field]


def _operators(condition: Mapping[str, Any]) -> Iterator[str]:
    return (name for name in (*SELECT, *DESELECT) if condition.get(name))


def _selects(condition: Mapping[str, Any]) -> list[Test]:
    return [(name, value) for name in SELECT for value in condition.get(name) or ()]


def _deselects(condition: Mapping[str, Any]) -> list[Test]:
    """What is deselected, as tests that would select it."""
    return [(positive, value) for name, positive in DESELECT.items() for value in condition.get(name) or ()]


# ------------------------------------------------------------------------------------------------ one set of two


def merged(present: Selectors, more: Parts, before: Selectors, partition: str) -> Selectors | None:
    """A set that logs all that `present` does, and `more`; None where it would be more than CloudTrail takes.

    What that makes superfluous in the present set goes, for it would only blur what is logged. Where that puts back
    all that the set `before` logged, it begins with that one as it was. Basic selectors stay basic where they can.
    """
    back = missing(before.parts, present.parts)
    base = before if back and not missing(back, present.parts + more) else Selectors()
    extra = missing(more, base.parts)
    said = base.parts + extra
    rest = tuple(each for basic in present.basic for each in _left_over(basic, said))
    sets = (_all_basic(present, base, rest, extra, partition), _all_advanced(present, base, rest, extra))
    return next((each for each in sets if each and each.fit), None)


def _left_over(basic: Basic, said: Parts) -> Iterator[Basic]:
    """A basic selector without the management events that others log: beside them it would only seem to narrow them."""
    left = missing(parts_of(basic), said)
    if of_category(left, MANAGEMENT) or not basic.get("IncludeManagementEvents", True):
        yield from [basic] if left else []
    elif left:
        yield {**basic, "IncludeManagementEvents": False, "ExcludeManagementEventSources": []}


def _all_basic(
    present: Selectors, base: Selectors, rest: tuple[Basic, ...], extra: Parts, partition: str
) -> Selectors | None:
    if base.advanced or (present.advanced and not base.basic):
        return None
    added = _as_basic(missing(present.advanced, base.parts + extra) + extra, partition)
    return None if added is None else Selectors(basic=base.basic + rest + added)


def _all_advanced(present: Selectors, base: Selectors, rest: tuple[Basic, ...], extra: Parts) -> Selectors:
    said = base.parts + extra
    kept = missing(present.advanced or tuple(part for basic in rest for part in parts_of(basic)), said)
    return Selectors(advanced=base.parts + kept + extra)


def _as_basic(parts: Parts, partition: str) -> tuple[Basic, ...] | None:
    """Parts as basic selectors, few; None where that form cannot say them."""
    found: dict[tuple[str, tuple[str, ...]], dict[str, Any]] = {}
    for each in parts:
        basic = _basic(each, partition)
        if basic is None:
            return None
        alike = (basic["ReadWriteType"], tuple(basic["ExcludeManagementEventSources"]))
        one = found.setdefault(alike, {**basic, "IncludeManagementEvents": False, "DataResources": []})
        one["IncludeManagementEvents"] |= basic["IncludeManagementEvents"]
        one["DataResources"] += basic["DataResources"]
    return tuple(found.values())


def _basic(part: Part, partition: str) -> Basic | None:
    """The basic selector that has exactly the meaning of a part, if there is one."""
    resource_type = next(iter(_values(part, TYPE)), "")
    resources = _values(part, RESOURCE) or [f"arn:{partition}:{SERVICES.get(resource_type, '')}"]
    read_only = next(iter(_values(part, READ_ONLY)), "")
    basic = {
        "ReadWriteType": next((name for name, value in READ_WRITE.items() if value == read_only), "All"),
        "IncludeManagementEvents": category(part) == MANAGEMENT,
        "DataResources": [{"Type": resource_type, "Values": resources}] if resource_type in SERVICES else [],
        "ExcludeManagementEventSources": [value for each in _of_field(part, SOURCE) for _, value in _deselects(each)],
    }
    same = parts_of(basic)
    exact = len(same) == 1 and _covers(same[0], part) and _covers(part, same[0])
    return basic if exact and not part.get("Name") else None


def _values(part: Part, field: str) -> list[str]:
    return [value for each in _of_field(part, field) for _, value in _selects(each)]
