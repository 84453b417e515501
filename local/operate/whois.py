"""`relight whois`: whose an id is that a notification or a record shows, and the ARN where it can be found.

The id itself holds the account (`relight.policy.account_id`). What AWS says counts for more: STS knows a key's account,
IAM what the own account has, CloudTrail who used a key or was given it. Another account's user or role is looked for
only when asked for, because that writes something (`local.operate.stranger`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from local.operate import stranger
from local.operate.deployment import OperatorError, Refused
from local.show import Screen
from relight.aws import Aws, Place
from relight.clock import Clock
from relight.errors import AwsError, MalformedRecord
from relight.message import clean
from relight.plain import plain
from relight.policy.account_id import ACCOUNT, decoded
from relight.record import Record, dig, parse, text

KNOWN, NOTHING, UNASKED = 0, 1, 2  # exit status

# What an id's first four characters say
# (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids).
KINDS = {
    "ABIA": "service bearer token",
    "ACCA": "context-specific credential",
    "AGPA": "group",
    "AIDA": "user",
    "AIPA": "instance profile",
    "AKIA": "access key",
    "ANPA": "managed policy",
    "ANVA": "version of a managed policy",
    "APKA": "public key",
    "AROA": "role",
    "ASCA": "certificate",
    "ASIA": "temporary access key",
}
# How IAM lists what it gives ids to: operation, the list in its answer, and where in an item the id stands.
LISTED = {
    "AGPA": ("ListGroups", "Groups", "GroupId"),
    "AIDA": ("ListUsers", "Users", "UserId"),
    "AIPA": ("ListInstanceProfiles", "InstanceProfiles", "InstanceProfileId"),
    "ANPA": ("ListPolicies", "Policies", "PolicyId"),
    "AROA": ("ListRoles", "Roles", "RoleId"),
    "ASCA": ("ListServerCertificates", "ServerCertificateMetadataList", "ServerCertificateId"),
}
KEYS = ("AKIA", "ASIA")
PRINCIPALS = ("AIDA", "AROA")  # which a resource's policy can name
# STS and IAM take ids of 16 to 128 characters; what stands behind the colon is the session's name.
_ID = re.compile(rf"({'|'.join(KINDS)})[A-Z0-9]{{12,124}}")
# AWS's own policies have "aws" in the account's place.
_ARN = re.compile(r"arn:[a-z-]+:([a-z0-9-]+):[a-z0-9-]*:(?:(\d{12})|aws)?:.+", re.ASCII)


class Source(Enum):
    """Who says whose it is, the surest first."""

    IAM = "IAM of this account has it"
    POLICY = "IAM shows its ARN in a policy that names it"
    STS = "sts:GetAccessKeyInfo says so"
    STATED = "the id states it"
    CLOUDTRAIL = "CloudTrail recorded it"
    DECODED = "decoded from the id, which AWS does not promise: it can be wrong"


@dataclass(frozen=True)
class Clue:
    """What a source says; the account or the ARN may be empty."""

    source: Source
    account: str = ""
    arn: str = ""


@dataclass(frozen=True)
class Subject:
    """What was asked about. `session` is a name that whoever opened the session chose: untrusted."""

    id: str
    what: str
    kind: str = ""  # a key of KINDS
    session: str = ""
    stated: Clue = Clue(Source.STATED)


@dataclass
class Answer:
    """All that is known of it. `unasked`: what AWS did not answer, and why; `problems`: what went wrong in writing."""

    subject: Subject
    own: str = ""  # the operator's account; empty where nobody is signed in
    clues: list[Clue] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unasked: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def account(self) -> Clue | None:
        """Who says best whose it is."""
        return min((clue for clue in self.clues if clue.account), key=_rank, default=None)

    @property
    def arn(self) -> str:
        best = min((clue for clue in self.clues if clue.arn), key=_rank, default=None)
        return best.arn if best else ""

    @property
    def strange(self) -> bool:
        """A user or role that may be another account's, whose ARN is still unknown."""
        foreign = self.account is None or self.account.account != self.own
        return self.subject.kind in PRINCIPALS and foreign and not self.arn

    @property
    def contradictions(self) -> list[Clue]:
        """The clues that name another account than the best one."""
        best = self.account
        return [clue for clue in self.clues if best and clue.account not in ("", best.account)]

    @property
    def status(self) -> int:
        if self.problems or (self.unasked and not self.account and not self.arn):
            return UNASKED
        return KNOWN if self.account or self.arn else NOTHING

    def gather(self, clues: Iterable[Clue]) -> bool:
        """Takes what a source says; False where it could not be asked."""
        try:
            for clue in clues:
                self.clues.append(clue)
        except AwsError as error:
            self.unasked.append(str(error))
            return False
        return True


def _of_arn(source: Source, arn: str) -> Clue:
    found = _ARN.fullmatch(arn)
    return Clue(source, found[2] or "", arn) if found else Clue(source)


def _rank(clue: Clue) -> int:
    return list(Source).index(clue.source)


# --------------------------------------------------------------------------------------------------- the command


@dataclass(frozen=True)
class Options:
    """`confirmed` is shown what would be written, and says whether it may be."""

    resolve_foreign: bool
    as_json: bool
    confirmed: Callable[[str], bool]


def run(sign_in: Callable[[], tuple[Aws, str]], screen: Screen, given: str, options: Options) -> int:
    """Says whose an id is; the exit status. Raises Refused for what is no id."""
    answer = Answer(named(given))
    answer.gather(_told_by_itself(answer.subject))
    if answer.subject.kind in (*KEYS, *LISTED):
        _signed_in(answer, sign_in, options)
    if options.as_json:
        screen.line(json.dumps(to_data(answer), indent=2))
    else:
        show(answer, screen)
    return answer.status


def _signed_in(answer: Answer, sign_in: Callable[[], tuple[Aws, str]], options: Options) -> None:
    """Adds what the operator's credentials can tell."""
    try:
        aws, _ = sign_in()
    except OperatorError as error:
        (answer.problems if options.resolve_foreign else answer.unasked).append(str(error))
        return
    ask(answer, aws.home)
    if options.resolve_foreign:
        resolve(answer, aws.home, options.confirmed, Clock())
    elif answer.strange:
        answer.notes.append("if it is another account's, --resolve-foreign finds its ARN, by a throw-away role")


def named(given: str) -> Subject:
    """What a text names. Raises Refused, with what it may be."""
    unique_id, colon, session = given.strip().partition(":")
    if found := _ID.fullmatch(unique_id):
        return Subject(unique_id, KINDS[found[1]], found[1], session)
    if ACCOUNT.fullmatch(unique_id):
        what = "session of a federated user" if colon else "account; as a principalId, its root user"
        return Subject(unique_id, what, session=session, stated=Clue(Source.STATED, unique_id))
    if found := _ARN.fullmatch(given.strip()):
        return Subject(found[0], f"ARN of {found[1]}", stated=Clue(Source.STATED, found[2] or ""))
    raise Refused(
        f"{clean(given, 80)} is no id that AWS gives: pass an access key id, a unique id ({', '.join(KINDS)}, then 12"
        " or more capitals and digits), a principalId (such an id, a colon and a session's name), an ARN or an account"
    )


def _told_by_itself(subject: Subject) -> Iterator[Clue]:
    yield subject.stated
    if account := decoded(subject.id):
        yield Clue(Source.DECODED, account)


# ------------------------------------------------------------------------------------------------- what AWS says


def ask(answer: Answer, place: Place) -> None:
    """Adds what may be read: nothing is written."""
    answer.own = place.account
    if answer.subject.kind in KEYS:
        _ask_about_a_key(answer, place)
    elif answer.subject.kind in LISTED:
        _ask_iam(answer, place)


def _ask_about_a_key(answer: Answer, place: Place) -> None:
    key = answer.subject.id
    answer.gather(_issuer(place, key))
    # Of another account's key IAM says nothing.
    if answer.subject.kind == "AKIA" and (answer.account is None or answer.account.account == place.account):
        answer.gather(_owner(place, key))
    if not answer.arn:
        _ask_cloudtrail(answer, place)


def _issuer(place: Place, key: str) -> Iterator[Clue]:
    answer = place.read("sts", "GetAccessKeyInfo", AccessKeyId=key) or {}
    yield Clue(Source.STS, answer.get("Account", ""))


def _owner(place: Place, key: str) -> Iterator[Clue]:
    """The own account's user who has the key; nothing where IAM knows of none, as of the root user's."""
    last_used = place.read("iam", "GetAccessKeyLastUsed", ("NoSuchEntity",), AccessKeyId=key) or {}
    if name := last_used.get("UserName"):
        user = place.read("iam", "GetUser", ("NoSuchEntity",), UserName=name)
        yield _of_arn(Source.IAM, dig(user, "User", "Arn") or "")


def _ask_cloudtrail(answer: Answer, place: Place) -> None:
    """Who last used the key in this account, and who was given it."""
    key = answer.subject.id
    try:
        records = [*_history(place, "AccessKeyId", key), *_history(place, "ResourceName", key)]
    except AwsError as error:
        answer.unasked.append(str(error))
        return
    used = next((each for each in records if each.actor.access_key == key), None)
    given = next((each for each in records if dig(each.response, "credentials", "accessKeyId") == key), None)
    if used:
        answer.clues.append(Clue(Source.CLOUDTRAIL, used.actor.account, used.actor.issuer or used.actor.arn))
        answer.notes.append(f"last used in {place.region}: {_call(used)}")
    if given:
        answer.clues.append(_of_arn(Source.CLOUDTRAIL, text(given.request.get("roleArn"))))
        answer.notes.append(f"given out: {_call(given)}")
    if not used and not given:
        answer.notes.append(
            f"CloudTrail's event history of this account in {place.region}, 90 days, has no call with this key, nor who"
            " was given it: look in another --region, or in the key's own account"
        )


def _history(place: Place, attribute: str, value: str) -> Iterator[Record]:
    """The latest records of management events, the newest first, that can be read.

    By `ResourceName` a key is found where it was given out: AssumeRole and its kin list it among their resources.
    """
    wanted = [{"AttributeKey": attribute, "AttributeValue": value}]
    answer = place.read("cloudtrail", "LookupEvents", LookupAttributes=wanted) or {}
    for event in answer.get("Events", ()):
        with suppress(KeyError, ValueError, MalformedRecord):
            yield parse(json.loads(event["CloudTrailEvent"]))


def _call(record: Record) -> str:
    operation = f"{record.source.removesuffix('.amazonaws.com')}:{record.name}"
    refused = f", which ended in {record.error_code}" if record.error_code else ""
    address = record.actor.source_ip or "an unknown address"
    return f"{operation} by {record.actor.name} from {address} on {record.time:%Y-%m-%d %H:%M:%SZ}{refused}"


def _ask_iam(answer: Answer, place: Place) -> None:
    """Whatever the id says: what it decodes to can be wrong, and the own account's is soon looked through."""
    subject = answer.subject
    if not answer.gather(_listing(place, subject)) or answer.arn:
        return
    if answer.account is None or answer.account.account == place.account:
        answer.notes.append(f"IAM of account {place.account} has no such {subject.what}: deleted, or another account's")


def _listing(place: Place, subject: Subject) -> Iterator[Clue]:
    operation, key, name = LISTED[subject.kind]
    for item in place.pages("iam", operation, key, PaginationConfig={"PageSize": 1000}):
        if item.get(name) == subject.id:
            yield _of_arn(Source.IAM, item["Arn"])
            return


# -------------------------------------------------------------------------------------- what only a policy shows


def resolve(answer: Answer, place: Place, confirmed: Callable[[str], bool], clock: Clock) -> None:
    """Looks for another account's user or role by a throw-away role, if that is still needed and confirmed."""
    subject = answer.subject
    if not answer.strange:
        if subject.kind not in PRINCIPALS:
            answer.notes.append(f"--resolve-foreign is for users and roles, and this is another thing: {subject.what}")
        return
    role = stranger.role_for(subject.id)
    if not confirmed(stranger.plan(role, place.account)):
        answer.notes.append("nothing was written, so the ARN stays unknown")
        return
    found = stranger.resolve(place, role, clock)
    answer.problems += found.problems
    if found.arn:
        answer.clues.append(_of_arn(Source.POLICY, found.arn))
    elif not found.problems:
        answer.notes.append(f"IAM knows no {subject.what} by this id: deleted, or of another partition")


# ----------------------------------------------------------------------------------------------------- what is said


def show(answer: Answer, screen: Screen) -> None:
    for label, said in lines(answer):
        screen.line(f"  {label:<9} {plain(said)}")


def lines(answer: Answer) -> Iterator[tuple[str, str]]:
    """Label and text, for people."""
    subject, best = answer.subject, answer.account
    yield "Id", f"{subject.id} ({subject.what})"
    if subject.session:
        yield "Session", f"{subject.session} (a name that whoever opened it chose)"
    if best:
        own = ", this one" if best.account == answer.own else ""
        yield "Account", f"{best.account}{own} ({best.source.value})"
    else:
        yield "Account", "unknown: nothing tells it"
    for clue in answer.contradictions:
        yield "But", f"{clue.account} ({clue.source.value})"
    if subject.kind:
        yield "ARN", answer.arn or "unknown"
    for note in answer.notes:
        yield "Note", note
    for reason in answer.unasked:
        yield "Not asked", reason
    for problem in answer.problems:
        yield "Problem", problem


def to_data(answer: Answer) -> dict[str, Any]:
    """The same for programs: null is what nobody knows."""
    best = answer.account
    return {
        "id": answer.subject.id,
        "what": answer.subject.what,
        "session": answer.subject.session or None,
        "account": best.account if best else None,
        "account_by": best.source.name.lower() if best else None,
        "own": best.account == answer.own if best and answer.own else None,
        "arn": answer.arn or None,
        "contradicting": {clue.source.name.lower(): clue.account for clue in answer.contradictions},
        "notes": answer.notes,
        "unasked": answer.unasked,
        "problems": answer.problems,
    }
