"""Bucket policies: CloudTrail may deliver, and so may the other log services that could before."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from relight.errors import UnknownState
from relight.model import Drift, Severity
from relight.policy.bucket import Bucket
from relight.policy.control import control, known
from relight.standard import Standard

Statement = Mapping[str, Any]

CLOUDTRAIL = "cloudtrail.amazonaws.com"
# Other services of AWS that deliver logs to buckets.
LOG_SERVICES = (CLOUDTRAIL, "logging.s3.amazonaws.com", "delivery.logs.amazonaws.com")
# A Deny of what does not come through TLS stops no service of AWS.
HARMLESS = ({"Bool": {"aws:SecureTransport": "false"}}, {"Bool": {"aws:SecureTransport": False}})


@control(
    "bucket.delivery-policy",
    title="The bucket's policy lets CloudTrail deliver",
    severity=Severity.CRITICAL,
    triggers=("PutBucketPolicy", "DeleteBucketPolicy"),
    repair="PutBucketPolicy",
)
def delivery_policy(bucket: Bucket, standard: Standard, baseline: Bucket | None) -> Iterator[Drift]:
    """Every trail that delivers here may, and no Deny stops it; log services that the baseline let in still may.

    A Deny whose conditions decide is given the benefit of the doubt; a new one is told (`weaker`).
    """
    text = known(bucket.policy, f"the policy of {bucket.name}")
    before = baseline.policy if baseline and isinstance(baseline.policy, str) else ""
    lost = services(before) - services(text) - {CLOUDTRAIL}
    if not lost and (not bucket.trails or delivers(text, bucket)):
        return
    good = before and (not bucket.trails or delivers(before, bucket))
    yield Drift("Policy", found=text, wanted=before if good else completed(text, bucket))


def delivers(text: str, bucket: Bucket) -> bool:
    """Whether a policy lets each trail of the bucket read its ACL and write its files. Raises UnknownState.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
    """
    statements = statements_of(text)
    return all(
        _allowed(statements, action, resource, arn, bucket.account)
        for prefix, arn in bucket.trails
        for action, resource in _needs(bucket, prefix, arn)
    )


def _needs(bucket: Bucket, prefix: str, trail_arn: str) -> tuple[tuple[str, str], ...]:
    whole = _arn(bucket, trail_arn)
    below = f"{prefix}/" if prefix else ""
    return ("s3:GetBucketAcl", whole), ("s3:PutObject", f"{whole}/{below}AWSLogs/{bucket.account}/CloudTrail/x")


def _arn(bucket: Bucket, trail_arn: str) -> str:
    return f"arn:{trail_arn.split(':')[1]}:s3:::{bucket.name}"


def _allowed(statements: list[Statement], action: str, resource: str, trail_arn: str, account: str) -> bool:
    concerned = [s for s in statements if _principal(s) and _covers(s, action, resource)]
    denied = any(s.get("Effect") == "Deny" and not s.get("Condition") for s in concerned)
    return not denied and any(s.get("Effect") == "Allow" and _source_is(s, trail_arn, account) for s in concerned)


def _principal(statement: Statement, service: str = CLOUDTRAIL) -> bool:
    """Whether a statement speaks of a service: by its name, or of everybody."""
    principal = statement.get("Principal")
    if not isinstance(principal, Mapping):
        return principal == "*"
    return service in _listed(principal.get("Service")) or "*" in _listed(principal.get("AWS"))


def _covers(statement: Statement, action: str, resource: str) -> bool:
    actions = any(fnmatchcase(action.lower(), str(each).lower()) for each in _listed(statement.get("Action")))
    return actions and any(fnmatchcase(resource, str(each)) for each in _listed(statement.get("Resource")))


def _source_is(statement: Statement, trail_arn: str, account: str) -> bool:
    """Whether the conditions on where a call comes from, if there are any, let this trail's through."""
    for condition in (statement.get("Condition") or {}).values():
        for name, values in (condition if isinstance(condition, Mapping) else {}).items():
            wanted = {"aws:sourcearn": trail_arn, "aws:sourceaccount": account}.get(str(name).lower())
            if wanted and not any(fnmatchcase(wanted, str(value)) for value in _listed(values)):
                return False
    return True


def completed(text: str, bucket: Bucket) -> str:
    """The policy without what stops the trails, and with what lets them deliver; all else as it was."""
    wanted = [need for prefix, arn in bucket.trails for need in _needs(bucket, prefix, arn)]
    kept = [s for s in statements_of(text) if not (_stops(s) and any(_covers(s, *need) for need in wanted))]
    for number, (prefix, arn) in enumerate(bucket.trails, start=1):
        if not all(_allowed(kept, *need, arn, bucket.account) for need in _needs(bucket, prefix, arn)):
            kept += _statements(bucket, prefix, arn, number)
    return json.dumps({"Version": "2012-10-17", "Statement": kept})


def _stops(statement: Statement) -> bool:
    return statement.get("Effect") == "Deny" and not statement.get("Condition") and _principal(statement)


def _statements(bucket: Bucket, prefix: str, trail_arn: str, number: int) -> list[Statement]:
    """What AWS documents for a trail."""
    source = {"StringEquals": {"aws:SourceArn": trail_arn}}
    whole, below = _arn(bucket, trail_arn), f"{prefix}/" if prefix else ""
    parts = (("Acl", "s3:GetBucketAcl", whole), ("Write", "s3:PutObject", f"{whole}/{below}AWSLogs/{bucket.account}/*"))
    return [
        {
            "Sid": f"RelightTrail{number}{name}",
            "Effect": "Allow",
            "Principal": {"Service": CLOUDTRAIL},
            "Action": action,
            "Resource": resource,
            "Condition": source,
        }
        for name, action, resource in parts
    ]


def statements_of(text: str) -> list[Statement]:
    """A policy's statements; none of an empty one. Raises UnknownState where it is no policy."""
    if not text:
        return []
    try:
        found = json.loads(text)["Statement"]
    except (KeyError, TypeError, ValueError) as error:
        raise UnknownState(f"the bucket's policy is not one: {error!r}") from error
    return [each for each in _listed(found) if isinstance(each, Mapping)]


def services(text: str) -> set[str]:
    """The log services that a policy lets write."""
    allowing = [s for s in statements_of(text) if s.get("Effect") == "Allow"]
    return {service for service in LOG_SERVICES for s in allowing if _named(s, service) and _writes(s)}


def _named(statement: Statement, service: str) -> bool:
    principal = statement.get("Principal")
    return isinstance(principal, Mapping) and service in _listed(principal.get("Service"))


def _writes(statement: Statement) -> bool:
    return any(fnmatchcase("s3:putobject", str(each).lower()) for each in _listed(statement.get("Action")))


def changes(old: str, new: str) -> Iterator[Drift]:
    """Who is let in that was not, and Denies that came with conditions of their own. Raises UnknownState."""
    was = {principal for statement in statements_of(old) for principal in _let_in(statement)}
    now = {principal for statement in statements_of(new) for principal in _let_in(statement)}
    yield from (Drift("Principal", found=each, wanted="") for each in sorted(now - was))
    denies = [
        s for s in statements_of(new) if s.get("Effect") == "Deny" and _principal(s) and s not in statements_of(old)
    ]
    for statement in denies:
        if statement.get("Condition") and statement["Condition"] not in HARMLESS:
            yield Drift("Deny", found=dict(statement), wanted="")


def _let_in(statement: Statement) -> list[str]:
    if statement.get("Effect") != "Allow":
        return []
    principal = statement.get("Principal")
    if isinstance(principal, Mapping):
        return [str(each) for kind in principal.values() for each in _listed(kind)]
    return [str(principal)] if principal else ["everybody but those of NotPrincipal"]


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [] if value is None else [value]
