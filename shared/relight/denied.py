"""Calls that a VPC endpoint denied: told once a day for each caller and endpoint, and never repaired.

Nothing is looked at in AWS: the record is all there is to know.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from relight import outbox, telemetry
from relight.case import Runtime
from relight.errors import MalformedRecord
from relight.handler import Handler, runtime
from relight.model import Cause, Incident, Outcome, Resource
from relight.policy import endpoint, judge
from relight.policy.account_id import ACCOUNT
from relight.policy.endpoint import DENIED, Denial
from relight.policy.exemption import exempt
from relight.record import Record, parse

KIND = "endpoint"
_ENDPOINT = re.compile(r"vpce-\w{1,64}", re.ASCII)


def handler_for_denials() -> Handler:
    """The Lambda handler; settings are read and checked here, once."""
    run = runtime()

    def handle(event: Any, context: Any) -> None:
        telemetry.logger.clear_state()
        try:
            record = parse(event)
            telemetry.begin(record)
            tell(run, record, context.aws_request_id)
        except Exception:
            telemetry.logger.exception("not told; left to the retry")
            raise

    return handle


def tell(run: Runtime, record: Record, teller: str) -> None:
    """Counts a denial, and tells it unless its caller was told of at this endpoint today. Raises RelightError."""
    denial = denial_in(record)
    resource = Resource(
        kind=KIND,
        name=denial.endpoint,
        arn=f"arn:{run.standard.partition}:ec2:{record.region}:{denial.owner}:vpc-endpoint/{denial.endpoint}",
        account=denial.owner,
        region=record.region,
    )
    findings = tuple(
        replace(
            finding,
            severity=endpoint.severity(denial, run.standard),
            outcome=Outcome.MANUAL,  # in whatever mode: there is nothing that Relight could do
            cause=Cause.REFUSED,
            note=endpoint.note(denial, run.standard),
        )
        for finding in judge(KIND, denial, run.standard)
    )
    findings, _ = exempt(findings, resource.arn, run.standard, run.clock.now().date())
    telemetry.denied(resource, denial.standing(run.standard))
    if not findings:
        return
    incident = Incident(
        event_id=record.event_id,
        event_name=record.name,
        event_source=record.source,
        event_time=record.time,
        actor=record.actor,
        resource=resource,
        findings=findings,
    )
    outbox.tell(run, incident, teller)


def denial_in(record: Record) -> Denial:
    """What a record says was denied. Raises MalformedRecord where it is none, or names no endpoint."""
    if record.error_code != DENIED:
        raise MalformedRecord(f"{record.name} {record.event_id}: errorCode is {record.error_code!r}, not {DENIED}")
    named, owner = record.vpc_endpoint, record.vpc_endpoint_account or record.account
    if not _ENDPOINT.fullmatch(named):
        raise MalformedRecord(f"{record.name} {record.event_id} names no VPC endpoint: vpcEndpointId is {named!r:.80}")
    if not ACCOUNT.fullmatch(owner):
        raise MalformedRecord(f"{record.name} {record.event_id}: {owner!r:.80} is no account of a VPC endpoint")
    return Denial(
        caller=endpoint.caller(record.actor),
        endpoint=named,
        owner=owner,
        call=f"{record.source}:{record.name}",
        address=record.actor.source_ip,
        resources=record.resources,
        member=record.account,
    )
