"""EventBridge's and Lambda's part: carries events to the deployed rules' targets, with the deployed retries.

A rule may lead to one more bus, in any account and Region, and never from there to a third: EventBridge does not carry
on what came from another bus (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-bus-to-bus.html).

One thread delivers one thing at a time, at once: no delay, no back-off, so that what a test waits for is work, never
time. In AWS, events stop while no trail logs; here they are always delivered, for nobody says when exactly they stop.
"""

import json
import queue
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from threading import Condition, Thread
from typing import Any
from uuid import uuid4

from moto.awslambda.models import EventSourceMapping, LambdaFunction
from moto.backends import get_backend
from moto.events.models import EventBus, Rule

from local import buses, rules
from local.place import Place
from local.runtime import Invocation, Runtime
from local.settings import ACCOUNT, REGION
from local.stack import Function, Stack

# A message that still fails after so many rounds, on a queue without a dead-letter queue, is left alone.
_MAX_ROUNDS = 20
# What EventBridge writes on the letter of a target that it may not invoke, or that is gone; it tries that once only
# (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html).
_NO_PERMISSION = {
    "ERROR_CODE": "NO_PERMISSIONS",
    "ERROR_MESSAGE": "EventBridge is not authorized to invoke the target.",
    "RETRY_ATTEMPTS": "0",
}
_NO_RESOURCE = {**_NO_PERMISSION, "ERROR_CODE": "NO_RESOURCE", "ERROR_MESSAGE": "The target does not exist."}


class UnsettledError(Exception):
    """Something was still under way when the wait for it ended."""


@dataclass(frozen=True)
class _Job:
    title: str
    run: Callable[[], None]


class Delivery:
    """Delivers until stopped; knows what is under way, and keeps every invocation."""

    def __init__(
        self, stack: Stack, runtime: Runtime, at: Callable[[str, str], Place], heard: Callable[[Invocation], None]
    ) -> None:
        self._stack, self._runtime, self._at, self._heard = stack, runtime, at, heard
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._under_way: list[str] = []
        self._changed = Condition()
        self._thread = Thread(target=self._work, name="delivery", daemon=True)
        self.failures: list[Exception] = []  # of the delivery itself, never of a function
        own_the_mappings()
        self._thread.start()

    def stop(self) -> None:
        self._jobs.put(None)
        self._thread.join()

    def settle(self, timeout: float = 30) -> None:
        """Waits until nothing is under way."""
        with self._changed:
            settled = self._changed.wait_for(lambda: not self._under_way, timeout)
            if not settled:
                raise UnsettledError(f"still under way after {timeout:g} s: {'; '.join(self._under_way)}")
        if self.failures:
            raise UnsettledError("an event could not be delivered") from self.failures.pop()

    def post(self, event: dict[str, Any], deaf: Collection[str] = ()) -> None:
        """Gives an event to its account's and Region's default bus; functions of the `deaf` families do not hear it."""
        self.put(event, buses.default(event["account"], event["region"]), deaf)

    def put(
        self, event: dict[str, Any], bus: EventBus, deaf: Collection[str] = (), *, was_carried: bool = False
    ) -> None:
        """The same for any bus; one that `was_carried` from another bus is not carried to a third."""
        for rule in rules.matching(event, bus):
            for target in rule.targets:
                function = self._stack.function(target["Arn"])
                if function is not None and function.family in deaf:
                    continue
                title = f"{event['detail'].get('eventName', event['detail-type'])} → {target['Arn'].rpartition(':')[2]}"
                if not buses.is_bus(target["Arn"]):
                    self._add(title, partial(self._deliver, event, target, rule.arn))
                elif not was_carried:
                    self._add(title, partial(self._carry, event, target, rule, deaf))

    def poll(self, queue_url: str) -> None:
        """Lets the functions that are mapped to a queue look into it."""
        account, name = queue_url.rsplit("/", 2)[1:]
        for mapping in _mappings():
            if mapping.enabled and mapping.event_source_arn.split(":")[4:] == [account, name]:
                self._add(f"{name} → {mapping.function_arn}", partial(self._consume, mapping))

    def invoke(
        self, function: Function, payload: Any, *, request_id: str | None = None, awaited: bool = False
    ) -> Invocation:
        """Runs a function now and waits for it."""
        invocation = self._runtime.invoke(function, payload, request_id or str(uuid4()), awaited=awaited)
        self._heard(invocation)
        return invocation

    def invoke_later(self, function: Function, payload: Any) -> None:
        self._add(f"event → {function.name}", partial(self._invoke_async, function, payload))

    def _add(self, title: str, run: Callable[[], None]) -> None:
        with self._changed:
            self._under_way.append(title)
        self._jobs.put(_Job(title, run))

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job.run()
            except Exception as failure:  # noqa: BLE001 (the thread must live on; settle raises it)
                self.failures.append(failure)
            with self._changed:
                self._under_way.remove(job.title)
                self._changed.notify_all()

    def _carry(self, event: dict[str, Any], target: dict[str, Any], rule: Rule, deaf: Collection[str]) -> None:
        """To another bus, as it is: account and Region stay those where it happened."""
        bus = buses.named(target["Arn"])
        if bus is not None and buses.may_send(rule, target, bus):
            self.put(event, bus, deaf, was_carried=True)
        else:
            self._give_up(event, target, rule.arn, _NO_PERMISSION)

    def _deliver(self, event: dict[str, Any], target: dict[str, Any], rule_arn: str) -> None:
        if target.keys() & {"Input", "InputPath", "InputTransformer"}:
            raise NotImplementedError("the local AWS delivers events as they are, not transformed ones")
        arn = target["Arn"]
        service = arn.split(":")[2]
        if service == "sqs":
            if not self._send(arn, event):
                self._give_up(event, target, rule_arn, _NO_RESOURCE)
        elif service == "lambda":
            function = self._stack.function(arn)
            if function is not None and _is_permitted(function, rule_arn):
                self._invoke_async(function, event)
            else:
                self._give_up(event, target, rule_arn, _NO_PERMISSION)
        else:
            raise NotImplementedError(f"the local AWS delivers to functions, queues and buses, not to {arn}")

    def _give_up(self, event: dict[str, Any], target: dict[str, Any], rule_arn: str, why: Mapping[str, str]) -> None:
        if "DeadLetterConfig" in target:
            about = {"RULE_ARN": rule_arn, "TARGET_ARN": target["Arn"], **why}
            self._send(target["DeadLetterConfig"]["Arn"], event, **about)

    def _invoke_async(self, function: Function, event: Any) -> None:
        attempts = function.retries + 1
        request_id = str(uuid4())  # Lambda's retries of an event all have the same
        for _ in range(attempts):
            invocation = self.invoke(function, event, request_id=request_id)
            if invocation.error is None:
                return
        if function.on_failure:
            self._send(function.on_failure, _failure_record(function, invocation, request_id, attempts))

    def _send(self, queue_arn: str, body: Any, **attributes: str) -> bool:
        """Whether the queue is there: what would go to none is lost, and AWS only counts it in a metric."""
        sqs = self._sqs(queue_arn)
        try:
            url = _url(sqs, queue_arn)
        except sqs.exceptions.QueueDoesNotExist:
            return False
        told = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(body), MessageAttributes=told)
        return True

    def _consume(self, mapping: EventSourceMapping) -> None:
        """Lambda's poller: what the function does not report as failed is deleted, the rest comes again."""
        function = self._stack.function(mapping.function_arn)
        sqs = self._sqs(mapping.event_source_arn)
        url = _url(sqs, mapping.event_source_arn)
        for _ in range(_MAX_ROUNDS if function else 0):
            messages = _receive(sqs, url, mapping.batch_size)
            if not messages or function is None:
                return
            records = [_record(message, mapping.event_source_arn) for message in messages]
            failed = set(_failed_items(self.invoke(function, {"Records": records}), mapping, records))
            for message in messages:
                receipt = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
                if message["MessageId"] in failed:
                    sqs.change_message_visibility(**receipt, VisibilityTimeout=0)
                else:
                    sqs.delete_message(**receipt)

    def _sqs(self, queue_arn: str) -> Any:
        """A client where the queue is."""
        _, _, _, region, account, _ = queue_arn.split(":")
        return self._at(account, region).client("sqs")


def _receive(sqs: Any, url: str, count: int) -> list[dict[str, Any]]:
    answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=min(count, 10), MessageSystemAttributeNames=["All"])
    messages: list[dict[str, Any]] = answer.get("Messages", [])
    return messages


def _url(sqs: Any, queue_arn: str) -> str:
    return str(sqs.get_queue_url(QueueName=queue_arn.rpartition(":")[2])["QueueUrl"])


def _mappings() -> Iterator[EventSourceMapping]:
    yield from list(get_backend("lambda")[ACCOUNT][REGION]._event_source_mappings.values())  # noqa: SLF001 (moto has no other way)


def own_the_mappings() -> None:
    """Keeps moto from invoking mapped functions itself, which it would do in a container."""
    for sqs_queue in get_backend("sqs")[ACCOUNT][REGION].queues.values():
        sqs_queue.lambda_event_source_mappings.clear()


def _is_permitted(function: Function, rule_arn: str) -> bool:
    """May EventBridge invoke the function for this rule? A rule without that permission is a rule that does nothing."""
    deployed: LambdaFunction = get_backend("lambda")[ACCOUNT][REGION].get_function(function.name)
    return any(
        statement.get("Principal") == {"Service": "events.amazonaws.com"}
        and statement.get("Condition", {}).get("ArnLike", {}).get("AWS:SourceArn", rule_arn) == rule_arn
        for statement in deployed.policy.statements
    )


def _record(message: dict[str, Any], queue_arn: str) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": REGION,
    }


def _failed_items(invocation: Invocation, mapping: EventSourceMapping, records: list[dict[str, Any]]) -> list[str]:
    """The messages to try again: those reported, or all when the function failed or reported what nobody sent."""
    every = [record["messageId"] for record in records]
    if invocation.error is not None:
        return every
    if "ReportBatchItemFailures" not in (mapping.function_response_types or []):
        return []
    reported = [item.get("itemIdentifier") for item in (invocation.result or {}).get("batchItemFailures") or []]
    return every if set(reported) - set(every) else reported


def _failure_record(function: Function, invocation: Invocation, request_id: str, attempts: int) -> dict[str, Any]:
    """What Lambda sends to an on-failure destination."""
    return {
        "version": "1.0",
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"{function.arn}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": attempts,
        },
        "requestPayload": invocation.event,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": invocation.error,
    }
