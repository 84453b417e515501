"""What Lambda calls: takes an EventBridge event, a batch of SQS records, or the sweep's list of names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from relight import telemetry
from relight.accounts import Accounts
from relight.aws import Aws
from relight.batch import take_batch
from relight.case import Runtime
from relight.clock import Allotted, Clock
from relight.errors import MalformedRecord
from relight.ledger import Ledger
from relight.model import Scope
from relight.notify import Notifier
from relight.policy import check_settings, controls_of
from relight.reconcile import reconcile
from relight.record import Record, parse
from relight.resources.kind import Kind
from relight.standard import load
from relight.survey import SOURCE, survey

Handler = Callable[[Any, Any], Any]
Kinds = tuple[Kind, ...]
# As long as the last looks at what was sent may take, and their pauses.
MARGIN = timedelta(seconds=40)


def runtime() -> Runtime:
    """Settings and clients of this function. Raises InvalidSetting."""
    standard = load()
    check_settings(standard)
    aws = Aws.of(standard)
    return Runtime(
        standard=standard,
        aws=aws,
        ledger=Ledger(aws, standard.ledger, standard.incident_days),
        notifier=Notifier(aws, standard.topic),
        clock=Clock(),
    )


def handler_for(*kinds: Kind) -> Handler:
    """The Lambda handler of a family's function; settings are read and checked here, once."""
    every = _naming_accounts(runtime())

    def handle(event: Any, context: Any) -> Any:
        if isinstance(event, Mapping) and event.get("source") == SOURCE:
            return survey(every, kinds, event, _until(every, context))
        run = allotted(every, context)
        if isinstance(event, Mapping) and "Records" in event:
            return take_batch(partial(take_event, run, kinds), event)
        take_event(run, kinds, event, context.aws_request_id)
        return None

    return handle


def _naming_accounts(run: Runtime) -> Runtime:
    """A hub tells of many accounts, which people know by their aliases."""
    if not run.aws.is_hub:
        return run
    return replace(run, notifier=Notifier(run.aws, run.standard.topic, Accounts(run.aws).alias))


def allotted(run: Runtime, context: Any) -> Runtime:
    """The same for one invocation: ten events of a queue share its time, as do the resources of one."""
    return replace(run, clock=Allotted(run.clock, _until(run, context)))


def _until(run: Runtime, context: Any) -> datetime:
    """When to stop sending, so that what was sent can still be verified, noted and answered."""
    return run.clock.now() + timedelta(milliseconds=context.get_remaining_time_in_millis()) - MARGIN


def take_event(run: Runtime, kinds: Kinds, event: Any, teller: str, scope: Scope | None = None) -> None:
    """One CloudTrail event, about what it names or what `scope` does. A failed call changed nothing: it is passed over.

    Raises RelightError, or a group of them.
    """
    telemetry.logger.clear_state()  # whose event was before is nobody's business here
    try:
        record = parse(event)
        telemetry.begin(record)
        if record.error_code:
            telemetry.logger.info("passed over: the call failed", extra={"error_code": record.error_code})
            return
        _each_in_turn([partial(reconcile, run, kind, record, teller, scope) for kind in _triggered(kinds, record)])
    except Exception:
        telemetry.logger.exception("not settled; left to the retry")
        raise


def _each_in_turn(steps: Iterable[Callable[[], None]]) -> None:
    """Takes every step, whatever became of the one before. Raises what failed."""
    failures: list[Exception] = []
    for step in steps:
        try:
            step()
        except Exception as failure:  # noqa: BLE001 (it is raised below; the other kinds must not wait for it)
            failures.append(failure)
    if failures:
        raise failures[0] if len(failures) == 1 else ExceptionGroup("several kinds", failures)


def _triggered(kinds: Kinds, record: Record) -> list[Kind]:
    """The kinds that have a control to which the record is a trigger."""
    triggers = {kind.KIND: {name for each in controls_of(kind.KIND) for name in each.triggers} for kind in kinds}
    found = [kind for kind in kinds if record.name in triggers[kind.KIND]]
    if not found:
        known = {kind: sorted(names) for kind, names in triggers.items()}
        raise MalformedRecord(f"{record.name} {record.event_id} is no trigger here: {known}")
    return found
