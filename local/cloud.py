"""The local AWS itself: moto behind the gateway, the deployed stack, and delivery between them."""

import itertools
import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from moto.moto_api._internal import mock_random, moto_api_backend
from moto.sts.models import AssumedRole

from local import (
    access,
    buses,
    cloudtrail,
    delivery,
    history,
    identity,
    memory,
    monitoring,
    queues,
    scale,
    stack,
    trails,
)
from local.cloudtrail import Client
from local.delivery import Delivery
from local.gateway import Gateway, Refusal
from local.inbox import Notification, published
from local.place import Key, Place
from local.runtime import Invocation, Runtime, environment
from local.settings import ACCOUNT, LOOPBACK, PARTITION, PROJECT, REGION, STACK
from local.shortcut import shortcut
from local.stack import Function, Stack
from local.wire import Answer, Call

_NOBODY: Key = ("testing", "testing")  # the account's own hands: CloudFormation, EventBridge, Lambda
# What AWS Organizations makes in each account that it creates, for the management account to act there
# (https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_access.html).
ADMINISTRATOR = "OrganizationAccountAccessRole"


@dataclass(frozen=True)
class Remembered:
    """An account as it once was: what moto holds, what chance comes next, what is deployed."""

    memory: memory.Memory
    chance: Any
    stack: Stack | None
    runtime: Runtime


class LocalAws(Place):
    """One account in one Region, where Relight is deployed; `at` leads to all others.

    There is one in a process, for moto keeps its state there. Use it as a context manager; `reset` empties it, as often
    as wanted.
    """

    def __init__(self, host: str = LOOPBACK, port: int = 0) -> None:
        trails.put_right()
        queues.put_right()
        scale.put_right()
        buses.put_right()
        self._gateway = Gateway(self)
        self._gateway.start(host, port)
        self._scratch = self._runtime = Runtime()
        self._delivery: Delivery | None = None
        self._stack: Stack | None = None
        super().__init__(self._gateway.url, ACCOUNT, REGION, _NOBODY)
        self._places: dict[tuple[str, str], Place] = {}
        self.calls: dict[str, set[tuple[str, str]]] = defaultdict(set)  # by family: (service, operation)
        self.calls_as_member: dict[str, set[tuple[str, str]]] = defaultdict(set)  # in a role of another place
        self.records: list[dict[str, Any]] = []
        self.invocations: list[Invocation] = []
        self.delivers = True  # whether EventBridge hears of calls at all
        self.held: list[dict[str, Any]] | None = None  # while it is a list, events wait in it, for `delivery.post`
        self.notifications: list[Notification] = []
        self.on_notification: Callable[[Notification], None] = lambda _: None
        self.on_failure: Callable[[Invocation], None] = lambda _: None
        self.on_call: Callable[[Call], None] = lambda _: None  # before it takes effect

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_delivery()
        self._gateway.stop()

    @property
    def stack(self) -> Stack:
        if self._stack is None:
            raise RuntimeError("nothing has been deployed yet")
        return self._stack

    @property
    def delivery(self) -> Delivery:
        if self._delivery is None:
            raise RuntimeError("nothing has been deployed yet")
        return self._delivery

    def reset(self) -> None:
        """Back to an account with nothing in it."""
        self._stop_delivery()
        self._stack = None
        moto_api_backend.reset()
        mock_random.seed(0)  # the same names and ids each time, so that functions stay warm
        self._forget_keys()
        self.forget()

    def remember(self) -> Remembered:
        """All that there is now, to be recalled as often as wanted; nothing may be under way."""
        self._stop_delivery()
        found = Remembered(memory.taken(), mock_random.getstate(), deepcopy(self._stack), self._runtime)
        if self._stack:
            self._scratch = Runtime()  # what is deployed later must not change these functions
        self.recall(found)
        return found

    def recall(self, remembered: Remembered) -> None:
        """Back to what was remembered, with functions that are still warm, unless they are a hub's."""
        self._stop_delivery()
        memory.put_back(remembered.memory)
        mock_random.setstate(remembered.chance)
        self._forget_keys()
        self._stack, self.delivers = deepcopy(remembered.stack), True
        if self._stack:
            self._runtime = remembered.runtime
            if self._stack.is_hub:
                self._runtime.cool()
            self._delivery = Delivery(self._stack, self._runtime, self.at, self._heard)
        self.forget()

    def forget(self) -> None:
        """Empties the inbox and the logs of what happened so far; the calls of the functions are kept throughout."""
        for kept in (self.records, self.invocations, self.notifications):
            kept.clear()

    def deploy(self, template: Path = PROJECT / "template.yaml", **parameters: str) -> Stack:
        """Creates the stack and sets it to work; the sweep does not run before `announce`."""
        self._stop_delivery()  # of a stack that was deployed before: two would run the same functions at once
        self._stack = stack.deploy(self, template, **parameters)
        self._runtime = self._scratch
        self._runtime.load(self._stack.functions.values(), self.url, self.role_credentials)
        self._delivery = Delivery(self._stack, self._runtime, self.at, self._heard)
        return self._stack

    def announce(self, status: str = "CREATE_COMPLETE", deaf: Collection[str] = ()) -> None:
        """CloudFormation's own event about the stack, which makes the sweep and the guards run, but the `deaf` ones."""
        detail = {
            "stack-id": self.stack.id,
            "logical-resource-id": STACK,
            "physical-resource-id": self.stack.id,
            "status-details": {"status": status, "status-reason": ""},
            "resource-type": "AWS::CloudFormation::Stack",
            "client-request-token": "",
        }
        event = cloudtrail.envelope("aws.cloudformation", "CloudFormation Stack Status Change", ACCOUNT, REGION, detail)
        self.delivery.post({**event, "resources": [self.stack.id]}, deaf)

    def post(self, event: dict[str, Any]) -> None:
        """Gives an event to EventBridge, or holds it back."""
        if not self.delivers:
            return
        if self.held is None:
            self.delivery.post(event)
        else:
            self.held.append(event)

    def settle(self, timeout: float = 30) -> None:
        """Waits until every event has been delivered and everything that came of it is done."""
        self.delivery.settle(timeout)

    def at(self, account: str, region: str) -> Place:
        """Another account, or another Region: what is done there, its own hands do."""
        if (account, region) == (self.account, self.region):
            return self
        if (account, region) not in self._places:
            key = _NOBODY if account == self.account else self._administrator(account)
            self._places[account, region] = Place(self.url, account, region, key)
        return self._places[account, region]

    def _administrator(self, account: str) -> Key:
        arn = f"arn:{PARTITION}:iam::{account}:role/{ADMINISTRATOR}"
        taken = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="administrator")["Credentials"]
        return taken["AccessKeyId"], taken["SecretAccessKey"]

    @contextmanager
    def shortcut(self) -> Iterator[None]:
        """While this lasts, this process's own clients and functions reach the gateway without a socket."""
        with shortcut(self._gateway):
            yield

    @contextmanager
    def refuse(
        self,
        family: str | None,
        action: str,
        code: str = "AccessDeniedException",
        *,
        times: int | None = None,
        when: Callable[[Call], bool] = lambda _: True,
        fault: tuple[bool, bool] = (False, False),
    ) -> Iterator[None]:
        """Lets AWS refuse a call ("cloudtrail:GetTrailStatus") to one function: always, or the first few times.

        Without a family, to everybody who is no function.
        `fault` are a Refusal's `broken` and `after`.
        """
        left = itertools.count() if times is None else iter(range(times))
        service, _, operation = action.partition(":")

        def is_met(call: Call) -> bool:
            return self.caller(call) == family and when(call) and next(left, None) is not None

        with self._gateway.refuse(Refusal(service, operation, code, is_met, *fault)):
            yield

    def intercept(self, call: Call) -> Answer | None:
        """Lambda's Invoke, which moto would run in a container, and what moto lacks of monitoring and CloudTrail."""
        self.on_call(call)
        if (call.service, call.name) != ("lambda", "Invoke") or self._delivery is None or not _is_home(call):
            return self._answer(call)
        function = self.stack.function(call.uri["FunctionName"])
        if function is None:
            return None
        payload = json.loads(call.request.data or b"{}")
        if call.request.headers.get("X-Amz-Invocation-Type") == "Event":
            self._delivery.invoke_later(function, payload)
            return Answer(202, {}, b"")
        invocation = self._delivery.invoke(function, payload, awaited=self.caller(call) is not None)
        headers = {"X-Amz-Function-Error": "Unhandled"} if invocation.error else {}
        body = json.dumps(invocation.error or invocation.result).encode()
        return Answer(200, {"Content-Type": "application/json", **headers}, body)

    def _answer(self, call: Call) -> Answer | None:
        found = access.answer(call) or monitoring.answer(call) or history.answer(call, self.records)
        return found or (buses.answer(call, self._delivery.put) if self._delivery else None)

    def observe(self, call: Call, answer: Answer, client: Client, moment: datetime) -> None:
        """Writes CloudTrail's record and gives it to EventBridge; notes what the functions call."""
        session = identity.assumed_role(call)
        function = self._function(session)
        if session and function:
            calls = self.calls if session.role_arn == function.role else self.calls_as_member
            calls[function.family].add((call.service, call.name))
        if self._delivery is None:
            return
        if _is_home(call):
            self._hear(call, answer, self._delivery)
        if cloudtrail.is_recorded(call):
            record = cloudtrail.record(call, answer, client, moment)
            self.records.append(record)
            self.post(cloudtrail.event(record))

    def _hear(self, call: Call, answer: Answer, delivery_: Delivery) -> None:
        """What Lambda and security hear of where Relight is deployed."""
        if answer.status < 300 and (notification := published(call)):
            self.notifications.append(notification)
            self.on_notification(notification)
        if call.service == "sqs" and call.name in ("SendMessage", "SendMessageBatch") and answer.status < 300:
            delivery_.poll(str(call.parameters()["QueueUrl"]))
        if (call.service, call.name) == ("lambda", "CreateEventSourceMapping"):
            delivery.own_the_mappings()

    def caller(self, call: Call) -> str | None:
        """The family of the function that made a call, by its role's session; None of anybody else's."""
        function = self._function(identity.assumed_role(call))
        return function.family if function else None

    def _function(self, session: AssumedRole | None) -> Function | None:
        return self._stack.function(session.session_name) if session and self._stack else None

    def role_credentials(self, function: Function) -> dict[str, str]:
        """The environment by which a function acts as its role."""
        assumed = self.client("sts").assume_role(RoleArn=function.role, RoleSessionName=function.name)["Credentials"]
        return {
            "AWS_ACCESS_KEY_ID": assumed["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": assumed["SecretAccessKey"],
            "AWS_SESSION_TOKEN": "local",  # nobody checks it, and moto's is never the same twice
        }

    def environment(self, family: str) -> dict[str, str]:
        """What a function finds in its environment, for one that runs in a process of its own."""
        function = self.stack.functions[family]
        return environment(function, self.url) | self.role_credentials(function)

    def _heard(self, invocation: Invocation) -> None:
        self.invocations.append(invocation)
        if invocation.error:
            self.on_failure(invocation)

    def _forget_keys(self) -> None:
        """Keys that moto no longer knows are nobody's."""
        self._actors.clear()
        self._places.clear()

    def _stop_delivery(self) -> None:
        if self._delivery is not None:
            self._delivery.stop()
            self._delivery = None


def _is_home(call: Call) -> bool:
    """Whether it is made where Relight is deployed."""
    return (call.account, call.region) == (ACCOUNT, REGION)
