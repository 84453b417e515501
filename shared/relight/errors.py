"""Every error that Relight raises on purpose; each leaves the invocation to be retried and, at last, dead-lettered."""

from __future__ import annotations

import re
from collections.abc import Mapping

from relight.plain import plain


class RelightError(Exception):
    """Base of them all. Its text is one line, whatever it quotes: Lambda writes it into the log as it is."""

    def __str__(self) -> str:
        return plain(super().__str__())


class InvalidSetting(RelightError):
    """A setting in standard.toml or the environment is missing or has a value that is not allowed."""


class MalformedRecord(RelightError):
    """An event is not a CloudTrail record, or lacks what is needed to find the resource that it concerns."""


class UnknownState(RelightError):
    """What was read does not say whether a control is met: no repair may follow from it."""


class OutOfReach(RelightError):
    """What decides a control belongs to another account, or is forbidden for good: it is told, and not retried."""


DENIALS = ("AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation")
# How AWS ends the message of a denial that comes from the organisation, EC2's own with its encoded details
# (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html). Only its end is AWS's own words:
# before it stand names that anybody may have chosen.
BY_THE_ORGANISATION = re.compile(
    r"(with an explicit deny in a (service|resource) control policy(: \S+)?"
    r"|because no (service|resource) control policy allows the \S+ action)"
    r"\.?( Encoded authorization failure message: \S+)?$"
)
# What the codes have in common by which AWS says that another call is under way: it may be another invocation's, which
# repairs the same.
UNDER_WAY = re.compile(r"Conflict|Concurrent|OperationAborted")
# An answer may quote what was sent, which may be somebody's attempt to flood a log.
LONGEST_MESSAGE = 4096


class AwsError(RelightError):
    """AWS refused or failed a call.

    `code` is AWS's error code (``AccessDenied``), or the name of botocore's exception where no answer came.
    `forbidden`: the organisation's policies or the account itself deny it, so that no retry changes that.
    `refused`: nothing came of the call, and nothing will. Otherwise something may show yet: AWS did not answer or
    failed itself, or another call was under way.
    """

    def __init__(self, operation: str, code: str, message: str, *, answered: bool = True) -> None:
        super().__init__(f"{operation}: {code}: {message[:LONGEST_MESSAGE]}")
        self.operation = operation
        self.code = code
        self.message = message
        self.forbidden = code in DENIALS and bool(BY_THE_ORGANISATION.search(message))
        self.refused = answered and not UNDER_WAY.search(code)


class RoleDenied(AwsError):
    """The role of an account may not be assumed, or is not there: STS tells neither from the other."""

    def __init__(self, account: str, code: str, message: str) -> None:
        super().__init__("sts:AssumeRole", code, f"account {account}: {message}")
        self.forbidden = True


class PartlyFailed(AwsError):
    """A call for several resources failed for some of them: `failed`, by id. The others are as it was meant."""

    def __init__(self, failed: Mapping[str, AwsError]) -> None:
        first = next(iter(failed.values()))
        super().__init__(first.operation, first.code, first.message)
        self.failed = failed


class RepairFailed(RelightError):
    """A repair was refused, or was not seen to have taken effect."""
