"""What people call an account: its alias, asked for in the account itself and remembered."""

from __future__ import annotations

from relight import telemetry
from relight.aws import Aws
from relight.errors import DENIALS, AwsError


class Accounts:
    """The aliases of accounts. An account has one or none, which changes too seldom to ask twice."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._aliases: dict[str, str] = {}

    def alias(self, account: str) -> str:
        """The account's alias; empty where it has none or does not say: its id will do to tell what happened."""
        if account not in self._aliases:
            try:
                place = self._aws.at(account, self._aws.region)
                answer = place.read("iam", "ListAccountAliases") or {}
            except AwsError as error:
                telemetry.logger.info("no alias", extra={"account": account, "error": str(error)})
                if error.code not in DENIALS:  # what failed by chance may succeed
                    return ""
                answer = {}
            self._aliases[account] = next(iter(answer.get("AccountAliases", ())), "")
        return self._aliases[account]
