"""Which events reach which function: every rule of the template against every sample event, and the benign ones."""

from __future__ import annotations

import json

import pytest

from local import forwarder
from local.rules import matches
from local.settings import ACCOUNT, PROJECT, STACK
from relight.policy import CONTROLS, controls_of
from relight.record import parse
from tests.contract.samples import BATCHES, BENIGN_EVENTS, CALLS, DIRECT, SAMPLES, STACK_ID, Sample, spoiled
from tests.contract.template import HUB, RULE, TEMPLATE, Function, Rule, functions, of_type, properties, rules

RULES = rules(STACK_ID)
FAMILIES = [function for function in functions().values() if function.kinds]
# Whatever makes one of the resources that Relight guards is given time, whichever function it concerns.
CREATES = frozenset(name for function in FAMILIES for kind in function.kinds for name in kind.CREATES)


FORWARDING = [f"{STACK}-forwarder-{each}" for each in forwarder.patterns(TEMPLATE["Resources"])]


def is_own(name: str) -> bool:
    """Whether the name is the stack's, one that CloudFormation gives to a part of it, or a rule's of its forwarder."""
    _, _, rest = name.rpartition("/")[2].partition(f"{STACK}-")
    logical_id = rest.rpartition("-")[0]
    made = {
        *TEMPLATE["Resources"],
        *(f"{f.logical_id}{e}" for f in functions().values() for e in f.properties.get("Events", ())),
    }
    return name in (f"stack/{STACK}", f"bus/{STACK}") or logical_id in made or name in FORWARDING


def triggers(function: Function) -> set[str]:
    """The eventNames that the controls of a function's kinds ask for."""
    return {name for kind in function.kinds for control in controls_of(kind.KIND) for name in control.triggers}


def routed(function: Function, *, delayed: bool) -> set[str]:
    """The eventNames that rules lead to a function, at once or through its queue."""
    return {name for rule in RULES if rule.function == function and rule.delayed is delayed for name in rule.names}


def leads_to(event: dict[str, object]) -> list[Rule]:
    """The rules that match an event."""
    return [rule for rule in RULES if matches(dict(rule.pattern), event)]


@pytest.mark.parametrize("function", FAMILIES, ids=lambda f: f.family)
def test_every_trigger_is_routed_to_its_function(function: Function) -> None:
    everything = routed(function, delayed=False) | routed(function, delayed=True)
    missing, dead = triggers(function) - everything, everything - triggers(function)
    assert not missing, f"no rule leads {sorted(missing)} to {function.logical_id}: add it to its rule in template.yaml"
    assert not dead, f"no control of {function.family} has the trigger {sorted(dead)}: drop it from the rule"


@pytest.mark.parametrize("function", FAMILIES, ids=lambda f: f.family)
def test_what_creates_a_resource_goes_through_the_delay_queue_only(function: Function) -> None:
    wanted = triggers(function) & CREATES
    at_once, delayed = routed(function, delayed=False) & CREATES, routed(function, delayed=True)
    assert not at_once, f"{sorted(at_once)} must reach {function.logical_id} through its delay queue, not at once"
    assert delayed == wanted, (
        f"the delayed rule of {function.family} should have {sorted(wanted)}, not {sorted(delayed)}"
    )


@pytest.mark.parametrize("function", FAMILIES, ids=lambda f: f.family)
def test_every_trigger_has_a_sample_event(function: Function) -> None:
    families = {each.family for each in FAMILIES if each.kinds == function.kinds}  # the guards share their samples
    have = {sample.name for sample in CALLS if sample.family in families}
    for name in sorted(triggers(function)):
        wanted = f"events/{function.family}/{name}.json"
        controls = [c.id for c in CONTROLS.values() if name in c.triggers]
        assert name in have, f"{', '.join(controls)}: trigger without sample event: add {wanted}"
    for name in sorted(routed(function, delayed=True)):
        queued = {path.path.name for path in BATCHES if path.family == function.family}
        assert f"{name}.sqs.json" in queued, (
            f"a delayed trigger comes as a batch too: add events/{function.family}/{name}.sqs.json"
        )


@pytest.mark.parametrize("sample", CALLS, ids=str)
def test_a_sample_event_reaches_just_the_functions_that_want_it(sample: Sample) -> None:
    """Two rules that match one event would start a function twice, so each function is there once."""
    found = [rule.function.family for rule in leads_to(sample.event)]
    of_the_forwarder = any(name in FORWARDING for name in sample.event["detail"]["requestParameters"].values())
    wanted = [
        function.family
        for function in FAMILIES
        if sample.name in triggers(function) and (of_the_forwarder or function.family != "forwarder")
    ]
    assert sorted(found) == sorted(wanted), f"{sample} is led to {found}, but the controls want it in {wanted}"
    assert sample.family in found, f"{sample} is in the wrong folder: it goes to {found}"


@pytest.mark.parametrize(
    "sample", [s for s in DIRECT if s not in CALLS and s.event["source"] != "aws.scheduler"], ids=str
)
def test_any_other_sample_event_reaches_its_function(sample: Sample) -> None:
    wanted = {each.family for each in DIRECT if each.event["detail-type"] == sample.event["detail-type"]}
    assert sorted(rule.function.family for rule in leads_to(sample.event)) == sorted(wanted), f"no rule takes {sample}"


@pytest.mark.parametrize("sample", CALLS, ids=str)
def test_no_rule_takes_a_spoiled_sample_event(sample: Sample) -> None:
    for what, event in spoiled(sample.event):
        taken = [rule.logical_id for rule in leads_to(event)]
        assert not taken, f"{taken} match {sample} though it is {what}: narrow the pattern"


@pytest.mark.parametrize("sample", BENIGN_EVENTS, ids=str)
def test_no_rule_takes_a_benign_event(sample: Sample) -> None:
    taken = [rule.logical_id for rule in leads_to(sample.event)]
    assert not taken, f"{taken} match {sample}, which is no business of Relight's: narrow the pattern"


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.logical_id)
def test_a_rule_for_api_calls_asks_for_successful_ones(rule: Rule) -> None:
    if rule.names:
        detail = rule.pattern["detail"]
        assert detail.get("errorCode") == [{"exists": False}], f"{rule.logical_id}: add errorCode: [exists: false]"
        assert rule.pattern.get("detail-type") == ["AWS API Call via CloudTrail"], (
            f"{rule.logical_id}: wrong detail-type"
        )


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.logical_id)
def test_a_pattern_is_within_eventbridges_limit(rule: Rule) -> None:
    length = len(json.dumps(rule.pattern, separators=(",", ":")))
    assert length <= 2048, (
        f"{rule.logical_id}: a pattern may have 2,048 characters, this one has {length}: split the rule"
    )


def test_one_rule_a_function_and_way() -> None:
    ways = [(rule.function.family, rule.delayed, bool(rule.names)) for rule in RULES]
    twice = {way for way in ways if ways.count(way) > 1}
    assert not twice, f"separate rules start a function twice for one event; join those of {sorted(twice)}"


@pytest.mark.parametrize("sample", CALLS, ids=str)
def test_a_sample_event_can_be_located(sample: Sample) -> None:
    """Its record names the resource where the function looks for it: the one that the local AWS has."""
    record = parse(sample.event)
    assert record.error_code == "", f"{sample}: a failed call is no sample event"
    asked = [
        kind
        for kind in functions()[sample.family].kinds
        if any(record.name in control.triggers for control in controls_of(kind.KIND))
    ]
    assert asked, f"{sample}: no control of its function has this trigger"
    scopes = [kind.locate(record) for kind in asked]
    builders = (PROJECT / "local" / "account.py", *(PROJECT / "local" / "sabotage").glob("*.py"))
    account = "".join(path.read_text(encoding="utf-8") for path in builders)
    only_ones = {getattr(kind, "NAME", "") for kind in asked}  # what there is one of in a Region, whatever its name
    for name in {name for scope in scopes for name in (*scope.names, *scope.parts)} - only_ones:
        short = name.removeprefix("log-group:")
        short = short.rpartition("/")[2] if short.startswith("arn:") else short
        there = f'"{short.replace(ACCOUNT, "{ACCOUNT}")}"' in account or is_own(short)
        assert there, f"{sample}: names {short}, which local/account.py does not build"


@pytest.mark.parametrize("sample", BATCHES, ids=str)
def test_a_batch_holds_the_sample_event(sample: Sample) -> None:
    single = sample.path.with_name(sample.path.name.replace(".sqs.json", ".json"))
    alone = next((each.event for each in DIRECT if each.path == single), None)
    assert alone in sample.bodies, f"{sample}: no message's body is the event in {single.name}"
    assert all("messageId" in message for message in sample.event["Records"]), (
        f"{sample}: a message lacks its messageId"
    )


@pytest.mark.parametrize("sample", CALLS, ids=str)
def test_a_sample_event_is_whole(sample: Sample) -> None:
    event, detail = sample.event, sample.event["detail"]
    envelope = {"version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"}
    record = {
        "eventVersion", "userIdentity", "eventTime", "eventSource", "eventName", "awsRegion", "sourceIPAddress",
        "userAgent", "requestParameters", "responseElements", "requestID", "eventID", "readOnly", "eventType",
        "managementEvent", "recipientAccountId", "eventCategory",
    }  # fmt: skip
    assert event.keys() == envelope, f"{sample}: has {sorted(event.keys() ^ envelope)} too many or too few"
    assert not record - detail.keys(), f"{sample}: the record lacks {sorted(record - detail.keys())}"
    assert event["source"] == "aws." + detail["eventSource"].removesuffix(".amazonaws.com"), f"{sample}: wrong source"
    assert (event["region"], event["account"]) == (detail["awsRegion"], detail["recipientAccountId"]), (
        f"{sample}: mixed up"
    )
    assert event["time"] == detail["eventTime"], f"{sample}: the event's time is not the record's"


def test_sample_events_show_every_sort_of_actor() -> None:
    seen = {sample.event["detail"]["userIdentity"].get("type") for sample in CALLS}
    assert seen >= {"IAMUser", "AssumedRole", "Root"}, f"only {seen}: vary the identities of the sample events"


def test_every_sample_event_is_unlike_the_others() -> None:
    ids = [sample.event["detail"]["eventID"] for sample in CALLS] + [s.event["id"] for s in DIRECT]
    assert len(ids) == len(set(ids)), "two sample events share an id: the ledger would take them for one"


def test_sample_events_are_in_folders_of_functions() -> None:
    strange = {sample.family for sample in SAMPLES} ^ functions().keys()
    assert not strange, f"events/ and functions/ should have the same folders: {sorted(strange)}"


def test_the_schedule_starts_the_sweep_without_an_input_of_its_own() -> None:
    """Then Scheduler sends the event in events/sweep/Schedule.json, whatever its time."""
    schedule = functions()["sweep"].properties["Events"]["Schedule"]
    assert schedule["Type"] == "ScheduleV2", "the sweep runs on an EventBridge Scheduler schedule"
    assert "Input" not in schedule["Properties"], "events/sweep/Schedule.json would no longer be what the sweep gets"


def test_no_rule_is_switched_off() -> None:
    for name in of_type(RULE):
        assert properties(name).get("State", "ENABLED") == "ENABLED", f"{name} is disabled"


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.logical_id)
def test_a_rule_is_on_the_default_bus_or_in_a_hub_on_the_hub_s(rule: Rule) -> None:
    """Where CloudTrail's events are; what concerns this stack itself stays there in a hub, too."""
    serves_members = not rule.function.family.startswith("guard")
    of_cloudtrail = rule.pattern["detail-type"] != ["CloudFormation Stack Status Change"]
    bus = properties(rule.logical_id).get("EventBusName")
    if serves_members and of_cloudtrail:
        assert bus == {"Fn::If": ["IsHub", {"Ref": "HubBus"}, {"Ref": "AWS::NoValue"}]}, (
            f"{rule.logical_id}: a hub's bus"
        )
    else:
        assert bus is None, f"{rule.logical_id}: it is about this stack, whose events are on the default bus"


def test_only_the_organisation_may_send_to_the_hub_s_bus() -> None:
    for name in ("HubBus", "HubBusPolicy"):
        assert TEMPLATE["Resources"][name]["Condition"] == HUB, f"{name}: a stack that is no hub has none"
    assert list(of_type("AWS::Events::EventBusPolicy")) == ["HubBusPolicy"]
    assert properties("HubBusPolicy")["Statement"] == {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "events:PutEvents",
        "Resource": {"Fn::GetAtt": ["HubBus", "Arn"]},
        "Condition": {"StringEquals": {"aws:PrincipalOrgID": {"Ref": "OrganizationId"}}},
    }
