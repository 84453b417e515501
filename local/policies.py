"""What an IAM policy says of a request, as far as the policies of an organisation's hub and members go.

What is not understood here allows nothing, and forbids what it may be meant to forbid.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

_OPERATORS = ("ArnEquals", "ArnLike", "StringEquals", "StringLike")
_UNDERSTOOD = {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}


@dataclass(frozen=True)
class Request:
    """Who wants to do what; `context` are condition keys and their values."""

    principal: str  # an ARN, a role's for its sessions; or a service
    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)

    def names(self) -> Iterator[str]:
        """By what a policy may mean the principal."""
        yield from ("*", self.principal)
        if self.principal.startswith("arn:"):
            _, partition, _, _, account, _ = self.principal.split(":", 5)
            yield from (account, f"arn:{partition}:iam::{account}:root")


def allows(document: str | Mapping[str, Any], request: Request) -> bool:
    """Whether a policy allows a request and does not deny it; one of a principal's own names no principal."""
    policy = json.loads(document) if isinstance(document, str) else document
    effects = {each["Effect"] for each in _listed(policy["Statement"]) if _is_about(each, request)}
    return effects == {"Allow"}


def _is_about(statement: Mapping[str, Any], request: Request) -> bool:
    conditions = statement.get("Condition", {})
    if not statement.keys() <= _UNDERSTOOD or not conditions.keys() <= set(_OPERATORS):
        return bool(statement["Effect"] == "Deny")
    return (
        _names(statement, request)
        and _is_like(request.action, statement["Action"])
        and _is_like(request.resource, statement.get("Resource", "*"))
        and all(_is_met(operator, keys, request.context) for operator, keys in conditions.items())
    )


def _names(statement: Mapping[str, Any], request: Request) -> bool:
    principal = statement.get("Principal", "*")
    given = (
        [principal] if isinstance(principal, str) else [name for kind in principal.values() for name in _listed(kind)]
    )
    return any(name in given for name in request.names())


def _is_met(operator: str, keys: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    """A key that the request lacks matches nothing."""
    literal = operator == "StringEquals"
    return all(
        key in context and (context[key] in _listed(wanted) if literal else _is_like(context[key], wanted))
        for key, wanted in keys.items()
    )


def _is_like(value: str, patterns: Any) -> bool:
    return any(fnmatchcase(value, pattern) for pattern in _listed(patterns))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
