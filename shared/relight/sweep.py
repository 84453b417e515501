"""Lists what the catalogue covers in the Region, has the family functions look at it and repair it, and tells of it.

The sweep holds no permission to change any of it, and reads no configuration itself. It first has everything looked at,
then repairs, the worst first and up to a cap, and ends with one message. It stops in good time before its own timeout,
and another invocation of it goes on from there; so does Lambda's retry of one that crashed.

In a hub it starts some chains of invocations. Each of them sweeps one account after the other, all Regions of one like
this one, with a cap, a posture and a message of its own: no account waits for more than its turn, none is asked by two
at once, and what fails in one is not felt in the next.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Any

from relight import telemetry
from relight.accounts import Accounts
from relight.aws import Aws, Place, body
from relight.clock import Clock
from relight.digest import digest
from relight.errors import BY_THE_ORGANISATION, AwsError, InvalidSetting, RelightError, RoleDenied
from relight.journal import Journal
from relight.ledger import Ledger
from relight.model import Call, Incident
from relight.notify import Notifier
from relight.policy import controls_of
from relight.posture import Counts, as_lists, not_missed, unjudged
from relight.progress import Progress
from relight.resources import account, alarm, bucket, forwarder, key, log_group, recorder, trail, vpc
from relight.resources.kind import Kind
from relight.standard import Standard, load
from relight.survey import SOURCE

# The source of the events that EventBridge Scheduler makes.
SCHEDULER = "aws.scheduler"
KINDS: tuple[Kind, ...] = (trail, vpc, bucket, key, recorder, alarm, account, log_group)
# What a hub looks after besides.
OF_A_HUB: tuple[Kind, ...] = (forwarder,)
# What an account has once, whatever the Region.
GLOBAL = (account.KIND,)
# So many accounts are swept at a time, or as many as it takes for no chain to be longer than this: at two minutes an
# account, as docs/organisation.md reckons, each ends within an hour. Each takes two of Lambda's executions.
CHAINS, LONGEST_CHAIN = 10, 25
# So few that a family function is done well within its timeout; VPCs are read hundreds at a time, and repaired so.
BATCH = 50
BATCHES = {vpc.KIND: vpc.VPCS}
# After so many batches the progress is noted: a crash costs no more than these.
NOTED_EVERY = 10
# EventBridge's ids have 36 characters, and a key in DynamoDB 1,024 bytes.
LONGEST_ID = 100
# A family function that was started may take its two minutes; then there is still something to note.
MARGIN = timedelta(seconds=150)


@dataclass(frozen=True, slots=True)
class Desk:
    """What a sweep works with; made once, when the function starts."""

    standard: Standard
    aws: Aws
    ledger: Ledger
    journal: Journal
    notifier: Notifier
    clock: Clock


def handler_for_sweep() -> Callable[[Any, Any], dict[str, Any]]:
    """The Lambda handler of the sweep. Raises InvalidSetting where a family's function is not set."""
    standard = load()
    kinds = [kind.KIND for kind in (*KINDS, *OF_A_HUB)]
    if standard.families.keys() != set(kinds):
        named = sorted(standard.families)
        raise InvalidSetting(f"environment variable RELIGHT_FAMILIES names {named}; allowed: {kinds}")
    aws = Aws.of(standard)
    desk = Desk(
        standard=standard,
        aws=aws,
        ledger=Ledger(aws, standard.ledger, standard.incident_days),
        journal=Journal(aws, standard.ledger, standard.incident_days),
        notifier=Notifier(aws, standard.topic),
        clock=Clock(),
    )

    def handle(event: Any, context: Any) -> dict[str, Any]:
        telemetry.logger.clear_state()
        if desk.aws.is_hub and not (isinstance(event, Mapping) and event.get("accounts")):
            return _begin_chains(desk, event, context)
        progress = _begun(desk, event, context.aws_request_id)
        left = timedelta(milliseconds=context.get_remaining_time_in_millis())
        until = desk.clock.now() + left - MARGIN
        try:
            if progress.phase != "done" and not sweep(_of_its_account(desk, progress), progress, until):
                _go_on_later(desk, progress, context.function_name)
        finally:  # an account that fails does not hold up those that come after it
            if progress.phase == "done":
                _hand_on(desk, progress, context.function_name)
        return {"sweep": progress.sweep, "phase": progress.phase, "looked_at": progress.looked_at}

    return handle


def _begun(desk: Desk, event: Any, request_id: str) -> Progress:
    """The sweep that an event asks for, as far as it has come: a retry, and whoever goes on, has the same id.

    What could not be looked at is looked at again by the retry.
    """
    asked = event if isinstance(event, Mapping) else {}
    accounts = [str(each) for each in asked.get("accounts") or ()]
    sweep_id, full = _asked(asked, request_id)
    if accounts:
        sweep_id = f"{sweep_id} {accounts[0]}"
    noted = desk.journal.progress(sweep_id)
    if noted is None:
        progress = Progress(sweep_id, full, accounts=accounts)
        if accounts:
            _find_regions(desk, progress)
        return progress
    progress = Progress(**noted)
    failed = list(progress.parts.get("failed", {}).get("first", ()))
    if progress.phase != "done" or not failed:
        return progress
    again = Progress(sweep_id, known=failed, accounts=progress.accounts)
    if accounts:
        _find_regions(desk, again)
    return again


def _asked(asked: Mapping[str, Any], request_id: str) -> tuple[str, bool]:
    """The id of the sweep that an event asks for, and whether it is told in any case.

    The ledger's keys hold the id: what is none takes the request's, which is the same in each retry.
    """
    named = asked.get("sweep") or asked.get("id")
    sweep_id = named if isinstance(named, str) and len(named) <= LONGEST_ID else request_id
    return sweep_id, bool(asked.get("full")) if "sweep" in asked else asked.get("source") != SCHEDULER


# -------------------------------------------------------------------------------------------------- a hub's accounts


def _begin_chains(desk: Desk, event: Any, context: Any) -> dict[str, Any]:
    """Starts the chains. An event that comes twice finds the accounts swept, or being swept, under its id."""
    sweep_id, full = _asked(event if isinstance(event, Mapping) else {}, context.aws_request_id)
    accounts = _accounts(desk)
    chains = min(len(accounts), max(CHAINS, math.ceil(len(accounts) / LONGEST_CHAIN)))
    for first in range(chains):
        chain = {"sweep": sweep_id, "full": full, "accounts": accounts[first::chains]}
        _invoke_again(desk, context.function_name, chain)
    return {"sweep": sweep_id, "accounts": len(accounts)}


def _accounts(desk: Desk) -> list[str]:
    """The accounts to sweep, the hub's own first. Raises AwsError where Organizations does not list them."""
    members: Iterable[str] = desk.standard.member_accounts
    if not members:
        listed = desk.aws.home.pages("organizations", "ListAccounts", "Accounts")
        members = (each["Id"] for each in listed if (each.get("State") or each.get("Status")) == "ACTIVE")
    return list(dict.fromkeys([desk.standard.account, *members]))


def _find_regions(desk: Desk, progress: Progress) -> None:
    """The account's enabled Regions; where it does not list them, the hub's own, so that the look says why.

    The hub's own comes first. What an account has once is looked at there: an organisation that closes Regions leaves
    that one open.
    """
    place = desk.aws.at(progress.accounts[0], desk.standard.region)
    progress.regions = [place.region]
    try:
        answer = place.read("ec2", "DescribeRegions") or {}
        progress.regions += sorted({each["RegionName"] for each in answer["Regions"]} - {place.region})
    except RoleDenied:
        pass  # which every look at the account finds, and tells
    except RelightError as error:
        # Whatever forbids it: nobody would learn otherwise that the other Regions are dark.
        progress.note("failed", {f"Regions of account {place.account}": str(error)})


def _of_its_account(desk: Desk, progress: Progress) -> Desk:
    return replace(desk, journal=desk.journal.of(progress.accounts[0])) if progress.accounts else desk


def _hand_on(desk: Desk, progress: Progress, function: str) -> None:
    """The next account of the chain, once."""
    if len(progress.accounts) < 2:
        return
    rest = {"sweep": _base(progress), "full": progress.full, "accounts": progress.accounts[1:]}
    _invoke_again(desk, function, rest)
    progress.accounts = progress.accounts[:1]
    _note(desk, progress)


def _base(progress: Progress) -> str:
    """The sweep's id without the account that stands behind it."""
    return progress.sweep.rpartition(" ")[0] if progress.accounts else progress.sweep


def _invoke_again(desk: Desk, function: str, asked: Mapping[str, Any]) -> None:
    payload = json.dumps({"source": SOURCE, **asked}).encode()
    params = {"FunctionName": function, "InvocationType": "Event", "Payload": payload}
    desk.aws.home.send(Call("lambda", "Invoke", params))


def sweep(desk: Desk, progress: Progress, until: datetime) -> bool:
    """Goes on with a sweep; False where it stopped for lack of time. Raises RelightError where a part failed."""
    if progress.phase == "look" and not _look(desk, progress, until):
        return False
    progress.phase = "repair"
    if not (_repair(desk, progress, until) and _resume(desk, progress, until)):
        return False
    _tell(desk, progress)
    progress.phase = "done"
    _note(desk, progress)
    failed = progress.parts.get("failed", {}).get("first")
    if failed:
        raise RelightError("the sweep could not look at everything: " + json.dumps(failed))
    return True


def _go_on_later(desk: Desk, progress: Progress, function: str) -> None:
    """Another invocation takes over."""
    _note(desk, progress)
    asked: dict[str, Any] = {"sweep": _base(progress), "full": progress.full}
    _invoke_again(desk, function, asked | ({"accounts": progress.accounts} if progress.accounts else {}))
    telemetry.logger.info("goes on later", extra={"sweep": progress.sweep, "looked_at": progress.looked_at})


def _note(desk: Desk, progress: Progress) -> None:
    desk.journal.note(progress.sweep, progress.as_data(), desk.clock.now())


# -------------------------------------------------------------------------------------------------------- looking


def _steps(desk: Desk, progress: Progress) -> list[tuple[Place, Kind]]:
    """All that is looked at, in order: the kinds in each Region, and in the first one what an account has once."""
    places = [desk.aws.at(progress.accounts[0], region) for region in progress.regions] or [desk.aws.home]
    kinds = (*KINDS, *OF_A_HUB) if desk.aws.is_hub else KINDS
    return [(place, kind) for place in places for kind in kinds if place is places[0] or kind.KIND not in GLOBAL]


def _look(desk: Desk, progress: Progress, until: datetime) -> bool:
    steps = _steps(desk, progress)
    while progress.kind < len(steps):
        place, kind = steps[progress.kind]
        try:
            names = islice(_names(desk, progress, place, kind), progress.done, None)
            for number, batch in enumerate(_batches(names, kind), 1):
                if desk.clock.now() >= until:
                    return False
                request = {"names": batch, "full": progress.full}
                report = _told_with_its_region(progress, place, kind, _handed(desk, progress, place, kind, request))
                progress.add(report)
                progress.enqueue(report.get("repairable", {}), desk.standard.sweep_cap)
                progress.done += len(batch)
                if not number % NOTED_EVERY:
                    _note(desk, progress)
        except RelightError as error:
            _note_unlisted(progress, place, kind, error)
            progress.add({"counts": _unknown(desk, kind, 1)})
        progress.kind, progress.done = progress.kind + 1, 0
    progress.add({"counts": as_lists(not_missed(progress.counts, desk.standard))})
    return True


def _note_unlisted(progress: Progress, place: Place, kind: Kind, error: RelightError) -> None:
    """What could not be listed; where no retry would change that, it is no failure."""
    what = f"{kind.KIND}s"
    where = f" of account {place.account} in {place.region}" if progress.accounts else ""
    if isinstance(error, RoleDenied):
        progress.note("not_let_in", {f"{what}{where}": str(error)})
    elif isinstance(error, AwsError) and error.forbidden:
        progress.forbid(place.region, what, str(error))
    else:
        progress.note("failed", {f"list of {what}{where}": str(error)})


def _told_with_its_region(progress: Progress, place: Place, kind: Kind, report: Mapping[str, Any]) -> Mapping[str, Any]:
    """The report; where a policy forbids the Region, and all of it as well, the Region's one line stands for it."""
    unreachable = report.get("out_of_reach", {})
    if place.region not in progress.forbidden or not unreachable or len(unreachable) < report.get("looked_at", 0):
        return report
    if not all(BY_THE_ORGANISATION.search(why) for why in unreachable.values()):  # another account's is another reason
        return report
    progress.forbid(place.region, f"{kind.KIND}s", next(iter(unreachable.values())))
    return {**report, "out_of_reach": {}}


def _names(desk: Desk, progress: Progress, place: Place, kind: Kind) -> Iterator[str]:
    """All that there is of a kind; and, where a control is about that it exists, all that there was in the Region.

    What was in a Region that is not looked at is looked at in the first one.
    """
    seen = set()
    if not any(control.absent for control in controls_of(kind.KIND)):
        yield from kind.list_names(place, desk.standard)
        return

    def arn(name: str) -> str:
        return kind.arn(desk.standard.partition, place.account, place.region, name)

    for name in kind.list_names(place, desk.standard):
        seen.add(arn(name))
        yield name
    regions = progress.regions or [place.region]
    for known, region in desk.ledger.regions(kind.KIND, place.account, arn("")).items():
        if known not in seen and place.region == (region if region in regions else regions[0]):
            yield known.removeprefix(arn(""))


def _batches(names: Iterator[str], kind: Kind) -> Iterator[list[str]]:
    while batch := list(islice(names, BATCHES.get(kind.KIND, BATCH))):
        yield batch


def _unknown(desk: Desk, kind: Kind, number: int) -> dict[str, list[int]]:
    return as_lists(unjudged(controls_of(kind.KIND), desk.standard, number))


def _handed(desk: Desk, progress: Progress, place: Place, kind: Kind, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """A family function's report. Where it failed, that is all there is to report."""
    function = desk.standard.families[kind.KIND]
    whole = {"source": SOURCE, "kind": kind.KIND, "account": place.account, "region": place.region, **request}
    params = {
        "FunctionName": function,
        "InvocationType": "RequestResponse",
        "Payload": json.dumps(whole).encode(),
    }
    try:
        answer = desk.aws.home.send(Call("lambda", "Invoke", params))
        report = json.loads(body(answer, "Payload"))
        if isinstance(report, dict) and not answer.get("FunctionError"):
            return report
        why = str(report)
    except (RelightError, ValueError) as error:
        why = str(error)
    names = request["names"]
    counts = _unknown(desk, kind, len(names)) if progress.phase == "look" else {}
    return {"counts": counts, "failed": {f"{function} ({names[0]} …)": why}}


# ------------------------------------------------------------------------------------------------------ repairing


def _repair(desk: Desk, progress: Progress, until: datetime) -> bool:
    steps = _steps(desk, progress)
    while progress.queue:
        if desk.clock.now() >= until:
            return False
        rank, step, _ = progress.queue[0]
        place, kind = steps[step]
        alike = takewhile(lambda entry: (entry[0], entry[1]) == (rank, step), progress.queue)  # noqa: B023
        batch = list(islice(alike, BATCHES.get(kind.KIND, BATCH)))
        request = {"names": [name for _, _, name in batch], "sweep": progress.sweep}
        report = _handed(desk, progress, place, kind, request)
        progress.add(report)
        del progress.queue[: len(batch)]
        late = [entry for entry in batch if entry[2] in report.get("left", ())]
        if len(late) < len(batch):
            progress.queue[:0] = late
        else:  # not one of them within a function's time
            for entry in late:
                progress.leave(entry)
        _note(desk, progress)
    return True


def _resume(desk: Desk, progress: Progress, until: datetime) -> bool:
    """What a function meant to repair when it failed, in this attempt or in one before, it looks at once more.

    Only so does anybody learn how it ended: what took effect is compliant by now, and in no queue any more.
    """
    steps = _steps(desk, progress)
    for step, named in _unfinished(desk, progress, steps).items():
        place, kind = steps[step]
        for batch in _batches(iter(named), kind):
            if desk.clock.now() >= until:
                return False
            progress.add(_handed(desk, progress, place, kind, {"names": batch, "sweep": progress.sweep}))
    return True


def _unfinished(desk: Desk, progress: Progress, steps: Sequence[tuple[Place, Kind]]) -> dict[int, list[str]]:
    """The names of what is noted as intended only, by the step in which it is looked at."""
    found: dict[int, list[str]] = {}
    for each in desk.ledger.noted(progress.sweep).unfinished:
        alike = [number for number, (_, kind) in enumerate(steps) if each.resource.kind == kind.KIND]
        there = [number for number in alike if steps[number][0].region == each.resource.region]
        for step in (there or alike)[:1]:
            found.setdefault(step, []).append(each.resource.name)
    return found


# -------------------------------------------------------------------------------------------------------- telling


def _tell(desk: Desk, progress: Progress) -> None:
    """One message, if there is anything to say; the posture is entered in any case.

    What is still not finished is told and stays as it is: the retry goes on with it.
    """
    now = desk.clock.now()
    unfinished, incidents = desk.ledger.noted(progress.sweep)
    progress.note("unfinished", {each.resource.arn: [f.control for f in each.findings] for each in unfinished})
    progress.note("forbidden", progress.forbidden_lines)
    after = progress.after
    day = f"unreachable {_owner(desk, progress)} {now.date().isoformat()}"
    unreachable = _unreachable(progress)
    told = set((desk.journal.progress(day) or {}).get("told", ())) if unreachable else set()
    if _is_worth_telling(progress, incidents) or unreachable - told or _violated(after) != _violated(_before(desk)):
        _send(desk, progress, incidents)
    if unreachable - told:
        desk.journal.note(day, {"told": sorted(unreachable | told)}, now)
    desk.ledger.note_all(progress.sweep, incidents, now, told=True)
    desk.journal.enter(after, now)
    telemetry.swept(after, incidents)


def _send(desk: Desk, progress: Progress, incidents: Sequence[Incident]) -> None:
    owner = _owner(desk, progress)
    alias = Accounts(desk.aws).alias(owner) if progress.accounts else ""
    desk.notifier.send(digest(progress, incidents, owner, desk.standard.region, alias))


def _owner(desk: Desk, progress: Progress) -> str:
    """The account that is looked at."""
    return progress.accounts[0] if progress.accounts else desk.standard.account


def _unreachable(progress: Progress) -> set[str]:
    """What nobody is let in to look at, which is told once a day."""
    forbidden = {f"{what} in {region}" for region, lists in progress.forbidden.items() for what in lists}
    return forbidden | set(progress.parts.get("not_let_in", {}).get("first", ()))


def _before(desk: Desk) -> Counts:
    """The posture that the sweep before this one left; empty where there was none."""
    last = desk.journal.history(1)
    return last[0][1] if last else {}


def _violated(counts: Counts) -> dict[str, int]:
    return {name: each.violated for name, each in counts.items() if each.violated}


def _is_worth_telling(progress: Progress, incidents: Sequence[Incident]) -> bool:
    failed = list(progress.parts.get("failed", {}).get("first", ()))
    news = any(progress.count(part) for part in ("kept", "weaker", "repaired", "unrepaired", "unfinished"))
    return progress.full or news or bool(incidents) or bool(progress.over) or failed != progress.known
