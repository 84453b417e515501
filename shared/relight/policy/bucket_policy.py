"""Bucket policies: CloudTrail may deliver, and so may the other log services that could before."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import partial
from itertools import count
from string import ascii_letters, ascii_lowercase, digits
from typing import NamedTuple

from relight.errors import UnknownState
from relight.model import Drift, Severity
from relight.policy.bucket import Bucket, holds_logs
from relight.policy.control import control, known
from relight.policy.pattern import Shape, overlap, shape
from relight.policy.statement import (
    Sent,
    Statement,
    acts,
    allows,
    best,
    covers,
    denies,
    like,
    listed,
    meets,
    newly_doubtful,
    sent_by,
)
from relight.standard import Standard

CLOUDTRAIL = "cloudtrail.amazonaws.com"
DELIVERING = ("s3:GetBucketAcl", "s3:PutObject")
# Other services of AWS that deliver logs to buckets.
LOG_SERVICES = (CLOUDTRAIL, "logging.s3.amazonaws.com", "delivery.logs.amazonaws.com")
# What a trail writes: logs, and digests if its log files are validated.
FOLDERS = ("CloudTrail", "CloudTrail-Digest")
# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
OWNED = {"s3:x-amz-acl": "bucket-owner-full-control"}
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

    A condition that nobody can tell from here gets the benefit of the doubt; a new one is told (`changes`).
    """
    text = known(bucket.policy, f"the policy of {bucket.name}")
    before = baseline.policy if baseline and isinstance(baseline.policy, str) else ""
    lost = services(before) - services(text) - {CLOUDTRAIL}
    if not lost and delivers(text, bucket):
        return
    good = before and delivers(before, bucket)
    yield Drift("Policy", found=text, wanted=before if good else completed(_with(lost, before, text), bucket))


def _with(lost: set[str], before: str, text: str) -> str:
    """A policy with the Allows of an earlier one for the services that it lost."""
    back = [s for s in statements_of(before) if s.get("Effect") == "Allow" and any(_named(s, each) for each in lost)]
    return _rewritten(text, statements_of(text) + back) if back else text


def delivers(text: str, bucket: Bucket) -> bool:
    """Whether a policy lets each trail of the bucket read its ACL and write its files. Raises UnknownState.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
    """
    statements = statements_of(text)
    return all(_allowed(statements, need) for need in _all_needs(bucket))


class Need(NamedTuple):
    """A request that a trail makes of its bucket, with the condition keys that are known to come with it.

    The resource is what an Allow must speak of; of all that the shapes match, a Deny must speak of nothing.
    """

    action: str
    resource: str
    sent: Sent
    shapes: tuple[Shape, ...]


def _all_needs(bucket: Bucket) -> Iterator[Need]:
    for prefix, arn in bucket.trails:
        yield from _needs(bucket, prefix, arn)


def _needs(bucket: Bucket, prefix: str, trail_arn: str) -> Iterator[Need]:
    """The files of a trail lie below its own account, whoever has the bucket; its digests in a folder of their own.

    No Deny may speak of either folder, whether the trail has digests just now or not.
    """
    whole, sent = _arn(bucket, trail_arn), sent_by(CLOUDTRAIL, trail_arn, bucket.looked_on)
    yield Need("s3:GetBucketAcl", whole, sent, (shape(whole),))
    place = _place(bucket, prefix, trail_arn)
    files = tuple(_files(place, folder) for folder in FOLDERS)
    for folder in FOLDERS[: 1 + (trail_arn in bucket.validated)]:
        yield Need("s3:PutObject", f"{place}/{folder}/x", {**sent, **OWNED}, files)


def _files(place: str, folder: str) -> Shape:
    """The names of the files in a folder of a trail's, in any Region and on any day.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-examples.html and
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html
    """
    letter, digit = (ascii_lowercase, True), (digits, False)
    region = (letter, "-", (f"{ascii_lowercase}-", True), "-", digit)
    year, month = [digit] * 4, [digit] * 2
    name = (f"{place.rpartition('/')[2]}_{folder}_", *region, "_", (f"{ascii_letters}{digits}-_.", True), ".json.gz")
    return shape(f"{place}/{folder}/", *region, "/", *year, "/", *month, "/", *month, "/", *name)


def _arn(bucket: Bucket, trail_arn: str) -> str:
    return f"arn:{trail_arn.split(':')[1]}:s3:::{bucket.name}"


def _place(bucket: Bucket, prefix: str, trail_arn: str) -> str:
    """Where all that a trail writes lies."""
    below = f"{prefix}/" if prefix else ""
    return f"{_arn(bucket, trail_arn)}/{below}AWSLogs/{trail_arn.split(':')[4]}"


def _allowed(statements: list[Statement], need: Need) -> bool:
    """Whether no Deny surely stops it, and some Allow admits it, be it in doubt."""
    stopped = any(_stops(each, need) for each in statements)
    return not stopped and best(_admits(each, need) for each in statements) is not False


def _admits(statement: Statement, need: Need) -> bool | None:
    """Whether an Allow speaks of it, and it meets the conditions; None where nobody can tell from here."""
    speaks = allows(statement, CLOUDTRAIL) and covers(statement, need.action, need.resource)
    return meets(statement, need.sent) if speaks else False


def _stops(statement: Statement, need: Need) -> bool:
    """Whether a Deny surely keeps a trail from some of what it needs."""
    if not denies(statement, CLOUDTRAIL) or meets(statement, need.sent) is not True:
        return False
    if "NotResource" in statement:
        return covers(statement, need.action, need.resource)
    patterns = [str(each) for each in listed(statement.get("Resource"))]
    return acts(statement, need.action) and any(overlap(each, files) for each in patterns for files in need.shapes)


def completed(text: str, bucket: Bucket) -> str:
    """The policy without what stops the trails, and with what lets them deliver; all else as it was."""
    kept = [s for s in statements_of(text) if not _hinders(s, bucket)]
    for prefix, arn in bucket.trails:
        if not all(_allowed(kept, need) for need in _needs(bucket, prefix, arn)):
            used = {str(s.get("Sid", ""))[: -len("Write")] for s in kept} | {str(s.get("Sid", ""))[:-3] for s in kept}
            number = next(n for n in count(1) if f"RelightTrail{n}" not in used)
            kept += _statements(bucket, prefix, arn, number)
    return _rewritten(text, kept)


def _rewritten(text: str, statements: list[Statement]) -> str:
    """A policy with other statements; all around them as it was."""
    around = json.loads(text) if text else {}
    return json.dumps({"Version": "2012-10-17", **around, "Statement": statements})


def _hinders(statement: Statement, bucket: Bucket) -> bool:
    """Whether a Deny surely keeps one of the bucket's trails from delivering."""
    return any(_stops(statement, need) for need in _all_needs(bucket))


def _statements(bucket: Bucket, prefix: str, trail_arn: str, number: int) -> list[Statement]:
    """What AWS documents for a trail."""
    source = {"StringEquals": {"aws:SourceArn": trail_arn}}
    parts = (
        ("Acl", "s3:GetBucketAcl", _arn(bucket, trail_arn)),
        ("Write", "s3:PutObject", f"{_place(bucket, prefix, trail_arn)}/*"),
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
    return [each for each in listed(found) if isinstance(each, Mapping)]


def services(text: str) -> set[str]:
    """The log services that a policy lets write, as far as that can be told whatever they write of."""
    allowing = [s for s in statements_of(text) if s.get("Effect") == "Allow" and _writes(s)]
    return {
        service
        for service in LOG_SERVICES
        for each in allowing
        if _named(each, service) and meets(each, {**sent_by(service), **OWNED}) is not False
    }


def lets_cloudtrail_write(text: str) -> bool:
    """Whether a policy is one of a bucket that trails deliver to."""
    try:
        return CLOUDTRAIL in services(text)
    except UnknownState:
        return False


def shuts_out(old: str, new: str, bucket: Bucket) -> bool:
    """Whether a policy that replaces another one takes delivery away from a service. Raises UnknownState.

    A condition that nobody can tell from here gets the benefit of the doubt, as in `delivery_policy`.
    """
    had, sent = statements_of(old), sent_by(CLOUDTRAIL)
    denied = [s for s in statements_of(new) if s not in had and denies(s, CLOUDTRAIL) and meets(s, sent)]
    return (
        bool(services(old) - services(new))
        or any(acts(s, action) for s in denied for action in DELIVERING)
        or (delivers(old, bucket) and not delivers(new, bucket))
    )


def _named(statement: Statement, service: str) -> bool:
    principal = statement.get("Principal")
    return isinstance(principal, Mapping) and service in listed(principal.get("Service"))


def _writes(statement: Statement) -> bool:
    return any(fnmatchcase("s3:putobject", str(each).lower()) for each in listed(statement.get("Action")))


def changes(old: str, new: str, bucket: Bucket) -> Iterator[Drift]:
    """Who is let in that was not or may do more, and which Denies came with conditions or went. Raises UnknownState.

    That CloudTrail may deliver is neither, nor that a Deny went which kept it from that: Relight itself sees to both.
    But an Allow is told that delivery hangs on since, and whose conditions nobody can judge.
    """
    before, after = statements_of(old), statements_of(new)
    was = {principal for statement in before for principal in _let_in(statement)}
    granting = [statement for statement in after if not _lets_deliver(statement)]
    now = {principal for statement in granting for principal in _let_in(statement)}
    yield from (Drift("Principal", found=each, wanted="") for each in sorted(now - was))
    doubtful = [s for need in _all_needs(bucket) for s in newly_doubtful(before, after, partial(_admits, need=need))]
    for statement in after:
        if statement in doubtful or (statement in granting and _allows_more(statement, before, was)):
            yield Drift("Allow", found=dict(statement), wanted="")
    for statement in after:
        conditional = statement.get("Condition") and statement["Condition"] not in HARMLESS
        if denies(statement, CLOUDTRAIL) and conditional and statement not in before:
            yield Drift("Deny", found=dict(statement), wanted="")
    for statement in before:
        if statement.get("Effect") == "Deny" and not _hinders(statement, bucket) and not _is_within(statement, after):
            yield Drift("Deny", found="", wanted=dict(statement))


def _allows_more(statement: Statement, before: list[Statement], was: set[str]) -> bool:
    """Whether those whom it lets in, and who were let in before, may do more than they could."""
    known = [principal for principal in _let_in(statement) if principal in was]
    return bool(known) and not _is_within({**statement, "Principal": known}, before)


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
            any(like(each, wider) for wider in _said(other, part))
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
    said = [str(each) for kind in kinds for each in listed(kind)]
    return [each.lower() for each in said] if part == "Action" else said


def _let_in(statement: Statement) -> list[str]:
    return _said(statement, "Principal") if statement.get("Effect") == "Allow" else []
