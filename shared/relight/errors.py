"""Every error that Relight raises on purpose; each leaves the invocation to be retried and, at last, dead-lettered."""


class RelightError(Exception):
    """Base of them all."""


class InvalidSetting(RelightError):
    """A setting in standard.toml or the environment is missing or has a value that is not allowed."""


class MalformedRecord(RelightError):
    """An event is not a CloudTrail record, or lacks what is needed to find the resource that it concerns."""


class UnknownState(RelightError):
    """What was read does not say whether a control is met: no repair may follow from it."""


class OutOfReach(RelightError):
    """What decides a control belongs to another account, or is forbidden for good: it is told, and not retried."""


class AwsError(RelightError):
    """AWS refused or failed a call.

    `code` is AWS's error code (``AccessDenied``), or the name of botocore's exception where no answer came.
    """

    def __init__(self, operation: str, code: str, message: str) -> None:
        super().__init__(f"{operation}: {code}: {message}")
        self.operation = operation
        self.code = code


class RepairFailed(RelightError):
    """A repair was refused, or was not seen to have taken effect."""
