"""`relight accept` and `relight forget`: a person decides what Relight puts back, says why, and everybody is told.

Both look at the live resource first, with the operator's credentials and the code of the functions, under the settings
of the deployed functions and the standard.toml of this checkout. They tell before they write: what cannot be told is
not accepted, so that whoever reaches the table cannot weaken a baseline in silence.

A hub keeps its members' baselines too. There a resource is looked at with credentials of that account, which the
operator brings: the role in which the hub repairs there is lent to its functions only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from local.operate.books import Books, Entry
from local.operate.deployment import Deployment, OperatorError, Refused
from local.show import Screen
from relight.case import Runtime
from relight.clock import Clock
from relight.errors import AwsError, RelightError
from relight.ledger import fits
from relight.message import Message, clean, shown, subject_line
from relight.model import MET, Actor, Baseline, Finding, Mode, Observed, Outcome, Resource, Scope, Severity
from relight.notify import Notifier
from relight.policy import check_settings, judge
from relight.policy.exemption import exempt
from relight.policy.state import is_whole, lasting
from relight.progress import LINES
from relight.resources.kind import Kind
from relight.standard import ACCOUNT, Standard, load
from relight.sweep import KINDS, OF_A_HUB

DONE, REFUSED = 0, 1  # exit status
# The ledger's resource policy keeps out everybody else, administrators too.
ALLOWED = "besides the functions only one role may write the ledger: the stack's parameter OperatorRoleArn"
GUARDED = (*KINDS, *OF_A_HUB)
KIND_NAMES = tuple(kind.KIND for kind in GUARDED)


@dataclass(frozen=True)
class Subject:
    """The resource, what is kept of it, and what an operator acts with."""

    kind: Kind
    scope: Scope
    resource: Resource
    run: Runtime
    books: Books
    row: Mapping[str, Any]  # the baseline as it is stored
    baseline: Baseline[Any] | None

    def observe(self) -> Observed[Any] | None:
        """The live resource; None where it is none of Relight's business. Raises RelightError."""
        if self.scope.account != self.run.aws.account:
            raise RelightError(f"it is account {self.scope.account}'s: pass --member-profile, with credentials there")
        baselines = {self.resource.arn: self.baseline} if self.baseline else {}
        seen = self.kind.observe(self.run.aws, self.scope, baselines, self.run.standard)
        return next((each for each in seen if each.resource.arn == self.resource.arn), None)

    @property
    def whose(self) -> str:
        """The way out where its ARN does not say whose it is, and it was looked for in the hub's own account."""
        standard = self.run.standard
        at_home = standard.organization and self.scope.account == standard.account
        if not at_home or standard.account in self.resource.arn.split(":"):
            return ""
        return f"; it was looked for in account {standard.account}: for a member's pass --member-profile or --account"


@dataclass(frozen=True)
class Wanted:
    """What the operator asked for."""

    action: str  # a key of WORDS
    resource: str  # an ARN, or a name with its kind
    kind: str | None
    reason: str
    force: bool = False
    account: str | None = None  # whose it is, where an ARN does not say


@dataclass(frozen=True)
class Request:
    """What is about to be done, and by whom."""

    subject: Subject
    what: Wanted
    who: str
    lines: tuple[str, ...]  # what changes, or goes
    candidate: Baseline[Any] | None = None  # the new baseline; None: it is forgotten


@dataclass(frozen=True)
class Words:
    """How an action is spoken of."""

    heading: str
    done: str
    outcome: str
    said: str
    what: str


WORDS = {
    "accept": Words(
        heading="Accept the present state as the baseline of {}",
        done="Accepted: this is what Relight puts back from now on. Security has been told.",
        outcome="accepted",
        said="accepts the present state of {} as what Relight puts back",
        what="WHAT CHANGES",
    ),
    "forget": Words(
        heading="Forget the baseline of {}",
        done="Forgotten: Relight does not put it back. Security has been told.",
        outcome="forgotten",
        said="has Relight forget {}: it will not be put back",
        what="WHAT WAS KEPT",
    ),
}


# -------------------------------------------------------------------------------------------------- the commands


def accept(deployment: Deployment, screen: Screen, what: Wanted, confirmed: Callable[[], bool]) -> int:
    """Makes the present state the baseline; the exit status. Raises Refused, and OperatorError where AWS fails."""
    subject = _subject(deployment, what)
    observed = _present(subject)
    state, subject = observed.state, replace(subject, resource=observed.resource)  # in a bucket's own Region
    findings = _judged(subject, state)
    before, candidate = subject.baseline, _candidate(subject, state, findings)
    if subject.row and before is None:
        raise Refused(f"the baseline of {subject.resource.arn} cannot be read: relight forget it first, with --force")
    if before and (before.state, before.controls) == (state, candidate.controls):
        screen.verdict(f"The present state of {subject.resource.arn} is its baseline already.", good=True)
        return DONE
    request = Request(subject, what, deployment.who, tuple(_difference(before, candidate, findings)), candidate)
    return _settled(request, screen, confirmed)


def forget(deployment: Deployment, screen: Screen, what: Wanted, confirmed: Callable[[], bool]) -> int:
    """Deletes the baseline; the exit status. Raises Refused, and OperatorError where AWS fails."""
    subject = _subject(deployment, what)
    if not subject.row:
        raise Refused(f"{subject.resource.arn} has no baseline: there is nothing to forget{subject.whose}")
    exists = _still_there(subject)
    if exists and not what.force:
        raise Refused(
            f"{subject.resource.arn} {exists}: forget what is gone, or is about to go, with --force; what is there"
            " gets a new baseline with Relight's next look"
        )
    kept = tuple(f"{clean(name)}: {shown(value)}" for name, value in _values(subject.baseline).items() if value)
    return _settled(Request(subject, what, deployment.who, kept), screen, confirmed)


def _settled(request: Request, screen: Screen, confirmed: Callable[[], bool]) -> int:
    """Shows, asks, tells and writes, in this order."""
    subject, words = request.subject, WORDS[request.what.action]
    screen.heading(words.heading.format(subject.resource.arn))
    for line in request.lines:
        screen.line(f"  {line}")
    if not confirmed():
        raise Refused("nothing was changed")
    entry = Entry(request.what.action, request.who, request.what.reason, subject.run.clock.now())
    try:
        subject.run.notifier.send(message(subject.resource, entry, request.lines))
        written = _write(request, entry)
    except AwsError as error:
        way_out = f"; {ALLOWED}" if error.operation.startswith("dynamodb:") and "AccessDenied" in error.code else ""
        raise OperatorError(f"nothing was changed: {error}{way_out}") from error
    if not written:
        raise Refused("somebody else wrote the baseline meanwhile, and this command nothing: look again")
    screen.verdict(words.done, good=True)
    return DONE


def _write(request: Request, entry: Entry) -> bool:
    subject = request.subject
    if request.candidate is None:
        return subject.books.forget(subject.resource, subject.row, entry)
    return subject.books.accept(subject.resource, request.candidate, subject.row, entry)


# ------------------------------------------------------------------------------------------------ what is looked at


def _subject(deployment: Deployment, what: Wanted) -> Subject:
    try:
        sweep = _environment(deployment, deployment.output("SweepFunctionName"))
        looking = deployment.member or deployment.aws
        kind, scope, arn = _named(what, load(sweep), looking.account)
        if deployment.member and scope.account != looking.account:
            raise Refused(f"--member-profile has credentials of account {looking.account}, not of {scope.account}")
        # The kind's own function may be set otherwise than the sweep.
        standard = load(_environment(deployment, load(sweep).families[kind.KIND]))
        check_settings(standard)
        books = Books(deployment.aws, standard.ledger, standard.incident_days)
        notifier = Notifier(deployment.aws, standard.topic)
        run = Runtime(standard, looking, books, notifier, Clock())
        baseline = books.baselines(kind.KIND, scope.account, [arn], kind.revive).get(arn)
        # A bucket's ARN does not say its Region either.
        scope = replace(scope, region=getattr(baseline.state, "region", scope.region)) if baseline else scope
        resource = Resource(kind.KIND, scope.names[0], arn, scope.account, scope.region)
        return Subject(kind, scope, resource, run, books, books.row(resource), baseline)
    except RelightError as error:
        raise OperatorError(f"{what.resource} could not be looked up: {error}") from error


def _environment(deployment: Deployment, function: str) -> dict[str, str]:
    """What a deployed function is set to."""
    place = deployment.aws.home
    answer = place.read("lambda", "GetFunctionConfiguration", FunctionName=function) or {}
    variables: Mapping[str, Any] = answer.get("Environment", {}).get("Variables", {})
    return {**{name: str(value) for name, value in variables.items()}, "AWS_REGION": place.region}


def _named(what: Wanted, standard: Standard, otherwise: str) -> tuple[Kind, Scope, str]:
    """The kind and place of what an operator named, and its ARN. Raises Refused.

    It is looked for in the account `otherwise`, where nothing else says whose it is.
    """
    named = what.resource.removesuffix(":*")  # as CloudWatch Logs shows a log group's ARN
    is_arn = named.startswith("arn:")
    region, owner = f"{named}:::::".split(":")[3:5] if is_arn else ("", "")
    if not is_arn and what.kind is None:
        raise Refused(f"{named} is no ARN: say what it is with --kind, one of {', '.join(KIND_NAMES)}")
    if owner and what.account not in (None, owner):
        raise Refused(f"{named} is of account {owner}, not {what.account}: leave out --account")
    account, region = owner or what.account or otherwise, region or standard.region
    if account != standard.account and not (standard.organization and re.fullmatch(ACCOUNT, account)):
        raise Refused(f"{what.resource} is nothing that Relight guards: this stack does not serve account {account}")
    for kind in GUARDED:
        prefix = kind.arn(standard.partition, account, region, "")
        if what.kind in (None, kind.KIND) and (named.startswith(prefix) or not is_arn):
            # Of some kinds there is one in a Region: then the prefix is all of its ARN.
            name = named.removeprefix(prefix) or prefix.rpartition(":")[2]
            return kind, Scope(account, region, names=(name,)), kind.arn(standard.partition, account, region, name)
    raise Refused(
        f"{what.resource} is nothing that Relight guards in account {account}"
        + (f" as a {what.kind}" if what.kind else "")
        + f": kinds are {', '.join(KIND_NAMES)}; Relight's own parts are accepted by deploying them"
    )


def _present(subject: Subject) -> Observed[Any]:
    """The live resource, its state whole. Raises Refused."""
    arn = subject.resource.arn
    try:
        observed = subject.observe()
    except RelightError as error:
        raise OperatorError(f"{arn} could not be read, so there is nothing to accept: {error}") from error
    if observed is None:
        raise Refused(f"{arn} is none of Relight's business: nothing that it guards uses it{subject.whose}")
    if observed.out_of_reach:
        raise Refused(f"{arn} is out of reach: {observed.out_of_reach}{subject.whose}")
    if observed.state is None:
        raise Refused(f"{arn} does not exist; if it is gone for good: relight forget it in the same way")
    if not fits(observed.state):
        raise Refused(f"{arn} is too large to be kept as a baseline: DynamoDB takes 400 KB an item")
    if not is_whole(observed.state):
        raise Refused(f"{arn} could be read only in part, and a baseline must be whole: look at your permissions")
    return observed


def _still_there(subject: Subject) -> str:
    """What speaks against its being gone; empty where nothing does."""
    try:
        observed = subject.observe()
    except RelightError as error:
        return f"could not be looked at ({error})"
    if observed and observed.out_of_reach:
        return f"is out of reach ({observed.out_of_reach})"
    return "still exists" if observed and observed.state is not None else ""


def _judged(subject: Subject, state: Any) -> tuple[Finding, ...]:
    """What the controls will say of the state once it is the baseline. Raises Refused where one cannot."""
    itself = Baseline(state, frozenset(), subject.run.clock.now())
    findings = judge(subject.kind.KIND, state, subject.run.standard, itself)
    unknown = [f"{f.control}: {f.note}" for f in findings if f.outcome is Outcome.UNKNOWN]
    if unknown:
        raise Refused(f"{subject.resource.arn} cannot be judged, so it cannot be accepted: {'; '.join(unknown)}")
    return exempt(findings, subject.resource.arn, subject.run.standard, subject.run.clock.now().date())[0]


def _candidate(subject: Subject, state: Any, findings: tuple[Finding, ...]) -> Baseline[Any]:
    """The state as a baseline, looked at first just now: what it lacks was not lacking before."""
    before = subject.baseline
    judged = {f.control for f in findings}
    met = {f.control for f in findings if f.outcome in MET}
    unjudged = (before.controls if before else frozenset()) - judged
    return Baseline(state, frozenset(met | unjudged), subject.run.clock.now(), before.revision if before else 0)


def _difference(before: Baseline[Any] | None, after: Baseline[Any], findings: tuple[Finding, ...]) -> Iterator[str]:
    old, new = _values(before), _values(after)
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield f"{clean(name)}: {shown(old.get(name))} → {shown(new.get(name))}"
    lost = (before.controls if before else frozenset()) - after.controls
    for finding in findings:
        if finding.control in lost:
            yield f"no longer met: {finding.control}, {finding.title}"
        if finding.control not in after.controls and finding.mode is Mode.ENFORCE:
            yield f"{finding.control} is still enforced by the standard: Relight goes on repairing it"


def _values(baseline: Baseline[Any] | None) -> Mapping[str, Any]:
    return lasting(baseline.state) if baseline else {}


# ------------------------------------------------------------------------------------------------ what is told


def message(resource: Resource, entry: Entry, lines: Sequence[str]) -> Message:
    """What everybody is told of it. Pure."""
    words, person = WORDS[entry.action], Actor(arn=entry.who).name
    said = f"{person} {words.said.format(f'{resource.kind} {resource.name}')}"
    changes = [clean(line) for line in lines[:LINES]]
    text = [
        clean(f"{said}."),
        "",
        f"  Resource    {clean(resource.arn)}",
        f"  Account     {clean(resource.account)}, Region {clean(resource.region)}",
        f"  By          {clean(entry.who)}",
        f"  At          {entry.at:%Y-%m-%d %H:%M:%S %Z}",
        f"  Reason      {clean(entry.reason)}",
        "",
        words.what,
        *(f"  {change}" for change in changes),
        "",
        "WHAT TO DO",
        f"  Ask whether {clean(person)} meant this: it weakens what Relight restores.",
        f"  The ledger keeps what was there before, under audit#{resource.account}#{resource.kind}.",
    ]
    identity = {"kind": resource.kind, "name": resource.name, "arn": resource.arn}
    told = {"resource": identity, "who": entry.who, "reason": entry.reason, "at": entry.at.isoformat()}
    return Message(
        subject=subject_line(f"[{Severity.HIGH}] {said}"),
        text="\n".join(text) + "\n",
        data={"version": 1, words.outcome: {**told, "changes": changes}},
        attributes={
            "severity": Severity.HIGH,
            "account": resource.account,
            "region": resource.region,
            "outcome": words.outcome,
        },
    )
