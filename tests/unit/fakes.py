"""Stand-ins that hold state: a boto3 session with prepared answers, a ledger, a notifier and a clock."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from relight.aws import Aws, Members
from relight.clock import Clock
from relight.incident import from_data, to_data
from relight.ledger import TELLING, Ledger, Noted
from relight.message import Message
from relight.model import Baseline, Call, Incident, Resource
from relight.notify import Notifier
from relight.policy.state import lasting
from tests.unit.builders import ACCOUNT, NOON, REGION, accepted_by_botocore

# A list is a listing of several pages.
Answer = Mapping[str, Any] | list[Any] | Exception | Callable[..., Any]


class Crash(Exception):
    """The function is killed here."""


def refused(code: str, message: str = "no") -> ClientError:
    """What botocore raises where AWS answers with an error."""
    return ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


@dataclass
class FakeSession:
    """A boto3 session: one answer for each ``service:Operation``; any other call fails the test.

    An answer is a mapping, an exception, or a function of the Region and the parameters. Parameters are checked against
    botocore's service models, except those of services that exist in tests only.
    """

    answers: Mapping[str, Answer]
    calls: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)  # the access key of each call; empty: the function's own
    invented: frozenset[str] = frozenset({"lamps"})

    def client(self, service: str, region_name: str, config: object, **credentials: str) -> _FakeClient:
        assert config is not None
        return _FakeClient(self, service, region_name, credentials.get("aws_access_key_id", ""))

    def answer(self, region: str, service: str, method: str, params: Mapping[str, Any], key: str) -> Any:
        operation = "".join(word.capitalize() for word in method.split("_"))
        name = f"{service}:{operation}"
        if service not in self.invented:
            accepted_by_botocore(Call(service, operation, params))
        self.calls.append((region, name, params))
        self.keys.append(key)
        assert name in self.answers, f"a call that the test does not expect: {name} {params}"
        found = self.answers[name]
        if isinstance(found, Exception):
            raise found
        return found(region, **params) if callable(found) else found

    @property
    def names(self) -> list[str]:
        """The calls made, as ``service:Operation``."""
        return [name for _, name, _ in self.calls]


@dataclass
class _FakeClient:
    session: FakeSession
    service: str
    region: str
    key: str

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return lambda **params: self.session.answer(self.region, self.service, method, params, self.key)

    def get_paginator(self, method: str) -> _Pages:
        return _Pages(self, method)


@dataclass
class _Pages:
    client: _FakeClient
    method: str

    def paginate(self, **params: Any) -> Iterator[Any]:
        params.pop("PaginationConfig", None)
        client = self.client
        answer = client.session.answer(client.region, client.service, self.method, params, client.key)
        yield from answer if isinstance(answer, list) else [answer]


def fake_aws(**answers: Answer) -> tuple[Aws, FakeSession]:
    """The real Aws on a fake session; answers are named ``service__Operation``."""
    session = FakeSession({name.replace("__", ":"): answer for name, answer in answers.items()})
    return Aws(ACCOUNT, REGION, session, hands=1), session


ORGANIZATION = "o-a1b2c3d4e5"
MEMBERS = Members(ORGANIZATION, "relight-member", "relight-TrailFunction-1X2Y", "aws")
HOUR = timedelta(hours=1)


def fake_hub(clock: Clock | None = None, **answers: Answer) -> tuple[Aws, FakeSession]:
    """A hub's Aws on a fake session; STS lends each account's role for an hour, with a new access key each time."""
    clock = clock or FakeClock()
    lent: list[str] = []  # roles

    def assume_role(_region: str, RoleArn: str, **_: str) -> Mapping[str, Any]:  # noqa: N803  as AWS spells parameters
        lent.append(RoleArn)
        keys = {"AccessKeyId": f"ASIA-{RoleArn.split(':')[4]}-{len(lent)}", "SecretAccessKey": "s", "SessionToken": "t"}
        return {"Credentials": {**keys, "Expiration": clock.now() + HOUR}}

    every = {"sts__AssumeRole": assume_role, **answers}
    session = FakeSession({name.replace("__", ":"): answer for name, answer in every.items()})
    return Aws(ACCOUNT, REGION, session, hands=1, members=MEMBERS, clock=clock), session


class FakeClock(Clock):
    """Starts at NOON plus ten seconds; time passes only by sleeping."""

    def __init__(self) -> None:
        self.moment = NOON + timedelta(seconds=10)
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.moment += timedelta(seconds=seconds)


@dataclass
class Row:
    """An incident's row."""

    body: str
    status: str = "intended"
    told: str = ""
    telling: datetime | None = None
    teller: str = ""


class FakeLedger(Ledger):
    """The table in memory, with the real one's conditions: test_ledger.py runs the same tests on both.

    `crash` names steps (``before open``, ``after claim`` …) at which it raises Crash, once each.
    """

    def __init__(self) -> None:
        self.states: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.rows: dict[tuple[str, str], Row] = {}
        self.attacks: dict[tuple[str, ...], int] = {}
        self.crash: set[str] = set()

    def baselines(
        self, kind: str, account: str, arns: Iterable[str], revive: Callable[[Mapping[str, Any]], Any]
    ) -> dict[str, Baseline[Any]]:
        wanted = set(arns)
        every = self.baselines_under(kind, account, "", revive)
        return {arn: each for arn, each in every.items() if arn in wanted}

    def baselines_under(
        self, kind: str, account: str, prefix: str, revive: Callable[[Mapping[str, Any]], Any]
    ) -> dict[str, Baseline[Any]]:
        return {
            arn: Baseline(revive(json.loads(row["state"])), row["controls"], row["since"], row["revision"])
            for (its_account, its_kind, arn), row in self.states.items()
            if (its_account, its_kind) == (account, kind) and arn.startswith(prefix)
        }

    def regions(self, kind: str, account: str, prefix: str) -> dict[str, str]:
        return {
            arn: arn.split(":")[3] or json.loads(row["state"]).get("region", "")
            for (*whose, arn), row in self.states.items()
            if whose == [account, kind] and arn.startswith(prefix)
        }

    def keep(self, resource: Resource, baseline: Baseline[Any]) -> bool:
        self._step("before keep")
        place = (resource.account, resource.kind, resource.arn)
        if baseline.revision != self.states.get(place, {"revision": 0})["revision"]:
            return False
        self.states[place] = {
            "state": json.dumps(lasting(baseline.state)),
            "controls": baseline.controls,
            "since": baseline.since,
            "revision": baseline.revision + 1,
        }
        return True

    def keep_all(self, baselines: Sequence[tuple[Resource, Baseline[Any]]]) -> list[bool]:
        return [self.keep(*each) for each in baselines]

    def open_all(self, key: str, incidents: Sequence[Incident], now: datetime) -> list[Incident | None]:
        return [self.open(key, each, now) for each in incidents]

    def note_all(self, key: str, incidents: Sequence[Incident], now: datetime, *, told: bool = False) -> None:
        self._step("before note")
        for each in incidents:
            row = self.rows.get((key, each.resource.arn))
            if told:
                self.told(key, each, now)
            elif not (row and row.told):
                self.rows[key, each.resource.arn] = Row(json.dumps(to_data(each)), "repaired")

    def open(self, key: str, incident: Incident, now: datetime) -> Incident | None:  # noqa: ARG002  the row never expires
        self._step("before open")
        if found := self.find(key, incident.resource.arn):
            return found
        self.rows[key, incident.resource.arn] = Row(json.dumps(to_data(incident)))
        self._step("after open")
        return None

    def find(self, key: str, arn: str) -> Incident | None:
        row = self.rows.get((key, arn))
        return from_data(json.loads(row.body)) if row else None

    def noted(self, key: str) -> Noted:
        return Noted(unfinished=self._with_status(key, "intended"), untold=self._with_status(key, "repaired"))

    def _with_status(self, key: str, status: str) -> list[Incident]:
        return [
            from_data(json.loads(row.body)) for (k, _), row in self.rows.items() if k == key and row.status == status
        ]

    def claim(self, key: str, incident: Incident, now: datetime, teller: str, *, once: bool = False) -> bool:
        self._step("before claim")
        body = json.dumps(to_data(incident))
        row = self.rows.setdefault((key, incident.resource.arn), Row(body))
        taken = row.telling is not None and row.telling >= now and row.teller != teller
        if (row.told if once else row.told == incident.outcome) or taken:
            return False
        row.body, row.status, row.telling, row.teller = body, "repaired", now + TELLING, teller
        self._step("after claim")
        return True

    def release(self, key: str, incident: Incident, teller: str) -> None:
        row = self.rows.get((key, incident.resource.arn))
        if row and row.teller == teller:
            row.telling = None

    def told(self, key: str, incident: Incident, now: datetime) -> None:  # noqa: ARG002
        self._step("before told")
        row = self.rows.setdefault((key, incident.resource.arn), Row(json.dumps(to_data(incident))))
        row.status, row.told, row.telling = "told", incident.outcome, None
        self._step("after told")

    def contest(self, resource: Resource, now: datetime) -> int:
        place = (resource.account, resource.kind, resource.arn, f"{now:%Y-%m-%dT%H}")
        self.attacks[place] = self.attacks.get(place, 0) + 1
        return self.attacks[place]

    def _step(self, step: str) -> None:
        if step in self.crash:
            self.crash.remove(step)
            raise Crash(step)


class FakeNotifier(Notifier):
    """Keeps what it was given to tell."""

    def __init__(self) -> None:
        self.told: list[Incident] = []
        self.sent: list[Message] = []
        self.fails: list[Exception] = []

    def publish(self, incident: Incident) -> None:
        if self.fails:
            raise self.fails.pop()
        self.told.append(incident)

    def send(self, message: Message) -> None:
        self.sent.append(message)
