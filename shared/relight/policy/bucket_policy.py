"""Bucket policies: CloudTrail may deliver, and so may the other log services that could before."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from itertools import count
from typing import Any

from relight.errors import UnknownState
from relight.model import Drift, Severity
from relight.policy.bucket import Bucket, holds_logs
from relight.policy.control import control, known
from relight.standard import Standard

Statement = Mapping[str, Any]

CLOUDTRAIL = "cloudtrail.amazonaws.com"
DELIVERING = ("s3:GetBucketAcl", "s3:PutObject")
# Other services of AWS that deliver logs to buckets.
LOG_SERVICES = (CLOUDTRAIL, "logging.s3.amazonaws.com", "delivery.logs.amazonaws.com")
# Stands for any file in a trail's folder; digests lie in one whose name begins alike.
FILE = "/x"
COMPARISONS = ("stringequals", "stringlike", "arnequals", "arnlike", "bool")
# A Deny of what does not come through TLS stops no service of AWS.
HARMLESS = ({"Bool": {"aws:SecureTransport": "false"}}, {"Bool": {"aws:SecureTransport": False}})


@control(
    "bucket.delivery-policy",
    title="The bucket's policy lets CloudTrail deliver",
    severity=Severity.CRITICAL,
    triggers=("PutBucketPolicy", "DeleteBucketPolicy"),
    repair="PutBucketPolicy",
    concerns=holds_logs,
)
def delivery_policy(bucket: Bucket, standard: Standard, baseline: Bucket | None) -> Iterator[Drift]:
    """Every trail that delivers here may, and no Deny stops it; log services that the baseline let in still may.

    A condition that nobody can tell from here gets the benefit of the doubt; a new Deny with one is told (`weaker`).
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
        _allowed(statements, action, resource, arn)
        for prefix, arn in bucket.trails
        for action, resource in _needs(bucket, prefix, arn)
    )


def _needs(bucket: Bucket, prefix: str, trail_arn: str) -> tuple[tuple[str, str], ...]:
    """Actions and resources. The files of a trail lie below its own account, whoever has the bucket."""
    whole = _arn(bucket, trail_arn)
    below = f"{prefix}/" if prefix else ""
    files = f"{whole}/{below}AWSLogs/{_owner(trail_arn)}/CloudTrail{FILE}"
    return tuple(zip(DELIVERING, (whole, files), strict=True))


def _owner(trail_arn: str) -> str:
    return trail_arn.split(":")[4]


def _arn(bucket: Bucket, trail_arn: str) -> str:
    return f"arn:{trail_arn.split(':')[1]}:s3:::{bucket.name}"


def _allowed(statements: list[Statement], action: str, resource: str, trail_arn: str) -> bool:
    if any(_stops(s, action, resource, trail_arn) for s in statements):
        return False
    allowing = [s for s in statements if s.get("Effect") == "Allow" and _speaks_of(s.get("Principal"))]
    return any(_covers(s, action, resource) and _meets(s, trail_arn) is not False for s in allowing)


def _stops(statement: Statement, action: str, resource: str, trail_arn: str) -> bool:
    """Whether a Deny surely keeps a trail from some of what it needs."""
    if not _denies(statement) or _meets(statement, trail_arn) is not True:
        return False
    return _covers(statement, action, resource) or (
        resource.endswith(FILE)
        and _acts(statement, action)
        and any(_meets_below(str(each), resource.removesuffix(FILE)) for each in _listed(statement.get("Resource")))
    )


def _denies(statement: Statement) -> bool:
    """Whether a Deny speaks of CloudTrail: by its name, of everybody, or of everybody but some."""
    if statement.get("Effect") != "Deny":
        return False
    if "NotPrincipal" in statement:
        return not _speaks_of(statement["NotPrincipal"])
    return _speaks_of(statement.get("Principal"))


def _speaks_of(principal: Any) -> bool:
    if not isinstance(principal, Mapping):
        return bool(principal == "*")
    return CLOUDTRAIL in _listed(principal.get("Service")) or "*" in _listed(principal.get("AWS"))


def _covers(statement: Statement, action: str, resource: str) -> bool:
    if "NotResource" in statement:
        concerned = not any(_like(resource, str(each)) for each in _listed(statement["NotResource"]))
    else:
        concerned = any(_like(resource, str(each)) for each in _listed(statement.get("Resource")))
    return concerned and _acts(statement, action)


def _acts(statement: Statement, action: str) -> bool:
    named = "NotAction" if "NotAction" in statement else "Action"
    listed = any(_like(action.lower(), str(each).lower()) for each in _listed(statement.get(named)))
    return listed is (named == "Action")


def _like(value: str, pattern: str) -> bool:
    """IAM's patterns know * and ?; a bracket is a bracket. Of a value that is a pattern: whether it is no wider."""
    return fnmatchcase(value, pattern.replace("[", "[[]").replace("?", "[!*]"))


def _meets_below(pattern: str, beginning: str) -> bool:
    """Whether a pattern matches anything that begins so: then some first part of it matches the beginning."""
    return any(_like(beginning, pattern[:end]) for end in range(len(pattern) + 1))


def _meets(statement: Statement, trail_arn: str) -> bool | None:
    """Whether a trail's delivery meets a statement's conditions; None where nobody can tell from here."""
    conditions = statement.get("Condition") or {}
    if not all(isinstance(each, Mapping) for each in conditions.values()):
        return None
    met = [
        _met(str(operator).lower(), str(key).lower(), _listed(values), trail_arn)
        for operator, keys in conditions.items()
        for key, values in keys.items()
    ]
    return False if False in met else None if None in met else True


def _met(operator: str, key: str, values: list[Any], trail_arn: str) -> bool | None:
    """Whether what is known of every delivery meets one condition.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
    """
    sent = {
        "aws:sourcearn": trail_arn,
        "aws:sourceaccount": _owner(trail_arn),
        "aws:securetransport": "true",
        "s3:x-amz-acl": "bucket-owner-full-control",
    }.get(key)
    plain = operator.removesuffix("ifexists")
    texts = [str(value).lower() if plain == "bool" else str(value) for value in values]
    if sent is None or plain.replace("not", "", 1) not in COMPARISONS or any("${" in text for text in texts):
        return None
    exact = plain in ("stringequals", "stringnotequals", "bool")
    hit = any(sent == text if exact else _like(sent, text) for text in texts)
    return hit is not ("not" in plain)


def completed(text: str, bucket: Bucket) -> str:
    """The policy without what stops the trails, and with what lets them deliver; all else as it was."""
    kept = [s for s in statements_of(text) if not _hinders(s, bucket)]
    for prefix, arn in bucket.trails:
        if not all(_allowed(kept, *need, arn) for need in _needs(bucket, prefix, arn)):
            used = {str(s.get("Sid", ""))[: -len("Write")] for s in kept} | {str(s.get("Sid", ""))[:-3] for s in kept}
            number = next(n for n in count(1) if f"RelightTrail{n}" not in used)
            kept += _statements(bucket, prefix, arn, number)
    around = json.loads(text) if text else {}
    return json.dumps({"Version": "2012-10-17", **around, "Statement": kept})


def _hinders(statement: Statement, bucket: Bucket) -> bool:
    """Whether a Deny surely keeps one of the bucket's trails from delivering."""
    return any(_stops(statement, *need, arn) for prefix, arn in bucket.trails for need in _needs(bucket, prefix, arn))


def _statements(bucket: Bucket, prefix: str, trail_arn: str, number: int) -> list[Statement]:
    """What AWS documents for a trail."""
    source = {"StringEquals": {"aws:SourceArn": trail_arn}}
    whole, below = _arn(bucket, trail_arn), f"{prefix}/" if prefix else ""
    parts = (
        ("Acl", "s3:GetBucketAcl", whole),
        ("Write", "s3:PutObject", f"{whole}/{below}AWSLogs/{_owner(trail_arn)}/*"),
    )
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
    except (KeyError, RecursionError, TypeError, ValueError) as error:
        raise UnknownState(f"the bucket's policy is not one: {error!r}") from error
    return [each for each in _listed(found) if isinstance(each, Mapping)]


def services(text: str) -> set[str]:
    """The log services that a policy lets write."""
    allowing = [s for s in statements_of(text) if s.get("Effect") == "Allow"]
    return {service for service in LOG_SERVICES for s in allowing if _named(s, service) and _writes(s)}


def lets_cloudtrail_write(text: str) -> bool:
    """Whether a policy is one of a bucket that trails deliver to."""
    try:
        return CLOUDTRAIL in services(text)
    except UnknownState:
        return False


def shuts_out(old: str, new: str) -> bool:
    """Whether a policy that replaces another one takes delivery away from a service. Raises UnknownState.

    A Deny with conditions gets the benefit of the doubt, as in `delivery_policy`.
    """
    had = statements_of(old)
    denied = [each for each in statements_of(new) if each not in had and _denies(each) and not each.get("Condition")]
    return bool(services(old) - services(new)) or any(_acts(s, action) for s in denied for action in DELIVERING)


def _named(statement: Statement, service: str) -> bool:
    principal = statement.get("Principal")
    return isinstance(principal, Mapping) and service in _listed(principal.get("Service"))


def _writes(statement: Statement) -> bool:
    return any(fnmatchcase("s3:putobject", str(each).lower()) for each in _listed(statement.get("Action")))


def changes(old: str, new: str, bucket: Bucket) -> Iterator[Drift]:
    """Who is let in that was not or may do more, and which Denies came with conditions or went. Raises UnknownState.

    That CloudTrail may deliver is neither, nor that a Deny went which kept it from that: Relight itself sees to both.
    """
    before, after = statements_of(old), statements_of(new)
    was = {principal for statement in before for principal in _let_in(statement)}
    granting = [statement for statement in after if not _lets_deliver(statement)]
    now = {principal for statement in granting for principal in _let_in(statement)}
    yield from (Drift("Principal", found=each, wanted="") for each in sorted(now - was))
    for statement in granting:
        known = [principal for principal in _let_in(statement) if principal in was]
        if known and not _is_within({**statement, "Principal": known}, before):
            yield Drift("Allow", found=dict(statement), wanted="")
    for statement in after:
        conditional = statement.get("Condition") and statement["Condition"] not in HARMLESS
        if _denies(statement) and conditional and statement not in before:
            yield Drift("Deny", found=dict(statement), wanted="")
    for statement in before:
        if statement.get("Effect") == "Deny" and not _hinders(statement, bucket) and not _is_within(statement, after):
            yield Drift("Deny", found="", wanted=dict(statement))


def _lets_deliver(statement: Statement) -> bool:
    """Whether a statement lets CloudTrail do what it needs to deliver, and nothing else."""
    needed = _said({"Action": DELIVERING}, "Action")
    return _let_in(statement) == [CLOUDTRAIL] and set(_said(statement, "Action")) <= set(needed)


def _is_within(statement: Statement, others: list[Statement]) -> bool:
    """Whether one of the others, to the same effect, speaks of all that a statement speaks of."""
    return any(
        other.get("Effect") == statement.get("Effect")
        and (not other.get("Condition") or other["Condition"] == statement.get("Condition"))
        and all(
            any(_like(each, wider) for wider in _said(other, part))
            for part in ("Principal", "Action", "Resource")
            for each in _said(statement, part)
        )
        for other in others
    )


def _said(statement: Statement, part: str) -> list[str]:
    """What a part of a statement lists; actions have no case. Exceptions stand for themselves, as a whole."""
    if f"Not{part}" in statement:
        return [f"all but {json.dumps(statement[f'Not{part}'])}"]
    value = statement.get(part)
    kinds = value.values() if isinstance(value, Mapping) else [value]
    listed = [str(each) for kind in kinds for each in _listed(kind)]
    return [each.lower() for each in listed] if part == "Action" else listed


def _let_in(statement: Statement) -> list[str]:
    return _said(statement, "Principal") if statement.get("Effect") == "Allow" else []


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [] if value is None else [value]
