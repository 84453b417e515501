"""A notification before it is sent, and what makes text safe to show in one.

Text from an event is untrusted: it is shown with every control character spelled out, never interpreted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from relight.plain import plain

# SNS allows 100 ASCII characters (https://docs.aws.amazon.com/sns/latest/api/API_Publish.html).
SUBJECT_LENGTH = 99
LINE_LENGTH = 600


@dataclass(frozen=True, slots=True)
class Message:
    """What is published."""

    subject: str
    text: str
    data: Mapping[str, Any]
    attributes: Mapping[str, str | list[str]]


def clean(value: object, limit: int = LINE_LENGTH) -> str:
    """Text on one line: control, format and separator characters are spelled out, so that none can forge a line.

    Links are broken: in a message that tells people what to do, one in an intruder's user agent would be followed.
    """
    spelled = plain(str(value)).replace("://", "[:]//")
    return spelled if len(spelled) <= limit else spelled[: limit - 1] + "…"


def subject_line(text: str) -> str:
    """Printable ASCII, short enough for SNS."""
    ascii_only = "".join(char if " " <= char <= "~" else "?" for char in clean(text))
    return ascii_only if len(ascii_only) <= SUBJECT_LENGTH else ascii_only[: SUBJECT_LENGTH - 3] + "..."


def shown(value: object) -> str:
    """A drift's value as a person reads it."""
    if value in ("", None, {}, []):
        return "none"
    if isinstance(value, list):
        return " and ".join(map(shown, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{clean(name)}={shown(each)}" for name, each in value.items())
    return clean(value if isinstance(value, str) else json.dumps(value))
